"""Image files as one array, decoded once: kept in gigo's cache, and mapped from there."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gigo.cache import home
from gigo.datasets.decode import REMARKS, Pixels, check_one_size, quiet
from gigo.datasets.decode_many import About, Survey, decode_all, survey
from gigo.errors import DataError
from gigo.types import Watch, silent

VERSION = 1
"""Of what decoding gives and how it is kept: what another one kept is not read."""

ABANDONED = 86400.0
"""Seconds after which unfinished pixels are those of a killed process."""


class Pictures(NamedTuple):
    """Decoded images.

    Attributes:
        pixels: (n, channels, height, width), read-only: uint8, or float32 from 0 to 1 where any
            image has 16 bits. One channel where all images are grey, else three.
        rows: (n,) int64, which of the files they are: all but those that were passed over.
        same: (n,) int64: images whose files have the same bytes have the same number.
        notes: what is to be said of them, a line each.
    """

    pixels: Pixels
    rows: NDArray[np.int64]
    same: NDArray[np.int64]
    notes: tuple[str, ...]


def read_pictures(
    files: Sequence[Path],
    *,
    resize: int | None = None,
    skip_bad: bool = False,
    cache: Path | None = None,
    watch: Watch = silent,
) -> Pictures:
    """Decode image files, or map what was decoded of them before.

    Pixels are kept by the files' places, sizes and times, and ``resize``.

    Args:
        files: one per image.
        resize: height and width to scale all to; None: they must be of one size.
        skip_bad: pass over files that are no images, or damaged ones.
        cache: the folder to keep pixels in. Default: ``images`` in gigo's cache. It may be deleted
            at any time. Where it can't be written, pixels are in memory, and that is said.
        watch: is told how many images are looked at, then how many are decoded.

    Raises:
        DataError: a file is no image, or images differ in size.
    """
    place = (cache or home("images")) / _key(files, resize)
    notes: tuple[str, ...] = ()
    found = _mapped(place)
    if found is None:
        with quiet():
            known = survey(files, watch)
            if not skip_bad:
                _refuse_bad(files, known.bad)
            _check_sizes(files, known, resize)
            try:
                found = _kept(place, files, known, resize, watch)
            except OSError as error:  # the cache's: those of the files are counted
                found = _in_memory(files, known, resize, watch)
                notes = (f"decoded images can't be kept in {place.parent} ({error.strerror})",)
    pixels, about = found
    if not skip_bad:
        _refuse_bad(files, about.bad)
    rows = np.delete(np.arange(len(files)), [*about.bad])
    notes = (*_said(about, resize, files), *notes)
    return Pictures(pixels, rows, np.array(about.same, np.int64), notes)


def _key(files: Sequence[Path], resize: int | None) -> str:
    """The name under which pixels are kept; nothing is read but where files are and since when."""
    import PIL

    found = hashlib.sha256(f"{VERSION} {PIL.__version__} {resize}\n".encode())
    for file in files:
        try:
            stat = os.stat(file)
            since = f" {stat.st_size} {stat.st_mtime_ns} {stat.st_ctime_ns}\n"
        except OSError:
            since = " missing\n"
        found.update(os.fsencode(os.path.abspath(file)) + b"\0" + since.encode())
    return found.hexdigest()


def _mapped(place: Path) -> tuple[Pixels, About] | None:
    """Pixels that are kept, if they are there."""
    try:
        told: Any = json.loads((place / "about.json").read_text("utf-8"))
        told["shape"] = tuple(told["shape"])
        told["bad"] = {int(row): wrong for row, wrong in told["bad"].items()}
        about = About(**told)
        pixels = np.memmap(place / "pixels", about.dtype, "r", shape=about.shape)
    except (OSError, ValueError):  # not there, or not whole
        return None
    return np.asarray(pixels), about


def _kept(
    place: Path, files: Sequence[Path], known: Survey, resize: int | None, watch: Watch
) -> tuple[Pixels, About]:
    """Decode into a folder that is there in whole or not at all, and map it.

    Raises:
        OSError: it can't be written.
    """
    place.parent.mkdir(parents=True, exist_ok=True)
    _remove_abandoned(place.parent)
    fresh = Path(tempfile.mkdtemp(prefix=".", suffix=".unfinished", dir=place.parent))
    try:
        with (fresh / "pixels").open("wb") as file:
            about = decode_all(files, known, resize, file, watch)
        (fresh / "about.json").write_text(json.dumps(asdict(about)), "utf-8")
        if place.exists() and _mapped(place) is None:  # somebody deleted a part of it
            shutil.rmtree(place)
        with contextlib.suppress(OSError):  # another process was faster
            fresh.replace(place)
        found = _mapped(place)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    if found is None:
        raise OSError(None, "what was written is gone")
    return found


def _remove_abandoned(place: Path) -> None:
    """Remove what killed processes left, which can be large."""
    for left in place.glob(".*.unfinished"):
        with contextlib.suppress(OSError):
            if time.time() - left.stat().st_mtime > ABANDONED:
                shutil.rmtree(left)


def _in_memory(
    files: Sequence[Path], known: Survey, resize: int | None, watch: Watch
) -> tuple[Pixels, About]:
    buffer = io.BytesIO()
    about = decode_all(files, known, resize, buffer, watch)
    pixels: NDArray[Any] = np.frombuffer(buffer.getbuffer(), about.dtype).reshape(about.shape)
    pixels.setflags(write=False)
    return pixels, about


def _refuse_bad(files: Sequence[Path], bad: Mapping[int, str]) -> None:
    if not bad:
        return
    row, wrong = min(bad.items())
    others = f", and {len(bad) - 1:,} more like it" if len(bad) > 1 else ""
    hint = "expected an image (skip_bad = true, --skip-bad, passes over what is none)"
    raise DataError(f"{files[row]}: {wrong}{others}: {hint}")


def _check_sizes(files: Sequence[Path], known: Survey, resize: int | None) -> None:
    if not known.headers:
        if not known.bad:
            raise DataError("no images: expected some")
        row, wrong = min(known.bad.items())
        raise DataError(f"{files[row]}: {wrong}, and none of the others is an image, either")
    if not resize:
        check_one_size(known.headers, lambda row: f"{files[row]}")


def _said(about: About, resize: int | None, files: Sequence[Path]) -> Iterator[str]:
    """Notes, a line each."""
    n = about.shape[0]
    if resize:
        yield f"images are scaled to {resize} x {resize} pixels, whatever their shape"
    for remark, count in about.remarks.items():
        yield f"{_images(count, n)} {REMARKS[remark]}"
    if about.shape[1] == 3 and about.grey:
        yield f"{_images(about.grey, n)} grey, given three equal channels as others have colours"
    if 0 < about.deep < n:
        yield f"{_images(about.deep, n)} of 16 bits: all are read as real numbers"
    if about.bad:
        row, wrong = min(about.bad.items())
        one = "1 file that can't be read as an image is passed over, "
        several = f"{len(about.bad):,} files that can't be read as images are passed over, such as "
        yield f"{one if len(about.bad) == 1 else several}{files[row]}: {wrong}"


def _images(count: int, n: int) -> str:
    if count == n:
        return "all images are"
    return f"{count:,} of {n:,} images {'is' if count == 1 else 'are'}"
