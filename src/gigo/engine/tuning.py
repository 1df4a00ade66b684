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

from gigo.engine.device import out_of_memory
from gigo.engine.resident import Resident
from gigo.engine.training import TrainingStack
from gigo.planner import TUNING, TUNING_STEPS, Question, Tuning
from gigo.trial import HELD_OUT, Trial

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
"""Steps timed at most, after one that is not counted."""
ENOUGH = 0.1
"""Seconds of timed steps after which no more are taken."""
LONG = 1.0
"""A step of so many seconds is timed once, and counted although it is the first."""
STEPS = 4
"""Steps between two readings of the clock where they are short."""


def tune(question: Question, resident: Resident) -> Tuning:
    """Time a few widths of a stack on the device.

    Takes at most `TUNING` seconds or `TUNING_STEPS` steps of one member, whichever is more, and
    half as much where all trials share their images.

    Args:
        question: what may train together, from `gigo.planner.questions`.
        resident: the data set, on the device and in the dtype to train in.

    Raises:
        MemoryError, RuntimeError: memory does not suffice for one member.
    """
    return settle(lambda width, own: _step_seconds(question.trial, resident, width, own), question)


def settle(measure: Measure, question: Question, clock: Clock = time.perf_counter) -> Tuning:
    """The tuning that measurements lead to."""
    shared = climb(lambda width: measure(width, False), question.sharing, clock)
    width = choose(shared)
    if question.sharing == question.limit:
        return Tuning(width, own_images=False)  # nobody to be put together with
    own = climb(lambda width: measure(width, True), question.limit, clock)
    wider = choose(own)
    as_good = own[wider] >= OWN_AS_GOOD * shared[width]
    return Tuning(wider, own_images=True) if as_good else Tuning(width, own_images=False)


def choose(throughputs: Mapping[int, float]) -> int:
    """The narrowest width within `CLOSE` of the best of some throughputs by width."""
    best = max(throughputs.values())
    return min(width for width, value in throughputs.items() if value >= (1 - CLOSE) * best)


def climb(measure: Callable[[int], float], limit: int, clock: Clock) -> dict[int, float]:
    """Member steps a second at widths 1, 2, 4... and ``limit``, as long as wider may be better.

    Ends early when throughput has fallen, when two widths in a row brought next to nothing, when
    memory runs out, or when the next width would take longer than there is time for.
    """
    found: dict[int, float] = {}
    idle, started, allowed = 0, clock(), 0.0
    width = 1
    while True:
        begun = clock()
        try:
            seconds = measure(width)
        except (MemoryError, RuntimeError) as error:
            if not found or not out_of_memory(error):
                raise
            return found
        best = max(found.values(), default=0.0)
        found[width] = width / max(seconds, 1e-9)
        idle = 0 if found[width] >= (1 + GAIN) * best else idle + 1
        allowed = allowed or max(TUNING, TUNING_STEPS * seconds) / 2
        following = min(2 * width, limit)
        expected = (clock() - begun) * following / width
        out_of_time = clock() - started + expected > allowed
        if width == limit or idle == 2 or found[width] < (1 - FALLEN) * best or out_of_time:
            return found
        width = following


def _step_seconds(trial: Trial, resident: Resident, width: int, own_images: bool) -> float:
    """Of one step of ``width`` members; the median of a few, of one if it is long."""
    held_out = round(HELD_OUT * trial.size) if trial.validation in ("clean", "noisy") else 0
    items = trial.size - held_out
    batch = min(trial.recipe.batch_size, items)
    # An epoch of one step first, which tells how long one is.
    first = _epoch_seconds(_stack(trial, resident, width, own_images, batch))
    if first >= LONG:
        return first
    steps = 1 if first >= ENOUGH else min(STEPS, max(1, items // batch))
    stack = _stack(trial, resident, width, own_images, steps * batch)
    _epoch_seconds(stack)
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
