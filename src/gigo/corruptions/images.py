"""Corruptions of images, at five severities, after Hendrycks & Dietterich (2019).

"Benchmarking neural network robustness to common corruptions and perturbations", section 3 and
appendix; the constants are those of the authors' code, which has three lists: CIFAR-10-C (32x32),
Tiny ImageNet-C (64x64) and ImageNet-C (224x224). Images take those of the size nearest to theirs.
Occlusion is not among their corruptions.

Images keep their shape and type; ``uint8`` ones count as values / 255 here and are rounded at the
end (the authors' code cuts fractions off). Labels stay. Every item has an edit, and all that is
random is drawn edit by edit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gigo.corruptions import pixels
from gigo.corruptions.pixels import Pixels
from gigo.entries import CorruptionEntry
from gigo.errors import DataError, SpecError
from gigo.rng import Stream
from gigo.schedule import KEEP, Schedule
from gigo.types import Dataset, Images, Labels

Change = Callable[[Pixels, NDArray[np.float64], Stream], Pixels]
"""``(images, strengths (k, 1, 1, 1), stream) -> images``, whose values may leave 0 to 1."""

VALUES = 2**21
"""Numbers that are worked on at once: what is needed besides the result is little."""


class Strengths(NamedTuple):
    """What the severities 1 to 5 mean, by the shorter side of an image in pixels."""

    small: tuple[float, ...]
    medium: tuple[float, ...]
    large: tuple[float, ...]

    def of(self, height: int, width: int) -> NDArray[np.float64]:
        """(5,) for images of a size: below 48 pixels, below 128, or above."""
        side = min(height, width)
        return np.array(self.small if side < 48 else self.medium if side < 128 else self.large)


NOISE = Strengths(
    (0.04, 0.06, 0.08, 0.09, 0.10), (0.04, 0.08, 0.12, 0.15, 0.18), (0.08, 0.12, 0.18, 0.26, 0.38)
)
BLUR = Strengths((0.4, 0.6, 0.7, 0.8, 1), (0.5, 0.75, 1, 1.25, 1.5), (1, 2, 3, 4, 6))
BRIGHTNESS = Strengths(
    (0.05, 0.1, 0.15, 0.2, 0.3), (0.1, 0.2, 0.3, 0.4, 0.5), (0.1, 0.2, 0.3, 0.4, 0.5)
)
CONTRAST = Strengths(
    (0.75, 0.5, 0.4, 0.3, 0.15), (0.4, 0.3, 0.2, 0.1, 0.05), (0.4, 0.3, 0.2, 0.1, 0.05)
)
QUALITY = Strengths((80, 65, 58, 50, 40), (65, 58, 50, 40, 25), (25, 18, 15, 10, 7))
SIDE = Strengths(*[(0.25, 0.375, 0.5, 0.625, 0.75)] * 3)


def gaussian_noise(
    dataset: Dataset, items: Labels, stream: Stream, *, severity: Any = 3
) -> Schedule:
    """Adds normal noise to every value: ``x + N(0, s^2)``, cut at 0 and 1.

    The standard deviations s of severities 1 to 5 are .04 .06 .08 .09 .10 (sides below 48 pixels),
    .04 .08 .12 .15 .18 (below 128), .08 .12 .18 .26 .38 (above).

    Args:
        dataset: of images.
        items: (n,) rows of its ``x_train``.
        stream: what is drawn comes from there.
        severity: 1 to 5, or ``"random"``: another one per item, each as likely.

    Raises:
        SpecError: the severity is none of these, or the data are no images.

    >>> from gigo.datasets import load
    >>> digits, items = load("digits"), np.arange(100)
    >>> schedule = gaussian_noise(digits, items, Stream(0, 0, "corruption"), severity=5)
    >>> noisy = schedule.extra(10)
    >>> noisy.shape, float(abs(noisy - digits.x_train[schedule.item[:10]]).max().round(1))
    ((10, 1, 8, 8), 0.3)
    """
    return _schedule("gaussian_noise", NOISE, pixels.noisy, dataset, items, stream, severity)


def blur(dataset: Dataset, items: Labels, stream: Stream, *, severity: Any = 3) -> Schedule:
    """Convolves with a Gaussian of standard deviation s pixels; border pixels are repeated.

    s is .4 .6 .7 .8 1 (sides below 48 pixels), .5 .75 1 1.25 1.5 (below 128), 1 2 3 4 6 (above).
    Arguments and errors: see `gaussian_noise`.

    >>> from gigo.datasets import load
    >>> digits, items = load("digits"), np.arange(100)
    >>> schedule = blur(digits, items, Stream(0, 0, "corruption"), severity=5)
    >>> changed, row = schedule.extra(1)[0], schedule.item[0]
    >>> [f"{each.std():.2f}" for each in (digits.x_train[row], changed)]
    ['0.36', '0.21']
    """
    return _schedule("blur", BLUR, pixels.blurred, dataset, items, stream, severity)


def occlusion(dataset: Dataset, items: Labels, stream: Stream, *, severity: Any = 3) -> Schedule:
    """A square at a random place gets the mean colour of its image.

    DeVries & Taylor (2017, "Improved regularization of convolutional neural networks with Cutout",
    section 3) set it to zero, after subtraction of the mean colour of the set. Its side is 1/4,
    3/8, 1/2, 5/8, 3/4 of the image's shorter one (6 to 56 % of the area of a square image);
    severities 1 and 3 are their 8 and 16 pixels for CIFAR-100 and CIFAR-10. It lies wholly in
    the image, each place as likely. Arguments and errors: see `gaussian_noise`.

    >>> from gigo.datasets import load
    >>> digits, items = load("digits"), np.arange(100)
    >>> schedule = occlusion(digits, items, Stream(0, 0, "corruption"), severity=5)
    >>> changed, row = schedule.extra(1)[0], schedule.item[0]
    >>> int((changed != digits.x_train[row]).any(axis=(0, 1)).sum())  # columns
    6
    """
    return _schedule("occlusion", SIDE, pixels.occluded, dataset, items, stream, severity)


def brightness(dataset: Dataset, items: Labels, stream: Stream, *, severity: Any = 3) -> Schedule:
    """Adds c to the value V of HSV, at most up to 1; hue and saturation stay.

    V is the largest of a pixel's channels: all of them are scaled by ``min(V + c, 1) / V``, black
    becomes grey. c is .05 .1 .15 .2 .3 (sides below 48 pixels), .1 .2 .3 .4 .5 (above). Arguments
    and errors: see `gaussian_noise`.

    >>> from gigo.datasets import load
    >>> digits, items = load("digits"), np.arange(100)
    >>> schedule = brightness(digits, items, Stream(0, 0, "corruption"), severity=5)
    >>> changed, row = schedule.extra(1)[0], schedule.item[0]
    >>> f"{(changed - digits.x_train[row]).max():.2f}"
    '0.30'
    """
    return _schedule("brightness", BRIGHTNESS, pixels.brighter, dataset, items, stream, severity)


def contrast(dataset: Dataset, items: Labels, stream: Stream, *, severity: Any = 3) -> Schedule:
    """Brings values nearer to the mean m of their channel in the image: ``m + c (x - m)``.

    c is .75 .5 .4 .3 .15 (sides below 48 pixels), .4 .3 .2 .1 .05 (above). Arguments and errors:
    see `gaussian_noise`.

    >>> from gigo.datasets import load
    >>> digits, items = load("digits"), np.arange(100)
    >>> schedule = contrast(digits, items, Stream(0, 0, "corruption"), severity=5)
    >>> changed, row = schedule.extra(1)[0], schedule.item[0]
    >>> f"{np.ptp(changed) / np.ptp(digits.x_train[row]):.2f}"  # of the range that it had
    '0.15'
    """
    return _schedule("contrast", CONTRAST, pixels.flatter, dataset, items, stream, severity)


def jpeg(dataset: Dataset, items: Labels, stream: Stream, *, severity: Any = 3) -> Schedule:
    """Compresses images as JPEG of quality q, and reads them again.

    q is 80 65 58 50 40 (sides below 48 pixels), 65 58 50 40 25 (below 128), 25 18 15 10 7 (above).
    Images have one channel or three; JPEG knows 256 values per channel, so others are rounded to
    these. Arguments and errors: see `gaussian_noise`.

    >>> from gigo.datasets import load
    >>> digits, items = load("digits"), np.arange(100)
    >>> schedule = jpeg(digits, items, Stream(0, 0, "corruption"), severity=5)
    >>> changed, row = schedule.extra(1)[0], schedule.item[0]
    >>> f"{np.abs(changed - digits.x_train[row]).max():.1f}"
    '0.2'
    """
    channels = images_of("jpeg", dataset).shape[1]
    if channels not in (1, 3):
        expected = f"images of 1 or 3 channels for jpeg: it has {channels}"
        raise SpecError("dataset", dataset.name, expected)
    return _schedule("jpeg", QUALITY, pixels.compressed, dataset, items, stream, severity)


def images_of(name: str, dataset: Dataset) -> Images:
    """Its training images (n, channels, height, width); raises SpecError where it has none."""
    x = dataset.x_train
    if dataset.kind != "image" or not isinstance(x, np.ndarray) or x.ndim != 4:
        raise SpecError("dataset", dataset.name, f"images, which {name} corrupts")
    if x.dtype != np.uint8 and x.dtype.kind != "f":
        raise SpecError("dataset", dataset.name, f"images of uint8 or float32, not {x.dtype}")
    return x


def in_parts(name: str, x: Images, rows: Labels) -> Iterator[tuple[slice, Images]]:
    """Copies of some rows of images, a part at a time, and where each part belongs.

    Raises:
        DataError: values that are not whole numbers are not from 0 to 1.
    """
    step = max(1, VALUES // max(1, int(np.prod(x.shape[1:]))))
    for start in range(0, len(rows), step):
        part = x[rows[start : start + step]]
        if x.dtype != np.uint8 and not (part.min() >= 0 and part.max() <= 1):
            found = f"{part.min():.4g} to {part.max():.4g}"
            raise DataError(f"images with values {found}: {name} expects 0 to 1")
        yield slice(start, start + len(part)), part


def _schedule(
    name: str,
    strengths: Strengths,
    change: Change,
    dataset: Dataset,
    items: Labels,
    stream: Stream,
    severity: Any,
) -> Schedule:
    """An edit per item, in random order, which gives it a changed image."""
    x, n = images_of(name, dataset), len(items)
    order = stream.permutation(n)
    levels = _levels(name, severity, n, stream)
    strength = strengths.of(*x.shape[2:])[levels][:, None, None, None]
    extra = partial(_changed, name, change, x, items[order], strength, stream)
    return Schedule(order, np.full(n, KEEP, np.int64), extra=extra)


def _levels(name: str, severity: Any, n: int, stream: Stream) -> Labels:
    """(n,) severities of the edits, less 1."""
    if severity == "random":
        return stream.child("severity").integers(n, 5)
    if type(severity) is not int or not 1 <= severity <= 5:
        raise SpecError(f"corruption.{name}.severity", severity, '1 to 5, or "random"')
    return np.full(n, severity - 1)


def _changed(
    name: str,
    change: Change,
    x: Images,
    rows: Labels,
    strength: NDArray[np.float64],
    stream: Stream,
    k: int,
) -> Images:
    """The images of the first k edits."""
    made: Any = np.empty((k, *x.shape[1:]), x.dtype)
    random = stream.child("pixels")  # from its beginning: those of fewer edits are the first ones
    for place, part in in_parts(name, x, rows[:k]):
        whole = x.dtype == np.uint8
        before = np.asarray(part / np.float32(255) if whole else part, np.float32)
        after = change(before, strength[place], random).clip(0, 1)
        made[place] = np.rint(after * 255) if whole else after
    return made


_PAPER = (
    "Hendrycks and Dietterich 2019, Benchmarking neural network robustness to common corruptions "
    "and perturbations, section 3"
)


def _entry(
    function: Callable[..., Schedule], summary: str, formula: str, paper: str = _PAPER
) -> CorruptionEntry:
    """None is exact: means, filters, quantiles and JPEG may differ in the last bits."""
    return CorruptionEntry(
        function,
        summary,
        family="images",
        formula=formula,
        paper=paper,
        kinds=("image",),
        exact=False,
    )


ENTRIES: dict[str, CorruptionEntry] = {
    "gaussian_noise": _entry(
        gaussian_noise,
        "normal noise is added to every value of an image",
        "x + N(0, s^2), cut at 0 and 1; severity 3: s = 0.08 below 48 pixels, 0.12 below 128, 0.18",
    ),
    "blur": _entry(
        blur,
        "images are blurred by a Gaussian",
        "x * N(0, s^2) in both directions; severity 3: s = 0.7 pixels below 48, 1 below 128, 3",
    ),
    "occlusion": _entry(
        occlusion,
        "a square at a random place gets the mean colour of its image",
        "side 1/4, 3/8, 1/2, 5/8, 3/4 of the image's shorter one",
        "after DeVries and Taylor 2017, Improved regularization of convolutional neural networks "
        "with Cutout, section 3",
    ),
    "brightness": _entry(
        brightness,
        "images become brighter, their colours stay",
        "V of HSV becomes min(V + c, 1); severity 3: c = 0.15 below 48 pixels, 0.3",
    ),
    "contrast": _entry(
        contrast,
        "values come nearer to the mean of their image",
        "m + c (x - m), m the mean per channel; severity 3: c = 0.4 below 48 pixels, 0.2",
    ),
    "jpeg": _entry(
        jpeg,
        "images are compressed as JPEG and read again",
        "JPEG of quality q; severity 3: q = 58 below 48 pixels, 50 below 128, 15",
    ),
}
