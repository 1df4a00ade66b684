"""The article's network and recipe against real Keras 3: same weights and batches, same losses."""

from __future__ import annotations

import importlib.util
import os
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from rivals import keras_article
from torch import nn

from engine_setup import made_up, trials
from factories import model_of
from gigo.engine.training import TrainingStack
from gigo.models.networks import article_cnn
from gigo.recipe import Recipe
from gigo.rng import Stream
from gigo.sample import sample

needs_keras = pytest.mark.skipif(
    importlib.util.find_spec("keras") is None, reason="needs the extra: gigo[keras]"
)
pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore"),  # TensorFlow's own
]

EPOCHS = 7
"""Of 40 items in batches of 16, 16 and 8: 21 steps."""


RECORDED = [
    2.302871376536769,
    2.2944062315200187,
    2.281851985749068,
    2.2495643921035517,
    2.213645637790044,
    2.2140682403326664,
    2.1848270927427165,
]
"""Losses of Keras 3.15.1 on TensorFlow 2.21.0, made by the test below."""


def as_article(side: int) -> Any:
    """The network and optimiser that the benchmarks race against, in float64."""
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    import keras  # pyright: ignore[reportMissingImports] - an extra

    keras.backend.set_floatx("float64")  # rounding that tips a ReLU would grow
    # Keras's own defaults, but exact: it rounds Python's numbers to float32, 0.999 too, whose
    # distance to 1 is then off by 1e-5.
    adam = keras.optimizers.Adam(beta_1=np.float64(0.9), beta_2=np.float64(0.999))
    return keras_article((side, side, 1), adam)


def as_keras(network: nn.Module) -> list[np.ndarray]:
    """Weights of the article's network in the order and layout that Keras has."""
    weights: list[np.ndarray] = []
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d):
            weights.append(layer.weight.detach().permute(2, 3, 1, 0).numpy())
        elif isinstance(layer, nn.Linear):
            matrix = layer.weight.detach()
            if not any(w.ndim == 2 for w in weights):  # the first one reads (channels, y, x)
                sides = matrix.view(len(matrix), 32, -1)
                matrix = sides.transpose(1, 2).flatten(1)
            weights.append(matrix.T.numpy())
        else:
            continue
        assert layer.bias is not None
        weights.append(layer.bias.detach().numpy())
    return weights


def trained() -> TrainingStack:
    """By gigo, in float64."""
    resident = made_up(28, torch.float64)
    recipe = Recipe(batch_size=16, epochs=EPOCHS, patience=0, plateau_patience=0)
    fields: dict[str, Any] = {"model": model_of("article_cnn"), "recipe": recipe}
    stack = TrainingStack(trials(resident, [0.5], [0], validation="none", **fields), resident)
    for _ in range(EPOCHS):
        stack.run_epoch()
    return stack


def test_losses_are_those_recorded_of_keras() -> None:
    found = trained().members[0].curve["train_loss"]
    np.testing.assert_allclose(found, RECORDED, rtol=0, atol=1e-9)


@needs_keras
def test_losses_are_those_of_keras() -> None:
    (member,) = trained().members
    trial, dataset = member.trial, made_up(28, torch.float64).dataset
    part = sample(trial, dataset)
    torch.manual_seed(Stream(trial.seed, trial.replicate, "weights").seed())
    network = article_cnn((1, 28, 28), 10)
    model = as_article(28)
    model.set_weights(as_keras(network))
    images = dataset.x_train[part.rows].transpose(0, 2, 3, 1) / 255
    expected: list[float] = []
    for epoch in range(EPOCHS):
        order = Stream(trial.seed, trial.replicate, f"order/{epoch}").permutation(len(images))
        total = 0.0
        for start, end in pairwise((0, 16, 32, 40)):
            batch = order[start:end]
            model.reset_metrics()
            loss, _ = model.train_on_batch(images[batch], part.labels[batch])
            total += float(loss) * len(batch)
        expected.append(total / len(images))
    np.testing.assert_allclose(member.curve["train_loss"], expected, rtol=0, atol=1e-9)
    assert expected[-1] < expected[0]


@needs_keras
def test_initial_weights_are_drawn_as_keras_draws_them() -> None:
    """Glorot-uniform in the same bounds, zero biases: extremes and variances agree."""
    model = as_article(28)
    torch.manual_seed(0)
    network = article_cnn((1, 28, 28), 10)
    ours, theirs = as_keras(network), model.get_weights()
    assert [w.shape for w in ours] == [w.shape for w in theirs]
    for mine, other in zip(ours, theirs, strict=True):
        if mine.ndim == 1:
            assert not mine.any() and not other.any()
            continue
        fan_in, fan_out = np.prod(mine.shape[:-1]), mine.shape[-1] * np.prod(mine.shape[:-2])
        bound = np.sqrt(6 / (fan_in + fan_out))
        for drawn in (mine, other):
            assert 0.9 * bound < np.abs(drawn).max() <= bound * (1 + 1e-6)
            assert drawn.var() == pytest.approx(bound**2 / 3, rel=0.25)
