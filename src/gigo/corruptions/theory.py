"""What corruption does to a learner that is consistent, on items that are unambiguous."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def transition_matrix(destinations: NDArray[np.float64], rate: float) -> NDArray[np.float64]:
    """(K, K) row-stochastic ``T[true, given]`` at a rate (Natarajan et al. 2013, section 2).

    >>> from gigo.corruptions.labels import biased_destinations
    >>> transition_matrix(biased_destinations(3), rate=0.4)
    array([[0.6, 0.4, 0. ],
           [0.4, 0.6, 0. ],
           [0.4, 0. , 0.6]])
    """
    return (1 - rate) * np.eye(len(destinations)) + rate * destinations


def cliffs(destinations: NDArray[np.float64]) -> NDArray[np.float64]:
    """(K,) per class, the rate at which the true class stops being the most probable label.

    ``1 - r + r a = r b`` with a the chance that a corrupted label is the true one and b that of
    its most frequent rival: (K-1)/K for symmetric, 1/2 for biased; capped at 1, never reached.

    >>> from gigo.corruptions.labels import symmetric_destinations, two_sink_destinations
    >>> cliffs(symmetric_destinations(5))
    array([0.8, 0.8, 0.8, 0.8, 0.8])
    >>> cliffs(symmetric_destinations(5, include_true=True))
    array([1., 1., 1., 1., 1.])
    >>> cliffs(two_sink_destinations(4)).round(3)
    array([0.5  , 0.5  , 0.667, 0.667])
    """
    true = np.diag(destinations)
    rival = np.where(np.eye(len(destinations), dtype=bool), 0, destinations).max(axis=1)
    return np.minimum(1 / (1 + rival - true), 1)


def limiting_accuracy(
    destinations: NDArray[np.float64], shares: NDArray[np.float64], rate: float
) -> float:
    """Accuracy of a learner that gives each item its most probable label, ties by lot.

    Short of its cliff a class is right, past it wrong.

    Args:
        destinations: (K, K) row-stochastic.
        shares: (K,) of each class in the test set, summing to 1.
        rate: of corruption, 0 to 1.

    Two classes of four are past their cliff at 1/2, the others at 2/3:

    >>> from gigo.corruptions.labels import two_sink_destinations
    >>> shares = np.full(4, 1 / 4)
    >>> [limiting_accuracy(two_sink_destinations(4), shares, rate) for rate in (0.4, 0.6, 0.7)]
    [1.0, 0.5, 0.0]
    """
    labels = transition_matrix(destinations, rate)
    most_probable = np.isclose(labels, labels.max(axis=1, keepdims=True), rtol=0, atol=1e-9)
    right = np.diag(most_probable) / most_probable.sum(axis=1)
    return float(right @ shares)
