"""How far a run is, and when it will be done."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from gigo import costs
from gigo.engine.training import Detour
from gigo.estimators import Fitting
from gigo.records import FAILED, Record
from gigo.runner.pace import Pace
from gigo.runner.prepare import Prepared
from gigo.runner.stacks import Begun, Done, Event, Job, Note
from gigo.types import Watch


@dataclass(frozen=True)
class Progress:
    """How far a run is.

    Attributes:
        done: trials in the store, of this study.
        total: trials of this study; 0 while its data are read, before they are counted.
        stack: what is being trained, for people; of several stacks the one that began first.
        running: members of that stack that are still training; of estimators, not fitted yet.
        epoch: of that stack; ``epochs`` at most, 0 where its models have no epochs.
        seconds: since this process began training.
        seconds_left: a guess from the speed so far; None before the first epoch or fit.
        download: the file that is being fetched, the images that are decoded, or the features that
            are being made, with how much of them is there, else empty.
        note: something worth a line of its own, else empty.

    >>> import gigo
    >>> seen: list[gigo.Progress] = []
    >>> study = {"dataset": "digits", "model": "linear", "size": 50, "rates": 0, "replicates": 1}
    >>> result = gigo.sweep(**study, listener=seen.append)
    >>> seen[0].done, seen[-1].done, seen[-1].total
    (0, 1, 1)
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


Listener = Callable[[Progress], None]


def reading(listener: Listener) -> Watch:
    """What tells a listener, before it is known how many trials there are, how far data are."""

    def watch(what: str, done: int, total: int) -> None:
        listener(Progress(done=0, total=0, download=f"{done:,} of {total:,} {what}"))

    return watch


@dataclass
class _Part:
    """A stack in training: the work of its trials that have no record yet, and how far it is."""

    job: Job
    work: float
    share: float
    running: int
    epoch: int
    epochs: int


class Meter:
    """Counts what is done and guesses what is left, by the expected work of each trial."""

    def __init__(self, prepared: Prepared, listener: Listener, clock: Callable[[], float]) -> None:
        self._listener, self._clock = listener, clock
        total, pending = prepared.total, prepared.pending
        self._pace = Pace(pending)
        self._warned: set[tuple[str, str]] = set()
        self._detours: set[Detour] = set()
        self._failed = False
        self._parts: dict[Path, _Part] = {}
        self._started = clock()
        self._now = Progress(done=total - len(pending), total=total)
        listener(self._now)

    def download(self, file: str, done: int, total: int) -> None:
        """Bytes of a file are there."""
        self._show(download=f"downloading {file}, {done / 1e6:.0f} of {total / 1e6:.0f} MB")

    def making(self, name: str, done: int, total: int) -> None:
        """Items of a data set have features."""
        self._show(download=f"features of {name}, {done:,} of {total:,} items")

    def note(self, text: str) -> None:
        """Say something worth a line of its own."""
        self._listener(replace(self._now, note=text))

    def take(self, job: Job, event: Event) -> None:
        """Something happened to a job."""
        if isinstance(event, Begun):
            work = sum(self._pace.guess(trial.key) for trial in job.trials)
            trial = job.trials[0]
            epochs = trial.recipe.epochs if trial.model.trainer == "network" else 0
            self._parts[job.checkpoint] = _Part(job, work, 0.0, len(job.trials), 0, epochs)
            self._show()
        elif isinstance(event, Done):
            self._parts.pop(job.checkpoint, None)
        elif isinstance(event, Note):
            self.note(event.text)
        elif isinstance(event, Detour):
            self._detour(event)
        elif isinstance(event, Fitting):
            self._show()
        elif isinstance(event, Record):
            self._told_failure(event)
            self._pace.done(event.key, event.seconds)
            part = self._parts[job.checkpoint]
            part.work -= self._pace.guess(event.key)
            if not part.epochs:
                part.running -= 1
            self._show(done=self._now.done + 1)
            self._warn(job.trials[0].model.label, event.provenance.get("warnings", ()))
        else:
            part = self._parts[job.checkpoint]
            part.share = min(event.epoch / costs.expected_epochs(job.trials[0]), 0.95)
            part.running, part.epoch, part.epochs = event.running, event.epoch, event.epochs
            self._show()

    def _told_failure(self, record: Record) -> None:
        """Say that a trial failed, the first time: whoever sits by can mend what is amiss."""
        if record.status in FAILED and not self._failed:
            self._failed = True
            told = "failed" if record.status == "failed" else "timed out"
            where = f"rate {record.trial['rate']}, replicate {record.trial['replicate']}"
            self.note(f"a trial {told} ({where}), the run goes on: {record.provenance['error']}")

    def _warn(self, model: str, warnings: Iterable[str]) -> None:
        """Pass on what a model warned of, once for each kind of warning."""
        for text in warnings:
            kind = model, text.partition(":")[0]
            if kind not in self._warned:
                self._warned.add(kind)
                self.note(f"{model}: {text}")

    def _detour(self, event: Detour) -> None:
        """Say so, once for all stacks."""
        if event not in self._detours:
            self._detours.add(event)
            way = "by vmap" if event.path == "vmap" else event.path
            self.note(f"{event.model}: trained {way}, because {event.reason}")

    def _show(self, download: str = "", done: int | None = None) -> None:
        now = replace(self._now, download=download, done=self._now.done if done is None else done)
        for part in self._parts.values():  # the one that began first
            trial = part.job.trials[0]
            now = replace(
                now,
                stack=f"{trial.dataset.name}, {trial.size} labels, {trial.model.label}",
                running=part.running,
                epoch=part.epoch,
                epochs=part.epochs,
            )
            break
        seconds = self._clock() - self._started
        share = self._pace.share(sum(p.share * p.work for p in self._parts.values()))
        left = seconds * (1 / share - 1) if share > 0 else None
        self._now = replace(now, seconds=seconds, seconds_left=left)
        self._listener(self._now)
