"""Files downloaded from the first mirror that has them, and checked."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from gigo.datasets.untrusted import check_plain, reading
from gigo.errors import DataError
from gigo.types import Watch

Get = Callable[[str, str, Any], object]
"""Fetches one file: (address, where to write it, ignored); raises OSError where it can't."""


def fetch_files(
    folder: Path, files: Mapping[str, str], mirrors: Sequence[str], watch: Watch, get: Get | None
) -> None:
    """Bring files into a folder; those already there and right are not fetched.

    A mirror that fails is left for the next one, which goes on with the first file still missing.
    Files are written under a temporary name, checked by sha256 and then moved: a file under its
    own name is always whole.

    Args:
        folder: is made if it is not there.
        files: file name -> sha256.
        mirrors: addresses to put before a file's name.
        watch: is told of the progress of downloads by HTTP.
        get: downloads a file. None: by HTTP, by way of the proxies that the environment names.

    Raises:
        DataError: the folder can't be written, or every mirror failed; says why each did.
    """
    import pooch

    retrieve: Any = pooch.retrieve  # pooch has no types
    failures: list[str] = []
    for mirror in mirrors:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for name, sha256 in files.items():
                if os.path.exists(folder / name):
                    with reading(folder / name, "a plain file"):
                        check_plain(folder / name)
                bar: Any = _Bar(name, watch)
                downloader = get or pooch.HTTPDownloader(progressbar=bar)
                retrieve(mirror + name, f"sha256:{sha256}", name, folder, downloader=downloader)
            return
        # requests' errors are OSErrors; pooch raises ValueError for a wrong checksum.
        except (OSError, ValueError) as error:
            failures.append(f"{mirror} failed: {' '.join(str(error).split())}")
    raise DataError(
        f"{folder}: not fetched: expected --data-dir or GIGO_DATA to name a folder with "
        f"{', '.join(files)} ({'; '.join(failures)})"
    )


class _Bar:
    """What pooch takes for a progress bar."""

    def __init__(self, name: str, watch: Watch) -> None:
        self.total = 0
        self._name, self._watch, self._done = name, watch, 0

    def update(self, n: int) -> None:
        self._done += n  # pooch counts a last, short chunk as a whole one
        self._watch(self._name, min(self._done, self.total or self._done), self.total)

    def reset(self) -> None:
        self._done = 0

    def close(self) -> None:
        pass
