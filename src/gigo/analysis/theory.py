"""What theory expects of a corruption, to be drawn beside what was measured."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from gigo.analysis.intervals import Floats
from gigo.grid import Grid
from gigo.records import TestSet
from gigo.types import Labels


class Cliff(NamedTuple):
    """A rate past which some classes are lost to a consistent learner.

    Attributes:
        rate: fraction of labels corrupted, 0 to 1.
        accuracy_after: the test accuracy that is left just past it, 0 to 1.
    """

    rate: float
    accuracy_after: float


def theoretical_cliffs(rates: Sequence[float] | Floats, labels: Labels) -> tuple[Cliff, ...]:
    """The distinct cliffs of a corruption, ascending; none where the true class always wins.

    Args:
        rates: (K,) at which each class is lost (`gigo.corruptions.cliffs`); 1 is never.
        labels: (n,) of the test set.

    >>> theoretical_cliffs([0.5, 1.0], np.array([0, 1, 1, 1]))
    (Cliff(rate=0.5, accuracy_after=0.75),)
    """
    own = np.round(np.asarray(rates), 12)[labels]
    return tuple(Cliff(float(rate), float((own > rate).mean())) for rate in np.unique(own[own < 1]))


def cliffs_of(
    grids: Iterable[Grid], test_sets: Mapping[str, TestSet]
) -> dict[tuple[str, str], tuple[Cliff, ...]]:
    """The cliffs by (data set's name, corruption's label) of all that some grids hold."""
    by_name = {test_set.name: test_set for test_set in test_sets.values()}
    return {
        (name, label): theoretical_cliffs(rates, by_name[name].labels["test"])
        for grid in grids
        for name, corruptions in grid.cliffs.items()
        for label, rates in corruptions.items()
        if name in by_name
    }
