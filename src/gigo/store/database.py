"""The SQLite file of a run: opening, recognising and making it; its failures as our errors."""

from __future__ import annotations

import sqlite3
from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from gigo.errors import StoreBusy, StoreError
from gigo.store.rows import TABLES, encode

DATABASE = "run.sqlite"
APPLICATION = int.from_bytes(b"gigo", "big")
FORMAT = 1
JOURNAL = "WAL"
WAIT = 30.0
"""Seconds to wait for a program that is not gigo to let go of the database."""

_REASONS = {
    "SQLITE_FULL": "the disk is full; what was stored before is safe",
    "SQLITE_CORRUPT": "the database is damaged",
    "SQLITE_NOTADB": "not an SQLite database, or a damaged one",
    "SQLITE_CANTOPEN": "can't be opened",
    "SQLITE_READONLY": "can't be written to",
    "SQLITE_PERM": "access is not permitted",
    "SQLITE_BUSY": "another program holds it",
    "SQLITE_IOERR": "can't be read or written; is the disk full, or failing?",
}


@contextmanager
def reported(path: Path) -> Generator[None, None, None]:
    """Failures of the file system and of SQLite as one-line errors that name the file.

    Args:
        path: the run folder.

    Raises:
        StoreBusy: a program other than gigo has locked the database.
        StoreError: anything else that went wrong inside.
    """
    try:
        yield
    except sqlite3.ProgrammingError:  # ours, not the user's
        raise
    except sqlite3.Error as error:
        name: str = getattr(error, "sqlite_errorname", "")  # only what SQLite raised has one
        reason = next((text for code, text in _REASONS.items() if name.startswith(code)), None)
        kind = StoreBusy if name.startswith("SQLITE_BUSY") else StoreError
        detail = f"{reason} ({error})" if reason else str(error)
        raise kind(f"{path / DATABASE}: {detail}") from error
    except OSError as error:
        raise StoreError(f"{error.filename or path}: {error.strerror or error}") from error


def _connect(path: Path, how: str) -> sqlite3.Connection:
    uri = f"{(path / DATABASE).absolute().as_uri()}?{how}"
    return sqlite3.connect(uri, uri=True, timeout=WAIT, isolation_level=None)


def connect_to_write(path: Path) -> sqlite3.Connection:
    """A connection that makes the database where there is none, and keeps what it commits."""
    connection = _connect(path, "mode=rwc")
    try:
        connection.execute("PRAGMA synchronous = EXTRA")
        connection.execute("PRAGMA fullfsync = ON")  # macOS: past the drive's own cache
    except BaseException:
        connection.close()
        raise
    return connection


def connect_to_read(path: Path) -> sqlite3.Connection | None:
    """A connection that can't write; None where there is no database.

    It is opened for writing if allowed, as SQLite needs that to take over from a killed writer.
    """
    file = path / DATABASE
    try:
        file.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    connection = _connect(path, "mode=rw")
    try:
        connection.execute("PRAGMA query_only = ON")
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        return connection
    except sqlite3.OperationalError as error:
        connection.close()
        if error.sqlite_errorname.startswith("SQLITE_BUSY") or _unfinished(file):
            raise
        # SQLite wants a file beside a database with a log, which it can't make in a folder that
        # is write-protected, or on a full disk. Nobody writes and nothing is amiss: do without.
        return _connect(path, "immutable=1")
    except BaseException:
        connection.close()
        raise


def _unfinished(file: Path) -> bool:
    """True where a part of the database, or what restores it, still lies in a file beside it."""
    beside = (file.with_name(f"{file.name}-{kind}") for kind in ("wal", "journal"))
    return any(other.exists() and other.stat().st_size > 0 for other in beside)


def holds_run(path: Path, connection: sqlite3.Connection) -> bool:
    """True for a run of this format, False for an empty file.

    Raises:
        StoreError: another program's database, a newer gigo's, or a damaged one.
    """
    with reported(path):
        (application,) = connection.execute("PRAGMA application_id").fetchone()
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if not (application or version or tables):
        return False
    if application != APPLICATION:
        raise StoreError(f"{path / DATABASE}: another program's database: expected a run of gigo")
    if version != FORMAT:
        raise StoreError(
            f"{path / DATABASE}: format = {version}: expected {FORMAT} (is there a newer gigo?)"
        )
    return True


@contextmanager
def transaction(path: Path, connection: sqlite3.Connection) -> Generator[None, None, None]:
    """All that is written inside is on the disk afterwards or, after an error, none of it."""
    with reported(path):
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            connection.execute("COMMIT")
        finally:
            if connection.in_transaction:  # a full disk may have ended it already
                connection.execute("ROLLBACK")


def insert(connection: sqlite3.Connection, table: str, row: list[Any]) -> None:
    """Append an encoded row.

    Raises:
        sqlite3.IntegrityError: its key is in the table already.
    """
    marks = ", ".join("?" * len(row))
    connection.execute(f"INSERT INTO {table} ({', '.join(TABLES[table])}) VALUES ({marks})", row)


def make_tables(
    path: Path, connection: sqlite3.Connection, rows: Mapping[str, Mapping[str, Any]]
) -> None:
    """Turn an empty file into a run, with the first row of some tables."""
    encoded = {table: encode(table, fields) for table, fields in rows.items()}
    with transaction(path, connection):
        for table, columns in TABLES.items():
            declared = ", ".join(f"{name} {column.sql}" for name, column in columns.items())
            connection.execute(f"CREATE TABLE {table} (position INTEGER PRIMARY KEY, {declared})")
        for table, row in encoded.items():
            insert(connection, table, row)
        connection.execute(f"PRAGMA application_id = {APPLICATION}")
        connection.execute(f"PRAGMA user_version = {FORMAT}")


def choose_journal(connection: sqlite3.Connection) -> None:
    """A write-ahead log if the file system can; without one, readers wait for commits."""
    with suppress(sqlite3.OperationalError):
        connection.execute(f"PRAGMA journal_mode = {JOURNAL}").fetchone()
