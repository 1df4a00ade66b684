"""Answers as tables, one row each: what wrong labels cost, and how many of them are tolerated."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from gigo.analysis import tolerance
from gigo.analysis.allowed import Allowed, usual
from gigo.analysis.curves import Accuracies, Curve
from gigo.analysis.estimates import CurveEstimates
from gigo.analysis.intervals import Estimate, clopper_pearson
from gigo.analysis.items import Items
from gigo.analysis.metric import Metric
from gigo.analysis.theory import Cliff
from gigo.analysis.tolerance import Loss
from gigo.axes import AXES, CURVE

_AXES = {axis: AXES[axis] for axis in CURVE}

LOSS_COLUMNS: dict[str, str] = {
    **_AXES,
    "rate": AXES["rate"],
    "loss": "how much worse the mean of trainings is than at rate 0, in the metric's unit",
    "low": "lower end of its 95 % interval, on this test set; empty for one replicate",
    "high": "upper end of it",
    "new_low": "lower end of the 95 % interval for other test items; empty where not known",
    "new_high": "upper end of it",
    "single_low": "lower end of where one training lies with 95 %, against the mean at rate 0",
    "single_high": "upper end of it",
    "n_started": "trainings at this rate that started; empty between the rates run",
    "never_started": "share of trainings at this rate that never started; empty likewise",
    "never_started_low": "lower end of its 95 % interval (Clopper & Pearson)",
    "never_started_high": "upper end of it",
    "notes": "what a reader must know beside the numbers",
}
"""Every column of `losses`, with its meaning and unit."""

TOLERANCE_COLUMNS: dict[str, str] = {
    **_AXES,
    "allowed": "what the metric may lose, in words",
    "tolerance": "rate at which the mean of trainings has lost that; inf beyond highest_rate",
    "low": "lower end of its 95 % interval, on this test set; empty for one replicate",
    "high": "upper end of it, inf likewise",
    "new_low": "lower end of the 95 % interval for other test items; empty where not known",
    "new_high": "upper end of it",
    "single": "rate up to which 19 of 20 single trainings lose no more; inf likewise",
    "midpoint": "rate at which the mean is half-way to guessing; inf likewise",
    "midpoint_low": "lower end of its 95 % interval",
    "midpoint_high": "upper end of it",
    "cliff": "first theoretical cliff; empty where there is none",
    "to_cliff": "cliff less tolerance; empty where either is not known",
    "highest_rate": "highest rate at which a training started",
    "to_run": "rates to run, where an end rests on a gap between those run",
    "notes": "what a reader must know beside the numbers",
}
"""Every column of `tolerances`, with its meaning and unit."""


def losses(
    curves: Mapping[Curve, Accuracies],
    at: Sequence[float] = (),
    n_test: Mapping[str, int] | None = None,
    items: Mapping[Curve, Items] | None = None,
) -> pd.DataFrame:
    """One row per curve and rate; the columns are those of `LOSS_COLUMNS`.

    Args:
        curves: the values of each (`gigo.analysis.curves.Accuracies.curves`).
        at: rates, run or between those run; none: all above 0 that were run.
        n_test: test items by data set, where known.
        items: the test items by curve, where known.
    """
    rows: list[dict[str, Any]] = []
    for name, curve in curves.items():
        number, mine = (n_test or {}).get(name.dataset), (items or {}).get(name)
        here = tolerance.losses(curve, at or None, number)
        there: list[Loss | None] = [None] * len(here)
        if mine is not None:
            there = [*tolerance.losses(curve, at or None, number, mine.variance(curve.rates))]
        for a, b in zip(here, there, strict=True):
            rows.append({**name._asdict(), **_loss_row(a, b), **_started(curve, a.rate)})
    return pd.DataFrame(rows, columns=list(LOSS_COLUMNS))


def _loss_row(here: Loss, there: Loss | None) -> dict[str, Any]:
    single = here.single or (None, None)
    return {
        "rate": here.rate,
        "loss": _number(here.value),
        "low": _number(here.low),
        "high": _number(here.high),
        "new_low": _number(there and there.low),
        "new_high": _number(there and there.high),
        "single_low": _number(single[0]),
        "single_high": _number(single[1]),
        "notes": "; ".join(here.notes),
    }


def _started(curve: Accuracies, rate: float) -> dict[str, Any]:
    at = np.flatnonzero(np.isclose(curve.rates, rate, 0, 1e-9))
    if not len(at):
        return {"n_started": math.nan}
    row = curve.points.iloc[int(at[0])]
    n = int(row["n_trials"] - row["n_failed"])
    low, high = clopper_pearson(int(row["n_never_started"]), n)
    return {
        "n_started": int((~np.isnan(curve.started[int(at[0])])).sum()),
        "never_started": row["n_never_started"] / n if n else math.nan,
        "never_started_low": float(low),
        "never_started_high": float(high),
    }


def tolerances(
    found: Iterable[CurveEstimates],
    metric: Metric,
    cliffs: Mapping[tuple[str, str], Sequence[Cliff]] | None = None,
) -> pd.DataFrame:
    """One row per curve; the columns are those of `TOLERANCE_COLUMNS`.

    Args:
        found: the estimates of each curve.
        metric: what they are of.
        cliffs: theoretical ones by (data set, corruption).
    """
    rows = [_tolerance_row(each, metric, cliffs or {}) for each in found]
    return pd.DataFrame(rows, columns=list(TOLERANCE_COLUMNS))


def _tolerance_row(
    each: CurveEstimates, metric: Metric, cliffs: Mapping[tuple[str, str], Sequence[Cliff]]
) -> dict[str, Any]:
    allowed: Allowed | None = each.allowed or usual(metric)
    value = _number(each.tolerance.value)
    mine = cliffs.get((each.curve.dataset, each.curve.corruption), ())
    cliff = mine[0].rate if mine else math.nan
    run = sorted({*each.tolerance.to_run, *each.single.to_run})
    return {
        **each.curve._asdict(),
        "allowed": allowed.told(metric) if allowed else "",
        "tolerance": value,
        **_ends("", each.tolerance),
        **_ends("new_", each.new_data),
        "single": _number(each.single.value),
        "midpoint": _number(each.midpoint.value),
        **_ends("midpoint_", each.midpoint),
        "cliff": cliff,
        "to_cliff": cliff - value if math.isfinite(value) else math.nan,
        "highest_rate": each.tolerance.highest_rate,
        "to_run": ", ".join(f"{rate:g}" for rate in run),
        "notes": "; ".join(each.tolerance.notes),
    }


def _ends(before: str, estimate: Estimate | None) -> dict[str, float]:
    return {
        f"{before}low": _number(estimate and estimate.low),
        f"{before}high": _number(estimate and estimate.high),
    }


def _number(value: float | None) -> float:
    return math.nan if value is None else value
