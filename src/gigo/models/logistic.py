"""Logistic regression as an estimator: exact, scaled, its strength chosen on held-out items."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from gigo.errors import SpecError
from gigo.softmax import Weights, path

STRENGTHS = (10.0, 3.0, 1.0, 0.3, 0.03, 0.003)
"""What ``strength = "auto"`` tries: bad labels ask for strong ones, clean labels for weak ones."""

FIXED = 0.1
"""What ``strength = "auto"`` means where no items are held out."""

TINY = 1e-6
"""A column that varies by less than this share of its mean is taken for constant."""

AT_ONCE = 4096
"""Rows that are predicted together."""


class Logistic:
    """Multinomial logistic regression with an L2 penalty, for vectors and sparse rows.

    It minimises ``mean(cross entropy) + strength / 2 * sum(weights ** 2)`` for inputs that are
    scaled first, by what the training items tell: dense columns to mean 0 and standard deviation 1,
    sparse ones by their largest absolute value, so that zeros stay zeros. Results therefore don't
    depend on the units of a column. Scikit-learn's ``LogisticRegression`` on the same scaled
    columns has the same minimum for more than two classes at ``C = 1 / (n * strength)``.

    Args:
        strength: of the penalty, above 0; ``"auto"``: the one of `STRENGTHS` with the best accuracy
            on the held-out items (the lower log loss decides between equal ones), or `FIXED`
            without any.

    Attributes:
        classes_: (K,) labels.
        strength_: that was taken.
        weights_: (d, K) for scaled inputs.
        bias_: (K,).

    >>> x, y = np.arange(8.0).reshape(8, 1), np.repeat(["low", "high"], 4)
    >>> model = Logistic().fit(x, y, eval_set=[(x, y)])
    >>> model.predict(np.array([[-5], [20]])).tolist(), model.strength_
    (['low', 'high'], 0.003)
    """

    numbers_only = True
    """Of tables it takes those without words and gaps."""

    def __init__(self, strength: float | str = "auto") -> None:
        known = strength == "auto" if isinstance(strength, str) else 0 < strength < np.inf
        if not known:
            raise SpecError("model.logistic.strength", strength, "'auto' or a number above 0")
        self.strength = strength

    @property
    def monitors(self) -> bool:
        """Whether it has a use for held-out items."""
        return self.strength == "auto"

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        return {"strength": self.strength}

    def set_params(self, **params: Any) -> Self:
        self.__init__(**{**self.get_params(), **params})
        return self

    def fit(self, x: Any, y: Any, eval_set: Sequence[tuple[Any, Any]] | None = None) -> Self:
        """Fit to x (n, d), dense or sparse, and labels y (n,).

        Args:
            x: finite numbers.
            y: labels of at least two classes.
            eval_set: ``[(x, y)]``, held-out items that choose the strength.

        Raises:
            ValueError: x has missing values, or y but one class.
        """
        self.classes_, codes = np.unique(np.asarray(y), return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError("labels of one class alone: expected at least two")
        self._mean, self._scale = _units(x)
        rows, count = self._scaled(x), len(self.classes_)
        sets = [(self._scaled(a), np.asarray(b)) for a, b in eval_set or () if self.monitors]
        fixed = FIXED if isinstance(self.strength, str) else float(self.strength)
        strengths = STRENGTHS if sets else (fixed,)
        best = np.inf, np.inf
        for strength, found in zip(strengths, path(rows, codes, count, strengths), strict=True):
            errors = self._errors(found, sets)
            if errors < best:
                best, self.strength_, (self.weights_, self.bias_) = errors, float(strength), found
        return self

    def _scaled(self, x: Any) -> Any:
        """Items with columns as `_units` says, float32."""
        if _is_sparse(x):
            return x.astype(np.float32).multiply(1 / self._scale).tocsr().astype(np.float32)
        return ((np.asarray(x) - self._mean) / self._scale).astype(np.float32)

    def _errors(
        self, found: tuple[Weights, Weights], sets: Sequence[tuple[Any, NDArray[Any]]]
    ) -> tuple[float, float]:
        """Wrong predictions and log loss for held-out items; labels never trained on count not."""
        wrong = loss = 0.0
        for rows, labels in sets:
            known = np.isin(labels, self.classes_)
            codes = np.searchsorted(self.classes_, labels[known])
            logs = _log_softmax(rows, found)[known]
            wrong += float((logs.argmax(axis=1) != codes).sum())
            loss -= float(logs[np.arange(len(codes)), codes].sum())
        return wrong, loss

    def predict_log_proba(self, x: Any) -> NDArray[np.float64]:
        """Logarithms of probabilities, (n, K)."""
        found = self.weights_, self.bias_
        starts = range(0, x.shape[0], AT_ONCE)
        parts = (_log_softmax(self._scaled(x[i : i + AT_ONCE]), found) for i in starts)
        return np.concatenate([*parts])

    def predict_proba(self, x: Any) -> NDArray[np.float64]:
        """Probabilities (n, K), in the order of ``classes_``."""
        return np.exp(self.predict_log_proba(x))

    def predict(self, x: Any) -> NDArray[Any]:
        """The most probable label of each item, (n,)."""
        return self.classes_[self.predict_log_proba(x).argmax(axis=1)]


def _units(x: Any) -> tuple[NDArray[Any], NDArray[Any]]:
    """What is taken from the columns of some items, and what they are divided by, (d,) each.

    Raises:
        ValueError: they are no finite numbers.
    """
    if _is_sparse(x):
        largest = abs(x).max(axis=0).toarray().reshape(-1).astype(np.float32)
        mean, scale = np.zeros_like(largest), largest
    else:
        rows = np.asarray(x)
        mean, scale = rows.mean(axis=0, dtype=np.float64), rows.std(axis=0, dtype=np.float64)
        if rows.dtype == np.float32:
            mean, scale = mean.astype(np.float32), scale.astype(np.float32)
    if not np.isfinite(scale).all():
        raise ValueError("inputs with missing or infinite values: expected finite numbers")
    return mean, np.where(scale > TINY * np.abs(mean), scale, 1).astype(scale.dtype)


def _log_softmax(rows: Any, found: tuple[Weights, Weights]) -> Weights:
    """Of scaled items, (n, K)."""
    from scipy.special import log_softmax

    weights, bias = found
    scores = np.asarray(rows @ weights.astype(rows.dtype), np.float64)
    return log_softmax(scores + bias, axis=1)


def _is_sparse(x: Any) -> bool:
    return hasattr(x, "tocsr")  # SciPy need not be imported to know that it is no array
