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
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from gigo import runner
from gigo.edited import taken
from gigo.inputs import count, digest, shape, take
from gigo.records import Record
from gigo.resolve import resolve
from gigo.rng import Stream
from gigo.sample import drawn, sample
from gigo.schedule import Schedule, TrainingSet
from gigo.store import Store
from gigo.study import Study
from gigo.trial import Trial
from gigo.types import Dataset, Kind, Labels

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


def check_corruption(
    corruption: Any, dataset: Dataset, *, rates: Sequence[float] = RATES, **options: Any
) -> None:
    """A corruption is exact, nested, drawn from its stream alone, and spares the test set.

    - A rate does as many edits as `gigo.Schedule.n_edits` says. What is edited, added or gone
      at a rate is so at any higher one, with the same labels and inputs; the rest stays as it is.
    - The same stream gives the same training set, another one another draw.
    - The data set itself stays as it is.

    Args:
        corruption: as a study names it.
        dataset: to corrupt; see `small_dataset`.
        rates: to corrupt it at, ascending.
        **options: of the corruption.
    """
    study = Study.create(
        dataset=dataset,
        corruption={"name": corruption, **options},
        model=_nothing,
        rates=sorted({0.0, *rates}),
        replicates=2,
        validation="noisy",
    )
    test = dataset.tests["test"]
    before = digest(dataset.x_train, dataset.y_train, *test)
    again = [list(resolve(study).trials.values()) for _ in range(2)]
    for replicate in range(2):
        mine, others = ([each for each in some if each.replicate == replicate] for some in again)
        parts = [sample(trial, dataset) for trial in mine]
        for part, other in zip(parts, (sample(trial, dataset) for trial in others), strict=True):
            same = _content(dataset, part) == _content(dataset, other)
            _holds(same, "the same streams give the same labels and inputs")
        for trial, part in zip(mine[1:], parts[1:], strict=True):
            _check_edits(trial, dataset, parts[0], part)
        for lower, higher in pairwise(parts):
            _check_nested(dataset, lower, higher)
    after = digest(dataset.x_train, dataset.y_train, *test)
    _holds(after == before, "the data set itself stays as it is")


def _check_edits(trial: Trial, dataset: Dataset, clean: TrainingSet, part: TrainingSet) -> None:
    """Their number, that the rest stays as it is, and that another stream is another draw."""
    items, kind = clean.rows, trial.corruption
    assert kind is not None
    streams = [Stream(trial.seed, replicate, "corruption") for replicate in (trial.replicate, -1)]
    one, other = (
        drawn(kind, dataset, items, stream, f"check {place}")
        for place, stream in enumerate(streams)
    )
    _holds(one.rate_of == kind.rate_of, f"the attribute rate_of says {one.rate_of}")
    _holds(bool(one.probes) == kind.probed, "the attribute probes names the test sets it brings")
    edits = one.n_edits(trial.rate, len(items))
    _holds(part.n_selected == edits, f"at rate {trial.rate} {edits} edits")
    if edits > 1:
        differ = _drawn_bytes(one, edits) != _drawn_bytes(other, edits)
        _holds(differ, "another stream is another draw")
    places = _places(part)[~part.touched]
    same = (part.labels[~part.touched] == clean.labels[places]).all()
    same &= (part.rows[~part.touched] == items[places]).all()
    _holds(same, "what was not selected stays as it is")


def _check_nested(dataset: Dataset, lower: TrainingSet, higher: TrainingSet) -> None:
    """What is done at a rate is done in the same way at a higher one."""
    there = {place: row for row, place in enumerate(_places(higher).tolist())}
    edited = np.flatnonzero(lower.touched)
    rows = [there.get(place, -1) for place in _places(lower)[edited].tolist()]
    what = "what is corrupted at a rate is corrupted alike at a higher one"
    _holds(-1 not in rows, what)
    _holds(_content(dataset, lower, edited) == _content(dataset, higher, np.array(rows, int)), what)
    gone = np.setdiff1d(np.arange(lower.n_given), _places(lower))
    _holds(not np.isin(gone, _places(higher)).any(), "what left at a rate is gone at a higher one")


def _places(part: TrainingSet) -> Labels:
    return np.arange(len(part.rows)) if part.places is None else part.places


def _content(dataset: Dataset, part: TrainingSet, rows: Labels | None = None) -> str:
    """The sha256 of what is trained on, or of some of it alone; else held-out items are in it."""
    chosen = np.arange(len(part.rows)) if rows is None else rows
    x = taken(dataset.x_train, part.extras, part.rows[chosen])
    labels = part.labels[chosen], part.true_labels[chosen]
    if rows is not None:
        return digest(x, *labels)
    held_out = taken(dataset.x_train, part.extras, part.held_out)
    return digest(x, *labels, held_out, part.held_out_labels)


def _drawn_bytes(schedule: Schedule, edits: int) -> str:
    """The sha256 of the first edits."""
    first = schedule.first(edits)
    row = first.item if first.row is None else first.row
    extra = first.extra(edits) if callable(first.extra) else first.extra
    return digest(first.item, first.label, row, *(() if extra is None else (extra,)))


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
