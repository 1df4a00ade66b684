"""The settings of one run held against each other: what a model, a recipe or a policy changes."""

from __future__ import annotations

import numpy as np

from gigo.analysis.comparison import AXES, Comparison, Side
from gigo.analysis.pairing import compare
from gigo.analysis.published import SETTING


def between_settings(run: Side) -> Comparison | None:
    """Every other setting of a run, A, against one of them, B, paired by replicate.

    B is the article's on each axis where the run has that, else the first one.

    Returns:
        None where the run has but one setting.
    """
    alike = np.ones(len(run.frame), dtype=bool)
    for axis in AXES:
        values = run.frame[axis].to_numpy(str)
        known = values == SETTING[axis]
        alike &= known if known.any() else values == values[:1]
    if alike.all():
        return None
    return compare(run.only(run.frame.loc[~alike]), run.only(run.frame.loc[alike]))
