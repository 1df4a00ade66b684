"""Curves as text: braille dots for the lines, a marker of its own for each curve's points."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np

from gigo.analysis.intervals import Floats
from gigo.analysis.words import rate_text

WIDTH, HEIGHT = 31, 11
"""Characters of the plotting area. A character is 2 dots wide and 4 high."""

_BITS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
"""The bit of each dot of a braille character (Unicode 16, section 21.1), by row and column."""

Row = list[tuple[str, int | None]]
"""Characters, each with the number of the curve it belongs to."""


def plot(
    curves: Sequence[Floats], markers: str, highest: tuple[float, float], chance: float
) -> list[Row]:
    """Rows of a chart with axes, from the top.

    Args:
        curves: (R, 2) rates, ascending, and accuracies; NaN breaks the line.
        markers: the points of curve i are drawn as ``markers[i % len(markers)]``; where points
            coincide, the first curve's is seen.
        highest: the rate at the right edge, and the accuracy at the top.
        chance: height of the dotted line.
    """
    area: list[Row] = [[(" ", None)] * WIDTH for _ in range(HEIGHT)]
    area[_height(chance / highest[1]) // 4] = [("┄", None)] * WIDTH
    dots = np.zeros((HEIGHT, WIDTH), dtype=int)
    for i, points in reversed(list(enumerate(curves))):
        for x, y in _line(points / highest):
            dots[y // 4, x // 2] |= _BITS[y % 4][x % 2]
            area[y // 4][x // 2] = chr(0x2800 + int(dots[y // 4, x // 2])), i
    for i, points in reversed(list(enumerate(curves))):
        for rate, value in points / highest:
            if not math.isnan(value):
                area[_height(value) // 4][_across(rate) // 2] = markers[i % len(markers)], i
    return [*_with_axis(area, highest[1]), *_foot(highest[0])]


def _across(share: float) -> int:
    return round(float(share) * (2 * WIDTH - 1))


def _height(value: float) -> int:
    return round((1 - min(max(float(value), 0.0), 1.0)) * (4 * HEIGHT - 1))


def _line(points: Floats) -> Iterator[tuple[int, int]]:
    """The dots (x, y from the top) of straight lines between points (R, 2)."""
    for (share, value), (next_share, next_value) in pairwise(points):
        if math.isnan(value) or math.isnan(next_value):
            continue
        x0, x1 = _across(share), _across(next_share)
        y0, y1 = _height(value), _height(next_value)
        steps = max(abs(x1 - x0), abs(y1 - y0), 1)
        for step in range(steps + 1):
            yield round(x0 + (x1 - x0) * step / steps), round(y0 + (y1 - y0) * step / steps)


def _with_axis(area: list[Row], highest: float) -> Iterator[Row]:
    heights = {0: highest, HEIGHT // 2: highest / 2, HEIGHT - 1: 0.0}
    labels = {k: f"{rate_text(height):>5}" for k, height in heights.items()}
    for k, row in enumerate(area):
        axis = f"{labels[k]}┤" if k in labels else "     │"
        yield [(character, None) for character in axis] + row


def _foot(highest: float) -> Iterator[Row]:
    left, middle, right = "0 %", rate_text(highest / 2), rate_text(highest)
    gap = WIDTH // 2 - len(left) - len(middle) // 2
    labels = f"{left}{' ' * gap}{middle}"
    for line in (f"     └{'─' * WIDTH}", f"      {labels}{right:>{WIDTH - len(labels)}}"):
        yield [(character, None) for character in line]
