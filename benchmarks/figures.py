"""Give the pages' figures a dark look for dark pages: ``python benchmarks/figures.py [FILE ...]``.

Figures are drawn on white. A style in the file changes its colours where the reader's browser asks
for dark pages; everywhere else nothing changes. Without names all of ``docs/images`` is done, and a
figure that has the style already is left as it is.
"""

from __future__ import annotations

import sys
from pathlib import Path

IMAGES = Path(__file__).parent.parent / "docs" / "images"
DARK = {
    "white": "#0d1117",  # the ground
    "#e8e8e8": "#333333",  # grid
    "#222222": "#dddddd",  # titles, legend
    "#444444": "#bbbbbb",  # numbers of the axes
    "#595959": "#b0b0b0",
    "#666666": "#aaaaaa",
    "#808080": "#999999",
    "#0072B2": "#4ba3d9",  # the darker ones of Okabe & Ito (2008), lighter
    "#D55E00": "#f08a3c",
    "#009E73": "#2fbf95",
}
"""Colours on a dark page by those on a white one; text has a contrast of 4.5 or more there."""


def dark_too(svg: str) -> str:
    """The figure with the style, if it lacks it."""
    if "<style>" in svg:
        return svg
    rules = "".join(
        f'[{what}="{light}"]{{{what}:{dark}}}'
        for light, dark in DARK.items()
        for what in ("fill", "stroke")
    )
    style = f"<style>@media (prefers-color-scheme: dark){{{rules}}}</style>"
    opened = svg.index(">") + 1
    return svg[:opened] + style + svg[opened:]


def main() -> None:
    """Give the style to the figures named, or to all."""
    for path in map(Path, sys.argv[1:] or sorted(IMAGES.glob("*.svg"))):
        path.write_text(dark_too(path.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
