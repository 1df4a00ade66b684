"""The data of the figures: what is drawn in each pair of axes, whatever it will look like."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from gigo.analysis import Cliff, Curve, split_curves
from gigo.axes import POINT, SETTINGS
from gigo.report.material import Material

TOPS = (0.1, 0.2, 0.5, 1.0)
"""Where an axis of accuracy may end: models that are right once in twenty fill it, too."""


class CliffMark(NamedTuple):
    """A theoretical cliff as it is drawn.

    Attributes:
        corruption: whose it is.
        rate, accuracy_after: see `gigo.analysis.Cliff`.
        turn, turns: its place among those at the same rate, and how many they are.
        text: names all of these.
        row: of the text above the axes, from below; texts that are near take two rows.
    """

    corruption: str
    rate: float
    accuracy_after: float
    turn: int
    turns: int
    text: str
    row: int


class Panel(NamedTuple):
    """The data of one pair of axes.

    Attributes:
        title: what all lines share: data set, corruption, size.
        sizes: of the training sets, ascending.
        lines: rows of `gigo.analysis.summary`; ``line`` is the label of each one's.
        failed: rows of the tidy table: trials that never started or diverged; likewise.
        cliffs: those in sight, ascending.
        published: the article's points of the curves that repeat it: line, corruption, rate,
            accuracy, and what the run has there: mean_a, difference
            (`gigo.analysis.COMPARISON_COLUMNS`).
        chance: share of the largest class in the test set.
        highest_rate: where the axis of rates ends.
        highest_accuracy: where that of accuracy does: the first of `TOPS` with all points below it.
        labels: of all lines of the report, in the order of the palette.
    """

    title: str
    sizes: tuple[int, ...]
    lines: pd.DataFrame
    failed: pd.DataFrame
    cliffs: list[CliffMark]
    published: pd.DataFrame
    chance: float
    highest_rate: float
    highest_accuracy: float
    labels: list[str]


def panels(material: Material) -> list[Panel]:
    """One for all curves that differ in nothing but what lines stand for, in the table's order.

    Lines are corruptions; where settings vary, these; where there is one corruption, sizes.
    """
    together: dict[str, Any] = dict.fromkeys(material.name.lines)
    groups: dict[Curve, list[Curve]] = {}
    for curve in split_curves(material.frame):
        groups.setdefault(curve._replace(**together), []).append(curve)
    return [_panel(material, curves) for curves in groups.values()]


def in_turn(marks: Sequence[str], line: int) -> str:
    """The mark of a line; it shifts by one whenever all were used, as colours begin anew there."""
    return marks[(line + line // len(marks)) % len(marks)]


def _panel(material: Material, curves: list[Curve]) -> Panel:
    """``curves`` differ in what lines stand for alone."""
    trials, lines = split_curves(material.frame), split_curves(material.summary)
    label = material.name.label
    rows = pd.concat([trials[curve].assign(line=label(curve)) for curve in curves])
    highest = max(rows["rate"]) or 1.0
    shown = pd.concat([lines[curve].assign(line=label(curve)) for curve in curves])
    failed = rows.loc[~rows["started"].to_numpy(bool)]
    article = _published(material, curves, highest)
    heights = [shown["mean"], failed["accuracy"], article["accuracy"]]
    highest_point = np.nanmax(np.concatenate([column.to_numpy(np.float64) for column in heights]))
    return Panel(
        title=_title(material, curves[0]),
        sizes=tuple(sorted({curve.size for curve in curves})),
        lines=shown,
        failed=failed,
        cliffs=_cliff_marks(material, curves, highest),
        published=article,
        chance=float(rows["chance"].to_numpy(np.float64)[0]),
        highest_rate=highest,
        highest_accuracy=next(top for top in TOPS if highest_point <= top),
        labels=material.labels,
    )


def _title(material: Material, curve: Curve) -> str:
    """``digits, all 1,347 labels`` or ``digits, symmetric``: what is not a matter of lines."""
    shared = {
        "dataset": curve.dataset,
        "corruption": curve.corruption,
        "size": f"{material.name.size(curve)} labels",
    }
    return ", ".join(text for name, text in shared.items() if name not in material.name.lines)


def _published(material: Material, curves: list[Curve], highest: float) -> pd.DataFrame:
    """The article's points in sight, also at rates that were not trained."""
    columns = ["line", "corruption", "rate", "accuracy", "mean_a", "difference"]
    if material.published is None or material.published.published is None:
        return pd.DataFrame(columns=columns)
    found = material.published.frame
    axes = [f"{axis}_a" for axis in SETTINGS]
    compared = set(found[["dataset", "size", "corruption", *axes]].itertuples(False, None))
    points = material.published.published.frame
    theirs = split_curves(points)
    shown = pd.concat(
        [
            points.iloc[:0].assign(line=""),
            *(
                theirs[curve].assign(line=material.name.label(curve))
                for curve in curves
                if curve in compared
            ),
        ]
    )
    shown = shown.loc[shown["rate"] <= highest]
    return shown.merge(found[[*POINT, "mean_a", "difference"]], "left", [*POINT])[columns]


def _cliff_marks(material: Material, curves: list[Curve], highest: float) -> list[CliffMark]:
    by_rate: dict[float, list[tuple[str, Cliff]]] = {}
    for dataset, corruption in dict.fromkeys((c.dataset, c.corruption) for c in curves):
        for cliff in material.cliffs.get((dataset, corruption), ()):
            if cliff.rate <= highest:
                by_rate.setdefault(cliff.rate, []).append((corruption, cliff))
    marks: list[CliffMark] = []
    for rate, group in sorted(by_rate.items()):
        near = bool(marks) and rate - marks[-1].rate < 0.3 * highest
        row = 1 - marks[-1].row if near else 0
        text = f"{', '.join(name for name, _ in group)} cliff"
        marks += [
            CliffMark(name, rate, cliff.accuracy_after, turn, len(group), text, row)
            for turn, (name, cliff) in enumerate(group)
        ]
    return marks
