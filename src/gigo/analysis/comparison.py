"""Two runs side by side: a row for each point that both have, and what the rows come to."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, NamedTuple, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gigo.analysis.intervals import Floats
from gigo.axes import AXES, CURVE, POINT, SETTINGS
from gigo.errors import SpecError
from gigo.grid import Grid

CLOSE = 0.03
"""Two accuracies that differ by no more than this are called close: 3 points."""

ALL = 0
"""The size of points of a whole data set, until a side that knows its number of items says it."""

_MEASURED: dict[str, str] = {
    "mean": "mean test accuracy of the n trials compared, 0 to 1; empty if there are none",
    "n": "trials in that mean: started ones; of a paired comparison, in both runs",
    "n_never_started": "trials whose training loss never left that of guessing; not in the mean",
    "n_diverged": "those whose loss stopped being a finite number; not in the mean",
    "mean_all": "mean test accuracy of all trials, these included, 0 to 1",
}

COMPARISON_COLUMNS: dict[str, str] = {
    **{name: AXES[name] for name in POINT},
    **{f"{axis}_{side}": f"{axis}, in {side.upper()}" for axis in SETTINGS for side in "ab"},
    **{f"{name}_{s}": f"{told}, in {s.upper()}" for s in "ab" for name, told in _MEASURED.items()},
    "difference": "mean_a - mean_b; 0.01 is a point; empty where a mean is",
    "low": "lower end of the 95 % interval of the difference; empty without replicates",
    "high": "upper end of it",
    "method": "paired: Student's interval over replicates that both have; welch: of independent"
    " means; prediction: of one training, where one side has but one; none: one on each side",
    "predicted_low": "lower end of where one training is expected, 0 to 1; empty unless prediction",
    "predicted_high": "upper end of it",
    "inside": "whether the interval holds a difference of 0 (the one training); empty without one",
    "close": f"whether the difference is at most {100 * CLOSE:.0f} points; empty without one",
}
"""Every column of `Comparison.frame`, with its meaning and unit."""


@dataclass(frozen=True)
class Side:
    """What is compared.

    Attributes:
        name: for people.
        frame: a tidy table (`gigo.analysis.tidy`), or points (`gigo.analysis.points`).
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

    def __str__(self) -> str:
        return self.name

    def only(self, frame: pd.DataFrame) -> Side:
        """This side with other rows."""
        return replace(self, frame=frame)

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
        return self.only(frame)


class Setting(NamedTuple):
    """A pair of settings that is compared."""

    a: tuple[str, ...]
    b: tuple[str, ...]


_SETTINGS = [f"{axis}_{side}" for side in "ab" for axis in SETTINGS]

_FIELDS = [(name, Any) for name in (*POINT, "difference")]
Largest = NamedTuple("Largest", _FIELDS)
"""Where the difference is largest, and what it is there."""


@dataclass(frozen=True)
class Comparison:
    """The points that two sides have in common.

    Attributes:
        a, b: the sides.
        frame: one row per point; the columns are those of `COMPARISON_COLUMNS`.
        only_a, only_b: how many points, setting by setting, have none to compare with.

    >>> import gigo
    >>> study = {"dataset": "digits", "size": 50, "recipe": "small", "rates": 0, "replicates": 2}
    >>> found = gigo.compare(gigo.sweep(**study, model="mlp"), gigo.sweep(**study))
    >>> len(found.points), found.only_a
    (1, 0)
    """

    a: Side
    b: Side
    frame: pd.DataFrame
    only_a: int
    only_b: int

    def __repr__(self) -> str:
        return f"<gigo.Comparison {self.a}, {self.b}: {len(self.points)} points>"

    @property
    def published(self) -> Side | None:
        """The side that is a table of points, if one is."""
        return next((side for side in (self.a, self.b) if side.note), None)

    @cached_property
    def points(self) -> pd.DataFrame:
        """The rows that have a difference.

        At rate 0 the trials of a run are the same under every corruption, and count once; those
        of published points were trained anew.
        """
        rows = self.frame.loc[self.frame["difference"].notna()]
        if self.published:
            return rows
        trial = rows.assign(corruption=rows["corruption"].where(rows["rate"] > 0, ""))
        return rows.loc[~trial.duplicated([*POINT, *_SETTINGS])]

    @property
    def untrained(self) -> pd.DataFrame:
        """The rows without a difference: no trial of one side, or of both, started."""
        return self.frame.loc[self.frame["difference"].isna()]

    @property
    def mean_difference(self) -> float:
        """Of A over B, as a share: 0.01 is a point; NaN without points."""
        return _mean(self._differences)

    @property
    def mean_absolute_difference(self) -> float:
        """The same whatever the sign."""
        return _mean(abs(self._differences))

    @property
    def largest(self) -> Largest | None:
        """The point with the largest absolute difference; None without points."""
        if self.points.empty:
            return None
        row = self.points.iloc[int(np.argmax(abs(self._differences)))]
        return Largest(*(row[name] for name in Largest._fields))

    @property
    def n_intervals(self) -> int:
        """Points that have an interval."""
        return len(self.points) - int(self.points["inside"].isna().to_numpy(bool).sum())

    @property
    def n_inside(self) -> int:
        """Points whose interval holds the other side."""
        return int(self._flags("inside").sum())

    @property
    def n_agreeing(self) -> int:
        """Points that are inside or close."""
        return int((self._flags("inside") | self._flags("close")).sum())

    @property
    def share_inside(self) -> float:
        """Of the points that have an interval; NaN if there are none."""
        return self.n_inside / self.n_intervals if self.n_intervals else math.nan

    @property
    def differing(self) -> dict[str, tuple[tuple[Any, ...], tuple[Any, ...]]]:
        """The settings that differ, by name, with their values in A and in B."""
        known = {name: (a, self.b.settings.get(name, a)) for name, a in self.a.settings.items()}
        found = {name: ((a,), (b,)) for name, (a, b) in known.items() if a != b}
        for axis in SETTINGS:
            a, b = self.frame[f"{axis}_a"], self.frame[f"{axis}_b"]
            if not a.equals(b):
                found[axis] = tuple(a.unique()), tuple(b.unique())
        return found

    def by_setting(self) -> dict[Setting, Comparison]:
        """A comparison for each pair of settings (model, recipe, validation), in order."""
        groups = self.frame.groupby(_SETTINGS, sort=False)
        return {
            Setting(values[: len(SETTINGS)], values[len(SETTINGS) :]): replace(self, frame=rows)
            for values, rows in cast("Iterator[tuple[tuple[str, ...], pd.DataFrame]]", groups)
        }

    @property
    def _differences(self) -> Floats:
        return self.points["difference"].to_numpy(np.float64)

    def _flags(self, name: str) -> NDArray[np.bool_]:
        return self.points[name].fillna(False).to_numpy(bool)


def _mean(values: Floats) -> float:
    return float(values.mean()) if len(values) else math.nan
