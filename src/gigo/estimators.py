"""The trainer of models with scikit-learn's fit and predict: one after the other, each whole.

Beside ``fit`` and ``predict``, and ``predict_proba`` where a model has it, gigo looks at:

``as_images``
    True: images come as the data set has them, (n, channels, height, width), 0 to 255 where they
    are ``uint8``. Else they come as vectors, ``uint8`` divided by 255.
``numbers_only``
    True: it can't be trained on tables with words or gaps, which is then said before training.
``inputs_once(x, *others)``
    what the training items and other sets of items are to be turned into before ``fit`` and
    ``predict`` see them. Labels have no part in it, so that it is called once for all trials of the
    same items. It must neither change nor keep what it is given.
``fit(x, y, eval_set=)``
    takes ``[(x, y)]`` of the items that a trial holds out, as XGBoost and LightGBM do.
"""

from __future__ import annotations

import importlib
import math
import os
import platform
import random
import sys
import time
import warnings
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cache, lru_cache
from inspect import signature
from types import TracebackType
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gigo import metrics, outputs
from gigo.inputs import Inputs, count, take
from gigo.machine import Machine
from gigo.printable import printable
from gigo.rng import Stream
from gigo.sample import Sampler
from gigo.tables import REMEDIES
from gigo.trial import Trial
from gigo.types import Dataset, Labels, Record, Status, TrainingSet
from gigo.version import __version__

SEEDS = 2**31 - 1
"""Random states are below it: all libraries take such ones."""

TOLD = 10
"""Different warnings of a fit that its record keeps."""

QUIET = {"xgboost": {"verbosity": 0}, "lightgbm": {"verbosity": -1}}
"""Parameters that keep libraries from writing on the terminal; they change no result."""

Predicted = tuple[outputs.Codes, NDArray[np.float64] | None]
"""(n,) classes and, where the model gives them, (n, K) logarithms of their probabilities."""


MOST_TOLD = 300
"""Characters of an error or a warning that are kept."""


class Fitting(NamedTuple):
    """A model is about to be fitted.

    Attributes:
        record: what the trial leaves if its process ends before the model is fitted.
    """

    record: Record


def fit_all(trials: Sequence[Trial], dataset: Dataset) -> Iterator[Fitting | Record]:
    """Fit the model of each trial to its training set, and see what it predicts.

    Native libraries compute with one thread meanwhile, so that numbers are the same whatever runs
    beside.

    Args:
        trials: of one data set.
        dataset: theirs, its inputs as the model's features have made them.

    Yields:
        For each trial, in the order given, that it begins, then its record. Where a model raises
        an error, the record's status is ``failed``, and its provenance tells the error.
    """
    supply, sample = _Supply(dataset), Sampler(dataset)
    _one_thread()  # imports what it needs, as does the next line: no trial is to be charged for it
    importlib.import_module("sklearn.base")
    for trial in trials:
        started = time.perf_counter()
        part = sample(trial)
        told = provenance()
        found: dict[str, Predicted] = {}
        measures: dict[str, float] = {}
        status: Status = "ok"
        begun = _begun(trial, part, provenance())
        yield Fitting(begun)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                model = trial.model.value()
                settings, versions = supply.known(model, trial)
                told = told | versions
                if settings:
                    model.set_params(**settings)
                found, fitted = _fitted(model, trial, part, supply)
                truths = {name: labels for name, (_, labels) in dataset.tests.items()}
                measures = metrics.tested(truths, found, dataset.n_classes)
                measures |= metrics.trained(part, fitted)
            except (Exception, SystemExit) as error:  # a model is anybody's code
                found, measures, status = {}, {}, "failed"
                told["error"] = reason(error) + _remedy(error, dataset)
        if caught:
            told["warnings"] = sorted({_one_line(each.message) for each in caught})[:TOLD]
        yield _ended(begun, status, found, measures, told, time.perf_counter() - started)


def _begun(trial: Trial, part: TrainingSet, provenance: Mapping[str, Any]) -> Record:
    """What a trial leaves whose model is never fitted."""
    return Record(
        key=trial.key,
        trial=trial.to_json(),
        status="failed",
        n_train=len(part.rows),
        n_validation=len(part.held_out),
        n_selected=int(part.touched.sum()),
        n_changed=int((part.labels != part.true_labels).sum()),
        epochs=None,
        best_epoch=None,
        stopped=None,
        predictions={},
        scores={},
        measures={},
        curve={},
        seconds=0.0,
        provenance=provenance,
    )


def _ended(
    begun: Record,
    status: Status,
    found: Mapping[str, Predicted],
    measures: Mapping[str, float],
    provenance: Mapping[str, Any],
    seconds: float,
) -> Record:
    """What a trial leaves whose model was fitted, or has raised an error."""
    return replace(
        begun,
        status=status,
        predictions={name: classes for name, (classes, _) in found.items()},
        scores={
            name: scores.astype(np.float16)
            for name, (_, scores) in found.items()
            if scores is not None and scores.shape[1] == 2
        },
        measures=measures,
        seconds=seconds,
        provenance=provenance,
    )


@cache
def _here() -> dict[str, Any]:
    return {
        "gigo": __version__,
        "numpy": np.__version__,
        "python": platform.python_version(),
        "device": f"{Machine.here().processor}, 1 thread",
        "path": "estimator",
    }


def provenance() -> dict[str, Any]:
    """Where a record of an estimator comes from."""
    return dict(_here())


class _Sets(NamedTuple):
    """What a model is given: the items trained on, those held out, and the test sets."""

    fitted: Inputs
    held_out: Inputs
    tests: dict[str, Inputs]
    shared: bool
    """Whether models promise to leave them as they are."""


class _Supply:
    """What models are given of a data set, and are set to; made once for trials that share it."""

    def __init__(self, dataset: Dataset) -> None:
        self.dataset = dataset
        self._for: tuple[str, Labels, Labels] | None = None
        self._sets: _Sets | None = None
        self._known: dict[Any, tuple[dict[str, Any], dict[str, str]]] = {}

    def known(self, model: Any, trial: Trial) -> tuple[dict[str, Any], dict[str, str]]:
        """The settings of a trial's model, and the versions of its packages."""
        name = trial.model.identity, trial.seed, trial.replicate
        if name not in self._known:
            self._known[name] = _settings(model, trial), _versions(model)
        return self._known[name]

    def sets(self, model: Any, trial: Trial, part: TrainingSet) -> _Sets:
        wanted = trial.model.identity, part.rows, part.held_out
        if self._sets is None or not all(map(np.array_equal, self._for or (), wanted)):
            self._sets = None  # two need not fit
            with _alone(trial):
                self._sets, self._for = self._made(model, part), wanted
        return self._sets

    def _made(self, model: Any, part: TrainingSet) -> _Sets:
        x, tests = self.dataset.x_train, self.dataset.tests
        sets = [take(x, part.rows), take(x, part.held_out), *(items for items, _ in tests.values())]
        if not getattr(model, "as_images", False):
            sets = [_flat(each) for each in sets]
        once = getattr(model, "inputs_once", None)
        if once is not None:
            filled = [each for each in sets if count(each)]
            made = iter(once(*filled))
            sets = [next(made) if count(each) else each for each in sets]
        fitted, held_out, *others = sets
        return _Sets(fitted, held_out, dict(zip(tests, others, strict=True)), once is not None)


def _fitted(
    model: Any, trial: Trial, part: TrainingSet, supply: _Supply
) -> tuple[dict[str, Predicted], Labels]:
    """What a trial's model predicts for the test sets, and (n,) for the items it is fitted to."""
    dataset = supply.dataset
    present = np.flatnonzero(np.bincount(part.labels))
    codes = np.searchsorted(present, part.labels)  # some libraries want no gaps
    if len(present) == 1:  # there is nothing to learn, and many models refuse to
        return {
            name: _constant(int(present[0]), count(inputs), dataset.n_classes)
            for name, (inputs, _) in dataset.tests.items()
        }, part.labels
    sets = supply.sets(model, trial, part)
    own = _as_it_is if sets.shared else _copied
    with _alone(trial), _one_thread():
        watched = _watched(model, sets.held_out, part.held_out_labels, present)
        model.fit(own(sets.fitted), codes, **watched)
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
        warnings.warn(f"no probabilities: {_one_line(error)}", stacklevel=2)
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


def _flat(x: Inputs) -> Inputs:
    """Images and signals as vectors, pixels of 8 bits from 0 to 1; other inputs as they are."""
    if not isinstance(x, np.ndarray) or x.ndim < 3:
        return x
    rows = x.reshape(len(x), math.prod(x.shape[1:]))
    return rows.astype(np.float32) / 255 if x.dtype == np.uint8 else rows


def _as_it_is(x: Inputs) -> Inputs:
    return x


def _copied(x: Inputs) -> Inputs:
    """Inputs that a model may write into."""
    return np.array(x) if isinstance(x, np.ndarray) else x.copy()


def _settings(model: Any, trial: Trial) -> dict[str, Any]:
    """Every ``random_state`` in a model, every ``n_jobs`` as 1, and what keeps it quiet."""
    if not hasattr(model, "get_params"):
        return {}
    known = model.get_params(deep=True)
    names = sorted(known)
    states = [name for name in names if name.rpartition("__")[2] == "random_state"]
    seeds = Stream(trial.seed, trial.replicate, "random_state").integers(len(states), SEEDS)
    chosen: dict[str, Any] = dict(zip(states, seeds.tolist(), strict=True))
    chosen |= dict.fromkeys(_parallel(model, known), 1)
    for place, each in {"": model, **known}.items():
        for name, value in QUIET.get(_package(each), {}).items():
            if hasattr(each, "set_params"):
                chosen[f"{place}__{name}" if place else name] = value
    return chosen


def _parallel(model: Any, known: dict[str, Any]) -> list[str]:
    """The ``n_jobs`` to set to 1. scikit-learn's None is 1, and setting it may give a warning."""
    found: list[str] = []
    for name, value in known.items():
        place, _, last = name.rpartition("__")
        serial = value is None and _package(known[place] if place else model) == "sklearn"
        if last == "n_jobs" and not serial:
            found.append(name)
    return found


def _package(thing: Any) -> str:
    return type(thing).__module__.partition(".")[0]


def _versions(model: Any) -> dict[str, str]:
    """Of the packages that a model and what is in it come from."""
    parts = model.get_params(deep=True).values() if hasattr(model, "get_params") else ()
    found: dict[str, str] = {}
    for package in sorted({_package(each) for each in (model, *parts) if hasattr(each, "fit")}):
        version = getattr(sys.modules.get(package), "__version__", None)
        if isinstance(version, str) and package not in ("gigo", "numpy"):
            found["scikit-learn" if package == "sklearn" else package] = version
    return found


@contextmanager
def _alone(trial: Trial) -> Generator[None]:
    """Global generators seeded by the trial, and afterwards as they were before."""
    torch: Any = sys.modules.get("torch")
    before = random.getstate(), np.random.get_state(), torch and torch.get_rng_state()
    seed = int(Stream(trial.seed, trial.replicate, "global").integers(1, SEEDS)[0])
    random.seed(seed)
    np.random.seed(seed)
    if torch:
        cuda = torch.cuda.is_initialized()
        (torch if cuda else torch.default_generator).manual_seed(seed)  # the first one is slow
    try:
        yield
    finally:
        random.setstate(before[0])
        np.random.set_state(before[1])
        if torch:
            torch.set_rng_state(before[2])


def _one_thread() -> Any:
    """A context in which OpenMP and linear algebra have one thread, as far as they are loaded."""
    return _controller(len(sys.modules)).limit(limits=1)


@lru_cache(maxsize=1)
def _controller(modules: int) -> Any:
    """Knows the native libraries; to find them takes milliseconds, once per so many modules."""
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


def reason(error: BaseException) -> str:
    """An error in a line, with the place in the code that raised it."""
    place, trace = "", error.__traceback__
    while trace is not None:
        place, trace = _place(trace), trace.tb_next
    return f"{_one_line(error)}{place}"


def _remedy(error: BaseException, dataset: Dataset) -> str:
    """What to do, where a model failed at columns of a table that it can't take."""
    text = str(error)
    kinds = {"words": "could not convert string", "gaps": "NaN"}
    kind = next((kind for kind, says in kinds.items() if says in text), None)
    return f"; {REMEDIES[kind]}" if kind and dataset.kind == "table" else ""


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
