"""Weights of training items: who gets them, and who is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator
from sklearn.gaussian_process import GaussianProcessClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

import gigo
from gigo.datasets import from_memory, from_path
from gigo.errors import DataError, SpecError
from gigo.estimators import Fitting, fit_all
from gigo.records import Record
from gigo.resolve import resolve
from gigo.study import Study
from gigo.types import Dataset

RNG = np.random.default_rng(0)
Y = np.arange(80) % 2
X = RNG.normal(size=(80, 3)) + Y[:, None]
WEIGHTS = RNG.integers(1, 5, size=80)
TEST = RNG.normal(size=(400, 3)) + 0.5, np.arange(400) % 2
EXACT = LogisticRegression(C=0.1, tol=1e-10, max_iter=10_000)


def records(dataset: Dataset, model: Any, **fields: Any) -> list[Record]:
    study = Study.create(dataset=dataset, model=model, **{"rates": 0, "replicates": 1, **fields})
    events = fit_all(list(resolve(study).trials.values()), dataset)
    return [event for event in events if not isinstance(event, Fitting)]


def losses(dataset: Dataset, model: Any) -> float:
    (record,) = records(dataset, model)
    return record.measures["log_loss"]


@pytest.mark.parametrize("model", [EXACT, make_pipeline("passthrough", EXACT)], ids=["", "steps"])
def test_an_item_of_weight_three_counts_as_three_items(model: Any) -> None:
    weighted = from_memory(X, Y, *TEST, sample_weight=WEIGHTS)
    often = from_memory(np.repeat(X, WEIGHTS, axis=0), np.repeat(Y, WEIGHTS), *TEST)
    plain = from_memory(X, Y, *TEST)
    assert losses(weighted, model) == pytest.approx(losses(often, model), abs=1e-6)
    assert abs(losses(plain, model) - losses(often, model)) > 1e-4


class Told(BaseEstimator):
    """Notes which weights came with which items: the items are their own weights."""

    def fit(self, x: Any, y: Any, sample_weight: Any = None) -> Any:
        assert np.array_equal(x[:, 0], sample_weight) and len(y) == len(x)
        sample_weight[:] = 0  # its own copy
        self.label_ = y[0]
        return self

    def predict(self, x: Any) -> Any:
        return np.full(len(x), self.label_)


def test_weights_follow_their_items(tmp_path: Path) -> None:
    weights = np.arange(1.0, 101)
    x = np.column_stack([weights, weights])
    dataset = from_memory(x, np.arange(100) % 2, sample_weight=weights)  # a test set is held out
    found = records(dataset, Told(), size=[20, 60], rates=[0, 0.5], replicates=2)
    assert [each.status for each in found] == ["ok"] * 8


def table() -> pd.DataFrame:
    return pd.DataFrame({"a": X[:, 0], "b": X[:, 1], "trust": WEIGHTS, "kind": Y})


def test_a_column_gives_them_and_is_no_input(tmp_path: Path) -> None:
    table().to_csv(tmp_path / "items.csv", index=False)
    table().drop(columns="trust").to_csv(tmp_path / "test.csv", index=False)
    options: dict[str, Any] = {"label": "kind", "weight": "trust", "test": tmp_path / "test.csv"}
    filed = from_path(tmp_path / "items.csv", **options)
    framed = from_memory(table(), "kind", table(), sample_weight="trust")
    for dataset in (filed, framed):
        assert dataset.input_shape == (2,) and dataset.weights is not None
        np.testing.assert_array_equal(dataset.weights, WEIGHTS)
    with pytest.raises(SpecError, match=r"^weight = 'trusted': .*did you mean 'trust'"):
        from_path(tmp_path / "items.csv", label="kind", weight="trusted")


def test_they_are_part_of_what_the_data_are_where_there_are_some() -> None:
    plain, weighted, other = (
        from_memory(X, Y, *TEST, sample_weight=weights) for weights in (None, WEIGHTS, WEIGHTS + 1)
    )
    assert len({each.sha256 for each in (plain, weighted, other)}) == 3


@pytest.mark.parametrize("model", ["knn", "mlp", "logistic", GaussianProcessClassifier()])
def test_a_model_that_takes_none_is_refused(model: Any) -> None:
    dataset = from_memory(X, Y, *TEST, sample_weight=WEIGHTS)
    with pytest.raises(SpecError, match=r"^model = .*takes sample_weight"):
        resolve(Study.create(dataset=dataset, model=model))


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([0.0] + [1.0] * 79, "weight 1 is 0.0"),
        ([1.0] * 79 + [np.nan], "weight 80 is nan"),
        ([1.0] * 79 + [np.inf], "weight 80 is inf"),
        ([1.0] * 79, r"shape \(79,\)"),
        (["much"] * 80, "no numbers"),
    ],
)
def test_weights_that_can_t_be(weights: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        from_memory(X, Y, *TEST, sample_weight=weights)


def test_a_sweep_takes_them(tmp_path: Path) -> None:
    fields: dict[str, Any] = {"rates": [0], "replicates": 1, "workers": 1}
    named = gigo.sweep(table(), "kind", sample_weight="trust", out=tmp_path / "a", **fields)
    given = table().drop(columns="trust")
    listed = gigo.sweep(given, "kind", sample_weight=WEIGHTS, out=tmp_path / "b", **fields)
    assert named.frame["status"].tolist() == ["ok"]
    assert named.frame["log_loss"].tolist() == listed.frame["log_loss"].tolist()
