"""Which items a trial trains on, which it holds out, and with which labels."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from gigo.corruptions import CATALOGUE, corrupt_labels
from gigo.rng import Stream
from gigo.trial import HELD_OUT, Trial
from gigo.types import Dataset, Labels, Schedule


@dataclass(frozen=True)
class Split:
    """A trial's share of the data set's training items; indices are into ``x_train``.

    Attributes:
        items: (n,) indices of the items trained on, ascending.
        labels: (n,) the labels they are trained with.
        true_labels: (n,) as the data set has them.
        selected: (n,) bool, chosen by the corruption.
        held_out: (v,) indices of the items held out, ascending; empty under some policies.
        held_out_labels: (v,) their labels.
    """

    items: Labels
    labels: Labels
    true_labels: Labels
    selected: NDArray[np.bool_]
    held_out: Labels
    held_out_labels: Labels


def split(trial: Trial, dataset: Dataset) -> Split:
    """The items and labels of a trial. Depends on the rate only in which labels are wrong."""
    chosen = _subset(trial, len(dataset.y_train))
    held_out = np.empty(0, np.int64)
    if trial.validation in ("clean", "noisy"):
        stream = Stream(trial.seed, trial.replicate, "split")
        held_out = chosen[stratified(dataset.y_train[chosen], HELD_OUT, stream)]
    items = np.setdiff1d(chosen, held_out, assume_unique=True)
    labels, selected = _corrupt(trial, dataset, items, "corruption")
    held_out_labels = dataset.y_train[held_out]
    if trial.validation == "noisy":
        held_out_labels, _ = _corrupt(trial, dataset, held_out, "corruption/held-out")
    return Split(items, labels, dataset.y_train[items], selected, held_out, held_out_labels)


def stratified(labels: Labels, share: float, stream: Stream) -> Labels:
    """Indices of a ``share`` of the items, (v,) ascending, ``v = round(share * n)``.

    Each class gives its share; the places left by rounding down go to the largest remainders,
    the first class first among equals.
    """
    counts = np.bincount(labels)
    quotas = share * counts
    take = np.floor(quotas).astype(np.int64)
    missing = round(share * len(labels)) - int(take.sum())
    left_over = (quotas - take).round(9)  # or noise in the last bits would break ties
    take[np.argsort(-left_over, kind="stable")[:missing]] += 1
    order = stream.permutation(len(labels))
    by_class = order[np.argsort(labels[order], kind="stable")]
    starts = np.cumsum(counts) - counts
    picked = [by_class[start : start + k] for start, k in zip(starts, take, strict=True)]
    return np.sort(np.concatenate(picked))


def _subset(trial: Trial, n_items: int) -> Labels:
    """``trial.size`` items, ascending. Random ones are nested over sizes within a replicate."""
    if trial.subset == "first":
        return np.arange(trial.size, dtype=np.int64)
    order = Stream(trial.seed, trial.replicate, "subset").permutation(n_items)
    return np.sort(order[: trial.size])


def schedule(trial: Trial, dataset: Dataset, items: Labels, purpose: str) -> Schedule:
    """The order in which ``items`` are corrupted, and their new labels.

    Args:
        trial: whose corruption it is.
        dataset: that ``items``, (n,), are indices into the training set of.
        items: to corrupt.
        purpose: names the random stream.
    """
    assert trial.corruption is not None
    entry = CATALOGUE[trial.corruption.name]
    destinations = entry.destinations(dataset.n_classes, **trial.corruption.options)
    training = replace(dataset, x_train=dataset.x_train[:0], y_train=dataset.y_train[items])
    stream = Stream(trial.seed, trial.replicate, purpose)
    return corrupt_labels(training, stream, destinations, trial.placement)


def _corrupt(
    trial: Trial, dataset: Dataset, items: Labels, purpose: str
) -> tuple[Labels, NDArray[np.bool_]]:
    """The labels that ``items`` get, and which of them were selected."""
    labels = dataset.y_train[items].copy()
    selected = np.zeros(len(items), dtype=bool)
    if trial.corruption is not None:
        order, new_labels = schedule(trial, dataset, items, purpose)
        k = round(trial.rate * len(items))
        labels[order[:k]] = new_labels[:k]
        selected[order[:k]] = True
    return labels, selected
