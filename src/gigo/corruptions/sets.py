"""The catalogue of corruptions of sets: items that should not be there, or are there too often.

Those that let items leave are in `gigo.corruptions.leaving`, inputs of none of the classes in
`gigo.corruptions.open_set`.
"""

from __future__ import annotations

import math

import numpy as np

from gigo.corruptions.leaving import imbalance, missing_class, subsample_group
from gigo.corruptions.open_set import open_set
from gigo.entries import CorruptionEntry
from gigo.errors import SpecError
from gigo.inputs import Inputs, take
from gigo.rng import Stream
from gigo.schedule import ADDED, KEEP, Schedule
from gigo.types import Dataset, Labels


def alpha_of(rate: float) -> float:
    """Added items per item given, where they are a share ``rate`` of all in the end.

    ``alpha = r / (1 - r)``.

    >>> alpha_of(0.5), round(alpha_of(100 / 101), 9)
    (1.0, 100.0)
    """
    return rate / (1 - rate)


def equivalent_rate(alpha: float, n_classes: int) -> float:
    """The share of wrong labels in a set with alpha copies per item, their labels drawn uniformly.

    ``alpha / (1 + alpha) * (K - 1) / K`` (Rolnick et al. 2017, "Deep learning is robust to massive
    label noise", section 3): the same share as under symmetric noise at this rate.

    >>> round(equivalent_rate(100, n_classes=10), 3)
    0.891
    """
    return alpha / (1 + alpha) * (n_classes - 1) / n_classes


def dilute(dataset: Dataset, items: Labels, stream: Stream, *, most: int = 20) -> Schedule:
    """Copies of items under labels drawn from all classes (Rolnick et al. 2017, section 3).

    All labels given stay. At rate ``r`` there are ``alpha = r / (1 - r)`` copies per item, and
    `equivalent_rate` of all labels are wrong. Copies come in rounds, each of all items in random
    order, so that they are spread evenly at any rate.

    Args:
        dataset: of K classes.
        items: (n,) rows of its training set.
        stream: of random numbers.
        most: the largest alpha; the highest rate is ``most / (1 + most)``.

    Raises:
        SpecError: fewer than two classes, or ``most`` below 1.

    >>> from gigo.datasets import load
    >>> schedule = dilute(load("digits"), np.arange(3), Stream(0, 0, "corruption"), most=2)
    >>> schedule.row, schedule.label
    (array([1, 2, 0, 0, 2, 1]), array([0, 7, 3, 5, 3, 2]))
    """
    if dataset.n_classes < 2:
        raise SpecError("classes", dataset.n_classes, "at least 2, or no label can be wrong")
    m = _copies(len(items), most, "corruption.dilute.most")
    row = items[_rounds(len(items), m, stream.child("order"))]
    label = stream.child("labels").integers(m, dataset.n_classes)
    return Schedule(np.full(m, ADDED), label, row=row, rate_of="added")


def duplicates(
    dataset: Dataset, items: Labels, stream: Stream, *, among: float = 1.0, most: int = 20
) -> Schedule:
    """Copies of items under their own labels, in rounds as those of `dilute`.

    Args:
        dataset: any.
        items: (n,) rows of its training set.
        stream: of random numbers.
        among: the share of the items that copies are made of, at least one item: 0.01 is a few
            items many times.
        most: copies per item given at the highest rate, which is ``most / (1 + most)``.

    Raises:
        SpecError: ``among`` is no share above 0, or ``most`` below 1.

    >>> from gigo.datasets import load
    >>> digits, stream = load("digits"), Stream(0, 0, "corruption")
    >>> duplicates(digits, np.arange(100), stream, among=0.02, most=1).row[:6]
    array([35, 33, 35, 33, 35, 33])
    """
    if not 0 < among <= 1:
        raise SpecError("corruption.duplicates.among", among, "a share of the items, above 0 to 1")
    m = _copies(len(items), most, "corruption.duplicates.most")
    chosen = items[stream.permutation(len(items))[: max(round(among * len(items)), 1)]]
    row = chosen[_rounds(len(chosen), m, stream.child("order"))]
    return Schedule(np.full(m, ADDED), np.full(m, KEEP), row=row, rate_of="added")


def leak(dataset: Dataset, items: Labels, stream: Stream, *, labels: str = "right") -> Schedule:
    """Test items in the training set, in random order; the highest rate has all of them.

    Args:
        dataset: whose test set ``test`` leaks, m items of it.
        items: (n,) rows of its training set; they stay as they are.
        stream: of random numbers.
        labels: ``right``, or ``wrong``: of another class, drawn uniformly.

    Raises:
        SpecError: other ``labels``, wrong ones where there is one class, or no test items.

    >>> from gigo.datasets import load
    >>> digits = load("digits")
    >>> schedule = leak(digits, np.arange(150), Stream(0, 0, "corruption"))
    >>> schedule.highest(150), schedule.extra(2).shape
    (0.75, (2, 1, 8, 8))
    """
    if labels not in ("right", "wrong"):
        raise SpecError("corruption.leak.labels", labels, "right or wrong")
    if labels == "wrong" and dataset.n_classes < 2:
        raise SpecError("classes", dataset.n_classes, "at least 2, or no label can be wrong")
    x, y = dataset.tests["test"]
    if not len(y):
        expected = "a test set to take items from (--test FILE; X_test and y_test)"
        raise SpecError("corruption", "leak", expected)
    order, m = stream.permutation(len(y)), len(y)
    true = y[order]
    label = true
    if labels == "wrong":
        label = (true + 1 + stream.integers(m, dataset.n_classes - 1)) % dataset.n_classes

    def extra(k: int) -> Inputs:
        return take(x, order[:k])

    return Schedule(np.full(m, ADDED), label, true=true, extra=extra, rate_of="added")


def _copies(n: int, most: int, field: str) -> int:
    if most < 1:
        raise SpecError(field, most, "at least 1 copy per item")
    return most * n


def _rounds(n: int, m: int, stream: Stream) -> Labels:
    """(m,) permutations of ``0 .. n - 1``, one after the other; the last one may be cut."""
    words = stream.words(math.ceil(m / n) * n).reshape(-1, n)
    return np.argsort(words, axis=1, kind="stable").astype(np.int64).ravel()[:m]


ENTRIES = {
    "dilute": CorruptionEntry(
        dilute,
        "adds copies of items with labels drawn from all classes; true labels all stay",
        family="sets",
        formula="alpha = r / (1 - r) copies per item, P(j | k) = 1 / K: "
        "alpha / (1 + alpha) * (K - 1) / K of the labels are wrong",
        paper="Rolnick et al. 2017, Deep learning is robust to massive label noise, section 3",
        rate_of="added",
        resizes=True,
    ),
    "duplicates": CorruptionEntry(
        duplicates,
        "adds copies of items with their own labels; with among = 0.01 of a few items alone",
        family="sets",
        formula="r / (1 - r) copies per item given, spread evenly over a share of the items",
        paper="after Hernandez et al. 2022, Scaling laws and interpretability of learning from "
        "repeated data",
        rate_of="added",
        resizes=True,
    ),
    "leak": CorruptionEntry(
        leak,
        "adds test items to the training set, with right or wrong labels",
        family="sets",
        formula="n r / (1 - r) of the m test items; the highest rate is m / (n + m)",
        rate_of="added",
        resizes=True,
        training_only=True,
    ),
    "open_set": CorruptionEntry(
        open_set,
        "inputs of none of the classes, noise or those of another data set, under the labels",
        family="sets",
        formula="the input of a chosen item is another one, its label stays",
        paper="Wang et al. 2018, Iterative learning with open-set noisy labels, section 4",
    ),
    "missing_class": CorruptionEntry(
        missing_class,
        "takes items of some classes away; at rate 1 they are gone",
        family="sets",
        formula="a share r of the items of the classes leaves",
        paper="after Buda, Maki and Mazurowski 2018, A systematic study of the class imbalance "
        "problem in convolutional neural networks (step imbalance)",
        rate_of="eligible",
        resizes=True,
    ),
    "imbalance": CorruptionEntry(
        imbalance,
        "takes items away until class sizes have a long tail",
        family="sets",
        formula="at rate 1 class k keeps n_k * ratio^(-k / (K - 1)) items, at least one",
        paper="Cui et al. 2019, Class-balanced loss based on effective number of samples, "
        "section 5.1",
        rate_of="eligible",
        resizes=True,
    ),
    "subsample_group": CorruptionEntry(
        subsample_group,
        "takes items of one group away; at rate 1 it is gone",
        family="sets",
        formula="a share r of the items of the group leaves",
        paper="after Rolf et al. 2021, Representation matters: assessing the importance of "
        "subgroup allocations in training data",
        rate_of="eligible",
        probes=("group",),
        resizes=True,
    ),
}
