"""What theory expects of a corruption, to be drawn beside what was measured."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from gigo.corruptions import CATALOGUE, cliffs, limiting_accuracy
from gigo.specs import Choice
from gigo.study import Study
from gigo.types import TestSet


class Cliff(NamedTuple):
    """A rate past which some classes are lost to a consistent learner.

    Attributes:
        rate: fraction of labels corrupted, 0 to 1.
        accuracy_after: the test accuracy that is left just past it, 0 to 1.
    """

    rate: float
    accuracy_after: float


def theoretical_cliffs(corruption: Choice, test_set: TestSet) -> tuple[Cliff, ...]:
    """The distinct cliffs of a corruption, ascending; none where the true class always wins."""
    n_classes = len(test_set.class_names)
    destinations = CATALOGUE[corruption.name].destinations(n_classes, **corruption.options)
    shares = np.bincount(test_set.y_test, minlength=n_classes) / len(test_set.y_test)
    rates = [float(rate) for rate in np.unique(cliffs(destinations).round(12)) if rate < 1]
    return tuple(
        Cliff(rate, limiting_accuracy(destinations, shares, (rate + following) / 2))
        for rate, following in pairwise([*rates, 1.0])
    )


def cliffs_of(
    studies: Iterable[Study], test_sets: Mapping[str, TestSet]
) -> dict[tuple[str, str], tuple[Cliff, ...]]:
    """The cliffs by (data set's name, corruption's label) of all that some studies hold."""
    by_name = {test_set.name: test_set for test_set in test_sets.values()}
    return {
        (name, choice.label): theoretical_cliffs(choice, by_name[name])
        for study in studies
        for name in study.dataset
        for choice in study.corruption
        if name in by_name
    }
