"""Edits of the cells of tables and of dense vectors: which ones, and how they are written.

Which cells of an edited row change is drawn edit by edit from a stream of its own, so that only the
rows that a rate needs are made.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gigo.errors import SpecError, meant
from gigo.inputs import Inputs, take
from gigo.rng import Stream
from gigo.schedule import KEEP, Schedule
from gigo.types import Dataset, Labels

Mask = NDArray[np.bool_]

Usable = Callable[[Any], Mask]
"""Of the values of a column (n,), which of them an edit may change."""

Change = Callable[[Any, Labels], Any]
"""Some values of a column (j,) and the numbers of their edits (j,), counted in the order of edits,
to what these make of them: an array, a list of texts, or NaN for all."""


def checked(dataset: Dataset, name: str) -> Inputs:
    """The inputs; raises SpecError where they are neither a table nor dense vectors of floats."""
    x = dataset.x_train
    dense = isinstance(x, np.ndarray) and x.ndim == 2 and x.dtype.kind == "f"
    if not dense and not hasattr(x, "iloc"):
        expected = f"a table or dense vectors of floats, which the inputs of {dataset.name} are not"
        raise SpecError("corruption", name, expected)
    return x


def places_of(
    x: Inputs, columns: Any, field: str, kind: str = "", without: Sequence[int] = ()
) -> list[int]:
    """The places of columns that are named, or of all of them but some.

    Args:
        x: a table, or dense vectors, whose columns are called by their numbers.
        columns: a list of names, one name, or None for all.
        field: of these, for errors.
        kind: ``numbers`` or ``words``, if the columns have to be such.
        without: places that are not to be among them.

    Raises:
        SpecError: no such column, or one that does not fit.

    >>> places_of(np.eye(3), [2, "0"], "columns")
    [2, 0]
    """
    table = not isinstance(x, np.ndarray)
    names = [str(name) for name in x.columns] if table else [str(k) for k in range(x.shape[1])]
    fits = [
        not kind or (kind == "numbers") == (not table or is_number(x.iloc[:, k]))
        for k in range(len(names))
    ]
    if columns is None:
        found = [k for k, fit in enumerate(fits) if fit and k not in without]
        if not found:
            raise SpecError(field, columns, f"a column of {kind or 'values'}: there is none to use")
        return found
    given: list[Any] = [*columns] if isinstance(columns, list | tuple) else [columns]
    for each in given:
        if str(each) not in names:
            more = ", ..." if len(names) > 10 else ""
            listed = f"{', '.join(names[:10])}{more}{meant(str(each), names)}"
            raise SpecError(field, each, f"names of columns: {listed}")
        if not fits[names.index(str(each))]:
            raise SpecError(field, each, f"columns of {kind}")
        if names.index(str(each)) in without:
            raise SpecError(field, each, "other columns than the one that these depend on")
    if not given or len({*map(str, given)}) < len(given):
        raise SpecError(field, columns, "names of columns, each once")
    return [names.index(str(each)) for each in given]


def column(x: Inputs, place: int, rows: Labels) -> Any:
    """Some values of a column: an array, or a Series of a table."""
    return x[rows, place] if isinstance(x, np.ndarray) else x.iloc[:, place].iloc[rows]


def _put(x: Inputs, place: int, rows: Labels, new: Any) -> None:
    """Write into a column; categories that it has not are added, in order of appearance."""
    if isinstance(x, np.ndarray):
        x[rows, place] = new
        return
    values: Any = x.iloc[:, place].copy()
    if values.dtype.name == "category" and isinstance(new, list):
        known = {*values.cat.categories}
        unseen = [word for word in dict.fromkeys(new) if word not in known]
        values = values.cat.add_categories(unseen)
    elif values.dtype.kind in "biu":
        values = values.astype(np.float64)
    values.iloc[rows] = new
    x.isetitem(place, values)


def is_number(values: Any) -> bool:
    """Whether a column of a table holds numbers."""
    return values.dtype.name != "category" and values.dtype.kind in "biuf"


def is_there(values: Any) -> Mask:
    """Which values of a column are not missing."""
    return ~np.isnan(values) if isinstance(values, np.ndarray) else values.notna().to_numpy()


def schedule(
    x: Inputs,
    items: Labels,
    order: Labels,
    stream: Stream,
    places: Sequence[int],
    usable: Usable,
    change: Change,
    cells: int = 1,
) -> Schedule:
    """Edits of some cells per item.

    Args:
        x: a table, or dense vectors.
        items: (n,) rows of it.
        order: (n,) of the items.
        stream: its child chooses the cells of an edit among those that are usable, each alike.
        places: of the columns to choose among.
        usable: which values can be changed.
        change: what becomes of them.
        cells: per edit, at most.
    """
    able = np.zeros(len(items), np.bool_)
    for place in places:
        able |= usable(column(x, place, items))
    order = order[able[order]]

    def extra(k: int) -> Inputs:
        rows = items[order[:k]]
        can = np.stack([usable(column(x, place, rows)) for place in places], axis=1)
        chosen = _chosen(can, cells, stream.child("cells"))
        found = take(x, rows) if isinstance(x, np.ndarray) else take(x, rows).reset_index(drop=True)
        for i in np.flatnonzero(chosen.any(axis=0)).tolist():
            edits = np.flatnonzero(chosen[:, i])
            new = change(column(found, places[i], edits), edits)
            _put(found, places[i], edits, new)
        return found

    return Schedule(order, np.full(len(order), KEEP), extra=extra)


def _chosen(usable: Mask, cells: int, stream: Stream) -> Mask:
    """So many of the usable cells of each row, or all that it has, (k, columns)."""
    chosen = np.zeros_like(usable)
    if cells >= usable.shape[1]:
        return usable
    for start in range(0, len(usable), 1024):
        part = usable[start : start + 1024]
        words = stream.words(part.size).reshape(part.shape)
        words[~part] = np.iinfo(np.uint64).max
        least = np.argpartition(words, cells - 1, axis=1)[:, :cells]
        np.put_along_axis(chosen[start : start + 1024], least, True, axis=1)
    return chosen & usable
