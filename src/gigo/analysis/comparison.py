"""Two runs side by side: a row for each point that both have, and what the rows come to."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gigo.analysis.intervals import Floats
from gigo.study import Study

CLOSE = 0.03
"""Two accuracies that differ by no more than this are called close: 3 points."""

POINT = ("dataset", "size", "corruption", "rate")
"""The columns that two points must share to be compared."""

AXES = ("model", "recipe", "validation")
"""The settings in which the two sides of a pair may differ."""

RUN_SETTINGS = ("subset", "placement", "precision", "seed")
"""What is the same for all trials of a run."""

_MEASURED: dict[str, str] = {
    "mean": "mean test accuracy of the n trials compared, 0 to 1; empty if there are none",
    "n": "trials in that mean: started ones; of a paired comparison, in both runs",
    "n_never_started": "trials whose training loss never left that of guessing; not in the mean",
    "n_diverged": "those whose loss stopped being a finite number; not in the mean",
    "mean_all": "mean test accuracy of all trials, these included, 0 to 1",
}

COMPARISON_COLUMNS: dict[str, str] = {
    "dataset": "name of the data set",
    "size": "training items paid for, those held out for validation included",
    "corruption": "the corruption, with its options; rate 0 is listed under every one",
    "rate": "fraction of the training items that the corruption was asked to take, 0 to 1",
    **{f"{axis}_{side}": f"{axis}, in {side.upper()}" for axis in AXES for side in "ab"},
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
        frame: a tidy table (`gigo.analysis.tidy`).
        settings: those of `RUN_SETTINGS` that are known.
        published: whether it is the article's points and no run.
    """

    name: str
    frame: pd.DataFrame
    settings: Mapping[str, Any]
    published: bool = False

    @classmethod
    def of_run(cls, name: str, frame: pd.DataFrame, study: Study, precision: str) -> Side:
        """A run: its tidy table, any of its studies, and its resolved precision."""
        settings = {field: getattr(study, field) for field in RUN_SETTINGS}
        return cls(name, frame, {**settings, "precision": precision})

    def only(self, frame: pd.DataFrame) -> Side:
        """This side with fewer rows."""
        return replace(self, frame=frame)


class Setting(NamedTuple):
    """A pair of settings that is compared."""

    a: tuple[str, ...]
    b: tuple[str, ...]


class Largest(NamedTuple):
    """Where the difference is largest, and what it is there."""

    dataset: str
    size: int
    corruption: str
    rate: float
    difference: float


@dataclass(frozen=True)
class Comparison:
    """The points that two sides have in common.

    Attributes:
        a, b: the sides' names.
        frame: a row a point; the columns are those of `COMPARISON_COLUMNS`.
        run_settings: what differs between all trials of one and all of the other, by name.
        only_a, only_b: how many points, setting by setting, have none to compare with.
        published: whether a side is the article's points.
    """

    a: str
    b: str
    frame: pd.DataFrame
    run_settings: Mapping[str, tuple[Any, Any]]
    only_a: int
    only_b: int
    published: bool

    def __repr__(self) -> str:
        return f"<gigo.Comparison {self.a}, {self.b}: {len(self.points)} points>"

    @cached_property
    def points(self) -> pd.DataFrame:
        """The rows that have a difference.

        At rate 0 the trials of a run are the same under every corruption, and count once; the
        article trained them anew.
        """
        rows = self.frame.loc[self.frame["difference"].notna().to_numpy(bool)]
        if self.published:
            return rows
        trial = rows.assign(corruption=rows["corruption"].where(rows["rate"] > 0, ""))
        again = trial.duplicated([*POINT, *_axis_columns()])
        return rows.loc[~again.to_numpy(bool)]

    @cached_property
    def untrained(self) -> pd.DataFrame:
        """The rows without a difference: no trial of one side, or of both, started."""
        return self.frame.loc[self.frame["difference"].isna().to_numpy(bool)]

    @property
    def mean_difference(self) -> float:
        """Of A over B, as a share: 0.01 is a point; NaN without points."""
        return _mean(self._differences)

    @property
    def mean_absolute_difference(self) -> float:
        """The same whatever the sign."""
        return _mean(np.abs(self._differences))

    @property
    def largest(self) -> Largest | None:
        """The point with the largest absolute difference; None without points."""
        if not len(self.points):
            return None
        row = self.points.iloc[int(np.argmax(np.abs(self._differences)))]
        return Largest(*(row[name] for name in Largest._fields))

    @property
    def n_intervals(self) -> int:
        """Points that have an interval."""
        return int(self.points["inside"].notna().to_numpy(bool).sum())

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
    def share_agreeing(self) -> float:
        """Inside or close, of all points; NaN if there are none."""
        return self.n_agreeing / len(self.points) if len(self.points) else math.nan

    @property
    def differing(self) -> dict[str, tuple[tuple[Any, ...], tuple[Any, ...]]]:
        """The settings that differ, by name, with their values in A and in B."""
        found = {name: ((a,), (b,)) for name, (a, b) in self.run_settings.items()}
        for axis in AXES:
            values = self.frame[f"{axis}_a"], self.frame[f"{axis}_b"]
            if not values[0].equals(values[1]):
                found[axis] = tuple(values[0].unique()), tuple(values[1].unique())
        return found

    def by_setting(self) -> dict[Setting, Comparison]:
        """A comparison for each pair of settings (model, recipe, validation), in order."""
        groups = self.frame.groupby(_axis_columns(), sort=False)
        return {
            Setting(values[: len(AXES)], values[len(AXES) :]): replace(self, frame=rows)
            for values, rows in cast("Iterator[tuple[tuple[str, ...], pd.DataFrame]]", groups)
        }

    def _flags(self, name: str) -> NDArray[np.bool_]:
        return self.points[name].fillna(False).to_numpy(bool)

    @cached_property
    def _differences(self) -> Floats:
        return self.points["difference"].to_numpy(np.float64)


def _axis_columns() -> list[str]:
    return [f"{axis}_{side}" for side in "ab" for axis in AXES]


def _mean(values: Floats) -> float:
    return float(values.mean()) if len(values) else math.nan
