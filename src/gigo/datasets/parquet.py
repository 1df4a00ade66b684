"""Images as PNG files in a column of a Parquet file, as Hugging Face's hub has data sets."""

from __future__ import annotations

import io
import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gigo.datasets.official import Arrays, Layout
from gigo.datasets.unpack import check_plain, reading
from gigo.errors import DataError
from gigo.types import Labels

LIMIT = 1 << 31
"""Bytes of pixels that a file may announce."""

CELL = 1 << 20
"""Bytes of a packed image, on average."""

_BATCH = 1_000
_CHANNELS = {"L": 1, "RGB": 3}


def read_parquet(path: Path, image: str, label: str) -> tuple[NDArray[np.uint8], Labels]:
    """Images and labels of a table.

    Args:
        path: the Parquet file.
        image: the column of images: structs whose field ``bytes`` is a PNG file, grey or RGB; all
            of one size.
        label: the column of labels, integers.

    Returns:
        x (n, channels, height, width) uint8 and y (n,) int64.

    Raises:
        DataError: the file is damaged, is not such a table, or unpacks to more than is believable.
    """
    import pyarrow.parquet as pq

    with reading(path, f"a table of PNG images '{image}' and integer labels '{label}'"):
        check_plain(path)
        # As a dictionary, a value that many rows have is in memory once.
        with pq.ParquetFile(path, read_dictionary=[f"{image}.bytes"]) as file:
            n = file.metadata.num_rows
            if not n:
                raise ValueError("no rows")
            _check_size(file.metadata, f"{image}.bytes", n, path)
            batches = file.iter_batches(_BATCH, columns=[f"{image}.bytes", label])
            labels: list[Labels] = []

            def cells() -> Iterable[bytes]:
                for batch in batches:
                    labels.append(_integers(batch.column(label)))
                    yield from (cell.as_py() for cell in batch.column(image).field("bytes"))

            x = _decoded(cells(), n, path)
    return x, np.concatenate(labels)


def _check_size(metadata: Any, column: str, n: int, path: Path) -> None:
    """Refuse what unpacks to far more than images of these numbers do, before it is unpacked."""
    groups = (metadata.row_group(k) for k in range(metadata.num_row_groups))
    chunks = (group.column(k) for group in groups for k in range(group.num_columns))
    size = sum(c.total_uncompressed_size for c in chunks if c.path_in_schema == column)
    if size > min(LIMIT, n * CELL):
        raise DataError(f"{path}: '{column}' unpacks to {size} bytes for {n} images: refused")


def _integers(column: Any) -> Labels:
    import pyarrow as pa

    if not pa.types.is_integer(column.type) or column.null_count:
        raise ValueError(f"labels of type {column.type}, {column.null_count} missing")
    return column.cast(pa.int64()).to_numpy()  # an error where they have no room in it


def _decoded(cells: Iterable[bytes], n: int, path: Path) -> NDArray[np.uint8]:
    """The pixels of n PNG files; what a header announces is checked before anything is unpacked."""
    from PIL import Image

    x = np.empty((0, 0, 0, 0), np.uint8)
    count = 0
    for count, cell in enumerate(cells, 1):
        with Image.open(io.BytesIO(cell), formats=["PNG"]) as picture:
            shape = _CHANNELS.get(picture.mode, 0), picture.height, picture.width
            size = math.prod(shape)
            if count == 1:
                if n * size > LIMIT:
                    raise DataError(f"{path}: {n} images of {size} bytes: refused, too many")
                x = np.empty((n, *shape), np.uint8)
            if shape != x.shape[1:] or not size:
                raise ValueError(f"an image {picture.mode} of size {picture.size}")
            if len(cell) > 2 * size + 4_096:
                raise ValueError(f"{len(cell)} bytes for an image of {size}")
            pixels: Any = np.asarray(picture)
            x[count - 1] = pixels.reshape(*shape[1:], shape[0]).transpose(2, 0, 1)
    if count != n:
        raise ValueError(f"{count} rows where {n} are announced")
    return x


def read_hub(paths: Sequence[Path]) -> Arrays:
    """From the training and the test file, with the names that the hub's columns have."""
    train, test = (read_parquet(path, *_columns(path)) for path in paths)
    return Arrays(*train, *test)


def _columns(path: Path) -> tuple[str, str]:
    import pyarrow.parquet as pq

    with reading(path, "a Parquet file"):
        check_plain(path)
        names = pq.read_schema(path).names
    image = "image" if "image" in names else "img"
    return image, "label" if "label" in names else "fine_label"


HUB = Layout(("train-00000-of-00001.parquet", "test-00000-of-00001.parquet"), read_hub)
