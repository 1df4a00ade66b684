"""Weights of training items, and who takes them."""

from __future__ import annotations

from inspect import signature
from typing import Any

TAKEN_AS = "sample_weight"
"""What scikit-learn calls them."""


def argument(estimator: Any) -> str | None:
    """The argument by which an estimator's ``fit`` takes weights; None where it takes none.

    In a pipeline that is its last step's, by the step's name.

    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.neighbors import KNeighborsClassifier
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> argument(make_pipeline(StandardScaler(), LogisticRegression()))
    'logisticregression__sample_weight'
    >>> argument(KNeighborsClassifier())
    """
    steps = getattr(estimator, "steps", None)
    if isinstance(steps, list) and steps:
        name, last = steps[-1]
        inner = argument(last)
        return None if inner is None else f"{name}__{inner}"
    try:
        return TAKEN_AS if TAKEN_AS in signature(estimator.fit).parameters else None
    except (AttributeError, TypeError, ValueError):  # no fit, or one that says nothing of itself
        return None
