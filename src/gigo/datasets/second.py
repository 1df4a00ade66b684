"""Second labels for the items of a data set, from a file in which they come in the items' order.

Besides what `gigo.datasets.relabel` reads, this knows dictionaries of arrays as PyTorch and NumPy
save them (``.pt``, ``.npy``): nothing that such a file names is run.
"""

from __future__ import annotations

import hashlib
import os
import zipfile
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gigo.datasets import columns, relabel, tablefile
from gigo.datasets.labels import encode
from gigo.datasets.untrusted import LIMIT, Bounded, check_plain, load_integers, opened, reading
from gigo.errors import DataError, SpecError
from gigo.types import Dataset, Labels

TORCH = ".pt", ".pth"
_EXPECTED = "a dictionary of arrays of whole numbers, as torch.save or numpy.save writes it"


def label_file(field: str, asked: Any) -> tuple[Path, str]:
    """The absolute path of a file of labels that a study names, and the sha256 of its content.

    Raises:
        SpecError: there is no such file, or no name of one.
    """
    expected = "a file with one label per item, in the items' order"
    if not isinstance(asked, str | os.PathLike):
        raise SpecError(field, asked, expected)
    path = Path(os.fspath(asked)).expanduser().absolute()
    if not path.is_file():
        raise SpecError(field, str(asked), f"{expected}: there is none of that name")
    return path, _sha256(path)


def second_labels(dataset: Dataset, file: str, column: str | None = None, *, sha256: str) -> Labels:
    """The second label of each training item, (n,) int64 codes of the data set's classes.

    Args:
        dataset: whose items they are for. Of one whose test set gigo held out itself, the file may
            have labels of all items: those of the test set are left out.
        file: one that `label_file` found.
        column: of a table or a dictionary that has several.
        sha256: what that of the file's content must still be.

    Raises:
        SpecError: there is no such column, or items are no longer those of the data set.
        DataError: the file can't be read, was changed, has more labels or fewer, or labels of
            other classes. Whole numbers are classes by name or, where no class is called by a
            number, by number.
    """
    path = Path(file)
    values, hint = _read(path, column, sha256)
    return _codes(_of_items(values, dataset, path, hint), dataset.classes, str(path))


def _sha256(path: Path) -> str:
    with reading(path, "a file that can be read"):
        check_plain(path)
        with path.open("rb") as content:
            return hashlib.file_digest(content, "sha256").hexdigest()


@lru_cache(maxsize=4)  # every replicate asks for the same ones
def _read(path: Path, column: str | None, sha256: str) -> tuple[NDArray[Any], str]:
    """The labels, read-only, and what may be wrong where one is lacking."""
    if _sha256(path) != sha256:
        raise DataError(f"{path}: changed since this run began: expected the same labels")
    held = _dictionary(path)
    if held is not None:
        found, hint = _chosen(held, column, path), ""
    else:
        _check_column(path, column)
        found, hint = relabel.labels_in(path, column)
    found.flags.writeable = False
    return found, hint


def _dictionary(path: Path) -> Mapping[str, NDArray[np.int64]] | None:
    """The arrays by name of a file that is a dictionary of them; None for one of another kind."""
    kind = tablefile.suffix(path)
    if kind in TORCH:
        with reading(path, _EXPECTED):
            if zipfile.is_zipfile(path):
                return _zipped(path)
        with opened(path, _EXPECTED) as file:  # as PyTorch wrote until 1.5: three pickles before it
            return load_integers(file, after=3)
    if kind == ".npy":
        with reading(path, _EXPECTED), path.open("rb") as file:
            np.lib.format.read_magic(file)
            if np.lib.format.read_array_header_1_0(file)[2].hasobject:
                return load_integers(Bounded(file, LIMIT))
    return None


def _zipped(path: Path) -> Mapping[str, NDArray[np.int64]]:
    """Of a file as PyTorch writes it since 1.6: a zip archive with a pickle in it."""
    with zipfile.ZipFile(path) as archive:
        names = [name for name in archive.namelist() if name.split("/")[1:] == ["data.pkl"]]
        if len(names) != 1:
            raise DataError(f"{len(names)} pickles in it: expected {_EXPECTED}")
        with archive.open(names[0]) as inside:
            return load_integers(Bounded(inside, LIMIT))


def _chosen(
    held: Mapping[str, NDArray[np.int64]], column: str | None, path: Path
) -> NDArray[np.int64]:
    names = list(held)
    if column is None and len(names) == 1:
        return held[names[0]]
    if column is None or column not in names:
        expected = f"labels in {path.name}: {columns.listed(names) or 'it has none'}"
        raise SpecError("column", column, expected)
    return held[column]


def _check_column(path: Path, column: str | None) -> None:
    """Raise SpecError where a file has no such column, or several and none is asked for."""
    kind = tablefile.suffix(path)
    if kind == ".txt" or kind not in tablefile.SUFFIXES:
        if column is not None:
            raise SpecError("column", column, f"none: {path.name} has no columns")
        return
    names = [name for name in tablefile.open_table(path).names if columns.is_named(name)]
    if column is not None:
        columns.check_column("column", column, names, path.name)
    elif len(names) > 1 and len(columns.looks_like_labels(names)) != 1:
        raise SpecError("column", column, f"a column of {path.name}: {columns.listed(names)}")


def _of_items(values: NDArray[Any], dataset: Dataset, path: Path, hint: str) -> NDArray[Any]:
    """Those of the training items."""
    n, m, origin = dataset.n_train, len(values), dataset.origin
    if origin is not None and (origin < 0).any():
        expected = "first, or after corruptions of labels alone: the items here are others by now"
        raise SpecError("corruption", path.name, expected)
    if m == n:
        return values
    every = n if origin is None else n + dataset.n_test
    if origin is not None and m == every:
        return values[origin]
    whole = f" (or for all {every:,}, those of the test set included)" if every > n else ""
    raise DataError(
        f"{path}: {m:,} labels for the {n:,} training items of {dataset.name}{whole}: expected one "
        f"per item, in their order{hint if m in (n - 1, every - 1) else ''}"
    )


def _codes(values: NDArray[Any], classes: tuple[str, ...], place: str) -> Labels:
    """(n,) codes; numbers are classes by number where no class is called by one."""
    codes, _, names = encode(values, None, None, place)
    numbers = all(map(str.isdecimal, names)) and not any(map(str.isdecimal, classes))
    if numbers and max(map(int, names)) < len(classes):
        return np.array([int(name) for name in names], np.int64)[codes]
    return encode(names, None, classes, place)[0][codes]
