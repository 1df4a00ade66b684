"""The article's published points, as one more run to compare with.

``article_curves.csv`` holds the values read off the article's two figures, in percent: `figure`
is the training set (all items, or the first 1,000), `poisoning` its name for the corruption. What
it calls biased was drawn from two classes by the published scripts: gigo's ``two_sink``.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import cast

import numpy as np
import pandas as pd

from gigo.analysis.comparison import Side
from gigo.datasets import CATALOGUE

ARTICLE = "article"
"""What stands for the published points where a run folder is expected."""

SETTING = {"model": "article_cnn", "recipe": "article", "validation": "oracle"}
PLACES = {"subset": "first", "placement": "tail"}

_CORRUPTIONS = {"random": "symmetric", "biased": "two_sink"}


@cache
def published() -> Side:
    """The points as the other side of a comparison: one training each, without a seed."""
    return Side(ARTICLE, _table(), PLACES, published=True)


def under_the_article_s_settings(run: Side) -> Side:
    """The part of a run that repeats the article: its network, recipe, validation and items."""
    if any(run.settings[name] != value for name, value in PLACES.items()):
        return run.only(run.frame.iloc[:0])
    alike = [run.frame[axis].to_numpy() == value for axis, value in SETTING.items()]
    return run.only(run.frame.loc[np.logical_and.reduce(alike)])


def _table() -> pd.DataFrame:
    """The columns of `gigo.analysis.tidy` that a comparison looks at, a row a point."""
    with files("gigo.analysis").joinpath("article_curves.csv").open(encoding="utf-8") as file:
        read = pd.read_csv(file)
    rate = (read["percent_poisoned"] / 100).round(9)  # as a study rounds its own
    sizes = [
        1000 if figure == "first_1000" else CATALOGUE[cast(str, name)].n_train
        for figure, name in zip(read["figure"], read["dataset"], strict=True)
    ]
    return pd.DataFrame(
        {
            "dataset": read["dataset"],
            "size": sizes,
            "corruption": read["poisoning"].replace(_CORRUPTIONS),
            "rate": rate,
            "realised_rate": rate,
            "replicate": 0,
            **SETTING,
            "status": "ok",
            "started": True,
            "accuracy": read["accuracy_percent"] / 100,
            "chance": float("nan"),
        }
    )
