"""Items one by one: sequences of texts, images and arrays; data sets that give pairs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gigo.errors import DataError
from gigo.inputs import Inputs


def gives_pairs(thing: Any) -> bool:
    """Whether it has a length and items by number, and is no array, list, text or mapping.

    >>> gives_pairs([1]), gives_pairs(np.zeros(3))
    (False, False)
    """
    known = isinstance(thing, list | tuple | str | bytes | dict | np.ndarray)
    indexed = hasattr(thing, "__len__") and hasattr(thing, "__getitem__")
    return indexed and not known and not hasattr(thing, "__array__") and not hasattr(thing, "shape")


def read_pairs(thing: Any, place: str) -> tuple[Inputs, list[Any]]:
    """Inputs and labels of what gives a pair (input, label) by number; each is read once.

    Raises:
        DataError: an item is no pair, or inputs differ in kind or shape.

    >>> class Squares:
    ...     def __len__(self):
    ...         return 3
    ...     def __getitem__(self, k):
    ...         return np.full((2, 2), k), k * k
    >>> x, labels = read_pairs(Squares(), "X")
    >>> x.shape, labels
    ((3, 2, 2), [0, 1, 4])
    """
    stacked = _Stacked(len(thing), place)
    labels: list[Any] = []
    for k in range(len(thing)):
        pair = thing[k]
        if not (isinstance(pair, tuple | list) and len(pair) == 2):
            expected = "expected a pair, (input, label)"
            raise DataError(f"{place}: item {k} is a {type(pair).__name__}: {expected}")
        x, label = pair
        stacked.add(k, x)
        labels.append(label)
    return stacked.inputs, labels


def read_items(items: Sequence[Any], place: str) -> Inputs:
    """Items of a sequence, as texts or as one array.

    Raises:
        DataError: they differ in kind or shape, or are of no known kind.

    >>> read_items(["a", "b"], "X"), read_items([(1, 2), (3, 4)], "X").shape
    (['a', 'b'], (2, 2))
    """
    stacked = _Stacked(len(items), place)
    for k, item in enumerate(items):
        stacked.add(k, item)
    return stacked.inputs


class _Stacked:
    """n items, put into one array as they come; or texts."""

    def __init__(self, n: int, place: str) -> None:
        self._n, self._place = n, place
        self.inputs: Inputs = np.empty((0, 0))

    def add(self, k: int, item: Any) -> None:
        """Take item k, the next one."""
        if isinstance(item, str):
            self._check(k, isinstance(self.inputs, list) or k == 0, "a text")
            self.inputs = self.inputs if k else []
            self.inputs.append(item)
            return
        values = as_array(item)
        shown = _shown(item, values)
        self._check(k, values.dtype.kind in "biuf" and values.ndim > 0, shown)
        if k == 0:
            self.inputs = np.empty((self._n, *values.shape), values.dtype)
        fits = isinstance(self.inputs, np.ndarray) and self.inputs.shape[1:] == values.shape
        self._check(k, fits, shown)
        wider = np.promote_types(self.inputs.dtype, values.dtype)
        if wider != self.inputs.dtype:
            self.inputs = self.inputs.astype(wider)
        self.inputs[k] = values

    def _check(self, k: int, fits: bool, shown: str) -> None:
        if not fits:
            expected = "expected texts, images of Pillow or arrays of numbers, all of one shape"
            raise DataError(f"{self._place}: item {k} is {shown}: {expected}")


def as_array(item: Any) -> NDArray[Any]:
    """An image of Pillow (height, width) or (height, width, channels), a tensor, a list."""
    if hasattr(item, "convert") and hasattr(item, "mode"):
        if item.mode not in ("L", "RGB", "RGBA", "I;16", "F"):
            item = item.convert("L" if item.mode == "1" else "RGB")
        return np.asarray(item)
    if hasattr(item, "detach"):
        return item.detach().cpu().numpy()
    try:
        return np.asarray(item)
    except ValueError:  # lists of several lengths
        return np.empty((), object)


def _shown(item: Any, values: NDArray[Any]) -> str:
    if item is None or (values.ndim == 0 and item != item):
        return "missing"
    return f"of shape {values.shape}" if values.ndim else f"a {type(item).__name__}"
