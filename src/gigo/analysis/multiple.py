"""Many differences at once: p-values, and what remains of them where many were looked at."""

from __future__ import annotations

import numpy as np
from scipy.special import stdtr

from gigo.analysis.intervals import Floats

LEVEL = 0.05
"""Below this an adjusted p-value is called a difference."""


def p_value(differences: Floats, errors: Floats, freedom: Floats) -> Floats:
    """Two-sided, of Student's test that there is no difference; NaN where an error is unknown.

    Args:
        differences: (n,) of means.
        errors: (n,) their standard errors, above 0.
        freedom: (n,) degrees of freedom of these.

    >>> print(p_value(np.array([2.262]), np.array([1.0]), np.array([9.0])).round(3))
    [0.05]
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        return 2 * stdtr(freedom, -np.abs(differences / errors))


def holm(p: Floats) -> Floats:
    """P-values adjusted so that all below `LEVEL` are true but in one of twenty tables.

    Step-down, whatever the dependence (Holm 1979, *Scandinavian Journal of Statistics* 6).

    Args:
        p: (n,); NaN is no test, and stays.

    >>> holm(np.array([0.01, 0.04, 0.03, np.nan])).tolist()
    [0.03, 0.06, 0.06, nan]
    """
    known = np.flatnonzero(~np.isnan(p))
    order = known[np.argsort(p[known], kind="stable")]
    found = np.full(len(p), np.nan)
    found[order] = np.minimum(np.maximum.accumulate(p[order] * np.arange(len(order), 0, -1)), 1)
    return found
