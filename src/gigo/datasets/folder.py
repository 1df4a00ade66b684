"""Data sets that lie in a folder: found there by their files' names, and read."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from gigo.errors import DataError
from gigo.inputs import digest
from gigo.types import Dataset, Images, Labels


class Arrays(NamedTuple):
    """Decoded files: x (n, channels, height, width), y (n,) int64, training and test."""

    x_train: Images
    y_train: Labels
    x_test: Images
    y_test: Labels


Hash = Callable[[Images, Labels, Images, Labels], str]


class Format(NamedTuple):
    """A way in which data sets lie in a folder.

    Attributes:
        files: their names; each may end in ``.gz``, too.
        read: the files' paths, in that order -> arrays; raises DataError.
        digest: sha256 of the arrays.
    """

    files: tuple[str, ...]
    read: Callable[[Sequence[Path]], Arrays]
    digest: Hash = digest


class Copy(NamedTuple):
    """Files that were found, perhaps not all.

    Attributes:
        format: that reads them.
        place: the folder where they are, or what they come with.
        paths: theirs, in the format's order.
        missing: names of those that are not there.
    """

    format: Format
    place: str
    paths: tuple[Path, ...] = ()
    missing: tuple[str, ...] = ()

    @property
    def lacks(self) -> str:
        """What is missing, in words."""
        return f"{self.place}: lacks {', '.join(self.missing)}"


def look(formats: Sequence[Format], folders: Sequence[Path]) -> Copy:
    """The first copy in one of the folders, a whole one where there is one; nothing is read.

    Where there is none, it is an empty one.
    """
    copies = [_at(format, folder) for folder in folders for format in formats]
    return min(copies, key=lambda copy: (bool(copy.missing), not copy.paths))


def _at(format: Format, folder: Path) -> Copy:
    paths: list[Path] = []
    missing: list[str] = []
    for name in format.files:
        # os.path, not pathlib: in a folder that we may not read there are no files. A device or a
        # pipe of such a name is refused when it is read; a folder is something else.
        found = [path for path in (folder / name, folder / f"{name}.gz") if os.path.exists(path)]
        files = [path for path in found if not os.path.isdir(path)]
        paths += files[:1]
        missing += [] if files else [name]
    return Copy(format, str(folder), tuple(paths), tuple(missing))


def read(copy: Copy, name: str, classes: tuple[str, ...]) -> Dataset:
    """A copy as a data set; its arrays are read-only.

    Args:
        copy: the files.
        name: of the data set.
        classes: one name per class; none: they are called by their labels.

    Raises:
        DataError: it lacks a file, can't be read, or is no data set for training and test.
    """
    if copy.missing:
        raise DataError(f"{copy.lacks} of {name}")
    arrays = copy.format.read(copy.paths)
    shapes = arrays.x_train.shape[1:], arrays.x_test.shape[1:]
    if not (len(arrays.y_train) and len(arrays.y_test)) or shapes[0] != shapes[1]:
        raise DataError(
            f"{copy.place}: {len(arrays.y_train)} training and {len(arrays.y_test)} test items of "
            f"shapes {shapes[0]} and {shapes[1]}: expected both, of one shape"
        )
    if not classes:
        arrays, classes = _by_label(arrays, copy.place)
    for array in arrays:
        array.setflags(write=False)
    x, y, x_test, y_test = arrays
    sha256 = copy.format.digest(*arrays)
    return Dataset(name, x, y, {"test": (x_test, y_test)}, classes, "image", sha256, copy.place)


def _by_label(arrays: Arrays, place: str) -> tuple[Arrays, tuple[str, ...]]:
    """Labels as numbers from 0, in their order, and what they were called."""
    labels, y_train = np.unique(arrays.y_train, return_inverse=True)
    unknown = np.setdiff1d(arrays.y_test, labels)
    if len(unknown):
        raise DataError(f"{place}: test label {unknown[0]}: expected those of the training set")
    y_test = np.searchsorted(labels, arrays.y_test)
    return arrays._replace(y_train=y_train, y_test=y_test), tuple(map(str, labels))
