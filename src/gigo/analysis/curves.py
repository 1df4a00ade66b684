"""The values of one metric in a tidy table, curve by curve: what every estimate is made from."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple, cast

import numpy as np
import pandas as pd

from gigo.analysis.intervals import Floats, Ints
from gigo.analysis.metric import ACCURACY, Metric
from gigo.axes import CURVE
from gigo.records import FAILED

_FIELDS = [(axis, Any) for axis in CURVE]
Curve = NamedTuple("Curve", _FIELDS)
"""What names one line of a figure: its place on every axis but the rate."""


@dataclass(frozen=True)
class Accuracies:
    """The accuracies, or what else is asked for, of one curve, or of all curves of a table.

    Attributes:
        metric: what they are.
        points: (P rows) a curve after the other, rates ascending; what `summary` says of each that
            is no accuracy.
        replicates: (n,) their numbers, ascending.
        started: (P, n) of started trials; NaN where a trial is missing, failed or did not start.
        of_all: (P, n) those that did not start, too; NaN where a trial is missing or failed.
    """

    metric: Metric
    points: pd.DataFrame
    replicates: Ints
    started: Floats
    of_all: Floats

    @classmethod
    def of(cls, frame: pd.DataFrame, metric: Metric = ACCURACY) -> Accuracies:
        """Those of a tidy table; curves are in its order."""
        curve = frame.groupby(list(CURVE), sort=False, observed=True).ngroup()
        point = frame.groupby([curve, "rate"]).ngroup().to_numpy(np.int64)
        replicates, column = np.unique(frame["replicate"].to_numpy(np.int64), return_inverse=True)
        _, first, n_trials = np.unique(point, return_index=True, return_counts=True)
        of_all = np.full((len(first), len(replicates)), np.nan)
        of_all[point, column] = frame[metric.name].to_numpy(np.float64)
        failed = frame["status"].isin(FAILED).to_numpy(bool)
        of_all[point[failed], column[failed]] = np.nan
        started, not_so = of_all.copy(), ~frame["started"].to_numpy(bool)
        started[point[not_so], column[not_so]] = np.nan
        points = frame.iloc[first][[*CURVE, "rate"]].assign(
            chance=metric.chance(frame)[first],
            n_classes=frame["n_classes"].to_numpy()[first],
            realised_rate=np.bincount(point, frame["realised_rate"].to_numpy(float)) / n_trials,
            n_trials=n_trials,
            **{
                f"n_{status}": np.bincount(point, frame["status"] == status).astype(np.int64)
                for status in ("never_started", "diverged")
            },
            n_failed=np.bincount(point, failed).astype(np.int64),
        )
        return cls(metric, points.reset_index(drop=True), replicates, started, of_all)

    @cached_property
    def rates(self) -> Floats:
        """(P,) those that have a record."""
        return self.points["rate"].to_numpy(np.float64)

    @property
    def clean(self) -> Floats:
        """(n,) accuracies of one curve at rate 0; all NaN without such trials."""
        return self.started[0] if self.rates[0] == 0 else np.full(len(self.replicates), np.nan)

    @property
    def lacking(self) -> str | None:
        """Why one curve has no clean value; None where it has one."""
        if self.rates[0] > 0:
            return "no trial at rate 0 to compare with"
        if not np.isnan(self.started[0]).all():
            return None
        failed = self.points["n_failed"].iloc[0] == self.points["n_trials"].iloc[0]
        return "all trials at rate 0 failed" if failed else "no trial at rate 0 started"

    @property
    def n_replicates(self) -> int:
        """How many have an accuracy."""
        return int(np.sum(~np.isnan(self.of_all).all(axis=0)))

    def curves(self) -> dict[Curve, Accuracies]:
        """Each curve alone, in order."""
        return {
            curve: replace(
                self, points=rows, started=self.started[rows.index], of_all=self.of_all[rows.index]
            )
            for curve, rows in split_curves(self.points).items()
        }


def split_curves(frame: pd.DataFrame) -> dict[Curve, pd.DataFrame]:
    """The rows of each curve of a table, in the table's order."""
    groups = frame.groupby(list(CURVE), sort=False, observed=True)
    return {Curve(*cast("tuple[Any, ...]", names)): rows for names, rows in groups}
