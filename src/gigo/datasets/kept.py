"""A user's data set, read once: training processes map it from the disk into memory."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from gigo import cache
from gigo.errors import DataError
from gigo.inputs import digest
from gigo.types import Dataset, Watch

UNUSED = 30 * 86_400
"""Seconds after which a file that no run has read is removed."""


def kept(dataset: Dataset, folder: Path | None = None) -> Kept:
    """A data set's loader that other processes can be sent: what they get is where it lies.

    Args:
        dataset: in memory.
        folder: for files; default ``inputs`` in gigo's cache.
    """
    return Kept(dataset, folder)


class Kept:
    """Gives a data set that is in memory; in another process, one that is mapped from a file.

    The file is written when this is first sent, for its owner's eyes alone. It is named by the
    data's content, so that runs of the same data share it; when one is written, those that no run
    has read in 30 days are removed. Arrays, numbers and categories of tables and sparse matrices
    are mapped, so that all processes share one copy of them, which nobody can write to; texts are
    read by each.
    """

    def __init__(self, dataset: Dataset, folder: Path | None = None) -> None:
        self._dataset: Dataset | None = dataset
        self._folder = folder
        self._path: Path | None = None

    def __call__(self, watch: Watch) -> Dataset:
        """The data set; raises DataError where its file is gone or damaged."""
        if self._dataset is None:
            assert self._path is not None
            self._dataset = _read(self._path)
        return self._dataset

    def __getstate__(self) -> Mapping[str, Any]:
        if self._path is None and self._dataset is not None:
            self._path = _written(self._dataset, self._folder or cache.home("inputs"))
        return {"_dataset": None, "_folder": self._folder, "_path": self._path}


def _content(dataset: Dataset) -> str:
    """A number of all that is in a data set; its own sha256 is what its maker says it is."""
    tests = [part for test in dataset.tests.values() for part in test]
    groups = [] if dataset.groups is None else [dataset.groups]
    groups += dataset.test_groups.values()
    groups += [] if dataset.origin is None else [dataset.origin]
    said = [
        dataset.name,
        dataset.sha256,
        dataset.kind,
        dataset.source,
        *map(repr, (dataset.classes, (*dataset.tests,), (*dataset.test_groups,), dataset.notes)),
    ]
    weights = [] if dataset.weights is None else [dataset.weights]
    return digest(dataset.x_train, dataset.y_train, *tests, *groups, *weights, said)


def _written(dataset: Dataset, folder: Path) -> Path:
    """The file of a data set in a folder; written in whole or not at all."""
    path = folder / f"{_content(dataset)}.joblib"
    fresh = path.with_suffix(f".{os.getpid()}")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if path.exists():
            os.utime(path)  # it is being used
            if _is_whole(path):
                return path
        _remove_unused(folder)
        _dump(dataset, fresh)
        os.replace(fresh, path)
    except OSError as error:
        reason = error.strerror or error
        raise DataError(f"{path}: expected room for a copy of {dataset.name} ({reason})") from error
    finally:
        with suppress(OSError):
            fresh.unlink()
    return path


def _dump(dataset: Dataset, path: Path) -> None:
    import joblib

    private = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with open(private, "wb") as file:
        plain = {name: dict(getattr(dataset, name)) for name in ("tests", "test_groups")}
        joblib.dump(replace(dataset, **plain), file)


def _is_whole(path: Path) -> bool:
    """Whether a file has the content that it is named by."""
    try:
        return _content(_read(path)) == path.stem
    except DataError:
        return False


def _read(path: Path) -> Dataset:
    import joblib

    try:
        found = joblib.load(path, mmap_mode="r")
    except Exception as error:  # of many kinds, where a file is damaged
        reason = f"{type(error).__name__}: {error}"
        raise DataError(f"{path}: gone or damaged: run again to have it made ({reason})") from error
    if not isinstance(found, Dataset):
        raise DataError(f"{path}: expected a data set that gigo wrote")
    return found


def _remove_unused(folder: Path) -> None:
    """Remove what no run has used for long, and what killed processes left."""
    for file in folder.iterdir():
        with suppress(OSError):  # another process may be as quick
            if time.time() - file.stat().st_mtime > UNUSED:
                file.unlink()
