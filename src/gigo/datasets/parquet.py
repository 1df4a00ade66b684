"""Data sets as Hugging Face's hub has them: a parquet file a split, images as PNG files in it."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gigo.datasets.arrays import Arrays
from gigo.datasets.official import Layout
from gigo.errors import DataError
from gigo.types import Labels

_FILES = ("train-00000-of-00001.parquet", "test-00000-of-00001.parquet")
_MOST_ROWS = 100_000
_BATCH = 1_000


class Table(NamedTuple):
    """What a data set's parquet files hold.

    Attributes:
        image, label: the columns.
        shape: of an image, (channels, height, width).
        n_classes: labels are 0 .. n_classes - 1.
    """

    image: str
    label: str
    shape: tuple[int, int, int]
    n_classes: int


def hub_layout(
    table: Table,
    repositories: Sequence[str],
    subset: str,
    restore: Callable[[Arrays], Arrays] = lambda arrays: arrays,
) -> Layout:
    """Where the hub's cache keeps a data set, and how to read it.

    Args:
        table: what is in the files.
        repositories: names on the hub, past and present, such as ``ylecun/mnist``.
        subset: the folder in the repository.
        restore: puts items back in the official order, where the hub has another.
    """
    folders = tuple(
        f"datasets--{name.replace('/', '--')}/snapshots/*/{subset}" for name in repositories
    )

    def read(paths: Sequence[Path]) -> Arrays:
        return restore(read_parquet(paths, table))

    return Layout(folders, tuple((name,) for name in _FILES), read)


def read_parquet(paths: Sequence[Path], table: Table) -> Arrays:
    """From the training and the test file.

    Raises:
        DataError: a file is damaged or is not such a table.
    """
    train, test = (_read_split(path, table) for path in paths)
    return Arrays(*train, *test)


def _read_split(path: Path, table: Table) -> tuple[NDArray[np.uint8], Labels]:
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            n = file.metadata.num_rows
            if n > _MOST_ROWS:
                raise DataError(f"{path}: {n} rows: expected at most {_MOST_ROWS}")
            x, y = np.empty((n, *table.shape), dtype=np.uint8), np.empty(n, dtype=np.int64)
            start = 0
            for batch in file.iter_batches(_BATCH, columns=[table.image, table.label]):
                items = slice(start, start + len(batch))
                y[items] = batch.column(table.label).to_numpy()
                images = batch.column(table.image).field("bytes").to_pylist()
                x[items] = [_decode_png(image, table.shape) for image in images]
                start += len(batch)
            if start != n:
                raise ValueError(f"{start} rows where {n} are announced")
    except DataError:
        raise
    except Exception as error:  # pyarrow and pillow raise a dozen kinds on damaged bytes
        found = f"{type(error).__name__} ({' '.join(str(error).split())[:80]})"
        expected = f"a table of PNG images '{table.image}' and labels '{table.label}'"
        raise DataError(f"{path}: {found}: expected {expected}") from error
    wrong = np.flatnonzero((y < 0) | (y >= table.n_classes))
    if len(wrong):
        expected = f"0 .. {table.n_classes - 1}"
        raise DataError(f"{path}: label {y[wrong[0]]} of item {wrong[0]}: expected {expected}")
    return x, y


def _decode_png(content: bytes, shape: tuple[int, int, int]) -> NDArray[np.uint8]:
    from PIL import Image

    channels, height, width = shape
    mode = "L" if channels == 1 else "RGB"
    with Image.open(io.BytesIO(content), formats=["PNG"]) as image:
        # Known from the header: nothing is unpacked before.
        if (image.mode, image.size) != (mode, (width, height)):
            raise ValueError(f"an image {image.mode} of size {image.size}")
        pixels: Any = np.asarray(image)
    return pixels.reshape(height, width, channels).transpose(2, 0, 1)
