"""Inputs turned into vectors once, before any model sees them: kept on the disk, by content."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gigo import cache
from gigo.errors import DataError
from gigo.inputs import Inputs, count, take
from gigo.trial import Trial
from gigo.types import Card, Dataset, Features

AT_ONCE = 512
"""Items that are turned into vectors together."""

Function = Callable[[Inputs], NDArray[np.float32]]
"""Makes vectors (n, width) of n inputs."""

Making = Callable[[str, int, int], None]
"""Told how far the features of a data set are: (its name, items so far, items in all)."""


def featured(
    dataset: Dataset, features: Features | None, making: Making = lambda name, done, total: None
) -> Dataset:
    """A data set whose inputs are those vectors; itself where there are no features.

    They are made once: the data set's sha256 and the features' identity name a file in gigo's
    cache, which is mapped into memory.

    Args:
        dataset: with the inputs.
        features: what turns them into vectors.
        making: told how far that is.

    Raises:
        SpecError: a user's function fails, or does not give what it should.
        DataError: the vectors can't be kept.
    """
    if features is None:
        return dataset
    file = _file(dataset.sha256, features)
    if not file.exists():
        sets = [dataset.x_train, *(x for x, _ in dataset.tests.values())]
        _make(file, dataset, features, partial(_learned, features, dataset), making, sets)
    rows: NDArray[Any] = np.load(file, mmap_mode="r")
    tests, start = {}, dataset.n_train
    for name, (_, labels) in dataset.tests.items():
        tests[name] = rows[start : start + len(labels)], labels
        start += len(labels)
    return replace(dataset, x_train=rows[: dataset.n_train], tests=tests, kind="vector")


class Vectors:
    """The vectors of inputs that corruptions bring, kept as those of a data set are.

    Args:
        dataset: theirs, with its own inputs.
        features: what turns them into vectors.
        making: told how far that is.
    """

    def __init__(
        self,
        dataset: Dataset,
        features: Features,
        making: Making = lambda name, done, total: None,
    ) -> None:
        self._dataset, self._features, self._making = dataset, features, making

    def __call__(self, name: str, x: Inputs) -> NDArray[np.float32]:
        """Those (n, width) of inputs, made unless the first n of this name are there.

        Raises:
            SpecError: a user's function fails, or does not give what it should.
            DataError: the vectors can't be kept, or went away.
        """
        file = _file(name, self._features)
        if not file.exists() or _rows(file) < count(x):
            _make(file, self._dataset, self._features, lambda: self._function, self._making, [x])
        return np.load(file, mmap_mode="r")[: count(x)]

    @cached_property
    def _function(self) -> Function:
        return _learned(self._features, self._dataset)


def _rows(file: Path) -> int:
    """How many vectors there are in a file."""
    return len(np.load(file, mmap_mode="r"))


def needed(trials: Iterable[Trial]) -> dict[tuple[str, str], tuple[Card, Features]]:
    """The features that trials need, with their data sets, by what names both.

    One data set comes after the other.
    """
    found: dict[tuple[str, str], tuple[Card, Features]] = {}
    for trial in trials:
        card, features = trial.dataset, trial.model.features
        if features is not None:
            found[card.sha256, features.identity] = card, features
    return {name: found[name] for name in sorted(found)}


def seconds(card: Card, features: Features) -> float | None:
    """What making them took; None if they are not there."""
    with suppress(OSError, ValueError, TypeError, KeyError):
        return float(json.loads(_file(card.sha256, features).with_suffix(".json").read_text())["s"])
    return None


def told(card: Card, features: Features) -> str:
    """What they are, for people: where they come from, and how long that took."""
    taken = seconds(card, features)
    learned = f"learned without labels from all {card.n_train:,} training items of {card.name}"
    parts = [
        f"{features.label}: {features.width:,} numbers per item",
        *([f"{learned}, whatever the size"] if features.learns else []),
        "not made yet" if taken is None else f"made once, in {max(taken, 0.1):.1f} s",
    ]
    return ", ".join(parts)


def _file(sha256: str, features: Features) -> Path:
    name = hashlib.sha256(f"{sha256} {features.identity}".encode()).hexdigest()
    return cache.home("features") / f"{name}.npy"


def _learned(features: Features, dataset: Dataset) -> Function:
    """What makes the vectors."""
    if features.value is None:
        message = f"the features of {dataset.name} went away while models were trained"
        raise DataError(f"{message}: run it again")
    return features.value(dataset)


def _make(
    file: Path,
    dataset: Dataset,
    features: Features,
    learned: Callable[[], Function],
    making: Making,
    sets: Sequence[Inputs],
) -> None:
    """Write the vectors of some inputs of a data set, in whole or not at all."""
    started, done, total = time.perf_counter(), 0, sum(map(count, sets))
    making(dataset.name, 0, total)
    function, unfinished = learned(), None
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        handle, unfinished = tempfile.mkstemp(dir=file.parent, suffix=".unfinished")
        with os.fdopen(handle, "wb") as out:
            header = {"descr": "<f4", "fortran_order": False, "shape": (total, features.width)}
            np.lib.format.write_array_header_1_0(out, header)
            for x in sets:
                for some in _parts(x):
                    out.write(np.ascontiguousarray(function(some), "<f4").data)
                    done += count(some)
                    making(dataset.name, done, total)
        taken = json.dumps({"s": time.perf_counter() - started})
        file.with_suffix(".json").write_text(taken)
        os.replace(unfinished, file)
    except OSError as error:
        reason = error.strerror or error
        raise DataError(f"{file.parent}: features can't be kept there ({reason})") from None
    finally:
        if unfinished is not None:
            Path(unfinished).unlink(missing_ok=True)


def _parts(x: Inputs) -> Iterator[Inputs]:
    n = count(x)
    for start in range(0, n, AT_ONCE):
        yield take(x, np.arange(start, min(start + AT_ONCE, n)))
