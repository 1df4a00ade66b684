"""The columns of a table: which has the labels, and their values as the user has them."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gigo.errors import DataError, SpecError

LABELS = "label", "labels", "target", "class", "y"
"""What a column of labels is called where the user does not name it, in any case."""

MOST = 20
"""Columns that an error lists."""

_INDEX = "__index_level_"
"""How pandas calls an index without a name in Parquet and Feather files."""


def label_column(
    asked: str | None, names: Sequence[str], place: str
) -> tuple[str, tuple[str, ...]]:
    """The name of the column that has the labels, and a note where it was not asked for.

    Args:
        asked: what the user says.
        names: of all columns.
        place: of the table, for errors.

    Raises:
        SpecError: there is none of that name.
        DataError: none is asked for, and none or several look so.

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
    raise DataError(
        f"{place}: which column has the labels? Expected --label COLUMN, or label = in a study, "
        f"with one of {listed(found or names)}"
    )


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
    raise SpecError(field, asked, f"a column of {place}: {listed(names)}{hint}")


def apart(field: str, asked: str | None, table: Any, place: str) -> tuple[Any, Any]:
    """A ``pyarrow.Table`` without the column asked for, and that column's values, if there is one.

    Raises:
        SpecError: it is not there.
    """
    if asked is None:
        return table, None
    name = check_column(field, asked, table.column_names, place)
    return table.drop_columns([name]), values(table.column(name))


def same_columns(names: Sequence[str], expected: Sequence[str], place: str, train: str) -> None:
    """Raise DataError where a test set has other columns than the training set."""
    lacking = [name for name in expected if name not in names]
    more = [name for name in names if name not in expected]
    if lacking:
        found = f" and has {quoted(more)} instead" if more else ""
        expects = f"expected the columns of {train}"
        raise DataError(f"{place}: lacks {quoted(lacking)}{found}: {expects}")
    if more:
        raise DataError(f"{place}: has also {quoted(more)}: expected the columns of {train}")


def compute() -> Any:
    """The module of pyarrow's functions; it makes them when imported, so that no type is known."""
    import pyarrow.compute

    return pyarrow.compute


def text() -> Any:
    """The type of columns that are read as text whatever they hold."""
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

    pc = compute()
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


_IDENTIFIER = re.compile(r"(^|[\W_])(id|uuid|guid|index|idx|rowid)s?($|[\W_])", re.IGNORECASE)
_CAMEL = re.compile(r"[a-z](Id|ID)$")


def identifiers(table: Any) -> dict[str, str]:
    """What is to be said of columns of a table that are called and filled as identifiers are.

    Those have a whole number or a text of its own in every row. A model may learn from them by
    heart what it should not.

    >>> import pyarrow as pa
    >>> identifiers(pa.table({"customer_id": [7, 3, 5], "height": [1, 2, 3]}))
    {'customer_id': "column 'customer_id' has a value of its own per row"}
    """
    import pyarrow as pa

    pc = compute()

    def own_per_row(name: str) -> bool:
        column = plain(table.column(name))
        known = pa.types.is_integer(column.type) or is_words(column.type)
        return known and pc.count_distinct(column).as_py() == len(column)

    called = [n for n in table.column_names if _IDENTIFIER.search(n) or _CAMEL.search(n)]
    return {n: f"column {n!r} has a value of its own per row" for n in filter(own_per_row, called)}


def is_named(name: str) -> bool:
    """Whether a column has a name of its own, not one that pandas made up or that says none."""
    return bool(name) and not name.startswith(("Unnamed: ", _INDEX))


def class_names(schema: Any, column: str) -> tuple[str, ...] | None:
    """The names of classes that a column numbers, where Hugging Face's library noted them."""
    noted: Any = (schema.metadata or {}).get(b"huggingface")
    about: Any = json.loads(noted) if noted else {}
    feature: Any = ((about.get("info") or {}).get("features") or {}).get(column) or {}
    is_class = feature.get("_type") == "ClassLabel" and bool(feature.get("names"))
    return tuple(feature["names"]) if is_class else None


def values(column: Any) -> NDArray[Any]:
    """The values of a column as the user has them; None where one is missing or empty text."""
    pc = compute()
    column = plain(column)
    if is_words(column.type):
        column = pc.if_else(pc.equal(column, ""), None, column)
    if column.null_count:
        found = np.empty(len(column), object)
        found[:] = column.to_pylist()
        return found
    return column.to_numpy()


def missing(column: Any) -> NDArray[np.int64]:
    """The rows of a column without a value, or with white space alone."""
    pc = compute()
    column = plain(column)
    none = pc.is_null(column, nan_is_null=True)
    if is_words(column.type):
        none = pc.or_(none, pc.fill_null(pc.equal(pc.utf8_trim_whitespace(column), ""), False))
    return np.flatnonzero(none.to_numpy())


def labels(table: Any, column: str, place: str) -> NDArray[Any]:
    """The labels in a column as the user has them: names where it numbers some.

    Raises:
        DataError: a number stands for no name.
    """
    found, names = values(table.column(column)), class_names(table.schema, column)
    if names is None:
        return found
    known = np.array([*names, None], object)  # -1 says that there is no label
    numbers = np.array([-1 if each is None else each for each in found.tolist()])
    if len(numbers) and not (numbers.min() >= -1 and numbers.max() < len(names)):
        expected = f"numbers of the {len(names)} classes that the file names"
        raise DataError(f"{place}: labels up to {numbers.max()}: expected {expected}")
    return known[numbers]


def plain(column: Any) -> Any:
    """A column without extension types and dictionaries, all text of one type."""
    import pyarrow as pa

    if isinstance(column.type, pa.BaseExtensionType):
        column = column.cast(column.type.storage_type)
    if pa.types.is_decimal(column.type):
        column = column.cast(pa.float64())
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type).cast(pa.large_string())
    text = pa.types.is_string(column.type) or pa.types.is_string_view(column.type)
    return column.cast(pa.large_string()) if text else column


def is_words(kind: Any) -> bool:
    """Whether a type is that of text."""
    import pyarrow as pa

    return pa.types.is_large_string(kind)


def quoted(names: Sequence[str]) -> str:
    """Names in quotation marks in a line."""
    return listed([repr(name) for name in names])


def listed(names: Sequence[str]) -> str:
    """Names in a line, of many the first ones."""
    more = f" and {len(names) - MOST} more" if len(names) > MOST else ""
    return ", ".join(names[:MOST]) + more
