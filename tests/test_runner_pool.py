"""Training processes: the same results as in one, and what happens when one dies."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from gigo import runner
from gigo.api import load
from gigo.engine import checkpoint
from gigo.errors import EngineError, SpecError
from gigo.runner import Progress, pool
from gigo.store import Store
from gigo.study import Study

pytestmark = pytest.mark.slow

STUDY = Study.create(
    dataset="digits",
    size=[40, 60],
    rates=[0, 0.5, 1],
    replicates=2,
    recipe=[{"base": "small", "epochs": 6, "patience": 2, "batch_size": n} for n in (8, 16)],
    precision="float64",
)
"""24 trials in two stacks: those of a recipe train together."""


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


@pytest.mark.parametrize("workers", [2, 3])
def test_processes_find_what_one_finds(
    tmp_path: Path, alone: Path, workers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What the user keeps in the current folder is not to be taken for the standard library.
    here = tmp_path / "here"
    here.mkdir()
    (here / "random.py").write_text("raise SystemExit('not the one that was meant')")
    monkeypatch.chdir(here)
    monkeypatch.setattr("sys.path", [path for path in sys.path if path])
    tmp_path = tmp_path / "run"
    seen: list[Progress] = []
    runner.run(STUDY, tmp_path, workers=workers, listener=seen.append)
    check_same(tmp_path, alone)
    assert (seen[-1].done, seen[-1].total) == (24, 24)
    assert not list((tmp_path / "checkpoints").glob("*"))
    with Store.open(tmp_path) as store:
        widths = [record.provenance["stack_width"] for record in store.records()]
    assert max(widths) == 12  # whatever the number of workers


@pytest.fixture
def workers(monkeypatch: pytest.MonkeyPatch) -> list[pool._Worker]:
    """All that are made."""
    made: list[pool._Worker] = []

    class Noted(pool._Worker):
        def __init__(self, *arguments: object) -> None:
            super().__init__(*arguments)  # pyright: ignore[reportArgumentType]
            made.append(self)

    monkeypatch.setattr(pool, "_Worker", Noted)
    return made


@pytest.mark.parametrize("every", [0.0, 600.0], ids=["checkpoints", "none"])
def test_a_process_that_is_killed_loses_nothing(
    tmp_path: Path,
    alone: Path,
    workers: list[pool._Worker],
    monkeypatch: pytest.MonkeyPatch,
    every: float,
) -> None:
    """Linux kills the largest process when memory runs out."""
    monkeypatch.setattr(checkpoint, "EVERY", every)
    notes: list[str] = []

    def kill_the_first(progress: Progress) -> None:
        if progress.epoch == 3 and not notes and workers[0].job is not None:
            workers[0]._process.send_signal(signal.SIGKILL)
        if progress.note:
            notes.append(progress.note)

    runner.run(STUDY, tmp_path, workers=2, listener=kill_the_first)
    check_same(tmp_path, alone)
    assert notes and notes[0].startswith("out of memory with 12 models at once: going on with ")
    assert not list((tmp_path / "checkpoints").glob("*"))


def test_a_process_that_is_asked_to_end_leaves_that_to_the_one_that_started_it(
    tmp_path: Path, alone: Path, workers: list[pool._Worker]
) -> None:
    """A scheduler asks all processes of a job at once."""

    def ask(progress: Progress) -> None:
        for worker in workers:
            worker._process.send_signal(signal.SIGTERM)

    runner.run(STUDY, tmp_path, workers=2, listener=ask)
    check_same(tmp_path, alone)


def test_a_process_that_is_killed_over_one_model_is_an_error(
    tmp_path: Path, workers: list[pool._Worker]
) -> None:
    def kill(progress: Progress) -> None:
        if progress.epoch:
            workers[0]._process.send_signal(signal.SIGKILL)

    study = STUDY.but(size=40, rates=0, replicates=1)
    with pytest.raises(EngineError, match=r"status -9, most likely because memory does not"):
        runner.run(study, tmp_path, workers=2, listener=kill)
    assert all(worker._process.poll() is not None for worker in workers)


def test_an_interrupt_ends_the_processes_and_keeps_what_is_there(
    tmp_path: Path, alone: Path, workers: list[pool._Worker]
) -> None:
    def interrupt(progress: Progress) -> None:
        if progress.done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        runner.run(STUDY, tmp_path, workers=2, listener=interrupt)
    assert all(worker._process.poll() is not None for worker in workers)
    with Store.open(tmp_path) as store:
        assert len(store.keys()) == 3
    runner.run(STUDY, tmp_path, workers=2)
    check_same(tmp_path, alone)


def test_a_stack_that_was_cut_off_goes_on_in_another_process(
    tmp_path: Path, alone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoint, "EVERY", 0.0)

    def interrupt(progress: Progress) -> None:
        if progress.epoch == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        runner.run(STUDY, tmp_path, workers=2, listener=interrupt)
    assert list((tmp_path / "checkpoints").glob("*.pt"))
    runner.run(STUDY, tmp_path, workers=2)
    check_same(tmp_path, alone)
    assert not list((tmp_path / "checkpoints").glob("*"))


def test_a_message_that_cannot_be_read_is_a_fault_and_not_a_want_of_memory(
    tmp_path: Path, workers: list[pool._Worker], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Unreadable:
        UnpicklingError, dump = pool.pickle.UnpicklingError, staticmethod(pool.pickle.dump)

        @staticmethod
        def load(file: object) -> object:
            raise AttributeError("no such class here")

    monkeypatch.setattr(pool, "pickle", Unreadable)
    with pytest.raises(RuntimeError, match="no such class here"):
        runner.run(STUDY, tmp_path, workers=2)
    assert all(worker._process.poll() is not None for worker in workers)


def test_a_process_that_does_not_start_takes_the_others_along(
    tmp_path: Path, workers: list[pool._Worker], monkeypatch: pytest.MonkeyPatch
) -> None:
    start = pool.subprocess.Popen

    def start_one(*arguments: Any, **options: Any) -> Any:
        if workers:
            raise OSError("no more processes")
        return start(*arguments, **options)

    monkeypatch.setattr(pool.subprocess, "Popen", start_one)
    with pytest.raises(OSError, match="no more processes"):
        runner.run(STUDY, tmp_path, workers=2)
    assert [worker._process.poll() for worker in workers] == [-signal.SIGKILL]


def test_errors_of_a_process_are_the_caller_s(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(SpecError, match=r"^workers = 0: expected at least 1$"):
        runner.run(STUDY, tmp_path / "none", workers=0)
    assert not (tmp_path / "none").exists()
    (tmp_path / "sitecustomize.py").write_text(
        "import gigo.engine.training as t\n"
        "def train(*_):\n    print('noise')\n    raise ZeroDivisionError('a fault')\n    yield\n"
        "t.train = train\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(RuntimeError, match=r"(?s)in a training process:.*a fault"):
        runner.run(STUDY, tmp_path / "run", workers=2)
