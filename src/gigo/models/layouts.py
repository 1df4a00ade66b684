"""Networks as data, so that their cost is known without building them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple

from gigo.errors import SpecError

if TYPE_CHECKING:
    from torch import Tensor, nn


class Conv(NamedTuple):
    """A 3x3 convolution and a ReLU."""

    channels: int
    padding: Literal["valid", "same"] = "valid"


class NormedConv(NamedTuple):
    """A 3x3 convolution, padded and without bias, batch normalisation and a ReLU."""

    channels: int


class Pool(NamedTuple):
    """Max-pooling over 2x2."""


class Residual(NamedTuple):
    """Two convolutions around which the input is led, see `residual.ResidualBlock`."""

    channels: int
    stride: int = 1

    def projects(self, inputs: int) -> bool:
        """Whether an input of so many channels must be reshaped before it is added."""
        return self.stride > 1 or self.channels != inputs


class Average(NamedTuple):
    """The mean of each channel."""


class Dense(NamedTuple):
    """A dense layer and a ReLU, on the flattened input."""

    units: int


Layer = Conv | NormedConv | Pool | Residual | Average | Dense
Layout = Sequence[Layer]
"""Layers in order; a last dense layer that gives logits is understood."""

Shape = tuple[int, ...]
"""Of one item: (channels, height, width) for all layers, (features,) or any other for dense ones"""


class Cost(NamedTuple):
    """Of one network.

    Attributes:
        parameters: how many numbers it learns.
        flops: floating-point operations of one forward pass of one item (2 a multiply-add), in
            convolutions and dense layers; the others are not worth counting.
        activations: numbers of the computing type kept for the backward pass of one item; those
            of a kind of its own, such as places in pooling, are counted as of bfloat16.
        exact: further numbers kept, in float32 at least.
    """

    parameters: int
    flops: int
    activations: int
    exact: int = 0


def at_least(least: int, option: str, value: int) -> None:
    """Raise SpecError where an option, such as ``"mlp.depth"``, is too small."""
    if value < least:
        raise SpecError(f"model.{option}", value, f"a whole number of at least {least}")


def shape_after(layer: Layer, shape: Shape) -> Shape:
    """What a layer makes of an item's shape."""
    if isinstance(layer, Dense):
        return (layer.units,)
    channels, height, width = shape
    if isinstance(layer, Pool):
        return channels, height // 2, width // 2
    if isinstance(layer, Average):
        return channels, 1, 1
    if isinstance(layer, Residual):
        return layer.channels, -(-height // layer.stride), -(-width // layer.stride)
    shrink = 2 if isinstance(layer, Conv) and layer.padding == "valid" else 0
    return layer.channels, height - shrink, width - shrink


def cost(layout: Layout, input_shape: Shape, n_classes: int) -> Cost:
    """What a layout costs on items of a shape."""
    shape, costs = input_shape, [Cost(0, 0, math.prod(input_shape) if layout else 0)]
    for layer in layout:
        costs.append(_cost_of(layer, shape))
        shape = shape_after(layer, shape)
    last = _cost_of(Dense(n_classes), shape)
    # Logits are computed in float32, from an input of the same kind.
    costs.append(last._replace(activations=0, exact=math.prod(shape) + n_classes))
    return Cost(*map(sum, zip(*costs, strict=True)))


def _cost_of(layer: Layer, shape: Shape) -> Cost:
    """Of one layer; its input is kept by the one before."""
    after = shape_after(layer, shape)
    numbers = math.prod(after)
    if isinstance(layer, Dense):
        features = math.prod(shape)
        return Cost((features + 1) * layer.units, 2 * features * layer.units, numbers)
    if isinstance(layer, Pool):
        return Cost(0, 0, 5 * numbers)  # values, and where they came from
    if isinstance(layer, Average):
        return Cost(0, 0, numbers)
    inputs, outputs, pixels = shape[0], after[0], math.prod(after[1:])
    weights = 9 * inputs * outputs
    if isinstance(layer, Conv):
        return Cost(weights + outputs, 2 * weights * pixels, numbers)
    norms = relus = 1
    if isinstance(layer, Residual):
        projected = layer.projects(inputs)
        weights += 9 * outputs**2 + projected * inputs * outputs
        norms, relus = 2 + projected, 2
    # Kept are what normalisations are given and what ReLUs give.
    kept = (norms + relus) * numbers
    return Cost(weights + 2 * norms * outputs, 2 * weights * pixels, kept)


def separate(layout: Layout) -> bool:
    """Whether an item's logits and gradient are its own in training, whatever else is in its batch.

    Batch normalisation makes them depend on the others.
    """
    return all(isinstance(layer, Conv | Pool | Average | Dense) for layer in layout)


def image_side(layout: Layout) -> int:
    """The smallest image, in pixels a side, that leaves something after every layer.

    Batch normalisation must be left more than one pixel, or it could not train on a batch of one
    item.
    """
    side = 1
    for layer in reversed(layout):
        if isinstance(layer, NormedConv | Residual):
            side = max(side, 2)
        if isinstance(layer, Conv) and layer.padding == "valid":
            side += 2
        elif isinstance(layer, Pool):
            side *= 2
        elif isinstance(layer, Residual):
            side = (side - 1) * layer.stride + 1
        elif isinstance(layer, Average):
            side = 1
    return side


def takes(layout: Layout, input_shape: Shape) -> bool:
    """Whether a layout can be built for items of a shape; one of dense layers can for any."""
    if all(isinstance(layer, Dense) for layer in layout):
        return True
    return len(input_shape) == 3 and min(input_shape[1:]) >= image_side(layout)


def network(layout: Layout, input_shape: Shape, n_classes: int) -> nn.Module:
    """The network, freshly initialised."""
    from torch import nn

    shape = input_shape
    layers: list[nn.Module] = []
    for layer in layout:
        if isinstance(layer, Dense) and len(shape) > 1:
            layers.append(nn.Flatten())
            shape = (math.prod(shape),)
        layers += _modules(layer, shape)
        shape = shape_after(layer, shape)
    if len(shape) > 1:
        layers.append(nn.Flatten())
    layers.append(nn.Linear(math.prod(shape), n_classes))
    return initialised(nn.Sequential(*layers))


def _modules(layer: Layer, shape: Shape) -> list[nn.Module]:
    from torch import nn

    from gigo.models.residual import ResidualBlock

    inputs = shape[0]
    if isinstance(layer, Dense):
        return [nn.Linear(inputs, layer.units), nn.ReLU()]
    if isinstance(layer, Pool):
        return [nn.MaxPool2d(2)]
    if isinstance(layer, Average):
        return [nn.AdaptiveAvgPool2d(1)]
    if isinstance(layer, Residual):
        return [ResidualBlock(inputs, layer.channels, layer.stride, layer.projects(inputs))]
    channels = layer.channels
    if isinstance(layer, NormedConv):
        conv = nn.Conv2d(inputs, channels, 3, padding=1, bias=False)
        return [conv, nn.BatchNorm2d(channels), nn.ReLU()]
    padding = int(layer.padding == "same")
    return [nn.Conv2d(inputs, channels, 3, padding=padding), nn.ReLU()]


def initialised(module: nn.Module) -> nn.Module:
    """Draw the weights of convolutions and dense layers anew; biases 0.

    Uniform in ±sqrt(6 / (fan_in + fan_out)), what Keras does unless told otherwise (Glorot &
    Bengio 2010, equation 16). Convolutions without bias, those of residual networks: normal with
    variance 2 / fan_in (He et al. 2015, equation 10). Batch normalisation starts at scale 1 and
    shift 0, as PyTorch makes it.
    """
    from torch import nn

    for layer in module.modules():
        if not isinstance(layer, nn.Conv2d | nn.Linear):
            continue
        bias: Tensor | None = layer.bias
        if bias is None:
            nn.init.kaiming_normal_(layer.weight)
        else:
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(bias)
    return module
