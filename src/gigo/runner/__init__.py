"""Pending trials to stacks, stacks to the engine, records to the store.

stacks    a stack trained whatever happens
pool      several at once, each in a process of its own (`worker`)
progress  how far all that is
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from pathlib import Path

from gigo import planner
from gigo.engine import checkpoint
from gigo.engine.device import (
    free_memory,
    prepare_process,
    resolve_device,
    resolve_precision,
)
from gigo.machine import Machine
from gigo.resolve import resolve
from gigo.runner import pool
from gigo.runner.progress import Listener, Meter, Progress
from gigo.runner.stacks import Event, Job, Library, Setup, train_job
from gigo.store import Store
from gigo.study import Study
from gigo.trial import Trial
from gigo.types import Dataset, Record, TestSet

__all__ = ["CHECKPOINTS", "Listener", "Progress", "run"]

CHECKPOINTS = "checkpoints"
"""The folder in the run folder with the states of the stacks in training."""


def run(
    study: Study,
    path: Path,
    *,
    data_dir: Path | None = None,
    device: str = "auto",
    workers: int | None = None,
    listener: Listener = lambda progress: None,
) -> None:
    """Train what is missing of a study in the run folder ``path``; safe to interrupt and repeat.

    Args:
        study: what to train.
        path: a new folder, or one that holds part of this study or of a narrower one.
        data_dir: where data files lie; see `gigo.datasets.load`.
        device: ``auto``, or a PyTorch device.
        workers: training processes at once; 1 trains in this one. Default: one a core on a CPU
            where that is worth while, 1 on an accelerator.
        listener: called with every change of progress.

    Raises:
        SpecError: an unknown device, or less than one worker.
        DataError: a data set is missing or damaged.
        StoreError: the folder can't be written, is in use or holds an incompatible study.
        EngineError: memory does not suffice for a single model.
    """
    prepare_process()
    place = resolve_device(device)
    machine = Machine.here()
    planner.plan([], machine, workers=workers)  # an error before anything is made
    precision = resolve_precision(study.precision, place)
    grid = resolve(study, precision, data_dir)
    with Store.create(path, grid) as store:
        trials = grid.at(store.precision).trials
        done = store.keys() & trials.keys()
        pending = [trial for key, trial in trials.items() if key not in done]
        meter = Meter(pending, len(trials), listener)
        cut_off = _cut_off(path / CHECKPOINTS, trials, pending, store.trials().keys())
        resumed = {trial.key for job in cut_off for trial in job.trials}
        plan = planner.plan(
            [trial for trial in pending if trial.key not in resumed],
            machine,
            workers=workers,
            accelerator=free_memory(place),
            begun=[job.trials for job in cut_off],
        )
        fresh = plan.stacks[len(cut_off) :]
        jobs = [*cut_off, *(Job.of(stack, path / CHECKPOINTS) for stack in fresh)]
        setup = Setup(str(place), store.precision, plan.room, checkpoint.EVERY)
        library = Library(setup, meter.download)
        for card in dict.fromkeys(trial.dataset for trial in pending):
            store.add_test_set(_test_set(library.dataset(card)))
        for job, event in _events(jobs, setup, library, plan.processes, plan.threads):
            if isinstance(event, Record):
                if event.key in done:
                    continue
                store.add([event])
                done.add(event.key)
            meter.take(job, event)


def _cut_off(
    folder: Path, trials: Mapping[str, Trial], pending: Sequence[Trial], known: Set[str]
) -> list[Job]:
    """The stacks that were in training when a run was cut off, to go on from their states.

    Members that left after the state was taken are trained along once more, so that the others go
    on exactly as they were; their records are there already.

    Args:
        folder: with the states.
        trials: of the study, by key.
        pending: those of them that are still to be trained.
        known: keys of the trials of all studies of the run.
    """
    jobs: list[Job] = []
    missing = {trial.key for trial in pending}
    for file in checkpoint.left_in(folder):
        keys = checkpoint.keys(file)
        if trials.keys() >= {*keys} and missing & {*keys}:
            jobs.append(Job(tuple(trials[key] for key in keys), file))
            missing -= {*keys}
        elif trials.keys() >= {*keys} or not known >= {*keys}:
            checkpoint.remove(file)  # of no use to any study
    return jobs


def _events(
    jobs: Sequence[Job], setup: Setup, library: Library, count: int, threads: int
) -> Iterator[tuple[Job, Event]]:
    """What happens to the jobs, in this process or in several others."""
    if count > 1:
        yield from pool.train_jobs(jobs, setup, count, threads)
        return
    room = planner.Room(setup.memory)
    for job in jobs:
        for event in train_job(job, library.resident(job.trials[0].dataset), room):
            yield job, event


def _test_set(dataset: Dataset) -> TestSet:
    return TestSet(
        name=dataset.name,
        sha256=dataset.sha256,
        classes=dataset.classes,
        labels={name: labels for name, (_, labels) in dataset.tests.items()},
        n_train=len(dataset.y_train),
        source=dataset.source,
    )
