"""Images with labels: in a folder per class, or named with their labels in a table."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from gigo.datasets.build import build
from gigo.datasets.decode import SUFFIXES
from gigo.datasets.pictures import Pictures, read_pictures
from gigo.errors import DataError
from gigo.types import Dataset

if TYPE_CHECKING:
    import pandas as pd

TRAINING = ("train", "training")
TEST = ("test", "testing", "val", "valid", "validation")
"""Folders that are splits where a training folder with classes is among them, in any case of
letters. The first of those for testing that is there is the test set."""

COLUMNS = ("path", "file", "filename", "file_name", "filepath", "image", "image_path", "img")
"""Names of columns of a table that paths of images are looked for in first."""

_OF_SYSTEMS = frozenset(["thumbs.db", "ehthumbs.db", "desktop.ini", "__macosx"])
"""Files and folders that systems leave among others; those with a dot before them likewise."""


class Items(NamedTuple):
    """Image files and their labels, in order."""

    files: list[Path]
    labels: list[Any]


def is_image_folder(path: str | Path) -> bool:
    """Whether a folder has folders with images in them, or splits that have; little is read.

    >>> is_image_folder(".")
    False
    """
    root = Path(os.path.expanduser(path))
    try:
        return os.path.isdir(root) and any(
            _has_image(folder) or _role(folder) and any(map(_has_image, _look(folder).folders))
            for folder in _look(root).folders
        )
    except DataError:  # what can't be looked into
        return False


def from_image_folder(
    path: str | Path,
    *,
    test: str | Path | None = None,
    classes: Sequence[Any] | None = None,
    test_share: float = 0.2,
    seed: int = 0,
    resize: int | None = None,
    skip_bad: bool = False,
    cache: Path | None = None,
) -> Dataset:
    """Read a folder of images that has a folder per class, called as the class is.

    Items come by class, then by file name, both in byte order (``B.png``, ``a.png``, ``a10.png``,
    ``a2.png``); classes are sorted as everywhere, numbers by value. Hidden files and folders are
    passed over. Where ``train`` with folders of classes is among the folders, it is the training
    set, and ``test``, else ``val``, ``valid`` or ``validation``, the test set, which may lack
    classes.

    Args:
        path: the folder.
        test: a folder per class of test images, in place of the one beside ``train``.
        classes, test_share, seed: see `gigo.datasets.build.build`.
        resize, skip_bad, cache: see `gigo.datasets.pictures.read_pictures`.

    Raises:
        DataError: a class folder is empty, a file is no image, sizes differ, the test set has a
            class that is unknown to training, or as `build` says.
        SpecError: an argument is out of range.
    """
    root = Path(os.path.expanduser(path))
    hidden: Counter[str] = Counter()
    train, beside, notes = _splits(root, hidden)
    if test is not None:
        notes += [f"{beside.name}/ is not used: test = {test}"] if beside else []
        beside = Path(os.path.expanduser(test))
    items = _items(train, hidden)
    tested = _items(beside, hidden, may_lack=True) if beside else None
    if hidden:
        names = ", ".join(f"{name} ({n:,})" for name, n in sorted(hidden.items())[:5])
        more = f" and {len(hidden) - 5} more names" if len(hidden) > 5 else ""
        notes.append(f"hidden files and folders are passed over: {names}{more}")
    name = os.path.basename(os.path.abspath(root)) or "images"
    found = read_pictures(
        [*items.files, *(tested.files if tested else [])],
        resize=resize, skip_bad=skip_bad, cache=cache,
    )
    return _dataset(
        name, str(path), items, tested, found,
        notes=notes, classes=classes, test_share=test_share, seed=seed,
    )


def image_column(frame: pd.DataFrame, folder: Path) -> str | None:
    """The column of a table that has paths of images: in one of `COLUMNS`, or in all rows.

    Args:
        frame: the table.
        folder: from which relative paths lead.

    Returns:
        its name; None: there is no such column. A column of `COLUMNS` counts where its values are
        called as images are, whether they are there or not.

    >>> import pandas as pd
    >>> image_column(pd.DataFrame({"id": ["a.png"], "file": ["b.png"]}), Path("."))
    'file'
    """
    known = [name for name in frame.columns if str(name).lower() in COLUMNS]
    for name in [*known, *(name for name in frame.columns if name not in known)]:
        values = frame[name].dropna().tolist()
        if values and all(isinstance(value, str) and _is_image(value) for value in values):
            if name in known or all(os.path.isfile(folder / value) for value in values):
                return name
    return None


def from_image_table(
    frame: pd.DataFrame,
    column: str,
    labels: Sequence[Any],
    folder: Path,
    *,
    name: str,
    source: str,
    test: tuple[Sequence[Path], Sequence[Any]] | None = None,
    resize: int | None = None,
    skip_bad: bool = False,
    cache: Path | None = None,
    groups: Sequence[Any] | None = None,
    **options: Any,
) -> Dataset:
    """Read the images whose paths are in a column of a table, in its order.

    Args:
        frame: the table.
        column: the column's name.
        labels: a label per row.
        folder: from which relative paths lead: that of the table.
        name, source: of the data set.
        test: files of the test set, see `image_files`, and their labels; None: a share is held out.
        resize, skip_bad, cache: see `gigo.datasets.pictures.read_pictures`.
        groups: a group per row, or None.
        options: see `gigo.datasets.build.build`.

    Raises:
        DataError: as `from_image_folder`; a path is missing, or there is no file there.
        SpecError: an argument is out of range.
    """
    items = Items(image_files(frame, column, folder, source), list(labels))
    tested = Items(list(test[0]), list(test[1])) if test else None
