"""One trial inside a stack, and the record it leaves."""

from __future__ import annotations

import math
import platform
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch

from gigo.engine.device import describe
from gigo.engine.prediction import Predictions
from gigo.trial import Trial
from gigo.types import Labels, Record, Status, TrainingSet
from gigo.version import __version__

STARTED = 0.98
"""A model has started once its training loss is below this share of its labels' entropy."""


@dataclass
class Member:
    """A trial while it trains.

    Attributes:
        curve: per epoch trained, lists by quantity (`gigo.types.Record.curve`).
        seconds: its share of the stack's time so far.
    """

    trial: Trial
    sample: TrainingSet
    curve: dict[str, list[float]] = field(default_factory=dict[str, list[float]])
    seconds: float = 0.0

    @property
    def replicate(self) -> tuple[int, int]:
        """Names what it shares with others: (seed, replicate)."""
        return self.trial.seed, self.trial.replicate

    @property
    def epochs(self) -> int:
        """Epochs trained."""
        return len(self.curve["train_loss"])

    def note(self, quantities: dict[str, float], seconds: float) -> None:
        """Add an epoch."""
        self.seconds += seconds
        for name, value in quantities.items():
            self.curve.setdefault(name, []).append(float(value))

    def copied_curve(self) -> dict[str, list[float]]:
        """The curve as it is now."""
        return {name: list(values) for name, values in self.curve.items()}


def share_items(members: Sequence[Member]) -> bool:
    """Whether all train on the same items in the same order, and hold out the same."""
    return len({m.trial.source for m in members}) == 1


def entropy(labels: Labels) -> float:
    """Of the labels' frequencies, in nats: the loss of a model that knows nothing else."""
    shares = np.bincount(labels) / len(labels)
    shares = shares[shares > 0]
    return float(-(shares * np.log(shares)).sum())


def status(losses: list[float], labels: Labels) -> Status:
    """How a trial's training went, by its training losses alone."""
    if not all(map(math.isfinite, losses)):
        return "diverged"
    return "ok" if min(losses) < STARTED * entropy(labels) else "never_started"


def record(
    member: Member,
    *,
    best_epoch: int,
    by_patience: bool,
    test: Predictions,
    test_last: Predictions,
    fitted: Labels,
    n_classes: int,
    width: int,
    device: torch.device,
    path: str,
    reason: str,
) -> Record:
    """What a finished trial leaves.

    Args:
        member: the trial.
        best_epoch: whose weights were chosen, from 1.
        by_patience: whether its patience ended.
        test: what its chosen weights predict on the test set.
        test_last: what its last weights do.
        fitted: (n,) classes the chosen weights predict for its training items.
        n_classes: of the data set.
        width: of its stack when it left.
        device: where it trained.
        path: the way its stack was trained.
        reason: why not as one stacked network, empty if it was.
    """
    part = member.sample
    changed = part.labels != part.true_labels
    state = status(member.curve["train_loss"], part.labels)
    small = np.uint8 if n_classes <= 256 else np.uint16

    def share(hits: np.ndarray, among: np.ndarray) -> float | None:
        return float(hits[among].mean()) if among.any() else None

    return Record(
        key=member.trial.key,
        trial=member.trial.to_json(),
        status=state,
        n_train=len(part.rows),
        n_validation=len(part.held_out),
        n_selected=int(part.touched.sum()),
        n_changed=int(changed.sum()),
        epochs=member.epochs,
        best_epoch=best_epoch,
        stopped="diverged" if state == "diverged" else "patience" if by_patience else "epochs",
        predictions=test.classes.cpu().numpy().astype(small),
        predictions_last=test_last.classes.cpu().numpy().astype(small),
        log_loss=_finite(test.loss),
        log_loss_last=_finite(test_last.loss),
        train_accuracy_clean=share(fitted == part.labels, ~changed),
        train_accuracy_corrupted=share(fitted == part.labels, changed),
        train_recovered=share(fitted == part.true_labels, changed),
        curve=member.curve,
        seconds=member.seconds,
        provenance={
            "gigo": __version__,
            "torch": torch.__version__,
            "numpy": np.__version__,
            "python": platform.python_version(),
            "device": describe(device),
            "stack_width": width,
            "path": path,
            **({"reason": reason} if reason else {}),
        },
    )


def _finite(loss: torch.Tensor) -> float | None:
    value = float(loss)
    return value if math.isfinite(value) else None
