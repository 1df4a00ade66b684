"""Which trials train together, and what that will cost.

Trials that share data set, model, recipe and validation policy can be one network. Those of one
replicate and size also share their images; where a model's step is so small that its overhead
counts, replicates and sizes are put together too, every member then with images of its own. How
many train together, and whether on shared images, is better known from timing
(`gigo.engine.tuning`), which a plan takes in where a group of trials is large enough for that.
"""

from __future__ import annotations

from bisect import bisect
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from gigo import machine, models
from gigo.costs import (
    expected_epochs,
    seconds,
    speed,
    stack_memory,
    step_flops,
)
from gigo.errors import SpecError
from gigo.trial import Trial

MAX_WIDTH = 128
"""More members in a stack gain nothing and lose more when a run is cut off."""

SMALL_STEP = 1e9
"""Floating-point operations of one member's step, below which replicates are put together."""

WORTH_PROCESSES = 20.0
"""Seconds of training, as planned, below which more processes cost more than they save."""

TUNING = 5.0
"""Seconds that timing widths may take where a step is short."""

TUNING_STEPS = 40
"""Steps of one member that timing widths may take where a step is long."""

PROCESS = 400 << 20
"""Bytes that a training process takes before it trains anything: PyTorch, and its data set."""

STACKS_A_PROCESS = 4
"""Stacks that each process is to have, so that all are busy to the end."""

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
    widths: list[int] = []
    for group in groups.values():
        answer = answers.get(_alike(group[0]))
        widest = answer.width if answer else MAX_WIDTH
        widths.append(min(widest, _fitting(_largest(group), budget)))
    each = list(zip(groups.values(), widths, strict=True))
    parts = _parts(sum(-(-len(group) // width) for group, width in each), workers)
    stacks = [
        stack
        for group, width in each
        for stack in _chunks(sorted(group, key=_length), width, parts)
    ]
    # One data set after the other, since a process holds one at a time.
    places = {name: i for i, name in enumerate(dict.fromkeys(t.dataset.sha256 for t in trials))}
    stacks.sort(key=lambda stack: places[stack[0].dataset.sha256])
    return Plan(
        stacks=stacks,
        memory=max((stack_memory(_largest(stack), len(stack)) for stack in stacks), default=0),
        seconds=sum(seconds(stack) for stack in stacks),
    )


def share(memory: int | None, workers: int) -> int:
    """Bytes that each of several stacks may need, of ``memory`` or of half of this machine's."""
    return (memory or machine.total_memory() // 2) // workers


def questions(
    trials: Iterable[Trial], memory: int | None = None, workers: int = 1
) -> list[Question]:
    """What is worth timing before some trials are planned, see `plan`; nothing if they are few.

    Timing takes `TUNING` seconds or `TUNING_STEPS` steps, in one process, and pays where training
    is expected to take `WORTH` times as long.
    """
    budget = share(memory, workers)
    groups: dict[tuple[object, ...], list[Trial]] = {}
    for trial in trials:
        groups.setdefault(_alike(trial), []).append(trial)
    asked: list[Question] = []
    parts = _parts(len(groups), workers)
    for group in groups.values():
        first = _largest(group)
        most = -(-len(group) // parts)
        limit = min(most, MAX_WIDTH, _fitting(first, budget))
        cost = max(TUNING, TUNING_STEPS * step_flops(first) / speed(first) * workers)
        if limit > 1 and seconds(group) >= WORTH * cost:
            streams = Counter(trial.source for trial in group)
            asked.append(Question(first, limit, min(limit, max(streams.values()))))
    return asked


def processes(asked: int | None, expected: float, *, on_cpu: bool = True) -> tuple[int, int]:
    """How many training processes there are to be, and how many threads each is to have.

    One a core with one thread, where there is enough to do and half of the memory holds them; an
    accelerator is one process's.

    Args:
        asked: by the user; None leaves it to gigo.
        expected: seconds of training.
        on_cpu: whether that is where training runs.

    Raises:
        SpecError: less than one.
    """
    cores = machine.usable_cores()
    if asked is not None:
        if asked < 1:
            raise SpecError("workers", asked, "at least 1")
        return asked, max(1, cores // asked)
    if not on_cpu or expected < WORTH_PROCESSES:
        return 1, cores
    count = max(1, min(cores, machine.total_memory() // 2 // PROCESS))
    return count, cores // count


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
    model = trial.model.to_json()
    any_size = small and models.separate(model.pop("name"), **model)
    return (
        trial.dataset.sha256,
        None if any_size else trial.size,
        trial.model.identity,
        trial.recipe.identity,
        trial.validation,
        trial.subset,
        trial.precision,
    )


def _group(trial: Trial, tuning: Tuning | None) -> tuple[object, ...]:
    """Names the trials that do."""
    own_images = tuning.own_images if tuning else step_flops(trial) < SMALL_STEP
    return *_alike(trial), None if own_images else trial.source


def _length(trial: Trial) -> tuple[float, int]:
    """Steps that a trial is expected to take, then its size: who trains about as long as who."""
    batches = -(-trial.n_rows // trial.recipe.batch_size)
    return expected_epochs(trial) * batches, trial.size


def _largest(group: Sequence[Trial]) -> Trial:
    """The one that needs most memory; in its stack all have batches as wide as its own."""
    return max(group, key=lambda trial: trial.size)


def _parts(stacks: int, workers: int) -> int:
    """How many parts each group is cut into, for so many stacks to keep all workers busy."""
    return min(workers, -(-STACKS_A_PROCESS * workers // max(1, stacks)))


def _chunks(group: Sequence[Trial], width: int, parts: int = 1) -> list[list[Trial]]:
    """Stacks of nearly equal widths, none above ``width``, a multiple of ``parts`` of them."""
    count = -(-len(group) // width)
    count = min(-(-count // parts) * parts, len(group))
    bounds = [len(group) * i // count for i in range(count + 1)]
    return [list(group[a:b]) for a, b in pairwise(bounds)]


def _fitting(trial: Trial, memory: int) -> int:
    """Members of a stack, at least one, for which there is memory."""
    widths = range(1, MAX_WIDTH + 1)
    return max(1, bisect(widths, memory, key=lambda width: stack_memory(trial, width)))
