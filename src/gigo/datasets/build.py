"""A data set from items and labels as the user has them: every source of one's own ends here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gigo.datasets.forms import alike
from gigo.datasets.labels import column, encode, listed
from gigo.datasets.split import copies, held_out
from gigo.errors import DataError
from gigo.inputs import Inputs, count, digest, take
from gigo.types import Dataset, Kind, Labels


def build(
    name: str,
    source: str,
    x: Inputs,
    labels: Any,
    *,
    x_test: Inputs | None = None,
    labels_test: Any = None,
    kind: Kind | None = None,
    classes: Sequence[Any] | None = None,
    groups: Any = None,
    groups_test: Any = None,
    weights: Any = None,
    others: Any = None,
    test_share: float = 0.2,
    seed: int = 0,
    notes: Sequence[str] = (),
) -> Dataset:
    """A checked data set: labels become codes, and a test set is held out where none is given.

    Args:
        name: what tables call it.
        source: where the items are from, for people and for errors.
        x: n inputs (`gigo.inputs`). Arrays become read-only; they are not copied where they need
            not be.
        labels: n labels, see `gigo.datasets.labels.encode`.
        x_test: inputs of the test set; None: a share of the items is held out once.
        labels_test: their labels.
        kind: of the inputs. Default: tables, texts, images (4 dimensions), else vectors.
        classes: all classes in their order. Default: those of the training set, sorted.
        groups: n values of any kind; items of one value are not split between training and test,
            nor between training and held-out items. None: every item is its own.
        groups_test: of a test set that is given, likewise.
        weights: n numbers above 0, how much each item counts in a fit. None: the same. Those of
            test items are left out.
        others: n other labels of the same classes, from which training items start in place of
            ``labels``; a test set that is held out keeps ``labels``.
        test_share: of the items to hold out, above 0 and below 1; or 0 for an empty test set,
            where nothing is to be trained.
        seed: of the choice of test items.
        notes: what is to be said of the data, a line each; what is found here is added.

    Raises:
        DataError: inputs and labels don't fit each other, or nothing can be learned from them.
        SpecError: an argument is out of range.

    >>> data = build("mail", "mail.csv", ["hi", "buy", "yo", "win"], ["ham", "spam"] * 2,
    ...              test_share=0.5)
    >>> data.classes, data.y_train.tolist(), data.kind
    (('ham', 'spam'), [0, 1], 'text')
    """
    if (x_test is None) != (labels_test is None):
        given, lacking = ("labels", "inputs") if x_test is None else ("inputs", "labels")
        raise DataError(f"{source}: a test set of {given} alone: expected its {lacking} as well")
    _check_counts(x, labels, source, "")
    if x_test is not None:
        _check_counts(x_test, labels_test, source, " of the test set")
    x, x_test, formed = alike(x, x_test, source)
    codes, codes_test, names = encode(labels, labels_test, classes, source)
    train = _Items(
        x,
        codes,
        codes if others is None else _starts(others, len(codes), names, source),
        None if groups is None else _groups(groups, len(codes), source),
        None if weights is None else _weights(weights, len(codes), source),
    )
    test, origin = _test(x_test, codes_test, groups_test, source), None
    if test is None and not test_share:
        test = train.some(np.arange(0))
    said = [*notes, *formed, *_check_classes(codes, names, source, held_out_here=test is None)]
    if test is None:
        mask = held_out(codes, train.groups, test_share, seed, source)
        origin, rest = np.flatnonzero(~mask).astype(np.int64), np.flatnonzero(mask)
        train, test = train.some(origin), train.some(rest)
        drawn = "whole groups" if groups is not None else "each class its share"
        said.append(f"test set: {len(rest):,} of {len(mask):,} items, held out once, {drawn}")
    if len(test.codes):
        said += _absent(train.codes, test.codes, names) + _copied(train.x, test.x)
    if others is not None:
        said.append(
            f"{int((train.starts != train.codes).sum()):,} of {len(train.codes):,} training items "
            "start from another label than their own; the test set has its own"
        )
    more = [each for each in (train.groups, train.weights) if each is not None]
    arrays = [train.x, train.starts, test.x, test.codes, *more]
    x, codes, x_test, codes_test, *_ = [_read_only(array) for array in arrays]
    return Dataset(
        name=name,
        x_train=x,
        y_train=codes,
        tests={"test": (x_test, codes_test)},
        classes=names,
        kind=kind or _kind(x),
        sha256=digest(*arrays),
        source=source,
        groups=train.groups,
        weights=train.weights,
        notes=tuple(said),
        test_groups={} if test.groups is None else {"test": test.groups},
        origin=origin,
    )


class _Items(NamedTuple):
    """Items with what is known of each: their codes, the labels that they start from, ..."""

    x: Inputs
    codes: Labels
    starts: Labels
    groups: Labels | None
    weights: NDArray[np.float64] | None

    def some(self, rows: Labels) -> _Items:
        """Those in some rows."""
        groups = None if self.groups is None else self.groups[rows]
        weights = None if self.weights is None else self.weights[rows]
        return _Items(take(self.x, rows), self.codes[rows], self.starts[rows], groups, weights)


def _test(x: Inputs, codes: Labels | None, groups: Any, place: str) -> _Items | None:
    """A test set that is given, or None."""
    if x is None or codes is None:
        return None
    known = None if groups is None else _groups(groups, len(codes), f"{place}, test set")
    return _Items(x, codes, codes, known, None)


def _starts(others: Any, n: int, names: tuple[str, ...], place: str) -> Labels:
    """(n,) codes of other labels for the same items."""
    m = len(column(others))
    if m != n:
        raise DataError(f"{place}: {m} other labels for {n} items: expected one per item")
    return encode(others, None, names, f"{place}, other labels")[0]


def _kind(x: Inputs) -> Kind:
    if isinstance(x, list):
        return "text"
    if hasattr(x, "iloc"):
        return "table"
    return "image" if len(x.shape) == 4 else "vector"


def _check_counts(x: Inputs, labels: Any, place: str, of: str) -> None:
    n, m = count(x), len(column(labels))
    if n != m:
        raise DataError(f"{place}: {n} items{of} and {m} labels: expected a label per item")
    if not n:
        raise DataError(f"{place}: no items{of}: expected some")


def _check_classes(
    codes: Labels, names: tuple[str, ...], place: str, held_out_here: bool
) -> list[str]:
    """Raise where classes can't be learned; what is to be said of them."""
    counts = np.bincount(codes, minlength=len(names))
    present, n = int((counts > 0).sum()), len(codes)
    if present < 2:
        only = names[int(counts.argmax())]
        raise DataError(f"{place}: all labels are {only!r}: expected two classes or more")
    if len(names) > n or (held_out_here and present > max(n // 2, 2)):
        raise DataError(
            f"{place}: {len(names)} classes for {n} items: expected two items or more per class "
            "(do the labels name items, or measure something?)"
        )
    single = [names[k] for k in np.flatnonzero(counts == 1)]
    if single and held_out_here:
        one = "has" if len(single) == 1 else "have"
        raise DataError(
            f"{place}: {_called(single)} {one} one item: expected two or more, to train on and to "
            "test on (add items, merge classes, leave them out, or give a test set)"
        )
    empty = [names[k] for k in np.flatnonzero(counts == 0)]
    return [
        *([f"{_called(single)}: one training item"] if single else []),
        *([f"{_called(empty)}: no training item"] if empty else []),
    ]


def _called(names: Sequence[str]) -> str:
    """``class 'a'``, ``classes 'a', 'b'``."""
    noun = "class" if len(names) == 1 else "classes"
    return f"{noun} {listed([repr(name) for name in names])}"


def _absent(codes: Labels, codes_test: Labels, names: tuple[str, ...]) -> list[str]:
    absent = sorted({*codes.tolist()} - {*codes_test.tolist()})
    return [f"{_called([names[k] for k in absent])}: no test item"] if absent else []


def _copied(x: Inputs, x_test: Inputs) -> list[str]:
    found = copies(x, x_test)
    if not found:
        return []
    are = "is" if found == 1 else "are"
    return [
        f"{found:,} of {count(x_test):,} test items {are} also in the training set, where "
        "remembering is as good as learning: leave copies out, or put them in one group"
    ]


def _groups(groups: Any, n: int, place: str) -> Labels:
    """(n,) int64, a number per group, in the order in which they come."""
    import pandas as pd

    values = column(groups)
    if values.shape != (n,):
        raise DataError(f"{place}: groups of shape {values.shape}: expected ({n},), one per item")
    codes = pd.factorize(values)[0].astype(np.int64)
    missing = int((codes < 0).sum())
    if missing:
        raise DataError(f"{place}: {missing} of {n} groups are missing: expected one per item")
    return codes


def _weights(weights: Any, n: int, place: str) -> NDArray[np.float64]:
    """(n,) float64, finite and above 0."""
    values = column(weights)
    if values.shape != (n,):
        raise DataError(f"{place}: weights of shape {values.shape}: expected ({n},), one per item")
    try:
        found = values.astype(np.float64)
    except (TypeError, ValueError):
        raise DataError(f"{place}: weights that are no numbers: expected some above 0") from None
    wrong = np.flatnonzero(~(np.isfinite(found) & (found > 0)))
    if len(wrong):
        first = f"weight {wrong[0] + 1} is {found[wrong[0]]}"
        raise DataError(f"{place}: {first}: expected finite numbers above 0 (leave such items out)")
    return found


def _read_only(x: Any) -> Any:
    """An array that can't be written to; the user's own stays as it is."""
    if not isinstance(x, np.ndarray):
        return x
    seen: NDArray[Any] = x.view()
    seen.flags.writeable = False
    return seen
