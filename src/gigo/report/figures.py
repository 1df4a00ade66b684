"""The ink of the figures: accuracy against corruption rate, lines in bands."""

from __future__ import annotations

import textwrap
from typing import Any, Literal

import altair as alt
import pandas as pd

from gigo.analysis.words import accuracy_text, count, rate_text
from gigo.errors import SpecError
from gigo.report.agreement import PUBLISHED
from gigo.report.figure_data import CliffMark, Panel, in_turn, panels
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


def figure(material: Material, size: int | None = None, columns: int = 2) -> alt.ConcatChart:
    """All panels with a size (None: with any), ready to be shown or saved.

    Raises:
        SpecError: nothing of that size is trained yet.
    """
    chosen = [panel for panel in panels(material) if size is None or size in panel.sizes]
    if not chosen:
        raise SpecError("size", size, "one that has finished trials")
    charts = [
        draw(panel).properties(
            title={"text": panel.title, "subtitle": textwrap.wrap(_legend_text(panel), WIDTH // 6)}
        )
        for panel in chosen
    ]
    chart = alt.concat(*charts, columns=columns, spacing=36)
    chart = chart.resolve_scale(  # a legend each
        color="independent", shape="independent", opacity="independent"
    )
    return chart.properties(config={**LIGHT, "background": "white"}, padding=12)


def _legend_text(panel: Panel) -> str:
    """What the ink means, for a figure that stands alone."""
    fewest, most = min(panel.lines["n_trials"]), max(panel.lines["n_trials"])
    some = f"{fewest} to " if fewest < most else ""
    trained = ", of those that trained" if len(panel.failed) else ""
    parts = [f"Mean of {some}{count(most, 'replicate')}{trained}"]
    if most > 1:
        parts.append("band: 95 % interval of the mean")
    if len(panel.cliffs):
        parts.append("dashed: theoretical cliff")
    if len(panel.failed):
        parts.append(f"{'other hollow marks' if len(panel.published) else 'hollow'}: did not train")
    return "; ".join(parts)


def draw(panel: Panel, width: float | Literal["container"] = WIDTH) -> alt.LayerChart:
    """The ink, without a title; ``width="container"`` fills what the page gives."""
    layers = [
        _chance(panel),
        *_cliffs(panel),
        _band(panel),
        _line(panel),
        _points(panel),
        *([_failed(panel)] if len(panel.failed) else []),
        *([_published(panel)] if len(panel.published) else []),
    ]
    return alt.LayerChart(layer=layers, width=width, height=HEIGHT)


def _x(panel: Panel, **options: Any) -> alt.X:
    axis = alt.Axis(format="%", grid=False, title="Corrupted training labels", tickCount=6)
    return alt.X(
        "rate:Q", scale=alt.Scale(domain=[0, panel.highest_rate], nice=False), axis=axis, **options
    )


def _y(panel: Panel, field: str) -> alt.Y:
    axis = alt.Axis(format="%", title="Test accuracy", tickCount=6, domain=False, ticks=False)
    return alt.Y(f"{field}:Q", scale=alt.Scale(domain=[0, panel.highest_accuracy]), axis=axis)


def _colour(panel: Panel) -> alt.Color:
    return alt.Color(
        "line:N",
        scale=alt.Scale(
            domain=panel.labels, range=[PALETTE[i % len(PALETTE)] for i in _lines(panel)]
        ),
        legend=_legend(panel),
    )


def _shape(panel: Panel) -> alt.Shape:
    return alt.Shape(
        "line:N",
        scale=alt.Scale(domain=panel.labels, range=[in_turn(SHAPES, i) for i in _lines(panel)]),
        legend=_legend(panel),
    )


def _legend(panel: Panel) -> alt.Legend:
    # The same for all layers, or Vega-Lite would not merge them into one; above the cliffs' names.
    rows = max((cliff.row + 1 for cliff in panel.cliffs), default=0)
    entry = 44 + 7 * max(map(len, panel.labels))  # pixels, about
    return alt.Legend(
        title=None,
        orient="top",
        columns=max(1, min(WIDTH // entry, len(panel.labels))),
        offset=8 + 13 * rows,
        symbolSize=60,
        symbolOpacity=1,
        columnPadding=24,
    )


def _lines(panel: Panel) -> range:
    return range(len(panel.labels))


def _band(panel: Panel) -> alt.Chart:
    return (
        alt.Chart(panel.lines)
        .mark_area(opacity=0.16, clip=True)
        .encode(x=_x(panel), y=_y(panel, "low"), y2="high:Q", color=_colour(panel))
    )


def _line(panel: Panel) -> alt.Chart:
    return (
        alt.Chart(panel.lines)
        .mark_line(strokeWidth=2)
        .encode(x=_x(panel), y=_y(panel, "mean"), color=_colour(panel))
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
        alt.Tooltip("line:N", title="line"),
        *(alt.Tooltip(f"{field}:Q", title=title, format=".1%") for field, title in percent.items()),
        *(alt.Tooltip(f"{field}:Q", title=title) for field, title in counts.items()),
    ]
    return (
        alt.Chart(panel.lines)
        .mark_point(filled=True, size=42, opacity=1)
        .encode(
            x=_x(panel),
            y=_y(panel, "mean"),
            color=_colour(panel),
            shape=_shape(panel),
            tooltip=tooltip,
        )
    )


def _failed(panel: Panel) -> alt.Chart:
    columns = ["line", "rate", "accuracy", "replicate", "status"]
    tooltip = [
        "line:N",
        alt.Tooltip("rate:Q", title="labels corrupted", format=".1%"),
        alt.Tooltip("accuracy:Q", format=".1%"),
        "replicate:O",
        "status:N",
    ]
    return (
        alt.Chart(panel.failed[columns])
        .mark_point(filled=False, size=70, strokeWidth=1.6, opacity=1)
        .encode(
            x=_x(panel),
            y=_y(panel, "accuracy"),
            color=_colour(panel),
            shape=_shape(panel),
            tooltip=tooltip,
        )
    )


def _published(panel: Panel) -> alt.Chart:
    """Diamonds large enough to hold the mean's own point where both agree."""
    entry = alt.Legend(
        title=None,
        orient="top",
        symbolType="diamond",
        symbolSize=110,
        symbolFillColor="transparent",
        symbolStrokeColor=QUIET,
        symbolStrokeWidth=1.4,
    )
    tooltip = [
        "line:N",
        alt.Tooltip("rate:Q", title="labels corrupted", format=".1%"),
        alt.Tooltip("accuracy:Q", title="published accuracy", format=".1%"),
        alt.Tooltip("mean_a:Q", title="mean here", format=".1%"),
    ]
    return (
        alt.Chart(panel.published.assign(source=PUBLISHED))
        .mark_point(shape="diamond", filled=False, size=150, strokeWidth=1.4)
        .encode(
            x=_x(panel),
            y=_y(panel, "accuracy"),
            color=_colour(panel),
            opacity=alt.Opacity("source:N", scale=alt.Scale(range=[0.85]), legend=entry),
            tooltip=tooltip,
        )
    )


def _chance(panel: Panel) -> alt.LayerChart:
    text = f"chance {accuracy_text(panel.chance)}"
    base = alt.Chart(pd.DataFrame([{"rate": 0.0, "chance": panel.chance, "text": text}]))
    rule = base.mark_rule(strokeDash=[1, 3], strokeWidth=1.4, color=QUIET).encode(
        y=_y(panel, "chance")
    )
    label = base.mark_text(align="left", baseline="top", dx=5, dy=4, fontSize=11, color=QUIET)
    return alt.LayerChart(
        layer=[rule, label.encode(x=_x(panel), y=_y(panel, "chance"), text="text:N")]
    )


def _cliffs(panel: Panel) -> list[alt.Chart]:
    """A dashed rule each; corruptions that fall together take turns in the dashes."""
    charts: list[alt.Chart] = []
    for cliff in panel.cliffs:
        charts.append(_cliff_rule(panel, cliff))
        if cliff.turn == 0:
            charts.append(_cliff_text(panel, cliff))
    return charts


def _cliff_rule(panel: Panel, cliff: CliffMark) -> alt.Chart:
    tooltip = (
        f"{cliff.corruption}: past {rate_text(cliff.rate)} theory leaves "
        f"{accuracy_text(cliff.accuracy_after)}"
    )
    dash, gap = 5, 4
    mark = alt.MarkDef(
        type="rule",
        strokeWidth=1.3,
        opacity=0.85,
        strokeDash=[dash, gap + (dash + gap) * (cliff.turns - 1)],
        strokeDashOffset=-(dash + gap) * cliff.turn,
    )
    chart = alt.Chart(_cliff_data(cliff), mark=mark)
    return chart.encode(x=_x(panel), color=_cliff_colour(panel, cliff), tooltip=alt.value(tooltip))


def _cliff_text(panel: Panel, cliff: CliffMark) -> alt.Chart:
    at_the_edge = cliff.rate > 0.8 * panel.highest_rate
    chart = alt.Chart(_cliff_data(cliff)).mark_text(
        align="right" if at_the_edge else "center",
        baseline="bottom",
        dx=16 if at_the_edge else 0,
        dy=-5 - 13 * cliff.row,
        fontSize=11,
    )
    colour = _cliff_colour(panel, cliff) if cliff.turns == 1 else alt.value(QUIET)
    return chart.encode(x=_x(panel), y=alt.value(0), text="text:N", color=colour)


def _cliff_data(cliff: CliffMark) -> pd.DataFrame:
    return pd.DataFrame([cliff]).assign(line=cliff.corruption)


def _cliff_colour(panel: Panel, cliff: CliffMark) -> Any:
    """Its line's; no line's where lines stand for settings."""
    return _colour(panel) if cliff.corruption in panel.labels else alt.value(QUIET)
