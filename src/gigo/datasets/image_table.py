"""Images whose paths are in a table, with their labels."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gigo.datasets import columns
from gigo.datasets.image_items import Items, from_images, is_image
from gigo.datasets.labels import listed
from gigo.datasets.options import Options
from gigo.datasets.relabel import read_labels
from gigo.errors import DataError
from gigo.types import Dataset, Watch

COLUMNS = (
    "path",
    "file",
    "filename",
    "file_name",
    "filepath",
    "file_path",
    "image",
    "img",
    "image_path",
    "img_path",
)
"""Names of columns, in small letters or capitals, that are looked at first for paths of images."""


def image_column(table: Any, folder: Path) -> str | None:
    """The column of a ``pyarrow.Table`` that has paths of images, if there is one.

    A column of `COLUMNS` is it where its values are called as images are, whether they are there or
    not; another one where all of them are there.

    Args:
        table: the rows are items.
        folder: from which relative paths lead.

    >>> import pyarrow as pa
    >>> table = pa.table({"id": ["a.png", "b.png"], "file": ["0/1.jpg", "0/2.JPG"]})
    >>> image_column(table, Path("."))
    'file'
    """
    for name in sorted(table.column_names, key=lambda name: name.lower() not in COLUMNS):
        paths = _paths(table.column(name))
        known = name.lower() in COLUMNS
        if paths and (known or all(os.path.isfile(folder / path) for path in paths)):
            return name
    return None


def from_image_table(
    path: Path,
    tables: tuple[Any, Any | None],
    column: str,
    label: str | None,
    options: Options,
    notes: Sequence[str],
    watch: Watch,
    *,
    cache: Path | None = None,
) -> Dataset:
    """Read the images whose paths are in a column of a table, in its order.

    Relative paths lead from the folder of the table, those of a test table from its own.

    Args:
        path: the table's file.
        tables: ``pyarrow.Table`` of the training set, and of the test set or None, of the same
            columns.
        column: the paths.
        label: the column of labels; None: the file ``labels`` has them.
        options: those of a data set.
        notes: what is to be said of it so far.
        watch: is told how far decoding is.
        cache: see `gigo.datasets.pictures.read_pictures`.

    Raises:
        DataError: a path is missing, there is no image, or as `from_images`.
        SpecError: an option is out of range.
    """
    train, test = tables
    used = {column, label, options.group}
    others = [name for name in train.column_names if name not in used and columns.is_named(name)]
    said = [f"images: the files that column {column!r} names"]
    said += [f"not used, since images are the inputs: {listed(others)}"] if others else []
    if label is None:
        labels = read_labels(Path(str(options.labels)).expanduser(), train.num_rows, path.name)
        options = options.model_copy(update={"labels": None})
    else:
        labels = columns.values(train.column(label))
    items = Items(_files(train, column, path), labels.tolist())
    tested = None
    of_test = options.file("test")
    if test is not None and of_test is not None and label is not None:
        of_its = columns.values(test.column(label))
        tested = Items(_files(test, column, of_test), of_its.tolist())
    group = options.group
    return from_images(
        path.stem,
        path,
        (items, tested),
        options,
        [*notes, *said],
        watch,
        groups=None if group is None else columns.values(train.column(group)),
        cache=cache,
    )


def _paths(column: Any) -> list[str]:
    """What a column names, if all of it is called as images are."""
    given = column.drop_null()
    first: object = given[0].as_py() if len(given) else None
    if not (isinstance(first, str) and is_image(first)):  # which tells most columns
        return []
    paths: list[str] = [path for path in given.to_pylist() if path]
    return paths if all(map(is_image, paths)) else []


def _files(table: Any, column: str, path: Path) -> list[Path]:
    """The files that a table names, a row each."""
    names = columns.values(table.column(column)).tolist()
    missing = [row for row, name in enumerate(names) if name is None]
    if missing:
        raise DataError(
            f"{path}: column {column!r} has no path in {len(missing):,} of {len(names):,} rows, "
            f"the first of them row {missing[0]} (counted from 0): expected one per row"
        )
    return [path.parent / name for name in names]
