"""Networks to train: callables ``(input_shape, n_classes, **options) -> torch.nn.Module``.

This index imports no torch; that happens when a network is built.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from gigo.errors import SpecError
from gigo.models import layouts
from gigo.models.cnn import article_cnn, small_cnn
from gigo.models.layouts import Cost, Layout

if TYPE_CHECKING:
    from torch import nn

__all__ = ["CATALOGUE", "Cost", "Model", "build", "check_input", "cost", "default_for"]


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
        {},
    ),
    "small_cnn": Model(
        "two 3x3 convolutions of 16 and 32 channels, one dense layer of 64", small_cnn, {}
    ),
}


def build(name: str, input_shape: tuple[int, ...], n_classes: int, **options: Any) -> nn.Module:
    """A freshly initialised network of the catalogue, drawn from torch's global generator."""
    return layouts.network(CATALOGUE[name].layout(**options), input_shape, n_classes)


def cost(name: str, input_shape: tuple[int, ...], n_classes: int, **options: Any) -> Cost:
    """What a network of the catalogue costs, without building it."""
    return layouts.cost(CATALOGUE[name].layout(**options), input_shape, n_classes)


def default_for(input_shape: tuple[int, ...]) -> str:
    """What ``model = "auto"`` means for inputs (channels, height, width)."""
    large = min(input_shape[1:]) >= layouts.image_side(article_cnn())
    return "article_cnn" if large else "small_cnn"


def check_input(name: str, dataset: str, input_shape: tuple[int, ...], **options: Any) -> None:
    """Raise SpecError where a model can't take a data set's images (channels, height, width)."""
    _, height, width = input_shape
    least = layouts.image_side(CATALOGUE[name].layout(**options))
    if min(height, width) < least:
        raise SpecError(
            "model",
            name,
            f"a model for the {height}x{width} images of {dataset}, such as "
            f"{default_for(input_shape)} (this one needs {least}x{least})",
        )
