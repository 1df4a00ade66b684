"""One measurement in a process of its own: ``python benchmarks/measure.py NAME SIDE``.

The sides are ``gigo`` and its rivals; `MEASUREMENTS` has the names.

Prints one JSON line, ``{"seconds": ..., "models": ...}``. Imports and the making or loading of data
are not counted, for either side, nor is a rival's warm-up; what a rival must do for every model
anew (Keras builds and compiles a graph) is. gigo trains on the real data sets, found or fetched as
ever, its rivals on random images of the same shape, on which an epoch takes no longer.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from rivals import keras_article, torch_epochs

from gigo.resolve import resolve
from gigo.study import Study
from gigo.types import Dataset

REAL = {(1, 28, 28): "mnist", (3, 32, 32): "cifar100"}
"""Data sets by the shape of their images."""

FOUR = [0, 0.2, 0.4, 0.6]
"""Rates. Times are a model's, so that a short sweep stands for a long one."""


def random_images(shape: tuple[int, ...], n: int, n_test: int) -> Dataset:
    """Random images and labels: how long an epoch takes does not depend on them."""
    rng = np.random.default_rng(0)

    def inputs(count: int) -> Any:
        return rng.integers(0, 256, (count, *shape), dtype=np.uint8)

    return Dataset(
        name="random",
        x_train=inputs(n),
        y_train=rng.integers(0, 10, n),
        tests={"test": (inputs(n_test), rng.integers(0, 10, n_test))},
        classes=tuple("0123456789"),
        kind="image",
        sha256="",
        source="random numbers",
    )


def gigo(*, steady: bool = False, **fields: Any) -> dict[str, float]:
    """A sweep as `gigo run` does it: processes, store and all, on the real data set.

    The clock starts when the first stack begins, so that, as for rivals, neither imports nor
    loading count.

    Args:
        steady: stop the clock at the end of the last epoch, before the evaluations that a short run
            pays as dearly as a long one.
        **fields: of the study.
    """
    from gigo import runner
    from gigo.machine import Machine

    study = Study.create(**{"replicates": 1, "subset": "first", **fields})
    begun: list[float] = []
    epochs: list[float] = []
    done = [0]

    def listen(progress: runner.Progress) -> None:
        now = time.perf_counter()
        if progress.stack and not begun:
            begun.append(now)
        if progress.epoch and progress.done == done[0]:
            epochs.append(now)
        done[0] = progress.done

    with TemporaryDirectory() as folder:
        runner.run(study, Path(folder), workers=Machine.here().cores, listener=listen)
    ended = epochs[-1] if steady else time.perf_counter()
    return {"seconds": ended - begun[0], "models": len(resolve(study).trials)}


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
        "test": (test, dataset.tests["test"][1]),
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
            model.evaluate(test, dataset.tests["test"][1], batch_size=batch_size, verbose=0)

    one(1)
    started = time.perf_counter()
    for _ in range(models):
        one(epochs)
    return {"seconds": time.perf_counter() - started, "models": models}


def torch_loop(
    dataset: Dataset, model: str, models: int, epochs: int, batch_size: int, held_out: str
) -> dict[str, float]:
    """One model at a time, plain float32 PyTorch, data in memory; arguments as in `keras`."""
    from gigo.models import CATALOGUE

    x, test = (a.astype("float32") / 255 for a in _both(dataset))
    y, y_test = dataset.y_train, dataset.tests["test"][1]
    fifth = len(x) // 5 if held_out == "split" else 0
    watched = (x[:fifth], y[:fifth]) if fifth else None

    def one(n_epochs: int) -> None:
        network = CATALOGUE[model].function(dataset.input_shape, 10)
        torch_epochs(network, x[fifth:], y[fifth:], watched, batch_size, n_epochs)
        if fifth:
            torch_epochs(network, x[:0], y[:0], (test, y_test), batch_size, 1)

    one(1)
    started = time.perf_counter()
    for _ in range(models):
        one(epochs)
    return {"seconds": time.perf_counter() - started, "models": models}


def _both(dataset: Dataset) -> tuple[Any, Any]:
    return dataset.x_train, dataset.tests["test"][0]


def fit(shape: tuple[int, int, int], side: str) -> dict[str, float]:
    """Epochs of full-size training, nothing validated: six models, or one of a rival."""
    n, epochs = 3_840, 2
    if side == "gigo":
        recipe = {"base": "article", "epochs": epochs, "patience": 0}
        fields: dict[str, Any] = {"dataset": REAL[shape], "size": n, "model": "article_cnn"}
        rates = [0, 0.1, 0.2, 0.3, 0.4, 0.5]
        return gigo(steady=True, rates=rates, recipe=recipe, validation="none", **fields)
    data = random_images(shape, n, 256)
    if side == "torch":
        return torch_loop(data, "article_cnn", 1, epochs, 256, "none")
    return keras(data, 1, epochs, 256, "none", half=side == "keras-bf16")


def first_1000(side: str) -> dict[str, float]:
    """The sweep over 1,000 items, a few epochs, under two validation policies."""
    epochs = 12
    recipe = {"base": "article", "epochs": epochs, "patience": 0, "plateau_patience": 0}
    if side in ("gigo-oracle", "gigo-clean"):
        policy = side.removeprefix("gigo-")
        return gigo(
            dataset="mnist",
            size=1000,
            model="article_cnn",
            recipe=recipe,
            validation=policy,
            rates=FOUR,
        )
    data = random_images((1, 28, 28), 1000, 10_000)
    return keras(data, 1, epochs, 256, side.removeprefix("keras-"), half=False)


def digits(side: str) -> dict[str, float]:
    """The demo's sweep on 8x8 images: 3 replicates x 21 models."""
    epochs = 8
    recipe = {"base": "small", "epochs": epochs, "patience": 0, "plateau_patience": 0}
    if side == "gigo":
        rates = [i / 10 for i in range(11)]
        kinds = ["symmetric", "biased"]
        fields: dict[str, Any] = {"dataset": "digits", "model": "small_cnn", "corruption": kinds}
        return gigo(**fields, recipe=recipe, rates=rates, replicates=3)
    data = random_images((1, 8, 8), 1347, 450)
    return torch_loop(data, "small_cnn", 4, epochs, 16, "split")


def small_stacks(side: str) -> dict[str, float]:
    """8x8 images, batch 32, members on streams of their own: 64 replicates; the rival's 4."""
    epochs = 8
    recipe = {"base": "small", "batch_size": 32, "epochs": epochs, "patience": 0}
    if side == "gigo":
        return gigo(
            steady=True,
            dataset="digits",
            model="small_cnn",
            recipe=recipe,
            rates=0.2,
            replicates=64,
            validation="none",
        )
    data = random_images((1, 8, 8), 1347, 450)
    return torch_loop(data, "small_cnn", 4, epochs, 32, "none")


MEASUREMENTS: dict[str, Callable[[str], dict[str, float]]] = {
    "fit-28": lambda side: fit((1, 28, 28), side),
    "fit-32": lambda side: fit((3, 32, 32), side),
    "first-1000": first_1000,
    "digits": digits,
    "small": small_stacks,
}


if __name__ == "__main__":
    os.environ["KERAS_BACKEND"] = "tensorflow"
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    print(json.dumps(MEASUREMENTS[sys.argv[1]](sys.argv[2])))
