"""The article that gigo grew out of: its published points, and the runs that repeat it.

``article_curves.csv`` is a table of points like any other (`gigo.analysis.points`): the values read
off the article's two figures, for all items and for the first 1,000. What the article calls random
is ``symmetric``; what it calls biased was drawn from two classes by its scripts: ``two_sink``.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np

from gigo.analysis import points
from gigo.analysis.comparison import Comparison, compare
from gigo.analysis.points import Side

NAME = "article"
"""What stands for the published points where a run folder is expected."""

SETTING = {"model": "article_cnn", "recipe": "article", "validation": "oracle"}
PLACES = {"subset": "first", "placement": "tail"}
"""What the article trained on, and how."""

NOTE = "Published points: one training each, read off the article's figures to about half a point."


@cache
def published() -> Side:
    """The points as the other side of a comparison: one training each, without a seed."""
    read = points.read(Path(__file__).with_name("article_curves.csv"))
    return replace(read, name=NAME, settings=PLACES, note=NOTE)


def repeated_by(run: Side) -> Comparison | None:
    """The part of a run under the article's settings beside the points; None where none is."""
    if any(run.settings.get(name) != value for name, value in PLACES.items()):
        return None
    alike = [run.frame[axis].to_numpy() == value for axis, value in SETTING.items()]
    found = compare(replace(run, frame=run.frame.loc[np.logical_and.reduce(alike)]), published())
    return None if found.frame.empty else found
