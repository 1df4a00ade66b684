"""Labels that somebody gave: second files, people's labels of CIFAR, labellers of known skill.

Rates are shares of the items whose label is another one: a rate of 1 is what they gave. How many
these are, and which class is taken for which, is for the corrupted labels to say.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gigo.entries import CorruptionEntry
from gigo.errors import SpecError
from gigo.rng import Stream
from gigo.schedule import Schedule
from gigo.types import Dataset, Labels

Read = Callable[[Dataset, Any, str | None], Labels]
"""A reader of a file's labels: ``(dataset, file, column) -> (n_train,) int64`` codes."""

MOST_VOTES = 99


def second_labels(
    dataset: Dataset,
    items: Labels,
    stream: Stream,
    *,
    read: Read,
    file: str | None = None,
    column: str | None = None,
) -> Schedule:
    """The labels of a second file, wherever they differ from those given, in random order.

    Args:
        dataset: whose items have these labels, too.
        items: (n,) rows of its training set.
        stream: n words choose the order.
        read: reads the file; raises SpecError, DataError.
        file: has a label per item, in the items' order.
        column: of a file that has several.

    >>> from gigo.testing import small_dataset
    >>> data = small_dataset()
    >>> always_one = lambda dataset, file, column: np.ones(dataset.n_train, np.int64)
    >>> found = second_labels(data, np.arange(6), Stream(0, 0, "corruption"), read=always_one)
    >>> sorted(found.item.tolist()) == np.flatnonzero(data.y_train[:6] != 1).tolist()
    True
    """
    return _where_other(dataset, items, read(dataset, file, column)[items], stream)


def human(
    dataset: Dataset,
    items: Labels,
    stream: Stream,
    *,
    read: Read,
    file: str | None = None,
    labels: str | None = None,
) -> Schedule:
    """What people took the pictures of CIFAR-10 or CIFAR-100 for: CIFAR-10N and CIFAR-100N.

    The files, such as ``CIFAR-10_human.pt``, are for the user to get. They have the clean labels,
    too: these must be those of the data set, or the items are in another order (TensorFlow's
    ``_ordered.npy`` is).

    Source: Wei et al. 2022, "Learning with noisy labels revisited: a study using real-world human
    annotations", section 3.

    Args:
        dataset: CIFAR-10 or CIFAR-100, or a part of it that has such a file of its own.
        items: (n,) rows of its training set.
        stream: n words choose the order.
        read: reads the file; raises SpecError, DataError.
        file: has labels by name, one of which are the true ones, ``clean_label``.
        labels: which of the others: ``worse_label``, ``aggre_label``, ``random_label1`` to 3. None:
            ``worse_label``, or, where there are 100 classes, ``noisy_label``.

    Raises:
        SpecError: the true labels in the file are not those of the data set.

    >>> from gigo.testing import small_dataset
    >>> data = small_dataset()  # instead of CIFAR; its class 0 was taken for class 1
    >>> file = {"clean_label": data.y_train, "worse_label": np.maximum(data.y_train, 1)}
    >>> read = lambda dataset, file, column: file[column]
    >>> found = human(data, np.arange(9), Stream(0, 0, "corruption"), read=read, file=file)
    >>> data.y_train[found.item], found.label
    (array([0, 0, 0]), array([1, 1, 1]))
    """
    usual = "noisy_label" if dataset.n_classes == 100 else "worse_label"
    given = read(dataset, file, labels or usual)
    differ = int((read(dataset, file, "clean_label") != dataset.y_train).sum())
    if differ:
        n = dataset.n_train
        expected = (
            f"the order of {dataset.name}, its labels not changed before: {differ:,} of {n:,} "
            "of its clean labels differ"
        )
        raise SpecError("corruption.human.file", str(file), expected)
    return _where_other(dataset, items, given[items], stream)


def annotators(
    dataset: Dataset,
    items: Labels,
    stream: Stream,
    *,
    skills: Any = 0.8,
    votes: int = 1,
    pick: str = "majority",
) -> Schedule:
    """What labellers of known skill give: each item some votes, and one label of these.

    A vote is by any of the labellers, each time with the same chance. One of skill p says the true
    class with chance p, else any other alike: Dawid & Skene 1979, "Maximum likelihood estimation of
    observer error-rates using the EM algorithm", with one error rate per labeller. Whether to ask
    twice is the question of Sheng, Provost & Ipeirotis 2008, "Get another label?". In a replicate,
    the first vote is the same however many there are.

    Args:
        dataset: whose ``y_train`` are the true labels.
        items: (n,) rows of its training set.
        stream: what is drawn comes from there.
        skills: of the labellers, 0 to 1 each: a list, or one number.
        votes: per item.
        pick: ``majority``: the class with most votes, of several any; ``random``: any vote.

    Raises:
        SpecError: a value out of range.

    >>> from gigo.testing import small_dataset
    >>> data, items = small_dataset(), np.arange(60)
    >>> found = annotators(data, items, Stream(0, 0, "corruption"), skills=[0.5, 0.9])
    >>> len(found.item), found.rate_of
    (19, 'eligible')
    """
    chances = _skills(skills)
    if dataset.n_classes < 2:
        raise SpecError("classes", dataset.n_classes, "at least 2, or no label can be wrong")
    if not 1 <= votes <= MOST_VOTES:
        raise SpecError("corruption.annotators.votes", votes, f"1 to {MOST_VOTES}")
    if pick not in ("majority", "random"):
        raise SpecError("corruption.annotators.pick", pick, "majority or random")
    true, k = dataset.y_train[items], dataset.n_classes
    given = np.stack([_vote(true, k, chances, stream.child(f"vote/{v}")) for v in range(votes)])
    score = stream.child("pick").uniform(given.size).reshape(given.shape)  # below 1
    if pick == "majority":
        for one, others in zip(score, given, strict=True):
            one += (given == others).sum(axis=0)
    chosen = given[score.argmax(axis=0), np.arange(len(true))]
    return _where_other(dataset, items, chosen, stream.child("order"))


def _skills(skills: Any) -> NDArray[np.float64]:
    """(labellers,) chances of the true class."""
    numbers: list[Any] = [*skills] if isinstance(skills, list | tuple) else [skills]
    if not numbers or not all(
        isinstance(p, float | int) and not isinstance(p, bool) and 0 <= p <= 1 for p in numbers
    ):
        raise SpecError("corruption.annotators.skills", skills, "numbers from 0 to 1, one or more")
    return np.array(numbers, np.float64)


def _vote(true: Labels, n_classes: int, chances: NDArray[np.float64], stream: Stream) -> Labels:
    """A label per item (n,), by any of the labellers each."""
    n = len(true)
    skill = chances[stream.integers(n, len(chances))]
    is_right = stream.uniform(n) < skill
    other = stream.integers(n, n_classes - 1)
    return np.where(is_right, true, other + (other >= true))


def _where_other(dataset: Dataset, items: Labels, given: Labels, stream: Stream) -> Schedule:
    """Edits in random order, of those items (n,) that have another label than the one given."""
    order = stream.permutation(len(items))
    order = order[given[order] != dataset.y_train[items][order]]
    return Schedule(order, given[order], rate_of="eligible")


ENTRIES = {
    "second_labels": CorruptionEntry(
        second_labels,
        "another label file for the same items: rate 1 is that file",
        formula="the second label, of items where it differs from the first",
        required=("file",),
        rate_of="eligible",
    ),
    "human": CorruptionEntry(
        human,
        "people's labels of CIFAR-10 or CIFAR-100, from a file that you have",
        formula="the label that a person gave, of items where it differs from the true one",
        required=("file",),
        paper="Wei et al. 2022, Learning with noisy labels revisited: a study using real-world "
        "human annotations, section 3",
        kinds=("image",),
        rate_of="eligible",
    ),
    "annotators": CorruptionEntry(
        annotators,
        "labellers of given skills, some votes per item: rate 1 is what they gave",
        formula="a vote is k with chance p, else any other class; the label is the one with most "
        "votes, or any of them",
        paper="Dawid and Skene 1979, Maximum likelihood estimation of observer error-rates using "
        "the EM algorithm; Sheng, Provost and Ipeirotis 2008, Get another label?",
        rate_of="eligible",
    ),
}
