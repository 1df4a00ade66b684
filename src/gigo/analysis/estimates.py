"""What the tidy table says about each curve: means by rate, tolerance, midpoint, break-even."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, cast

import numpy as np
import pandas as pd

from gigo.analysis.intervals import Estimate, Floats, fall, mean_interval
from gigo.analysis.words import rate_text

SHARE = 0.95
"""The share of clean accuracy that a tolerance allows to fall to."""

SUMMARY_COLUMNS: dict[str, str] = {
    "dataset": "name of the data set",
    "size": "training items paid for, those held out for validation included",
    "corruption": "the corruption, with its options",
    "model": "the network, with its options",
    "recipe": "the training recipe",
    "validation": "what early stopping looked at",
    "rate": "fraction of the training items that the corruption was asked to take, 0 to 1",
    "realised_rate": "fraction of them whose label really differs, mean over trials, 0 to 1",
    "n_trials": "trials with a record",
    "n_started": "those that trained; only they are in mean, low and high",
    "n_never_started": "those whose training loss never left that of guessing",
    "n_diverged": "those whose loss stopped being a finite number",
    "mean_all": "mean test accuracy of all trials, 0 to 1",
    "mean": "mean test accuracy of the started trials, 0 to 1; empty if there are none",
    "low": "lower end of the t-interval for that mean over replicates; empty for fewer than two",
    "high": "upper end of it",
    "chance": "share of the largest class in the test set, 0 to 1",
}
"""Every column of `summary`, with its meaning and unit."""


class Curve(NamedTuple):
    """What names one line of a figure: everything but rate and replicate."""

    dataset: str
    size: int
    corruption: str
    model: str
    recipe: str
    validation: str


@dataclass(frozen=True)
class Grid:
    """The accuracies of one curve.

    Attributes:
        rates: (R,) ascending, those that have a record.
        replicates: (n,) their numbers, ascending.
        accuracy: (R, n) of started trials; NaN where a trial is missing or did not start.
        of_all: (R, n) those that did not start, too; NaN where a trial is missing.
        chance: share of the largest class in the test set.
    """

    rates: Floats
    replicates: tuple[int, ...]
    accuracy: Floats
    of_all: Floats
    chance: float

    @property
    def clean(self) -> Floats:
        """(n,) accuracies at rate 0; all NaN without such trials."""
        if len(self.rates) and self.rates[0] == 0:
            return self.accuracy[0]
        return np.full(len(self.replicates), np.nan)


@dataclass(frozen=True)
class CurveEstimates:
    """What there is to say about one curve.

    Attributes:
        curve: which one.
        replicates: how many have a record.
        clean: mean accuracy of started trials at rate 0, with the ends of its t-interval; NaN
            where unknown.
        tolerance, midpoint: see the functions of these names.
    """

    curve: Curve
    replicates: int
    clean: tuple[float, float, float]
    tolerance: Estimate
    midpoint: Estimate


def split_curves(frame: pd.DataFrame) -> dict[Curve, pd.DataFrame]:
    """The rows of each curve of a tidy table, in the table's order."""
    groups = frame.groupby(list(Curve._fields), sort=False, observed=True)
    return {Curve(*cast("tuple[Any, ...]", names)): rows for names, rows in groups}


def grid(rows: pd.DataFrame) -> Grid:
    """The rows of one curve (`split_curves`) as a matrix."""
    rates = np.unique(rows["rate"].to_numpy(np.float64))
    replicates = np.unique(rows["replicate"].to_numpy(np.int64))
    of_all = np.full((len(rates), len(replicates)), np.nan)
    i = np.searchsorted(rates, rows["rate"].to_numpy(np.float64))
    j = np.searchsorted(replicates, rows["replicate"].to_numpy(np.int64))
    of_all[i, j] = rows["accuracy"].to_numpy(np.float64)
    accuracy = of_all.copy()
    failed = ~rows["started"].to_numpy(bool)
    accuracy[i[failed], j[failed]] = np.nan
    chance = float(rows["chance"].iloc[0]) if len(rows) else math.nan
    return Grid(rates, tuple(map(int, replicates)), accuracy, of_all, chance)


def summary(frame: pd.DataFrame, confidence: float = 0.95) -> pd.DataFrame:
    """One row per curve and rate; the columns are those of `SUMMARY_COLUMNS`.

    The interval is Student's, for the mean over replicates of the started trials: it tells where
    the mean of ever more replicates is to be expected, each with its own subset, split, order,
    corruption and initial weights, on the same test set.
    """
    rows: list[dict[str, Any]] = []
    for curve, table in split_curves(frame).items():
        for rate, trials in table.groupby("rate", sort=True):
            rows.append({**curve._asdict(), "rate": rate, **_summarise(trials, confidence)})
    return pd.DataFrame(rows, columns=list(SUMMARY_COLUMNS))


def tolerance(rows: pd.DataFrame, share: float = SHARE, confidence: float = 0.95) -> Estimate:
    """The first rate at which mean accuracy falls below ``share`` of that at rate 0.

    Over the started trials of one curve (`split_curves`), replicates compared with themselves at
    rate 0; see `gigo.analysis.intervals.fall`. The lower end of the interval is the *assured*
    tolerance: it is no higher than with the trials counted in that did not start.
    """
    return _fall_from_clean(rows, lambda clean, _: share * clean, confidence)


def midpoint(rows: pd.DataFrame, confidence: float = 0.95) -> Estimate:
    """The first rate at which mean accuracy has fallen half-way from that at rate 0 to chance."""
    return _fall_from_clean(rows, lambda clean, chance: (clean + chance) / 2, confidence)


def break_even(large: pd.DataFrame, small: pd.DataFrame, confidence: float = 0.95) -> Estimate:
    """The rate at which ``large`` falls to what ``small`` gives when clean.

    Both are the rows of a curve (`split_curves`); they differ in size. Replicates are compared
    with themselves: their small sets are part of their large ones. No value if ``large`` has no
    trial to compare at rate 0 and is worse already at the lowest rate that has one.
    """
    falling, held = grid(large), grid(small)
    clean = dict(zip(held.replicates, held.clean, strict=True))
    targets = np.array([clean.get(replicate, np.nan) for replicate in falling.replicates])
    if np.isnan(targets).all():
        return Estimate(None, confidence=confidence, notes=(_no_clean(held),))
    return _fall(falling, targets, confidence)


def curve_estimates(
    frame: pd.DataFrame, share: float = SHARE, confidence: float = 0.95
) -> list[CurveEstimates]:
    """Everything about every curve, in the table's order."""
    found: list[CurveEstimates] = []
    for curve, rows in split_curves(frame).items():
        of_curve = grid(rows)
        clean = of_curve.clean
        found.append(
            CurveEstimates(
                curve,
                len(of_curve.replicates),
                mean_interval(clean[~np.isnan(clean)], confidence),
                tolerance(rows, share, confidence),
                midpoint(rows, confidence),
            )
        )
    return found


def _summarise(trials: pd.DataFrame, confidence: float) -> dict[str, Any]:
    started = trials["started"].to_numpy(bool)
    accuracies = trials["accuracy"].to_numpy(np.float64)
    status = trials["status"].to_numpy(str)
    mean, low, high = mean_interval(accuracies[started], confidence)
    return {
        "realised_rate": float(np.mean(trials["realised_rate"].to_numpy(np.float64))),
        "n_trials": len(trials),
        "n_started": int(started.sum()),
        "n_never_started": int((status == "never_started").sum()),
        "n_diverged": int((status == "diverged").sum()),
        "mean_all": float(accuracies.mean()),
        "mean": mean,
        "low": low,
        "high": high,
        "chance": float(trials["chance"].iloc[0]),
    }


def _fall_from_clean(
    rows: pd.DataFrame, target: Callable[[Floats, float], Floats], confidence: float
) -> Estimate:
    curve = grid(rows)
    if np.isnan(curve.clean).all():
        return Estimate(None, confidence=confidence, notes=(_no_clean(curve),))
    targets = target(curve.clean, curve.chance)
    estimate = _fall(curve, targets, confidence)
    if estimate.highest_rate == 0:
        note = "no model that trained at a rate above 0"
        return Estimate(None, confidence=confidence, notes=(note,))
    return estimate


def _fall(curve: Grid, targets: Floats, confidence: float) -> Estimate:
    """Where the started trials of a curve fall below targets (n,); see `fall`.

    What is assured must not rest on leaving out the models that failed: the lower end is also
    worked out with what they gave, and the lower one of the two counts.
    """
    estimate = fall(curve.rates, curve.accuracy, targets, confidence)
    counted = fall(curve.rates, curve.of_all, targets, confidence).low
    if estimate.low is not None and counted is not None:
        estimate = replace(estimate, low=min(estimate.low, counted))
    return _with_notes(estimate, curve)


def _no_clean(curve: Grid) -> str:
    if len(curve.rates) and curve.rates[0] == 0:
        return "no trial at rate 0 started"
    return "no trial at rate 0 to compare with"


def _with_notes(estimate: Estimate, curve: Grid) -> Estimate:
    """The estimate with what a reader must know beside it."""
    notes = list(estimate.notes)
    ends = [end for end in (estimate.value, estimate.low, estimate.high) if end is not None]
    empty = np.isnan(curve.accuracy).all(axis=1)
    # A rate without a trial matters if the one before it lies short of the last end.
    before = np.maximum.accumulate(np.where(empty, 0.0, curve.rates))
    gaps = curve.rates[empty & (before < max(ends, default=0.0))]
    if len(gaps):
        listed = ", ".join(rate_text(float(rate)) for rate in gaps)
        notes.append(f"no trial started at {listed}, which is left out")
    if estimate.value is None and not estimate.notes:
        notes.append("no replicate has both trials that are compared")
    known = estimate.low is not None and estimate.high is not None
    if estimate.value is not None and len(curve.replicates) > 1 and not known:
        notes.append("fewer than two replicates at some rates: an end of the interval is missing")
    return replace(estimate, notes=tuple(notes))
