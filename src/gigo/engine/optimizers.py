"""Optimisers over stacked parameters, every member with its own learning rate.

PyTorch's fused kernels do the arithmetic; members with the same rate are updated together, and
members whose rate is 0 are left untouched.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gigo.engine.kernels import fused_adam, fused_sgd
from gigo.recipe import Recipe

BETA1, BETA2 = 0.9, 0.999


class _Group(NamedTuple):
    """Members with one learning rate: their rows of every tensor."""

    rate: float
    parameters: list[Tensor]
    gradients: list[Tensor]
    moments: list[list[Tensor]]


class Optimizer:
    """Adam or SGD with momentum on a list of (M, ...) tensors, updated in place.

    Adam follows Keras: ``p -= lr * sqrt(1 - b2^t) / (1 - b1^t) * m / (sqrt(v) + epsilon)`` (Kingma
    & Ba 2015, the efficient form at the end of section 2), which is PyTorch's form with an epsilon
    of ``epsilon / sqrt(1 - b2^t)``. SGD: ``u = momentum * u + g``, ``p -= lr * u``.

    Args:
        recipe: optimiser and constants; its learning rate is not looked at.
        parameters: (M, ...) tensors, contiguous.

    Attributes:
        parameters: the tensors that are updated.
        gradients: tensors like them, to be filled before each step.
        moments: tensors like them, two lists for Adam, one for SGD with momentum, else none.
        steps: taken so far.
    """

    def __init__(self, recipe: Recipe, parameters: Sequence[Tensor]) -> None:
        self._recipe = recipe
        self.steps = 0
        self.parameters = list(parameters)
        count = 2 if recipe.optimizer == "adam" else int(recipe.momentum > 0)
        self.moments = [[torch.zeros_like(p) for p in self.parameters] for _ in range(count)]
        self.gradients = [torch.empty_like(p) for p in self.parameters]
        self._rates: tuple[float, ...] = ()
        self._groups: list[_Group] = []

    def set_rates(self, rates: NDArray[np.float64]) -> None:
        """Learning rates (M,) of the coming steps."""
        if tuple(rates) == self._rates:
            return
        self._rates = tuple(rates)
        self._groups = []
        for rate in sorted({*self._rates} - {0.0}):
            rows = np.flatnonzero(rates == rate).tolist()

            def pick(tensors: list[Tensor], rows: list[int] = rows) -> list[Tensor]:
                whole = len(rows) == len(self._rates)
                return tensors if whole else [t[i] for t in tensors for i in rows]

            self._groups.append(
                _Group(
                    rate,
                    pick(self.parameters),
                    pick(self.gradients),
                    [pick(moment) for moment in self.moments],
                )
            )

    def step(self) -> None:
        """One step with the gradients that are in place."""
        self.steps += 1
        for group in self._groups:
            (self._sgd if self._recipe.optimizer == "sgd" else self._adam)(group)

    def _adam(self, group: _Group) -> None:
        first, second = group.moments
        count = torch.tensor(float(self.steps), device=self.parameters[0].device)
        fused_adam(
            group.parameters,
            group.gradients,
            first,
            second,
            [],
            [count] * len(group.parameters),
            lr=group.rate,
            beta1=BETA1,
            beta2=BETA2,
            weight_decay=self._recipe.weight_decay,
            eps=self._recipe.epsilon / (1 - BETA2**self.steps) ** 0.5,
            amsgrad=False,
            maximize=False,
        )

    def _sgd(self, group: _Group) -> None:
        fused_sgd(
            group.parameters,
            group.gradients,
            group.moments[0] if group.moments else [],
            weight_decay=self._recipe.weight_decay,
            momentum=self._recipe.momentum,
            lr=group.rate,
            dampening=0.0,
            nesterov=False,
            maximize=False,
            is_first_step=False,
        )

    def keep(self, rows: Tensor) -> None:
        """Go on with some of the members, (m,) int64, in the order given."""
        self.parameters = [p[rows] for p in self.parameters]
        self.moments = [[t[rows] for t in moment] for moment in self.moments]
        self.gradients = [torch.empty_like(p) for p in self.parameters]
        self._rates, self._groups = (), []
