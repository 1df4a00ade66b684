"""Every network of the catalogue: weights are drawn as ever, costs are right, and it stacks."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from gigo import models
from gigo.engine.layers import Form
from gigo.engine.stacking import Stack, stacked_tensors
from gigo.measuring import measure

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
    ("linear", {}, (3, 8, 8)),
    ("linear", {}, (11,)),
]
over_cases = pytest.mark.parametrize(("name", "options", "shape"), CASES, ids=str)
MEMBERS, ITEMS, CLASSES = 3, 4, 7


GOLDEN: list[tuple[Case, int, str, float]] = [
    (("article_cnn", {}, (1, 28, 28)), 10, "74952f8af318", 2.1491),
    (("article_cnn", {}, (3, 32, 32)), 100, "c7cf5025189a", -2.6858),
    (("article_cnn", {"width": 8}, (3, 24, 30)), 7, "47c1f21b16c7", -3.1881),
    (("article_cnn", {"width": 5, "depth": 1}, (1, 28, 28)), 10, "e7ffe41aae1e", -4.7038),
    (("article_cnn", {"depth": 2, "width": 3}, (3, 24, 24)), 4, "15ed3462ec7a", 7.7540),
    (("small_cnn", {}, (1, 8, 8)), 10, "187a680bc768", 5.7176),
    (("small_cnn", {}, (3, 9, 12)), 7, "9987d3714ab7", -2.3155),
    (("resnet", {}, (3, 32, 32)), 10, "fe4f52562eae", -4.5602),
    (("resnet", {"width": 4}, (3, 9, 14)), 10, "eedcf4d4af8d", -6.8046),
    (("resnet", {"depth": 14, "width": 3}, (1, 28, 28)), 10, "ba6c74289330", -6.1581),
    (("resnet", {"depth": 20, "width": 6}, (16, 8, 8)), 5, "1399ff9874fd", 4.7477),
    (("mlp", {}, (1, 8, 8)), 10, "e869a8a8c1c3", -0.5498),
    (("mlp", {"width": 7, "depth": 1}, (3, 5, 4)), 2, "48ca5d661af2", 2.2513),
    (("mlp", {"width": 9, "depth": 3}, (11,)), 6, "8e89d622580a", -0.8577),
    (("linear", {}, (3, 8, 8)), 10, "f6fe84dff81d", -0.9181),
    (("linear", {}, (11,)), 3, "8c2d70358a22", -0.7856),
]
"""Cases, classes, the beginning of the sha256 of the weights' names and shapes, and a projection of
the weights drawn after seed 0. Their last bits depend on the processor's instructions."""


NETWORKS = [name for name, entry in models.CATALOGUE.items() if models.is_network(entry.function)]


def test_every_entry_has_a_case() -> None:
    assert {name for name, _, _ in CASES} == {*NETWORKS}


@pytest.mark.parametrize("name", NETWORKS)
def test_options_are_those_of_the_factory_with_its_defaults(name: str) -> None:
    factory, options = models.CATALOGUE[name].function, models.CATALOGUE[name].options
    torch.manual_seed(0)
    bare = factory((3, 32, 32), CLASSES).state_dict()
    torch.manual_seed(0)
    torch.testing.assert_close(factory((3, 32, 32), CLASSES, **options).state_dict(), bare)


@pytest.mark.parametrize(("case", "n_classes", "names", "weights"), GOLDEN, ids=str)
def test_weights_are_drawn_as_ever(case: Case, n_classes: int, names: str, weights: float) -> None:
    """In the same order, from the same draws: every trial of this seed starts from these."""
    name, options, shape = case
    torch.manual_seed(0)
    network = factory(name, options)(shape, n_classes)
    tensors = " ".join(f"{key} {tuple(t.shape)}" for key, t in network.state_dict().items())
    assert hashlib.sha256(tensors.encode()).hexdigest().startswith(names)
    drawn = nn.utils.parameters_to_vector(network.parameters()).detach().double()
    assert float(drawn @ torch.arange(len(drawn)).double().cos()) == pytest.approx(
        weights, abs=1e-4
    )


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
    cost = measure(factory(name, options), shape, CLASSES)
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


def factory(name: str, options: dict[str, Any]) -> Callable[..., nn.Module]:
    return partial(models.CATALOGUE[name].function, **options)


def members(name: str, options: dict[str, Any], shape: tuple[int, ...]) -> list[nn.Module]:
    """Different networks, whose normalisations have scales and statistics of their own."""
    torch.manual_seed(0)
    build = factory(name, options)
    networks = [build(shape, CLASSES).double() for _ in range(MEMBERS)]
    for network in networks:
        for module in network.modules():
            if isinstance(module, nn.BatchNorm2d):
                nn.init.uniform_(module.weight, 0.5, 1.5)
                nn.init.normal_(module.bias)
                assert module.running_mean is not None and module.running_var is not None
                module.running_mean.normal_()
                module.running_var.uniform_(0.5, 1.5)
    return networks
