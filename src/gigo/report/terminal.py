"""The run on a terminal: tables and a small chart as rich renderables, readable without colour."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd
from rich import box
from rich.columns import Columns
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from gigo.analysis import Curve
from gigo.analysis.findings import Namer
from gigo.analysis.words import (
    MISSING,
    accuracy_text,
    rate_text,
)
from gigo.report import settings
from gigo.report.agreement import summary_lines
from gigo.report.figure_data import Panel, in_turn, panels
from gigo.report.material import Material
from gigo.report.plot import plot

STYLES = ("blue", "red", "green", "magenta", "yellow", "cyan", "white")
CURVES_A_TABLE = 4
CHART_WIDTH = 37
MARKS = "●■▲◆▼✚▶"
"""Of lines; after the last style, the next mark with the first one, and so on."""

TRIAL_COLUMNS = {
    "dataset": "data set",
    "size": "size",
    "corruption": "corruption",
    "setting": "setting",
    "rate": "rate",
    "replicate": "rep",
    "status": "status",
    "accuracy": "accuracy",
    "epochs": "epochs",
    "seconds": "s",
}
"""What `trials` shows of the tidy table, and what it calls it; where settings vary, the setting
stands for epochs and seconds."""

WORDS = ("dataset", "corruption", "setting", "status")


def overview(material: Material) -> list[RenderableType]:
    """What is shown after a run: charts, tables of means, the answer."""
    if material.frame.empty:
        return [Text("No trial is trained yet.")]
    shown = panels(material)
    charts = [Padding(_chart(panel), (0, 2, 1, 0)) for panel in shown]
    return [Columns(charts), *_means(material), words(material)]


def words(material: Material) -> Group:
    """The answer, as the page says it."""
    found = material.answer
    lines: list[RenderableType] = [Text(each, style="bold red") for each in found.warnings]
    for finding in found.findings:
        lines.append(Text(finding.heading, style="bold"))
        lines += [Padding(line, (0, 0, 0, 2)) for line in map(Text, finding.lines)]
    lines += [Text(note, style="dim") for note in found.notes]
    versus = material.settings
    if versus is not None and not versus.frame.empty:
        lines.append(Text(f"{settings.heading(material, versus)}:", style="bold"))
        told = settings.summary_lines(material, versus)
        lines += [Padding(Text(line), (0, 0, 0, 2)) for line in told]
    if material.published is not None:
        lines.append(Text("Beside the article's published points:", style="bold"))
        lines += [Padding(Text(line), (0, 0, 0, 2)) for line in summary_lines(material.published)]
    return Group(*lines)


def trials(frame: pd.DataFrame) -> Table:
    """A row a trial, with the columns that fit a terminal."""
    name = Namer(frame, {})
    left_out = ("epochs", "seconds") if name.varying else ("setting",)
    table = _table()
    columns = {column: title for column, title in TRIAL_COLUMNS.items() if column not in left_out}
    for column, title in columns.items():
        if column in WORDS:
            table.add_column(title, overflow="fold")
        else:  # half a number must not look like a whole one
            table.add_column(title, justify="right", overflow="ellipsis", no_wrap=True)
    for row in frame.to_dict("records"):
        shown = {
            **row,
            "size": f"{row['size']:,}",
            "setting": name.varied(row),
            "rate": rate_text(row["rate"]),
            "accuracy": accuracy_text(row["accuracy"]),
            "seconds": f"{row['seconds']:.1f}",
        }
        table.add_row(*(str(shown[column]) for column in columns))
    return table


def _table() -> Table:
    return Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))


def _chart(panel: Panel) -> Text:
    """A panel as text, narrow enough for two to stand side by side on 80 columns."""
    points = panel.lines.to_dict("records")
    lines = [
        np.array([(p["rate"], p["mean"]) for p in points if p["line"] == label], float).reshape(
            -1, 2
        )  # also where this panel has no trial of the line
        for label in panel.labels
    ]
    marks = "".join(in_turn(MARKS, i) for i in range(len(lines)))
    rows = plot(lines, marks, (panel.highest_rate, panel.highest_accuracy), panel.chance)
    text = Text(panel.title, style="bold", no_wrap=True)
    for row in rows:
        text.append("\n")
        for character, series in row:
            text.append(character, style=_style(series))
    legend = [
        (f"{marks[i]} {label}", _style(i)) for i, label in enumerate(panel.labels) if len(lines[i])
    ]
    used = math.inf  # of the legend's last line
    for entry, style in [*legend, ("┄ chance", "not bold dim")]:
        used += 2 + len(entry)
        if used > CHART_WIDTH:
            text.append("\n")
            used = len(entry)
        else:
            text.append("  ")
        text.append(entry, style=style)
    return text


def _style(series: int | None) -> str:
    return "not bold" if series is None else f"not bold {STYLES[series % len(STYLES)]}"


def _means(material: Material) -> Iterator[RenderableType]:
    """Mean accuracies in percent: a row a rate, a column a curve, a few curves a table."""
    rows = material.summary.to_dict("records")
    cells = {(Curve(*(row[axis] for axis in Curve._fields)), row["rate"]): row for row in rows}
    curves = list(dict.fromkeys(curve for curve, _ in cells))
    yield Text("Test accuracy in %: mean ± half its 95 % interval; ○ models that did not train")
    for start in range(0, len(curves), CURVES_A_TABLE):
        some = curves[start : start + CURVES_A_TABLE]
        table = _table()
        table.add_column("rate", justify="right")
        for curve in some:
            setting = material.name.setting(curve)
            name = f"{setting}\n{material.name.size(curve)}\n{curve.corruption}"
            table.add_column(name, justify="right")
        for rate in sorted({rate for curve, rate in cells if curve in some}):
            found = (cells.get((curve, rate)) for curve in some)
            table.add_row(rate_text(rate), *(_mean_cell(row) for row in found))
        yield table


def _mean_cell(row: Mapping[Hashable, Any] | None) -> str:
    """``97.1 ±0.8``, with ``○2`` for two models that never started or diverged."""
    if row is None:
        return MISSING
    failed = row["n_trials"] - row["n_started"]
    mark = f" ○{failed}" if failed else ""
    if math.isnan(row["mean"]):
        return f"{MISSING}{mark}"
    half = max(row["high"] - row["mean"], row["mean"] - row["low"])  # one side may be clipped
    spread = "" if math.isnan(half) else f" ±{100 * half:.1f}"
    return f"{100 * row['mean']:.1f}{spread}{mark}"
