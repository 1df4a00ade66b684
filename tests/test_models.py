"""The networks: sizes known beforehand, initial weights as Keras has them, tight limits."""

from __future__ import annotations

import warnings

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from gigo import models
from gigo.errors import SpecError
from gigo.models import layouts
from gigo.models.cnn import article_cnn, small_cnn
from gigo.models.layouts import Conv, Dense, Layout, Pool

layout_layers = st.one_of(
    st.builds(Conv, st.integers(1, 4), st.sampled_from(["valid", "same"])),
    st.just(Pool()),
)
some_layouts = st.tuples(
    st.lists(layout_layers, max_size=5), st.lists(st.builds(Dense, st.integers(1, 5)), max_size=2)
).map(lambda parts: [*parts[0], *parts[1]])


def parameters(network: nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


def forward_flops(network: nn.Module, shape: tuple[int, ...]) -> int:
    """What PyTorch counts while one item goes through."""
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network(torch.zeros(1, *shape))
    return counter.get_total_flops()


def runs(layout: Layout, height: int, width: int) -> bool:
    """Whether a network of this layout can be built for such images and gives logits."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of weights without elements
        try:
            network = layouts.network(layout, (1, height, width), 10)
            return network(torch.zeros(2, 1, height, width)).shape == (2, 10)
        except RuntimeError:
            return False


def test_the_articles_network_has_80874_parameters() -> None:
    shape = (1, 28, 28)
    assert parameters(models.build("article_cnn", shape, 10)) == 80_874
    assert models.cost("article_cnn", shape, 10).parameters == 80_874


def test_the_small_network_has_38282_parameters() -> None:
    shape = (1, 8, 8)
    assert parameters(models.build("small_cnn", shape, 10)) == 38_282
    assert models.cost("small_cnn", shape, 10).parameters == 38_282


def test_the_articles_layers_are_those_of_the_article() -> None:
    network = models.build("article_cnn", (1, 28, 28), 10)
    kinds = [type(layer).__name__ for layer in network.children()]
    conv, pool = ["Conv2d", "ReLU"], ["MaxPool2d"]
    dense = ["Linear", "ReLU"]
    assert kinds == [
        *(conv + conv + pool) * 2,
        *(conv + conv),
        *("Flatten", *dense, *dense, "Linear"),
    ]
    paddings = [layer.padding for layer in network.children() if isinstance(layer, nn.Conv2d)]
    assert paddings == [(0, 0)] * 5 + [(1, 1)]
    widths = [layer.out_features for layer in network.children() if isinstance(layer, nn.Linear)]
    assert widths == [128, 128, 10]


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("small_cnn", (1, 8, 8)),
        ("small_cnn", (3, 9, 12)),
        ("article_cnn", (1, 24, 24)),
        ("article_cnn", (1, 28, 28)),
        ("article_cnn", (3, 32, 32)),
    ],
    ids=str,
)
def test_the_cost_is_that_of_the_real_network(name: str, shape: tuple[int, ...]) -> None:
    network, cost = models.build(name, shape, 7), models.cost(name, shape, 7)
    assert cost.parameters == parameters(network)
    assert cost.flops == forward_flops(network, shape)


@settings(max_examples=25, deadline=None)
@given(some_layouts, st.integers(1, 3), st.integers(2, 4), st.integers(0, 3), st.integers(0, 3))
def test_the_cost_is_that_of_any_network(
    layout: Layout, channels: int, n_classes: int, taller: int, wider: int
) -> None:
    least = layouts.image_side(layout)
    shape = (channels, least + taller, least + wider)
    network, cost = (
        layouts.network(layout, shape, n_classes),
        layouts.cost(layout, shape, n_classes),
    )
    assert cost.parameters == parameters(network)
    assert cost.flops == forward_flops(network, shape)
    assert network(torch.zeros(2, *shape)).shape == (2, n_classes)


def test_image_sides_are_known() -> None:
    assert layouts.image_side(article_cnn()) == 24
    assert layouts.image_side(small_cnn()) == 2
    assert layouts.image_side([Dense(3)]) == 1


@settings(max_examples=40, deadline=None)
@given(some_layouts)
def test_the_image_side_is_tight(layout: Layout) -> None:
    side = layouts.image_side(layout)
    assert runs(layout, side, side)
    if side > 1:
        assert not runs(layout, side - 1, side)
        assert not runs(layout, side, side - 1)


def test_the_articles_network_runs_at_24_pixels_and_not_below() -> None:
    assert runs(article_cnn(), 24, 24)
    assert not runs(article_cnn(), 23, 23)


def test_weights_are_uniform_within_glorots_bound_and_biases_0() -> None:
    torch.manual_seed(0)
    network = models.build("article_cnn", (3, 32, 32), 10)
    for layer in network.children():
        if not isinstance(layer, nn.Conv2d | nn.Linear):
            continue
        weight = layer.weight.detach()
        field = weight[0, 0].numel() if weight.ndim == 4 else 1  # pixels that a unit sees
        bound = (6 / (field * (weight.shape[0] + weight.shape[1]))) ** 0.5
        assert weight.abs().max() <= bound
        # Of n uniform draws the largest falls short by 1/n or so, the mean square is bound^2 / 3.
        assert weight.abs().max() > bound * (1 - 20 / weight.numel())
        tolerance = 5 * bound**2 * (4 / 45 / weight.numel()) ** 0.5
        assert weight.square().mean() == pytest.approx(bound**2 / 3, abs=float(tolerance))
        assert weight.mean() == pytest.approx(0, abs=5 * bound / (3 * weight.numel()) ** 0.5)
        assert (layer.bias == 0).all()


def test_weights_follow_from_torchs_seed() -> None:
    def drawn(seed: int) -> torch.Tensor:
        torch.manual_seed(seed)
        network = models.build("small_cnn", (1, 8, 8), 10)
        return nn.utils.parameters_to_vector(network.parameters())

    assert torch.equal(drawn(1), drawn(1))
    assert not torch.equal(drawn(1), drawn(2))


@pytest.mark.parametrize(
    ("shape", "name"),
    [
        ((1, 8, 8), "small_cnn"),
        ((1, 23, 40), "small_cnn"),
        ((1, 24, 24), "article_cnn"),
        ((3, 32, 32), "article_cnn"),
    ],
)
def test_the_default_is_the_articles_network_where_it_fits(
    shape: tuple[int, ...], name: str
) -> None:
    assert models.default_for(shape) == name
    models.check_input(name, "made up", shape)


def test_images_too_small_for_a_model_are_refused_in_one_line() -> None:
    with pytest.raises(SpecError) as caught:
        models.check_input("article_cnn", "digits", (1, 8, 8))
    assert str(caught.value) == (
        "model = 'article_cnn': expected a model for the 8x8 images of digits, such as small_cnn "
        "(this one needs 24x24)"
    )
