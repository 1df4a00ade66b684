"""What the tidy table says about each curve: means by rate, tolerance, midpoint, break-even."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import pandas as pd

from gigo.analysis.allowed import Allowed, usual
from gigo.analysis.curves import Accuracies, Curve, split_curves
from gigo.analysis.intervals import Estimate, Floats, clopper_pearson, fall, interval, moments
from gigo.analysis.metric import ACCURACY, Metric
from gigo.analysis.tolerance import Loss, losses, midpoint, single, tolerance
from gigo.analysis.words import rate_text
from gigo.axes import AXES, CURVE

__all__ = ["Accuracies", "Curve", "split_curves"]  # which most callers want beside the estimates

SUMMARY_COLUMNS: dict[str, str] = {
    **{axis: AXES[axis] for axis in (*CURVE, "rate")},
    "realised_rate": "fraction of them whose label really differs, mean over trials, 0 to 1",
    "n_trials": "trials with a record",
    "n_started": "those that trained; only they are in mean, low and high",
    "n_never_started": "those whose training loss never left that of guessing",
    "never_started_low": "lower end of the exact interval for the share of those, 0 to 1",
    "never_started_high": "upper end of it",
    "n_diverged": "those whose loss stopped being a finite number",
    "n_failed": "those that failed or timed out: nothing is known of what they predict",
    "mean_all": "mean of all trials but those, by default of the test accuracy, 0 to 1",
    "mean": "mean of the started trials, likewise; empty if there are none",
    "low": "lower end of the t-interval for that mean over replicates; empty for fewer than two",
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
        clean: mean of started trials at rate 0, with the ends of its t-interval; NaN where
            unknown.
        last: the highest rate at which a trial started, and the mean there; NaN likewise.
        allowed: what the tolerance allows it to lose; None where nothing was said.
        tolerance, single, midpoint: see the functions of these names.
        losses: at each rate above 0 at which a model trained.
    """

    curve: Curve
    replicates: int
    clean: tuple[float, float, float]
    last: tuple[float, float]
    allowed: Allowed | None
    tolerance: Estimate
    single: Estimate
    midpoint: Estimate
    losses: tuple[Loss, ...]


class SizesCompared(NamedTuple):
    """A size against the next smaller one, everything else the same: see `break_even`."""

    large: Curve
    small: Curve
    break_even: Estimate


def summary(frame: pd.DataFrame, metric: Metric = ACCURACY) -> pd.DataFrame:
    """One row per curve and rate; the columns are those of `SUMMARY_COLUMNS`.

    The interval is Student's, for the mean over replicates of the started trials: it tells where
    the mean of ever more replicates is to be expected, each with its own subset, split, order,
    corruption and initial weights, on the same test set.
    """
    found = Accuracies.of(frame, metric)
    mean, low, high = interval(found.started, most=metric.most)
    means = {"mean_all": moments(found.of_all).mean, "mean": mean, "low": low, "high": high}
    known = (found.points["n_trials"] - found.points["n_failed"]).to_numpy(np.int64)
    ends = clopper_pearson(found.points["n_never_started"].to_numpy(np.int64), known)
    shares = dict(zip(("never_started_low", "never_started_high"), ends, strict=True))
    table = found.points.assign(n_started=moments(found.started).n, **means, **shares)
    return table.reindex(columns=list(SUMMARY_COLUMNS))


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


def curve_estimates(
    frame: pd.DataFrame, metric: Metric = ACCURACY, allowed: Allowed | None = None
) -> list[CurveEstimates]:
    """Everything about every curve, in the table's order.

    Args:
        frame: of `gigo.analysis.table.tidy`.
        metric: what it is said in.
        allowed: to lose; by default `gigo.analysis.allowed.usual`.
    """
    allowed = allowed or usual(metric)
    return [_estimates(name, each, allowed) for name, each in _curves(frame, metric)]


def _curves(frame: pd.DataFrame, metric: Metric) -> Iterable[tuple[Curve, Accuracies]]:
    return Accuracies.of(frame, metric).curves().items()


def _estimates(name: Curve, curve: Accuracies, allowed: Allowed | None) -> CurveEstimates:
    mean, low, high = map(float, interval(curve.clean, most=curve.metric.most))
    return CurveEstimates(
        curve=name,
        replicates=curve.n_replicates,
        clean=(mean, low, high),
        last=_last(curve),
        allowed=allowed,
        tolerance=tolerance(curve, allowed),
        single=single(curve, allowed),
        midpoint=midpoint(curve),
        losses=tuple(losses(curve)),
    )


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
        lacking = "started" if held.rates[0] == 0 else "to compare with"
        return Estimate(None, notes=(f"no trial at rate 0 {lacking}",))
    sign = -1 if curve.metric.is_loss else 1
    estimate = fall(curve.rates, sign * curve.started, sign * targets)
    if held is curve and estimate.highest_rate == 0:
        return Estimate(None, notes=("no model that trained at a rate above 0",))
    counted = fall(curve.rates, sign * curve.of_all, sign * targets).low
    if estimate.low is not None and counted is not None:
        estimate = replace(estimate, low=min(estimate.low, counted))
    return replace(estimate, notes=tuple(_notes(estimate, curve)))


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
