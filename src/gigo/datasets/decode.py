"""One image file to pixels: grey or RGB, upright, opaque, whatever the file has them as.

What is done to an image besides decoding it is a remark, so that it can be said.
"""

from __future__ import annotations

import io
import re
import warnings
from collections import Counter
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gigo.errors import DataError

if TYPE_CHECKING:
    from PIL.Image import Image

Pixels = NDArray[np.uint8] | NDArray[np.float32]

SUFFIXES = frozenset(
    f".{name}"
    for formats in ("avif bmp gif j2k jfif jp2 jpe jpeg jpg", "pbm pgm png pnm ppm tif tiff webp")
    for name in formats.split()
)
"""By which an image file is known, in lower case."""

_FORMATS = ["PNG", "JPEG", "MPO", "BMP", "GIF", "TIFF", "WEBP", "PPM", "JPEG2000", "AVIF"]
"""Those that Pillow decodes by itself; for others it may start a program."""

_DEEP = frozenset(["I;16", "I;16B", "I;16L", "I;16N", "I", "F"])
"""Pillow's modes with more than 8 bits per pixel; all are grey."""

_GREY = _DEEP | {"1", "L", "LA", "La"}

REMARKS = {
    "transparent": "transparent in places, laid on white",
    "frames": "of several frames, of which the first is read",
    "cmyk": "CMYK, read as RGB without their colour profiles",
    "turned": "turned upright as their EXIF data say",
    "narrowed": "of 16 bits per colour, read at 8 bits",
    "floats": "of real numbers, read as they are",
}
"""What is said of images to which it was done, after how many there are."""


class Header(NamedTuple):
    """What can be known of an image before its pixels are.

    Attributes:
        size: (height, width), upright.
        grey: it has no colours: by its mode, or its palette.
        deep: it has more than 8 bits per pixel.
    """

    size: tuple[int, int]
    grey: bool
    deep: bool


def header(content: bytes) -> Header:
    """Read an image file's header.

    Raises:
        DataError: it is no image of a known format, or of more pixels than Pillow's limit.
        Exception: of many kinds, where it is damaged.
    """
    with _opened(content) as image:
        if image.format == "TIFF" and _turn(image, content) > 1:
            image.load()  # Pillow turns these itself, and only then they have their size
        height, width = image.height, image.width
        if _turn(image, content) > 4:
            height, width = width, height
        return Header((height, width), _is_grey(image), image.mode in _DEEP)


def check_one_size(headers: Mapping[int, Header], place: Callable[[int], str]) -> None:
    """Raise DataError where images are of several sizes.

    Args:
        headers: of images, by row.
        place: of a row, for the error.
    """
    sizes = Counter(seen.size for seen in headers.values())
    if len(sizes) <= 1:
        return
    common = [f"{width} x {height} ({n:,})" for (height, width), n in sizes.most_common(3)]
    usual = height, width = sizes.most_common(1)[0][0]
    other = next(row for row, seen in headers.items() if seen.size != usual)
    more = f" and {len(sizes) - 3:,} more" if len(sizes) > 3 else ""
    side = min(height, width, 64)
    raise DataError(
        f"{place(other)}: images of {len(sizes):,} sizes, {', '.join(common)}{more} pixels: "
        f"expected one size (resize = {side}, --resize {side}, makes all {side} x {side})"
    )


def decode(
    content: bytes, channels: int, *, deep: bool = False, resize: int | None = None
) -> tuple[Pixels, list[str]]:
    """The pixels of an image file, and what was done besides: names of `REMARKS`.

    Args:
        content: of the file.
        channels: 1, which only a grey image can have, or 3.
        deep: give out float32 values from 0 to 1 instead of uint8.
        resize: height and width to scale to, by bilinear interpolation over the area that shrinks
            into a pixel, whatever the shape; None: as it is. Of a JPEG file of more than four times
            the size no more is decoded than half, a quarter or an eighth of its resolution.

    Returns:
        (channels, height, width), and the remarks.

    Raises:
        DataError: as `header`.
        Exception: of many kinds, where it is damaged.

    >>> from PIL import Image
    >>> file = io.BytesIO()
    >>> Image.new("RGB", (2, 1), (255, 0, 51)).save(file, "PNG")
    >>> decode(file.getvalue(), 3)[0].tolist()
    [[[255, 255]], [[0, 0]], [[51, 51]]]
    """
    from PIL.Image import Resampling

    with _opened(content) as image:
        if resize:  # JPEG files unpack at half the size, or a quarter, in a fraction of the time
            image.draft(None, (2 * resize, 2 * resize))
        done = {
            "turned": _turn(image, content) > 1,
            "narrowed": _is_narrowed(image),
            "cmyk": image.mode == "CMYK",
            "frames": getattr(image, "is_animated", False),
            "floats": image.mode == "F",
        }
        image.load()
        flat, done["transparent"] = _opaque(_upright(image, _turn(image, content)))
    if flat.mode in _DEEP:
        flat = _deep(flat)
    else:
        flat = flat.convert("L" if channels == 1 else "RGB")
    if resize and flat.size != (resize, resize):
        flat = flat.resize((resize, resize), Resampling.BILINEAR)
    pixels: NDArray[Any] = np.asarray(flat)
    planes = pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)
    if deep and planes.dtype == np.uint8:
        planes = planes.astype(np.float32) / np.float32(255)
    full = np.broadcast_to(planes, (channels, *planes.shape[1:]))
    return np.ascontiguousarray(full), [remark for remark in REMARKS if done[remark]]


@contextmanager
def quiet() -> Generator[None]:
    """Without Pillow's warnings about what it can read all the same; not per thread."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@contextmanager
def _opened(content: bytes) -> Generator[Image]:
    from PIL import Image, UnidentifiedImageError

    if not content:
        raise DataError("an empty file")
    try:
        Image.init()
        known = [name for name in _FORMATS if name in Image.OPEN]
        with Image.open(io.BytesIO(content), formats=known) as image:
            most = Image.MAX_IMAGE_PIXELS
            if most is not None and image.width * image.height > most:
                shape = f"{image.width} x {image.height}"
                raise DataError(f"{shape} pixels: refused, more than Pillow's limit of {most:,}")
            yield image
    except Image.DecompressionBombError:
        most = f"{Image.MAX_IMAGE_PIXELS:,}"
        raise DataError(f"refused, of more pixels than Pillow's limit of {most}") from None
    except UnidentifiedImageError:
        raise DataError("no image of a format that Pillow decodes") from None


def _turn(image: Image, content: bytes) -> int:
    """The EXIF orientation, 1 to 8: 1 is upright, above 4 height and width change places."""
    # Pillow decodes a PNG file in whole to look for EXIF data.
    if image.format == "PNG" and b"eXIf" not in content and b"exif" not in content:
        return 1
    found = image.getexif().get(0x0112, 1)
    return found if isinstance(found, int) and 1 <= found <= 8 else 1


def _upright(image: Image, turn: int) -> Image:
    from PIL.Image import Transpose

    turns = {
        2: Transpose.FLIP_LEFT_RIGHT,
        3: Transpose.ROTATE_180,
        4: Transpose.FLIP_TOP_BOTTOM,
        5: Transpose.TRANSPOSE,
        6: Transpose.ROTATE_270,
        7: Transpose.TRANSVERSE,
        8: Transpose.ROTATE_90,
    }
    return image.transpose(turns[turn]) if turn in turns else image


def _is_narrowed(image: Any) -> bool:
    """Whether the file has 16 bits per colour, which Pillow has no mode for."""
    coding = " ".join(str(tile[3]) for tile in image.tile[:1])  # such as ``RGB;16B``
    return image.mode not in _DEEP and re.search(";16[BLN]", coding) is not None


def _is_grey(image: Image) -> bool:
    if image.mode not in ("P", "PA"):
        return image.mode in _GREY
    colours = np.array(image.getpalette("RGB") or [], np.uint8).reshape(-1, 3)
    return bool((colours == colours[:, :1]).all())


def _opaque(image: Image) -> tuple[Image, bool]:
    """Laid on white, if it has transparency; and whether it is transparent anywhere."""
    clear = image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info
    if not clear or image.mode in _DEEP:
        return image, False
    from PIL import Image

    above = image.convert("RGBA")
    alpha: NDArray[np.uint8] = np.asarray(above.getchannel("A"))
    white = Image.new("RGBA", above.size, "white")
    return Image.alpha_composite(white, above), bool((alpha < 255).any())


def _deep(image: Image) -> Image:
    """As real numbers: 16-bit ones from 0 to 1, others as they are."""
    found: NDArray[Any] = np.asarray(image)
    if found.dtype.kind == "f":
        if not np.isfinite(found).all():
            raise DataError("pixels that are no numbers, or infinite")
        return image
    if found.min() < 0 or found.max() > 65535:
        raise DataError("pixels of more than 16 bits")
    from PIL import Image

    return Image.fromarray(found.astype(np.float32) / np.float32(65535))
