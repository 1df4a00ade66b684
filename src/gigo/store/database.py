"""The SQLite file of a run: opening, recognising and making it; its failures as our errors."""

from __future__ import annotations

import sqlite3
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Literal

from gigo.errors import StoreBusy, StoreError
from gigo.store.rows import TABLES, declaration, digest

DATABASE = "run.sqlite"
APPLICATION = int.from_bytes(b"gigo", "big")
FORMAT = 1
WAIT = 30.0
"""Seconds to wait for a program that is not gigo to let go of the database."""

Journal = Literal["WAL", "DELETE"]
"""A write-ahead log, beside which readers never wait, or SQLite's usual journal."""

INSTEAD = "restore a copy of the run, or train it again with another --out"
"""What to do about a damaged one."""

_REASONS = {
    "SQLITE_FULL": "the disk is full; what was stored before is safe",
    "SQLITE_CORRUPT": f"the database is damaged: {INSTEAD}",
    "SQLITE_NOTADB": f"not an SQLite database, or a damaged one: {INSTEAD}",
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
        # What Python's module raises has no name: text that is not UTF-8.
        name: str = getattr(error, "sqlite_errorname", "SQLITE_CORRUPT")
        reason = next((text for code, text in _REASONS.items() if name.startswith(code)), None)
        kind = StoreBusy if name.startswith("SQLITE_BUSY") else StoreError
        said = ascii(f"{error}"[:100])[1:-1]
        detail = f"{reason} ({said})" if reason else said
        raise kind(f"{path / DATABASE}: {detail}") from error
    except OSError as error:
        raise StoreError(f"{error.filename or path}: {error.strerror or error}") from error


def _connect(path: Path, how: str, wait: float = WAIT) -> sqlite3.Connection:
    file = path / DATABASE
    if file.exists() and not file.is_file():
        raise StoreError(f"{file}: expected a file")
    uri = f"{file.absolute().as_uri()}?{how}"
    return sqlite3.connect(uri, uri=True, timeout=wait, isolation_level=None)


def connect_to_write(path: Path, wait: float) -> sqlite3.Connection:
    """A connection that makes the database where there is none, and keeps what it commits."""
    connection = _connect(path, "mode=rwc", wait)
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
        tables = dict(connection.execute("SELECT name, sql FROM sqlite_master").fetchall())
    if not (application or version or tables):
        return False
    if application != APPLICATION:
        raise StoreError(f"{path / DATABASE}: another program's database: expected a run of gigo")
    if version != FORMAT:
        raise StoreError(
            f"{path / DATABASE}: format = {version}: expected {FORMAT} (is there a newer gigo?)"
        )
    for table in TABLES:
        if tables.get(table) != declaration(table):
            raise damaged(path, f"table {table} is not that of a run")
    return True


def check_pages(path: Path, connection: sqlite3.Connection) -> None:
    """Raise StoreError where pages of the database contradict each other."""
    with reported(path):
        (found,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if found != "ok":
        raise damaged(path, " ".join(found.split()))


def damaged(path: Path, what: str) -> StoreError:
    """The error for a database that is not as it was written."""
    return StoreError(f"{path / DATABASE}: {what}: the database is damaged: {INSTEAD}")


def identity(path: Path) -> tuple[int, int] | None:
    """What tells the file at a run's database from any other; None where there is no file."""
    try:
        found = (path / DATABASE).stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


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


def write_row(
    connection: sqlite3.Connection, table: str, position: int, values: Sequence[Any]
) -> None:
    """Put an encoded row at a position where there is none."""
    row = [position, *values, digest(table, position, values)]
    marks = ", ".join("?" * len(row))
    connection.execute(f"INSERT INTO {table} VALUES ({marks})", row)


def make_tables(connection: sqlite3.Connection) -> None:
    """Turn an empty file into a run, inside a transaction."""
    for table in TABLES:
        connection.execute(declaration(table))
    connection.execute(f"PRAGMA application_id = {APPLICATION}")
    connection.execute(f"PRAGMA user_version = {FORMAT}")


def choose_journal(connection: sqlite3.Connection, journal: Journal) -> None:
    """Have one, if the file system can; without a write-ahead log, readers wait for commits."""
    with suppress(sqlite3.OperationalError):
        connection.execute(f"PRAGMA journal_mode = {journal}").fetchone()
