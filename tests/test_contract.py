"""What gigo asks of every data set, corruption and model, asked of those of the catalogues."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.naive_bayes import GaussianNB
from torch import nn

from command import environment
from gigo.schedule import Schedule
from gigo.testing import check_corruption, check_dataset, check_model, small_dataset
from gigo.types import Dataset, Kind, Labels

KINDS: list[Kind] = ["image", "vector", "table", "text"]
FAST = {"recipe": {"base": "small", "epochs": 6}}


@pytest.mark.parametrize("kind", KINDS)
def test_data_sets(kind: Kind) -> None:
    check_dataset(small_dataset(kind))


def test_a_wrong_sha256_is_found() -> None:
    with pytest.raises(AssertionError, match="sha256"):
        check_dataset(replace(small_dataset(), sha256="0" * 64))


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


BOOSTERS = {
    "lightgbm": {"name": "lightgbm:LGBMClassifier", "n_estimators": 5},
    "xgboost": {"name": "xgboost:XGBClassifier", "n_estimators": 5, "enable_categorical": True},
}


@pytest.mark.parametrize("name", BOOSTERS)
def test_boosters_of_other_libraries(name: str) -> None:
    pytest.importorskip(name)
    check_model(BOOSTERS[name], small_dataset("table"), workers=[1])


# The page for authors: its code blocks run.

PAGE = (Path(__file__).parent.parent / "docs" / "plugins.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)


def block(name: str) -> str:
    """The page's code that defines a name."""
    (found,) = (each for each in BLOCKS if re.search(rf"^(def|class) {name}\b", each, re.MULTILINE))
    return found


def test_the_page_s_examples_pass_its_checks(tmp_path: Path) -> None:
    mine = tmp_path / "mine.py"
    mine.write_text("".join(map(block, ["network", "next_class", "noise", "copies"])))
    check_model(f"{mine}:network", small_dataset("vector"), workers=[1], **FAST)
    for name in ("next_class", "noise", "copies"):
        check_corruption(f"{mine}:{name}", small_dataset())


KERAS = """
from gigo.testing import check_model, small_dataset
check_model({"name": "dense.py:Dense", "epochs": 2}, small_dataset(), workers=[1], replicates=1)
"""


@pytest.mark.slow
@pytest.mark.skipif(find_spec("keras") is None, reason="needs Keras: pip install keras")
def test_the_recipe_for_keras(tmp_path: Path) -> None:
    """In a process of its own: there is one backend per process, and other tests have another."""
    (tmp_path / "dense.py").write_text(block("Dense"))
    variables = environment(KERAS_BACKEND="torch")
    subprocess.run([sys.executable, "-c", KERAS], cwd=tmp_path, env=variables, check=True)


@pytest.mark.slow
def test_models_in_other_processes() -> None:
    """What can't be imported there is sent whole: a lambda, and what a test defines in itself."""
    width = 8

    def hidden(input_shape: tuple[int, ...], n_classes: int) -> nn.Module:
        (n,) = input_shape
        return nn.Sequential(nn.Linear(n, width), nn.ReLU(), nn.Linear(width, n_classes))

    models = [GaussianNB(), {"name": lambda: GaussianNB(), "called": "lambda"}, hidden]
    check_model(models, small_dataset(), workers=[1, 2], **FAST)


class Careless(GaussianNB):
    """Takes into account which items it is asked about together."""

    def predict(self, X: Any) -> Any:
        return (super().predict(X) + np.arange(len(X))) % 3


def test_a_model_that_looks_at_its_neighbours_is_found(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="another order"):
        check_model(Careless(), small_dataset(), workers=[1])
