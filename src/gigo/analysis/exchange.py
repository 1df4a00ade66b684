"""What labels of which some are wrong are worth in clean ones, where sizes and rates were run.

*n* labels at rate *r* are worth as many clean ones as give the same mean error. The error of
clean labels is smoothed over the size (log error over log size) and inverted at the mean at *(n,
r)*. Never beyond the sizes run.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd

from gigo.analysis.clean_curve import CleanCurve
from gigo.analysis.estimates import Accuracies, Curve
from gigo.analysis.metric import ACCURACY, Metric
from gigo.analysis.spread import Spread, pooled
from gigo.analysis.words import MISSING, USUAL, Spoken, count, listing
from gigo.axes import AXES, CURVE

LEAST_ERROR = 1e-3
"""Errors below it count as it: the logarithm of none says nothing."""


UNKNOWN = (math.nan, math.nan, math.nan)


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

    @property
    def share_low(self) -> float:
        return self.low / self.curve.size

    @property
    def share_high(self) -> float:
        return self.high / self.curve.size


EXCHANGE_COLUMNS: dict[str, str] = {
    **{axis: AXES[axis] for axis in (*CURVE, "rate")},
    "value": "as many clean labels give the same; 0 fewer than smallest, inf more than largest",
    "low": "lower end of its 95 % interval, in the same terms; empty for one replicate",
    "high": "upper end of it",
    "share": "value over size",
    "share_low": "lower end of its 95 % interval",
    "share_high": "upper end of it",
    "smallest": "size of the smallest clean set that was run",
    "largest": "of the largest",
    "theory": "(1 - r/r*)**2 for symmetric noise, r* its cliff; a reference, no law; else empty",
    "notes": "what a reader must know beside the numbers",
}
"""Every column of `exchange_table`, with its meaning and unit."""


def exchange_table(frame: pd.DataFrame, metric: Metric = ACCURACY) -> pd.DataFrame:
    """One row per curve and rate above 0; the columns are those of `EXCHANGE_COLUMNS`."""
    rows = [
        {
            **each.curve._asdict(),
            **{name: getattr(each, name) for name in EXCHANGE_COLUMNS if name not in CURVE},
            "notes": "; ".join(each.notes),
        }
        for each in exchanges(frame, metric)
    ]
    return pd.DataFrame(rows, columns=list(EXCHANGE_COLUMNS))


def exchanges(frame: pd.DataFrame, metric: Metric = ACCURACY) -> list[Exchange]:
    """What the labels of each set are worth at each rate above 0, in the table's order.

    Sets are compared with clean ones of the same data, corruption, model, recipe and validation.
    Their replicates are not paired: those of different sizes are as good as independent.
    """
    n_classes = classes_of(frame)
    found: list[Exchange] = []
    for sets in families(frame, metric):
        clean = _Clean.of(sets)
        for curve, values in sets.items():
            cells = cells_of(values)
            rows = values.points[["rate", "n_trials"]].itertuples(index=False)
            for rate, n_trials in ((float(a), int(b)) for a, b in rows if a > 0):
                ends, notes = clean.worth(cells.get(rate), n_trials)
                theory = _theory(curve.corruption, rate, n_classes[curve.dataset])
                run = clean.smallest, clean.largest
                found.append(Exchange(curve, rate, *ends, *run, theory, notes))
    return found


def classes_of(frame: pd.DataFrame) -> dict[str, int]:
    """The number of classes of each data set of a table."""
    sets = frame.drop_duplicates("dataset")
    return {name: int(n) for name, n in zip(sets["dataset"], sets["n_classes"], strict=True)}


def families(frame: pd.DataFrame, metric: Metric) -> list[dict[Curve, Accuracies]]:
    """The curves of a table that differ in the size alone, in the table's order."""
    found: dict[Curve, dict[Curve, Accuracies]] = {}
    for curve, values in Accuracies.of(frame, metric).curves().items():
        found.setdefault(curve._replace(size=0), {})[curve] = values
    return list(found.values())


class Cell(NamedTuple):
    """The mean error of n trainings at one size and rate, and the variance of that mean."""

    n: int
    error: float
    variance: float
    freedom: float

    @classmethod
    def of(cls, metric: Metric, spread: Spread, place: int) -> Cell:
        """From the spread of a curve; the error of a score is what it lacks to 1, of a loss it."""
        n, mean, variance, freedom = (float(each[place]) for each in spread)
        error = max(mean if metric.is_loss else 1 - mean, LEAST_ERROR)
        return cls(int(n), error, variance / n if n else math.nan, freedom)


def cells_of(values: Accuracies) -> dict[float, Cell]:
    """By rate, ascending, the cells of one curve in which a trial started."""
    metric = values.metric
    spread = pooled(values.rates, values.started, not metric.is_loss)
    rates = map(float, values.rates)
    return {rate: Cell.of(metric, spread, k) for k, rate in enumerate(rates) if spread.n[k]}


def cells_at(sets: Mapping[Curve, Accuracies], rate: float) -> dict[int, Cell]:
    """By size, ascending, the cells at one rate in which a trial started."""
    found = {curve.size: cells_of(values) for curve, values in sets.items()}
    return {size: found[size][rate] for size in sorted(found) if rate in found[size]}


class _Clean(NamedTuple):
    """The clean sets of a family: the curve through them, None for fewer than two."""

    curve: CleanCurve | None
    smallest: int = 0
    largest: int = 0
    notes: tuple[str, ...] = ()

    @classmethod
    def of(cls, sets: Mapping[Curve, Accuracies]) -> _Clean:
        cells = cells_at(sets, 0.0)
        if len(cells) < 2:
            note = "sets of two sizes or more are needed at rate 0, to compare with"
            return cls(None, notes=(note,))
        sizes = np.array(list(cells), np.float64)
        _, errors, variances, freedom = np.array(list(cells.values()), np.float64).T
        notes: list[str] = []
        if len(cells) == 2:
            notes.append("sets of two sizes alone at rate 0: what lies between is a guess")
        if errors[-1] >= errors[0]:
            notes.append("more labels were no better here at rate 0, so that they can't be counted")
        curve = CleanCurve.through(sizes, errors, variances, freedom)
        return cls(curve, int(sizes[0]), int(sizes[-1]), tuple(notes))

    def worth(
        self, cell: Cell | None, n_trials: int
    ) -> tuple[tuple[float, float, float], tuple[str, ...]]:
        """What a cell's labels are worth, with notes."""
        if cell is None:
            return UNKNOWN, (*self.notes, "no model at this rate trained")
        left = n_trials - cell.n
        out = f"left out: {count(left, 'model')} of {n_trials} that did not train"
        notes = (*self.notes, out) if left else self.notes
        if self.curve is None:
            return UNKNOWN, notes
        return self.curve.worth(cell.error, cell.variance, cell.freedom), notes


def _theory(corruption: str, rate: float, n_classes: int) -> float:
    if corruption != "symmetric" or n_classes < 2:
        return math.nan
    return max(1 - rate * n_classes / (n_classes - 1), 0.0) ** 2


def exchange_text(found: Exchange, spoken: Spoken = USUAL) -> str:
    """An exchange rate as a sentence without its full stop.

    >>> curve = Curve("digits", 1000, "symmetric", "mlp", "auto", "clean")
    >>> print(exchange_text(Exchange(curve, 0.3, 428.0, 314.0, 631.0, 100, 1000, 0.44)))
    1,000 labels at 30 % wrong are worth 430 (310 to 640) clean ones
    >>> print(exchange_text(Exchange(curve, 0.6, 0.0, 0.0, 122.0, 100, 1000, 0.11)))
    1,000 labels at 60 % wrong are worth fewer than 100 (up to 130) clean ones
    """
    begun = f"{found.curve.size:,} labels at {spoken.at(found.rate)}"
    if math.isnan(found.value):
        return f"{begun}: no estimate, {listing(found.notes)}"
    between = between_text(found)
    told = f"{begun} are worth {worth_text(found)}"
    return f"{told} ({between}) {spoken.clean}" if between else f"{told} {spoken.clean}"


def worth_text(found: Exchange) -> str:
    """As many clean labels, without the word; a dash where there is no estimate."""
    return MISSING if math.isnan(found.value) else _labels(found, found.value, round)


def between_text(found: Exchange) -> str:
    """The interval: ``100 to 230``, ``up to 150``; empty where the value says all."""
    if math.isnan(found.low):
        return ""
    low, high = (
        _labels(found, found.low, math.floor),
        _labels(found, found.high, math.ceil),
    )
    if low == high:
        return ""
    if found.low == 0 and not math.isinf(found.high):
        return f"up to {high}"
    if found.low == 0:
        return f"anything from {low} to {high}"
    return f"{low} or more" if math.isinf(found.high) else f"{low} to {high}"


def _labels(found: Exchange, value: float, rounded: Callable[[float], float]) -> str:
    """A number of labels to two digits, within those run."""
    if value == 0:
        return f"fewer than {found.smallest:,}"
    if math.isinf(value):
        return f"more than {found.largest:,}"
    unit = 10 ** max(math.floor(math.log10(value)) - 1, 0)
    number = rounded(round(value / unit, 6)) * unit
    return f"{min(max(int(number), found.smallest), found.largest):,}"
