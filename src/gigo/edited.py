"""A training set while corruptions edit it, one after the other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gigo.errors import SpecError
from gigo.inputs import Inputs, count, joined, take
from gigo.schedule import ADDED, KEEP, LEAVE, Schedule
from gigo.types import Dataset, Labels


@dataclass(frozen=True, eq=False)
class Edited:
    """Items of a data set, and what was done to them so far.

    Attributes:
        dataset: as it was at first.
        rows: (n,) int64, of the pool: ``x_train``, then the ``extras`` one after the other.
        labels, true: (n,) as `gigo.schedule.TrainingSet` has them.
        touched, moved: (n,) bool: edited; with another input than at first, or an added copy.
        places: (n,) int64, where each stands among those given, added ones after these.
        weights: (n,) float64, or None.
        groups: (n,) int64, or None: a copy is of the group of its item, a new input of its own.
        n_given, n_added, n_left: items at first, added and gone so far.
        extras: inputs that ``x_train`` has not, by name.
        probes: further test sets by name, inputs and labels each.
    """

    dataset: Dataset
    rows: Labels
    labels: Labels
    true: Labels
    touched: NDArray[np.bool_]
    moved: NDArray[np.bool_]
    places: Labels
    weights: NDArray[np.float64] | None
    groups: Labels | None
    n_given: int
    n_added: int = 0
    n_left: int = 0
    extras: Mapping[str, Inputs] = field(default_factory=dict[str, Any])
    probes: Mapping[str, tuple[Inputs, Labels]] = field(default_factory=dict[str, Any])

    @classmethod
    def begin(cls, dataset: Dataset, items: Labels) -> Edited:
        """Items (n,) of a data set to which nothing was done."""
        true, n = dataset.y_train[items], len(items)
        return cls(
            dataset=dataset,
            rows=items,
            labels=true,
            true=true,
            touched=np.zeros(n, np.bool_),
            moved=np.zeros(n, np.bool_),
            places=np.arange(n),
            weights=None if dataset.weights is None else dataset.weights[items],
            groups=None if dataset.groups is None else dataset.groups[items],
            n_given=n,
        )

    @property
    def changed(self) -> NDArray[np.bool_]:
        """(n,) where edits made a difference."""
        return self.moved | (self.labels != self.true)

    @property
    def whole(self) -> bool:
        """Whether they are the items given, with the inputs that they had."""
        return not self.extras and not self.n_added and not self.n_left and not self.moved.any()

    def seen(self) -> tuple[Dataset, Labels]:
        """The data set as the next corruption finds it, and its items: positions in its rows.

        Inputs are copied only where they are no longer those of the data set.
        """
        if self.whole and not self.touched.any():
            return self.dataset, self.rows
        if self.whole:
            return replace(self.dataset, y_train=self._over(self.labels)), self.rows
        now = replace(
            self.dataset,
            x_train=taken(self.dataset.x_train, self.extras, self.rows),
            y_train=self.labels,
            weights=self.weights,
            origin=np.full(len(self.rows), -1),
            groups=self.groups,
        )
        return now, np.arange(len(self.rows))

    def _over(self, labels: Labels) -> Labels:
        """(n_train,) labels of the data set, (n,) others in the places of these items."""
        found = self.dataset.y_train.copy()
        found[self.rows] = labels
        return found

    def edit(self, schedule: Schedule, k: int, name: str, extra: Inputs | None) -> Edited:
        """After the first k edits of a schedule that was made for what is `seen`.

        Args:
            schedule: the edits.
            k: how many.
            name: what the schedule's extra inputs are called.
            extra: these, or the first of them, all that k edits need.

        Raises:
            SpecError: no item is left, an item is added without an input or a label, or test sets
                of two corruptions have one name.
        """
        schedule = schedule.first(k)
        for twice in self.probes.keys() & schedule.probes.keys():
            expected = f"one alone that brings a test set called {twice}"
            raise SpecError("corruption", "one after another", expected)
        own = schedule.item != ADDED
        row, source = self._rows(schedule)
        at, label = schedule.item[own], schedule.label[own]
        labels, true, rows = self.labels.copy(), self.true.copy(), self.rows.copy()
        touched, moved, stays = self.touched.copy(), self.moved.copy(), np.ones(len(rows), np.bool_)
        labels[at[label >= 0]] = label[label >= 0]
        stays[at[label == LEAVE]] = False
        other = row[own] >= 0
        rows[at[other]] = row[own][other]
        moved[at[other]] = True
        touched[at] = True
        if schedule.true is not None:
            true[at] = schedule.true[own]
        if not stays.any() and own.all():
            expected = f"fewer than all {len(rows)} items to leave: none is left to train on"
            raise SpecError("rate", f"{k} edits", expected)
        new = self._added(schedule, row, source)
        old = (rows, labels, true, touched, moved, self.places)
        both = [np.concatenate([x[stays], y]) for x, y in zip(old, new, strict=True)]
        rows, labels, true, touched, moved, places = both
        return replace(
            self,
            rows=rows,
            labels=labels,
            true=true,
            touched=touched,
            moved=moved,
            places=places,
            weights=self._weights(stays, source[~own]),
            groups=self._groups(stays, source[~own]),
            n_added=self.n_added + int((~own).sum()),
            n_left=self.n_left + int((~stays).sum()),
            extras=self.extras if extra is None else {**self.extras, name: extra},
            probes={**self.probes, **schedule.probes},
        )

    def _rows(self, schedule: Schedule) -> tuple[Labels, Labels]:
        """Of each edit (k,) the row of the pool that it brings, and the row of what is `seen`.

        -1 where it brings none; where it is none of those seen.
        """
        k, seen = len(schedule.item), self.dataset.n_train if self.whole else len(self.rows)
        own = sum(map(count, self.extras.values())) + self.dataset.n_train  # those are there
        if schedule.row is None:
            none = np.full(k, -1)
            return (none if schedule.extra is None else own + np.arange(k)), none
        given = schedule.row
        source = np.where(given < seen, given, -1)
        pool = given if self.whole else np.append(self.rows, -1)[source]
        return np.where(given < seen, pool, own + given - seen), source

    def _added(self, schedule: Schedule, row: Labels, source: Labels) -> list[NDArray[Any]]:
        """The columns of the items that a schedule adds."""
        added = schedule.item == ADDED
        row, source, label = row[added], source[added], schedule.label[added]
        copied, true = label == KEEP, schedule.true
        if (row < 0).any() or ((source < 0) & (copied | (true is None))).any():
            expected = "an input for each item that it adds, with label and true label if it is new"
            raise SpecError("corruption", "its schedule", expected)
        if self.whole:
            labels, known = self._over(self.labels), self._over(self.true)
        else:
            labels, known = self.labels, self.true
        n, m = self.n_given + self.n_added, len(row)
        return [
            row,
            np.where(copied, labels[source], label),
            known[source] if true is None else true[added],
            np.ones(m, np.bool_),
            copied | (source < 0),
            n + np.arange(m),
        ]

    def _weights(self, stays: NDArray[np.bool_], source: Labels) -> NDArray[np.float64] | None:
        """Those of the items that stay, then of those added; of new inputs it is the mean."""
        if self.weights is None:
            return None
        those = self.dataset.weights if self.whole else self.weights
        assert those is not None
        mean = self.weights.mean()
        return np.concatenate([self.weights[stays], np.append(those, mean)[source]])

    def _groups(self, stays: NDArray[np.bool_], source: Labels) -> Labels | None:
        """Likewise; a new input gets a negative number that no other item has."""
        if self.groups is None:
            return None
        those = self.dataset.groups if self.whole else self.groups
        assert those is not None
        alone = -1 - (self.n_added + np.arange(len(source)))
        added = np.where(source < 0, alone, those[source])
        return np.concatenate([self.groups[stays], added])


def taken(x: Inputs, extras: Mapping[str, Inputs], rows: Labels) -> Inputs:
    """Rows of a pool: those of x, then those of each of the extras.

    >>> taken(["a", "b"], {"typos": ["c", "d"]}, np.array([3, 0, 2]))
    ['d', 'a', 'c']
    """
    n = count(x)
    if not extras or not len(rows) or rows.max() < n:
        return take(x, rows)
    own = rows < n
    others = joined([*extras.values()])
    both = joined([take(x, rows[own]), take(others, rows[~own] - n)])
    order = np.empty(len(rows), np.int64)
    order[np.concatenate([np.flatnonzero(own), np.flatnonzero(~own)])] = np.arange(len(rows))
    return take(both, order)
