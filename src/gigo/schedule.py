"""What a corruption does: a list of edits; and the training sets that come of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from gigo.errors import SpecError
from gigo.types import Labels, RateOf

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from gigo.inputs import Inputs

KEEP, LEAVE = -1, -2
"""In place of a label: the item keeps its own; the item leaves the training set."""


ADDED = -1
"""In place of an item: one is added."""


NO_CLASS = -1
"""In place of a true label: the input is of none of the classes."""


class Schedule(NamedTuple):
    """What a corruption does to a training set, whatever the rate: a list of edits in order.

    A rate does the first of them (`n_edits`): what is edited at one rate is therefore edited in the
    same way at any higher one. All that is random is drawn before the rate is known.

    Attributes:
        item: (m,) int64 positions among the n items given, each at most once; `ADDED` (-1) for an
            item that is added.
        label: (m,) int64, the label that it gets; `KEEP` (-1): its own, of an added one that of
            the row it copies; `LEAVE` (-2): the item leaves.
        true: (m,) int64, the true label from then on, `NO_CLASS` (-1) where there is none. None:
            items keep theirs, and an added one has that of the row it copies.
        row: (m,) int64, the input that it gets: a row of ``x_train``, or ``n_train + i`` for row i
            of ``extra``; -1 keeps the item's own. None: inputs stay; where there is an ``extra``,
            edit j gets its row j.
        extra: inputs that the training set has not, of the same kind as ``x_train``; or a function
            ``(k) -> inputs``, a row for each of the first k edits, so that what is not needed is
            not made. The rows of a smaller k are the first ones of a larger one's.
        probes: further test sets by name, inputs and labels each. They depend on the data set and
            the options alone, not on what was drawn.
        rate_of: what a rate is a share of: ``set``, the n items given; ``eligible``, the m items
            that have an edit (rate 1 does all); ``added``, the items in the end, of which so many
            are added.

    Half of four items:

    >>> import numpy as np
    >>> schedule = Schedule(item=np.array([2, 0, 3, 1]), label=np.array([1, 1, 0, 1]))
    >>> labels = np.array([0, 0, 0, 1])
    >>> edits = schedule.n_edits(0.5, n=4)
    >>> labels[schedule.item[:edits]] = schedule.label[:edits]
    >>> labels
    array([1, 0, 1, 1])
    """

    item: Labels
    label: Labels
    true: Labels | None = None
    row: Labels | None = None
    extra: Inputs | Callable[[int], Inputs] | None = None
    probes: Mapping[str, tuple[Inputs, Labels]] = {}
    rate_of: RateOf = "set"

    @property
    def relabels(self) -> bool:
        """Whether it gives items other labels, and does nothing else."""
        return self.row is None and self.extra is None and not self.resizes

    @property
    def resizes(self) -> bool:
        """Whether it adds items, or lets some leave."""
        return bool((self.item == ADDED).any() or (self.label == LEAVE).any())

    def first(self, k: int) -> Schedule:
        """Its first k edits."""
        true, row = (None if each is None else each[:k] for each in (self.true, self.row))
        return self._replace(item=self.item[:k], label=self.label[:k], true=true, row=row)

    def at(self, rate: float, n: int) -> Schedule:
        """The edits at a rate of n items; raises SpecError where there are fewer."""
        return self.first(self.n_edits(rate, n))

    def highest(self, n: int) -> float:
        """The highest rate of n items that there are edits for."""
        m = len(self.item)
        return {"set": min(m / max(n, 1), 1.0), "eligible": 1.0, "added": m / max(n + m, 1)}[
            self.rate_of
        ]

    def n_edits(self, rate: float, n: int) -> int:
        """How many edits a rate of n items does.

        Raises:
            SpecError: there are fewer.

        >>> import numpy as np
        >>> copies = Schedule(np.full(12, -1), np.full(12, -1), row=np.arange(12) % 4,
        ...                   rate_of="added")
        >>> copies.n_edits(0.5, n=4), copies.n_edits(0.75, n=4)
        (4, 12)
        >>> copies.n_edits(0.8, n=4)
        Traceback (most recent call last):
        gigo.errors.SpecError: rate = 0.8: expected at most 75 %: the corruption can do 12 edits ...
        """
        m = len(self.item)
        if self.rate_of == "eligible":
            return round(rate * m)
        k = round(rate * n if self.rate_of == "set" else n * rate / max(1 - rate, 1e-9))
        if k > m:
            most = f"{100 * self.highest(n):.4g} %"
            expected = f"at most {most}: the corruption can do {m:,} edits to the {n:,} items"
            raise SpecError("rate", rate, expected)
        return k


@dataclass(frozen=True, eq=False)
class TrainingSet:
    """What one trial trains on, and what it holds out.

    Items are rows of a pool: those of ``x_train``, then those of each of the ``extras``.

    Attributes:
        rows: (n,) int64, the items trained on: those given, ascending, less those that left, then
            those added.
        labels: (n,) the labels they are trained with.
        true_labels: (n,) as the data set has them; -1 for an input of none of the classes.
        touched: (n,) bool, edited by the corruption.
        changed: (n,) bool, where that made a difference: a label that is not the true one, another
            input, a copy added under its own label.
        held_out: (v,) rows of the items held out.
        held_out_labels: (v,) their labels.
        weights: (n,) how much the items trained on count; None: the same.
        places: (n,) int64, where each stands among the items given, and the added ones after
            these, in order; None: all given ones are there, and no other.
        n_given: items before the corruption.
        n_selected: edits made.
        n_changed: those that made a difference: ``changed`` items, and those that left.
        extras: inputs that ``x_train`` has not, by name.
        probes: further test sets by name, inputs and labels each.
    """

    rows: Labels
    labels: Labels
    true_labels: Labels
    touched: NDArray[np.bool_]
    changed: NDArray[np.bool_]
    held_out: Labels
    held_out_labels: Labels
    n_given: int
    n_selected: int
    n_changed: int
    weights: NDArray[np.float64] | None = None
    places: Labels | None = None
    extras: Mapping[str, Inputs] = field(default_factory=dict[str, Any])
    probes: Mapping[str, tuple[Inputs, Labels]] = field(default_factory=dict[str, Any])
