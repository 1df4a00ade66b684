"""A data set that others keep: from the folder that the user names, else from gigo's cache.

What is not in the cache is downloaded into it. Whatever the place, what was decoded must have the
known sha256.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gigo.datasets.official import Copy, Official, checked, look, read
from gigo.datasets.unpack import check_plain
from gigo.errors import DataError
from gigo.types import Dataset, Watch

Get = Callable[[str, Path, Watch], None]
"""Fetches one file: (address, where to write it, whom to tell); raises OSError where it can't."""


def silent(name: str, done: int, total: int) -> None:
    """Tells nobody."""


def by_http(address: str, path: Path, watch: Watch) -> None:
    """Fetches a file by HTTP; the environment's proxies are used."""
    import pooch

    bar: Any = _Bar(address.rpartition("/")[2], watch)
    pooch.HTTPDownloader(progressbar=bar)(address, str(path), None)


def load(
    official: Official, data_dir: Path | None, watch: Watch = silent, get: Get = by_http
) -> Dataset:
    """Read a data set; the arguments are those of `gigo.datasets.load`."""
    copy = locate(official, data_dir)
    if copy.missing and copy.folder == cache(official):
        fetch(official, watch, get)
        copy = locate(official, data_dir)
    return _read(official, copy)


def verify(official: Official, data_dir: Path | None) -> str:
    """Read a data set, but download nothing; where it is."""
    return _read(official, locate(official, data_dir)).source


def _read(official: Official, copy: Copy) -> Dataset:
    folder = os.path.abspath(copy.folder)  # a name alone could be the catalogue's
    hint = f"; this copy is a data set of its own, named by its folder (--dataset {folder})"
    try:
        return checked(read(copy, official.name), official.sha256, hint)
    except DataError as error:
        if copy.folder != cache(official):
            raise
        hint = f"gigo data fetch {official.name} brings the files"
        raise DataError(f"{error} ({hint})") from error


def where(official: Official, data_dir: Path | None) -> str:
    """The folder from which a data set is read, and what is missing there; nothing is read."""
    copy = locate(official, data_dir)
    if not copy.missing:
        return f"{copy.folder}"
    hint = f"gigo data fetch {official.name} brings the files"
    return f"{copy.folder}: lacks {', '.join(copy.missing)} ({hint})"


def locate(official: Official, data_dir: Path | None) -> Copy:
    """The copy in the folder that the user named, where there must be one; else in the cache.

    Raises:
        DataError: the named folder is not there, or has no copy.
    """
    named = data_dir or os.environ.get("GIGO_DATA")
    if not named:
        return look(official.layouts, [cache(official)])
    said = f"{'data_dir' if data_dir else 'GIGO_DATA'} = '{named}'"
    folder = Path(os.path.expanduser(named))
    if not os.path.isdir(folder):  # also where it may not be looked at
        raise DataError(f"{said}: expected an existing folder")
    copy = look(official.layouts, [folder / place for place in (*official.folders, "")])
    if not copy.paths:
        ways = " or ".join(", ".join(layout.files) for layout in official.layouts)
        places = " or ".join(f"{place}/" for place in official.folders)
        raise DataError(
            f"{said}: holds no {official.name}: expected {ways}, directly or in {places}"
        )
    return copy


def cache(official: Official) -> Path:
    """The folder in which gigo keeps the files that it fetched of a data set."""
    from platformdirs import user_cache_path

    return user_cache_path("gigo") / "datasets" / official.folders[0]


def fetch(official: Official, watch: Watch = silent, get: Get = by_http) -> Path:
    """Bring a data set's files into the cache; those already there and right are not fetched.

    A mirror that fails is left for the next one, which goes on with the first file still missing.
    Files are written under a temporary name, checked by sha256 and then moved: a file under its
    own name is always whole.

    Returns:
        the folder.

    Raises:
        DataError: the folder can't be written, or every mirror failed; says why each did.
    """
    folder, failures = cache(official), list[str]()
    for mirror in official.mirrors:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for name, sha256 in official.downloads.items():
                _fetch_file(mirror + name, folder / name, sha256, watch, get)
            return folder
        # requests' errors are OSErrors; pooch raises ValueError for a wrong checksum.
        except (OSError, ValueError) as error:
            failures.append(f"{mirror} failed: {' '.join(str(error).split())}")
    raise DataError(
        f"{official.name}: not fetched into {folder}: expected --data-dir or GIGO_DATA to name a "
        f"folder with {', '.join(official.downloads)} ({'; '.join(failures)})"
    )


def _fetch_file(address: str, path: Path, sha256: str, watch: Watch, get: Get) -> None:
    import pooch

    def downloader(url: str, to: str, _: object) -> None:
        get(url, Path(to), watch)

    if path.exists():
        check_plain(path)
    retrieve: Any = pooch.retrieve  # whose types call a downloader's arguments otherwise
    retrieve(address, f"sha256:{sha256}", path.name, path.parent, downloader=downloader)


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
