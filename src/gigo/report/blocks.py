"""The blocks that a document is made of; `html`, `terminal` and `markdown` render them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Self

from gigo.report.figure_data import Panel

Tone = Literal["plain", "note", "warning"]
"""How loud a text is: a note is small print, a warning stands in plain sight."""


@dataclass(frozen=True)
class Heading:
    """Level 1 is the document's title."""

    text: str
    level: int = 2


@dataclass(frozen=True)
class Text:
    """A paragraph."""

    text: str
    tone: Tone = "plain"


@dataclass(frozen=True)
class Items:
    """A list, under a line that says of what."""

    lines: Sequence[str]
    title: str = ""
    tone: Tone = "plain"


@dataclass(frozen=True)
class Column:
    """Of a table.

    Attributes:
        title: what it holds.
        kind: words stand left and may wrap, a number stands right and never does.
        rank: where there is no room, columns of the highest rank are left out first; 0 stays.
    """

    title: str
    kind: Literal["words", "number"] = "number"
    rank: int = 0


@dataclass(frozen=True)
class Table:
    """Rows of text.

    Attributes:
        columns: what the cells of a row are.
        rows: a cell per column each.
        by: a terminal says the first ``by`` cells once, above the rows that share them.
        folded: what the table holds, where it is long: a page shows this, and the rows on demand.
    """

    columns: Sequence[Column]
    rows: Sequence[Sequence[str]]
    by: int = 0
    folded: str = ""

    @classmethod
    def of(cls, columns: Mapping[Column, Iterable[str]], by: int = 0, folded: str = "") -> Self:
        """A table of columns that are as long as each other; one without any text is left out."""
        lists = {column: list(cells) for column, cells in columns.items()}
        filled = {column: cells for column, cells in lists.items() if any(cells)}
        return cls(list(filled), list(zip(*filled.values(), strict=True)), by, folded)


@dataclass(frozen=True)
class Figure:
    """Curves.

    Attributes:
        title: what all of them share.
        panel: the data.
        numbers: the same as a table, for where nothing is drawn.
        caption: what is to be known of this figure alone; may be empty.
        alt: what is to be seen, for who does not see it.
    """

    title: str
    panel: Panel
    numbers: Table
    caption: str
    alt: str


@dataclass(frozen=True)
class Figures:
    """Figures that stand together; what their marks mean is said once."""

    figures: Sequence[Figure]

    @property
    def reading(self) -> str:
        """How to read their numbers."""
        failed = any(len(figure.panel.failed) for figure in self.figures)
        hollow = "; ○: models that did not train, left out" if failed else ""
        lost = any(sum(figure.panel.lines["n_failed"]) for figure in self.figures)
        crossed = "; ×: trials that failed" if lost else ""
        metric = self.figures[0].panel.metric
        cells = [cell for each in self.figures for row in each.numbers.rows for cell in row[1:]]
        cut = ", or the interval where it ends at a bound" if any("(" in c for c in cells) else ""
        return f"{metric.scale}: mean ± half its 95 % interval{cut}{hollow}{crossed}."


@dataclass(frozen=True)
class Code:
    """Text to copy, as it is."""

    text: str


@dataclass(frozen=True)
class Facts:
    """Names and what they stand for."""

    pairs: Sequence[tuple[str, str]]


Block = Heading | Text | Items | Table | Figures | Code | Facts
