"""Training processes: the same results as in one, and what happens when one dies."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch
from torch import nn

from gigo import runner
from gigo.api import load
from gigo.engine.resident import Resident
from gigo.engine.training import EpochDone, train
from gigo.errors import EngineError, SpecError
from gigo.ref import Ref
from gigo.runner import Progress
from gigo.runner.pool import train_jobs
from gigo.runner.stacks import Setup
from gigo.store import Store
from gigo.study import Study
from gigo.trial import Trial

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not hasattr(os, "fork"), reason="needs signals as Unix has them"),
]

STUDY = Study.create(
    dataset="digits",
    model="small_cnn",
    size=[40, 60],
    rates=[0, 0.5, 1],
    replicates=2,
    recipe=[{"base": "small", "epochs": 6, "patience": 2, "batch_size": n} for n in (8, 16)],
    precision="float64",
)
"""24 trials in two stacks: those of a recipe train together."""

STATES = partial(train, every=0.0)
"""The engine, which tells its state after each epoch."""


def table(path: Path) -> pd.DataFrame:
    return load(path).frame.drop(columns="seconds")


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("alone")
    runner.run(STUDY, path, workers=1)
    return path


def check_same(path: Path, expected: Path) -> None:
    ours, theirs = table(path), table(expected)
    for name in ("log_loss", "log_loss_last", "brier", "ece"):
        pd.testing.assert_series_equal(ours.pop(name), theirs.pop(name), rtol=1e-8)
    pd.testing.assert_frame_equal(ours, theirs)


def test_processes_find_what_one_finds(
    tmp_path: Path, alone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What the user keeps in the current folder is not to be taken for the standard library.
    here = tmp_path / "here"
    here.mkdir()
    (here / "random.py").write_text("raise SystemExit('not the one that was meant')")
    monkeypatch.chdir(here)
    tmp_path = tmp_path / "run"
    seen: list[Progress] = []
    runner.run(STUDY, tmp_path, workers=3, listener=seen.append)  # one more than there are stacks
    check_same(tmp_path, alone)
    assert (seen[-1].done, seen[-1].total) == (24, 24)
    assert not list((tmp_path / "checkpoints").glob("*"))
    with Store.open(tmp_path) as store:
        widths = [record.provenance["stack_width"] for record in store.records()]
    assert max(widths) == 12  # whatever the number of workers


class Noted:
    """The engine in other processes, of which one thing is done to one that is in training.

    Args:
        folder: for notes: a file per process, named by its number.
        act: is done by the first process that comes to the epoch.
        epoch: that it waits for.
        every: seconds between two states.
    """

    def __init__(
        self, folder: Path, act: Callable[[], None], epoch: int = 3, every: float = 600.0
    ) -> None:
        folder.mkdir()
        self._folder, self._act, self._epoch, self._every = folder, act, epoch, every

    def __call__(
        self, trials: Sequence[Trial], resident: Resident, state: Any = None
    ) -> Iterator[Any]:
        (self._folder / f"{os.getpid()}").touch()
        for event in train(trials, resident, state, every=self._every):
            yield event
            if isinstance(event, EpochDone) and event.epoch == self._epoch:
                self._act_once()

    def _act_once(self) -> None:
        try:
            (self._folder / "done").mkdir()
        except FileExistsError:
            return
        self._act()

    def check_all_ended(self) -> None:
        numbers = [int(file.name) for file in self._folder.iterdir() if file.name.isdigit()]
        assert numbers and os.getpid() not in numbers
        for number in numbers:
            with pytest.raises(ProcessLookupError):
                os.kill(number, 0)


def nothing() -> None:
    pass


def send(number: int) -> None:
    """A signal to this process, and time for it to come."""
    os.kill(os.getpid(), number)
    time.sleep(0.1)


@pytest.mark.parametrize("every", [0.0, 600.0], ids=["checkpoints", "none"])
def test_a_process_that_is_killed_loses_nothing(tmp_path: Path, alone: Path, every: float) -> None:
    """Linux kills the largest process when memory runs out."""
    trainer = Noted(tmp_path / "notes", partial(send, signal.SIGKILL), every=every)
    seen: list[Progress] = []
    run = tmp_path / "run"
    runner.run(STUDY, run, workers=2, trainer=trainer, listener=seen.append)
    check_same(run, alone)
    notes = [progress.note for progress in seen if progress.note]
    assert notes[0].startswith("out of memory with 12 models at once: going on with ")
    assert not list((run / "checkpoints").glob("*"))
    trainer.check_all_ended()


def test_a_process_that_is_asked_to_end_leaves_that_to_the_one_that_started_it(
    tmp_path: Path, alone: Path
) -> None:
    """A scheduler asks all processes of a job at once."""
    trainer = Noted(tmp_path / "notes", partial(send, signal.SIGTERM))
    runner.run(STUDY, tmp_path / "run", workers=2, trainer=trainer)
    assert (tmp_path / "notes" / "done").exists()
    check_same(tmp_path / "run", alone)


def test_a_process_that_is_killed_over_one_model_is_an_error(tmp_path: Path) -> None:
    trainer = Noted(tmp_path / "notes", partial(send, signal.SIGKILL), epoch=1)
    study = STUDY.but(size=40, rates=0, replicates=1)
    with pytest.raises(EngineError, match=r"status -9, most likely because memory does not"):
        runner.run(study, tmp_path / "run", workers=2, trainer=trainer)
    trainer.check_all_ended()


def test_an_interrupt_ends_the_processes_and_keeps_what_is_there(
    tmp_path: Path, alone: Path
) -> None:
    def interrupt(progress: Progress) -> None:
        if progress.done == 3:
            raise KeyboardInterrupt

    trainer, run = Noted(tmp_path / "notes", nothing), tmp_path / "run"
    with pytest.raises(KeyboardInterrupt):
        runner.run(STUDY, run, workers=2, listener=interrupt, trainer=trainer)
    trainer.check_all_ended()
    with Store.open(run) as store:
        assert 3 <= len(store.keys()) < 24  # with those that came together with the third
    runner.run(STUDY, run, workers=1)
    check_same(run, alone)


def test_a_stack_that_was_cut_off_goes_on_in_another_process(tmp_path: Path, alone: Path) -> None:
    def interrupt(progress: Progress) -> None:
        if progress.epoch == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        runner.run(STUDY, tmp_path, workers=2, listener=interrupt, trainer=STATES)
    assert list((tmp_path / "checkpoints").glob("*.pt"))
    assert runner.plan(STUDY, tmp_path).resumed
    runner.run(STUDY, tmp_path, workers=1)
    check_same(tmp_path, alone)
    assert not list((tmp_path / "checkpoints").glob("*"))


def test_what_only_this_process_knows_goes_to_the_others_by_value(tmp_path: Path) -> None:
    class Mine(nn.Sequential):  # as a notebook defines it
        def __init__(self, shape: tuple[int, ...], n_classes: int) -> None:
            super().__init__(nn.Flatten(), nn.Linear(int(torch.tensor(shape).prod()), n_classes))

    study = STUDY.but(model=Ref.of(Mine, key="mine"))
    for workers in (1, 2):
        runner.run(study, tmp_path / f"{workers}", workers=workers)
    check_same(tmp_path / "2", tmp_path / "1")


def test_what_cannot_be_sent_is_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    nobody = (number for number in ())  # a generator can't be pickled

    def trainer(*_: object) -> Iterator[EpochDone]:
        yield from nobody

    with pytest.raises(EngineError, match=r"can't be sent .*generator.*workers = 1") as caught:
        runner.run(STUDY, tmp_path, workers=2, trainer=trainer)
    assert "\n" not in str(caught.value)


def refuse() -> None:
    raise AttributeError("no such class here")


class Unreadable:
    def __reduce__(self) -> tuple[Callable[[], None], tuple[()]]:
        return refuse, ()


def failing(*_: object) -> Iterator[EpochDone]:
    sys.stdout.write("noise")
    raise ZeroDivisionError("a fault")
    yield


def garbled(*_: object) -> Iterator[Any]:
    yield Unreadable()


@pytest.mark.parametrize(("trainer", "what"), [(failing, "a fault"), (garbled, "no such class")])
def test_faults_in_a_process_are_the_caller_s_and_no_want_of_memory(
    tmp_path: Path, trainer: runner.Trainer, what: str
) -> None:
    found = runner.plan(STUDY, tmp_path)
    setup = Setup("cpu", "float64", found.plan.room, trainer)
    with pytest.raises(RuntimeError, match=rf"(?s)in a training process:.*{what}"):
        list(train_jobs(found.jobs, setup, workers=1, threads=1))


def test_less_than_one_process_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"^workers = 0: expected at least 1$"):
        runner.run(STUDY, tmp_path / "none", workers=0)
    assert not (tmp_path / "none").exists()
