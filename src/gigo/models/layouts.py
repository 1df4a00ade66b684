"""Plain networks as data, so that their cost is known without building them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from torch import nn


class Conv(NamedTuple):
    """A 3x3 convolution and a ReLU."""

    channels: int
    padding: Literal["valid", "same"] = "valid"


class Pool(NamedTuple):
    """Max-pooling over 2x2."""


class Dense(NamedTuple):
    """A dense layer and a ReLU, on the flattened input."""

    units: int


Layout = Sequence[Conv | Pool | Dense]
"""Layers in order; a last dense layer that gives logits is understood."""


class Cost(NamedTuple):
    """Of one network.

    Attributes:
        parameters: how many numbers it learns.
        flops: floating-point operations of one forward pass of one item (2 a multiply-add).
        activations: numbers kept for the backward pass of one item.
    """

    parameters: int
    flops: int
    activations: int


def cost(layout: Layout, input_shape: tuple[int, ...], n_classes: int) -> Cost:
    """What a layout costs on items of a shape, (channels, height, width)."""
    channels, height, width = input_shape
    features = 0
    parameters = flops = 0
    activations = channels * height * width
    for layer in [*layout, Dense(n_classes)]:
        if isinstance(layer, Conv):
            shrink = 0 if layer.padding == "same" else 2
            height, width = height - shrink, width - shrink
            weights = 9 * channels * layer.channels
            parameters += weights + layer.channels
            flops += 2 * weights * height * width
            channels = layer.channels
            activations += channels * height * width
        elif isinstance(layer, Pool):
            height, width = height // 2, width // 2
            activations += 5 * channels * height * width  # values, and where they came from
        else:
            features = features or channels * height * width
            parameters += (features + 1) * layer.units
            flops += 2 * features * layer.units
            features = layer.units
            activations += features
    return Cost(parameters, flops, activations)


def network(layout: Layout, input_shape: tuple[int, ...], n_classes: int) -> nn.Module:
    """The network, with Glorot-uniform weights and zero biases, as Keras has them."""
    from torch import nn

    channels, height, width = input_shape
    layers: list[nn.Module] = []
    features = 0
    for layer in layout:
        if isinstance(layer, Conv):
            same = layer.padding == "same"
            layers += [nn.Conv2d(channels, layer.channels, 3, padding=int(same)), nn.ReLU()]
            channels = layer.channels
            height, width = (height, width) if same else (height - 2, width - 2)
        elif isinstance(layer, Pool):
            layers.append(nn.MaxPool2d(2))
            height, width = height // 2, width // 2
        else:
            if not features:
                layers.append(nn.Flatten())
                features = channels * height * width
            layers += [nn.Linear(features, layer.units), nn.ReLU()]
            features = layer.units
    if not features:
        layers.append(nn.Flatten())
    layers.append(nn.Linear(features or channels * height * width, n_classes))
    return glorot(nn.Sequential(*layers))


def glorot(module: nn.Module) -> nn.Module:
    """Draw weights anew, uniform in ±sqrt(6 / (fan_in + fan_out)), biases 0.

    Glorot & Bengio 2010, equation 16; what Keras does unless told otherwise.
    """
    from torch import nn

    for parameter in module.parameters():
        if parameter.ndim == 1:
            nn.init.zeros_(parameter)
        else:
            nn.init.xavier_uniform_(parameter)
    return module


def image_side(layout: Layout) -> int:
    """The smallest image, in pixels a side, that leaves something after every layer."""
    side = 1
    for layer in reversed(layout):
        if isinstance(layer, Conv) and layer.padding == "valid":
            side += 2
        elif isinstance(layer, Pool):
            side *= 2
    return side
