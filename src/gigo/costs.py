"""What training a trial takes: operations, bytes; estimates."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gigo.trial import Trial

if TYPE_CHECKING:
    from gigo.measuring import Cost

CORE_SPEED = {"bfloat16": 60e9, "float32": 30e9, "float64": 10e9}
"""Floating-point operations a second that one processor core sustains, by precision; rough."""

BYTES = {"bfloat16": 2, "float32": 4, "float64": 8}

EVALUATED = 1024
"""Images times members in one forward pass without gradients: enough to be efficient, few enough to
stay in cache."""

ITEM = 80
"""Bytes of indices, labels and predictions that a member keeps for each of its items."""

SEEN = 24
"""Bytes of predictions that a member keeps for each test item."""

VIEW = 56
"""Bytes of an epoch's view of an item (`gigo.engine.augmentation`), drawn, ordered and padded."""

OVERHEAD = 40 << 20
"""Bytes that the first stack costs whatever its size, above all for kernels."""


def stack_memory(trial: Trial, width: int) -> int:
    """Bytes that a stack of trials like this one needs beside the data set, at most."""
    items = max(trial.dataset.n_test, trial.size)
    evaluated = min(EVALUATED, width * items)
    # A layer's input and output, and what its kernel makes of both, come to less than all layers'
    # outputs and half as much again. A step of training and a forward pass never live together.
    forward = evaluated * _activation_memory(trial) * 3 // 2
    return OVERHEAD + max(forward, width * _step_memory(trial)) + width * _kept_memory(trial)


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
    items = trial.size * (ITEM + VIEW * trial.recipe.augments)
    items += trial.dataset.n_test * SEEN
    return weights + items


def expected_epochs(trial: Trial) -> float:
    """What early stopping tends to leave of the epochs allowed: about 2.5 patiences."""
    recipe = trial.recipe
    if recipe.patience and trial.validation != "none":
        return min(recipe.epochs, 2.5 * recipe.patience)
    return recipe.epochs


def work(trial: Trial) -> float:
    """Floating-point operations that a trial is expected to take."""
    flops = _cost(trial).flops
    n_test = trial.dataset.n_test
    fitted = trial.n_rows
    held_out = trial.size - fitted
    oracle = trial.validation == "oracle"
    watched = n_test if oracle else held_out
    final = fitted + 2 * n_test
    return flops * (expected_epochs(trial) * (3 * fitted + watched) + final)


def step_flops(trial: Trial) -> float:
    """Floating-point operations of one member's step of the optimiser."""
    return 3 * _cost(trial).flops * trial.recipe.batch_size


def separate(trial: Trial) -> bool:
    """Whether in training an item's logits are its own, see `gigo.measuring.separate`."""
    from gigo import measuring

    return measuring.separate(trial.model.value, trial.dataset.input_shape, trial.dataset.n_classes)


def _cost(trial: Trial) -> Cost:
    from gigo.measuring import measure

    return measure(trial.model.value, trial.dataset.input_shape, trial.dataset.n_classes)
