"""What wrong labels cost, and how many of them a metric stands, with intervals.

Two ways, chosen beforehand: where every rate has ten replicates or more, and the same ones,
Student's interval for paired differences; else a smooth curve (`gigo.analysis.smooth`) with pooled
variances (`gigo.analysis.spread`). See docs/statistics.md for how often they hold.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from gigo.analysis.allowed import Allowed, usual
from gigo.analysis.curves import Accuracies
from gigo.analysis.intervals import Estimate, Floats, first_below, quantile
from gigo.analysis.trained import Band, Trained
from gigo.analysis.words import rate_text

FEW = 5
"""Replicates below which a cliff may be missed."""


@dataclass(frozen=True)
class Loss:
    """How much worse the metric is at a rate than with clean labels; above 0 is worse.

    Attributes:
        rate: 0 to 1.
        value: of the mean of trainings, in the metric's own unit (a share for accuracy); None
            where nothing can be said, and ``notes`` say why.
        low, high: ends of its 95 % interval; None where unknown.
        single: ends of the interval in which a single training lies with 95 %, against the mean
            with clean labels; None where unknown.
        to_run: the rates to run, where an end rests on a gap between those run.
        notes: what a reader must know beside the numbers, as plain phrases.
    """

    rate: float
    value: float | None
    low: float | None = None
    high: float | None = None
    single: tuple[float, float] | None = None
    to_run: tuple[float, ...] = ()
    notes: tuple[str, ...] = ()


def tolerance(
    curve: Accuracies,
    allowed: Allowed | None = None,
    items: int | None = None,
    item_variance: Floats | None = None,
) -> Estimate:
    """The first rate at which the mean of trainings loses more than is allowed.

    The interval holds the rates at which a band about the curve meets what is allowed (Fieller
    1954); its ends lie straight between measured rates. Where one would lie in a gap of more than
    15 points it moves to the far edge, and the estimate says which rates to run. Where the means
    fall off a cliff, it holds the whole cell.

    Args:
        curve: one alone; only its started trials count.
        allowed: to lose; by default `gigo.analysis.allowed.usual`, and without one no value.
        items: in the test set, where known.
        item_variance: (P,) at each rate of the curve, of ``metric - target`` over draws of test
            items; with it the interval is for new data.
    """
    allowed = allowed or usual(curve.metric)
    if allowed is None:
        return _no_default(curve)
    trained = Trained.of(curve, items, item_variance)
    lacking = _lacking(curve, trained)
    if lacking is not None:
        return Estimate(None, notes=(lacking,))
    value, low, high = (first_below(trained.rates, each) for each in trained.within(allowed))
    cliff = trained.cliff(allowed)
    if cliff is not None and low is not None and high is not None:
        low, high = min(low, cliff[0]), max(high, cliff[1])
    gaps = [None if end is None else trained.gap(end) for end in (low, high)]
    cells = [None if end is None else trained.unknown(end) for end in (low, high)]
    low, high = cells[0][0] if cells[0] else low, cells[1][1] if cells[1] else high
    estimate = Estimate(value, low, high, float(trained.rates[-1]), (), _to_run(gaps, curve))
    return replace(estimate, notes=tuple(_notes(estimate, curve, trained, allowed)))


def midpoint(
    curve: Accuracies, items: int | None = None, item_variance: Floats | None = None
) -> Estimate:
    """The first rate at which the mean has fallen half-way from that at rate 0 to chance."""
    chance = float(curve.points["chance"].iloc[0])
    if math.isnan(chance):
        return Estimate(None, notes=(f"what guessing gives is not known for {curve.metric.title}",))
    half_way = Allowed(keep=0.5, lose=-chance / 2)
    return tolerance(curve, half_way, items, item_variance)


def single(curve: Accuracies, allowed: Allowed | None = None, items: int | None = None) -> Estimate:
    """The rate up to which one single training loses no more than is allowed, with 95 %.

    A one-sided prediction limit: at this rate about one training in twenty falls short, counting
    those that start. It lies below the tolerance of the mean, and is 0 where one in twenty falls
    short with clean labels already. The estimate has a value alone.
    """
    allowed = allowed or usual(curve.metric)
    if allowed is None:
        return _no_default(curve)
    trained = Trained.of(curve, items)
    lacking = _lacking(curve, trained)
    if lacking is None and trained.spread is None:
        lacking = "one replicate does not say how trainings differ"
    if lacking is not None:
        return Estimate(None, notes=(lacking,))
    value = first_below(trained.rates, trained.within_single(allowed).low)
    assert value is not None  # every rate has a mean and an error
    cliff = trained.cliff(allowed)
    if cliff is not None:
        value = min(value, cliff[0])
    gap, cell = trained.gap(value), trained.unknown(value)
    value = value if cell is None else cell[0]
    return Estimate(value, highest_rate=float(trained.rates[-1]), to_run=_to_run([gap], curve))


def loss(
    curve: Accuracies, rate: float, items: int | None = None, item_variance: Floats | None = None
) -> Loss:
    """How much worse the mean of trainings is at a rate than with clean labels; see `losses`."""
    return losses(curve, [rate], items, item_variance)[0]


def losses(
    curve: Accuracies,
    rates: Sequence[float] | None = None,
    items: int | None = None,
    item_variance: Floats | None = None,
) -> list[Loss]:
    """How much worse the mean of trainings is at each rate than with clean labels.

    Between rates run, the loss and its ends lie straight; in a gap of more than 15 points, or down
    a cliff, the interval holds those of both edges. Nothing is said beyond the rates run.

    Args:
        curve: one alone; only its started trials count.
        rates: 0 to 1; by default those above 0 at which a model trained.
        items: in the test set, where known.
        item_variance: (P,) at each rate of the curve, of ``clean - metric`` over draws of test
            items; with it the intervals are for new data.
    """
    trained = Trained.of(curve, items, item_variance)
    asked = [float(rate) for rate in trained.rates if rate > 0] if rates is None else rates
    lacking = _lacking(curve, trained)
    if lacking is not None:
        return [Loss(rate, None, notes=(lacking,)) for rate in asked]
    band = trained.lost()
    single = band if trained.spread is None else trained.lost_single()
    return [_loss(rate, curve, trained, band, single) for rate in asked]


def _loss(rate: float, curve: Accuracies, trained: Trained, band: Band, single: Band) -> Loss:
    if not 0 <= rate <= trained.rates[-1]:
        highest = rate_text(float(trained.rates[-1]))
        return Loss(rate, None, notes=(f"{highest} is the highest rate at which a model trained",))
    most, gap, clean = curve.metric.most, trained.gap(rate), float(trained.mean[0])
    height = np.clip(band.height, -clean, most - clean)  # a smooth curve may leave what errors are
    value = float(np.interp(rate, trained.rates, height))
    if trained.spread is None:
        return Loss(rate, value, notes=("one replicate, no interval",))
    low, high = _ends(trained, rate, band, most)
    return Loss(rate, value, low, high, _ends(trained, rate, single, most), _to_run([gap], curve))


def _ends(trained: Trained, rate: float, band: Band, most: float) -> tuple[float, float]:
    """Of a band of losses at a rate, within what errors can come to: 0 to ``most``."""
    clean = float(trained.mean[0])
    low, high = (np.clip(each, -clean, most - clean) for each in (band.low, band.high))
    cell = trained.cell(rate)
    if cell is not None and trained.unknown(rate) is not None:
        return float(low[cell : cell + 2].min()), float(high[cell : cell + 2].max())
    return float(np.interp(rate, trained.rates, low)), float(np.interp(rate, trained.rates, high))


def _no_default(curve: Accuracies) -> Estimate:
    return Estimate(None, notes=(f"{curve.metric.title} has no default tolerance",))


def _lacking(curve: Accuracies, trained: Trained) -> str | None:
    """Why nothing can be said of a curve, if so."""
    if curve.lacking is not None:
        return curve.lacking
    if len(trained.rates) == 1:
        return "no model that trained at a rate above 0"
    chance = float(curve.points["chance"].iloc[0])
    clean = 1 - float(trained.mean[0])
    if trained.bounded and not math.isnan(chance):
        error = 0.0
        if trained.spread is not None:
            n, _, variance, freedom = (each[0] for each in trained.spread)
            error = float(quantile(freedom) * np.sqrt(variance / n))
        if clean - error <= chance:
            metric = curve.metric
            return (
                f"{metric.title} at rate 0, {metric.text(clean)}, is not told apart from "
                f"guessing, {metric.text(chance)}"
            )
    return None


def _notes(
    estimate: Estimate, curve: Accuracies, trained: Trained, allowed: Allowed
) -> Iterator[str]:
    """What a reader must know beside an estimate."""
    metric, replicates = curve.metric, int(np.max(np.sum(~np.isnan(trained.errors), axis=1)))
    if trained.spread is None:
        yield "one replicate, no interval"
    clean = float(trained.mean[0])
    if trained.items and 1 / trained.items > trained.target(allowed, clean) - clean:
        yield f"one of the {trained.items} test items is more than the loss that is allowed"
    cliff = trained.cliff(allowed)
    if cliff is not None:
        where = f"{rate_text(cliff[0])} and {rate_text(cliff[1])}"
        few = f"; {replicates} replicates do not always show this" if replicates < FEW else ""
        yield f"it falls steeply between {where}, and the interval holds all of that{few}"
    ends = [end for end in (estimate.value, estimate.low, estimate.high) if end is not None]
    empty = np.isnan(curve.started).all(axis=1)
    # A rate without a trial matters if the one before it lies short of the last end.
    before = np.maximum.accumulate(np.where(empty, 0.0, curve.rates))
    left_out = curve.rates[empty & (before < max(ends))]
    if len(left_out):
        yield f"no trial started at {', '.join(map(rate_text, left_out))}, which is left out"
    if estimate.censored and trained.mean[-1] <= trained.mean[0]:
        yield f"{metric.title} is no worse at {rate_text(trained.rates[-1])} than at rate 0"


def _to_run(gaps: Iterable[tuple[float, float] | None], curve: Accuracies) -> tuple[float, ...]:
    """Rates that fill gaps: the multiples of 10 % within, but those that were run."""
    tens = np.arange(1, 10) / 10
    within = {
        float(rate)
        for gap in gaps
        if gap is not None
        for rate in tens[(tens > gap[0] + 1e-9) & (tens < gap[1] - 1e-9)]
    }
    return tuple(sorted(rate for rate in within if not np.isclose(curve.rates, rate).any()))
