"""A matrix of labels as a heat map."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from gigo.report.figures import look

if TYPE_CHECKING:
    import pandas as pd

SIDE, MOST, NUMBERED = 36, 720, 20
"""Pixels of a cell and of the whole at most; classes up to which cells have numbers."""


def heat_map(matrix: pd.DataFrame, title: str) -> bytes:
    """An SVG file of a (K, K) matrix of shares, rows are the classes as given.

    >>> import pandas as pd
    >>> names = ["ham", "spam"]
    >>> matrix = pd.DataFrame([[0.8, 0.2], [0, 1]], index=names, columns=names)
    >>> heat_map(matrix, "pair").startswith(b"<svg")
    True
    """
    import altair as alt

    names = [str(name) for name in matrix.index]
    side = min(SIDE, MOST / len(names))
    values = [
        {"before": names[k], "after": names[j], "share": share}
        for k, row in enumerate(matrix.to_numpy().tolist())
        for j, share in enumerate(row)
        if share > 0
    ]
    axis = {"labelOverlap": True, "grid": False, "labelLimit": 120}
    scale = {"domain": names}
    place: dict[str, dict[str, Any]] = {
        "x": {"field": "after", "type": "nominal", "scale": scale, "title": "label now"},
        "y": {"field": "before", "type": "nominal", "scale": scale, "title": "class as given"},
    }
    for channel in place.values():
        channel["axis"] = {**axis, "orient": "top"} if channel is place["x"] else axis
    shades = {"range": ["#eef3f8", "#0b4f8a"], "domain": [0, 1]}
    legend = {"format": "%", "title": "share"}
    colour = {"field": "share", "type": "quantitative", "scale": shades, "legend": legend}
    light = {"condition": {"test": "datum.share > 0.5", "value": "white"}, "value": "black"}
    number = {"field": "share", "type": "quantitative", "format": ".2~f"}
    layers: list[Any] = [{"mark": "rect", "encoding": {**place, "color": colour}}]
    if len(names) <= NUMBERED:
        text = {"mark": {"type": "text", "fontSize": 10}}
        layers.append({**text, "encoding": {**place, "text": number, "color": light}})
    spec = {
        "title": {"text": f"Labels after {title}", "subtitle": "Each row sums to 1."},
        "width": side * len(names),
        "height": side * len(names),
        "padding": 12,
        "data": {"values": values},
        "layer": layers,
        "config": {**look("light"), "background": "white"},
    }
    buffer = io.StringIO()
    alt.LayerChart.from_dict(spec).save(buffer, format="svg")
    return buffer.getvalue().encode()
