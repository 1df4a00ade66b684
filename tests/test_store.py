"""The store: exact round trips, who may write, what extends a run, and that nothing is lost."""

from __future__ import annotations

import itertools
import json
import os
import platform
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import flips
from factories import grid_of, make_record, make_study, make_test_set, make_trials, trials_of
from gigo.errors import StoreBusy, StoreError, StudyMismatch
from gigo.recipe import Recipe
from gigo.records import Outcome, Record, TestSet
from gigo.store import Store
from gigo.store.database import Journal
from gigo.store.rows import TABLES, digest
from gigo.store.tables import BATCH
from gigo.study import Study

STUDY = make_study()
TRIALS = make_trials(STUDY)
RECORDS = [make_record(trial) for trial in TRIALS]


def studies_of(store: Store) -> tuple[Study, ...]:
    return tuple(grid.study for grid in store.grids)


def exact(value: Any) -> Any:
    """Something that is equal only for what is the same bit for bit, NaN and -0.0 included."""
    if isinstance(value, np.ndarray):
        return value.dtype.str, value.shape, value.tobytes()
    if isinstance(value, Outcome | TestSet):
        return {field.name: exact(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, dict):
        return {name: exact(each) for name, each in value.items()}
    return repr(value)


def check(folder: Path) -> str:
    """SQLite's own opinion of a run's database."""
    with closing(sqlite3.connect(folder / "run.sqlite")) as connection:
        return connection.execute("PRAGMA integrity_check").fetchone()[0]


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A finished run."""
    folder = tmp_path / "run"
    with Store.create(folder, grid_of(STUDY)) as store:
        store.add_test_set(make_test_set())
        store.add(RECORDS)
    return folder


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user can get at, unlike pytest's."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        yield Path(folder)


def several(count: int, name: str = "") -> list[Record]:
    """Records that differ by their keys."""
    return [replace(RECORDS[0], key=f"{name}{number}") for number in range(count)]


# What is kept


def test_every_field_has_a_column() -> None:
    light = [field.name for field in fields(Outcome)]
    assert list(TABLES["record"]) == light
    assert [*light, *TABLES["evidence"]] == [field.name for field in fields(Record)]
    assert set(TABLES["test_set"]) == {field.name for field in fields(TestSet)}


def test_what_was_added_is_read_back_in_order(run: Path) -> None:
    with Store.open(run) as store:
        assert [exact(record) for record in store.records()] == [exact(r) for r in RECORDS]
        for outcome, record in zip(store.outcomes(), RECORDS, strict=True):
            assert type(outcome) is Outcome
            assert all(exact(v) == exact(getattr(record, k)) for k, v in vars(outcome).items())
        assert store.keys() == {record.key for record in RECORDS}
        assert store.statuses() == {record.key: record.status for record in RECORDS}
        assert store.provenances() == [RECORDS[0].provenance]
        assert studies_of(store) == (STUDY,)
        assert store.precision == "float32"
        assert list(store.trials()) == [trial.key for trial in TRIALS]
        assert list(store.trials().values()) == TRIALS


finite = st.floats(allow_nan=False, allow_infinity=False)
text = st.text(max_size=8)
plain = st.recursive(
    st.none() | st.booleans() | st.integers() | finite | text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
    max_leaves=6,
)
plain_dicts = st.dictionaries(text, plain, max_size=4)
predictions = hnp.arrays(st.sampled_from([np.uint8, np.uint16]), st.integers(0, 40))
scores = hnp.arrays(np.float16, st.tuples(st.integers(0, 9), st.integers(0, 3)))
counts = st.integers(0, 2**62)
records = st.builds(
    Record,
    key=text,
    trial=plain_dicts,
    status=st.sampled_from(["ok", "never_started", "diverged"]),
    n_train=counts,
    n_validation=counts,
    n_selected=counts,
    n_changed=counts,
    epochs=st.none() | counts,
    best_epoch=st.none() | counts,
    stopped=st.sampled_from(["patience", "epochs", None]),
    measures=st.dictionaries(text, finite, max_size=4),
    predictions=st.dictionaries(text, predictions, max_size=2),
    scores=st.dictionaries(text, scores, max_size=2),
    curve=st.dictionaries(text, st.lists(st.floats(allow_nan=True), max_size=5), max_size=3),
    seconds=finite,
    provenance=plain_dicts,
)


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with Store.create(tmp_path_factory.mktemp("scratch"), grid_of(STUDY)) as store:
        yield store


serial = itertools.count()


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(record=records)
def test_any_record_round_trips_bit_for_bit(scratch: Store, record: Record) -> None:
    record = replace(record, key=f"{next(serial)} {record.key}")
    scratch.add([record])
    *_, last = scratch.records()
    assert exact(last) == exact(record)


def test_a_diverged_curve_keeps_its_infinities_and_not_a_numbers(run: Path) -> None:
    curve = {"train_loss": [2.3, float("inf"), float("-inf"), float("nan"), -0.0]}
    record = replace(RECORDS[0], key="diverged", status="diverged", curve=curve)
    with Store.create(run, grid_of(STUDY)) as store:
        store.add([record])
        *_, last = store.records()
    assert repr(last.curve) == repr(curve)


@pytest.mark.parametrize(
    "wrong",
    [
        {"measures": {"accuracy": float("nan")}},
        {"seconds": float("inf")},
        {"provenance": {"loss": float("nan")}},
        {"provenance": {"path": Path("x")}},
        {"n_train": 1.5},
        {"n_train": 2**63},
        {"predictions": {"test": np.zeros(3)}},
        {"status": "\ud800"},
    ],
    ids=str,
)
def test_what_could_not_be_read_back_is_refused(run: Path, wrong: dict[str, Any]) -> None:
    (field,) = wrong
    new = replace(RECORDS[0], key="new")
    with Store.create(run, grid_of(STUDY)) as store:
        with pytest.raises(StoreError, match=rf"^\w+\.{field} can't be stored: .+$"):
            store.add([new, replace(new, key="newer", **wrong)])
        assert len(store.keys()) == len(RECORDS)


def test_numpy_scalars_become_plain_numbers(run: Path) -> None:
    record = replace(RECORDS[0], key="new", epochs=np.int64(7), seconds=np.float32(0.1))
    with Store.create(run, grid_of(STUDY)) as store:
        store.add([record])
        *_, last = store.records()
    assert (type(last.epochs), last.epochs) == (int, 7)
    assert (type(last.seconds), last.seconds) == (float, float(np.float32(0.1)))


def test_no_trial_is_stored_twice_and_a_failed_batch_leaves_nothing(run: Path) -> None:
    fresh = replace(RECORDS[0], key="fresh")
    with Store.create(run, grid_of(STUDY)) as store:
        for batch in ([fresh, RECORDS[3]], [fresh, fresh]):
            with pytest.raises(StoreError, match="stored already"):
                store.add(batch)
            assert store.keys() == {record.key for record in RECORDS}
        store.add([fresh])
        assert store.keys() == {"fresh", *(record.key for record in RECORDS)}


def test_test_sets_are_kept_once_by_their_data(run: Path) -> None:
    digits, mnist = make_test_set(), replace(make_test_set("mnist"), classes=tuple("0一23456789"))
    with Store.create(run, grid_of(STUDY)) as store:
        store.add_test_set(digits)
        store.add_test_set(mnist)
        store.add_test_set(mnist)
        found = store.test_sets()
    assert list(found) == [digits.sha256, mnist.sha256]
    assert exact(found[digits.sha256]) == exact(digits)
    assert exact(found[mnist.sha256]) == exact(mnist)


def test_the_database_answers_plain_sql(run: Path) -> None:
    with closing(sqlite3.connect(run / "run.sqlite")) as connection:
        query = """
            SELECT key, json_extract(trial, '$.rate'), epochs, json_extract(measures, '$.accuracy')
            FROM record JOIN evidence USING (position)"""
        rows = connection.execute(query).fetchall()
        assert connection.execute("PRAGMA application_id").fetchone() == (0x6769676F,)
    expected = [(r.key, r.trial["rate"], r.epochs, r.measures["accuracy"]) for r in RECORDS]
    assert rows == expected


# What extends a run


@pytest.mark.parametrize(
    "change",
    [
        {"name": "other"},
        {"summary": "other"},
        {"dataset": ["digits", "mnist"]},
        {"size": [200, "all"]},
        {"corruption": ["two_sink", {"name": "symmetric", "include_true": True}]},
        {"rates": [0.25]},
        {"replicates": 5},
        {"model": "mlp"},
        {"recipe": ["small", {"base": "sgd", "epochs": 3}]},
        {"validation": ["oracle", "none"]},
        {"precision": "float32"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_another_grid_extends_the_run(run: Path, change: dict[str, Any]) -> None:
    wider = STUDY.but(**change)
    for _ in range(2):
        with Store.create(run, grid_of(wider, "bfloat16")) as store:
            assert studies_of(store) == (STUDY, wider)
    with Store.create(run, grid_of(STUDY)) as store:
        assert studies_of(store) == (STUDY, wider)
        assert store.precision == "float32"
    with Store.open(run) as store:
        assert studies_of(store) == (STUDY, wider)
        assert len(store.keys()) == len(RECORDS)
        both = {**trials_of(STUDY), **trials_of(wider)}
        assert list(store.trials().items()) == list(both.items())


@pytest.mark.parametrize(
    ("change", "stored", "asked"),
    [
        ({"seed": 7}, "0", "7"),
        ({"subset": "first"}, "'random'", "'first'"),
        ({"placement": "tail"}, "'random'", "'tail'"),
        ({"precision": "float64"}, "'float32'", "'float64'"),
    ],
)
def test_any_other_difference_is_refused_by_name(
    run: Path, change: dict[str, Any], stored: str, asked: str
) -> None:
    before = (run / "run.sqlite").read_bytes()
    with pytest.raises(StudyMismatch) as caught:
        Store.create(run, grid_of(STUDY.but(**change)))
    (field,) = change
    message = str(caught.value)
    assert f"{field} = {stored} there and {asked} here" in message
    assert str(run) in message
    assert "--out" in message
    assert "\n" not in message
    assert (run / "run.sqlite").read_bytes() == before


def test_other_data_of_the_same_name_are_refused(run: Path) -> None:
    """They would be averaged with those that are there."""
    grid = grid_of(STUDY)
    (card, *more) = grid.datasets
    other = replace(grid, datasets=(replace(card, sha256="0" * 64), *more))
    before = (run / "run.sqlite").read_bytes()
    with pytest.raises(StudyMismatch, match=f"data set {card.name} has other .*another --out"):
        Store.create(run, other)
    assert (run / "run.sqlite").read_bytes() == before


def test_all_differences_are_named_at_once(run: Path) -> None:
    with pytest.raises(StudyMismatch, match=r"seed = 0 .* 7 here, subset = .* 'first' here"):
        Store.create(run, grid_of(STUDY.but(seed=7, subset="first", rates=[0.3])))


def test_a_run_without_a_trial_makes_way(tmp_path: Path) -> None:
    narrower, other = STUDY.but(rates=[0]), STUDY.but(seed=7, precision="float64")
    for study, precision, kept in [
        (STUDY, "float32", (STUDY,)),
        (narrower, "float32", (STUDY, narrower)),
        (other, "float64", (other,)),
        (STUDY, "bfloat16", (STUDY,)),
    ]:
        with Store.create(tmp_path, grid_of(study, precision)) as store:
            assert (studies_of(store), store.precision) == (kept, precision)
        with Store.open(tmp_path) as store:
            assert (studies_of(store), store.precision) == (kept, precision)


def test_trials_of_another_science_are_not_mixed_in(run: Path) -> None:
    craft(run, "run", 1, science=99)
    with pytest.raises(StudyMismatch, match="science = 99: expected 1"):
        Store.create(run, grid_of(STUDY))
    with pytest.raises(StudyMismatch, match="science = 99: expected 1"):
        Store.open(run)  # its keys would be unknown, and the run look empty


def test_precision_is_resolved_once(tmp_path: Path) -> None:
    with Store.create(tmp_path / "auto", grid_of(STUDY, "bfloat16")) as store:
        assert store.precision == "bfloat16"
    with Store.create(tmp_path / "auto", grid_of(STUDY)) as store:
        assert store.precision == "bfloat16"
    explicit = STUDY.but(precision="float64")
    with Store.create(tmp_path / "explicit", grid_of(explicit, "float64")) as store:
        assert store.precision == "float64"
    with Store.create(tmp_path / "explicit", grid_of(STUDY)) as store:
        assert store.precision == "float64"
        assert studies_of(store) == (explicit, STUDY)


# Who may read and write


def test_a_second_writer_is_refused_and_told_who_the_first_is(run: Path) -> None:
    with Store.create(run, grid_of(STUDY)):
        with pytest.raises(StoreBusy) as caught:
            Store.create(run, grid_of(STUDY))
        message = str(caught.value)
        assert f"{run}: process {os.getpid()} on {platform.node()}, started 2" in message
        (run / "run.sqlite.writer").write_text("torn {")
        with pytest.raises(StoreBusy, match="another process is writing"):
            Store.create(run, grid_of(STUDY))
    Store.create(run, grid_of(STUDY)).close()


def test_another_process_is_refused_too_and_needs_no_torch(run: Path) -> None:
    script = """
import sys
from pathlib import Path
from gigo.errors import StoreBusy
from gigo.store import Store
with Store.open(Path(sys.argv[1])) as store:
    print(len(store.keys()), "torch" in sys.modules, "filelock" in sys.modules)
    try:
        Store.create(store.path, store.grids[0])
    except StoreBusy as error:
        print(error)
"""
    with Store.create(run, grid_of(STUDY)):
        output = python(script, str(run))
    first, second = output.splitlines()
    assert first == f"{len(RECORDS)} False False"
    assert f"process {os.getpid()} on" in second


def test_another_program_s_lock_is_reported(run: Path) -> None:
    with Store.create(run, grid_of(STUDY), wait=0.0) as store:
        with closing(sqlite3.connect(run / "run.sqlite")) as other:
            other.execute("BEGIN EXCLUSIVE")
            with pytest.raises(StoreBusy, match=r"run\.sqlite: another program holds it"):
                store.add([replace(RECORDS[0], key="new")])
        store.add([replace(RECORDS[0], key="new")])


@pytest.mark.parametrize("journal", ["WAL", "DELETE"])
def test_readers_see_each_commit_and_hold_nobody_up(tmp_path: Path, journal: Journal) -> None:
    early, late = several(BATCH + 2), several(BATCH + 2, "late ")
    with (
        Store.create(tmp_path, grid_of(STUDY), journal=journal, wait=0.0) as writer,
        Store.open(tmp_path) as reader,
    ):
        writer.add(early)
        seen: list[str] = []
        for record, later in zip(reader.records(), late, strict=True):
            seen.append(record.key)
            writer.add([later])  # while the reader is half-way
        assert reader.keys() == writer.keys() == {r.key for r in (*early, *late)}
    assert seen == [record.key for record in early]  # as of asking
    assert check(tmp_path) == "ok"


def test_a_reader_can_not_write(run: Path) -> None:
    with (
        Store.open(run) as store,
        pytest.raises(StoreError, match=r"run\.sqlite: can't be written"),
    ):
        store.add([replace(RECORDS[0], key="new")])


def test_a_closed_store_leaves_one_file_and_an_empty_lock(run: Path) -> None:
    with Store.open(run) as store:
        list(store.records())
    store.close()
    assert {file.name for file in run.iterdir()} == {"run.sqlite", "run.sqlite.lock"}


@pytest.mark.parametrize("with_log", [False, True])
def test_a_write_protected_run_can_be_read(open_folder: Path, with_log: bool) -> None:
    with Store.create(open_folder, grid_of(STUDY)) as writer:
        writer.add(RECORDS)
        if not with_log:  # else its owner is still at it
            writer.close()
        with protected(open_folder), unprivileged(), Store.open(open_folder) as store:
            assert [exact(record) for record in store.records()] == [exact(r) for r in RECORDS]


# What can go wrong


def test_no_run_there(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")
    (tmp_path / "empty").mkdir()
    (tmp_path / "killed").mkdir()
    (tmp_path / "killed" / "run.sqlite").touch()
    for path in (tmp_path / "none", tmp_path / "empty", tmp_path / "killed", file, file / "x"):
        with pytest.raises(StoreError) as caught:
            Store.open(path)
        assert str(caught.value).startswith(f"{path}: no run there: expected a folder")
        assert "gigo run" in str(caught.value)
    assert not (tmp_path / "none").exists()


def test_a_file_or_a_file_above_is_no_folder(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("mine")
    with pytest.raises(StoreError, match=r"file: a file: expected a folder"):
        Store.create(file, grid_of(STUDY))
    with pytest.raises(StoreError, match=r"file.*: Not a directory$"):
        Store.create(file / "x", grid_of(STUDY))
    assert file.read_text() == "mine"


def test_unwritable_folders_are_named(open_folder: Path) -> None:
    run = open_folder / "run"
    Store.create(run, grid_of(STUDY)).close()
    with protected(open_folder), unprivileged():
        with pytest.raises(StoreError, match=r"/new: Permission denied$"):
            Store.create(open_folder / "new", grid_of(STUDY))
        with pytest.raises(StoreError, match=r"/run/run\.sqlite\.lock: Permission denied$"):
            Store.create(run, grid_of(STUDY))
    assert check(run) == "ok"


def test_unreadable_folders_are_named(open_folder: Path) -> None:
    run = open_folder / "run"
    Store.create(run, grid_of(STUDY)).close()
    run.chmod(0o000)
    with unprivileged(), pytest.raises(StoreError, match=r"run\.sqlite: Permission denied$"):
        Store.open(run)
    run.chmod(0o755)


def test_other_files_in_the_folder_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with Store.create(tmp_path, grid_of(STUDY)) as store:
        store.add(RECORDS)
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_a_run_killed_while_it_was_being_made_is_made_again(tmp_path: Path) -> None:
    (tmp_path / "run.sqlite").touch()
    with Store.create(tmp_path, grid_of(STUDY)) as store:
        store.add(RECORDS)
    with Store.open(tmp_path) as store:
        assert len(store.keys()) == len(RECORDS)


@pytest.mark.parametrize(
    ("pragma", "reason"),
    [
        ("application_id = 5", "another program's database: expected a run of gigo"),
        ("user_version = 2", r"format = 2: expected 1 \(is there a newer gigo\?\)"),
    ],
)
def test_foreign_and_newer_files_are_not_touched(run: Path, pragma: str, reason: str) -> None:
    with closing(sqlite3.connect(run / "run.sqlite")) as connection:
        connection.execute(f"PRAGMA {pragma}")
    refuses(run, reason)


def test_a_database_of_nobody_in_particular_is_not_touched(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "run.sqlite")) as connection:
        connection.execute("CREATE TABLE mine (x)")
    refuses(tmp_path, "another program's database")


def test_no_database_at_all_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "run.sqlite").write_text("accuracy,rate\n" * 200)
    refuses(tmp_path, "not an SQLite database, or a damaged one")


def test_a_truncated_database_is_reported(run: Path) -> None:
    file = run / "run.sqlite"
    os.truncate(file, 3 * 4096)
    with pytest.raises(StoreError, match=r"run\.sqlite: the database is damaged"):
        list(open_and_read(run))


@pytest.mark.parametrize(
    ("table", "column"), [("record", "status"), ("evidence", "curve"), ("evidence", "predictions")]
)
def test_a_damaged_record_is_reported(run: Path, table: str, column: str) -> None:
    change(run, f"UPDATE {table} SET {column} = substr({column}, 1, 1) WHERE position = 4")
    found = open_and_read(run)
    for record in RECORDS[:3]:
        assert exact(next(found)) == exact(record)
    said = rf"run\.sqlite: row 4 of table {table} does not fit its digest: .+ --out$"
    with pytest.raises(StoreError, match=said):
        next(found)
    with Store.open(run) as store:
        if table == "record":
            for read in (store.keys, store.statuses, lambda: [*store.outcomes()]):
                with pytest.raises(StoreError, match=said):
                    read()
            with pytest.raises(StoreError, match=said):
                Store.create(run, grid_of(STUDY))
        else:  # what tables are made from is whole
            assert len([*store.outcomes()]) == len(store.keys()) == len(RECORDS)


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("DELETE FROM record WHERE position = 3", "row 3 of table record is missing"),
        ("DELETE FROM record WHERE position = 10", "row 10 of table record is missing"),
        ("DELETE FROM evidence WHERE position = 3", "row 3 of table evidence is missing"),
        ("DELETE FROM evidence", "row 1 of table evidence is missing"),
        ("DELETE FROM provenance", "row 1 of table provenance is missing"),
        ("DELETE FROM test_set", "row 1 of table test_set is missing"),
        ("DELETE FROM grid", "row 1 of table grid is missing"),
        ("DELETE FROM run", "row 1 of table run is missing"),
        ("UPDATE run SET record = 9", "row 1 of table run does not fit its digest"),
        ("UPDATE record SET position = 11 WHERE position = 3", "row 3 of table record is missing"),
        ("ALTER TABLE record RENAME COLUMN key TO kex", "table record is not that of a run"),
    ],
)
def test_a_missing_row_is_noticed(run: Path, sql: str, said: str) -> None:
    change(run, sql)
    with pytest.raises(StoreError, match=rf"run\.sqlite: {said}: the database is damaged: "):
        everything(run)


def test_a_row_in_the_place_of_another_is_noticed(run: Path) -> None:
    change(run, "UPDATE record SET position = 99 WHERE position = 3")
    change(run, "UPDATE record SET position = 3 WHERE position = 4")
    change(run, "UPDATE record SET position = 4 WHERE position = 99")
    with pytest.raises(StoreError, match="row 3 of table record does not fit"):
        everything(run)


MADE_UP = [
    ("evidence", "curve", json.dumps({"train_loss": [10**400]})),
    ("evidence", "curve", "[]"),
    ("evidence", "trial", "[]"),
    ("evidence", "trial", "[" * 200_000),
    ("evidence", "predictions", b"1"),
    ("evidence", "predictions", zlib.compress(b'{"test": ["|u1", -1]}\nab')),
    ("evidence", "predictions", zlib.compress(b'{"test": ["|u1", 1]}\nab')),
    ("evidence", "predictions", zlib.compress(b'{"test": ["|O", 1]}\nab')),
    ("evidence", "scores", 5),
    ("record", "measures", "5"),
    ("record", "measures", '{"accuracy": [1]}'),
    ("record", "provenance", 2),
    ("record", "n_train", "many"),
    ("provenance", "provenance", "5"),
    ("provenance", "provenance", "[" * 200_000),
    ("test_set", "classes", "[]"),
    ("test_set", "classes", '["one"]'),
    ("test_set", "labels", zlib.compress(b'{"test": ["<i8", 0]}\n')),
    ("grid", "grid", "5"),
    ("grid", "grid", "{}"),
    ("grid", "grid", "[" * 200_000),
    ("grid", "grid", json.dumps({**grid_of(STUDY).to_json(), "models": {}})),
    ("run", "precision", 5),
    ("run", "record", 11),
]


@pytest.mark.parametrize(("table", "column", "value"), MADE_UP, ids=lambda value: f"{value!s:.20}")
def test_a_made_up_row_is_one_line(run: Path, table: str, column: str, value: object) -> None:
    craft(run, table, 1, **{column: value})
    with pytest.raises(StoreError) as caught:
        everything(run)
    message = str(caught.value)
    assert message.startswith(f"{run / 'run.sqlite'}") and "\n" not in message
    assert len(message) < 500


def test_a_study_that_this_version_does_not_know_is_reported(run: Path) -> None:
    plain = grid_of(STUDY).to_json()
    craft(run, "grid", 1, grid=json.dumps({**plain, "study": {**plain["study"], "sizes": 5}}))
    with pytest.raises(
        StoreError, match=r"run\.sqlite, row 1: grid\.grid can't be read: field = 'sizes'"
    ):
        Store.open(run)


def test_a_run_is_read_without_what_its_study_names(tmp_path: Path) -> None:
    plain = json.dumps(grid_of(STUDY).to_json()).replace("digits", "svhn")
    with Store.create(tmp_path, grid_of(STUDY)):
        pass
    craft(tmp_path, "grid", 1, grid=plain)
    with Store.open(tmp_path) as store:
        assert studies_of(store)[0].dataset[0].name == "svhn"


@pytest.mark.parametrize("seed", range(4))
def test_no_flipped_bit_gives_a_wrong_number_or_a_second_training(
    tmp_path: Path, seed: int
) -> None:
    """More of the same, on more databases: ``python tests/flips.py 200``."""
    assert flips.try_some(tmp_path, seed, count=10) > 1


def test_text_that_is_none_is_reported(run: Path) -> None:
    change(run, "UPDATE record SET status = CAST(x'ff0a' AS TEXT) WHERE position = 4")
    with pytest.raises(StoreError, match=r"run\.sqlite: the database is damaged: .*decode.*$"):
        everything(run)


# Files in the way, and files that go


@pytest.mark.parametrize("name", ["run.sqlite.writer", "run.sqlite.lock"])
def test_nothing_is_written_through_a_link(run: Path, tmp_path: Path, name: str) -> None:
    mine = tmp_path / "mine.txt"
    mine.write_text("mine")
    (run / name).unlink(missing_ok=True)
    (run / name).symlink_to(mine)
    with pytest.raises(StoreError, match=rf"{name}: a link, a folder or a pipe: expected a file"):
        Store.create(run, grid_of(STUDY))
    assert mine.read_text() == "mine"
    (run / name).unlink()
    Store.create(run, grid_of(STUDY)).close()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="makes pipes")
@pytest.mark.parametrize("name", ["run.sqlite", "run.sqlite.writer", "run.sqlite.lock"])
def test_a_pipe_is_not_waited_for(tmp_path: Path, name: str) -> None:
    os.mkfifo(tmp_path / name)
    with pytest.raises(StoreError, match=rf"{name}: .*expected a file"):
        Store.create(tmp_path, grid_of(STUDY))
    if name == "run.sqlite":
        with pytest.raises(StoreError, match="expected a file"):
            Store.open(tmp_path)


@pytest.mark.parametrize("journal", ["WAL", "DELETE"])
@pytest.mark.parametrize("gone", ["folder", "database", "moved", "replaced"])
def test_a_run_that_is_gone_is_noticed_at_the_next_commit(
    run: Path, gone: str, journal: Journal
) -> None:
    new, file = several(2, "new"), run / "run.sqlite"
    with Store.create(run, grid_of(STUDY), journal=journal) as store:
        store.add(new[:1])
        if gone == "folder":
            shutil.rmtree(run)
        elif gone == "database":
            file.unlink()
        elif gone == "moved":
            run.rename(run.with_name("moved"))
        else:
            file.rename(run / "old.sqlite")
            shutil.copy(run / "old.sqlite", file)
        for _ in range(2):
            with pytest.raises(StoreError, match=rf"{run}: the run folder is gone, or run\.sqlite"):
                store.add(new[1:])
        with pytest.raises(StoreError, match="the run folder is gone"):
            store.add_test_set(make_test_set("mnist"))


def test_a_stored_recipe_keeps_what_nobody_may_write(tmp_path: Path) -> None:
    """An option that does nothing may stand in a whole recipe, and does in older runs."""
    study = make_study(recipe=Recipe(optimizer="adam", momentum=0.5))
    with Store.create(tmp_path, grid_of(study)):
        pass
    with Store.open(tmp_path) as store:
        assert studies_of(store) == (study,)


# Full disks


def big(number: int) -> Record:
    """A record that does not compress."""
    noise = np.random.default_rng(number).integers(256, size=10_000).astype(np.uint8)
    return replace(RECORDS[0], key=f"big {number}", predictions={"a": noise, "b": noise})


def fill(store: Store) -> list[str]:
    """Add records until the disk is full; the keys of those that were kept."""
    kept: list[str] = []

    def until_full() -> None:
        for number in range(1000):
            store.add([big(number)])
            kept.append(f"big {number}")

    with pytest.raises(StoreError) as caught:
        until_full()
    assert str(caught.value).startswith(f"{store.path}/run.sqlite: the disk is full")
    assert "\n" not in str(caught.value)
    return kept


@pytest.mark.parametrize("journal", ["WAL", "DELETE"])
def test_a_full_database_stays_whole(run: Path, journal: Journal) -> None:
    with Store.create(run, grid_of(STUDY), journal=journal) as store:
        store._tables.connection.execute("PRAGMA max_page_count = 100")
        kept = fill(store)
        assert kept
        assert store.keys() == {record.key for record in RECORDS} | set(kept)
        store._tables.connection.execute("PRAGMA max_page_count = 100000")
        store.add([big(len(kept))])
    assert check(run) == "ok"
    found = list(open_and_read(run))
    assert [exact(record) for record in found[: len(RECORDS)]] == [exact(r) for r in RECORDS]
    assert [exact(r) for r in found[len(RECORDS) :]] == [
        exact(big(number)) for number in range(len(kept) + 1)
    ]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 600 kB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=600k", "tmpfs", str(folder)]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("mounting a small disk needs Linux and root")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.parametrize("journal", ["WAL", "DELETE"])
def test_a_full_disk_leaves_the_run_whole(small_disk: Path, journal: Journal) -> None:
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(100_000))
    run = small_disk / "run"
    with Store.create(run, grid_of(STUDY), journal=journal) as store:
        kept = set(fill(store))
        assert kept
        assert store.keys() == kept
        assert {record.key for record in open_and_read(run)} == kept
    assert {record.key for record in open_and_read(run)} == kept
    occupy(small_disk / "rest")
    assert {record.key for record in open_and_read(run)} == kept
    with pytest.raises(StoreError):
        Store.create(run, grid_of(STUDY.but(rates=[0.3])))
    with pytest.raises(StoreError):
        Store.create(small_disk / "another", grid_of(STUDY))
    ballast.unlink()
    with Store.create(run, grid_of(STUDY)) as store:
        store.add(RECORDS[:2])
        assert len(store.keys()) == len(kept) + 2
    assert check(run) == "ok"


# Sudden death

KILL = """
import json, os, random, signal, sys, time
from pathlib import Path

from factories import grid_of, make_record, make_study, make_trials
from gigo.store import Store

folder, journal = Path(sys.argv[1]), sys.argv[2]
study, random = make_study(), random.Random(7)
template, printed = vars(make_record(make_trials(study)[0])), []
from gigo.records import Record

def write(round, pipe):
    with Store.create(folder, grid_of(study), journal=journal) as store:
        for number in range(100_000):
            key = f"{round}/{number}"
            store.add([Record(**{**template, "key": key})])
            os.write(pipe, key.encode() + b"\\n")

for round in range(10):
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            write(round, writing)
        except BaseException as error:
            os.write(writing, f"failed: {error!r}".encode())
        os._exit(1)
    os.close(writing)
    with os.fdopen(reading, "rb") as acknowledged:
        for _ in range(round % 5 * 3):  # every fifth dies while it opens or makes the run
            printed.append(acknowledged.readline().decode().strip())
        time.sleep(random.uniform(0.0, 0.02))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        printed += acknowledged.read().decode().splitlines()
    with Store.create(folder, grid_of(study), journal=journal) as store:  # works at once
        lost = set(printed) - store.keys()
        extra = store.keys() - set(printed)
    assert not lost, lost
    assert len(extra) <= round + 1, extra  # the one in flight of each round at most
print(json.dumps(printed))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills forked writers")
@pytest.mark.parametrize("journal", ["WAL", "DELETE"])
def test_nothing_acknowledged_is_lost_to_kill_9(tmp_path: Path, journal: str) -> None:
    printed = json.loads(python(KILL, str(tmp_path), journal))
    assert len(printed) >= 60
    assert check(tmp_path) == "ok"
    stored = list(open_and_read(tmp_path))
    assert set(printed) <= {record.key for record in stored}
    template = make_record(TRIALS[0])
    assert all(exact(record) == exact(replace(template, key=record.key)) for record in stored)


ABANDON = """
import os, sys
from pathlib import Path
from factories import grid_of, make_record, make_study, make_trials
from gigo.store import Store
store = Store.create(Path(sys.argv[1]), grid_of(make_study()))
store.add([make_record(trial) for trial in make_trials()])
os._exit(0)
"""


def test_a_killed_writer_s_log_is_read_too(tmp_path: Path) -> None:
    python(ABANDON, str(tmp_path))
    assert (tmp_path / "run.sqlite-wal").stat().st_size > 0
    assert [exact(r) for r in open_and_read(tmp_path)] == [exact(r) for r in RECORDS]


def test_a_killed_writer_s_log_is_never_passed_over(open_folder: Path) -> None:
    python(ABANDON, str(open_folder))
    (open_folder / "run.sqlite-shm").unlink()
    with protected(open_folder), unprivileged():
        try:
            found = list(open_and_read(open_folder))
        except StoreError:
            return  # older versions of SQLite can't; none of them may read less than there is
    assert len(found) == len(RECORDS)


# Helpers


def python(script: str, *arguments: str) -> str:
    """What a fresh interpreter prints; it imports what this one can."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    command = [sys.executable, "-c", script, *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def change(folder: Path, sql: str) -> None:
    """Change a database behind the store's back."""
    with closing(sqlite3.connect(folder / "run.sqlite")) as connection:
        connection.execute(sql)
        connection.commit()


def craft(folder: Path, table: str, position: int, **columns: object) -> None:
    """Change values of a row, and have its digest fit them."""
    with closing(sqlite3.connect(folder / "run.sqlite")) as connection:
        query = f"SELECT * FROM {table} WHERE position = {position}"
        _, *values, _ = connection.execute(query).fetchone()
        row = {**dict(zip(TABLES[table], values, strict=True)), **columns}
        row["digest"] = digest(table, position, [*row.values()])
        connection.execute("PRAGMA ignore_check_constraints = ON")
        settings = ", ".join(f"{name} = ?" for name in row)
        query = f"UPDATE {table} SET {settings} WHERE position = {position}"
        connection.execute(query, [*row.values()])
        connection.commit()


def everything(folder: Path) -> None:
    """Read all that there is."""
    with Store.open(folder) as store:
        for read in (store.keys, store.trials, store.test_sets, store.provenances):
            read()
        assert len([*store.outcomes()]) == len([*store.records()])


def open_and_read(folder: Path) -> Iterator[Record]:
    with Store.open(folder) as store:
        yield from store.records()


def refuses(folder: Path, reason: str) -> None:
    """A file that is no run of this format is neither read nor written."""
    before = (folder / "run.sqlite").read_bytes()
    with pytest.raises(StoreError, match=rf"run\.sqlite: {reason}"):
        Store.open(folder)
    with pytest.raises(StoreError, match=rf"run\.sqlite: {reason}"):
        Store.create(folder, grid_of(STUDY))
    assert (folder / "run.sqlite").read_bytes() == before


def occupy(file: Path) -> None:
    """Take what is left of a disk."""
    with file.open("wb", buffering=0) as stream:
        for size in (4096, 1):
            try:
                while True:
                    stream.write(bytes(size))
            except OSError:
                pass


@contextmanager
def protected(folder: Path) -> Iterator[None]:
    """Nobody but root can write into ``folder``, its files and its folders."""
    inside = [folder, *folder.rglob("*")]
    modes = [path.stat().st_mode for path in inside]
    for path in inside:
        path.chmod(path.stat().st_mode & ~0o222)
    yield
    for path, mode in zip(inside, modes, strict=True):
        path.chmod(mode)


@contextmanager
def unprivileged() -> Iterator[None]:
    """Root becomes nobody, whom write protection stops."""
    if not hasattr(os, "geteuid"):
        pytest.skip("write protection of folders is another matter here")
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)
