"""What more labels of the same kind would bring, up to twice as many as were run.

Error falls with the number of labels as a power, ``err = a n**-b`` (Hestness et al. 2017), nearly:
fitted on what was run it promises somewhat too much, so that a tenth is taken off, and three
tenths are allowed for either way. Beyond twice the labels nothing is said.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd

from gigo.analysis.estimates import Accuracies, Curve
from gigo.analysis.exchange import cells_at, families
from gigo.analysis.intervals import Floats, quantile
from gigo.analysis.metric import ACCURACY, Metric
from gigo.analysis.words import listing
from gigo.errors import SpecError

OVERSTATED, UNSURE = 0.9, 0.3
"""What is left of a fitted gain, and what it may be off by, as shares of it: measured on trainings
whose truth is known."""

FEWEST = 3
"""Sizes that a fit needs."""


class Gain(NamedTuple):
    """What is gained, in units of the metric and positive where it gets better, with its range."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class LearningCurve:
    """A fitted power law of error over size.

    Attributes:
        curve: of the largest size run.
        rate: of wrong labels in all sets, on top of what the data hold.
        sizes: that it is fitted on, ascending; none where there is no fit, and ``notes`` say why.
        scale, exponent: a and b of ``err = a n**-b``; the error of a score is what it lacks to 1,
            of a loss the loss.
        covariance: (2, 2) of log a and b.
        freedom: its degrees of freedom; 0 for single replicates.
        notes: what a reader must know beside the numbers, as plain phrases.
    """

    curve: Curve
    rate: float
    sizes: tuple[int, ...] = ()
    scale: float = math.nan
    exponent: float = math.nan
    covariance: Floats | None = None
    freedom: float = 0.0
    notes: tuple[str, ...] = ()

    def error(self, size: float) -> float:
        """The fitted error."""
        return self.scale * size**-self.exponent

    def gain(self, size: float) -> Gain:
        """What a set of ``size`` would bring over the largest that was run.

        Its range is no narrower than the law is uncertain; NaN without a fit.

        Raises:
            SpecError: that is fewer than were run, or more than twice as many.
        """
        if self.covariance is None:
            return Gain(math.nan, math.nan, math.nan)
        largest = self.sizes[-1]
        if not largest <= size <= 2 * largest:
            raise SpecError(
                "size", size, f"from {largest:,} to {2 * largest:,}, twice what was run"
            )
        before, after = self.error(largest), self.error(size)
        fitted = before - after
        slope = after * math.log(size) - before * math.log(largest)
        gradient = np.array([fitted, slope])
        error = math.sqrt(gradient @ self.covariance @ gradient)
        half = math.hypot(float(quantile(np.array(self.freedom))) * error, UNSURE * fitted)
        value = OVERSTATED * fitted
        return Gain(value, value - half, min(value + half, before))


def learning_curves(
    frame: pd.DataFrame, metric: Metric = ACCURACY, rate: float = 0.0
) -> list[LearningCurve]:
    """One per data set, corruption, model, recipe and validation, in the table's order."""
    return [_fit(sets, rate) for sets in families(frame, metric)]


def _fit(sets: Mapping[Curve, Accuracies], rate: float) -> LearningCurve:
    """By weighted least squares of log error on log size.

    Where sizes lie further off than their noise explains, the fit is as much less certain (Birge
    1932, *Physical Review* 40).
    """
    name = max(sets, key=lambda curve: curve.size)
    cells = cells_at(sets, rate)
    if len(cells) < FEWEST:
        lacking = (
            f"{FEWEST} sizes or more are needed for a learning curve, and {len(cells)} trained"
        )
        return LearningCurve(name, rate, notes=(lacking,))
    guessed = sets[name].points["chance"].iloc[0]
    # Near guessing the law does not hold yet.
    learnt = {size: cell for size, cell in cells.items() if cell.error <= (1 - guessed) / 2}
    notes: tuple[str, ...] = ()
    if FEWEST <= len(learnt) < len(cells):
        named = listing(f"{size:,} labels" for size in cells if size not in learnt)
        cells, notes = (
            learnt,
            (f"left out: {named}, nearer to guessing than to perfect",),
        )
    sizes = np.array(list(cells), np.float64)
    _, errors, variances, freedom = np.array(list(cells.values()), np.float64).T
    design = np.column_stack([np.ones(len(sizes)), -np.log(sizes)])
    known = bool((freedom > 0).all())
    weights = errors**2 / variances if known else np.ones(len(sizes))
    covariance: Floats = np.linalg.inv(design.T * weights @ design).astype(np.float64)
    level, exponent = covariance @ (design.T @ (weights * np.log(errors)))
    off = np.log(errors) - design @ np.array([level, exponent])
    covariance *= max(float(weights @ off**2) / (len(sizes) - 2), 1.0)
    if exponent <= 0:
        notes = (*notes, "error does not fall with the size here")
    if not known:
        notes = (*notes, "single replicates: no range")
    return LearningCurve(
        name,
        rate,
        tuple(cells),
        math.exp(level),
        float(exponent),
        covariance,
        float(freedom.sum()) if known else 0.0,
        notes,
    )


def collecting_text(found: LearningCurve, metric: Metric = ACCURACY) -> str:
    """What twice the labels would bring, as a sentence without its full stop."""
    if found.covariance is None:
        return f"no estimate, {listing(found.notes)}"
    gain, unit = found.gain(2 * found.sizes[-1]), metric.difference or f"of {metric.title}"
    told = f"twice the labels, {2 * found.sizes[-1]:,}, would bring roughly "
    told += f"{metric.points(gain.value)} {unit}"
    if not math.isnan(gain.low):
        told += f" ({metric.points(gain.low)} to {metric.points(gain.high)})"
    return "; ".join([told, *found.notes])
