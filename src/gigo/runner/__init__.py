"""Pending trials to stacks, stacks to the engine, records to the store.

prepare   what is left to do, and how
stacks    a stack trained whatever happens
pool      several at once, each in a process of its own
process   such a process, seen from outside (from inside: `worker`)
progress  how far all that is
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from math import inf
from pathlib import Path
from typing import Any

from gigo import planner
from gigo.engine import checkpoint
from gigo.engine.device import prepare_process
from gigo.engine.training import train
from gigo.errors import SpecError
from gigo.features import needed, told
from gigo.machine import Machine
from gigo.records import Record, TestSet
from gigo.runner import pool
from gigo.runner.prepare import Prepared, check_retry, plan, prepare, resolved
from gigo.runner.progress import Listener, Meter, Progress, reading
from gigo.runner.stacks import Event, Job, Library, Setup, Trainer, Training
from gigo.store import Store
from gigo.study import Study
from gigo.trial import Trial
from gigo.types import Dataset

__all__ = ["Listener", "Prepared", "Progress", "Trainer", "plan", "run"]

PASSING = (
    "its content is not known, so that this run can't go on in another process, unless a key tells "
    'what it is: {"name": ..., "key": "..."}'
)
"""Said of an object of the user's that has no identity of its own."""


def run(
    study: Study,
    path: Path,
    *,
    data_dir: Path | None = None,
    device: str = "auto",
    workers: int | None = None,
    trial_timeout: float | None = None,
    retry: str | None = None,
    listener: Listener = lambda progress: None,
    trainer: Trainer = train,
    machine: Machine | None = None,
    clock: Callable[[], float] = time.perf_counter,
) -> None:
    """Train what is missing of a study in the run folder ``path``; safe to interrupt and repeat.

    Args:
        study: what to train.
        path: a new folder, or one that holds part of this study or of a narrower one.
        data_dir: where data files lie; see `gigo.datasets.load`.
        device: ``auto``, or a PyTorch device.
        workers: training processes at once; 1 trains in this one. Default: one per core on a CPU
            where that is worth while, 1 on an accelerator.
        trial_timeout: seconds that fitting an estimator may take; a trial that takes longer is
            ended, its status is ``timed_out``, and the run goes on. Estimators then have a process
            of their own, also with one worker. Networks have epochs, and are not timed.
        retry: ``failed`` trains trials again that failed or timed out, in the place of what is
            stored of them; None leaves them. Seeds are the same: what failed by them fails again.
        listener: called with every change of progress.
        trainer: what trains a stack; sent to training processes by cloudpickle.
        machine: what stacks are planned for; default this one.
        clock: tells seconds.

    Raises:
        SpecError: an unknown device, less than one worker, no time, or another word to retry.
        DataError: a data set is missing or damaged.
        StoreError: the folder can't be written, is in use or holds an incompatible study.
        EngineError: memory does not suffice for a single model.
    """
    prepare_process()
    machine = machine or Machine.here()
    planner.plan((), machine, workers=workers)  # an error before anything is made
    _check_timeout(trial_timeout)
    check_retry(retry)
    place, grid = resolved(study, data_dir, device, machine, reading(listener))
    with Store.create(path, grid) as store:
        prepared = prepare(grid, path, store, place, machine, workers, retry)
        meter = Meter(prepared, listener, clock)
        for file in prepared.useless + prepared.damaged:
            checkpoint.remove(file)
        for note in _notes(study, prepared):
            meter.note(note)
        setup = Setup(str(place), store.precision, prepared.plan.room, trainer)
        library = Library(setup, meter.download, meter.making)
        missing = {trial.key for trial in prepared.pending}

        said: dict[tuple[str, str], str] = {}

        def first() -> None:
            for card in dict.fromkeys(trial.dataset for trial in prepared.pending):
                store.add_test_set(_test_set(library.dataset(card)))
            said.update(_made(prepared, library))

        for events in _events(prepared, setup, library, first, trial_timeout):
            new = _new(events, missing)
            records = [(job, event) for job, event in new if isinstance(event, Record)]
            if records:
                store.add(_with_features(record, job.trials[0], said) for job, record in records)
            for job, event in new:
                meter.take(job, event)


def _notes(study: Study, prepared: Prepared) -> Iterator[str]:
    """What is to be said before a run."""
    for ref in (*study.dataset, *study.corruption, *study.model):
        if ref.is_passing:
            yield f"{ref.label}: {PASSING}"
    for file in prepared.damaged:
        yield f"{file}: damaged, or of another version: its models are trained again"


def _made(prepared: Prepared, library: Library) -> dict[tuple[str, str], str]:
    """Make the features that models need, once: training processes then find them.

    Those of inputs that corruptions bring as well: a sampler makes what is not there.

    Returns:
        What records say of them, by the sha256 of the data and the features' identity.
    """
    said: dict[tuple[str, str], str] = {}
    for name, (card, features) in needed(prepared.pending).items():
        library.featured(card, features)
        said[name] = told(card, features)
        brought = [
            trial
            for trial in prepared.pending
            if (trial.dataset, trial.model.features) == (card, features)
            and trial.corruption is not None
            and trial.corruption.inputs
        ]
        if brought:
            sampler = library.sampler(brought[0], brought)
            for trial in _widest(brought):
                sampler(trial)
    return said


def _widest(trials: Iterable[Trial]) -> list[Trial]:
    """Of trials that differ in their rates alone, the one that needs most inputs of its own."""
    found: dict[Any, Trial] = {}
    for trial in trials:
        name = trial.source, trial.validation, trial.corruption
        if name not in found or found[name].rate < trial.rate:
            found[name] = trial
    return sorted(found.values(), key=lambda trial: trial.source)


def _new(events: list[tuple[Job, Event]], missing: set[str]) -> list[tuple[Job, Event]]:
    """Events without records that are there already; takes the others from those that miss."""
    found: list[tuple[Job, Event]] = []
    for job, event in events:
        if isinstance(event, Record):
            if event.key not in missing:
                continue
            missing.remove(event.key)
        found.append((job, event))
    return found


def _events(
    prepared: Prepared,
    setup: Setup,
    library: Library,
    first: Callable[[], None],
    timeout: float | None,
) -> Iterator[list[tuple[Job, Event]]]:
    """What happens to the jobs, in this process or in several others, after ``first()``."""
    how = prepared.plan
    timed = timeout and any(trial.model.trainer == "estimator" for trial in prepared.pending)
    if how.processes > 1 or timed:
        yield from pool.train_jobs(prepared.jobs, setup, how.processes, how.threads, first, timeout)
        return
    first()
    training = Training(setup, library)
    for job in prepared.jobs:
        for event in training.events(job):
            yield [(job, event)]


def _check_timeout(seconds: float | None) -> None:
    if seconds is not None and not 0 < seconds < inf:
        raise SpecError("trial_timeout", seconds, "a number of seconds above 0")


def _with_features(record: Record, trial: Trial, said: Mapping[tuple[str, str], str]) -> Record:
    """A record whose provenance says what its model's features are."""
    features = trial.model.features
    if features is None:
        return record
    text = said[trial.dataset.sha256, features.identity]
    return replace(record, provenance={**record.provenance, "features": text})


def _test_set(dataset: Dataset) -> TestSet:
    return TestSet(
        name=dataset.name,
        sha256=dataset.sha256,
        classes=dataset.classes,
        labels={name: labels for name, (_, labels) in dataset.tests.items()},
        n_train=dataset.n_train,
        source=dataset.source,
        notes=dataset.notes,
        groups=dataset.test_groups,
    )
