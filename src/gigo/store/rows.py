"""How the types of the road become rows of the database, and back, bit for bit."""

from __future__ import annotations

import json
import math
import operator
import zlib
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from gigo.errors import GigoError, StoreError
from gigo.grid import Grid


class Column(NamedTuple):
    """How a field is kept: its SQL declaration, to SQLite's value, and back."""

    sql: str
    encode: Callable[[Any], Any]
    decode: Callable[[Any], Any]


def _text(value: str) -> str:
    value.encode()  # raises here, where the field is known, what SQLite would refuse later
    return value


def _finite(value: float) -> float:
    if not math.isfinite(value):
        raise ValueError(f"{value}: expected a finite number")
    return float(value)


def _optional(value: float | None) -> float | None:
    return None if value is None else _finite(value)


def _to_json(value: object) -> str:
    return json.dumps(value, allow_nan=False)


def _encode_curve(curve: Mapping[str, list[float]]) -> str:
    def plain(value: float) -> float | str:
        return float(value) if math.isfinite(value) else json.dumps(float(value))

    return _to_json({name: [plain(value) for value in values] for name, values in curve.items()})


def _decode_curve(text: str) -> dict[str, list[float]]:
    return {name: [float(value) for value in values] for name, values in json.loads(text).items()}


_TYPES = {np.dtype(name): name for name in ("|u1", "<u2", "<i8")}


def _encode_array(values: np.ndarray[Any, Any]) -> bytes:
    name = _TYPES.get(values.dtype.newbyteorder("<"))
    if name is None or values.ndim != 1:
        shape = f"{values.dtype} of shape {values.shape}"
        raise ValueError(f"{shape}: expected uint8, uint16 or int64 of shape (n,)")
    return name.encode() + zlib.compress(values.astype(name, copy=False).tobytes())


def _decode_array(blob: bytes) -> np.ndarray[Any, Any]:
    return np.frombuffer(zlib.decompress(blob[3:]), blob[:3].decode())


def _encode_grid(grid: Grid) -> str:
    return _to_json(grid.to_json())  # the defaults too: they may change one day


def _decode_grid(text: str) -> Grid:
    return Grid.from_json(json.loads(text))


def _decode_names(text: str) -> tuple[str, ...]:
    return tuple(json.loads(text))


_TEXT = Column("TEXT NOT NULL", _text, str)
_KEY = Column("TEXT NOT NULL UNIQUE", _text, str)
_INTEGER = Column("INTEGER NOT NULL", operator.index, int)
# No type is declared: in a column of type REAL, SQLite makes 0.0 of -0.0.
_NUMBER = Column("NOT NULL", _finite, float)
_OPTIONAL = Column("", _optional, _optional)
_JSON = Column("TEXT NOT NULL", _to_json, json.loads)
_NAMES = Column("TEXT NOT NULL", _to_json, _decode_names)
_CURVE = Column("TEXT NOT NULL", _encode_curve, _decode_curve)
_ARRAY = Column("BLOB NOT NULL", _encode_array, _decode_array)
_GRID = Column("TEXT NOT NULL", _encode_grid, _decode_grid)

TABLES: dict[str, dict[str, Column]] = {
    "run": {"precision": _TEXT, "science": _INTEGER},
    "grid": {"grid": _GRID},
    "test_set": {
        "sha256": _KEY,
        "name": _TEXT,
        "class_names": _NAMES,
        "y_test": _ARRAY,
        "n_train": _INTEGER,
        "source": _TEXT,
    },
    "record": {
        "key": _KEY,
        "trial": _JSON,
        "status": _TEXT,
        "n_train": _INTEGER,
        "n_validation": _INTEGER,
        "n_selected": _INTEGER,
        "n_changed": _INTEGER,
        "epochs": _INTEGER,
        "best_epoch": _INTEGER,
        "stopped": _TEXT,
        "predictions": _ARRAY,
        "predictions_last": _ARRAY,
        "log_loss": _OPTIONAL,
        "log_loss_last": _OPTIONAL,
        "train_accuracy_clean": _OPTIONAL,
        "train_accuracy_corrupted": _OPTIONAL,
        "train_recovered": _OPTIONAL,
        "curve": _CURVE,
        "seconds": _NUMBER,
        "provenance": _JSON,
    },
}
"""Columns by table, beside ``position``, the rank of a row from 1."""


def encode(table: str, fields: Mapping[str, Any]) -> list[Any]:
    """A row's values, in the order of the table's columns.

    Raises:
        StoreError: a value that could not be read back as it is.
    """
    row: list[Any] = []
    for name, column in TABLES[table].items():
        try:
            row.append(column.encode(fields[name]))
        except (ValueError, TypeError, AttributeError, OverflowError) as error:
            raise StoreError(f"{table}.{name} can't be stored: {error}") from error
    return row


def decode(place: str, table: str, values: list[Any]) -> dict[str, Any]:
    """The fields of a row, the inverse of `encode`; ``place`` tells people where it lies.

    Raises:
        StoreError: damaged, or written by a version that knew more.
    """
    fields: dict[str, Any] = {}
    for (name, column), value in zip(TABLES[table].items(), values, strict=True):
        try:
            fields[name] = column.decode(value)
        except (ValueError, TypeError, LookupError, AttributeError, zlib.error, GigoError) as error:
            raise StoreError(f"{place}: {table}.{name} can't be read: {error}") from error
    return fields
