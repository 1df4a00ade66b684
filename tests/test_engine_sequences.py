"""Signals, sequences and items of any other shape train as images do: alike alone and together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache

import numpy as np
import pytest
import torch
from torch import nn

from engine_setup import BASE, CPU, finish, largest_difference, losses, trials, weights
from factories import own_model
from gigo.engine.resident import Resident
from gigo.engine.routes import route
from gigo.engine.training import TrainingStack
from gigo.errors import EngineError
from gigo.models.networks import linear
from gigo.trial import Trial
from gigo.types import Dataset
from sequences import NETWORKS, VOCABULARY, WHOLE, Attention, Gru, Words

Build = Callable[[tuple[int, ...], int], nn.Module]

KINDS = pytest.mark.parametrize("build", NETWORKS, ids=lambda build: build.__name__)
STREAMS = pytest.mark.parametrize("replicates", [(0,), (0, 1)], ids=["shared", "own"])


@cache
def world(build: Build, dtype: torch.dtype = torch.float64) -> Resident:
    """60 items of 3 classes for training and 60 for testing; ids of a class have a word of it."""
    shape, _ = NETWORKS[build]
    rng, labels = np.random.default_rng(0), np.arange(120) % 3
    if build in WHOLE:
        x = rng.integers(3, VOCABULARY, (120, *shape))
        x[:, -1] = labels
    else:
        x = rng.normal(size=(3, *shape))[labels] + rng.normal(size=(120, *shape))
        x = x.astype(np.float32)
    tests = {"test": (x[60:], labels[60:])}
    names = ("a", "b", "c")
    return Resident(
        Dataset("made up", x[:60], labels[:60], tests, names, "vector", "0" * 64, "made up"),
        CPU,
        dtype,
    )


def company(build: Build, replicates: Sequence[int]) -> list[Trial]:
    model = own_model(build)
    return trials(world(build), [0, 0.5], replicates, validation="none", model=model)


def after(members: Sequence[Trial], resident: Resident, steps: int) -> TrainingStack:
    stack = TrainingStack(members, resident)
    for _ in range(steps // 5):  # five batches an epoch
        stack.run_epoch()
    assert stack.optimizer.steps == steps
    return stack


@KINDS
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16], ids=str)
def test_every_network_goes_its_way_in_every_precision(build: Build, dtype: torch.dtype) -> None:
    shape, path = NETWORKS[build]
    assert route(build(shape, 3), world(build, dtype).train, 3, "mine").path == path


@KINDS
@STREAMS
def test_together_equals_alone_to_1e_8_over_200_steps_in_float64(
    build: Build, replicates: Sequence[int]
) -> None:
    members, resident = company(build, replicates), world(build)
    together = after(members, resident, 200)
    for one in (members[0], members[-1]):
        alone = after([one], resident, 200)
        assert largest_difference(weights(alone)[one.key], weights(together)[one.key]) < 1e-8
        np.testing.assert_allclose(losses(alone)[one.key], losses(together)[one.key], atol=1e-8)


@pytest.mark.parametrize("build", [Words, Gru, Attention], ids=lambda build: build.__name__)
def test_members_of_different_sizes_train_together_as_alone(build: Build) -> None:
    resident = world(build)
    members = [
        one
        for size in (17, 40)
        for one in trials(
            resident, [0.5], [0, 1], size=size, model=own_model(build), validation="none"
        )
    ]
    together = TrainingStack(members, resident)
    while together.optimizer.steps < 30:
        together.run_epoch()
    for member in together.members:
        alone = TrainingStack([member.trial], resident)
        while alone.control.epoch[0] < member.epochs:
            alone.run_epoch()
        mine, other = losses(alone)[member.trial.key], member.curve["train_loss"]
        np.testing.assert_allclose(mine, other, atol=1e-8)


@KINDS
def test_what_can_be_learned_is(build: Build) -> None:
    resident = world(build, torch.float32)
    recipe = BASE.model_copy(update={"epochs": 40, "learning_rate": 0.02})
    members = trials(resident, [0], [0], size=60, recipe=recipe, model=own_model(build))
    (record,) = finish(members, resident)[0].values()
    assert record.measures["accuracy"] > 0.6


def test_a_network_for_real_numbers_is_refused_for_ids() -> None:
    ids = world(next(iter(WHOLE))).train
    with pytest.raises(EngineError, match=r"^model mine: .*dtype"):
        route(linear((9,), 3), ids, 3, "mine")
