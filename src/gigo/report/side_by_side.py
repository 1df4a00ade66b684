"""A comparison on a terminal: a table for each pair of settings, readable without colour."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterator, Mapping
from typing import Any, cast

from rich import box
from rich.console import RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from gigo.analysis import Comparison
from gigo.analysis.words import MISSING, rate_text
from gigo.axes import POINT
from gigo.report.agreement import (
    difference_lines,
    failed_text,
    method_line,
    points_text,
    setting_text,
    summary_lines,
    untrained_lines,
)

YES, NO, NEAR = "✓", "✗", "~"
COLUMNS = {"rate": 5, "A": 7, "B": 7, "A − B": 6, "95 %": 14, "": 1}
"""Of a table, with their least widths, so that one stands below the other."""


def overview(found: Comparison) -> Iterator[RenderableType]:
    """What is compared, a table for each pair of settings, and what each comes to."""
    yield from _what(found)
    parts = found.by_setting()
    for setting, part in parts.items():
        if len(parts) > 1:
            yield Text(f"\n{setting_text(setting)}", style="bold")
        if len(part.points):
            yield Text("")
            yield from _tables(part)
            yield Text(_legend(part), style="dim")
        untrained = list(untrained_lines(part))
        if untrained:
            yield Text("Not compared: no model trained, on one side or both.")
            yield from _indented(untrained)
        yield from map(Text, summary_lines(part))


def _what(found: Comparison) -> Iterator[RenderableType]:
    yield Text(f"A  {found.a}\nB  {found.b}")
    differing = list(difference_lines(found))
    if differing:
        yield Text("They differ in")
        yield from _indented(differing)
    lacking = [f"{n:,} of {side}" for n, side in ((found.only_a, "A"), (found.only_b, "B")) if n]
    if lacking:
        yield Text(f"Points that only one has: {', '.join(lacking)}.", style="dim")
    if found.published:
        yield Text(found.published.note, style="dim")


def _indented(lines: list[str]) -> Iterator[RenderableType]:
    return (Padding(Text(line), (0, 0, 0, 2)) for line in lines)


def _tables(part: Comparison) -> Iterator[RenderableType]:
    """A table for each curve: accuracies in percent, a row a rate."""
    methods = set(part.points["method"]) - {"none"}
    rows = part.frame.loc[part.frame["difference"].notna().to_numpy(bool)]
    for curve, points in rows.groupby(list(POINT[:-1]), sort=False):
        dataset, size, corruption = cast("tuple[str, int, str]", curve)
        yield Text(f"{dataset}, {size:,} labels, {corruption}", style="bold")
        table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
        for name, width in COLUMNS.items():
            table.add_column(name, justify="right" if name else "left", min_width=width)
        for row in points.to_dict("records"):
            method = row["method"] if len(methods) > 1 else ""
            table.add_row(*_cells(row, bool(part.published)), f"{_verdict(row)} {method}".rstrip())
        yield table


def _cells(row: Mapping[Hashable, Any], published: bool) -> tuple[str, ...]:
    return (
        rate_text(row["rate"]),
        f"{100 * row['mean_a']:.1f}{failed_text(row, 'a')}",
        f"{100 * row['mean_b']:.1f}{failed_text(row, 'b')}",
        points_text(row["difference"]),
        _interval_cell(row, published),
    )


def _interval_cell(row: Mapping[Hashable, Any], published: bool) -> str:
    """Where one training is expected, beside published points; else of the difference."""
    if math.isnan(row["low"]):
        return MISSING
    if published and row["method"] == "prediction":
        return f"{100 * row['predicted_low']:.1f} to {100 * row['predicted_high']:.1f}"
    return f"{points_text(row['low'])} to {points_text(row['high'])}"


def _verdict(row: Mapping[Hashable, Any]) -> str:
    if row["inside"] is True:
        return YES
    return NEAR if row["close"] else NO


def _legend(part: Comparison) -> str:
    """What the tables' marks mean."""
    what = "where one training of the run is expected" if part.published else "interval of A − B"
    marks = f"{YES} inside, {NEAR} within 3 points, {NO} neither"
    failed = "; ○ models that did not train, left out" if _failed(part) else ""
    return f"In percent; 95 %: {what}; {marks}{failed}.\n{method_line(part)}"


def _failed(part: Comparison) -> bool:
    names = [f"n_{status}_{side}" for status in ("never_started", "diverged") for side in "ab"]
    return bool(part.frame[names].to_numpy().any())
