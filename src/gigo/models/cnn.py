"""Small convolutional networks."""

from __future__ import annotations

from gigo.models.layouts import Conv, Dense, Layout, Pool, at_least


def article_cnn(width: int = 32, depth: int = 0) -> Layout:
    """The network of the article: 80,874 parameters at 1x28x28 and 10 classes.

    Args:
        width: channels of each convolution; the dense layers have four times as many units.
        depth: convolutions added to each of the three blocks, padded so that images keep their
            size.

    Raises:
        SpecError: naming the option.
    """
    at_least(1, "article_cnn.width", width)
    at_least(0, "article_cnn.depth", depth)
    wide, same = Conv(width), Conv(width, "same")
    more = [same] * depth
    return (
        *(wide, wide, *more, Pool()),
        *(wide, wide, *more, Pool()),
        *(wide, same, *more),
        *(Dense(4 * width), Dense(4 * width)),
    )


def small_cnn() -> Layout:
    """A network for images too small for the article's: 38,282 parameters at 1x8x8, 10 classes."""
    return Conv(16, "same"), Conv(32, "same"), Pool(), Dense(64)
