"""The trainer of models with scikit-learn's fit and predict: one after the other, each whole."""

from __future__ import annotations

import os
import platform
import random
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from inspect import signature
from types import TracebackType
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gigo import metrics
from gigo.inputs import Inputs, count, take
from gigo.printable import printable
from gigo.rng import Stream
from gigo.sample import sample
from gigo.trial import Trial
from gigo.types import Dataset, Labels, Record, Status, TrainingSet
from gigo.version import __version__

LEAST = float(np.finfo(np.float64).eps)
"""Probabilities are taken to be at least this much, as scikit-learn's log loss does."""

SEEDS = 2**31 - 1
"""Random states are below it: all libraries take such ones."""

Predicted = tuple[NDArray[np.unsignedinteger], NDArray[np.float64] | None]
"""(n,) classes and, where the model gives them, (n, K) logarithms of their probabilities."""


MOST_TOLD = 300
"""Characters of an error that are kept."""


class Fitting(NamedTuple):
    """A model is about to be fitted.

    Attributes:
        record: what the trial leaves if its process ends before the model is fitted.
    """

    record: Record


def fit_all(trials: Sequence[Trial], dataset: Dataset) -> Iterator[Fitting | Record]:
    """Fit the model of each trial to its training set, and see what it predicts.

    Args:
        trials: of one data set.
        dataset: theirs, its inputs as the model's features have made them.

    Yields:
        For each trial, in the order given, that it begins, then its record. Where a model raises
        an error, the record's status is ``failed``, and its provenance tells the error.
    """
    for trial in trials:
        started = time.perf_counter()
        part = sample(trial, dataset)
        told = provenance(trial)
        found: dict[str, Predicted] = {}
        measures: dict[str, float] = {}
        status: Status = "ok"
        yield Fitting(record(trial, part, "failed", {}, {}, dict(told), 0.0))
        try:
            with _alone(trial), warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                found, fitted = _fitted(trial, part, dataset)
            truths = {name: labels for name, (_, labels) in dataset.tests.items()}
            measures = metrics.tested(truths, found, dataset.n_classes)
            measures |= metrics.trained(part, fitted)
            if caught:
                told["warnings"] = sorted({_one_line(each.message) for each in caught})
        except (Exception, SystemExit) as error:  # a model is anybody's code
            found, measures, told["error"], status = {}, {}, reason(error), "failed"
        yield record(trial, part, status, found, measures, told, time.perf_counter() - started)


def record(
    trial: Trial,
    part: TrainingSet,
    status: Status,
    found: Mapping[str, Predicted],
    measures: Mapping[str, float],
    provenance: Mapping[str, Any],
    seconds: float,
) -> Record:
    """What a trial without epochs leaves."""
    kept = found if trial.dataset.n_classes == 2 else {}
    return Record(
        key=trial.key,
        trial=trial.to_json(),
        status=status,
        n_train=len(part.rows),
        n_validation=len(part.held_out),
        n_selected=int(part.touched.sum()),
        n_changed=int((part.labels != part.true_labels).sum()),
        epochs=None,
        best_epoch=None,
        stopped=None,
        predictions={name: classes for name, (classes, _) in found.items()},
        scores={
            name: scores.astype(np.float16)
            for name, (_, scores) in kept.items()
            if scores is not None
        },
        measures=measures,
        curve={},
        seconds=seconds,
        provenance=provenance,
    )


def provenance(trial: Trial) -> dict[str, Any]:
    """Where a record of an estimator comes from."""
    return {
        "gigo": __version__,
        **_versions(),
        "python": platform.python_version(),
        "device": platform.processor() or platform.machine(),
        "path": "estimator",
    }


@cache
def _versions() -> dict[str, str]:
    import sklearn

    return {"scikit-learn": sklearn.__version__, "numpy": np.__version__}


def _fitted(
    trial: Trial, part: TrainingSet, dataset: Dataset
) -> tuple[dict[str, Predicted], Labels]:
    """What a trial's model predicts for the test sets, and (n,) for the items it is fitted to."""
    x = _flat(take(dataset.x_train, part.rows))
    present, codes = np.unique(part.labels, return_inverse=True)  # some libraries want no gaps
    if len(present) == 1:  # there is nothing to learn, and many models refuse to
        return {
            name: _constant(int(present[0]), count(inputs), dataset.n_classes)
            for name, (inputs, _) in dataset.tests.items()
        }, part.labels
    model = _seeded(trial.model.value(), trial)
    known = np.isin(part.held_out_labels, present)
    model.fit(x, codes, **_held_out(model, part, dataset, present, known))
    found = {
        name: _predicted(model, _flat(inputs), present, dataset.n_classes)
        for name, (inputs, _) in dataset.tests.items()
    }
    return found, present[_classes(model.predict(x))]


def _flat(x: Inputs) -> Inputs:
    """Images and signals as vectors, pixels of 8 bits from 0 to 1; other inputs as they are."""
    if not isinstance(x, np.ndarray) or x.ndim < 3:
        return x
    rows = x.reshape(len(x), -1)
    return rows.astype(np.float32) / 255 if x.dtype == np.uint8 else rows


def _held_out(
    model: Any, part: TrainingSet, dataset: Dataset, present: Labels, known: NDArray[np.bool_]
) -> dict[str, Any]:
    """The held-out items as a fit takes them that has a use for some: as XGBoost names them."""
    if not known.any() or "eval_set" not in signature(model.fit).parameters:
        return {}
    labels = np.searchsorted(present, part.held_out_labels[known])
    return {"eval_set": [(_flat(take(dataset.x_train, part.held_out[known])), labels)]}


def _predicted(model: Any, x: Inputs, present: Labels, n_classes: int) -> Predicted:
    """Classes and scores, of all classes of the data set whichever the model has met."""
    small = np.uint8 if n_classes <= 256 else np.uint16
    classes = present[_classes(model.predict(x))].astype(small)
    if not hasattr(model, "predict_proba"):
        return classes, None
    probabilities = np.zeros((count(x), n_classes))
    order = present[np.asarray(getattr(model, "classes_", np.arange(len(present))), np.int64)]
    probabilities[:, order] = np.asarray(model.predict_proba(x), np.float64)
    return classes, np.log(np.clip(probabilities, LEAST, 1))


def _classes(predicted: Any) -> Labels:
    """Predictions (n,) as whole numbers, whatever a library gives: (n, 1), floats, its own type."""
    return np.asarray(predicted).reshape(-1).astype(np.int64)


def _constant(label: int, n: int, n_classes: int) -> Predicted:
    """What a model predicts that has seen one class alone."""
    scores = np.full((n, n_classes), np.log(LEAST))
    scores[:, label] = 0
    return np.full(n, label, np.uint8 if n_classes <= 256 else np.uint16), scores


def _seeded(model: Any, trial: Trial) -> Any:
    """A fresh model with every ``random_state`` in it set, and every ``n_jobs`` at 1."""
    if not hasattr(model, "get_params"):
        return model
    names = sorted(model.get_params(deep=True))
    states = [name for name in names if name.rpartition("__")[2] == "random_state"]
    seeds = Stream(trial.seed, trial.replicate, "random_state").integers(len(states), SEEDS)
    jobs = {name: 1 for name in names if name.rpartition("__")[2] == "n_jobs"}
    return model.set_params(**dict(zip(states, seeds.tolist(), strict=True)), **jobs)


@contextmanager
def _alone(trial: Trial) -> Iterator[None]:
    """Global generators seeded by the trial, and afterwards as they were before."""
    before = random.getstate(), np.random.get_state()
    seed = int(Stream(trial.seed, trial.replicate, "global").integers(1, SEEDS)[0])
    random.seed(seed)
    np.random.seed(seed)
    try:
        yield
    finally:
        random.setstate(before[0])
        np.random.set_state(before[1])


def reason(error: BaseException) -> str:
    """An error in a line, with the place in the code that raised it."""
    place, trace = "", error.__traceback__
    while trace is not None:
        place, trace = _place(trace), trace.tb_next
    return f"{_one_line(error)}{place}"


def _place(trace: TracebackType) -> str:
    code = trace.tb_frame.f_code
    return f" ({os.path.basename(code.co_filename)}, line {trace.tb_lineno}, in {code.co_name})"


def _one_line(thing: object) -> str:
    try:
        text = f"{type(thing).__name__}: {thing}"
    except Exception:  # it can't even say what it is
        text = type(thing).__name__
    text = printable(" ".join(text.split())).removesuffix(": ")
    return text if len(text) <= MOST_TOLD else f"{text[:MOST_TOLD]}..."
