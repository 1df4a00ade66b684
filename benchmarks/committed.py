"""The committed tables of the runs that docs/article.md and docs/results.md speak of."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

RESULTS = Path(__file__).parent.parent / "docs" / "results"
N_TEST = {"mnist": 10_000, "fashion_mnist": 10_000, "cifar10": 10_000, "cifar100": 10_000}
"""Test items by data set."""


def table(name: str) -> pd.DataFrame:
    """``docs/results/article-NAME.csv``, as `gigo.analysis.table.tidy` gives it."""
    frame = pd.read_csv(RESULTS / f"article-{name}.csv", keep_default_na=False, na_values=[""])
    if "n_classes" not in frame:  # written before tables had that column
        frame["n_classes"] = np.where(frame["dataset"] == "cifar100", 100, 10)
    return frame


def started(frame: pd.DataFrame) -> pd.DataFrame:
    """The trials that trained."""
    return frame.loc[frame["status"] == "ok"]
