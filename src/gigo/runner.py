"""Pending trials to stacks, stacks to the engine, records to the store."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from gigo import datasets, planner
from gigo.engine import checkpoint
from gigo.engine.checkpoint import State
from gigo.engine.device import (
    DTYPES,
    exact_float32,
    keep_freed_memory,
    out_of_memory,
    resolve_device,
    resolve_precision,
    stack_memory,
)
from gigo.engine.resident import Resident
from gigo.engine.training import EpochDone, train
from gigo.errors import EngineError
from gigo.store import Store
from gigo.study import Study
from gigo.trial import Trial
from gigo.types import Dataset, Record, TestSet


@dataclass(frozen=True)
class Progress:
    """How far a run is.

    Attributes:
        done: trials in the store, of this study.
        total: trials of this study.
        stack: what is being trained, for people.
        running: members of the stack that are still training.
        epoch: of the stack; ``epochs`` at most.
        seconds: since this process began training.
        seconds_left: a guess from the speed so far; None before the first epoch.
        download: the file that is being fetched, with how much of it is there, else empty.
        note: something worth a line of its own, else empty.
    """

    done: int
    total: int
    stack: str = ""
    running: int = 0
    epoch: int = 0
    epochs: int = 0
    seconds: float = 0.0
    seconds_left: float | None = None
    download: str = ""
    note: str = ""


CHECKPOINT = "stack.pt"
"""The file in the run folder with the state of the stack in training."""

Listener = Callable[[Progress], None]


def run(
    study: Study,
    path: Path,
    *,
    data_dir: Path | None = None,
    device: str = "auto",
    listener: Listener = lambda progress: None,
) -> None:
    """Train what is missing of a study in the run folder ``path``; safe to interrupt and repeat.

    Args:
        study: what to train.
        path: a new folder, or one that holds part of this study or of a narrower one.
        data_dir: where data files lie; see `gigo.datasets.load`.
        device: ``auto``, or a PyTorch device.
        listener: called with every change of progress.

    Raises:
        SpecError: an unknown device.
        DataError: a data set is missing or damaged.
        StoreError: the folder can't be written, is in use or holds an incompatible study.
        EngineError: memory does not suffice for a single model.
    """
    place = resolve_device(device)
    precision = resolve_precision(study.precision, place)
    with Store.create(path, study, precision) as store:
        keep_freed_memory()
        exact_float32()
        trials = study.trials(store.precision)
        done = store.keys() & trials.keys()
        pending = [trial for key, trial in trials.items() if key not in done]
        meter = _Meter(pending, len(trials), listener)
        room = planner.Room(stack_memory(place))
        cut_off = checkpoint.load(path / CHECKPOINT, place) if pending else None
        for name in dict.fromkeys(trial.dataset for trial in pending):
            accepted = study.unverified.get(name)
            dataset = datasets.load(name, data_dir, accepted=accepted, watch=meter.download)
            store.add_test_set(_test_set(dataset))
            resident = Resident(dataset, place, DTYPES[store.precision])
            group = [trial for trial in pending if trial.dataset == name]
            for stack, state in _stacks(group, trials, cut_off, room):
                for event in _train(stack, resident, meter, room, state):
                    if isinstance(event, State):
                        _save(event, path / CHECKPOINT, meter)
                    elif isinstance(event, Record) and event.key not in done:
                        store.add([event])
                        done.add(event.key)
                        meter.take(event)
                    elif isinstance(event, EpochDone):
                        meter.take(event)
                checkpoint.remove(path / CHECKPOINT)


def _stacks(
    pending: Sequence[Trial],
    trials: Mapping[str, Trial],
    cut_off: State | None,
    room: planner.Room,
) -> Iterator[tuple[list[Trial], State | None]]:
    """What to train together: first the stack that was cut off, with the state to go on from.

    Members of it that left after its state was taken are trained along once more, so that it goes
    on exactly as it was; their records are there already.
    """
    keys = {trial.key for trial in pending}
    if cut_off is not None and not keys.isdisjoint(cut_off.keys) and {*cut_off.keys} <= {*trials}:
        yield [trials[key] for key in cut_off.keys], cut_off
        pending = [trial for trial in pending if trial.key not in cut_off.keys]
    for stack in planner.plan(pending, room.memory).stacks:
        for part in room.parts(stack):  # if memory ran out meanwhile
            yield part, None


def _train(
    trials: Sequence[Trial],
    resident: Resident,
    meter: _Meter,
    room: planner.Room,
    state: State | None = None,
) -> Iterator[EpochDone | Record | State]:
    """Train a stack; where memory does not suffice, what is left of it as two smaller ones."""
    left = {trial.key: trial for trial in trials}
    meter.begin(trials)
    try:
        for event in train(trials, resident, state):
            if isinstance(event, Record):
                del left[event.key]
            elif isinstance(event, State):
                state = event
            yield event
        return
    except (MemoryError, RuntimeError) as error:
        if not out_of_memory(error):
            raise
        if len(trials) == 1:
            raise EngineError(f"memory does not suffice to train one model: {error}") from None
    keys = list(left)
    half = -(-len(keys) // 2)
    meter.say(f"out of memory with {len(trials)} models at once: going on with {half}")
    if resident.device.type == "cuda":
        torch.cuda.empty_cache()
    room.ran_out(trials)
    for part in filter(None, (keys[:half], keys[half:])):
        for piece in room.parts([left[key] for key in part]):
            smaller = None if state is None else state.of([trial.key for trial in piece])
            yield from _train(piece, resident, meter, room, smaller)


def _save(state: State, path: Path, meter: _Meter) -> None:
    """Write a checkpoint, which only saves time: without one training goes on all the same."""
    try:
        checkpoint.save(state, path)
    except (OSError, RuntimeError) as error:  # on a full disk PyTorch raises the latter
        checkpoint.remove(path)
        meter.say(f"going on without a checkpoint: {path}: {str(error).splitlines()[0]}")


def _test_set(dataset: Dataset) -> TestSet:
    return TestSet(
        name=dataset.name,
        sha256=dataset.sha256,
        class_names=dataset.class_names,
        y_test=dataset.y_test,
        n_train=len(dataset.y_train),
        source=dataset.source,
    )


class _Meter:
    """Counts what is done and guesses what is left, by the expected work of each trial."""

    def __init__(self, pending: Sequence[Trial], total: int, listener: Listener) -> None:
        self._listener = listener
        self._work = {trial.key: planner.work(trial) for trial in pending}
        self._all = sum(self._work.values())
        self._left = self._all
        self._stack_work, self._progress, self._expected = 0.0, 0.0, 1.0
        self._started = time.perf_counter()
        self._now = Progress(done=total - len(pending), total=total)
        listener(self._now)

    def begin(self, trials: Sequence[Trial]) -> None:
        """A stack begins."""
        first = trials[0]
        self._stack_work = sum(self._work.get(trial.key, 0.0) for trial in trials)
        self._progress, self._expected = 0.0, planner.expected_epochs(first)
        name = f"{first.dataset}, {first.size} labels, {first.model.label}"
        epochs = first.recipe.epochs
        self._show(stack=name, running=len(trials), epoch=0, epochs=epochs, download="")

    def download(self, file: str, done: int, total: int) -> None:
        """Bytes of a file are there."""
        self._show(download=f"downloading {file}, {done / 1e6:.0f} of {total / 1e6:.0f} MB")

    def take(self, event: EpochDone | Record) -> None:
        """An epoch or a trial is done."""
        if isinstance(event, Record):
            done = self._work[event.key]
            self._left -= done
            self._stack_work -= done
            self._show(done=self._now.done + 1)
            return
        self._progress = min(event.epoch / self._expected, 0.95)
        self._show(running=event.running, epoch=event.epoch, epochs=event.epochs)

    def say(self, note: str) -> None:
        """Something worth a line of its own."""
        self._listener(replace(self._now, note=note))

    def _show(self, **changes: object) -> None:
        seconds = time.perf_counter() - self._started
        self._now = replace(self._now, **changes, seconds=seconds)  # pyright: ignore[reportArgumentType]
        finished = self._all - self._left + self._progress * self._stack_work
        left = seconds * (self._all / finished - 1) if finished > 0 else None
        self._now = replace(self._now, seconds_left=left)
        self._listener(self._now)
