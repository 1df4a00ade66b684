"""Who trains on what: the items of a trial, those it holds out, and their labels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gigo.errors import DataError
from gigo.rng import Stream, grouped, stratified
from gigo.trial import HELD_OUT, Trial
from gigo.types import Dataset, Labels, Schedule, TrainingSet


def sample(trial: Trial, dataset: Dataset) -> TrainingSet:
    """What a trial trains on. Depends on the rate only in which labels are wrong.

    Raises:
        DataError: items are to be held out in groups, and there is one group alone.
        SpecError: the rate is higher than the corruption's highest possible one for these items.

    >>> from gigo.resolve import resolve
    >>> from gigo.study import Study
    >>> grid = resolve(Study.create(dataset="digits", size=100, rates=[0.25, 0.5], replicates=1))
    >>> dataset = grid.datasets[0].load(lambda name, done, total: None)
    >>> low, high = [sample(trial, dataset) for trial in grid.trials.values()]
    >>> len(low.rows), len(low.held_out), int(low.touched.sum()), int(high.touched.sum())
    (80, 20, 20, 40)
    >>> bool((low.rows == high.rows).all()), bool(high.touched[low.touched].all())
    (True, True)
    """
    return Sampler(dataset)(trial)


class Sampler:
    """What trials of a data set train on, as `sample` says.

    What trials of the same items have in common is drawn once as long as they come one after the
    other: which items they are, and in which order which of them get which label.
    """

    def __init__(self, dataset: Dataset) -> None:
        self._dataset = dataset
        self._source: tuple[object, ...] = ()
        self._items: tuple[Labels, Labels]
        self._schedules: dict[tuple[str, str], Schedule] = {}

    def __call__(self, trial: Trial) -> TrainingSet:
        """What a trial trains on; raises DataError, SpecError."""
        if self._source != trial.source:
            self._items, self._schedules = _items(trial, self._dataset), {}
            self._source = trial.source
        rows, held_out = self._items
        true = self._dataset.y_train
        labels, touched = self._corrupted(trial, rows, "corruption")
        held_out_labels = true[held_out]
        if trial.validation == "noisy":
            held_out_labels, _ = self._corrupted(trial, held_out, "corruption/held-out")
        weights = self._dataset.weights
        return TrainingSet(
            rows,
            labels,
            true[rows],
            touched,
            held_out,
            held_out_labels,
            None if weights is None else weights[rows],
        )

    def _corrupted(
        self, trial: Trial, items: Labels, purpose: str
    ) -> tuple[Labels, NDArray[np.bool_]]:
        """The labels that ``items`` get, and which of them were edited.

        ``purpose`` names the random stream.
        """
        labels = self._dataset.y_train[items].copy()
        touched = np.zeros(len(items), dtype=bool)
        if trial.corruption is not None:
            name = purpose, trial.corruption.identity
            if name not in self._schedules:
                stream = Stream(trial.seed, trial.replicate, purpose)
                given = trial.corruption.value(self._dataset, items, stream)
                self._schedules[name] = Schedule(*given)
            edits = self._schedules[name].at(trial.rate, len(items))
            labels[edits.item] = edits.label
            touched[edits.item] = True
        return labels, touched


def _items(trial: Trial, dataset: Dataset) -> tuple[Labels, Labels]:
    """The items trained on and those held out, ascending."""
    chosen = _subset(trial, len(dataset.y_train))
    held_out = np.empty(0, np.int64)
    if trial.holds_out:
        held_out = chosen[_held_out(trial, dataset, chosen)]
    return np.setdiff1d(chosen, held_out, assume_unique=True), held_out


def _subset(trial: Trial, n_items: int) -> Labels:
    """``trial.size`` items, ascending. Random ones are nested over sizes within a replicate."""
    if trial.subset == "first":
        return np.arange(trial.size, dtype=np.int64)
    order = Stream(trial.seed, trial.replicate, "subset").permutation(n_items)
    return np.sort(order[: trial.size])


def _held_out(trial: Trial, dataset: Dataset, chosen: Labels) -> Labels:
    """Places of the held-out items among those chosen; whole groups where there are groups."""
    stream = Stream(trial.seed, trial.replicate, "split")
    labels = dataset.y_train[chosen]
    if dataset.groups is None:
        return stratified(labels, HELD_OUT, stream)
    places = grouped(labels, dataset.groups[chosen], HELD_OUT, stream)
    if not len(places):
        raise DataError(
            f"{dataset.name}: {len(chosen)} items, all of one group: expected two groups or more "
            'to hold one out (a larger size, or validation = "none")'
        )
    return places
