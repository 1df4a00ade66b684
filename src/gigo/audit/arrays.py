"""Data of one's own, corrupted as those of a trial are, with an account of what was done."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gigo.after import After
from gigo.audit.account import account, transition
from gigo.audit.steps import after, chained, steps
from gigo.errors import SpecError
from gigo.resolve import check_kind, label_codes, label_column, own_data, remade
from gigo.types import Corruption, Dataset, Labels

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False, repr=False)
class Corrupted:
    """What `corrupt` gives: the data, and what was done to them.

    Attributes:
        labels: (m,) as they were given, with the wrong ones among them: a Series of pandas, with
            its index, for a Series, else an array.
        X: m inputs in the form in which they were given; those themselves where no input changed,
            None where none were given.
        items: (m,) int64, which given item each is, from 0; -1 for an added one.
        changed: (m,) bool, where labels or inputs differ from those given, and added items.
        edits: a row per edit, with the columns `gigo.audit.account.COLUMNS`, in the order in
            which they were made. Those of a lower rate are the first rows of a higher one's.
        transition: (K, K) shares of the labels now among the items of a class as given: rows are
            the classes given and sum to 1; NaN where none of a class is left.
        corruption: what tables call it.
        requested: the rate asked for.
        n_eligible: edits that the corruption could make at most.
        selected: edits that it made: items chosen, and added.
        n_changed: ``changed`` items, and those that left.

    >>> from gigo import corrupt
    >>> corrupt(["ham", "spam"] * 5, "symmetric", rate=0.2).transition
    after   ham  spam
    before...
    ham     0.8   0.2
    spam    0.2   0.8
    """

    labels: Any
    X: Any
    items: Labels
    changed: NDArray[np.bool_]
    edits: pd.DataFrame
    transition: pd.DataFrame
    corruption: str
    requested: float
    n_eligible: int
    selected: int
    n_changed: int

    def __repr__(self) -> str:
        n = len(self.items)
        whole = {*self.edits["what"]} <= {"label"}
        what = f"{self.n_changed:,} of {n:,} labels changed ({self.n_changed / n:.4g} of all"
        if not whole:
            kinds: Any = self.edits["what"].value_counts(sort=False)
            words = {"label": "labels chosen", "input": "inputs changed"}
            told = (f"{count:,} {words.get(kind, kind)}" for kind, count in kinds.items())
            return (
                f"<gigo.Corrupted {self.corruption}, rate {self.requested:g}: {n:,} items, "
                f"{', '.join(told)}>"
            )
        if self.n_eligible not in (0, n):
            share = self.n_changed / self.n_eligible
            what += f", {share:.4g} of the {self.n_eligible:,} eligible"
        chosen = f"; {self.selected:,} were chosen" if self.selected != self.n_changed else ""
        return f"<gigo.Corrupted {self.corruption}, rate {self.requested:g}: {what}){chosen}>"


def corrupt(
    y: Any,
    corruption: str | Mapping[str, Any] | Callable[..., Any] | Sequence[Any] = "symmetric",
    /,
    X: Any = None,
    *,
    rate: float,
    seed: int = 0,
    replicate: int = 0,
    X_test: Any = None,
    y_test: Any = None,
    **options: Any,
) -> Corrupted:
    """Data with an exact share of corrupted items, and which they are.

    Of a corruption whose rate is a share of the set exactly ``round(rate * n)`` items are chosen;
    at a higher rate of the same seed the same ones and more, with the same edits. They are those
    that a study with ``validation = "none"`` trains on in that replicate.

    Args:
        y: n labels: names, whole numbers, true and false; a list, an array, a Series, a tensor.
            The classes are those that it has, sorted: numbers by value, else by name. Or the name
            of their column in X.
        corruption: a name from ``gigo list corruptions``, or a corruption of your own, as in a
            study: ``mine.py:name``, a function that gives a matrix or a `gigo.Schedule`. Of a list
            those with a ``rate`` of their own come first, and one has none.
        X: n inputs, as `gigo.sweep` takes them; corruptions of labels mostly do without. They are
            never written to, and copied only where inputs change.
        rate: the share to corrupt, 0 to 1; of all items unless the corruption says otherwise.
        seed: another one is another draw.
        replicate: so is another one of the same seed.
        X_test: a test set like X, for a corruption that takes items from there.
        y_test: its labels.
        **options: of the corruption, such as ``classes`` of ``sink`` or ``T`` of ``transition``.

    Raises:
        SpecError: an unknown corruption or option, one that needs other inputs, or a rate above
            the highest possible one.
        DataError: labels are missing, or are no names of classes; inputs don't fit them.

    >>> import gigo
    >>> y = ["cat", "dog", "fox", "owl"] * 250
    >>> gigo.corrupt(y, "pair", rate=0.2)
    <gigo.Corrupted pair, rate 0.2: 200 of 1,000 labels changed (0.2 of all)>
    >>> found = gigo.corrupt(y, "asymmetric", rate=0.2, map={"cat": "dog", "fox": "owl"})
    >>> found
    <gigo.Corrupted asymmetric ...: 200 of 1,000 labels changed (0.2 of all, 0.4 of the 500 ...)>
    >>> found.edits[["item", "before", "after"]].head(2)
       item before after
    0   134    fox   owl
    1   846    fox   owl
    >>> gigo.corrupt(y, "asymmetric", rate=0.6, map={"cat": "dog", "fox": "owl"})
    Traceback (most recent call last):
    gigo.errors.SpecError: rate = 0.6: expected at most 50 %: the corruption can do 500 ...
    """
    if not isinstance(rate, Real) or not 0 <= rate <= 1:
        raise SpecError("rate", rate, "a share of the items, 0 to 1")
    if not isinstance(corruption, list | tuple):
        given = corruption if isinstance(corruption, Mapping) else {"name": corruption}
        corruption = [{**given, **options}]
    known = chained(corruption)
    column = y if isinstance(y, str) else None
    y = _column(X, y) if isinstance(y, str) else y
    raw = values = label_column(y)
    if not hasattr(y, "__array__"):  # a list, whose values were kept apart
        values = np.array(values.tolist())
    dataset = _dataset(known, X, raw, column, X_test, y_test)
    found = steps(known, rate, dataset, seed, replicate)
    now = found[-1].done
    what = after(now)
    names = what.values(values, dataset.y_train)
    own = what.item >= 0
    return Corrupted(
        labels=_relabelled(y, values, what, names),
        X=None if X is None else remade(X, what, column),
        items=what.item,
        changed=now.changed,
        edits=account(found, names),
        transition=transition(dataset.y_train[what.item[own]], what.labels[own], names),
        corruption=known.label,
        requested=float(rate),
        n_eligible=found[-1].n_eligible,
        selected=len(found[-1].schedule.item),
        n_changed=int(now.changed.sum()) + now.n_left,
    )


def _column(X: Any, name: str) -> Any:
    """A column of a data frame."""
    import narwhals as nw

    frame = nw.from_native(X, eager_only=True, pass_through=True)
    if frame is X or name not in frame.columns:
        raise SpecError("y", name, "labels, or the name of a column of the data frame X")
    return frame[name].to_native()


class _NoInputs:
    """In place of n inputs that were not given: whoever looks at them is told so."""

    def __init__(self, n: int, name: str) -> None:
        self.shape, self._name = (n, 0), name

    def __getattr__(self, attribute: str) -> Any:
        raise needed(self._name)

    def __getitem__(self, rows: Any) -> Any:
        raise needed(self._name)


def needed(name: str) -> SpecError:
    """The error where a corruption needs inputs and has none."""
    return SpecError("X", None, f"the inputs, one per label: {name} needs them")


def _dataset(
    known: Corruption, X: Any, y: Any, column: str | None, X_test: Any, y_test: Any
) -> Dataset:
    """What was given, all of it for training."""
    chain = [known, *(each for each, _ in known.before)]
    if X is not None and any(each.matrix is None for each in chain):
        of = y if column is None else column
        # Without a test set none is held out.
        dataset = own_data(X, of, X_test, y_test, test_share=0 if X_test is None else 0.2)
        for each in chain:
            check_kind(each, dataset)
        return dataset
    for each in chain:
        if each.inputs and not each.resizes:
            raise needed(each.label)
    true, _, classes = label_codes(y, None, None, "y")
    true.flags.writeable = False
    x: Any = _NoInputs(len(true), known.label)
    return Dataset("y", x, true, {"test": (x, true[:0])}, classes, "vector", "", "y")


def _relabelled(y: Any, values: NDArray[Any], what: After, names: NDArray[Any]) -> Any:
    """The labels now, in the form of ``y``."""
    new = what.source < 0
    other = np.flatnonzero(new | (what.dataset.y_train[what.source] != what.labels))
    labels = names[what.labels[other]]
    if hasattr(y, "iloc") and y.ndim == 1:
        found = y.copy() if what.is_whole else y.iloc[np.maximum(what.source, 0)].copy()
        if (what.item < 0).any():
            found = found.reset_index(drop=True)
        found.iloc[other] = labels
        return found
    found = values.copy() if what.is_whole else values[np.maximum(what.source, 0)]
    found[other] = labels
    return found
