"""Ways to spoil the labels of a training set.

A label corruption is the matrix of where its corrupted labels go. `relabel` draws a
`gigo.types.Schedule` from any such matrix, and theory reads the same one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gigo.corruptions.labels import (
    biased_destinations,
    relabel,
    symmetric_destinations,
    two_sink_destinations,
)
from gigo.corruptions.theory import cliffs, limiting_accuracy, transition_matrix

__all__ = [
    "CATALOGUE",
    "Corruption",
    "cliffs",
    "limiting_accuracy",
    "relabel",
    "transition_matrix",
]


class Corruption(NamedTuple):
    """A catalogue entry.

    Attributes:
        summary: one line for ``gigo list corruptions``.
        destinations: ``(n_classes, **options) -> (K, K)``, row k the distribution of the label
            that a corrupted item of true class k gets.
        options: the names of its options with their defaults.
    """

    summary: str
    destinations: Callable[..., NDArray[np.float64]]
    options: dict[str, object]


CATALOGUE: dict[str, Corruption] = {
    "symmetric": Corruption(
        "a uniformly random other class (with include_true, any class)",
        symmetric_destinations,
        {"include_true": False},
    ),
    "biased": Corruption(
        "always the first wrong class: 0, or 1 where 0 is right",
        biased_destinations,
        {},
    ),
    "two_sink": Corruption(
        "class 0 or 1 at random, less the true one",
        two_sink_destinations,
        {},
    ),
}
