"""The first answer, in words: a few plain sentences from the estimates."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pandas as pd

from gigo.analysis.estimates import (
    SHARE,
    Curve,
    CurveEstimates,
    SizesCompared,
    curve_estimates,
    sizes_compared,
)
from gigo.analysis.intervals import Estimate
from gigo.analysis.words import (
    accuracy_text,
    assured_text,
    count,
    interval_text,
    listing,
    range_text,
    rate_text,
    value_text,
)
from gigo.axes import CURVE, SETTINGS
from gigo.recipe import told_apart

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
    share: float = SHARE,
) -> Answer:
    """The answer that a tidy table gives.

    Args:
        frame: of `gigo.analysis.tidy`.
        n_items: training items by data set's name, so that a size can be called ``all``.
        pending: trials not trained yet.
        share: of clean accuracy that a tolerance allows to fall to.
    """
    found = curve_estimates(frame, share)
    name = Namer(frame, n_items or {})
    versus = sizes_compared(frame)
    findings = [*_per_size(found, name, share), *_between_sizes(versus, name)]
    warnings = (ORACLE,) if "oracle" in frame["validation"].unique() else ()
    notes = [*_notes(frame, pending), *_estimate_notes(found, versus, name)]
    return Answer(tuple(findings), warnings, tuple(notes))


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
        self._many_sizes = len(set(curves["size"])) > 1
        most = max(curves.groupby("dataset", observed=True)["size"].nunique(), default=0)
        by_size = most > 1 and len(set(curves["corruption"])) == 1
        self.lines: tuple[str, ...] = ("size",) if by_size else ("corruption",)
        if self.varying:
            self.lines = SETTINGS

    def setting(self, curve: Curve) -> str:
        """``digits``, with model, recipe and validation where they vary."""
        varied = self.varied(curve._asdict())
        return f"{curve.dataset}, {varied}" if varied else curve.dataset

    def label(self, curve: Curve) -> str:
        """What a line of a figure stands for: ``mlp, clean validation``, ``pair``, ``9 labels``."""
        if self.lines == ("size",):
            return f"{self.size(curve)} labels"
        return self.varied(curve._asdict()) or curve.corruption

    def varied(self, setting: Mapping[str, str]) -> str:
        """Of a setting by axis, what varies: ``mlp, clean validation``."""
        return ", ".join(self._axis_text(axis, setting[axis]) for axis in self.varying)

    def _axis_text(self, axis: str, value: str) -> str:
        if axis in ("model", "recipe"):
            return self._recipes.get(value, value) if axis == "recipe" else value
        return f"no {axis}" if value == "none" else f"{value} {axis}"

    def size(self, curve: Curve) -> str:
        """``all 1,347`` or ``200``."""
        is_all = self._n_items.get(curve.dataset) == curve.size
        return f"all {curve.size:,}" if is_all else f"{curve.size:,}"

    def line(self, curve: Curve) -> str:
        """Everything that distinguishes a curve, in short."""
        size = [f"{self.size(curve)} labels"] if self._many_sizes else []
        return ", ".join([self.setting(curve), *size, curve.corruption])


def _per_size(found: list[CurveEstimates], name: Namer, share: float) -> Iterator[Finding]:
    groups: dict[Curve, list[CurveEstimates]] = {}
    for each in found:
        groups.setdefault(each.curve._replace(corruption=""), []).append(each)
    for curve, group in groups.items():
        mean, low, high = group[0].clean
        heading = f"{name.setting(curve)}, {name.size(curve)} labels: "
        if math.isnan(mean):
            heading += "no accuracy with clean labels to compare with."
        else:
            spread = "" if math.isnan(low) else f" (95 % interval {range_text(low, high)})"
            heading += f"{accuracy_text(mean)} correct with clean labels{spread}."
        yield Finding(heading, tuple(_tolerance_line(each, share) for each in group))


def _tolerance_line(each: CurveEstimates, share: float) -> str:
    estimate, label = each.tolerance, each.curve.corruption
    if estimate.value is None:
        return f"{label}: no estimate, {listing(estimate.notes)}."
    allowed = f"{label}: accuracy stays above {rate_text(share)} of that"
    if estimate.censored:
        return f"{allowed} {_reach(estimate)}" + (
            f"; {assured_text(estimate)} is assured." if estimate.low is not None else "."
        )
    return f"{allowed} up to {value_text(estimate)} corrupted labels{_spread(each)}."


def _reach(estimate: Estimate) -> str:
    """How far a curve that does not fall was followed."""
    tried = "tried" if not estimate.notes else "at which models trained"
    return f"at every rate {tried}, up to {rate_text(estimate.highest_rate)}"


def _spread(each: CurveEstimates) -> str:
    estimate = each.tolerance
    if estimate.low is None:
        return " (one replicate, no interval)" if each.replicates == 1 else ""
    return f" (95 % interval {interval_text(estimate)}); {assured_text(estimate)} is assured"


def _between_sizes(versus: list[SizesCompared], name: Namer) -> Iterator[Finding]:
    lines: dict[str, list[str]] = {}
    for large, small, estimate in versus:
        heading = (
            f"{name.setting(large)}, more but worse or less but better: "
            f"{name.size(large)} labels against {name.size(small)} clean ones."
        )
        lines.setdefault(heading, []).append(_break_even_line(large.corruption, estimate))
    for heading, each in lines.items():
        yield Finding(heading, tuple(each))


def _break_even_line(label: str, estimate: Estimate) -> str:
    if estimate.value is None:
        return f"{label}: no estimate, {listing(estimate.notes)}."
    unknown = estimate.low is None and estimate.high is None
    spread = "" if unknown else f" (95 % interval {interval_text(estimate)})"
    if estimate.value == 0:
        return f"{label}: more is no better, even when all of it is clean{spread}."
    if estimate.censored and estimate.highest_rate == 0:
        return f"{label}: more is better when all of it is clean; no model trained above rate 0."
    if estimate.censored:
        return f"{label}: more is better {_reach(estimate)} corrupted{spread}."
    return f"{label}: more is better up to {value_text(estimate)} corrupted{spread}."


def _notes(frame: pd.DataFrame, pending: int) -> Iterator[str]:
    if pending:
        yield f"{count(pending, 'trial')} not trained yet: every number here may still move."
    yield from _failures(frame)
    if "clean" in frame["validation"].unique():
        yield (
            "Under clean validation the labels held out stay clean; "
            "rates count only the labels trained on."
        )


def _estimate_notes(
    found: list[CurveEstimates], versus: list[SizesCompared], name: Namer
) -> Iterator[str]:
    """What limits an estimate that has a value; the line of one without says why itself."""
    for each in found:
        for note in each.tolerance.notes if each.tolerance.value is not None else ():
            yield f"{name.line(each.curve)}: {note}."
    for large, small, estimate in versus:
        for note in estimate.notes if estimate.value is not None else ():
            yield f"{name.line(large)}, against {name.size(small)} clean ones: {note}."


def _failures(frame: pd.DataFrame) -> Iterator[str]:
    """How many trials never started or diverged; one shared by several curves counts once."""
    trials = frame.drop_duplicates("key")
    phrases = {"never_started": "never started to learn", "diverged": "diverged"}
    for status, phrase in phrases.items():
        failed = trials[trials["status"] == status]
        if len(failed):
            by_rate = Counter(zip(failed["corruption"], failed["rate"], strict=True))
            where = [f"{name} at {rate_text(rate)}: {n}" for (name, rate), n in by_rate.items()]
            more = f", and {len(where) - 6} more places" if len(where) > 6 else ""
            yield (
                f"{count(len(failed), 'model')} of {len(trials):,} {phrase} "
                f"({'; '.join(where[:6])}{more}): hollow in the figures, left out of the means."
            )
