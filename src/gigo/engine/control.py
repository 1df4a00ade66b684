"""When a model's learning rate falls, when it stops, and which of its epochs is best.

One state serves all members of a stack, each on its own; plain NumPy, so that the rules can be
held against hand-made accuracy sequences.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gigo.recipe import Recipe

ROUNDING = 1e-12
"""Below it two accuracies are the same."""


class Control:
    """Early stopping, plateau and schedule of M members.

    The rules are Keras 3's ``EarlyStopping`` and ``ReduceLROnPlateau`` (mode "max"): an epoch is
    the best if its monitored accuracy is strictly above every earlier one; training stops after
    ``patience`` epochs in a row without a best; the rate is cut after ``plateau_patience`` epochs
    without an improvement of more than ``plateau_min_delta``, and the count starts again.

    Attributes:
        epoch: (M,) int64, epochs seen so far; members need not be in step.
        best_epoch: (M,) int64, from 1; 0 before the first epoch.
        stopped: (M,) bool.
        by_patience: (M,) bool, whose patience ended, if only at the last epoch.
    """

    def __init__(self, recipe: Recipe, members: int) -> None:
        self._recipe = recipe
        self.epoch = np.zeros(members, np.int64)
        self.best_epoch = np.zeros(members, np.int64)
        self.stopped = np.zeros(members, bool)
        self.by_patience = np.zeros(members, bool)
        self._best = np.full(members, -np.inf)
        self._cut = np.ones(members)
        self._plateau_best = np.full(members, -np.inf)
        self._plateau_wait = np.zeros(members, np.int64)

    @property
    def learning_rate(self) -> NDArray[np.float64]:
        """(M,) of the coming epoch; 0 for members that stopped."""
        base = self._recipe.learning_rate
        rates = np.array([base * self._factor(epoch) for epoch in self.epoch.tolist()])
        return np.where(self.stopped, 0.0, rates * self._cut)

    def _factor(self, epoch: int) -> float:
        """The schedule's share of the rate after so many epochs."""
        r = self._recipe
        if r.schedule == "cosine":
            return 0.5 * (1 + math.cos(math.pi * epoch / r.epochs))
        if r.schedule == "step":
            return r.step_factor ** (epoch // r.step_epochs)
        return 1.0

    def update(
        self,
        monitored: NDArray[np.float64] | None,
        diverged: NDArray[np.bool_],
        due: NDArray[np.bool_] | None = None,
    ) -> NDArray[np.bool_]:
        """Take in an epoch; returns (M,) bool, the members whose weights are now the best.

        Args:
            monitored: (M,) accuracies, or None where nothing is monitored: every epoch then is
                the best so far, and only the last epoch ends training.
            diverged: (M,) bool, members whose loss is no longer finite; they stop.
            due: (M,) bool, members that have trained an epoch; default all. What is said of others
                is not looked at, nor is anything of members that stopped.
        """
        r = self._recipe
        due = ~self.stopped if due is None else due & ~self.stopped
        self.epoch[due] += 1
        improved = due if monitored is None else due & (monitored > self._best)
        self.best_epoch[improved] = self.epoch[improved]
        if monitored is not None:
            self._best[improved] = monitored[improved]
            self._plateau(monitored, due)
            if r.patience:
                self.by_patience |= due & (self.epoch - self.best_epoch >= r.patience)
        self.stopped |= self.by_patience | (due & (diverged | (self.epoch >= r.epochs)))
        return improved

    def _plateau(self, monitored: NDArray[np.float64], due: NDArray[np.bool_]) -> None:
        r = self._recipe
        # Accuracies are counts over n: a rise of one item may be the least one to the letter.
        better = due & (monitored - self._plateau_best > r.plateau_min_delta + ROUNDING)
        self._plateau_best[better] = monitored[better]
        self._plateau_wait[due] += 1
        self._plateau_wait[better] = 0
        if r.plateau_patience:
            cut = due & (self._plateau_wait >= r.plateau_patience)
            self._cut[cut] *= r.plateau_factor
            self._plateau_wait[cut] = 0

    @property
    def _arrays(self) -> dict[str, NDArray[Any]]:
        return {name: each for name, each in vars(self).items() if isinstance(each, np.ndarray)}

    def state(self) -> dict[str, Any]:
        """Its numbers as plain values, lists with an item per member."""
        return {name: each.tolist() for name, each in self._arrays.items()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Become what `state` was taken from."""
        for name, mine in self._arrays.items():
            setattr(self, name, np.array(state[name], dtype=mine.dtype))

    def keep(self, members: NDArray[np.int64]) -> None:
        """Go on with some of the members, in the order given."""
        for name, mine in self._arrays.items():
            setattr(self, name, mine[members])
