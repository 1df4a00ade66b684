"""One model: what it is fitted to, and what it predicts, for all classes of its data set."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from inspect import signature
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gigo import item_weights, outputs
from gigo.errors import DataError
from gigo.estimators.alone import alone
from gigo.estimators.reason import one_line
from gigo.estimators.supply import Supply
from gigo.inputs import Inputs, count, take
from gigo.machine import one_thread
from gigo.schedule import TrainingSet
from gigo.trial import Trial
from gigo.types import Labels

Predicted = tuple[outputs.Codes, NDArray[np.float64] | None]
"""(n,) classes and, where the model gives them, (n, K) logarithms of their probabilities."""


def fitted(
    model: Any, trial: Trial, part: TrainingSet, supply: Supply
) -> tuple[dict[str, Predicted], Labels]:
    """What a trial's model predicts for the test sets, and (n,) for the items it is fitted to."""
    dataset = supply.dataset
    present = np.flatnonzero(np.bincount(part.labels))
    codes = np.searchsorted(present, part.labels)  # some libraries want no gaps
    if len(present) == 1:  # there is nothing to learn, and many models refuse to
        return {
            name: _constant(int(present[0]), count(inputs), dataset.n_classes)
            for name, (inputs, _) in {**dataset.tests, **part.probes}.items()
        }, part.labels
    sets = supply.sets(model, trial, part)
    own = _as_it_is if sets.shared else _copied
    with alone(trial), one_thread():
        watched = _watched(model, sets.held_out, part.held_out_labels, present)
        model.fit(own(sets.fitted), codes, **watched, **_weighed(model, part))
        fitted = outputs.classes(model.predict(own(sets.fitted)), len(codes), present)
        found = {
            name: _predicted(model, x, own, present, dataset.n_classes)
            for name, x in sets.tests.items()
        }
    return found, fitted


def _watched(model: Any, x: Inputs, labels: Labels, present: Labels) -> dict[str, Any]:
    """The held-out items of classes that are trained on, for a fit that has a use for some."""
    known = np.flatnonzero(np.isin(labels, present)) if len(labels) else labels
    takes = _parameters(model.fit) if len(known) else {}
    if "eval_set" not in takes:
        return {}
    quiet = {"verbose": False} if "verbose" in takes else {}
    return {"eval_set": [(take(x, known), np.searchsorted(present, labels[known]))], **quiet}


def _weighed(model: Any, part: TrainingSet) -> dict[str, Any]:
    """The weights of the items trained on, for a fit that takes some."""
    if part.weights is None:
        return {}
    name = item_weights.argument(model)
    if name is None:
        raise DataError(
            f"{type(model).__name__}: its fit takes no sample_weight, the data have some"
        )
    return {name: part.weights.copy()}


def _parameters(function: Any) -> Mapping[str, Any]:
    try:
        return signature(function).parameters
    except (TypeError, ValueError):  # functions of C may have none
        return {}


def _predicted(model: Any, x: Inputs, own: Any, present: Labels, n_classes: int) -> Predicted:
    """Classes and scores, of all classes of the data set whichever the model has met.

    Without scores, and with a warning, where the model can't tell probabilities.
    """
    n = count(x)
    classes = outputs.small(outputs.classes(model.predict(own(x)), n, present), n_classes)
    if not hasattr(model, "predict_proba"):
        return classes, None
    try:
        given, order = model.predict_proba(own(x)), getattr(model, "classes_", None)
    except Exception as error:  # some libraries have the method and no probabilities
        warnings.warn(f"no probabilities: {one_line(error)}", stacklevel=2)
        return classes, None
    found = outputs.probabilities(given, n, present, order, n_classes)
    if not outputs.proper(found):
        warnings.warn("no probabilities: predict_proba gives rows that are none", stacklevel=2)
        return classes, None
    return classes, outputs.logarithms(found)


def _constant(label: int, n: int, n_classes: int) -> Predicted:
    """What a model predicts that has seen one class alone."""
    certain = np.zeros((n, n_classes))
    certain[:, label] = 1
    return outputs.small(np.full(n, label), n_classes), outputs.logarithms(certain)


def _as_it_is(x: Inputs) -> Inputs:
    return x


def _copied(x: Inputs) -> Inputs:
    """Inputs that a model may write into."""
    return np.array(x) if isinstance(x, np.ndarray) else x.copy()
