"""Made-up studies, records and test sets, as plausible as the real ones and much cheaper."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from inspect import signature
from typing import Any

import numpy as np

from gigo import corruptions, datasets, models
from gigo.axes import Cell
from gigo.corruptions import relabel
from gigo.grid import Grid
from gigo.metrics import measures
from gigo.records import Record, TestSet
from gigo.ref import Ref, canonical
from gigo.resolve import resolve
from gigo.study import Study
from gigo.trial import Trial
from gigo.types import Card, Corruption, Dataset, Model, Placement

MATRICES = [
    name
    for name, entry in corruptions.CATALOGUE.items()
    if "n_classes" in signature(entry.function).parameters
]
"""The catalogued corruptions that are a matrix of where labels go."""


def make_study(**fields: Any) -> Study:
    """Two corruptions, rates 0, 0.5 and 1, two replicates of ``digits``: 10 trials."""
    small: dict[str, Any] = {
        "name": "small",
        "dataset": "digits",
        "size": 200,
        "corruption": ["symmetric", "biased"],
        "model": "small_cnn",
        "rates": [0, 0.5, 1],
        "replicates": 2,
    }
    return Study.create(**{**small, **fields})


def grid_of(study: Study, precision: str = "float32") -> Grid:
    return resolve(study, precision)


def trials_of(study: Study, precision: str = "float32") -> dict[str, Trial]:
    return resolve(study, precision).trials


def cells_of(study: Study) -> list[Cell]:
    return list(resolve(study).cells)


def make_trials(study: Study | None = None, precision: str = "float32") -> list[Trial]:
    return list(trials_of(study or make_study(), precision).values())


def model_of(name: str, **options: Any) -> Model:
    """A network of the catalogue, whatever it is to be trained on."""
    ref = Ref.model_validate({"name": name, **options})
    identity = canonical(ref.to_json())
    return Model(ref.label, identity, partial(models.CATALOGUE[name].function, **options))


def own_model(build: Callable[[tuple[int, ...], int], Any]) -> Model:
    """A network of one's own, ``(input_shape, n_classes) -> nn.Module``."""
    return Model(build.__name__, canonical(build.__qualname__), build)


def corruption_of(name: str, placement: Placement = "random", **options: Any) -> Corruption:
    """A corruption of the catalogue."""
    ref = Ref.model_validate({"name": name, **options})
    destinations = partial(corruptions.CATALOGUE[name].function, **options)
    value = partial(relabel, destinations=destinations, placement=placement)
    identity = ref.to_json() | ({} if placement == "random" else {"placement": placement})
    return Corruption(ref.label, canonical(identity), value, matrix=destinations)


def card_of(dataset: Dataset) -> Card:
    """What is known of a data set, which is there already."""
    return Card(
        dataset.name,
        dataset.sha256,
        dataset.kind,
        dataset.input_shape,
        dataset.n_classes,
        len(dataset.y_train),
        sum(len(y) for _, y in dataset.tests.values()),
        lambda watch: dataset,
    )


def make_test_set(name: str = "digits") -> TestSet:
    """A test set of the catalogue with its true size and hash; the labels are made up."""
    return _test_set(datasets.CATALOGUE[name])


def _test_set(known: Card | datasets.DatasetEntry) -> TestSet:
    names = tuple(f"class {k}" for k in range(known.n_classes))
    labels = np.random.default_rng(0).integers(known.n_classes, size=known.n_test)
    return TestSet(known.name, known.sha256, names, {"test": labels}, known.n_train, "made up")


def make_record(trial: Trial, **fields: Any) -> Record:
    """A record whose accuracy falls with the rate; the same for the same trial."""
    rng = np.random.default_rng(int(trial.key[:8], 16))
    test_set = _test_set(trial.dataset)
    truth, n_classes = test_set.labels["test"], len(test_set.classes)
    guess = rng.integers(n_classes, size=len(truth))
    predictions = np.where(rng.random(len(truth)) < 1 - trial.rate, truth, guess).astype(np.uint8)
    held_out = trial.size // 5 if trial.validation == "clean" else 0
    n_train = trial.size - held_out
    selected = round(trial.rate * n_train)
    epochs = int(rng.integers(2, 20))
    found = {
        **measures(truth, predictions, n_classes),
        "log_loss": float(rng.exponential()),
        "accuracy_last": float(rng.random()),
        "log_loss_last": float(rng.exponential()),
    }
    if selected < n_train:
        found["train_accuracy_clean"] = float(rng.random())
    if selected:
        found |= {"train_accuracy_corrupted": rng.random(), "train_recovered": rng.random()}
    record = Record(
        key=trial.key,
        trial=trial.to_json(),
        status="ok",
        n_train=n_train,
        n_validation=held_out,
        n_selected=selected,
        n_changed=selected,
        epochs=epochs,
        best_epoch=int(rng.integers(1, epochs + 1)),
        stopped="patience",
        predictions={"test": predictions},
        scores={},
        measures=found,
        curve={
            "train_loss": sorted(rng.exponential(size=epochs).tolist(), reverse=True),
            "learning_rate": [1e-3] * epochs,
            "monitor_accuracy": sorted(rng.random(epochs).tolist()),
        },
        seconds=float(rng.exponential()),
        provenance={"gigo": "0.1.0", "device": "cpu", "stack": 10},
    )
    return replace(record, **fields)
