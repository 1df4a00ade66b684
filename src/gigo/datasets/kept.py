"""A user's data set, read once: training processes map it from the disk into memory."""

from __future__ import annotations

import os
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from gigo.types import Dataset, Watch


def kept(dataset: Dataset) -> Kept:
    """A data set's loader that other processes can be sent: what they get is where it lies."""
    return Kept(dataset)


class Kept:
    """Gives a data set that is in memory; in another process, one that is mapped from a file.

    The file is written when this is first sent, into gigo's cache, where the data set's content
    names it. Only arrays are mapped; other inputs are read.
    """

    def __init__(self, dataset: Dataset) -> None:
        self._dataset: Dataset | None = dataset
        self._path: Path | None = None

    def __call__(self, watch: Watch) -> Dataset:
        if self._dataset is None:
            import joblib

            self._dataset = joblib.load(self._path, mmap_mode="r")
        assert self._dataset is not None
        return self._dataset

    def __getstate__(self) -> dict[str, Any]:
        if self._path is None:
            assert self._dataset is not None
            self._path = _written(self._dataset)
        return {"_dataset": None, "_path": self._path}


def _written(dataset: Dataset) -> Path:
    """The file of a data set in the cache; written in whole or not at all."""
    import joblib
    from platformdirs import user_cache_path

    folder = user_cache_path("gigo") / "inputs"
    path = folder / f"{dataset.sha256}.joblib"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        plain = replace(dataset, tests=dict(dataset.tests))
        handle, name = tempfile.mkstemp(dir=folder)
        with os.fdopen(handle, "wb") as file:
            joblib.dump(plain, file)
        os.replace(name, path)
    return path
