"""scikit-learn's handwritten digits: 1,797 images of 8x8, which need no files and no download."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gigo.datasets.folder import Arrays, Copy, Format
from gigo.rng import Stream
from gigo.types import Labels

N_TEST = 450


def read_digits(_: Sequence[Path]) -> Arrays:
    """From scikit-learn itself: x (n, 1, 8, 8) float32 = value / 16, both parts in file order."""
    from sklearn.datasets import load_digits

    bunch: Any = load_digits()  # pyright: ignore[reportUnknownVariableType]
    x = (bunch.images / 16).astype(np.float32)[:, None]
    y = bunch.target.astype(np.int64)
    test = in_test_set(y)
    return Arrays(x[~test], y[~test], x[test], y[test])


def copy() -> Copy:
    """That of the scikit-learn which is installed."""
    from importlib.metadata import version  # which takes long to import

    return Copy(DIGITS, f"scikit-learn {version('scikit-learn')}")


def in_test_set(y: Labels) -> NDArray[np.bool_]:
    """The one fixed split: (n,) bool, true for the 450 test items.

    The items are put in the order of ``Stream(0, 0, "digits/test").permutation(n)``; the test set
    takes each class's first ones in that order, as many as `shares` gives it.
    """
    order = Stream(0, 0, "digits/test").permutation(len(y))
    mask = np.zeros(len(y), dtype=np.bool_)
    for label, count in enumerate(shares(np.bincount(y), N_TEST)):
        mask[order[y[order] == label][:count]] = True
    return mask


def shares(counts: NDArray[np.int64], total: int) -> NDArray[np.int64]:
    """``total`` (at most their sum) dealt to classes in proportion to their ``counts`` (K,).

    Each class gets the whole part of its quota, and those with the largest remainders one more
    (Hamilton's method), the lower class first where remainders are equal.
    """
    whole, remainder = np.divmod(counts * total, counts.sum())
    most = np.argsort(-remainder, kind="stable")[: total - whole.sum()]
    whole[most] += 1
    return whole


DIGITS = Format((), read_digits)
