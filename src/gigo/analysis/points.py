"""The points of a run, or those that somebody published, read from a CSV file.

A row of such a file is a training: ``dataset``, ``size`` (a number of training items, or
``all``), ``corruption``, ``rate`` and ``accuracy`` (0 to 1), and, where known, the settings
(``model``, ``recipe``, ``validation``), ``replicate`` (a number from 0) and ``status`` (as in
``gigo table``). Other columns are left aside.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pandas as pd

from gigo.axes import CURVE, POINT, SETTINGS
from gigo.errors import SpecError
from gigo.grid import Grid
from gigo.records import Status

ALL = 0
"""The size of points of a whole data set, until a side that knows its number of items says it."""

REQUIRED = (*POINT, "accuracy")
OPTIONAL = {**dict.fromkeys(SETTINGS, "unknown"), "replicate": "0", "status": "ok"}
"""The columns that may be missing, and what stands for them."""

STATUSES = get_args(Status)

_SHARE = float, 0, 1, "a number from 0 to 1"
NUMBERS: dict[str, tuple[type[Any], int, int, str]] = {
    "size": (int, 1, 2**31, "a whole number above 0, or all"),
    "rate": _SHARE,
    "accuracy": _SHARE,
    "replicate": (int, 0, 2**31, "a whole number from 0"),
}
"""The columns of numbers: of which type, from where to where."""


@dataclass(frozen=True)
class Side:
    """What is compared.

    Attributes:
        name: for people.
        frame: a tidy table (`gigo.analysis.table.tidy`), or points (`gigo.analysis.points`).
        settings: what is the same for all its trials, of what is known: subset, placement,
            precision and seed.
        n_items: training items by data set's name.
        note: of points, what a reader must know of them; a run has none.
    """

    name: str
    frame: pd.DataFrame
    settings: Mapping[str, Any] = field(default_factory=dict[str, Any])
    n_items: Mapping[str, int] = field(default_factory=dict[str, int])
    note: str = ""

    @classmethod
    def of_run(cls, name: str, frame: pd.DataFrame, grids: Sequence[Grid]) -> Side:
        """A run: its tidy table and its grids."""
        study = grids[0].study
        settings = {"subset": study.subset, "placement": study.placement}
        settings |= {"precision": grids[0].precision, "seed": study.seed}
        n_items = {card.name: card.n_train for grid in grids for card in grid.datasets}
        return cls(name, frame, settings, n_items)

    def sized(self, n_items: Mapping[str, int]) -> Side:
        """This side with numbers for the sizes of whole data sets, where they are known.

        Raises:
            SpecError: a point is there twice, once with the number.
        """
        size = self.frame["size"].to_numpy(np.int64)
        if ALL not in size:
            return self
        known = [n_items.get(name, ALL) for name in self.frame["dataset"]]
        frame = self.frame.assign(size=np.where(size == ALL, known, size))
        if frame.duplicated([*CURVE, "rate", "replicate"]).any():
            raise SpecError(f"{self.name}, size", "all", "no points with its number of items, too")
        return replace(self, frame=frame)


def read(path: str | Path) -> Side:
    """The points in a CSV file, for `gigo.analysis.comparison.compare`.

    Raises:
        SpecError: it can't be read, lacks a column, or a value is wrong. The message names the
            row of the file, where the heading is row 1.
    """
    try:
        with Path(path).open(encoding="utf-8-sig", newline="") as file:
            rows = list(_rows(f"{path}", csv.DictReader(file, restval="", skipinitialspace=True)))
    except (OSError, ValueError, csv.Error) as error:
        expected = f"a CSV file that can be read ({' '.join(str(error).split())})"
        raise SpecError("points", f"{path}", expected) from error
    frame = pd.DataFrame(rows, columns=[*CURVE, "rate", "accuracy", "replicate", "status"])
    started = frame["status"] == "ok"
    frame = frame.assign(realised_rate=frame["rate"], started=started)
    frame = frame.assign(chance=np.nan, n_classes=np.nan)
    return Side(f"{path}", frame, note=f"Published points: {path}.")


def _rows(path: str, reader: csv.DictReader[str]) -> Iterator[dict[str, Any]]:
    heading = reader.fieldnames or []
    if len(set(heading)) < len(heading) or not set(REQUIRED) <= set(heading):
        expected = f"the columns {', '.join(REQUIRED)}, each once"
        raise SpecError(f"{path}, row 1", ",".join(heading), expected)
    seen: set[tuple[Any, ...]] = set()
    for row in reader:
        where = f"{path}, row {reader.line_num}"
        text = {**OPTIONAL, **row}
        if None in text:
            raise SpecError(where, text[None], f"no more than {len(heading)} columns")
        if lacking := [name for name in CURVE if not text[name]]:
            raise SpecError(f"{where}, {lacking[0]}", "", "a name")
        if text["status"] not in STATUSES:
            raise SpecError(f"{where}, status", text["status"], f"one of {', '.join(STATUSES)}")
        values: dict[str, Any] = {name: text[name] for name in (*CURVE, "status")}
        for name, rule in NUMBERS.items():
            is_all = name == "size" and text[name] == "all"
            values[name] = ALL if is_all else _number(f"{where}, {name}", text[name], *rule)
        point = tuple(values[name] for name in (*CURVE, "rate", "replicate"))
        if point in seen:
            raise SpecError(where, ",".join(map(str, point)), "each point and replicate once")
        seen.add(point)
        yield values


def _number(where: str, text: str, kind: type[Any], least: int, most: int, expected: str) -> Any:
    try:
        value = kind(text)
    except ValueError:
        value = math.nan
    if not least <= value <= most:
        raise SpecError(where, text, expected)
    return round(value, 9)  # as a study rounds its rates
