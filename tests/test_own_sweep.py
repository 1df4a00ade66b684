"""A sweep over data of one's own: from Python's objects to a run, and again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.naive_bayes import GaussianNB

import gigo
from gigo.errors import GigoError, SpecError
from gigo.ref import Ref
from gigo.resolve import resolve
from gigo.store.database import DATABASE

N = 60
Y = np.array(["no", "yes"])[np.arange(N) % 2]
X = np.random.default_rng(0).normal(size=(N, 3)) + (Y == "yes")[:, None]
FRAME = pd.DataFrame(X, columns=list("abc")).assign(bought=Y, home=np.arange(N) // 6)
SMALL: dict[str, Any] = {"rates": [0, 0.5], "replicates": 1, "model": GaussianNB(), "workers": 1}


@pytest.fixture(autouse=True)
def _somewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def small(**fields: Any) -> dict[str, Any]:
    return {**SMALL, **fields}


def keys(result: gigo.Result) -> list[str]:
    return sorted(result.frame["key"])


def test_a_sweep_over_arrays_goes_on_where_it_stopped() -> None:
    narrow = gigo.sweep(X, Y, **SMALL)
    seconds = narrow.frame["seconds"].tolist()
    again = gigo.sweep(X.copy(), list(Y), **SMALL)
    assert again.path == narrow.path
    assert again.frame["seconds"].tolist() == seconds  # nothing was trained again
    wide = gigo.sweep(X, Y, **small(replicates=2))
    assert wide.path == narrow.path
    assert {*keys(narrow)} < {*keys(wide)}


def test_other_data_are_another_run() -> None:
    one, other = gigo.sweep(X, Y, **SMALL), gigo.sweep(X + 1, Y, **SMALL)
    assert one.path != other.path
    assert not {*keys(one)} & {*keys(other)}


def test_a_run_holds_no_data_and_can_be_read() -> None:
    result = gigo.load(gigo.sweep(FRAME, "bought", groups="home", **SMALL).path)
    (study,) = result.studies
    assert study.dataset[0].name == "data"
    assert "array" not in study.model_dump_json()
    assert len(json.dumps(study.model_dump(mode="json"))) < 5_000
    (test_set,) = result.test_sets.values()
    assert test_set.classes == ("no", "yes")
    assert test_set.notes == ("test set: 12 of 60 items, held out once, whole groups",)
    assert X[0, 0].tobytes() not in (result.path / DATABASE).read_bytes()


def test_workers_get_the_data_and_the_same_results(tmp_path: Path) -> None:
    one = gigo.sweep(FRAME, "bought", **small(replicates=3), out="one")
    two = gigo.sweep(FRAME, "bought", **small(replicates=3, workers=2), out="two")
    columns = ["key", "accuracy", "log_loss"]
    here, there = (each.frame.sort_values("key")[columns] for each in (one, two))
    assert here.to_numpy().tolist() == there.to_numpy().tolist()
    assert [*(tmp_path / "cache" / "gigo" / "inputs").iterdir()]


def test_a_frame_and_its_file_are_the_same_data() -> None:
    FRAME.to_csv("shop.csv", index=False)
    FRAME.to_parquet("shop.parquet")
    in_memory = gigo.sweep(FRAME, "bought", groups="home", **SMALL)
    for file in ("shop.csv", Path("shop.parquet")):
        from_file = gigo.sweep(file, "bought", groups="home", **SMALL)
        assert keys(from_file) == keys(in_memory)


def test_everything_that_names_or_gives_a_data_set() -> None:
    (card,) = resolve(gigo.Study.create(dataset="digits")).datasets
    named = gigo.sweep("digits", size=50, **SMALL)
    assert named.frame["dataset"].unique().tolist() == ["digits"]
    assert gigo.sweep(dataset="digits", size=50, **SMALL).path == named.path
    digits = card.load(lambda file, done, total: None)
    assert keys(gigo.sweep(digits, size=50, **SMALL)) == keys(named)
    assert keys(gigo.sweep(lambda: digits, size=50, **SMALL)) == keys(named)
    both = gigo.sweep(["digits", Ref(name="sklearn.datasets:load_wine")], size=50, **SMALL)
    assert both.frame["dataset"].unique().tolist() == ["digits", "wine"]


def test_a_function_may_give_arrays() -> None:
    Path("mine.py").write_text(
        "import numpy as np\n"
        "def arrays(n=40):\n"
        "    return np.arange(n, dtype=float)[:, None], np.arange(n) % 2\n"
        "def four():\n"
        "    return *arrays(), *arrays(8)\n"
    )
    study = gigo.Study.create(
        dataset=["mine.py:arrays", "mine.py:four", "sklearn.datasets:load_iris"]
    )
    cards = resolve(study).datasets
    assert [(card.name, card.n_train, card.n_test) for card in cards] == [
        ("arrays", 32, 8),
        ("four", 40, 8),
        ("iris", 120, 30),
    ]


def test_a_folder_of_the_same_name_is_not_looked_at() -> None:
    Path("data").mkdir()
    assert gigo.sweep(X, Y, **SMALL).missing == 0


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, "data = None: expected X and y, a path"),
        ({"data": X, "y": Y, "dataset": "digits"}, "expected data or dataset, not both"),
        ({"dataset": "digits", "y": Y}, r"y = array.*: expected none"),
        ({"data": "digits", "y": Y}, "y = array.*: expected the name of a column, since data is"),
        ({"data": "digits", "X_test": X}, "X_test = array.*: expected a path, since data is"),
        ({"data": "shop.csv", "y_test": Y}, "y_test = array.*: expected none"),
        ({"data": lambda: 0, "y": Y}, "y = array.*: expected none"),
        ({"data": X}, "items without labels"),
        (
            {"data": lambda: 0},
            r"expected a gigo.Dataset, or a function that gives one, or \(X, y\)",
        ),
        ({"dataset": X}, "expected names, or tables"),
        ({"dataset": FRAME}, "expected names, or tables"),
    ],
)
def test_what_is_no_data_is_refused_without_printing_it(given: dict[str, Any], words: str) -> None:
    with pytest.raises(GigoError, match=words) as caught:
        gigo.sweep(**given, **SMALL)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 500
    assert not Path("runs").exists()


def test_an_error_cuts_a_matrix_short() -> None:
    message = str(SpecError("y", np.zeros((300, 300)), "labels"))
    assert len(message) < 300
    assert "\n" not in message
    assert "\n" not in str(SpecError("y", np.zeros((2, 2)), "labels"))
