"""The rows of a run's database: none is read damaged, none is missing unnoticed."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Any

from gigo.errors import StoreError
from gigo.store.database import APPLICATION, DATABASE, FORMAT, damaged, identity, reported
from gigo.store.rows import TABLES, declaration, decode, digest, encode

BATCH = 64
"""Rows read at a time; between batches a reader holds nothing that a writer waits for."""

Rows = Mapping[str, Sequence[Mapping[str, Any]]]
"""New rows by table: the fields of each, and maybe others."""


class Tables:
    """Reads rows with their digests, and appends some.

    Attributes:
        path: the run folder.
        connection: to the database in it.
        head: the row of table ``run`` as of opening, or of the last `append` here.
    """

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path, self.connection, self._file = path, connection, identity(path)
        self.head = self.read_head()

    def read_head(self) -> dict[str, Any]:
        """The row of table ``run`` as of now: how many rows each of the others has."""
        return next(self.rows("run", 1))

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
            count = int(self.read_head()[table])
        query = f"SELECT * FROM {table} WHERE position > ? AND position <= ? ORDER BY position"
        for start in range(0, count, BATCH):
            end = min(start + BATCH, count)
            with reported(self.path):
                batch = self.connection.execute(query, (start, end)).fetchall()
            for position, row in zip_longest(range(start + 1, end + 1), batch):
                found, *values, stored = row or (None, None)
                if found != position:
                    raise damaged(self.path, f"row {position} of table {table} is missing")
                if stored != digest(table, position, values):
                    what = f"row {position} of table {table} does not fit its digest"
                    raise damaged(self.path, what)
                try:
                    fields = decode(table, values, only)
                except StoreError as error:
                    raise StoreError(f"{self.path / DATABASE}, row {position}: {error}") from error
                yield fields

    def places(self, table: str, column: str, count: int) -> dict[Any, int]:
        """Where each value of a column is last found among the first rows: its position.

        These values are not held against the rows' digests.
        """
        query = f"SELECT {column}, position FROM {table} WHERE position <= ? ORDER BY position"
        with reported(self.path):
            return dict(self.connection.execute(query, (count,)).fetchall())

    def append(self, rows: Rows) -> None:
        """Add rows: all of them or, after an error, none.

        Raises:
            StoreError: the database that was opened is no longer there, and SQLite would go on
                writing to a removed file; or it can't be written to, or a value not be kept.
        """
        with reported(self.path):
            if identity(self.path) != self._file:
                raise StoreError(
                    f"{self.path}: the run folder is gone, or {DATABASE} in it is another file: "
                    "expected the one that this process opened"
                )
            with self.connection as connection:
                connection.execute("BEGIN IMMEDIATE")
                head = _write(connection, self.head, rows)
            self.head = head


def begin(connection: sqlite3.Connection, head: Mapping[str, Any], rows: Rows) -> None:
    """Make an empty file, or a run without a record, a new run that has these rows."""
    with connection:
        connection.execute("BEGIN IMMEDIATE")
        for table in TABLES:
            connection.execute(f"DROP TABLE IF EXISTS {table}")
            connection.execute(declaration(table))
        connection.execute(f"PRAGMA application_id = {APPLICATION}")
        connection.execute(f"PRAGMA user_version = {FORMAT}")
        _write(connection, {**dict.fromkeys(TABLES, 0), **head}, rows)


def _write(connection: sqlite3.Connection, head: Mapping[str, Any], rows: Rows) -> dict[str, Any]:
    """Put rows after those that a head counts, inside a transaction; returns the new head."""
    head = dict(head)
    encoded: list[tuple[str, int, list[Any]]] = []  # all first: in turn takes a sixth longer
    for table, new in rows.items():
        for fields in new:
            head[table] += 1
            encoded.append((table, head[table], encode(table, fields)))
    encoded.append(("run", 1, encode("run", head)))
    connection.execute("DELETE FROM run")
    for table, position, values in encoded:
        row = [position, *values, digest(table, position, values)]
        connection.execute(f"INSERT INTO {table} VALUES ({', '.join('?' * len(row))})", row)
    return head
