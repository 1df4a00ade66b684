"""The columns of a table: which has the labels, which are inputs, and what these are."""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gigo.errors import DataError, SpecError
from gigo.inputs import Inputs
from gigo.types import Kind

if TYPE_CHECKING:
    import pandas as pd

LABELS = "label", "labels", "target", "class", "y"
"""What a column of labels is called where the user does not name it, in any case."""

MOST = 20
"""Columns that an error lists."""

MISSING = ("", "#N/A", "N/A", "NA", "NULL", "NaN", "n/a", "nan", "null", "None")
"""What stands for a missing value in a column of words that is no column of labels."""

_INDEX = "__index_level_"
"""How pandas calls an index without a name in Parquet and Feather files."""


class Parts(NamedTuple):
    """A table taken apart.

    Attributes:
        x: the inputs, see `gigo.inputs`.
        notes: what is to be said of it, a line each.
        labels: n values; None where no column has them.
        groups: n values; None likewise.
    """

    x: Inputs
    notes: tuple[str, ...]
    labels: NDArray[Any] | None
    groups: NDArray[Any] | None


def label_column(
    asked: str | None, names: Sequence[str], place: str
) -> tuple[str, tuple[str, ...]]:
    """The name of the column that has the labels, and a note where it was not asked for.

    Args:
        asked: what the user says.
        names: of all columns.
        place: of the table, for errors.

    Raises:
        SpecError: there is none of that name, or none is asked for and none or several look so.

    >>> label_column(None, ["age", "Class"], "mail.csv")
    ('Class', ("labels: column 'Class', by its name",))
    >>> label_column("knd", ["age", "kind"], "mail.csv")
    Traceback (most recent call last):
    gigo.errors.SpecError: label = 'knd': expected a column of mail.csv: age, kind (did you ...
    """
    if asked is not None:
        return check_column("label", asked, names, place), ()
    found = looks_like_labels(names)
    if len(found) == 1:
        return found[0], (f"labels: column {found[0]!r}, by its name",)
    expected = f"the column that has the labels of {place}: {_listed(found or names)}"
    raise SpecError("label", None, expected)


def looks_like_labels(names: Sequence[str]) -> list[str]:
    """The columns that are called like labels."""
    return [name for name in names if name.lower() in LABELS]


def check_column(field: str, asked: str, names: Sequence[str], place: str) -> str:
    """The column asked for; SpecError with all columns and the nearest where there is none."""
    if asked in names:
        return asked
    lower = {name.lower(): name for name in names}
    close = difflib.get_close_matches(asked.lower(), lower, n=1, cutoff=0.5)
    hint = f" (did you mean {lower[close[0]]!r}?)" if close else ""
    raise SpecError(field, asked, f"a column of {place}: {_listed(names)}{hint}")


def same_columns(names: Sequence[str], expected: Sequence[str], place: str, train: str) -> None:
    """Raise DataError where a test set has other columns than the training set."""
    lacking = [name for name in expected if name not in names]
    more = [name for name in names if name not in expected]
    if lacking:
        found = f" and has {_quoted(more)} instead" if more else ""
        expects = f"expected the columns of {train}"
        raise DataError(f"{place}: lacks {_quoted(lacking)}{found}: {expects}")
    if more:
        raise DataError(f"{place}: has also {_quoted(more)}: expected the columns of {train}")


def text() -> Any:
    """pyarrow's type of columns that are read as text whatever they hold."""
    import pyarrow as pa

    return pa.large_string()


def types(schema: Any) -> dict[str, Any]:
    """The types that a test set's columns need, by name, to be those of a training set's schema.

    All numbers are float64, since a whole one here may be a fraction there.
    """
    import pyarrow as pa

    found = dict(zip(schema.names, schema.types, strict=True))
    for name, kind in found.items():
        if pa.types.is_dictionary(kind):
            found[name] = kind.value_type
        elif pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_null(kind):
            found[name] = pa.float64()
    return found


def without_index(table: Any) -> tuple[Any, tuple[str, ...]]:
    """A table without the numbers of its rows, and a note where they were there.

    That is a first column without a name whose values are different whole numbers, and any column
    without a name that is empty.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    notes: list[str] = []
    for place, name in reversed([*enumerate(table.column_names)]):
        if is_named(name):
            continue
        column = table.column(place)
        empty = column.null_count == len(column)
        first = place == 0 or name.startswith(_INDEX)
        whole = first and pa.types.is_integer(column.type) and not column.null_count
        if empty or (whole and pc.count_distinct(column).as_py() == len(column)):
            table = table.remove_column(place)
            what = "is empty" if empty else "numbers the rows"
            notes.append(f"column {place}, which has no name and {what}, is left out")
    return table, tuple(notes)


def is_named(name: str) -> bool:
    """Whether a column has a name of its own, not one that pandas made up or that says none."""
    return bool(name) and not name.startswith(("Unnamed: ", _INDEX))


def take_apart(
    table: Any, label: str | None, group: str | None, kind: Kind | None, place: str
) -> Parts:
    """Labels, groups and inputs of a ``pyarrow.Table``.

    Inputs are texts where a column of words is all that is left, vectors where a column of lists of
    numbers is, else a table.

    Args:
        table: the rows are items.
        label, group: the columns of labels and groups, or None.
        kind: what the inputs shall be; None: as said above.
        place: of the table, for errors.

    Raises:
        SpecError: the inputs can't be of this kind.
        DataError: no column is left, or one is of a type that is no input.
    """
    labels = None if label is None else values(table.column(label))
    groups = None if group is None else values(table.column(group))
    table = table.drop_columns([name for name in (label, group) if name is not None])
    if not table.num_columns:
        raise DataError(f"{place}: no column beside that of the labels: expected inputs, too")
    columns = {name: _plain(table.column(name)) for name in table.column_names}
    is_ = _kind(list(columns.values()))
    if kind not in (None, is_, "table") and (is_, kind) != ("table", "vector"):
        raise SpecError("kind", kind, f"{is_}, or none: the inputs of {place} are no other")
    only = next(iter(columns.values()))
    if is_ == "text" and kind != "table":
        return Parts(*_texts(only), labels, groups)
    if is_ == "vector":
        return Parts(_vectors(only, place), (), labels, groups)
    x, notes = _frame(columns, place)
    return Parts(_matrix(x, place) if kind == "vector" else x, notes, labels, groups)


def class_names(schema: Any, column: str) -> tuple[str, ...] | None:
    """The names of classes that a column numbers, where Hugging Face's library noted them."""
    noted = (schema.metadata or {}).get(b"huggingface")
    features = json.loads(noted).get("info", {}).get("features", {}) if noted else {}
    feature = features.get(column)
    is_class = isinstance(feature, dict) and feature.get("_type") == "ClassLabel"
    return tuple(feature["names"]) if is_class and feature.get("names") else None


def values(column: Any) -> NDArray[Any]:
    """The values of a column as the user has them; None where one is missing or empty text."""
    import pyarrow as pa
    import pyarrow.compute as pc

    column = _plain(column)
    if _is_words(column.type):
        column = pc.if_else(pc.equal(column, ""), pa.scalar(None, column.type), column)
    if column.null_count:
        found = np.empty(len(column), object)
        found[:] = column.to_pylist()
        return found
    return column.to_numpy()


def _kind(columns: Sequence[Any]) -> Kind:
    """What the columns are by themselves."""
    if len(columns) > 1:
        return "table"
    if _is_words(columns[0].type):
        return "text"
    return "vector" if _is_list(columns[0].type) else "table"


def _texts(column: Any) -> tuple[list[str], tuple[str, ...]]:
    missing = column.null_count
    notes = (f"{missing:,} texts are missing: taken as empty",) if missing else ()
    return column.fill_null("").to_pylist(), notes


def _matrix(frame: pd.DataFrame, place: str) -> NDArray[np.float64]:
    """(n, d) numbers of a table that has nothing else."""
    words = [str(name) for name, column in frame.items() if column.dtype.kind != "f"]
    if words:
        raise SpecError("kind", "vector", f"table: {_quoted(words)} of {place} are no numbers")
    return frame.to_numpy(np.float64)


def _frame(columns: Mapping[str, Any], place: str) -> tuple[Inputs, tuple[str, ...]]:
    """A data frame: numbers, dates and truths as float64, words as they are."""
    import pandas as pd
    import pyarrow as pa

    found: dict[str, Any] = {}
    dates: list[str] = []
    for name, column in columns.items():
        if pa.types.is_temporal(column.type):
            dates.append(name)
            column = _days(column)
        if _is_number(column.type):
            found[name] = _numbers(column)
        elif _is_words(column.type):
            found[name] = _words(column).to_pandas()
        else:
            expected = "numbers, words, dates or true and false"
            raise DataError(f"{place}: column {name!r} has {column.type}: expected {expected}")
    one = len(dates) == 1
    said = f"{'column' if one else 'columns'} {_quoted(dates)}: dates, as days since 1970"
    return pd.DataFrame(found, copy=False), (said,) if dates else ()


def _plain(column: Any) -> Any:
    """A column's values themselves, where it has them by their numbers in a dictionary."""
    import pyarrow as pa

    if isinstance(column.type, pa.BaseExtensionType):
        column = column.cast(column.type.storage_type)
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if pa.types.is_decimal(column.type):
        column = column.cast(pa.float64())
    large = pa.types.is_large_string(column.type) or pa.types.is_string_view(column.type)
    return column.cast(pa.large_string()) if large or _is_words(column.type) else column


def _numbers(column: Any) -> NDArray[np.float64]:
    """Numbers, true and false, or nothing at all, with NaN where there is none."""
    import pyarrow as pa

    if pa.types.is_boolean(column.type) or pa.types.is_float16(column.type):
        column = column.cast(pa.int8() if pa.types.is_boolean(column.type) else pa.float32())
    return column.cast(pa.float64(), safe=False).to_numpy()


def _days(column: Any) -> Any:
    """Dates and times as days since 1970, times of a day and spans as days."""
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = column.type
    if pa.types.is_date(kind):
        return column.cast(pa.date32()).cast(pa.int32())
    if pa.types.is_time(kind):
        column = column.cast(pa.time64("us"))
    elif pa.types.is_timestamp(kind):
        column = column.cast(pa.timestamp("us", kind.tz), safe=False)
    else:
        column = column.cast(pa.duration("us"), safe=False)
    return pc.divide(column.cast(pa.int64()).cast(pa.float64(), safe=False), 86_400e6)


def _words(column: Any) -> Any:
    """Words, of which those that say that there is none are missing."""
    import pyarrow as pa
    import pyarrow.compute as pc

    none = pc.is_in(column, pa.array(MISSING, column.type))
    return pc.if_else(none, pa.scalar(None, column.type), column)


def _vectors(column: Any, place: str) -> NDArray[Any]:
    """(n, d) numbers of a column of lists, all of one length."""
    import pyarrow as pa
    import pyarrow.compute as pc

    lengths = pc.unique(pc.list_value_length(column)).to_pylist()
    if len(lengths) != 1 or not lengths[0]:
        raise DataError(f"{place}: lists of {lengths[:5]} numbers: expected one length")
    flat = pc.list_flatten(column)
    if flat.null_count or not (pa.types.is_floating(flat.type) or pa.types.is_integer(flat.type)):
        raise DataError(f"{place}: lists of {flat.type}: expected numbers, none missing")
    return flat.to_numpy().reshape(len(column), lengths[0])


def _is_words(kind: Any) -> bool:
    import pyarrow as pa

    return pa.types.is_string(kind) or pa.types.is_large_string(kind)


def _is_number(kind: Any) -> bool:
    import pyarrow as pa

    is_any = (pa.types.is_integer, pa.types.is_floating, pa.types.is_boolean, pa.types.is_null)
    return any(each(kind) for each in is_any)


def _is_list(kind: Any) -> bool:
    import pyarrow as pa

    is_any = (pa.types.is_list, pa.types.is_large_list, pa.types.is_fixed_size_list)
    return any(each(kind) for each in is_any)


def _quoted(names: Sequence[str]) -> str:
    return _listed([repr(name) for name in names])


def _listed(names: Sequence[str]) -> str:
    """Names in a line, of many the first ones."""
    more = f" and {len(names) - MOST} more" if len(names) > MOST else ""
    return ", ".join(names[:MOST]) + more
