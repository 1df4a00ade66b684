"""`gigo.corrupt` for labels of one's own, and the catalogue held against what papers say."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

import gigo
from factories import MATRICES, make_study
from gigo import Corrupted, corrupt
from gigo.corruptions import CATALOGUE, cliffs, highest_rate, matrix_of, transition_matrix
from gigo.corruptions.published import CIFAR10_CLASSES, CIFAR100_SUPERCLASSES, CLASSES, MAPS
from gigo.datasets import CATALOGUE as DATASETS
from gigo.datasets import from_memory, load
from gigo.errors import DataError, SpecError
from gigo.resolve import resolve
from gigo.sample import sample

P_VALUE = 1e-6
"""Seeds are fixed: a test of chance passes always or never."""

COIN = [[0.9, 0.1], [0.4, 0.6]]


def options_of(name: str, n_classes: int) -> dict[str, Any]:
    """What has to be said to a corruption; labels are numbers from 0."""
    alike = np.full((n_classes, n_classes), 1 / n_classes)
    return {
        "sink": {"classes": [0, n_classes - 1]},
        "asymmetric": {"map": {0: 1, 1: 0}},
        "one_way": {"classes": 0},
        "transition": {"T": (alike + np.eye(n_classes)) / 2},
    }.get(name, {})


@st.composite
def labellings(draw: st.DrawFn) -> NDArray[np.int64]:
    """Labels of 2 to 120 classes, each with an item at least."""
    n_classes = draw(st.integers(2, 120))
    more = draw(st.lists(st.integers(0, n_classes - 1), max_size=60))
    return np.array(draw(st.permutations([*range(n_classes), *more])))


@pytest.mark.parametrize("name", MATRICES)
@settings(max_examples=40)
@given(y=labellings(), rates=st.lists(st.floats(0, 1), min_size=2, max_size=2), seed=st.integers())
def test_edits_are_exact_nested_and_accounted_for(
    name: str, y: NDArray[np.int64], rates: list[float], seed: int
) -> None:
    n_classes, before = len(np.unique(y)), y.copy()
    options = options_of(name, n_classes)
    highest = np.isin(y, [0, 1]).sum() / len(y) if name == "asymmetric" else 1
    low, high = (
        corrupt(y, name, rate=highest * each, seed=seed, **options) for each in sorted(rates)
    )
    for found in (low, high):
        edits: Any = found.edits
        n = found.n_eligible if name == "one_way" else len(y)
        assert found.selected == len(edits) == round(found.requested * n)
        assert edits["item"].is_unique
        assert (edits["before"] == y[edits["item"]]).all()
        assert (edits["after"] == found.labels[edits["item"]]).all()
        assert (found.changed == (found.labels != y)).all()
        assert found.n_changed == sum(edits["before"] != edits["after"])
        assert found.labels.dtype == y.dtype
        assert np.allclose(found.transition.sum(axis=1), 1)
        kept = np.diag(found.transition) * np.bincount(y)
        assert kept.sum() == pytest.approx(len(y) - found.n_changed)
    assert high.edits.head(low.selected).equals(low.edits)
    again = corrupt(y, name, rate=high.requested, seed=seed, **options)
    assert again.labels.tobytes() == high.labels.tobytes()
    assert (y == before).all()


@pytest.mark.parametrize("name", MATRICES)
def test_another_seed_or_replicate_is_another_draw(name: str) -> None:
    y = np.arange(400) % 4
    streams = [{"seed": 0}, {"seed": 1}, {"replicate": 1}]
    found = [corrupt(y, name, rate=0.3, **each, **options_of(name, 4)) for each in streams]
    assert len({each.changed.tobytes() for each in found}) == 3


def test_labels_are_those_of_the_trial_of_a_study() -> None:
    study = make_study(size="all", corruption="pair", rates=0.3, validation="none", replicates=2)
    digits = load("digits")
    for trial in resolve(study).trials.values():
        found = corrupt(digits.y_train, "pair", rate=0.3, replicate=trial.replicate)
        assert (sample(trial, digits).labels == found.labels).all()


# What people have


@pytest.mark.parametrize(
    ("y", "dtype"),
    [
        (np.array([0, 1] * 5, np.int8), "int8"),
        (np.array([1.0, 2.0] * 5, np.float32), "float32"),
        (np.array([True, False] * 5), "bool"),
        (["ham", "spam"] * 5, "<U4"),
        ([3, 7] * 5, "int64"),
        (np.array(["ham", "spam"] * 5, object), "object"),
        (torch.tensor([0, 1] * 5), "int64"),
    ],
    ids=range(7),
)
def test_labels_keep_their_names_and_type(y: Any, dtype: str) -> None:
    found = corrupt(y, "biased", rate=0.5).labels
    assert found.dtype == dtype
    assert sum(a != b for a, b in zip(found.tolist(), list(y), strict=True)) == 5
    assert {*found.tolist()} <= {*np.asarray(y).tolist()}


@pytest.mark.parametrize("dtype", ["object", "category", "string"])
def test_a_series_stays_one(dtype: str) -> None:
    y = pd.Series(["ham", "spam"] * 5, index=range(5, 15), dtype=dtype, name="kind")
    found = corrupt(y, rate=0.4)
    labels: Any = found.labels
    assert isinstance(labels, pd.Series)
    assert (labels.dtype, labels.name) == (y.dtype, "kind")
    assert labels.index.equals(y.index)
    assert (labels != y).to_list() == found.changed.tolist()


def test_classes_are_named_as_the_labels_say() -> None:
    y = [10, 20, 30] * 4
    found = corrupt(y, "asymmetric", rate=0.25, map={10: 30})
    assert found.edits[["before", "after"]].drop_duplicates().to_numpy().tolist() == [[10, 30]]
    with pytest.raises(SpecError, match="map = '0': expected classes of the data: 10, 20, 30"):
        corrupt(y, "asymmetric", rate=0.25, map={0: 1})


def test_a_function_of_ones_own() -> None:
    def to_cats(n_classes: int, *, names: tuple[str, ...]) -> NDArray[np.float64]:
        matrix = np.zeros((n_classes, n_classes))
        matrix[:, names.index("cat")] = 1
        matrix[names.index("cat")] = 0
        return matrix

    found = corrupt(["ape", "cat", "dog", "cat"] * 5, to_cats, rate=0.5)
    assert found.labels.tolist() == ["cat"] * 20
    assert repr(found) == (
        "<gigo.Corrupted " + found.corruption + ", rate 0.5: 10 of 20 labels changed "
        "(0.5 of all, 1 of the 10 eligible)>"
    )


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "rate": ({"rate": 1.5}, "rate = 1.5: expected a share"),
    "rate as text": ({"rate": "20%"}, "rate = '20%': expected a share"),
    "name": ({"corruption": "symetric"}, "did you mean 'symmetric'"),
    "option": ({"classes": [1]}, "corruption.symmetric = 'classes': expected"),
    "sink": ({"corruption": "sink"}, "corruption.sink.classes = None: expected the classes"),
    "twice": ({"corruption": "sink", "classes": [1, "1"]}, "expected each class once"),
    "no map": ({"corruption": "asymmetric"}, "map = None: expected a map of these classes"),
    "map": ({"corruption": "asymmetric", "map": "cifar10"}, "they are not those of cifar10"),
    "itself": ({"corruption": "asymmetric", "map": {1: 1}}, "expected another class"),
    "no T": ({"corruption": "transition"}, "T = None: expected 2 x 2 numbers"),
    "shape": ({"corruption": "transition", "T": [[1, 0]]}, r"shape = \(1, 2\): expected 2 x 2"),
    "sign": ({"corruption": "transition", "T": [[2, -1], [0, 1]]}, "number = -1.0"),
    "columns": (
        {"corruption": "transition", "T": [[0.9, 0.4], [0.1, 0.6]]},
        r"sums of its rows = \[1.3, 0.7\]: expected 1 each; those of its columns are: rows are "
        "true classes, so transpose it",
    ),
    "highest": (
        {"corruption": "asymmetric", "map": {0: 1}, "rate": 0.6},
        "rate = 0.6: expected at most 50 %: the corruption can do 5 edits to the 10 items",
    ),
}


@pytest.mark.parametrize("what", WRONG)
def test_errors_are_one_line(what: str) -> None:
    fields, message = WRONG[what]
    given: dict[str, Any] = {"rate": 0.2, "corruption": "symmetric", **fields}
    with pytest.raises(SpecError, match=message) as caught:
        corrupt([0, 1] * 5, given.pop("corruption"), **given)
    assert "\n" not in str(caught.value)


def test_missing_labels_are_refused() -> None:
    with pytest.raises(DataError, match="y: 1 of 3 labels is missing"):
        corrupt([0, 1, None], rate=0.2)


# What papers say


def test_the_count_is_exact_for_many_classes() -> None:
    y = np.random.default_rng(0).integers(0, 120, 20_000)
    assert corrupt(y, "symmetric", rate=0.2).n_changed == 4_000


@pytest.mark.parametrize(("rate", "changed"), [(0.4, 0.36), (0.5, 0.45)])
def test_with_the_true_class_a_tenth_of_the_chosen_stays(rate: float, changed: float) -> None:
    y = np.arange(50_000) % 10
    found = corrupt(y, "symmetric", rate=rate, include_true=True)
    assert found.selected == rate * len(y)
    assert stats.binomtest(found.n_changed, found.selected, changed / rate).pvalue > P_VALUE


def test_a_tenth_of_two_classes_is_a_tenth() -> None:
    assert corrupt(np.arange(1000) % 2, "symmetric", rate=0.1).n_changed == 100


def test_two_classes_are_swapped_by_their_clean_labels() -> None:
    """In place, items of the first class that go to the second could come back."""
    y = np.arange(1000) % 2
    found = corrupt(y, "asymmetric", rate=0.5, map={0: 1, 1: 0})
    assert found.n_changed == 500
    assert corrupt(y, "pair", rate=1).transition.to_numpy().tolist() == [[0, 1], [1, 0]]


@pytest.mark.parametrize("rate", [0.5, 1])
def test_a_matrix_is_realised(rate: float) -> None:
    n = 20_000
    counts = corrupt(np.arange(2 * n) % 2, "transition", rate=rate, T=COIN).transition * n
    expected = n * ((1 - rate) * np.eye(2) + rate * np.array(COIN))
    for row, wanted in zip(counts.to_numpy(), expected, strict=True):
        assert stats.chisquare(row, wanted).pvalue > P_VALUE


def test_a_class_that_a_matrix_keeps_is_chosen_like_others() -> None:
    """(1 - r) I + r T, here with a row of I in T."""
    found = corrupt(np.arange(100) % 2, "transition", rate=1, T=[[1, 0], [1, 0]])
    assert found.transition.to_numpy().tolist() == [[1, 0], [1, 0]]


def test_cifar10_at_forty_percent_of_the_eligible_is_twenty_of_the_set() -> None:
    y = [*CIFAR10_CLASSES] * 100
    found = corrupt(y, "asymmetric", rate=0.2)
    assert (found.n_changed, found.n_eligible) == (200, 500)
    pairs = {*zip(found.edits["before"], found.edits["after"], strict=True)}
    assert pairs == {*MAPS["cifar10"].items()}
    numbers = corrupt(np.arange(1000) % 10, "asymmetric", rate=0.2, map="cifar10")
    assert [CIFAR10_CLASSES[k] for k in numbers.labels] == found.labels.tolist()


def test_published_maps_are_of_the_classes_of_the_data() -> None:
    for name, classes in CLASSES.items():
        assert classes == DATASETS[name].classes
        assert {*MAPS[name], *MAPS[name].values()} <= {*classes}
    assert len(MAPS["cifar100"]) == len({*MAPS["cifar100"].values()}) == 100
    for group in CIFAR100_SUPERCLASSES:
        assert {MAPS["cifar100"][name] for name in group} == {*group}


@pytest.mark.parametrize(("sinks", "name"), [([0], "biased"), ([0, 1], "two_sink")])
@given(n_classes=st.integers(2, 120))
def test_sinks_have_special_cases(sinks: list[int], name: str, n_classes: int) -> None:
    names = [f"class {k}" for k in range(n_classes)]
    destinations = CATALOGUE["sink"].function(n_classes, names=names, classes=sinks)
    assert (destinations == CATALOGUE[name].function(n_classes)).all()
    all_of_them = CATALOGUE["sink"].function(n_classes, names=names, classes=names)
    assert (all_of_them == CATALOGUE["symmetric"].function(n_classes)).all()


@given(n_classes=st.integers(3, 30), data=st.data())
def test_cliffs_of_sinks(n_classes: int, data: st.DataObject) -> None:
    s = data.draw(st.integers(2, n_classes - 1))
    names = [f"class {k}" for k in range(n_classes)]
    found = cliffs(CATALOGUE["sink"].function(n_classes, names=names, classes=names[:s]))
    assert found.tolist() == pytest.approx([(s - 1) / s] * s + [s / (s + 1)] * (n_classes - s))


def test_cliffs_count_items_of_the_whole_set() -> None:
    """Half of the 3 in 10 items of a class: the others are never chosen."""
    destinations, shares = np.array([[0, 1], [0, 0]]), np.array([0.3, 0.7])
    assert highest_rate(destinations, shares) == pytest.approx(0.3)
    assert cliffs(destinations, shares).tolist() == pytest.approx([0.15, 1])
    half = transition_matrix(destinations, 0.15, shares)
    assert half.tolist() == [pytest.approx([0.5, 0.5]), [0, 1]]


def test_rates_of_a_study_that_no_item_is_left_for_are_refused_at_once() -> None:
    x, y = np.eye(10, dtype=np.float32), ["a", "b", "c", "d", "d"] * 2
    data = from_memory(x, y, x, y)
    study = make_study(
        dataset=data,
        model="linear",
        size="all",
        corruption={"name": "asymmetric", "map": {"d": "a"}},
        rates=[0.4, 0.41],
    )
    (found,) = resolve(study.but(rates=0.4)).cliffs[data.name].values()
    assert found == pytest.approx((1, 1, 1, 0.2))
    with pytest.raises(
        SpecError, match=r"rates = 0\.41: expected at most 0.4 for asymmetric .* other 60 %"
    ):
        resolve(study)


def test_a_matrix_of_ones_own_is_checked() -> None:
    with pytest.raises(SpecError, match="corruption, sums of its rows"):
        matrix_of(lambda n: np.full((n, n), 1.0), ["a", "b"])


PAGE = (Path(__file__).parent.parent / "docs" / "corruptions.md").read_text(encoding="utf-8")


def test_the_page_has_the_catalogue_with_its_options() -> None:
    rows = [line for line in PAGE.splitlines() if line.startswith("| ")]
    for name, entry in CATALOGUE.items():
        (row,) = [row for row in rows if row.startswith(f"| `{name}` |") and row.count("|") > 5]
        assert all(f"`{option}`" in row for option in entry.options)


def test_the_page_s_example_runs(capsys: pytest.CaptureFixture[str]) -> None:
    (code,) = re.findall(r"^```python\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
    exec(code, {})
    assert "symmetric, rate 0.2: 10,000 of 50,000 labels changed" in capsys.readouterr().out


def test_its_type_is_public() -> None:
    assert isinstance(gigo.corrupt([0, 1], rate=0), Corrupted)
