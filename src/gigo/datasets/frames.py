"""Data frames of any library as Arrow tables."""

from __future__ import annotations

from typing import Any

from gigo.datasets.labels import listed
from gigo.errors import DataError


def is_frame(thing: Any) -> bool:
    """Whether it is a data frame, of whichever library; none is imported for that.

    >>> is_frame([1, 2])
    False
    """
    from narwhals import dependencies

    return dependencies.is_into_dataframe(thing) or hasattr(thing, "collect_schema")


def to_arrow(frame: Any, place: str) -> tuple[Any, list[str]]:
    """A data frame as a ``pyarrow.Table``, and what is to be said of it.

    Columns are called by what their names are as text; an index of pandas is left out. A column of
    numbers and text, true and false among them, is one of text.

    Args:
        frame: of pandas, polars, Arrow or another library that narwhals reads, its rows in memory.
        place: where it is from, for errors.

    Raises:
        DataError: two columns have one name, one holds something else, or rows are not in memory.

    >>> import pandas as pd
    >>> table, notes = to_arrow(pd.DataFrame({1: [2, "a", None]}), "X")
    >>> table.to_pydict(), notes
    ({'1': ['2', 'a', None]}, ["column '1': numbers and text, taken as text"])
    """
    import narwhals as nw
    from narwhals.exceptions import NarwhalsError

    if hasattr(frame, "collect"):
        raise DataError(f"{place}: a lazy frame: expected one with its rows, frame.collect()")
    notes: list[str] = []
    if hasattr(frame, "iloc"):
        frame, notes = _from_pandas(frame, place)
    try:
        return nw.from_native(frame, eager_only=True).to_arrow(), notes
    except (NarwhalsError, TypeError, ValueError) as error:  # Arrow's errors are ValueErrors, too
        reason = " ".join(str(error).split())
        raise DataError(f"{place}: a frame that can't be read ({reason})") from error


def _from_pandas(frame: Any, place: str) -> tuple[Any, list[str]]:
    """A frame without index, whose columns have names of text and values of one kind each."""
    names = [str(name) for name in frame.columns]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise DataError(f"{place}: several columns are called {listed(twice)}: expected one each")
    frame = frame.set_axis(names, axis=1).reset_index(drop=True)
    mixed = [name for name in names if _is_mixed(frame[name])]
    texts = {name: frame[name].where(frame[name].isna(), frame[name].map(str)) for name in mixed}
    return frame.assign(**texts), [f"column {n!r}: numbers and text, taken as text" for n in mixed]


def _is_mixed(column: Any) -> bool:
    """Whether it holds numbers and text, which Arrow has no type for."""
    if column.dtype != object:
        return False
    kinds = {type(value) for value in column[column.notna()]}
    plain = all(issubclass(kind, str | bool | int | float) for kind in kinds)
    return plain and str in kinds and len(kinds) > 1
