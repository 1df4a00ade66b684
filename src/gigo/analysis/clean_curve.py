"""The error of clean labels smoothed over their number, and read backwards."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from gigo.analysis.intervals import Floats, quantile
from gigo.analysis.spread import LEAST

ROUGHNESS = 0.5 * 2.0 ** np.arange(3)
"""How sharply the clean curve may bend: standard deviation of the change of the slope of log error
per unit of log size."""

FINENESS = 400
"""Points at which the smoothed curve is read."""


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
        # Of single replicates nothing is known: the curve goes through them.
        noise = np.where(freedom > 0, variances, LEAST**2) / errors**2
        y = np.log(errors)
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
        known = self.parts.sum(axis=1) + own
        with np.errstate(divide="ignore", invalid="ignore"):
            # Spread over some of the same cells, variances err together.
            roots = self.parts / np.sqrt(self.freedom)
            lost = (roots.sum(axis=1) + own / np.sqrt(np.float64(freedom))) ** 2
            half = quantile(known**2 / lost) * np.sqrt(total)
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
