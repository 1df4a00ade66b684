"""Data sets by name. This index imports nothing heavy; a loader is imported when one is read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from gigo.datasets.arrays import fingerprint
from gigo.errors import DataError, unknown
from gigo.types import Dataset

__all__ = ["CATALOGUE", "DatasetEntry", "fingerprint", "load"]


class DatasetEntry(NamedTuple):
    """A catalogue entry: what can be known of a data set without reading it.

    Attributes:
        summary: one line for ``gigo list datasets``.
        load: ``(data_dir or None) -> Dataset``.
        input_shape: of one item, (channels, height, width).
        n_classes, n_train, n_test: counts.
        sha256: what `fingerprint` gives for the true data.
    """

    summary: str
    load: Callable[[Path | None], Dataset]
    input_shape: tuple[int, ...]
    n_classes: int
    n_train: int
    n_test: int
    sha256: str


def load(name: str, data_dir: Path | None = None) -> Dataset:
    """Read a data set of the catalogue; its arrays are read-only.

    Args:
        name: in the catalogue.
        data_dir: the folder that holds the official files, and then the only place looked at.
            None: the folder that the variable ``GIGO_DATA`` names, and likewise only that; where
            it is unset or empty, the caches of Keras, torchvision and gigo, else a download.
            Data sets that come with gigo need no folder and ignore it.

    Raises:
        SpecError: unknown name.
        DataError: missing, damaged or not what it claims to be.
    """
    if name not in CATALOGUE:
        raise unknown("dataset", name, CATALOGUE)
    entry = CATALOGUE[name]
    dataset = entry.load(data_dir)
    if dataset.sha256 != entry.sha256:
        raise DataError(
            f"{name} ({dataset.source}): arrays of sha256 {dataset.sha256}: expected {entry.sha256}"
        )
    return dataset


def _digits(data_dir: Path | None) -> Dataset:
    from gigo.datasets.digits import load_digits

    return load_digits()


def _mnist(data_dir: Path | None) -> Dataset:
    from gigo.datasets.find import find
    from gigo.datasets.mnist import MNIST

    return find(MNIST, CATALOGUE["mnist"].sha256, data_dir)


def _fashion_mnist(data_dir: Path | None) -> Dataset:
    from gigo.datasets.find import find
    from gigo.datasets.mnist import FASHION_MNIST

    return find(FASHION_MNIST, CATALOGUE["fashion_mnist"].sha256, data_dir)


CATALOGUE: dict[str, DatasetEntry] = {
    "digits": DatasetEntry(
        "handwritten digits, 8x8, from scikit-learn: no download",
        _digits,
        (1, 8, 8),
        10,
        1_347,
        450,
        "5b959224c1904cbfb39f63ba14da53c6f4c9ae461ec5c8adc0b0d7ac8ffb08dc",
    ),
    "mnist": DatasetEntry(
        "handwritten digits, 28x28",
        _mnist,
        (1, 28, 28),
        10,
        60_000,
        10_000,
        "2d2837b9203fcb140a3990de732706c33acab1997103f1eef71979f8afa7de3b",
    ),
    "fashion_mnist": DatasetEntry(
        "clothes, 28x28",
        _fashion_mnist,
        (1, 28, 28),
        10,
        60_000,
        10_000,
        "a6e96379e966f9a0a13e7bd9e30cbbc52a9d3aeea789528ce37a6de9e1b1166d",
    ),
}
