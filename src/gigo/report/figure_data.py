"""The data of the figures: what is drawn in each pair of axes, whatever it will look like."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from gigo.analysis.allowed import usual
from gigo.analysis.estimates import Curve, split_curves
from gigo.analysis.metric import Metric
from gigo.analysis.words import USUAL, accuracy_text, rate_text
from gigo.axes import CURVE, POINT, SETTINGS
from gigo.report.material import Material

TOPS = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0)
"""Where an axis may end: models that are right once in twenty fill it, too."""

MOST_LINES, MOST_GUIDES, MOST_DOTS = 14, 4, 1000
"""Of a panel: more lines can't be told apart, more guides and dots hide them. The tables have all
that is left out."""


REALISED = "Share of the training set that was really changed"
"""The title of the axis of realised rates."""


class CliffMark(NamedTuple):
    """A theoretical cliff as it is drawn.

    Attributes:
        rate: where it is.
        line: whose it is; empty if that is no line of the figure, or several fall together.
        text: names whose.
        told: what is known of it.
        row: of the text above the axes, from below; texts that are near take two rows.
    """

    rate: float
    line: str
    text: str
    told: str
    row: int


class Guide(NamedTuple):
    """The tolerance of a line as it is drawn: along its level, then down to its rate.

    Attributes:
        line: whose it is.
        level: what the tolerance allows its mean to fall to.
        start, rate: from 0 to where the mean falls below, or as far as it was followed.
        falls: whether it does.
        told: the same in words.
    """

    line: str
    level: float
    start: float
    rate: float
    falls: bool
    told: str


class Panel(NamedTuple):
    """The data of one pair of axes.

    Attributes:
        title: what all lines share: data set, corruption, size.
        sizes: of the training sets, ascending.
        lines: rows of `gigo.analysis.estimates.summary`; ``line`` is the label of each one's.
        failed: those of the rows where some never started or diverged; ``mean_failed`` is the mean
            of these. Trials that raised an error have nothing to draw.
        cliffs: those in sight, ascending.
        published: the article's points of the curves that repeat it: line, corruption, rate,
            accuracy, and what the run has there: mean_a, difference
            (`gigo.analysis.comparison.COMPARISON_COLUMNS`).
        chance: what guessing gives; NaN where that is not known.
        highest_rate: where the axis of rates ends.
        highest_mean: where that of means does: the first of `TOPS` with all points below it.
        labels: of lines, in the order of the palette: all of the report's, this panel's alone
            where these would be too many.
        left_out: how many lines are not drawn (`MOST_LINES`).
        dots: what single models reached that trained: line, rate, replicate, value; empty where
            no mean is of several, or there are too many (`MOST_DOTS`).
        guides: of the lines that have a tolerance; none where there are too many (`MOST_GUIDES`).
        metric: what means are of.
        axis: what rates are shares of: the title of their axis.
        notes: what else is to be known of them, a line each.
    """

    title: str
    sizes: tuple[int, ...]
    lines: pd.DataFrame
    failed: pd.DataFrame
    cliffs: list[CliffMark]
    published: pd.DataFrame
    chance: float
    highest_rate: float
    highest_mean: float
    labels: list[str]
    left_out: int
    dots: pd.DataFrame
    guides: list[Guide]
    metric: Metric
    axis: str
    notes: tuple[str, ...]

    @property
    def against(self) -> str:
        """What rates are called in sentences."""
        return "realised rate" if self.axis == REALISED else "corruption rate"


def panels(material: Material) -> list[Panel]:
    """One for all curves that differ in nothing but what lines stand for, in the table's order.

    Lines are corruptions; where settings vary, these; where there is one corruption, sizes.
    """
    together: dict[str, Any] = dict.fromkeys(material.name.lines)
    groups: dict[Curve, dict[Curve, pd.DataFrame]] = {}
    for curve, rows in split_curves(material.summary).items():
        if not all(rows["mean_all"].isna()):
            groups.setdefault(curve._replace(**together), {})[curve] = rows
    return [_panel(material, curves) for curves in groups.values()]


def in_turn(marks: Sequence[str], line: int) -> str:
    """The mark of a line; it shifts by one whenever all were used, as colours begin anew there."""
    return marks[(line + line // len(marks)) % len(marks)]


def _panel(material: Material, curves: dict[Curve, pd.DataFrame]) -> Panel:
    """``curves`` differ in what lines stand for alone."""
    label = material.name.label
    shown = list(curves)[:MOST_LINES]
    lines = pd.concat([curves[curve].assign(line=label(curve)) for curve in shown])
    realised = material.against == "realised_rate"
    if realised:  # where cliffs, guides and published points would be is not known
        lines = lines.assign(rate=lines["realised_rate"]).sort_values("rate", kind="stable")
    highest = max(lines["rate"]) or 1.0
    failed = _failed(lines, material.metric.most)
    article = _published(material, [] if realised else shown, highest)
    dots = _dots(material, shown)
    heights = [lines["mean"], failed["mean_failed"], article["accuracy"], dots["value"]]
    heights.append(lines["chance"])
    highest_point = np.nanmax(np.concatenate([column.to_numpy(np.float64) for column in heights]))
    few = len(material.labels) <= MOST_LINES
    return Panel(
        title=_title(material, shown[0]),
        sizes=tuple(sorted({curve.size for curve in curves})),
        lines=lines,
        failed=failed,
        cliffs=[] if realised else _cliff_marks(material, shown, highest),
        published=article,
        chance=float(lines["chance"].iloc[0]),
        highest_rate=highest,
        highest_mean=next((top for top in TOPS if highest_point <= top), float(highest_point)),
        labels=material.labels if few else [*map(label, shown)],
        left_out=len(curves) - len(shown),
        dots=dots,
        guides=_guides(material, shown) if len(shown) <= MOST_GUIDES and not realised else [],
        metric=material.metric,
        axis=REALISED if realised else _axis(material, shown),
        notes=() if realised else tuple(_notes(material, shown)),
    )


def _axis(material: Material, curves: Sequence[Curve]) -> str:
    """The title that the rates of all curves share; else what they are, and `_notes` says more."""
    titles = {material.spoken.get(curve.corruption, USUAL).axis for curve in curves}
    return titles.pop() if len(titles) == 1 else "Corruption rate"


def _notes(material: Material, curves: Sequence[Curve]) -> Iterator[str]:
    """What rates are shares of, where that differs from line to line."""
    kinds = dict.fromkeys(curve.corruption for curve in curves)
    titles = {kind: material.spoken.get(kind, USUAL) for kind in kinds}
    if len({how.rate_of for how in titles.values()}) > 1:
        for kind, how in titles.items():
            yield f"{kind}: {how.axis[0].lower()}{how.axis[1:]}."


def _failed(lines: pd.DataFrame, most: float) -> pd.DataFrame:
    rows = lines.loc[lines["n_never_started"] + lines["n_diverged"] > 0]
    of_started = rows["n_started"] * rows["mean"].fillna(0.0)
    n_all = rows["n_trials"] - rows["n_failed"]
    mean = (n_all * rows["mean_all"] - of_started) / (n_all - rows["n_started"])
    return rows.assign(mean_failed=mean.clip(0.0, most))


def _dots(material: Material, curves: Sequence[Curve]) -> pd.DataFrame:
    columns = ["line", "rate", "replicate", "value"]
    rows = pd.concat(
        [material.trials[curve].assign(line=material.name.label(curve)) for curve in curves]
    )
    rows = rows.assign(
        value=rows[material.metric.name], at=rows["rate"], rate=rows[material.against]
    )
    rows = rows.loc[rows["started"] & rows["value"].notna()]
    alone = not rows.duplicated(["line", "at"]).any()
    return (rows.iloc[:0] if alone or len(rows) > MOST_DOTS else rows)[columns]


def _guides(material: Material, curves: Sequence[Curve]) -> list[Guide]:
    guides: list[Guide] = []
    if material.allowed is None and usual(material.metric) is None:
        return guides
    known = {each.curve: each for each in material.estimates}
    for curve in curves:
        clean, tolerance, allowed = (
            known[curve].clean[0],
            known[curve].tolerance,
            known[curve].allowed,
        )
        if tolerance.value is not None and allowed is not None:
            line, level = material.name.label(curve), allowed.target(clean, material.metric)
            end, falls = tolerance.highest_rate, not tolerance.censored
            told = f"above {material.metric.text(level)} at every rate tried"
            if falls:
                end = tolerance.value
                told = f"falls below {material.metric.text(level)} at {rate_text(end)}"
            guides.append(Guide(line, level, 0.0, end, falls, f"{line}: {told}"))
    return guides


def _title(material: Material, curve: Curve) -> str:
    """``digits, all 1,347 labels`` or ``digits, symmetric``: what is not a matter of lines."""
    size = f"{material.name.size(curve)} labels"
    shared = {"dataset": material.name.data(curve), "corruption": curve.corruption, "size": size}
    return ", ".join(text for name, text in shared.items() if name not in material.name.lines)


def _published(material: Material, curves: Sequence[Curve], highest: float) -> pd.DataFrame:
    """The article's points in sight, also at rates that were not trained."""
    columns = ["line", "corruption", "rate", "accuracy", "mean_a", "difference"]
    if material.published is None or material.published.published is None:
        return pd.DataFrame(columns=columns)
    found = material.published.frame
    mine = set(found[[*CURVE[:3], *(f"{axis}_a" for axis in SETTINGS)]].itertuples(False, None))
    lines = {curve[:3]: material.name.label(curve) for curve in curves if curve in mine}
    points = material.published.published.frame
    whose = [lines.get(curve) for curve in points[[*CURVE[:3]]].itertuples(False, None)]
    shown = points.assign(line=whose).loc[points["rate"] <= highest].dropna(subset="line")
    return shown.merge(found[[*POINT, "mean_a", "difference"]], "left", [*POINT])[columns]


def _cliff_marks(material: Material, curves: Sequence[Curve], highest: float) -> list[CliffMark]:
    by_rate: dict[float, dict[str, str]] = {}
    for dataset, corruption in dict.fromkeys((c.dataset, c.corruption) for c in curves):
        for rate, left in material.cliffs.get((dataset, corruption), ()):
            told = f"{corruption}: past {rate_text(rate)} theory leaves {accuracy_text(left)}"
            by_rate.setdefault(rate, {})[corruption] = told
    marks: list[CliffMark] = []
    for rate, whose in sorted(by_rate.items()):
        if rate <= highest:
            near = bool(marks) and rate - marks[-1].rate < 0.3 * highest
            row = 1 - marks[-1].row if near else 0
            names, told = ", ".join(whose), "; ".join(whose.values())
            line = names if names in material.labels else ""
            marks.append(CliffMark(rate, line, f"{names} cliff", told, row))
    return marks
