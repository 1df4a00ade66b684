"""What a trial leaves behind, and what there is to know of the items that it was tested on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from gigo.types import Labels

if TYPE_CHECKING:  # how far a run is can be asked without NumPy, which is slow to import
    import numpy as np
    from numpy.typing import NDArray

Status = Literal["ok", "never_started", "diverged", "failed", "timed_out"]


FAILED: tuple[Status, ...] = ("failed", "timed_out")
"""Of trials that left nothing but the reason; ``--retry failed`` trains them again."""


@dataclass(frozen=True)
class TestSet:
    """What the analysis needs to know of a data set, kept beside the records.

    Attributes:
        name: of the data set.
        sha256: of its data.
        classes: their names.
        labels: (n,) true classes by test set; the first one is called ``test``.
        n_train: training items it has.
        source: where the data came from, for people.
        notes: what is to be said of it, a line each.
        groups: (n,) int64 by test set, a number per item; items of one group are alike. One that
            is not there: every item is its own.
    """

    __test__ = False  # not a test class, whatever pytest thinks of its name

    name: str
    sha256: str
    classes: tuple[str, ...]
    labels: Mapping[str, Labels]
    n_train: int
    source: str
    notes: tuple[str, ...] = ()
    groups: Mapping[str, Labels] = field(default_factory=dict[str, Labels])


@dataclass(frozen=True)
class Outcome:
    """How one trial came out, in numbers: the part of a `Record` that tables are made from.

    Attributes:
        key: the trial's content key, 64 hex digits.
        status: ``ok``; ``never_started`` (training loss never below 98 % of the entropy of its
            training labels); ``diverged`` (a loss that is not finite); ``failed`` (the model raised
            an error, or its process died); ``timed_out``. The last two leave no predictions and no
            measures; ``provenance["error"]`` has the reason, a line.
        n_train: items trained on, added ones too; held-out ones not counted.
        n_validation: items held out.
        n_selected: edits that corruptions made to the training set.
        n_changed: those that made a difference: a label that is not the true one, another input,
            a copy added under its own label, an item that is gone.
        epochs: epochs trained; None where a trainer has none.
        best_epoch: the epoch, from 1, whose weights were chosen; None likewise.
        stopped: ``patience``, ``epochs`` or ``diverged``: what ended training; None likewise.
        measures: finite numbers by name; one that is not known, or not finite, is absent. Those of
            `gigo.measures.MEASURES` on the test set with the chosen weights, with ``NAME/`` before
            them on a further one; ``accuracy_last`` and ``log_loss_last`` of the last epoch's
            weights; and of the chosen weights, on training items, ``train_accuracy_clean`` (the
            unchanged ones), ``train_accuracy_corrupted`` (the changed ones, against the label that
            they carry: memorisation) and ``train_recovered`` (against their true label).
        seconds: this trial's share of its stack's wall time.
        provenance: versions, device, stack width and the like; never part of the key.
    """

    key: str
    status: Status
    n_train: int
    n_validation: int
    n_selected: int
    n_changed: int
    epochs: int | None
    best_epoch: int | None
    stopped: Literal["patience", "epochs", "diverged"] | None
    measures: Mapping[str, float]
    seconds: float
    provenance: Mapping[str, Any]


@dataclass(frozen=True)
class Record(Outcome):
    """All that one trial left behind: its outcome, and the evidence for it.

    Attributes:
        trial: the trial as plain JSON values.
        predictions: (n,) uint8 or uint16 by test set, classes predicted by the chosen weights.
        scores: (n, K) float16 by test set, logarithms of the class probabilities of the chosen
            weights; empty where they were not kept.
        curve: per epoch, lists of equal length: ``train_loss``, ``learning_rate`` and, where the
            validation policy has them, ``monitor_accuracy`` and ``monitor_loss``; empty where a
            trainer has no epochs.
    """

    trial: Mapping[str, Any]
    predictions: Mapping[str, NDArray[np.unsignedinteger]]
    scores: Mapping[str, NDArray[np.float16]]
    curve: Mapping[str, list[float]]
