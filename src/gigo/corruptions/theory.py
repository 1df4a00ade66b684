"""What corruption does to a learner that is consistent, on items that are unambiguous."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gigo.corruptions.draw import eligible
from gigo.types import RateOf


def highest_rate(
    destinations: NDArray[np.float64],
    shares: NDArray[np.float64] | None = None,
    rate_of: RateOf = "set",
) -> float:
    """The share of the items that a corruption may choose: those whose row is not all zeros.

    Args:
        destinations: (K, K), see `gigo.corruptions.matrix_of`.
        shares: (K,) of each class in the set, summing to 1. None: classes of equal size.
        rate_of: what rates are shares of, see `gigo.Schedule`; of those that may be chosen,
            it is all.

    >>> from gigo.corruptions.labels import asymmetric_destinations
    >>> from gigo.corruptions.published import CIFAR10_CLASSES
    >>> highest_rate(asymmetric_destinations(10, names=CIFAR10_CLASSES))
    0.5
    """
    if rate_of == "eligible":
        return 1.0
    chosen = eligible(destinations)
    return float(chosen.mean() if shares is None else 1 - shares[~chosen].sum())


def transition_matrix(
    destinations: NDArray[np.float64],
    rate: float,
    shares: NDArray[np.float64] | None = None,
    rate_of: RateOf = "set",
) -> NDArray[np.float64]:
    """(K, K) row-stochastic ``T[true, given]`` at a rate (Natarajan et al. 2013, section 2).

    Args:
        destinations: (K, K).
        rate: of corruption: 0 to the `highest_rate`.
        shares: (K,) of each class in the set; they matter where some classes are not chosen, and
            the rate is a share of the whole set.
        rate_of: what it is a share of.

    >>> from gigo.corruptions.labels import biased_destinations
    >>> transition_matrix(biased_destinations(3), rate=0.4)
    array([[0.6, 0.4, 0. ],
           [0.4, 0.6, 0. ],
           [0.4, 0. , 0.6]])
    """
    highest = highest_rate(destinations, shares, rate_of)
    chosen = (rate / highest if highest else 0) * eligible(destinations)[:, None]
    return (1 - chosen) * np.eye(len(destinations)) + chosen * destinations


def cliffs(
    destinations: NDArray[np.float64],
    shares: NDArray[np.float64] | None = None,
    rate_of: RateOf = "set",
) -> NDArray[np.float64]:
    """(K,) per class, the rate at which the true class stops being the most probable label.

    ``1 - r + r a = r b`` with a the chance that a corrupted label is the true one and b that of
    its most frequent rival: (K-1)/K for symmetric, 1/2 for biased; capped at 1, never reached.
    That is r of the items that may be chosen, made a share of the whole set as in
    `transition_matrix` unless rates are of the eligible ones; a class that is not chosen is never
    lost.

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
    lost = 1 / np.maximum(1 + rival - true, 1)
    # Short of 1, which is never: there no item of a class is left that may be chosen.
    return np.where(lost < 1, lost * highest_rate(destinations, shares, rate_of), 1)


def limiting_accuracy(
    destinations: NDArray[np.float64],
    shares: NDArray[np.float64],
    rate: float,
    rate_of: RateOf = "set",
) -> float:
    """Accuracy of a learner that gives each item its most probable label, ties by lot.

    Short of its cliff a class is right, past it wrong.

    Args:
        destinations: (K, K), see `gigo.corruptions.matrix_of`.
        shares: (K,) of each class, summing to 1, in the training set and in the test set alike.
        rate: of corruption, 0 to 1.
        rate_of: what it is a share of.

    Two classes of four are past their cliff at 1/2, the others at 2/3:

    >>> from gigo.corruptions.labels import two_sink_destinations
    >>> shares = np.full(4, 1 / 4)
    >>> [limiting_accuracy(two_sink_destinations(4), shares, rate) for rate in (0.4, 0.6, 0.7)]
    [1.0, 0.5, 0.0]
    """
    labels = transition_matrix(destinations, rate, shares, rate_of)
    most_probable = np.isclose(labels, labels.max(axis=1, keepdims=True), rtol=0, atol=1e-9)
    right = np.diag(most_probable) / most_probable.sum(axis=1)
    return float(right @ shares)
