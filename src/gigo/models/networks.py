"""The networks of the catalogue; torch is imported when one is built."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from gigo.errors import SpecError

if TYPE_CHECKING:
    from torch import Tensor, nn

Shape = tuple[int, ...]


def article_cnn(
    input_shape: Shape, n_classes: int, width: int = 32, depth: int = 0
) -> nn.Sequential:
    """The network of the article: 80,874 parameters at 1x28x28 and 10 classes.

    Args:
        input_shape: of an image, (channels, height, width).
        n_classes: how many logits it gives.
        width: channels of each convolution; the dense layers have four times as many units.
        depth: convolutions added to each of the three blocks, padded so that images keep their
            size.

    Raises:
        SpecError: naming the option.
        RuntimeError, ValueError: it can't take such items.

    Example:
        >>> sum(p.numel() for p in article_cnn((1, 28, 28), 10).parameters())
        80874
    """
    from torch import nn

    _check_range("article_cnn.width", width, 1, WIDEST)
    _check_range("article_cnn.depth", depth, 0, DEEPEST)

    def conv(inputs: int = width, padding: int = 0) -> list[nn.Module]:
        return _conv(inputs, width, padding)

    def more() -> list[nn.Module]:
        return [layer for _ in range(depth) for layer in conv(padding=1)]

    body = [
        *(*conv(_channels(input_shape)), *conv(), *more(), nn.MaxPool2d(2)),
        *(*conv(), *conv(), *more(), nn.MaxPool2d(2)),
        *(*conv(), *conv(padding=1), *more()),
    ]
    return _classifier(body, [4 * width, 4 * width], input_shape, n_classes)


def small_cnn(input_shape: Shape, n_classes: int) -> nn.Sequential:
    """A network for images too small for the article's: 38,282 parameters at 1x8x8, 10 classes.

    Args, Raises: as of `article_cnn`.
    """
    from torch import nn

    first, second = _conv(_channels(input_shape), 16, padding=1), _conv(16, 32, padding=1)
    body = [*first, *second, nn.MaxPool2d(2)]
    return _classifier(body, [64], input_shape, n_classes)


def resnet(input_shape: Shape, n_classes: int, depth: int = 8, width: int = 16) -> nn.Sequential:
    """The networks of He et al. 2016 ("Deep Residual Learning"), section 4.2.

    Three stages of n blocks, the second and third at half the sides and twice the channels of the
    one before. Their shortcuts into a stage are projections (the paper's option B; it used A on
    CIFAR, which pads with channels of zeros): 272,474 parameters at depth 20, 3x32x32, 10 classes.

    Args:
        input_shape: of an image, (channels, height, width).
        n_classes: how many logits it gives.
        depth: layers with weights, 6 n + 2, 1202 at most (the paper's deepest); projections are
            not counted.
        width: channels of the first stage.

    Raises:
        SpecError: naming the option.
        ValueError: it can't take such items.
    """
    from torch import nn

    from gigo.models.residual import ResidualBlock

    if depth not in range(8, 1203, 6):
        raise SpecError("model.resnet.depth", depth, "8, 14, 20 or a greater 6 n + 2, up to 1202")
    _check_range("resnet.width", width, 1, WIDEST)
    channels = _channels(input_shape)
    if min(input_shape[1:]) < 5:
        # The last stage must keep more than a pixel, or it could not normalise a batch of one item.
        raise ValueError("takes images of at least 5x5")
    first = nn.Conv2d(channels, width, 3, padding=1, bias=False)
    body: list[nn.Module] = [first, nn.BatchNorm2d(width), nn.ReLU()]
    widths = [width * 2**stage for stage in range(3) for _ in range(depth // 6)]
    for inputs, outputs in pairwise([width, *widths]):
        body.append(ResidualBlock(inputs, outputs, stride=outputs // inputs))
    return _classifier([*body, nn.AdaptiveAvgPool2d(1)], [], input_shape, n_classes)


def mlp(input_shape: Shape, n_classes: int, width: int = 256, depth: int = 2) -> nn.Sequential:
    """A multilayer perceptron.

    Args:
        input_shape: of an item; flattened if it is no vector.
        n_classes: how many logits it gives.
        width: units of each hidden layer.
        depth: hidden layers.

    Raises:
        SpecError: naming the option.
    """
    _check_range("mlp.width", width, 1, WIDEST)
    _check_range("mlp.depth", depth, 1, DEEPEST)
    return _classifier([], [width] * depth, input_shape, n_classes)


def linear(input_shape: Shape, n_classes: int) -> nn.Sequential:
    """One layer that gives ``n_classes`` logits of items of any shape."""
    return _classifier([], [], input_shape, n_classes)


WIDEST, DEEPEST = 65_536, 1000
"""Units or channels of a layer, and layers that an option adds, at most."""


def _check_range(option: str, value: int, least: int, most: int) -> None:
    if not least <= value <= most:
        raise SpecError(f"model.{option}", value, f"a whole number from {least} to {most}")


def _channels(input_shape: Shape) -> int:
    """Of an image's shape; ValueError where an item is no image."""
    if len(input_shape) != 3:
        raise ValueError("takes images, (channels, height, width)")
    return input_shape[0]


def _conv(inputs: int, outputs: int, padding: int) -> list[nn.Module]:
    from torch import nn

    return [nn.Conv2d(inputs, outputs, 3, padding=padding), nn.ReLU()]


def _classifier(
    body: Sequence[nn.Module], hidden: Sequence[int], input_shape: Shape, n_classes: int
) -> nn.Sequential:
    """A body, then dense layers of so many hidden units with ReLUs, and one that gives logits."""
    import torch
    from torch import nn

    layers = [*body, nn.Flatten()] if body or len(input_shape) > 1 else []
    with torch.no_grad():
        features = nn.Sequential(*layers).eval()(torch.zeros(1, *input_shape)).shape[1]
    for inputs, outputs in pairwise([features, *hidden]):
        layers += [nn.Linear(inputs, outputs), nn.ReLU()]
    last = nn.Linear(hidden[-1] if hidden else features, n_classes)
    return initialised(nn.Sequential(*layers, last).train())


def initialised(module: nn.Sequential) -> nn.Sequential:
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
