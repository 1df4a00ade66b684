"""What members predict: on test sets, on what they hold out, on what they were trained on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from gigo.costs import EVALUATED
from gigo.engine.feed import Member, padded, share_items
from gigo.engine.layers import Tensors
from gigo.engine.resident import Inputs, Resident
from gigo.engine.routes import Network, Route
from gigo.types import Labels


class Predictions(NamedTuple):
    """Of M members on n items, of which all or the first ones are a member's own.

    Attributes:
        classes: (M, n) of any integer type, the most probable class.
        correct: (M, n) bool, whether it is the label.
        loss: (M,) mean cross-entropy of a member's own items in nats.
        accuracy: (M,) share of them that are correct.
    """

    classes: Tensor
    correct: Tensor
    loss: Tensor
    accuracy: Tensor


class Scores(NamedTuple):
    """What a member makes of a test set.

    Attributes:
        classes: (n,) uint8 or uint16, the most probable class.
        log_probabilities: (n, K) float32 or float64.
    """

    classes: NDArray[np.unsignedinteger]
    log_probabilities: NDArray[np.floating]


class Evaluation:
    """Predictions of m members of a stack, by their weights (m, ...), parameters and buffers.

    Args:
        resident: the data set.
        route: the way to run the network.
        parameters: their names; they are cast to the computing dtype, buffers are not.
        chunk: items times members to look at together.
    """

    def __init__(
        self, resident: Resident, route: Route, parameters: Sequence[str], chunk: int = EVALUATED
    ) -> None:
        self._data, self._route, self._parameters = resident, route, {*parameters}
        self._chunk = chunk

    def test(self, members: int, weights: Tensors) -> Predictions:
        """Of so many members on the test set, for early stopping that looks at it."""
        labels = self._data.test_labels["test"]
        items = torch.arange(len(labels), device=labels.device)
        stack = self._stack(members, shared=True)
        test, cast = self._data.tests["test"], self._cast(weights)
        return predict(stack, cast, test, items, labels[None], chunk=self._chunk)

    def scores(self, members: int, weights: Tensors) -> list[dict[str, Scores]]:
        """Of each of so many members on each test set, by its name."""
        stack, cast = self._stack(members, shared=True), self._cast(weights)
        each = [scores(stack, cast, inputs, self._chunk) for inputs in self._data.tests.values()]
        return [dict(zip(self._data.tests, one, strict=True)) for one in zip(*each, strict=True)]

    def held_out(self, members: Sequence[Member], weights: Tensors) -> Predictions:
        """On the items that each holds out."""
        items = [m.sample.held_out for m in members]
        labels = [m.sample.held_out_labels for m in members]
        return self._own(items, labels, weights, shared=share_items(members))

    def fitted(self, members: Sequence[Member], weights: Tensors, *, shared: bool) -> list[Labels]:
        """(n,) classes that each predicts for the items it was trained on; ``shared`` by all."""
        items, labels = [m.sample.rows for m in members], [m.sample.labels for m in members]
        classes = self._own(items, labels, weights, shared=shared).classes.cpu().numpy()
        return [row[: len(own)] for row, own in zip(classes, items, strict=True)]

    def _own(
        self, items: list[Labels], labels: list[Labels], weights: Tensors, *, shared: bool
    ) -> Predictions:
        def there(array: Labels) -> Tensor:
            return torch.from_numpy(array).to(self._data.device)

        places, lengths = padded(items)
        return predict(
            self._stack(len(items), shared=shared),
            self._cast(weights),
            self._data.train,
            there(items[0] if shared else places),
            there(padded(labels)[0]),
            None if (lengths == places.shape[1]).all() else there(lengths),
            self._chunk,
        )

    def _stack(self, members: int, *, shared: bool) -> Network:
        return self._route.build(members, self._data.train.form(shared=shared))

    def _cast(self, weights: Tensors) -> Tensors:
        return {
            name: tensor.to(self._data.dtype) if name in self._parameters else tensor
            for name, tensor in weights.items()
        }


@torch.inference_mode()
def predict(
    stack: Network,
    tensors: Tensors,
    inputs: Inputs,
    items: Tensor,
    labels: Tensor,
    counts: Tensor | None = None,
    chunk: int = EVALUATED,
) -> Predictions:
    """Run a stack over items.

    Args:
        stack: its form must be that of ``items``.
        tensors: parameters and buffers, (M, ...).
        inputs: where the items are.
        items: (n,) for all members, or (M, n).
        labels: (M, n), or (1, n) for all members.
        counts: (M,) how many of the n items are a member's own, the first ones; None for all.
        chunk: items times members to look at together.
    """
    n, members = items.shape[-1], stack.members
    labels = labels.expand(members, n)
    classes = torch.empty_like(labels, memory_format=torch.contiguous_format)
    loss = torch.zeros(members, dtype=torch.float64, device=labels.device)
    for part, logits in _in_chunks(stack, tensors, inputs, items, chunk):
        classes[:, part] = logits.argmax(-1)
        each = losses(logits, labels[:, part])
        loss += (each if counts is None else first(each, counts - part.start)).sum(1)
    correct, own = classes == labels, n if counts is None else counts
    right = correct.double() if counts is None else first(correct.double(), counts)
    return Predictions(classes, correct, loss / own, right.sum(1) / own)


@torch.inference_mode()
def scores(
    stack: Network, tensors: Tensors, inputs: Inputs, chunk: int = EVALUATED
) -> list[Scores]:
    """Run a stack over a whole test set; what each member makes of it.

    Args:
        stack: its form must be that of items that members share.
        tensors: parameters and buffers, (M, ...).
        inputs: the test set.
        chunk: items times members to look at together.
    """
    items = torch.arange(len(inputs), device=inputs.device)
    classes: list[Any] = []
    found: list[Any] = []
    for _, logits in _in_chunks(stack, tensors, inputs, items, chunk):
        classes.append(logits.argmax(-1).cpu().numpy())
        found.append(F.log_softmax(_wide(logits), -1).cpu().numpy())
    small = np.uint8 if found[0].shape[-1] <= 256 else np.uint16
    every = np.concatenate(classes, 1).astype(small), np.concatenate(found, 1)
    return [Scores(*one) for one in zip(*every, strict=True)]


def _in_chunks(
    stack: Network, tensors: Tensors, inputs: Inputs, items: Tensor, chunk: int
) -> Iterator[tuple[slice, Tensor]]:
    """Places among the items, all of them in order, and the logits (M, N, K) there."""
    size = max(1, chunk // stack.members)
    for start in range(0, items.shape[-1], size):
        part = slice(start, start + size)
        yield part, stack(tensors, inputs.batch(items[..., part]))


def first(each: Tensor, counts: Tensor) -> Tensor:
    """(M, N) numbers, those of a member (M,) after its first ``counts`` being 0."""
    return each * (torch.arange(each.shape[1], device=each.device) < counts[:, None])


def losses(logits: Tensor, labels: Tensor) -> Tensor:
    """Cross-entropy (M, N) of logits (M, N, K) and labels (M, N), in float32 at least."""
    each = F.cross_entropy(_wide(logits).flatten(0, 1), labels.flatten(), reduction="none")
    return each.view(labels.shape)


def _wide(logits: Tensor) -> Tensor:
    return logits if logits.dtype == torch.float64 else logits.float()
