"""Images as PNG files in a column of a Parquet file, as Hugging Face's hub has data sets."""

from __future__ import annotations

import io
import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gigo.datasets.folder import Arrays, Format
from gigo.datasets.untrusted import check_plain, reading
from gigo.errors import DataError
from gigo.types import Labels

LIMIT = 1 << 31
"""Bytes of pixels that a file may announce, and those to which its table may unpack."""

ROWS, ROW = 1 << 24, 1 << 20
"""Rows that it may announce; bytes of a row, on average."""

_CHANNELS = {"L": 1, "RGB": 3}


def read_folder(paths: Sequence[Path]) -> Arrays:
    """From the training and the test file."""
    return Arrays(*read_parquet(paths[0]), *read_parquet(paths[1]))


def read_parquet(path: Path) -> tuple[NDArray[np.uint8], Labels]:
    """Images and labels of a table.

    Args:
        path: the Parquet file. Its column ``image`` or ``img`` has structs whose field ``bytes`` is
            a PNG file, grey or RGB, all of one size; ``label`` or ``fine_label`` has integers.

    Returns:
        x (n, channels, height, width) uint8 and y (n,) int64.

    Raises:
        DataError: the file is damaged, is not such a table, or unpacks to more than is believable.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    with reading(path, "a table of PNG images 'image' or 'img' and labels 'label' or 'fine_label'"):
        check_plain(path)
        names = pq.read_schema(path).names
        image = "image.bytes" if "image" in names else "img.bytes"
        label = "label" if "label" in names else "fine_label"
        # As a dictionary, a value that many rows have is in memory once.
        with pq.ParquetFile(path, read_dictionary=[image]) as file:
            _check_size(file.metadata)
            table = file.read(columns=[image, label]).flatten()
        labels: Any = table.column(label)
        if not pa.types.is_integer(labels.type) or labels.null_count:
            raise ValueError(f"labels of type {labels.type}, {labels.null_count} missing")
        x = _decoded((cell.as_py() for cell in table.column(image)), len(labels))
        return x, labels.cast(pa.int64()).to_numpy()  # an error where they have no room in it


def _check_size(metadata: Any) -> None:
    """Refuse what unpacks to far more than images of these numbers do, before it is unpacked."""
    groups = [metadata.row_group(k) for k in range(metadata.num_row_groups)]
    n, size = sum(g.num_rows for g in groups), sum(g.total_byte_size for g in groups)
    if n > ROWS or size > min(LIMIT, n * ROW):
        raise DataError(f"unpacks to {size} bytes for {n} images: refused")


def _decoded(cells: Iterable[bytes], n: int) -> NDArray[np.uint8]:
    """The pixels of n PNG files; what a header announces is checked before anything is unpacked."""
    from PIL import Image

    x = np.empty((0, 0, 0, 0), np.uint8)
    for row, cell in enumerate(cells):
        with Image.open(io.BytesIO(cell), formats=["PNG"]) as picture:
            shape = _CHANNELS.get(picture.mode, 0), picture.height, picture.width
            size = math.prod(shape)
            if n * size > LIMIT:
                raise DataError(f"{n} images of {size} bytes: refused, too many")
            if row == 0:
                x = np.empty((n, *shape), np.uint8)
            if shape != x.shape[1:] or not size:
                raise ValueError(f"an image {picture.mode} of size {picture.size}")
            pixels: Any = np.asarray(picture)
            x[row] = pixels.reshape(*shape[1:], shape[0]).transpose(2, 0, 1)
    return x


PARQUET = Format(("train-00000-of-00001.parquet", "test-00000-of-00001.parquet"), read_folder)
