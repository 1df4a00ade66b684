"""Writing whole files, or none."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from gigo.errors import StoreError


def write_whole(path: Path, content: bytes) -> Path:
    """Write a file so that nobody ever sees half of it; folders are made as needed.

    Raises:
        StoreError: it can't be written.
    """
    temporary: str | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        os.chmod(temporary, 0o644)  # mkstemp's file is for its owner alone
        os.replace(temporary, path)
    except OSError as error:
        if temporary is not None:
            Path(temporary).unlink(missing_ok=True)
        raise StoreError(
            f"{path}: expected a file that can be written ({error.strerror})"
        ) from None
    return path
