"""The first answer, in words: a few plain sentences from the estimates."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pandas as pd

from gigo.analysis import cautions, words
from gigo.analysis.estimates import (
    Curve,
    CurveEstimates,
    SizesCompared,
    curve_estimates,
    sizes_compared,
)
from gigo.analysis.intervals import Estimate
from gigo.analysis.metric import ACCURACY, Metric
from gigo.axes import CURVE, SETTINGS
from gigo.recipe import told_apart
from gigo.types import TestSet

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
        findings: one per training set, then one per comparison of two sizes.
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
) -> Answer:
    """The answer that a tidy table gives.

    Args:
        frame: of `gigo.analysis.table.tidy`.
        n_items: training items by data set's name, so that a size can be called ``all``.
        pending: trials not trained yet.
        metric: what is answered in.
        test_sets: by the sha256 of the data; without them nothing is said of models that do no
            better than guessing.
    """
    found, versus = curve_estimates(frame, metric), sizes_compared(frame, metric)
    name = Namer(frame, n_items or {})
    starts = {each.name: words.start(each) for each in (test_sets or {}).values()}
    return Answer(
        findings=(*_per_size(found, name, metric, starts), *_between_sizes(versus, name)),
        warnings=(
            *_failures(frame),
            *cautions.useless(frame, test_sets or {}),
            *([ORACLE] if "oracle" in frame["validation"].unique() else []),
            *(cautions.misleading(frame, found) if metric == ACCURACY else []),
        ),
        notes=(*_notes(frame, pending), *_estimate_notes(found, versus, name)),
    )


class Namer:
    """Names training sets and lines by what distinguishes them in a table.

    Args:
        frame: the tidy table; an axis that has one value for a training set is not named.
        n_items: training items by data set's name.

    Attributes:
        varying: the settings in which trials of a training set and corruption differ.
        lines: the axes in which the lines of a figure differ: these where there are any; else
            the corruption, or where there is but one, and several sizes of a data set, the size.
    """

    def __init__(self, frame: pd.DataFrame, n_items: Mapping[str, int]) -> None:
        self._n_items = n_items
        curves = frame.drop_duplicates(list(CURVE))
        sets = curves.groupby(["dataset", "size", "corruption"], sort=False, observed=True)
        self.varying = tuple(axis for axis in SETTINGS if max(sets[axis].nunique(), default=0) > 1)
        self._recipes = told_apart(set(curves["recipe"]))
        self._many_models = "model" not in self.varying and len(set(curves["model"])) > 1
        self._many_sizes = len(set(curves["size"])) > 1
        most = max(curves.groupby("dataset", observed=True)["size"].nunique(), default=0)
        by_size = most > 1 and len(set(curves["corruption"])) == 1
        self.lines: tuple[str, ...] = ("size",) if by_size else ("corruption",)
        if self.varying:
            self.lines = SETTINGS

    def setting(self, curve: Curve) -> str:
        """``digits``, with model, recipe and validation where they vary."""
        varied = self.varied(curve._asdict())
        return f"{self.data(curve)}, {varied}" if varied else self.data(curve)

    def data(self, curve: Curve) -> str:
        """``digits``, or ``digits, patches`` where data sets or sizes have models of their own."""
        return f"{curve.dataset}, {curve.model}" if self._many_models else curve.dataset

    def label(self, curve: Curve) -> str:
        """What a line of a figure stands for: ``mlp, clean validation``, ``pair``, ``9 labels``."""
        if self.lines == ("size",):
            return f"{self.size(curve)} labels"
        return self.varied(curve._asdict()) or curve.corruption

    def varied(self, setting: Mapping[str, str]) -> str:
        """Of a setting by axis, what varies: ``mlp, clean validation``."""
        return ", ".join(self._axis_text(axis, setting[axis]) for axis in self.varying)

    def _axis_text(self, axis: str, value: str) -> str:
        named = {"model": value, "recipe": self._recipes.get(value, value)}
        return named.get(axis) or (f"no {axis}" if value == "none" else f"{value} {axis}")

    def size(self, curve: Curve) -> str:
        """``all 1,347`` or ``200``."""
        is_all = self._n_items.get(curve.dataset) == curve.size
        return f"all {curve.size:,}" if is_all else f"{curve.size:,}"

    def line(self, curve: Curve) -> str:
        """Everything that distinguishes a curve, in short."""
        size = [f"{self.size(curve)} labels"] if self._many_sizes else []
        return ", ".join([self.setting(curve), *size, curve.corruption])


def _per_size(
    found: list[CurveEstimates], name: Namer, metric: Metric, starts: Mapping[str, str]
) -> Iterator[Finding]:
    """A finding per training set; ``starts``: what labels at rate 0 are called, by data set."""
    groups: dict[Curve, list[CurveEstimates]] = {}
    for each in found:
        groups.setdefault(each.curve._replace(corruption=""), []).append(each)
    for curve, group in groups.items():
        mean, low, high = group[0].clean
        start = starts.get(curve.dataset, words.start(None))
        told = f"no {metric.title} with {start} to compare with"
        if not math.isnan(mean):
            spread = "" if math.isnan(low) else f" (95 % interval {metric.range(low, high)})"
            value = f"{metric.title} {metric.text(mean)}"
            if metric == ACCURACY:
                value = f"{metric.text(mean)} correct"
            told = f"{value} with {start}{spread}"
        heading = f"{name.setting(curve)}, {name.size(curve)} labels: {told}."
        yield Finding(heading, tuple(_line(each, metric) for each in group))


def _loss_line(each: CurveEstimates, metric: Metric) -> str:
    rate, mean = each.last
    if not rate > 0:
        return f"{each.curve.corruption}: no model that trained at a rate above 0."
    at = f"{metric.text(mean)} at {words.rate_text(rate)} corrupted labels"
    return f"{each.curve.corruption}: {metric.title} {at}."


def _line(each: CurveEstimates, metric: Metric) -> str:
    estimate, label = each.tolerance, each.curve.corruption
    if each.allowed is None:
        return _loss_line(each, metric)
    if estimate.value is None:
        return f"{label}: no estimate, {words.listing(estimate.notes)}."
    told = f"{label}: {metric.title} {each.allowed.kept(metric)} {_reach(estimate)}"
    if not estimate.censored:
        told += " corrupted labels"
        if estimate.low is not None:
            told += f" (95 % interval {words.interval_text(estimate)})"
        elif each.replicates == 1:
            told += " (one replicate, no interval)"
    return f"{told}."


def _reach(estimate: Estimate) -> str:
    """How far a curve stays above, or was followed."""
    if not estimate.censored:
        return f"up to {words.value_text(estimate)}"
    tried = "tried" if not estimate.notes else "at which models trained"
    return f"at every rate {tried}, up to {words.rate_text(estimate.highest_rate)}"


def _between_sizes(versus: list[SizesCompared], name: Namer) -> Iterator[Finding]:
    lines: dict[str, list[str]] = {}
    for large, small, estimate in versus:
        heading = (
            f"{name.setting(large)}, more but worse or less but better: "
            f"{name.size(large)} labels against {name.size(small)} clean ones."
        )
        line = f"{large.corruption}: {_break_even_text(estimate)}."
        lines.setdefault(heading, []).append(line)
    return (Finding(heading, tuple(each)) for heading, each in lines.items())


def _break_even_text(estimate: Estimate) -> str:
    if estimate.value is None:
        return f"no estimate, {words.listing(estimate.notes)}"
    interval = words.interval_text(estimate)
    spread = "" if interval == words.MISSING else f" (95 % interval {interval})"
    if estimate.value == 0:
        return f"more is no better, even when all of it is clean{spread}"
    if estimate.highest_rate == 0:
        return "more is better when all of it is clean; no model trained above rate 0"
    return f"more is better {_reach(estimate)} corrupted{spread}"


def _notes(frame: pd.DataFrame, pending: int) -> Iterator[str]:
    if pending:
        yield f"{words.count(pending, 'trial')} not trained yet: every number here may still move."
    yield from _not_trained(frame)
    if "clean" in frame["validation"].unique():
        yield (
            "Under clean validation the labels held out stay clean; "
            "rates count only the labels trained on."
        )


def _estimate_notes(
    found: list[CurveEstimates], versus: list[SizesCompared], name: Namer
) -> Iterator[str]:
    """What limits an estimate that has a value; the line of one without says why itself."""
    limited = [(name.line(each.curve), each.tolerance) for each in found]
    for large, small, estimate in versus:
        limited.append((f"{name.line(large)}, against {name.size(small)} clean ones", estimate))
    for which, estimate in limited:
        if estimate.value is not None:
            yield from (f"{which}: {note}." for note in estimate.notes)


AGAIN = {
    "failed": ("failed", "the same gigo run with --retry failed trains them again"),
    "timed_out": (
        "timed out",
        "the same gigo run with --retry failed and a longer --trial-timeout trains them again",
    ),
}
"""What is said of trials by status, and how to get them."""


def _failures(frame: pd.DataFrame) -> Iterator[str]:
    """How many trials failed or timed out, the first error, and how to try again."""
    trials = frame.drop_duplicates("key")
    for status, (phrase, again) in AGAIN.items():
        failed = trials.loc[trials["status"] == status]
        if len(failed):
            errors = list(dict.fromkeys(failed["error"]))
            more = f" and {words.count(len(errors) - 1, 'other error')}" if len(errors) > 1 else ""
            yield (
                f"{words.count(len(failed), 'trial')} of {len(trials):,} {phrase} "
                f"({_places(failed)}): {''.join(errors[:1])}{more}. "
                f"They are in no number here; {again}."
            )


def _not_trained(frame: pd.DataFrame) -> Iterator[str]:
    """How many trials never started or diverged; one shared by several curves counts once."""
    trials = frame.drop_duplicates("key")
    phrases = {"never_started": "never started to learn", "diverged": "diverged"}
    for status, phrase in phrases.items():
        failed = trials.loc[trials["status"] == status]
        if len(failed):
            yield (
                f"{words.count(len(failed), 'model')} of {len(trials):,} {phrase} "
                f"({_places(failed)}): hollow in the figures, left out of the means."
            )


def _places(trials: pd.DataFrame) -> str:
    """``symmetric at 40 %: 2; biased at 80 %: 1``, the first six."""
    by_rate = Counter(zip(trials["corruption"], trials["rate"], strict=True))
    where = [f"{name} at {words.rate_text(rate)}: {n}" for (name, rate), n in by_rate.items()]
    more = f", and {len(where) - 6} more places" if len(where) > 6 else ""
    return f"{'; '.join(where[:6])}{more}"
