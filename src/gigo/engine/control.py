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
        epoch: epochs seen so far.
        best_epoch: (M,) int64, from 1; 0 before the first epoch.
        stopped: (M,) bool.
        by_patience: (M,) bool, which of them stopped before the last epoch.
    """

    def __init__(self, recipe: Recipe, members: int) -> None:
        self._recipe = recipe
        self.epoch = 0
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
        r = self._recipe
        factor = 1.0
        if r.schedule == "cosine":
            factor = 0.5 * (1 + math.cos(math.pi * self.epoch / r.epochs))
        elif r.schedule == "step":
            factor = r.step_factor ** (self.epoch // r.step_epochs)
        return np.where(self.stopped, 0.0, r.learning_rate * factor * self._cut)

    def update(
        self, monitored: NDArray[np.float64] | None, diverged: NDArray[np.bool_]
    ) -> NDArray[np.bool_]:
        """Take in an epoch; returns (M,) bool, the members whose weights are now the best.

        Args:
            monitored: (M,) accuracies, or None where nothing is monitored: every epoch then is
                the best so far, and only the last epoch ends training.
            diverged: (M,) bool, members whose loss is no longer finite; they stop.
        """
        r = self._recipe
        running = ~self.stopped
        self.epoch += 1
        if monitored is None:
            improved = running.copy()
        else:
            improved = running & (monitored > self._best)
            self._best[improved] = monitored[improved]
        self.best_epoch[improved] = self.epoch
        if monitored is not None:
            self._plateau(monitored, running)
            if r.patience:
                self.by_patience |= running & (self.epoch - self.best_epoch >= r.patience)
        self.stopped |= self.by_patience | (running & diverged)
        if self.epoch >= r.epochs:
            self.stopped[:] = True
        return improved

    def _plateau(self, monitored: NDArray[np.float64], running: NDArray[np.bool_]) -> None:
        r = self._recipe
        # Accuracies are counts over n: a rise of one item may be the least one to the letter.
        better = monitored - self._plateau_best > r.plateau_min_delta + ROUNDING
        self._plateau_best[better] = monitored[better]
        self._plateau_wait = np.where(better, 0, self._plateau_wait + 1)
        if r.plateau_patience:
            due = running & (self._plateau_wait >= r.plateau_patience)
            self._cut[due] *= r.plateau_factor
            self._plateau_wait[due] = 0

    def state(self) -> dict[str, Any]:
        """Its numbers as plain values: a list has an item a member."""
        return {
            name: value.tolist() if isinstance(value, np.ndarray) else value
            for name, value in vars(self).items()
            if name != "_recipe"
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Become what `state` was taken from."""
        for name, mine in list(vars(self).items()):
            if isinstance(mine, np.ndarray):
                setattr(self, name, np.array(state[name], dtype=mine.dtype))
        self.epoch = state["epoch"]

    def keep(self, members: NDArray[np.int64]) -> None:
        """Go on with some of the members, in the order given."""
        for name, value in vars(self).items():
            if isinstance(value, np.ndarray):
                setattr(self, name, value[members])
