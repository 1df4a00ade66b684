"""What corruption does to a learner that is consistent, on items that are unambiguous."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def transition_matrix(destinations: NDArray[np.float64], rate: float) -> NDArray[np.float64]:
    """(K, K) row-stochastic ``T[true, given]`` at a rate (Natarajan et al. 2013, section 2)."""
    return (1 - rate) * np.eye(len(destinations)) + rate * destinations


def cliffs(destinations: NDArray[np.float64]) -> NDArray[np.float64]:
    """(K,) per class, the rate at which the true class stops being the most probable label.

    ``1 - r + r a = r b`` with a the chance that a corrupted label is the true one and b that of
    its most frequent rival: (K-1)/K for symmetric, 1/2 for biased; capped at 1, never reached.
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
    """
    labels = transition_matrix(destinations, rate)
    most_probable = np.isclose(labels, labels.max(axis=1, keepdims=True), rtol=0, atol=1e-9)
    right = np.diag(most_probable) / most_probable.sum(axis=1)
    return float(right @ shares)
