"""What an estimator's predict and predict_proba give, checked, as gigo keeps it.

Anybody's model may give floats, strings, columns of shape (n, 1), fewer classes than the data set
has, or probabilities in another order. Whatever can't be told apart is an error, never guessed.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gigo.types import Labels

LEAST = float(np.finfo(np.float64).eps)
"""Probabilities are taken to be at least this much, as scikit-learn's log loss does."""

SUM = 1e-3
"""How far the probabilities of an item may be from 1 in all."""

Codes = NDArray[np.unsignedinteger]
"""(n,) classes, in the smallest type that holds them."""


def classes(predicted: Any, n: int, present: Labels) -> Labels:
    """Predictions as classes of the data set, (n,).

    Args:
        predicted: what ``predict`` gave: (n,) or (n, 1) codes, numbers or texts of numbers.
        n: items.
        present: (k,) ascending: the classes that codes 0 .. k-1 stand for.

    Raises:
        ValueError: another shape, or no such codes.

    >>> classes(np.array([[1.0], [0.0]]), 2, np.array([3, 7]))
    array([7, 3])
    >>> classes([0.4, 0.6], 2, np.array([3, 7]))
    Traceback (most recent call last):
    ValueError: predict gives 0.4: expected classes, whole numbers from 0 to 1
    """
    values = np.asarray(predicted)
    if values.shape not in ((n,), (n, 1)):
        raise ValueError(f"predict gives shape {values.shape}: expected ({n},), a class per item")
    return present[_codes(values.reshape(n), len(present), "predict gives")]


def probabilities(given: Any, n: int, present: Labels, order: Any, n_classes: int) -> Any:
    """Class probabilities (n, n_classes) float64, in the order of the data set's classes.

    Args:
        given: what ``predict_proba`` gave, (n, m).
        n: items.
        present: (k,) ascending: the classes that codes 0 .. k-1 stand for.
        order: (m,) the code of each column; None: 0 .. k-1.
        n_classes: of the data set; those that the model does not know get 0.

    Raises:
        ValueError: another shape, or no such codes.

    >>> probabilities([[0.1, 0.9]], 1, np.array([0, 2]), [1, 0], 3)
    array([[0.9, 0. , 0.1]])
    """
    columns = np.arange(len(present)) if order is None else np.asarray(order)
    values = np.asarray(given, np.float64)
    if columns.ndim != 1 or values.shape != (n, len(columns)):
        fit = f"({n}, {columns.size}), a column per class that was trained on"
        raise ValueError(f"predict_proba gives shape {values.shape}: expected {fit}")
    places = present[_codes(columns, len(present), "classes_ has")]
    if len({*places.tolist()}) < len(places):
        raise ValueError("classes_ has a class twice: expected each once")
    padded = np.zeros((n, n_classes))
    padded[:, places] = values
    return padded


def proper(rows: NDArray[np.float64]) -> bool:
    """Whether all rows are probabilities: finite, none below 0, 1 in all."""
    return bool(rows.min() >= 0 and np.abs(rows.sum(axis=1) - 1).max() < SUM)


def logarithms(probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    """Of probabilities, none of them below `LEAST`."""
    return np.log(np.clip(probabilities, LEAST, 1))


def small(classes: Labels, n_classes: int) -> Codes:
    """Classes as they are kept."""
    return classes.astype(np.uint8 if n_classes <= 256 else np.uint16)


def _codes(values: NDArray[Any], k: int, what: str) -> Labels:
    """Whole numbers below k; raises ValueError for anything else."""
    expected = f"expected classes, whole numbers from 0 to {k - 1}"
    try:
        numbers = values.astype(np.float64)
    except (TypeError, ValueError):
        raise ValueError(f"{what} {values[0]!r}: {expected}") from None
    wrong = ~((numbers >= 0) & (numbers < k) & (numbers == np.floor(numbers)))
    if wrong.any():
        raise ValueError(f"{what} {values[wrong][0]}: {expected}")
    return numbers.astype(np.int64)
