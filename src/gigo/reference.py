"""What a plain model makes of the items that are trained on, for corruptions that depend on it."""

from __future__ import annotations

import hashlib
import os
import tempfile
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gigo import cache, softmax
from gigo.columns import Columns
from gigo.inputs import Inputs, count, take
from gigo.machine import one_thread
from gigo.rng import Stream
from gigo.types import Dataset, Labels

VERSION = 1
"""Of what is made here: another one makes it anew."""

FOLDS = 5
MOST_WORDS = 20_000
"""Of texts, the most frequent ones."""

COMPONENTS = 64
"""Principal axes that the model sees, at most."""

STRENGTH = 0.01
"""Of the model's penalty (`gigo.softmax.path`), where the components' mean square is 1."""


class Reference:
    """Vectors and out-of-fold probabilities of items, made when they are asked for.

    Args:
        dataset: as the corruption finds it.
        items: (n,) positions in its rows; nothing else of the data set is looked at.
        stream: draws the folds.
        name: of all that these depend on; it names their file in gigo's cache.

    >>> from gigo.datasets import load
    >>> digits, items = load("digits"), np.arange(200)
    >>> reference = Reference(digits, items, Stream(0, 0, "reference"), "the first 200 digits")
    >>> reference.vectors.shape, reference.probabilities.shape
    ((200, 64), (200, 10))
    """

    def __init__(self, dataset: Dataset, items: Labels, stream: Stream, name: str) -> None:
        self._dataset, self._items = dataset, items
        self._stream, self._name = stream, name

    @cached_property
    def vectors(self) -> Any:
        """(n, d) float32 array, or ``scipy.sparse.csr_array``, whatever the inputs are.

        Images and signals are flattened, from 0 to 1 where they are ``uint8``; vectors are as they
        are. Texts are TF-IDF of their words. Of a table, categories are one-hot, and numbers and
        the TF-IDF of texts standardised, gaps filled by the median.
        """
        x: Inputs = take(self._dataset.x_train, self._items)
        if isinstance(x, list):
            return _words(x)
        if hasattr(x, "iloc"):
            return _table(x)
        if not isinstance(x, np.ndarray):
            return x.astype(np.float32)
        rows = x.reshape(len(x), -1).astype(np.float32)
        return rows / 255 if x.dtype == np.uint8 else rows

    @cached_property
    def probabilities(self) -> NDArray[np.float64]:
        """(n, K) of the classes, by models that were fitted to the other folds.

        They are multinomial logistic regressions on the principal components of the vectors. What
        a fold's model has not seen has probability 0; a lone item has the same for all classes.
        """
        shape = len(self._items), self._dataset.n_classes
        name = f"{VERSION} {shape} {self._name}"
        file = cache.home("references") / f"{hashlib.sha256(name.encode()).hexdigest()}.npy"
        with suppress(OSError, ValueError, EOFError):  # it is not there, or not whole
            found: NDArray[np.float64] = np.load(file)
            if found.shape == shape:
                return found
        with one_thread():
            made = self._made()
        with suppress(OSError):  # then it is made again next time
            _keep(file, made)
        return made

    def _made(self) -> NDArray[np.float64]:
        y, k = self._dataset.y_train[self._items], self._dataset.n_classes
        if len(y) < 2:
            return np.full((len(y), k), 1 / k)
        x = _components(self.vectors, self._stream.child("axes").seed() % 2**32)
        folds, made = _folds(y, self._stream), np.zeros((len(y), k))
        for fold in range(folds.max() + 1):
            out = folds == fold
            classes, codes = np.unique(y[~out], return_inverse=True)
            ((weights, bias),) = softmax.path(x[~out], codes, len(classes), [STRENGTH])
            scores = x[out] @ weights + bias
            odds = np.exp(scores - scores.max(axis=1, keepdims=True))
            made[np.ix_(out, classes)] = odds / odds.sum(axis=1, keepdims=True)
        return made


def _folds(y: Labels, stream: Stream) -> NDArray[np.int64]:
    """(n,) the number of each item's fold: classes are dealt out one after the other."""
    order = stream.permutation(len(y))
    order = order[np.argsort(y[order], kind="stable")]
    folds = np.empty(len(y), np.int64)
    folds[order] = np.arange(len(y)) % min(FOLDS, len(y))
    return folds


def _components(x: Any, seed: int) -> NDArray[np.float64]:
    """(n, c) principal components of rows whose columns have no unit, scaled to mean square 1."""
    from sklearn.utils.extmath import randomized_svd

    if isinstance(x, np.ndarray):
        x = _standardised(x)
    if min(x.shape) > COMPONENTS:
        left, values, _ = randomized_svd(x, COMPONENTS, random_state=seed)
        x = left * values
    elif not isinstance(x, np.ndarray):
        x = x.toarray()
    found = np.asarray(x, np.float64)
    found = found - found.mean(axis=0)
    return found / (np.sqrt(np.square(found).mean()) or 1)


def _standardised(x: NDArray[np.floating]) -> NDArray[np.floating]:
    """Columns of mean 0 and standard deviation 1; of 0 where all is the same."""
    centred = x - x.mean(axis=0, dtype=np.float64).astype(x.dtype)
    spread = centred.std(axis=0, dtype=np.float64)
    centred /= np.where(spread > 1e-6, spread, np.inf).astype(x.dtype)
    return centred


def _words(texts: list[str]) -> Any:
    """(n, words) ``csr_array`` of TF-IDF."""
    from scipy.sparse import csr_array
    from sklearn.feature_extraction.text import TfidfVectorizer

    words = TfidfVectorizer(sublinear_tf=True, max_features=MOST_WORDS)
    with suppress(ValueError):  # there is no word
        return csr_array(words.fit_transform(texts)).astype(np.float32)
    return csr_array((count(texts), 1), dtype=np.float32)


def _table(x: Inputs) -> NDArray[np.float32]:
    """(n, d) numbers."""
    import pandas as pd

    parts: list[NDArray[np.float32]] = []
    for _, column in Columns().fit_transform(x).items():
        if column.dtype == "category":
            parts.append(pd.get_dummies(column).to_numpy(np.float32))
            continue
        values = column.to_numpy(np.float64)
        gaps = np.isnan(values)
        filled = np.where(gaps, 0.0 if gaps.all() else np.median(values[~gaps]), values)
        parts.append(_standardised(filled[:, None]).astype(np.float32))
    return np.concatenate(parts or [np.zeros((count(x), 1), np.float32)], axis=1)


def _keep(file: Path, made: NDArray[np.float64]) -> None:
    """Write it in whole or not at all; raises OSError."""
    file.parent.mkdir(parents=True, exist_ok=True)
    handle, unfinished = tempfile.mkstemp(dir=file.parent, suffix=".unfinished")
    try:
        with os.fdopen(handle, "wb") as out:
            np.save(out, made)
        os.replace(unfinished, file)
    finally:
        Path(unfinished).unlink(missing_ok=True)
