"""The rates that a corruption can have for a data set, and where theory sees classes lost."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from inspect import signature

import numpy as np
from numpy.typing import NDArray

from gigo.corruptions import cliffs, highest_rate, matrix_of, transition_matrix
from gigo.errors import SpecError
from gigo.resolve.data import in_memory
from gigo.rng import Stream
from gigo.schedule import Schedule
from gigo.study import Study, items_of
from gigo.types import Card, Corruption, silent


def cliffs_of(card: Card, kinds: Sequence[Corruption]) -> dict[str, tuple[float, ...]]:
    """By the label of each corruption that is a matrix, see `Grid`."""
    return {
        kind.label: tuple(_lost(kind, card).tolist())
        for kind in kinds
        if kind.matrix is not None and card.n_classes > 1 and not kind.before
    }


def _lost(kind: Corruption, card: Card) -> NDArray[np.float64]:
    """(K,) the rate at which each class is lost."""
    assert kind.matrix is not None
    found = matrix_of(kind.matrix, card.classes)
    return cliffs(found, _shares(card), rate_of=kind.rate_of)


class Possible:
    """The rates that corruptions can have for a data set and the sizes of a study.

    The data are read once at most, however many corruptions are tried on them.
    """

    def __init__(self, card: Card, study: Study) -> None:
        self._card, self._known = card, dict[str, float]()
        self._load = cache(card.load)
        self._most = max(items_of(size, card.n_train) for size in study.size)

    def below(self, kinds: Sequence[Corruption]) -> dict[str, float]:
        """By the label of each corruption that can't have every rate, the highest that it can."""
        known = {kind.label: self.highest(kind) for kind in kinds}
        return {label: rate for label, rate in known.items() if rate < 1}

    def check(self, field: str, rate: float, kind: Corruption) -> None:
        """Raise SpecError for a rate that a corruption can't have, before anything is trained.

        What is left to the sample is how far the items of a trial differ from the whole set.
        """
        if kind.rate_of == "added" and rate >= 1:
            expected = (
                f"below 1 for {kind.label}: of a set that is added whole nothing else is there"
            )
            raise SpecError(field, rate, expected)
        highest = self.highest(kind)
        if rate > highest + 1e-9:
            expected = f"at most {highest:.4g} for {kind.label}"
            if kind.rate_of == "set":
                rest = f"{100 * (1 - highest):.3g} % of {self._card.name}"
                expected += f", which leaves the other {rest} as they are"
            elif kind.rate_of == "added":
                expected += f": it has no more items to add to so many of {self._card.name}"
            raise SpecError(field, rate, expected)

    def highest(self, kind: Corruption) -> float:
        """The highest rate that the data allow, after what comes before it.

        Each corruption is asked, also where the answer is known: options that do not fit the data
        are then told before anything is trained.
        """
        if self._card.n_classes < 2:
            return 1.0
        if kind.identity not in self._known:
            found = self._drawn(kind) if kind.matrix is None else _of_matrix(kind, self._card)
            self._known[kind.identity] = 1.0 if kind.rate_of == "eligible" else found
        return self._known[kind.identity]

    def _drawn(self, kind: Corruption) -> float:
        """That of a schedule for as many items as any trial has.

        Those that a reference model gives have all items.
        """
        if "reference" in signature(kind.value).parameters:
            return 1.0
        dataset, stream = self._load(silent), Stream(0, 0, "highest rate")
        items = np.sort(stream.permutation(dataset.n_train)[: self._most])
        schedule = Schedule(*kind.value(dataset, items, stream))
        return schedule.highest(len(items))


def _of_matrix(kind: Corruption, card: Card) -> float:
    """That of classes whose rows in its matrix are not all zeros."""
    assert kind.matrix is not None
    shares = _shares(card)
    for each, rate in kind.before:
        if each.matrix is not None:
            first = matrix_of(each.matrix, card.classes)
            whole = highest_rate(first, shares)
            known = np.full(len(first), 1 / len(first)) if shares is None else shares
            of_all = min(rate * (whole if each.rate_of == "eligible" else 1), whole)
            shares = known @ transition_matrix(first, of_all, shares)
    return highest_rate(matrix_of(kind.matrix, card.classes), shares)


def _shares(card: Card) -> NDArray[np.float64] | None:
    """Of each class in the training set; None where it would have to be read for them."""
    data = in_memory(card)
    if data is None:
        return None
    return np.bincount(data.y_train, minlength=card.n_classes) / data.n_train
