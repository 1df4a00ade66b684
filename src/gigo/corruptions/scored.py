"""Label corruptions that depend on the inputs, by what a reference model makes of them.

Each is ``(dataset, items, stream, *, reference) -> Schedule`` with the items' `Reference`. Symbols:
``x_i`` and ``k`` are an item's vector and true class, ``p_i`` its out-of-fold probabilities.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from gigo.corruptions.draw import relabel
from gigo.entries import CorruptionEntry
from gigo.errors import SpecError
from gigo.machine import one_thread
from gigo.rng import Stream
from gigo.schedule import Schedule
from gigo.types import Dataset, Labels

SPREAD = 0.1
"""Standard deviation of the chances that items are mislabelled with, in the paper."""


class Reference(Protocol):
    """What `gigo.reference.Reference` gives."""

    @property
    def vectors(self) -> Any:
        """(n, d) float, dense or ``csr_array``."""
        ...

    @property
    def probabilities(self) -> NDArray[np.float64]:
        """(n, K)."""
        ...


def instance_dependent(
    dataset: Dataset, items: Labels, stream: Stream, *, reference: Reference
) -> Schedule:
    """A class that depends on the input, by random weights of each true class.

    An item's label changes with a chance of its own, ``q_i ~ N(r, 0.1^2)`` at rate r, kept to 0
    to 1; to class j other than k with ``softmax(x_i W_k)[j]``, where ``W_k`` (d, K) is standard
    normal (Xia et al. 2020, "Part-dependent label noise", appendix, algorithm 2).

    With ``q_i = r + 0.1 z_i`` it changes if ``u_i < q_i``, for any rate above ``u_i - 0.1 z_i``:
    the edits come in the order of these, so that rates nest, and the number of changes is that
    asked for, not the mean of random ones.

    Args:
        dataset: with two classes or more.
        items: (n,) positions in its rows.
        stream: draws u, z, destinations and weights.
        reference: gives ``x``; no model is fitted.

    Raises:
        SpecError: there is one class alone.

    >>> from types import SimpleNamespace
    >>> from gigo.testing import small_dataset
    >>> data, items, stream = small_dataset(), np.arange(3), Stream(0, 0, "corruption")
    >>> p = np.array([[0.9, 0.1, 0], [0.2, 0.5, 0.3], [0, 0.6, 0.4]])
    >>> told = SimpleNamespace(vectors=data.x_train[:3], probabilities=p)
    >>> found = instance_dependent(data, items, stream, reference=told)
    >>> found.item, found.label
    (array([2, 0, 1]), array([0, 2, 0]))
    """
    true = _labels(dataset, items)
    chance, drawn = stream.uniform(len(true)), stream.uniform(len(true))
    turn = chance - SPREAD * stream.normal(len(true))
    x, label = reference.vectors, true.copy()
    for k in np.unique(true).tolist():
        of_class = np.flatnonzero(true == k)
        shape = x.shape[1], dataset.n_classes
        weights = stream.child(f"weights/{k}").normal(shape[0] * shape[1]).reshape(shape)
        with one_thread():
            scores = np.asarray(x[of_class] @ weights.astype(x.dtype), np.float64)
        scores[:, k] = -np.inf
        odds = np.exp(scores - scores.max(axis=1, keepdims=True))
        below = np.cumsum(odds, axis=1)
        label[of_class] = (below / below[:, -1:] <= drawn[of_class, None]).sum(axis=1)
    order = np.argsort(turn, kind="stable")
    return Schedule(order, label[order])


def boundary(dataset: Dataset, items: Labels, stream: Stream, *, reference: Reference) -> Schedule:
    """Those nearest to the border between two classes first, to the class across it.

    Items come in the order of ``|p_i[k] - p_i[j]|`` with j the most probable of the other classes
    (ties: the lower one), which is the new label. Nearest first is how Garcia et al. 2019 ("New
    label noise injection methods for the evaluation of noise filters") choose them, by their
    distance to the border of a support vector machine.

    Args:
        dataset: with two classes or more.
        items: (n,) positions in its rows.
        stream: draws the order of items that are as near.
        reference: gives ``p``.

    Raises:
        SpecError: there is one class alone.

    >>> from types import SimpleNamespace
    >>> from gigo.testing import small_dataset
    >>> data, items, stream = small_dataset(), np.arange(3), Stream(0, 0, "corruption")
    >>> p = np.array([[0.9, 0.1, 0], [0.2, 0.5, 0.3], [0, 0.6, 0.4]])
    >>> told = SimpleNamespace(vectors=data.x_train[:3], probabilities=p)
    >>> found = boundary(data, items, stream, reference=told)
    >>> found.item, found.label
    (array([2, 1, 0]), array([1, 2, 1]))
    """
    true = _labels(dataset, items)
    everyone, others = np.arange(len(true)), reference.probabilities.copy()
    own = others[everyone, true]
    others[everyone, true] = -1
    label = others.argmax(axis=1)
    order = stream.permutation(len(true))
    near = np.abs(own - others[everyone, label])
    order = order[np.argsort(near[order], kind="stable")]
    return Schedule(order, label[order])


def confusion(dataset: Dataset, items: Labels, stream: Stream, *, reference: Reference) -> Schedule:
    """Each class to the one that it is most taken for, in random order.

    ``D[k, j] = 1`` for the j other than k whose ``p_i[j]`` is largest in the mean of the items of
    class k; ties go to the lower class.

    Args:
        dataset: with two classes or more.
        items: (n,) positions in its rows.
        stream: draws the order.
        reference: gives ``p``.

    Raises:
        SpecError: there is one class alone.

    >>> from types import SimpleNamespace
    >>> from gigo.testing import small_dataset
    >>> data, items, stream = small_dataset(), np.arange(3), Stream(0, 0, "corruption")
    >>> p = np.array([[0.9, 0.1, 0], [0.2, 0.5, 0.3], [0, 0.6, 0.4]])
    >>> told = SimpleNamespace(vectors=data.x_train[:3], probabilities=p)
    >>> found = confusion(data, items, stream, reference=told)
    >>> data.y_train[found.item], found.label
    (array([1, 0, 2]), array([2, 1, 1]))
    """
    true, n_classes = _labels(dataset, items), dataset.n_classes
    destinations = np.zeros((n_classes, n_classes))
    for k in np.unique(true).tolist():
        mean = reference.probabilities[true == k].mean(axis=0)
        mean[k] = -1
        destinations[k, mean.argmax()] = 1

    def found(n_classes: int) -> NDArray[np.float64]:
        return destinations

    return relabel(dataset, items, stream, destinations=found)


def _labels(dataset: Dataset, items: Labels) -> Labels:
    """(n,) true ones; raises SpecError where none can be wrong."""
    if dataset.n_classes < 2:
        raise SpecError("classes", dataset.n_classes, "at least 2, or no label can be wrong")
    return dataset.y_train[items]


ENTRIES = {
    "instance_dependent": CorruptionEntry(
        instance_dependent,
        "a class that depends on the input, by random weights; some items sooner than others",
        formula="P(j | x, k) = q softmax(x W_k)[j] for j other than k, W_k standard normal, "
        "q normal with mean r and standard deviation 0.1; in the order of u - 0.1 z",
        paper="Xia et al. 2020, Part-dependent label noise: towards instance-dependent label "
        "noise, appendix, algorithm 2",
        exact=False,
    ),
    "boundary": CorruptionEntry(
        boundary,
        "items nearest to the border of a reference model first, to the class across it",
        formula="in the order of |p[k] - p[j]|, j the most probable class other than k, with "
        "out-of-fold probabilities p; j is given",
        paper="Garcia et al. 2019, New label noise injection methods for the evaluation of noise "
        "filters (there by a support vector machine)",
        exact=False,
    ),
    "confusion": CorruptionEntry(
        confusion,
        "the class that a reference model most takes the true one for",
        formula="P(j | k) = 1 for the j other than k whose mean out-of-fold probability is largest "
        "among the items of class k",
        exact=False,
    ),
}
