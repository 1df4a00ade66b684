"""Who trains on what: the items of a trial, those it holds out, and what was done to both."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from inspect import signature
from typing import Any

import numpy as np

from gigo.content import canonical
from gigo.edited import Edited
from gigo.errors import DataError
from gigo.inputs import Inputs, count
from gigo.reference import Reference
from gigo.rng import Stream, grouped, stratified
from gigo.schedule import Schedule, TrainingSet
from gigo.trial import HELD_OUT, SCIENCE, Trial
from gigo.types import Corruption, Dataset, Labels

Vectors = Callable[[str, Inputs], Inputs]
"""What models are given in place of inputs that a corruption brings, by a name for these."""


def sample(trial: Trial, dataset: Dataset) -> TrainingSet:
    """What a trial trains on. Depends on the rate only in how many edits are made.

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
    return Sampler(dataset, [trial])(trial)


class Sampler:
    """What trials of a data set train on, as `sample` says.

    What trials of the same items have in common is drawn once as long as they come one after the
    other: which items they are, and in which order which of them get what.

    Args:
        dataset: theirs, as it is.
        trials: those that will come: inputs that a corruption brings are made once, as many as
            the highest of their rates needs; without them anew where a rate needs more.
        vectors: turns inputs that a corruption brings into what models are given; None: nothing.
    """

    def __init__(
        self, dataset: Dataset, trials: Iterable[Trial] = (), vectors: Vectors | None = None
    ) -> None:
        self._dataset, self._vectors = dataset, vectors
        self._source: tuple[object, ...] = ()
        self._items: tuple[Labels, Labels]
        self._drawn: dict[str, Schedule] = {}
        self._extra: dict[str, Inputs] = {}
        self._made: dict[str, Inputs] = {}
        self._most: dict[Any, float] = {}
        for trial in trials:
            if trial.corruption is not None:
                chain = trial.source, trial.corruption.identity
                self._most[chain] = max(self._most.get(chain, 0.0), trial.rate)

    def __call__(self, trial: Trial) -> TrainingSet:
        """What a trial trains on; raises DataError, SpecError."""
        if self._source != trial.source:
            self._items = _items(trial, self._dataset)
            self._drawn, self._extra, self._made = {}, {}, {}
            self._source = trial.source
        rows, held_out = self._items
        found = self._corrupted(trial, rows, "corruption")
        after, extras = Edited.begin(self._dataset, held_out), found.extras
        if trial.validation == "noisy":
            after = self._corrupted(trial, held_out, "corruption/held-out")
            extras = {**extras, **after.extras}
        return TrainingSet(
            rows=found.rows,
            labels=found.labels,
            true_labels=found.true,
            touched=found.touched,
            changed=found.changed,
            held_out=self._behind(found, after.rows),
            held_out_labels=after.labels,
            n_given=found.n_given,
            n_selected=int(found.touched.sum()) + found.n_left,
            n_changed=int(found.changed.sum()) + found.n_left,
            weights=found.weights,
            places=found.places if found.n_added or found.n_left else None,
            extras={name: self._seen(name, x) for name, x in extras.items()},
            probes=self._probes(trial, found),
        )

    def _corrupted(self, trial: Trial, items: Labels, purpose: str) -> Edited:
        """What becomes of ``items``; ``purpose`` names the random stream."""
        now, corruption = Edited.begin(self._dataset, items), trial.corruption
        if corruption is None:
            return now
        items_named = canonical([SCIENCE, self._dataset.sha256, trial.source, purpose])
        for place, (first, rate) in enumerate(corruption.before):
            if purpose == "corruption" or not first.training_only:
                stream = Stream(trial.seed, trial.replicate, f"{purpose}/{place}")
                now = self._edited(now, first, rate, rate, stream, items_named)
            items_named += f" {first.identity} {rate!r}"
        spared = corruption.training_only and purpose != "corruption"
        if corruption.value is None or spared:
            return now
        most = max(trial.rate, self._most.get((trial.source, corruption.identity), 0.0))
        stream = Stream(trial.seed, trial.replicate, purpose)
        return self._edited(now, corruption, trial.rate, most, stream, items_named)

    def _edited(
        self,
        now: Edited,
        corruption: Corruption,
        rate: float,
        most: float,
        stream: Stream,
        items_named: str,
    ) -> Edited:
        """After a corruption at a rate.

        Args:
            now: the items before it.
            corruption: what is done to them.
            rate: of that.
            most: the highest rate that its inputs are made for.
            stream: what is drawn comes from there.
            items_named: names the items, and what was done to them before.
        """
        name = f"{items_named} {stream.name} {corruption.identity}"
        if name not in self._drawn:
            self._drawn[name] = drawn(corruption, *now.seen(), stream, items_named)
        schedule, n = self._drawn[name], len(now.rows)
        edits = schedule.n_edits(rate, n)
        if edits and callable(schedule.extra) and count(self._extra.get(name, [])) < edits:
            whole = schedule.n_edits(min(most, schedule.highest(n)), n)
            self._extra[name] = schedule.extra(max(edits, whole))
            self._made.pop(name, None)
        extra = self._extra[name] if edits and callable(schedule.extra) else schedule.extra
        return now.edit(schedule, edits, name, extra if edits else None)

    def _behind(self, found: Edited, held_out: Labels) -> Labels:
        """Rows of held-out items, whose extra inputs come after those of the others."""
        n, more = self._dataset.n_train, sum(map(count, found.extras.values()))
        return np.where(held_out < n, held_out, held_out + more)

    def _probes(self, trial: Trial, found: Edited) -> dict[str, tuple[Inputs, Labels]]:
        """The test sets of a corruption, which depend on the data and its options alone."""
        of = [SCIENCE, self._dataset.sha256, trial.corruption and trial.corruption.identity]
        return {
            name: (self._seen(canonical([*of, "probe", name]), x), y)
            for name, (x, y) in found.probes.items()
        }

    def _seen(self, name: str, x: Inputs) -> Inputs:
        """What models are given in place of inputs."""
        if self._vectors is None:
            return x
        if name not in self._made:
            self._made[name] = self._vectors(name, x)
        return self._made[name]


def drawn(
    corruption: Corruption, dataset: Dataset, items: Labels, stream: Stream, name: str
) -> Schedule:
    """What a corruption does to some items of a data set.

    Args:
        corruption: asks for the scores of a reference model by a parameter ``reference``.
        dataset: as the corruption finds it.
        items: (n,) positions in its rows.
        stream: what is drawn comes from there.
        name: of the items, and of what was done to them before: these scores depend on both.
    """
    asked = signature(corruption.value).parameters.get("reference")
    given: dict[str, Any] = {}
    if asked is not None and asked.default is asked.empty:
        folds = stream.child("reference")
        given["reference"] = Reference(dataset, items, folds, f"{name} {folds.name}")
    return Schedule(*corruption.value(dataset, items, stream, **given))


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
