"""The networks of the catalogue: sizes known beforehand, weights as published, tight limits."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest
import torch
from torch import nn

from gigo import models
from gigo.errors import SpecError
from gigo.measuring import measure, smallest_side
from gigo.models.networks import article_cnn, linear, mlp, resnet, small_cnn
from gigo.models.residual import ResidualBlock
from gigo.types import Card, Kind, Model


def parameters(network: nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


def card(shape: tuple[int, ...], name: str = "made up") -> Card:
    return Card(name, "0" * 64, "vector", shape, 10, 100, 100)


def resolved(name: str, **options: int) -> Model:
    return Model(name, f"{name} {options}", partial(models.CATALOGUE[name].function, **options))


def test_the_articles_network_has_80874_parameters() -> None:
    assert parameters(article_cnn((1, 28, 28), 10)) == 80_874


def test_the_small_network_has_38282_parameters() -> None:
    assert parameters(small_cnn((1, 8, 8), 10)) == 38_282


def test_residual_networks_have_their_published_size() -> None:
    """He et al. 2016, table 6: 0.27 million at 20 layers, where shortcuts are of option A."""
    projections = 16 * 32 + 32 * 64 + 2 * (32 + 64)
    assert parameters(resnet((3, 32, 32), 10, depth=20)) == 269_722 + projections == 272_474


@pytest.mark.parametrize("shape", [(3, 8, 8), (11,), (2, 30)], ids=str)
def test_dense_networks_have_a_weight_per_pair_of_units(shape: tuple[int, ...]) -> None:
    n = torch.Size(shape).numel()
    assert parameters(linear(shape, 5)) == 5 * (n + 1)
    assert parameters(mlp(shape, 5, width=7, depth=3)) == 7 * (n + 1) + 2 * 7 * 8 + 5 * 8


def test_the_articles_layers_are_those_of_the_article() -> None:
    network = article_cnn((1, 28, 28), 10)
    kinds = [type(layer).__name__ for layer in network]
    conv, pool = ["Conv2d", "ReLU"], ["MaxPool2d"]
    dense = ["Linear", "ReLU"]
    assert kinds == [
        *(conv + conv + pool) * 2,
        *(conv + conv),
        *("Flatten", *dense, *dense, "Linear"),
    ]
    paddings = [layer.padding for layer in network if isinstance(layer, nn.Conv2d)]
    assert paddings == [(0, 0)] * 5 + [(1, 1)]
    widths = [layer.out_features for layer in network if isinstance(layer, nn.Linear)]
    assert widths == [128, 128, 10]


@pytest.mark.parametrize("depth", [0, 1, 3])
def test_depth_adds_convolutions_and_leaves_the_sizes_of_images(depth: int) -> None:
    network = article_cnn((1, 28, 28), 10, width=4, depth=depth)
    assert sum(isinstance(layer, nn.Conv2d) for layer in network) == 6 + 3 * depth
    (flatten,) = (i for i, layer in enumerate(network) if isinstance(layer, nn.Flatten))
    assert network[:flatten](torch.zeros(1, 1, 28, 28)).shape == (1, 4, 2, 2)
    assert smallest_side(partial(article_cnn, width=4, depth=depth), 1, 10) == 24


def test_width_scales_convolutions_and_dense_layers() -> None:
    narrow, wide = (
        [len(p) for p in article_cnn((1, 28, 28), 10, width=width).parameters()]
        for width in (8, 16)
    )
    assert wide[:-2] == [2 * n for n in narrow[:-2]] and wide[-2:] == narrow[-2:]


@pytest.mark.parametrize("depth", [8, 14, 20])
def test_a_residual_network_is_as_deep_as_it_says(depth: int) -> None:
    network = resnet((3, 32, 32), 10, depth=depth)
    layers = [m for m in network.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    projections = [m for m in layers if isinstance(m, nn.Conv2d) and m.kernel_size == (1, 1)]
    assert len(layers) - len(projections) == depth
    assert len(projections) == 2
    assert sum(isinstance(m, ResidualBlock) for m in network.modules()) == (depth - 2) // 2


def test_a_block_whose_body_gives_0_is_a_relu() -> None:
    block = ResidualBlock(4, 4).eval()
    norm = block.body[-1]
    assert isinstance(norm, nn.BatchNorm2d)
    nn.init.zeros_(norm.weight)
    x = torch.randn(2, 4, 6, 6)
    assert torch.equal(block(x), x.relu())


# Initial weights


def test_weights_are_uniform_within_glorots_bound_and_biases_0() -> None:
    torch.manual_seed(0)
    for layer in article_cnn((3, 32, 32), 10):
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


def test_residual_networks_start_as_he_et_al_2015_have_them() -> None:
    torch.manual_seed(0)
    for layer in resnet((3, 32, 32), 10, depth=20).modules():
        if isinstance(layer, nn.BatchNorm2d):
            assert (layer.weight == 1).all() and (layer.bias == 0).all()
            assert (layer.running_mean == 0).all() and (layer.running_var == 1).all()
        elif isinstance(layer, nn.Conv2d):
            weight = layer.weight.detach()
            n, variance = weight.numel(), 2 / weight[0].numel()
            assert layer.bias is None
            assert weight.mean() == pytest.approx(0, abs=5 * (variance / n) ** 0.5)
            squares = pytest.approx(variance, abs=5 * variance * (2 / n) ** 0.5)
            assert weight.square().mean() == squares


def test_weights_follow_from_torchs_seed() -> None:
    def drawn(seed: int) -> torch.Tensor:
        torch.manual_seed(seed)
        return nn.utils.parameters_to_vector(small_cnn((1, 8, 8), 10).parameters())

    assert torch.equal(drawn(1), drawn(1))
    assert not torch.equal(drawn(1), drawn(2))


# Which items they take


@pytest.mark.parametrize(
    ("shape", "name"),
    [
        ((1, 8, 8), "small_cnn"),
        ((1, 23, 40), "small_cnn"),
        ((1, 24, 24), "article_cnn"),
        ((3, 32, 32), "article_cnn"),
        ((3, 1, 1), "mlp"),
        ((2, 30), "mlp"),
    ],
    ids=str,
)
def test_the_default_on_an_accelerator_is_the_articles_network_where_it_fits(
    shape: tuple[int, ...], name: str
) -> None:
    images = replace(card(shape), kind="image")
    assert models.default_for(images, accelerated=True) == name
    models.check_input(resolved(name), images)


@pytest.mark.parametrize(
    ("kind", "shape", "name"),
    [
        ("image", (1, 8, 8), "patches"),
        ("image", (3, 480, 640), "patches"),
        ("image", (3, 1, 1), "mlp"),
        ("vector", (11,), "logistic"),
        ("table", (11,), "boosting"),
        ("text", (), "tfidf"),
    ],
)
def test_the_default_on_a_cpu_follows_the_kind_of_inputs(
    kind: Kind, shape: tuple[int, ...], name: str
) -> None:
    assert models.default_for(replace(card(shape), kind=kind)) == name


@pytest.mark.parametrize(
    ("name", "side"), [("article_cnn", 24), ("small_cnn", 2), ("resnet", 5), ("mlp", 1)]
)
def test_the_smallest_image_is_known_and_trains_in_a_batch_of_one(name: str, side: int) -> None:
    factory = models.CATALOGUE[name].function
    assert smallest_side(factory, 3, 5) == side
    logits = factory((3, side, side), 5)(torch.zeros(1, 3, side, side))
    assert logits.shape == (1, 5) and logits.isfinite().all()
    for height, width in ((side - 1, side), (side, side - 1)):
        if side > 1:
            with pytest.raises(SpecError, match=f"this one needs {side}x{side}"):
                models.check_input(resolved(name), card((3, height, width)))


def test_images_too_small_for_a_model_are_refused_in_one_line() -> None:
    with pytest.raises(SpecError) as caught:
        models.check_input(
            resolved("article_cnn"), replace(card((1, 8, 8), "digits"), kind="image")
        )
    assert str(caught.value) == (
        "model = 'article_cnn': expected a model for the 8x8 images of digits, such as patches "
        "(this one needs 24x24)"
    )


@pytest.mark.parametrize("name", ["article_cnn", "small_cnn", "resnet"])
def test_vectors_are_refused_in_one_line_where_images_are_needed(name: str) -> None:
    with pytest.raises(SpecError) as caught:
        models.check_input(resolved(name), card((13,), "wine"))
    assert str(caught.value) == (
        f"model = {name!r}: expected a model for the items of shape (13,) of wine, such as "
        "logistic (takes images, (channels, height, width))"
    )


@pytest.mark.parametrize(
    ("name", "option", "value", "expected"),
    [
        ("article_cnn", "width", 0, "from 1 to 65536"),
        ("article_cnn", "depth", -1, "from 0 to 1000"),
        ("mlp", "width", 2**63 - 1, "from 1 to 65536"),
        ("mlp", "depth", 0, "from 1 to 1000"),
        ("resnet", "depth", 2, "8, 14, 20"),
        ("resnet", "depth", 18, "8, 14, 20"),
        ("resnet", "depth", 800_000, "up to 1202"),
        ("resnet", "width", 0, "from 1 to 65536"),
    ],
)
def test_options_out_of_range_are_named(name: str, option: str, value: int, expected: str) -> None:
    with pytest.raises(SpecError, match=expected) as caught:
        models.check_input(resolved(name, **{option: value}), card((3, 32, 32)))
    assert caught.value.field == f"model.{name}.{option}" and caught.value.value == value


@pytest.mark.parametrize("name", ["article_cnn", "mlp", "resnet"])
def test_the_largest_networks_are_measured_without_being_built(name: str) -> None:
    widest = partial(models.CATALOGUE[name].function, width=65_536)
    assert measure(widest, (3, 32, 32), 10).parameters > 4e9
