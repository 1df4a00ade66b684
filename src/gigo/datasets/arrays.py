"""NumPy's files: ``.npz`` with inputs and labels, ``.npy`` with labels in a file beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gigo.datasets.columns import check_column
from gigo.datasets.relabel import read_labels
from gigo.datasets.untrusted import check_plain, reading
from gigo.errors import DataError

SUFFIXES = ".npz", ".npy"

INPUTS = "x", "data", "images", "inputs", "features"
LABELS = "y", "labels", "label", "target", "targets"
"""What arrays are called, in any case; those of parts end in ``_train`` and ``_test``."""

Pair = tuple[NDArray[Any], NDArray[Any]]
Role = tuple[str, str]


class Read(NamedTuple):
    """What a file of several arrays has.

    Attributes:
        train, test: inputs and labels of each set; test is None where there is none.
        groups: n values by a name that was asked for, or None.
        notes: what is to be said of it, a line each.
    """

    train: Pair
    test: Pair | None
    groups: NDArray[Any] | None
    notes: tuple[str, ...]


def read_npz(path: Path, group: str | None = None) -> Read:
    """The arrays of a file.

    Arrays are called ``X`` and ``y`` (see `INPUTS` and `LABELS`), or ``x_train``, ``y_train``,
    ``x_test`` and ``y_test``; or they are the only two, the labels the one of one dimension.

    Args:
        path: the file.
        group: the name of an array that says which training items belong together.

    Raises:
        SpecError: there is no such array of groups.
        DataError: it can't be read, lacks one of the others, or holds pickled objects, which are
            not read.
    """
    found, train_role, test_role = open_npz(path, group)
    train = found[train_role[0]], found[train_role[1]]
    test = None if test_role is None else (found[test_role[0]], found[test_role[1]])
    used = {*train_role, *(test_role or ()), group}
    rest = ", ".join(name for name in found if name not in used)
    notes = (f"arrays that are not used: {rest}",) if rest else ()
    return Read(train, test, None if group is None else found[group], notes)


def open_npz(
    path: Path, group: str | None = None
) -> tuple[dict[str, NDArray[Any]], Role, Role | None]:
    """All arrays of a file by name, and the names of inputs and labels of both sets.

    Raises:
        SpecError, DataError: as `read_npz`.
    """
    with reading(path, "a NumPy file of arrays of numbers or text"):
        check_plain(path)
        with np.load(path, allow_pickle=False) as file:
            if not hasattr(file, "files"):
                raise DataError("a single array: expected several, with names")
            found = {name: _array(file, name) for name in file.files}
    if group is not None:
        check_column("group", group, [*found], path.name)
    with reading(path, "arrays of inputs and labels"):
        return found, *_roles({name: each for name, each in found.items() if name != group})


def read_npy(path: Path) -> NDArray[Any]:
    """An array; it is mapped from the disk.

    Raises:
        DataError: it can't be read, or holds pickled objects, which are not read.
    """
    with reading(path, "a NumPy file of an array of numbers or text"):
        check_plain(path)
        found = np.load(path, mmap_mode="r", allow_pickle=False)
        if not isinstance(found, np.ndarray):
            found.close()
            raise DataError("several arrays: expected one, or the file's name to end in .npz")
        return np.asarray(found)  # mapped all the same


def labels_beside(path: Path) -> Path | None:
    """The file of the labels of ``X.npy``: ``y.npy`` in its folder, ``y_test.npy`` of ``X_test``.

    >>> labels_beside(Path("nowhere/X_test.npy")) is None
    True
    """
    names = ["y.npy"]
    if path.stem[:1] in ("x", "X"):
        names = [f"y{path.stem[1:]}.npy", f"Y{path.stem[1:]}.npy"]
    return next((path.with_name(name) for name in names if path.with_name(name).exists()), None)


def labels_of(path: Path, asked: Path | None, n: int) -> NDArray[Any]:
    """The labels of an ``.npy`` file of n items, from the file asked for or the one beside it.

    Raises:
        SpecError, DataError: as `read_labels`; there is no such file.
    """
    beside = asked or labels_beside(path)
    if beside is None:
        name = "y" + path.stem[1:] if path.stem[:1] in ("x", "X") else "y"
        expected = f"labels in a file: labels = FILE, or {name}.npy beside it"
        raise DataError(f"{path}: {n:,} items without labels: expected {expected}")
    return read_labels(beside, n, path.name)


def _roles(arrays: Mapping[str, NDArray[Any]]) -> tuple[Role, Role | None]:
    """The names of inputs and labels, and those of the test set where there is one."""
    keys = list(arrays)
    for train, test in (("_train", "_test"), ("train", "test"), ("", "_test")):
        found = _pair(keys, train)
        if found is not None:
            return found, _pair(keys, test)
    flat = [key for key in keys if arrays[key].ndim == 1]
    if len(keys) == 2 and len(flat) == 1:
        return (next(key for key in keys if key != flat[0]), flat[0]), None
    have = ", ".join(keys[:20]) or "none"
    raise DataError(
        f"arrays {have}: expected X and y, or x_train, y_train, x_test and y_test, or two of which "
        "one has one dimension"
    )


def _pair(keys: Sequence[str], ending: str) -> Role | None:
    lower = {key.lower(): key for key in keys}
    found = [
        next((lower[name + ending] for name in each if name + ending in lower), None)
        for each in (INPUTS, LABELS)
    ]
    x, y = found
    return (x, y) if x is not None and y is not None else None


def _array(file: Mapping[str, Any], name: str) -> NDArray[Any]:
    """An array by its name; one that would have to be unpickled is refused."""
    try:
        return file[name]
    except ValueError as error:
        if "pickle" not in str(error):
            raise
        expected = "numbers or text (save it as another type, such as float or str)"
        raise DataError(f"array {name!r} holds Python objects: expected {expected}") from error
