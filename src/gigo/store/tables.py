"""The rows of a run's database: none is read damaged, none is missing unnoticed."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from gigo.errors import StoreError
from gigo.store.database import DATABASE, damaged, identity, reported, transaction, write_row
from gigo.store.rows import COUNTS, decode, digest, encode

BATCH = 64
"""Rows read at a time; between batches a reader holds nothing that a writer waits for."""


class Tables:
    """Reads rows with their digests, and appends some.

    Attributes:
        path: the run folder.
        head: the row of table ``run`` as of opening, or of the last `append` here.
    """

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path, self._connection = path, connection
        self._file = identity(path)
        self.head = self.read_head()

    def read_head(self) -> dict[str, Any]:
        """The row of table ``run`` as of now: how many rows the others have."""
        with reported(self.path):
            rows = self._connection.execute("SELECT * FROM run LIMIT 2").fetchall()
        if len(rows) != 1:
            raise damaged(self.path, f"{len(rows)} rows in table run")
        return self._checked("run", 1, rows[0])

    def rows(
        self, table: str, count: int | None = None, only: Collection[str] = ()
    ) -> Iterator[dict[str, Any]]:
        """The fields of each row in order; while one is being used, no statement is open.

        Args:
            table: to read.
            count: rows to read; default: as many as there are now.
            only: the fields wanted; none: all.

        Raises:
            StoreError: a row is damaged or missing.
        """
        if count is None:
            count = int(self.read_head()[COUNTS[table]])
        query = f"SELECT * FROM {table} WHERE position > ? ORDER BY position LIMIT ?"
        read = 0
        while read < count:
            with reported(self.path):
                limits = read, min(BATCH, count - read)
                batch = self._connection.execute(query, limits).fetchall()
            if not batch:
                raise damaged(self.path, f"row {read + 1} of table {table} is missing")
            for row in batch:
                read += 1
                yield self._checked(table, read, row, only)

    def _checked(
        self, table: str, position: int, row: Sequence[Any], only: Collection[str] = ()
    ) -> dict[str, Any]:
        found, *values, stored = row
        if found != position:
            raise damaged(self.path, f"row {position} of table {table} is missing")
        if stored != digest(table, position, values):
            raise damaged(self.path, f"row {position} of table {table} does not fit its digest")
        try:
            return decode(table, values, only)
        except StoreError as error:
            raise StoreError(f"{self.path / DATABASE}, row {position}: {error}") from error

    def append(self, rows: Mapping[str, Sequence[Sequence[Any]]]) -> None:
        """Add encoded rows to tables: all of them or, after an error, none."""
        counts = {COUNTS[table]: self.head[COUNTS[table]] + len(new) for table, new in rows.items()}
        head = {**self.head, **counts}
        with self.changing() as connection:
            for table, new in rows.items():
                for position, values in enumerate(new, self.head[COUNTS[table]] + 1):
                    write_row(connection, table, position, values)
            connection.execute("DELETE FROM run")
            write_row(connection, "run", 1, encode("run", head))
        self.head = head

    @contextmanager
    def changing(self) -> Generator[sqlite3.Connection, None, None]:
        """A transaction on the file that was opened.

        Raises:
            StoreError: it is no longer there: SQLite would go on writing to a removed file.
        """
        if identity(self.path) != self._file:
            raise StoreError(
                f"{self.path}: the run folder is gone, or {DATABASE} in it is another file: "
                "expected the one that this process opened"
            )
        with transaction(self.path, self._connection):
            yield self._connection
