"""Files in a gzipped tar archive, read from it; nothing is ever extracted to the disk."""

from __future__ import annotations

import gzip
import tarfile
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import IO

from gigo.errors import DataError

LIMIT = 1 << 28
"""Bytes to which an archive may unpack: the largest official one comes to 187 million."""


def open_members(
    path: Path, names: Sequence[str], limit: int = LIMIT
) -> Iterator[tuple[str, IO[bytes]]]:
    """Each of the files ``names`` of an archive, in its order, to be read before the next.

    Every member is looked at, wanted or not, and an archive with one that no data archive has is
    refused, though it could do no harm here: a path that leads out of the folder it is unpacked
    in, a link, a device.

    Args:
        path: the archive.
        names: paths in it, such as ``cifar-10-batches-py/data_batch_1``.
        limit: to how many bytes it may unpack.

    Raises:
        DataError: it is damaged, too large or suspect, or lacks one of the files.
    """
    missing = set(names)
    try:
        with gzip.open(path) as file, _open(_Capped(file, path, limit)) as archive:
            for member in archive:
                _check(member, path, limit)
                name = str(PurePosixPath(member.name))
                if name in names and name not in missing:
                    raise DataError(f"{path}: two members '{name}': expected one")
                if name in missing and (part := archive.extractfile(member)):
                    missing.remove(name)
                    yield name, part
    except DataError:
        raise
    except Exception as error:  # gzip, zlib and tarfile raise a dozen kinds on damaged bytes
        found = f"{type(error).__name__} ({' '.join(str(error).split())[:80]})"
        raise DataError(f"{path}: {found}: expected a whole tar.gz archive") from error
    if missing:
        raise DataError(f"{path}: lacks {', '.join(sorted(missing))}")


def _open(file: _Capped) -> tarfile.TarFile:
    # "r|" reads from front to back and never seeks.
    return tarfile.open(fileobj=file, mode="r|", bufsize=1 << 20)  # pyright: ignore[reportCallIssue, reportArgumentType]


def _check(member: tarfile.TarInfo, path: Path, limit: int) -> None:
    name = member.name[:80]
    place = PurePosixPath(member.name)
    if place.is_absolute() or ".." in place.parts:
        raise DataError(f"{path}: member {name!r}: refused, it leads out of the archive's folder")
    if not (member.isreg() or member.isdir()) or member.issparse():
        raise DataError(f"{path}: member {name!r}: refused, neither a plain file nor a folder")
    if member.size > limit:
        raise DataError(f"{path}: member {name!r}: {member.size} bytes, expected at most {limit}")


class _Capped:
    """A file that ends in an error where more is read of it than an honest archive holds."""

    def __init__(self, file: gzip.GzipFile, path: Path, limit: int) -> None:
        self._file, self._path, self._limit, self._left = file, path, limit, limit

    def read(self, size: int, /) -> bytes:
        content = self._file.read(size)
        self._left -= len(content)
        if self._left < 0:
            raise DataError(f"{self._path}: unpacks to more than {self._limit} bytes: refused")
        return content
