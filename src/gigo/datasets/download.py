"""Fetching official files, checked before they get their name."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from gigo.datasets.official import Download
from gigo.errors import DataError


def fetch(download: Download, folder: Path) -> list[Path]:
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
            return list(_from_mirror(mirror, download, folder))
        # requests' errors are OSErrors; pooch raises ValueError for a wrong checksum.
        except (OSError, ValueError) as error:
            failures.append(f"{mirror} failed: {' '.join(str(error).split())}")
    raise DataError("; ".join(failures))


def _from_mirror(mirror: str, download: Download, folder: Path) -> Iterator[Path]:
    import pooch

    for name, sha256 in download.files.items():
        checksum = f"sha256:{sha256}"
        yield Path(pooch.retrieve(mirror + name, checksum, fname=name, path=folder))  # pyright: ignore[reportUnknownMemberType]
