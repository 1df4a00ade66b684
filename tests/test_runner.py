"""The runner: trains what is missing, once, whatever happens to it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import torch

from command import SMALL, instant_train
from factories import grid_of, make_record, make_study, make_test_set, trials_of
from gigo import datasets, runner
from gigo.engine import checkpoint
from gigo.engine.checkpoint import State
from gigo.engine.training import EpochDone, train
from gigo.errors import DataError, EngineError, SpecError, StoreError, StudyMismatch
from gigo.records import Record
from gigo.runner import Progress, stacks
from gigo.store import Store
from gigo.study import Study
from gigo.trial import Trial

Train = Callable[[Sequence[Trial], Any, Any], Iterator[EpochDone | Record]]
STUDY = make_study(precision="float32", recipe="article")
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

    def run(self, study: Study, path: Path, **options: Any) -> None:
        run(study, path, self, **options)


@pytest.fixture
def engine() -> Engine:
    return Engine()


def run(study: Study, path: Path, trainer: runner.Trainer, **options: Any) -> None:
    """In this process, whatever the machine."""
    runner.run(study, path, trainer=trainer, machine=SMALL, **options)


def stored(path: Path) -> dict[str, Record]:
    """By key; that no key is there twice is the store's promise, and checked here."""
    with Store.open(path) as store:
        records = list(store.records())
    assert len({record.key for record in records}) == len(records)
    return {record.key: record for record in records}


# What is trained


def test_everything_is_trained_once(tmp_path: Path, engine: Engine) -> None:
    engine.run(STUDY, tmp_path)
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
    engine.run(STUDY, tmp_path)
    before = {key: record.trial for key, record in stored(tmp_path).items()}
    engine.stacks.clear()
    study = STUDY.but(**wider)
    engine.run(study, tmp_path)
    assert sorted(engine.keys) == sorted(trials_of(study).keys() - set(KEYS))
    after = stored(tmp_path)
    assert after.keys() == trials_of(study).keys()
    assert {key: after[key].trial for key in KEYS} == before


@pytest.mark.parametrize("narrower", [{}, {"rates": 0.5}, {"replicates": 1}, {"name": "other"}])
def test_what_is_there_is_not_trained_and_not_even_loaded(
    tmp_path: Path, engine: Engine, narrower: dict[str, Any]
) -> None:
    study = STUDY.but(dataset="mnist", model="small_cnn")
    with Store.create(tmp_path / "run", grid_of(study)) as store:
        store.add_test_set(make_test_set("mnist"))
        store.add([make_record(trial) for trial in trials_of(study).values()])
    before = stored(tmp_path / "run").keys()
    (tmp_path / "no data").mkdir()
    engine.run(study.but(**narrower), tmp_path / "run", data_dir=tmp_path / "no data")
    assert engine.stacks == []
    assert stored(tmp_path / "run").keys() == before


def test_two_studies_share_a_folder(tmp_path: Path, engine: Engine) -> None:
    first, second = STUDY.but(name="first"), STUDY.but(name="second", rates=[0, 0.3], size=100)
    engine.run(first, tmp_path)
    engine.run(second, tmp_path)
    engine.run(first, tmp_path)
    with Store.open(tmp_path) as store:
        assert tuple(grid.study for grid in store.grids) == (first, second)
        assert store.trials().keys() == store.keys() == set(engine.keys)
    assert len(engine.keys) == len(set(engine.keys))


def test_the_first_run_decides_on_the_precision(tmp_path: Path, engine: Engine) -> None:
    study = make_study()
    for replicates, precision in ((2, "bfloat16"), (3, "float32")):
        machine = replace(SMALL, precision=precision)
        runner.run(study.but(replicates=replicates), tmp_path, trainer=engine, machine=machine)
    precisions = {record.trial["precision"] for record in stored(tmp_path).values()}
    assert precisions == {"bfloat16"}


def test_a_stack_shares_what_members_must_share(tmp_path: Path, engine: Engine) -> None:
    study = STUDY.but(
        size=[100, 200], validation=["clean", "none"], recipe={"base": "article", "epochs": 9}
    )
    engine.run(study, tmp_path)
    trials = trials_of(study)
    groups = [{trials[k].validation for k in stack} for stack in engine.stacks]
    assert all(len(group) == 1 for group in groups)
    assert len(groups) == 2  # and no stack is smaller than it need be
    assert all({trials[k].size for k in stack} == {100, 200} for stack in engine.stacks)


def test_the_real_engine_s_records_are_kept_as_they_are(tmp_path: Path) -> None:
    study = STUDY.but(size=20, rates=[0, 1], replicates=1, recipe={"base": "small", "epochs": 2})
    run(study, tmp_path, train)
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
    tmp_path: Path, limit: int, before: int
) -> None:
    assert len(KEYS) == 10
    seen: list[Progress] = []
    run(STUDY, tmp_path, out_of_memory(limit, ERRORS[0], before), listener=seen.append)
    assert stored(tmp_path).keys() == set(KEYS)
    first = next(progress.note for progress in seen if progress.note)
    half = -(-(10 - before) // 2)
    assert first == f"out of memory with 10 models at once: going on with {half}"
    assert seen[-1].done == seen[-1].total == 10


@pytest.mark.parametrize("limit", [1, 3, 4])
def test_the_width_that_worked_is_kept_for_the_rest_of_the_run(tmp_path: Path, limit: int) -> None:
    tried: list[int] = []

    def train(trials: Sequence[Trial], *rest: object) -> Iterator[EpochDone | Record]:
        tried.append(len(trials))
        return out_of_memory(limit, ERRORS[0])(trials, *rest)

    rates = [1e-3, 2e-3, 3e-3]
    study = STUDY.but(recipe=[{"base": "small", "learning_rate": rate} for rate in rates])
    run(study, tmp_path, train)
    assert stored(tmp_path).keys() == trials_of(study).keys()
    failed = [width for width in tried if width > limit]
    assert failed == {1: [10, 5, 3, 2], 3: [10, 5], 4: [10, 5]}[limit]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_memory_runs_out_in_several_ways(tmp_path: Path, error: Exception) -> None:
    run(STUDY, tmp_path, out_of_memory(5, error, before=2))
    assert stored(tmp_path).keys() == set(KEYS)


def test_memory_for_not_even_one_model_is_an_error_that_loses_nothing(tmp_path: Path) -> None:
    run(STUDY.but(rates=0.5), tmp_path, out_of_memory(4, ERRORS[0]))
    kept = stored(tmp_path).keys()
    with pytest.raises(EngineError, match=r"^memory does not suffice to train one model: Default"):
        run(STUDY, tmp_path, out_of_memory(0, ERRORS[0]))
    assert stored(tmp_path).keys() == kept


def test_other_errors_are_not_taken_for_it(tmp_path: Path) -> None:
    train = out_of_memory(0, RuntimeError("shapes differ"), before=3)
    with pytest.raises(RuntimeError, match="shapes differ"):
        run(STUDY, tmp_path, train)
    assert len(stored(tmp_path)) == 3


def test_an_interrupt_keeps_what_is_done_and_the_next_run_trains_the_rest(
    tmp_path: Path, engine: Engine
) -> None:
    def interrupt(progress: Progress) -> None:
        if progress.done == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        engine.run(STUDY, tmp_path, listener=interrupt)
    kept = stored(tmp_path)
    assert len(kept) == 4
    engine.stacks.clear()
    engine.run(STUDY, tmp_path)
    assert sorted(engine.keys) == sorted(set(KEYS) - kept.keys())


STATES = partial(train, every=0.0)
"""The engine, which tells its state after each epoch."""


def test_a_checkpoint_that_cannot_be_written_is_only_worth_a_note(tmp_path: Path) -> None:
    (tmp_path / "checkpoints").write_text("no folder")
    study = STUDY.but(size=20, rates=0, replicates=1, recipe={"base": "small", "epochs": 2})
    seen: list[Progress] = []
    run(study, tmp_path, STATES, listener=seen.append)
    assert len(stored(tmp_path)) == 1
    (note,) = [progress.note for progress in seen if progress.note]
    assert note.startswith(f"going on without a checkpoint: {tmp_path}/checkpoints/")
    assert note.endswith(".pt: File exists")


def test_a_state_of_other_models_is_not_gone_on_from(tmp_path: Path) -> None:
    """A process that outlived its run may write one while the next begins."""
    recipe = {"base": "small", "epochs": 3}
    study = STUDY.but(size=20, rates=[0, 0.5], replicates=1, recipe=recipe)
    trials = list(trials_of(study).values())
    setup = stacks.Setup("cpu", "float32", 1 << 30, STATES)
    library = stacks.Library(setup)

    def losses(file: Path) -> list[float]:
        events = stacks.Training(setup, library).events(stacks.Job(tuple(trials), file))
        found = {event.key: event for event in events if isinstance(event, Record)}
        return [loss for trial in trials for loss in found[trial.key].curve["train_loss"]]

    expected = losses(tmp_path / "none.pt")
    resident = library.resident(trials[0])
    (state, *_) = [event for event in STATES(trials, resident) if isinstance(event, State)]
    checkpoint.save(state.of([trials[1].key, trials[0].key]), tmp_path / "other.pt")
    assert losses(tmp_path / "other.pt") == expected


def test_a_finished_run_leaves_no_checkpoint(tmp_path: Path) -> None:
    study = STUDY.but(size=20, rates=0, replicates=1, recipe={"base": "small", "epochs": 2})
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints" / "0123.new").touch()  # a killed process was writing it
    run(study, tmp_path, STATES)
    assert not list((tmp_path / "checkpoints").iterdir())


# What is left in a run folder


CUT_OFF = STUDY.but(size=20, recipe={"base": "small", "epochs": 5})


def cut_off(path: Path) -> Path:
    """A run that ended in mid-training; gives its only checkpoint."""

    def interrupt(progress: Progress) -> None:
        if progress.epoch == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(CUT_OFF, path, STATES, listener=interrupt)
    (file,) = (path / "checkpoints").iterdir()
    return file


def begun_at(path: Path) -> tuple[list[int], list[str]]:
    """The first epoch of each stack of the run that goes on, and what it notes."""
    seen: list[Progress] = []
    run(CUT_OFF, path, STATES, listener=seen.append)
    assert stored(path).keys() >= trials_of(CUT_OFF).keys()
    assert not list((path / "checkpoints").glob("*.pt"))
    return [p.epoch for p in seen if p.epoch][:1], [p.note for p in seen if p.note]


def test_a_plan_says_what_a_run_does(tmp_path: Path, engine: Engine) -> None:
    study = STUDY.but(model=["small_cnn", "mlp"], recipe="small")
    found = runner.plan(study, tmp_path, machine=SMALL)
    engine.run(study, tmp_path)
    assert (found.total, found.resumed) == (20, 0)
    assert [[trial.key for trial in job.trials] for job in found.jobs] == engine.stacks
    engine.stacks.clear()
    wider = study.but(replicates=3)
    found = runner.plan(wider, tmp_path, machine=SMALL)
    engine.run(wider, tmp_path)
    assert (found.total, len(found.pending)) == (30, 10)
    assert [[trial.key for trial in job.trials] for job in found.jobs] == engine.stacks


def test_what_was_cut_off_goes_on_and_the_plan_says_so(tmp_path: Path) -> None:
    file = cut_off(tmp_path)
    before = file.read_bytes()
    found = runner.plan(CUT_OFF, tmp_path, machine=SMALL)
    assert (found.resumed, [len(job.trials) for job in found.jobs]) == (1, [10])
    assert found.jobs[0].checkpoint == file
    assert file.read_bytes() == before  # a plan changes nothing
    assert begun_at(tmp_path) == ([3], [])


def test_a_damaged_checkpoint_is_said_and_its_models_trained_again(tmp_path: Path) -> None:
    file = cut_off(tmp_path)
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    found = runner.plan(CUT_OFF, tmp_path, machine=SMALL)
    assert (found.resumed, found.damaged) == (0, [file])
    note = f"{file}: damaged, or of another version: its models are trained again"
    assert begun_at(tmp_path) == ([1], [note])


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes that have a name")
def test_what_is_no_file_is_no_checkpoint_and_nobody_waits_for_it(tmp_path: Path) -> None:
    file = cut_off(tmp_path)
    kept = tmp_path / "kept"
    file.rename(kept)
    content = kept.read_bytes()
    file.symlink_to(kept)
    os.mkfifo(file.with_name("pipe.pt"))
    file.with_suffix(".new").symlink_to(kept)
    file.with_name("folder.pt").mkdir()
    found = runner.plan(CUT_OFF, tmp_path, machine=SMALL)
    assert (found.resumed, len(found.damaged)) == (0, 3)
    run(CUT_OFF, tmp_path, STATES)
    assert stored(tmp_path).keys() == trials_of(CUT_OFF).keys()
    assert kept.read_bytes() == content
    assert [left.name for left in (tmp_path / "checkpoints").iterdir()] == ["folder.pt"]


def test_a_checkpoint_of_another_study_of_the_run_stays(tmp_path: Path) -> None:
    file = cut_off(tmp_path)
    run(CUT_OFF.but(name="other", size=30), tmp_path, STATES)
    assert file.exists()
    assert begun_at(tmp_path) == ([3], [])


def test_a_run_whose_folder_is_gone_stops_in_one_line(tmp_path: Path) -> None:
    def remove(progress: Progress) -> None:
        if progress.done == 3:
            shutil.rmtree(tmp_path / "run")

    told: list[str] = []

    def train(trials: Sequence[Trial], *_: object) -> Iterator[EpochDone | Record]:
        for trial in trials:
            told.append(trial.key)
            yield make_record(trial)

    with pytest.raises(StoreError) as caught:
        run(STUDY, tmp_path / "run", train, listener=remove)
    assert str(tmp_path / "run") in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(told) == 4  # at the next commit


def test_bad_input_leaves_no_folder(tmp_path: Path) -> None:
    for device in ("gpu", "cuda:99", ""):
        with pytest.raises(SpecError, match=r"^device = "):
            runner.run(STUDY, tmp_path / "new", device=device)
    assert not (tmp_path / "new").exists()


def test_errors_let_go_of_the_folder(tmp_path: Path, engine: Engine) -> None:
    (tmp_path / "data").mkdir()
    study = STUDY.but(dataset=["digits", "mnist"])
    with pytest.raises(DataError):
        engine.run(study, tmp_path / "run", data_dir=tmp_path / "data")
    assert not stored(tmp_path / "run")  # what is missing is told before anything is trained
    engine.run(study.but(dataset="digits", seed=2), tmp_path / "run")  # nothing is in the way
    shutil.rmtree(tmp_path / "run")
    engine.run(STUDY, tmp_path / "run")
    with pytest.raises(StudyMismatch, match="seed = 0 there and 1 here"):
        engine.run(STUDY.but(seed=1), tmp_path / "run")
    with Store.create(tmp_path / "run", grid_of(study)), pytest.raises(StoreError):
        engine.run(study, tmp_path / "run")
    Store.create(tmp_path / "run", grid_of(study)).close()


# Progress


def test_progress_counts_up_and_ends_complete(tmp_path: Path, engine: Engine) -> None:
    seen: list[Progress] = []
    study = STUDY.but(size=[100, 200])
    engine.run(STUDY, tmp_path)
    ticks = count()
    engine.run(study, tmp_path, listener=seen.append, clock=lambda: float(next(ticks)))
    assert {progress.total for progress in seen} == {20}
    done = [progress.done for progress in seen]
    assert done == [10, 10, 10, 10, *range(11, 21)]
    assert [progress.seconds for progress in seen] == list(range(len(seen)))
    assert seen[1].seconds_left is None
    for progress in seen[4:]:
        done = progress.done - 10 + (20 - progress.done) * 2 / 25  # 2 of 25 epochs expected
        assert progress.seconds_left is not None
        assert progress.seconds_left == pytest.approx(progress.seconds * (10 / done - 1))
    assert {progress.stack for progress in seen} == {"", "digits, 100 labels, small_cnn"}
    epochs = [(p.running, p.epoch, p.epochs) for p in seen if p.epoch]
    assert epochs[:2] == [(10, 1, 2), (10, 2, 2)]


def test_a_finished_run_reports_that_at_once(tmp_path: Path, engine: Engine) -> None:
    engine.run(STUDY, tmp_path)
    seen: list[Progress] = []
    engine.run(STUDY, tmp_path, listener=seen.append)
    assert seen == [Progress(done=10, total=10)]
