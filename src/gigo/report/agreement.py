"""How far two runs agree, in words: for the terminal and the page, and the page's section."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from gigo.analysis import Comparison
from gigo.analysis.comparison import CLOSE, Setting
from gigo.analysis.words import MISSING, accuracy_text, count, listing, range_text, rate_text
from gigo.report.markup import Html, table, tag

PUBLISHED = "published, one training each"

METHODS = {
    "paired": "paired by replicate",
    "welch": "Welch's, of independent means",
    "prediction": "of one training",
    "none": "none, one training on each side",
}
"""The methods of `gigo.analysis.COMPARISON_COLUMNS`."""


def points_text(difference: float) -> str:
    """A signed difference in points: ``+0.7``, ``−12.3``, ``0.0``."""
    plain = f"{100 * difference:+.1f}"
    return "0.0" if float(plain) == 0 else plain.replace("-", "−")


def failed_text(row: Mapping[Any, Any], side: str) -> str:
    """`` ○2`` for two models that never started or diverged, else nothing."""
    failed = row[f"n_never_started_{side}"] + row[f"n_diverged_{side}"]
    return f" ○{failed}" if failed else ""


def place_text(point: Mapping[Any, Any]) -> str:
    """``mnist, 1,000 labels, symmetric at 50 %``."""
    labels = f"{point['size']:,} labels"
    return f"{point['dataset']}, {labels}, {point['corruption']} at {rate_text(point['rate'])}"


def setting_text(setting: Setting) -> str:
    """``article_cnn, article, clean in A and article_cnn, article, oracle in B``."""
    a, b = (", ".join(side) for side in setting)
    return a if a == b else f"{a} in A and {b} in B"


def summary_lines(found: Comparison) -> Iterator[str]:
    """The last lines of a comparison: differences, then how many points are inside."""
    n, largest = len(found.points), found.largest
    if largest is None:
        yield "No point has a trained model on both sides."
        return
    where = place_text(largest._asdict())
    yield (
        f"Mean difference {points_text(found.mean_difference)} points over {count(n, 'point')}, "
        f"mean absolute difference {100 * found.mean_absolute_difference:.1f}, "
        f"largest {points_text(largest.difference)} ({where})."
    )
    close = f"within {100 * CLOSE:.0f} points"
    if not found.n_intervals:
        yield f"{close.capitalize()}: {_of(found.n_agreeing, n)}; no interval without replicates."
        return
    yield (
        f"Inside the 95 % interval: {_of(found.n_inside, found.n_intervals)}; "
        f"inside or {close}: {_of(found.n_agreeing, n)}."
    )


def method_line(found: Comparison) -> str:
    """Which intervals there are, and at how many points if they differ; nothing without points."""
    methods = Counter(found.points["method"])
    if not methods:
        return ""
    if len(methods) == 1:
        return f"95 % intervals: {METHODS[next(iter(methods))]}."
    each = (f"{METHODS[name]} ({count(n, 'point')})" for name, n in methods.items())
    return f"95 % intervals: {'; '.join(each)}."


def difference_lines(found: Comparison) -> Iterator[str]:
    """What differs between the two sides."""
    for name, (a, b) in found.differing.items():
        yield f"{name}: {_values(a)} in A, {_values(b)} in B"


def untrained_lines(found: Comparison) -> Iterator[str]:
    """Points where one side has no trial that started: counted, not averaged in."""
    for row in found.untrained.to_dict("records"):
        sides = listing(f"{side.upper()} {_side(row, side)}" for side in "ab")
        yield f"{place_text(row)}: {sides}"


def section(found: Comparison | None) -> Html:
    """What the page says of a run, A, that repeats the article, B; nothing of another run."""
    if found is None or found.published is None:
        return Html("")
    explained = (
        f"{found.published.note} Difference: mean of the models that trained here, less the "
        f"published value. {method_line(found)}"
    )
    if found.n_intervals:
        explained += " One such interval in twenty misses by chance alone."
    return tag(
        "section",
        tag("h2", "The article's published points"),
        *(tag("p", line, class_="text") for line in summary_lines(found)),
        tag("p", explained, class_="notes"),
        _every_point(found),
    )


def _every_point(found: Comparison) -> Html:
    columns = ["Data set", "Labels", "Corruption", "Rate", "Mean here", "Trained"]
    columns += ["Published", "Difference", "95 % of one training", "Inside"]
    rows = [
        [
            row["dataset"],
            f"{row['size']:,}",
            row["corruption"],
            rate_text(row["rate"]),
            accuracy_text(row["mean_a"]),
            f"{row['n_a']} of {row['n_a'] + row['n_never_started_a'] + row['n_diverged_a']}",
            accuracy_text(row["mean_b"]),
            MISSING if math.isnan(row["difference"]) else points_text(row["difference"]),
            MISSING
            if math.isnan(row["predicted_low"])
            else range_text(row["predicted_low"], row["predicted_high"]),
            _inside_text(row),
        ]
        for row in found.frame.to_dict("records")
    ]
    summary = tag("summary", f"All {count(len(rows), 'point')}")
    return tag("details", summary, table(columns, rows, words=3))


def _inside_text(row: Mapping[Any, Any]) -> str:
    if row["inside"] is True:
        return "yes"
    if row["close"] is True:
        return "within 3 points"
    return "no" if row["inside"] is False else MISSING


def _of(n: int, total: int) -> str:
    return f"{n:,} of {total:,} ({100 * n / total:.0f} %)"


def _values(values: tuple[Any, ...]) -> str:
    return listing(map(str, values))


def _side(row: Mapping[Any, Any], side: str) -> str:
    """``3 never started (9.8 %)`` or ``55.3 %``."""
    if row[f"n_{side}"]:
        return accuracy_text(row[f"mean_{side}"])
    states = {"n_never_started": "never started", "n_diverged": "diverged"}
    failed = [f"{row[f'{n}_{side}']} {t}" for n, t in states.items() if row[f"{n}_{side}"]]
    return f"{listing(failed)} ({accuracy_text(row[f'mean_all_{side}'])})"
