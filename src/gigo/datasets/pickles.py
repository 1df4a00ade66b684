"""Pickles of arrays and lists, read without running anything of what they name.

A pickle may name any callable of any module and have it called. Here the few names that a pickled
array needs stand for inert parts of this module, and every other name is refused: not even NumPy's
own code runs on what a file says.
"""

from __future__ import annotations

import math
import pickle
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from gigo.datasets.unpack import Readable, reading
from gigo.errors import DataError


def load_pickle(file: Readable, where: str) -> dict[bytes, Any]:
    """The dictionary of a pickle, as Python 2 or 3 wrote it; arrays must be of unsigned bytes.

    Args:
        file: opened for reading. Strings of Python 2 become bytes.
        where: names it in error messages.

    Returns:
        its items; arrays are read-only views of bytes that were unpickled, not copies.

    Raises:
        DataError: it is damaged, names what it must not, or holds another kind of array.
    """
    with reading(where, "a whole pickle of arrays and lists"):
        loaded = _Unpickler(file, where).load()
        if not isinstance(loaded, dict):
            raise DataError(f"{where}: a pickled {type(loaded).__name__}: expected a dict")
        return {
            key: value.decode() if isinstance(value, _Array) else value
            for key, value in loaded.items()
        }


class _Array:
    """Stands for an array and for its class; keeps what it is given, computes nothing."""

    def __init__(self, *given: object) -> None:
        self.state: object = None

    def __setstate__(self, state: object) -> None:
        self.state = state

    def decode(self) -> NDArray[np.uint8]:
        """The array, if its state is that of one of unsigned bytes in C order."""
        match self.state:
            case (_, tuple() as shape, _Dtype(name=b"u1" | "u1"), fortran, bytes() as content) if (
                all(type(size) is int and size >= 0 for size in shape)
                and math.prod(shape) == len(content)
                and not fortran
            ):
                return np.frombuffer(content, dtype=np.uint8).reshape(shape)
            case _:
                raise ValueError("an array that is not one of unsigned bytes in C order")


class _Dtype:
    """Stands for an array's type; only its name matters for bytes."""

    def __init__(self, name: object, *_: object) -> None:
        self.name = name

    def __setstate__(self, state: object) -> None:
        pass


_ALLOWED: dict[str, Any] = {
    "numpy.core.multiarray._reconstruct": _Array,
    "numpy._core.multiarray._reconstruct": _Array,
    "numpy.ndarray": _Array,
    "numpy.dtype": _Dtype,
    "_codecs.encode": str.encode,  # by which Python 3 writes bytes for Python 2
}


class _Unpickler(pickle._Unpickler):  # pyright: ignore[reportPrivateUsage]
    """The standard library's unpickler as written in Python.

    The one in C reserves as much memory as a damaged or malicious file says, up to 64 GB; this one
    does so in one operation, which is left out. On large arrays it is as fast.
    """

    dispatch: ClassVar = {
        code: operation
        for code, operation in pickle._Unpickler.dispatch.items()  # pyright: ignore[reportPrivateUsage]
        if code != pickle.BYTEARRAY8[0]
    }

    def __init__(self, file: Readable, where: str) -> None:
        super().__init__(file, encoding="bytes")
        self._where = where

    def find_class(self, module: str, name: str) -> Any:
        called = f"{module}.{name}"
        if called not in _ALLOWED:
            raise DataError(
                f"{self._where}: a pickle that calls for {called[:80]!r}: refused, expected only "
                "arrays and lists"
            )
        return _ALLOWED[called]
