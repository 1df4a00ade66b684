"""The `gigo` command in processes of its own, and a training that takes no time."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from factories import make_record
from gigo import runner
from gigo.api import Result
from gigo.engine.training import EpochDone
from gigo.machine import Machine
from gigo.records import Record
from gigo.study import Study
from gigo.trial import Trial

RUNNABLE = [sys.executable, "-m", "gigo"]


def environment(**variables: str) -> dict[str, str]:
    """For a process that is to import what this one can, and to be quick on a busy machine."""
    path = os.pathsep.join(filter(None, sys.path))
    always = {"PYTHONPATH": path, "COLUMNS": "80", "OMP_NUM_THREADS": "1"}
    return {**os.environ, **always, **variables}


def finish(*arguments: str | Path, **options: Any) -> subprocess.CompletedProcess[str]:
    """A whole run of the command, its output caught."""
    command = [*RUNNABLE, *map(str, arguments)]
    settings: dict[str, Any] = {"capture_output": True, "text": True, "timeout": 120, **options}
    return subprocess.run(command, env=environment(), **settings)


def start(*arguments: str | Path, **options: Any) -> subprocess.Popen[Any]:
    """The command in a process group of its own, so that a signal reaches all it has started."""
    settings: dict[str, Any] = {"env": environment(), **options}
    command = [*RUNNABLE, *map(str, arguments)]
    return subprocess.Popen(command, start_new_session=True, **settings)


SMALL = Machine(memory=8 << 30)
"""A machine of one core: it trains in the process that plans."""


def instant_train(
    trials: Sequence[Trial], resident: object, state: object = None
) -> Iterator[EpochDone | Record]:
    """In the place of the engine: two epochs, then made-up records."""
    for epoch in (1, 2):
        yield EpochDone(epoch, 2, len(trials), len(trials))
    for trial in trials:
        yield make_record(trial)


def instant_run(
    study: Study, *, out: Path, trainer: runner.Trainer = instant_train, **options: Any
) -> Result:
    """In the place of `gigo.run`: trains with something else than the engine, in this process."""
    runner.run(study, out, trainer=trainer, machine=SMALL, **options)
    return Result(out)
