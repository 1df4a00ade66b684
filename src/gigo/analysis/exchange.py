"""What labels of which some are wrong are worth in clean ones, where sizes and rates were run.

*n* labels at rate *r* are worth as many clean ones as give the same mean error. The error of
clean labels is smoothed over the size (log error over log size) and inverted at the mean at *(n,
r)*. Never beyond the sizes run.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, fields

import numpy as np
import pandas as pd

from gigo.analysis.estimates import Accuracies, Curve
from gigo.analysis.intervals import Floats, quantile
from gigo.analysis.metric import ACCURACY, Metric
from gigo.analysis.pooling import Pooled, pooled
from gigo.axes import CURVE

ROUGHNESS = 0.5 * 2.0 ** np.arange(3)
"""How sharply the clean curve may bend: standard deviation of the change of the slope of log error
per unit of log size."""

FINENESS = 400
"""Points at which the smoothed curve is read."""

LEAST_ERROR = 1e-3
"""Errors below it count as it: the logarithm of none says nothing."""


@dataclass(frozen=True)
class Exchange:
    """What the labels of one set are worth.

    Attributes:
        curve: the set; its size counts all labels bought, those held out for validation included.
        rate: of wrong labels, 0 to 1.
        value: as many clean labels give the same; 0 is fewer than ``smallest``, ``inf`` more than
            ``largest``, NaN unknown, and ``notes`` say why.
        low, high: ends of its 95 % interval, in the same terms; NaN for fewer than two replicates.
        smallest, largest: clean sets that were run.
        theory: share of a set that is worth the rest, as symmetric noise would have it if labels
            were all that counts, ``(1 - r/r*)**2``, r* its cliff; NaN elsewhere. No law.
        notes: what a reader must know beside the numbers, as plain phrases.
    """

    curve: Curve
    rate: float
    value: float
    low: float
    high: float
    smallest: int
    largest: int
    theory: float
    notes: tuple[str, ...] = ()

    @property
    def share(self) -> float:
        """Of the labels, how many clean ones are worth as much; bounds as in ``value``."""
        return self.value / self.curve.size


@dataclass(frozen=True)
class CleanCurve:
    """Log error of clean labels over log size, smoothed.

    Attributes:
        grid: (G,) log sizes, ascending.
        height: (G,) log error.
        variance: (G,) of it, what the smoothing does not know included.
        parts: (G, S) what each of the S sizes contributes to it.
        freedom: (S,) of their variances.
    """

    grid: Floats
    height: Floats
    variance: Floats
    parts: Floats
    freedom: Floats

    @classmethod
    def through(
        cls, sizes: Floats, errors: Floats, variances: Floats, freedom: Floats
    ) -> CleanCurve:
        """A cubic smoothing spline through means (Wahba 1978, *JRSS B* 40), its roughness averaged.

        Args:
            sizes: (S,) at least two, ascending.
            errors: (S,) means.
            variances: (S,) of these means.
            freedom: (S,) degrees of freedom of the variances.
        """
        x = np.log(sizes / sizes[0])
        grid = np.linspace(0, x[-1], FINENESS)
        y, noise = np.log(errors), variances / errors**2
        evidence = np.empty(len(ROUGHNESS))
        weights = np.empty((len(ROUGHNESS), len(grid), len(x)))
        left = np.empty((len(ROUGHNESS), len(grid)))
        for k, roughness in enumerate(ROUGHNESS):
            covariance = _prior(x, x, roughness) + np.diag(noise)
            across = _prior(grid, x, roughness)
            solved = np.linalg.solve(covariance, y)
            evidence[k] = -y @ solved / 2 - np.linalg.slogdet(covariance)[1] / 2
            weights[k] = np.linalg.solve(covariance, across.T).T
            own = np.array([_prior(at, at, roughness).item() for at in grid[:, None]])
            left[k] = own - np.sum(weights[k] * across, axis=1)
        share = np.exp(evidence - evidence.max())
        share /= share.sum()
        heights = weights @ y
        height = share @ heights
        variance = share @ (left + (heights - height) ** 2)
        mean_weights = np.einsum("k,kgs->gs", share, weights)
        floor = np.maximum(variance, 1e-12)
        return cls(grid + np.log(sizes[0]), height, floor, mean_weights**2 * noise, freedom)

    def worth(self, error: float, variance: float, freedom: float) -> tuple[float, float, float]:
        """Clean sizes of the same error as a mean of some variance: ``(value, low, high)``.

        The value is read from the curve in falling order (Chernozhukov et al. 2009, *Biometrika*
        96): more clean labels do no harm on average. The interval holds every size between
        the first and the last that is not rejected.
        """
        target, own = math.log(error), variance / error**2
        total = self.variance + own
        lost = (self.parts**2 / self.freedom).sum(axis=1) + own**2 / freedom
        with np.errstate(divide="ignore", invalid="ignore"):
            half = quantile(total**2 / lost) * np.sqrt(total)
        low, high = self.height - half, self.height + half
        return (
            self._reached(np.sort(self.height)[::-1], target),
            self._reached(np.minimum.accumulate(low), target),
            self._reached(np.maximum.accumulate(high[::-1])[::-1], target),
        )

    def _reached(self, falling: Floats, target: float) -> float:
        """The size at which a falling curve reaches a target; 0 before the first, inf never."""
        if np.isnan(falling).any() or math.isnan(target):
            return math.nan
        if falling[0] <= target:
            return math.exp(self.grid[0]) if falling[0] == target else 0.0
        if falling[-1] > target:
            return math.inf
        k = int(np.argmax(falling <= target))
        before, after = falling[k - 1], falling[k]
        step = (before - target) / (before - after)
        return math.exp(self.grid[k - 1] + step * (self.grid[k] - self.grid[k - 1]))


def _prior(a: Floats, b: Floats, roughness: float) -> Floats:
    """(A, B) covariance of a line of any slope with an integrated random walk on it."""
    least = np.minimum(a[:, None], b)
    bend = least**3 / 3 + least**2 / 2 * np.abs(a[:, None] - b)
    return 100 * (1 + a[:, None] * b) + roughness**2 * bend
