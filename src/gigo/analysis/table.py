"""Records become tidy tables: one row a trial, all metrics from the stored predictions."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from gigo.analysis import metrics
from gigo.axes import MEANINGS
from gigo.errors import StoreError
from gigo.grid import Grid
from gigo.types import Record, TestSet

COLUMNS: dict[str, str] = {
    **MEANINGS,
    "replicate": "repetition, from 0: one draw of subset, split, order, corruption, weights",
    "batch_size": "items per step",
    "realised_rate": "fraction of the training items whose label really differs, 0 to 1",
    "status": "ok, diverged, or never_started: loss never below 98 % of its labels' entropy",
    "started": "whether the status is ok",
    "accuracy": "test accuracy of the chosen weights, 0 to 1",
    "balanced_accuracy": "mean recall over the classes, 0 to 1",
    "macro_f1": "mean F1 over the classes, 0 to 1",
    "log_loss": "mean test cross-entropy of the chosen weights, nats; empty where not finite",
    "accuracy_last": "test accuracy of the last epoch's weights, 0 to 1",
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
"""Every column of `tidy`, with its meaning and unit."""

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

_COUNTS = ("n_train", "n_validation", "n_selected", "n_changed")
_COPIED = ("status", *_COUNTS, "epochs", "best_epoch", "stopped", "seconds", "key")
_OPTIONAL = ("log_loss", "train_accuracy_clean", "train_accuracy_corrupted", "train_recovered")


def tidy(
    grids: Sequence[Grid],
    records: Iterable[Record],
    test_sets: Mapping[str, TestSet],
) -> pd.DataFrame:
    """One row per cell and replicate that has a record; the columns are those of `COLUMNS`.

    Args:
        grids: whose cells make the rows, in this order; a row that two share appears once.
        records: in any order; those of no study are left out.
        test_sets: by the sha256 of the data set.

    Raises:
        StoreError: a record's test set is missing, or of another length than its predictions.
    """
    measured = {record.key: _measure(record, test_sets) for record in records}
    rows = [{**identity, **measured[key]} for identity, key in _rows(grids, measured)]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def per_class(
    grids: Sequence[Grid],
    records: Iterable[Record],
    test_sets: Mapping[str, TestSet],
) -> pd.DataFrame:
    """One row per row of `tidy` and class; the columns are those of `PER_CLASS_COLUMNS`."""
    measured = {record.key: list(_classes(record, test_sets)) for record in records}
    rows = [
        {**identity, **numbers, "key": key}
        for identity, key in _rows(grids, measured)
        for numbers in measured[key]
    ]
    return pd.DataFrame(rows, columns=list(PER_CLASS_COLUMNS))


def curves(records: Iterable[Record]) -> pd.DataFrame:
    """Learning curves: columns key, epoch (from 1), quantity (as in `Record.curve`), value."""
    rows = [
        (record.key, epoch, quantity, value)
        for record in records
        for quantity, values in record.curve.items()
        for epoch, value in enumerate(values, start=1)
    ]
    return pd.DataFrame(rows, columns=["key", "epoch", "quantity", "value"])


def _rows(grids: Sequence[Grid], keys: Collection[str]) -> Iterator[tuple[dict[str, Any], str]]:
    """Which trial each row is about, with its key, for those of ``keys``; each row once."""
    seen: set[tuple[Any, ...]] = set()
    for grid in grids:
        for cell in grid.cells:
            labels = cell.labels
            for replicate in range(grid.study.replicates):
                key = grid.trial(cell, replicate).key
                if key not in keys:
                    continue
                # Not the key alone: at rate 0 one trial stands for several cells.
                identity = {**labels, "replicate": replicate, "batch_size": cell.recipe.batch_size}
                row = *identity.values(), key
                if row not in seen:
                    seen.add(row)
                    yield identity, key


def _measure(record: Record, test_sets: Mapping[str, TestSet]) -> dict[str, Any]:
    """What a record says of its trial, wherever it stands in the grid."""
    test_set = _test_set(record, test_sets)
    counts = _counts(record, test_set)
    optional = {name: getattr(record, name) for name in _OPTIONAL}
    return {
        **{name: getattr(record, name) for name in _COPIED},
        **{name: np.nan if value is None else value for name, value in optional.items()},
        "realised_rate": record.n_changed / record.n_train,
        "started": record.status == "ok",
        "accuracy": metrics.accuracy(counts),
        "balanced_accuracy": metrics.balanced_accuracy(counts),
        "macro_f1": metrics.macro_f1(counts),
        "accuracy_last": float(np.mean(record.predictions_last == test_set.y_test)),
        "chance": float(counts.sum(axis=1).max() / counts.sum()),
    }


def _classes(record: Record, test_sets: Mapping[str, TestSet]) -> Iterator[dict[str, Any]]:
    test_set = _test_set(record, test_sets)
    numbers = metrics.per_class(_counts(record, test_set))
    for k, name in enumerate(test_set.class_names):
        each = {field: getattr(numbers, field)[k] for field in numbers._fields}
        yield {"class": k, "class_name": name, **each}


def _counts(record: Record, test_set: TestSet) -> metrics.Counts:
    return metrics.confusion(test_set.y_test, record.predictions, len(test_set.class_names))


def _test_set(record: Record, test_sets: Mapping[str, TestSet]) -> TestSet:
    sha256, name = record.trial["data"], record.trial["dataset"]
    if sha256 not in test_sets:
        raise StoreError(
            f"test set of {name} = {sha256[:12]}: expected one kept beside its records"
        )
    test_set = test_sets[sha256]
    for predictions in (record.predictions, record.predictions_last):
        if len(predictions) != len(test_set.y_test):
            raise StoreError(
                f"predictions of trial {record.key[:12]} = {len(predictions)} items: "
                f"expected the {len(test_set.y_test)} of the test set of {name}"
            )
    return test_set
