"""Arrays of images, in whichever order their axes are and of whichever type their values."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gigo.errors import DataError

CHANNELS = 1, 3, 4
"""Numbers of channels by which an axis is known: grey, RGB, RGBA."""


def as_images(
    x: NDArray[Any], place: str, *, known: bool = False
) -> tuple[NDArray[Any], list[str]]:
    """Images as (n, channels, height, width), and what is to be said of them.

    Whole numbers from 0 to 255 become uint8, other ones and true and false float32 (those of 16
    bits, from 0 to 1). Real numbers stay as they are.

    Args:
        x: (n, height, width); (n, height, width, 1, 3 or 4), or with the channels second.
        place: where they are from, for errors.
        known: they are images for sure: any number of channels will do where they come second.

    Raises:
        DataError: no axis is one of channels.

    >>> as_images(np.zeros((10, 32, 32, 3), np.uint8), "X")[0].shape
    (10, 3, 32, 32)
    >>> as_images(np.full((10, 8, 8), 16.0), "X")[1]
    ['images: values from 16 to 16: networks learn best from 0 to 1']
    """
    if x.ndim == 3:
        planes = x[:, None]
    elif channels_last(x.shape):
        planes = np.moveaxis(x, 3, 1)
    elif x.shape[1] in CHANNELS or known:
        planes = x
    else:
        raise DataError(
            f"{place}: items of shape {x.shape[1:]}: expected images with 1, 3 or 4 channels, "
            "first or last (or vectors, (n, features))"
        )
    return _valued(planes)


def channels_last(shape: tuple[int, ...]) -> bool:
    """Whether images of a shape (n, ...) have channels last.

    Where the first and the last axis of an item could both be channels, images are square.
    """
    _, first, second, last = shape
    if last not in CHANNELS:
        return False
    return first not in CHANNELS or first == second != last


def _valued(x: NDArray[Any]) -> tuple[NDArray[Any], list[str]]:
    if x.dtype == np.uint8 or not x.size:
        return x, []
    low, high = x.min(), x.max()
    if x.dtype.kind == "f":
        outside = high > 2 or low < -2
        said = f"images: values from {low:g} to {high:g}: networks learn best from 0 to 1"
        return x, [said] if outside else []
    if x.dtype.kind == "b":
        return x.astype(np.float32), []
    if low >= 0 and high <= 255:
        return x.astype(np.uint8), []
    if x.dtype == np.uint16:
        return x.astype(np.float32) / np.float32(65535), ["images: 16 bits, as numbers from 0 to 1"]
    return x.astype(np.float32), [f"images: values from {low} to {high}, as they are"]
