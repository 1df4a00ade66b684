"""One writer per run folder."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Generator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path

from gigo.errors import StoreBusy, StoreError
from gigo.store.database import DATABASE

LOCK = f"{DATABASE}.lock"
WRITER = f"{DATABASE}.writer"


@contextmanager
def writing(path: Path) -> Generator[None, None, None]:
    """Be the only writer of a run folder that exists.

    Raises:
        StoreBusy: there is another one; at once, naming it.
        StoreError: its file system can't lock files, or what lies in the place of our files is a
            link, a pipe or the like: what is written into it is written elsewhere.
        OSError: the folder is not writable.
    """
    from filelock import FileLock, Timeout  # slow to import, and only writers need it

    for file in (path / LOCK, path / WRITER):
        if os.path.lexists(file) and (file.is_symlink() or not file.is_file()):
            raise StoreError(f"{file}: a link, a folder or a pipe: expected a file, or nothing")
    lock = FileLock(path / LOCK, timeout=0, thread_local=False)
    try:
        lock.acquire()
    except Timeout:
        raise StoreBusy(
            f"{path}: {_writer(path)} is writing to it: wait for it, or give another --out"
        ) from None
    except NotImplementedError as error:  # so filelock says that a file system has no locks
        raise StoreError(f"{path}: its file system can't lock files ({error})") from error
    try:
        started = datetime.now().astimezone().isoformat(timespec="seconds")
        me = {"pid": os.getpid(), "host": platform.node(), "started": started}
        (path / WRITER).write_text(json.dumps(me), encoding="utf-8")
        yield
    finally:
        with suppress(OSError):
            (path / WRITER).unlink()
        lock.release()


def _writer(path: Path) -> str:
    """Who holds the lock, as far as the file beside it tells."""
    try:
        who = json.loads((path / WRITER).read_text(encoding="utf-8"))
        return f"process {who['pid']} on {who['host']}, started {who['started']},"
    except (OSError, ValueError, KeyError, TypeError):
        return "another process"
