"""Features of images that need no download: codes of their patches, learned without labels.

Coates, Ng & Lee 2011 ("An Analysis of Single-Layer Networks in Unsupervised Feature Learning"):
random patches, normalised and whitened, are clustered; an image's features tell, for each quadrant,
how near its patches are to each centroid. Differing from the paper, a patch codes for the centroids
that are nearer than `NEAR` times their mean distance, and square roots are taken of the means over
a quadrant: both help against wrong labels.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from math import ceil
from typing import Any, Self

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from gigo.errors import SpecError
from gigo.machine import Machine
from gigo.rng import Stream
from gigo.types import Card, Features

Floats = NDArray[np.float32]

CENTROIDS = 400
WIDTH = 4 * CENTROIDS
"""Features of an image: four quadrants."""

LARGEST, SMALLEST = 32, 4
"""Pixels that the longer side of images is shrunk to, and that the shorter one needs then."""

SAMPLE = 50_000
"""Patches that are learned from."""

CONTRAST = 0.1
"""Added to a patch's variance, as a share of the mean variance: flat patches are mostly noise."""

WHITENING = 0.5
"""Added to the variance along each principal axis of normalised patches, which is 1 on average."""

NEAR = 0.9
"""Distance, as a share of a patch's mean distance from all centroids, at which its code is 0."""

ROUNDS = 20
"""Of Lloyd's algorithm."""

POSITIONS = 1000
"""Patches that are coded together, about: few enough for a processor's cache."""

IMAGES = 512
"""Images that are looked at together while learning."""


@dataclass(frozen=True)
class Patches:
    """What turns images into features.

    Attributes:
        side: of patches, in pixels.
        contrast: what is added to their variance.
        mean: (d,) of normalised patches.
        whitening: (d, d).
        centroids: (`CENTROIDS`, d) of whitened patches.
    """

    side: int
    contrast: float
    mean: Floats
    whitening: Floats
    centroids: Floats

    @classmethod
    def learn(cls, x: NDArray[Any]) -> Self:
        """Learn from images (n, channels, height, width); the same ones give the same.

        Labels have no part in it. Native libraries use one thread meanwhile: their sums would
        depend on how many there are.
        """
        from sklearn.cluster import KMeans
        from threadpoolctl import threadpool_limits

        side = patch_side(*shrunk_shape(*x.shape[2:]))
        with threadpool_limits(1):
            patches = _sample(x, side)
            contrast = CONTRAST * float(patches.var(axis=1).mean()) + float(np.finfo("f4").tiny)
            normal = _normalised(patches, contrast)
            mean = normal.mean(axis=0)
            spread, axes = np.linalg.eigh(np.cov(normal - mean, rowvar=False))
            whitening = (axes / np.sqrt(np.maximum(spread, 0) + WHITENING)) @ axes.T
            white = (normal - mean) @ whitening.astype(np.float32)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # fewer different patches than centroids
                found: Any = KMeans(CENTROIDS, init=white[:CENTROIDS], max_iter=ROUNDS)
                centroids = found.set_params(n_init=1).fit(white).cluster_centers_
        whitening, centroids = whitening.astype(np.float32), centroids.astype(np.float32)
        return cls(side, contrast, mean, whitening, centroids)

    def __call__(self, x: NDArray[Any]) -> Floats:
        """Features (n, `WIDTH`) of images (n, channels, height, width).

        An image's are the same to the bit whichever others are given: each is a matrix product of
        its own. All cores work at it, each on images of its own.
        """
        from threadpoolctl import threadpool_limits

        height, width = shrunk_shape(*x.shape[2:])
        pooling = _pooling(height - self.side + 1, width - self.side + 1)
        count = max(1, POSITIONS // pooling.shape[1])
        blocks = [x[start : start + count] for start in range(0, len(x), count)]
        coded = partial(self._coded, pooling)
        with threadpool_limits(1), ThreadPoolExecutor(Machine.here().cores) as pool:
            found = list(pool.map(coded, blocks))
        return np.concatenate([np.empty((0, WIDTH), np.float32), *found])

    def _coded(self, pooling: Floats, x: NDArray[Any]) -> Floats:
        windows = _windows(shrunk(x), self.side)
        white = (_normalised(windows, self.contrast) - self.mean) @ self.whitening
        far = white @ (-2 * self.centroids.T)
        far += np.square(white).sum(axis=-1, keepdims=True)
        far += np.square(self.centroids).sum(axis=1)
        np.sqrt(np.maximum(far, 0, out=far), out=far)
        near = np.subtract(NEAR * far.mean(axis=-1, keepdims=True), far, out=far)
        pooled = pooling @ np.maximum(near, 0, out=near)
        return np.sqrt(pooled).reshape(len(x), -1)


def patches(card: Card) -> Features:
    """The features of a data set of images.

    Raises:
        SpecError: it has none, or too small ones.
    """
    if card.kind != "image" or not fits(card.input_shape):
        expected = f"images of at least {SMALLEST}x{SMALLEST} pixels, which {card.name} has not"
        raise SpecError("model", "patches", expected)
    return Features(
        "patches", '{"name":"patches"}', WIDTH, True, lambda given: Patches.learn(given.x_train)
    )


def fits(shape: tuple[int, ...]) -> bool:
    """Whether items of a shape are images that are large enough.

    >>> fits((1, 8, 8)), fits((3, 480, 640)), fits((1, 2, 2)), fits((64,))
    (True, True, False, False)
    """
    return len(shape) == 3 and min(shrunk_shape(*shape[1:])) >= SMALLEST


def patch_side(height: int, width: int) -> int:
    """Pixels of a side of the patches: 6 where images have at least 16.

    >>> patch_side(8, 8), patch_side(28, 28)
    (3, 6)
    """
    return max(2, min(6, min(height, width) * 3 // 8))


def shrunk_shape(height: int, width: int) -> tuple[int, int]:
    """What images are shrunk to: their longer side has at most `LARGEST` pixels.

    >>> shrunk_shape(480, 640), shrunk_shape(28, 28)
    ((24, 32), (28, 28))
    """
    share = min(1, LARGEST / max(height, width))
    return max(1, round(height * share)), max(1, round(width * share))


def shrunk(x: NDArray[Any]) -> Floats:
    """Images (n, channels, height, width) as float32, smoothed and sampled where too large."""
    from PIL import Image

    height, width = shrunk_shape(*x.shape[2:])
    if (height, width) == x.shape[2:]:
        return x.astype(np.float32)
    small = np.empty((*x.shape[:2], height, width), np.float32)
    for place in np.ndindex(*x.shape[:2]):
        image = Image.fromarray(x[place].astype(np.float32))
        small[place] = np.asarray(image.resize((width, height), Image.Resampling.BILINEAR))
    return small


def _sample(x: NDArray[Any], side: int) -> Floats:
    """Random patches of random images, (`SAMPLE`, d), in random order."""
    stream = Stream(0, 0, "patches")
    height, width = (length - side + 1 for length in shrunk_shape(*x.shape[2:]))
    images = np.sort(stream.integers(SAMPLE, len(x)))
    rows, columns = stream.integers(SAMPLE, height), stream.integers(SAMPLE, width)
    found = np.empty((SAMPLE, x.shape[1] * side * side), np.float32)
    for chosen in _blocks(images):
        few, places = np.unique(images[chosen], return_inverse=True)
        every = sliding_window_view(shrunk(x[few]), (side, side), axis=(2, 3))
        picked = every[places, :, rows[chosen], columns[chosen]]
        found[chosen] = picked.reshape(len(picked), -1)
    return found[stream.permutation(SAMPLE)]


def _blocks(images: NDArray[np.int64]) -> Iterator[slice]:
    for start in range(0, len(images), IMAGES):
        yield slice(start, start + IMAGES)


def _windows(x: Floats, side: int) -> Floats:
    """All patches of images, (n, positions, d)."""
    every = sliding_window_view(x, (side, side), axis=(2, 3)).transpose(0, 2, 3, 1, 4, 5)
    n, height, width, *_ = every.shape
    return np.ascontiguousarray(every).reshape(n, height * width, -1)


def _normalised(patches: Floats, contrast: float) -> Floats:
    """Patches (..., d) with mean 0, and variance 1 but for what is added to it."""
    centred = patches - patches.mean(axis=-1, keepdims=True)
    spread = np.square(centred).mean(axis=-1, keepdims=True) + np.float32(contrast)
    return centred / np.sqrt(spread)


def _pooling(height: int, width: int) -> Floats:
    """What turns codes at positions into means over quadrants, (4, positions).

    A row or a column in the middle belongs to the first half; where there is but one, to both.
    """
    halves: list[list[slice]] = []
    for length in (height, width):
        middle = ceil(length / 2)
        halves.append([slice(0, middle), slice(middle if length > 1 else 0, length)])
    weights = np.zeros((4, height, width), np.float32)
    for quadrant, (rows, columns) in enumerate((r, c) for r in halves[0] for c in halves[1]):
        weights[quadrant, rows, columns] = 1
    flat = weights.reshape(4, -1)
    return flat / flat.sum(axis=1, keepdims=True)
