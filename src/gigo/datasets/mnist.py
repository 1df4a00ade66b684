"""MNIST (LeCun et al. 1998) and Fashion-MNIST (Xiao et al. 2017): 28x28 grey images, 10 classes.

The checksums are of the files whose md5 torchvision lists.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gigo.datasets.arrays import Arrays
from gigo.datasets.idx import read_labelled
from gigo.datasets.official import Download, Layout, Official
from gigo.datasets.parquet import Table, hub_layout
from gigo.errors import DataError
from gigo.types import Labels

_FILES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)


def read_idx_files(paths: Sequence[Path]) -> Arrays:
    """From the four idx files: training images and labels, test images and labels."""
    train, test = (read_labelled(x, y, (28, 28), 10) for x, y in (paths[:2], paths[2:]))
    return Arrays(*train, *test)


def read_npz(paths: Sequence[Path]) -> Arrays:
    """From Keras's ``mnist.npz``."""
    (path,) = paths
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            x_train, y_train, x_test, y_test = (archive[name] for name in Arrays._fields)
        return Arrays(x_train[:, None], _labels(y_train), x_test[:, None], _labels(y_test))
    except Exception as error:  # zip, zlib and NumPy raise a dozen kinds on damaged bytes
        found = f"{type(error).__name__} ({error})"
        raise DataError(f"{path}: {found}: expected Keras's npz file of MNIST") from error


def _labels(array: NDArray[Any]) -> Labels:
    if array.dtype.kind not in "iu":
        raise TypeError(f"labels of type {array.dtype}")  # a cast would cut what they may hold
    if array.ndim != 1:
        raise ValueError(f"labels of shape {array.shape}")
    return array.astype(np.int64)


def _idx_layout(*folders: str) -> Layout:
    # Unpacked first: no time goes into unpacking it.
    return Layout(folders, tuple((name, f"{name}.gz") for name in _FILES), read_idx_files)


_MNIST_IDX = _idx_layout("mnist", "MNIST/raw")
_FASHION_IDX = _idx_layout("fashion-mnist", "fashion_mnist", "FashionMNIST/raw")
_TABLE = Table("image", "label", (1, 28, 28), 10)

MNIST = Official(
    name="mnist",
    class_names=tuple(str(digit) for digit in range(10)),
    layouts=(
        _MNIST_IDX,
        Layout(("",), (("mnist.npz",),), read_npz),
        hub_layout(_TABLE, ("ylecun/mnist", "mnist"), "mnist"),
    ),
    download=Download(
        _MNIST_IDX,
        {
            "train-images-idx3-ubyte.gz": (
                "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609"
            ),
            "train-labels-idx1-ubyte.gz": (
                "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c"
            ),
            "t10k-images-idx3-ubyte.gz": (
                "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6"
            ),
            "t10k-labels-idx1-ubyte.gz": (
                "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"
            ),
        },
        (
            "https://ossci-datasets.s3.amazonaws.com/mnist/",
            "https://storage.googleapis.com/cvdf-datasets/mnist/",
        ),
        "mnist",
    ),
)

FASHION_MNIST = Official(
    name="fashion_mnist",
    class_names=(
        "T-shirt/top",
        "Trouser",
        "Pullover",
        "Dress",
        "Coat",
        "Sandal",
        "Shirt",
        "Sneaker",
        "Bag",
        "Ankle boot",
    ),
    layouts=(
        _FASHION_IDX,
        hub_layout(_TABLE, ("zalando-datasets/fashion_mnist", "fashion_mnist"), "fashion_mnist"),
    ),
    download=Download(
        _FASHION_IDX,
        {
            "train-images-idx3-ubyte.gz": (
                "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84"
            ),
            "train-labels-idx1-ubyte.gz": (
                "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845"
            ),
            "t10k-images-idx3-ubyte.gz": (
                "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073"
            ),
            "t10k-labels-idx1-ubyte.gz": (
                "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5"
            ),
        },
        (
            "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
            "https://storage.googleapis.com/tensorflow/tf-keras-datasets/",
        ),
        "fashion_mnist",
    ),
)
