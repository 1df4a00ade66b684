"""Blocks as one HTML page that needs nothing from anywhere."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from html import escape
from string import Template

from gigo.report import blocks as b
from gigo.report.figures import asset, draw, look, reading


class Html(str):
    """Text that is markup already."""


def tag(name: str, *children: str, **attributes: str | None) -> Html:
    """``<name attr="...">children</name>``; children that are not `Html` are escaped.

    A trailing underscore in an attribute's name is dropped (``class_``), others become hyphens;
    an attribute that is None is left out.
    """
    given = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    inner = (each if isinstance(each, Html) else text(each) for each in children)
    return Html(f"<{name}{given}>{''.join(inner)}</{name}>")


def text(plain: str) -> Html:
    """Escaped text, with numbers kept on the line of their percent sign."""
    return Html(escape(plain).replace(" %", "\u00a0%"))


def page(blocks: Sequence[b.Block]) -> str:
    """The page: about 1 MB, nearly all of it the code that draws the figures."""
    titles = (block.text for block in blocks if isinstance(block, b.Heading) and block.level == 1)
    return Template(asset("page.html")).substitute(
        title=text(next(titles, "gigo")),
        style=asset("page.css"),
        main=tag("main", *map(_html, blocks), data_looks=asset("looks.json")),
        library=_library(),
        script=asset("page.js"),
    )


def excerpt(blocks: Sequence[b.Block]) -> str:
    """Blocks for a notebook, which has no script of ours: each figure is an SVG image."""
    return tag("div", *map(_html_in_notebook, blocks))


def _html_in_notebook(block: b.Block) -> Html:
    if not isinstance(block, b.Figures):
        return _html(block)
    from vl_convert import vegalite_to_svg

    config = {**look("light"), "background": "white"}  # whatever the notebook's own is
    images = [Html(vegalite_to_svg(draw(each.panel), config=config)) for each in block.figures]
    figures = (
        tag("figure", tag("div", image, role="img", aria_label=each.alt))
        for each, image in zip(block.figures, images, strict=True)
    )
    return tag("div", *figures, tag("p", reading([each.panel for each in block.figures])))


def _html(block: b.Block) -> Html:
    match block:
        case b.Figures():
            return _figures(block)
        case b.Heading(words, level):
            return tag(f"h{level}", words)
        case b.Text(words, tone):
            return tag("p", words, class_=tone, role="alert" if tone == "warning" else None)
        case b.Items(lines, title, tone):
            above = [tag("p", title, class_="of")] if title else []
            return tag("div", *above, tag("ul", *(tag("li", line) for line in lines)), class_=tone)
        case b.Table():
            return _table(block)
        case b.Code(words):
            return tag("pre", words, tabindex="0")
        case b.Facts(pairs):
            return tag("dl", *(part for k, v in pairs for part in (tag("dt", k), tag("dd", v))))


def _table(table: b.Table) -> Html:
    """It scrolls sideways on its own where it is too wide, by keyboard too."""
    kinds = [column.kind for column in table.columns]
    titles = (tag("th", c.title, class_=c.kind, scope="col") for c in table.columns)
    rows = (
        tag("tr", *(tag("td", cell, class_=kind) for cell, kind in zip(row, kinds, strict=True)))
        for row in table.rows
    )
    inner = tag("table", tag("thead", tag("tr", *titles)), tag("tbody", *rows))
    called = table.folded or f"Table: {', '.join(column.title for column in table.columns)}"
    whole = tag("div", inner, class_="scroll", tabindex="0", role="region", aria_label=called)
    return tag("details", tag("summary", table.folded), whole) if table.folded else whole


def _figures(block: b.Figures) -> Html:
    """Side by side where there is room, and what their marks mean once."""
    return tag(
        "section",
        tag("noscript", tag("p", "The figures need JavaScript; the tables below do not.")),
        tag("p", reading([figure.panel for figure in block.figures]), class_="note"),
        tag("div", *map(_figure, block.figures), class_="figures"),
    )


def _figure(figure: b.Figure) -> Html:
    # The description becomes the label of the image, beside which the menu can be reached.
    drawn = {**draw(figure.panel, width="container"), "description": figure.alt}
    chart = tag("div", class_="chart", data_spec=json.dumps(drawn, allow_nan=False))
    caption = [tag("figcaption", figure.caption)] if figure.caption else []
    return tag("figure", tag("h3", figure.title), chart, *caption)


@cache
def _library() -> str:
    """Vega, Vega-Lite and Vega-Embed in one script; packing them takes a second."""
    import vl_convert

    bundle = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;")
    return bundle.replace("</script", "<\\/script")
