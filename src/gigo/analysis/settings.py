"""The settings of one run held against each other: what a model, a recipe or a policy changes."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gigo.analysis.comparison import AXES, Comparison, Side
from gigo.analysis.pairing import compare
from gigo.analysis.published import SETTING


def between_settings(run: Side) -> Comparison | None:
    """Every other setting of a run, A, against one of them, B, paired by replicate.

    B is, for each data set, the first of those that have most in common with the article's. A
    trial that both have, such as that of clean and noisy validation at rate 0, is not compared.

    Returns:
        None where the run has but one setting.
    """
    held = _held_against(run.frame)
    if held.all():
        return None
    shared = run.frame["key"].isin(run.frame.loc[held, "key"]).to_numpy(bool)
    return compare(run.only(run.frame.loc[~shared]), run.only(run.frame.loc[held]))


def _held_against(frame: pd.DataFrame) -> NDArray[np.bool_]:
    """(rows,) whether a row is of the setting that others are held against."""
    settings = list(frame[["dataset", *AXES]].itertuples(index=False, name=None))
    alike = sum((frame[axis] == SETTING[axis]).to_numpy(np.int64) for axis in AXES)
    first = pd.Series(alike).groupby(frame["dataset"].to_numpy(str)).idxmax()
    held = {settings[row] for row in first}
    return np.array([setting in held for setting in settings])
