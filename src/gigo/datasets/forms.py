"""Inputs of training and test set in one form: the same columns, the same kind of array."""

from __future__ import annotations

from typing import Any

import numpy as np

from gigo.datasets.labels import listed
from gigo.errors import DataError
from gigo.inputs import Inputs, shape

WORDS = 4
"""Of text in a column, at least this many on average."""


def alike(x: Inputs, x_test: Inputs | None, place: str) -> tuple[Inputs, Inputs | None, list[str]]:
    """Both inputs in the forms of `gigo.inputs`, and what is to be said of that.

    Sparse matrices become ``csr_array``. Vectors with missing numbers become tables, whose models
    take them. Columns of words become ``category``, unless most of them are different and of
    several words: that is text. The test set's columns are put in the order of the training set's.

    Raises:
        DataError: their items differ in shape or columns, or hold numbers that are not finite.

    >>> x, _, notes = alike(np.array([[1, np.nan], [3, 4]]), None, "X.npy")
    >>> list(x.columns), notes
    (['0', '1'], ['1 number is missing: taken as a table'])
    """
    sides = [x] if x_test is None else [x, x_test]
    notes: list[str] = []
    if all(hasattr(side, "tocsr") for side in sides):
        sides = [_rows(side) for side in sides]
    gaps = sum(_gaps(side) for side in sides)
    if gaps and all(_is_array(side) and side.ndim == 2 for side in sides):
        sides = [_table(side) for side in sides]
        are = "number is" if gaps == 1 else "numbers are"
        notes.append(f"{gaps:,} {are} missing: taken as a table")
    if all(_is_table(side) for side in sides):
        sides = _categorised(sides)
    if len(sides) == 2:
        sides = [*_alike(sides[0], sides[1], place)]
    for side in sides:
        _check_finite(side, place)
    return sides[0], sides[1] if x_test is not None else None, notes


def _is_table(x: Inputs) -> bool:
    return hasattr(x, "iloc")


def _categorised(tables: list[Any]) -> list[Any]:
    """Tables whose columns of words are categories, or texts of type ``object``."""
    found = [table.copy(deep=False) for table in tables]
    for name, column in tables[0].items():
        if column.dtype.kind in "biufc" or column.dtype.name == "category":
            continue
        kind = object if _is_free(column) else "category"
        for table in found:
            if name in table.columns and table[name].dtype.kind not in "biufc":
                table[name] = table[name].astype(kind)
    return found


def _is_free(column: Any) -> bool:
    """Whether texts say something each: most are different, and they have several words."""
    texts = column.dropna()
    if not len(texts) or texts.nunique() <= len(texts) / 2:
        return False
    return float(texts.str.count(r"\S+").mean()) >= WORDS


def _is_array(x: Inputs) -> bool:
    return isinstance(x, np.ndarray)


def _rows(x: Any) -> Any:
    """A sparse matrix as ``csr_array`` with sorted columns and no duplicates."""
    from scipy.sparse import csr_array

    rows = csr_array(x)
    if rows is not x and not rows.has_canonical_format:
        rows = rows.copy()
        rows.sum_duplicates()
    return rows


def _gaps(x: Inputs) -> int:
    """Numbers of an array that are missing."""
    return int(np.isnan(x).sum()) if _is_array(x) and x.dtype.kind == "f" else 0


def _table(x: Inputs) -> Any:
    import pandas as pd

    names = [str(k) for k in range(x.shape[1])]
    return pd.DataFrame(x.astype(np.float64), columns=pd.Index(names))


def _alike(x: Inputs, x_test: Inputs, place: str) -> tuple[Inputs, Inputs]:
    """The test set's inputs as the training set has them."""
    if _is_table(x) and _is_table(x_test):
        return _same_columns(x, x_test, place)
    if type(x) is type(x_test) and shape(x) == shape(x_test):
        return x, x_test
    kinds = [f"{type(each).__name__} of shape {shape(each)}" for each in (x, x_test)]
    raise DataError(
        f"{place}: a training item is a {kinds[0]}, a test item a {kinds[1]}: expected the same"
    )


def _same_columns(x: Any, x_test: Any, place: str) -> tuple[Any, Any]:
    """Two tables with the first one's columns, in its order, and the categories of both."""
    missing = [str(name) for name in x.columns if name not in x_test.columns]
    extra = [str(name) for name in x_test.columns if name not in x.columns]
    if missing or extra:
        which, names = ("lacks", missing) if missing else ("has also", extra)
        expected = "expected the columns of the training set"
        raise DataError(f"{place}: the test set {which} {listed(names)}: {expected}")
    x, x_test = x.copy(deep=False), x_test[list(x.columns)].copy(deep=False)
    for name in x.columns:
        kinds = x[name].dtype.name, x_test[name].dtype.name
        if kinds == ("category", "category"):
            known = sorted({*x[name].cat.categories, *x_test[name].cat.categories})
            x[name] = x[name].cat.set_categories(known)
            x_test[name] = x_test[name].cat.set_categories(known)
        elif kinds[0] != kinds[1]:
            raise DataError(
                f"{place}: column {str(name)!r} is {kinds[0]} in the training set and {kinds[1]} "
                "in the test set: expected the same"
            )
    return x, x_test


def _check_finite(x: Inputs, place: str) -> None:
    if not _is_array(x) or x.dtype.kind != "f":
        return
    bad = x.size - int(np.isfinite(x).sum())
    if bad:
        are = "number is" if bad == 1 else "numbers are"
        raise DataError(f"{place}: {bad:,} {are} not finite: expected finite ones")
