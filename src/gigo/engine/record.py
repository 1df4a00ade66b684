"""The record that a trial leaves."""

from __future__ import annotations

import math
import platform
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from gigo import metrics
from gigo.engine.device import describe
from gigo.engine.evaluation import Scores
from gigo.engine.feed import Member
from gigo.records import Record, Status
from gigo.types import Labels
from gigo.version import __version__

STARTED = 0.98
"""A model has started once its training loss is below this share of its labels' entropy."""

LAST = ("accuracy", "log_loss")
"""The measures that are kept of the last epoch's weights, too."""


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
    best: Mapping[str, Scores],
    last: Mapping[str, Scores],
    truths: Mapping[str, Labels],
    fitted: Labels,
    provenance: Mapping[str, Any],
) -> Record:
    """What a finished trial leaves.

    Args:
        member: the trial.
        best_epoch: whose weights were chosen, from 1.
        by_patience: whether its patience ended.
        best: what its chosen weights make of each test set.
        last: what its last weights do.
        truths: (n,) true classes by test set.
        fitted: (n,) classes the chosen weights predict for its training items.
        provenance: of the record.
    """
    part = member.sample
    state = status(member.curve["train_loss"], part.labels)
    n_classes = next(iter(best.values())).log_probabilities.shape[1]
    kept = best if n_classes == 2 else {}
    return Record(
        key=member.trial.key,
        trial=member.trial.to_json(),
        status=state,
        n_train=len(part.rows),
        n_validation=len(part.held_out),
        n_selected=part.n_selected,
        n_changed=part.n_changed,
        epochs=member.epochs,
        best_epoch=best_epoch,
        stopped="diverged" if state == "diverged" else "patience" if by_patience else "epochs",
        predictions={name: each.classes for name, each in best.items()},
        scores={name: each.log_probabilities.astype(np.float16) for name, each in kept.items()},
        measures=_tested(best, last, truths) | metrics.trained(part, fitted),
        curve=member.curve,
        seconds=member.seconds,
        provenance=provenance,
    )


def _tested(
    best: Mapping[str, Scores], last: Mapping[str, Scores], truths: Mapping[str, Labels]
) -> dict[str, float]:
    """The measures of the chosen and of the last weights on the test sets."""
    n_classes = next(iter(best.values())).log_probabilities.shape[1]
    found, ends = (metrics.tested(truths, each, n_classes) for each in (best, last))
    return found | {
        f"{name}_last": value for name, value in ends.items() if name.rpartition("/")[2] in LAST
    }


def provenance(width: int, device: torch.device, path: str, reason: str) -> dict[str, Any]:
    """Where a record comes from.

    Args:
        width: of its stack when it left.
        device: where it trained.
        path: the way its stack was trained.
        reason: why not as one stacked network, empty if it was.
    """
    return {
        "gigo": __version__,
        "torch": torch.__version__,
        "numpy": np.__version__,
        "python": platform.python_version(),
        "device": describe(device),
        "stack_width": width,
        "path": path,
        **({"reason": reason} if reason else {}),
    }
