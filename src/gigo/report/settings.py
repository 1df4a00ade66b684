"""What the settings that a run varies change, in words and as the page's section."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from gigo.analysis import Comparison
from gigo.analysis.comparison import Setting
from gigo.analysis.words import MISSING, accuracy_text, count, rate_text
from gigo.axes import SETTINGS
from gigo.report.agreement import failed_text, method_line, points_text
from gigo.report.markup import Html, table, tag
from gigo.report.material import Material


def heading(material: Material, found: Comparison) -> str:
    """``Settings, against article_cnn, clean validation``."""
    return f"Settings, against {_side_text(material, next(iter(found.by_setting())), 'b')}"


def summary_lines(material: Material, found: Comparison) -> Iterator[str]:
    """A line a setting: how far it is from the one that all are held against, and how sure."""
    for setting, part in found.by_setting().items():
        yield f"{_side_text(material, setting, 'a')}: {_summary(part)}"


def _summary(part: Comparison) -> str:
    points = part.points.sort_values("difference", kind="stable").to_dict("records")
    if not points:
        return "no model trained on one side or the other."
    told = f"{points_text(part.mean_difference)} points on average"
    if len(points) > 1:
        several = [name for name in ("dataset", "size") if len(set(part.points[name])) > 1]
        ends = (
            f"{points_text(point['difference'])} ({_place(point, several)})"
            for point in (points[0], points[-1])
        )
        told += f", {' to '.join(ends)}"
    if not part.n_intervals:
        return f"{told}; one training each, no interval."
    sure = part.n_intervals - part.n_inside
    return f"{told}; {sure:,} of {count(part.n_intervals, 'difference')} sure at 95 %."


def _place(point: Mapping[Any, Any], several: Sequence[str]) -> str:
    """``symmetric at 40 %``, with data set and size where there are several."""
    named = {"dataset": point["dataset"], "size": f"{point['size']:,} labels"}
    place = f"{point['corruption']} at {rate_text(point['rate'])}"
    return ", ".join([*(named[name] for name in several), place])


def section(material: Material) -> Html:
    """What the page says of a run that varies settings; nothing of another."""
    found = material.settings
    if found is None or found.frame.empty:
        return Html("")
    explained = (
        "Differences of mean accuracy, in points, of the models that trained. Sure: the 95 % "
        "interval of the difference leaves out 0, as one in twenty does by chance alone. ○: models "
        "that did not train, left out, with the same replicate of the other side. "
        f"{method_line(found)}"
    )
    return tag(
        "section",
        tag("h2", heading(material, found)),
        tag("ul", *(tag("li", line) for line in summary_lines(material, found)), class_="text"),
        tag("p", explained, class_="notes"),
        _every_point(material, found),
    )


def _every_point(material: Material, found: Comparison) -> Html:
    columns = ["Data set", "Labels", "Corruption", "Rate", "Setting"]
    columns += ["Mean", "Against", "Models", "Difference", "95 % interval"]
    rows = [
        [
            row["dataset"],
            f"{row['size']:,}",
            row["corruption"],
            rate_text(row["rate"]),
            _side_text(material, setting, "a"),
            f"{accuracy_text(row['mean_a'])}{failed_text(row, 'a')}",
            f"{accuracy_text(row['mean_b'])}{failed_text(row, 'b')}",
            f"{row['n_a']:,} pairs"
            if row["method"] == "paired"
            else f"{row['n_a']} and {row['n_b']}",
            MISSING if math.isnan(row["difference"]) else points_text(row["difference"]),
            MISSING
            if math.isnan(row["low"])
            else f"{points_text(row['low'])} to {points_text(row['high'])}",
        ]
        for setting, part in found.by_setting().items()
        for row in part.frame.to_dict("records")
    ]
    summary = tag("summary", f"All {count(len(rows), 'point')}")
    return tag("details", summary, table(columns, rows, words=5))


def _side_text(material: Material, setting: Setting, side: str) -> str:
    return material.name.varied(dict(zip(SETTINGS, getattr(setting, side), strict=True)))
