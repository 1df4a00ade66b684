"""Training a stack whatever happens: from its checkpoint, and narrower where memory runs out."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

import torch

from gigo import estimators
from gigo.engine import checkpoint
from gigo.engine.checkpoint import State
from gigo.engine.device import DTYPES, out_of_memory
from gigo.engine.resident import Resident
from gigo.engine.training import Detour, EpochDone
from gigo.errors import EngineError
from gigo.estimators import Fitting
from gigo.features import Making, Vectors, featured
from gigo.planner import Room
from gigo.records import Record
from gigo.sample import Sampler
from gigo.trial import Trial
from gigo.types import Card, Dataset, Features, Watch

Trainer = Callable[
    [Sequence[Trial], Resident, State | None], Iterator[Detour | EpochDone | Record | State]
]
"""Trains a stack, from a state of it if there is one; `gigo.engine.training.train` is one."""


class Setup(NamedTuple):
    """What training needs to know besides the trials; it can be sent to another process.

    Attributes:
        device: of PyTorch.
        precision: resolved.
        memory: bytes that a stack may need.
        trainer: trains a stack.
    """

    device: str
    precision: str
    memory: int
    trainer: Trainer


class Library:
    """Data sets as they are asked for; the last one stays in memory."""

    def __init__(
        self,
        setup: Setup,
        watch: Watch = lambda file, done, total: None,
        making: Making = lambda name, done, total: None,
    ) -> None:
        self._setup, self._watch, self._making = setup, watch, making
        self._dataset: Dataset | None = None
        self._seen: tuple[str, str] | None = None
        self._inputs: Dataset | None = None
        self._resident: Resident | None = None

    def dataset(self, card: Card) -> Dataset:
        """A data set by what is known of it; raises DataError."""
        if self._dataset is None or self._dataset.sha256 != card.sha256:
            self._dataset = self._inputs = self._resident = None  # two need not fit
            self._dataset = card.load(self._watch)
        return self._dataset

    def inputs(self, trial: Trial) -> Dataset:
        """A trial's data set with what its model is given of it; raises DataError, SpecError."""
        return self.featured(trial.dataset, trial.model.features)

    def featured(self, card: Card, features: Features | None) -> Dataset:
        """A data set with what models with some features are given of it; raises likewise."""
        dataset = self.dataset(card)
        seen = dataset.sha256, features.identity if features else ""
        if self._inputs is None or self._seen != seen:
            self._inputs = self._resident = None
            self._inputs, self._seen = featured(dataset, features, self._making), seen
        return self._inputs

    def resident(self, trial: Trial) -> Resident:
        """The same on the device."""
        dataset = self.inputs(trial)
        if self._resident is None:
            device, dtype = torch.device(self._setup.device), DTYPES[self._setup.precision]
            self._resident = Resident(dataset, device, dtype, partial(self.sampler, trial))
        return self._resident

    def sampler(self, trial: Trial, trials: Sequence[Trial]) -> Sampler:
        """Gives what trials train on that share a trial's data set and features."""
        dataset, features = self.dataset(trial.dataset), trial.model.features
        vectors = features and Vectors(dataset, features, self._making)
        return Sampler(dataset, trials, vectors)


@dataclass(frozen=True)
class Job:
    """Trials to train together, and the file for their state."""

    trials: tuple[Trial, ...]
    checkpoint: Path

    @classmethod
    def of(cls, trials: Sequence[Trial], folder: Path) -> Job:
        """A job whose file in a folder is named by its trials."""
        name = hashlib.sha256("".join(trial.key for trial in trials).encode()).hexdigest()
        return cls(tuple(trials), folder / f"{name[:16]}.pt")


class Begun(NamedTuple):
    """A job has begun."""


class Done(NamedTuple):
    """A job is done; its records came before, and are stored before this is passed on."""


class Note(NamedTuple):
    """Something worth a line of its own."""

    text: str


Event = Begun | Detour | EpochDone | Fitting | Record | Note | Done


class Training:
    """Jobs trained one after the other in this process.

    Args:
        setup: what they have in common.
        library: where data sets come from.
        stored: returns when all records so far are in the store. A checkpoint no longer holds the
            members that left, so it must not be written before.
    """

    def __init__(
        self, setup: Setup, library: Library, stored: Callable[[], None] = lambda: None
    ) -> None:
        self._train, self._library, self._stored = setup.trainer, library, stored
        self._room = Room(setup.memory)

    def events(self, job: Job) -> Iterator[Event]:
        """Train a stack, from its checkpoint if there is one; when done the checkpoint is gone.

        Raises:
            DataError: its data set can't be read.
            EngineError: memory does not suffice for a single model.
        """
        yield Begun()
        if job.trials[0].model.trainer == "estimator":
            first = job.trials[0]
            dataset = self._library.inputs(first)
            sampler = self._library.sampler(first, job.trials)
            yield from estimators.fit_all(job.trials, dataset, sampler)
            yield Done()
            return
        resident = self._library.resident(job.trials[0])
        state = checkpoint.load(job.checkpoint, resident.device)
        if state is not None and state.keys != tuple(trial.key for trial in job.trials):
            state = None  # another process wrote it in between
        stacks = [list(job.trials)] if state else self._room.parts(job.trials)
        for stack in stacks:
            for event in self._narrower_and_narrower(stack, resident, state):
                if isinstance(event, State):
                    self._stored()
                    yield from _save(event, job.checkpoint)
                else:
                    yield event
        self._stored()
        checkpoint.remove(job.checkpoint)
        yield Done()

    def _narrower_and_narrower(
        self, trials: Sequence[Trial], resident: Resident, state: State | None
    ) -> Iterator[Event | State]:
        """Train a stack; where memory does not suffice, what is left of it as smaller ones."""
        left = {trial.key: trial for trial in trials}
        try:
            for event in self._train(trials, resident, state):
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
                message = f"memory does not suffice to train one model: {error}"
                raise EngineError(message) from None
        yield narrower(len(trials), -(-len(left) // 2))
        if resident.device.type == "cuda":
            torch.cuda.empty_cache()
        self._room.ran_out(trials)
        for half in halves(list(left)):
            for part in self._room.parts([left[key] for key in half]):
                smaller = None if state is None else state.of([trial.key for trial in part])
                yield from self._narrower_and_narrower(part, resident, smaller)


def halves(items: Sequence[str]) -> list[Sequence[str]]:
    """Items in order as two parts, as one if there is but one, as none if there is none."""
    half = -(-len(items) // 2)
    return [part for part in (items[:half], items[half:]) if part]


def narrower(before: int, after: int) -> Note:
    """What is said when a stack is made narrower."""
    return Note(f"out of memory with {before} models at once: going on with {after}")


def _save(state: State, path: Path) -> Iterator[Note]:
    """Write a checkpoint, which only saves time: without one training goes on all the same."""
    try:
        path.parent.mkdir(exist_ok=True)
        checkpoint.save(state, path)
    except OSError as error:
        # An older one still stands, and is good.
        yield Note(f"going on without a checkpoint: {path}: {error.strerror or error}")
