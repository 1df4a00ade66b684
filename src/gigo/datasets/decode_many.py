"""Many image files to one array: their headers say its shape, then rows are decoded in order.

A thread per core decodes a chunk of files at a time. Memory holds a few chunks, whatever the number
of files.
"""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import chain
from math import prod
from pathlib import Path
from typing import IO, NamedTuple, TypeVar

import numpy as np

from gigo.datasets.decode import REMARKS, Header, Pixels, decode, header
from gigo.datasets.untrusted import LIMIT, check_plain
from gigo.errors import DataError
from gigo.machine import Machine
from gigo.types import Watch

CHUNK = 1 << 22
"""Bytes of pixels, about, that a thread decodes at a time."""

MOST = 64
"""Files that it decodes at a time."""

TELL = 64
"""Images after which a watcher is told again."""

T = TypeVar("T")


@dataclass(frozen=True)
class About:
    """What is known of decoded images.

    Attributes:
        shape: of all pixels, (n, channels, height, width).
        dtype: theirs, ``uint8`` or ``float32``.
        bad: what is wrong with files that are no images, by their row among all files.
        same: (n,) images whose files have the same bytes have the same number.
        remarks: how many images there are of each of `REMARKS`.
        grey: how many are grey.
        deep: how many have more than 8 bits per pixel.
    """

    shape: tuple[int, ...]
    dtype: str
    bad: dict[int, str]
    same: list[int]
    remarks: dict[str, int]
    grey: int
    deep: int


class Survey(NamedTuple):
    """The headers of image files, and what is wrong with the others, by row."""

    headers: dict[int, Header]
    bad: dict[int, str]


def survey(files: Sequence[Path], watch: Watch) -> Survey:
    """Read the headers of image files, and tell a watcher how many are read."""
    seen = told(_each(_header, files, MOST), "images looked at", len(files), watch)
    found = dict(enumerate(seen))
    headers = {row: seen for row, seen in found.items() if isinstance(seen, Header)}
    return Survey(headers, {row: seen for row, seen in found.items() if isinstance(seen, str)})


def told(items: Iterable[T], what: str, total: int, watch: Watch) -> Iterator[T]:
    """The items; a watcher is told how many there were so far, and what they are.

    >>> list(told("abc", "letters", 3, lambda *seen: print(*seen)))
    letters 0 3
    letters 3 3
    ['a', 'b', 'c']
    """
    done = 0
    for item in items:
        if done % TELL == 0:
            watch(what, done, total)
        yield item
        done += 1
    watch(what, done, total)


def decode_all(
    files: Sequence[Path], known: Survey, resize: int | None, file: IO[bytes], watch: Watch
) -> About:
    """Write the pixels of image files one after the other.

    Args:
        files: one per image.
        known: their headers, of one size if ``resize`` is None; at least one.
        resize: height and width to scale all to.
        file: to write to.
        watch: is told how many images are decoded.

    Returns:
        What was written, and of which files nothing was.

    Raises:
        DataError: none of the files is an image.
        OSError: it can't be written.
    """
    headers, bad = known.headers, {**known.bad}
    height, width = (resize, resize) if resize else next(iter(headers.values())).size
    channels = 1 if all(seen.grey for seen in headers.values()) else 3
    deep = any(seen.deep for seen in headers.values())
    shape = (channels, height, width)
    dtype = np.dtype(np.float32 if deep else np.uint8)
    work = partial(_row, shape=shape, deep=deep, resize=resize)
    at_once = max(1, min(MOST, CHUNK // (prod(shape) * dtype.itemsize)))
    remarks: Counter[str] = Counter()
    numbers: dict[bytes, int] = {}
    same: list[int] = []
    each = _each(work, [files[row] for row in headers], at_once)
    found = told(each, "images decoded", len(headers), watch)
    for row, seen in zip(headers, found, strict=True):
        if isinstance(seen, str):
            bad[row] = seen
            continue
        file.write(seen.pixels.data)
        remarks.update(seen.remarks)
        same.append(numbers.setdefault(seen.digest, len(numbers)))
    if not same:
        row, wrong = min(bad.items())
        raise DataError(f"{files[row]}: {wrong}, and none of the others is an image, either")
    good = [seen for row, seen in headers.items() if row not in bad]
    return About(
        shape=(len(same), *shape),
        dtype=dtype.name,
        bad=bad,
        same=same,
        remarks={remark: remarks[remark] for remark in REMARKS if remarks[remark]},
        grey=sum(seen.grey for seen in good),
        deep=sum(seen.deep for seen in good),
    )


def _each(work: Callable[[Path], T], files: Sequence[Path], at_once: int) -> Iterator[T]:
    """What some work gives for each file, in order; a few chunks are ahead of whoever takes it."""
    threads = Machine.here().cores

    def some(chunk: Sequence[Path]) -> list[T]:
        return [work(file) for file in chunk]

    chunks = [files[start : start + at_once] for start in range(0, len(files), at_once)]
    with ThreadPoolExecutor(threads) as pool:
        for start in range(0, len(chunks), 4 * threads):
            ahead = chunks[start : start + 4 * threads]
            yield from chain.from_iterable(pool.map(some, ahead))


def _header(path: Path) -> Header | str:
    return _tried(path, header)


class _Row(NamedTuple):
    pixels: Pixels
    remarks: list[str]
    digest: bytes


def _row(path: Path, *, shape: tuple[int, ...], deep: bool, resize: int | None) -> _Row | str:
    def read(content: bytes) -> _Row:
        pixels, remarks = decode(content, shape[0], deep=deep, resize=resize)
        if pixels.shape != shape:
            raise DataError("an image whose header and pixels differ in shape")
        return _Row(pixels, remarks, hashlib.blake2b(content, digest_size=16).digest())

    return _tried(path, read)


def _tried(path: Path, read: Callable[[bytes], T]) -> T | str:
    """What reading a file gives, or what is wrong with it."""
    try:
        check_plain(path)
        if os.path.getsize(path) > LIMIT:
            raise DataError(f"more than {LIMIT:,} bytes: refused")
        return read(path.read_bytes())
    except DataError as error:
        return str(error)
    except MemoryError:  # which says nothing about the file
        raise DataError(f"{path}: there is not enough memory to decode it") from None
    except OSError as error:  # of the system, or of Pillow
        return error.strerror or str(error)
    except Exception as error:
        return f"{type(error).__name__} ({' '.join(str(error).split())[:80]})"
