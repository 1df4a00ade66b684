"""Estimators of scikit-learn, ready for what people have: tables with gaps, texts."""

from __future__ import annotations

from typing import Any


def boosting() -> Any:
    """Gradient boosted trees that take categories and missing values as they are.

    scikit-learn's ``HistGradientBoostingClassifier`` at its defaults; ``category`` columns of a
    data frame are categories.
    """
    from sklearn.ensemble import HistGradientBoostingClassifier

    return HistGradientBoostingClassifier(categorical_features="from_dtype")


def tfidf(max_features: int = 100_000, C: float = 10.0) -> Any:
    """Logistic regression on TF-IDF of words and of pairs of them."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    words = TfidfVectorizer(sublinear_tf=True, ngram_range=(1, 2), max_features=max_features)
    return make_pipeline(words, LogisticRegression(C=C, max_iter=1000))
