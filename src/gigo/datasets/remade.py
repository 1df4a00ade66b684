"""Items after edits in the form in which they were given: the way back from `gigo.inputs`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gigo.after import After
from gigo.datasets.frames import is_frame, to_arrow
from gigo.datasets.pixels import channels_last
from gigo.types import Labels

Cells = Mapping[str, tuple[Labels, list[Any]]]
"""By column, places of cells and their values."""

DAY = 86_400e6
"""Microseconds."""


def remade(given: Any, after: After, label: str | None = None) -> Any:
    """What a program gave, with edits; itself where no input changed.

    Frames have their columns and types, arrays and sparse matrices their type and the order of
    their axes, lists stay lists. Whole numbers stay whole: what a corruption makes of them is
    rounded, and cut to what the type holds. A type that can't hold a new value of a column, such
    as a gap among whole numbers, makes way for one that can.

    Args:
        given: n items, as `gigo.datasets.memory.from_memory` takes them.
        after: what became of them.
        label: the column of a frame that has the labels, if one has.

    >>> from gigo.datasets.memory import from_memory
    >>> X = ["hi", "buy", "yo"]
    >>> dataset = from_memory(X, [0, 1, 0], test_share=0)
    >>> none, two = np.array([], np.int64), np.array([0, 2])
    >>> remade(X, After(dataset, two, two, np.array([1]), ["yoo"], np.array([0, 0])))
    ['hi', 'yoo']
    """
    if after.is_whole and label is None:
        return given
    if is_frame(given):
        return _frame(given, after, label)
    if hasattr(given, "tocsr"):
        return _sparse(given, after)
    if hasattr(given, "iloc"):  # a Series of texts
        found = given.iloc[np.maximum(after.source, 0)].copy()
        found.iloc[after.rows] = after.x or []
        return found
    if isinstance(given, list | tuple):
        return type(given)(_items(given, after))
    if hasattr(given, "detach"):
        return given.new_tensor(array(given.detach().cpu().numpy(), after))
    return array(np.asarray(given), after)


def array(given: NDArray[Any], after: After) -> NDArray[Any]:
    """An array (n, ...) with edits: (m, ...) of the same type; text grows as needed."""
    if given.dtype.kind in "UST":
        texts = np.array([str(each) for each in after.x or []], given.dtype.kind)
        found = np.empty(len(after.source), np.result_type(given, texts))
    else:
        found = np.empty((len(after.source), *given.shape[1:]), given.dtype)
    own = after.source >= 0
    found[own] = given[after.source[own]]
    if after.x is not None:
        found[after.rows] = as_given(after.x, given)
    return found


def as_given(x: Any, like: NDArray[Any]) -> Any:
    """Inputs as gigo has them, in the type and with the axes of an array."""
    if isinstance(x, list):
        return np.array(x, object if like.dtype.kind == "O" else None)
    if hasattr(x, "iloc"):
        x = x.to_numpy(object if like.dtype.kind == "O" else np.float64)
    if like.ndim == 3 and x.ndim == 4:
        x = x[:, 0]
    elif like.ndim == 4 and channels_last(like.shape):
        x = np.moveaxis(x, 1, 3)
    if like.dtype == np.uint16 and x.dtype == np.float32:
        x = x * np.float32(65535)
    if like.dtype.kind == "b":
        return x >= 0.5
    if like.dtype.kind in "iu" and x.dtype.kind == "f":
        bounds = np.iinfo(like.dtype)
        return np.clip(np.rint(x), bounds.min, bounds.max)
    return x


def _sparse(given: Any, after: After) -> Any:
    from scipy.sparse import csr_array, vstack

    rows: Any = csr_array(given)
    pool: Any = rows if after.x is None else vstack([rows, csr_array(after.x)], format="csr")
    place = after.source.copy()
    place[after.rows] = rows.shape[0] + np.arange(len(after.rows))
    return type(given)(pool[place].astype(given.dtype))


def _items(given: Any, after: After) -> list[Any]:
    """The items of a list: texts, arrays, images of Pillow, lists of numbers."""
    found = [given[k] if k >= 0 else given[0] for k in after.source.tolist()]
    if after.x is None:
        return found
    if isinstance(given[0], str):
        for place, text in zip(after.rows.tolist(), after.x, strict=True):
            found[place] = text
        return found
    for k, place in enumerate(after.rows.tolist()):
        like = np.asarray(found[place])
        values = as_given(after.x[k : k + 1], like[None])[0].astype(like.dtype)
        if hasattr(found[place], "convert"):
            from PIL import Image

            found[place] = Image.fromarray(values)
        else:
            found[place] = type(found[place])(values) if isinstance(like, list) else values
    return found


def _frame(given: Any, after: After, label: str | None) -> Any:
    """A data frame of whichever library."""
    import narwhals as nw

    table, _ = to_arrow(given, "X")
    named = [name for name in table.column_names if name != label]
    cells = dict(native(after.cells(named), table.schema))
    if label is not None:
        raw = np.array(table.column(label).to_pylist(), object)
        cells |= labels_of(label, raw, after.dataset.y_train, after)
    if hasattr(given, "iloc"):
        return _pandas(given, after, cells)
    kind = nw.from_native(given, eager_only=True).implementation
    return nw.from_arrow(edited(table, after, cells), backend=kind).to_native()


def labels_of(label: str, given: NDArray[Any], codes: Labels, after: After) -> Cells:
    """The cells of a column of labels that change.

    Args:
        label: the column.
        given: (n,) what it has.
        codes: (n,) the classes of these.
        after: what became of the items.
    """
    new = after.source < 0
    other = np.flatnonzero(new | (codes[after.source] != after.labels))
    return {label: (other, after.values(given, codes)[after.labels[other]].tolist())}


def native(cells: Cells, schema: Any) -> Cells:
    """Values of cells as a schema of pyarrow has them, where it can: dates, whole numbers."""
    return {
        name: (rows, [_native(value, schema.field(name).type) for value in values])
        for name, (rows, values) in cells.items()
    }


def _native(value: Any, kind: Any) -> Any:
    """A value of a column as Arrow's type has it; None for a gap."""
    import pyarrow as pa

    if value is None or value != value:
        return None
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    if pa.types.is_boolean(kind):
        return value == "True"
    if pa.types.is_integer(kind):
        number = float(value)
        return int(number) if number.is_integer() else number
    if pa.types.is_temporal(kind):
        moment = pa.scalar(round(value * DAY), pa.int64())
        if pa.types.is_date(kind):
            return moment.cast(pa.timestamp("us")).cast(kind, safe=False).as_py()
        if pa.types.is_time(kind):
            return moment.cast(pa.time64("us")).as_py()
        zone = pa.timestamp("us", kind.tz) if pa.types.is_timestamp(kind) else pa.duration("us")
        return moment.cast(zone).as_py()
    return value


def edited(table: Any, after: After, cells: Cells) -> Any:
    """A ``pyarrow.Table`` of n rows with edits; what is new in every way has gaps elsewhere."""
    import pyarrow as pa

    found = table
    if not (len(after.source) == table.num_rows and (after.item >= 0).all()):
        found = table.take(pa.array(after.source, mask=after.source < 0))
    for name, (rows, values) in cells.items():
        if len(rows):
            place = found.schema.get_field_index(name)
            found = found.set_column(place, name, _with(found.column(place), rows, values))
    return found


def _with(column: Any, rows: Labels, values: list[Any]) -> Any:
    """A column with other values in some cells, of its own type where that holds them."""
    import pyarrow as pa

    whole = column.to_pylist()
    for row, value in zip(rows.tolist(), values, strict=True):
        whole[row] = value
    try:
        return pa.chunked_array([pa.array(whole, column.type)])
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        return pa.chunked_array([pa.array(whole)])


def _pandas(given: Any, after: After, cells: Cells) -> Any:
    """A data frame of pandas, with its index unless items were added."""
    new = after.source < 0
    found = given.iloc[np.maximum(after.source, 0)].copy()
    if (after.item < 0).any():
        found = found.reset_index(drop=True)
    names = {str(name): name for name in given.columns}
    for text, name in names.items():
        if new.any() and text not in cells:
            found[name] = found[name].where(~new)
    for name, (rows, values) in cells.items():
        if len(rows):
            found[names[name]] = _series(found[names[name]], rows, values)
    return found


def _series(column: Any, rows: Labels, values: list[Any]) -> Any:
    """A column with other values in some cells, of a type that holds them."""
    column, kind = column.copy(), column.dtype
    if kind.name == "category":
        own = {str(each): each for each in kind.categories}
        values = [own.get(str(value), value) if value is not None else None for value in values]
        strange = dict.fromkeys(v for v in values if v is not None and v not in own.values())
        column = column.cat.add_categories([*strange])
    elif kind.kind in "biu" and any(value is None or value != int(value) for value in values):
        column = column.astype(object if kind.kind == "b" else np.float64)
    column.iloc[rows] = [
        np.nan if value is None and kind.kind in "iuf" else value for value in values
    ]
    return column
