"""Ways to spoil the labels of a training set.

A label corruption is the matrix of where its corrupted labels go. `relabel` draws a
`gigo.types.Schedule` from any such matrix, and theory reads the same one.
"""

from __future__ import annotations

from gigo.corruptions.labels import (
    biased_destinations,
    relabel,
    symmetric_destinations,
    two_sink_destinations,
)
from gigo.corruptions.theory import cliffs, limiting_accuracy, transition_matrix
from gigo.types import Entry

__all__ = ["CATALOGUE", "cliffs", "limiting_accuracy", "relabel", "transition_matrix"]


CATALOGUE = {
    "symmetric": Entry(
        symmetric_destinations, "a uniformly random other class (with include_true, any class)"
    ),
    "biased": Entry(biased_destinations, "always the first wrong class: 0, or 1 where 0 is right"),
    "two_sink": Entry(two_sink_destinations, "class 0 or 1 at random, less the true one"),
}
"""``(n_classes, **options) -> (K, K)`` each, row k the distribution of the label that a corrupted
item of true class k gets."""
