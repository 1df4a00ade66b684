"""Kernels that a CUDA device runs again without being told each.

A training step of small networks is a hundred short kernels: the host takes longer to ask for them
than the device to run them. A CUDA graph asks for all of them at once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

WARM = 3
"""Calls before the one that is recorded: in the first ones libraries set themselves up."""


class Replay:
    """Calls a function of tensors; after a few calls its kernels are recorded, then replayed.

    They are the function's own kernels, and so its numbers. Inputs of other shapes than the first
    ones had are given to the function itself; all are if it can't be recorded.
    """

    def __init__(self) -> None:
        self._left = WARM
        self._shapes: list[torch.Size | None] = []
        self._inputs: list[Tensor | None] = []
        self._outputs: Sequence[Tensor] = ()
        self._graph: torch.cuda.CUDAGraph | None = None

    def __call__(
        self, function: Callable[..., Sequence[Tensor]], *inputs: Tensor | None
    ) -> Sequence[Tensor]:
        """What the function gives; the next call overwrites it.

        Args:
            function: the same at every call. What else it reads or writes must be tensors that stay
                where they are. It may neither wait for the device nor draw random numbers, and what
                it does in Python alone is not repeated.
            inputs: on the device; None where there is none, at every call.
        """
        shapes = [None if one is None else one.shape for one in inputs]
        self._shapes = self._shapes or shapes
        if shapes != self._shapes:
            return function(*inputs)
        if self._left == 0:
            self._record(function, inputs)
        self._left -= 1
        if self._graph is None:
            return function(*inputs)
        for own, given in zip(self._inputs, inputs, strict=True):
            if own is not None and given is not None:
                own.copy_(given)
        self._graph.replay()
        return self._outputs

    def _record(
        self, function: Callable[..., Sequence[Tensor]], inputs: Sequence[Tensor | None]
    ) -> None:
        """Make the graph, if that is possible; nothing is computed."""
        self._inputs = [None if one is None else one.clone() for one in inputs]
        graph = torch.cuda.CUDAGraph()
        try:
            with torch.cuda.graph(graph):
                self._outputs = function(*self._inputs)
        except RuntimeError:  # for want of memory, say: the function itself needs less
            self._inputs = []
        else:
            self._graph = graph
