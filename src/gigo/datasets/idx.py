"""The idx file format (LeCun, Cortes & Burges, "The MNIST database").

Two zero bytes, a type code, the number of dimensions, each dimension as a big-endian 32-bit
integer, then the values, last dimension fastest. Only type code 8, unsigned bytes, is read.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gigo.datasets.folder import Arrays, Format
from gigo.datasets.untrusted import Readable, opened
from gigo.errors import DataError
from gigo.types import Labels

LIMIT = 1 << 31
"""Bytes of values that a file may announce."""

_UNSIGNED_BYTE = 0x08


def read_folder(paths: Sequence[Path]) -> Arrays:
    """From training images and labels, test images and labels; images may have any size."""
    return Arrays(*read_labelled(*paths[:2]), *read_labelled(*paths[2:]))


def read_labelled(images: Path, labels: Path) -> tuple[NDArray[np.uint8], Labels]:
    """Images (n, 1, height, width) uint8 and their labels (n,) int64, from two idx files.

    Raises:
        DataError: a file is damaged, or the counts differ.
    """
    x, y = read_idx(images, 3), read_idx(labels, 1)
    if len(x) != len(y):
        raise DataError(f"{labels}: {len(y)} labels: expected {len(x)}, as many as {images} has")
    return x[:, None], y.astype(np.int64)


def read_idx(path: Path, n_dims: int) -> NDArray[np.uint8]:
    """The array of an idx file, packed by gzip or not, whatever its name.

    Args:
        path: the file.
        n_dims: of the array.

    Raises:
        DataError: the file can't be read or is not exactly such an array.
    """
    with opened(path, "a whole idx file, packed or not", 2 * LIMIT) as file:
        return decode_idx(file, n_dims)


def decode_idx(file: Readable, n_dims: int) -> NDArray[np.uint8]:
    """The same from bytes, of which no more are read than the header announces, and one.

    >>> import io
    >>> header = bytes([0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3])
    >>> decode_idx(io.BytesIO(header + bytes([1, 2, 3, 4, 5, 6])), 2)
    array([[1, 2, 3],
           [4, 5, 6]], dtype=uint8)
    >>> decode_idx(io.BytesIO(header + bytes([1, 2, 3])), 2)
    Traceback (most recent call last):
    gigo.errors.DataError: 3 bytes of values: expected 6 for shape (2, 3)
    """
    start, magic = 4 + 4 * n_dims, bytes((0, 0, _UNSIGNED_BYTE, n_dims))
    header = file.read(start)
    if len(header) < start or header[:4] != magic:
        found = f"{len(header)} bytes that start with 0x{header[:4].hex()}"
        raise DataError(f"{found}: expected 0x{magic.hex()}, unsigned bytes of {n_dims} dimensions")
    # Python integers: a damaged header must not overflow its way to the right length.
    shape = struct.unpack(f">{n_dims}I", header[4:])
    announced = math.prod(shape)
    if announced > LIMIT:
        raise DataError(f"shape {shape}: expected at most {LIMIT} bytes of values")
    values = file.read(announced + 1)
    if len(values) != announced:
        found = "more" if len(values) > announced else len(values)
        raise DataError(f"{found} bytes of values: expected {announced} for shape {shape}")
    return np.frombuffer(values, dtype=np.uint8).reshape(shape)


IDX = Format(
    (
        "train-images-idx3-ubyte",
        "train-labels-idx1-ubyte",
        "t10k-images-idx3-ubyte",
        "t10k-labels-idx1-ubyte",
    ),
    read_folder,
)
