"""Items after edits, told by the items that were given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gigo.inputs import Inputs, differing, take
from gigo.types import Dataset, Labels


@dataclass(frozen=True, eq=False)
class After:
    """m items that n given ones became.

    Attributes:
        dataset: of the items given: row i of ``x_train`` is item i.
        item: (m,) int64, which given item each is; -1: an added one.
        source: (m,) int64, the given item from which each has what is no input, and its input
            where that did not change; -1: none, it is new in every way.
        rows: (k,) int64, places of those with another input than their source's, ascending.
        x: k inputs, theirs; None where k is 0.
        labels: (m,) int64 codes of classes.
    """

    dataset: Dataset
    item: Labels
    source: Labels
    rows: Labels
    x: Inputs | None
    labels: Labels

    @property
    def is_whole(self) -> bool:
        """Whether they are the items given, in their order, with the inputs that they had."""
        n = self.dataset.n_train
        return not len(self.rows) and len(self.source) == n and bool((self.item >= 0).all())

    def cells(self, names: list[str]) -> dict[str, tuple[Labels, list[Any]]]:
        """By column of inputs, places of cells that changed, and their values as gigo has them.

        Args:
            names: of the columns. Where inputs are texts or vectors in one column, its name.
        """
        if self.x is None:
            return {}
        if isinstance(self.x, list):
            return {names[0]: (self.rows, self.x)}
        if not hasattr(self.x, "iloc"):
            if len(names) == 1 and self.x.shape[1] != 1:
                return {names[0]: (self.rows, self.x.tolist())}
            return {name: (self.rows, self.x[:, k].tolist()) for k, name in enumerate(names)}
        known = self.source[self.rows] >= 0
        before = take(self.dataset.x_train, np.maximum(self.source[self.rows], 0))
        found: dict[str, tuple[Labels, list[Any]]] = {}
        for name, other in differing(before, self.x).items():
            places = np.flatnonzero(other | ~known)
            if len(places):
                values: list[Any] = self.x[name].iloc[places].astype(object).tolist()
                found[str(name)] = self.rows[places], values
        return found

    def values(self, given: NDArray[Any], codes: Labels) -> NDArray[Any]:
        """(K,) what labels of each class are as the user has them.

        Args:
            given: (n,) labels of the items given.
            codes: (n,) their classes.
        """
        classes = self.dataset.classes
        first = np.full(len(classes), -1)
        first[codes[::-1]] = np.arange(len(codes))[::-1]  # the last one written is the first item
        if (first >= 0).all():
            return given[first]
        found = np.empty(len(classes), object)
        for k, name in enumerate(classes):
            kind = given.dtype.kind
            bare = float(name) if kind == "f" else int(float(name)) if kind in "iu" else name
            bare = name == "True" if kind == "b" else bare
            found[k] = given[first[k]] if first[k] >= 0 else bare
        return found if given.dtype.kind in "OU" else found.astype(given.dtype)
