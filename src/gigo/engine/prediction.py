"""What the members of a stack predict, without gradients."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from gigo.costs import EVALUATED
from gigo.engine.layers import Tensors
from gigo.engine.resident import Inputs
from gigo.engine.routes import Network


@dataclass(frozen=True)
class Predictions:
    """Of M members on n items.

    Attributes:
        classes: (M, n) of any integer type, the most probable class.
        correct: (M, n) bool, whether it is the label.
        loss: (M,) mean cross-entropy in nats.
        counts: (M,) how many of the n items are a member's own, the first ones; None for all.
    """

    classes: Tensor
    correct: Tensor
    loss: Tensor
    counts: Tensor | None = None

    @property
    def accuracy(self) -> Tensor:
        """(M,) share of a member's own items that are correct."""
        if self.counts is None:
            return self.correct.double().mean(1)
        return first(self.correct.double(), self.counts).sum(1) / self.counts


class Scores(NamedTuple):
    """What M members, or one, make of a test set.

    Attributes:
        classes: (M, n) uint8 or uint16, the most probable class; (n,) of one member.
        log_probabilities: (M, n, K) float32 or float64; (n, K) of one member.
    """

    classes: NDArray[np.unsignedinteger]
    log_probabilities: NDArray[np.floating]

    def row(self, member: int) -> Scores:
        """One member's."""
        return Scores(self.classes[member], self.log_probabilities[member])


@torch.inference_mode()
def predict(
    stack: Network,
    tensors: Tensors,
    inputs: Inputs,
    items: Tensor,
    labels: Tensor,
    counts: Tensor | None = None,
) -> Predictions:
    """Run a stack over items.

    Args:
        stack: its form must be that of ``items``.
        tensors: parameters and buffers, (M, ...).
        inputs: where the items are.
        items: (n,) for all members, or (M, n).
        labels: (M, n), or (1, n) for all members.
        counts: (M,) how many of the n items are a member's own, the first ones; None for all.
    """
    n, members = items.shape[-1], stack.members
    labels = labels.expand(members, n)
    classes = torch.empty_like(labels, memory_format=torch.contiguous_format)
    loss = torch.zeros(members, dtype=torch.float64, device=labels.device)
    for part in _chunks(n, members):
        logits = stack(tensors, inputs.batch(items[..., part]))
        classes[:, part] = logits.argmax(-1)
        each = losses(logits, labels[:, part])
        loss += (each if counts is None else first(each, counts - part.start)).sum(1)
    return Predictions(classes, classes == labels, loss / (n if counts is None else counts), counts)


@torch.inference_mode()
def scores(stack: Network, tensors: Tensors, inputs: Inputs, device: torch.device) -> Scores:
    """Run a stack over a whole test set.

    Args:
        stack: its form must be that of items that members share.
        tensors: parameters and buffers, (M, ...).
        inputs: the test set.
        device: where it is.
    """
    items = torch.arange(len(inputs), device=device)
    classes: list[Any] = []
    found: list[Any] = []
    for part in _chunks(len(inputs), stack.members):
        logits = stack(tensors, inputs.batch(items[part]))
        classes.append(logits.argmax(-1).cpu().numpy())
        found.append(F.log_softmax(_wide(logits), -1).cpu().numpy())
    small = np.uint8 if found[0].shape[-1] <= 256 else np.uint16
    return Scores(np.concatenate(classes, 1).astype(small), np.concatenate(found, 1))


def _chunks(n: int, members: int) -> Iterator[slice]:
    """Items to look at together, all of n in order."""
    size = max(1, EVALUATED // members)
    for start in range(0, n, size):
        yield slice(start, start + size)


def first(each: Tensor, counts: Tensor) -> Tensor:
    """(M, N) numbers, those of a member (M,) after its first ``counts`` being 0."""
    return each * (torch.arange(each.shape[1], device=each.device) < counts[:, None])


def losses(logits: Tensor, labels: Tensor) -> Tensor:
    """Cross-entropy (M, N) of logits (M, N, K) and labels (M, N), in float32 at least."""
    each = F.cross_entropy(_wide(logits).flatten(0, 1), labels.flatten(), reduction="none")
    return each.view(labels.shape)


def _wide(logits: Tensor) -> Tensor:
    return logits if logits.dtype == torch.float64 else logits.float()
