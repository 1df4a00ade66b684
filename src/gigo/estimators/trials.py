"""Records of estimators, trial by trial."""

from __future__ import annotations

import importlib
import platform
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from gigo import metrics
from gigo.estimators.fitting import Predicted, fitted
from gigo.estimators.reason import one_line, reason, remedy
from gigo.estimators.supply import Supply
from gigo.machine import Machine, one_thread
from gigo.records import Record, Status
from gigo.sample import Sampler
from gigo.schedule import TrainingSet
from gigo.trial import Trial
from gigo.types import Dataset
from gigo.version import __version__

TOLD = 10
"""Different warnings of a fit that its record keeps."""


class Fitting(NamedTuple):
    """A model is about to be fitted.

    Attributes:
        record: what the trial leaves if its process ends before the model is fitted.
    """

    record: Record


def fit_all(
    trials: Sequence[Trial], dataset: Dataset, sampler: Sampler | None = None
) -> Iterator[Fitting | Record]:
    """Fit the model of each trial to its training set, and see what it predicts.

    Native libraries compute with one thread meanwhile, so that numbers are the same whatever runs
    beside.

    Args:
        trials: of one data set.
        dataset: theirs, its inputs as the model's features have made them.
        sampler: gives what they train on; None: as ``dataset`` alone has it.

    Yields:
        For each trial, in the order given, that it begins, then its record. Where a model raises
        an error, the record's status is ``failed``, and its provenance tells the error.
    """
    supply, sample = Supply(dataset), sampler or Sampler(dataset, trials)
    one_thread()  # imports what it needs, as does the next line: no trial is to be charged for it
    importlib.import_module("sklearn.base")
    for trial in trials:
        started = time.perf_counter()
        part = sample(trial)
        begun = _begun(trial, part)
        yield Fitting(begun)
        came = _tried(trial, part, supply)
        yield _ended(begun, came, time.perf_counter() - started)


class _Came(NamedTuple):
    """What came of a fit; what there is to tell of it is kept with its record's provenance."""

    status: Status
    found: Mapping[str, Predicted]
    measures: Mapping[str, float]
    told: Mapping[str, Any]


def _tried(trial: Trial, part: TrainingSet, supply: Supply) -> _Came:
    """Fit the model of a trial, whatever happens, and measure it."""
    dataset = supply.dataset
    came = _Came("failed", {}, {}, {})
    told: dict[str, Any] = {}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            model = trial.model.value()
            parameters, told = supply.known(model, trial)
            if parameters:
                model.set_params(**parameters)
            found, own = fitted(model, trial, part, supply)
            tests = {**dataset.tests, **part.probes}
            truths = {name: labels for name, (_, labels) in tests.items()}
            measures = metrics.tested(truths, found, dataset.n_classes)
            came = _Came("ok", found, measures | metrics.trained(part, own), {})
        except (Exception, SystemExit) as error:  # a model is anybody's code
            told = {**told, "error": reason(error) + remedy(error, dataset)}
    if caught:
        told = {**told, "warnings": sorted({one_line(each.message) for each in caught})[:TOLD]}
    return came._replace(told=told)


def _begun(trial: Trial, part: TrainingSet) -> Record:
    """What a trial leaves whose model is never fitted."""
    return Record(
        key=trial.key,
        trial=trial.to_json(),
        status="failed",
        n_train=len(part.rows),
        n_validation=len(part.held_out),
        n_selected=part.n_selected,
        n_changed=part.n_changed,
        epochs=None,
        best_epoch=None,
        stopped=None,
        predictions={},
        scores={},
        measures={},
        curve={},
        seconds=0.0,
        provenance=_here(),
    )


def _ended(begun: Record, came: _Came, seconds: float) -> Record:
    """What a trial leaves whose model was fitted, or has raised an error."""
    return replace(
        begun,
        status=came.status,
        predictions={name: classes for name, (classes, _) in came.found.items()},
        scores={
            name: scores.astype(np.float16)
            for name, (_, scores) in came.found.items()
            if scores is not None and scores.shape[1] == 2
        },
        measures=came.measures,
        seconds=seconds,
        provenance={**begun.provenance, **came.told},
    )


@cache
def _here() -> dict[str, Any]:
    """Where a record of an estimator comes from."""
    return {
        "gigo": __version__,
        "numpy": np.__version__,
        "python": platform.python_version(),
        "device": f"{Machine.here().processor}, 1 thread",
        "path": "estimator",
    }
