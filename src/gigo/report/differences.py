"""A comparison as blocks: of two runs, of a run with published points, of the settings of a run."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from gigo.analysis.comparison import CLOSE, Comparison
from gigo.analysis.words import (
    MISSING,
    accuracy_text,
    count,
    listing,
    marks_text,
    range_text,
    rate_text,
)
from gigo.axes import SETTINGS
from gigo.report.blocks import Block, Column, Facts, Heading, Items, Table, Text
from gigo.report.material import Material

Point = Mapping[Any, Any]
"""A row of `gigo.analysis.comparison.Comparison.frame`."""

NEAR = f"within {100 * CLOSE:.0f} points"

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
    yield Heading(f"Settings, against {named(found.frame.iloc[0], 'b')}")
    told = [(name, summary(part)) for name, part in parts]
    yield Items([f"{name}: {words[0].lower()}{words[1:]}" for name, words in told])
    yield Text(f"Differences of mean accuracy. {_reading(found)}", "note")
    yield points(found, ("Mean", "Against"), named, folded=True)


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
    rows = found.frame.to_dict("records")
    curves = [f"{row['dataset']}, {row['size']:,} labels, {row['corruption']}" for row in rows]
    columns = {Column("Curve", "words"): curves}
    if setting is not None:
        columns[Column("Setting", "words")] = [setting(row) for row in rows]
    by = len(columns)
    interval = "95 % of one training" if found.published else "95 % interval"
    columns |= {
        Column("Rate"): [rate_text(row["rate"]) for row in rows],
        Column(names[0]): [_mean_text(row, "a") for row in rows],
        Column(names[1]): [_mean_text(row, "b") for row in rows],
        Column("Difference"): [points_text(row["difference"]) for row in rows],
        Column(interval, rank=2): [_interval_text(row, bool(found.published)) for row in rows],
        Column("Models", rank=3): [f"{row['n_a']:,} and {row['n_b']:,}" for row in rows],
        Column("Verdict", "words", rank=1): [_verdict(row) for row in rows],
    }
    return Table.of(columns, by, f"All {count(len(rows), 'point')}" if folded else "")


def points_text(difference: float) -> str:
    """A signed difference in points, or a dash.

    >>> points_text(0.0071), points_text(-0.123), points_text(-0.0004)
    ('+0.7', '−12.3', '0.0')
    """
    if math.isnan(difference):
        return MISSING
    plain = f"{100 * difference:+.1f}"
    return "0.0" if float(plain) == 0 else plain.replace("-", "−")


def summary(found: Comparison) -> str:
    """What the points come to: how far apart, and at how many no difference was found."""
    n, largest = len(found.points), found.largest
    if largest is None:
        return "No point has a trained model on both sides."
    place = f"{largest['corruption']} at {rate_text(largest['rate'])}"
    near = f"{found.n_agreeing:,} of {n:,} ({100 * found.n_agreeing / n:.0f} %)"
    inside = f"{found.n_inside:,} of {found.n_intervals:,} ({100 * found.share_inside:.0f} %)"
    told = (
        f"Mean difference {points_text(found.mean_difference)} points over {count(n, 'point')}, "
        f"mean absolute difference {100 * found.mean_absolute_difference:.1f}, "
        f"largest {points_text(largest['difference'])} "
        f"({largest['dataset']}, {largest['size']:,} labels, {place}). "
    )
    if not found.n_intervals:
        return f"{told}{NEAR.capitalize()}: {near}; no interval without replicates."
    return f"{told}No difference found (0 is in the interval): {inside}; that or {NEAR}: {near}."


def _reading(found: Comparison) -> str:
    """Which intervals there are, at how many points each, and what a mark means."""
    methods = Counter(found.points["method"])
    told = [f"{METHODS[name]} ({count(n, 'point')})" for name, n in methods.items()]
    marks = {
        ("n_never_started", "n_diverged"): "○: models that never started or diverged, left out.",
        ("n_failed",): "×: trials that failed.",
    }
    parts = [f"95 % intervals: {'; '.join(told)}; one in twenty misses by chance."] if told else []
    for counts, mark in marks.items():
        columns = [f"{name}_{side}" for name in counts for side in "ab"]
        parts += [mark] if found.frame[columns].to_numpy().any() else []
    return " ".join(parts)


def _interval_text(row: Point, published: bool) -> str:
    """Where one training is expected, beside published points; else of the difference."""
    if math.isnan(row["low"]):
        return MISSING
    if published and row["method"] == "prediction":
        return range_text(row["predicted_low"], row["predicted_high"])
    return f"{points_text(row['low'])} to {points_text(row['high'])}"


def _mean_text(row: Point, side: str) -> str:
    """``97.1 % ○2``: two models that never started or diverged are not in the mean."""
    hollow = row[f"n_never_started_{side}"] + row[f"n_diverged_{side}"]
    return accuracy_text(row[f"mean_{side}"]) + marks_text(hollow, row[f"n_failed_{side}"])


def _verdict(row: Point) -> str:
    if math.isnan(row["difference"]):
        return "not compared"
    near = row["close"] is True
    if row["inside"] is True:
        return "no difference found"
    if row["inside"] is False:
        return f"differs, {NEAR}" if near else "differs"
    return NEAR if near else f"not {NEAR}"
