"""Which trials train together, and what that will cost.

Trials that share data set, model, recipe and validation policy can be one network. Those of one
replicate and size also share their images; where a model's step is so small that its overhead
counts, replicates and sizes are put together too, every member then with images of its own.
Estimators are fitted one after the other; those of the same items share a job, whose inputs are
made once.

Stacks are cut beforehand by expected work, so that all cores are busy to the end; never by the
number of workers, so that results are the same for any number of them.
"""

from __future__ import annotations

from bisect import bisect
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, groupby, pairwise
from typing import NamedTuple

from gigo import costs
from gigo.costs import (
    CORE_SPEED,
    expected_epochs,
    own_inputs,
    separate,
    stack_memory,
    step_flops,
)
from gigo.errors import SpecError
from gigo.machine import Machine
from gigo.trial import Trial

MAX_WIDTH = 128
"""More members in a stack gain nothing and lose more when a run is cut off."""

SMALL_STEP = 1e9
"""Floating-point operations of one member's step, below which replicates are put together."""

STACKS = 12
"""On a CPU no stack is to be more than about one in so many of the whole expected work..."""

STACKS_PER_CORE = 6
"""...nor, on a machine of many cores, more than one in so many for each of them."""

FINER = 4
"""Jobs of estimators are smaller by this: nothing is gained by long ones, and the guess of what
each takes may be off."""

STEP = 1.5e-3
"""Seconds that a step of a stack takes on a CPU whatever its width; rough."""

MEMBER = 1e-4
"""Seconds that a member's part of a step takes beside its arithmetic; rough."""

NARROW = 1 / 7
"""Stacks are not made so narrow that `STEP` is more than this share of what members take."""

WORTH_PROCESSES = 20.0
"""Seconds of one core's work below which several processes cost more than they save."""

PROCESS = 400 << 20
"""Bytes that a training process takes before it trains anything: PyTorch, above all."""


class Effort(NamedTuple):
    """What training a trial is expected to take; rough.

    Attributes:
        seconds: of one core, beside its share of what a stack takes for each step.
        steps: of the optimiser.
        step: seconds of one core for one step.
    """

    seconds: float
    steps: float
    step: float


@dataclass(frozen=True)
class Plan:
    """What training some trials takes.

    Attributes:
        stacks: trials that train together, in the order in which they begin.
        processes: stacks in training at a time.
        threads: of each process.
        room: bytes that a stack may need.
        memory: bytes that all processes need beside their data sets, estimated from above.
        seconds: from beginning to end; a rough estimate, of this machine's processor.
    """

    stacks: list[list[Trial]]
    processes: int
    threads: int
    room: int
    memory: int
    seconds: float


def plan(
    trials: Iterable[Trial],
    machine: Machine,
    *,
    workers: int | None = None,
    accelerator: int | None = None,
    begun: Sequence[Sequence[Trial]] = (),
) -> Plan:
    """Group trials into stacks, and say how they are trained.

    Args:
        trials: to train.
        machine: to train on.
        workers: processes at once; None leaves that to gigo.
        accelerator: bytes that a stack may need on the device that trains; None trains on the CPU.
        begun: stacks that were in training when a run was cut off; they begin first.

    Raises:
        SpecError: less than one worker.
    """
    trials = list(trials)
    kept = [list(stack) for stack in begun]
    known = efforts([*trials, *(trial for stack in kept for trial in stack)])
    whole = sum(effort.seconds for effort in known.values())
    processes = _processes(workers, whole, machine, on_cpu=accelerator is None)
    room = share(machine, workers) if accelerator is None else accelerator
    limit = whole / max(STACKS, STACKS_PER_CORE * machine.cores)
    if accelerator is not None or whole < WORTH_PROCESSES:
        limit = None
    fresh = [stack for group in _groups(trials) for stack in _cut(group, known, room, limit)]
    fresh.sort(key=lambda stack: expected(stack, known), reverse=True)
    if processes == 1:  # one data set after the other, since a process holds one at a time
        places = {name: i for i, name in enumerate(dict.fromkeys(t.dataset.sha256 for t in trials))}
        fresh.sort(key=lambda stack: places[stack[0].dataset.sha256])
    stacks = kept + fresh
    threads = machine.cores if len(stacks) < 2 else max(1, machine.cores // processes)
    if all(stack[0].model.trainer == "estimator" for stack in stacks):
        threads = 1
    processes = max(1, min(processes, len(stacks)))
    largest = max((stack_memory(_largest(stack), len(stack)) for stack in stacks), default=0)
    times = [expected(stack, known) for stack in stacks]
    return Plan(
        stacks=stacks,
        processes=processes,
        threads=threads,
        room=room,
        memory=processes * (PROCESS + largest) + (PROCESS if processes > 1 else 0),
        seconds=max(sum(times) / processes, max(times, default=0.0)),
    )


def efforts(trials: Iterable[Trial]) -> dict[str, Effort]:
    """What trials are expected to take, by key."""
    known: dict[tuple[object, ...], Effort] = {}
    found: dict[str, Effort] = {}
    for trial in trials:
        kind = _kind(trial)
        if kind not in known:
            known[kind] = _effort(trial)
        found[trial.key] = known[kind]
    return found


def _effort(trial: Trial) -> Effort:
    seconds = costs.seconds(trial)
    if trial.model.trainer == "estimator":
        return Effort(seconds, 0.0, 0.0)
    steps = expected_epochs(trial) * -(-trial.n_rows // trial.recipe.batch_size)
    step = step_flops(trial) / CORE_SPEED[trial.precision] + MEMBER
    return Effort(seconds + steps * MEMBER, steps, step)


def expected(stack: Iterable[Trial], known: Mapping[str, Effort]) -> float:
    """Seconds that training a stack is expected to take on one core; rough."""
    each = [known[trial.key] for trial in stack]
    return STEP * max(effort.steps for effort in each) + sum(effort.seconds for effort in each)


def share(machine: Machine, workers: int | None = None) -> int:
    """Bytes that a stack may need, for one process per core or for more, if more are asked for."""
    count = max(_most(machine), workers or 1)
    return max(machine.memory // 2 // count - PROCESS, 1)


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
        if not stack:
            return []
        count = -(-len(stack) // _fitting(_largest(stack), self.memory))
        bounds = [len(stack) * i // count for i in range(count + 1)]
        return [list(stack[a:b]) for a, b in pairwise(bounds)]


def _processes(asked: int | None, work: float, machine: Machine, *, on_cpu: bool) -> int:
    """How many training processes there are to be at most.

    One per core, where there is enough to do and half of the memory holds them; an accelerator is
    one process's.

    Args:
        asked: by the user; None leaves it to gigo.
        work: seconds of one core.
        machine: to train on.
        on_cpu: whether that is where training runs.

    Raises:
        SpecError: less than one.
    """
    if asked is not None:
        if asked < 1:
            raise SpecError("workers", asked, "at least 1")
        return asked
    return _most(machine) if on_cpu and work >= WORTH_PROCESSES else 1


def _most(machine: Machine) -> int:
    """Processes of one machine: one per core, as many as half of its memory holds."""
    return max(1, min(machine.cores, machine.memory // 2 // PROCESS))


def _kind(trial: Trial) -> tuple[object, ...]:
    """Names the trials that take the same effort."""
    return (
        trial.dataset.sha256,
        trial.size,
        trial.model.identity,
        trial.recipe.identity,
        trial.validation,
        trial.subset,
        trial.precision,
        trial.n_rows,
    )


def _groups(trials: Iterable[Trial]) -> list[list[Trial]]:
    """The trials that may train together."""
    kinds: dict[tuple[object, ...], list[Trial]] = {}
    for trial in trials:
        kinds.setdefault(_kind(trial), []).append(trial)
    groups: dict[tuple[object, ...], list[Trial]] = {}
    for kind, alike in kinds.items():
        data, size, *others, rows = kind
        network = alike[0].model.trainer == "network"
        small = network and step_flops(alike[0]) < SMALL_STEP
        # Where sizes differ, short batches are padded, which batch normalisation would see.
        any_size = small and separate(alike[0])
        for trial in alike:
            source = None if small else (trial.seed, trial.replicate)
            sizes = () if any_size else (size, rows, *_alone(trial))
            name = (data, *sizes, *others, source, _tested_on(trial))
            groups.setdefault(name, []).append(trial)
    return list(groups.values())


def _alone(trial: Trial) -> tuple[object, ...]:
    """Names a trial of which nobody knows how many items a corruption leaves."""
    corruption = trial.corruption
    return () if corruption is None or not corruption.resizes else (trial.key,)


def _tested_on(trial: Trial) -> str | None:
    """Names the test sets that a corruption brings: members of a stack share theirs."""
    corruption = trial.corruption
    return corruption.identity if corruption is not None and corruption.probed else None


def _cut(
    group: Sequence[Trial], known: Mapping[str, Effort], room: int, limit: float | None
) -> list[list[Trial]]:
    """A group as stacks, the longest trials first.

    A trial fills a share of a stack: its share of the work that a stack may be, within the widths
    that memory and overhead allow. Stacks are cut where as much is filled in each.

    Args:
        group: trials that may train together.
        known: what they are expected to take.
        room: bytes that a stack may need.
        limit: seconds of work that a stack may be, about; None for as much as there is room for.
    """
    if group[0].model.trainer == "estimator":
        return _parts(group, known, limit)
    group = sorted(group, key=lambda trial: (known[trial.key].steps, trial.size), reverse=True)
    widest = _fitting(_largest(group), room)
    narrowest = min(max(1, int(STEP / (NARROW * known[group[0].key].step))), widest)
    shares = [
        min(max(known[trial.key].seconds / limit if limit else 0.0, 1 / widest), 1 / narrowest)
        for trial in group
    ]
    filled = list(accumulate(shares))
    count = max(round(filled[-1]), -(-len(group) // widest))
    while True:
        # By the middle of what it fills, so that rounding does not matter where trials are alike.
        places = [
            int((end - share / 2) / filled[-1] * count)
            for end, share in zip(filled, shares, strict=True)
        ]
        numbered = zip(places, group, strict=True)
        stacks = [[t for _, t in part] for _, part in groupby(numbered, key=lambda each: each[0])]
        if max(map(len, stacks)) <= widest:
            return stacks
        count += 1


def _parts(
    group: Sequence[Trial], known: Mapping[str, Effort], limit: float | None
) -> list[list[Trial]]:
    """Trials of estimators as jobs, whole where they share what is done once for all of them."""
    count = 1
    if limit is not None and not group[0].model.shares:
        work = sum(known[trial.key].seconds for trial in group)
        count = min(max(1, round(work * FINER / limit)), len(group))
    bounds = [len(group) * i // count for i in range(count + 1)]
    return [list(group[a:b]) for a, b in pairwise(bounds)]


def _largest(group: Sequence[Trial]) -> Trial:
    """The one that needs most memory; in its stack all have batches as wide as its own."""
    return max(group, key=lambda trial: (max(trial.size, trial.n_rows), own_inputs(trial)))


def _fitting(trial: Trial, memory: int) -> int:
    """Members of a stack, at least one, for which there is memory."""
    widths = range(1, MAX_WIDTH + 1)
    return max(1, bisect(widths, memory, key=lambda width: stack_memory(trial, width)))
