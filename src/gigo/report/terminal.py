"""Blocks on a terminal, readable without colour: charts as text, tables that fit."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby, pairwise

import numpy as np
import pandas as pd
from rich import box
from rich.cells import cell_len
from rich.columns import Columns
from rich.console import Console, Group, RenderableType
from rich.constrain import Constrain
from rich.padding import Padding
from rich.table import Table as Grid
from rich.text import Text as Line

from gigo.analysis.intervals import Floats
from gigo.analysis.words import rate_text
from gigo.printable import printable
from gigo.report import blocks as b
from gigo.report.figure_data import Panel, in_turn

STYLES = ("blue", "red", "green", "magenta", "yellow", "cyan", "white")
TONES = {"plain": "", "note": "dim", "warning": "bold red"}
MARKS, FAILED = "●■▲◆▼✚▶", "○"
"""Of lines; after the last style, the next mark with the first one, and so on."""

WIDTH, HEIGHT = 31, 11
"""Characters of the plotting area. A character is 2 dots wide and 4 high."""

CHART_WIDTH = WIDTH + 6
LINES_PER_TABLE = 4
ROOM, MOST_WORDS = 20, 30
"""Characters that a cell of words gets at least, if it has as many, and at most; others wrap."""

_BITS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
"""The bit of each dot of a braille character (Unicode 16, section 21.1), by row and column."""

Row = list[tuple[str, int | None]]
"""Characters, each with the number of the curve it belongs to."""


def show(blocks: Iterable[b.Block], console: Console | None = None) -> None:
    """Print the blocks, as wide as the console is; default standard output."""
    console = console or Console()
    for block in blocks:
        for each in _rendered(block, console.width):
            console.print(each)


def _rendered(block: b.Block, width: int) -> Iterator[RenderableType]:
    match block:
        case b.Figures(figures):
            yield Columns(Padding(_figure(figure, width), (0, 2, 0, 0)) for figure in figures)
            yield _line(block.reading, "dim")
        case b.Heading(words):
            yield _line(f"\n{words}", "bold")
        case b.Text(words, tone):
            yield _line(words, TONES[tone])
        case b.Items(lines, title, tone):
            if title:
                yield _line(title, "bold")
            yield from (Padding(_line(line, TONES[tone]), (0, 0, 0, 2)) for line in lines)
        case b.Table():
            yield from _table(block, width)
        case b.Code(words):
            yield Padding(_line(words), (0, 0, 0, 2))
        case b.Facts(pairs):
            grid = Grid.grid(padding=(0, 2, 0, 0))
            for pair in pairs:
                grid.add_row(*map(_line, pair))
            yield grid


def _line(text: str, style: str = "") -> Line:
    return Line(printable(text), style=style)


def _table(table: b.Table, width: int) -> Iterator[RenderableType]:
    """The columns that fit; those left out are named, as what is folded is."""
    if table.folded:
        yield _line(f"{table.folded}: in the report.", "dim")
        return
    titles = [_title_lines(table, i) for i in range(len(table.columns))]
    kept = _fitting(table, titles, width)
    for shared, rows in groupby(table.rows, lambda row: row[: table.by]):
        if shared:
            yield _line(", ".join(shared), "bold")
        grid = Grid(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
        for i in kept:
            title = _line("\n".join(titles[i]))
            if table.columns[i].kind == "words":
                grid.add_column(title, overflow="fold", max_width=MOST_WORDS)
            else:
                grid.add_column(title, justify="right", no_wrap=True)
        for row in rows:
            grid.add_row(*(_line(row[i]) for i in kept))
        yield grid
    lost = [table.columns[i].title for i in range(table.by, len(titles)) if i not in kept]
    if lost:
        yield _line(f"Left out, as the terminal is narrow: {', '.join(lost)}.", "dim")


def _title_lines(table: b.Table, i: int) -> list[str]:
    """A title takes no more room than its cells, or the longest of its words."""
    title = table.columns[i].title
    widths = map(cell_len, ["?", *title.split(), *(row[i] for row in table.rows)])
    return textwrap.wrap(title, max(widths)) or [""]


def _fitting(table: b.Table, titles: Sequence[Sequence[str]], width: int) -> list[int]:
    """The columns that have room side by side: of the highest rank, the last goes first."""

    def needed(i: int) -> int:
        natural = max(map(cell_len, [*titles[i], *(row[i] for row in table.rows)]))
        return 2 + (min(natural, ROOM) if table.columns[i].kind == "words" else natural)

    needs = {i: needed(i) for i in range(table.by, len(titles))}
    while len(needs) > 1 and 1 + sum(needs.values()) > width:
        del needs[max(needs, key=lambda i: (table.columns[i].rank, i))]
    return list(needs)


def _figure(figure: b.Figure, width: int) -> Group:
    """A chart as text over its numbers, a few lines per table."""
    parts: list[RenderableType] = [_line(figure.panel.title, "bold")]
    if width >= CHART_WIDTH:
        parts += _chart(figure.panel)
    first, *columns = figure.numbers.columns
    for start in range(0, len(columns), LINES_PER_TABLE):
        some = slice(start, start + LINES_PER_TABLE)
        rows = [[row[0], *row[1:][some]] for row in figure.numbers.rows]
        parts += _table(b.Table([first, *columns[some]], rows), width)
    return Group(*parts, *([_line(figure.caption, "dim")] if figure.caption else []))


def _chart(panel: Panel) -> Iterator[RenderableType]:
    """Narrow enough for two to stand side by side on 80 columns."""
    lines = [_points(panel.lines, label, "mean") for label in panel.labels]
    failed = [_points(panel.failed, label, "mean_failed") for label in panel.labels]
    marks = "".join(in_turn(MARKS, i) for i in range(len(lines)))
    top = panel.highest_rate, panel.highest_mean
    tick = rate_text if panel.metric.is_share else "{:g}".format
    for row in plot(lines, marks, top, panel.chance, failed, tick):
        yield Line.assemble(*((character, _style(curve)) for character, curve in row))
    legend: Row = [(f"{marks[i]} {panel.labels[i]}", i) for i in range(len(lines)) if len(lines[i])]
    legend += [(f"{FAILED} did not train", None)] if any(map(len, failed)) else []
    legend += [] if math.isnan(panel.chance) else [("┄ chance", None)]
    entries = [_line(entry, _style(curve)) for entry, curve in legend]
    yield Constrain(Columns(entries, padding=(0, 2)), CHART_WIDTH)


def _points(rows: pd.DataFrame, label: str, field: str) -> Floats:
    """(R, 2) rates and accuracies of a line, ascending; also where a panel has none of it."""
    return rows.loc[rows["line"] == label, ["rate", field]].to_numpy(np.float64)


def _style(curve: int | None) -> str:
    return "" if curve is None else STYLES[curve % len(STYLES)]


def plot(
    curves: Sequence[Floats],
    markers: str,
    highest: tuple[float, float],
    chance: float,
    failed: Sequence[Floats] = (),
    tick: Callable[[float], str] = rate_text,
) -> list[Row]:
    """Rows of a chart with axes, from the top: braille dots for lines, a marker for each point.

    Args:
        curves: (R, 2) rates, ascending, and means; NaN breaks the line.
        markers: the points of curve i are drawn as ``markers[i]``; where points coincide, the
            first curve's is seen.
        highest: the rate at the right edge, and the mean at the top.
        chance: height of the dotted line; NaN: there is none.
        failed: points of the curves that are drawn hollow, without a line.
        tick: the text of a mean on the axis.
    """
    area: list[Row] = [[(" ", None)] * WIDTH for _ in range(HEIGHT)]
    if not math.isnan(chance):
        area[_height(chance / highest[1]) // 4] = [("┄", None)] * WIDTH
    dots = np.zeros((HEIGHT, WIDTH), dtype=int)
    for i, points in reversed(list(enumerate(curves))):
        for x, y in _dots(points / highest):
            dots[y // 4, x // 2] |= _BITS[y % 4][x % 2]
            area[y // 4][x // 2] = chr(0x2800 + int(dots[y // 4, x // 2])), i
    marked = [(i, markers[i], points) for i, points in reversed(list(enumerate(curves)))]
    marked += [(i, FAILED, points) for i, points in enumerate(failed)]
    for i, mark, points in marked:
        for rate, value in points / highest:
            if not math.isnan(value):
                area[_height(value) // 4][_across(rate) // 2] = mark, i
    return [*_with_axis(area, highest[1], tick), *_foot(highest[0])]


def _across(share: float) -> int:
    return round(float(share) * (2 * WIDTH - 1))


def _height(value: float) -> int:
    return round((1 - min(max(float(value), 0.0), 1.0)) * (4 * HEIGHT - 1))


def _dots(points: Floats) -> Iterator[tuple[int, int]]:
    """The dots (x, y from the top) of straight lines between points (R, 2)."""
    for (share, value), (next_share, next_value) in pairwise(points):
        if not math.isnan(value + next_value):
            x0, x1 = _across(share), _across(next_share)
            y0, y1 = _height(value), _height(next_value)
            for t in np.linspace(0, 1, max(abs(x1 - x0), abs(y1 - y0), 1) + 1):
                yield round(x0 + (x1 - x0) * t), round(y0 + (y1 - y0) * t)


def _with_axis(area: list[Row], highest: float, tick: Callable[[float], str]) -> Iterator[Row]:
    heights = {0: highest, HEIGHT // 2: highest / 2, HEIGHT - 1: 0.0}
    for k, row in enumerate(area):
        axis = f"{tick(heights[k]):>5}┤" if k in heights else "     │"
        yield [(axis, None), *row]


def _foot(highest: float) -> Iterator[Row]:
    left, middle, right = "0 %", rate_text(highest / 2), rate_text(highest)
    labels = f"{left}{middle:>{WIDTH // 2 + len(middle) - len(middle) // 2 - len(left)}}"
    yield [(f"     └{'─' * WIDTH}", None)]
    yield [(f"      {labels}{right:>{WIDTH - len(labels)}}", None)]
