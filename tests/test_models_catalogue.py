"""Every network of the catalogue: its cost is known beforehand, its options are, and it stacks."""

from __future__ import annotations

import inspect
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from gigo import models
from gigo.engine.layers import Form
from gigo.engine.stacking import Stack, stacked_tensors
from gigo.errors import SpecError
from gigo.models import layouts
from gigo.models.residual import ResidualBlock

Case = tuple[str, dict[str, Any], tuple[int, ...]]

CASES: list[Case] = [
    ("article_cnn", {}, (1, 24, 25)),
    ("article_cnn", {"width": 8}, (3, 32, 32)),
    ("article_cnn", {"width": 5, "depth": 1}, (1, 28, 28)),
    ("article_cnn", {"width": 4, "depth": 2}, (3, 24, 24)),
    ("small_cnn", {}, (1, 8, 8)),
    ("small_cnn", {}, (3, 9, 12)),
    ("resnet", {}, (1, 8, 8)),
    ("resnet", {"width": 4}, (3, 9, 14)),
    ("resnet", {"depth": 14, "width": 3}, (1, 28, 28)),
    ("resnet", {"depth": 20, "width": 6}, (3, 8, 8)),
    ("mlp", {}, (1, 8, 8)),
    ("mlp", {"width": 7, "depth": 1}, (3, 5, 4)),
    ("mlp", {"width": 9, "depth": 3}, (11,)),
    ("logistic", {}, (3, 8, 8)),
    ("logistic", {}, (11,)),
]
over_cases = pytest.mark.parametrize(("name", "options", "shape"), CASES, ids=str)
MEMBERS, ITEMS, CLASSES = 3, 4, 7


def test_every_entry_has_a_case() -> None:
    assert {name for name, _, _ in CASES} == set(models.CATALOGUE)


@pytest.mark.parametrize("name", models.CATALOGUE)
def test_options_and_defaults_are_those_of_the_layout(name: str) -> None:
    entry = models.CATALOGUE[name]
    arguments = inspect.signature(entry.layout).parameters.values()
    assert {a.name: a.default for a in arguments} == entry.options
    assert entry.layout() == entry.layout(**entry.options)


@over_cases
def test_the_cost_is_that_of_the_real_network(
    name: str, options: dict[str, Any], shape: tuple[int, ...]
) -> None:
    network = models.build(name, shape, CLASSES, **options)
    cost = models.cost(name, shape, CLASSES, **options)
    assert cost.parameters == sum(p.numel() for p in network.parameters())
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network(torch.zeros(1, *shape))
    assert cost.flops == counter.get_total_flops()


@over_cases
def test_activations_are_what_a_stack_keeps_for_the_backward_pass(
    name: str, options: dict[str, Any], shape: tuple[int, ...]
) -> None:
    networks = members(name, options, shape)
    tensors = stacked_tensors(networks, torch.bfloat16)
    for parameter, _ in networks[0].named_parameters():
        tensors[parameter].requires_grad_()
    own = {tensor.untyped_storage().data_ptr() for tensor in tensors.values()}
    kept: dict[int, int] = {}

    def keep(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    many = 400  # statistics of a batch, and weights in float32, are kept once for all its items
    form: Form = "features" if len(shape) == 1 else "channels"
    x = torch.randn(many, MEMBERS * shape[0], *shape[1:]).bfloat16()
    x = x.view(MEMBERS, many, -1) if form == "features" else x
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        Stack(networks[0], MEMBERS, form)(tensors, x, train=True).log_softmax(-1)
    cost = models.cost(name, shape, CLASSES, **options)
    expected = 2 * cost.activations + 4 * cost.exact
    assert sum(kept.values()) / many / MEMBERS == pytest.approx(expected, rel=0.05)


@pytest.mark.parametrize("train", [False, True], ids=["evaluating", "training"])
@pytest.mark.parametrize("own", [False, True], ids=["shared input", "own input"])
@over_cases
def test_every_entry_stacks(
    name: str, options: dict[str, Any], shape: tuple[int, ...], own: bool, train: bool
) -> None:
    networks = members(name, options, shape)
    inputs = torch.randn(MEMBERS if own else 1, ITEMS, *shape, dtype=torch.float64)
    form: Form = "shared"
    x = inputs[0]
    if own and len(shape) == 1:
        form, x = "features", inputs
    elif own:
        form, x = "channels", inputs.transpose(0, 1).flatten(1, 2)
    tensors = stacked_tensors(networks, torch.float64)
    logits = Stack(networks[0], MEMBERS, form)(tensors, x, train=train)
    alone = [network.train(train)(inputs[i if own else 0]) for i, network in enumerate(networks)]
    torch.testing.assert_close(logits, torch.stack(alone), atol=1e-10, rtol=1e-10)
    # Training has moved the running statistics of both alike; evaluation none.
    torch.testing.assert_close(
        tensors, stacked_tensors(networks, torch.float64), atol=1e-10, rtol=1e-10
    )


def test_residual_networks_have_their_published_size() -> None:
    """He et al. 2016, table 6: 0.27 million at 20 layers, where shortcuts are of option A."""
    projections = 16 * 32 + 32 * 64 + 2 * (32 + 64)
    cost = models.cost("resnet", (3, 32, 32), 10, depth=20)
    assert cost.parameters == 269_722 + projections == 272_474


@pytest.mark.parametrize("depth", [8, 14, 20])
def test_a_residual_network_is_as_deep_as_it_says(depth: int) -> None:
    network = models.build("resnet", (3, 32, 32), 10, depth=depth)
    layers = [m for m in network.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    projections = [m for m in layers if isinstance(m, nn.Conv2d) and m.kernel_size == (1, 1)]
    assert len(layers) - len(projections) == depth
    assert len(projections) == 2
    assert sum(isinstance(m, ResidualBlock) for m in network.modules()) == (depth - 2) // 2


def test_residual_networks_start_as_he_et_al_2015_have_them() -> None:
    torch.manual_seed(0)
    for layer in models.build("resnet", (3, 32, 32), 10, depth=20).modules():
        if isinstance(layer, nn.BatchNorm2d):
            assert (layer.weight == 1).all() and (layer.bias == 0).all()
        elif isinstance(layer, nn.Conv2d):
            weight = layer.weight.detach()
            n, variance = weight.numel(), 2 / weight[0].numel()
            assert layer.bias is None
            assert weight.mean() == pytest.approx(0, abs=5 * (variance / n) ** 0.5)
            squares = pytest.approx(variance, abs=5 * variance * (2 / n) ** 0.5)
            assert weight.square().mean() == squares


def test_a_block_whose_body_gives_0_is_a_relu() -> None:
    block = ResidualBlock(4, 4, 1, projects=False).eval()
    norm = block.body[-1]
    assert isinstance(norm, nn.BatchNorm2d)
    nn.init.zeros_(norm.weight)
    x = torch.randn(2, 4, 6, 6)
    assert torch.equal(block(x), x.relu())


@pytest.mark.parametrize("name", models.CATALOGUE)
def test_the_smallest_image_trains_in_a_batch_of_one(name: str) -> None:
    side = layouts.image_side(models.CATALOGUE[name].layout())
    models.check_input(name, "made up", (3, side, side))
    logits = models.build(name, (3, side, side), 5)(torch.zeros(1, 3, side, side))
    assert logits.shape == (1, 5) and logits.isfinite().all()


def test_residual_networks_take_images_of_5_pixels_and_none_smaller() -> None:
    """A stage of one pixel could not normalise a batch of one item."""
    assert layouts.image_side(models.CATALOGUE["resnet"].layout(depth=20)) == 5
    network = models.build("resnet", (1, 4, 4), 5)
    with pytest.raises(ValueError, match="more than 1 value per channel"):
        network(torch.zeros(1, 1, 4, 4))


@pytest.mark.parametrize("depth", [0, 1, 3])
def test_depth_adds_convolutions_and_leaves_the_sizes_of_images(depth: int) -> None:
    layout = models.CATALOGUE["article_cnn"].layout(width=4, depth=depth)
    assert layouts.image_side(layout) == 24
    assert sum(isinstance(layer, layouts.Conv) for layer in layout) == 6 + 3 * depth
    shape = (1, 28, 28)
    for layer in layout[:-2]:
        shape = layouts.shape_after(layer, shape)
    assert shape == (4, 2, 2)


def test_width_scales_convolutions_and_dense_layers() -> None:
    shapes = [
        [
            tuple(p.shape[:1])
            for p in models.build("article_cnn", (1, 28, 28), 10, width=w).parameters()
        ]
        for w in (8, 16)
    ]
    assert all(b == (2 * a[0],) for (a, b) in zip(*(s[:-2] for s in shapes), strict=True))


@pytest.mark.parametrize("shape", [(11,), (2, 30)], ids=str)
def test_items_that_are_no_images_get_an_mlp(shape: tuple[int, ...]) -> None:
    assert models.default_for(shape) == "mlp"
    for name in ("mlp", "logistic"):
        models.check_input(name, "made up", shape)
        assert models.build(name, shape, 3)(torch.zeros(2, *shape)).shape == (2, 3)
    for name in ("article_cnn", "small_cnn", "resnet"):
        with pytest.raises(SpecError, match="such as mlp"):
            models.check_input(name, "made up", shape)


def test_vectors_are_refused_in_one_line_where_images_are_needed() -> None:
    with pytest.raises(SpecError) as caught:
        models.check_input("resnet", "wine", (13,))
    assert str(caught.value) == (
        "model = 'resnet': expected a model for the 13 items of wine, such as mlp "
        "(this one needs images of 5x5)"
    )


@pytest.mark.parametrize(
    ("name", "option", "value", "expected"),
    [
        ("article_cnn", "width", 0, "at least 1"),
        ("article_cnn", "depth", -1, "at least 0"),
        ("mlp", "width", 0, "at least 1"),
        ("mlp", "depth", 0, "at least 1"),
        ("resnet", "depth", 2, "8, 14, 20"),
        ("resnet", "depth", 18, "8, 14, 20"),
        ("resnet", "width", 0, "at least 1"),
    ],
)
def test_options_out_of_range_are_named(name: str, option: str, value: int, expected: str) -> None:
    with pytest.raises(SpecError, match=expected) as caught:
        models.check_input(name, "made up", (3, 32, 32), **{option: value})
    assert caught.value.field == f"model.{name}.{option}" and caught.value.value == value


def members(name: str, options: dict[str, Any], shape: tuple[int, ...]) -> list[nn.Module]:
    """Different networks, whose normalisations have scales and statistics of their own."""
    torch.manual_seed(0)
    networks = [models.build(name, shape, CLASSES, **options).double() for _ in range(MEMBERS)]
    for network in networks:
        for module in network.modules():
            if isinstance(module, nn.BatchNorm2d):
                nn.init.uniform_(module.weight, 0.5, 1.5)
                nn.init.normal_(module.bias)
                assert module.running_mean is not None and module.running_var is not None
                module.running_mean.normal_()
                module.running_var.uniform_(0.5, 1.5)
    return networks
