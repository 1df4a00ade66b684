"""What the tidy table says about each curve: means by rate, losses, tolerance, midpoint."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from gigo.analysis.allowed import Allowed, usual
from gigo.analysis.curves import Accuracies, Curve, split_curves
from gigo.analysis.intervals import Estimate, Floats, clopper_pearson, moments, quantile
from gigo.analysis.items import Items
from gigo.analysis.metric import ACCURACY, Metric
from gigo.analysis.spread import pooled
from gigo.analysis.tolerance import Loss, losses, midpoint, single, tolerance
from gigo.axes import AXES, CURVE

__all__ = ["Accuracies", "Curve", "split_curves"]  # which most callers want beside the estimates

SUMMARY_COLUMNS: dict[str, str] = {
    **{axis: AXES[axis] for axis in (*CURVE, "rate")},
    "realised_rate": "edits that made a difference over items, mean over trials, 0 to 1",
    "n_trials": "trials with a record",
    "n_started": "those that trained; only they are in mean, low and high",
    "n_never_started": "those whose training loss never left that of guessing",
    "never_started_low": "lower end of the exact interval for the share of those, 0 to 1",
    "never_started_high": "upper end of it",
    "n_diverged": "those whose loss stopped being a finite number",
    "n_failed": "those that failed or timed out: nothing is known of what they predict",
    "mean_all": "mean of all trials but those, by default of the test accuracy, 0 to 1",
    "mean": "mean of the started trials, likewise; empty if there are none",
    "low": "lower end of the 95 % interval of that mean over replicates; empty where none has two",
    "high": "upper end of it",
    "chance": "what guessing gives: of accuracy, the share of the largest class; or empty",
}
"""Every column of `summary`, with its meaning and unit."""


@dataclass(frozen=True)
class CurveEstimates:
    """What there is to say about one curve.

    Attributes:
        curve: which one.
        replicates: how many have a record of a trial that did not fail.
        clean: mean of started trials at rate 0, with the ends of its interval; NaN where
            unknown.
        last: the highest rate at which a trial started, and the mean there; NaN likewise.
        allowed: what the tolerance allows it to lose; None where nothing was said.
        tolerance, single, midpoint: see the functions of these names.
        new_data: the tolerance with the interval for other test items; None where not known.
        losses: at each rate above 0 at which a model trained.
        losses_new: the same with intervals for other test items; empty where not known.
    """

    curve: Curve
    replicates: int
    clean: tuple[float, float, float]
    last: tuple[float, float]
    allowed: Allowed | None
    tolerance: Estimate
    new_data: Estimate | None
    single: Estimate
    midpoint: Estimate
    losses: tuple[Loss, ...]
    losses_new: tuple[Loss, ...]


def summary(
    frame: pd.DataFrame, metric: Metric = ACCURACY, n_test: Mapping[str, int] | None = None
) -> pd.DataFrame:
    """One row per curve and rate; the columns are those of `SUMMARY_COLUMNS`.

    The interval is for the mean over replicates of the started trials: it tells where the mean of
    ever more replicates is to be expected, each with its own subset, split, order, corruption and
    initial weights, on the same test set. It is Student's, with the spread of trainings pooled over
    neighbouring rates (`gigo.analysis.spread`).

    Args:
        frame: of `gigo.analysis.table.tidy`.
        metric: what the means are of.
        n_test: test items by data set, where known.
    """
    found = Accuracies.of(frame, metric)
    parts = [
        _means(curve, (n_test or {}).get(name.dataset)) for name, curve in found.curves().items()
    ]
    mean, low, high = np.concatenate(parts, axis=1) if parts else np.empty((3, 0))
    means = {"mean_all": moments(found.of_all).mean, "mean": mean, "low": low, "high": high}
    known = (found.points["n_trials"] - found.points["n_failed"]).to_numpy(np.int64)
    ends = clopper_pearson(found.points["n_never_started"].to_numpy(np.int64), known)
    shares = dict(zip(("never_started_low", "never_started_high"), ends, strict=True))
    table = found.points.assign(n_started=moments(found.started).n, **means, **shares)
    return table.reindex(columns=list(SUMMARY_COLUMNS))


def _means(curve: Accuracies, n_test: int | None) -> Floats:
    """(3, P) means of a curve and the ends of their intervals."""
    spread = pooled(curve.rates, curve.started, not curve.metric.is_loss, n_test)
    with np.errstate(divide="ignore", invalid="ignore"):
        half = quantile(spread.freedom) * np.sqrt(spread.variance / spread.n)
    mean = spread.mean
    low, high = (np.clip(end, 0.0, curve.metric.most) for end in (mean - half, mean + half))
    return np.array([mean, low, high])


def curve_estimates(
    frame: pd.DataFrame,
    metric: Metric = ACCURACY,
    allowed: Allowed | None = None,
    n_test: Mapping[str, int] | None = None,
    items: Mapping[Curve, Items] | None = None,
) -> list[CurveEstimates]:
    """Everything about every curve, in the table's order.

    Args:
        frame: of `gigo.analysis.table.tidy`.
        metric: what it is said in.
        allowed: to lose; by default `gigo.analysis.allowed.usual`.
        n_test: test items by data set, where known.
        items: the test items by curve, where known; else nothing is said of new data.
    """
    allowed = allowed or usual(metric)
    return [
        _estimates(name, curve, allowed, (n_test or {}).get(name.dataset), (items or {}).get(name))
        for name, curve in Accuracies.of(frame, metric).curves().items()
    ]


def _estimates(
    name: Curve, curve: Accuracies, allowed: Allowed | None, n_test: int | None, items: Items | None
) -> CurveEstimates:
    means = _means(curve, n_test)
    mean, low, high = means[:, 0].tolist() if curve.rates[0] == 0 else [math.nan] * 3
    new_data, losses_new = None, ()
    if items is not None:
        over_items = items.variance(curve.rates, allowed.keep if allowed else 1.0)
        new_data = tolerance(curve, allowed, n_test, over_items)
        losses_new = losses(curve, None, n_test, items.variance(curve.rates))
    return CurveEstimates(
        curve=name,
        replicates=curve.n_replicates,
        clean=(mean, low, high),
        last=_last(curve),
        allowed=allowed,
        tolerance=tolerance(curve, allowed, n_test),
        new_data=new_data,
        single=single(curve, allowed, n_test),
        midpoint=midpoint(curve, n_test),
        losses=tuple(losses(curve, None, n_test)),
        losses_new=tuple(losses_new),
    )


def _last(curve: Accuracies) -> tuple[float, float]:
    means = moments(curve.started).mean
    known = np.flatnonzero(~np.isnan(means))
    if not len(known):
        return np.nan, np.nan
    return float(curve.rates[known[-1]]), float(means[known[-1]])
