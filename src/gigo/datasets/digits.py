"""scikit-learn's handwritten digits: 1,797 images of 8x8, which need no files and no download."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gigo.datasets.folder import Arrays, Copy, Format
from gigo.rng import Stream, stratified
from gigo.types import Labels

N_TEST = 450


def read_digits(_: Sequence[Path]) -> Arrays:
    """From scikit-learn itself: x (n, 1, 8, 8) float32 = value / 16, both parts in file order."""
    from sklearn.datasets import load_digits

    bunch: Any = load_digits()  # pyright: ignore[reportUnknownVariableType] - it has no types
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

    Each class gives its share, see `gigo.rng.stratified`.
    """
    mask = np.zeros(len(y), dtype=np.bool_)
    mask[stratified(y, N_TEST / len(y), Stream(0, 0, "digits/test"))] = True
    return mask


DIGITS = Format((), read_digits)
