"""What training a trial takes: operations, bytes; estimates."""

from __future__ import annotations

from math import prod
from typing import Any

from gigo import measuring
from gigo.trial import Trial

CORE_SPEED = {"bfloat16": 60e9, "float32": 30e9, "float64": 10e9}
"""Floating-point operations a second that one processor core sustains, by precision; rough."""

BYTES = {"bfloat16": 2, "float32": 4, "float64": 8}

EVALUATED = 1024
"""Images times members in one forward pass without gradients: enough to be efficient, few enough to
stay in cache."""

ROOMY = 1 << 30
"""Bytes that such a pass may take on an accelerator instead, where few images leave it idle."""

ITEM = 80
"""Bytes of indices, labels and predictions that a member keeps for each of its items."""

SEEN = 24
"""Bytes of predictions that a member keeps for each test item."""

VIEW = 56
"""Bytes of an epoch's view of an item (`gigo.engine.augmentation`), drawn, ordered and padded."""

FITTED = 1e-4, 1e-6
"""Seconds that an estimator takes per item, and per number of an item: a guess, off by up to ten
times. It settles who shares a job and whether processes are worth starting; what a run will take is
not known before the first fits."""

OVERHEAD = 40 << 20
"""Bytes that the first stack costs whatever its size, above all for kernels."""


def stack_memory(trial: Trial, width: int) -> int:
    """Bytes that a stack of trials like this one needs beside the data set, at most.

    Estimators are fitted one after the other; what one needs nobody knows, and a copy of the items
    is the least.
    """
    if trial.model.trainer == "estimator":
        return OVERHEAD + 8 * prod(trial.input_shape) * (trial.size + trial.dataset.n_test)
    items = max(trial.dataset.n_test, trial.size)
    evaluated = min(EVALUATED, width * items)
    # A step of training and a forward pass never live together.
    forward = evaluated * _forward_memory(trial)
    return OVERHEAD + max(forward, width * _step_memory(trial)) + width * _kept_memory(trial)


def evaluated_on_accelerator(trial: Trial) -> int:
    """Images times members in one forward pass without gradients on an accelerator."""
    return max(EVALUATED, ROOMY // max(1, _forward_memory(trial)))


def _forward_memory(trial: Trial) -> int:
    """Bytes that one item needs in a forward pass without gradients."""
    # A layer's input and output, and what its kernel makes of both, come to less than all layers'
    # outputs and half as much again.
    return _activation_memory(trial) * 3 // 2


def _step_memory(trial: Trial) -> int:
    """Bytes that one member needs only while a step of its training lasts."""
    batch = min(trial.recipe.batch_size, trial.size)
    # A batch's activations are live twice more at the peak of the backward pass: as gradients,
    # and in the layouts that kernels of convolutions make for themselves.
    return 3 * batch * _activation_memory(trial)


def _activation_memory(trial: Trial) -> int:
    """Bytes that one item leaves in a network on its way to the loss."""
    cost, width = _cost(trial), BYTES[trial.precision]
    return cost.activations * width + cost.exact * max(width, 4)


def _kept_memory(trial: Trial) -> int:
    """Bytes that one member needs from its first step to its last."""
    width = BYTES[trial.precision]
    master = max(width, 4)
    # Masters, gradients, two moments, the best weights and four of these in a checkpoint; copies
    # and their gradients.
    weights = _cost(trial).parameters * (9 * master + 2 * width)
    items = max(trial.size, trial.n_rows) * (ITEM + VIEW * trial.recipe.augments)
    return weights + items + trial.dataset.n_test * SEEN + own_inputs(trial)


def own_inputs(trial: Trial) -> int:
    """Bytes of inputs that a corruption brings, and of those that lie beside them."""
    corruption, card = trial.corruption, trial.dataset
    if corruption is None or not corruption.inputs:
        return 0
    known = card.n_bytes // max(1, card.n_train + card.n_test)
    each = 0 if trial.model.features else known
    return max(trial.size, trial.n_rows) * (each or 4 * prod(trial.input_shape))


def expected_epochs(trial: Trial) -> float:
    """What early stopping tends to leave of the epochs allowed: about 2.5 patiences."""
    recipe = trial.recipe
    if trial.model.trainer == "estimator":
        return 0
    if recipe.patience and trial.validation != "none":
        return min(recipe.epochs, 2.5 * recipe.patience)
    return recipe.epochs


def seconds(trial: Trial) -> float:
    """Of one core that a trial's arithmetic is expected to take; for an estimator, a guess."""
    if trial.model.trainer == "estimator":
        return trial.n_rows * (FITTED[0] + FITTED[1] * prod(trial.input_shape))
    return work(trial) / CORE_SPEED[trial.precision]


def work(trial: Trial) -> float:
    """Floating-point operations that training a network is expected to take."""
    fitted, n_test = trial.n_rows, trial.dataset.n_test
    watched = n_test if trial.validation == "oracle" else trial.size - fitted
    passes = expected_epochs(trial) * (3 * fitted + watched) + fitted + 2 * n_test
    return _cost(trial).flops * passes


def step_flops(trial: Trial) -> float:
    """Floating-point operations of one member's step of the optimiser."""
    return 3 * _cost(trial).flops * trial.recipe.batch_size


def separate(trial: Trial) -> bool:
    """Whether in training an item's logits are its own, see `gigo.measuring.separate`."""
    return measuring.separate(*_network(trial))


def _cost(trial: Trial) -> measuring.Cost:
    return measuring.measure(*_network(trial))


def _network(trial: Trial) -> tuple[Any, tuple[int, ...], int]:
    return trial.model.value, trial.input_shape, trial.dataset.n_classes
