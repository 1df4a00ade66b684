"""The test set that is held out once, where the user gives none; and items on both sides."""

from __future__ import annotations

import hashlib
from collections.abc import Hashable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gigo.errors import DataError, SpecError
from gigo.inputs import Inputs
from gigo.rng import Stream, grouped, stratified
from gigo.types import Labels


def held_out(
    codes: Labels, groups: Labels | None, share: float, seed: int, place: str
) -> NDArray[np.bool_]:
    """Which items are the test set, (n,) bool.

    Each class gives its share. Items of one group are on one side, as near to that as whole
    groups get. Each class keeps training items.

    Args:
        codes: (n,) int64 labels.
        groups: (n,) int64, or None: every item is its own.
        share: of the items that is held out, above 0 and below 1.
        seed: of the choice.
        place: where the items are from, for errors.

    Raises:
        SpecError: the share gives no test items, or takes all of a class.
        DataError: there is one group alone, or each has a class of its own.

    >>> held_out(np.array([0, 0, 0, 0, 1, 1, 1, 1]), None, 0.25, 0, "mail.csv").tolist()
    [True, False, False, False, False, False, True, False]
    """
    if not 0 < share < 1:
        raise SpecError("test_share", share, "a number above 0 and below 1")
    stream = Stream(seed, 0, "test")
    if groups is None:
        chosen = stratified(codes, share, stream)
    elif groups.min() == groups.max():
        raise DataError(f"{place}: all items are of one group: expected two groups or more")
    else:
        chosen = grouped(codes, groups, share, stream)
    mask = np.zeros(len(codes), np.bool_)
    mask[chosen] = True
    if not mask.any():
        raise SpecError("test_share", share, f"more: of {len(codes)} items it holds out none")
    if len(np.unique(codes[~mask])) < len(np.unique(codes)):
        if groups is not None:
            raise DataError(
                f"{place}: each group has a class that no other group has: expected every class "
                "in two groups or more (or a test set of your own)"
            )
        raise SpecError("test_share", share, "less: it holds out all items of a class")
    return mask


def copies(x_train: Inputs, x_test: Inputs) -> int:
    """How many test items are also in the training set, whatever their labels.

    >>> copies(["a", "b", "c"], ["c", "d", "c"])
    2
    """
    seen = {*_contents(x_train)}
    return sum(content in seen for content in _contents(x_test))


def _contents(x: Any) -> Iterator[Hashable]:
    """What tells an item from others: texts themselves, else a hash of 64 bits."""
    if isinstance(x, list):
        yield from x
    elif hasattr(x, "iloc"):
        import pandas.util

        hashed: Any = pandas.util.hash_pandas_object  # pyright sees an object
        yield from hashed(x, index=False).tolist()
    elif isinstance(x, np.ndarray):
        for row in x:
            yield _short(np.ascontiguousarray(row).data)
    else:
        for start, stop in zip(x.indptr[:-1].tolist(), x.indptr[1:].tolist(), strict=True):
            columns = x.indices[start:stop].astype(np.int64)
            yield _short(columns.tobytes() + x.data[start:stop].tobytes())


def _short(content: Any) -> bytes:
    return hashlib.blake2b(content, digest_size=8).digest()
