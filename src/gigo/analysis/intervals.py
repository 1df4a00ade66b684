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
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv, stdtrit

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class Moments(NamedTuple):
    """What is known of (..., n) values, NaN left out; each (...), NaN where too few are known."""

    n: Ints
    mean: Floats
    variance: Floats


@np.errstate(divide="ignore", invalid="ignore")
def moments(values: Floats) -> Moments:
    """Number, mean and sample variance along the last axis of (..., n) values; NaN is unknown.

    >>> moments(np.array([[1.0, 2.0, 3.0], [4.0, 6.0, np.nan]]))
    Moments(n=array([3, 2]), mean=array([2., 5.]), variance=array([1., 2.]))
    """
    known = ~np.isnan(values)
    n = known.sum(axis=-1)
    mean = np.where(known, values, 0.0).sum(axis=-1) / n
    off = np.where(known, values - mean[..., None], 0.0)
    return Moments(n, mean, (off**2).sum(axis=-1) / np.maximum(n - 1, 0))


def quantile(freedom: Floats | Ints, confidence: float = 0.95) -> Floats:
    """Student's t: how many standard errors hold ``confidence``; NaN without degrees of freedom."""
    return stdtrit(np.where(freedom > 0, freedom, np.nan), (1 + confidence) / 2)


@np.errstate(divide="ignore", invalid="ignore")
def half_width(values: Floats, confidence: float = 0.95, more: int = 0) -> Floats:
    """Of Student's t-interval for the mean of (..., n) values; NaN for fewer than two.

    With ``more`` = 1, of the interval in which one more value is to be expected: ``t * s * sqrt(1
    + 1/n)``, exact for normal values (Hahn & Meeker 1991, *Statistical Intervals*, chapter 4).
    """
    n, _, variance = moments(values)
    # The mean's own uncertainty, and that of the one value: sqrt(1/n) and sqrt(1).
    return quantile(n - 1, confidence) * np.sqrt(variance) / np.sqrt(n) * np.sqrt(1 + more * n)


def interval(
    values: Floats, confidence: float = 0.95, more: int = 0, most: float = 1.0
) -> tuple[Floats, Floats, Floats]:
    """Means of (..., n) values and ends of their intervals, ``(mean, low, high)``, in 0 .. most.

    Of the means, or with ``more`` = 1 of one more training; see `half_width`. No values: all NaN.
    One value: the ends are NaN.

    >>> mean, low, high = interval(np.array([0.70, 0.72, 0.74]))
    >>> print(f"{mean:.2f}, {low:.2f} to {high:.2f}")
    0.72, 0.67 to 0.77
    """
    mean, half = moments(values).mean, half_width(values, confidence, more)
    return mean, np.clip(mean - half, 0.0, most), np.clip(mean + half, 0.0, most)


@np.errstate(divide="ignore", invalid="ignore")
def welch(a: Floats, b: Floats, least: float = 0.0) -> tuple[Floats, Floats]:
    """Standard errors of differences of independent means, and their degrees of freedom.

    The spreads may differ (Welch 1947; degrees of freedom by Satterthwaite 1946).

    Args:
        a: (..., n) values; NaN is unknown.
        b: (..., m) likewise.
        least: no variance is taken as smaller.

    Returns:
        Each (...); NaN where either has fewer than two.
    """
    of_a, of_b = moments(a), moments(b)
    error_a, error_b = (np.maximum(each.variance, least) / each.n for each in (of_a, of_b))
    total = error_a + error_b
    lost = (error_a / total) ** 2 / (of_a.n - 1) + (error_b / total) ** 2 / (of_b.n - 1)
    return np.sqrt(total), 1 / lost


def clopper_pearson(
    k: Ints | int, n: Ints | int, confidence: float = 0.95
) -> tuple[Floats, Floats]:
    """Ends of the exact interval for a share of which k in n were seen; 0 to 1 where n is 0.

    It covers at least as often as it says (Clopper & Pearson 1934).

    >>> low, high = clopper_pearson(0, 10)
    >>> print(f"{low:.3f} to {high:.3f}")
    0.000 to 0.308
    """
    seen, of = np.asarray(k), np.asarray(n)
    tail = (1 - confidence) / 2
    low = np.where(seen > 0, betaincinv(np.maximum(seen, 1), of - seen + 1, tail), 0.0)
    missed = np.maximum(of - seen, 1)
    return low, np.where(seen < of, betaincinv(seen + 1, missed, 1 - tail), 1.0)


@dataclass(frozen=True)
class Estimate:
    """A rate at which accuracy falls below something, with its interval.

    Attributes:
        value: the rate, 0 to 1; ``inf`` where accuracy does not fall so far up to
            ``highest_rate``; None where nothing can be said, and ``notes`` say why.
        low, high: ends of its 95 % interval, in the same terms; None where unknown.
        highest_rate: the highest rate that was looked at.
        notes: what a reader must know beside the numbers, as plain phrases.
        to_run: the rates to run, where an end rests on a gap between those run.
    """

    value: float | None
    low: float | None = None
    high: float | None = None
    highest_rate: float = math.nan
    notes: tuple[str, ...] = ()
    to_run: tuple[float, ...] = ()

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
