"""Which trials train together, and what that will cost.

Trials that share data set, model, recipe and validation policy can be one network. Those of one
replicate and size also share their images; where a model's step is so small that its overhead
counts, replicates and sizes are put together too, every member then with images of its own. How
many train together, and whether on shared images, is better known from timing
(`gigo.engine.tuning`), which a plan takes in where a group of trials is large enough for that.
"""

from __future__ import annotations

import os
from bisect import bisect
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

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

EVALUATED = 1024
"""Images times members in one forward pass of the engine without gradients."""

OVERHEAD = 40 << 20
"""Bytes that the first stack costs whatever its size, above all for kernels."""

TUNING = 5.0
"""Seconds that timing widths may take where a step is short."""

TUNING_STEPS = 40
"""Steps of one member that timing widths may take where a step is long."""

WORTH = 20
"""How many times longer than timing widths the training must be for timing to be worth it."""


class Tuning(NamedTuple):
    """What is fastest for trials that may train together.

    Attributes:
        width: members of a stack.
        own_images: whether replicates are put together, every member with images of its own.
    """

    width: int
    own_images: bool


class Question(NamedTuple):
    """Trials of which a `Tuning` would be worth knowing.

    Attributes:
        trial: one of them.
        limit: the widest stack that their number, and memory, allow.
        sharing: the widest among those of one replicate, 1 to ``limit``.
    """

    trial: Trial
    limit: int
    sharing: int


Tuner = Callable[[Question], Tuning | None]
"""Answers a question, or leaves it to the planner."""


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


def plan(
    trials: Iterable[Trial],
    memory: int | None = None,
    workers: int = 1,
    tuned: Tuner = lambda question: None,
) -> Plan:
    """Group trials into stacks.

    Args:
        trials: to train.
        memory: bytes that stacks may need at a time; default half of this machine's memory.
        workers: stacks in training at a time.
        tuned: what timing said of a group of trials; asked where that is worth it (`questions`).
            None from it, or no question, leaves width and grouping to rules of thumb.
    """
    trials = list(trials)
    budget = share(memory, workers)
    answers = {
        _alike(question.trial): answer
        for question in questions(trials, memory, workers)
        if (answer := tuned(question)) is not None
    }
    groups: dict[tuple[object, ...], list[Trial]] = {}
    for trial in trials:
        groups.setdefault(_group(trial, answers.get(_alike(trial))), []).append(trial)
    stacks: list[list[Trial]] = []
    for group in groups.values():
        answer = answers.get(_alike(group[0]))
        widest = answer.width if answer else MAX_WIDTH
        width = min(widest, _fitting(_largest(group), budget))
        stacks += _chunks(sorted(group, key=_length), width, workers)
    return Plan(
        stacks=stacks,
        memory=max((stack_memory(_largest(stack), len(stack)) for stack in stacks), default=0),
        seconds=sum(_seconds(stack) for stack in stacks),
    )


def share(memory: int | None, workers: int) -> int:
    """Bytes that each of several stacks may need, of ``memory`` or of half of this machine's."""
    return (memory or total_memory() // 2) // workers


def questions(
    trials: Iterable[Trial], memory: int | None = None, workers: int = 1
) -> list[Question]:
    """What is worth timing before some trials are planned, see `plan`; nothing if they are few.

    Timing takes `TUNING` seconds or `TUNING_STEPS` steps, and pays where training is expected to
    take `WORTH` times as long.
    """
    budget = share(memory, workers)
    groups: dict[tuple[object, ...], list[Trial]] = {}
    for trial in trials:
        groups.setdefault(_alike(trial), []).append(trial)
    asked: list[Question] = []
    for group in groups.values():
        first = _largest(group)
        most = -(-len(group) // workers)
        limit = min(most, MAX_WIDTH, _fitting(first, budget))
        cost = max(TUNING, TUNING_STEPS * step_flops(first) / _speed(first))
        if limit > 1 and _seconds(group) >= WORTH * cost:
            streams = Counter((trial.seed, trial.replicate, trial.size) for trial in group)
            asked.append(Question(first, limit, min(limit, max(streams.values()))))
    return asked


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


class Room:
    """How much memory stacks may take, for the length of a run: less once it has run out.

    Attributes:
        memory: bytes that a stack may need by the estimate, which may be off.
    """

    def __init__(self, memory: int) -> None:
        self.memory = memory

    def ran_out(self, stack: Sequence[Trial]) -> None:
        """Memory did not suffice for a stack: from now on none may need more than half of it."""
        half = stack_memory(_largest(stack), -(-len(stack) // 2))
        self.memory = min(self.memory, half)

    def parts(self, stack: Sequence[Trial]) -> list[list[Trial]]:
        """A stack as it is, or as nearly equal ones for which there is room."""
        return _chunks(stack, _fitting(_largest(stack), self.memory)) if stack else []


def _alike(trial: Trial) -> tuple[object, ...]:
    """Names the trials that may train together."""
    # Where sizes differ, short batches are padded, which batch normalisation would see.
    small = step_flops(trial) < SMALL_STEP
    any_size = small and models.separate(trial.model.name, **trial.model.options)
    return (
        trial.dataset,
        None if any_size else trial.size,
        trial.model.label,
        trial.recipe,
        trial.validation,
        trial.subset,
        trial.precision,
    )


def _group(trial: Trial, tuning: Tuning | None) -> tuple[object, ...]:
    """Names the trials that do."""
    own_images = tuning.own_images if tuning else step_flops(trial) < SMALL_STEP
    return *_alike(trial), None if own_images else (trial.seed, trial.replicate, trial.size)


def _length(trial: Trial) -> tuple[float, int]:
    """Steps that a trial is expected to take, then its size: who trains about as long as who."""
    batches = -(-_trained(trial) // trial.recipe.batch_size)
    return expected_epochs(trial) * batches, trial.size


def _largest(group: Sequence[Trial]) -> Trial:
    """The one that needs most memory; in its stack all have batches as wide as its own."""
    return max(group, key=lambda trial: trial.size)


def _chunks(group: Sequence[Trial], width: int, workers: int = 1) -> list[list[Trial]]:
    """Stacks of nearly equal widths, none above ``width``, enough of them for all workers."""
    count = -(-len(group) // width)
    count = min(-(-count // workers) * workers, len(group))
    bounds = [len(group) * i // count for i in range(count + 1)]
    return [list(group[a:b]) for a, b in pairwise(bounds)]


def stack_memory(trial: Trial, width: int) -> int:
    """Bytes that a stack of trials like this one needs beside the data set, at most."""
    items = max(datasets.CATALOGUE[trial.dataset].n_test, trial.size)
    evaluated = min(EVALUATED, width * items)
    # A layer's input and output, and what its kernel makes of both, come to less than all layers'
    # outputs and half as much again. The allocator does not always use old buffers for them.
    forward = evaluated * _cost(trial).activations * BYTES[trial.precision] * 3 // 2
    return OVERHEAD + forward + width * member_memory(trial)


def member_memory(trial: Trial) -> int:
    """Bytes that a trial needs in a stack: activations of a batch, weights and moments."""
    cost = _cost(trial)
    width = BYTES[trial.precision]
    master = max(width, 4)
    batch = min(trial.recipe.batch_size, trial.size)
    # Masters, gradients, two moments, the best weights and four of these in a checkpoint; copies
    # and their gradients. A batch's activations are live twice more at the peak of the backward
    # pass: as gradients, and in the layouts that kernels of convolutions make for themselves.
    weights = cost.parameters * (9 * master + 2 * width)
    return weights + 3 * batch * cost.activations * width


def _fitting(trial: Trial, memory: int) -> int:
    """Members of a stack, at least one, for which there is memory."""
    widths = range(1, MAX_WIDTH + 1)
    return max(1, bisect(widths, memory, key=lambda width: stack_memory(trial, width)))


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


def _seconds(trials: Sequence[Trial]) -> float:
    """Expected of training them on this machine's processors; rough."""
    return sum(work(trial) / _speed(trial) for trial in trials)


def step_flops(trial: Trial) -> float:
    """Floating-point operations of one member's step of the optimiser."""
    return 3 * _cost(trial).flops * trial.recipe.batch_size


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
