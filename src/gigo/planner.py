"""Which trials train together, and what that will cost.

Trials that share data set, size, model, recipe and validation policy can be one network. Those of
one replicate also share their images; where a model's step is so small that its overhead counts,
replicates are put together too, every member then with images of its own.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from gigo import datasets, models
from gigo.errors import SpecError
from gigo.trial import HELD_OUT, Trial

MAX_WIDTH = 128
"""More members in a stack gain nothing and lose more when a run is cut off."""

SMALL_STEP = 1e9
"""Floating-point operations of one member's step, below which replicates are put together."""

CORE_SPEED = {"bfloat16": 60e9, "float32": 30e9, "float64": 10e9}
"""Floating-point operations a second that one processor core sustains, by precision; rough."""

WORTH_PROCESSES = 20.0
"""Seconds of training, as planned, below which more processes cost more than they save."""

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


def plan(trials: Iterable[Trial], memory: int | None = None, workers: int = 1) -> Plan:
    """Group trials into stacks.

    Args:
        trials: to train.
        memory: bytes that stacks may need at a time; default half of this machine's memory.
        workers: stacks in training at a time.
    """
    budget = (memory or total_memory() // 2) // workers
    groups: dict[tuple[object, ...], list[Trial]] = {}
    for trial in trials:
        groups.setdefault(_group(trial), []).append(trial)
    stacks = [
        stack
        for group in groups.values()
        for stack in _chunks(
            group, max(1, min(MAX_WIDTH, budget // member_memory(group[0]))), workers
        )
    ]
    return Plan(
        stacks=stacks,
        memory=max((len(stack) * member_memory(stack[0]) for stack in stacks), default=0),
        seconds=sum(work(trial) / _speed(trial) for stack in stacks for trial in stack),
    )


def processes(asked: int | None, seconds: float, *, on_cpu: bool = True) -> tuple[int, int]:
    """How many training processes there are to be, and how many threads each is to have.

    One a core with one thread, where there is enough to do; an accelerator is one process's.

    Args:
        asked: by the user; None leaves it to gigo.
        seconds: of training, as planned.
        on_cpu: whether that is where training runs.

    Raises:
        SpecError: less than one.
    """
    cores = usable_cores()
    if asked is not None:
        if asked < 1:
            raise SpecError("workers", asked, "at least 1")
        return asked, max(1, cores // asked)
    return (cores, 1) if on_cpu and seconds >= WORTH_PROCESSES else (1, cores)


def usable_cores() -> int:
    """Cores that this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def _group(trial: Trial) -> tuple[object, ...]:
    step = 3 * _cost(trial).flops * trial.recipe.batch_size
    own_images = step < SMALL_STEP
    return (
        trial.dataset,
        trial.size,
        trial.model.label,
        trial.recipe,
        trial.validation,
        trial.subset,
        trial.precision,
        None if own_images else (trial.seed, trial.replicate),
    )


def _chunks(group: Sequence[Trial], width: int, workers: int) -> list[list[Trial]]:
    """Stacks of nearly equal widths, none above ``width``, enough of them for all workers."""
    count = -(-len(group) // width)
    count = min(-(-count // workers) * workers, len(group))
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
    held_out = HELD_OUT * trial.size if trial.validation in ("clean", "noisy") else 0
    watched = n_test if trial.validation == "oracle" else held_out
    trained = trial.size - held_out
    final = 2 * n_test + trained
    return flops * (expected_epochs(trial) * (3 * trained + watched) + final)


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
