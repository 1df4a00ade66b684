"""Which trials train together, and what that will cost.

Trials that share data set, model, recipe and validation policy can be one network. Those of one
replicate and size also share their images; where a model's step is so small that its overhead
counts, replicates and sizes are put together too, every member then with images of its own.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from gigo import datasets, models
from gigo.trial import HELD_OUT, Trial

MAX_WIDTH = 128
"""More members in a stack gain nothing and lose more when a run is cut off."""

SMALL_STEP = 1e9
"""Floating-point operations of one member's step, below which replicates are put together."""

CORE_SPEED = {"bfloat16": 60e9, "float32": 30e9, "float64": 10e9}
"""Floating-point operations a second that one processor core sustains, by precision; rough."""

BYTES = {"bfloat16": 2, "float32": 4, "float64": 8}


@dataclass(frozen=True)
class Plan:
    """What training some trials takes.

    Attributes:
        stacks: trials that train together, in the order of training.
        memory: bytes that the largest stack needs beside the data set, estimated.
        seconds: of training on this machine's processors, a rough estimate.
    """

    stacks: list[list[Trial]]
    memory: int
    seconds: float


def plan(trials: Iterable[Trial], memory: int | None = None) -> Plan:
    """Group trials into stacks.

    Args:
        trials: to train.
        memory: bytes that a stack may need; default half of this machine's memory.
    """
    budget = memory or total_memory() // 2
    groups: dict[tuple[object, ...], list[Trial]] = {}
    for trial in trials:
        groups.setdefault(_group(trial), []).append(trial)
    stacks = [
        stack
        for group in groups.values()
        for stack in _chunks(sorted(group, key=_length), min(MAX_WIDTH, budget // _widest(group)))
    ]
    return Plan(
        stacks=stacks,
        memory=max((len(stack) * _widest(stack) for stack in stacks), default=0),
        seconds=sum(work(trial) / _speed(trial) for stack in stacks for trial in stack),
    )


def _group(trial: Trial) -> tuple[object, ...]:
    step = 3 * _cost(trial).flops * trial.recipe.batch_size
    own_images = step < SMALL_STEP
    # Where sizes differ, short batches are padded, which batch normalisation would see.
    any_size = own_images and models.separate(trial.model.name, **trial.model.options)
    return (
        trial.dataset,
        None if any_size else trial.size,
        trial.model.label,
        trial.recipe,
        trial.validation,
        trial.subset,
        trial.precision,
        None if own_images else (trial.seed, trial.replicate),
    )


def _length(trial: Trial) -> tuple[float, int]:
    """Steps that a trial is expected to take, then its size: who trains about as long as who."""
    batches = -(-_trained(trial) // trial.recipe.batch_size)
    return expected_epochs(trial) * batches, trial.size


def _widest(group: Sequence[Trial]) -> int:
    """Bytes that each member needs in a stack in which all have the largest one's batches."""
    return member_memory(max(group, key=lambda trial: trial.size))


def _chunks(group: Sequence[Trial], width: int) -> list[list[Trial]]:
    """Stacks of nearly equal widths, none above ``width`` or 1."""
    count = -(-len(group) // max(1, width))
    bounds = [len(group) * i // count for i in range(count + 1)]
    return [list(group[a:b]) for a, b in pairwise(bounds)]


def member_memory(trial: Trial) -> int:
    """Bytes that a trial needs in a stack: activations of a batch, weights and moments."""
    cost = _cost(trial)
    width = BYTES[trial.precision]
    master = max(width, 4)
    batch = min(trial.recipe.batch_size, trial.size)
    # Masters, gradients, two moments and the best weights; copies and their gradients. A batch's
    # activations are live once more, as gradients, at the peak of the backward pass.
    weights = cost.parameters * (5 * master + 2 * width)
    return weights + 2 * batch * cost.activations * width


def expected_epochs(trial: Trial) -> float:
    """What early stopping tends to leave of the epochs allowed: about 2.5 patiences."""
    recipe = trial.recipe
    if recipe.patience and trial.validation != "none":
        return min(recipe.epochs, 2.5 * recipe.patience)
    return recipe.epochs


def work(trial: Trial) -> float:
    """Floating-point operations that a trial is expected to take."""
    flops = _cost(trial).flops
    n_test = datasets.CATALOGUE[trial.dataset].n_test
    trained = _trained(trial)
    held_out = trial.size - trained
    oracle = trial.validation == "oracle"
    watched = n_test if oracle else held_out
    final = trained + (0 if oracle else 2 * n_test)  # oracle has seen the test set already
    return flops * (expected_epochs(trial) * (3 * trained + watched) + final)


def _trained(trial: Trial) -> int:
    """Items of a trial that are not held out."""
    holds_out = trial.validation in ("clean", "noisy")
    return trial.size - (round(HELD_OUT * trial.size) if holds_out else 0)


def _cost(trial: Trial) -> models.Cost:
    entry = datasets.CATALOGUE[trial.dataset]
    model = trial.model
    return models.cost(model.name, entry.input_shape, entry.n_classes, **model.options)


def _speed(trial: Trial) -> float:
    return CORE_SPEED[trial.precision] * (os.cpu_count() or 1)


def total_memory() -> int:
    """Bytes of this machine's memory, or of its container's; 8 GiB where no system tells."""
    try:
        machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        machine = 8 << 30
    try:
        return min(machine, int(Path("/sys/fs/cgroup/memory.max").read_text()))
    except (OSError, ValueError):  # no container, or one without a limit: "max"
        return machine
