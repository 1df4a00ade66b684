"""A network without a stacked form trains as it does alone, by whichever way it goes."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine_setup import (
    BASE,
    CPU,
    digits,
    dismiss,
    finish,
    largest_difference,
    losses,
    trial,
    trials,
    weights,
)
from factories import make_study
from gigo import runner
from gigo.engine.fallback import Fallback, Instrumented
from gigo.engine.noise import Noise
from gigo.engine.resident import Resident
from gigo.engine.routes import route
from gigo.engine.stacking import stacked_tensors
from gigo.engine.training import Detour, TrainingStack, train
from gigo.errors import EngineError
from gigo.runner import Progress
from gigo.store import Store
from gigo.trial import Trial
from gigo.types import Model

ITEMS, A, B = 6, (0, 0), (0, 1)


class Chain(nn.Module):
    """All three ways are open to it."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm, self.relu = nn.Conv2d(1, 6, 3), nn.BatchNorm2d(6), nn.ReLU()
        self.maps, self.flatten = nn.Dropout2d(0.2), nn.Flatten()
        self.dense, self.drop, self.last = nn.Linear(216, 12), nn.Dropout(0.3), nn.Linear(12, 10)

    def forward(self, x: Tensor) -> Tensor:
        x = self.maps(self.relu(self.norm(self.conv(x))))
        return self.last(self.drop(self.relu(self.dense(self.flatten(x)))))


class Joined(Chain):
    """Concatenates, and attends over its features."""

    def forward(self, x: Tensor) -> Tensor:
        x = self.maps(self.relu(self.norm(self.conv(x))))
        weight = torch.einsum("nchw,ndhw->ncd", x, x).softmax(-1)
        x = torch.cat([torch.einsum("ncd,ndhw->nchw", weight, x)[:, :3], x[:, 3:]], 1)
        return self.last(self.drop(self.relu(self.dense(x.view(x.size(0), -1)))))


class Deciding(Chain):
    """Looks at its data before it says how it goes on."""

    def forward(self, x: Tensor) -> Tensor:
        logits = super().forward(x)
        return logits if logits.sum() > 0 else logits.tanh()


class Called(Chain):
    """Drops by a function, from PyTorch's global generator."""

    def forward(self, x: Tensor) -> Tensor:
        x = self.relu(self.norm(self.conv(x)))
        x = F.dropout(self.dense(self.flatten(x)), 0.5, self.training)
        return self.last(self.drop(x))


class TwoFaced(Chain):
    """Does in training what it does not in evaluation; a trace shows but one of them."""

    def forward(self, x: Tensor) -> Tensor:
        x = self.dense(self.flatten(self.norm(self.conv(x))))
        return self.last(self.relu(x) if self.training else self.drop(x))


class Keeping(Chain):
    """Puts a new buffer in an old one's place, counts, and looks at both."""

    seen: Tensor
    count: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("seen", torch.ones(216))
        self.register_buffer("count", torch.zeros((), dtype=torch.int64))
        self.register_buffer("order", torch.randperm(216), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x).flatten(1)[:, self.get_buffer("order")] * self.seen
        if self.training:
            self.seen = 0.9 * self.seen + 0.1 * x.detach().std(0)
            self.count += 1
        return self.last(self.dense(x)) / (1 + self.count)


class Averaging(Chain):
    """Its statistics are means over all batches."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(6, momentum=None)


class Partly(Chain):
    """Some weights are fixed, some unused, some used twice under two names."""

    def __init__(self) -> None:
        super().__init__()
        self.conv.requires_grad_(False)
        self.unused, self.twin = nn.Linear(2, 2), nn.Linear(12, 12)
        self.other = nn.Linear(12, 12)
        self.other.weight = self.twin.weight

    def forward(self, x: Tensor) -> Tensor:
        x = self.dense(self.flatten(self.relu(self.conv(x))))
        return self.last(self.relu(self.other(self.relu(self.twin(x)))))


class Recurrent(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.cells, self.last = nn.LSTM(8, 6, batch_first=True), nn.Linear(6, 10)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(self.cells(x.flatten(1, 2))[0][:, -1])


class Attending(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.block = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
        self.last = nn.Linear(64, 10)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(self.block(x.flatten(1, 2)).flatten(1))


WAYS: dict[type[nn.Module], tuple[str, str]] = {
    Chain: ("stacked", ""),
    Joined: ("vmap", "has no stacked form"),
    Keeping: ("vmap", "has no stacked form"),
    Partly: ("vmap", "parameter other.weight: is another one too"),
    TwoFaced: ("vmap", "gives other logits than the network alone"),
    Deciding: ("one at a time", "control flow"),
    Called: ("one at a time", "vmap: draws random numbers in its forward pass"),
    Averaging: ("one at a time", "norm = BatchNorm2d"),
    Recurrent: ("one at a time", "lstm"),
    Attending: ("one at a time", "vmap: draws random numbers"),
}


def mine(kind: Callable[[], nn.Module]) -> Model:
    """A kind of network as a model, whatever its items."""
    return Model(kind.__name__, f'"{kind.__name__}"', lambda *_: kind())


def after(members: Sequence[Any], resident: Resident, steps: int) -> TrainingStack:
    stack = TrainingStack(members, resident)
    for _ in range(steps // 5):  # five batches an epoch
        stack.run_epoch()
    assert stack.optimizer.steps == steps
    return stack


def company(
    kind: Callable[[], nn.Module], resident: Resident, replicates: Sequence[int]
) -> list[Trial]:
    return trials(resident, [0, 0.5], replicates, validation="none", model=mine(kind))


def state(stack: TrainingStack, key: str) -> list[Tensor]:
    """A member's weights and buffers."""
    row = [member.trial.key for member in stack.members].index(key)
    return [*weights(stack)[key], *(tensor[row] for tensor in stack.buffers.values())]


STREAMS = pytest.mark.parametrize("replicates", [(0,), (0, 1)], ids=["shared", "own"])
KINDS = pytest.mark.parametrize("kind", WAYS, ids=lambda kind: kind.__name__)


@KINDS
def test_a_network_goes_the_first_way_that_is_right(kind: type[nn.Module]) -> None:
    network = kind()
    before = copy.deepcopy(network.state_dict())
    generator = torch.get_rng_state()
    taken = route(network, digits().train, 10, "mine")
    path, reason = WAYS[kind]
    assert taken.path == path
    assert reason in taken.reason and bool(taken.reason) == bool(reason)
    assert "\n" not in taken.reason
    torch.testing.assert_close(network.state_dict(), before, rtol=0, atol=0)
    assert torch.equal(torch.get_rng_state(), generator)


@pytest.mark.parametrize(
    ("kind", "replicates"),
    [*((kind, (0, 1)) for kind in WAYS if kind is not Chain), (Joined, (0,)), (Deciding, (0,))],
)
def test_together_equals_alone_to_1e_8_over_200_steps_in_float64(
    kind: type[nn.Module], replicates: Sequence[int]
) -> None:
    resident = digits(torch.float64)
    members = company(kind, resident, replicates)
    together = after(members, resident, 200)
    assert together.route.path == WAYS[kind][0]
    one = members[-1]
    alone = after([one], resident, 200)
    assert largest_difference(state(alone, one.key), state(together, one.key)) < 1e-8
    np.testing.assert_allclose(losses(alone)[one.key], losses(together)[one.key], atol=1e-8)


class Smooth(Joined):
    """Without a bias that a norm takes away: its gradient is nothing but rounding."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 6, 3, bias=False)


@pytest.mark.parametrize("kind", [Smooth, Recurrent], ids=["vmap", "one at a time"])
def test_together_equals_alone_to_1e_4_over_20_steps_in_float32(
    kind: type[nn.Module],
) -> None:
    members = company(kind, digits(), [0, 1])
    together = after(members, digits(), 20)
    for one in members:
        alone = after([one], digits(), 20)
        assert largest_difference(state(alone, one.key), state(together, one.key)) < 1e-4


class Untraceable(Chain):
    """The same, by way of what has no stacked form."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(torch.cat([x]))


class Looking(Chain):
    """The same, by way of a decision."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x if x.sum() > 0 else -x)


@STREAMS
def test_the_three_ways_agree(replicates: Sequence[int]) -> None:
    resident = digits(torch.float64)
    stacks = [
        after(company(kind, resident, replicates), resident, 200)
        for kind in (Chain, Untraceable, Looking)
    ]
    assert [stack.route.path for stack in stacks] == ["stacked", "vmap", "one at a time"]
    for members in zip(*(stack.members for stack in stacks), strict=True):
        first, *others = (
            state(stack, one.trial.key) for stack, one in zip(stacks, members, strict=True)
        )
        assert max(largest_difference(first, other) for other in others) < 1e-8


def test_members_leave_and_the_others_go_on() -> None:
    resident = digits(torch.float64)
    members = company(Keeping, resident, [0, 1])
    stack = TrainingStack(members, resident)
    for leaving in ([1], [0, 2]):
        stack.run_epoch()
        saved = stack.state()
        dismiss(stack, leaving)
    again = TrainingStack([one for i, one in enumerate(members) if i != 1], resident)
    again.restore(saved)
    (left,) = (member.trial for member in stack.members)
    stack.run_epoch()
    again.run_epoch()
    alone = after([left], resident, 15)
    assert largest_difference(state(stack, left.key), state(alone, left.key)) < 1e-8
    assert largest_difference(state(again, left.key), state(alone, left.key)) < 1e-8
    assert stack.buffers["count"].tolist() == [15]


# Buffers


@pytest.mark.parametrize("vmap", [True, False], ids=["vmap", "one at a time"])
@pytest.mark.parametrize("momentum", [0.1, 0.3, None])
def test_running_statistics_are_those_of_plain_networks(vmap: bool, momentum: float | None) -> None:
    if vmap and momentum is None:
        pytest.skip("goes one at a time")
    torch.manual_seed(0)
    plain: list[nn.Module] = [
        nn.Sequential(
            nn.Conv2d(1, 6, 3), nn.BatchNorm2d(6, momentum=momentum), nn.ReLU(), nn.Flatten()
        ).double()
        for _ in range(3)
    ]
    tensors = stacked_tensors(plain, torch.float64)
    stack = Fallback(Instrumented(plain[0]), 3, "channels", vmap=vmap)
    for step in range(4):
        x = torch.randn(ITEMS, 3, 8, 8, dtype=torch.float64)
        training = step != 2  # evaluation between changes nothing
        logits = stack(tensors, x, train=training)
        for i, network in enumerate(plain):
            alone = network.train(training)(x[:, i : i + 1])
            torch.testing.assert_close(logits[i], alone, rtol=1e-10, atol=1e-10)
            for name, buffer in network.named_buffers():
                if name in tensors:
                    torch.testing.assert_close(tensors[name][i], buffer, rtol=1e-10, atol=1e-10)
    assert ("1.num_batches_tracked" in tensors) == (momentum is None)


def test_tensors_that_are_no_buffers_may_not_differ() -> None:
    class Loose(Chain):
        def __init__(self) -> None:
            super().__init__()
            self.chance = torch.rand(3)

    network = Loose()
    assert "chance" not in stacked_tensors([network, network], torch.float32)
    with pytest.raises(EngineError, match=r"^model attribute chance: differs"):
        stacked_tensors([network, Loose()], torch.float32)


# Randomness


@pytest.mark.parametrize("kind", [Joined, Called, Attending])
def test_what_is_dropped_is_the_replicates(kind: type[nn.Module]) -> None:
    torch.manual_seed(0)
    network = kind().double()
    taken = route(network, digits(torch.float64).train, 10, "mine")
    x = torch.rand(ITEMS, 1, 8, 8, dtype=torch.float64)

    def logits(replicates: list[tuple[int, int]], step: str = "1/0") -> Tensor:
        networks = [network] * len(replicates)
        tensors = stacked_tensors(networks, torch.float64)
        form = "shared" if len(set(replicates)) == 1 else "channels"
        own = x if form == "shared" else x.repeat(1, len(replicates), 1, 1)
        noise = Noise(replicates, step, CPU)
        return taken.build(len(replicates), form)(tensors, own, train=True, noise=noise)

    generator = torch.get_rng_state()
    mixed = logits([A, B, A])
    assert torch.equal(torch.get_rng_state(), generator)
    torch.testing.assert_close(mixed[0], mixed[2])
    assert not torch.allclose(mixed[0], mixed[1])
    torch.testing.assert_close(logits([A, A])[1], mixed[0])
    torch.testing.assert_close(logits([B])[0], mixed[1])
    assert not torch.allclose(logits([A], "1/8")[0], mixed[0])


def test_dropout_by_layers_and_by_function_are_independent() -> None:
    class Both(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.flatten, self.drop, self.scale = nn.Flatten(), nn.Dropout(0.5), nn.Linear(1, 1)

        def forward(self, x: Tensor) -> Tensor:
            x = self.flatten(x)
            return torch.cat([self.drop(x), F.dropout(x, 0.5, self.training)], 1)

    stack = Fallback(Instrumented(Both()), 1, "shared", vmap=False)
    x = torch.ones(10, 1, 10, 10)
    noise = Noise([A], "1/0", CPU)
    kept = stack(stacked_tensors([Both()], torch.float32), x, train=True, noise=noise)[0] > 0
    layer, function = kept.double().unflatten(1, (2, -1)).transpose(0, 1).flatten(1)
    assert abs(torch.corrcoef(torch.stack([layer, function]))[0, 1]) < 0.15


def test_without_noise_training_with_dropout_is_refused() -> None:
    network = Joined()
    stack = Fallback(Instrumented(network), 1, "shared", vmap=True)
    tensors, x = stacked_tensors([network], torch.float32), torch.rand(3, 1, 8, 8)
    with pytest.raises(EngineError, match=r"^model layer maps = Dropout2d.*needs noise"):
        stack(tensors, x, train=True)
    torch.testing.assert_close(stack(tensors, x)[0], network.eval()(x))


# Precision


class Mixed(Joined):
    """Multiplies by what is float32 whatever is computed in."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) @ torch.eye(10)


@pytest.mark.parametrize("kind", [Joined, Mixed, Deciding, Called])
def test_logits_are_float32_where_the_rest_is_not(kind: type[nn.Module]) -> None:
    resident = digits(torch.bfloat16)
    network = kind()
    taken = route(network, resident.train, 10, "mine")
    exact = stacked_tensors([network], torch.float32)
    rough = {n: t if "running" in n else t.bfloat16() for n, t in exact.items()}
    x = resident.train.batch(torch.arange(50))
    logits = taken.build(1, "shared")(rough, x)
    assert logits.dtype == torch.float32
    expected = taken.build(1, "shared")(exact, x.float())
    assert (logits - expected).norm() < 0.05 * expected.norm()


# What does not work


class Half(Chain):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x)[:, :5]


class Pair(Chain):
    def forward(self, x: Tensor) -> Any:
        return super().forward(x), x


class Broken(Chain):
    def forward(self, x: Tensor) -> Tensor:
        raise ValueError("no such thing\nat all")


class AlwaysDropping(Chain):
    def forward(self, x: Tensor) -> Tensor:
        return F.dropout(super().forward(x), 0.5)


class Lazy(Chain):
    def __init__(self) -> None:
        super().__init__()
        self.dense = nn.LazyLinear(12)


class Detached(Chain):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x).detach()


class Fixed(Joined):
    def __init__(self) -> None:
        super().__init__()
        self.requires_grad_(False)


REFUSED: dict[type[nn.Module], str] = {
    Half: "gives logits of shape (4, 5) for 4 items, expected (4, 10)",
    Pair: "gives a tuple, expected one tensor of logits",
    Broken: "no such thing",
    AlwaysDropping: "draws random numbers in evaluation",
    Lazy: "parameter dense.weight: must be of real numbers and of a known shape",
    Fixed: "has nothing to train",
}


@pytest.mark.parametrize("kind", REFUSED, ids=lambda kind: kind.__name__)
def test_what_goes_no_way_is_refused_by_name(kind: type[nn.Module]) -> None:
    with pytest.raises(EngineError) as caught:
        route(kind(), digits().train, 10, "mine(width=3)")
    assert str(caught.value) == f"model mine(width=3): {REFUSED[kind]}"


class Normed(nn.Module):
    """Of vectors: one item alone has no variance."""

    def __init__(self) -> None:
        super().__init__()
        self.flatten, self.norm, self.last = nn.Flatten(), nn.BatchNorm1d(64), nn.Linear(64, 10)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(self.norm(self.flatten(x)))


def test_a_last_batch_of_one_item_is_refused_where_it_can_not_be_normalised() -> None:
    members = company(Normed, digits(), [0])
    TrainingStack([replace(one, size=42) for one in members], digits())  # 5 x 8 + 2
    alone = [replace(one, size=41) for one in members]
    with pytest.raises(EngineError, match=r"^model Normed: can't train on a last batch of one"):
        TrainingStack(alone, digits())
    TrainingStack([replace(one, model=mine(Chain)) for one in alone], digits())


def test_what_can_not_be_trained_is_refused_with_every_ways_reason() -> None:
    with pytest.raises(EngineError, match=r"^model mine: step %.*; vmap: .*; one at a"):
        route(Detached(), digits().train, 10, "mine")


def test_weights_that_are_fixed_stay() -> None:
    resident = digits(torch.float64)
    stack = TrainingStack(company(Partly, resident, [0, 1]), resident)
    before = {name: tensor.clone() for name, tensor in stack.weights.items()}
    stack.run_epoch()
    same = {n for n, tensor in stack.weights.items() if torch.equal(tensor, before[n])}
    assert {"conv.weight", "conv.bias", "unused.weight", "unused.bias"} <= same
    assert {"twin.weight", "other.bias", "dense.weight", "last.bias"}.isdisjoint(same)


# The run says so


def joined(input_shape: tuple[int, ...], n_classes: int) -> nn.Module:
    return Joined()


def test_a_record_tells_the_way_and_the_reason() -> None:
    one = trial(digits(), recipe=BASE.model_copy(update={"epochs": 1}))
    (record,) = finish([one], digits())[0].values()
    assert record.provenance["path"] == "stacked" and "reason" not in record.provenance
    other = replace(one, model=mine(Deciding))
    first, *rest = train([other], digits())
    assert isinstance(first, Detour) and (first.model, first.path) == ("Deciding", "one at a time")
    assert not any(isinstance(event, Detour) for event in rest)
    (record,) = finish([other], digits())[0].values()
    assert record.provenance["path"] == "one at a time"
    assert record.provenance["reason"] == first.reason


def test_a_run_says_so_once(tmp_path: Path) -> None:
    two_stacks = {"size": [20], "validation": ["clean", "none"], "model": joined}
    study = make_study(**two_stacks, recipe={"epochs": 1}, rates=[0], replicates=1)
    seen: list[Progress] = []
    runner.run(study, tmp_path / "run", listener=seen.append, device="cpu")
    (note,) = (progress.note for progress in seen if progress.note)
    assert note.startswith("joined: trained by vmap, because ")
    with Store.open(tmp_path / "run") as store:
        records = list(store.records())
    assert len(records) == 2
    assert {record.provenance["path"] for record in records} == {"vmap"}
