"""What a run is about to do; `gigo plan` says it, `gigo run` does it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path

import torch

from gigo import planner
from gigo.engine import checkpoint
from gigo.engine.device import free_memory, resolve_device, resolve_precision
from gigo.errors import SpecError
from gigo.grid import Grid
from gigo.machine import Machine
from gigo.planner import Plan
from gigo.records import FAILED
from gigo.resolve import resolve
from gigo.runner.stacks import Job
from gigo.store import Store
from gigo.study import Study
from gigo.trial import Trial
from gigo.types import Watch, silent

CHECKPOINTS = "checkpoints"
"""The folder in the run folder with the states of the stacks in training."""


@dataclass(frozen=True)
class Prepared:
    """What is left to do of a study.

    Attributes:
        total: trials of the study.
        pending: those that are not trained yet, or are to be trained again.
        retried: how many of these failed before.
        jobs: the stacks that train them, in the order in which they begin.
        resumed: how many of these, the first ones, go on from a checkpoint.
        damaged: checkpoints that nothing can go on from: their trials are trained again.
        useless: files among the checkpoints that no study of the run needs any more.
        plan: how all that is trained.
    """

    total: int
    pending: list[Trial]
    retried: int
    jobs: list[Job]
    resumed: int
    damaged: list[Path]
    useless: list[Path]
    plan: Plan


def plan(
    study: Study,
    path: Path,
    *,
    data_dir: Path | None = None,
    device: str = "auto",
    workers: int | None = None,
    retry: str | None = None,
    machine: Machine | None = None,
    watch: Watch = silent,
) -> Prepared:
    """What `gigo.runner.run` would do with the same arguments; changes nothing.

    ``watch`` is told how far images are that have to be decoded for it.

    Raises:
        SpecError: an unknown device, less than one worker, or another word to retry.
        DataError: a data set that has to be read for it is missing or damaged.
        StoreError: the folder can't be read, or holds an incompatible study.
    """
    machine = machine or Machine.here()
    check_retry(retry)
    place, grid = resolved(study, data_dir, device, machine, watch)
    if not Store.is_at(path):
        return prepare(grid, path, None, place, machine, workers, retry)
    with Store.open(path) as store:
        store.check(grid)
        return prepare(grid, path, store, place, machine, workers, retry)


def check_retry(retry: str | None) -> None:
    """Raise SpecError where it is not known what to train again."""
    if retry not in (None, "failed"):
        raise SpecError("retry", retry, "failed")


def resolved(
    study: Study, data_dir: Path | None, device: str, machine: Machine, watch: Watch
) -> tuple[torch.device, Grid]:
    """A study's grid, and where it is trained."""
    place = resolve_device(device)
    precision = resolve_precision(study.precision, place, machine)
    accelerated = place.type != "cpu"
    return place, resolve(study, precision, data_dir, accelerated, watch)


def prepare(
    grid: Grid,
    path: Path,
    store: Store | None,
    device: torch.device,
    machine: Machine,
    workers: int | None,
    retry: str | None,
) -> Prepared:
    """Say what is left to do, and how; changes nothing.

    Args:
        grid: the study's.
        path: the run's folder.
        store: of what is there already, if anything is.
        device: where to train.
        machine: where that is.
        workers: training processes at once; None leaves that to gigo.
        retry: ``failed`` where trials that failed are to be trained again.

    Raises:
        SpecError: less than one worker.
    """
    grid = grid.at(store.precision) if store else grid
    statuses = store.statuses() if store else {}
    again = {key for key, status in statuses.items() if retry and status in FAILED}
    pending = grid.pending(statuses.keys() - again)
    found = _Found.among(path / CHECKPOINTS, grid, pending, store)
    resumed = {trial.key for job in found.jobs for trial in job.trials}
    planned = planner.plan(
        [trial for key, trial in pending.items() if key not in resumed],
        machine,
        workers=workers,
        accelerator=free_memory(device),
        begun=[job.trials for job in found.jobs],
    )
    fresh = planned.stacks[len(found.jobs) :]
    return Prepared(
        total=len({*grid.keys}),
        pending=list(pending.values()),
        retried=len(again & pending.keys()),
        jobs=found.jobs + [Job.of(stack, path / CHECKPOINTS) for stack in fresh],
        resumed=len(found.jobs),
        damaged=found.damaged,
        useless=found.useless,
        plan=planned,
    )


@dataclass(frozen=True)
class _Found:
    """The files in a folder of checkpoints, by what they are good for."""

    jobs: list[Job] = field(default_factory=list[Job])
    damaged: list[Path] = field(default_factory=list[Path])
    useless: list[Path] = field(default_factory=list[Path])

    @classmethod
    def among(
        cls, folder: Path, grid: Grid, pending: Collection[str], store: Store | None
    ) -> _Found:
        """The stacks that were in training when a run was cut off, to go on from their states.

        Members that left after the state was taken are trained along once more, so that the others
        go on exactly as they were; their records are there already.
        """
        found = cls(useless=[*folder.glob("*.new")])  # what a killed process was writing
        missing, mine = {*pending}, {*grid.keys}
        for file in checkpoint.left_in(folder):
            ordered = checkpoint.keys(file)
            keys = {*ordered}
            if not keys:
                found.damaged.append(file)
            elif keys <= mine and keys & missing:
                found.jobs.append(Job(tuple(grid.trials[key] for key in ordered), file))
                missing -= keys
            elif keys <= mine or store is None or not keys <= store.trials().keys():
                found.useless.append(file)
        return found
