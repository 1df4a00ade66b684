"""The random numbers of a training step: one set for all members of a replicate."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor

from gigo.rng import Stream


class Noise:
    """Random numbers of one step; each call gives the next ones.

    They depend on the device's kind (PyTorch's generators differ), not on who is in the stack.

    Args:
        replicates: (seed, replicate) of each member, in the stack's order.
        step: a name for the step, such as ``"3/12"`` for epoch and batch.
        device: to draw on.
    """

    def __init__(
        self, replicates: Sequence[tuple[int, int]], step: str, device: torch.device
    ) -> None:
        distinct = list(dict.fromkeys(replicates))
        self._generators = [
            torch.Generator(device).manual_seed(Stream(*pair, f"dropout/{step}").seed())
            for pair in distinct
        ]
        self._rows = [distinct.index(pair) for pair in replicates]
        self._replicates, self._step, self._device = replicates, step, device

    def of(self, member: int) -> Noise:
        """One member's share, from its beginning: what it would draw alone."""
        return Noise([self._replicates[member]], self._step, self._device)

    @property
    def seed(self) -> int:
        """For a foreign generator to draw as the first member's replicate, and independently."""
        return Stream(*self._replicates[0], f"global/{self._step}").seed()

    def uniform(
        self, shape: Sequence[int], form: Literal["shared", "channels", "features"]
    ) -> Tensor:
        """Uniform numbers in [0, 1) for every member, laid out as a value of a form.

        Args:
            shape: of one member's, (N, C, ...) or (N, F).
            form: ``shared`` gives (N, C, ...), ``channels`` (N, M*C, ...), ``features`` (M, N, F).
        """
        drawn = torch.stack(
            [torch.rand(*shape, generator=g, device=self._device) for g in self._generators]
        )
        if form == "shared":
            return drawn[0]
        each = drawn[self._rows]
        return each if form == "features" else each.transpose(0, 1).flatten(1, 2)
