"""The idx file format of MNIST and its kin (LeCun, Cortes & Burges, "The MNIST database").

Two zero bytes, a type code, the number of dimensions, each dimension as a big-endian 32-bit
integer, then the values, last dimension fastest. Only type code 8, unsigned bytes, is read.
"""

from __future__ import annotations

import gzip
import math
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gigo.errors import DataError
from gigo.types import Labels

_UNSIGNED_BYTE = 0x08
_GZIP_MAGIC = b"\x1f\x8b"


def read_labelled(
    images: Path, labels: Path, image_shape: tuple[int, int], n_classes: int
) -> tuple[NDArray[np.uint8], Labels]:
    """Images (n, 1, height, width) uint8 and their labels (n,) int64, from two idx files.

    Raises:
        DataError: a file is damaged, a label is not below ``n_classes``, or the counts differ.
    """
    x, y = read_idx(images, image_shape), read_idx(labels, ())
    if len(x) != len(y):
        raise DataError(f"{labels}: {len(y)} labels: expected {len(x)}, as many as {images} has")
    wrong = np.flatnonzero(y >= n_classes)
    if len(wrong):
        item = wrong[0]
        raise DataError(f"{labels}: label {y[item]} of item {item}: expected 0 .. {n_classes - 1}")
    return x[:, None], y.astype(np.int64)


def read_idx(path: Path, item_shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """The array (n, *item_shape) of an idx file, packed by gzip or not, whatever its name.

    Raises:
        DataError: the file can't be read or is not exactly such an array.
    """
    try:
        content = path.read_bytes()
        if content.startswith(_GZIP_MAGIC):
            content = gzip.decompress(content)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{path}: {error}: expected a whole idx file, packed or not") from error
    return decode_idx(content, item_shape, path)


def decode_idx(content: bytes, item_shape: tuple[int, ...], path: Path) -> NDArray[np.uint8]:
    """The same from unpacked bytes, without a copy; ``path`` is for the error message."""
    n_dims = 1 + len(item_shape)
    start = 4 + 4 * n_dims
    if len(content) < start:
        raise DataError(f"{path}: {len(content)} bytes: expected an idx header of {start}")
    if content[:2] != b"\0\0":
        raise DataError(f"{path}: starts with 0x{content[:2].hex()}: expected 0x0000, an idx file")
    if content[2] != _UNSIGNED_BYTE:
        raise DataError(f"{path}: type code 0x{content[2]:02x}: expected 0x08, unsigned bytes")
    if content[3] != n_dims:
        raise DataError(f"{path}: dimensions = {content[3]}: expected {n_dims}")
    # Python integers: a damaged header must not overflow its way to the right length.
    shape = tuple(int(size) for size in np.frombuffer(content[4:start], dtype=">u4"))
    if shape[1:] != item_shape:
        raise DataError(f"{path}: items of shape {shape[1:]}: expected {item_shape}")
    found, expected = len(content) - start, math.prod(shape)
    if found != expected:
        raise DataError(f"{path}: {found} bytes of values: expected {expected} for shape {shape}")
    return np.frombuffer(content, dtype=np.uint8, offset=start).reshape(shape)
