"""What gigo asks of every data set, corruption and model, asked of those of the catalogues."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.naive_bayes import GaussianNB
from torch import nn

from gigo import corruptions
from gigo.testing import check_corruption, check_dataset, check_model, small_dataset
from gigo.types import Dataset, Kind, Labels, Schedule

KINDS: list[Kind] = ["image", "vector", "table", "text"]
FAST = {"recipe": {"base": "small", "epochs": 6}}


@pytest.mark.parametrize("kind", KINDS)
def test_data_sets(kind: Kind) -> None:
    check_dataset(small_dataset(kind))


def test_a_wrong_sha256_is_found() -> None:
    with pytest.raises(AssertionError, match="sha256"):
        check_dataset(replace(small_dataset(), sha256="0" * 64))


@pytest.mark.parametrize("kind", ["vector", "text"])
@pytest.mark.parametrize("name", corruptions.CATALOGUE)
def test_corruptions(name: str, kind: Kind) -> None:
    check_corruption(name, small_dataset(kind))


def unstable(dataset: Dataset, items: Labels, stream: Any) -> Schedule:
    """Draws from a generator that is not its stream."""
    return Schedule(
        np.random.default_rng().permutation(len(items)), (dataset.y_train[items] + 1) % 3
    )


def test_a_corruption_with_randomness_of_its_own_is_found() -> None:
    with pytest.raises(AssertionError, match="the same streams"):
        check_corruption(unstable, small_dataset())


def layers(input_shape: tuple[int, ...], n_classes: int) -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(int(np.prod(input_shape)), n_classes))


MODELS: list[tuple[Any, Kind]] = [
    ("small_cnn", "image"),
    ("mlp", "vector"),
    (layers, "vector"),
    ("boosting", "table"),
    ("tfidf", "text"),
    (RandomForestClassifier(5, n_jobs=2), "vector"),
    ("sklearn.naive_bayes:GaussianNB", "vector"),
]


@pytest.mark.parametrize(("model", "kind"), MODELS, ids=range(len(MODELS)))
def test_models(model: Any, kind: Kind) -> None:
    check_model(model, small_dataset(kind), workers=[1], **FAST)


@pytest.mark.slow
def test_models_in_other_processes() -> None:
    check_model(GaussianNB(), small_dataset())


class Careless(GaussianNB):
    """Takes into account which items it is asked about together."""

    def predict(self, X: Any) -> Any:
        return (super().predict(X) + np.arange(len(X))) % 3


def test_a_model_that_looks_at_its_neighbours_is_found(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="another order"):
        check_model(Careless(), small_dataset(), workers=[1])
