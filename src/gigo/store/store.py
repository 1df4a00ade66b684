"""What a run folder holds, to a program: studies, test sets and records."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from typing import Any, Self

from gigo.axes import FIELDS
from gigo.errors import StoreError, StudyMismatch
from gigo.grid import Grid
from gigo.records import FAILED, Outcome, Record, Status, TestSet
from gigo.store.database import (
    DATABASE,
    WAIT,
    Journal,
    check_pages,
    connect,
    connect_to_read,
    damaged,
    holds_run,
    identity,
    reported,
)
from gigo.store.rows import encode
from gigo.store.tables import Tables, begin
from gigo.store.writer import writing
from gigo.study import Study
from gigo.trial import SCIENCE, Trial

EXTENDABLE = {"name", "summary", "replicates", "first_replicate", "metric", *FIELDS}
"""Fields in which the studies of a run may differ; and in ``precision``, once resolved."""


class Store:
    """A run folder, opened by `create` to write or by `open` to read; a context manager.

    Attributes:
        path: the run folder.
        grids: the distinct studies that were run into it, resolved, in order, as of opening; of
            those that differ in nothing but the metric, the last.
        metric: that of the last study that was run into it, as of opening.
        precision: of all its trials, resolved when it was created.
    """

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path, self._tables, self._cleanup = path, Tables(path, connection), ExitStack()
        self._statuses: dict[str, Status] = {}  # of the records, where this is a writer
        self._provenances: dict[str, int] = {}  # their positions, by their JSON, likewise
        self.precision: str = self._tables.head["precision"]
        science = self._tables.head["science"]
        if science != SCIENCE:
            raise StudyMismatch(
                f"{path}: its trials are of science = {science}: expected {SCIENCE}, that of this "
                "version; the gigo that made the run reads it"
            )
        said: list[Grid] = [row["grid"] for row in self._tables.rows("grid")]
        self.grids = tuple({_trains(grid): grid for grid in said}.values())
        self.metric = said[-1].study.metric

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
        head = {"precision": grid.precision, "science": SCIENCE}
        rows = {"grid": [{"grid": grid}]}
        with reported(path), ExitStack() as cleanup:
            _refuse_file(path)
            path.mkdir(parents=True, exist_ok=True)
            cleanup.enter_context(writing(path))
            connection = cleanup.enter_context(closing(connect(path, "mode=rwc", wait)))
            connection.execute("PRAGMA synchronous = EXTRA")
            connection.execute("PRAGMA fullfsync = ON")  # macOS: past the drive's own cache
            if holds_run(path, connection):
                check_pages(path, connection)
            else:
                begin(connection, head, rows)
            with suppress(sqlite3.OperationalError):  # not every file system can have a log
                connection.execute(f"PRAGMA journal_mode = {journal}").fetchone()
            store = cls(path, connection)
            if store._differing(grid) and not store.count():
                begin(connection, head, rows)
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
            return identity(path) is not None

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open a run for reading, also while another process writes to it.

        Raises:
            StoreError: no run there, not readable; damaged, foreign or newer file.
        """
        with reported(path), ExitStack() as cleanup:
            if identity(path) is not None:
                connection = cleanup.enter_context(closing(connect_to_read(path)))
                if holds_run(path, connection):
                    store = cls(path, connection)
                    store._cleanup = cleanup.pop_all()
                    return store
        raise StoreError(
            f"{path}: no run there: expected a folder with {DATABASE}, "
            f"as 'gigo run STUDY --out {path}' makes it"
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the folder; a second call does nothing."""
        self._cleanup.close()

    def trials(self) -> dict[str, Trial]:
        """What the run is meant to hold: the trials of all its studies, by key, in order."""
        return {key: trial for grid in self.grids for key, trial in grid.trials.items()}

    def count(self) -> int:
        """Records by now: of each finished trial one, and one more whenever it was retried."""
        return self._tables.read_head()["record"]

    def finished(self, count: int) -> int:
        """Trials of which the first records are."""
        return len(self._tables.places("record", "key", count))

    def statuses(self) -> dict[str, Status]:
        """The status of each finished trial, by its key."""
        if self._statuses:
            return dict(self._statuses)
        rows = self._tables.rows("record", only=("key", "status"))
        return {row["key"]: row["status"] for row in rows}  # of the last one with a key

    def keys(self) -> set[str]:
        """Keys of the trials that are finished."""
        return {*self.statuses()}

    def outcomes(self, count: int | None = None) -> Iterator[Outcome]:
        """The numbers of the trials finished by now, in the order in which they were added.

        That is far less to read than `records`.

        Args:
            count: records to look at, the first ones: what an earlier `count` said; default all.

        Raises:
            StoreError: a row is damaged or missing.
        """
        count = self.count() if count is None else count
        return (Outcome(**each) for each in self._latest(count, self._outcomes(count)))

    def records(self, count: int | None = None) -> Iterator[Record]:
        """All that the trials finished by now left, in the order in which they were added.

        Args:
            count: as for `outcomes`.

        Raises:
            StoreError: a row is damaged or missing.
        """
        count = self.count() if count is None else count
        both = zip(self._outcomes(count), self._tables.rows("evidence", count), strict=True)
        whole = ({**outcome, **evidence} for outcome, evidence in both)
        return (Record(**each) for each in self._latest(count, whole))

    def _latest(self, count: int, rows: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        """Of the first rows, with their keys, the last one with each key, in order."""
        last = self._tables.places("record", "key", count)  # which is compared with the rows
        found = 0
        for position, fields in enumerate(rows, 1):
            place = last.get(fields["key"], 0)
            if place < position:
                raise damaged(self.path, f"trial {fields['key']} is at row {position}")
            if place == position:
                found += 1
                yield fields
        if found != len(last):
            raise damaged(self.path, f"{len(last)} trials, of which {found} are found")

    def _outcomes(self, count: int) -> Iterator[dict[str, Any]]:
        """The fields of the first outcomes; those of one provenance share the mapping."""
        provenances = dict(enumerate(self.provenances(), 1))
        for fields in self._tables.rows("record", count):
            if fields["provenance"] not in provenances:
                raise damaged(self.path, f"provenance of trial {fields['key']}")
            yield {**fields, "provenance": provenances[fields["provenance"]]}

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

        When it returns they are on the disk, and outlive a kill or a power cut. A trial that failed
        may be added anew: the record that was added last counts.

        Raises:
            StoreError: a trial is stored already, and did not fail (none is trained twice); a value
                can't be kept exactly, the disk is full, the run folder is gone, or the store was
                opened to read.
        """
        rows: dict[str, list[dict[str, Any]]] = {"provenance": [], "record": [], "evidence": []}
        statuses: dict[str, Status] = {}
        provenances = dict(self._provenances)
        for record in records:
            if record.key in statuses or self._statuses.get(record.key, "failed") not in FAILED:
                raise StoreError(
                    f"{self.path}: trial {record.key} is stored already: expected a new one"
                )
            statuses[record.key] = record.status
            (text,) = encode("provenance", vars(record))
            if text not in provenances:
                provenances[text] = len(provenances) + 1
                rows["provenance"].append(vars(record))
            fields = {**vars(record), "provenance": provenances[text]}
            rows["record"].append(fields)
            rows["evidence"].append(fields)
        self._tables.append(rows)
        self._statuses |= statuses
        self._provenances = provenances

    def add_test_set(self, test_set: TestSet) -> None:
        """Keep what the analysis needs of a data set; if it is there already, nothing changes.

        Raises:
            StoreError: as for `add`.
        """
        if test_set.sha256 not in self.test_sets():
            self._tables.append({"test_set": [vars(test_set)]})

    def check(self, grid: Grid) -> None:
        """Raise StudyMismatch where the run can't be extended with a study, resolved."""
        differing = self._differing(grid)
        if differing and self.count():
            raise StudyMismatch(
                f"{self.path} holds a run that this study can't extend: {', '.join(differing)}: "
                "expected the same, or another --out"
            )

    def _differing(self, grid: Grid) -> list[str]:
        """``seed = 0 there and 1 here``, of every field that must be the run's and is not."""
        study = grid.study
        frozen = sorted(Study.model_fields.keys() - EXTENDABLE - {"precision"})
        pairs = {
            name: (getattr(self.grids[0].study, name), getattr(study, name)) for name in frozen
        }
        asked = self.precision if study.precision == "auto" else study.precision
        pairs["precision"] = self.precision, asked
        contents = {card.name: card.sha256 for each in self.grids for card in each.datasets}
        others = [
            f"data set {card.name} has other items or labels there than here"
            for card in grid.datasets
            if contents.get(card.name, card.sha256) != card.sha256
        ]
        return others + [
            f"{name} = {there!r} there and {here!r} here"
            for name, (there, here) in pairs.items()
            if there != here
        ]

    def _extend(self, grid: Grid) -> None:
        """Learn what a writer must know of the run, and append a grid if it is new.

        Raises:
            StudyMismatch: it does not fit the run.
            StoreError: a record is damaged.
        """
        self.check(grid)
        self._statuses = self.statuses()
        for position, provenance in enumerate(self._tables.rows("provenance"), 1):
            self._provenances[encode("provenance", provenance)[0]] = position
        # Of two that say the same, the one given has values, and may have worked out its trials.
        grid = grid.at(self.precision)
        known = {_trains(each): each for each in self.grids}
        before = known.get(_trains(grid))
        if before is None or before.study.metric != grid.study.metric:
            self._tables.append({"grid": [{"grid": grid}]})
        self.grids = tuple((known | {_trains(grid): grid}).values())


def _trains(grid: Grid) -> str:
    """All that a grid says, but for the metric: what it has trained."""
    plain = grid.to_json()
    return json.dumps({**plain, "study": {**plain["study"], "metric": ""}})


def _refuse_file(path: Path) -> None:
    if path.is_file():
        raise StoreError(f"{path}: a file: expected a folder to keep the run in")
