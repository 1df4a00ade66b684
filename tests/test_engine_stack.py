"""A stack computes what its networks compute one by one, for every kind of layer it knows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gigo.engine.layers import LAYERS
from gigo.engine.stacking import Stack, stacked_tensors
from gigo.errors import EngineError

MEMBERS, ITEMS, CHANNELS, SIDE, FEATURES = 3, 5, 2, 8, 6


class Residual(nn.Module):
    """``x + f(x)``, once as images and once in place as vectors."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(CHANNELS, 4, 3, padding=1)
        self.norm = nn.BatchNorm2d(4)
        self.second = nn.Conv2d(4, 4, 3, padding=1)
        self.relu = nn.ReLU()
        self.flatten = nn.Flatten()
        self.dense = nn.Linear(4 * SIDE**2, 7)
        self.again = nn.Linear(7, 7)

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(x)
        x = torch.add(self.second(self.relu(self.norm(x))), x)
        x = self.dense(self.flatten(self.relu(x)))
        x += self.again(self.relu(x))
        return x


class Twice(nn.Module):
    """What a ReLU is given is needed afterwards: it may not be overwritten."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.relu = nn.Conv2d(CHANNELS, 4, 3), nn.ReLU()
        self.pool, self.flatten = nn.AdaptiveAvgPool2d(2), nn.Flatten()

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x)
        return self.flatten(self.pool(self.relu(x) + x))


class SharedStart(nn.Module):
    """Layers before the first one with weights: members that share images share them too."""

    def __init__(self) -> None:
        super().__init__()
        self.pool, self.relu, self.tanh = nn.MaxPool2d(2), nn.ReLU(), nn.Tanh()
        self.flatten, self.dense = nn.Flatten(), nn.Linear(CHANNELS * 16, 7)

    def forward(self, x: Tensor) -> Tensor:
        x = self.pool(x)
        return self.dense(self.flatten(self.relu(x) + self.tanh(x)))


class Functions(nn.Module):
    """Calls instead of layers."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(CHANNELS, 4, 3, padding=1), nn.Conv2d(4, 4, 3)
        self.dense, self.again = nn.Linear(4 * 3 * 3, 6), nn.Linear(6, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = F.avg_pool2d(F.relu(self.first(x)), kernel_size=3, stride=1, padding=1)
        x = F.adaptive_avg_pool2d(F.max_pool2d(torch.relu(self.second(x)), 2, 1), (3, 3))
        x = self.dense(torch.flatten(F.silu(x), 1))
        return self.again(F.gelu(x, approximate="tanh") * torch.sigmoid(x) + torch.tanh(x))


class Methods(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv, self.dense = nn.Conv2d(CHANNELS, 4, 3), nn.Linear(4 * 36, 6)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(x)
        x = self.dense(x.relu().mul(x.sigmoid()).flatten(start_dim=1))
        return x.tanh().add(x.flatten(1))


class Unused(nn.Module):
    """A layer whose result nobody looks at comes last."""

    def __init__(self) -> None:
        super().__init__()
        self.flatten, self.dense = nn.Flatten(), nn.Linear(CHANNELS * SIDE**2, 3)
        self.unused = nn.Linear(3, 4)

    def forward(self, x: Tensor) -> Tensor:
        x = self.dense(self.flatten(x))
        self.unused(x)
        return x


def ends(*layers: nn.Module) -> nn.Sequential:
    return nn.Sequential(*layers, nn.Flatten())


def images(*layers: nn.Module) -> nn.Sequential:
    """Layers between a convolution and the logits."""
    return ends(nn.Conv2d(CHANNELS, 4, 3, padding=1), *layers)


def vectors(*layers: nn.Module) -> nn.Sequential:
    return nn.Sequential(nn.Linear(FEATURES, 5), *layers, nn.Linear(5, 3))


def sequences(*layers: nn.Module) -> nn.Sequential:
    return ends(nn.Conv1d(CHANNELS, 4, 3, padding=1), *layers)


class Case(NamedTuple):
    make: Callable[[], nn.Module]
    vectors: bool = False
    sequences: bool = False


CASES = {
    "conv": Case(lambda: ends(nn.Conv2d(CHANNELS, 4, 3))),
    "conv on conv": Case(lambda: images(nn.Conv2d(4, 6, 3), nn.Conv2d(6, 2, (1, 3)))),
    "conv, stride": Case(lambda: images(nn.Conv2d(4, 3, 3, stride=2, padding=1))),
    "conv, dilation": Case(lambda: images(nn.Conv2d(4, 3, 3, dilation=2))),
    "conv, same": Case(lambda: images(nn.Conv2d(4, 3, 3, padding="same"))),
    "conv, groups": Case(lambda: images(nn.Conv2d(4, 6, 3, groups=2))),
    "conv, no bias": Case(lambda: ends(nn.Conv2d(CHANNELS, 4, 3, bias=False))),
    "max-pool": Case(lambda: images(nn.MaxPool2d(2))),
    "max-pool, uneven": Case(lambda: images(nn.MaxPool2d(3, stride=2, ceil_mode=True))),
    "average-pool": Case(lambda: images(nn.AvgPool2d(2))),
    "adaptive pool": Case(lambda: images(nn.AdaptiveAvgPool2d(3))),
    "pool of shared images": Case(lambda: ends(nn.MaxPool2d(2), nn.Conv2d(CHANNELS, 3, 3))),
    "batch norm": Case(lambda: images(nn.BatchNorm2d(4), nn.ReLU())),
    "batch norm, its own constants": Case(lambda: images(nn.BatchNorm2d(4, eps=0.1, momentum=0.3))),
    "batch norm of vectors": Case(lambda: vectors(nn.BatchNorm1d(5), nn.ReLU()), True),
    "linear": Case(vectors, True),
    "linear, no bias": Case(lambda: nn.Sequential(nn.Linear(FEATURES, 3, bias=False)), True),
    "relu on vectors": Case(lambda: vectors(nn.ReLU()), True),
    "images to vectors": Case(lambda: images(nn.ReLU(), nn.Flatten(), nn.Linear(256, 3))),
    "softmax regression": Case(lambda: ends(nn.Flatten(), nn.Linear(CHANNELS * SIDE**2, 3))),
    "group norm": Case(lambda: images(nn.GroupNorm(2, 4), nn.ReLU())),
    "layer norm": Case(lambda: vectors(nn.LayerNorm(5), nn.ReLU()), True),
    "layer norm, no weights": Case(
        lambda: vectors(nn.LayerNorm(5, elementwise_affine=False)), True
    ),
    "dropout of nothing": Case(lambda: images(nn.Dropout2d(0.0), nn.Dropout(0.0))),
    "conv of sequences": Case(lambda: sequences(nn.ReLU(), nn.Conv1d(4, 3, 3)), sequences=True),
    "max-pool of sequences": Case(lambda: sequences(nn.MaxPool1d(2)), sequences=True),
    "average-pool of sequences": Case(lambda: sequences(nn.AvgPool1d(2)), sequences=True),
    "adaptive pool of sequences": Case(lambda: sequences(nn.AdaptiveAvgPool1d(3)), sequences=True),
    "residual": Case(Residual),
    "overwriting": Case(Twice),
    "shared start": Case(SharedStart),
    "unused layer": Case(Unused),
    "functions": Case(Functions),
    "methods": Case(Methods),
    **{
        kind.__name__: Case(
            lambda kind=kind: images(kind(), nn.Flatten(), nn.Linear(256, 3), kind())
        )
        for kind in (nn.GELU, nn.SiLU, nn.Tanh, nn.Sigmoid, nn.LeakyReLU, nn.ELU, nn.Identity)
    },
}


def networks(case: Case) -> list[nn.Module]:
    """Of one architecture, all weights and running statistics different."""
    made = [case.make().double() for _ in range(MEMBERS)]
    for network in made:
        for tensor in network.state_dict().values():
            if tensor.is_floating_point():
                tensor.copy_(torch.rand_like(tensor) + 0.1)
        for parameter in network.parameters():
            nn.init.normal_(parameter, std=0.5)
    return made


def inputs(case: Case, shared: bool) -> tuple[Tensor, list[Tensor]]:
    """In the stack's form, and each member's own."""
    shape = (CHANNELS, SIDE) if case.sequences else (CHANNELS, SIDE, SIDE)
    shape = (FEATURES,) if case.vectors else shape
    each = torch.randn(1 if shared else MEMBERS, ITEMS, *shape, dtype=torch.float64)
    own = list(each.expand(MEMBERS, *each.shape[1:]))
    if shared:
        return each[0], own
    return (each if case.vectors else each.transpose(0, 1).flatten(1, 2)), own


@pytest.mark.parametrize("train", [True, False], ids=["training", "evaluation"])
@pytest.mark.parametrize("shared", [True, False], ids=["shared", "own"])
@pytest.mark.parametrize("name", CASES)
def test_a_stack_is_its_networks_side_by_side(name: str, shared: bool, train: bool) -> None:
    torch.manual_seed(0)
    case = CASES[name]
    plain = networks(case)
    tensors = stacked_tensors(plain, torch.float64)
    parameters = {key: tensors[key].requires_grad_() for key, _ in plain[0].named_parameters()}
    together, own = inputs(case, shared)
    form = "shared" if shared else "features" if case.vectors else "channels"

    logits = Stack(plain[0], MEMBERS, form)(tensors, together, train=train)
    pull = torch.randn_like(logits)
    gradients = torch.autograd.grad(
        (logits * pull).sum(), list(parameters.values()), allow_unused=True
    )

    for i, network in enumerate(plain):
        network.train(train)
        alone = network(own[i])
        torch.testing.assert_close(logits[i], alone, rtol=1e-10, atol=1e-10)
        (alone * pull[i]).sum().backward()
        for (key, parameter), gradient in zip(network.named_parameters(), gradients, strict=True):
            if parameter.grad is None:
                assert gradient is None, key
            else:
                torch.testing.assert_close(gradient[i], parameter.grad, rtol=1e-9, atol=1e-9)
        for key, buffer in network.named_buffers():  # running statistics, after training too
            if buffer.is_floating_point():
                torch.testing.assert_close(tensors[key][i], buffer, rtol=1e-10, atol=1e-10)


def test_every_kind_of_layer_is_among_the_cases() -> None:
    kinds = {type(layer) for case in CASES.values() for layer in case.make().modules()}
    assert set(LAYERS) <= kinds


def test_running_statistics_follow_the_batches_in_training_only() -> None:
    plain = networks(CASES["batch norm"])
    tensors = stacked_tensors(plain, torch.float64)
    before = {name: tensor.clone() for name, tensor in tensors.items()}
    together, _ = inputs(CASES["batch norm"], shared=True)
    stack = Stack(plain[0], MEMBERS, "shared")
    stack(tensors, together, train=False)
    assert all(torch.equal(tensors[name], before[name]) for name in tensors)
    stack(tensors, together, train=True)
    changed = {name for name in tensors if not torch.equal(tensors[name], before[name])}
    assert changed == {"1.running_mean", "1.running_var"}


@pytest.mark.parametrize("train", [True, False], ids=["training", "evaluation"])
@pytest.mark.parametrize("name", ["residual", "batch norm of vectors"])
def test_a_stack_computes_in_bfloat16_beside_statistics_in_float32(name: str, train: bool) -> None:
    torch.manual_seed(0)
    case = CASES[name]
    plain = networks(case)
    together, _ = inputs(case, shared=True)
    statistics = {key for key, _ in plain[0].named_buffers()}
    exact = stacked_tensors(plain, torch.float32)
    rough = {key: t.clone() if key in statistics else t.bfloat16() for key, t in exact.items()}
    stack = Stack(plain[0], MEMBERS, "shared")
    logits = stack(rough, together.bfloat16(), train=train)
    expected = stack(exact, together.float(), train=train)
    dense = isinstance(plain[0], nn.Sequential) and isinstance(plain[0][-1], nn.Linear)
    assert logits.dtype == (torch.float32 if dense else torch.bfloat16)
    error = (logits.float() - expected).square().mean() / expected.square().mean()
    assert error < 0.03**2  # eight bits, through a few layers
    for key in statistics & exact.keys():
        assert rough[key].dtype == torch.float32
        torch.testing.assert_close(rough[key], exact[key], rtol=0.03, atol=0.05)


def test_a_member_does_not_see_what_the_others_are_made_of() -> None:
    torch.manual_seed(0)
    case = CASES["residual"]
    plain = networks(case)
    together, _ = inputs(case, shared=False)
    stack = Stack(plain[0], MEMBERS, "channels")
    tensors = stacked_tensors(plain, torch.float64)
    before = stack(tensors, together, train=True)
    for tensor in tensors.values():
        tensor[1] = torch.nan
    after = stack(tensors, together, train=True)
    assert torch.equal(after[[0, 2]], before[[0, 2]])
    assert after[1].isnan().all()


def test_stacked_tensors_are_copies_with_a_leading_axis() -> None:
    plain = networks(CASES["batch norm"])
    tensors = stacked_tensors(plain, torch.float32)
    names = ["0.weight", "0.bias", "1.weight", "1.bias", "1.running_mean", "1.running_var"]
    assert list(tensors) == names  # the count of batches is no floating-point number
    assert tensors["0.weight"].shape == (MEMBERS, 4, CHANNELS, 3, 3)
    assert {tensor.dtype for tensor in tensors.values()} == {torch.float32}
    for i, network in enumerate(plain):
        assert torch.equal(tensors["0.weight"][i], network.state_dict()["0.weight"].float())


class Scaled(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.flatten = nn.Flatten()

    def forward(self, x: Tensor) -> Tensor:
        return self.flatten(x) * 2


class Flattened(Scaled):
    """Items and all."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.flatten(x)


class Weighted(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.flatten, self.dense = nn.Flatten(), nn.Linear(CHANNELS * SIDE**2, 3)
        self.tanh = nn.Tanh()

    def forward(self, x: Tensor) -> Tensor:
        x = self.dense(self.flatten(x))
        return torch.add(x, self.tanh(x), alpha=2)


class Both(Weighted):
    def forward(self, x: Tensor) -> Any:
        x = self.dense(self.flatten(x))
        return x, self.tanh(x)


REFUSED = {
    "a layer of no known kind": (images(nn.PReLU()), "model layer 1 = PReLU"),
    "deep inside": (images(nn.Sequential(nn.PReLU())), "model layer 1.0 = PReLU"),
    "padding with copies": (
        images(nn.Conv2d(4, 4, 3, padding=1, padding_mode="reflect")),
        "model layer 1 = Conv2d",
    ),
    "grouped first layer": (
        ends(nn.Conv2d(CHANNELS, 4, 3, groups=2)),
        "model layer 0 = Conv2d",
    ),
    "normalised images": (ends(nn.BatchNorm2d(CHANNELS)), "model layer 0 = BatchNorm2d"),
    "no affine part": (images(nn.BatchNorm2d(4, affine=False)), "model layer 1 = BatchNorm2d"),
    "no statistics": (
        images(nn.BatchNorm2d(4, track_running_stats=False)),
        "model layer 1 = BatchNorm2d",
    ),
    "statistics over all batches": (
        images(nn.BatchNorm2d(4, momentum=None)),
        "model layer 1 = BatchNorm2d",
    ),
    "flattened by a call": (Flattened(), "model layer flatten = Flatten(start_dim=0"),
    "flattened in part": (images(nn.Flatten(2)), "model layer 1 = Flatten"),
    "dense on images": (images(nn.Linear(SIDE, 3)), "model layer 1 = Linear"),
    "convolved vectors": (images(nn.Flatten(), nn.Conv2d(1, 1, 1)), "model layer 2 = Conv2d"),
    "pooled vectors": (images(nn.Flatten(), nn.MaxPool2d(2)), "model layer 2 = MaxPool2d"),
    "an operation": (Scaled(), "model step %mul"),
    "an operation's option": (Weighted(), "model step %add"),
    "two results": (Both(), "model: must end with"),
    "no vector of logits": (nn.Sequential(nn.Conv2d(CHANNELS, 3, 3)), "model: must end with"),
    "members never told apart": (nn.Sequential(nn.Flatten()), "model: must end with"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_has_no_stacked_form_is_refused_by_name(name: str) -> None:
    network, message = REFUSED[name]
    with pytest.raises(EngineError) as caught:
        Stack(network, MEMBERS, "shared")
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


def test_logits_are_float32_whatever_is_computed_in() -> None:
    """In bfloat16 close logits tie, and a tie goes to the first class."""
    torch.manual_seed(0)
    network = nn.Sequential(nn.Flatten(), nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 10))
    tensors = {
        name: tensor.bfloat16()
        for name, tensor in stacked_tensors([network], torch.float32).items()
    }
    logits = Stack(network, 1, "shared")(tensors, torch.rand(5000, 1, 4, 4).bfloat16())
    assert logits.dtype == torch.float32
    exact, rounded = (x.topk(2).values for x in (logits[0], logits[0].bfloat16()))
    assert not (exact[:, 0] == exact[:, 1]).any()
    assert (rounded[:, 0] == rounded[:, 1]).any()
