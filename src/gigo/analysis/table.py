"""Outcomes become a tidy table, one row per cell and replicate; records become longer ones."""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterable, Mapping, Sequence
from operator import attrgetter
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gigo import metrics
from gigo.axes import MEANINGS
from gigo.errors import StoreError
from gigo.grid import Grid
from gigo.types import Outcome, Record, TestSet

COLUMNS: dict[str, str] = {
    **MEANINGS,
    "replicate": "repetition, from 0: one draw of subset, split, order, corruption, weights",
    "batch_size": "items per step",
    "realised_rate": "fraction of the training items whose label really differs, 0 to 1",
    "status": "ok, diverged, or never_started: loss never below 98 % of its labels' entropy",
    "started": "whether the status is ok",
    **metrics.MEASURES,
    "accuracy_last": "test accuracy of the last epoch's weights, 0 to 1",
    "log_loss_last": "mean test cross-entropy of the last epoch's weights, nats",
    "chance": "share of the largest class in the test set, 0 to 1",
    "train_accuracy_clean": "accuracy on the uncorrupted training items, 0 to 1; empty if none",
    "train_accuracy_corrupted": "on corrupted ones, against the wrong label (memorised); or empty",
    "train_recovered": "on corrupted ones, against their true label (seen through); or empty",
    "n_train": "items trained on",
    "n_validation": "items held out",
    "n_selected": "training items that the corruption chose",
    "n_changed": "those whose label differs from the true one",
    "epochs": "epochs trained",
    "best_epoch": "the epoch whose weights were chosen, from 1",
    "stopped": "what ended training: patience, epochs or diverged",
    "seconds": "this trial's share of its stack's wall time, seconds",
    "key": "the trial's content key, 64 hex digits",
}
"""Every column of `tidy`, with its meaning and unit.

``accuracy`` to ``average_precision`` are of the chosen weights on the test set. A measure that is
not known or not finite is empty. A further test set has columns of its own after these, such as
``NAME/accuracy``.
"""

IDENTITY = (*MEANINGS, "replicate", "batch_size")
"""The columns that say which trial a row is about; `per_class` repeats them."""

PER_CLASS_COLUMNS: dict[str, str] = {
    **{name: COLUMNS[name] for name in IDENTITY},
    "class": "class number, from 0",
    "class_name": "its name",
    "support": "test items of this class",
    "recall": "share of them that are recognised, 0 to 1; empty if there are none",
    "precision": "share of the predictions of this class that are right; 0 if there are none",
    "f1": "harmonic mean of recall and precision, 0 to 1",
    "key": COLUMNS["key"],
}
"""Every column of `per_class`, with its meaning and unit."""

_COPIED = (
    "key",
    "status",
    "n_train",
    "n_validation",
    "n_selected",
    "n_changed",
    "epochs",
    "best_epoch",
    "stopped",
    "seconds",
)
"""The columns that stand in an outcome as they are."""


def tidy(
    grids: Sequence[Grid],
    outcomes: Iterable[Outcome],
    test_sets: Mapping[str, TestSet],
) -> pd.DataFrame:
    """One row per cell and replicate that has an outcome; the columns are those of `COLUMNS`.

    Args:
        grids: whose cells make the rows, in this order; a row that two share appears once.
        outcomes: in any order, each read once; those of no study are left out.
        test_sets: by the sha256 of the data set.

    Raises:
        StoreError: the test set of an outcome is missing.
    """
    known = _columns(outcomes)
    points = _points(grids, known["key"])
    places = points["place"].to_numpy()
    columns: dict[str, Any] = {name: values[places] for name, values in known.items()}
    columns |= {name: points[name] for name in IDENTITY}
    columns["realised_rate"] = columns["n_changed"] / np.maximum(columns["n_train"], 1)
    columns["started"] = columns["status"] == "ok"
    columns["chance"] = _chances(points, test_sets)
    further = [name for name in columns if name not in COLUMNS]
    return pd.DataFrame({name: columns.get(name, np.nan) for name in (*COLUMNS, *further)})


def per_class(
    grids: Sequence[Grid],
    records: Iterable[Record],
    test_sets: Mapping[str, TestSet],
) -> pd.DataFrame:
    """One row per row of `tidy` and class; the columns are those of `PER_CLASS_COLUMNS`."""
    keys: list[str] = []
    measured: list[metrics.PerClass] = []
    for record in records:
        keys.append(record.key)
        measured.append(_classes(record, test_sets))
    points = _points(grids, keys)
    found = [measured[place] for place in points["place"]]
    names = [test_sets[sha256].classes for sha256 in points["sha256"]]
    frame = points.loc[points.index.repeat([len(each) for each in names])]
    columns: dict[str, Any] = {name: frame[name].to_numpy() for name in IDENTITY}
    columns["class"] = _joined([np.arange(len(each)) for each in names])
    columns["class_name"] = [name for each in names for name in each]
    for field in metrics.PerClass._fields:
        columns[field] = _joined([getattr(each, field) for each in found])
    columns["key"] = np.array(keys, object)[frame["place"]]
    return pd.DataFrame({name: columns[name] for name in PER_CLASS_COLUMNS})


def curves(records: Iterable[Record]) -> pd.DataFrame:
    """Learning curves: columns key, epoch (from 1), quantity (as in `Record.curve`), value."""
    keys: list[tuple[str, str]] = []
    values: list[NDArray[np.float64]] = []
    for record in records:
        for quantity, each in record.curve.items():
            keys.append((record.key, quantity))
            values.append(np.array(each, np.float64))
    sizes = [len(each) for each in values]
    return pd.DataFrame(
        {
            "key": np.repeat(np.array([key for key, _ in keys], object), sizes),
            "epoch": _joined([np.arange(1, size + 1) for size in sizes]),
            "quantity": np.repeat(np.array([quantity for _, quantity in keys], object), sizes),
            "value": _joined(values),
        }
    )


def _points(grids: Sequence[Grid], keys: Sequence[str]) -> pd.DataFrame:
    """The rows of tables: each cell and replicate whose trial's key is among ``keys``, once.

    Returns:
        `IDENTITY`; ``sha256``, the data set's; ``place``, where the key is among ``keys``.
    """
    places = {key: place for place, key in enumerate(keys)}
    cells: list[tuple[Any, ...]] = []
    rows: list[tuple[int, int, int]] = []
    for grid in grids:
        for number, cell in enumerate(grid.cells):
            for replicate, key in enumerate(grid.keys[number :: len(grid.cells)]):
                if key in places:
                    rows.append((len(cells), replicate, places[key]))
            cells.append((*cell.labels.values(), cell.recipe.batch_size, cell.dataset.sha256))
    frame = pd.DataFrame(cells, columns=[*MEANINGS, "batch_size", "sha256"])
    row, replicates, found = np.array(rows, np.int64).reshape(-1, 3).T
    frame = frame.take(row).assign(replicate=replicates, place=found)
    # Not the key alone: at rate 0 one trial stands for several cells.
    again = frame.duplicated([*IDENTITY, "place"]).to_numpy(bool)
    return frame.loc[~again].reset_index(drop=True)


def _columns(outcomes: Iterable[Outcome]) -> dict[str, Any]:
    """What outcomes hold, by name, each (outcomes,): every measure, then `_COPIED`."""
    copied: list[tuple[Any, ...]] = []
    measured: dict[str, array[float]] = {}
    pick = attrgetter(*_COPIED)
    for place, outcome in enumerate(outcomes):
        copied.append(pick(outcome))
        for name, value in outcome.measures.items():
            if name not in measured:
                measured[name] = array("d")
            _fill(measured[name], place)
            measured[name].append(value)
    for column in measured.values():
        _fill(column, len(copied))
    columns = zip(*copied, strict=True) if copied else [()] * len(_COPIED)
    found: dict[str, Any] = {name: np.array(column) for name, column in measured.items()}
    return found | {name: _array([*each]) for name, each in zip(_COPIED, columns, strict=True)}


def _fill(column: array[float], length: int) -> None:
    if len(column) < length:
        column.extend([math.nan] * (length - len(column)))


def _array(values: list[Any]) -> Any:
    """A column of strings or numbers; integers among which some are None stay integers."""
    if any(isinstance(value, str) for value in values):
        return np.array(values, object)
    return pd.array(values, "Int64") if None in values else np.array(values)


def _joined(parts: Sequence[NDArray[Any]]) -> NDArray[Any]:
    return np.concatenate(parts) if parts else np.empty(0)


def _chances(points: pd.DataFrame, test_sets: Mapping[str, TestSet]) -> NDArray[np.float64]:
    """(points,) the share of the largest class in the test set."""
    shares: dict[str, float] = {}
    for sha256, name in zip(points["sha256"], points["dataset"], strict=True):
        if sha256 not in shares:
            labels = _test_set(test_sets, name, sha256).labels["test"]
            shares[sha256] = float(np.bincount(labels).max() / len(labels))
    return np.array([shares[sha256] for sha256 in points["sha256"]], np.float64)


def _test_set(test_sets: Mapping[str, TestSet], name: str, sha256: str) -> TestSet:
    if sha256 not in test_sets:
        raise StoreError(
            f"test set of {name} = {sha256[:12]}: expected one kept beside its records"
        )
    return test_sets[sha256]


def _classes(record: Record, test_sets: Mapping[str, TestSet]) -> metrics.PerClass:
    test_set = _test_set(test_sets, record.trial["dataset"], record.trial["data"])
    labels, n_classes = test_set.labels["test"], len(test_set.classes)
    predictions = record.predictions["test"]
    if len(predictions) != len(labels) or predictions.max() >= n_classes:
        raise StoreError(
            f"predictions of trial {record.key[:12]} = {len(predictions)} items: expected the "
            f"{len(labels)} of the test set of {test_set.name}, in {n_classes} classes"
        )
    return metrics.per_class(metrics.confusion(labels, predictions, n_classes))
