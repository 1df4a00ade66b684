"""The few types that flow along the road."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

Images = NDArray[np.uint8] | NDArray[np.float32]
Labels = NDArray[np.int64]
Status = Literal["ok", "never_started", "diverged"]


@dataclass(frozen=True)
class Dataset:
    """A classification data set with its official split.

    Attributes:
        name: the catalogue's name.
        x_train: (n, ...) inputs; images are (n, channels, height, width). ``uint8`` is divided by
            255 where it is used, ``float32`` is used as it is.
        y_train: (n,) int64 labels, ``0 .. n_classes - 1``.
        x_test, y_test: the same for the test set.
        class_names: one name a class.
        sha256: of the decoded arrays (see `gigo.datasets.fingerprint`).
        source: where the bytes came from, for people.
    """

    name: str
    x_train: Images
    y_train: Labels
    x_test: Images
    y_test: Labels
    class_names: tuple[str, ...]
    sha256: str
    source: str

    @property
    def n_classes(self) -> int:
        return len(self.class_names)

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Shape of one item, without the batch axis."""
        return self.x_train.shape[1:]


class Schedule(NamedTuple):
    """What a label corruption does to a training set, whatever the rate.

    Rate r replaces the labels of the first ``round(r * n)`` items of ``order``: the items
    corrupted at one rate are therefore among those at any higher one, with the same wrong labels.

    Attributes:
        order: (m,) int64 distinct indices into the training set, m <= n.
        new_labels: (m,) int64, the label each of them gets.
    """

    order: Labels
    new_labels: Labels


@dataclass(frozen=True)
class TestSet:
    """What the analysis needs to know of a data set, kept beside the records."""

    __test__ = False  # not a test class, whatever pytest thinks of its name

    name: str
    sha256: str
    class_names: tuple[str, ...]
    y_test: Labels
    n_train: int
    source: str


@dataclass(frozen=True)
class Record:
    """What one trial left behind.

    Attributes:
        key: the trial's content key, 64 hex digits.
        trial: the trial as plain JSON values (`gigo.trial.Trial.to_json`).
        status: ``ok``; ``never_started`` (training loss never below 98 % of the entropy of its
            training labels); ``diverged`` (a loss that is not finite).
        n_train: items trained on, held-out ones not counted.
        n_validation: items held out.
        n_selected: training items that the corruption chose.
        n_changed: those whose label differs from the true one.
        epochs: epochs trained.
        best_epoch: the epoch, from 1, whose weights were chosen.
        stopped: ``patience``, ``epochs`` or ``diverged``: what ended training.
        predictions: (n_test,) uint8 or uint16, classes predicted by the chosen weights.
        predictions_last: the same for the weights of the last epoch.
        log_loss, log_loss_last: mean test cross-entropy in nats, None where not finite.
        train_accuracy_clean: of the chosen weights, on uncorrupted training items; None if none.
        train_accuracy_corrupted: on corrupted ones, against the wrong label they carry
            (memorisation); None if there are none.
        train_recovered: on corrupted ones, against their true label; None if there are none.
        curve: per epoch, lists of equal length: ``train_loss``, ``learning_rate`` and, where the
            validation policy has them, ``monitor_accuracy`` and ``monitor_loss``.
        seconds: this trial's share of its stack's wall time.
        provenance: versions, device, stack width and the like; never part of the key.
    """

    key: str
    trial: Mapping[str, Any]
    status: Status
    n_train: int
    n_validation: int
    n_selected: int
    n_changed: int
    epochs: int
    best_epoch: int
    stopped: Literal["patience", "epochs", "diverged"]
    predictions: NDArray[np.unsignedinteger]
    predictions_last: NDArray[np.unsignedinteger]
    log_loss: float | None
    log_loss_last: float | None
    train_accuracy_clean: float | None
    train_accuracy_corrupted: float | None
    train_recovered: float | None
    curve: Mapping[str, list[float]]
    seconds: float
    provenance: Mapping[str, Any] = field(default_factory=dict[str, Any])
