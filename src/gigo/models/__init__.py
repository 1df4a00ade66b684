"""Networks to train: ``(input_shape, n_classes, **options) -> torch.nn.Module`` each.

This index imports no torch; that happens when a network is built. What a network costs and which
items it takes is measured (`gigo.measuring`).
"""

from __future__ import annotations

from functools import cache

from gigo.errors import EngineError, SpecError
from gigo.models.networks import article_cnn, logistic, mlp, resnet, small_cnn
from gigo.types import Card, Entry, Resolved

__all__ = ["CATALOGUE", "DEFAULTS", "check_input", "default_for"]


CATALOGUE = {
    "article_cnn": Entry(
        article_cnn,
        "the article's network: six 3x3 convolutions of 32 channels, two dense layers of 128",
    ),
    "small_cnn": Entry(
        small_cnn, "two 3x3 convolutions of 16 and 32 channels, one dense layer of 64"
    ),
    "resnet": Entry(
        resnet,
        "a residual network with batch normalisation: 8, 14, 20 ... layers, the first of 16 "
        "channels",
    ),
    "mlp": Entry(mlp, "a multilayer perceptron: two hidden layers of 256, for items of any shape"),
    "logistic": Entry(logistic, "logistic regression, for items of any shape"),
}
"""``(input_shape, n_classes, **options) -> nn.Module`` each, freshly initialised from torch's
global generator; input_shape is that of one item, (channels, height, width) for images."""

DEFAULTS = ("article_cnn", "small_cnn", "mlp")
"""What ``model = "auto"`` tries, in order: the first that takes a data set's items is meant."""


@cache
def default_for(input_shape: tuple[int, ...]) -> str:
    """What ``model = "auto"`` means for items of a shape: the first of DEFAULTS that takes them."""
    from gigo import measuring

    return next(n for n in DEFAULTS if measuring.takes(CATALOGUE[n].function, input_shape, 2))


@cache
def check_input(model: Resolved, card: Card) -> None:
    """Raise SpecError where an option is out of range or a model can't take a data set's items."""
    from gigo import measuring

    shape = card.input_shape
    try:
        measuring.running(model.value, shape, card.n_classes)
        return
    except EngineError as error:
        reason = f"{error}"
    items = f"items of shape {shape}"
    if len(shape) == 3:
        items = "x".join(map(str, shape[1:])) + " images"
        side = measuring.smallest_side(model.value, shape[0], card.n_classes)
        if side is not None and side > min(shape[1:]):
            reason = f"this one needs {side}x{side}"
    fit = f"a model for the {items} of {card.name}, such as {default_for(shape)} ({reason})"
    raise SpecError("model", model.label, fit)
