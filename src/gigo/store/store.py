"""What a run folder holds, to a program: studies, test sets and records."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any, Self

from gigo.axes import FIELDS
from gigo.errors import StoreError, StudyMismatch
from gigo.grid import Grid
from gigo.store.database import (
    DATABASE,
    choose_journal,
    connect_to_read,
    connect_to_write,
    holds_run,
    insert,
    make_tables,
    reported,
    transaction,
)
from gigo.store.rows import TABLES, decode, encode
from gigo.store.writer import writing
from gigo.study import Study
from gigo.trial import SCIENCE, Trial
from gigo.types import Record, TestSet

BATCH = 64
"""Rows read at a time; between batches a reader holds nothing that a writer waits for."""

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
        self.path, self._connection, self._cleanup = path, connection, ExitStack()
        runs = list(self._rows("run"))
        self.grids = tuple(row["grid"] for row in self._rows("grid"))
        if len(runs) != 1 or not self.grids:
            raise StoreError(
                f"{path / DATABASE}: {len(runs)} rows in run, {len(self.grids)} in grid: "
                "expected 1, and at least 1"
            )
        self.precision, science = runs[0]["precision"], runs[0]["science"]
        if science != SCIENCE:
            raise StudyMismatch(
                f"{path}: its trials are of science = {science}: expected {SCIENCE}, that of this "
                "version; the gigo that made the run reads it"
            )

    @classmethod
    def create(cls, path: Path, grid: Grid) -> Self:
        """Open a run for writing: make the folder, or extend the run that is there.

        A run without a trial, such as one whose data were missing, makes way for a study that
        does not fit it.

        Args:
            path: the run folder; other files in it are left alone.
            grid: what is about to be run; where its study leaves the precision to gigo, that of
                the run counts.

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
                connection = connect_to_write(path)
            cleanup.callback(connection.close)
            if not holds_run(path, connection):
                make_tables(path, connection, _first_rows(grid))
            choose_journal(connection)
            store = cls(path, connection)
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

    def keys(self) -> set[str]:
        """Keys of the trials that are finished."""
        with reported(self.path):
            return {key for (key,) in self._connection.execute("SELECT key FROM record")}

    def records(self) -> Iterator[Record]:
        """What the finished trials left, in the order in which they were added.

        Raises:
            StoreError: a record is damaged.
        """
        return (Record(**fields) for fields in self._rows("record"))

    def test_sets(self) -> dict[str, TestSet]:
        """The test sets of the data sets used, by the sha256 of the data."""
        return {fields["sha256"]: TestSet(**fields) for fields in self._rows("test_set")}

    def add(self, records: Iterable[Record]) -> None:
        """Keep the records of finished trials: all of them or, after an error, none.

        When it returns they are on the disk, and outlive a kill or a power cut.

        Raises:
            StoreError: a trial is stored already (none is trained twice), a value can't be kept
                exactly, the disk is full, or the store was opened to read.
        """
        rows = [(record.key, encode("record", vars(record))) for record in records]
        with transaction(self.path, self._connection):
            for key, row in rows:
                try:
                    insert(self._connection, "record", row)
                except sqlite3.IntegrityError:
                    raise StoreError(
                        f"{self.path}: trial {key} is stored already: expected a new one"
                    ) from None

    def add_test_set(self, test_set: TestSet) -> None:
        """Keep what the analysis needs of a data set; if it is there already, nothing changes.

        Raises:
            StoreError: as for `add`.
        """
        row = encode("test_set", vars(test_set))
        with transaction(self.path, self._connection), suppress(sqlite3.IntegrityError):
            insert(self._connection, "test_set", row)

    def check(self, study: Study) -> None:
        """Raise StudyMismatch where the run can't be extended with a study."""
        differing = self._differing(study)
        if differing and self.keys():
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
            rows = _first_rows(grid)
            with transaction(self.path, self._connection):
                for table, fields in rows.items():
                    self._connection.execute(f"DELETE FROM {table}")
                    insert(self._connection, table, encode(table, fields))
            self.grids, self.precision = (grid,), grid.precision
            return
        grid = grid.at(self.precision)
        if grid.to_json() not in [known.to_json() for known in self.grids]:
            with transaction(self.path, self._connection):
                insert(self._connection, "grid", encode("grid", {"grid": grid}))
            self.grids += (grid,)

    def _rows(self, table: str) -> Iterator[dict[str, Any]]:
        """Decoded rows in order; while one is being used, no statement is open."""
        query = (
            f"SELECT position, {', '.join(TABLES[table])} FROM {table} "
            f"WHERE position > ? ORDER BY position LIMIT {BATCH}"
        )
        position = 0
        while True:
            with reported(self.path):
                batch = self._connection.execute(query, (position,)).fetchall()
            if not batch:
                return
            for position, *values in batch:
                yield decode(f"{self.path / DATABASE}, row {position}", table, values)


def _refuse_file(path: Path) -> None:
    if path.is_file():
        raise StoreError(f"{path}: a file: expected a folder to keep the run in")


def _first_rows(grid: Grid) -> dict[str, dict[str, Any]]:
    """Of a new run, by table."""
    return {"run": {"precision": grid.precision, "science": SCIENCE}, "grid": {"grid": grid}}
