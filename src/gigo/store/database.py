"""The SQLite file of a run: finding, opening and recognising it; its failures as our errors."""

from __future__ import annotations

import sqlite3
import stat
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from gigo.errors import StoreBusy, StoreError
from gigo.store.rows import TABLES, declaration

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
        reason = next((text for code, text in _REASONS.items() if name.startswith(code)), "failed")
        kind = StoreBusy if name.startswith("SQLITE_BUSY") else StoreError
        said = ascii(f"{error}"[:100])[1:-1]
        raise kind(f"{path / DATABASE}: {reason} ({said})") from error
    except OSError as error:
        raise StoreError(f"{error.filename or path}: {error.strerror or error}") from error


def damaged(path: Path, what: str) -> StoreError:
    """The error for a database that is not as it was written."""
    return StoreError(f"{path / DATABASE}: {what}: the database is damaged: {INSTEAD}")


def identity(path: Path) -> tuple[int, int] | None:
    """What tells the database in a run folder from any other file; None where there is none.

    Raises:
        StoreError: there is something that is no file.
        OSError: it may not be looked at.
    """
    try:
        found = (path / DATABASE).stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    if not stat.S_ISREG(found.st_mode):
        raise StoreError(f"{path / DATABASE}: expected a file")
    return found.st_dev, found.st_ino


def connect(path: Path, mode: str, wait: float = WAIT) -> sqlite3.Connection:
    """A connection in one of SQLite's modes, such as ``mode=rwc``, which makes the file."""
    identity(path)  # SQLite would wait for a pipe
    uri = f"{(path / DATABASE).absolute().as_uri()}?{mode}"
    return sqlite3.connect(uri, uri=True, timeout=wait, isolation_level=None)


def connect_to_read(path: Path) -> sqlite3.Connection:
    """A connection that can't write.

    It is opened for writing if allowed, as SQLite needs that to take over from a killed writer.
    """
    connection = connect(path, "mode=rw")
    try:
        connection.execute("PRAGMA query_only = ON")
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.Error as error:
        connection.close()
        beside = [path / f"{DATABASE}-{kind}" for kind in ("wal", "journal")]
        unfinished = any(other.exists() and other.stat().st_size > 0 for other in beside)
        if unfinished or error.sqlite_errorname.startswith("SQLITE_BUSY"):
            raise
        # SQLite wants a file beside a database with a log, which it can't make in a folder that
        # is write-protected, or on a full disk. Nobody writes and nothing is amiss: do without.
        return connect(path, "immutable=1")
    return connection


def holds_run(path: Path, connection: sqlite3.Connection) -> bool:
    """True for a run of this format, False for an empty file.

    Raises:
        StoreError: another program's database, a newer gigo's, or a damaged one.
    """
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    tables = dict(connection.execute("SELECT name, sql FROM sqlite_master").fetchall())
    if not (application or version or tables):
        return False
    file = path / DATABASE
    if application != APPLICATION:
        raise StoreError(f"{file}: another program's database: expected a run of gigo")
    if version != FORMAT:
        raise StoreError(f"{file}: format = {version}: expected {FORMAT} (is there a newer gigo?)")
    for table in TABLES:
        if tables.get(table) != declaration(table):
            raise damaged(path, f"table {table} is not that of a run")
    return True


def check_pages(path: Path, connection: sqlite3.Connection) -> None:
    """Raise StoreError where pages of the database contradict each other."""
    (found,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if found != "ok":
        raise damaged(path, " ".join(found.split()))
