"""How many models to train together, and whether on shared images, found by timing some steps.

Wider stacks are faster while a step's overhead counts and slower once its tensors no longer fit a
cache; where that turns depends on the device, the network and the batch. So a few widths are tried
with the real engine on the real data set, on made-up members. Results do not depend on the width
chosen, except by rounding.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from statistics import median

import torch

from gigo.costs import step_flops
from gigo.engine.device import out_of_memory
from gigo.engine.resident import Resident
from gigo.engine.training import TrainingStack
from gigo.planner import (
    SMALL_STEP,
    TUNING,
    TUNING_STEPS,
    Question,
    Tuning,
)
from gigo.trial import Trial

Measure = Callable[[int, bool], float]
"""``(width, own_images) -> seconds`` that a step of a stack takes."""
Clock = Callable[[], float]

CLOSE = 0.03
"""A width within this share of the best throughput is as good, and the narrowest of them better: it
loses less when cut off and takes less memory."""

FALLEN = 0.10
"""Having fallen by this share below the best, throughput is not expected to rise again."""

GAIN = 0.02
"""What two wider stacks in a row must bring at least, one of them, for a third to be tried."""

OWN_AS_GOOD = 0.95
"""Members get images of their own, which lets replicates train together, from this share of the
throughput on shared ones."""

SAMPLES = 5
"""Readings of the clock at most, after one that is not counted."""
ENOUGH = 0.1
"""Seconds of timed steps after which no more are taken."""
LONG = 1.0
"""A step of so many seconds is timed once, and counted although it is the first."""
STEPS = 4
"""Steps between two readings of the clock where they are short."""


def tune(question: Question, resident: Resident) -> Tuning:
    """Time a few widths of a stack on the device.

    Takes at most about `TUNING` seconds or `TUNING_STEPS` steps of one member, whichever is more.

    Args:
        question: what may train together, from `gigo.planner.questions`.
        resident: the data set, on the device and in the dtype to train in.

    Raises:
        MemoryError, RuntimeError: memory does not suffice for one member.
    """
    return settle(lambda width, own: _step_seconds(question.trial, resident, width, own), question)


def settle(measure: Measure, question: Question, clock: Clock = time.perf_counter) -> Tuning:
    """The tuning that measurements lead to."""
    shared, own = climb(measure, question, clock)
    width = choose(shared)
    if not own:  # nobody to be put together with
        return Tuning(width, own_images=False)
    wider = choose(own)
    as_good = own[wider] >= OWN_AS_GOOD * shared[width]
    return Tuning(wider, own_images=True) if as_good else Tuning(width, own_images=False)


def choose(throughputs: Mapping[int, float]) -> int:
    """The narrowest width within `CLOSE` of the best of some throughputs by width."""
    best = max(throughputs.values())
    return min(width for width, value in throughputs.items() if value >= (1 - CLOSE) * best)


def promising(throughputs: Mapping[int, float]) -> bool:
    """Whether wider stacks may be faster than those tried, by their throughputs in order of width.

    Not if it has fallen, nor if two widths in a row brought next to nothing.
    """
    best, idle = 0.0, 0
    for value in throughputs.values():
        if value < (1 - FALLEN) * best:
            return False
        idle = 0 if value >= (1 + GAIN) * best else idle + 1
        best = max(best, value)
    return idle < 2


def climb(
    measure: Measure, question: Question, clock: Clock = time.perf_counter
) -> tuple[dict[int, float], dict[int, float]]:
    """Member steps a second by width: on shared images, and on own ones if that is a question.

    Widths are 1, 2, 4... and the limit, as long as they are `promising` and there is time for twice
    what the last one took. Where memory runs out, narrower ones are all there is.
    """
    limits = {False: question.sharing, True: question.limit}
    if question.sharing == question.limit:
        del limits[True]
    found: dict[bool, dict[int, float]] = {False: {}, True: {}}
    started, allowed, width = clock(), TUNING, 1
    while limits:
        begun = clock()
        for own, limit in list(limits.items()):
            here = min(width, limit)
            seconds = _unless_full(measure, here, own)
            if seconds is not None:
                found[own][here] = here / max(seconds, 1e-9)
                allowed = max(allowed, TUNING_STEPS * seconds / here)
            if seconds is None or here == limit or not promising(found[own]):
                del limits[own]
        now = clock()
        if now - started + 2 * (now - begun) > allowed:
            break
        width *= 2
    return found[False], found[True]


def _unless_full(measure: Measure, width: int, own_images: bool) -> float | None:
    """The measurement, None where memory does not suffice for more than one member."""
    try:
        return measure(width, own_images)
    except (MemoryError, RuntimeError) as error:
        if width == 1 or not out_of_memory(error):
            raise
        return None


def _step_seconds(trial: Trial, resident: Resident, width: int, own_images: bool) -> float:
    """Of one step of ``width`` members; the median of a few, of one if it is long."""
    items = trial.n_rows
    batch = min(trial.recipe.batch_size, items)
    short = resident.device.type != "cpu" or width * step_flops(trial) < SMALL_STEP
    steps = min(STEPS, items // batch) if short else 1
    stack = _stack(trial, resident, width, own_images, steps * batch)
    first = _epoch_seconds(stack)
    if first >= LONG:
        return first / steps
    samples: list[float] = []
    while len(samples) < SAMPLES and sum(samples) < ENOUGH:
        samples.append(_epoch_seconds(stack))
    return median(samples) / steps


def _stack(
    trial: Trial, resident: Resident, width: int, own_images: bool, items: int
) -> TrainingStack:
    """A stack of members like ``trial`` whose epoch trains on so many items, and no more."""
    # Labels and validation do not matter to a step; subsets of their own would take time to draw.
    short = replace(
        trial,
        corruption=None,
        rate=0.0,
        size=items,
        subset="first",
        validation="none",
        recipe=trial.recipe.model_copy(update={"epochs": 1_000_000}),
    )
    members = [replace(short, replicate=i if own_images else 0) for i in range(width)]
    return TrainingStack(members, resident)


def _epoch_seconds(stack: TrainingStack) -> float:
    device = stack.optimizer.parameters[0].device
    _wait_for(device)
    started = time.perf_counter()
    stack.run_epoch()
    _wait_for(device)
    return time.perf_counter() - started


def _wait_for(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
