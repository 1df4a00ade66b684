"""Blocks as Markdown: figures as their numbers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from gigo.printable import printable
from gigo.report import blocks as b

_SPECIAL = re.compile(r"[\\`*\[\]<>|~&]|(?<![^\W_])_|_(?![^\W_])|^[#+=-](?=[\s#+=-]|$)")
_NUMBERED = re.compile(r"^(\d+)([.)])(?=\s|$)")


def markdown(blocks: Iterable[b.Block]) -> str:
    """The document as CommonMark with pipe tables."""
    return "\n\n".join(part for block in blocks for part in _parts(block)) + "\n"


def escaped(text: str) -> str:
    r"""Text on one line, in which nothing is markup.

    >>> escaped("two_sink: *all* |x|")
    'two_sink: \\*all\\* \\|x\\|'
    """
    line = _SPECIAL.sub(r"\\\g<0>", " ".join(printable(text).split()))
    return _NUMBERED.sub(r"\1\\\2", line)


def _parts(block: b.Block) -> Iterator[str]:
    match block:
        case b.Heading(words, level):
            yield f"{'#' * level} {escaped(words)}"
        case b.Text(words, tone):
            yield f"**Warning:** {escaped(words)}" if tone == "warning" else escaped(words)
        case b.Items(lines, title, tone):
            if title:
                yield f"**{escaped(title)}**"
            bullet = "*" if tone == "note" else "-"  # another one begins another list
            yield "\n".join(f"{bullet} {escaped(line)}" for line in lines)
        case b.Table():
            if block.folded:
                yield f"{escaped(block.folded)}:"
            yield _table(block)
        case b.Figures(figures):
            yield escaped(block.reading)
            for figure in figures:
                yield f"### {escaped(figure.title)}"
                yield from map(escaped, filter(None, [figure.caption]))
                yield _table(figure.numbers)
        case b.Code(words):
            fence = "`" * max(3, 1 + max(map(len, re.findall("`+", words)), default=0))
            yield f"{fence}\n{printable(words).rstrip()}\n{fence}"
        case b.Facts(pairs):
            yield "\n".join(f"- {escaped(name)}: {escaped(value)}" for name, value in pairs)


def _table(table: b.Table) -> str:
    rule = [":--" if column.kind == "words" else "--:" for column in table.columns]
    titles = [escaped(column.title) for column in table.columns]
    rows = [titles, rule, *([escaped(cell) for cell in row] for row in table.rows)]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)
