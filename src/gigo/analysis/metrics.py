"""How good a classifier's predictions are, from the counts of what was taken for what.

Defined as in scikit-learn, classes that are never predicted included (precision 0).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Counts = NDArray[np.int64]
Floats = NDArray[np.float64]


class PerClass(NamedTuple):
    """One number a class, each (K,). ``recall`` is NaN for a class the test set has none of."""

    support: Counts
    recall: Floats
    precision: Floats
    f1: Floats


def confusion(true: NDArray[np.integer], predicted: NDArray[np.integer], n_classes: int) -> Counts:
    """(K, K) counts, ``[true, predicted]``, of two (n,) arrays of classes."""
    cells = true.astype(np.int64) * n_classes + predicted
    return np.bincount(cells, minlength=n_classes**2).reshape(n_classes, n_classes)


def accuracy(counts: Counts) -> float:
    """Share of the items that are classified correctly."""
    return float(np.trace(counts) / counts.sum())


def per_class(counts: Counts) -> PerClass:
    """Recall, precision and F1 of each class."""
    right = np.diag(counts).astype(np.float64)
    support, predicted = counts.sum(axis=1), counts.sum(axis=0)
    recall = np.divide(right, support, out=np.full(len(right), np.nan), where=support > 0)
    precision = np.divide(right, predicted, out=np.zeros(len(right)), where=predicted > 0)
    f1 = np.divide(2 * right, support + predicted, out=np.zeros(len(right)), where=right > 0)
    return PerClass(support, recall, precision, f1)


def balanced_accuracy(counts: Counts) -> float:
    """Mean recall over the classes that the test set has."""
    return float(np.nanmean(per_class(counts).recall))


def macro_f1(counts: Counts) -> float:
    """Mean F1 over the classes that occur, be it in the test set or among the predictions."""
    classes = per_class(counts)
    occurs = (classes.support > 0) | (counts.sum(axis=0) > 0)
    return float(classes.f1[occurs].mean())
