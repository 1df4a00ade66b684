"""Which data reaches which member, and what prediction makes of it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from engine_setup import CPU, digits, dismiss, made_up, trial, trials
from gigo.costs import EVALUATED
from gigo.engine.evaluation import predict
from gigo.engine.resident import Inputs
from gigo.engine.stacking import Stack, stacked_tensors
from gigo.engine.training import TrainingStack, stack_width
from gigo.models.networks import small_cnn
from gigo.rng import Stream
from gigo.sample import sample
from gigo.trial import Trial

Seen = dict[str, tuple[list[int], list[int]]]

GRID = trials(digits(), rates=[0, 0.3, 0.6], replicates=[0, 1, 2], validation="clean")


def seen(stack: TrainingStack) -> Seen:
    """The items and labels of the coming epoch, in order, by trial."""
    coming = stack.feed.stretch(stack.control.epoch, ~stack.control.stopped)
    rows = np.broadcast_to(coming.items, coming.labels.shape)
    return {
        member.trial.key: (rows[i].tolist(), coming.labels[i].tolist())
        for i, member in enumerate(stack.members)
    }


def expected(one: Trial, epoch: int) -> tuple[list[int], list[int]]:
    """The same by the rules: the replicate's order of the trial's own items and labels."""
    part = sample(one, digits().dataset)
    order = Stream(one.seed, one.replicate, f"order/{epoch}").permutation(len(part.rows))
    return part.rows[order].tolist(), part.labels[order].tolist()


def stack_at(members: Sequence[Trial], epoch: int) -> TrainingStack:
    stack = TrainingStack(members, digits())
    stack.control.epoch[:] = epoch
    return stack


@settings(max_examples=25, deadline=None)
@given(st.permutations(GRID), st.integers(1, len(GRID)), st.integers(0, 50))
def test_what_a_member_sees_depends_on_nobody_else(
    order: list[Trial], count: int, epoch: int
) -> None:
    members = order[:count]
    assert seen(stack_at(members, epoch)) == {one.key: expected(one, epoch) for one in members}


def test_what_a_member_sees_stays_the_same_when_others_leave() -> None:
    stack, staying = stack_at(GRID, 0), list(GRID)
    # At last all are of one replicate, and its images are shared.
    for epoch, leaving in enumerate([{0, 4, 8}, {0, 3, 5}, {0}], start=1):
        stack.run_epoch()
        gone = {record.key for record in dismiss(stack, sorted(leaving))}
        assert gone == {staying[i].key for i in leaving}
        staying = [one for one in staying if one.key not in gone]
        assert seen(stack) == {one.key: expected(one, epoch) for one in staying}
    assert len({one.replicate for one in staying}) == 1
    assert stack.feed.shared


def test_every_item_is_seen_once_an_epoch_in_another_order_each_time() -> None:
    one = GRID[-1]
    part = sample(one, digits().dataset)
    orders = [seen(stack_at([one], epoch))[one.key] for epoch in range(3)]
    for items, labels in orders:
        assert sorted(items) == part.rows.tolist()
        assert dict(zip(items, labels, strict=True)) == dict(
            zip(part.rows.tolist(), part.labels.tolist(), strict=True)
        )
    assert len({tuple(items) for items, _ in orders}) == 3


def test_a_replicate_is_the_same_for_all_rates_but_for_the_labels() -> None:
    low, high = trials(digits(), rates=[0.2, 0.8], replicates=[1])
    other = trial(digits(), rate=0.8, replicate=2)
    views = seen(stack_at([low, high, other], epoch=4))
    assert views[low.key][0] == views[high.key][0] != views[other.key][0]
    assert views[low.key][1] != views[high.key][1]


def test_a_replicate_starts_from_the_same_weights_at_all_rates() -> None:
    members = trials(digits(), rates=[0, 0.5, 1], replicates=[0, 1])
    members += trials(digits(), rates=[0.5], replicates=[0], seed=1)
    stack = TrainingStack(members, digits())
    by_replicate: dict[tuple[int, int], list[torch.Tensor]] = {}
    for i, one in enumerate(members):
        mine = [p[i] for p in stack.optimizer.parameters]
        first = by_replicate.setdefault((one.seed, one.replicate), mine)
        assert all(map(torch.equal, first, mine))
    kernels = [mine[0] for mine in by_replicate.values()]
    assert len(kernels) == 3
    assert not any(
        torch.equal(a, b) for a, b in zip(kernels, kernels[1:] + kernels[:1], strict=True)
    )


def test_building_a_stack_leaves_torchs_generator_alone() -> None:
    torch.manual_seed(5)
    untouched = torch.rand(3)
    torch.manual_seed(5)
    TrainingStack(GRID[:2], digits())
    assert torch.equal(torch.rand(3), untouched)


# Inputs


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16], ids=str)
def test_bytes_are_given_out_as_shares_of_255(dtype: torch.dtype) -> None:
    x = np.arange(256, dtype=np.uint8).reshape(4, 1, 8, 8)
    batch = Inputs(x, CPU, dtype).batch(torch.tensor([3, 0]))
    torch.testing.assert_close(batch, (torch.tensor(x[[3, 0]]).double() / 255).to(dtype))
    assert batch[0, 0, -1, -1] == 1


def test_a_members_channels_lie_side_by_side() -> None:
    x = np.random.default_rng(0).random((6, 3, 4, 5), dtype=np.float32)
    inputs = Inputs(x, CPU, torch.float32)
    indices = torch.tensor([[0, 5, 2, 2], [1, 0, 3, 4]])
    together = inputs.batch(indices)
    assert together.shape == (4, 2 * 3, 4, 5)
    for i, rows in enumerate(indices):
        alone = inputs.batch(rows)
        assert torch.equal(alone, torch.tensor(x[rows.numpy()]))
        assert torch.equal(together[:, 3 * i : 3 * i + 3], alone)
        assert alone.is_contiguous(memory_format=torch.channels_last)
    assert together.is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("members", [0, 1, 3], ids=["shared", "one", "own"])
@pytest.mark.parametrize("kind", [np.uint8, np.float32])
def test_convolutions_find_images_channels_last(channels: int, members: int, kind: type) -> None:
    """With one channel both layouts look alike, yet the kernels differ severalfold in speed."""
    x = np.random.default_rng(0).integers(0, 9, (6, channels, 8, 9)).astype(kind)
    indices = torch.tensor([[3, 0, 2]] * members) if members else torch.tensor([3, 0, 2])
    batch = Inputs(x, CPU, torch.float32).batch(indices)
    seen = nn.functional.conv2d(batch, torch.rand(4, batch.shape[1], 3, 3))
    assert seen.is_contiguous(memory_format=torch.channels_last)


SHAPES: dict[tuple[int, ...], str] = {
    (3,): "features",
    (2, 5): "channels",
    (2, 3, 4): "channels",
    (2, 3, 4, 5): "features",
}


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("kind", [np.uint8, np.float32, np.float64, np.bool_])
def test_items_of_any_shape_keep_their_members_apart(shape: tuple[int, ...], kind: type) -> None:
    x = np.random.default_rng(0).integers(0, 2, (6, *shape)).astype(kind)
    inputs = Inputs(x, CPU, torch.float64)
    indices = torch.tensor([[0, 5], [1, 0], [2, 2]])
    expected = torch.tensor(x)[indices].double() / (255 if kind == np.uint8 else 1)
    assert torch.equal(inputs.batch(indices[0]), expected[0])
    form, batch = inputs.form(shared=False), inputs.batch(indices)
    if form == "channels":
        batch = batch.unflatten(1, (3, -1)).transpose(0, 1)
    assert torch.equal(batch, expected)
    assert (inputs.form(shared=True), form, len(inputs)) == ("shared", SHAPES[shape], 6)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("kind", [np.int64, np.int32, np.uint16])
def test_ids_are_given_out_as_they_are(shape: tuple[int, ...], kind: type) -> None:
    x = np.random.default_rng(0).integers(0, 60_000, (6, *shape)).astype(kind)
    inputs = Inputs(x, CPU, torch.bfloat16)
    indices = torch.tensor([[0, 5], [1, 0], [2, 2]])
    batch = inputs.batch(indices)
    assert batch.dtype == torch.int64 and inputs.form(shared=False) == "features"
    np.testing.assert_array_equal(batch, x[indices])
    np.testing.assert_array_equal(inputs.batch(indices[0]), x[indices[0]])


# Prediction


@pytest.mark.parametrize("shared", [True, False], ids=["shared", "own"])
def test_predictions_are_those_of_the_networks_whatever_the_chunks(shared: bool) -> None:
    count = EVALUATED // 3 + 50  # one chunk, and the rest
    torch.manual_seed(0)
    world = made_up(8, torch.float64)
    networks = [small_cnn((1, 8, 8), 10).double() for _ in range(3)]
    items = torch.randint(60, (3, count))
    items = items[:1].expand(3, count) if shared else items
    labels = torch.randint(10, (3, count))
    found = predict(
        Stack(networks[0], 3, "shared" if shared else "channels"),
        stacked_tensors(networks, torch.float64),
        world.train,
        items[0] if shared else items,
        labels,
    )
    for i, network in enumerate(networks):
        with torch.no_grad():
            logits = network(torch.tensor(world.dataset.x_train)[items[i]].double() / 255)
        assert torch.equal(found.classes[i], logits.argmax(1))
        assert torch.equal(found.correct[i], logits.argmax(1) == labels[i])
        assert float(found.loss[i]) == pytest.approx(
            float(nn.functional.cross_entropy(logits, labels[i])), abs=1e-12
        )
        assert float(found.accuracy[i]) == (logits.argmax(1) == labels[i]).double().mean()


def test_padded_items_are_predicted_and_not_counted() -> None:
    count = EVALUATED + 100  # two chunks, and the rest
    torch.manual_seed(0)
    world = made_up(8, torch.float64)
    networks = [small_cnn((1, 8, 8), 10).double() for _ in range(2)]
    tensors = stacked_tensors(networks, torch.float64)
    items, labels = torch.randint(60, (2, count)), torch.randint(10, (2, count))
    counts = [count, EVALUATED // 2 + 7]
    stack = Stack(networks[0], 2, "channels")
    found = predict(stack, tensors, world.train, items, labels, torch.tensor(counts))
    for i, n in enumerate(counts):
        own = predict(stack, tensors, world.train, items[:, :n], labels[:, :n])
        assert torch.equal(found.classes[i, :n], own.classes[i])
        assert float(found.accuracy[i]) == float(own.accuracy[i])
        assert float(found.loss[i]) == pytest.approx(float(own.loss[i]), abs=1e-12)


# Widths


@given(st.integers(1, 5000))
def test_a_width_holds_its_members_and_wastes_less_than_a_quarter(members: int) -> None:
    width = stack_width(members)
    assert members <= width
    assert (width - members) / members < 1 / 4
    assert stack_width(width) == width
    assert stack_width(members + 1) >= width


def test_widths_are_few() -> None:
    assert sorted({stack_width(n) for n in range(1, 41)}) == [
        *(1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 20, 24, 28, 32, 40)
    ]
    assert len({stack_width(n) for n in range(1, 1025)}) <= 8 + 4 * 7
