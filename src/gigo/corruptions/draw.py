"""Labels drawn from a matrix: who gets a wrong label, and which one.

Labels are drawn from a matrix of destinations and items are put in an order; neither knows the
rate, which is what makes corrupted sets nested (`gigo.schedule.Schedule`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from inspect import signature
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gigo.errors import SpecError
from gigo.rng import Stream
from gigo.schedule import Schedule
from gigo.types import Dataset, Labels, Placement, RateOf


def matrix_of(
    destinations: Callable[..., NDArray[np.float64]], classes: Sequence[str]
) -> NDArray[np.float64]:
    """The (K, K) matrix of a label corruption for some classes.

    Row k is the distribution of the label that a chosen item of true class k gets. A row may be
    all zeros: items of that class are never chosen.

    Args:
        destinations: ``(n_classes) -> (K, K)``. One that has a parameter ``names`` without a
            default is given the names of the classes, too.
        classes: K names.

    Raises:
        SpecError: its matrix is none of probabilities.

    >>> def away_from_cats(n_classes, *, names):
    ...     return np.eye(n_classes)[[(names.index("cat") + 1) % n_classes] * n_classes]
    >>> matrix_of(away_from_cats, ["cat", "dog"])
    array([[0., 1.],
           [0., 1.]])
    """
    asked = signature(destinations).parameters.get("names")
    given = {"names": tuple(classes)} if asked and asked.default is asked.empty else {}
    matrix = destinations(len(classes), **given)
    return check_rows("corruption", matrix, len(classes), zeros=True)


def eligible(matrix: NDArray[np.float64]) -> NDArray[np.bool_]:
    """(K,) which classes have items that may be chosen: those whose rows are not all zeros."""
    return (matrix > 0).sum(axis=1) > 0


def check_rows(field: str, matrix: Any, n_classes: int, zeros: bool = False) -> NDArray[np.float64]:
    """A matrix of probabilities, (K, K) rows of which sum to 1; or to 0, where that is allowed.

    Raises:
        SpecError: it is none.
    """
    expected = f"{n_classes} x {n_classes} numbers from 0 to 1: a row per true class"
    try:
        found = np.asarray(matrix, dtype=np.float64)
    except (TypeError, ValueError):
        raise SpecError(field, matrix, expected) from None
    if found.ndim != 2:
        raise SpecError(field, matrix, expected)
    if found.shape != (n_classes, n_classes):
        raise SpecError(f"{field}, its shape", found.shape, expected)
    if not (found >= 0).all():  # not a number is none either
        raise SpecError(f"{field}, its least number", float(found.min()), expected)
    rows, columns = (np.isclose(found.sum(axis=axis), 1, rtol=0, atol=1e-6) for axis in (1, 0))
    if not (rows | (zeros & ~eligible(found))).all():
        sums = found.sum(axis=1).round(6).tolist()
        shown = sums if len(sums) <= 10 else [each for each in sums if each != 1][:10]
        turned = "; those of its columns are: rows are true classes, so transpose it"
        raise SpecError(
            f"{field}, sums of its rows", shown, "1 each" + turned * bool(columns.all())
        )
    return found


def relabel(
    dataset: Dataset,
    items: Labels,
    stream: Stream,
    *,
    destinations: Callable[..., NDArray[np.float64]],
    placement: Placement = "random",
    rate_of: RateOf = "set",
) -> Schedule:
    """A schedule that gives items other labels, drawn from a matrix.

    Args:
        dataset: whose ``y_train`` are the labels to corrupt; nothing in it is changed.
        items: (n,) indices into its training set.
        stream: n words choose the new labels in the items' order, the next n the order of edits,
            so that an item's wrong label does not depend on ``placement``.
        destinations: gives, for K classes, the matrix (`matrix_of`); items of classes whose rows
            are zeros get no edit.
        placement: ``random`` order, or ``tail``: from the last item backwards.
        rate_of: what rates are shares of, see `gigo.schedule.Schedule`.

    Raises:
        SpecError: fewer than two classes, no matrix of probabilities, or an unknown placement.

    >>> from gigo.corruptions.labels import biased_destinations
    >>> from gigo.datasets import load
    >>> digits, items = load("digits"), np.arange(5)
    >>> digits.y_train[items]
    array([1, 2, 3, 4, 7])
    >>> stream = Stream(0, 0, "corruption")
    >>> schedule = relabel(digits, items, stream, destinations=biased_destinations)
    >>> schedule.item, schedule.label
    (array([2, 0, 3, 4, 1]), array([0, 0, 0, 0, 0]))
    """
    n = len(items)
    if dataset.n_classes < 2:
        raise SpecError("classes", dataset.n_classes, "at least 2, or no label can be wrong")
    matrix, true = matrix_of(destinations, dataset.classes), dataset.y_train[items]
    label = _draw(matrix, true, stream)
    if placement == "random":
        order = stream.permutation(n)
    elif placement == "tail":
        order = np.arange(n - 1, -1, -1, dtype=np.int64)
    else:
        raise SpecError("placement", placement, "random or tail")
    order = order[eligible(matrix)[true[order]]]
    return Schedule(order, label[order], rate_of=rate_of)


def _draw(matrix: NDArray[np.float64], true: Labels, stream: Stream) -> Labels:
    """A class for each item (n,), by inversion; a class of probability 0 is never drawn."""
    uniform = stream.uniform(len(true))
    drawn = true.copy()
    for label in np.flatnonzero(eligible(matrix)):
        cumulative = np.cumsum(matrix[label])
        of_class = np.flatnonzero(true == label)
        drawn[of_class] = np.searchsorted(
            cumulative / cumulative[-1], uniform[of_class], side="right"
        )
    return drawn
