"""Files opened to be read: plain ones only, packed by gzip or not, no further than a limit."""

from __future__ import annotations

import contextlib
import gzip
import os
import posixpath
import stat
import tarfile
from collections.abc import Collection, Generator, Iterator
from pathlib import Path
from typing import IO, TypeAlias

from gigo.errors import DataError

LIMIT = 1 << 28
"""Bytes to which a file may unpack: the largest official archive comes to 187 million."""

Readable: TypeAlias = "IO[bytes] | Bounded"

_GZIP_MAGIC = b"\x1f\x8b"


@contextlib.contextmanager
def reading(where: object, expected: str) -> Generator[None]:
    """Whatever goes wrong inside is a DataError of one line that names the file.

    Packers, unpicklers and decoders raise a dozen kinds of errors on damaged bytes.
    """
    try:
        yield
    except DataError:
        raise
    except Exception as error:
        found = f"{type(error).__name__} ({' '.join(str(error).split())[:80]})"
        raise DataError(f"{where}: {found}: expected {expected}") from error


def check_plain(path: Path) -> None:
    """Refuse folders, devices and named pipes, on which reading could wait for ever.

    Raises:
        DataError: it is one of these.
        OSError: it is not there.
    """
    if not stat.S_ISREG(os.stat(path).st_mode):
        raise DataError(f"{path}: neither a plain file nor a link to one: expected one to read")


@contextlib.contextmanager
def opened(path: Path, expected: str, limit: int = LIMIT) -> Generator[Bounded]:
    """The unpacked bytes of a file, and the errors of what is done with them.

    Args:
        path: the file, packed by gzip or not, whatever its name.
        expected: for error messages, such as ``a whole idx file``.
        limit: more bytes than that are an error.

    Raises:
        DataError: it can't be read, holds more, or an error left the block.
    """
    with reading(path, expected):
        check_plain(path)
        with path.open("rb") as raw:
            packed = raw.peek(2).startswith(_GZIP_MAGIC)
            yield Bounded(gzip.GzipFile(fileobj=raw) if packed else raw, path, limit)


class Bounded:
    """A file that ends in an error where more is read of it than it may hold.

    No read asks for more than the limit and one byte, whatever the file's content claims.
    """

    def __init__(self, file: IO[bytes] | gzip.GzipFile, path: Path, limit: int) -> None:
        self._file, self._path, self._limit, self._left = file, path, limit, limit

    def read(self, size: int = -1, /) -> bytes:
        most = self._left + 1
        return self._counted(self._file.read(most if size < 0 else min(size, most)))

    def readline(self) -> bytes:
        return self._counted(self._file.readline(self._left + 1))

    def _counted(self, content: bytes) -> bytes:
        self._left -= len(content)
        if self._left < 0:
            raise DataError(f"{self._path}: unpacks to more than {self._limit} bytes: refused")
        return content


def tar_members(
    file: Bounded, path: Path, names: Collection[str]
) -> Iterator[tuple[str, IO[bytes]]]:
    """Each of the files ``names`` of a tar archive, in its order, to be read before the next.

    Nothing is extracted to the disk, and no other member is looked at.

    Args:
        file: the archive's bytes.
        path: its file, for error messages.
        names: paths in it, such as ``cifar-10-batches-py/data_batch_1``.

    Raises:
        DataError: one of them is no plain file (a link, a device), is there twice or not at all.
    """
    missing = set(names)
    # "r|" reads from front to back and never seeks.
    with tarfile.open(fileobj=file, mode="r|", bufsize=1 << 20) as archive:  # pyright: ignore[reportCallIssue, reportArgumentType]
        for member in archive:
            name = posixpath.normpath(member.name)
            if name in names and name not in missing:
                raise DataError(f"{path}: two members '{name}': expected one")
            if name in missing:
                part = archive.extractfile(member) if member.isreg() else None
                if part is None or member.issparse():  # a sparse one reads as more than is there
                    raise DataError(f"{path}: member '{name}': expected a plain file")
                missing.remove(name)
                yield name, part
    if missing:
        raise DataError(f"{path}: lacks {', '.join(sorted(missing))}")
