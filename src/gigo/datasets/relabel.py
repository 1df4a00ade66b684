"""Other labels for the items of a data set, in a file, in the items' order."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gigo.datasets import columns, delimited, tablefile
from gigo.datasets.untrusted import check_plain, reading
from gigo.errors import DataError, SpecError

SUFFIXES = ".txt", ".npy", ".json", *(each for each in tablefile.SUFFIXES if each != ".txt")
"""What the name of such a file may end in."""


def read_labels(path: Path, n: int, items: str, label: str | None = None) -> NDArray[Any]:
    """Labels from a file, n of them.

    A text file (``.txt``) has one per line, a JSON file a list, a NumPy file (``.npy``) an array of
    one dimension. A table has them in its only column, or in the one called like the items' own.

    Args:
        path: the file; its name's end says of which kind it is.
        n: how many there must be.
        items: what they are for, for errors, such as ``a.csv``.
        label: the column in which the items have their own labels, or None.

    Returns:
        (n,) values as the file has them; None for empty text.

    Raises:
        SpecError: the name ends in something else, or a table has no such column.
        DataError: the file can't be read, or has more labels or fewer.
    """
    found, hint = labels_in(path, label)
    if len(found) != n:
        expected = f"expected one per item, in their order{hint if len(found) == n - 1 else ''}"
        raise DataError(f"{path}: {len(found):,} labels for the {n:,} items of {items}: {expected}")
    return found


def labels_in(path: Path, label: str | None = None) -> tuple[NDArray[Any], str]:
    """All labels in a file, as `read_labels` says, and what may be wrong where one is lacking.

    Raises:
        SpecError, DataError: as `read_labels`.
    """
    kind = tablefile.suffix(path)
    if kind not in SUFFIXES:
        raise SpecError("labels", str(path), f"a file that ends in {', '.join(SUFFIXES)}")
    if kind not in _PLAIN:
        return _from_table(path, label)
    with reading(path, "a label per item"):
        check_plain(path)
        return _PLAIN[kind](path), ""


def _from_table(path: Path, label: str | None) -> tuple[NDArray[Any], str]:
    """The labels in a table, and what may be wrong where one is lacking."""
    import pyarrow as pa

    opened = tablefile.open_table(path)
    names = [name for name in opened.names if columns.is_named(name)]
    if len(names) == 1 or label in names:
        name = names[0] if len(names) == 1 else str(label)
    else:
        name, _ = columns.label_column(None, names, path.name)
    table = opened.read({} if opened.typed else {name: pa.large_string()})
    hint = "" if opened.typed else f"; its first line is taken for the column's name, {name!r}"
    return columns.values(table.column(name)), hint


def _lines(path: Path) -> NDArray[Any]:
    lines = [line.rstrip("\n") for line in io.StringIO(delimited.read_text(path), newline=None)]
    return np.array([line or None for line in lines], object)


def _array(path: Path) -> NDArray[Any]:
    found = np.load(path, allow_pickle=False)
    if not isinstance(found, np.ndarray) or found.ndim != 1:
        raise DataError(f"an array of shape {np.shape(found)}: expected one dimension")
    return found


def _listed(path: Path) -> NDArray[Any]:
    content = json.loads(path.read_text("utf-8-sig"))
    if not isinstance(content, list):
        raise DataError(f"a JSON {type(content).__name__}: expected a list")
    found = np.empty(len(content), object)
    found[:] = content
    return found


_PLAIN: dict[str, Callable[[Path], NDArray[Any]]] = {
    ".txt": _lines,
    ".npy": _array,
    ".json": _listed,
}
