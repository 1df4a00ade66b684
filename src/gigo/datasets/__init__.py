"""Data sets by name. This index imports nothing heavy; a loader is imported when one is read."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

from gigo.datasets import find as search
from gigo.datasets.arrays import fingerprint
from gigo.datasets.download import fetch as fetch_files
from gigo.datasets.download import silent
from gigo.datasets.find import Verdict
from gigo.datasets.official import Official
from gigo.datasets.places import own_cache
from gigo.errors import DataError, SpecError, unknown
from gigo.types import Dataset, Watch

__all__ = [
    "CATALOGUE",
    "DatasetEntry",
    "Verdict",
    "accept",
    "fetch",
    "fingerprint",
    "load",
    "silent",
    "verify",
    "where",
]


class DatasetEntry(NamedTuple):
    """A catalogue entry: what can be known of a data set without reading it.

    Attributes:
        summary: one line for ``gigo list datasets``.
        source: gives the data set itself, where it comes with an installed package, else what its
            official files are.
        input_shape: of one item, (channels, height, width).
        n_classes, n_train, n_test: counts.
        sha256: the true data's fingerprint: what `fingerprint` gives, unless the data set's
            `Official.fingerprint` is another.
    """

    summary: str
    source: Callable[[], Dataset | Official]
    input_shape: tuple[int, ...]
    n_classes: int
    n_train: int
    n_test: int
    sha256: str


def load(
    name: str,
    data_dir: Path | None = None,
    *,
    accepted: str | None = None,
    watch: Watch = silent,
) -> Dataset:
    """Read a data set of the catalogue; its arrays are read-only.

    Args:
        name: in the catalogue.
        data_dir: the folder that holds the official files, and then the only place looked at.
            None: the folder that the variable ``GIGO_DATA`` names, and likewise only that; where
            it is unset or empty, the caches of Keras, torchvision, Hugging Face and gigo, else a
            download. Data sets that come with gigo need no folder and ignore it.
        accepted: the fingerprint of a copy that differs from the official data and that the user
            accepts, from `accept`; then only such a copy is read, and its ``source`` says so.
        watch: is told of a download's progress.

    Raises:
        SpecError: unknown name.
        DataError: missing, damaged or not what it claims to be.
    """
    entry = _entry(name)
    source = entry.source()
    if isinstance(source, Official):
        dataset = search.find(source, entry.sha256, data_dir, accepted=accepted, watch=watch)
    else:
        dataset = source
    expected = accepted or entry.sha256
    if dataset.sha256 != expected:
        raise DataError(
            f"{name} ({dataset.source}): arrays of sha256 {dataset.sha256}: expected {expected}"
        )
    return _as_described(dataset, entry)


def accept(names: Iterable[str], data_dir: Path | None = None) -> dict[str, str]:
    """What a user accepts who takes data as they are: name -> fingerprint, for `load`.

    Named are those data sets of which the user's folder (``data_dir``, else ``GIGO_DATA``) has a
    copy that differs from the official data, but is whole and of the same size. No cache of
    another tool is trusted so far.

    Raises:
        SpecError: unknown name, or no folder named.
        DataError: the folder has no copy, or one that can't be read.
    """
    accepted: dict[str, str] = {}
    for name in names:
        entry = _entry(name)
        source = entry.source()
        if not isinstance(source, Official):
            continue
        dataset = search.as_is(source, entry.sha256, data_dir)
        if dataset.sha256 != entry.sha256:
            accepted[name] = _as_described(dataset, entry).sha256
    return accepted


def where(name: str, data_dir: Path | None = None) -> list[str]:
    """The places that have a copy, in the order in which `load` tries them; nothing is read.

    Raises:
        SpecError: unknown name.
        DataError: the folder that the user named is not there, or has no copy.
    """
    source = _entry(name).source()
    if not isinstance(source, Official):
        return [source.source]
    return [
        f"{copy.place} (lacks {', '.join(copy.missing)})" if copy.missing else str(copy.place)
        for copy in search.every_copy(source, data_dir)
    ]


def verify(name: str, data_dir: Path | None = None) -> list[Verdict]:
    """Reads every copy of a data set that `load` could find, and says what is wrong with it.

    Raises:
        SpecError: unknown name.
        DataError: the folder that the user named is not there, or has no copy.
    """
    entry = _entry(name)
    source = entry.source()
    if not isinstance(source, Official):
        return [Verdict(load(name).source, "")]
    return list(search.verdicts(source, entry.sha256, data_dir))


def fetch(name: str, watch: Watch = silent) -> Path:
    """Bring a data set's official files into gigo's cache, if they are not there; their folder.

    Raises:
        SpecError: unknown name, or one that comes with gigo.
        DataError: every mirror failed, or the cache can't be written.
    """
    source = _entry(name).source()
    if not isinstance(source, Official):
        raise SpecError("dataset", name, "one to download: this one comes with gigo")
    folder = own_cache(source.download.folder)
    fetch_files(source.download, folder, watch)
    return folder


def _entry(name: str) -> DatasetEntry:
    if name not in CATALOGUE:
        raise unknown("dataset", name, CATALOGUE)
    return CATALOGUE[name]


def _as_described(dataset: Dataset, entry: DatasetEntry) -> Dataset:
    """A data set, if it has the counts, shape and classes of its entry; the true one has."""
    if dataset.sha256 == entry.sha256:
        return dataset
    x_test, y_test = dataset.tests["test"]
    found = len(dataset.y_train), len(y_test)
    if found != (entry.n_train, entry.n_test):
        raise DataError(
            f"{dataset.source}: holds {found[0]} + {found[1]} items: expected {entry.n_train} + "
            f"{entry.n_test} of {dataset.name}"
        )
    for x, y in ((dataset.x_train, dataset.y_train), (x_test, y_test)):
        items = len(y), *entry.input_shape
        if (x.dtype, x.shape) != ("uint8", items):
            raise DataError(
                f"{dataset.source}: images: {x.dtype} {x.shape}: expected uint8 {items}"
            )
        if y.min() < 0 or y.max() >= entry.n_classes:
            raise DataError(
                f"{dataset.source}: labels {y.min()} to {y.max()}: expected 0 to "
                f"{entry.n_classes - 1}"
            )
    return dataset


def _digits() -> Dataset:
    from gigo.datasets.digits import load_digits

    return load_digits()


def _mnist() -> Official:
    from gigo.datasets.mnist import MNIST

    return MNIST


def _fashion_mnist() -> Official:
    from gigo.datasets.mnist import FASHION_MNIST

    return FASHION_MNIST


def _cifar10() -> Official:
    from gigo.datasets.cifar import CIFAR10

    return CIFAR10


def _cifar100() -> Official:
    from gigo.datasets.cifar import CIFAR100

    return CIFAR100


def _cifar100_coarse() -> Official:
    from gigo.datasets.cifar import CIFAR100_COARSE

    return CIFAR100_COARSE


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
    "cifar10": DatasetEntry(
        "photographs of animals and vehicles, 32x32, colour",
        _cifar10,
        (3, 32, 32),
        10,
        50_000,
        10_000,
        "656611f1e523f449f8b5b26f2e4cfd3da3421adbb48c4ee9a98a85e888a888c0",
    ),
    "cifar100": DatasetEntry(
        "photographs of 100 classes, 32x32, colour",
        _cifar100,
        (3, 32, 32),
        100,
        50_000,
        10_000,
        "6854bb7aee0e45463866ea95af0a5e58d3c13410f221e7f6efdebda71a83ca18",
    ),
    "cifar100_coarse": DatasetEntry(
        "those of cifar100 in its 20 groups of classes",
        _cifar100_coarse,
        (3, 32, 32),
        20,
        50_000,
        10_000,
        "5a2095858908fca778b5c2bdcb3fb4edd57bef492a32277644a1ba27f2eac9cc",
    ),
}
