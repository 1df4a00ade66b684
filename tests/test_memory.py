"""The memory that a plan reckons with, held against what training took."""

from __future__ import annotations

import sys

import pytest

from test_startup import python

SCRIPT = """
import sys
from pathlib import Path
from dataclasses import replace
import numpy as np, torch
from factories import trials_of
from gigo import costs, datasets
from gigo.engine.device import keep_freed_memory
from gigo.engine.resident import Resident
from gigo.engine.training import train
from gigo.study import Study
from gigo.types import Dataset

name, model, images, validation, *numbers = sys.argv[1:]
own = images == "own"
width, n_test, size, crop = map(int, numbers)
recipe = {"base": "small" if name == "digits" else "article", "epochs": 2, "crop": crop}
study = Study.create(dataset=name, size=size, rates=0, replicates=1, model=model, recipe=recipe,
                     validation=validation)
(trial,) = trials_of(study).values()
entry, rng = datasets.CATALOGUE[name], np.random.default_rng(0)

def part(n):
    shape = n, *entry.input_shape
    return rng.integers(0, 256, shape, dtype=np.uint8), np.arange(n) % entry.n_classes

names = tuple(map(str, range(entry.n_classes)))
data = Dataset(name, *part(size), {"test": part(n_test)}, names, "image", "0" * 64, "made up")
keep_freed_memory()
resident = Resident(data, torch.device("cpu"), torch.float32)

def peak():  # of this process: getrusage may tell that of the one that started it
    return int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) * 1024

before = peak()
members = [replace(trial, replicate=i * own) for i in range(width)]
for event in train(members, resident, every=0.0):
    pass
print(costs.stack_memory(trial, width), peak() - before)
"""


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="other units elsewhere")
@pytest.mark.parametrize(
    "case",
    [
        # As many test images as are looked at in one pass.
        "digits small_cnn shared none 1 450 256 0",
        "digits small_cnn shared none 128 450 256 0",
        "mnist small_cnn shared none 8 512 256 0",
        "mnist article_cnn shared none 1 4096 256 0",
        "mnist article_cnn own none 4 1024 256 0",
        # Where networks are small, what is known of the items counts.
        "mnist linear own none 32 512 10000 0",
        "mnist linear own none 16 512 10000 4",
        "mnist linear own oracle 64 10000 1000 0",
    ],
)
def test_the_estimate_is_a_bound_and_not_a_loose_one(case: str) -> None:
    estimate, grown = map(int, python("-c", SCRIPT, *case.split()).split())
    assert grown <= estimate
    assert estimate <= 3 * grown
