"""Blocks of words as plain text, for whoever prints them."""

from __future__ import annotations

from collections.abc import Iterable

from gigo.printable import printable
from gigo.report.blocks import Items, Text


def plain(blocks: Iterable[Text | Items]) -> str:
    """A paragraph per text, a list as indented lines under its title.

    >>> print(plain([Items(["symmetric: up to 47 %."], "digits, 200 labels."), Text("One more.")]))
    digits, 200 labels.
      symmetric: up to 47 %.
    <BLANKLINE>
    One more.
    """
    return printable("\n\n".join("\n".join(_lines(block)) for block in blocks))


def _lines(block: Text | Items) -> list[str]:
    if isinstance(block, Text):
        return [f"Warning: {block.text}" if block.tone == "warning" else block.text]
    return [*filter(None, [block.title]), *(f"  {line}" for line in block.lines)]
