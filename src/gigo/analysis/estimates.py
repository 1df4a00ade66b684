"""What the tidy table says about each curve: means by rate, tolerance, midpoint, break-even."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, NamedTuple, cast

import numpy as np
import pandas as pd

from gigo.analysis.intervals import Estimate, Floats, Ints, fall, interval, moments
from gigo.analysis.metric import ACCURACY, Metric
from gigo.analysis.words import rate_text
from gigo.axes import AXES, CURVE
from gigo.types import FAILED

SHARE = 0.95
"""The share of its value with clean labels that a tolerance allows a metric to fall to."""

SUMMARY_COLUMNS: dict[str, str] = {
    **{axis: AXES[axis] for axis in (*CURVE, "rate")},
    "realised_rate": "fraction of them whose label really differs, mean over trials, 0 to 1",
    "n_trials": "trials with a record",
    "n_started": "those that trained; only they are in mean, low and high",
    "n_never_started": "those whose training loss never left that of guessing",
    "n_diverged": "those whose loss stopped being a finite number",
    "n_failed": "those that failed or timed out: nothing is known of what they predict",
    "mean_all": "mean of all trials but those, by default of the test accuracy, 0 to 1",
    "mean": "mean of the started trials, likewise; empty if there are none",
    "low": "lower end of the t-interval for that mean over replicates; empty for fewer than two",
    "high": "upper end of it",
    "chance": "what guessing gives: of accuracy, the share of the largest class; or empty",
}
"""Every column of `summary`, with its meaning and unit."""

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
            realised_rate=np.bincount(point, frame["realised_rate"].to_numpy(float)) / n_trials,
            n_trials=n_trials,
            **{
                f"n_{status}": np.bincount(point, frame["status"] == status).astype(np.int64)
                for status in ("never_started", "diverged")
            },
            n_failed=np.bincount(point, failed).astype(np.int64),
        )
        return cls(metric, points.reset_index(drop=True), replicates, started, of_all)

    @property
    def rates(self) -> Floats:
        """(P,) those that have a record."""
        return self.points["rate"].to_numpy(np.float64)

    @property
    def clean(self) -> Floats:
        """(n,) accuracies of one curve at rate 0; all NaN without such trials."""
        return self.started[0] if self.rates[0] == 0 else np.full(len(self.replicates), np.nan)

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


@dataclass(frozen=True)
class CurveEstimates:
    """What there is to say about one curve.

    Attributes:
        curve: which one.
        replicates: how many have a record of a trial that did not fail.
        clean: mean of started trials at rate 0, with the ends of its t-interval; NaN where
            unknown.
        last: the highest rate at which a trial started, and the mean there; NaN likewise.
        tolerance, midpoint: see the functions of these names.
    """

    curve: Curve
    replicates: int
    clean: tuple[float, float, float]
    last: tuple[float, float]
    tolerance: Estimate
    midpoint: Estimate


class SizesCompared(NamedTuple):
    """A size against the next smaller one, everything else the same: see `break_even`."""

    large: Curve
    small: Curve
    break_even: Estimate


def split_curves(frame: pd.DataFrame) -> dict[Curve, pd.DataFrame]:
    """The rows of each curve of a table, in the table's order."""
    groups = frame.groupby(list(CURVE), sort=False, observed=True)
    return {Curve(*cast("tuple[Any, ...]", names)): rows for names, rows in groups}


def summary(frame: pd.DataFrame, metric: Metric = ACCURACY) -> pd.DataFrame:
    """One row per curve and rate; the columns are those of `SUMMARY_COLUMNS`.

    The interval is Student's, for the mean over replicates of the started trials: it tells where
    the mean of ever more replicates is to be expected, each with its own subset, split, order,
    corruption and initial weights, on the same test set.
    """
    found = Accuracies.of(frame, metric)
    mean, low, high = interval(found.started, most=metric.most)
    means = {"mean_all": moments(found.of_all).mean, "mean": mean, "low": low, "high": high}
    table = found.points.assign(n_started=moments(found.started).n, **means)
    return table.reindex(columns=list(SUMMARY_COLUMNS))


def tolerance(curve: Accuracies, share: float = SHARE) -> Estimate:
    """The first rate at which the mean falls below ``share`` of that at rate 0.

    Losses have none by default: how much larger one may be depends on what it is for.

    Over the started trials, replicates compared with themselves at rate 0; see
    `gigo.analysis.intervals.fall`. The lower end of the interval is the *assured* tolerance: it
    is no higher than with the trials counted in that did not start.
    """
    if curve.metric.is_loss:
        return Estimate(None, notes=(f"{curve.metric.title} has no default tolerance",))
    return _fall(curve, curve, share * curve.clean)


def midpoint(curve: Accuracies) -> Estimate:
    """The first rate at which the mean has fallen half-way from that at rate 0 to chance."""
    if np.isnan(curve.points["chance"].iloc[0]):
        return Estimate(None, notes=(f"what guessing gives is not known for {curve.metric.title}",))
    return _fall(curve, curve, (curve.clean + curve.points["chance"].iloc[0]) / 2)


def break_even(large: Accuracies, small: Accuracies) -> Estimate:
    """The rate at which ``large`` falls to what ``small`` gives when clean; a loss rises to it.

    Replicates are compared with themselves: their small sets are part of their large ones. No
    value if ``large`` has no trial to compare at rate 0 and is worse already at the lowest rate
    that has one.
    """
    clean = dict(zip(small.replicates, small.clean, strict=True))
    targets = np.array([clean.get(replicate, np.nan) for replicate in large.replicates])
    return _fall(large, small, targets)


def sizes_compared(frame: pd.DataFrame, metric: Metric = ACCURACY) -> list[SizesCompared]:
    """Each size of a tidy table against the next smaller one."""
    curves = Accuracies.of(frame, metric).curves()
    families: dict[Curve, list[Curve]] = {}
    for curve in curves:
        families.setdefault(curve._replace(size=0), []).append(curve)
    return [
        SizesCompared(large, small, break_even(curves[large], curves[small]))
        for family in families.values()
        for large, small in pairwise(sorted(family, key=lambda curve: -curve.size))
    ]


def curve_estimates(frame: pd.DataFrame, metric: Metric = ACCURACY) -> list[CurveEstimates]:
    """Everything about every curve, in the table's order."""
    found: list[CurveEstimates] = []
    for name, curve in Accuracies.of(frame, metric).curves().items():
        mean, low, high = map(float, interval(curve.clean, most=metric.most))
        ends = (mean, low, high), _last(curve)
        estimates = tolerance(curve), midpoint(curve)
        found.append(CurveEstimates(name, curve.n_replicates, *ends, *estimates))
    return found


def _last(curve: Accuracies) -> tuple[float, float]:
    means = moments(curve.started).mean
    known = np.flatnonzero(~np.isnan(means))
    if not len(known):
        return np.nan, np.nan
    return float(curve.rates[known[-1]]), float(means[known[-1]])


def _fall(curve: Accuracies, held: Accuracies, targets: Floats) -> Estimate:
    """Where the started trials of a curve fall below targets (n,), clean values of ``held``.

    What is assured must not rest on leaving out the models that failed: the lower end is also
    worked out with what they gave, and the lower one of the two counts.
    """
    if np.isnan(targets).all():
        return Estimate(None, notes=(_lacking(held),))
    sign = -1 if curve.metric.is_loss else 1
    estimate = fall(curve.rates, sign * curve.started, sign * targets)
    if held is curve and estimate.highest_rate == 0:
        return Estimate(None, notes=("no model that trained at a rate above 0",))
    counted = fall(curve.rates, sign * curve.of_all, sign * targets).low
    if estimate.low is not None and counted is not None:
        estimate = replace(estimate, low=min(estimate.low, counted))
    return replace(estimate, notes=tuple(_notes(estimate, curve)))


def _lacking(curve: Accuracies) -> str:
    """Why a curve has no clean value."""
    if curve.rates[0] > 0:
        return "no trial at rate 0 to compare with"
    failed = curve.points["n_failed"].iloc[0] == curve.points["n_trials"].iloc[0]
    return "all trials at rate 0 failed" if failed else "no trial at rate 0 started"


def _notes(estimate: Estimate, curve: Accuracies) -> Iterator[str]:
    """What a reader must know beside an estimate."""
    yield from estimate.notes
    ends = [end for end in (estimate.value, estimate.low, estimate.high) if end is not None]
    empty = np.isnan(curve.started).all(axis=1)
    # A rate without a trial matters if the one before it lies short of the last end.
    before = np.maximum.accumulate(np.where(empty, 0.0, curve.rates))
    gaps = curve.rates[empty & (before < max(ends, default=0.0))]
    if len(gaps):
        yield f"no trial started at {', '.join(map(rate_text, gaps))}, which is left out"
    if estimate.value is None and not estimate.notes:
        yield "no replicate has both trials that are compared"
    if 0 < len(ends) < 3 and curve.n_replicates > 1:
        yield "fewer than two replicates at some rates: an end of the interval is missing"
