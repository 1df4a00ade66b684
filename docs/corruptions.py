"""Writes docs/corruptions.md and its pictures from gigo's catalogue: ``python docs/corruptions.py``.

What it writes is committed; a test makes it again and compares.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image

from gigo.corruptions import CATALOGUE, cliffs, highest_rate, matrix_of
from gigo.datasets import load
from gigo.edited import Edited, taken
from gigo.inputs import digest
from gigo.ref import Ref
from gigo.resolve import corruption
from gigo.rng import Stream
from gigo.sample import drawn
from gigo.types import ADDED, KEEP, LEAVE, CorruptionEntry, Dataset, Kind, Labels, Schedule

DOCS = Path(__file__).parent
FILES = "images/corruption-{}.svg"

TITLES: Mapping[str, str] = {
    "labels": "Labels",
    "sets": "Sets",
    "images": "Images",
    "tables": "Tables",
    "texts": "Texts",
    "backdoor": "Backdoors",
}
FROM_FILES = ("human", "second_labels")
"""Corruptions that are in a file of the user's: there is nothing to draw."""

PARTS = {
    "set": "all items",
    "eligible": "the items that it may choose: 1 does all",
    "added": "the final set: so many of its items are added",
}


def label_of(name: str, options: Mapping[str, Any]) -> str:
    """A corruption with its options, as it is drawn."""
    return " ".join([name, *(f"{k}={v}" for k, v in options.items())])


@dataclass(frozen=True)
class Example:
    """A corruption of some items, as it is drawn."""

    label: str
    dataset: Dataset
    items: Labels
    schedule: Schedule

    @classmethod
    def of(cls, name: str, dataset: Dataset, items: Labels, **options: Any) -> Example:
        known = corruption(Ref(name=name, **options))
        stream = Stream(0, 0, "corruption")
        found = drawn(known, dataset, items, stream, f"docs {dataset.sha256} {digest(items)}")
        return cls(label_of(name, options), dataset, items, found)

    def at(self, rate: float) -> Edited:
        """The items after it; at a lower rate where there are not so many edits."""
        n = len(self.items)
        k = self.schedule.count(min(rate, self.schedule.highest(n)), n)
        extra = self.schedule.extra
        made = (extra(k) if callable(extra) else extra) if k else None
        return Edited.begin(self.dataset, self.items).edit(self.schedule, k, "extra", made)


# Drawing

CELL = 30
LEFT = 190


class Drawing:
    """An SVG picture that is built from small images and texts."""

    def __init__(self, width: int) -> None:
        self.width, self.height = width, 0
        self._parts: list[str] = []

    def text(self, x: float, y: float, text: str, kind: str = "", anchor: str = "start") -> None:
        self._parts.append(
            f'<text x="{x:g}" y="{y:g}" class="{kind}" text-anchor="{anchor}">{escape(text)}</text>'
        )
        self.height = max(self.height, round(y) + 8)

    def image(self, x: float, y: float, pixels: NDArray[np.uint8], faded: bool = False) -> None:
        """An image (C, H, W) of 0 to 255."""
        look = ' opacity="0.2"' if faded else ""
        self._parts.append(
            f'<image x="{x:g}" y="{y:g}" width="{CELL - 4}" height="{CELL - 4}"{look} '
            f'href="data:image/png;base64,{_png(pixels)}"/>'
        )
        self.height = max(self.height, round(y) + CELL)

    def frame(self, x: float, y: float) -> None:
        side = CELL - 2
        self._parts.append(
            f'<rect x="{x - 1:g}" y="{y - 1:g}" width="{side}" height="{side}" class="frame"/>'
        )

    def square(self, x: float, y: float, side: float, strength: float) -> None:
        if strength > 0:
            self._parts.append(
                f'<rect x="{x:g}" y="{y:g}" width="{side:g}" height="{side:g}" class="share" '
                f'fill-opacity="{strength:.2f}"/>'
            )
        self.height = max(self.height, round(y + side) + 4)

    def line(self, y: float) -> None:
        self._parts.append(f'<path d="M0 {y:g}H{self.width}" class="line"/>')

    def __str__(self) -> str:
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{self.width}" '
            f'height="{self.height}" viewBox="0 0 {self.width} {self.height}">\n<style>\n{STYLE}'
            "</style>\n" + "\n".join(self._parts) + "\n</svg>\n"
        )


STYLE = """\
text { font: 12px system-ui, sans-serif; fill: #222 }
.wrong { fill: #b3261e; font-weight: 600 }
.quiet { fill: #777 }
.frame { fill: none; stroke: #b3261e; stroke-width: 2 }
.share { fill: #1f4e9c }
.line { stroke: #ccc; stroke-width: 1 }
image { image-rendering: pixelated }
@media (prefers-color-scheme: dark) {
text { fill: #ddd } .wrong { fill: #ff8a80 } .quiet { fill: #999 } .frame { stroke: #ff8a80 }
.share { fill: #8ab4f8 } .line { stroke: #555 }
}
"""


def _png(pixels: NDArray[np.uint8]) -> str:
    """An image (C, H, W) as PNG, not compressed, so that its bytes are the same everywhere."""
    shown = pixels[0] if len(pixels) == 1 else np.moveaxis(pixels, 0, -1)
    file = io.BytesIO()
    Image.fromarray(shown).save(file, "PNG", compress_level=0)
    return base64.b64encode(file.getvalue()).decode()


def one_of_each(dataset: Dataset, times: int = 1) -> Labels:
    """The first items of each class of a data set."""
    return np.concatenate(
        [np.flatnonzero(dataset.y_train == k)[:times] for k in range(dataset.n_classes)]
    )


def labels_drawing(examples: Sequence[Example]) -> Drawing:
    """The same ten items with the labels that they get, under each corruption at rate 1."""
    first = examples[0]
    shown = one_of_each(first.dataset)
    drawing = Drawing(LEFT + 10 * CELL)
    drawing.text(0, 18, "items of digits, and the labels")
    drawing.text(0, 32, "that they get at the highest rate")
    for place, item in enumerate(shown.tolist()):
        drawing.image(LEFT + place * CELL, 2, first.dataset.x_train[item])
    y = 2 + CELL
    for example in examples:
        after, y = example.at(1), y + 22
        drawing.line(y - 15)
        drawing.text(0, y, example.label)
        for place, item in enumerate(shown.tolist()):
            given = int(after.labels[np.flatnonzero(after.rows == item)[0]])
            true = int(first.dataset.y_train[item])
            kind = "wrong" if given != true else "quiet"
            drawing.text(LEFT + place * CELL + 13, y, str(given), kind, "middle")
    return drawing


def matrices_drawing(examples: Sequence[Example]) -> Drawing:
    """The labels that items of each class get, at the highest rate, as heat maps."""
    side, across, k = 9, 4, examples[0].dataset.n_classes
    wide = (side * k) + 80
    drawing = Drawing(across * wide)
    for place, example in enumerate(examples):
        x, y = (place % across) * wide, (place // across) * (side * k + 40)
        drawing.text(x, y + 14, short(example.label))
        after, before = example.at(1), example.dataset.y_train[example.items]
        counts = np.zeros((k, k))
        np.add.at(counts, (before, after.labels), 1)
        shares = counts / counts.sum(axis=1, keepdims=True)
        for row, column in np.argwhere(shares > 0.005).tolist():
            strength = float(shares[row, column])
            drawing.square(x + column * side, y + 22 + row * side, side - 1, strength)
    return drawing


def short(label: str) -> str:
    return label if len(label) <= 26 else label[:25] + "…"


def images_drawing(names: Iterable[str], dataset: Dataset) -> Drawing:
    """One item at severities 1 to 5 under each corruption of images."""
    items = np.flatnonzero(dataset.y_train == 3)[:1]
    drawing = Drawing(LEFT + 6 * CELL)
    for place, head in enumerate(["as it is", *(f"{k}" for k in range(1, 6))]):
        drawing.text(LEFT + place * CELL + 13, 14, head if place else "0", "quiet", "middle")
    drawing.text(0, 14, "severity", "quiet")
    for row, name in enumerate(names):
        y = 22 + row * CELL
        drawing.text(0, y + 18, name)
        drawing.image(LEFT, y, dataset.x_train[items[0]])
        for severity in range(1, 6):
            after = Example.of(name, dataset, items, severity=severity).at(1)
            pixels = taken(dataset.x_train, after.extras, after.rows)[0]
            drawing.image(LEFT + severity * CELL, y, pixels)
    return drawing


def items_drawing(examples: Sequence[Example], rate: float, left: int = 230) -> Drawing:
    """The same items after each corruption: gone ones faded, edited and added ones framed."""
    n = len(examples[0].items)
    drawing = Drawing(left + 2 * n * CELL)
    for row, example in enumerate(examples):
        y = row * (CELL + 22) + 2
        if row:
            drawing.line(y - 3)
        drawing.text(0, y + 18, short(example.label))
        after, x = example.at(rate), example.dataset.x_train
        pixels = taken(x, after.extras, after.rows)
        there = dict(zip(after.places.tolist(), range(len(after.rows)), strict=True))
        for place in range(n + after.n_added):
            at = left + place * CELL
            if place not in there:
                drawing.image(at, y, x[example.items[place]], faded=True)
                continue
            i = there[place]
            drawing.image(at, y, pixels[i])
            if after.touched[i]:
                drawing.frame(at, y)
            given, true = int(after.labels[i]), int(after.true[i])
            kind = "wrong" if given != true else "quiet"
            drawing.text(at + 13, y + CELL + 8, str(given), kind, "middle")
    return drawing
