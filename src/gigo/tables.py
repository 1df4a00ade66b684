"""Whether a model takes the columns of a table: words, and gaps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from gigo.errors import SpecError
from gigo.types import Dataset

REMEDIES = {
    "words": "model boosting takes words, and so does a pipeline that encodes them",
    "gaps": "model boosting takes gaps, and so does a pipeline that fills them (an imputer)",
}
"""What to do where a model fails at a table that has some."""


class Takes(NamedTuple):
    """What a model takes beside numbers, as far as that is known beforehand."""

    words: bool = True
    gaps: bool = True


def takes(model: Any) -> Takes:
    """What an estimator takes, where it has ``numbers_only`` or is one of scikit-learn's.

    What others take, pipelines among them, is seen when they are fitted.

    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.tree import DecisionTreeClassifier
    >>> takes(LogisticRegression()), takes(DecisionTreeClassifier())
    (Takes(words=False, gaps=False), Takes(words=False, gaps=True))
    """
    from sklearn.base import ClassifierMixin

    if getattr(model, "numbers_only", False):
        return Takes(False, False)
    classifies = isinstance(model, ClassifierMixin)
    if not (classifies and type(model).__module__.startswith("sklearn.")):
        return Takes()
    whole: Any = model
    parts: Mapping[str, Any] = whole.get_params(deep=True)
    tell = getattr(model, "__sklearn_tags__", None)  # since 1.6
    if tell is None or any(hasattr(each, "fit") for each in parts.values()):
        return Takes()
    tags = tell()
    known = tags.input_tags
    words = known.categorical or known.string or "categorical_features" in parts
    return Takes(tags.no_validation or words, tags.no_validation or known.allow_nan)


def check_columns(label: str, taken: Takes, dataset: Dataset) -> None:
    """Raise SpecError where a model can't take the columns of a table.

    Args:
        label: of the model.
        taken: what it takes.
        dataset: a table.
    """
    for kind, is_taken, found in (
        ("words", taken.words, words(dataset)),
        ("gaps", taken.gaps, gaps(dataset)),
    ):
        if found and not is_taken:
            expected = f"a model that takes the {kind} of {dataset.name} ({listed(found)})"
            raise SpecError("model", label, f"{expected}: {REMEDIES[kind]}")


def words(dataset: Dataset) -> list[str]:
    """The columns of a table that are no numbers, as they are to be said."""
    columns: Any = dataset.x_train
    return [f"column {name!r}" for name, kind in columns.dtypes.items() if kind.kind not in "biuf"]


def gaps(dataset: Dataset) -> list[str]:
    """The columns of a table that lack values, with how many, training and test items together."""
    tables: list[Any] = [dataset.x_train, *(x for x, _ in dataset.tests.values())]

    def counted() -> Iterator[str]:
        n, counts = sum(map(len, tables)), [table.isna().sum() for table in tables]
        for name in counts[0].index:
            lacking = sum(int(each[name]) for each in counts)
            if lacking:
                yield f"column {name!r} lacks {lacking:,} of {n:,} values"

    return [*counted()]


def listed(found: Sequence[str]) -> str:
    """The first of many."""
    more = f" and {len(found) - 3:,} more" if len(found) > 3 else ""
    return ", ".join(found[:3]) + more
