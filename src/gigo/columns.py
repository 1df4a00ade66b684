"""Tables as models take them: numbers as they are, categories told apart, texts as numbers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.preprocessing import OrdinalEncoder

from gigo.inputs import Inputs

if TYPE_CHECKING:
    import pandas as pd

MOST = 255
"""Categories of one column that scikit-learn's gradient boosting takes."""


class Columns(TransformerMixin, BaseEstimator):
    """The columns of a data frame as numbers and categories; other inputs as they are.

    Categories become whole numbers, of type ``category``: a column of more than 255 keeps the 254
    most frequent ones, and all others are one. What is missing, or was not there in training, is
    missing. A column of texts becomes TF-IDF of its most frequent words, a column each.

    Args:
        words: of each column of texts, at most.
        codes: whether numbers of categories are to be plain numbers.

    >>> import pandas as pd
    >>> table = pd.DataFrame({"age": [31.0, None], "job": pd.Categorical(["cook", "judge"])})
    >>> Columns(codes=True).fit_transform(table).to_numpy()
    array([[31.,  0.],
           [nan,  1.]])
    """

    def __init__(self, words: int = 100, codes: bool = False) -> None:
        self.words, self.codes = words, codes

    def fit(self, x: Inputs, y: Any = None) -> Self:
        self.encoders_: dict[int, Any] = {}
        for i, column in _columns(x):
            if column.dtype == "category":
                self.encoders_[i] = OrdinalEncoder(
                    max_categories=MOST,
                    handle_unknown="use_encoded_value",
                    unknown_value=np.nan,
                    encoded_missing_value=np.nan,
                ).fit(_objects(column))
            elif not _is_number(column):
                words = TfidfVectorizer(max_features=self.words, sublinear_tf=True)
                with suppress(ValueError):  # where there is no word, there is no column of one
                    self.encoders_[i] = words.fit(_texts(column))
        return self

    def transform(self, x: Inputs) -> Inputs:
        import pandas as pd

        if not _is_table(x):
            return x
        columns: dict[str, Any] = {}
        for i, column in _columns(x):
            encoder, name = self.encoders_.get(i), f"{i} {column.name}"
            if isinstance(encoder, OrdinalEncoder):
                codes = encoder.transform(_objects(column))[:, 0]
                columns[name] = codes if self.codes else pd.Categorical(codes)
            elif encoder is not None:
                words = encoder.transform(_texts(column)).toarray()
                columns |= {f"{name} {k}": values for k, values in enumerate(words.T)}
            elif _is_number(column):
                columns[name] = column.to_numpy(np.float64)
        return pd.DataFrame(columns)


def _columns(x: Inputs) -> Iterator[tuple[int, pd.Series]]:
    """The columns of a table by their places; of other inputs none."""
    return enumerate(column for _, column in x.items()) if _is_table(x) else iter(())


def _is_table(x: Inputs) -> bool:
    return hasattr(x, "iloc")


def _is_number(column: pd.Series) -> bool:
    return column.dtype.kind in "biuf" and column.dtype != "category"


def _objects(column: pd.Series) -> Any:
    """(n, 1) texts as objects, missing ones as NaN."""
    return column.astype(str).astype(object).where(column.notna(), np.nan).to_numpy()[:, None]


def _texts(column: pd.Series) -> list[str]:
    """Texts, missing ones empty."""
    return column.astype(object).where(column.notna(), "").astype(str).tolist()
