"""What two runs have in common, point by point: how far apart it is, and how sure that is."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np
import pandas as pd

from gigo.analysis.comparison import (
    AXES,
    CLOSE,
    COMPARISON_COLUMNS,
    POINT,
    RUN_SETTINGS,
    Comparison,
    Side,
)
from gigo.analysis.estimates import Curve, Grid, grid, split_curves, summary
from gigo.analysis.intervals import (
    Floats,
    half_width,
    mean_interval,
    prediction_half_width,
    prediction_interval,
    welch_half_width,
)

_NO_SEED = object()

Values = Mapping[int, float]
"""Accuracies of started trials, by replicate."""


def compare(a: Side, b: Side, confidence: float = 0.95) -> Comparison:
    """Pair the points that both sides have: data set, size, corruption and rate.

    A side that has several settings (model, recipe, validation) at a point is compared setting by
    setting: each with the only one of the other side; where both have several, each with itself
    or, if they share none, with all.

    The interval is of the difference of means. Runs of one seed share what their replicates
    draw, so those that both have are paired; other runs are independent, and Welch's interval
    takes their means. Where one side has a single training, it is where one more training of
    the other is to be expected, taken off the other's mean; a replicate of the same seed and
    number is left out of that mean, or, where it is one of two, compared alone.

    Returns:
        With an empty frame if they have no point in common.
    """
    curves_a, curves_b = split_curves(a.frame), split_curves(b.frame)
    counts_a, counts_b = _counts(a.frame), _counts(b.frame)
    paired = a.settings.get("seed") == b.settings.get("seed", _NO_SEED)
    rows: list[dict[str, Any]] = []
    for one, other in _matches(list(curves_a), list(curves_b)):
        grid_a, grid_b = grid(curves_a[one]), grid(curves_b[other])
        for rate in np.intersect1d(grid_a.rates, grid_b.rates):
            measured = _compared(_values(grid_a, rate), _values(grid_b, rate), paired, confidence)
            point = {"dataset": one.dataset, "size": one.size, "corruption": one.corruption}
            axes = {
                f"{axis}_{side}": getattr(curve, axis)
                for axis in AXES
                for side, curve in (("a", one), ("b", other))
            }
            told = {f"{k}_a": v for k, v in counts_a[*one, rate].items()}
            told |= {f"{k}_b": v for k, v in counts_b[*other, rate].items()}
            rows.append({**point, "rate": rate, **axes, **told, **measured})
    frame = pd.DataFrame(rows, columns=list(COMPARISON_COLUMNS))
    frame = frame.astype({"inside": "boolean", "close": "boolean"})
    both = set(a.settings) & set(b.settings)
    return Comparison(
        a=a.name,
        b=b.name,
        frame=frame,
        run_settings={
            name: (a.settings[name], b.settings[name])
            for name in RUN_SETTINGS
            if name in both and a.settings[name] != b.settings[name]
        },
        only_a=_lacking(a.frame, frame, "a"),
        only_b=_lacking(b.frame, frame, "b"),
        published=a.published or b.published,
    )


def _matches(curves_a: Sequence[Curve], curves_b: Sequence[Curve]) -> Iterator[tuple[Curve, Curve]]:
    """The curves to compare: see `compare`."""
    families = [_families(curves) for curves in (curves_a, curves_b)]
    for family, of_a in families[0].items():
        of_b = families[1].get(family, [])
        same = [(curve, curve) for curve in of_a if curve in of_b]
        several = len(of_a) > 1 and len(of_b) > 1
        yield from same if several and same else product(of_a, of_b)


def _families(curves: Sequence[Curve]) -> dict[Curve, list[Curve]]:
    """The curves by all but their settings."""
    found: dict[Curve, list[Curve]] = {}
    for curve in curves:
        found.setdefault(curve._replace(**dict.fromkeys(AXES, "")), []).append(curve)
    return found


def _counts(frame: pd.DataFrame) -> dict[tuple[Any, ...], dict[str, Any]]:
    """What a row tells of the trials at a point, by curve and rate."""
    told = ("n_never_started", "n_diverged", "mean_all")
    return {
        (*(row[axis] for axis in Curve._fields), row["rate"]): {name: row[name] for name in told}
        for row in summary(frame).to_dict("records")
    }


def _values(curve: Grid, rate: float) -> Values:
    accuracies = curve.accuracy[np.searchsorted(curve.rates, rate)]
    pairs = zip(curve.replicates, accuracies, strict=True)
    return {replicate: float(value) for replicate, value in pairs if not np.isnan(value)}


def _compared(a: Values, b: Values, paired: bool, confidence: float) -> dict[str, Any]:
    """Means, their difference and its interval."""
    shared = sorted(a.keys() & b.keys()) if paired else []
    by_pairs = len(shared) > 1
    left = np.array([a[k] for k in (shared if by_pairs else _independent(a, b, shared))])
    right = np.array([b[k] for k in (shared if by_pairs else _independent(b, a, shared))])
    mean_a, mean_b = mean_interval(left)[0], mean_interval(right)[0]
    method, half, predicted = _interval(left, right, by_pairs, confidence)
    difference = mean_a - mean_b
    apart = abs(difference)
    return {
        "mean_a": mean_a,
        "n_a": len(left),
        "mean_b": mean_b,
        "n_b": len(right),
        "difference": difference,
        "low": difference - half,
        "high": difference + half,
        "method": method,
        "predicted_low": predicted[0],
        "predicted_high": predicted[1],
        # The last bits of means of equal numbers may differ.
        "inside": None if math.isnan(half) else apart <= half + 1e-12,
        "close": None if math.isnan(difference) else apart <= CLOSE + 1e-12,
    }


def _independent(mine: Values, other: Values, shared: Sequence[int]) -> list[int]:
    """My replicates; without one that the other side's only one would help to predict.

    Of two, it is that one alone: it says more of the difference than the other does.
    """
    if not shared or len(other) > 1 or len(mine) == 1:
        return list(mine)
    rest = [k for k in mine if k not in shared]
    return rest if len(rest) > 1 else list(shared)


def _interval(
    left: Floats, right: Floats, by_pairs: bool, confidence: float
) -> tuple[str, float, tuple[float, float]]:
    """The method, half the width of the interval, and where one training is to be expected."""
    nowhere = math.nan, math.nan
    sizes = len(left), len(right)
    if by_pairs:
        return "paired", half_width(left - right, confidence), nowhere
    if min(sizes) > 1:
        return "welch", welch_half_width(left, right, confidence), nowhere
    if min(sizes) == 1 and max(sizes) > 1:
        several = left if len(left) > 1 else right
        _, low, high = prediction_interval(several, confidence)
        return "prediction", prediction_half_width(several, confidence), (low, high)
    return "none", math.nan, nowhere


def _lacking(trials: pd.DataFrame, common: pd.DataFrame, side: str) -> int:
    """How many points of a side, setting by setting, are not among those compared."""
    mine = set(trials[[*POINT, *AXES]].itertuples(index=False, name=None))
    compared = common[[*POINT, *(f"{axis}_{side}" for axis in AXES)]]
    return len(mine - set(compared.itertuples(index=False, name=None)))
