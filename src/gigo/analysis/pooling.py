"""Variances over replicates, pooled over neighbouring rates of one size.

Three replicates alone say little of a spread, and it changes slowly with the rate.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from gigo.analysis.intervals import Floats, Ints, moments

REACHES = (0.05, 0.12, 0.2, 0.3, 0.4)
"""Over which rates spreads are pooled: the first that gives `ENOUGH` degrees of freedom."""

ENOUGH = 8.0
LEAST = 1e-3
"""The least standard deviation of one training: that some agree does not make them certain."""


class Pooled(NamedTuple):
    """What is known of the P rates of a curve; each (P,), the variance of one training."""

    n: Ints
    mean: Floats
    variance: Floats
    freedom: Floats


@np.errstate(divide="ignore", invalid="ignore")
def pooled(rates: Floats, values: Floats, relative: bool = False) -> Pooled:
    """Means, and variances of one training with their degrees of freedom, of (P, n) values.

    Variances are pooled in units of p (1 - p), or of the square of the mean where ``relative``,
    with weights that fall to 0 at a distance of rates. Degrees of freedom are Satterthwaite's
    (1946), with neighbours correlated, as they share wrong labels.

    Returns:
        NaN means where a rate has no value. No freedom and NaN variances where no rate has two.

    >>> few = np.array([[0.90, 0.91], [0.88, 0.91], [0.86, 0.87]])
    >>> found = pooled(np.array([0.0, 0.1, 0.2]), few)
    >>> np.sqrt(found.variance).round(3), found.freedom.round(1)
    (array([0.013, 0.014, 0.015]), array([2.7, 2.8, 2.7]))
    """
    n, mean, variance = moments(values)
    freedom = np.maximum(n - 1, 0.0)
    unit = np.where(n > 0, np.maximum(mean**2 if relative else mean * (1 - mean), 0.002), 1.0)
    squares = np.where(n > 1, variance * freedom / unit, 0.0)
    apart = np.abs(rates[:, None] - rates)
    shared = _correlation(rates) ** 2
    ratio, known = np.full(len(rates), np.nan), np.zeros(len(rates))
    for reach in REACHES:
        weights = np.clip(1 - apart / reach, 0, None)
        total, each = weights @ freedom, weights * np.sqrt(freedom)
        found = total**2 / np.einsum("kl,lm,km->k", each, shared, each)
        better = (known < ENOUGH) & (total > 0)
        ratio[better], known[better] = (weights @ squares / total)[better], found[better]
    # A rate without neighbours takes the mean spread of all.
    alone = ~(known > 0) & (freedom.sum() > 0)
    ratio[alone], known[alone] = squares.sum() / freedom.sum(), 1.0
    return Pooled(n, mean, np.maximum(ratio * unit, LEAST**2), known)


def _correlation(rates: Floats) -> Floats:
    """Between rates of one replicate: nested wrong labels share the ratio of them; none with 0."""
    logs = np.log(np.maximum(rates, 1e-300))
    found = 0.7 * np.exp(-1.5 * np.abs(logs[:, None] - logs))
    np.fill_diagonal(found, 1.0)
    return found
