"""Corruptions that let items leave: classes and groups of which there is too little.

Rates are shares of the items that may leave: rate 1 is the whole of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gigo.corruptions.classes import class_number
from gigo.errors import SpecError, meant
from gigo.inputs import Inputs, take
from gigo.rng import Stream
from gigo.schedule import LEAVE, Schedule
from gigo.types import Dataset, Labels


def missing_class(
    dataset: Dataset, items: Labels, stream: Stream, *, classes: Any = None
) -> Schedule:
    """Items of some classes leave, in random order; at rate 1 the classes are gone.

    Args:
        dataset: of K classes.
        items: (n,) rows of its training set.
        stream: of random numbers.
        classes: by name or number, one or a list of them; None: the last one.

    Raises:
        SpecError: there is no such class, or they are all of them.

    >>> from gigo.datasets import load
    >>> digits, items = load("digits"), np.arange(20)
    >>> schedule = missing_class(digits, items, Stream(0, 0, "corruption"), classes=[4, 7])
    >>> digits.y_train[items[schedule.item]]
    array([7, 4, 7, 4, 7, 4])
    """
    field, n_classes = "corruption.missing_class.classes", dataset.n_classes
    given = [n_classes - 1] if classes is None else classes
    if classes is not None:
        several = classes if isinstance(classes, list | tuple) else [classes]
        given = [class_number(each, dataset.classes, field) for each in several]
    if not given or len({*given}) == n_classes:
        raise SpecError(field, classes, "some of the classes, not all")
    return _leaving(np.isin(dataset.y_train[items], given), stream)


def imbalance(dataset: Dataset, items: Labels, stream: Stream, *, ratio: float = 100.0) -> Schedule:
    """Class sizes get a long tail (Cui et al. 2019, "Class-balanced loss", section 5.1).

    At rate 1 class k keeps ``n_k * ratio^(-k / (K - 1))`` of its items, rounded, at least one.

    Args:
        dataset: of K classes; the last ones lose most.
        items: (n,) rows of its training set, ``n_k`` of class k.
        stream: of random numbers.
        ratio: of the share that the first class keeps, all, to that of the last, at least 1.

    Raises:
        SpecError: a ratio below 1.

    >>> from gigo.datasets import load
    >>> digits, items = load("digits"), np.arange(1347)
    >>> schedule = imbalance(digits, items, Stream(0, 0, "corruption"), ratio=10.0)
    >>> np.bincount(np.delete(digits.y_train, schedule.item))
    array([133, 105,  80,  64,  49,  38,  29,  22,  17,  14])
    """
    if not 1 <= ratio < np.inf:
        raise SpecError("corruption.imbalance.ratio", ratio, "a number from 1")
    n_classes, labels = dataset.n_classes, dataset.y_train[items]
    counts = np.bincount(labels, minlength=n_classes)
    kept = counts * ratio ** (-np.arange(n_classes) / max(n_classes - 1, 1))
    leave = counts - np.minimum(np.maximum(np.rint(kept).astype(np.int64), 1), counts)
    order = stream.permutation(len(items))
    by_class = np.argsort(labels[order], kind="stable")
    rank = np.empty(len(items), np.int64)  # of each edit among those of its class
    rank[by_class] = np.arange(len(items)) - np.repeat(np.cumsum(counts) - counts, counts)
    order = order[rank < leave[labels[order]]]
    return Schedule(order, np.full(len(order), LEAVE), rate_of="eligible")


def subsample_group(
    dataset: Dataset,
    items: Labels,
    stream: Stream,
    *,
    column: Any = None,
    value: Any = None,
    group: Any = None,
) -> Schedule:
    """Items of one group leave, in random order: it is represented too little.

    The probe ``group`` is the test items of the group, where there are some.

    Args:
        dataset: a table, or one with groups.
        items: (n,) rows of its training set.
        stream: of random numbers.
        column: of a table.
        value: in this column: its rows are the group; numbers are compared as numbers.
        group: or the number of a group in ``dataset.groups``.

    Raises:
        SpecError: there is no such column, value or group, or all items are of the group.

    >>> from gigo.testing import small_dataset
    >>> shop, stream = small_dataset("table"), Stream(0, 0, "corruption")
    >>> found = subsample_group(shop, np.arange(120), stream, column="colour", value="grey")
    >>> {*shop.x_train["colour"].iloc[found.item]}, len(found.probes["group"][1])
    ({'grey'}, 7)
    """
    if (column is None) == (group is None) or (column is None) != (value is None):
        given = {"column": column, "value": value, "group": group}
        expected = "the column of a table and a value in it, or the number of a group"
        raise SpecError("corruption.subsample_group", given, expected)
    x, y = dataset.tests["test"]
    if column is not None:
        inside = _with_value(dataset.x_train, column, value)
        tested = _with_value(x, column, value, there=False)
    else:
        inside = _of_group(dataset.groups, group)
        of_tests = dataset.test_groups.get("test", np.full(len(y), -1))
        tested = of_tests == group
    if inside.all():
        given = group if column is None else value
        raise SpecError("corruption.subsample_group", given, "a group that not all items are of")
    rows = np.flatnonzero(tested)
    probes = {"group": (take(x, rows), y[rows])} if len(rows) else {}
    return _leaving(inside[items], stream, probes)


def _leaving(
    inside: NDArray[np.bool_],
    stream: Stream,
    probes: Mapping[str, tuple[Inputs, Labels]] | None = None,
) -> Schedule:
    """The items (n,) that are inside leave."""
    order = stream.permutation(len(inside))
    order = order[inside[order]]
    return Schedule(order, np.full(len(order), LEAVE), probes=probes or {}, rate_of="eligible")


def _of_group(groups: Labels | None, group: Any) -> NDArray[np.bool_]:
    field = "corruption.subsample_group.group"
    if groups is None:
        raise SpecError(field, group, "a data set with groups; of a table, a column and a value")
    inside = np.asarray(groups == group) & np.ones(len(groups), np.bool_)
    if not inside.any():
        last = int(groups.max())
        raise SpecError(field, group, f"the number of a group that has items, 0 to {last}")
    return inside


def _with_value(x: Inputs, column: Any, value: Any, there: bool = True) -> NDArray[np.bool_]:
    """(n,) which rows of a table have a value in a column; by default it must be there."""
    field = "corruption.subsample_group"
    names = {str(name): name for name in getattr(x, "columns", ())}
    if str(column) not in names:
        which = f"one of {', '.join(names)}{meant(str(column), names)}" if names else "no column"
        of = "" if names else ": the inputs are no table"
        raise SpecError(f"{field}.column", column, f"{which}{of}")
    cells = x[names[str(column)]]
    found = cells.dropna().unique().tolist()
    same = [each for each in found if _is_same(each, value)]
    if there and not same:
        texts = sorted({str(each) for each in found})
        more = ", ..." if len(texts) > 10 else ""
        expected = f"a value of {column}: {', '.join(texts[:10])}{more}{meant(str(value), texts)}"
        raise SpecError(f"{field}.value", value, expected)
    return np.asarray(cells.isin(same), np.bool_)


def _is_same(cell: Any, value: Any) -> bool:
    """Whether they are written alike or, if both are numbers, equal."""
    if str(cell) == str(value):
        return True
    try:
        return float(cell) == float(value)
    except (TypeError, ValueError):
        return False
