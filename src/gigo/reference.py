"""What a plain model makes of the items that are trained on, for corruptions that depend on it."""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from gigo.inputs import Inputs, take
from gigo.rng import Stream
from gigo.types import Dataset, Labels


class Reference:
    """Vectors and out-of-fold probabilities of items, made when they are asked for.

    Args:
        dataset: as the corruption finds it.
        items: (n,) positions in its rows; nothing else of the data set is looked at.
        stream: draws the folds.
        name: of all that these depend on; it names their file in gigo's cache.
    """

    def __init__(self, dataset: Dataset, items: Labels, stream: Stream, name: str) -> None:
        self._x: Inputs = take(dataset.x_train, items)
        self._y, self._n_classes = dataset.y_train[items], dataset.n_classes
        self._stream, self._name = stream, name

    @cached_property
    def probabilities(self) -> NDArray[np.float64]:
        """(n, K) of the classes, by models that were fitted to the other folds."""
        raise NotImplementedError
