"""What a run folder holds, to a program: studies, test sets and records."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

from gigo.axes import FIELDS
from gigo.errors import StoreError, StudyMismatch
from gigo.grid import Grid
from gigo.store.database import (
    DATABASE,
    WAIT,
    Journal,
    check_pages,
    choose_journal,
    connect_to_read,
    connect_to_write,
    damaged,
    holds_run,
    make_tables,
    reported,
    transaction,
    write_row,
)
from gigo.store.rows import COUNTS, encode
from gigo.store.tables import Tables
from gigo.store.writer import writing
from gigo.study import Study
from gigo.trial import SCIENCE, Trial
from gigo.types import Outcome, Record, Status, TestSet

EXTENDABLE = {"name", "summary", "replicates", *FIELDS}
"""Fields in which the studies of a run may differ; and in ``precision``, once resolved."""


class Store:
    """A run folder, opened by `create` to write or by `open` to read; a context manager.

    Attributes:
        path: the run folder.
        grids: the distinct studies that were run into it, resolved, in order, as of opening.
        precision: of all its trials, resolved when it was created.
    """

    path: Path
    grids: tuple[Grid, ...]
    precision: str

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path, self._tables, self._cleanup = path, Tables(path, connection), ExitStack()
        self._keys: set[str] | None = None  # of the records, where this is a writer
        self._provenances: dict[str, int] = {}  # their positions, by their JSON, likewise
        self.precision, science = self._tables.head["precision"], self._tables.head["science"]
        if science != SCIENCE:
            raise StudyMismatch(
                f"{path}: its trials are of science = {science}: expected {SCIENCE}, that of this "
                "version; the gigo that made the run reads it"
            )
        self.grids = tuple(row["grid"] for row in self._tables.rows("grid"))

    @classmethod
    def create(
        cls, path: Path, grid: Grid, *, journal: Journal = "WAL", wait: float = WAIT
    ) -> Self:
        """Open a run for writing: make the folder, or extend the run that is there.

        A run without a trial, such as one whose data were missing, makes way for a study that
        does not fit it.

        Args:
            path: the run folder; other files in it are left alone.
            grid: what is about to be run; where its study leaves the precision to gigo, that of
                the run counts.
            journal: SQLite's; where the file system has no shared memory, it is ``DELETE``.
            wait: seconds to wait for a program that is not gigo to let go of the database.

        Raises:
            StoreBusy: another process, or another `Store` of this one, is writing to it.
            StudyMismatch: there are trials, and more than grid, name or replicates differs.
            StoreError: not a folder, not writable, full disk; damaged, foreign or newer file.
        """
        with ExitStack() as cleanup:
            with reported(path):
                _refuse_file(path)
                path.mkdir(parents=True, exist_ok=True)
            cleanup.enter_context(writing(path))
            with reported(path):
                connection = connect_to_write(path, wait)
            cleanup.callback(connection.close)
            if holds_run(path, connection):
                check_pages(path, connection)
            else:
                with transaction(path, connection):
                    make_tables(connection)
                    _begin(connection, grid)
            choose_journal(connection, journal)
            store = cls(path, connection)
            store._learn()
            store._extend(grid)
            store._cleanup = cleanup.pop_all()
            return store

    @staticmethod
    def is_at(path: Path) -> bool:
        """Whether a folder holds a run.

        Raises:
            StoreError: it is no folder, or may not be looked at.
        """
        with reported(path):
            _refuse_file(path)
            return (path / DATABASE).exists()

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open a run for reading, also while another process writes to it.

        Raises:
            StoreError: no run there, not readable; damaged, foreign or newer file.
        """
        with ExitStack() as cleanup:
            with reported(path):
                connection = connect_to_read(path)
            if connection is not None:
                cleanup.callback(connection.close)
            if connection is None or not holds_run(path, connection):
                raise StoreError(
                    f"{path}: no run there: expected a folder with {DATABASE}, "
                    f"as 'gigo run STUDY --out {path}' makes it"
                )
            store = cls(path, connection)
            store._cleanup = cleanup.pop_all()
            return store

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the folder; a second call does nothing."""
        self._cleanup.close()

    def trials(self) -> dict[str, Trial]:
        """What the run is meant to hold: the trials of all its studies, by key, in order."""
        trials: dict[str, Trial] = {}
        for grid in self.grids:
            trials |= grid.trials
        return trials

    def count(self) -> int:
        """Trials finished by now."""
        return self._tables.read_head()["records"]

    def statuses(self) -> dict[str, Status]:
        """The status of each finished trial, by its key."""
        rows = self._tables.rows("record", only=("key", "status"))
        return {row["key"]: row["status"] for row in rows}

    def keys(self) -> set[str]:
        """Keys of the trials that are finished."""
        return set(self.statuses() if self._keys is None else self._keys)

    def outcomes(self) -> Iterator[Outcome]:
        """The numbers of the trials finished by now, in the order in which they were added.

        That is far less to read than `records`.

        Raises:
            StoreError: a row is damaged or missing.
        """
        return (Outcome(**fields) for fields in self._outcomes(self.count()))

    def records(self) -> Iterator[Record]:
        """All that the trials finished by now left, in the order in which they were added.

        Raises:
            StoreError: a row is damaged or missing.
        """
        count = self.count()
        both = zip(self._outcomes(count), self._tables.rows("evidence", count), strict=True)
        return (Record(**outcome, **evidence) for outcome, evidence in both)

    def provenances(self) -> list[dict[str, Any]]:
        """The distinct ones of all records, in the order in which they came."""
        return [row["provenance"] for row in self._tables.rows("provenance")]

    def test_sets(self) -> dict[str, TestSet]:
        """The test sets of the data sets used, by the sha256 of the data.

        Raises:
            StoreError: a row is damaged or missing.
        """
        found = {row["sha256"]: TestSet(**row) for row in self._tables.rows("test_set")}
        for test_set in found.values():
            for name, labels in test_set.labels.items():
                if not {*labels.tolist()} <= {*range(len(test_set.classes))} or not len(labels):
                    raise damaged(self.path, f"test set {test_set.name}, labels of {name}")
        return found

    def add(self, records: Iterable[Record]) -> None:
        """Keep the records of finished trials: all of them or, after an error, none.

        When it returns they are on the disk, and outlive a kill or a power cut.

        Raises:
            StoreError: a trial is stored already (none is trained twice), a value can't be kept
                exactly, the disk is full, the run folder is gone, or the store was opened to read.
        """
        if self._keys is None:
            raise StoreError(f"{self.path / DATABASE}: can't be written to: it is open to be read")
        rows: dict[str, list[list[Any]]] = {"provenance": [], "record": [], "evidence": []}
        keys: set[str] = set()
        provenances = dict(self._provenances)
        for record in records:
            if record.key in self._keys or record.key in keys:
                raise StoreError(
                    f"{self.path}: trial {record.key} is stored already: expected a new one"
                )
            keys.add(record.key)
            provenance = encode("provenance", {"provenance": record.provenance})
            if provenance[0] not in provenances:
                rows["provenance"].append(provenance)
            position = provenances.setdefault(provenance[0], len(provenances) + 1)
            fields = {**vars(record), "provenance": position}
            rows["record"].append(encode("record", fields))
            rows["evidence"].append(encode("evidence", fields))
        self._tables.append(rows)
        self._keys |= keys
        self._provenances = provenances

    def add_test_set(self, test_set: TestSet) -> None:
        """Keep what the analysis needs of a data set; if it is there already, nothing changes.

        Raises:
            StoreError: as for `add`.
        """
        if test_set.sha256 not in self.test_sets():
            self._tables.append({"test_set": [encode("test_set", vars(test_set))]})

    def check(self, study: Study) -> None:
        """Raise StudyMismatch where the run can't be extended with a study."""
        differing = self._differing(study)
        if differing and self.count():
            raise StudyMismatch(
                f"{self.path} holds a run that this study can't extend: {', '.join(differing)}: "
                "expected the same, or another --out"
            )

    def _differing(self, study: Study) -> list[str]:
        """``seed = 0 there and 1 here``, of every field that must be the run's and is not."""
        frozen = Study.model_fields.keys() - EXTENDABLE - {"precision"}
        stored = {name: getattr(self.grids[0].study, name) for name in sorted(frozen)}
        given = {name: getattr(study, name) for name in sorted(frozen)}
        asked = self.precision if study.precision == "auto" else study.precision
        stored["precision"], given["precision"] = self.precision, asked
        return [
            f"{name} = {stored[name]!r} there and {given[name]!r} here"
            for name in stored
            if stored[name] != given[name]
        ]

    def _extend(self, grid: Grid) -> None:
        """Append a grid, if it is new and fits the run; a run without a trial makes way."""
        self.check(grid.study)
        if self._differing(grid.study):
            with self._tables.changing() as connection:
                _begin(connection, grid, self._tables.head["test_sets"])
            self._tables.head = self._tables.read_head()
            self.grids, self.precision = (grid,), grid.precision
            return
        grid = grid.at(self.precision)
        same = [known.to_json() == grid.to_json() for known in self.grids]
        if not any(same):
            self._tables.append({"grid": [encode("grid", {"grid": grid})]})
            self.grids, same = (*self.grids, grid), [*same, True]
        # The one given has values, and may have worked out its trials.
        self.grids = tuple(
            grid if mine else known for known, mine in zip(self.grids, same, strict=True)
        )

    def _learn(self) -> None:
        """What a writer must know of the records that are there.

        Raises:
            StoreError: one of them is damaged.
        """
        count = self.count()
        self._keys = self.keys()
        if len(self._keys) != count:
            raise damaged(self.path, f"{count} records of {len(self._keys)} trials")
        for position, fields in enumerate(self._tables.rows("provenance"), 1):
            self._provenances[encode("provenance", fields)[0]] = position

    def _outcomes(self, count: int) -> Iterator[dict[str, Any]]:
        """The fields of the first outcomes; those of one provenance share the mapping."""
        provenances = self.provenances()
        for fields in self._tables.rows("record", count):
            position = fields["provenance"]
            if not 1 <= position <= len(provenances):
                raise damaged(self.path, f"provenance of trial {fields['key']}")
            yield {**fields, "provenance": provenances[position - 1]}


def _refuse_file(path: Path) -> None:
    if path.is_file():
        raise StoreError(f"{path}: a file: expected a folder to keep the run in")


def _begin(connection: sqlite3.Connection, grid: Grid, test_sets: int = 0) -> None:
    """Write the first rows of a run that has no record, inside a transaction.

    Args:
        connection: to its database.
        grid: the first one.
        test_sets: how many there are already.
    """
    counts = {**dict.fromkeys(COUNTS.values(), 0), "grids": 1, "test_sets": test_sets}
    first = {
        "run": {"precision": grid.precision, "science": SCIENCE, **counts},
        "grid": {"grid": grid},
    }
    for table, fields in first.items():
        connection.execute(f"DELETE FROM {table}")
        write_row(connection, table, 1, encode(table, fields))
