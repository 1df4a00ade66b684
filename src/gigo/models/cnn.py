"""Small convolutional networks."""

from __future__ import annotations

from gigo.models.layouts import Conv, Dense, Layout, Pool


def article_cnn() -> Layout:
    """The network of the article: 80,874 parameters at 1x28x28 and 10 classes."""
    return (
        *(Conv(32), Conv(32), Pool()),
        *(Conv(32), Conv(32), Pool()),
        *(Conv(32), Conv(32, "same")),
        *(Dense(128), Dense(128)),
    )


def small_cnn() -> Layout:
    """A network for images too small for the article's: 38,282 parameters at 1x8x8, 10 classes."""
    return Conv(16, "same"), Conv(32, "same"), Pool(), Dense(64)
