"""Figures of accuracy against corruption rate: first their data, then their ink."""

from __future__ import annotations

from typing import Any, NamedTuple

import altair as alt
import pandas as pd

from gigo.analysis import Curve, split_curves
from gigo.analysis.words import accuracy_text, count, rate_text
from gigo.report.material import Material

PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#7F7F7F")
"""Okabe & Ito (2008), told apart by all kinds of colour vision; grey for their yellow, which is
too pale for a line on white."""

SHAPES = ("circle", "square", "triangle-up", "diamond", "triangle-down", "cross", "triangle-right")
QUIET = "#808080"
WIDTH, HEIGHT = 540, 320

LIGHT: dict[str, Any] = {
    "font": "system-ui, -apple-system, 'Segoe UI', 'Helvetica Neue', Arial, sans-serif",
    "background": "transparent",
    "view": {"stroke": None},
    "axis": {
        "domainColor": "#888888",
        "gridColor": "#e8e8e8",
        "labelColor": "#444444",
        "labelFontSize": 11,
        "tickColor": "#888888",
        "titleColor": "#222222",
        "titleFontSize": 12,
        "titleFontWeight": "normal",
        "titlePadding": 8,
    },
    "legend": {"labelColor": "#222222", "labelFontSize": 12, "labelLimit": 300},
    "title": {
        "anchor": "start",
        "color": "#222222",
        "fontSize": 13,
        "fontWeight": 600,
        "subtitleColor": "#666666",
        "subtitleFontSize": 11,
        "subtitlePadding": 5,
        "offset": 8,
    },
}
"""The look of a figure, as a Vega-Lite config."""

DARK: dict[str, Any] = {
    **LIGHT,
    "axis": {
        **LIGHT["axis"],
        "gridColor": "#333333",
        "labelColor": "#bbbbbb",
        "titleColor": "#dddddd",
    },
    "legend": {**LIGHT["legend"], "labelColor": "#dddddd"},
    "title": {**LIGHT["title"], "color": "#dddddd"},
}
"""The same on a dark page."""


class Panel(NamedTuple):
    """The data of one pair of axes.

    Attributes:
        title: the setting: data set, and model, recipe and validation where they vary.
        size: of the training set.
        lines: rows of `gigo.analysis.summary`.
        failed: rows of the tidy table: trials that never started or diverged.
        cliffs: columns corruption, rate, accuracy_after, text, row (of the text, from below).
        chance: share of the largest class in the test set.
        highest_rate: where the axis ends.
        corruptions: all labels of the report, in the order of the palette.
    """

    title: str
    size: int
    lines: pd.DataFrame
    failed: pd.DataFrame
    cliffs: pd.DataFrame
    chance: float
    highest_rate: float
    corruptions: list[str]


def panels(material: Material) -> list[Panel]:
    """One per training set and setting, in the table's order."""
    groups: dict[Curve, list[pd.DataFrame]] = {}
    for curve, rows in split_curves(material.frame).items():
        groups.setdefault(curve._replace(corruption=""), []).append(rows)
    return [_panel(material, curve, pd.concat(rows)) for curve, rows in groups.items()]


def figure(material: Material, size: int | None = None, columns: int = 2) -> alt.ConcatChart:
    """All panels of one size (None: of every size), ready to be shown or saved."""
    chosen = [panel for panel in panels(material) if size in (None, panel.size)]
    charts = [
        draw(panel).properties(title={"text": heading(panel, material), "subtitle": _legend_text(panel)})
        for panel in chosen
    ]
    chart = alt.concat(*charts, columns=columns, spacing=36)
    chart = chart.resolve_scale(color="independent", shape="independent")  # a legend each
    return chart.configure(**{**LIGHT, "background": "white"}, padding=12)


def heading(panel: Panel, material: Material) -> str:
    """``digits, all 1,347 labels``."""
    everything = panel.size == material.n_items.get(str(panel.lines["dataset"].iloc[0]))
    return f"{panel.title}, {'all ' if everything else ''}{panel.size:,} labels"


def _legend_text(panel: Panel) -> str:
    """What the ink means, for a figure that stands alone."""
    most = int(panel.lines["n_trials"].max())
    parts = [f"Mean of {count(most, 'replicate')}"]
    if most > 1:
        parts.append("band: 95 % interval of the mean")
    if len(panel.cliffs):
        parts.append("dashed: theoretical cliff")
    if len(panel.failed):
        parts.append("hollow: did not start")
    return "; ".join(parts)


def draw(panel: Panel, width: int | str = WIDTH) -> alt.LayerChart:
    """The ink, without a title; ``width="container"`` fills what the page gives."""
    layers = [
        _chance(panel),
        *_cliffs(panel),
        _band(panel),
        _line(panel),
        _points(panel),
        *([_failed(panel)] if len(panel.failed) else []),
    ]
    return alt.layer(*layers).properties(width=width, height=HEIGHT)


def _panel(material: Material, curve: Curve, rows: pd.DataFrame) -> Panel:
    mine = material.summary
    for axis in ("dataset", "size", "model", "recipe", "validation"):
        mine = mine[mine[axis] == getattr(curve, axis)]
    highest = float(rows["rate"].max()) or 1.0
    return Panel(
        title=material.name.setting(curve),
        size=curve.size,
        lines=mine,
        failed=rows[~rows["started"]],
        cliffs=_cliff_table(material, curve.dataset, list(rows["corruption"].unique()), highest),
        chance=float(rows["chance"].iloc[0]),
        highest_rate=highest,
        corruptions=material.corruptions,
    )


def _cliff_table(
    material: Material, dataset: str, labels: list[str], highest: float
) -> pd.DataFrame:
    """The cliffs in sight. Those at one rate share a text; texts too close get rows of their own."""
    found = [
        {"corruption": label, "rate": cliff.rate, "accuracy_after": cliff.accuracy_after}
        for label in labels
        for cliff in material.cliffs.get((dataset, label), ())
        if cliff.rate <= highest
    ]
    columns = ["corruption", "rate", "accuracy_after", "text", "row"]
    table = pd.DataFrame(found, columns=columns).sort_values("rate", kind="stable")
    text, row, last = "", 0, -1.0
    texts: dict[float, tuple[str, int]] = {}
    for rate, group in table.groupby("rate"):
        text = f"{', '.join(group['corruption'])} cliff"
        row = (row + 1) % 2 if float(rate) - last < 0.3 * highest else 0
        texts[float(rate)] = text, row
        last = float(rate)
    table["text"] = [texts[rate][0] for rate in table["rate"]]
    table["row"] = [texts[rate][1] for rate in table["rate"]]
    return table


def _x(panel: Panel, **options: Any) -> alt.X:
    axis = alt.Axis(format="%", grid=False, title="Corrupted training labels", tickCount=6)
    return alt.X(
        "rate:Q", scale=alt.Scale(domain=[0, panel.highest_rate], nice=False), axis=axis, **options
    )


def _y(field: str) -> alt.Y:
    axis = alt.Axis(format="%", title="Test accuracy", tickCount=6, domain=False, ticks=False)
    return alt.Y(f"{field}:Q", scale=alt.Scale(domain=[0, 1]), axis=axis)


def _colour(panel: Panel) -> alt.Color:
    return alt.Color(
        "corruption:N",
        scale=alt.Scale(domain=panel.corruptions, range=_cycle(PALETTE, panel)),
        legend=_legend(panel),
    )


def _shape(panel: Panel) -> alt.Shape:
    return alt.Shape(
        "corruption:N",
        scale=alt.Scale(domain=panel.corruptions, range=_cycle(SHAPES, panel)),
        legend=_legend(panel),
    )


def _legend(panel: Panel) -> alt.Legend:
    # The same for all layers, or Vega-Lite would not merge them into one; above the cliffs' names.
    rows = int(panel.cliffs["row"].max()) + 1 if len(panel.cliffs) else 0
    return alt.Legend(
        title=None,
        orient="top",
        offset=8 + 13 * rows,
        symbolSize=60,
        symbolOpacity=1,
        columnPadding=16,
    )


def _cycle(values: tuple[str, ...], panel: Panel) -> list[str]:
    return [values[i % len(values)] for i in range(len(panel.corruptions))]


def _band(panel: Panel) -> alt.Chart:
    return (
        alt.Chart(panel.lines)
        .mark_area(opacity=0.16)
        .encode(x=_x(panel), y=_y("low"), y2="high:Q", color=_colour(panel))
    )


def _line(panel: Panel) -> alt.Chart:
    return (
        alt.Chart(panel.lines)
        .mark_line(strokeWidth=2)
        .encode(x=_x(panel), y=_y("mean"), color=_colour(panel))
    )


def _points(panel: Panel) -> alt.Chart:
    percent = {
        "mean": "mean accuracy",
        "low": "95 % interval from",
        "high": "95 % interval to",
        "rate": "labels corrupted",
        "realised_rate": "really changed",
    }
    counts = {
        "n_started": "models in the mean",
        "n_never_started": "never started",
        "n_diverged": "diverged",
    }
    tooltip = [
        alt.Tooltip("corruption:N", title="corruption"),
        *(alt.Tooltip(f"{field}:Q", title=title, format=".1%") for field, title in percent.items()),
        *(alt.Tooltip(f"{field}:Q", title=title) for field, title in counts.items()),
    ]
    return (
        alt.Chart(panel.lines)
        .mark_point(filled=True, size=42, opacity=1)
        .encode(
            x=_x(panel),
            y=_y("mean"),
            color=_colour(panel),
            shape=_shape(panel),
            tooltip=tooltip,
        )
    )


def _failed(panel: Panel) -> alt.Chart:
    columns = ["corruption", "rate", "accuracy", "replicate", "status"]
    tooltip = [
        "corruption:N",
        alt.Tooltip("rate:Q", title="labels corrupted", format=".1%"),
        alt.Tooltip("accuracy:Q", format=".1%"),
        "replicate:O",
        "status:N",
    ]
    return (
        alt.Chart(panel.failed[columns])
        .mark_point(filled=False, size=70, strokeWidth=1.6, opacity=1)
        .encode(
            x=_x(panel), y=_y("accuracy"), color=_colour(panel), shape=_shape(panel), tooltip=tooltip
        )
    )


def _chance(panel: Panel) -> alt.LayerChart:
    text = f"chance {accuracy_text(panel.chance)}"
    base = alt.Chart(pd.DataFrame([{"rate": 0.0, "chance": panel.chance, "text": text}]))
    rule = base.mark_rule(strokeDash=[1, 3], strokeWidth=1.4, color=QUIET).encode(y=_y("chance"))
    label = base.mark_text(align="left", baseline="top", dx=5, dy=4, fontSize=11, color=QUIET)
    return alt.layer(rule, label.encode(x=_x(panel), y=_y("chance"), text="text:N"))


def _cliffs(panel: Panel) -> list[alt.Chart]:
    """A dashed rule each; corruptions that fall together take turns in the dashes."""
    charts: list[alt.Chart] = []
    for rate, group in panel.cliffs.groupby("rate"):
        n = len(group)
        for turn, (_, row) in enumerate(group.iterrows()):
            dashes = {"strokeDash": [5, 4 + 9 * (n - 1)], "strokeDashOffset": -9 * turn}
            tooltip = (
                f"{row['corruption']}: past {rate_text(float(rate))} theory leaves "
                f"{accuracy_text(float(row['accuracy_after']))}"
            )
            data = pd.DataFrame([row])
            charts.append(
                alt.Chart(data)
                .mark_rule(strokeWidth=1.3, opacity=0.85, **dashes)
                .encode(x=_x(panel), color=_colour(panel), tooltip=alt.value(tooltip))
            )
        text = alt.Chart(group.head(1)).mark_text(
            baseline="bottom", fontSize=11, dy=-5 - 13 * int(group["row"].iloc[0])
        )
        colour = _colour(panel) if n == 1 else alt.value(QUIET)
        charts.append(text.encode(x=_x(panel), y=alt.value(0), text="text:N", color=colour))
    return charts
