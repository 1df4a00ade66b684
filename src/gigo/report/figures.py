"""How the figures are drawn: ``figure.json`` is the Vega-Lite, ``looks.json`` the colours."""

from __future__ import annotations

import json
import math
import textwrap
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from string import Template
from typing import TYPE_CHECKING, Any, Literal

import pandas as pd

from gigo.analysis.words import count
from gigo.errors import SpecError
from gigo.report.figure_data import Panel, in_turn, panels
from gigo.report.material import Material

if TYPE_CHECKING:
    import altair as alt

SHAPES = ("circle", "square", "triangle-up", "diamond", "triangle-down", "cross", "triangle-right")
"""As many as colours. These are after Okabe & Ito (2008), whose hues all kinds of colour vision
tell apart, each of a lightness that stands out from its background by 3 to 1 or more; grey for
their yellow."""

WIDTH = 540
PUBLISHED = "published, one training each"


@cache
def asset(name: str) -> str:
    """A file of this package."""
    return files("gigo.report").joinpath(name).read_text(encoding="utf-8")


def look(scheme: Literal["light", "dark"]) -> dict[str, Any]:
    """The Vega-Lite config for a page of that colour scheme."""
    return json.loads(asset("looks.json"))[scheme]


def figure(material: Material, size: int | None = None, columns: int = 2) -> alt.ConcatChart:
    """All panels with a size (None: with any), ready to be shown or saved.

    Raises:
        SpecError: nothing of that size is trained yet.
    """
    import altair as alt  # here, since pages do without

    chosen = [panel for panel in panels(material) if size is None or size in panel.sizes]
    if not chosen:
        raise SpecError("size", size, "one that has finished trials")
    own = dict.fromkeys(("color", "shape", "opacity"), "independent")  # a legend each
    spec = {
        "concat": [{**draw(panel), "title": _title(panel)} for panel in chosen],
        "columns": columns,
        "spacing": 36,
        "padding": 12,
        "config": {**look("light"), "background": "white"},
        "resolve": {"scale": own},
    }
    return alt.ConcatChart.from_dict(spec)


def _title(panel: Panel) -> dict[str, Any]:
    return {"text": panel.title, "subtitle": textwrap.wrap(reading([panel]), WIDTH // 6)}


def reading(shown: Sequence[Panel]) -> str:
    """What lines and marks mean, for some figures together."""
    failed = any(len(panel.failed) for panel in shown)
    article = any(len(panel.published) for panel in shown)
    fewest = min(min(panel.lines["n_trials"]) for panel in shown)
    most = max(max(panel.lines["n_trials"]) for panel in shown)
    some = f"{fewest} to " if fewest != most else ""
    lost = any(sum(panel.lines["n_failed"]) for panel in shown)
    trained = ", of those that trained" if failed or lost else ""
    hollow = "Other hollow marks" if article else "Hollow"
    metric = shown[0].metric
    parts = {
        f"Lines: mean {metric.tested} of {some}{count(most, 'replicate')}{trained}.": True,
        "Bands: 95 % interval of that mean.": any(p.lines["low"].notna().any() for p in shown),
        "Small dots: the models in it.": any(len(panel.dots) for panel in shown),
        "Thin: what the tolerance lets the mean fall to, down to where it does.": any(
            panel.guides for panel in shown
        ),
        "Dashed: theoretical cliffs.": any(panel.cliffs for panel in shown),
        f"Dotted: chance, {metric.guessed}.": not all(math.isnan(p.chance) for p in shown),
        "Hollow diamonds: the article's published points.": article,
        f"{hollow}: mean of the models that never started or diverged.": failed,
    }
    return " ".join(text for text, there in parts.items() if there)


def draw(panel: Panel, width: float | Literal["container"] = WIDTH) -> dict[str, Any]:
    """A layered Vega-Lite chart without a title; ``"container"`` fills what the page gives."""
    shapes = [in_turn(SHAPES, i) for i in range(len(panel.labels))]
    rows = max((cliff.row + 1 for cliff in panel.cliffs), default=0)  # of names above the axes
    entry = 44 + 7 * max(map(len, panel.labels))  # pixels, about
    columns = max(1, min(WIDTH // entry, len(panel.labels)))
    legend = {"columns": columns, "offset": 8 + 13 * rows}  # of all channels, or each has its own
    line = {"field": "line", "type": "nominal", "legend": legend}
    colour = {**line, "scale": {"domain": panel.labels}}
    metric, known = panel.metric, not math.isnan(panel.chance)
    chance = {"rate": 0, "chance": panel.chance, "text": f"chance {metric.text(panel.chance)}"}
    values = {
        "width": width,
        "right": panel.highest_rate,
        "top": panel.highest_mean,
        "axis": metric.axis,
        "rates": panel.axis,
        "against": panel.against,
        "ticks": "%" if metric.is_share else "~g",
        "mean": f"mean {metric.title}",
        "exact": ".1%" if metric.is_share else ".3f",
        "colour": colour,
        "cliff": {"condition": {"test": "datum.line", **colour}},
        "shape": {**line, "scale": {"domain": panel.labels, "range": shapes}},
        "chance": [chance] * known,
        "cliffs": [cliff._asdict() for cliff in panel.cliffs],
        "guides": [guide._asdict() for guide in panel.guides],
        "lines": _records(panel.lines),
        "dots": _records(panel.dots),
        "failed": _records(panel.failed),
        "published": _records(panel.published.assign(source=PUBLISHED)),
    }
    told = {name: json.dumps(value) for name, value in values.items()}
    spec = json.loads(Template(asset("figure.json")).substitute(told))
    spec["layer"] = [layer for layer in spec["layer"] if layer["data"]["values"]]
    return spec


def _records(rows: pd.DataFrame) -> Any:
    """The rows as JSON has them: NaN is null."""
    return json.loads(str(rows.to_json(orient="records")))
