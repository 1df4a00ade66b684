"""Inputs of none of the classes under labels that stay: open-set noise."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import numpy as np

from gigo.errors import SpecError
from gigo.inputs import Inputs, joined, shape, take
from gigo.rng import Stream
from gigo.schedule import KEEP, NO_CLASS, Schedule
from gigo.types import Dataset, Labels, Watch, silent

DRAWN = 2**20
"""Numbers that are drawn at a time."""


def open_set(
    dataset: Dataset,
    items: Labels,
    stream: Stream,
    *,
    source: str | Callable[[Watch], Dataset] = "noise",
) -> Schedule:
    """Inputs of none of the classes take the place of others, whose labels stay.

    Open-set noise (Wang et al. 2018, "Iterative learning with open-set noisy labels").

    Args:
        dataset: any.
        items: (n,) rows of its training set.
        stream: of random numbers.
        source: ``noise``, see `noise`; or what loads another data set, whose training inputs are
            taken in random order, each once. A study names it as it names any data set.

    Raises:
        SpecError: the other data set is the same one, or its inputs are of another form.

    >>> from gigo.testing import small_dataset
    >>> texts = small_dataset("text")
    >>> schedule = open_set(texts, np.arange(120), Stream(0, 0, "corruption"))
    >>> schedule.extra(2)
    ['two four four three one six', 'one one six two two six']
    """
    order = stream.permutation(len(items))
    if callable(source):
        other = source(silent)
        _check(dataset, other)
        theirs = stream.child("inputs").permutation(other.n_train)
        order = order[: len(theirs)]
    elif source != "noise":
        raise SpecError("corruption.open_set.source", source, "noise, or what loads a data set")
    else:
        other, theirs = None, order

    def extra(k: int) -> Inputs:
        if other is not None:
            return take(other.x_train, theirs[:k])
        return noise(dataset.x_train, items, items[order[:k]], stream.child("noise"))

    m = len(order)
    return Schedule(order, np.full(m, KEEP), true=np.full(m, NO_CLASS), extra=extra)


def _check(dataset: Dataset, other: Dataset) -> None:
    """Raise SpecError unless the inputs of another data set can be among those of the first."""
    field = "corruption.open_set.source"
    if other.sha256 == dataset.sha256:
        raise SpecError(field, other.name, "another data set than the one that is trained on")
    want, found = (_form(each.kind, each.x_train) for each in (dataset, other))
    if want != found:
        expected = f"inputs as those of {dataset.name}: {want}, not {found}"
        raise SpecError(field, other.name, expected)


def _form(kind: str, x: Inputs) -> str:
    """What inputs must have in common with others to be among them."""
    if isinstance(x, list):
        return "texts"
    if hasattr(x, "iloc"):
        kinds = {name: "numbers" if c.dtype.kind in "biuf" else "words" for name, c in x.items()}
        return f"a table of {', '.join(f'{name} ({kind})' for name, kind in kinds.items())}"
    sparse = "" if isinstance(x, np.ndarray) else "sparse "
    return f"{kind} of {'x'.join(map(str, shape(x)))} {sparse}{x.dtype.name}"


def noise(x: Inputs, items: Labels, edited: Labels, stream: Stream) -> Inputs:
    """Inputs (k, ...) with nothing of a class but the distribution of each value.

    Every value, a pixel or a column, is drawn for itself from the same place of the items, so that
    each has the distribution that it had and nothing of what went together is left. Texts have as
    many words as those in whose place they come, drawn from all words of the items.

    Args:
        x: inputs.
        items: (n,) rows that values are drawn from.
        edited: (k,) rows in whose place they come.
        stream: of random numbers; each input takes the next ones, so that fewer are the first.

    >>> x, stream = np.array([[0, 10, 20], [1, 11, 21], [2, 12, 22]]), Stream(0, 0, "noise")
    >>> noise(x, np.arange(3), np.arange(2), stream)
    array([[ 2, 12, 21],
           [ 2, 10, 20]])
    """
    if isinstance(x, list):
        return _texts(x, items, edited, stream)
    if hasattr(x, "iloc"):
        return _table(x, items, len(edited), stream)
    make = _array if isinstance(x, np.ndarray) else _sparse
    return make(x, items, len(edited), stream)


def _drawn(k: int, size: int, n: int, stream: Stream) -> Iterator[Labels]:
    """(k, size) numbers below n, some rows at a time, at least one time."""
    step = max(DRAWN // max(size, 1), 1)
    for start in range(0, max(k, 1), step):
        rows = min(step, k - start)
        yield stream.integers(rows * size, n).reshape(rows, size)


def _array(x: Any, items: Labels, k: int, stream: Stream) -> Inputs:
    of_one = shape(x)
    size = math.prod(of_one)
    places = np.unravel_index(np.arange(size), of_one)
    found, done = np.empty((k, size), x.dtype), 0
    for rows in _drawn(k, size, len(items), stream):
        found[done : done + len(rows)] = x[(items[rows], *places)]
        done += len(rows)
    return found.reshape(k, *of_one)


def _sparse(x: Any, items: Labels, k: int, stream: Stream) -> Inputs:
    """Of the n items the first ones stand for those that have a number in a column, as many."""
    from scipy.sparse import csr_array

    columns: Any = csr_array(x[items]).tocsc()
    numbers = np.diff(columns.indptr)
    used = np.flatnonzero(numbers)
    parts: list[Any] = []
    for rows in _drawn(k, len(used), len(items), stream):
        row, at = np.nonzero(rows < numbers[used])
        place = columns.indptr[used[at]] + rows[row, at]
        found = columns.data[place], (row, used[at])
        parts.append(csr_array(found, shape=(len(rows), x.shape[1]), dtype=x.dtype))
    return joined(parts)


def _table(x: Any, items: Labels, k: int, stream: Stream) -> Inputs:
    import pandas as pd

    rows = items[np.concatenate([*_drawn(k, x.shape[1], len(items), stream)])]
    cells = zip(x.items(), rows.T, strict=True)
    columns = {name: c.iloc[these].reset_index(drop=True) for (name, c), these in cells}
    return pd.DataFrame(columns)


def _texts(x: list[str], items: Labels, edited: Labels, stream: Stream) -> list[str]:
    words = [word for text in take(x, items) for word in text.split()]
    lengths = [len(text.split()) for text in take(x, edited)]
    drawn = stream.integers(sum(lengths), max(len(words), 1))
    found = [words[place] for place in drawn.tolist()]
    ends = np.cumsum([0, *lengths]).tolist()
    return [" ".join(found[a:b]) for a, b in pairwise(ends)]
