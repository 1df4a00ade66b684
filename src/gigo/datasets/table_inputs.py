"""The inputs in a table, apart from labels and groups: texts, vectors, images, or columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gigo.datasets.columns import compute, is_words, labels, plain, quoted, values
from gigo.errors import DataError, SpecError
from gigo.inputs import Inputs
from gigo.types import Kind

if TYPE_CHECKING:
    import pandas as pd

MISSING = ("", "#N/A", "N/A", "NA", "NULL", "NaN", "n/a", "nan", "null", "None")
"""What stands for a missing value among words; not among labels."""

WORDS = 4
"""Words are free text, no categories, if most values are different and of so many words."""

MANY = 20
"""Different words from which a column may be no category, if most items have one of their own."""

NUMBER = r"^\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*$"
"""What words look like that are numbers."""

DAY = 86_400e6
"""Microseconds."""


class Parts(NamedTuple):
    """A table taken apart.

    Attributes:
        x: the inputs, see `gigo.inputs`.
        notes: what is to be said of them, a line each.
        labels: n values; None where no column has them.
        groups: n values; None likewise.
    """

    x: Inputs
    notes: tuple[str, ...]
    labels: NDArray[Any] | None
    groups: NDArray[Any] | None


def take_apart(
    table: Any,
    label: str | None,
    group: str | None,
    kind: Kind | None,
    place: str,
    like: Inputs | None = None,
) -> Parts:
    """Labels, groups and inputs of a ``pyarrow.Table``.

    Args:
        table: a row per item.
        label: the column of labels, or None.
        group: the column of groups, or None.
        kind: see `inputs`.
        place: likewise.
        like: likewise.

    Raises:
        SpecError, DataError: as `inputs`; labels that are numbers of no class.
    """
    names = [name for name in table.column_names if name not in (label, group)]
    x, notes = inputs(table.select(names), kind, place, like)
    return beside(x, table, label, group, place)._replace(notes=notes)


def beside(x: Inputs, table: Any, label: str | None, group: str | None, place: str) -> Parts:
    """Inputs that were read otherwise, with the labels and groups that a table has of them."""
    own = None if label is None else labels(table, label, place)
    return Parts(x, (), own, None if group is None else values(table.column(group)))


def inputs(
    table: Any, kind: Kind | None, place: str, like: Inputs | None = None
) -> tuple[Inputs, tuple[str, ...]]:
    """The inputs that the columns of a ``pyarrow.Table`` are, and what is to be said of them.

    One column of words alone is texts; one of lists of numbers is vectors. Else it is a data
    frame: numbers are float64, dates days since 1970, words ``category``, true and false likewise;
    free text is ``object``.

    Args:
        table: a row per item.
        kind: what the inputs shall be; None: as said above. ``table`` takes one column, too,
            ``vector`` numbers without their names.
        place: of the table, for errors.
        like: the inputs of the training set, where these are those of the test set.

    Raises:
        SpecError: the inputs can't be of this kind.
        DataError: there is no column, or one is of a type that is no input.

    >>> import pyarrow as pa
    >>> table = pa.table({"age": [31, None], "job": ["cook", "judge"], "paid": [True, False]})
    >>> inputs(table, None, "people.csv")[0].dtypes.map(str).tolist()
    ['float64', 'category', 'category']
    >>> inputs(table.select(["job"]), None, "people.csv")[0]
    ['cook', 'judge']
    """
    if not table.num_columns:
        raise DataError(f"{place}: no column beside that of the labels: expected inputs, too")
    columns = {name: table.column(name) for name in table.column_names}
    is_ = _kind(list(columns.values()))
    if kind not in (None, is_, "table") and (is_, kind) != ("table", "vector"):
        raise SpecError("dataset.kind", kind, f"{is_}, or none: so are the inputs of {place}")
    only = next(iter(columns.values()))
    if is_ == "text" and kind != "table":
        return _texts(plain(only), place)
    if is_ == "vector":
        return _vectors(only, place), ()
    frame, notes = _frame(columns, place, like)
    return (_matrix(frame, place) if kind == "vector" else frame), notes


def _kind(columns: Sequence[Any]) -> Kind:
    """What columns are by themselves."""
    if len(columns) > 1:
        return "table"
    if is_words(plain(columns[0]).type):
        return "text"
    return "vector" if _is_list(columns[0].type) else "table"


def _texts(column: Any, place: str) -> tuple[list[str], tuple[str, ...]]:
    pc = compute()
    n, missing = len(column), column.null_count
    if missing:
        expected = "expected one per item (leave these items out)"
        raise DataError(f"{place}: {missing:,} of {n:,} texts are missing: {expected}")
    empty = pc.sum(pc.equal(column, "")).as_py()
    return column.to_pylist(), (f"{empty:,} of {n:,} texts are empty",) if empty else ()


def _vectors(column: Any, place: str) -> NDArray[Any]:
    """(n, d) numbers of a column of lists, all of one length."""
    import pyarrow as pa

    pc = compute()
    lengths = pc.unique(pc.list_value_length(column)).to_pylist()
    if len(lengths) != 1 or not lengths[0]:
        raise DataError(f"{place}: lists of {lengths[:5]} numbers: expected one length")
    flat = pc.list_flatten(column)
    if flat.null_count or not (pa.types.is_floating(flat.type) or pa.types.is_integer(flat.type)):
        raise DataError(f"{place}: lists of {flat.type}: expected numbers, none missing")
    return flat.to_numpy().reshape(len(column), lengths[0])


def _matrix(frame: pd.DataFrame, place: str) -> NDArray[np.float64]:
    """(n, d) numbers of a table that has nothing else."""
    words = [str(name) for name, column in frame.items() if column.dtype.name != "float64"]
    if words:
        raise SpecError("dataset.kind", "vector", f"table: {quoted(words)} of {place}: no numbers")
    return frame.to_numpy(np.float64)


def _frame(
    columns: Mapping[str, Any], place: str, like: Inputs | None
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    import pandas as pd
    import pyarrow as pa

    found: dict[str, Any] = {}
    notes: list[str] = []
    for name, column in columns.items():
        known = None if like is None or name not in like else like[name].dtype.name
        if pa.types.is_boolean(column.type):
            found[name] = _categories(_truths(column))
        elif pa.types.is_dictionary(column.type):
            found[name] = _categories(plain(column))
        elif is_words(plain(column).type):
            words = _present(plain(column))
            found[name] = _words(words, known)
            notes += [f"column {name!r}: {said}" for said in _strange(words) if like is None]
        else:
            found[name] = _numbers(column, f"{place}: column {name!r}")
        if pa.types.is_temporal(column.type):
            notes.append(f"column {name!r}: days since 1970-01-01")
    return pd.DataFrame(found, copy=False), tuple(notes)


def _numbers(column: Any, where: str) -> NDArray[np.float64]:
    """Numbers, dates and times, or nothing at all, with NaN where there is none."""
    import pyarrow as pa

    pc = compute()
    kind = column.type
    if pa.types.is_temporal(kind):
        column = pc.divide(_microseconds(column).cast(pa.float64(), safe=False), DAY)
    elif pa.types.is_float16(kind):
        column = column.cast(pa.float32())
    is_number = pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal, pa.types.is_null
    if not any(is_(column.type) for is_ in is_number):
        expected = "expected numbers, text, dates, or true and false"
        raise DataError(f"{where}: holds values of type {kind}: {expected}")
    return column.cast(pa.float64(), safe=False).to_numpy()


def _microseconds(column: Any) -> Any:
    """Moments since 1970 in UTC, times of a day since midnight, and spans, as whole numbers."""
    import pyarrow as pa

    kind = column.type
    if pa.types.is_date(kind):
        column = column.cast(pa.timestamp("us"))
    elif pa.types.is_time(kind):
        column = column.cast(pa.time64("us"), safe=False)
    elif pa.types.is_timestamp(kind):
        column = column.cast(pa.timestamp("us", kind.tz), safe=False)
    else:
        column = column.cast(pa.duration("us"), safe=False)
    return column.cast(pa.int64())


def _truths(column: Any) -> Any:
    pc = compute()
    return plain(pc.if_else(column, "True", "False"))


def _present(column: Any) -> Any:
    """Words, of which those that say that there is no value are missing."""
    import pyarrow as pa

    pc = compute()
    none = pc.is_in(column, pa.array(MISSING, column.type))
    return pc.if_else(none, None, column)


def _words(column: Any, known: str | None) -> Any:
    """Categories, or free text."""
    free = known == "object" if known else _is_free(column.drop_null())
    return column.to_pandas().astype(object) if free else _categories(column)


def _strange(column: Any) -> list[str]:
    """What is to be said of words that seem to be something else."""
    pc = compute()
    words = column.drop_null()
    number = pc.match_substring_regex(words, NUMBER)
    n, numbers = len(words), pc.sum(number).as_py() or 0
    if n / 2 < numbers < n:
        other = words.filter(pc.invert(number))[0].as_py()
        return [f"words, since {n - numbers:,} of {n:,} values are no numbers, such as {other!r}"]
    different = pc.count_distinct(words).as_py()
    if different > max(n / 2, MANY) and not _is_free(words):
        return [f"{different:,} different words in {n:,} items, each taken for a category"]
    return []


def _is_free(texts: Any) -> bool:
    """Whether texts say something each: most are different, and of some words."""
    pc = compute()
    if pc.count_distinct(texts).as_py() <= len(texts) / 2:
        return False
    return pc.mean(pc.count_substring_regex(texts, r"\S+")).as_py() >= WORDS


def _categories(column: Any) -> Any:
    """A column of categories, in order of their names."""
    import pandas as pd

    pc = compute()
    coded = column.combine_chunks().dictionary_encode()
    order = pc.array_sort_indices(coded.dictionary)
    names: list[str] = coded.dictionary.take(order).to_pylist()
    place = np.empty(len(order) + 1, np.int64)
    place[order.to_numpy()] = np.arange(len(order))
    place[-1] = -1
    codes = place[coded.indices.fill_null(len(order)).to_numpy(zero_copy_only=False)]
    return pd.Categorical.from_codes(codes, names)


def _is_list(kind: Any) -> bool:
    import pyarrow as pa

    is_any = (pa.types.is_list, pa.types.is_large_list, pa.types.is_fixed_size_list)
    return any(each(kind) for each in is_any)
