"""What the models of trials are given of a data set, and are set to."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from gigo.edited import taken
from gigo.estimators.alone import alone
from gigo.estimators.settings import settings, versions
from gigo.inputs import Inputs, count
from gigo.schedule import TrainingSet
from gigo.trial import Trial
from gigo.types import Dataset


class _Sets(NamedTuple):
    """What a model is given: the items trained on, those held out, and the test sets."""

    fitted: Inputs
    held_out: Inputs
    tests: dict[str, Inputs]
    shared: bool
    """Whether models promise to leave them as they are."""


class Supply:
    """What models are given of a data set, and are set to; made once for trials that share it."""

    def __init__(self, dataset: Dataset) -> None:
        self.dataset = dataset
        self._for: tuple[Any, ...] | None = None
        self._sets: _Sets | None = None
        self._known: dict[Any, tuple[dict[str, Any], dict[str, str]]] = {}

    def known(self, model: Any, trial: Trial) -> tuple[dict[str, Any], dict[str, str]]:
        """The settings of a trial's model, and the versions of its packages."""
        name = trial.model.identity, trial.seed, trial.replicate
        if name not in self._known:
            self._known[name] = settings(model, trial), versions(model)
        return self._known[name]

    def sets(self, model: Any, trial: Trial, part: TrainingSet) -> _Sets:
        wanted = trial.model.identity, [*part.extras], [*part.probes], part.rows, part.held_out
        if self._sets is None or not all(map(np.array_equal, self._for or (), wanted)):
            self._sets = None  # two need not fit
            with alone(trial):
                self._sets, self._for = self._made(model, part), wanted
        return self._sets

    def _made(self, model: Any, part: TrainingSet) -> _Sets:
        x, tests = self.dataset.x_train, {**self.dataset.tests, **part.probes}
        own = [taken(x, part.extras, rows) for rows in (part.rows, part.held_out)]
        sets = [*own, *(items for items, _ in tests.values())]
        if not getattr(model, "as_images", False):
            sets = [_flat(each) for each in sets]
        once = getattr(model, "inputs_once", None)
        if once is not None:
            filled = [each for each in sets if count(each)]
            made = iter(once(*filled))
            sets = [next(made) if count(each) else each for each in sets]
        fitted, held_out, *others = sets
        return _Sets(fitted, held_out, dict(zip(tests, others, strict=True)), once is not None)


def _flat(x: Inputs) -> Inputs:
    """Images and signals as vectors, pixels of 8 bits from 0 to 1; other inputs as they are."""
    if not isinstance(x, np.ndarray) or x.ndim < 3:
        return x
    rows = x.reshape(len(x), math.prod(x.shape[1:]))
    return rows.astype(np.float32) / 255 if x.dtype == np.uint8 else rows
