"""The idx file format (LeCun, Cortes & Burges, "The MNIST database"), and the data sets in it.

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

from gigo.datasets.official import Arrays, Layout, Official
from gigo.datasets.unpack import Readable, opened
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
        return decode_idx(file, n_dims, path)


def decode_idx(file: Readable, n_dims: int, path: Path) -> NDArray[np.uint8]:
    """The same from bytes, of which no more are read than the header announces, and one.

    >>> import io
    >>> header = bytes([0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3])
    >>> decode_idx(io.BytesIO(header + bytes([1, 2, 3, 4, 5, 6])), 2, Path("labels"))
    array([[1, 2, 3],
           [4, 5, 6]], dtype=uint8)
    >>> decode_idx(io.BytesIO(header + bytes([1, 2, 3])), 2, Path("labels"))
    Traceback (most recent call last):
    gigo.errors.DataError: labels: 3 bytes of values: expected 6 for shape (2, 3)
    """
    start, magic = 4 + 4 * n_dims, bytes((0, 0, _UNSIGNED_BYTE, n_dims))
    header = file.read(start)
    if len(header) < start or header[:4] != magic:
        found = f"{len(header)} bytes that start with 0x{header[:4].hex()}"
        expected = f"0x{magic.hex()}, unsigned bytes of {n_dims} dimensions"
        raise DataError(f"{path}: {found}: expected {expected}")
    # Python integers: a damaged header must not overflow its way to the right length.
    shape = struct.unpack(f">{n_dims}I", header[4:])
    announced = math.prod(shape)
    if announced > LIMIT:
        raise DataError(f"{path}: shape {shape}: expected at most {LIMIT} bytes of values")
    values = file.read(announced + 1)
    if len(values) != announced:
        found = "more" if len(values) > announced else len(values)
        raise DataError(f"{path}: {found} bytes of values: expected {announced} for shape {shape}")
    return np.frombuffer(values, dtype=np.uint8).reshape(shape)


IDX = Layout(
    (
        "train-images-idx3-ubyte",
        "train-labels-idx1-ubyte",
        "t10k-images-idx3-ubyte",
        "t10k-labels-idx1-ubyte",
    ),
    read_folder,
)


def _packed(*sha256: str) -> dict[str, str]:
    return {f"{name}.gz": digest for name, digest in zip(IDX.files, sha256, strict=True)}


# The checksums are of the files whose md5 torchvision lists.
MNIST = Official(
    "mnist",
    "2d2837b9203fcb140a3990de732706c33acab1997103f1eef71979f8afa7de3b",
    ("mnist", "MNIST/raw"),
    (IDX,),
    _packed(
        "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
        "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
        "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
        "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
    ),
    (
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
    ),
)

_CLOTHES = "T-shirt/top,Trouser,Pullover,Dress,Coat,Sandal,Shirt,Sneaker,Bag,Ankle boot"

FASHION_MNIST = Official(
    "fashion_mnist",
    "a6e96379e966f9a0a13e7bd9e30cbbc52a9d3aeea789528ce37a6de9e1b1166d",
    ("fashion_mnist", "fashion-mnist", "FashionMNIST/raw"),
    (IDX._replace(classes=tuple(_CLOTHES.split(","))),),
    _packed(
        "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
        "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
        "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
        "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
    ),
    (
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
        "https://storage.googleapis.com/tensorflow/tf-keras-datasets/",
    ),
)
