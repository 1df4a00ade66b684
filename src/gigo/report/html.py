"""The report as one HTML file that needs nothing from anywhere."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from gigo.files import write_whole
from gigo.report import sections, settings
from gigo.report.agreement import section as published
from gigo.report.figure_data import panels
from gigo.report.figures import DARK, LIGHT, draw
from gigo.report.markup import Html, tag
from gigo.report.material import Material

POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data: blob:; "
    "script-src 'unsafe-inline' 'unsafe-eval'"  # Vega compiles its expressions
)
"""What the browser is told to let the page do: nothing that fetches or sends."""


def write_report(path: Path, material: Material) -> Path:
    """Write the page, whole or not at all.

    Returns:
        The path.

    Raises:
        StoreError: it can't be written.
    """
    return write_whole(path, page(material).encode())


def page(material: Material) -> str:
    """The page: about 1 MB, nearly all of it the code that draws the figures."""
    shown = panels(material)
    specs = [draw(panel, width="container").to_dict() for panel in shown]
    body = tag(
        "main",
        sections.head(material),
        sections.answer(material),
        sections.figures(shown),
        settings.section(material),
        published(material.published),
        sections.estimates(material),
        sections.method(material),
    )
    data = [_json(f"figure-{i}", spec) for i, spec in enumerate(specs, start=1)]
    data.append(_json("looks", {"light": _narrow(LIGHT), "dark": _narrow(DARK)}))
    head = tag(
        "head",
        Html('<meta charset="utf-8">'),
        Html('<meta name="viewport" content="width=device-width, initial-scale=1">'),
        Html(f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'),
        tag("title", f"{material.title}: accuracy against corrupted labels"),
        tag("style", Html(_asset("page.css"))),
    )
    scripts = [tag("script", Html(code)) for code in (_library(), _asset("page.js"))]
    html = tag("html", head, tag("body", body, *data, *scripts), lang="en")
    return f"<!doctype html>\n{html}\n"


def _narrow(look: dict[str, Any]) -> dict[str, Any]:
    """With legends one below the other: side by side they would not fit a telephone.

    Vega knows this layout, Vega-Lite's schema does not: a chart's own config can't have it.
    """
    layout = {"direction": "vertical", "margin": 4}
    return {**look, "legend": {**look["legend"], "layout": layout}}


def _json(name: str, value: Any) -> Html:
    """Data for the script, in a form that can't end its own element."""
    plain = json.dumps(value, allow_nan=False).replace("<", "\\u003c")
    return tag("script", Html(plain), type="application/json", id=name)


def _asset(name: str) -> str:
    return files("gigo.report").joinpath(name).read_text(encoding="utf-8")


@cache
def _library() -> str:
    """Vega, Vega-Lite and Vega-Embed in one script; packing them takes a second."""
    import vl_convert

    bundle = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;")
    return bundle.replace("</script", "<\\/script")
