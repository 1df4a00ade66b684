"""gigo's cache: what it made or fetched once, and would make or fetch again."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from gigo.errors import DataError

MADE = {
    "images": "decoded images",
    "features": "features of inputs",
    "inputs": "data sets as training processes read them",
    "references": "what reference models make of items",
}
"""What is made again when it is needed, by the name of its folder."""

FETCHED = {"datasets": "downloaded data sets"}
"""What would have to be fetched again, likewise."""


def home(kind: str = "") -> Path:
    """The folder of one kind of what is kept, which need not be there; or that of all of them."""
    from platformdirs import user_cache_path

    return user_cache_path("gigo") / kind


def size(kind: str) -> int:
    """Bytes of all files of one kind."""
    return sum(
        os.lstat(os.path.join(place, name)).st_size
        for place, _, names in os.walk(home(kind))
        for name in names
    )


def clear() -> int:
    """Remove all that is made again; what was fetched stays.

    Returns:
        Bytes of what was removed.

    Raises:
        DataError: it can't be removed.
    """
    freed = sum(map(size, MADE))
    for place in map(home, MADE):
        try:
            if place.exists():
                shutil.rmtree(place)
        except OSError as error:
            raise DataError(f"{place}: can't be removed ({error.strerror or error})") from error
    return freed
