"""Intervals over replicates, and where a curve with an uncertainty falls below a target.

A replicate redraws everything random about training: subset, split, data order, corruption and
initial weights. The test set is the same for all. Every interval here is therefore about what
another replicate on the same data set would give; the chance in the choice of test items is not
in it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Floats = NDArray[np.float64]


def half_width(values: Floats, confidence: float = 0.95) -> float:
    """Of Student's t-interval for the mean of (n,) values; NaN for fewer than two."""
    n = len(values)
    if n < 2:
        return math.nan
    quantile = float(stats.t.ppf((1 + confidence) / 2, n - 1))
    return quantile * float(np.std(values, ddof=1)) / math.sqrt(n)


def mean_interval(values: Floats, confidence: float = 0.95) -> tuple[float, float, float]:
    """Mean of (n,) accuracies and its t-interval ``(mean, low, high)``, clipped to 0 .. 1.

    No values: all NaN. One value: the ends are NaN.
    """
    return _around(values, half_width(values, confidence))


def prediction_half_width(values: Floats, confidence: float = 0.95) -> float:
    """Of the interval in which one more value is to be expected, after (n,) of its kind.

    ``t * s * sqrt(1 + 1/n)``, exact for normal values (Hahn & Meeker 1991, *Statistical
    Intervals*, chapter 4). NaN for fewer than two.
    """
    # The mean's own uncertainty, and that of the one value: sqrt(1/n) and sqrt(1).
    return half_width(values, confidence) * math.sqrt(len(values) + 1)


def prediction_interval(values: Floats, confidence: float = 0.95) -> tuple[float, float, float]:
    """Mean of (n,) accuracies and where one more is to be expected, ``(mean, low, high)``.

    As `mean_interval`, of one training instead of the mean of ever more.
    """
    return _around(values, prediction_half_width(values, confidence))


def welch_half_width(a: Floats, b: Floats, confidence: float = 0.95) -> float:
    """Of the interval for the difference of the means of (n,) and (m,) independent values.

    The spreads may differ (Welch 1947; degrees of freedom by Satterthwaite 1946). NaN if either
    has fewer than two.
    """
    if min(len(a), len(b)) < 2:
        return math.nan
    errors = [float(np.var(values, ddof=1)) / len(values) for values in (a, b)]
    total = sum(errors)
    if total == 0:
        return 0.0
    shares = [error / total for error in errors]
    freedom = 1 / sum(s**2 / (len(v) - 1) for s, v in zip(shares, (a, b), strict=True))
    return float(stats.t.ppf((1 + confidence) / 2, freedom)) * math.sqrt(total)


def _around(values: Floats, half: float) -> tuple[float, float, float]:
    """The mean with an interval about it, clipped to 0 .. 1; all NaN without values."""
    if len(values) == 0:
        return math.nan, math.nan, math.nan
    mean = float(np.mean(values))
    low, high = np.clip([mean - half, mean + half], 0.0, 1.0)
    return mean, float(low), float(high)


@dataclass(frozen=True)
class Estimate:
    """A rate at which accuracy falls below something, with its interval.

    Attributes:
        value: the rate, 0 to 1; ``inf`` where accuracy does not fall so far up to
            ``highest_rate``; None where nothing can be said, and ``notes`` say why.
        low, high: ends of the interval, in the same terms; None where unknown.
        highest_rate: the highest rate that was looked at.
        replicates: how many were compared, at the rate with the fewest.
        confidence: of the interval, two-sided.
        notes: what a reader must know beside the numbers, as plain phrases.
    """

    value: float | None
    low: float | None = None
    high: float | None = None
    highest_rate: float = math.nan
    replicates: int = 0
    confidence: float = 0.95
    notes: tuple[str, ...] = ()

    @property
    def censored(self) -> bool:
        """Whether accuracy does not fall so far within the rates that were looked at."""
        return self.value == math.inf


def first_below(rates: Sequence[float] | Floats, heights: Sequence[float] | Floats) -> float | None:
    """The first rate at which heights fall below zero, by straight lines between rates.

    Args:
        rates: (R,) ascending.
        heights: (R,) above what is looked for; NaN is unknown.

    Returns:
        The rate; ``inf`` if no height is negative; None if an unknown one comes first.

    >>> first_below([0.0, 0.2, 0.4], [0.3, 0.1, -0.1])
    0.3
    >>> first_below([0.0, 0.2, 0.4], [0.3, 0.1, 0.0])
    inf
    """
    last_rate, last_height = math.nan, math.nan
    for rate, height in zip(map(float, rates), map(float, heights), strict=True):
        if math.isnan(height):
            return None
        if height < 0:
            if math.isnan(last_rate):
                return rate
            return last_rate + (rate - last_rate) * last_height / (last_height - height)
        last_rate, last_height = rate, height
    return math.inf


def fall(rates: Floats, accuracies: Floats, targets: Floats, confidence: float = 0.95) -> Estimate:
    """Where mean accuracy first falls below a target that is itself measured.

    At each rate the excess ``accuracy - target`` is taken within replicates, so that what they
    share cancels; its mean and t-interval make a curve in a band. The estimate is where the curve
    first falls below zero, its interval is from where the band's lower edge does to where its
    upper edge does: the rates that a paired t-test does not reject (Fieller 1954), where the curve
    crosses once. The band is pointwise: on a plateau just above the target chance may take its
    edge below at one of many rates, and the upper end then comes too early. Between rates the
    band is drawn straight, which is never narrower than the exact one.

    Args:
        rates: (R,) ascending.
        accuracies: (R, n) of n replicates; NaN where a trial is missing or did not start.
        targets: (n,) what each replicate is held to; NaN leaves the replicate out.
        confidence: of the interval.

    Returns:
        No value if the curve is below already at the lowest rate with a trial and that is not 0;
        likewise the band's lower edge then has its end at 0, as it may fall anywhere before.
    """
    excess = accuracies - targets
    pairs = [row[~np.isnan(row)] for row in excess]
    used = np.array([len(row) > 0 for row in pairs])
    if not used.any():
        return Estimate(None, confidence=confidence)
    pairs = [row for row in pairs if len(row)]
    mean = np.array([row.mean() for row in pairs])
    half = np.array([half_width(row, confidence) for row in pairs])
    lowest = float(rates[used][0])
    if lowest > 0 and mean[0] < 0:
        note = f"it is below already at {100 * lowest:.3g} %, the lowest rate that can be compared"
        return Estimate(None, confidence=confidence, notes=(note,))
    open_below = lowest > 0 and mean[0] - half[0] < 0
    return Estimate(
        value=first_below(rates[used], mean),
        low=0.0 if open_below else first_below(rates[used], mean - half),
        high=first_below(rates[used], mean + half),
        highest_rate=float(rates[used][-1]),
        replicates=min(len(row) for row in pairs),
        confidence=confidence,
    )
