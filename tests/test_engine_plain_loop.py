"""The engine against an independent reading: a plain training loop of one plain network."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine_setup import digits, losses, made_up, trials
from factories import model_of
from gigo.engine.resident import Resident
from gigo.engine.training import TrainingStack
from gigo.recipe import Recipe
from gigo.rng import Stream
from gigo.sample import sample
from gigo.trial import Trial

WIDE = torch.float64
"""Rounding that tips a ReLU or a pooling the other way grows: float32 may show it, this may not."""

NEVER: dict[str, Any] = {"epochs": 8, "patience": 0, "plateau_patience": 0}
ADAM = Recipe(batch_size=16, learning_rate=2e-3, **NEVER)
SGD = Recipe(
    optimizer="sgd",
    batch_size=16,
    learning_rate=0.03,
    momentum=0.9,
    weight_decay=5e-3,
    schedule="cosine",
    **NEVER,
)


class Adam:
    """Kingma & Ba 2015 with the epsilon as Keras adds it: to the uncorrected root."""

    def __init__(self, network: nn.Module) -> None:
        self.t = 0
        self.state = [(p, torch.zeros_like(p), torch.zeros_like(p)) for p in network.parameters()]

    @torch.no_grad()
    def step(self, epoch: int) -> None:
        self.t += 1
        rate = 2e-3 * (1 - 0.999**self.t) ** 0.5 / (1 - 0.9**self.t)
        for p, m, v in self.state:
            assert p.grad is not None
            m += (p.grad - m) * (1 - 0.9)
            v += (p.grad**2 - v) * (1 - 0.999)
            p -= rate * m / (v.sqrt() + 1e-7)


class Sgd:
    """Polyak's momentum, L2 penalty, a cosine over 8 epochs."""

    def __init__(self, network: nn.Module) -> None:
        self.state = [(p, torch.zeros_like(p)) for p in network.parameters()]

    @torch.no_grad()
    def step(self, epoch: int) -> None:
        rate = 0.03 * (1 + np.cos(np.pi * epoch / 8)) / 2
        for p, u in self.state:
            assert p.grad is not None
            u.copy_(0.9 * u + p.grad + 5e-3 * p)
            p -= rate * u


def plain_losses(
    one: Trial, resident: Resident, optimizer: Callable[[nn.Module], Adam | Sgd]
) -> Iterator[float]:
    """The mean training loss of each epoch."""
    dataset, part = resident.dataset, sample(one, resident.dataset)
    torch.manual_seed(Stream(one.seed, one.replicate, "weights").seed())
    network = one.model.value(dataset.input_shape, dataset.n_classes)
    network.to(resident.dtype)
    update = optimizer(network)
    scale = 255 if dataset.x_train.dtype == np.uint8 else 1
    images = torch.tensor(dataset.x_train[part.rows]).to(resident.dtype) / scale
    labels = torch.tensor(part.labels)
    for epoch in range(one.recipe.epochs):
        order = Stream(one.seed, one.replicate, f"order/{epoch}").permutation(len(labels))
        summed: list[Tensor] = []
        for batch in torch.tensor(order).split(16):  # the last one is short
            network.zero_grad()
            loss = F.cross_entropy(network(images[batch]), labels[batch])
            loss.backward()
            update.step(epoch)
            summed.append(loss.detach() * len(batch))
        yield float(sum(summed)) / len(labels)


@pytest.mark.parametrize(
    ("recipe", "optimizer"), [(ADAM, Adam), (SGD, Sgd)], ids=["adam", "momentum and decay"]
)
@pytest.mark.parametrize("replicates", [(0,), (0, 1)], ids=["shared", "own"])
@pytest.mark.parametrize("model", ["small_cnn", "article_cnn"])
def test_the_engine_loses_what_a_plain_loop_loses(
    model: str,
    replicates: tuple[int, ...],
    recipe: Recipe,
    optimizer: Callable[[nn.Module], Adam | Sgd],
) -> None:
    resident, epochs = (digits(WIDE), 5) if model == "small_cnn" else (made_up(24, WIDE), 3)
    fields: dict[str, Any] = {"model": model_of(model), "recipe": recipe, "validation": "none"}
    members = trials(resident, [0, 0.5], replicates, **fields)
    stack = TrainingStack(members, resident)
    for _ in range(epochs):
        stack.run_epoch()
    for one in members:
        plain = list(islice(plain_losses(one, resident, optimizer), epochs))
        np.testing.assert_allclose(losses(stack)[one.key], plain, rtol=0, atol=1e-9)
        assert plain[-1] < plain[0]  # it has been learning


def test_each_of_the_first_steps_loses_what_the_plain_one_loses() -> None:
    # One batch an epoch, so that the curve is the loss of every step.
    members = trials(digits(WIDE), [0, 0.5], [0, 1], recipe=ADAM, size=16, validation="none")
    stack = TrainingStack(members, digits(WIDE))
    for _ in range(8):
        stack.run_epoch()
    for one in members:
        plain = list(plain_losses(one, digits(WIDE), Adam))
        np.testing.assert_allclose(losses(stack)[one.key], plain, rtol=0, atol=1e-9)
