"""Small worlds for the engine, and what one reads off a stack in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import torch
from torch import Tensor

from factories import card_of, corruption_of, model_of
from gigo import datasets
from gigo.engine.resident import Resident
from gigo.engine.training import EpochDone, TrainingStack, train
from gigo.recipe import Recipe
from gigo.records import Record
from gigo.trial import Trial
from gigo.types import Dataset

CPU = torch.device("cpu")
BASE = Recipe(batch_size=8, epochs=1000, patience=0, plateau_patience=0)


@cache
def digits(dtype: torch.dtype = torch.float32) -> Resident:
    return Resident(datasets.load("digits"), CPU, dtype)


@cache
def made_up(side: int, dtype: torch.dtype = torch.float32, channels: int = 1) -> Resident:
    """60 noisy uint8 images of each part, of 10 classes that can be learned."""
    rng = np.random.default_rng(side)
    patterns = rng.integers(0, 200, (10, channels, side, side))
    labels = np.arange(120) % 10
    images = (patterns[labels] + rng.integers(0, 56, (120, channels, side, side))).astype(np.uint8)
    names = tuple(map(str, range(10)))
    tests = {"test": (images[60:], labels[60:])}
    dataset = Dataset(
        "made up", images[:60], labels[:60], tests, names, "image", "0" * 64, "made up"
    )
    return Resident(dataset, CPU, dtype)


def trial(resident: Resident, **fields: Any) -> Trial:
    """40 items of a data set, learned from without corruption; ``corruption`` by its name."""
    kind = fields.pop("corruption", "symmetric")
    first = Trial(
        dataset=card_of(resident.dataset),
        size=40,
        corruption=None,
        rate=0.0,
        subset="random",
        model=model_of("small_cnn"),
        recipe=BASE,
        validation="oracle",
        precision=str(resident.dtype).removeprefix("torch."),
        seed=0,
        replicate=0,
    )
    made = replace(first, **fields)
    return replace(made, corruption=corruption_of(kind)) if made.rate else made


def trials(
    resident: Resident, rates: Sequence[float], replicates: Sequence[int], **fields: Any
) -> list[Trial]:
    return [
        trial(resident, rate=rate, replicate=replicate, **fields)
        for rate in rates
        for replicate in replicates
    ]


def finish(
    members: Sequence[Trial], resident: Resident
) -> tuple[dict[str, Record], list[EpochDone]]:
    """Train to the end: the records by key, and the epochs' events."""
    records: dict[str, Record] = {}
    epochs: list[EpochDone] = []
    for event in train(members, resident):
        if isinstance(event, Record):
            assert event.key not in records
            records[event.key] = event
        elif isinstance(event, EpochDone):
            epochs.append(event)
    return records, epochs


def weights(stack: TrainingStack) -> dict[str, list[Tensor]]:
    """Each member's parameters as they are now, by the trial's key."""
    return {
        member.trial.key: [tensor[i].clone() for tensor in stack.optimizer.parameters]
        for i, member in enumerate(stack.members)
    }


def losses(stack: TrainingStack) -> dict[str, list[float]]:
    """Each member's training loss by epoch, by the trial's key."""
    return {m.trial.key: list(m.curve["train_loss"]) for m in stack.members}


def dismiss(stack: TrainingStack, rows: Sequence[int]) -> list[Record]:
    """Have some members stop and leave now."""
    stack.control.stopped[list(rows)] = True
    return list(stack.leave())


def largest_difference(a: Sequence[Tensor], b: Sequence[Tensor]) -> float:
    return max(float((x - y).abs().max()) for x, y in zip(a, b, strict=True))
