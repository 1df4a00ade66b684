"""The runner: trains what is missing, once, whatever happens to it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch

from command import instant_train, train_with
from factories import grid_of, make_record, make_study, trials_of
from gigo import datasets, planner, runner
from gigo.engine import checkpoint
from gigo.engine.checkpoint import State
from gigo.engine.training import EpochDone, train
from gigo.errors import DataError, EngineError, SpecError, StoreError, StudyMismatch
from gigo.runner import Progress, stacks
from gigo.store import Store
from gigo.trial import Trial
from gigo.types import Record

Train = Callable[[Sequence[Trial], Any, Any], Iterator[EpochDone | Record]]
STUDY = make_study(precision="float32")
KEYS = list(trials_of(STUDY))


class Engine:
    """Counts what it is asked to train, and gives made-up records for it."""

    def __init__(self) -> None:
        self.stacks: list[list[str]] = []

    def __call__(
        self, trials: Sequence[Trial], resident: object, state: object
    ) -> Iterator[EpochDone | Record]:
        self.stacks.append([trial.key for trial in trials])
        return instant_train(trials, resident)

    @property
    def keys(self) -> list[str]:
        return [key for stack in self.stacks for key in stack]


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Engine:
    engine = Engine()
    train_with(monkeypatch, engine)
    return engine


def stored(path: Path) -> dict[str, Record]:
    """By key; that no key is there twice is the store's promise, and checked here."""
    with Store.open(path) as store:
        records = list(store.records())
    assert len({record.key for record in records}) == len(records)
    return {record.key: record for record in records}


# What is trained


def test_everything_is_trained_once(tmp_path: Path, engine: Engine) -> None:
    runner.run(STUDY, tmp_path)
    assert sorted(engine.keys) == sorted(KEYS)
    assert stored(tmp_path).keys() == set(KEYS)


@pytest.mark.parametrize(
    "wider",
    [
        {"rates": [0, 0.25, 0.5, 1]},
        {"corruption": ["symmetric", "two_sink", "biased"]},
        {"size": [100, 200]},
        {"replicates": 4},
        {"validation": ["none", "clean"]},
    ],
    ids=lambda fields: next(iter(fields)),
)
def test_a_wider_grid_trains_only_what_is_missing(
    tmp_path: Path, engine: Engine, wider: dict[str, Any]
) -> None:
    runner.run(STUDY, tmp_path)
    before = {key: record.trial for key, record in stored(tmp_path).items()}
    engine.stacks.clear()
    study = STUDY.but(**wider)
    runner.run(study, tmp_path)
    assert sorted(engine.keys) == sorted(trials_of(study).keys() - set(KEYS))
    after = stored(tmp_path)
    assert after.keys() == trials_of(study).keys()
    assert {key: after[key].trial for key in KEYS} == before


@pytest.mark.parametrize("narrower", [{}, {"rates": 0.5}, {"replicates": 1}, {"name": "other"}])
def test_what_is_there_is_not_trained_and_not_even_loaded(
    tmp_path: Path, engine: Engine, monkeypatch: pytest.MonkeyPatch, narrower: dict[str, Any]
) -> None:
    runner.run(STUDY, tmp_path)
    engine.stacks.clear()
    monkeypatch.setattr(datasets, "load", lambda *_: pytest.fail("needs no data"))
    runner.run(STUDY.but(**narrower), tmp_path)
    assert engine.stacks == []
    assert stored(tmp_path).keys() == set(KEYS)


def test_two_studies_share_a_folder(tmp_path: Path, engine: Engine) -> None:
    first, second = STUDY.but(name="first"), STUDY.but(name="second", rates=[0, 0.3], size=100)
    runner.run(first, tmp_path)
    runner.run(second, tmp_path)
    runner.run(first, tmp_path)
    with Store.open(tmp_path) as store:
        assert store.studies == (first, second)
        assert store.trials().keys() == store.keys() == set(engine.keys)
    assert len(engine.keys) == len(set(engine.keys))


def test_the_first_run_decides_on_the_precision(
    tmp_path: Path, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = make_study()
    monkeypatch.setattr(runner, "resolve_precision", lambda asked, place: "float64")
    runner.run(study, tmp_path)
    monkeypatch.setattr(runner, "resolve_precision", lambda asked, place: "float32")
    runner.run(study.but(replicates=3), tmp_path)
    precisions = {record.trial["precision"] for record in stored(tmp_path).values()}
    assert precisions == {"float64"}


def test_a_stack_shares_what_members_must_share(tmp_path: Path, engine: Engine) -> None:
    study = STUDY.but(size=[100, 200], validation=["clean", "none"], recipe={"epochs": 9})
    runner.run(study, tmp_path)
    trials = trials_of(study)
    groups = [{trials[k].validation for k in stack} for stack in engine.stacks]
    assert all(len(group) == 1 for group in groups)
    assert len(groups) == 2  # and no stack is smaller than it need be
    assert all({trials[k].size for k in stack} == {100, 200} for stack in engine.stacks)


def test_the_real_engine_s_records_are_kept_as_they_are(tmp_path: Path) -> None:
    study = STUDY.but(size=20, rates=[0, 1], replicates=1, recipe={"base": "small", "epochs": 2})
    runner.run(study, tmp_path)
    records = stored(tmp_path)
    assert records.keys() == trials_of(study).keys()
    for record in records.values():
        assert len(record.predictions["test"]) == len(datasets.load("digits").tests["test"][1])
        assert 1 <= (record.best_epoch or 0) <= (record.epochs or 0) <= 2
        assert record.n_train == 16
        assert record.n_selected == 16 * record.trial["rate"]


# What goes wrong


def out_of_memory(limit: int, error: Exception, before: int = 0) -> Train:
    """An engine that has memory for ``limit`` members, and notices after ``before`` records."""

    def train(
        trials: Sequence[Trial], resident: object, state: object
    ) -> Iterator[EpochDone | Record]:
        yield EpochDone(1, 2, len(trials), len(trials))
        for done, trial in enumerate(trials):
            if done == before and len(trials) > limit:
                raise error
            yield make_record(trial)

    return train


ERRORS = [
    RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 64 bytes"),
    RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
    RuntimeError("std::bad_alloc"),
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"),
    MemoryError(),
]


@pytest.mark.parametrize("limit", [1, 2, 9])
@pytest.mark.parametrize("before", [0, 1, 8, 9])
def test_out_of_memory_halves_the_stack_and_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: int, before: int
) -> None:
    assert len(KEYS) == 10
    train_with(monkeypatch, out_of_memory(limit, ERRORS[0], before))
    seen: list[Progress] = []
    runner.run(STUDY, tmp_path, listener=seen.append)
    assert stored(tmp_path).keys() == set(KEYS)
    first = next(progress.note for progress in seen if progress.note)
    half = -(-(10 - before) // 2)
    assert first == f"out of memory with 10 models at once: going on with {half}"
    assert seen[-1].done == seen[-1].total == 10


@pytest.mark.parametrize("limit", [1, 3, 4])
def test_the_width_that_worked_is_kept_for_the_rest_of_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: int
) -> None:
    tried: list[int] = []

    def train(trials: Sequence[Trial], *rest: object) -> Iterator[EpochDone | Record]:
        tried.append(len(trials))
        return out_of_memory(limit, ERRORS[0])(trials, *rest)

    train_with(monkeypatch, train)
    rates = [1e-3, 2e-3, 3e-3]
    study = STUDY.but(recipe=[{"base": "small", "learning_rate": rate} for rate in rates])
    runner.run(study, tmp_path)
    assert stored(tmp_path).keys() == trials_of(study).keys()
    failed = [width for width in tried if width > limit]
    assert failed == {1: [10, 5, 3, 2], 3: [10, 5], 4: [10, 5]}[limit]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_memory_runs_out_in_several_ways(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    train_with(monkeypatch, out_of_memory(5, error, before=2))
    runner.run(STUDY, tmp_path)
    assert stored(tmp_path).keys() == set(KEYS)


def test_memory_for_not_even_one_model_is_an_error_that_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train_with(monkeypatch, out_of_memory(4, ERRORS[0]))
    runner.run(STUDY.but(rates=0.5), tmp_path)
    kept = stored(tmp_path).keys()
    train_with(monkeypatch, out_of_memory(0, ERRORS[0]))
    with pytest.raises(EngineError, match=r"^memory does not suffice to train one model: Default"):
        runner.run(STUDY, tmp_path)
    assert stored(tmp_path).keys() == kept


def test_other_errors_are_not_taken_for_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    train_with(monkeypatch, out_of_memory(0, RuntimeError("shapes differ"), before=3))
    with pytest.raises(RuntimeError, match="shapes differ"):
        runner.run(STUDY, tmp_path)
    assert len(stored(tmp_path)) == 3


def test_an_interrupt_keeps_what_is_done_and_the_next_run_trains_the_rest(
    tmp_path: Path, engine: Engine
) -> None:
    def interrupt(progress: Progress) -> None:
        if progress.done == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        runner.run(STUDY, tmp_path, listener=interrupt)
    kept = stored(tmp_path)
    assert len(kept) == 4
    engine.stacks.clear()
    runner.run(STUDY, tmp_path)
    assert sorted(engine.keys) == sorted(set(KEYS) - kept.keys())


def test_a_checkpoint_that_cannot_be_written_is_only_worth_a_note(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def save(state: object, path: Path) -> None:
        path.with_suffix(".new").write_text("half of it")
        raise RuntimeError("the writer failed\nin some file")

    monkeypatch.setattr(checkpoint, "EVERY", 0.0)
    monkeypatch.setattr(checkpoint, "save", save)
    study = STUDY.but(size=20, rates=0, replicates=1, recipe={"base": "small", "epochs": 2})
    seen: list[Progress] = []
    runner.run(study, tmp_path, listener=seen.append)
    assert len(stored(tmp_path)) == 1
    (note,) = [progress.note for progress in seen if progress.note]
    assert note.startswith(f"going on without a checkpoint: {tmp_path}/checkpoints/")
    assert note.endswith(".pt: the writer failed")
    assert not list((tmp_path / "checkpoints").iterdir())


def test_a_state_of_other_models_is_not_gone_on_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that outlived its run may write one while the next begins."""
    monkeypatch.setattr(checkpoint, "EVERY", 0.0)
    recipe = {"base": "small", "epochs": 3}
    study = STUDY.but(size=20, rates=[0, 0.5], replicates=1, recipe=recipe)
    trials = list(trials_of(study).values())
    resident = stacks.Library(stacks.Setup(None, {}, "cpu", "float32", 1 << 30, 0)).resident(
        "digits"
    )

    def losses(file: Path) -> list[float]:
        job, room = stacks.Job(tuple(trials), file), planner.Room(1 << 30)
        events = stacks.train_job(job, resident, room)
        found = {event.key: event for event in events if isinstance(event, Record)}
        return [loss for trial in trials for loss in found[trial.key].curve["train_loss"]]

    expected = losses(tmp_path / "none.pt")
    (state, *_) = [event for event in train(trials, resident) if isinstance(event, State)]
    checkpoint.save(state.of([trials[1].key, trials[0].key]), tmp_path / "other.pt")
    assert losses(tmp_path / "other.pt") == expected


def test_a_finished_run_leaves_no_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoint, "EVERY", 0.0)
    study = STUDY.but(size=20, rates=0, replicates=1, recipe={"base": "small", "epochs": 2})
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints" / "0123.new").touch()  # a killed process was writing it
    runner.run(study, tmp_path, listener=lambda progress: None)
    assert not list((tmp_path / "checkpoints").iterdir())


def test_bad_input_leaves_no_folder(tmp_path: Path) -> None:
    for device in ("gpu", "cuda:99", ""):
        with pytest.raises(SpecError, match=r"^device = "):
            runner.run(STUDY, tmp_path / "new", device=device)
    assert not (tmp_path / "new").exists()


def test_errors_let_go_of_the_folder(tmp_path: Path, engine: Engine) -> None:
    (tmp_path / "data").mkdir()
    study = STUDY.but(dataset=["digits", "mnist"])
    with pytest.raises(DataError):
        runner.run(study, tmp_path / "run", data_dir=tmp_path / "data")
    assert not stored(tmp_path / "run")  # what is missing is told before anything is trained
    runner.run(study.but(dataset="digits", seed=2), tmp_path / "run")  # nothing is in the way
    shutil.rmtree(tmp_path / "run")
    runner.run(STUDY, tmp_path / "run")
    with pytest.raises(StudyMismatch, match="seed = 0 there and 1 here"):
        runner.run(STUDY.but(seed=1), tmp_path / "run")
    with Store.create(tmp_path / "run", grid_of(study)), pytest.raises(StoreError):
        runner.run(study, tmp_path / "run")
    Store.create(tmp_path / "run", grid_of(study)).close()


# Progress


def test_progress_counts_up_and_ends_complete(tmp_path: Path, engine: Engine) -> None:
    seen: list[Progress] = []
    study = STUDY.but(size=[100, 200])
    runner.run(STUDY, tmp_path)
    runner.run(study, tmp_path, listener=seen.append)
    assert {progress.total for progress in seen} == {20}
    done = [progress.done for progress in seen]
    assert done == sorted(done)
    assert (done[0], done[-1]) == (10, 20)
    seconds = [progress.seconds for progress in seen]
    assert seconds == sorted(seconds)
    assert seen[0].seconds_left is None
    assert all(p.seconds_left is None or p.seconds_left >= 0 for p in seen)
    assert seen[-1].seconds_left == pytest.approx(0, abs=1e-6)
    assert {progress.stack for progress in seen} == {"", "digits, 100 labels, small_cnn"}
    epochs = [(p.running, p.epoch, p.epochs) for p in seen if p.epoch]
    assert epochs[:2] == [(10, 1, 2), (10, 2, 2)]


def test_a_finished_run_reports_that_at_once(tmp_path: Path, engine: Engine) -> None:
    runner.run(STUDY, tmp_path)
    seen: list[Progress] = []
    runner.run(STUDY, tmp_path, listener=seen.append)
    assert seen == [Progress(done=10, total=10)]
