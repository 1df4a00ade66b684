"""What mending the errors that data hold would bring, given how many they are.

A run adds noise to labels of which a share, the base rate, is wrong already. For symmetric noise
depths add, ``z = -log(1 - r K/(K-1))``: rate r on top of base rate r0 is depth ``z(r0) + z(r)``.
Log error is nearly straight over depth or, where the first wrong labels cost most, over its root:
lines through what was run lead back to depth 0, where no label is wrong. No curve can show which
holds below the base rate, and none can tell the base rate itself: it has to be given. So the answer
is a range, and rough. What it was worth where the truth was known is in
docs/quantity-vs-quality.md.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from gigo.analysis.base_rate import TEST_NOISE, BaseRate, stretched
from gigo.analysis.collecting import Gain
from gigo.analysis.estimates import Accuracies, Curve
from gigo.analysis.exchange import LEAST_ERROR, classes_of
from gigo.analysis.intervals import Floats, quantile
from gigo.analysis.metric import ACCURACY, Metric
from gigo.analysis.spread import Spread, pooled
from gigo.analysis.words import listing, rate_text
from gigo.errors import DataError, SpecError

SPAN = 0.3
"""Rates above the base rate that the line is fitted on."""

POWERS = 1.0, 0.5
"""Of the depth, over which log error is taken to be straight: the least and the most gain."""

FACTOR = 1.5
"""By which a gain can lie outside of what the lines say; all measured on trainings."""


@dataclass(frozen=True)
class CleaningGain:
    """What the metric would gain if every label were mended.

    Attributes:
        curve: of the data as given.
        base: how many labels are wrong.
        gain: in units of the metric and positive where it gets better: its range over both lines
            and the ends of the base rate, never a 95 % interval, and the mean of both lines at the
            base rate. NaN where there is none, and ``notes`` say why.
        low, high: what it may be all told: within `FACTOR` and what replicates leave open.
        slope: of log error per unit of depth, if it is straight over that; where its 95 % interval
            holds 0, ``told`` is false.
        rates: that the line is fitted on, of noise on top of the base rate.
        notes: what a reader must know beside the numbers, as plain phrases.
    """

    curve: Curve
    base: BaseRate
    gain: Gain
    low: float = math.nan
    high: float = math.nan
    slope: float = math.nan
    told: bool = False
    rates: tuple[float, ...] = ()
    notes: tuple[str, ...] = ()


def depth(rate: Floats | float, kappa: float) -> Floats:
    """How much of what labels say is lost, as a depth that adds up: ``-log(1 - kappa r)``.

    >>> kappa = 10 / 9
    >>> both = depth(0.1, kappa) + depth(0.2, kappa)
    >>> print(f"{(1 - np.exp(-both)) / kappa:.4f}")  # 10 % and 20 % on top are not 30 %
    0.2778
    """
    return -np.log1p(-kappa * np.asarray(rate, np.float64))


def cleaning_gains(
    frame: pd.DataFrame,
    base: BaseRate | None,
    metric: Metric = ACCURACY,
    test_rate: float = 0.0,
) -> list[CleaningGain]:
    """One per curve, in the table's order.

    Args:
        frame: of a run on the data as given.
        base: how many of their training labels are wrong.
        metric: what is gained.
        test_rate: how many test labels are wrong, any other class alike; for accuracy alone.

    Raises:
        SpecError: there is no base rate, or it is so high that labels say nothing, or the metric
            can't be corrected for noisy test labels.
        DataError: an audit is so small that such a base rate is not ruled out.
    """
    if base is None:
        raise SpecError("base rate", None, "a rate or an audit: a curve can't tell it")
    if test_rate and metric != ACCURACY:
        raise SpecError("test base rate", test_rate, f"none for {metric.title}")
    classes = classes_of(frame)
    return [
        _cleaning_gain(curve, values, base, test_rate, classes[curve.dataset])
        for curve, values in Accuracies.of(frame, metric).curves().items()
    ]


def _cleaning_gain(
    curve: Curve, values: Accuracies, base: BaseRate, test_rate: float, n_classes: int
) -> CleaningGain:
    symmetric = curve.corruption == "symmetric"
    kappa = n_classes / (n_classes - 1) if symmetric else 1.0
    if not kappa * base.high < 1:
        if base.n_audited:
            raise DataError(
                f"an audit: {base.n_wrong} of {base.n_audited} labels wrong, so that up to "
                f"{rate_text(base.high, math.ceil)} may be: expected less than {1 / kappa:.0%}; "
                "check more labels drawn at random"
            )
        raise SpecError("base rate", base.high, f"less than {1 / kappa:.3g}")
    started, metric = values.started, values.metric
    if test_rate:
        started = stretched(started, test_rate, n_classes)
    spread = pooled(values.rates, started, not metric.is_loss)
    lines = [
        _Line.of(values.rates, spread, metric, rate, kappa, power)
        for rate in (base.value, base.low, base.high)
        for power in POWERS
    ]
    gains = [line.gain for line in lines if line is not None]
    middle = lines[0]
    if middle is None:
        note = f"two rates up to {SPAN:.0%} above the base rate are needed, 0 among them"
        nothing = Gain(math.nan, math.nan, math.nan)
        return CleaningGain(curve, base, nothing, notes=(note,))
    found = [gain.value for gain in gains]
    reach = [value * factor for value in found for factor in (1 / FACTOR, FACTOR)]
    reach += [end for gain in gains for end in (gain.low, gain.high) if not math.isnan(end)]
    return CleaningGain(
        curve,
        base,
        Gain(sum(found[: len(POWERS)]) / len(POWERS), min(found), max(found)),
        min(reach),
        max(reach),
        middle.slope,
        middle.told,
        middle.rates,
        tuple(_notes(middle, test_rate)) if base.high else (),
    )


@dataclass(frozen=True)
class _Line:
    """Log error over a power of the depth: level and slope, as known as replicates make them.

    ``below`` is that power of the depth of the data as given, where the level is.
    """

    below: float
    level: float
    slope: float
    covariance: Floats
    freedom: float
    rates: tuple[float, ...]

    @classmethod
    def of(
        cls,
        rates: Floats,
        spread: Spread,
        metric: Metric,
        base: float,
        kappa: float,
        power: float,
    ) -> _Line | None:
        """By weighted least squares; None for fewer than two rates."""
        given = float(depth(base, kappa))
        most = depth(min(base + SPAN, (1 - 1e-9) / kappa), kappa) - given + 1e-9
        near = (spread.n > 0) & (kappa * rates < 1)
        near[near] = depth(rates[near], kappa) <= most
        if near.sum() < 2:
            return None
        n, mean, variance, freedom = (np.asarray(each, np.float64)[near] for each in spread)
        errors = np.maximum(mean if metric.is_loss else 1 - mean, LEAST_ERROR)
        known = bool((freedom > 0).all())
        weights = n * errors**2 / variance if known else n
        above = (given + depth(rates[near], kappa)) ** power - given**power
        design = np.column_stack([np.ones(len(n)), above])
        covariance: Floats = np.linalg.inv(design.T * weights @ design).astype(np.float64)
        level, slope = covariance @ (design.T @ (weights * np.log(errors)))
        total = float(freedom.sum()) if known else 0.0
        at = tuple(map(float, rates[near]))
        return cls(given**power, float(level), float(slope), covariance, total, at)

    @property
    def told(self) -> bool:
        """Whether replicates tell the slope from none."""
        student = float(quantile(np.array(self.freedom)))
        return abs(self.slope) > student * math.sqrt(self.covariance[1, 1])

    @property
    def gain(self) -> Gain:
        """What is gained at depth 0, and its 95 % interval if the line goes on."""
        now, then = math.exp(self.level), math.exp(self.level - self.slope * self.below)
        gradient = np.array([now - then, self.below * then])
        error = math.sqrt(gradient @ self.covariance @ gradient)
        half = float(quantile(np.array(self.freedom))) * error
        return Gain(now - then, now - then - half, now - then + half)


def _notes(line: _Line, test_rate: float) -> Iterator[str]:
    yield (
        "taken as if errors in the data were of the kind that the run adds, which no run can tell: "
        "mending others brought up to six times as much"
    )
    if len(line.rates) == 2:
        yield "from two rates alone, so that a bend could not be seen"
    if not line.freedom:
        yield "single replicates: no telling how far chance reaches"
    if test_rate:
        yield TEST_NOISE


def cleaning_text(found: CleaningGain, metric: Metric = ACCURACY) -> str:
    """A cleaning gain as a sentence without its full stop."""
    base = found.base
    if base.high == 0:
        return "no label is wrong, so that there is nothing to mend"
    wrong = rate_text(base.value)
    if base.low < base.high:
        wrong = f"{rate_text(base.low).removesuffix(' %')} to {rate_text(base.high)}"
    begun = f"mending every label ({wrong} wrong)"
    if math.isnan(found.gain.value):
        return f"{begun}: no estimate, {listing(found.notes)}"
    low, high = (metric.number(abs(end)) for end in (found.gain.low, found.gain.high))
    verb = "cost" if found.gain.value < 0 else "bring"
    low, high = (high, low) if found.gain.value < 0 else (low, high)
    size = low if low == high else f"{low} to {high}"
    told = f"{begun} would {verb} roughly {size} {metric.difference}".rstrip()
    if not found.told:
        return f"{told}, which replicates don't tell from nothing"
    return told
