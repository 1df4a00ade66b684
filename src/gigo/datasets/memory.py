"""Data that a Python program has: arrays, sparse matrices, frames, texts, pairs of both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gigo.datasets import bunch
from gigo.datasets.build import build
from gigo.datasets.columns import apart, check_column, identifiers
from gigo.datasets.frames import is_frame, to_arrow
from gigo.datasets.pairs import as_array, gives_pairs, read_items, read_pairs
from gigo.datasets.pixels import as_images
from gigo.datasets.table_inputs import take_apart
from gigo.errors import DataError, SpecError
from gigo.inputs import Inputs
from gigo.types import Dataset, Kind

SOURCE = "X and y"
"""Where the data are from, for people and in errors."""


def from_memory(
    X: Any,
    y: Any = None,
    X_test: Any = None,
    y_test: Any = None,
    *,
    groups: Any = None,
    sample_weight: Any = None,
    classes: Sequence[Any] | None = None,
    name: str = "data",
    kind: Kind | None = None,
    test_share: float = 0.2,
    seed: int = 0,
) -> Dataset:
    """A data set of what is in memory.

    Args:
        X: n items, as one of these.

            - NumPy array or tensor: (n, features) are vectors, real numbers as they are and whole
              ones as float64; (n, height, width) and (n, height, width, channels), or with the
              channels second, are images of 1, 3 or 4 channels.
            - SciPy sparse matrix (n, features).
            - Data frame of pandas, polars, Arrow or another library that narwhals reads: read as a
              table in a file is.
            - Sequence of texts, of images of Pillow, or of arrays of one shape.
            - Without ``y``, anything with ``len`` and items by number, each a pair (input, label),
              such as a data set of PyTorch; or what scikit-learn's loaders give. Each item is read
              once: what is drawn at random when it is read stays so.
        y: n labels: names, whole numbers, true and false; or the name of their column in X.
        X_test: items of the test set, as X. None: a share of X is held out once.
        y_test: their labels, as y.
        groups: n values, or the name of their column in X, which then is no input: items of one
            value are not split between training, held-out and test items.
        sample_weight: n numbers above 0, or the name of their column in X, which then is no input:
            how much each item counts in a fit.
        classes: all classes in their order. Default: those of the training set, sorted.
        name: what tables call the data set. Default: data, or what a loader's description says.
        kind: of the items: ``image``, ``table``, ``text`` or ``vector``. Default: by what they are.
            Whole numbers in an array of ``text`` are tokens, and stay whole.
        test_share: of the items to hold out, above 0 and below 1; 0: see `build`.
        seed: of the choice of test items.

    Raises:
        DataError: items and labels don't fit each other, or are of no known form.
        SpecError: an argument is out of range, or names no column.

    >>> import pandas as pd
    >>> jobs = {"age": range(20), "job": ["cook", "judge"] * 10, "happy": [True, False] * 10}
    >>> data = from_memory(pd.DataFrame(jobs), "happy")
    >>> data.kind, data.input_shape, data.classes, data.n_train, data.n_test
    ('table', (2,), ('False', 'True'), 16, 4)
    """
    given = _Weighed(X, X_test, sample_weight, [])
    if isinstance(sample_weight, str):
        given = _weighed(X, X_test, sample_weight)
    if bunch.is_bunch(X) and y is None:
        found = bunch.unpack(X)
        train = _side(found.x, found.labels, groups, kind, SOURCE)
        classes = classes or found.classes
        name = found.name if name == "data" else name
    else:
        train = _side(given.x, y, groups, kind, SOURCE)
    test = _Side(None, None, None, [])
    if X_test is not None:
        of_test = y if y_test is None and isinstance(y, str) else y_test
        test = _tested(given.x_test, of_test, groups, kind, train.x)
    elif y_test is not None:
        raise DataError(f"{SOURCE}: y_test without X_test: expected both, or neither")
    return build(
        name,
        SOURCE,
        train.x,
        train.labels,
        x_test=test.x,
        labels_test=test.labels,
        kind=kind,
        classes=classes,
        groups=train.groups,
        groups_test=test.groups,
        weights=given.weights,
        test_share=test_share,
        seed=seed,
        notes=[*given.notes, *train.notes],
    )


class _Side(NamedTuple):
    """Inputs, labels and groups of the training or the test set, and notes."""

    x: Inputs
    labels: Any
    groups: Any
    notes: list[str]


class _Weighed(NamedTuple):
    """Frames without a column of weights, its values for training items, and notes."""

    x: Any
    x_test: Any
    weights: Any
    notes: list[str]


def _weighed(x: Any, x_test: Any, name: str) -> _Weighed:
    """Take the column of weights out of two frames; the test set need not have it."""
    if not is_frame(x):
        expected = "values, one per item: X is no data frame, whose column it could name"
        raise SpecError("sample_weight", name, expected)
    table, notes = to_arrow(x, SOURCE)
    table, weights = apart("sample_weight", name, table, "X")
    if is_frame(x_test):
        x_test, _ = to_arrow(x_test, f"{SOURCE} of the test set")
        x_test = x_test.select([each for each in x_test.column_names if each != name])
    return _Weighed(table, x_test, weights, notes)


def _tested(x: Any, y: Any, groups: Any, kind: Kind | None, like: Inputs) -> _Side:
    """The test set, which may have the column of groups; ``like``: the training set's inputs."""
    place = f"{SOURCE} of the test set"
    if not is_frame(x):
        return _side(x, y, None, kind, place)
    table, notes = to_arrow(x, place)
    group = groups if isinstance(groups, str) and groups in table.column_names else None
    found = _from_table(table, y, group, kind, place, like)
    return found._replace(notes=[*notes, *found.notes])


def _side(x: Any, y: Any, groups: Any, kind: Kind | None, place: str) -> _Side:
    """What was given, in the forms of `gigo.inputs`."""
    if is_frame(x):
        table, said = to_arrow(x, place)
        found = _from_table(table, y, groups, kind, place, None)
        return found._replace(notes=[*said, *found.notes])
    for field, value in (("y", y), ("groups", groups)):
        if isinstance(value, str):
            expected = "values, one per item: X is no data frame, whose column it could name"
            raise SpecError(field, value, expected)
    if y is None and gives_pairs(x):
        x, y = read_pairs(x, place)
    _check_labelled(y, place)
    found, notes = as_inputs(x, kind, place)
    return _Side(found, y, groups, notes)


def _from_table(
    table: Any, y: Any, groups: Any, kind: Kind | None, place: str, like: Inputs | None
) -> _Side:
    names = table.column_names
    label = check_column("y", y, names, "X") if isinstance(y, str) else None
    group = check_column("groups", groups, names, "X") if isinstance(groups, str) else None
    _check_labelled(y, place)
    parts = take_apart(table, label, group, kind, place, like)
    inputs = parts.x if hasattr(parts.x, "iloc") and like is None else ()
    own_per_row = identifiers(table.select([*inputs])).values()
    return _Side(
        parts.x,
        y if label is None else parts.labels,
        groups if group is None else parts.groups,
        [*parts.notes, *(f"{said}: leave it out of X, if it is no input" for said in own_per_row)],
    )


def _check_labelled(y: Any, place: str) -> None:
    if y is None:
        expected = "expected a label per item, or the name of their column"
        raise DataError(f"{place}: items without labels: {expected}")


def as_inputs(x: Any, kind: Kind | None, place: str) -> tuple[Inputs, list[str]]:
    """Inputs that are no frame in the forms of `gigo.inputs`, and what is to be said of them.

    Args:
        x: n items; see `from_memory`.
        kind: likewise.
        place: where they are from, for errors.

    Raises:
        DataError: they are of no known form.
        SpecError: they can't be of this kind.

    >>> as_inputs(np.array([[1, 2], [3, 4]]), None, "X.npy")[0].dtype.name
    'float64'
    """
    if hasattr(x, "tocsr"):
        return x, []
    if isinstance(x, str | bytes | Mapping) or not hasattr(x, "__len__"):
        expected = "arrays, a data frame, a sparse matrix, texts, or pairs by number"
        raise DataError(f"{place}: X is a {type(x).__name__}: expected {expected}")
    if not isinstance(x, list | tuple):
        x = as_array(x)
        if x.dtype.kind in "OUST" and x.ndim == 1:
            x = x.tolist()
    if isinstance(x, list | tuple):
        x = read_items(x, place)
    return (x, []) if isinstance(x, list) else _array(x, kind, place)


def _array(x: NDArray[Any], kind: Kind | None, place: str) -> tuple[Inputs, list[str]]:
    """An array of numbers, as images, vectors or signals."""
    if x.dtype.kind == "O" and x.ndim == 2:
        return _objects(x, kind, place)
    if x.dtype.kind not in "biuf":
        raise DataError(f"{place}: an array of type {x.dtype}: expected numbers, or texts")
    if x.ndim < 2:
        expected = "(n, features), or X.reshape(-1, 1) where each number is an item"
        raise DataError(f"{place}: an array of shape {x.shape}: expected {expected}")
    if x.dtype.kind == "f" and x.dtype.itemsize not in (4, 8):
        x = x.astype(np.float32 if x.dtype.itemsize < 4 else np.float64)
    if kind == "image" or (kind is None and x.ndim in (3, 4)):
        if x.ndim not in (3, 4):
            expected = "vector, or none: images are (n, height, width) or have an axis of channels"
            raise SpecError("kind", kind, expected)
        return as_images(x, place, known=kind == "image")
    if x.dtype.kind in "biu":
        x = x.astype(np.int64 if kind == "text" else np.float64)
    return x, []


def _objects(x: NDArray[Any], kind: Kind | None, place: str) -> tuple[Inputs, list[str]]:
    """An array of objects (n, columns): a table, or vectors where all are numbers."""
    import pandas as pd

    columns = pd.Index([str(k) for k in range(x.shape[1])])
    table, notes = to_arrow(pd.DataFrame(x, columns=columns).infer_objects(), place)
    parts = take_apart(table, None, None, kind, place)
    return parts.x, [*notes, *parts.notes]
