"""Optimisers over stacked parameters, every member with its own learning rate.

PyTorch's fused kernels do the arithmetic; members with the same rate are updated together, and
members whose rate is 0 are left untouched.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gigo.recipe import Recipe

BETA1, BETA2 = 0.9, 0.999

# PyTorch's own kernels over lists of tensors; it has no public names for them.
aten: Any = torch.ops.aten
fused_adam, fused_sgd, copy_each = aten._fused_adam_, aten._fused_sgd_, aten._foreach_copy_


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
        moments: tensors like them, two lists for Adam, one for SGD with momentum, else none.
        steps: taken so far.
    """

    def __init__(self, recipe: Recipe, parameters: Sequence[Tensor]) -> None:
        self._sgd, self._epsilon = recipe.optimizer == "sgd", recipe.epsilon
        self._constants: dict[str, Any] = {"weight_decay": recipe.weight_decay, "maximize": False}
        if self._sgd:
            plain = {"dampening": 0.0, "nesterov": False, "is_first_step": False}
            self._constants |= {"momentum": recipe.momentum, **plain}
        else:
            self._constants |= {"beta1": BETA1, "beta2": BETA2, "amsgrad": False}
        self.steps = 0
        self.parameters = list(parameters)
        count = int(recipe.momentum > 0) if self._sgd else 2
        self.moments = [[torch.zeros_like(p) for p in self.parameters] for _ in range(count)]
        self._set_up()

    def _set_up(self) -> None:
        self._gradients = [torch.empty_like(p) for p in self.parameters]
        self._rates: tuple[float, ...] = ()
        self._groups: list[tuple[float, list[list[Tensor]]]] = []

    def set_rates(self, rates: NDArray[np.float64]) -> None:
        """Learning rates (M,) of the coming steps."""
        if tuple(rates) == self._rates:
            return
        self._rates = tuple(rates)
        self._groups = []
        every = [self.parameters, self._gradients, *self.moments]
        for rate in sorted({*self._rates} - {0.0}):
            rows = np.flatnonzero(rates == rate).tolist()
            whole = len(rows) == len(rates)
            some = every if whole else [[t[i] for t in tensors for i in rows] for tensors in every]
            self._groups.append((rate, some))

    def step(self, gradients: Sequence[Tensor]) -> None:
        """One step with gradients, (M, ...) of any real type, of the parameters in their order."""
        copy_each(self._gradients, gradients)
        self.steps += 1
        for rate, (parameters, own, *moments) in self._groups:
            if self._sgd:
                velocities = moments[0] if moments else []
                fused_sgd(parameters, own, velocities, lr=rate, **self._constants)
            else:
                # Filled there: to copy it would be to wait for an accelerator.
                count = torch.full((), float(self.steps), device=parameters[0].device)
                counts = [count] * len(parameters)
                epsilon = self._epsilon / (1 - BETA2**self.steps) ** 0.5
                fused_adam(
                    parameters, own, *moments, [], counts, lr=rate, eps=epsilon, **self._constants
                )

    def keep(self, rows: Tensor) -> None:
        """Go on with some of the members, (m,) int64, in the order given."""
        self.parameters = [p[rows] for p in self.parameters]
        self.moments = [[t[rows] for t in moment] for moment in self.moments]
        self._set_up()
