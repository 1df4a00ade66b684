"""Sizes against each other: up to what rate more labels are better than fewer clean ones."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import pandas as pd

from gigo.analysis.curves import Accuracies, Curve
from gigo.analysis.intervals import Estimate, Floats, first_below, quantile
from gigo.analysis.metric import ACCURACY, Metric
from gigo.analysis.spread import Spread, pooled
from gigo.analysis.words import rate_text


class SizesCompared(NamedTuple):
    """A size against the next smaller one, everything else the same: see `break_even`."""

    large: Curve
    small: Curve
    break_even: Estimate


def break_even(large: Accuracies, small: Accuracies) -> Estimate:
    """The rate at which ``large`` falls to what ``small`` gives when clean; a loss rises to it.

    Sizes of one replicate hardly agree more than others do, so that they are not paired: the
    interval is Welch's (1947), with variances pooled over the rates of a size, and of no zero
    width because two networks agree. No value if ``large`` has no trial to compare at rate 0 and
    is worse already at the lowest rate that has one.
    """
    held = pooled(small.rates, small.started, not small.metric.is_loss)
    if small.lacking is not None:
        return Estimate(None, notes=(small.lacking,))
    estimate = _break_even(large, large.started, held)
    if estimate.value is None:
        return estimate
    # No end may rest on leaving out the models that failed.
    low = _break_even(large, large.of_all, held).low
    if estimate.low is not None and low is not None:
        estimate = replace(estimate, low=min(estimate.low, low))
    return replace(estimate, notes=tuple(_notes(estimate, large)))


def _break_even(large: Accuracies, values: Floats, held: Spread) -> Estimate:
    spread = pooled(large.rates, values, not large.metric.is_loss)
    used = spread.n > 0
    if not used.any():
        return Estimate(None, notes=("no model trained that could be compared",))
    sign, rates = -1 if large.metric.is_loss else 1, large.rates[used]
    n, mean, variance, freedom = (each[used] for each in spread)
    apart = sign * (mean - held.mean[0])
    own, other = variance / n, held.variance[0] / held.n[0]
    with np.errstate(divide="ignore", invalid="ignore"):
        lost = own**2 / freedom + other**2 / held.freedom[0]
        half = quantile((own + other) ** 2 / lost) * np.sqrt(own + other)
    lowest = float(rates[0])
    if lowest > 0 and apart[0] < 0:
        note = f"it is below already at {100 * lowest:.3g} %, the lowest rate that can be compared"
        return Estimate(None, notes=(note,))
    open_below = lowest > 0 and apart[0] - half[0] < 0
    return Estimate(
        value=first_below(rates, apart),
        low=0.0 if open_below else first_below(rates, apart - half),
        high=first_below(rates, apart + half),
        highest_rate=float(rates[-1]),
    )


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
