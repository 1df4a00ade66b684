"""How the types of a run become rows of the database, and back, bit for bit."""

from __future__ import annotations

import hashlib
import json
import math
import operator
import zlib
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from gigo.errors import StoreError
from gigo.grid import Grid

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Column(NamedTuple):
    """How a field is kept: its type in SQL, to SQLite's value, and back."""

    sql: str
    encode: Callable[[Any], Any]
    decode: Callable[[Any], Any]


def _json(plain: Callable[[Any], Any], parse: Callable[[Any], Any]) -> Column:
    """As JSON, by functions that make plain values of something, and it of them."""

    def encode(value: Any) -> str:
        return json.dumps(plain(value), allow_nan=False)

    def decode(text: str) -> Any:
        return parse(json.loads(text))

    return Column("TEXT NOT NULL", encode, decode)


def _text(value: str) -> str:
    return value.encode().decode()  # raises here, where the field is known, and not in SQLite


def _integer(value: int) -> int:
    number = int(operator.index(value))
    number.to_bytes(8, "big", signed=True)  # raises where it is too large for SQLite
    return number


def _finite(value: float) -> float:
    if not math.isfinite(value):
        raise ValueError(f"{value}: expected a finite number")
    return float(value)


def _object(value: Mapping[str, Any]) -> dict[str, Any]:
    return {**value}  # raises where it is no object: dict would take a list


def _numbers(values: Mapping[str, float]) -> dict[str, float]:
    return {name: float(value) for name, value in values.items()}


def _plain_curve(curve: Mapping[str, list[float]]) -> dict[str, list[float | str]]:
    def plain(value: float) -> float | str:
        return float(value) if math.isfinite(value) else json.dumps(float(value))

    return {name: [plain(value) for value in values] for name, values in curve.items()}


def _curve(plain: Mapping[str, list[float | str]]) -> dict[str, list[float]]:
    return {name: [float(value) for value in values] for name, values in plain.items()}


def _grid(plain: Mapping[str, Any]) -> Grid:
    grid = Grid.from_json(plain)
    _ = grid.cells  # what is missing shows here
    return grid


def _encode_arrays(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    header: dict[str, list[Any]] = {}
    content = b""
    for name, values in arrays.items():
        dtype = values.dtype.newbyteorder("<").str
        if dtype not in ("|u1", "<u2", "<i8", "<f2"):
            raise ValueError(f"{values.dtype}: expected uint8, uint16, int64 or float16")
        header[name] = [dtype, *values.shape]
        content += values.astype(dtype, copy=False).tobytes()
    return zlib.compress(b"%b\n%b" % (json.dumps(header).encode(), content))


def _decode_arrays(blob: bytes) -> dict[str, NDArray[Any]]:
    import numpy as np

    header, _, content = zlib.decompress(blob).partition(b"\n")
    arrays: dict[str, NDArray[Any]] = {}
    for name, (dtype, *shape) in json.loads(header).items():
        size = math.prod(shape) * np.dtype(dtype).itemsize
        arrays[name] = np.frombuffer(content[:size], dtype).reshape(shape)
        content = content[size:]
    if content:
        raise ValueError(f"{len(content)} bytes more than its header says")
    return arrays


_KINDS = {
    "text": Column("TEXT NOT NULL", _text, str),
    "text?": Column("TEXT", _text, str),
    "integer": Column("INTEGER NOT NULL", _integer, int),
    "integer?": Column("INTEGER", _integer, int),
    # No type is declared: in a column of type REAL, SQLite makes 0.0 of -0.0.
    "number": Column("NOT NULL", _finite, float),
    "object": _json(_object, _object),
    "names": _json(list, tuple),
    "numbers": _json(_numbers, _numbers),
    "curve": _json(_plain_curve, _curve),
    "grid": _json(Grid.to_json, _grid),  # the defaults too: they may change one day
    "arrays": Column("BLOB NOT NULL", _encode_arrays, _decode_arrays),
}
"""What a field may be; with a question mark also None, which is SQLite's NULL."""

_LAYOUT = {
    "run": (
        "precision text, science integer, grid integer, test_set integer, "
        "provenance integer, record integer, evidence integer"
    ),
    "grid": "grid grid",
    "test_set": (
        "sha256 text, name text, classes names, labels arrays, n_train integer, source text, "
        "notes names, groups arrays"
    ),
    "provenance": "provenance object",
    "record": (
        "key text, status text, n_train integer, n_validation integer, n_selected integer, "
        "n_changed integer, epochs integer?, best_epoch integer?, stopped text?, "
        "measures numbers, seconds number, provenance integer"
    ),
    "evidence": "trial object, predictions arrays, scores arrays, curve curve",
}

TABLES: dict[str, dict[str, Column]] = {
    table: {name: _KINDS[kind] for name, kind in (each.split() for each in columns.split(", "))}
    for table, columns in _LAYOUT.items()
}
"""Columns by table; each also has ``position``, the rank of a row from 1, and ``digest``."""


def declaration(table: str) -> str:
    """The SQL that makes a table."""
    columns = [f"{name} {column.sql}" for name, column in TABLES[table].items()]
    every = ["position INTEGER PRIMARY KEY", *columns, "digest BLOB NOT NULL"]
    return f"CREATE TABLE {table} ({', '.join(every)})"


def digest(table: str, position: int, values: Sequence[Any]) -> bytes:
    """Of a row, 32 bytes: what is stored beside it, and compared when it is read."""
    return hashlib.sha256(ascii((table, position, *values)).encode()).digest()


def encode(table: str, fields: Mapping[str, Any]) -> list[Any]:
    """A row's values, in the order of the table's columns; fields of no column are passed over.

    Raises:
        StoreError: a value that could not be read back as it is.
    """
    row: list[Any] = []
    for name, column in TABLES[table].items():
        value = fields[name]
        try:
            row.append(None if value is None else column.encode(value))
        except (ValueError, TypeError, AttributeError, ArithmeticError, RecursionError) as error:
            raise StoreError(f"{table}.{name} can't be stored: {error}") from error
    return row


def decode(table: str, values: Sequence[Any], only: Collection[str] = ()) -> dict[str, Any]:
    """The fields of a row, the inverse of `encode`.

    Args:
        table: which it is of.
        values: in the order of the table's columns.
        only: the fields to give; none: all.

    Raises:
        StoreError: written by a version that knew more, or made up.
    """
    fields: dict[str, Any] = {}
    for (name, column), value in zip(TABLES[table].items(), values, strict=True):
        if only and name not in only:
            continue
        try:
            fields[name] = None if value is None else column.decode(value)
        except Exception as error:  # whatever a made-up row makes a decoder raise
            why = " ".join(f"{error}".split())[:200]
            raise StoreError(f"{table}.{name} can't be read: {why}") from error
    return fields
