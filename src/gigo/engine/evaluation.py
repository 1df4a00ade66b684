"""What members predict: on the test set, on what they hold out, on what they were trained on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from gigo.engine.feed import padded
from gigo.engine.layers import Tensors
from gigo.engine.members import Member, share_items
from gigo.engine.prediction import Predictions, Scores, predict, scores
from gigo.engine.resident import Resident
from gigo.engine.routes import Network
from gigo.types import Labels


class StackFor(Protocol):
    """Gives the network for so many members, with images that they share or with their own."""

    def __call__(self, members: int, *, shared: bool) -> Network: ...


class Evaluation:
    """Predictions of m members of a stack, by their weights (m, ...), parameters and buffers.

    Args:
        resident: the data set.
        stack_for: the network.
        parameters: their names; they are cast to the computing dtype, buffers are not.
    """

    def __init__(self, resident: Resident, stack_for: StackFor, parameters: Sequence[str]) -> None:
        self._data = resident
        self._stack_for = stack_for
        self._parameters = {*parameters}

    def test(self, members: int, weights: Tensors) -> Predictions:
        """Of so many members on the test set, for early stopping that looks at it."""
        labels = self._data.test_labels["test"]
        items = torch.arange(len(labels), device=labels.device)
        stack = self._stack_for(members, shared=True)
        return predict(stack, self._cast(weights), self._data.tests["test"], items, labels[None])

    def scores(self, members: int, weights: Tensors) -> dict[str, Scores]:
        """Of so many members on each test set, by its name."""
        stack, cast = self._stack_for(members, shared=True), self._cast(weights)
        tests, device = self._data.tests, self._data.device
        return {name: scores(stack, cast, inputs, device) for name, inputs in tests.items()}

    def held_out(self, members: Sequence[Member], weights: Tensors) -> Predictions:
        """On the items that each holds out."""
        items = [m.sample.held_out for m in members]
        labels = [m.sample.held_out_labels for m in members]
        return self._own(items, labels, weights, shared=share_items(members))

    def fitted(self, members: Sequence[Member], weights: Tensors, *, shared: bool) -> list[Labels]:
        """(n,) classes that each predicts for the items it was trained on.

        Args:
            members: who.
            weights: theirs.
            shared: whether all were trained on the same items.
        """
        items, labels = [m.sample.rows for m in members], [m.sample.labels for m in members]
        classes = self._own(items, labels, weights, shared=shared).classes.cpu().numpy()
        return [row[: len(own)] for row, own in zip(classes, items, strict=True)]

    def _own(
        self, items: list[Labels], labels: list[Labels], weights: Tensors, *, shared: bool
    ) -> Predictions:
        places, lengths = padded(items)
        counts = None if (lengths == places.shape[1]).all() else self._tensor(lengths)
        stack = self._stack_for(len(items), shared=shared)
        return predict(
            stack,
            self._cast(weights),
            self._data.train,
            self._tensor(items[0] if shared else places),
            self._tensor(padded(labels)[0]),
            counts,
        )

    def _cast(self, weights: Tensors) -> Tensors:
        return {
            name: tensor.to(self._data.dtype) if name in self._parameters else tensor
            for name, tensor in weights.items()
        }

    def _tensor(self, array: np.ndarray) -> Tensor:
        return torch.from_numpy(array).to(self._data.device)
