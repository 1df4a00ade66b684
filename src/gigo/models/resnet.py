"""Residual networks for small images."""

from __future__ import annotations

from gigo.errors import SpecError
from gigo.models.layouts import Average, Layout, NormedConv, Residual, at_least


def resnet(depth: int = 8, width: int = 16) -> Layout:
    """The networks of He et al. 2016 ("Deep Residual Learning"), section 4.2.

    Three stages of n blocks, the second and third at half the sides and twice the channels of the
    one before. Their shortcuts into a stage are projections (the paper's option B; it used A on
    CIFAR, which pads with channels of zeros): 272,474 parameters at depth 20, 3x32x32, 10 classes.

    Args:
        depth: layers with weights, 6 n + 2; projections are not counted.
        width: channels of the first stage.

    Raises:
        SpecError: naming the option.
    """
    if depth < 8 or depth % 6 != 2:
        raise SpecError("model.resnet.depth", depth, "8, 14, 20 or a greater 6 n + 2")
    at_least(1, "resnet.width", width)
    blocks = depth // 6
    return (
        NormedConv(width),
        *[Residual(width)] * blocks,
        *(Residual(2 * width, stride=2), *[Residual(2 * width)] * (blocks - 1)),
        *(Residual(4 * width, stride=2), *[Residual(4 * width)] * (blocks - 1)),
        Average(),
    )
