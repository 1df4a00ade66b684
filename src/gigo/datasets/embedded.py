"""Images whose files are in the cells of a table, as Hugging Face's library keeps them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from gigo.datasets.decode import REMARKS, Pixels, check_one_size, decode, header, quiet
from gigo.datasets.decode_many import told
from gigo.datasets.untrusted import reading
from gigo.types import Watch

T = TypeVar("T")


def image_cells(table: Any) -> str | None:
    """The first column whose cells are files: bytes, or a struct that has some.

    >>> import pyarrow as pa
    >>> image_cells(pa.table({"label": [1], "image": [{"bytes": b"...", "path": None}]}))
    'image'
    """
    import pyarrow as pa

    def holds(kind: Any) -> bool:
        if pa.types.is_struct(kind):
            return kind.get_field_index("bytes") >= 0 and holds(kind.field("bytes").type)
        return pa.types.is_binary(kind) or pa.types.is_large_binary(kind)

    columns = zip(table.schema.names, table.schema.types, strict=True)
    return next((name for name, kind in columns if holds(kind)), None)


def read_cells(
    cells: Sequence[Any], place: str, resize: int | None, watch: Watch
) -> tuple[Pixels, tuple[str, ...]]:
    """Decode the images in cells; what they are read as is told by `gigo.datasets.decode`.

    Args:
        cells: n files as bytes, or mappings with ``bytes``.
        place: of the table, for errors.
        resize: height and width to scale all to; None: they must be of one size.
        watch: is told how far that is.

    Returns:
        (n, channels, height, width), one channel where all are grey; and what is to be said.

    Raises:
        DataError: a cell is missing or no image, or sizes differ.
    """
    contents = [_content(cell) for cell in cells]
    remarks: Counter[str] = Counter()
    with quiet():
        headers = [_tried(header, content, place, row) for row, content in enumerate(contents)]
        if not resize:
            check_one_size(dict(enumerate(headers)), lambda row: _place(place, row))
        channels = 1 if all(seen.grey for seen in headers) else 3
        deep = any(seen.deep for seen in headers)
        side = (resize, resize) if resize else headers[0].size if headers else (0, 0)
        read = partial(decode, channels=channels, deep=deep, resize=resize)
        x: NDArray[Any] = np.empty(
            (len(contents), channels, *side), np.float32 if deep else np.uint8
        )
        each = told(contents, "images decoded", len(contents), watch)
        for row, content in enumerate(each):
            x[row], found = _tried(read, content, place, row)
            remarks.update(found)
    scaled = [f"images are scaled to {resize} x {resize} pixels"] if resize else []
    said = [f"{remarks[name]:,} images: {REMARKS[name]}" for name in REMARKS if remarks[name]]
    return x, (*scaled, *said)


def _content(cell: Any) -> bytes:
    """The bytes of an image file; none where a cell has none."""
    return (cell.get("bytes") if isinstance(cell, dict) else cell) or b""


def _tried(read: Callable[[bytes], T], content: bytes, place: str, row: int) -> T:
    with reading(_place(place, row), "an image"):
        return read(content)


def _place(table: str, row: int) -> str:
    return f"{table}: row {row} (counted from 0)"
