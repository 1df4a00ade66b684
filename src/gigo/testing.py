"""Checks for authors of models, corruptions and data sets: what gigo asks of any of them.

Each raises AssertionError where something does not hold, with what and why. They train small things
for seconds; a test of a plug-in is one call:

>>> from gigo.testing import check_corruption, small_dataset
>>> from gigo.corruptions.labels import symmetric_destinations
>>> check_corruption(symmetric_destinations, small_dataset())
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from gigo import runner
from gigo.inputs import count, digest, shape, take
from gigo.resolve import resolve
from gigo.sample import sample
from gigo.store import Store
from gigo.study import Study
from gigo.types import Dataset, Kind, Record

RATES = (0.0, 0.25, 0.5)
"""That the checks corrupt at."""


def small_dataset(kind: Kind = "vector", n: int = 120, n_classes: int = 3) -> Dataset:
    """A data set that is easy to learn: class k's items lie around a place of its own.

    Args:
        kind: ``image`` is (1, 8, 8), ``vector`` 6 numbers, ``table`` two numbers and a category
            with gaps, ``text`` sentences of a few words.
        n: training items; half as many are for testing.
        n_classes: K.

    >>> dataset = small_dataset("text")
    >>> dataset.x_train[0], dataset.n_train, dataset.n_test
    ('five zero four zero three zero', 120, 60)
    """
    rng = np.random.default_rng(0)
    y = np.arange(n + n // 2) % n_classes
    x = _INPUTS[kind](rng, y)
    parts = [(take(x, rows), y[rows]) for rows in np.split(np.arange(len(y)), [n])]
    (x_train, y_train), test = parts
    names = tuple(f"class {k}" for k in range(n_classes))
    sha256 = digest(x_train, y_train, *test)
    return Dataset(
        f"small-{kind}", x_train, y_train, {"test": test}, names, kind, sha256, "made up"
    )


def _images(rng: np.random.Generator, y: Any) -> Any:
    bright = np.zeros((len(y), 1, 8, 8))
    bright[np.arange(len(y)), 0, 1 + y % 6] = 180
    return (bright + rng.integers(0, 60, bright.shape)).astype(np.uint8)


def _vectors(rng: np.random.Generator, y: Any) -> Any:
    return (np.eye(6)[y % 6] * 3 + rng.normal(size=(len(y), 6))).astype(np.float32)


def _table(rng: np.random.Generator, y: Any) -> Any:
    import pandas as pd

    a = y * 2.0 + rng.normal(size=len(y))
    colours = np.array(["red", "green", "blue", "grey"])[(y + rng.integers(0, 2, len(y))) % 4]
    table = pd.DataFrame({"a": a, "b": rng.normal(size=len(y)), "colour": pd.Categorical(colours)})
    return table.mask(rng.random(table.shape) < 0.05)


def _texts(rng: np.random.Generator, y: Any) -> Any:
    words = np.array(["zero", "one", "two", "three", "four", "five", "six"])
    others = words[rng.integers(0, len(words), (len(y), 3))]
    return [
        " ".join(f"{w} {words[k % 7]}" for w in some) for some, k in zip(others, y, strict=True)
    ]


_INPUTS: dict[Kind, Callable[[np.random.Generator, Any], Any]] = {
    "image": _images,
    "vector": _vectors,
    "table": _table,
    "text": _texts,
}


def check_dataset(dataset: Dataset) -> None:
    """Its parts fit each other, labels are codes of its classes, its sha256 is its content's.

    >>> check_dataset(small_dataset("table"))
    """
    parts = {"train": (dataset.x_train, dataset.y_train), **dataset.tests}
    _holds("test" in dataset.tests, "the first test set is called test")
    for name, (x, y) in parts.items():
        _holds(count(x) == len(y) > 0, f"{name}: as many inputs as labels, at least one")
        _holds(y.dtype == np.int64, f"{name}: labels are int64")
        _holds(y.min() >= 0 and y.max() < dataset.n_classes, f"{name}: labels are 0 to K - 1")
        _holds(shape(x) == dataset.input_shape, f"{name}: items have one shape")
    arrays = [array for part in parts.values() for array in part]
    own = () if dataset.groups is None else (dataset.groups,)
    _holds(digest(*arrays, *own) == dataset.sha256, "sha256 is gigo.inputs.digest of the content")


def check_corruption(corruption: Any, dataset: Dataset, **options: Any) -> None:
    """A label corruption is exact, nested, drawn from its streams alone, and spares the test set.

    Args:
        corruption: as a study names it.
        dataset: to corrupt.
        **options: of the corruption.
    """
    study = Study.create(
        dataset=dataset,
        corruption={"name": corruption, **options},
        model=_nothing,
        rates=RATES,
        replicates=2,
        validation="noisy",
    )
    again = [list(resolve(study).trials.values()) for _ in range(2)]
    before = digest(dataset.x_train, dataset.y_train)
    seen: dict[int, Any] = {}
    for trial, same in zip(*again, strict=True):
        part, other = sample(trial, dataset), sample(same, dataset)
        _holds((part.labels == other.labels).all(), "the same streams give the same labels")
        wrong = part.labels != part.true_labels
        _holds(not wrong[~part.touched].any(), "labels that were not selected stay as they are")
        if trial.corruption is None or trial.corruption.rate_of == "set":
            selected = round(trial.rate * len(part.rows))
            _holds(part.touched.sum() == selected, f"at rate {trial.rate} {selected} are selected")
        lower = seen.get(trial.replicate)
        if lower is not None:
            kept = (part.labels == lower.labels)[lower.touched].all()
            _holds(kept, "what is corrupted at a rate is corrupted alike at a higher one")
        seen[trial.replicate] = part
    _holds(digest(dataset.x_train, dataset.y_train) == before, "the data set itself stays as it is")


def _nothing() -> Any:
    """A model that is never fitted."""
    from sklearn.dummy import DummyClassifier

    return DummyClassifier()


def check_model(
    model: Any, dataset: Dataset, *, workers: Sequence[int] = (1, 2), **fields: Any
) -> None:
    """A model trains like any other: reproducible, apart from the test set, and resumable.

    - The same seed gives the same records, for any number of workers.
    - A run that is cut off and goes on ends as one that is not.
    - Predictions follow the test items when these change places: nothing of the test set but the
      item itself is used. Training does not look at the test set.

    Args:
        model: as a study names it.
        dataset: to train on; see `small_dataset`.
        workers: numbers of training processes to compare; with more than 1 it has to be sendable.
        **fields: of the study, such as ``recipe``.
    """
    study = Study.create(
        **{"dataset": dataset, "model": model, "rates": RATES, "replicates": 2, **fields}
    )
    whole = _trained(study, workers[0])
    _holds(all(each.status != "failed" for each in whole.values()), _first_error(whole))
    for other in workers[1:]:
        _same(whole, _trained(study, other), f"with {other} workers")
    _same(whole, _interrupted(study), "interrupted and resumed")
    order = np.random.default_rng(1).permutation(len(dataset.tests["test"][1]))
    x, y = dataset.tests["test"]
    moved = {"test": (take(x, order), y[order])}
    sha256 = digest(dataset.x_train, dataset.y_train, *moved["test"])
    turned = study.but(dataset=replace(dataset, tests=moved, sha256=sha256))
    for mine, theirs in zip(whole.values(), _trained(turned, 1).values(), strict=True):
        what = "test items in another order get the same predictions"
        same = mine.predictions["test"][order] == theirs.predictions["test"]
        _holds(same.mean() > 0.99, what)  # sums in another order may round a tie the other way


@contextmanager
def _folder() -> Generator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder) / "run"


def _trained(study: Study, workers: int) -> dict[str, Record]:
    """The records of a study, in the grid's order."""
    with _folder() as path:
        runner.run(study, path, workers=workers)
        return _read(path)


def _interrupted(study: Study) -> dict[str, Record]:
    """The same, of a run that is cut off after its first record."""

    def stop(progress: runner.Progress) -> None:
        if progress.done:
            raise KeyboardInterrupt

    with _folder() as path:
        try:
            runner.run(study, path, workers=1, listener=stop)
        except KeyboardInterrupt:
            runner.run(study, path, workers=1)
        return _read(path)


def _read(path: Path) -> dict[str, Record]:
    with Store.open(path) as store:
        found = {record.key: record for record in store.records()}
        return {key: found[key] for key in store.trials()}


def _same(ones: dict[str, Record], others: dict[str, Record], when: str) -> None:
    for key, one in ones.items():
        other = others[key]
        for name, classes in one.predictions.items():
            same = np.array_equal(classes, other.predictions[name])
            _holds(same, f"{when}: predictions of the same trial are the same")
        close = {name: abs(one.measures[name] - other.measures[name]) for name in one.measures}
        _holds(max(close.values(), default=0) < 1e-6, f"{when}: the same measures ({close})")


def _first_error(records: dict[str, Record]) -> str:
    errors = (str(each.provenance.get("error", "")) for each in records.values())
    return next(filter(None, errors), "every trial trains")


def _holds(fact: Any, what: str) -> None:
    if not fact:
        raise AssertionError(f"expected: {what}")
