"""The trainings of one curve, and how far its mean lies from what is allowed, with an error."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from gigo.analysis.allowed import Allowed
from gigo.analysis.curves import Accuracies
from gigo.analysis.intervals import Floats, moments, quantile
from gigo.analysis.smooth import ROUGHER, ROUGHNESS, Smooth, signal_loss, smoothed
from gigo.analysis.spread import Spread, least_variance, pooled

PAIRED_FROM = 10
"""Replicates from which on, on a balanced grid, paired differences are as narrow as smoothing."""

WIDEST_GAP = 0.15
"""The largest distance of two rates between which a curve is taken as known."""

STEEP = 3.0
"""A fall between two rates is a cliff if it is that many standard errors, and that many times as
steep as beside it."""


T = TypeVar("T", float, Floats)


class Band(NamedTuple):
    """A curve and its 95 % band, each (R,); NaN ends without two trainings at any rate."""

    height: Floats
    low: Floats
    high: Floats

    @classmethod
    def about(cls, height: Floats, half: Floats | float) -> Band:
        return cls(height, height - half, height + half)


@dataclass(frozen=True)
class Trained:
    """The started trainings of one curve, as errors: ``1 - metric``, or the metric if a loss.

    Attributes:
        rates: (R,) ascending, those at which one started.
        errors: (R, n) of n replicates; NaN where none started.
        bounded: whether errors end at 1.
        kappa: see `gigo.analysis.smooth.signal_loss`.
        items: how many test items there are, where known.
        item_variance: (R,) of contrasts over draws of test items; zero for this test set alone.
    """

    rates: Floats
    errors: Floats
    bounded: bool
    kappa: float
    items: int | None
    item_variance: Floats

    @classmethod
    def of(
        cls, curve: Accuracies, items: int | None = None, item_variance: Floats | None = None
    ) -> Trained:
        """Those of a curve; ``item_variance`` (P,) is at each of its rates."""
        loss = curve.metric.is_loss
        used = moments(curve.started).n > 0
        variance = np.zeros(used.size) if item_variance is None else item_variance
        errors = curve.started if loss else 1 - curve.started
        corruption, n_classes = curve.points[["corruption", "n_classes"]].iloc[0]
        kappa = signal_loss(str(corruption), float(n_classes))
        return cls(curve.rates[used], errors[used], not loss, kappa, items, variance[used])

    @cached_property
    def mean(self) -> Floats:
        """(R,) errors."""
        return moments(self.errors).mean

    @cached_property
    def spread(self) -> Spread | None:
        found = pooled(self.rates, self.errors, self.bounded, self.items)
        return found if found.freedom.any() else None

    @cached_property
    def paired(self) -> bool:
        """Which way is taken, by the design alone: balanced, and `PAIRED_FROM` replicates."""
        known = ~np.isnan(self.errors)
        same = bool((known == known[0]).all())
        return same and int(known[0].sum()) >= PAIRED_FROM

    def target(self, allowed: Allowed, error: T) -> T:
        """The error that is allowed if it is ``error`` with clean labels."""
        if not self.bounded:
            return allowed.keep * error + allowed.lose
        return 1 - allowed.keep * (1 - error) + allowed.lose

    def within(self, allowed: Allowed) -> Band:
        """How far inside of what is allowed the mean is: below 0 it loses more.

        In the metric's unit where replicates are paired, else in parts of the error allowed.
        """
        if self.spread is None:
            return Band.about(self.target(allowed, self.mean[0]) - self.mean, np.nan)
        if self.paired:
            return self._paired(self.target(allowed, self.errors[0]) - self.errors, allowed.keep)
        height, error, target = self._log_within(allowed)
        # Of the difference of logs, from that of the errors themselves.
        items = self.item_variance / (target * np.exp(self.smooth.log_error))
        return _parts(height, _half(error**2, self.spread.freedom, items))

    def lost(self) -> Band:
        """How much larger the mean error is than with clean labels, in the metric's unit."""
        if self.spread is None:
            return Band.about(self.mean - self.mean[0], np.nan)
        if self.paired:
            return self._paired(self.errors - self.errors[0], 1.0)
        log_error, covariance = self._smooth(ROUGHER)
        error = np.exp(log_error)
        rows = np.diag(error)
        rows[:, 0] -= error[0]
        variance = _quadratic(rows, covariance)
        return Band.about(
            error - error[0], _half(variance, self.spread.freedom, self.item_variance)
        )

    def lost_single(self) -> Band:
        """The same for one training, with the 95 % prediction interval of it."""
        assert self.spread is not None
        height, _, high = self.lost()
        one = quantile(self.spread.freedom) * np.sqrt(self.spread.variance)
        return Band.about(height, np.hypot(high - height, one))

    def within_single(self, allowed: Allowed) -> Band:
        """How far inside one training is, with one-sided 95 % prediction limits."""
        assert self.spread is not None
        height, error, _ = self._log_within(allowed)
        one = np.sqrt(self.spread.variance) / np.exp(self.smooth.log_error)
        # Of a two-sided 90 % interval either side is missed by one in twenty.
        return _parts(height, quantile(self.spread.freedom, 0.9) * np.hypot(error, one))

    @cached_property
    def smooth(self) -> Smooth:
        return self._smooth(ROUGHNESS)

    def _smooth(self, roughness: Floats) -> Smooth:
        assert self.spread is not None
        return smoothed(self.rates, self.errors, self.spread, self.kappa, self.items, roughness)

    def _log_within(self, allowed: Allowed) -> tuple[Floats, Floats, float]:
        """Log of the target less log error, its standard error, and the target."""
        log_error, covariance = self.smooth
        clean = float(np.exp(log_error[0]))
        target = self.target(allowed, clean)
        rows = -np.eye(len(log_error))
        rows[:, 0] += allowed.keep * clean / target
        return np.log(target) - log_error, np.sqrt(_quadratic(rows, covariance)), target

    @cached_property
    def steep(self) -> NDArray[np.bool_]:
        """(R - 1,) whether the means fall off a cliff between two rates; see `STEEP`."""
        falls, widths = np.diff(self.mean), np.diff(self.rates)
        if self.spread is None or len(falls) < 2:
            return np.zeros(len(falls), bool)
        # Beside a cell is the one before, or of the first the one after.
        beside = np.r_[1, : len(falls) - 1]
        usual = np.maximum(falls[beside], 0.0) / widths[beside] * widths
        variance = self.spread.variance / self.spread.n
        error = np.sqrt(variance[1:] + variance[:-1])
        return falls > STEEP * np.maximum(error, usual)

    def cliff(self, allowed: Allowed) -> tuple[float, float] | None:
        """The two rates about the first mean that loses too much, if there is a cliff."""
        over = np.flatnonzero(self.mean > self.target(allowed, self.mean[0]))
        if not len(over) or over[0] == 0 or not self.steep[over[0] - 1]:
            return None
        return float(self.rates[over[0] - 1]), float(self.rates[over[0]])

    def cell(self, rate: float) -> int | None:
        """Which two neighbouring rates it lies strictly between, by the left one's place."""
        after = int(np.searchsorted(self.rates, rate))
        inside = 0 < after < len(self.rates) and not np.isclose(self.rates, rate, 0, 1e-9).any()
        return after - 1 if inside else None

    def unknown(self, rate: float) -> tuple[float, float] | None:
        """The rates run about one, if the curve between them is not known: a gap or a cliff."""
        cell = self.cell(rate)
        if cell is not None and self.steep[cell]:
            return float(self.rates[cell]), float(self.rates[cell + 1])
        return self.gap(rate)

    def gap(self, rate: float) -> tuple[float, float] | None:
        """The rates run about one, if they are too far apart."""
        cell = self.cell(rate)
        if cell is None:
            return None
        left, right = self.rates[cell : cell + 2].tolist()
        return (left, right) if right - left > WIDEST_GAP + 1e-9 else None

    def _paired(self, contrasts: Floats, keep: float) -> Band:
        n, height, variance = moments(contrasts)
        # Two networks may agree; what a target shares with rate 0 is not chance.
        least = np.full(len(n), (1 + keep**2) * least_variance(self.items))
        least[0] = (1 - keep) ** 2 * least_variance(self.items)
        half = _half(
            np.maximum(variance, least) / n, (n - 1).astype(np.float64), self.item_variance
        )
        return Band.about(height, half)


def _parts(height: Floats, half: Floats) -> Band:
    """From logs of target over error: between rates, errors are nearer to straight than logs.

    The log of an error that grows from next to nothing would be far from straight.
    """
    return Band(*(-np.expm1(-each) for each in Band.about(height, half)))


def _quadratic(rows: Floats, covariance: Floats) -> Floats:
    """Variances of linear combinations, never below rounding."""
    return np.maximum(np.einsum("ki,ij,kj->k", rows, covariance, rows), 0.0)


def _half(variance: Floats, freedom: Floats, known: Floats) -> Floats:
    """Half-width with a known variance more (Satterthwaite 1946); never less than without it.

    A known variance makes the whole better known, which must not make new data seem more certain.
    """
    total = variance + known
    share = np.divide(variance, total, out=np.ones_like(total), where=total > 0)
    with_known = quantile(freedom / np.maximum(share, 1e-6) ** 2) * np.sqrt(total)
    return np.maximum(with_known, quantile(freedom) * np.sqrt(variance))
