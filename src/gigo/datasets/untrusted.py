"""Files that may be damaged or malicious: read within limits, and nothing that they name is run."""

from __future__ import annotations

import contextlib
import gzip
import os
import pickle
import posixpath
import stat
import tarfile
from collections.abc import Collection, Generator, Iterator
from pathlib import Path
from typing import IO, Any, ClassVar, TypeAlias

import numpy as np
from numpy.typing import NDArray

from gigo.errors import DataError

LIMIT = 1 << 28
"""Bytes to which a file may unpack: the largest official archive comes to 187 million."""

Readable: TypeAlias = "IO[bytes] | Bounded"


@contextlib.contextmanager
def reading(where: object, expected: str) -> Generator[None]:
    """Whatever goes wrong inside is a DataError of one line that begins with ``where``.

    Packers, unpicklers and decoders raise a dozen kinds of errors on damaged bytes. A DataError
    from inside need not say where it was.
    """
    try:
        yield
    except DataError as error:
        raise DataError(f"{where}: {error}") from error
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
        raise DataError("neither a plain file nor a link to one: expected one to read")


@contextlib.contextmanager
def opened(path: Path, expected: str, limit: int = LIMIT) -> Generator[Bounded]:
    """The unpacked bytes of a file; errors of what is done with them are those of `reading`.

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
            packed = raw.peek(2).startswith(b"\x1f\x8b")
            yield Bounded(gzip.GzipFile(fileobj=raw) if packed else raw, limit)


class Bounded:
    """A file that ends in an error where more is read of it than it may hold.

    No read asks for more than the limit and one byte, whatever the file's content claims.
    """

    def __init__(self, file: IO[bytes] | gzip.GzipFile, limit: int) -> None:
        self._file, self._limit, self._left = file, limit, limit

    def read(self, size: int = -1, /) -> bytes:
        most = self._left + 1
        return self._counted(self._file.read(most if size < 0 else min(size, most)))

    def readline(self) -> bytes:
        return self._counted(self._file.readline(self._left + 1))

    def _counted(self, content: bytes) -> bytes:
        self._left -= len(content)
        if self._left < 0:
            raise DataError(f"unpacks to more than {self._limit} bytes: refused")
        return content


def tar_members(file: Bounded, names: Collection[str]) -> Iterator[tuple[str, IO[bytes]]]:
    """Each of the files ``names`` of a tar archive, in its order, to be read before the next.

    Nothing is extracted to the disk, and no other member is looked at.

    Args:
        file: the archive's bytes.
        names: paths in it, such as ``cifar-10-batches-py/data_batch_1``.

    Raises:
        DataError: one of them is no plain file (a link, a device), is there twice or not at all.
    """
    missing = set(names)
    # "r|" reads from front to back and never seeks.
    stream: Any = file  # which has a read, and needs no more for this
    with tarfile.open(fileobj=stream, mode="r|", bufsize=1 << 20) as archive:
        for member in archive:
            name = posixpath.normpath(member.name)
            if name not in names:
                continue
            if name not in missing:
                raise DataError(f"two members '{name}': expected one")
            part = archive.extractfile(member) if member.isreg() else None
            if part is None or member.issparse():  # a sparse one reads as more than is there
                raise DataError(f"member '{name}': expected a plain file")
            missing.remove(name)
            yield name, part
    if missing:
        raise DataError(f"lacks {', '.join(sorted(missing))}")


def load_pickle(file: Readable) -> dict[bytes, Any]:
    """The dictionary of a pickle, as Python 2 or 3 wrote it; arrays must be of unsigned bytes.

    A pickle may name any callable of any module and have it called. Here an inert object stands for
    the few names that a pickled array needs, and every other name is refused: not even NumPy's own
    code runs on what a file says.

    Args:
        file: opened for reading. Strings of Python 2 become bytes.

    Returns:
        its items; arrays are read-only views of bytes that were unpickled, not copies.

    Raises:
        DataError: it is not a dictionary, or names what it must not.
        Exception: of many kinds, where it is damaged or holds another kind of array.
    """
    loaded = _Unpickler(file, encoding="bytes").load()
    if not isinstance(loaded, dict):
        raise DataError(f"a pickled {type(loaded).__name__}: expected a dict")
    return {k: _decoded(v) if isinstance(v, _Inert) else v for k, v in loaded.items()}


def load_integers(file: Readable, after: int = 0) -> dict[str, NDArray[np.int64]]:
    """The lists and one-dimensional arrays of whole numbers in a pickled dictionary, by name.

    What else is in it is left out. Nothing that the pickle names is run, see `load_pickle`.

    Args:
        file: opened for reading; a dictionary, or an array without dimensions that holds one.
        after: pickles that come before it in the file.

    Raises:
        DataError: it is no dictionary, or names what it must not.
        Exception: of many kinds, where it is damaged.
    """
    for _ in range(after):
        _Unpickler(file, encoding="bytes").load()
    loaded = _Unpickler(file, encoding="bytes").load()
    match loaded:
        case _Inert(state=(_, (), _, False, [dict() as held])):
            loaded = held
        case _:
            pass
    if not isinstance(loaded, dict):
        raise DataError("a pickle that is no dictionary: expected one of arrays by name")
    items: dict[Any, Any] = loaded
    found = {_text(name): _integers(value) for name, value in items.items()}
    return {name: array for name, array in found.items() if array is not None}


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _integers(value: Any) -> NDArray[np.int64] | None:
    """A list or an array (n,) of whole numbers; None for anything else."""
    if isinstance(value, list):
        return np.array(value, np.int64) if all(type(each) is int for each in value) else None
    match getattr(value, "state", None):
        case (_, (int(),), _Inert(given=(kind, *_), state=(_, order, *_)), False, bytes() as held):
            name = _text(kind)
            if name in _WHOLE:
                return np.frombuffer(held, np.dtype(_text(order) + name)).astype(int)
        case _:
            pass
    return None


_WHOLE = "i1", "i2", "i4", "i8", "u1", "u2", "u4"
"""Types of whole numbers of which int64 holds all."""


class _Inert:
    """Stands for an array, its class and its type; keeps what it is given, computes nothing."""

    state: Any = None

    def __init__(self, *given: object) -> None:
        self.given = given

    def __setstate__(self, state: object) -> None:
        self.state = state


def _decoded(array: _Inert) -> NDArray[np.uint8]:
    """The array, if its state is that of one of unsigned bytes in C order."""
    match array.state:
        case (_, shape, _Inert(given=(b"u1" | "u1", *_)), False, bytes() as content):
            return np.frombuffer(content, dtype=np.uint8).reshape(shape)
        case _:
            raise ValueError("an array that is not one of unsigned bytes in C order")


class _Unpickler(pickle._Unpickler):  # pyright: ignore[reportPrivateUsage] - has no public name
    """The standard library's unpickler as written in Python.

    The one in C reserves as much memory as a damaged or malicious file says, up to 64 GB; this one
    does so in one operation, which is left out. On large arrays it is as fast.
    """

    dispatch: ClassVar = {
        code: operation
        for code, operation in pickle._Unpickler.dispatch.items()  # pyright: ignore[reportPrivateUsage] - as above
        if code != pickle.BYTEARRAY8[0]
    }
    allowed: ClassVar[dict[str, Any]] = {
        "numpy.core.multiarray._reconstruct": _Inert,
        "numpy._core.multiarray._reconstruct": _Inert,
        "numpy.ndarray": _Inert,
        "numpy.dtype": _Inert,
        "_codecs.encode": str.encode,  # by which Python 3 writes bytes for Python 2
    }

    def find_class(self, module: str, name: str) -> Any:
        called = f"{module}.{name}"
        if called not in self.allowed:
            expected = "refused, expected only arrays and lists"
            raise DataError(f"a pickle that calls for {called[:80]!r}: {expected}")
        return self.allowed[called]
