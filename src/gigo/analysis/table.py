"""Outcomes become a tidy table, one row per cell and replicate; records become longer ones."""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from operator import attrgetter
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gigo import metrics
from gigo.axes import AXES
from gigo.errors import StoreError
from gigo.grid import Grid
from gigo.measures import MEASURES
from gigo.records import FAILED, Outcome, Record, TestSet

COLUMNS: dict[str, str] = {
    **AXES,
    "replicate": "repetition, from 0: one draw of subset, split, order, corruption, weights",
    "batch_size": "items per step",
    "realised_rate": "edits that made a difference over items, added ones and those that left "
    "included, 0 to 1",
    "status": "ok, diverged, never_started (loss never below 98 % of its labels' entropy), failed"
    " (the model raised an error) or timed_out; the last two have no measures",
    "started": "whether the status is ok",
    **MEASURES,
    "accuracy_last": "test accuracy of the last epoch's weights, 0 to 1",
    "log_loss_last": "mean test cross-entropy of the last epoch's weights, nats",
    "chance": "share of the largest class in the test set, 0 to 1",
    "n_classes": "classes that the test set has",
    "train_accuracy_clean": "accuracy on the unchanged training items, 0 to 1; empty if none",
    "train_accuracy_corrupted": "on changed ones, against the label given (memorised); or empty",
    "train_recovered": "on changed ones, against their true label (seen through); or empty",
    "n_train": "items trained on, added ones too",
    "n_validation": "items held out",
    "n_selected": "edits that corruptions made to the training set",
    "n_changed": "those that made a difference: a label that is not the true one, another input, "
    "a copy added under its own label, an item that is gone",
    "epochs": "epochs trained",
    "best_epoch": "the epoch whose weights were chosen, from 1",
    "stopped": "what ended training: patience, epochs or diverged",
    "error": "why it failed or timed out; else empty",
    "seconds": "this trial's share of its stack's wall time, seconds",
    "key": "the trial's content key, 64 hex digits",
}
"""Every column of `tidy`, with its meaning and unit.

``accuracy`` to ``average_precision`` are of the chosen weights on the test set. A measure that is
not known or not finite is empty. A further test set has columns of its own after these, such as
``NAME/accuracy``. So has one that a corruption brings: ``attack/accuracy`` is the share of items
with a trigger that are taken for the target class, ``source/accuracy`` and ``group/accuracy`` that
of clean items of the attacked class, or of the group with too few items, that are recognised.
"""

IDENTITY = (*AXES, "replicate", "batch_size")
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

COPIED = [each.name for each in fields(Outcome) if each.name not in ("measures", "provenance")]
"""The columns that stand in an outcome as they are."""


def tidy(
    grids: Sequence[Grid], outcomes: Iterable[Outcome], test_sets: Mapping[str, TestSet]
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
    points = _points(grids, known["key"].tolist())
    found = known.take(points["place"]).set_axis(points.index)
    # What was added counts in n_train, what left in the size.
    given = points["size"] - found["n_validation"]
    derived = {
        "realised_rate": found["n_changed"] / np.maximum(np.maximum(found["n_train"], given), 1),
        "started": found["status"] == "ok",
        **_of_test_sets(points, test_sets),
    }
    frame = pd.concat([points[[*IDENTITY]], found.assign(**derived)], axis=1)
    return frame.reindex(columns=list(dict.fromkeys([*COLUMNS, *known])))


def per_class(
    grids: Sequence[Grid], records: Iterable[Record], test_sets: Mapping[str, TestSet]
) -> pd.DataFrame:
    """One row per row of `tidy` and class; the columns are those of `PER_CLASS_COLUMNS`.

    Trials that failed made no predictions, and have no rows.
    """
    keys: list[str] = []
    measured: list[metrics.PerClass] = []
    for record in records:
        if record.status in FAILED:
            continue
        keys.append(record.key)
        measured.append(_classes(record, test_sets))
    points = _points(grids, keys)
    found = [measured[place] for place in points["place"]]
    names = [test_sets[sha256].classes for sha256 in points["sha256"]]
    frame = points.loc[points.index.repeat([len(each) for each in names])]
    columns: dict[str, Any] = {
        "class": frame.groupby(level=0).cumcount(),
        "class_name": [name for each in names for name in each],
        "key": np.array(keys, object)[frame["place"]],
    }
    columns |= {n: _joined([getattr(each, n) for each in found]) for n in metrics.PerClass._fields}
    return frame.assign(**columns)[[*PER_CLASS_COLUMNS]].reset_index(drop=True)


def curves(records: Iterable[Record]) -> pd.DataFrame:
    """Learning curves: columns key, epoch (from 1), quantity (as in `Record.curve`), value."""
    rows = [
        (record.key, quantity, np.array(values, np.float64))
        for record in records
        for quantity, values in record.curve.items()
    ]
    frame = pd.DataFrame(rows, columns=["key", "quantity", "value"])
    frame = frame.loc[frame.index.repeat([len(values) for *_, values in rows])]
    epoch = frame.groupby(level=0).cumcount() + 1
    frame = frame.assign(epoch=epoch, value=_joined([values for *_, values in rows]))
    return frame[["key", "epoch", "quantity", "value"]].reset_index(drop=True)


def _points(grids: Sequence[Grid], keys: Sequence[str]) -> pd.DataFrame:
    """The rows of tables: each cell and replicate whose trial's key is among ``keys``, once.

    Returns:
        `IDENTITY`; ``sha256``, the data set's; ``place``, where the key is among ``keys``.
    """
    places = {key: place for place, key in enumerate(keys)}
    cells: list[tuple[Any, ...]] = []
    rows: list[NDArray[np.int64]] = []
    for grid in grids:
        found = np.array([places.get(key, -1) for key in grid.keys])
        found = found.reshape(len(grid.replicates), len(grid.cells)).T
        cell, place = np.nonzero(found >= 0)
        replicate = place + grid.replicates.start
        rows.append(np.array([cell + len(cells), replicate, found[cell, place]]))
        for each in grid.cells:
            cells.append((*each.labels.values(), each.recipe.batch_size, each.dataset.sha256))
    frame = pd.DataFrame(cells, columns=[*AXES, "batch_size", "sha256"])
    cell, replicate, place = np.hstack(rows)
    # Not the key alone: at rate 0 one trial stands for several cells.
    number = frame.groupby([*frame], sort=False).ngroup().to_numpy()[cell]
    again = pd.DataFrame({0: number, 1: replicate, 2: place}).duplicated().to_numpy()
    frame = frame.take(cell).assign(replicate=replicate, place=place).loc[~again]
    return frame.reset_index(drop=True)


def _columns(outcomes: Iterable[Outcome]) -> pd.DataFrame:
    """What outcomes hold, a row each: every measure, then `COPIED`."""
    pick = attrgetter(*COPIED)
    copied: list[tuple[Any, ...]] = []
    errors: list[str | None] = []
    # Nearly all have measures of the same names.
    measured: dict[tuple[str, ...], tuple[array[int], array[float]]]
    measured = defaultdict(lambda: (array("q"), array("d")))
    for place, outcome in enumerate(outcomes):
        copied.append(pick(outcome))
        errors.append(outcome.provenance.get("error"))
        places, values = measured[tuple(outcome.measures)]
        places.append(place)
        values.extend(outcome.measures.values())
    columns: dict[str, Any] = {}
    for names, (places, values) in measured.items():
        for name, column in zip(names, np.reshape(values, (len(places), -1)).T, strict=True):
            columns.setdefault(name, np.full(len(copied), np.nan))[places] = column
    found = pd.DataFrame.from_records(copied, columns=COPIED)
    lacking = [name for name in ("epochs", "best_epoch") if found[name].hasnans]
    columns["error"] = pd.Series(errors, dtype=object)
    return pd.DataFrame({**columns, **found.astype(dict.fromkeys(lacking, "Int64"))})


def _joined(parts: Sequence[NDArray[Any]]) -> NDArray[Any]:
    return np.concatenate(parts) if parts else np.empty(0)


def _of_test_sets(
    points: pd.DataFrame, test_sets: Mapping[str, TestSet]
) -> dict[str, NDArray[np.float64] | NDArray[np.int64]]:
    """The share of the largest class and the number of classes of each row's test set."""
    counts: dict[str, NDArray[np.int64]] = {}
    sets = points[["dataset", "sha256"]].drop_duplicates()
    for name, sha256 in sets.itertuples(index=False, name=None):
        counts[sha256] = np.bincount(_test_set(test_sets, name, sha256).labels["test"])
    found = [counts[sha256] for sha256 in points["sha256"]]
    return {
        "chance": np.array([each.max() / each.sum() for each in found], np.float64),
        "n_classes": np.array([np.count_nonzero(each) for each in found], np.int64),
    }


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
