"""The two official file formats of CIFAR-10 and CIFAR-100, in folders and in tar archives.

Both hold an image as 3,072 bytes: its red, green and blue planes, each 32 rows of 32.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import IO, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gigo.datasets.arrays import Arrays
from gigo.datasets.official import Layout
from gigo.datasets.pickles import load_pickle
from gigo.datasets.tar import open_members
from gigo.errors import DataError
from gigo.types import Images, Labels

_PIXELS = 3 * 32 * 32
_CHUNK = 10_000


class Part(NamedTuple):
    """The images (n, 3, 32, 32) uint8 and labels (n,) int64 of one file."""

    x: NDArray[np.uint8]
    y: Labels


class Format(NamedTuple):
    """An official version of a data set.

    Attributes:
        folder: the one that its archive unpacks to.
        files: in it; the last is the test set, those before are equal parts of the training set.
        decode: (a file, its name for error messages) -> its items; raises DataError.
    """

    folder: str
    files: tuple[str, ...]
    decode: Callable[[IO[bytes], str], Part]

    def unpacked(self) -> Layout:
        """The files in their folder, which Keras 3 puts into one of the archive's name."""
        folders = (self.folder, f"{self.folder}-target/{self.folder}")
        return Layout(folders, tuple((name,) for name in self.files), self.read_folder)

    def archive(self, name: str) -> Layout:
        """The archive under a name."""
        return Layout(("",), ((name,),), self.read_archive)

    def read_folder(self, paths: Sequence[Path]) -> Arrays:
        """From the files themselves, in order."""
        parts = (self._decode_file(path) for path in paths)
        return _joined(enumerate(parts), len(self.files) - 1, paths[0].parent)

    def _decode_file(self, path: Path) -> Part:
        try:
            with path.open("rb") as file:
                return self.decode(file, str(path))
        except OSError as error:
            raise DataError(f"{path}: {error.strerror}: expected a readable file") from error

    def read_archive(self, paths: Sequence[Path]) -> Arrays:
        """From the archive, in which the files may come in any order."""
        (path,) = paths
        place = {f"{self.folder}/{name}": rank for rank, name in enumerate(self.files)}
        parts = (
            (place[name], self.decode(file, f"{path}: {name}"))
            for name, file in open_members(path, tuple(place))
        )
        return _joined(parts, len(self.files) - 1, path)


def python_format(folder: str, files: Sequence[str], labels: str, n_classes: int) -> Format:
    """The pickles, of which the item ``labels`` has the labels."""
    return Format(folder, tuple(files), partial(decode_pickle, labels=labels, n_classes=n_classes))


def binary_format(
    folder: str, files: Sequence[str], column: int, n_classes: int, n_columns: int = 1
) -> Format:
    """The binary version, of whose ``n_columns`` label bytes an item's label is in ``column``."""
    decode = partial(decode_records, column=column, n_columns=n_columns, n_classes=n_classes)
    return Format(folder, tuple(files), decode)


def decode_pickle(file: IO[bytes], where: str, *, labels: str, n_classes: int) -> Part:
    """From a pickled dictionary with ``data`` (n, 3072) and a list of labels."""
    items = load_pickle(file, where)
    x, y = items.get(b"data"), items.get(labels.encode())
    if not isinstance(x, np.ndarray) or not isinstance(y, list):
        raise DataError(f"{where}: expected a pickle with an array 'data' and a list '{labels}'")
    if x.shape != (len(y), _PIXELS):
        raise DataError(f"{where}: data of shape {x.shape}: expected ({len(y)}, {_PIXELS})")
    whole = (type(label) is int and 0 <= label < n_classes for label in y)
    wrong = next((item for item, right in enumerate(whole) if not right), None)
    if wrong is not None:
        raise DataError(f"{where}: label of item {wrong}: expected one of 0 .. {n_classes - 1}")
    return Part(x.reshape(-1, 3, 32, 32), np.array(y, dtype=np.int64))


def decode_records(
    file: IO[bytes], where: str, *, column: int, n_columns: int, n_classes: int
) -> Part:
    """From records of ``n_columns`` label bytes and 3,072 pixel bytes."""
    content, length = file.read(), n_columns + _PIXELS
    if not content or len(content) % length:
        raise DataError(f"{where}: {len(content)} bytes: expected records of {length}")
    records = np.frombuffer(content, dtype=np.uint8).reshape(-1, length)
    y = records[:, column].astype(np.int64)
    wrong = np.flatnonzero(y >= n_classes)
    if len(wrong):
        item = wrong[0]
        raise DataError(f"{where}: label {y[item]} of item {item}: expected 0 .. {n_classes - 1}")
    return Part(records[:, n_columns:].reshape(-1, 3, 32, 32), y)


def record_fingerprint(x_train: Images, y_train: Labels, x_test: Images, y_test: Labels) -> str:
    """A fingerprint that follows from published checksums of CIFAR-10's binary version.

    The sha256 of two sha256 in hex digits, one after the other: of the five training files as one,
    and of the test file.
    """
    both = records_sha256(x_train, y_train) + records_sha256(x_test, y_test)
    return hashlib.sha256(both.encode()).hexdigest()


def records_sha256(x: Images, y: Labels) -> str:
    """The sha256 of images and labels in CIFAR-10's binary version: label, pixels, label, ..."""
    digest = hashlib.sha256()
    for start in range(0, len(x), _CHUNK):
        items = slice(start, start + _CHUNK)
        labels, pixels = y[items, None].astype(np.uint8), x[items].reshape(-1, _PIXELS)
        digest.update(np.concatenate([labels, pixels], axis=1).data)
    return digest.hexdigest()


def _joined(parts: Iterable[tuple[int, Part]], n_train: int, place: Path) -> Arrays:
    """The training parts, numbered from 0, as one; ``n_train`` is the number of the test set.

    They are copied to their place as they come: of the files' contents, only one is in memory.
    """
    whole: Part | None = None
    test: Part | None = None
    for number, part in parts:
        if number == n_train:
            test = part
            continue
        n = len(part.y)
        if whole is None:
            x = np.empty((n_train * n, *part.x.shape[1:]), dtype=np.uint8)
            whole = Part(x, np.empty(n_train * n, dtype=np.int64))
        if n_train * n != len(whole.y):
            raise DataError(f"{place}: training files of different lengths: expected equal ones")
        items = slice(number * n, (number + 1) * n)
        whole.x[items], whole.y[items] = part
    if whole is None or test is None:
        raise DataError(f"{place}: expected training files and a test file")
    return Arrays(*whole, np.ascontiguousarray(test.x), test.y)
