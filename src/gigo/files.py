"""Writing whole files, or none."""

from __future__ import annotations

import os
import secrets
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from gigo.errors import StoreError


def write_whole(path: Path, content: bytes) -> Path:
    """Write a file so that nobody ever sees half of it; folders are made as needed.

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
    fresh = real.with_name(f".{real.name}.{secrets.token_hex(4)}")
    expected = f"{path}: expected a file that can be written"
    if os.path.exists(real) and not os.path.isfile(real):
        raise StoreError(f"{expected} (it is a folder, a pipe or a device)")
    try:
        real.parent.mkdir(parents=True, exist_ok=True)
        with _removed_on_failure(fresh):
            fresh.write_bytes(content)
            fresh.replace(real)
    except OSError as error:
        raise StoreError(f"{expected} ({error.strerror})") from None
    return path


@contextmanager
def _removed_on_failure(path: Path) -> Generator[None]:
    """No file is left there by what fails, or is interrupted."""
    try:
        yield
    except BaseException:
        path.unlink(missing_ok=True)
        raise
