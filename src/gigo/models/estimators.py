"""Estimators of scikit-learn, ready for what people have: tables with gaps, texts, vectors."""

from __future__ import annotations

from typing import Any


def boosting(max_iter: int = 100, learning_rate: float = 0.1, words: int = 100) -> Any:
    """Gradient boosted trees, for tables with numbers, categories, texts and gaps.

    scikit-learn's ``HistGradientBoostingClassifier``, which takes categories and missing values as
    they are. It trains all its rounds whatever the number of items, so that sizes compare: by
    default it would set items aside and stop early above 10,000 of them.

    Args:
        max_iter: rounds of boosting.
        learning_rate: of a round.
        words: columns that a column of texts becomes, see `gigo.columns`.
    """
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.pipeline import make_pipeline

    from gigo.columns import Columns

    kind: Any = HistGradientBoostingClassifier
    trees = kind(
        max_iter=max_iter,
        learning_rate=learning_rate,
        categorical_features="from_dtype",
        early_stopping=False,
    )
    return make_pipeline(Columns(words=words), trees)


def forest(n_estimators: int = 100, min_samples_leaf: int = 1, words: int = 100) -> Any:
    """A random forest, for the tables that `boosting` takes, and vectors; categories as numbers."""
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.pipeline import make_pipeline

    from gigo.columns import Columns

    trees = RandomForestClassifier(n_estimators=n_estimators, min_samples_leaf=min_samples_leaf)
    return make_pipeline(Columns(words=words), trees)


def knn(n_neighbors: int = 5) -> Any:
    """The vote of the nearest neighbours, found once per training set for all its labels.

    As scikit-learn's ``KNeighborsClassifier``. Columns of a table are standardised first, missing
    numbers are taken to be the mean, categories count as far apart as their numbers are.
    """
    from gigo.models.once import Neighbours, Once, Votes

    return Once(Neighbours(n_neighbors), Votes())


def tfidf(max_features: int = 100_000, C: float = 10.0) -> Any:
    """Logistic regression on TF-IDF of words and of pairs of them, which is made once per set."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression

    from gigo.models.once import Once

    words = TfidfVectorizer(sublinear_tf=True, ngram_range=(1, 2), max_features=max_features)
    return Once(words, LogisticRegression(C=C, max_iter=1000))
