"""Writes docs/corruptions.md and its pictures from the catalogue: ``python docs/corruptions.py``.

What it writes is committed; a test makes it again and compares.
"""

from __future__ import annotations

import base64
import io
import textwrap
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
from gigo.entries import CorruptionEntry
from gigo.inputs import digest
from gigo.ref import Ref
from gigo.resolve import corruption
from gigo.rng import Stream
from gigo.sample import drawn
from gigo.schedule import Schedule
from gigo.types import Dataset, Kind, Labels

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


def label_of(name: str, options: Mapping[str, Any]) -> str:
    """A corruption with its options; a whole matrix is not among them."""
    return " ".join([name, *(f"{k}={v}" for k, v in options.items() if k != "T")])


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
        k = self.schedule.n_edits(min(rate, self.schedule.highest(n)), n)
        extra = self.schedule.extra
        made = (extra(k) if callable(extra) else extra) if k else None
        return Edited.begin(self.dataset, self.items).edit(self.schedule, k, "extra", made)


# Drawing

CELL = 30
LEFT = 205


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

    def image(self, x: float, y: float, pixels: NDArray[np.float32], faded: bool = False) -> None:
        """An image (C, H, W) of 0 to 1."""
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


def _png(pixels: NDArray[np.float32]) -> str:
    """An image (C, H, W) of 0 to 1 as PNG, not compressed: its bytes are the same everywhere."""
    whole = np.rint(255 * pixels).astype(np.uint8)
    shown = whole[0] if len(whole) == 1 else np.moveaxis(whole, 0, -1)
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
        drawing.text(x, y + 14, short(example.label, 22))
        after, before = example.at(1), example.dataset.y_train[example.items]
        counts = np.zeros((k, k))
        np.add.at(counts, (before, after.labels), 1)
        shares = counts / counts.sum(axis=1, keepdims=True)
        for row, column in np.argwhere(shares > 0.005).tolist():
            strength = float(shares[row, column])
            drawing.square(x + column * side, y + 22 + row * side, side - 1, strength)
    return drawing


def short(label: str, most: int) -> str:
    """A label in so many characters."""
    return label if len(label) <= most else label[: most - 1] + "…"


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
        drawing.text(0, y + 18, short(example.label, 34))
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


# The page

DIGITS = load("digits")
FEW = np.arange(12)
"""Items of digits that pictures of sets and backdoors show."""

LABELS: Mapping[str, Sequence[Mapping[str, Any]]] = {
    "symmetric": [{}, {"include_true": True}],
    "sink": [{"classes": [3, 8]}],
    "asymmetric": [{"map": "mnist"}],
    "one_way": [{"classes": [3, 8]}],
    "transition": [{"T": (0.4 * np.eye(10) + 0.6 * np.roll(np.eye(10), 1, 1)).tolist()}],
}
"""Options of corruptions of labels that are drawn with some."""

SETS: Mapping[str, Mapping[str, Any]] = {
    "missing_class": {"classes": [1]},
    "imbalance": {"ratio": 4.0},
}
GROUPED = "subsample_group"

BACKDOORS: Sequence[Mapping[str, Any]] = (
    {"target": 0},
    {"target": 0, "pattern": "blend"},
    {"target": 1, "labels": "clean"},
)

TABLE = pd.DataFrame(
    {
        "age": [31.0, 55.0, 42.0, 28.0],
        "income": [2500.0, 4100.0, 3300.0, 1900.0],
        "city": pd.Categorical(["Rome", "Paris", "Madrid", "Oslo"]),
    }
)
TEXTS = ["the delivery came two days late", "a friendly answer within the hour"]


def families() -> dict[str, dict[str, CorruptionEntry]]:
    """The catalogue by family."""
    found: dict[str, dict[str, CorruptionEntry]] = {family: {} for family in TITLES}
    for name, entry in CATALOGUE.items():
        found[entry.family][name] = entry
    return found


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of Markdown."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join(
        f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |" for row in lines
    )


def options_of(entry: CorruptionEntry) -> str:
    """Its options with their defaults; of others, which must be given."""
    told = {name: f" (`{value!r}`)" for name, value in entry.options.items() if value is not None}
    told |= dict.fromkeys(entry.required, " (required)")
    return "; ".join(f"`{name}`{told.get(name, '')}" for name in entry.options)


def entries_table(entries: Mapping[str, CorruptionEntry]) -> str:
    """What each does, by definition."""
    rows = [
        (
            f"`{name}`",
            entry.summary,
            entry.formula,
            options_of(entry),
            entry.paper,
        )
        for name, entry in entries.items()
    ]
    heads = ("name", "what an item gets", "definition", "options (default)", "source")
    return table(heads, rows)


def theory_table(entries: Mapping[str, CorruptionEntry]) -> str:
    """The highest rate of each matrix and the cliffs of ten classes of equal size."""
    names, rows = [str(k) for k in range(10)], []
    entries = {name: each for name, each in entries.items() if name not in FROM_FILES}
    for name in entries:
        for options in LABELS.get(name, [{}]):
            known = corruption(Ref(name=name, **options))
            if known.matrix is None:
                continue
            found = matrix_of(known.matrix, names)
            lost = cliffs(found, rate_of=known.rate_of).round(3).tolist()
            highest = highest_rate(found) if known.rate_of == "set" else 1.0
            label = f"`{label_of(name, options)}`"
            label += ", to the next class with chance 0.6" * ("T" in options)
            each = [cliff_text(rate) for rate in lost]
            told = f"{each[0]}, all of them" if len({*each}) == 1 else ", ".join(each)
            rows.append((label, f"{highest:g}", told))
    return table(("corruption", "highest rate", "cliffs of classes 0 to 9"), rows)


def cliff_text(rate: float) -> str:
    return "none" if rate >= 1 else f"{rate:g}"


def example_rows(
    names: Iterable[str], dataset: Dataset, item: int
) -> Iterable[tuple[str, Any, Any]]:
    """What one item is before and after each corruption, at rate 1."""
    for name in names:
        for options in ROWS.get(name, [{}]):
            items = np.arange(dataset.n_train)
            after = Example.of(name, dataset, items, **options).at(1)
            place = int(np.flatnonzero(after.places == item)[0])
            before, now = (
                taken(dataset.x_train, after.extras, np.array([row]))
                for row in (item, after.rows[place])
            )
            yield label_of(name, options), before, now


ROWS: Mapping[str, Sequence[Mapping[str, Any]]] = {
    "missing_values": [
        {},
        {"mechanism": "mar", "depends_on": "age", "columns": ["income"]},
        {"mechanism": "mnar", "columns": ["income"]},
    ],
    "typos": [{}],
}


def cells_of(row: pd.DataFrame) -> list[str]:
    return ["" if pd.isna(value) else str(value) for value in row.iloc[0].tolist()]


def small(x: Any, kind: Kind) -> Dataset:
    """A data set of a few items that is only there to be corrupted."""
    y = np.arange(len(x)) % 2
    return Dataset("few", x, y, {"test": (x, y)}, ("a", "b"), kind, digest(x, y), "made up")


def tables_example(entries: Mapping[str, CorruptionEntry]) -> str:
    """A row of a table under each corruption."""
    data = small(TABLE, "table")
    rows = [(label, *cells_of(now)) for label, _, now in example_rows(entries, data, 1)]
    first = ("as it is", *cells_of(TABLE.iloc[[1]]))
    return table(("corruption", *TABLE.columns), [first, *((f"`{a}`", *b) for a, *b in rows)])


def texts_example(entries: Mapping[str, CorruptionEntry]) -> str:
    """A text under each corruption."""
    rows = [
        (f"`{label}`", now[0]) for label, _, now in example_rows(entries, small(TEXTS, "text"), 0)
    ]
    return table(("corruption", "text"), [("as it is", TEXTS[0]), *rows])


def label_examples(entries: Mapping[str, CorruptionEntry]) -> list[Example]:
    """Corruptions of all of digits' labels."""
    items = np.arange(DIGITS.n_train)
    return [
        Example.of(name, DIGITS, items, **options)
        for name in entries
        if name not in FROM_FILES
        for options in LABELS.get(name, [{}])
    ]


def drawings() -> dict[str, Drawing]:
    """By the name of the file."""
    found = families()
    of_labels = label_examples(found["labels"])
    sets = [
        Example.of(name, DIGITS, FEW, **SETS.get(name, {}))
        for name in found["sets"]
        if name != GROUPED
    ]
    backdoors = [Example.of("trigger", DIGITS, FEW, **options) for options in BACKDOORS]
    return {
        "labels": labels_drawing(of_labels),
        "matrices": matrices_drawing(of_labels),
        "sets": items_drawing(sets, rate=0.5),
        "images": images_drawing(found["images"], DIGITS),
        "backdoors": items_drawing(backdoors, rate=1),
    }


def page() -> str:
    """The page, in Markdown."""
    found = families()
    parts = {family: entries_table(entries) for family, entries in found.items()}
    text = (DOCS / "corruptions.template").read_text(encoding="utf-8")
    made = {
        **parts,
        "eligible": names_of("eligible"),
        "added": names_of("added"),
        "theory": theory_table(found["labels"]),
        "cliffs": cliffs_text(),
        "table_rows": tables_example(found["tables"]),
        "text_rows": texts_example(found["texts"]),
    }
    for name, part in made.items():
        text = text.replace(f"<<{name}>>", part)
    assert "<<" not in text
    return text


def names_of(rate_of: str) -> str:
    """The corruptions whose rates are shares of the same."""
    return ", ".join(f"`{name}`" for name, each in CATALOGUE.items() if each.rate_of == rate_of)


def cliffs_text() -> str:
    """What the experiment of benchmarks/cliffs.py found."""
    found = pd.read_csv(DOCS / "results" / "cliffs.csv")
    told = found.loc[found["corruption"] == "symmetric"].sort_values("n")
    many, one = told.loc[told["neighbours"] > 1], told.loc[told["neighbours"] == 1]
    rates = ", ".join(f"{rate:.3f}" for rate in many["midpoint"])
    sizes = ", ".join(f"{n:,}" for n in many["n"])
    return textwrap.fill(
        f"Four classes, `symmetric`, cliff at {many['limit'].iloc[0]:.3f}: the vote of n^(2/3) "
        f"neighbours is half-way to guessing at {rates} with n = {sizes} items. The nearest "
        f"neighbour alone ends at {one['midpoint'].iloc[-1]:.3f}, where its accuracy of 1 - r says "
        f"({one['limit'].iloc[0]:.3f}).",
        width=108,
    )


def written() -> dict[Path, str]:
    """Every file that is made here, with its content."""
    made = {DOCS / FILES.format(name): str(drawing) for name, drawing in drawings().items()}
    return {DOCS / "corruptions.md": page(), **made}


if __name__ == "__main__":
    for path, text in written().items():
        path.write_text(text, encoding="utf-8")
        print(path)
