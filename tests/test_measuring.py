"""What a network costs, and which items it takes, is found by running it."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import partial
from typing import Any, Literal, NamedTuple

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from gigo.errors import EngineError
from gigo.measuring import Build, Cost, measure, separate, smallest_side, takes
from gigo.models.networks import linear, mlp, resnet, small_cnn
from sequences import NETWORKS, VOCABULARY, Gru, Signals, Words

CLASSES = 3


# Networks drawn at random


class Conv(NamedTuple):
    channels: int
    padding: Literal[0, 1]


def chain(body: list[Conv | None], units: list[int]) -> Build:
    """3x3 convolutions, None for poolings, then dense layers."""

    def build(input_shape: tuple[int, ...], n_classes: int) -> nn.Module:
        layers: list[nn.Module] = []
        for layer in body:
            if layer is None:
                layers.append(nn.MaxPool2d(2))
            else:
                layers += [nn.LazyConv2d(layer.channels, 3, padding=layer.padding), nn.ReLU()]
        layers.append(nn.Flatten())
        for width in units:
            layers += [nn.LazyLinear(width), nn.ReLU()]
        return nn.Sequential(*layers, nn.LazyLinear(n_classes))

    return build


def least_side(body: list[Conv | None]) -> int:
    """The smallest image that leaves a pixel after every layer, by arithmetic."""
    side = 1
    for layer in reversed(body):
        side = 2 * side if layer is None else side + 2 - 2 * layer.padding
    return side


bodies = st.lists(
    st.one_of(st.builds(Conv, st.integers(1, 4), st.sampled_from([0, 1])), st.none()), max_size=5
)


@settings(max_examples=15)
@given(bodies, st.lists(st.integers(1, 5), max_size=2), st.integers(0, 3), st.integers(0, 3))
def test_operations_and_parameters_are_those_of_the_real_network(
    body: list[Conv | None], units: list[int], taller: int, wider: int
) -> None:
    side = least_side(body)
    shape = (2, side + taller, side + wider)
    network = chain(body, units)(shape, CLASSES)
    network(torch.zeros(1, *shape))
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network(torch.zeros(1, *shape))
    cost = measure(chain(body, units), shape, CLASSES)
    assert cost.parameters == sum(p.numel() for p in network.parameters())
    assert cost.flops == counter.get_total_flops()


@settings(max_examples=15)
@given(bodies, st.lists(st.integers(1, 5), max_size=2))
def test_the_smallest_side_is_tight(body: list[Conv | None], units: list[int]) -> None:
    side, build = least_side(body), chain(body, units)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of weights without elements
        assert smallest_side(build, 1, CLASSES) == side
        assert takes(build, (1, side, side), CLASSES)
        if side > 1:
            assert not takes(build, (1, side - 1, side), CLASSES)
            assert not takes(build, (1, side, side - 1), CLASSES)


# Known by arithmetic


def test_what_a_perceptron_costs_is_known() -> None:
    assert measure(linear, (5, 4), CLASSES) == Cost(63, 2 * 20 * CLASSES, 0, 20 + CLASSES)
    cost = measure(partial(mlp, width=7, depth=1), (20,), CLASSES)
    assert cost == Cost(21 * 7 + 8 * CLASSES, 2 * (20 * 7 + 7 * CLASSES), 20 + 7, 7 + CLASSES)


def test_what_is_there_without_being_saved_counts_too() -> None:
    """Nothing of an embedding is saved but the ids; what it gives is 9 x 5 numbers."""
    assert measure(Words, (9,), CLASSES)[2:] == (2 * 45 - (5 + CLASSES), 5 + CLASSES)


def test_a_batch_of_activations_and_of_weights_are_told_apart() -> None:
    """Weights of this one are many times its activations, and are kept once."""
    cost = measure(partial(mlp, width=1000, depth=2), (10,), CLASSES)
    assert cost.activations == 10 + 1000 + 1000


def test_places_in_pooling_count_as_numbers_of_two_bytes() -> None:
    def build(shape: tuple[int, ...], n_classes: int) -> nn.Module:
        return nn.Sequential(nn.MaxPool2d(2), nn.Flatten(), nn.Linear(16, n_classes))

    # Nothing before the pooling is learned: what it did is not kept.
    assert measure(build, (1, 8, 8), CLASSES).activations == 0 + 16

    def learned(shape: tuple[int, ...], n_classes: int) -> nn.Module:
        return nn.Sequential(nn.Conv2d(1, 1, 1), build(shape, n_classes))

    image, pooled = 64, 16
    assert measure(learned, (1, 8, 8), CLASSES).activations == 2 * image + (1 + 4) * pooled


@pytest.mark.parametrize("n_classes", [2, 5])
def test_tokens_are_tried_where_real_numbers_do_not_do(n_classes: int) -> None:
    cost = measure(Words, (9,), n_classes)
    assert cost.parameters == VOCABULARY * 5 + 6 * n_classes
    assert cost.flops == 2 * 5 * n_classes


@pytest.mark.parametrize("build", NETWORKS, ids=lambda build: build.__name__)
def test_whatever_runs_is_measured(build: Build) -> None:
    shape, _ = NETWORKS[build]
    cost = measure(build, shape, CLASSES)
    assert cost.parameters == sum(p.numel() for p in build(shape, CLASSES).parameters())
    assert min(cost) > 0
    assert takes(build, shape, CLASSES)


class Deciding(nn.Module):
    """Looks at values, of which the meta device has none."""

    def __init__(self, shape: tuple[int, ...], n_classes: int) -> None:
        super().__init__()
        self.last = nn.Linear(shape[0], n_classes)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(x) if x.sum() > 0 else self.last(-x)


def test_networks_that_look_at_values_are_measured_on_the_cpu() -> None:
    with pytest.raises(RuntimeError, match="meta"):
        Deciding((5,), CLASSES).to("meta")(torch.zeros(2, 5, device="meta"))
    cost = measure(Deciding, (5,), CLASSES)
    assert (cost.parameters, cost.flops) == (6 * CLASSES, 2 * 5 * CLASSES)


def test_measuring_leaves_torchs_generator_alone() -> None:
    before = torch.get_rng_state()
    measure(Deciding, (5,), CLASSES)
    separate(Dropping, (5,), CLASSES)
    assert torch.equal(torch.get_rng_state(), before)


def with_output(output: Callable[[Tensor], Any]) -> Build:
    class Giving(nn.Linear):
        def forward(self, input: Tensor) -> Any:
            return output(super().forward(input))

    return lambda shape, n_classes: Giving(shape[0], n_classes)


@pytest.mark.parametrize(
    ("build", "reason"),
    [
        (with_output(lambda x: x[:1]), "gives logits of shape (1, 3) for 2 items, expected (2, 3)"),
        (with_output(lambda x: (x, x)), "gives a tuple, expected one tensor of logits"),
        (lambda shape, n_classes: "nothing", "gives a str, expected an nn.Module"),
        (small_cnn, "takes images, (channels, height, width)"),
    ],
    ids=["too few", "two", "no network", "no image"],
)
def test_what_does_not_do_says_why(build: Build, reason: str) -> None:
    with pytest.raises(EngineError) as caught:
        measure(build, (5,), CLASSES)
    assert str(caught.value) == reason
    assert not takes(build, (5,), CLASSES)


# Whose logits are its own


class Dropping(Deciding):
    def forward(self, x: Tensor) -> Tensor:
        return F.dropout(self.last(x), 0.5, self.training)


class Counting(Deciding):
    count: Tensor

    def __init__(self, shape: tuple[int, ...], n_classes: int) -> None:
        super().__init__(shape, n_classes)
        self.register_buffer("count", torch.zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        self.count += 1
        return self.last(x)


class Centred(Deciding):
    def forward(self, x: Tensor) -> Tensor:
        return self.last(x - x.mean(0))


class Scaled(Deciding):
    """Has a buffer, which stays what it is."""

    scale: Tensor

    def __init__(self, shape: tuple[int, ...], n_classes: int) -> None:
        super().__init__(shape, n_classes)
        self.register_buffer("scale", torch.full((), 2.0))

    def forward(self, x: Tensor) -> Tensor:
        return self.last(x * self.scale)


class CentredWords(Words):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) - super().forward(x).mean(0)


@pytest.mark.parametrize(
    ("build", "shape", "expected"),
    [
        (small_cnn, (1, 8, 8), True),
        (mlp, (5,), True),
        (resnet, (1, 8, 8), False),
        (Scaled, (5,), True),
        (Words, (9,), True),
        (Gru, (7,), True),
        (Dropping, (5,), False),
        (Counting, (5,), False),
        (Centred, (5,), False),
        (CentredWords, (9,), False),
        (Signals, (2, 14), False),
    ],
    ids=lambda value: getattr(value, "__name__", str(value)),
)
def test_separate_is_who_neither_draws_nor_remembers_nor_looks_around(
    build: Build, shape: tuple[int, ...], expected: bool
) -> None:
    assert separate(build, shape, CLASSES) is expected
