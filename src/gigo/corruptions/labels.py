"""Label corruptions: who gets a wrong label, and which one.

Labels are drawn from a matrix of destinations and items are put in an order; neither knows the
rate, which is what makes corrupted sets nested (`gigo.types.Schedule`).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from gigo.errors import SpecError
from gigo.rng import Stream
from gigo.types import Dataset, Labels, Placement, Schedule


def symmetric_destinations(n_classes: int, *, include_true: bool = False) -> NDArray[np.float64]:
    """Every other class alike (Angluin & Laird 1988); with ``include_true`` every class alike.

    Many papers include the true class: then 40 % asked is 36 % changed at 10 classes.

    >>> symmetric_destinations(3)
    array([[0. , 0.5, 0.5],
           [0.5, 0. , 0.5],
           [0.5, 0.5, 0. ]])
    """
    if include_true:
        return np.full((n_classes, n_classes), 1 / n_classes)
    return (np.ones((n_classes, n_classes)) - np.eye(n_classes)) / (n_classes - 1)


def biased_destinations(n_classes: int) -> NDArray[np.float64]:
    """Class 0, or 1 where 0 is right: the worst bias, one class taking all.

    >>> biased_destinations(3)
    array([[0., 1., 0.],
           [1., 0., 0.],
           [1., 0., 0.]])
    """
    destinations = np.zeros((n_classes, n_classes))
    destinations[:, 0] = 1
    destinations[0, :2] = 0, 1
    return destinations


def two_sink_destinations(n_classes: int) -> NDArray[np.float64]:
    """Class 0 or 1 with equal chance, less the true one.

    >>> two_sink_destinations(4)
    array([[0. , 1. , 0. , 0. ],
           [1. , 0. , 0. , 0. ],
           [0.5, 0.5, 0. , 0. ],
           [0.5, 0.5, 0. , 0. ]])
    """
    destinations = np.zeros((n_classes, n_classes))
    destinations[:, :2] = 0.5
    destinations[0, :2] = 0, 1
    destinations[1, :2] = 1, 0
    return destinations


def relabel(
    dataset: Dataset,
    items: Labels,
    stream: Stream,
    *,
    destinations: Callable[[int], NDArray[np.float64]],
    placement: Placement = "random",
) -> Schedule:
    """A schedule that gives items other labels, drawn from a matrix.

    Args:
        dataset: whose ``y_train`` are the labels to corrupt; nothing in it is changed.
        items: (n,) indices into its training set.
        stream: n words choose the new labels in the items' order, the next n the order of edits,
            so that an item's wrong label does not depend on ``placement``.
        destinations: gives, for K classes, the (K, K) row-stochastic matrix, row = true class.
        placement: ``random`` order, or ``tail``: from the last item backwards.

    Raises:
        SpecError: fewer than two classes, or an unknown placement.

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
    label = _draw(destinations(dataset.n_classes)[dataset.y_train[items]], stream)
    if placement == "random":
        order = stream.permutation(n)
    elif placement == "tail":
        order = np.arange(n - 1, -1, -1, dtype=np.int64)
    else:
        raise SpecError("placement", placement, "random or tail")
    return Schedule(order, label[order])


def _draw(probabilities: NDArray[np.float64], stream: Stream) -> Labels:
    """One class a row (n, K), by inversion; a class of probability 0 is never drawn."""
    uniform = (stream.words(len(probabilities)) >> np.uint64(11)) * 2.0**-53
    cumulative = np.cumsum(probabilities, axis=1)
    cumulative /= cumulative[:, -1:]
    return (cumulative <= uniform[:, None]).sum(axis=1, dtype=np.int64)
