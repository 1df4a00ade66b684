"""The first answer, in words: a few plain sentences from the estimates."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from gigo.analysis import cautions, notes, words
from gigo.analysis.budget import Labelling, budget_text, contrasts
from gigo.analysis.curves import Curve, split_curves
from gigo.analysis.estimates import CurveEstimates, curve_estimates
from gigo.analysis.exchange import exchange_text, exchanges
from gigo.analysis.intervals import Estimate
from gigo.analysis.metric import ACCURACY, Metric
from gigo.analysis.names import Namer
from gigo.analysis.sizes import SizesCompared, sizes_compared
from gigo.analysis.tolerance import Loss
from gigo.records import TestSet

ORACLE = (
    "Early stopping looked at the test set (validation = oracle): "
    "the accuracies shown are optimistic."
)


@dataclass(frozen=True)
class Finding:
    """A sentence and what it says of each corruption."""

    heading: str
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Answer:
    """What a report says first.

    Attributes:
        findings: what more votes per item are worth, where that was run; then one per training
            set, then one per comparison of two sizes.
        warnings: what makes the numbers misleading; to be shown in plain sight.
        notes: what else a reader must know.
    """

    findings: tuple[Finding, ...]
    warnings: tuple[str, ...]
    notes: tuple[str, ...]


def answer(
    frame: pd.DataFrame,
    n_items: Mapping[str, int] | None = None,
    pending: int = 0,
    metric: Metric = ACCURACY,
    test_sets: Mapping[str, TestSet] | None = None,
    found: Sequence[CurveEstimates] | None = None,
    spoken: Mapping[str, words.Spoken] | None = None,
    labellings: Mapping[str, Labelling] | None = None,
    probed: Sequence[Finding] = (),
) -> Answer:
    """The answer that a tidy table gives.

    Args:
        frame: of `gigo.analysis.table.tidy`.
        n_items: training items by data set's name, so that a size can be called ``all``.
        pending: trials not trained yet.
        metric: what is answered in.
        test_sets: by the sha256 of the data; without them nothing is said of models that do no
            better than guessing.
        found: the estimates of its curves; None: worked out here.
        spoken: how sentences speak of corruptions that make something other than wrong labels, or
            that others come before, by label.
        labellings: by corruption, of those that give items votes (`gigo.analysis.budget`).
        probed: what test sets say that corruptions bring (`gigo.analysis.probes`).
    """
    found = curve_estimates(frame, metric) if found is None else found
    versus = sizes_compared(frame, metric)
    name = Namer(frame, n_items or {})
    say = defaultdict(words.Spoken, spoken or {})
    starts = {each.name: words.start(each) for each in (test_sets or {}).values()}
    spent = tuple(_same_budget(frame, metric, labellings or {}, name, test_sets or {}))
    if spent and set(frame["rate"]) == {1}:  # labels as they were given: no rate is asked about
        found, versus = [], []
    return Answer(
        findings=(
            *spent,
            *_per_size(found, name, metric, starts, say, realised(frame)),
            *probed,
            *_between_sizes(versus, name, say),
            *_worth(frame, metric, name, say),
        ),
        warnings=(
            *notes.failures(frame),
            *cautions.useless(frame, test_sets or {}),
            *([ORACLE] if "oracle" in frame["validation"].unique() else []),
            *(cautions.misleading(frame, found) if metric == ACCURACY else []),
        ),
        notes=(
            *notes.of_run(frame, pending),
            *notes.of_rates(found, say),
            *notes.of_estimates(found, versus, name, say),
        ),
    )


def _same_budget(
    frame: pd.DataFrame,
    metric: Metric,
    labellings: Mapping[str, Labelling],
    name: Namer,
    test_sets: Mapping[str, TestSet],
) -> Iterator[Finding]:
    """A finding per setting in which more items and more votes cost the same."""
    n_test = {each.name: len(each.labels["test"]) for each in test_sets.values()}
    lines: dict[str, list[str]] = {}
    for each in contrasts(frame, labellings, metric, n_test):
        asked = "for the same number of votes: more items or more votes per item?"
        heading = f"{name.setting(each.few)}, {asked}"
        sizes = name.size(each.few), name.size(each.many)
        lines.setdefault(heading, []).append(f"{budget_text(each, sizes, metric)}.")
    return (Finding(heading, tuple(each)) for heading, each in lines.items())


def _per_size(
    found: Sequence[CurveEstimates],
    name: Namer,
    metric: Metric,
    starts: Mapping[str, str],
    say: Mapping[str, words.Spoken],
    made: Mapping[tuple[Any, ...], float],
) -> Iterator[Finding]:
    """A finding per training set; ``starts``: what labels at rate 0 are called, by data set."""
    groups: dict[Curve, list[CurveEstimates]] = {}
    for each in found:
        first = say[each.curve.corruption].first
        groups.setdefault(each.curve._replace(corruption=first), []).append(each)
    for curve, group in groups.items():
        mean, low, high = group[0].clean
        start = starts.get(curve.dataset, words.start(None))
        if curve.corruption:
            start = f"{curve.corruption} alone"
        told = f"no {metric.title} with {start} to compare with"
        if not math.isnan(mean):
            spread = "" if math.isnan(low) else f" (95 % interval {metric.range(low, high)})"
            value = f"{metric.title} {metric.text(mean)}"
            if metric == ACCURACY:
                value = f"{metric.text(mean)} correct"
            told = f"{value} with {start}{spread}"
        heading = f"{name.setting(curve)}, {name.size(curve)} labels: {told}."
        yield Finding(heading, tuple(_line(each, metric, say, made) for each in group))


HEADLINE = 0.2
"""The rate whose loss is told first, or of those run the nearest to it."""


def realised(frame: pd.DataFrame) -> dict[tuple[Any, ...], float]:
    """The mean realised rate of each curve's rates, by all that names the curve, then the rate."""
    return {
        (*curve, rate): float(rows.loc[rows["rate"] == rate, "realised_rate"].mean())
        for curve, rows in split_curves(frame).items()
        for rate in set(rows["rate"])
    }


def _line(
    each: CurveEstimates,
    metric: Metric,
    say: Mapping[str, words.Spoken],
    made: Mapping[tuple[Any, ...], float],
) -> str:
    """What wrong labels cost, then how many of them are tolerated."""
    headline = nearest(each.losses) if each.losses else None
    told: list[str] = []
    if headline is not None:
        share = made.get((*each.curve, headline.rate), math.nan)
        told = [_cost(headline, metric, say[each.curve.corruption].share(headline.rate, share))]
    if each.allowed is not None or not told:
        # What keeps both from being known is told once.
        if headline and headline.value is None and headline.notes == each.tolerance.notes:
            told.clear()
        told.append(_tolerance(each, metric))
    return f"{each.curve.corruption}: {' '.join(told)}"


def nearest(losses: Sequence[Loss]) -> Loss:
    """That at the rate nearest to `HEADLINE`."""
    return min(losses, key=lambda loss: (abs(loss.rate - HEADLINE), loss.rate))


def _cost(loss: Loss, metric: Metric, labels: str) -> str:
    """Such as ``20 % wrong labels cost 2.1 ± 0.6 points``."""
    if loss.value is None:
        return f"{labels}: {words.listing(loss.notes)}."
    unit = metric.difference or f"of {metric.title}"
    if loss.low is None or loss.high is None:
        value = metric.points(loss.value).removeprefix("+")
        return f"{labels} cost {value} {unit} (one replicate, no interval)."
    ends = loss.value, loss.low, loss.high
    value, low, high = (metric.points(end).removeprefix("+") for end in ends)
    halves = [metric.number(part) for part in (loss.value - loss.low, loss.high - loss.value)]
    if halves[0] == halves[1]:
        return f"{labels} cost {value} ± {halves[0]} {unit}."
    return f"{labels} cost {value} {unit} ({low} to {high})."


def _tolerance(each: CurveEstimates, metric: Metric) -> str:
    """Such as ``The mean of trainings loses 5 points at 47 % (40 to 56 %)``."""
    estimate = each.tolerance
    if estimate.value is None or each.allowed is None:
        return f"No tolerance: {words.listing(estimate.notes)}."
    spent = each.allowed.spent(metric)
    if estimate.censored:
        run = "at which models trained" if "left out" in " ".join(estimate.notes) else "run"
        highest = words.rate_text(estimate.highest_rate)
        told = f"At every rate {run}, up to {highest}, the mean of trainings "
        told += each.allowed.kept(metric)
    else:
        told = f"The mean of trainings {spent} at {words.value_text(estimate)}"
    told += _ends(each)
    one = each.single.value
    if one is not None and not math.isinf(one):
        told += f", one training in twenty already at {words.rate_text(one)}"
    run = sorted({*estimate.to_run, *each.single.to_run})
    rates = words.listing([words.rate_text(rate).removesuffix(" %") for rate in run])
    return f"{told}." + (f" To know this better, train at {rates} % too." if run else "")


def _ends(each: CurveEstimates) -> str:
    """The intervals, for this test set and for other items, where there are any."""
    if each.tolerance.low is None:
        return " (one replicate, no interval)" if each.replicates == 1 else ""
    here = words.interval_text(each.tolerance)
    if each.new_data is None or each.new_data.low is None:
        return f" ({here})"
    there = words.interval_text(each.new_data)
    return f" ({here}, also on new data)" if here == there else f" ({here}; on new data {there})"


def _reach(estimate: Estimate) -> str:
    """How far a curve stays above, or was followed."""
    if not estimate.censored:
        return f"up to {words.value_text(estimate)}"
    tried = "tried" if not estimate.notes else "at which models trained"
    return f"at every rate {tried}, up to {words.rate_text(estimate.highest_rate)}"


def _worth(
    frame: pd.DataFrame, metric: Metric, name: Namer, say: Mapping[str, words.Spoken]
) -> Iterator[Finding]:
    """What the labels of the largest set are worth, at the rate nearest to `HEADLINE`."""
    by_setting: dict[str, list[str]] = {}
    largest: dict[Curve, int] = {}
    found = [each for each in exchanges(frame, metric) if each.smallest < each.largest]
    for each in found:
        family = each.curve._replace(size=0)
        largest[family] = max(largest.get(family, 0), each.curve.size)
    for family, size in largest.items():
        mine = [each for each in found if each.curve == family._replace(size=size)]
        told = min(mine, key=lambda each: (abs(each.rate - HEADLINE), each.rate))
        heading = f"{name.setting(told.curve)}: what labels are worth."
        text = exchange_text(told, say[family.corruption])
        by_setting.setdefault(heading, []).append(f"{family.corruption}: {text}.")
    return (Finding(heading, tuple(lines)) for heading, lines in by_setting.items())


def _between_sizes(
    versus: list[SizesCompared], name: Namer, say: Mapping[str, words.Spoken]
) -> Iterator[Finding]:
    lines: dict[str, list[str]] = {}
    for large, small, estimate in versus:
        how = say[large.corruption]
        heading = (
            f"{name.setting(large)}, more labels or better ones: "
            f"{name.size(large)} labels against {name.size(small)} {how.clean}."
        )
        line = f"{large.corruption}: {_break_even_text(estimate, how.first)}."
        lines.setdefault(heading, []).append(line)
    return (Finding(heading, tuple(each)) for heading, each in lines.items())


def _break_even_text(estimate: Estimate, first: str) -> str:
    clean = "at rate 0" if first else "when all of it is clean"
    if estimate.value is None:
        return f"no estimate, {words.listing(estimate.notes)}"
    interval = words.interval_text(estimate)
    spread = "" if interval == words.MISSING else f" (95 % interval {interval})"
    if estimate.value == 0:
        return f"more is no better, even {clean}{spread}"
    if estimate.highest_rate == 0:
        return f"more is better {clean}; no model trained above rate 0"
    return f"more is better {_reach(estimate)} corrupted{spread}"
