"""Image files with labels to a data set."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gigo.datasets.build import build
from gigo.datasets.decode import SUFFIXES
from gigo.datasets.options import Options
from gigo.datasets.pictures import Pictures, read_pictures
from gigo.datasets.relabel import read_labels
from gigo.errors import DataError, SpecError
from gigo.types import Dataset, Watch


class Items(NamedTuple):
    """Image files and a label each, in order."""

    files: list[Path]
    labels: list[Any]


def is_image(name: str) -> bool:
    """Whether a file is called as images are.

    >>> is_image("a.JPG"), is_image("Thumbs.db")
    (True, False)
    """
    return os.path.splitext(name)[1].lower() in SUFFIXES


def from_images(
    name: str,
    path: Path,
    items: tuple[Items, Items | None],
    options: Options,
    notes: Sequence[str],
    watch: Watch,
    *,
    groups: NDArray[Any] | None = None,
    cache: Path | None = None,
) -> Dataset:
    """A data set of image files.

    Args:
        name: of the data set.
        path: where it lies.
        items: the training set, and the test set; None: it is held out.
        options: those of a data set; ``labels`` has one per training file.
        notes: what is to be said of it so far.
        watch: is told how far decoding is.
        groups: one per training file, or None.
        cache: see `gigo.datasets.pictures.read_pictures`.

    Raises:
        DataError: as `read_pictures`, `read_labels` and `build`.
        SpecError: an option is out of range.
    """
    if options.kind not in (None, "image"):
        raise SpecError("dataset.kind", options.kind, f"image, or none: {path} has images")
    train, test = items
    others: Any = options.file("labels")
    others = None if others is None else read_labels(others, len(train.files), path.name)
    found = read_pictures(
        [*train.files, *(test.files if test else [])],
        resize=options.resize,
        skip_bad=options.skip_bad,
        cache=cache,
        watch=watch,
    )
    n = int(np.searchsorted(found.rows, len(train.files)))
    rows = found.rows[:n]
    labels = [train.labels[row] for row in rows.tolist()]
    _check_left(path, train.labels, labels)
    given = options.splitting(tested=test is not None)
    said = [*notes, *found.notes, *_twofold(found, labels)]
    if test:
        of_test = (found.rows[n:] - len(train.files)).tolist()
        given["x_test"] = found.pixels[n:]
        given["labels_test"] = [test.labels[row] for row in of_test]
    if others is not None:
        given["others"] = others[rows]
    return build(
        name,
        str(path),
        found.pixels[:n],
        labels,
        kind="image",
        classes=options.classes,
        groups=None if groups is None else groups[rows],
        notes=said,
        **given,
    )


def _check_left(path: Path, before: Sequence[Any], after: Sequence[Any]) -> None:
    """Raise where all images of a class were passed over."""
    gone = {*before} - {*after}
    if gone:
        which = min(map(str, gone))
        raise DataError(f"{path}: class {which!r} has no file that is an image: expected some")


def _twofold(found: Pictures, labels: Sequence[Any]) -> list[str]:
    """A note where training images are in two classes."""
    classes: dict[int, set[Any]] = {}
    numbers = found.same[: len(labels)].tolist()
    for number, label in zip(numbers, labels, strict=True):
        classes.setdefault(number, set()).add(label)
    count = sum(len(classes[number]) > 1 for number in numbers)
    if not count:
        return []
    return [f"{count:,} images have a copy, byte for byte, in another class"]
