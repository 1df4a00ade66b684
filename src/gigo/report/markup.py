"""HTML that is escaped unless it is known to be HTML."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape


class Html(str):
    """Text that is markup already."""


def tag(name: str, *children: str, **attributes: str) -> Html:
    """``<name attr="...">children</name>``; children that are not `Html` are escaped.

    A trailing underscore in an attribute's name is dropped (``class_``), others become hyphens.
    """
    given = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(value)}"'
        for key, value in attributes.items()
    )
    return Html(f"<{name}{given}>{join(children)}</{name}>")


def join(children: Iterable[str]) -> Html:
    """The children one after the other, escaped where needed."""
    return Html("".join(each if isinstance(each, Html) else text(each) for each in children))


def text(plain: str) -> Html:
    """Escaped text, with numbers kept on the line of their percent sign."""
    return Html(escape(plain).replace(" %", "\u00a0%"))


def table(columns: Sequence[str], rows: Iterable[Sequence[str]], words: int = 1) -> Html:
    """A table that scrolls sideways on its own; the first ``words`` columns are no numbers."""

    def line(cell: str, values: Sequence[str]) -> Html:
        kinds = ["words" if i < words else "number" for i in range(len(values))]
        cells = (tag(cell, v, class_=kind) for v, kind in zip(values, kinds, strict=True))
        return tag("tr", *cells)

    head = tag("thead", line("th", columns))
    body = tag("tbody", *(line("td", row) for row in rows))
    return tag("div", tag("table", head, body), class_="scroll", tabindex="0")
