"""What files a data set consists of, and how they are found, read and checked."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from gigo.errors import DataError
from gigo.types import Dataset, Images, Labels


def fingerprint(x_train: Images, y_train: Labels, x_test: Images, y_test: Labels) -> str:
    """The sha256 of a data set's decoded arrays, as 64 hex digits.

    Hashed are, for each array in the order of the arguments, the ASCII line ``dtype shape`` with
    its newline, such as ``uint8 60000x1x28x28``, then the values in C order, little-endian. The
    machine's byte order and the file format that the values came from don't matter.
    """
    digest = hashlib.sha256()
    for array in (x_train, y_train, x_test, y_test):
        digest.update(f"{array.dtype.name} {'x'.join(map(str, array.shape))}\n".encode())
        little = array.astype(array.dtype.newbyteorder("<"), order="C", copy=False)
        digest.update(np.ascontiguousarray(little).data)
    return digest.hexdigest()


class Arrays(NamedTuple):
    """Decoded files: x (n, channels, height, width), y (n,) int64, training and test."""

    x_train: Images
    y_train: Labels
    x_test: Images
    y_test: Labels

    def dataset(
        self,
        name: str,
        classes: tuple[str, ...],
        source: str,
        hashed: Callable[[Images, Labels, Images, Labels], str] = fingerprint,
    ) -> Dataset:
        """The data set that they are; from now on nobody can write to them."""
        for array in self:
            array.setflags(write=False)
        tests = {"test": (self.x_test, self.y_test)}
        sha256 = hashed(*self)
        return Dataset(name, self.x_train, self.y_train, tests, classes, "image", sha256, source)


class Layout(NamedTuple):
    """A way in which data sets lie in a folder.

    Attributes:
        files: their names; each may end in ``.gz``, too.
        read: the files' paths, in that order -> arrays; raises DataError.
        classes: one name per class; none: they are called by their labels.
        fingerprint: of the arrays.
    """

    files: tuple[str, ...]
    read: Callable[[Sequence[Path]], Arrays]
    classes: tuple[str, ...] = ()
    fingerprint: Callable[[Images, Labels, Images, Labels], str] = fingerprint


class Official(NamedTuple):
    """A data set of which others keep the files.

    Attributes:
        name: the catalogue's.
        sha256: of its arrays, as its layouts' fingerprint gives it.
        folders: in which its files lie, relative to a folder of data sets; the first is the one
            that gigo keeps it in.
        layouts: that its files may have.
        downloads: file name -> sha256.
        mirrors: addresses to put before a file's name, the first that works is taken.
    """

    name: str
    sha256: str
    folders: tuple[str, ...]
    layouts: tuple[Layout, ...]
    downloads: dict[str, str]
    mirrors: tuple[str, ...]


class OnBoard(NamedTuple):
    """A data set that comes with a package that gigo needs anyway: what gives it, its sha256."""

    load: Callable[[], Dataset]
    sha256: str


class Copy(NamedTuple):
    """Files that were found, perhaps not all.

    Attributes:
        layout: that reads them.
        folder: where they are.
        paths: theirs, in the layout's order.
        missing: names of those that are not there.
    """

    layout: Layout
    folder: Path
    paths: tuple[Path, ...]
    missing: tuple[str, ...]


def look(layouts: Sequence[Layout], folders: Sequence[Path]) -> Copy:
    """The first copy in one of the folders, a whole one where there is one; nothing is read.

    Where there is none, it is an empty one.
    """
    copies = [_at(layout, folder) for folder in folders for layout in layouts]
    return min(copies, key=lambda copy: (bool(copy.missing), not copy.paths))


def _at(layout: Layout, folder: Path) -> Copy:
    # os.path, not pathlib: in a folder that we may not read there are no files. A device or a pipe
    # of such a name is refused when it is read; a folder is something else.
    found = [
        [path for path in (folder / name, folder / f"{name}.gz") if _is_file(path)]
        for name in layout.files
    ]
    missing = tuple(name for name, at in zip(layout.files, found, strict=True) if not at)
    return Copy(layout, folder, tuple(at[0] for at in found if at), missing)


def _is_file(path: Path) -> bool:
    return os.path.exists(path) and not os.path.isdir(path)


def read(copy: Copy, name: str) -> Dataset:
    """A copy as a data set of that name; its arrays are read-only.

    Raises:
        DataError: it lacks a file, can't be read, or is no data set for training and test.
    """
    if copy.missing:
        raise DataError(f"{copy.folder}: lacks {', '.join(copy.missing)} of {name}")
    arrays = copy.layout.read(copy.paths)
    shapes = arrays.x_train.shape[1:], arrays.x_test.shape[1:]
    if not (len(arrays.y_train) and len(arrays.y_test)) or shapes[0] != shapes[1]:
        raise DataError(
            f"{copy.folder}: {len(arrays.y_train)} training and {len(arrays.y_test)} test items of "
            f"shapes {shapes[0]} and {shapes[1]}: expected both, of one shape"
        )
    classes = copy.layout.classes
    if not classes:
        arrays, classes = _by_label(arrays, copy.folder)
    return arrays.dataset(name, classes, str(copy.folder), copy.layout.fingerprint)


def _by_label(arrays: Arrays, folder: Path) -> tuple[Arrays, tuple[str, ...]]:
    """Labels as numbers from 0, in their order, and what they were called."""
    labels, y_train = np.unique(arrays.y_train, return_inverse=True)
    y_test = np.searchsorted(labels, arrays.y_test).clip(max=len(labels) - 1)
    unknown = np.flatnonzero(labels[y_test] != arrays.y_test)
    if len(unknown):
        label = arrays.y_test[unknown[0]]
        raise DataError(f"{folder}: test label {label}: expected those of the training set")
    return arrays._replace(y_train=y_train, y_test=y_test), tuple(map(str, labels))


def checked(dataset: Dataset, sha256: str, hint: str = "") -> Dataset:
    """The data set, if it has that sha256; raises DataError."""
    if dataset.sha256 == sha256:
        return dataset
    counts = f"{len(dataset.y_train)} + {len(dataset.tests['test'][1])}"
    raise DataError(
        f"{dataset.source}: holds {counts} items of sha256 {dataset.sha256}: expected the official "
        f"{dataset.name}, {sha256}{hint}"
    )
