"""Models that can not take the columns of a table: a line says so, before training if it can."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import gigo
from gigo.datasets import from_memory
from gigo.errors import SpecError
from gigo.resolve import resolve
from gigo.study import Study
from gigo.tables import Takes, takes

N = 40
NUMBERS = pd.DataFrame(np.random.default_rng(0).normal(size=(N, 2)), columns=["a", "b"])
GAPS = NUMBERS.mask(np.arange(N)[:, None] < np.array([4, 0]))
WORDS = NUMBERS.assign(job=np.array(["cook", "judge", "poet"])[np.arange(N) % 3])
Y = np.arange(N) % 2


def refused(frame: Any, model: Any) -> str:
    """What is said of a model before training; nothing where it is taken."""
    dataset = from_memory(frame, Y, name="shop")
    try:
        resolve(Study.create(dataset=dataset, model=model))
    except SpecError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("model", ["logistic", "mlp", LogisticRegression()])
def test_columns_that_a_model_can_not_take_are_named_before_training(model: Any) -> None:
    said = refused(GAPS, model)
    assert "takes the gaps of shop (column 'a' lacks 4 of 40 values): model boosting" in said
    assert "column '0' lacks 4 of 40 values" in refused(GAPS.to_numpy(), model)
    said = refused(WORDS, model)
    assert "takes the words of shop (column 'job'): model boosting takes words, and so" in said


def test_models_that_take_them_are_not_refused() -> None:
    forest, scaled = RandomForestClassifier(), make_pipeline(StandardScaler(), LogisticRegression())
    assert not refused(GAPS, forest) and refused(WORDS, forest)
    for model in ("boosting", "forest", "knn", HistGradientBoostingClassifier(), DummyClassifier()):
        assert not refused(GAPS, model) and not refused(WORDS, model)
    assert takes(scaled) == takes(GridSearchCV(scaled, {})) == Takes()  # nobody knows beforehand
    assert not refused(NUMBERS, LogisticRegression())


@pytest.mark.parametrize(
    ("frame", "words"), [(GAPS, "an imputer"), (WORDS, "a pipeline that encodes them")]
)
def test_what_fails_in_training_says_what_to_do(
    frame: pd.DataFrame, words: str, tmp_path: Path
) -> None:
    model = make_pipeline(StandardScaler(), LogisticRegression())
    result = gigo.sweep(frame, Y, model=model, rates=0, replicates=1, workers=1, out=tmp_path)
    assert result.failure is not None
    assert "model boosting takes" in result.failure and words in result.failure


def test_an_argument_that_is_misspelt_is_told_from_all_of_them() -> None:
    with pytest.raises(SpecError, match=r"argument = 'x_test': .*\(did you mean 'X_test'\?\)"):
        gigo.sweep(NUMBERS, Y, x_test=NUMBERS)
    with pytest.raises(SpecError, match=r"argument = 'ratse': .*\(did you mean 'rates'\?\)"):
        gigo.sweep(NUMBERS, Y, ratse=[0])
