"""Writing whole files, or none."""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

from gigo.errors import StoreError

ABANDONED = 60.0
"""Age in seconds from which an unfinished file is one that a killed process left."""


def write_whole(path: Path, content: bytes) -> Path:
    """Write a file so that nobody ever sees half of it; folders are made as needed.

    What killed processes left of earlier attempts at the same file is removed.

    Args:
        path: may begin with ``~``; where it is a link, the file that it leads to is replaced.
        content: of the file.

    Returns:
        The path.

    Raises:
        StoreError: it can't be written, or is no file: a pipe, a device or a folder.
    """
    path = Path(os.path.expanduser(path))
    real = Path(os.path.realpath(path))
    fresh = real.with_name(f".{real.name}.{secrets.token_hex(4)}.unfinished")
    expected = f"{path}: expected a file that can be written"
    if os.path.exists(real) and not os.path.isfile(real):
        raise StoreError(f"{expected} (it is a folder, a pipe or a device)")
    try:
        real.parent.mkdir(parents=True, exist_ok=True)
        with _removed_on_failure(fresh):
            fresh.write_bytes(content)
            _remove_abandoned(real, fresh.stat().st_mtime)
            fresh.replace(real)
    except OSError as error:
        raise StoreError(f"{expected} ({error.strerror})") from None
    return path


def write_new(path: Path, content: bytes) -> Path:
    """The same for a file that must not be there yet.

    Raises:
        StoreError: it is there, or can't be written.
    """
    if os.path.lexists(os.path.expanduser(path)):
        raise StoreError(f"{path}: is there already: expected another name, with --out FILE")
    return write_whole(path, content)


@contextmanager
def _removed_on_failure(path: Path) -> Generator[None]:
    """No file is left there by what fails, or is interrupted."""
    try:
        yield
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def _remove_abandoned(path: Path, now: float) -> None:
    """Remove unfinished files of a path, old at a time by the file system's clock."""
    name = re.compile(rf"\.{re.escape(path.name)}\.[0-9a-f]{{8}}\.unfinished")
    for other in path.parent.iterdir():
        if name.fullmatch(other.name):
            with suppress(OSError):  # another process may just have finished it
                if now - other.stat().st_mtime > ABANDONED:
                    other.unlink()
