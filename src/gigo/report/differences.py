"""A comparison as blocks: of two runs, of a run with published points, of the settings of a run."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from gigo.analysis.comparison import CLOSE, Comparison
from gigo.analysis.contrast import apart, contrast_text
from gigo.analysis.metric import Metric
from gigo.analysis.words import MISSING, count, listing, marks_text, rate_text
from gigo.axes import SETTINGS
from gigo.report.blocks import Block, Column, Facts, Heading, Items, Table, Text
from gigo.report.material import Material

Point = Mapping[Any, Any]
"""A row of `gigo.analysis.comparison.Comparison.frame`."""

METHODS = {
    "paired": "paired by replicate",
    "welch": "Welch's, of independent means",
    "prediction": "of one training",
    "none": "none, one training on each side",
}
"""The methods of `gigo.analysis.comparison.COMPARISON_COLUMNS`."""


def comparison(found: Comparison) -> Iterator[Block]:
    """Two runs: what differs between them, every point, and what the points come to."""
    yield Facts([("A", found.a.name), ("B", found.b.name)])
    told = [
        f"{name}: {listing(map(str, a))} in A, {listing(map(str, b))} in B"
        for name, (a, b) in found.differing.items()
    ]
    if told:
        yield Items(told, "They differ in")
    lacking = [f"{n:,} of {side}" for n, side in ((found.only_a, "A"), (found.only_b, "B")) if n]
    if lacking:
        yield Text(f"Points that only one has: {', '.join(lacking)}.", "note")
    if found.published:
        yield Text(found.published.note, "note")
    parts = found.by_setting()
    for setting, part in parts.items():
        if len(parts) > 1:
            a, b = (", ".join(side) for side in setting)
            yield Heading(a if a == b else f"{a} in A and {b} in B")
        yield points(part)
        yield Text(_reading(part), "note")
        yield from _contrasts(part, ("A", "B"))
        yield Text(summary(part))


def beside_published(found: Comparison) -> Iterator[Block]:
    """A run that repeats the article, beside its points."""
    yield Heading("The article's published points")
    yield Text(summary(found))
    meant = "Difference: the mean here less the published value."
    note = found.published.note if found.published else ""
    yield Text(f"{note} {meant} {_reading(found)}", "note")
    yield points(found, ("Here", "Published"), folded=True)


def between_settings(material: Material, found: Comparison) -> Iterator[Block]:
    """A run that varies settings: how far each is from the one that all are held against."""

    def named(row: Point, side: str = "a") -> str:
        return material.name.varied({axis: row[f"{axis}_{side}"] for axis in SETTINGS})

    parts = [(named(part.frame.iloc[0]), part) for part in found.by_setting().values()]
    held = named(found.frame.iloc[0], "b")
    yield Heading(f"Settings, against {held}")
    for name, part in parts:
        yield from _contrasts(part, (name, held))
    told = [(name, summary(part)) for name, part in parts]
    yield Items([f"{name}: {words[0].lower()}{words[1:]}" for name, words in told])
    yield Text(f"Differences of mean {found.metric.title}. {_reading(found)}", "note")
    yield points(found, ("Mean", "Against"), named, folded=True)


def between_corruptions(material: Material) -> Iterator[Block]:
    """Each kind of corruption against the first: one sentence, adjusted for all of them."""
    found = material.corruptions
    if not found:
        return
    lines = [
        f"{material.name.setting(each.a)}, {material.name.size(each.a)} labels: "
        f"{contrast_text(each, (each.a.corruption, each.b.corruption), differs, material.metric)}."
        for each, differs in zip(found, apart(found), strict=True)
    ]
    yield Heading("Kinds of corruption")
    yield Items(lines)
    if len({each.rate_of for each in material.kinds.values()}) > 1:
        told = "The same rate is not the same of each kind: some are no shares of the whole set. "
        yield Text(f"{told}Figures against realised rates: gigo report RUN --realised.", "note")


def _contrasts(found: Comparison, names: tuple[str, str]) -> Iterator[Block]:
    """One sentence for each two curves."""
    lines = [
        f"{each.a.dataset}, {each.a.size:,} labels, {each.a.corruption}: "
        f"{contrast_text(each, names, differs, found.metric)}."
        for each, differs in zip(found.contrasts, found.apart, strict=True)
    ]
    if lines:
        yield Items(lines)


def points(
    found: Comparison,
    names: tuple[str, str] = ("A", "B"),
    setting: Callable[[Point], str] | None = None,
    folded: bool = False,
) -> Table:
    """A row per point.

    Args:
        found: the points.
        names: of the two sides, as titles of columns.
        setting: what to call that of a row, in a column of its own.
        folded: whether the rows are shown on demand.
    """
    rows, metric = found.frame.to_dict("records"), found.metric
    curves = [f"{row['dataset']}, {row['size']:,} labels, {row['corruption']}" for row in rows]
    columns = {Column("Curve", "words"): curves}
    if setting is not None:
        columns[Column("Setting", "words")] = [setting(row) for row in rows]
    by = len(columns)
    interval = "95 % of one training" if found.published else "95 % interval"
    columns |= {
        Column("Rate"): [rate_text(row["rate"]) for row in rows],
        Column(names[0]): [_mean_text(row, "a", metric) for row in rows],
        Column(names[1]): [_mean_text(row, "b", metric) for row in rows],
        Column("Difference"): [metric.points(row["difference"]) for row in rows],
        Column(interval, rank=2): [_interval_text(row, found) for row in rows],
        Column("Models", rank=3): [f"{row['n_a']:,} and {row['n_b']:,}" for row in rows],
        Column("Verdict", "words", rank=1): [_verdict(row, _near(metric)) for row in rows],
    }
    n = len(found.points)
    shared = f", {n:,} points: those at rate 0 are shared" if n < len(rows) else ""
    return Table.of(columns, by, f"All {count(len(rows), 'row')}{shared}" if folded else "")


def summary(found: Comparison) -> str:
    """What the points come to: how far apart, and at how many no difference was found."""
    n, largest, metric = len(found.points), found.largest, found.metric
    if largest is None:
        return "No point has a trained model on both sides."
    place = f"{largest['corruption']} at {rate_text(largest['rate'])}"
    near = f"{_near(metric)} at {found.n_close:,} of {n:,}"
    mean = f"{metric.points(found.mean_difference)} {metric.difference}".rstrip()
    told = (
        f"Mean difference {mean} over {count(n, 'point')} of the curves, "
        f"mean absolute difference {metric.number(found.mean_absolute_difference)}, "
        f"largest {metric.points(largest['difference'])} "
        f"({largest['dataset']}, {largest['size']:,} labels, {place}). "
    )
    if not found.n_intervals:
        return f"{told}They are {near}; without replicates no difference can be told."
    return (
        f"{told}Told apart at {found.n_differing:,} of {count(found.n_intervals, 'point')}, all "
        f"considered (Holm); {near}."
    )


def _reading(found: Comparison) -> str:
    """Which intervals there are, at how many points each, and what a mark means."""
    methods = Counter(found.points["method"])
    told = [f"{METHODS[name]} ({count(n, 'point')})" for name, n in methods.items()]
    marks = {
        ("n_never_started", "n_diverged"): "○: models that never started or diverged, left out.",
        ("n_failed",): "×: trials that failed.",
    }
    parts = (
        [
            f"95 % intervals: {'; '.join(told)}; each for itself, one in twenty misses. "
            '"Differs" is said after adjusting for all points (Holm).'
        ]
        if told
        else []
    )
    for counts, mark in marks.items():
        columns = [f"{name}_{side}" for name in counts for side in "ab"]
        parts += [mark] if found.frame[columns].to_numpy().any() else []
    return " ".join(parts)


def _interval_text(row: Point, found: Comparison) -> str:
    """Where one training is expected, beside published points; else of the difference."""
    if math.isnan(row["low"]):
        return MISSING
    if found.published and row["method"] == "prediction":
        return found.metric.range(row["predicted_low"], row["predicted_high"])
    most = found.metric.most
    low, high = max(row["low"], -most), min(row["high"], most)
    return f"{found.metric.points(low)} to {found.metric.points(high)}"


def _mean_text(row: Point, side: str, metric: Metric) -> str:
    """``97.1 % ○2``: two models that never started or diverged are not in the mean."""
    hollow = row[f"n_never_started_{side}"] + row[f"n_diverged_{side}"]
    return metric.text(row[f"mean_{side}"]) + marks_text(hollow, row[f"n_failed_{side}"])


def _near(metric: Metric) -> str:
    """``within 3 points``."""
    return f"within {100 * CLOSE if metric.is_share else CLOSE:g} {metric.difference}".rstrip()


def _verdict(row: Point, near: str) -> str:
    """In words; ``near`` says how close is close."""
    if math.isnan(row["difference"]):
        return "not compared"
    close = row["close"] is True
    if not isinstance(row["differs"], bool):
        return near if close else f"not {near}"
    verdict = "differs" if row["differs"] else "can't tell"
    return f"{verdict}, {near}" if close else verdict
