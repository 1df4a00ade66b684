"""Members with different numbers of items: each sees what it would see alone, at its own pace."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from engine_setup import (
    BASE,
    CPU,
    digits,
    finish,
    largest_difference,
    losses,
    trial,
    trials,
    weights,
)
from factories import own_model
from gigo import planner
from gigo.engine.control import Control
from gigo.engine.feed import Feed, Member, padded
from gigo.engine.training import EpochDone, TrainingStack, stack_width, train
from gigo.errors import EngineError
from gigo.machine import Machine
from gigo.recipe import Recipe
from gigo.rng import Stream
from gigo.sample import sample
from gigo.trial import Trial

Batches = dict[str, list[tuple[list[int], list[int]]]]

SIZES = (17, 40, 64)
SGD = BASE.model_copy(update={"optimizer": "sgd", "learning_rate": 0.02})


def of_sizes(sizes: Sequence[int], **fields: Any) -> list[Trial]:
    """Two of each size, in two replicates."""
    resident = fields.pop("resident", digits(torch.float64))
    return [one for n in sizes for one in trials(resident, [0.3], [0, 1], size=n, **fields)]


def weights_at_ends(
    members: Sequence[Trial], steps: int
) -> tuple[dict[str, dict[int, list[Tensor]]], dict[str, list[float]]]:
    """Train so many steps; each member's weights by step at the ends of its epochs, and losses."""
    stack = TrainingStack(members, digits(torch.float64))
    found: dict[str, dict[int, list[Tensor]]] = {one.key: {} for one in members}
    while stack.optimizer.steps < steps:
        stack.run_epoch()
        now = weights(stack)
        for member, position in zip(stack.members, stack.feed.position, strict=True):
            if position == 0:
                found[member.trial.key][stack.optimizer.steps] = now[member.trial.key]
    return found, losses(stack)


@pytest.mark.parametrize("batch_size", [8, 16])
@pytest.mark.parametrize("recipe", [BASE, SGD], ids=["adam", "sgd"])
def test_sizes_together_equal_each_alone_to_1e_8_over_200_steps(
    batch_size: int, recipe: Recipe
) -> None:
    recipe = recipe.model_copy(update={"batch_size": batch_size, "schedule": "cosine"})
    members = of_sizes(SIZES, recipe=recipe, validation="none")
    together, curves = weights_at_ends(members, 200)
    for one in members:
        alone, curve = weights_at_ends([one], 200)
        at = max(together[one.key])
        assert at >= 200 - 64 // batch_size and at in alone[one.key]
        assert largest_difference(together[one.key][at], alone[one.key][at]) < 1e-8
        epochs = len(curves[one.key])
        assert epochs == at // -(-one.size // batch_size)
        np.testing.assert_allclose(curves[one.key], curve[one.key][:epochs], rtol=0, atol=1e-8)


# What they see


@cache
def world() -> list[Trial]:
    """Of many sizes, in three replicates."""
    some = dict[str, Any](validation="none", recipe=BASE)
    return [
        trial(digits(), size=n, replicate=n % 3, rate=0.5 * (n % 2), **some) for n in range(1, 60)
    ] + [trial(digits(), size=24, replicate=1, rate=rate, **some) for rate in (0.2, 0.8)]


def seen(members: Sequence[Trial], batch_size: int, epochs: int) -> Batches:
    """The batches that each member is trained on, to the end, without the training."""
    recipe = BASE.model_copy(update={"batch_size": batch_size, "epochs": epochs})
    members = [replace(one, recipe=recipe) for one in members]
    started = [Member(one, sample(one, digits().dataset)) for one in members]
    feed, control = Feed(started, recipe), Control(recipe, len(started))
    found: Batches = {one.key: [] for one in members}
    while started:
        running = ~control.stopped
        stretch = feed.stretch(control.epoch, running)
        for batch in stretch.batches(batch_size, CPU):
            width, widest = batch.labels.shape
            own = [widest] * width if batch.counts is None else batch.counts.tolist()
            assert max(own) == widest <= batch_size
            rows = batch.items.expand(batch.labels.shape)
            for i in np.flatnonzero(running):
                mine = rows[i, : own[i]].tolist(), batch.labels[i, : own[i]].tolist()
                found[started[i].trial.key].append(mine)
        control.update(None, np.zeros(len(started), bool), feed.advance(stretch, running))
        staying = np.flatnonzero(~control.stopped)
        if stack_width(len(staying)) < len(started):
            assert {*control.epoch[control.stopped]} <= {epochs}
            started = [started[i] for i in staying]
            feed.keep(staying)
            control.keep(staying)
    return found


def expected(one: Trial, batch_size: int, epochs: int) -> list[tuple[list[int], list[int]]]:
    """The same by the rules."""
    part, n = sample(one, digits().dataset), one.size
    batches: list[tuple[list[int], list[int]]] = []
    for epoch in range(epochs):
        order = Stream(one.seed, one.replicate, f"order/{epoch}").permutation(n)
        for rows in np.split(order, range(batch_size, n, batch_size)):
            batches.append((part.rows[rows].tolist(), part.labels[rows].tolist()))
    return batches


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.sampled_from(world()), min_size=1, max_size=12, unique_by=lambda t: t.key),
    st.integers(1, 40),
    st.integers(1, 4),
)
def test_a_member_sees_the_batches_that_it_sees_alone(
    members: list[Trial], batch_size: int, epochs: int
) -> None:
    found = seen(members, batch_size, epochs)
    for one, batches in zip(members, found.values(), strict=True):
        assert batches == expected(one, batch_size, epochs)
    first, batches = next(iter(found.items()))
    assert seen(members[:1], batch_size, epochs) == {first: batches}


def test_members_of_one_replicate_and_size_share_images_and_others_do_not() -> None:
    same = trials(digits(), [0, 0.5], [0], size=20)
    assert TrainingStack(same, digits()).feed.shared
    assert not TrainingStack([*same, trial(digits(), size=21)], digits()).feed.shared


@given(st.lists(st.lists(st.integers(0, 99), min_size=1), min_size=1))
def test_rows_are_padded_with_their_last_value(rows: list[list[int]]) -> None:
    whole, lengths = padded([np.array(row) for row in rows])
    assert lengths.tolist() == list(map(len, rows))
    for row, own in zip(whole, rows, strict=True):
        assert row.tolist() == own + [own[-1]] * (max(map(len, rows)) - len(own))


# Whole stacks


def test_the_epoch_told_is_the_largest_of_those_still_training() -> None:
    recipe = BASE.model_copy(update={"epochs": 3, "batch_size": 10})
    members = [trial(digits(), size=n, recipe=recipe, validation="none") for n in (10, 20, 60)]
    told = [(e.epoch, e.running) for e in train(members, digits()) if isinstance(e, EpochDone)]
    # The first ends its epochs after steps 1, 2, 3, the second after 2, 4, 6, the last after 6...
    assert told == [(1, 3), (2, 3), (1, 2), (2, 2), (1, 1), (2, 1), (3, 0)]


def test_a_set_in_many_small_parts_is_one_stack() -> None:
    resident = digits()
    recipe = Recipe(batch_size=8, epochs=4, patience=0, learning_rate=3e-3)
    members = trials(resident, [0], range(60), size=20, recipe=recipe, validation="none")
    (stack,) = planner.plan(members, Machine()).stacks
    records, events = finish(stack, resident)
    assert {event.width for event in events} == {60}
    assert len({tuple(record.curve["train_loss"]) for record in records.values()}) == 60
    for one in members[::20]:
        (alone,) = finish([one], resident)[0].values()
        mine = records[one.key]
        np.testing.assert_allclose(
            mine.curve["train_loss"], alone.curve["train_loss"], rtol=0, atol=1e-4
        )


def dropping(*_: object, **__: object) -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Dropout(0.5), nn.Linear(64, 10))


def normalising(*_: object, **__: object) -> nn.Module:
    return nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Flatten(), nn.Linear(72, 10))


@pytest.mark.parametrize("build", [dropping, normalising])
def test_sizes_are_refused_where_a_member_would_see_its_company(
    build: Callable[..., nn.Module],
) -> None:
    mine = own_model(build)
    TrainingStack(of_sizes([40], model=mine), digits(torch.float64))
    with pytest.raises(EngineError, match="expected members of one size"):
        TrainingStack(of_sizes([20, 40], model=mine), digits(torch.float64))
