"""Fetching official files, checked before they get their name."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from gigo.datasets.official import Download
from gigo.errors import DataError
from gigo.types import Watch


def silent(name: str, done: int, total: int) -> None:
    """Tells nobody."""


def fetch(download: Download, folder: Path, watch: Watch = silent) -> list[Path]:
    """Bring a data set's files into a folder; those already there and right are not fetched.

    A mirror that fails is left for the next one, which goes on with the first file still missing.
    Files are written under a temporary name, checked by sha256 and then moved: a file under its
    own name is always whole.

    Returns:
        the files' paths, in the order of ``download.files``.

    Raises:
        DataError: the folder can't be written, or every mirror failed; says why each did.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(f"{folder}: {error.strerror}: expected a folder to write to") from error
    failures: list[str] = []
    for mirror in download.mirrors:
        try:
            return list(_from_mirror(mirror, download, folder, watch))
        # requests' errors are OSErrors; pooch raises ValueError for a wrong checksum.
        except (OSError, ValueError) as error:
            failures.append(f"{mirror} failed: {' '.join(str(error).split())}")
    raise DataError("; ".join(failures))


def _from_mirror(mirror: str, download: Download, folder: Path, watch: Watch) -> Iterator[Path]:
    import pooch

    for name, sha256 in download.files.items():
        path = pooch.retrieve(  # pyright: ignore[reportUnknownMemberType]
            mirror + name,
            f"sha256:{sha256}",
            fname=name,
            path=folder,
            progressbar=_Bar(name, watch),  # pyright: ignore[reportArgumentType]
        )
        yield Path(path)


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
