"""Writing whole files, or none."""

from __future__ import annotations

import os
import secrets
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
    path = path.expanduser()
    real = Path(os.path.realpath(path))
    fresh = real.with_name(f".{real.name}.{secrets.token_hex(4)}")
    try:
        if real.exists() and not real.is_file():
            raise OSError(0, "it is a folder, a pipe or a device")
        real.parent.mkdir(parents=True, exist_ok=True)
        try:
            with fresh.open("xb") as file:
                file.write(content)
            fresh.replace(real)
        except OSError:
            fresh.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise StoreError(
            f"{path}: expected a file that can be written ({error.strerror})"
        ) from None
    return path
