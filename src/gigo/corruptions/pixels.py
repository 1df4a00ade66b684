"""What corruptions of images do to pixels.

Each is ``(images, strengths (k, 1, 1, 1), stream) -> images``, whose values may leave 0 to 1.
"""

from __future__ import annotations

from io import BytesIO

import numpy as np
from numpy.typing import NDArray

from gigo.rng import Stream

Pixels = NDArray[np.float32]
"""(k, channels, height, width), values 0 to 1."""


def noisy(x: Pixels, sd: NDArray[np.float64], stream: Stream) -> Pixels:
    """Normal noise of standard deviations on every value."""
    return (x + sd * stream.normal(x.size).reshape(x.shape)).astype(np.float32)


def blurred(x: Pixels, sd: NDArray[np.float64], stream: Stream) -> Pixels:
    """Gaussian filters of standard deviations in pixels."""
    from scipy.ndimage import gaussian_filter

    made, sd = np.empty_like(x), sd.ravel()
    for each in np.unique(sd):
        alike = sd == each
        # Four standard deviations to each side, as the authors' code has it.
        made[alike] = gaussian_filter(x[alike], (0, 0, each, each), mode="nearest", truncate=4.0)
    return made


def occluded(x: Pixels, share: NDArray[np.float64], stream: Stream) -> Pixels:
    """A square, whose side is a share of the shorter one, in the mean colour."""
    height, width = x.shape[2:]
    side = np.maximum(1, np.rint(share.ravel() * min(height, width)))
    uniform = stream.uniform(2 * len(x)).reshape(-1, 2)

    def covered(length: int, u: NDArray[np.float64]) -> NDArray[np.bool_]:
        """(k, length): the square's extent along one side of the image."""
        start, pixel = np.floor(u * (length - side + 1))[:, None], np.arange(length)
        return (pixel >= start) & (pixel < start + side[:, None])

    down, across = covered(height, uniform[:, 0]), covered(width, uniform[:, 1])
    inside = down[:, None, :, None] & across[:, None, None, :]
    return np.where(inside, x.mean(axis=(2, 3), keepdims=True), x)


def brighter(x: Pixels, more: NDArray[np.float64], stream: Stream) -> Pixels:
    """V of HSV, higher."""
    value = x.max(axis=1, keepdims=True)
    lifted = np.minimum(value + more.astype(np.float32), 1)
    black = value == 0
    return np.where(black, lifted, x * (lifted / np.where(black, 1, value)))


def flatter(x: Pixels, factor: NDArray[np.float64], stream: Stream) -> Pixels:
    """Values nearer to the mean of each channel."""
    mean = x.mean(axis=(2, 3), keepdims=True)
    return mean + factor.astype(np.float32) * (x - mean)


def compressed(x: Pixels, quality: NDArray[np.float64], stream: Stream) -> Pixels:
    """JPEG of qualities, read again."""
    from PIL import Image

    made = np.empty(x.shape, np.uint8)
    whole = np.rint(x * 255).astype(np.uint8)
    for i, each in enumerate(quality.ravel()):
        file = BytesIO()
        pixels = whole[i, 0] if x.shape[1] == 1 else whole[i].transpose(1, 2, 0)
        Image.fromarray(pixels).save(file, "JPEG", quality=int(each))
        with Image.open(file) as image:
            made[i] = np.atleast_3d(np.asarray(image)).transpose(2, 0, 1)
    return made.astype(np.float32) / np.float32(255)
