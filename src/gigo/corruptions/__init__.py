"""Ways to spoil the labels of a training set.

A label corruption is the matrix of where its corrupted labels go. `relabel` draws a
`gigo.types.Schedule` from any such matrix, and theory reads the same one.
"""

from __future__ import annotations

from gigo.corruptions.draw import matrix_of, relabel
from gigo.corruptions.labels import (
    asymmetric_destinations,
    biased_destinations,
    pair_destinations,
    sink_destinations,
    symmetric_destinations,
    transition_destinations,
    two_sink_destinations,
)
from gigo.corruptions.theory import cliffs, highest_rate, limiting_accuracy, transition_matrix
from gigo.types import Entry

__all__ = [
    "CATALOGUE",
    "cliffs",
    "highest_rate",
    "limiting_accuracy",
    "matrix_of",
    "relabel",
    "transition_matrix",
]


CATALOGUE = {
    "symmetric": Entry(
        symmetric_destinations, "a uniformly random other class (with include_true, any class)"
    ),
    "biased": Entry(biased_destinations, "always the first wrong class: 0, or 1 where 0 is right"),
    "two_sink": Entry(two_sink_destinations, "class 0 or 1 at random, less the true one"),
    "sink": Entry(sink_destinations, "any of the classes given at random, less the true one"),
    "pair": Entry(pair_destinations, "the next class, of the last one the first"),
    "asymmetric": Entry(
        asymmetric_destinations,
        "the class that the map gives; others stay (CIFAR-10 and CIFAR-100 need no map)",
    ),
    "transition": Entry(
        transition_destinations, "drawn from the true class's row of the matrix T, rows sum to 1"
    ),
}
"""``(n_classes, **options) -> (K, K)`` each, row k the distribution of the label that a corrupted
item of true class k gets, or zeros where items of class k stay as they are."""
