"""Models whose first part has no use for labels, and is made once for all label rates."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin, clone
from sklearn.impute import SimpleImputer
from sklearn.neighbors import NearestNeighbors
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.metaestimators import available_if

from gigo.columns import Columns
from gigo.inputs import Inputs


def _tells(name: str) -> Any:
    """Whether the model of a `Once` has a method."""

    def tells(once: Any) -> bool:
        return hasattr(once.model, name)

    return tells


class Once(ClassifierMixin, BaseEstimator):
    """A transformer that learns from inputs alone, then a model of what it gives.

    Equal to a pipeline of the two. `gigo.estimators` calls `inputs_once` for the items of all
    trials that differ in their labels alone, and the others with what that gave.

    Args:
        inputs: the transformer.
        model: the estimator.

    >>> from sklearn.linear_model import LogisticRegression
    >>> x, y = np.array([[1.0], [2.0], [4.0]]), np.array([0, 0, 1])
    >>> model = Once(StandardScaler(), LogisticRegression())
    >>> given, other = model.inputs_once(x, np.array([[5.0]]))
    >>> model.fit(given, y).predict(other)
    array([1])
    """

    def __init__(self, inputs: Any, model: Any) -> None:
        self.inputs, self.model = inputs, model

    def inputs_once(self, x: Inputs, *others: Inputs) -> tuple[Inputs, ...]:
        """What the transformer, fitted to ``x``, makes of it and of the others."""
        fitted: Any = clone(self.inputs)
        given = fitted.fit_transform(x)
        return given, *(fitted.transform(other) for other in others)

    def fit(self, x: Inputs, y: NDArray[np.int64]) -> Self:
        fresh: Any = clone(self.model)
        self.model_ = fresh.fit(x, y)
        return self

    @property
    def classes_(self) -> NDArray[np.int64]:
        return self.model_.classes_

    def predict(self, x: Inputs) -> NDArray[np.int64]:
        return self.model_.predict(x)

    @available_if(_tells("predict_proba"))
    def predict_proba(self, x: Inputs) -> NDArray[np.float64]:
        return self.model_.predict_proba(x)


class Neighbours(TransformerMixin, BaseEstimator):
    """Items as the places of their nearest ones among those it is fitted to, (n, n_neighbors)."""

    def __init__(self, n_neighbors: int = 5) -> None:
        self.n_neighbors = n_neighbors

    def fit(self, x: Inputs, y: None = None) -> Self:
        table = hasattr(x, "iloc")
        steps = (Columns(codes=True), StandardScaler(), SimpleImputer()) if table else ()
        self.vectors_ = make_pipeline(*steps, "passthrough").fit(x)
        self.found_ = NearestNeighbors(n_neighbors=self.n_neighbors).fit(self.vectors_.transform(x))
        return self

    def transform(self, x: Inputs) -> NDArray[np.int64]:
        return self.found_.kneighbors(self.vectors_.transform(x), return_distance=False)


class Votes(ClassifierMixin, BaseEstimator):
    """The votes of `Neighbours`, each counting the same; of equal ones the first class wins."""

    def fit(self, x: NDArray[np.int64], y: NDArray[np.int64]) -> Self:
        self.classes_, self._codes = np.unique(y, return_inverse=True)
        return self

    def predict(self, x: NDArray[np.int64]) -> NDArray[np.int64]:
        return self.classes_[self.predict_proba(x).argmax(axis=1)]

    def predict_proba(self, x: NDArray[np.int64]) -> NDArray[np.float64]:
        n, k = x.shape
        places = np.arange(n)[:, None] * len(self.classes_) + self._codes[x]
        votes = np.bincount(places.ravel(), minlength=n * len(self.classes_))
        return votes.reshape(n, -1) / k
