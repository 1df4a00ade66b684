"""One number for how two curves differ, fixed before they are looked at.

The mean difference over the rates up to the smaller of the two midpoints: beyond it at least one
model has lost half of what it knew, and a difference says little of use.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from gigo.analysis.curves import Accuracies, Curve
from gigo.analysis.intervals import Floats, quantile
from gigo.analysis.metric import Metric
from gigo.analysis.multiple import LEVEL, holm, p_value
from gigo.analysis.spread import Spread, correlation, pooled
from gigo.analysis.tolerance import midpoint
from gigo.analysis.words import count, rate_text

GOAL = 0.02
"""The difference for which it is said how many replicates would tell it: 2 points."""


@dataclass(frozen=True)
class Contrast:
    """How much better A is than B on average over rates; of losses too, above 0 is better.

    Attributes:
        a, b: the curves.
        upto: the highest rate in the mean.
        value: in the metric's unit.
        low, high: ends of its 95 % interval, not adjusted.
        p: of no difference, not adjusted.
        replicates: the fewest at a rate of either.
        needed: how many it would take to know it to within `GOAL`.
    """

    a: Curve
    b: Curve
    upto: float
    value: float
    low: float
    high: float
    p: float
    replicates: int
    needed: int


def contrast(
    a: tuple[Curve, Accuracies], b: tuple[Curve, Accuracies], n_test: int | None = None
) -> Contrast | None:
    """Compare two curves at the rates that both have; None for fewer than two trainings somewhere.

    Means of the two are taken as independent: trainings of one number that share a seed differ
    about as much as others do. Only rate 0 of two corruptions is the same trials.

    Args:
        a: the name of one, and its values.
        b: those of the other, in the same metric.
        n_test: test items, where known.
    """
    (name_a, of_a), (name_b, of_b) = a, b
    ends = [found.value for found in (midpoint(of_a, n_test), midpoint(of_b, n_test))]
    upto = min((end for end in ends if end is not None), default=math.inf)
    sides = [_Side.of(curve, n_test) for curve in (of_a, of_b)]
    if sides[0] is None or sides[1] is None:
        return None
    rates = np.intersect1d(sides[0].rates, sides[1].rates)
    rates = rates[: max(int((rates <= upto).sum()), 2)]
    if len(rates) < 2:
        return None
    shared = name_a._replace(corruption="") == name_b._replace(corruption="")
    means, variances, freedom = zip(
        *(side.mean(rates, skip_first=shared and rates[0] == 0) for side in sides if side),
        strict=True,
    )
    # Errors, so that less is better.
    value = means[1] - means[0]
    total = sum(variances)
    lost = sum(part**2 / df for part, df in zip(variances, freedom, strict=True))
    error, df = math.sqrt(total), total**2 / lost
    half = float(quantile(np.array(df))) * error
    n = min(side.fewest(rates) for side in sides if side)
    p = p_value(np.array([value]), np.array([error]), np.array([df])).item()
    needed = math.ceil(n * total * (1.96 / GOAL) ** 2) + 1
    return Contrast(
        name_a, name_b, float(rates[-1]), value, value - half, value + half, p, n, needed
    )


def of_corruptions(
    curves: Mapping[Curve, Accuracies], n_test: Mapping[str, int] | None = None
) -> list[Contrast]:
    """Each kind of corruption against the first of its training set and settings, in order.

    Args:
        curves: all of a run.
        n_test: test items by data set, where known.
    """
    first: dict[Curve, Curve] = {}
    found: list[Contrast] = []
    for name, curve in curves.items():
        held = first.setdefault(name._replace(corruption=""), name)
        if held != name:
            number = (n_test or {}).get(name.dataset)
            one = contrast((name, curve), (held, curves[held]), number)
            found += [] if one is None else [one]
    return found


@dataclass(frozen=True)
class _Side:
    """The trainings of one curve."""

    rates: Floats
    spread: Spread

    @classmethod
    def of(cls, curve: Accuracies, n_test: int | None) -> _Side | None:
        there = ~np.isnan(curve.started).all(axis=1)
        loss, rates = curve.metric.is_loss, curve.rates[there]
        errors = curve.started[there] if loss else 1 - curve.started[there]
        spread = pooled(rates, errors, not loss, n_test)
        return cls(rates, spread) if spread.freedom.any() else None

    def _at(self, rates: Floats) -> list[int]:
        return np.flatnonzero(np.isin(self.rates, rates)).tolist()

    def fewest(self, rates: Floats) -> int:
        """Trainings at one of these rates."""
        return int(self.spread.n[self._at(rates)].min())

    def mean(self, rates: Floats, skip_first: bool) -> tuple[float, float, float]:
        """The mean error over rates, its variance and degrees of freedom, straight between them.

        Args:
            rates: (R,) that were run.
            skip_first: whether the first one adds no variance.
        """
        at = self._at(rates)
        widths = np.diff(rates)
        weights = (np.r_[widths, 0] + np.r_[0, widths]) / 2 / widths.sum()
        n, mean, variance, freedom = (np.asarray(each, float)[at] for each in self.spread)
        parts = weights * np.sqrt(variance)
        if skip_first:
            parts[0] = 0.0
        # Means of replicates that both rates have.
        together = correlation(rates) / np.maximum(n[:, None], n)
        return float(weights @ mean), float(parts @ together @ parts), float(freedom.min())


def apart(found: Sequence[Contrast]) -> list[bool]:
    """Whether each is a difference, all of them considered (`gigo.analysis.multiple.holm`)."""
    return (holm(np.array([each.p for each in found])) < LEVEL).tolist()


def contrast_text(found: Contrast, names: tuple[str, str], differs: bool, metric: Metric) -> str:
    """A contrast as a sentence without its full stop; ``differs`` is after adjusting for many."""
    unit = metric.difference or f"of {metric.title}"
    upto = f"on average up to a rate of {rate_text(found.upto)}"
    if differs:
        value, low, high = found.value, found.low, found.high
        better = "better"
        if value < 0:
            value, low, high, better = -value, -high, -low, "worse"
        ends = f"{metric.points(low)} to {metric.points(high)}".replace("+", "")
        return (
            f"{names[0]} is {metric.number(value)} {unit} {better} than {names[1]} ({ends}), {upto}"
        )
    ends = f"{metric.points(found.low)} to {metric.points(found.high)}".replace("+", "")
    among = " as one of many comparisons" if found.low > 0 or found.high < 0 else ""
    told = (
        f"{names[0]} and {names[1]} are not told apart with {count(found.replicates, 'replicate')}"
        f"{among}: {metric.points(found.value).removeprefix('+')} {unit} ({ends}), {upto}"
    )
    if found.needed > found.replicates:
        told += f"; to tell {metric.number(GOAL)} {unit}, about {found.needed:,} would be needed"
    return told
