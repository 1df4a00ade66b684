"""How the types of a run become rows of the database, and back, bit for bit."""

from __future__ import annotations

import hashlib
import json
import math
import operator
import zlib
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gigo.errors import StoreError
from gigo.grid import Grid


class Column(NamedTuple):
    """How a field is kept: its SQL declaration, to SQLite's value, and back."""

    sql: str
    encode: Callable[[Any], Any]
    decode: Callable[[Any], Any]


def _text(value: str) -> str:
    value.encode()  # raises here, where the field is known, what SQLite would refuse later
    return str(value)


def _integer(value: int) -> int:
    number = int(operator.index(value))
    if not -(2**63) <= number < 2**63:
        raise ValueError("expected an integer of at most 64 bits")
    return number


def _finite(value: float) -> float:
    if not math.isfinite(value):
        raise ValueError(f"{value}: expected a finite number")
    return float(value)


def _or_none(convert: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda value: None if value is None else convert(value)


def _to_json(value: object) -> str:
    return json.dumps(value, allow_nan=False)


def _object(text: str) -> dict[str, Any]:
    value = json.loads(text)
    if not isinstance(value, dict):
        raise ValueError(f"{text[:20]}: expected a JSON object")
    return value


def _encode_measures(measures: Mapping[str, float]) -> str:
    return _to_json({name: float(value) for name, value in measures.items()})


def _decode_measures(text: str) -> dict[str, float]:
    return {name: float(value) for name, value in _object(text).items()}


def _encode_curve(curve: Mapping[str, list[float]]) -> str:
    def plain(value: float) -> float | str:
        return float(value) if math.isfinite(value) else json.dumps(float(value))

    return _to_json({name: [plain(value) for value in values] for name, values in curve.items()})


def _decode_curve(text: str) -> dict[str, list[float]]:
    return {name: [float(value) for value in values] for name, values in _object(text).items()}


_KINDS = ("|u1", "<u2", "<i8", "<f2")


def _encode_arrays(arrays: Mapping[str, NDArray[Any]]) -> bytes:
    header: dict[str, list[Any]] = {}
    content: list[bytes] = []
    for name, values in arrays.items():
        kind = values.dtype.newbyteorder("<").str
        if kind not in _KINDS:
            raise ValueError(f"{values.dtype}: expected uint8, uint16, int64 or float16")
        header[name] = [kind, *values.shape]
        content.append(values.astype(kind, copy=False).tobytes())
    return zlib.compress(b"\n".join([_to_json(header).encode(), b"".join(content)]))


def _decode_arrays(blob: bytes) -> dict[str, NDArray[Any]]:
    header, _, content = zlib.decompress(blob).partition(b"\n")
    arrays: dict[str, NDArray[Any]] = {}
    for name, (kind, *shape) in json.loads(header).items():
        if kind not in _KINDS:
            raise ValueError(f"{kind!r}: expected one of {', '.join(_KINDS)}")
        size = math.prod(shape) * np.dtype(kind).itemsize
        arrays[name] = np.frombuffer(content[:size], kind).reshape(shape)
        content = content[size:]
    if content:
        raise ValueError(f"{len(content)} bytes more than its header says")
    return arrays


def _encode_grid(grid: Grid) -> str:
    return _to_json(grid.to_json())  # the defaults too: they may change one day


def _decode_grid(text: str) -> Grid:
    grid = Grid.from_json(_object(text))
    _ = grid.cells  # what is missing shows here
    return grid


def _decode_names(text: str) -> tuple[str, ...]:
    names = json.loads(text)
    if not isinstance(names, list) or not names or not all(isinstance(n, str) for n in names):
        raise ValueError(f"{text[:20]}: expected a JSON list of names")
    return tuple(names)


_TEXT = Column("TEXT NOT NULL", _text, str)
_OPTIONAL_TEXT = Column("TEXT", _or_none(_text), _or_none(str))
_INTEGER = Column("INTEGER NOT NULL", _integer, int)
_OPTIONAL_INTEGER = Column("INTEGER", _or_none(_integer), _or_none(int))
# No type is declared: in a column of type REAL, SQLite makes 0.0 of -0.0.
_NUMBER = Column("NOT NULL", _finite, float)
_JSON = Column("TEXT NOT NULL", _to_json, _object)
_NAMES = Column("TEXT NOT NULL", _to_json, _decode_names)
_MEASURES = Column("TEXT NOT NULL", _encode_measures, _decode_measures)
_CURVE = Column("TEXT NOT NULL", _encode_curve, _decode_curve)
_ARRAYS = Column("BLOB NOT NULL", _encode_arrays, _decode_arrays)
_GRID = Column("TEXT NOT NULL", _encode_grid, _decode_grid)

COUNTS = {
    "grid": "grids",
    "test_set": "test_sets",
    "provenance": "provenances",
    "record": "records",
    "evidence": "records",
}
"""The column of ``run`` that says how many rows a table has."""

TABLES: dict[str, dict[str, Column]] = {
    "run": {
        "precision": _TEXT,
        "science": _INTEGER,
        **dict.fromkeys(COUNTS.values(), _INTEGER),
    },
    "grid": {"grid": _GRID},
    "test_set": {
        "sha256": _TEXT,
        "name": _TEXT,
        "classes": _NAMES,
        "labels": _ARRAYS,
        "n_train": _INTEGER,
        "source": _TEXT,
    },
    "provenance": {"provenance": _JSON},
    "record": {
        "key": _TEXT,
        "status": _TEXT,
        "n_train": _INTEGER,
        "n_validation": _INTEGER,
        "n_selected": _INTEGER,
        "n_changed": _INTEGER,
        "epochs": _OPTIONAL_INTEGER,
        "best_epoch": _OPTIONAL_INTEGER,
        "stopped": _OPTIONAL_TEXT,
        "measures": _MEASURES,
        "seconds": _NUMBER,
        "provenance": _INTEGER,
    },
    "evidence": {
        "trial": _JSON,
        "predictions": _ARRAYS,
        "scores": _ARRAYS,
        "curve": _CURVE,
    },
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
    """A row's values, in the order of the table's columns.

    Raises:
        StoreError: a value that could not be read back as it is.
    """
    row: list[Any] = []
    for name, column in TABLES[table].items():
        try:
            row.append(column.encode(fields[name]))
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
            fields[name] = column.decode(value)
        except Exception as error:  # whatever a made-up row makes a decoder raise
            why = " ".join(f"{error}".split())[:200]
            raise StoreError(f"{table}.{name} can't be read: {why}") from error
    return fields
