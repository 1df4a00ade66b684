"""Data sets by name, or by the folder that holds one. This index imports nothing heavy."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

from gigo.datasets import find
from gigo.datasets.cifar import CIFAR10, CIFAR100, CIFAR100_COARSE
from gigo.datasets.digits import DIGITS
from gigo.datasets.find import Get, by_http, silent
from gigo.datasets.idx import FASHION_MNIST, IDX, MNIST
from gigo.datasets.official import Official, OnBoard, checked, fingerprint, look, read
from gigo.datasets.parquet import HUB
from gigo.errors import DataError, unknown
from gigo.types import Dataset, Watch

__all__ = [
    "CATALOGUE",
    "DatasetEntry",
    "fetch",
    "fingerprint",
    "from_path",
    "load",
    "silent",
    "verify",
    "where",
]


class DatasetEntry(NamedTuple):
    """A catalogue entry: what can be known of a data set without reading it.

    Attributes:
        summary: one line for ``gigo list datasets``.
        source: what its official files are, or what gives it where it comes with a package.
        input_shape: of one item, (channels, height, width).
        n_classes, n_train, n_test: counts.
    """

    summary: str
    source: Official | OnBoard
    input_shape: tuple[int, ...]
    n_classes: int
    n_train: int
    n_test: int

    @property
    def sha256(self) -> str:
        """What `fingerprint` gives of the true data, or `Layout.fingerprint` if it is another."""
        return self.source.sha256


def load(
    name: str, data_dir: Path | None = None, *, watch: Watch = silent, get: Get = by_http
) -> Dataset:
    """Read a data set of the catalogue; its arrays are read-only.

    Args:
        name: in the catalogue.
        data_dir: the folder that holds the official files, the only place looked at. None: the
            folder that the variable ``GIGO_DATA`` names, likewise; where it is unset or empty,
            gigo's cache, into which missing files are downloaded. Data sets that come with gigo
            need no folder.
        watch: is told of a download's progress.
        get: downloads a file (`gigo.datasets.find.Get`).

    Raises:
        SpecError: unknown name.
        DataError: missing, damaged or not the official data.

    >>> load("digits").x_train.shape
    (1347, 1, 8, 8)
    """
    source = _source(name)
    if isinstance(source, Official):
        return find.load(source, data_dir, watch, get)
    return checked(source.load(), source.sha256)


def from_path(path: str | Path) -> Dataset:
    """Read whatever data set lies in a folder, as a data set of its own; its arrays are read-only.

    It is called by the folder's name. Its sha256 is that of what is in it, which need not be an
    official data set. Known are MNIST's four idx files (of images of any size; classes are called
    by their labels), CIFAR's pickles or archive (CIFAR-100's with its 100 classes), and the hub's
    two Parquet files of PNG images.

    Raises:
        DataError: there is no such folder, it holds no data set, or one that can't be read.
    """
    folder = Path(os.path.expanduser(path))
    layouts = IDX, *CIFAR10.layouts, *CIFAR100.layouts, HUB
    copy = look(layouts, [folder])
    if not copy.paths:
        ways = "; or ".join(", ".join(layout.files) for layout in layouts)
        raise DataError(f"dataset = '{path}': expected a folder with {ways}")
    return read(copy, os.path.basename(os.path.abspath(folder)) or "data")


def where(name: str, data_dir: Path | None = None) -> str:
    """The place from which `load` reads a data set, in words; nothing is read.

    Raises:
        SpecError: unknown name.
        DataError: the folder that the user named is not there, or has no copy.

    >>> where("digits").endswith(": digits comes with gigo")
    True
    """
    source = _source(name)
    return find.where(source, data_dir) if isinstance(source, Official) else _on_board(name)


def verify(name: str, data_dir: Path | None = None) -> str:
    """Read what `load` would read, but download nothing; the place.

    Raises:
        SpecError: unknown name.
        DataError: there is no copy, or it is damaged or not the official data.
    """
    source = _source(name)
    return find.verify(source, data_dir) if isinstance(source, Official) else _on_board(name)


def fetch(name: str, *, watch: Watch = silent, get: Get = by_http) -> str:
    """Bring a data set's official files into gigo's cache, if they are not there; the place.

    Raises:
        SpecError: unknown name.
        DataError: every mirror failed, or the cache can't be written.
    """
    source = _source(name)
    return str(find.fetch(source, watch, get)) if isinstance(source, Official) else _on_board(name)


def _on_board(name: str) -> str:
    return f"{load(name).source}: {name} comes with gigo"


def _source(name: str) -> Official | OnBoard:
    if name not in CATALOGUE:
        raise unknown("dataset", name, CATALOGUE)
    return CATALOGUE[name].source


CATALOGUE = {
    "digits": DatasetEntry(
        "handwritten digits, 8x8, from scikit-learn: no download", DIGITS, (1, 8, 8), 10, 1_347, 450
    ),
    "mnist": DatasetEntry("handwritten digits, 28x28", MNIST, (1, 28, 28), 10, 60_000, 10_000),
    "fashion_mnist": DatasetEntry("clothes, 28x28", FASHION_MNIST, (1, 28, 28), 10, 60_000, 10_000),
    "cifar10": DatasetEntry(
        "photographs of animals and vehicles, 32x32, colour",
        CIFAR10,
        (3, 32, 32),
        10,
        50_000,
        10_000,
    ),
    "cifar100": DatasetEntry(
        "photographs of 100 classes, 32x32, colour", CIFAR100, (3, 32, 32), 100, 50_000, 10_000
    ),
    "cifar100_coarse": DatasetEntry(
        "those of cifar100 in its 20 groups of classes",
        CIFAR100_COARSE,
        (3, 32, 32),
        20,
        50_000,
        10_000,
    ),
}
