"""Whether money is better spent on cleaning labels, on collecting more, or not at all.

Cleaning checks labels drawn at random and mends the wrong ones among them: at *k* of *n*, rate
*r* becomes *r (1 - k/n)*. Collecting adds labels of the same rate. Inside the sizes and rates that
were run both are read off: between cells log error goes straight over log size and rate. Outside
they are estimates, and a winner is named only where the ranges of gain per unit of money do not
overlap.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd

from gigo.analysis.base_rate import BaseRate
from gigo.analysis.cleaning import CleaningGain, cleaning_gains
from gigo.analysis.collecting import Gain, LearningCurve, learning_curves
from gigo.analysis.estimates import Accuracies, Curve
from gigo.analysis.exchange import Cell, cells_of, families
from gigo.analysis.intervals import quantile
from gigo.analysis.metric import ACCURACY, Metric
from gigo.analysis.words import listing
from gigo.errors import SpecError

WORTH = 0.001
"""The least gain worth buying, in units of the metric: a tenth of a point."""

MANY = 1000
"""Replicates that nobody runs."""

Verdict = Literal["clean", "collect", "stop", "can't tell"]


@dataclass(frozen=True)
class Prices:
    """What things cost, in one currency.

    Attributes:
        check: per label inspected, and mended where it is wrong.
        label: per new label.
        budget: what there is to spend.

    Raises:
        SpecError: one is not above 0.
    """

    check: float
    label: float
    budget: float

    def __post_init__(self) -> None:
        named = {"check-cost": self.check, "label-cost": self.label, "budget": self.budget}
        for name, value in named.items():
            if not 0 < value < math.inf:
                raise SpecError(name, value, "a number above 0")


@dataclass(frozen=True)
class Option:
    """One way to spend the money.

    Attributes:
        labels: how many are checked, or bought.
        cost: of these.
        gain: with its range.
        measured: whether it lies inside what was run.
        needs: what would narrow the range, as phrases.
    """

    labels: int
    cost: float
    gain: Gain
    measured: bool = False
    needs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Purchase:
    """What to buy.

    Attributes:
        curve: of the labels there are.
        rate: of wrong labels among them, on top of what the data hold.
        verdict: what to do.
        clean, collect: the two ways; None where nothing can be said of one.
        sentence: the verdict with its numbers.
    """

    curve: Curve
    rate: float
    verdict: Verdict
    clean: Option | None
    collect: Option | None
    sentence: str


def purchases(
    frame: pd.DataFrame,
    prices: Prices,
    metric: Metric = ACCURACY,
    base: BaseRate | None = None,
    size: int | None = None,
    rate: float = 0.0,
) -> list[Purchase]:
    """What to buy, for each data set, corruption, model, recipe and validation.

    Args:
        frame: of a run.
        prices: what things cost.
        metric: what is to be gained.
        base: how many labels of the data as given are wrong: needed to clean below rate 0.
        size: labels there are, one of those run; the largest unless said.
        rate: how many of them are wrong, one of those run.

    Raises:
        SpecError: size or rate were not run.
    """
    cleaned: dict[Curve, CleaningGain] = {}
    if base is not None and rate == 0:
        cleaned = {each.curve: each for each in cleaning_gains(frame, base, metric)}
    curves = learning_curves(frame, metric, rate)
    found: list[Purchase] = []
    for sets, growing in zip(families(frame, metric), curves, strict=True):
        grid = Grid(sets)
        name = _named(sets, size)
        grid.check(name.size, rate)
        clean, collect = grid.options(name.size, rate, prices)
        apart = grid.contrast(name.size, rate, clean, collect) if clean and collect else None
        if clean is None and name in cleaned:
            clean = cleaning_option(cleaned[name], prices)
        if collect is None and growing.curve == name:
            collect = collecting_option(growing, prices)
        found.append(decide(name, rate, clean, collect, metric, apart, grid.replicates))
    return found


def _named(sets: Mapping[Curve, Accuracies], size: int | None) -> Curve:
    by_size = {curve.size: curve for curve in sets}
    if size is None:
        return by_size[max(by_size)]
    if size not in by_size:
        raise SpecError("size", size, f"one that was run: {listing(map(str, by_size), 'or')}")
    return by_size[size]


class _Point(NamedTuple):
    """An error, or a sum of errors, and what it gains per unit of that of each cell."""

    error: float
    slopes: dict[tuple[int, float], float]


class Grid:
    """The cells of sets that differ in the size alone."""

    def __init__(self, sets: Mapping[Curve, Accuracies]) -> None:
        self._cells: dict[tuple[int, float], Cell] = {
            (curve.size, rate): cell
            for curve, values in sets.items()
            for rate, cell in cells_of(values).items()
        }
        self._sizes = sorted({size for size, _ in self._cells})
        self._rates = sorted({rate for _, rate in self._cells})

    @property
    def replicates(self) -> int:
        """The fewest trained of any cell."""
        return min((cell.n for cell in self._cells.values()), default=0)

    def check(self, size: int, rate: float) -> None:
        """Raise a `SpecError` for a rate that was not run at a size."""
        if (size, rate) not in self._cells:
            run = [f"{each:g}" for number, each in sorted(self._cells) if number == size]
            raise SpecError("rate", rate, f"one at which models trained: {listing(run, 'or')}")

    def options(
        self, size: int, rate: float, prices: Prices
    ) -> tuple[Option | None, Option | None]:
        """Cleaning and collecting, each None outside what was run."""
        checked = min(int(prices.budget / prices.check), size)
        bought = int(prices.budget / prices.label)
        after = self._about(size, rate * (1 - checked / size)) if rate else None
        grown = self._about(size + bought, rate)
        start = self._cell(size, rate)
        return (
            self._option(checked, checked * prices.check, start, after),
            self._option(bought, bought * prices.label, start, grown),
        )

    def _option(self, labels: int, cost: float, start: _Point, end: _Point | None) -> Option | None:
        if end is None or not labels:
            return None
        gain = self._told(_sum([(1.0, start), (-1.0, end)]))
        return Option(labels, cost, gain, measured=True)

    def contrast(self, size: int, rate: float, clean: Option, collect: Option) -> Gain:
        """What cleaning brings more per unit of money than collecting, both measured."""
        start = self._cell(size, rate)
        after = self._about(size, rate * (1 - clean.labels / size)) or start
        grown = self._about(size + collect.labels, rate) or start
        both = [(1 / clean.cost, start), (-1 / clean.cost, after)]
        both += [(-1 / collect.cost, start), (1 / collect.cost, grown)]
        return self._told(_sum(both))

    def _cell(self, size: int, rate: float) -> _Point:
        return _Point(self._cells[size, rate].error, {(size, rate): 1.0})

    def _about(self, size: float, rate: float) -> _Point | None:
        """Log error between the cells about a point, straight over log size and rate."""
        weights: dict[tuple[int, float], float] = {}
        for a, first in _between([math.log(each) for each in self._sizes], math.log(size)):
            for b, second in _between(self._rates, rate):
                weights[self._sizes[a], self._rates[b]] = first * second
        if not weights or not weights.keys() <= self._cells.keys():
            return None
        errors = {where: self._cells[where].error for where in weights}
        error = math.exp(sum(weight * math.log(errors[at]) for at, weight in weights.items()))
        return _Point(error, {at: error * weight / errors[at] for at, weight in weights.items()})

    def _told(self, point: _Point) -> Gain:
        """A sum of errors with its interval; cells of a grid hardly depend on each other."""
        value = point.error
        cells = [(slope, self._cells[where]) for where, slope in point.slopes.items() if slope]
        parts = np.array([slope**2 * cell.variance for slope, cell in cells])
        freedom = np.array([cell.freedom for _, cell in cells])
        with np.errstate(divide="ignore", invalid="ignore"):
            lost = np.sum(parts**2 / freedom)
            half = float(quantile(parts.sum() ** 2 / lost) * np.sqrt(parts.sum()))
        return Gain(value, value - half, value + half)


def _sum(terms: Sequence[tuple[float, _Point]]) -> _Point:
    slopes: dict[tuple[int, float], float] = {}
    for factor, point in terms:
        for where, slope in point.slopes.items():
            slopes[where] = slopes.get(where, 0.0) + factor * slope
    return _Point(sum(factor * point.error for factor, point in terms), slopes)


def _between(points: Sequence[float], at: float) -> list[tuple[int, float]]:
    """The places of the points about a number, with their weights; none outside."""
    if not points or not points[0] - 1e-9 <= at <= points[-1] + 1e-9:
        return []
    after = int(np.searchsorted(points, at - 1e-9))
    if abs(points[after] - at) <= 1e-9:
        return [(after, 1.0)]
    share = (at - points[after - 1]) / (points[after] - points[after - 1])
    return [(after - 1, 1 - share), (after, share)]


def cleaning_option(found: CleaningGain, prices: Prices) -> Option | None:
    """Of an estimated gain, what a budget buys: its share of the labels that are checked."""
    size = found.curve.size
    labels = min(int(prices.budget / prices.check), size)
    if math.isnan(found.gain.value) or not labels:
        return None
    share = labels / size
    gain = Gain(share * found.gain.value, share * found.low, share * found.high)
    needs: list[str] = []
    if found.base.high > 1.5 * found.base.low:
        needs.append("a narrower base rate, by checking more labels drawn at random")
    if not found.told:
        needs.append("more replicates")
    return Option(labels, labels * prices.check, gain, needs=tuple(needs))


def collecting_option(found: LearningCurve, prices: Prices) -> Option | None:
    """Of a learning curve, what a budget buys, at most as many labels as there are."""
    if not found.sizes or found.sizes[-1] != found.curve.size:
        return None
    labels = min(int(prices.budget / prices.label), found.curve.size)
    if not labels:
        return None
    gain = found.gain(found.curve.size + labels)
    needs = ("more replicates",) if math.isnan(gain.low) else ()
    return Option(labels, labels * prices.label, gain, needs=needs)


def decide(
    curve: Curve,
    rate: float,
    clean: Option | None,
    collect: Option | None,
    metric: Metric = ACCURACY,
    apart: Gain | None = None,
    replicates: int = 0,
) -> Purchase:
    """The verdict on two ways to spend money.

    Args:
        curve: of the labels there are.
        rate: of wrong ones among them.
        clean: what cleaning brings; None where nothing can be said.
        collect: what collecting brings, likewise.
        metric: what gains are of.
        apart: where both are measured, what cleaning brings more per unit of money, which is
            better known than each alone.
        replicates: of the cells that were measured.
    """
    verdict, why = _verdict(clean, collect, apart, replicates)
    told = [_option_text("checking {} labels", clean, metric)] if clean else []
    told += [_option_text("{} new labels", collect, metric)] if collect else []
    sentence = f"{verdict}: {'; '.join([*told, *why])}"
    return Purchase(curve, rate, verdict, clean, collect, sentence)


def _verdict(
    clean: Option | None, collect: Option | None, apart: Gain | None, replicates: int
) -> tuple[Verdict, tuple[str, ...]]:
    """The verdict, and where it is none, what it would take."""
    if clean is None or collect is None:
        lacking = ["a base rate to tell what cleaning brings"] * (clean is None)
        lacking += ["three sizes or more to tell what new labels bring"] * (collect is None)
        return "can't tell", (f"it takes {listing(lacking)}",)
    if max(clean.gain.high, collect.gain.high) < WORTH:
        return "stop", ("neither is worth its money",)
    more = _apart(clean, collect) if apart is None else apart
    if more.low > 0 and clean.gain.value > 0:
        return "clean", ()
    if more.high < 0 and collect.gain.value > 0:
        return "collect", ()
    return "can't tell", (_what_would_tell(clean, collect, apart, replicates),)


def _apart(clean: Option, collect: Option) -> Gain:
    """Gains per unit of money, less each other: it holds 0 where their ranges overlap."""
    a, b = clean.gain, collect.gain
    return Gain(
        a.value / clean.cost - b.value / collect.cost,
        a.low / clean.cost - b.high / collect.cost,
        a.high / clean.cost - b.low / collect.cost,
    )


def _what_would_tell(clean: Option, collect: Option, apart: Gain | None, replicates: int) -> str:
    if apart is None:
        needs = list(dict.fromkeys([*clean.needs, *collect.needs]))
        return f"what would tell: {listing([*needs, 'a part of each bought, and run again'], 'or')}"
    half = (apart.high - apart.low) / 2
    if math.isnan(half):
        return "two replicates or more are needed to tell"
    if not abs(apart.value) * math.sqrt(MANY / replicates) > half:
        return f"they give the same, as far as {MANY:,} replicates could tell"
    # Half-widths shrink with the root of the number.
    needed = math.ceil(replicates * (half / apart.value) ** 2)
    return (
        f"not told apart with {replicates} replicates; about {needed:,} would be needed if "
        "the difference is what was measured"
    )


def _option_text(phrase: str, option: Option, metric: Metric) -> str:
    """What is bought, for how much, and what it brings."""
    gain = option.gain
    brings = f"{metric.points(gain.value)} {metric.difference}".rstrip()
    if not math.isnan(gain.low):
        brings += f" ({metric.points(gain.low)} to {metric.points(gain.high)})"
    how = "" if option.measured else "roughly "
    return f"{phrase.format(f'{option.labels:,}')} for {option.cost:,.6g}: {how}{brings}"
