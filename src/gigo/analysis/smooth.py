"""A smooth curve of log error over depth, with its uncertainty.

On real trainings the log of the error is nearly straight in ``z = -log(1 - kappa r)``, so that
neighbouring rates can lend each other strength; a smoothing spline does so without believing in
the straight line.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from gigo.analysis.intervals import Floats
from gigo.analysis.spread import Spread, correlation

ROUGHNESS: Floats = np.array([3.0, 6.0, 12.0, 24.0, 48.0, 96.0])
"""How sharply the curve may bend: standard deviation of the change of its slope per unit of
depth. Below 3 intervals are too narrow (coverage 0.89)."""

ROUGHER = ROUGHNESS[1:]
"""For the curve's height at a rate, where a kink is not averaged out over the rates about it:
beside one, coverage is 0.6 to 0.7 from 3 on, 0.95 from 6 on."""

WIDE = 100.0
"""Prior variance of the straight line's height and slope: nothing is known of them."""

DEEPEST = 0.08
"""Rates at which less than this share of the signal is left, ``1 - kappa r``, are not smoothed."""

LEAST_ERROR = 1e-3
"""The smallest error whose log is taken, test items unknown."""


class Smooth(NamedTuple):
    """The mean curve.

    Attributes:
        log_error: (R,) at the rates.
        covariance: (R, R) of that.
    """

    log_error: Floats
    covariance: Floats


def signal_loss(corruption: str, n_classes: float) -> float:
    """Kappa: ``1 - kappa r`` is the share of the signal in labels of which r are corrupted.

    A label that is wrong at random speaks for the true class less than no label: kappa is K / (K -
    1) for ``symmetric`` corruption (Angluin & Laird 1988), 1 for any other.

    Args:
        corruption: its label in a table.
        n_classes: K; NaN is unknown.

    >>> signal_loss("symmetric", 10), signal_loss("symmetric include_true=True", 10)
    (1.1111111111111112, 1.0)
    """
    return n_classes / (n_classes - 1) if corruption == "symmetric" and n_classes > 1 else 1.0


def smoothed(
    rates: Floats,
    errors: Floats,
    spread: Spread,
    kappa: float = 1.0,
    items: int | None = None,
    roughness: Floats = ROUGHNESS,
) -> Smooth:
    """The posterior of the mean log error at each rate.

    A cubic smoothing spline as a Gaussian process (Wahba 1978, *J. R. Stat. Soc. B* 40): a
    straight line with a wide prior plus integrated Brownian motion, averaged over `ROUGHNESS` by
    evidence. Errors are taken as normal about it, with the pooled spread and the correlation of
    nested rates; any replicate may lack any rate. Rates that are too deep (`DEEPEST`) keep their
    own mean.

    Args:
        rates: (R,) ascending.
        errors: (R, n), one row at least one number each; NaN is unknown.
        spread: of these.
        kappa: see `signal_loss`.
        items: how many test items each error is a mean over.
        roughness: those averaged over.
    """
    least = LEAST_ERROR if items is None else 1 / (2 * items)
    mean = np.maximum(spread.mean, least)
    deviation = np.sqrt(spread.variance) / mean
    log_error, covariance = np.log(mean), np.diag(deviation**2 / spread.n)
    shallow = np.flatnonzero(1 - kappa * rates > DEEPEST)
    # Linear about the mean of the rate: the log of a single error would be biased.
    logs = log_error[:, None] + (errors - spread.mean[:, None]) / mean[:, None]
    precision, score = _information(rates[shallow], logs[shallow], deviation[shallow])
    depth = -np.log(1 - kappa * rates[shallow])
    log_error[shallow], covariance[np.ix_(shallow, shallow)] = posterior(
        depth, precision, score, roughness
    )
    return Smooth(log_error, covariance)


def posterior(depth: Floats, precision: Floats, score: Floats, roughness: Floats) -> Smooth:
    """A cubic smoothing spline's mean and covariance at its knots, averaged over roughness.

    Args:
        depth: (R,) the knots.
        precision: (R, R) of what was seen there: the inverse of its covariance.
        score: (R,) the precision times what was seen.
        roughness: (L,) all as likely beforehand; the evidence weighs them.
    """
    low = np.minimum(depth[:, None], depth)
    bend = low**3 / 3 + low**2 / 2 * np.abs(depth[:, None] - depth)
    prior = WIDE * (1 + np.outer(depth, depth)) + roughness[:, None, None] ** 2 * bend
    # With precision P and score q: mean B (I + P B)^-1 q, covariance B - B (I + P B)^-1 P B.
    mixed = np.eye(len(depth)) + precision @ prior
    right = np.broadcast_to(np.column_stack([score, precision]), (*mixed.shape[:2], len(depth) + 1))
    solved = np.linalg.solve(mixed, right)
    means = np.einsum("lij,lj->li", prior, solved[:, :, 0])
    inner = prior - prior @ solved[:, :, 1:] @ prior
    evidence = means @ score / 2 - np.linalg.slogdet(mixed)[1] / 2
    weights = np.exp(evidence - evidence.max())
    weights /= weights.sum()
    average = weights @ means
    between = np.einsum("l,li,lj->ij", weights, means - average, means - average)
    return Smooth(average, np.einsum("l,lij->ij", weights, inner) + between)


def _information(rates: Floats, logs: Floats, deviation: Floats) -> tuple[Floats, Floats]:
    """What single log errors (R, n) say of the curve: precision (R, R) and its score (R,)."""
    alike = correlation(rates) * np.outer(deviation, deviation)
    precision, score = np.zeros_like(alike), np.zeros(len(rates))
    known = ~np.isnan(logs)
    for which in np.unique(known, axis=1).T:  # replicates that have the same rates
        at = np.flatnonzero(which)
        if len(at):
            whose = (known == which[:, None]).all(axis=0)
            inverse = np.linalg.inv(alike[np.ix_(at, at)])
            precision[np.ix_(at, at)] += whose.sum() * inverse
            score[at] += inverse @ logs[np.ix_(at, whose)].sum(axis=1)
    return precision, score
