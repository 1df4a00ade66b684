"""How much one training differs from the next, at each rate, from few replicates.

Three replicates say little about a variance: Student's quantile is 4.3. Variances at neighbouring
rates are alike, in units that follow the mean, so that they can be pooled.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from gigo.analysis.intervals import Floats, Ints, moments

REACHES = (0.05, 0.12, 0.2, 0.3, 0.4)
"""Over what distances of rates variances may be pooled; the first that gives `ENOUGH` is taken."""

ENOUGH = 8
"""Degrees of freedom: Student's quantile is then 2.3, and pooling more gains little."""

LEAST = 1e-3
"""The smallest standard deviation of one training that is believed, test items unknown."""

NESTED = 0.7, 1.5
"""Correlation of one replicate's values at rates r < s: ``0.7 (r / s) ** 1.5``, as found on
digits. Wrong labels are nested: those at r are the share r / s of those at s."""


class Spread(NamedTuple):
    """Of the trainings at each rate, each (R,).

    Attributes:
        n: how many there are.
        mean: of their errors.
        variance: of one training, pooled over neighbouring rates.
        freedom: degrees of freedom of that, by Satterthwaite.
    """

    n: Ints
    mean: Floats
    variance: Floats
    freedom: Floats


def correlation(rates: Floats) -> Floats:
    """(R, R) between values of one replicate at these rates; taken as none with rate 0.

    With rate 0 it is 0.05 to 0.4 on digits; taking none makes intervals too wide rather than too
    narrow.

    >>> correlation(np.array([0.0, 0.1, 0.2])).round(2).tolist()
    [[1.0, 0.0, 0.0], [0.0, 1.0, 0.25], [0.0, 0.25, 1.0]]
    """
    most, power = NESTED
    logs = np.log(np.maximum(rates, 1e-300))
    found = most * np.exp(-power * np.abs(logs[:, None] - logs))
    np.fill_diagonal(found, 1.0)
    return found


def pooled(rates: Floats, errors: Floats, bounded: bool = True, items: int | None = None) -> Spread:
    """The variance of one training at each rate, from that rate and its neighbours.

    Sums of squares are divided by ``p (1 - p)`` of the mean p (bounded errors), or by its square,
    and averaged over rates with weights that fall linearly to 0 at a distance, the smallest of
    `REACHES` that gives `ENOUGH` degrees of freedom (Satterthwaite 1946, with the correlation of
    nested rates). No variance is 0 because a few networks agree: two that differ in one of N test
    items have ``1 / (2 N ** 2)``.

    Args:
        rates: (R,) ascending.
        errors: (R, n), or what they lack to 1; NaN is unknown.
        bounded: whether errors end at 1.
        items: how many test items each error is a mean over.

    Returns:
        NaN variances with no degree of freedom where no rate has two values; a NaN mean for a rate
        without any.

    >>> found = pooled(np.array([0.0, 0.1]), np.array([[0.1, 0.2], [0.2, 0.4]]))
    >>> found.variance.round(3).tolist(), found.freedom.round(2).tolist()
    ([0.008, 0.015], [1.96, 1.96])
    """
    n, mean, variance = moments(errors)
    freedom = np.maximum(n - 1.0, 0.0)
    if not freedom.any():
        return Spread(n, mean, np.full(len(n), np.nan), freedom)
    level = np.where(n > 0, mean, 0.5)
    unit = np.maximum(level * (1 - level), 2e-3) if bounded else np.maximum(level, LEAST) ** 2
    squares = np.where(freedom > 0, freedom * variance, 0.0) / unit
    found, known = np.full(len(rates), squares.sum() / freedom.sum()), np.zeros(len(rates))
    apart, alike = np.abs(rates[:, None] - rates), correlation(rates) ** 2
    for reach in REACHES:
        weights = np.clip(1 - apart / reach, 0.0, None)
        total, parts = weights @ freedom, weights * np.sqrt(freedom)
        wanted = (known < ENOUGH) & (total > 0)
        found[wanted] = (weights @ squares)[wanted] / total[wanted]
        lost = np.einsum("kl,lm,km->k", parts, alike, parts)
        known[wanted] = total[wanted] ** 2 / lost[wanted]
    variance = np.maximum(found * unit, least_variance(items))
    return Spread(n, mean, variance, np.maximum(known, 1.0))


def least_variance(items: int | None) -> float:
    """Of one training: that of two which differ in one test item, `LEAST` squared if unknown."""
    return LEAST**2 if items is None else 1 / (2 * items**2)
