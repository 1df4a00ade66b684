"""Networks to train, each a layout: layers as data, from which network and cost follow.

This index imports no torch; that happens when a network is built.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from gigo.errors import SpecError
from gigo.models import layouts
from gigo.models.cnn import article_cnn, small_cnn
from gigo.models.dense import logistic, mlp
from gigo.models.layouts import Cost, Layout
from gigo.models.resnet import resnet

if TYPE_CHECKING:
    from torch import nn

__all__ = ["CATALOGUE", "Cost", "Model", "build", "check_input", "cost", "default_for", "separate"]


class Model(NamedTuple):
    """A catalogue entry.

    Attributes:
        summary: one line for ``gigo list models``.
        layout: ``(**options) -> Layout``, its layers.
        options: the names of its options with their defaults.
    """

    summary: str
    layout: Callable[..., Layout]
    options: dict[str, object]


CATALOGUE: dict[str, Model] = {
    "article_cnn": Model(
        "the article's network: six 3x3 convolutions of 32 channels, two dense layers of 128",
        article_cnn,
        {"width": 32, "depth": 0},
    ),
    "small_cnn": Model(
        "two 3x3 convolutions of 16 and 32 channels, one dense layer of 64", small_cnn, {}
    ),
    "resnet": Model(
        "a residual network with batch normalisation: 8, 14, 20 ... layers, the first of 16 "
        "channels",
        resnet,
        {"depth": 8, "width": 16},
    ),
    "mlp": Model(
        "a multilayer perceptron: two hidden layers of 256, for items of any shape",
        mlp,
        {"width": 256, "depth": 2},
    ),
    "logistic": Model("logistic regression, for items of any shape", logistic, {}),
}

DEFAULTS = ("article_cnn", "small_cnn", "mlp")
"""What ``model = "auto"`` tries, in order."""


def build(name: str, input_shape: tuple[int, ...], n_classes: int, **options: Any) -> nn.Module:
    """A freshly initialised network of the catalogue, drawn from torch's global generator."""
    return layouts.network(CATALOGUE[name].layout(**options), input_shape, n_classes)


def cost(name: str, input_shape: tuple[int, ...], n_classes: int, **options: Any) -> Cost:
    """What a network of the catalogue costs, without building it."""
    return layouts.cost(CATALOGUE[name].layout(**options), input_shape, n_classes)


def separate(name: str, **options: Any) -> bool:
    """Whether in training a network treats an item alike whatever else is in its batch."""
    return layouts.separate(CATALOGUE[name].layout(**options))


def default_for(input_shape: tuple[int, ...]) -> str:
    """What ``model = "auto"`` means for items of a shape: the first of DEFAULTS that takes them."""
    return next(name for name in DEFAULTS if layouts.takes(CATALOGUE[name].layout(), input_shape))


def check_input(name: str, dataset: str, input_shape: tuple[int, ...], **options: Any) -> None:
    """Raise SpecError where an option is out of range or a model can't take a data set's items."""
    layout = CATALOGUE[name].layout(**options)
    if layouts.takes(layout, input_shape):
        return
    image = len(input_shape) == 3
    size = "x".join(map(str, input_shape[1:] if image else input_shape))
    kind = "images" if image else "items"
    least = layouts.image_side(layout)
    needs = f"{least}x{least}" if image else f"images of {least}x{least}"
    raise SpecError(
        "model",
        name,
        f"a model for the {size} {kind} of {dataset}, such as {default_for(input_shape)} "
        f"(this one needs {needs})",
    )
