"""Labels of one's own, corrupted as those of a trial are, with an account of what was done."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gigo.errors import SpecError
from gigo.ref import OWN, as_ref
from gigo.resolve import corruption as known_corruption
from gigo.resolve import label_codes, label_column
from gigo.rng import Stream
from gigo.types import Dataset, Labels

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False, repr=False)
class Corrupted:
    """What `corrupt` gives: the labels, and what was done to them.

    Attributes:
        labels: (n,) as they were given, with the wrong ones among them: a Series of pandas, with
            its index, for a Series, else an array.
        changed: (n,) bool, where they differ from those given.
        edits: a row per item that the corruption chose, in its order: ``item`` (from 0),
            ``before``, ``after``. Those of a lower rate are the first rows of a higher one's.
        transition: (K, K) shares of the labels now among the items of a class as given: rows are
            the classes given and sum to 1.
        corruption: what tables call it.
        requested: the rate asked for, a share of all items.
        n_eligible: items that the corruption may choose at all.

    >>> from gigo import corrupt
    >>> corrupt(["ham", "spam"] * 5, "symmetric", rate=0.2).transition
    after   ham  spam
    before...
    ham     0.8   0.2
    spam    0.2   0.8
    """

    labels: Any
    changed: NDArray[np.bool_]
    edits: pd.DataFrame
    transition: pd.DataFrame
    corruption: str
    requested: float
    n_eligible: int

    @property
    def selected(self) -> int:
        """Items that the corruption chose."""
        return len(self.edits)

    @property
    def n_changed(self) -> int:
        """Items whose label is another one now."""
        return int(self.changed.sum())

    def __repr__(self) -> str:
        n = len(self.changed)
        what = f"{self.n_changed:,} of {n:,} labels changed ({self.n_changed / n:.4g} of all"
        if self.n_eligible not in (0, n):
            share = self.n_changed / self.n_eligible
            what += f", {share:.4g} of the {self.n_eligible:,} eligible"
        chosen = f"; {self.selected:,} were chosen" if self.selected != self.n_changed else ""
        return f"<gigo.Corrupted {self.corruption}, rate {self.requested:g}: {what}){chosen}>"


def corrupt(
    y: Any,
    corruption: str | Mapping[str, Any] | Callable[..., Any] = "symmetric",
    /,
    *,
    rate: float,
    seed: int = 0,
    replicate: int = 0,
    **options: Any,
) -> Corrupted:
    """Labels with an exact share of wrong ones, and which they are.

    Exactly ``round(rate * n)`` items are chosen; at a higher rate of the same seed the same ones
    and more, with the same wrong labels. They are those that a study with ``validation = "none"``
    trains on in that replicate.

    Args:
        y: n labels: names, whole numbers, true and false; a list, an array, a Series, a tensor.
            The classes are those that it has, sorted: numbers by value, else by name.
        corruption: a name from ``gigo list corruptions``, or a corruption of your own, as in a
            study: ``mine.py:name``, a function that gives a matrix or a `gigo.Schedule`.
        rate: the share of all items to choose, 0 to 1.
        seed: another one is another draw.
        replicate: so is another one of the same seed.
        **options: of the corruption, such as ``classes`` of ``sink`` or ``T`` of ``transition``.

    Raises:
        SpecError: an unknown corruption or option, or a rate above the highest possible one.
        DataError: labels are missing, or are no names of classes.

    >>> import gigo
    >>> y = ["cat", "dog", "fox", "owl"] * 250
    >>> gigo.corrupt(y, "pair", rate=0.2)
    <gigo.Corrupted pair, rate 0.2: 200 of 1,000 labels changed (0.2 of all)>
    >>> found = gigo.corrupt(y, "asymmetric", rate=0.2, map={"cat": "dog", "fox": "owl"})
    >>> found
    <gigo.Corrupted asymmetric ...: 200 of 1,000 labels changed (0.2 of all, 0.4 of the 500 ...)>
    >>> found.edits.head(2)
       item before after
    0   134    fox   owl
    1   846    fox   owl
    >>> gigo.corrupt(y, "asymmetric", rate=0.6, map={"cat": "dog", "fox": "owl"})
    Traceback (most recent call last):
    gigo.errors.SpecError: rate = 0.6: expected at most 50 %: the corruption can do 500 ...
    """
    import pandas as pd

    if not 0 <= rate <= 1:
        raise SpecError("rate", rate, "a share of the items, 0 to 1")
    given = corruption if isinstance(corruption, Mapping) else {"name": corruption}
    ref = as_ref("corruption", {**given, **options})
    known = known_corruption(ref)
    values = label_column(y)
    true, _, classes = label_codes(values, None, None, "y")
    if not hasattr(y, "__array__"):  # a list, whose values were kept apart
        values = np.array(values.tolist())
    dataset = _only_labels(true, classes)
    whole = known.value(dataset, np.arange(len(true)), Stream(seed, replicate, "corruption"))
    edits = whole.at(rate, len(true))
    codes = true.copy()
    codes[edits.item] = edits.label
    first = np.unique(true, return_index=True)[1]
    names = values[first]  # of each class, as the user has it
    labels = _with(y, values, edits.item, names[edits.label])
    counts = np.zeros((len(classes), len(classes)))
    np.add.at(counts, (true, codes), 1)
    return Corrupted(
        labels=labels,
        changed=codes != true,
        edits=pd.DataFrame(
            {"item": edits.item, "before": values[edits.item], "after": names[edits.label]}
        ),
        transition=pd.DataFrame(
            counts / counts.sum(axis=1, keepdims=True),
            index=pd.Index(names, name="before"),
            columns=pd.Index(names, name="after"),
        ),
        corruption=ref.without(*OWN[1:]).short_label,
        requested=float(rate),
        n_eligible=len(whole.item),
    )


def _only_labels(true: Labels, classes: tuple[str, ...]) -> Dataset:
    """What a corruption of labels needs to know of a data set."""
    nothing = np.empty((len(true), 0), np.float32)
    true = true.view()
    true.flags.writeable = False
    return Dataset("y", nothing, true, {"test": (nothing, true)}, classes, "vector", "", "y")


def _with(y: Any, values: NDArray[Any], items: Labels, labels: NDArray[Any]) -> Any:
    """A copy of ``y`` in which some items have other labels."""
    if hasattr(y, "iloc") and y.ndim == 1:
        changed = y.copy()
        changed.iloc[items] = labels
        return changed
    array = values.copy()
    array[items] = labels
    return array
