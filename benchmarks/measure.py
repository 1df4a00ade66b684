"""One measurement in a process of its own: ``python benchmarks/measure.py NAME SIDE``.

The sides are ``gigo`` and its rivals; `MEASUREMENTS` has the names.

Prints one JSON line, ``{"seconds": ..., "models": ...}``. Imports, the making of data and a
warm-up are not counted, for either side; what a rival must do for every model anew (Keras builds
and compiles a graph) is.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from rivals import keras_article, torch_epochs

from gigo.study import Study
from gigo.trial import Trial
from gigo.types import Dataset

NAMES = {28: "mnist", 32: "cifar10", 8: "digits"}
KINDS = ["symmetric", "biased"]
FIVE = [0, 0.2, 0.4, 0.6, 0.8]
"""Rates; with two kinds of corruption 9 models, since rate 0 is one. Times are a model's, so that a
short sweep stands for a long one.
"""


def random_images(shape: tuple[int, ...], n: int, n_test: int) -> Dataset:
    """Random images and labels: how long an epoch takes does not depend on them."""
    rng = np.random.default_rng(0)

    def inputs(count: int) -> Any:
        return rng.integers(0, 256, (count, *shape), dtype=np.uint8)

    return Dataset(
        name=NAMES[shape[-1]],
        x_train=inputs(n),
        y_train=rng.integers(0, 10, n),
        x_test=inputs(n_test),
        y_test=rng.integers(0, 10, n_test),
        class_names=tuple("0123456789"),
        sha256="",
        source="random numbers",
    )


def gigo(dataset: Dataset, *, precision: str = "bfloat16", **fields: Any) -> dict[str, float]:
    """A sweep as gigo trains it."""
    import torch

    from gigo import planner
    from gigo.engine.device import DTYPES, keep_freed_memory
    from gigo.engine.resident import Resident
    from gigo.engine.training import train

    keep_freed_memory()
    fields = {"replicates": 1, "subset": "first", "precision": precision, **fields}
    study = Study.create(dataset=dataset.name, **fields)
    trials = list(study.trials(precision).values())
    resident = Resident(dataset, torch.device("cpu"), DTYPES[precision])
    list(train([_one_epoch(trial) for trial in trials[:2]], resident))
    started = time.perf_counter()
    for stack in planner.plan(trials).stacks:
        for _ in train(stack, resident):
            pass
    return {"seconds": time.perf_counter() - started, "models": len(trials)}


def _one_epoch(trial: Trial) -> Trial:
    return replace(trial, recipe=trial.recipe.model_copy(update={"epochs": 1}))


def keras(
    dataset: Dataset, models: int, epochs: int, batch_size: int, held_out: str, *, half: bool
) -> dict[str, float]:
    """``fit`` in a loop, data as float32 in memory, as the article did it.

    Args:
        dataset: all of whose training items are used.
        models: trained one after the other.
        epochs: of each.
        batch_size: of each step.
        held_out: what ``fit`` validates on each epoch: ``test``, ``split`` (a fifth of the training
            items; the test set is evaluated once at the end) or ``none``.
        half: use Keras's ``mixed_bfloat16`` policy.
    """
    import keras as k  # pyright: ignore[reportMissingImports] - an extra

    if half:
        k.mixed_precision.set_global_policy("mixed_bfloat16")
    x, test = (a.transpose(0, 2, 3, 1).astype("float32") / 255 for a in _both(dataset))
    y = dataset.y_train
    fifth = len(x) // 5
    validation = {
        "test": (test, dataset.y_test),
        "split": (x[:fifth], y[:fifth]),
        "none": None,
    }[held_out]
    if held_out == "split":
        x, y = x[fifth:], y[fifth:]

    def one(n_epochs: int) -> None:
        model = keras_article(x.shape[1:])
        model.fit(
            x,
            y,
            batch_size=batch_size,
            epochs=n_epochs,
            validation_data=validation,
            validation_batch_size=batch_size,
            verbose=0,
        )
        if held_out == "split":
            model.evaluate(test, dataset.y_test, batch_size=batch_size, verbose=0)

    one(1)
    started = time.perf_counter()
    for _ in range(models):
        one(epochs)
    return {"seconds": time.perf_counter() - started, "models": models}


def torch_loop(
    dataset: Dataset, model: str, models: int, epochs: int, batch_size: int, held_out: str
) -> dict[str, float]:
    """One model at a time, plain float32 PyTorch, data in memory; arguments as in `keras`."""
    from gigo.models import build

    x, test = (a.astype("float32") / 255 for a in _both(dataset))
    y, y_test = dataset.y_train, dataset.y_test
    fifth = len(x) // 5 if held_out == "split" else 0
    watched = (x[:fifth], y[:fifth]) if fifth else None

    def one(n_epochs: int) -> None:
        network = build(model, dataset.input_shape, 10)
        torch_epochs(network, x[fifth:], y[fifth:], watched, batch_size, n_epochs)
        if fifth:
            torch_epochs(network, x[:0], y[:0], (test, y_test), batch_size, 1)

    one(1)
    started = time.perf_counter()
    for _ in range(models):
        one(epochs)
    return {"seconds": time.perf_counter() - started, "models": models}


def _both(dataset: Dataset) -> tuple[Any, Any]:
    return dataset.x_train, dataset.x_test


def fit(shape: tuple[int, ...], side: str) -> dict[str, float]:
    """An epoch of full-size training, nothing validated."""
    n = 7_680
    data = random_images(shape, n, 256)
    if side == "gigo":
        recipe = {"batch_size": 256, "epochs": 1, "patience": 0}
        return gigo(data, size=n, rates=[0, 0.2, 0.4], recipe=recipe, validation="none")
    if side == "torch":
        return torch_loop(data, "article_cnn", 1, 1, 256, "none")
    return keras(data, 1, 1, 256, "none", half=side == "keras-bf16")


def first_1000(side: str) -> dict[str, float]:
    """The sweep over 1,000 items, a few epochs, under two validation policies."""
    epochs = 12
    data = random_images((1, 28, 28), 1000, 10_000)
    recipe = {"epochs": epochs, "patience": 0, "plateau_patience": 0}
    if side in ("gigo-oracle", "gigo-clean"):
        policy = side.removeprefix("gigo-")
        return gigo(data, size=1000, recipe=recipe, validation=policy, rates=FIVE, corruption=KINDS)
    return keras(data, 1, epochs, 256, side.removeprefix("keras-"), half=False)


def digits(side: str) -> dict[str, float]:
    """The demo's sweep on 8x8 images: 3 replicates x 21 models."""
    epochs = 8
    data = random_images((1, 8, 8), 1347, 450)
    recipe = {"base": "small", "epochs": epochs, "patience": 0, "plateau_patience": 0}
    if side == "gigo":
        rates = [i / 10 for i in range(11)]
        return gigo(data, size=1347, recipe=recipe, rates=rates, corruption=KINDS, replicates=3)
    return torch_loop(data, "small_cnn", 4, epochs, 16, "split")


MEASUREMENTS: dict[str, Callable[[str], dict[str, float]]] = {
    "fit-28": lambda side: fit((1, 28, 28), side),
    "fit-32": lambda side: fit((3, 32, 32), side),
    "first-1000": first_1000,
    "digits": digits,
}


if __name__ == "__main__":
    os.environ["KERAS_BACKEND"] = "tensorflow"
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    print(json.dumps(MEASUREMENTS[sys.argv[1]](sys.argv[2])))
