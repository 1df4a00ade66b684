"""How good a classifier is on a test set: what it predicts, and how sure it says it is.

Defined as in scikit-learn, classes that are never predicted included (precision 0); the calibration
error is that of Guo et al., "On Calibration of Modern Neural Networks" (2017), with 15 bins.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gigo.measures import BINS, RANKING
from gigo.schedule import NO_CLASS, TrainingSet
from gigo.types import Labels

Counts = NDArray[np.int64]
Floats = NDArray[np.float64]
Classes = NDArray[np.integer]


class PerClass(NamedTuple):
    """One number per class, each (K,). ``recall`` is NaN for a class the test set has none of."""

    support: Counts
    recall: Floats
    precision: Floats
    f1: Floats


def measures(
    labels: Classes,
    predictions: Classes,
    n_classes: int,
    log_probabilities: NDArray[np.floating] | None = None,
) -> dict[str, float]:
    """Every measure that can be worked out, by its name; those not finite are absent.

    Args:
        labels: (n,) true classes.
        predictions: (n,) predicted ones.
        n_classes: K.
        log_probabilities: (n, K) natural logarithms of the class probabilities; None: not known.

    >>> scores = np.log([[0.9, 0.1], [0.4, 0.6], [0.2, 0.8]])
    >>> found = measures(np.array([0, 0, 1]), scores.argmax(1), 2, scores)
    >>> round(found["accuracy"], 3), round(found["brier"], 3), found["roc_auc"]
    (0.667, 0.137, 1.0)
    """
    counts = confusion(labels, predictions, n_classes)
    classes = per_class(counts)
    found = {
        "accuracy": accuracy(counts),
        "balanced_accuracy": balanced_accuracy(classes),
        "macro_f1": macro_f1(counts, classes),
    }
    if log_probabilities is not None and not np.isnan(log_probabilities).any():
        wide = log_probabilities.astype(np.float64)
        probabilities = np.exp(wide)
        found["log_loss"] = float(-wide[np.arange(len(labels)), labels].mean())
        found["brier"] = brier(labels, probabilities)
        found["ece"] = calibration_error(predictions == labels, probabilities.max(axis=1))
        if n_classes == 2:
            found |= zip(RANKING, ranking(labels, wide[:, 1] - wide[:, 0]), strict=True)
    return {name: value for name, value in found.items() if math.isfinite(value)}


def tested(
    truths: Mapping[str, Labels],
    found: Mapping[str, tuple[Classes, NDArray[np.floating] | None]],
    n_classes: int,
) -> dict[str, float]:
    """The measures of every test set; after the first one's those of others, ``NAME/accuracy``.

    Args:
        truths: (n,) true classes by test set.
        found: classes (n,) that a model predicts, and their log-probabilities (n, K) if known.
        n_classes: K.
    """
    named: dict[str, float] = {}
    for name, labels in truths.items():
        classes, scores = found[name]
        before = "" if name == "test" else f"{name}/"
        mine = measures(labels, classes, n_classes, scores)
        named |= {f"{before}{measure}": value for measure, value in mine.items()}
    return named


def trained(part: TrainingSet, fitted: Labels) -> dict[str, float]:
    """The measures of predictions (n,) on the items trained on, where there are any."""
    shares = {
        "train_accuracy_clean": (part.labels, ~part.changed),
        "train_accuracy_corrupted": (part.labels, part.changed),
        "train_recovered": (part.true_labels, part.changed & (part.true_labels != NO_CLASS)),
    }
    return {
        name: float((fitted == right)[among].mean())
        for name, (right, among) in shares.items()
        if among.any()
    }


def confusion(true: Classes, predicted: Classes, n_classes: int) -> Counts:
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


def balanced_accuracy(classes: PerClass) -> float:
    """Mean recall over the classes that the test set has."""
    return float(classes.recall[classes.support > 0].mean())


def macro_f1(counts: Counts, classes: PerClass) -> float:
    """Mean F1 over the classes that occur in the test set or among the predictions."""
    occurs = (classes.support > 0) | (counts.sum(axis=0) > 0)
    return float(classes.f1[occurs].mean())


def brier(labels: Classes, probabilities: Floats) -> float:
    """Brier score of (n, K) probabilities, as in `MEASURES`."""
    errors = probabilities.copy()
    errors[np.arange(len(labels)), labels] -= 1
    score = float(np.square(errors).sum(axis=1).mean())
    return score / 2 if probabilities.shape[1] == 2 else score


def calibration_error(correct: NDArray[np.bool_], confidence: Floats) -> float:
    """How far the top probabilities (n,) are from the accuracy, averaged over the items of bins."""
    bins = np.clip(np.ceil(confidence * BINS).astype(np.int64) - 1, 0, BINS - 1)
    gaps = np.bincount(bins, weights=correct - confidence, minlength=BINS)
    return float(np.abs(gaps).sum() / len(correct))


def ranking(labels: Classes, score: Floats) -> tuple[float, float]:
    """Area under the ROC curve and average precision of scores (n,) that grow with class 1.

    Items of equal score share a threshold. NaN where a class is missing.
    """
    levels, level = np.unique(score, return_inverse=True)
    positive = np.bincount(level, weights=labels == 1, minlength=len(levels))[::-1]
    every = np.bincount(level, minlength=len(levels))[::-1]
    n_positive, n_negative = positive.sum(), len(labels) - positive.sum()
    if not n_positive or not n_negative:
        return math.nan, math.nan
    above = np.cumsum(positive)
    pairs = ((every - positive) * (above - positive / 2)).sum()
    precision = above / np.cumsum(every)
    return float(pairs / (n_positive * n_negative)), float(positive @ precision / n_positive)
