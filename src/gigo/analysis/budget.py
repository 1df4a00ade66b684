"""Label once or more often: training sets that cost equally many votes, against each other.

A budget is a number of votes, size times votes per item (Sheng, Provost & Ipeirotis 2008, "Get
another label? Improving data quality and data mining using multiple, noisy labelers"). Points are
those at rate 1, where labels are what the labellers gave.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import combinations
from typing import NamedTuple

import numpy as np
import pandas as pd

from gigo.analysis.curves import Accuracies, Curve
from gigo.analysis.intervals import Floats, moments, quantile
from gigo.analysis.metric import ACCURACY, Metric
from gigo.analysis.multiple import LEVEL, holm, p_value
from gigo.analysis.spread import least_variance
from gigo.analysis.words import count
from gigo.content import canonical
from gigo.grid import Grid

ANNOTATORS = "annotators"
"""The corruption of the catalogue that gives items votes."""


class Labelling(NamedTuple):
    """How items get their labels.

    Attributes:
        votes: per item.
        others: everything else of it, such as the labellers' skills.
    """

    votes: int
    others: str


def labellings(grids: Iterable[Grid]) -> dict[str, Labelling]:
    """By a corruption's label, of those that give items votes.

    >>> from gigo.resolve import resolve
    >>> from gigo.study import Study
    >>> kinds = ["symmetric", {"name": "annotators", "votes": 3, "called": "three votes"}]
    >>> labellings([resolve(Study.create(dataset="digits", corruption=kinds))])
    {'three votes': Labelling(votes=3, others='{"name":"annotators"}')}
    """
    found: dict[str, Labelling] = {}
    for each in (kind for grid in grids for kind in grid.corruptions):
        plain = each.to_json()
        if plain.get("name") == ANNOTATORS:
            votes = plain.pop("votes", 1)
            found[each.label] = Labelling(votes, canonical(plain))
    return found


@dataclass(frozen=True)
class SameBudget:
    """Fewer votes for more items, against more votes for fewer items, everything else the same.

    Attributes:
        few, many: their curves.
        votes: per item, of each.
        means: of each, in the metric's unit, over the replicates that both have.
        value: by how much fewer votes are better; of losses too, above 0 is better.
        low, high: ends of its 95 % interval, not adjusted; NaN for one replicate.
        p: of no difference, not adjusted; NaN likewise.
        differs: whether it is told apart, all of them considered (`gigo.analysis.multiple.holm`).
        replicates: how many both have.
    """

    few: Curve
    many: Curve
    votes: tuple[int, int]
    means: tuple[float, float]
    value: float
    low: float
    high: float
    p: float
    replicates: int
    differs: bool = False


def contrasts(
    frame: pd.DataFrame,
    found: Mapping[str, Labelling],
    metric: Metric = ACCURACY,
    n_test: Mapping[str, int] | None = None,
) -> list[SameBudget]:
    """Every two points of the same labellers and settings that cost the same number of votes.

    Numbers of votes are the same where no item more could have been labelled of the difference.
    The interval is Student's, of the differences within replicates: these are independent of each
    other, however alike the two trainings of one are.

    Args:
        frame: of `gigo.analysis.table.tidy`.
        found: of `labellings`.
        metric: what is compared.
        n_test: test items by data set, where known.
    """
    families: dict[tuple[Curve, str], list[tuple[int, Curve, Floats]]] = {}
    for curve, values in _labelled(frame, found, metric):
        votes, others = found[curve.corruption]
        family = curve._replace(size=0, corruption=""), others
        families.setdefault(family, []).append((votes, curve, values))
    several: list[SameBudget] = []
    for points in families.values():
        for (v, few, of_few), (w, many, of_many) in combinations(sorted(points, key=_order), 2):
            if v < w and abs(v * few.size - w * many.size) < w:
                items = (n_test or {}).get(few.dataset)
                each = _contrast(few, many, (v, w), (of_few, of_many), metric, items)
                several += [] if each is None else [each]
    adjusted = holm(np.array([each.p for each in several]))
    return [
        replace(each, differs=bool(p < LEVEL))
        for each, p in zip(several, adjusted.tolist(), strict=True)
    ]


def budget_text(found: SameBudget, sizes: tuple[str, str], metric: Metric) -> str:
    """A contrast as a sentence without its full stop.

    Args:
        found: the contrast.
        sizes: what the two numbers of items are called.
        metric: what is compared.
    """
    few, many = map(times, found.votes)
    told = "; ".join(
        f"{size} items labelled {often}: {metric.text(mean)}"
        for size, often, mean in zip(sizes, (few, many), found.means, strict=True)
    )
    unit = metric.difference or f"of {metric.title}"
    if math.isnan(found.low):
        value = metric.points(found.value).removeprefix("+")
        return f"{told}; {few} less {many}: {value} {unit} (one replicate, no interval)"
    value, low, high, better = found.value, found.low, found.high, few
    if found.differs and value < 0:
        value, low, high, better = -value, -high, -low, many
    ends = f"{metric.points(low)} to {metric.points(high)}".replace("+", "")
    if found.differs:
        return f"{told}; {better} is better by {metric.number(value)} {unit} ({ends})"
    many_replicates = count(found.replicates, "replicate")
    value_text = metric.points(value).removeprefix("+")
    return (
        f"{told}; the two are not told apart with {many_replicates}: {few} less {many} is "
        f"{value_text} {unit} ({ends})"
    )


def times(votes: int) -> str:
    """How often an item is labelled.

    >>> times(1), times(2), times(3), times(12)
    ('once', 'twice', 'three times', '12 times')
    """
    words = "", "once", "twice", "three times", "four times", "five times", "six times"
    return words[votes] if votes < len(words) else f"{votes} times"


def _order(point: tuple[int, Curve, Floats]) -> tuple[int, int]:
    votes, curve, _ = point
    return votes, curve.size


def _labelled(
    frame: pd.DataFrame, found: Mapping[str, Labelling], metric: Metric
) -> Iterator[tuple[Curve, Floats]]:
    """The curves of these corruptions with their values at rate 1, a number per replicate."""
    mine = frame.loc[frame["corruption"].isin(list(found)) & (frame["rate"] == 1)]
    if len(mine):
        for curve, values in Accuracies.of(mine, metric).curves().items():
            yield curve, values.started[0]


def _contrast(
    few: Curve,
    many: Curve,
    votes: tuple[int, int],
    values: tuple[Floats, Floats],
    metric: Metric,
    items: int | None,
) -> SameBudget | None:
    """None where no replicate has both."""
    both = ~np.isnan(values[0]) & ~np.isnan(values[1])
    if not both.any():
        return None
    of_few, of_many = (each[both] for each in values)
    n, mean, variance = moments((of_many - of_few) if metric.is_loss else (of_few - of_many))
    error = np.sqrt(np.maximum(variance, least_variance(items)) / n)
    freedom = np.asarray(n - 1, np.float64)
    half = float(quantile(freedom) * error)  # NaN without degrees of freedom
    p = float(p_value(mean, error, freedom))
    means, value = (float(of_few.mean()), float(of_many.mean())), float(mean)
    return SameBudget(few, many, votes, means, value, value - half, value + half, p, int(n))
