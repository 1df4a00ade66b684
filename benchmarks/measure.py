"""One measurement in a process of its own: ``python benchmarks/measure.py NAME SIDE``.

Prints one JSON line: seconds of training and how many models that was for. Imports, the making of
data and one warm-up are not counted, for either side.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from networks import keras_article, torch_epochs

from gigo.study import Recipe, Study, Trial
from gigo.types import Dataset

SHAPES = {"28x28x1": (1, 28, 28), "32x32x3": (3, 32, 32)}
FIT_ITEMS, FIT_MODELS = 10_240, 4
SWEEP_RATES, SWEEP_EPOCHS, SWEEP_RIVALS = 20, 4, 3
"""A sweep has 20 rates x 2 corruptions; rivals train a few of its 39 models, all alike to them."""
DEMO_EPOCHS, DEMO_RIVALS = 10, 6


def random_images(shape: tuple[int, ...], n: int, n_test: int) -> Dataset:
    """Random images and labels: how fast an epoch is does not depend on them."""
    rng = np.random.default_rng(0)

    def inputs(count: int) -> np.ndarray:
        return rng.integers(0, 256, (count, *shape), dtype=np.uint8)

    return Dataset(
        name={28: "mnist", 32: "cifar10", 8: "digits"}[shape[-1]],
        x_train=inputs(n),
        y_train=rng.integers(0, 10, n),
        x_test=inputs(n_test),
        y_test=rng.integers(0, 10, n_test),
        class_names=tuple("0123456789"),
        sha256="",
        source="random",
    )


def gigo_seconds(trials: list[Trial], dataset: Dataset, precision: str = "bfloat16") -> float:
    """Seconds to train trials as gigo does."""
    import torch

    from gigo import planner
    from gigo.engine.device import DTYPES, keep_freed_memory
    from gigo.engine.resident import Resident
    from gigo.engine.training import train

    keep_freed_memory()
    resident = Resident(dataset, torch.device("cpu"), DTYPES[precision])
    warm = [replace(t, recipe=t.recipe.model_copy(update={"epochs": 1})) for t in trials[:2]]
    list(train(warm, resident))
    started = time.perf_counter()
    for stack in planner.plan(trials).stacks:
        for _ in train(stack, resident):
            pass
    return time.perf_counter() - started


def trials(study: Study, precision: str = "bfloat16") -> list[Trial]:
    """Of a study whose data set is only named, never read."""
    return list(study.trials(precision).values())
