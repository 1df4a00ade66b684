"""Corruptions of tables: which cells, which items first, and that rates nest."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array
from scipy.stats import chisquare
from sklearn.linear_model import LogisticRegression

import gigo
from gigo.corruptions import CATALOGUE
from gigo.datasets import from_memory
from gigo.edited import Edited, taken
from gigo.errors import SpecError
from gigo.inputs import digest
from gigo.resolve import resolve
from gigo.rng import Stream
from gigo.schedule import KEEP, Schedule
from gigo.study import Study
from gigo.testing import small_dataset
from gigo.types import Dataset

NAMES = ("missing_values", "category_typos", "shifted_decimals")
VALUES = st.one_of(st.just(0.0), st.just(np.nan), st.floats(-1e300, 1e300), st.just(np.inf))
WORDS = st.one_of(st.none(), st.text("abcé ", max_size=4))


def shop(**columns: Any) -> Dataset:
    """Numbers as they are, lists of words as categories, arrays of objects as texts."""
    table = pd.DataFrame(
        {name: pd.Categorical(v) if isinstance(v, list) else v for name, v in columns.items()}
    )
    y = np.arange(len(table), dtype=np.int64) % 2
    return replace(small_dataset("table"), x_train=table, y_train=y)


def drawn(name: str, dataset: Dataset, replicate: int = 0, **options: Any) -> Schedule:
    stream = Stream(0, replicate, "corruption")
    return CATALOGUE[name].function(dataset, np.arange(dataset.n_train), stream, **options)


def made(schedule: Schedule, k: int | None = None) -> Any:
    assert callable(schedule.extra)
    return schedule.extra(len(schedule.item) if k is None else k)


def differ(before: Any, after: Any) -> Any:
    """(n, columns) bool: where two tables differ; missing values are alike."""
    both = [np.asarray(x.astype(object), object) for x in (before, after)]
    missing = [pd.isna(x) for x in both]
    return np.where(missing[0] | missing[1], missing[0] != missing[1], both[0] != both[1])


@st.composite
def tables(draw: st.DrawFn) -> Dataset:
    n = draw(st.integers(1, 12))
    rows: dict[str, Any] = {"min_size": n, "max_size": n}
    numbers = [np.array(draw(st.lists(VALUES, **rows))) for _ in range(2)]
    words = [draw(st.lists(WORDS, **rows)) for _ in range(2)]
    return shop(a=numbers[0], b=numbers[1], job=words[0], note=np.array(words[1], object))


USABLE = {
    "missing_values": lambda x: x.notna(),
    "category_typos": lambda x: x.map(lambda v: isinstance(v, str) and v != ""),
    "shifted_decimals": lambda x: x.map(
        lambda v: not isinstance(v, str) and v is not None and bool(np.isfinite(v)) and v != 0
    ),
}


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=25)
@given(dataset=tables(), replicate=st.integers(0, 3), data=st.data())
def test_an_edit_changes_one_cell_and_rates_nest(
    name: str, dataset: Dataset, replicate: int, data: st.DataObject
) -> None:
    x: Any = dataset.x_train
    before = digest(x)
    schedule, again = (drawn(name, dataset, replicate) for _ in range(2))
    able = USABLE[name](x.astype(object)).to_numpy(bool).any(axis=1)
    assert sorted(schedule.item.tolist()) == np.flatnonzero(able).tolist()
    assert (schedule.label == KEEP).all() and schedule.rate_of == "set"
    found = made(schedule)
    assert (differ(x.iloc[schedule.item].reset_index(drop=True), found).sum(axis=1) == 1).all()
    k = data.draw(st.integers(0, len(schedule.item)))
    fewer = made(again, k)
    assert not differ(found[:k], fewer).any()
    assert list(fewer.columns) == list(x.columns)
    assert [t.name for t in fewer.dtypes] == [t.name for t in x.dtypes]
    if k:
        edited = Edited.begin(dataset, np.arange(len(x))).edit(schedule, k, "x", fewer)
        whole = taken(x, edited.extras, edited.rows)
        assert [t.name for t in whole.dtypes] == [t.name for t in x.dtypes]
        assert differ(x, whole).sum() == k == edited.touched.sum() == edited.changed.sum()
    assert digest(x) == before


@pytest.mark.parametrize("name", NAMES)
def test_another_replicate_is_another_draw_and_columns_are_kept_to(name: str) -> None:
    dataset = small_dataset("table")
    columns = ["colour"] if name == "category_typos" else ["b"]
    one, other = (drawn(name, dataset, k, columns=columns) for k in range(2))
    assert (one.item[:50] != other.item[:50]).any()
    table: Any = dataset.x_train
    changed = differ(table.iloc[one.item].reset_index(drop=True), made(one))
    assert changed.sum() == len(one.item)
    assert changed[:, [*table.columns].index(columns[0])].all()


def test_the_cell_is_any_of_those_that_are_there() -> None:
    numbers = np.ones((3000, 4))
    numbers[:, 1] = np.nan
    x = made(drawn("missing_values", shop(**{f"c{k}": numbers[:, k] for k in range(4)})))
    gone = x.isna().sum().to_numpy()
    assert gone[1] == 3000
    assert chisquare(gone[[0, 2, 3]]).pvalue > 1e-6


@settings(max_examples=30)
@given(st.integers(1, 6), st.integers(0, 5))
def test_so_many_cells_go_missing_as_asked_or_all(cells: int, lacking: int) -> None:
    values = np.where(np.arange(5) < lacking, np.nan, np.ones((7, 5)))
    schedule = drawn(
        "missing_values", shop(**{f"c{k}": values[:, k] for k in range(5)}), cells=cells
    )
    assert len(schedule.item) == (7 if lacking < 5 else 0)
    left = 5 - lacking - min(cells, 5 - lacking)
    assert (made(schedule).notna().sum(axis=1) == left).all()


@pytest.mark.parametrize(
    "values",
    [np.array([1.0, 2.0]), ["cook", "judge"], np.array(["cook", "judge"], object), [None, "judge"]],
)
def test_larger_values_come_first_by_their_weight(values: Any) -> None:
    """Of two items, weights 5 and 10: the larger is first in 2/3 of the draws."""
    dataset, options = shop(a=np.ones(2), b=values), {"columns": "a", "depends_on": "b"}
    first = [
        drawn("missing_values", dataset, k, mechanism="mar", **options).item[0] for k in range(400)
    ]
    assert abs(np.mean(first) - 2 / 3) < 4.9 * np.sqrt(2 / 9 / 400)


def test_the_order_by_weight_is_one_of_draws_without_replacement() -> None:
    """Ten values have weights 1 to 10: the first is drawn in proportion to them."""
    dataset = shop(a=np.arange(10.0), b=np.ones(10))
    firsts = np.zeros(10)
    seconds = np.zeros(10)
    for k in range(1500):
        item = drawn("missing_values", dataset, k, mechanism="mnar", columns=["a"]).item
        firsts[item[0]] += 1
        seconds[item[1]] += 1
    w = np.arange(1, 11) / 55
    second = np.array(
        [sum(w[j] * w[i] / (1 - w[j]) for j in range(10) if j != i) for i in range(10)]
    )
    assert chisquare(firsts, 1500 * w).pvalue > 1e-6
    assert chisquare(seconds, 1500 * second).pvalue > 1e-6


def test_mechanisms_bias_what_is_left_as_theory_says() -> None:
    """At half the items: mcar leaves the mean; mnar, and mar by what depends on it, lower it."""
    rng = np.random.default_rng(0)
    a = rng.normal(size=4000)
    dataset = shop(a=a, b=a + rng.normal(size=4000), c=rng.normal(size=4000))
    means = {}
    for mechanism, other in [("mcar", None), ("mnar", None), ("mar", "b"), ("mar", "c")]:
        schedule = drawn(
            "missing_values", dataset, columns=["a"], mechanism=mechanism, depends_on=other
        )
        left = np.setdiff1d(np.arange(4000), schedule.item[:2000])
        means[other or mechanism] = a[left].mean()
    assert abs(means["mcar"]) < 0.08 and abs(means["c"]) < 0.08
    assert means["mnar"] < means["b"] - 0.05 < -0.15


@pytest.mark.parametrize("places", [1, 2, 9])
def test_decimals_shift_by_powers_of_ten_and_stay_finite(places: int) -> None:
    numbers = np.array([1.5, -2e-3, 1e308, 7.0] * 20)
    schedule = drawn("shifted_decimals", shop(a=numbers), places=places)
    found = made(schedule)["a"].to_numpy()
    before = numbers[schedule.item]
    up, down = before == 1e308, found == before / 10.0**places
    with np.errstate(over="ignore"):
        assert (down | (found == before * 10.0**places)).all()
    assert np.isfinite(found).all() and down[up].all()
    assert 10 < down[~up].sum() < 50


def test_vectors_lose_values_and_decimals_too() -> None:
    dataset = small_dataset("vector")
    x: Any = dataset.x_train
    x.flags.writeable = False
    for name, options in [("missing_values", {"cells": 2}), ("shifted_decimals", {})]:
        schedule = drawn(name, dataset, columns=[0, "3", 5], **options)
        found = made(schedule, 100)
        assert found.dtype == np.float32 and found.shape == (100, 6)
        changed = found != x[schedule.item[:100]]
        assert (changed.sum(axis=1) == (2 if "cells" in options else 1)).all()
        assert not changed[:, [1, 2, 4]].any()
        assert np.array_equal(made(schedule, 30), found[:30], equal_nan=True)
    sparse = replace(dataset, x_train=csr_array(x))
    with pytest.raises(SpecError, match="expected a table or dense vectors of floats, which"):
        drawn("missing_values", sparse)


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        ("missing_values", {"mechanism": "mar"}, r"depends_on = None: .* mar depends on"),
        ("missing_values", {"depends_on": "a"}, "depends_on = 'a': .* none for mcar and mnar"),
        ("missing_values", {"mechanism": "nmar"}, "mechanism = 'nmar': expected mcar, mar or"),
        ("missing_values", {"mechanism": "mnar"}, "columns = None: expected one column for mnar"),
        ("missing_values", {"cells": 0}, "cells = 0: expected at least 1"),
        (
            "missing_values",
            {"columns": []},
            r"columns = \[\]: expected names of columns, each once",
        ),
        ("missing_values", {"columns": ["a", "a"]}, "names of columns, each once"),
        (
            "missing_values",
            {"columns": ["a"], "mechanism": "mar", "depends_on": "a"},
            "columns = 'a': expected other columns",
        ),
        ("category_typos", {"columns": "color"}, r"names of columns: .*mean 'colour'\?"),
        ("category_typos", {"columns": ["a"]}, "columns = 'a': expected columns of words"),
        ("shifted_decimals", {"columns": "colour"}, "'colour': expected columns of numbers"),
        ("shifted_decimals", {"places": 0}, "places = 0: expected 1 to 9"),
    ],
)
def test_options_that_do_not_fit_are_refused(name: str, options: Any, said: str) -> None:
    with pytest.raises(SpecError, match=rf"corruption\.{name}\..*{said}"):
        drawn(name, small_dataset("table"), **options)


def test_a_table_without_columns_of_a_kind_is_refused() -> None:
    with pytest.raises(SpecError, match="a column of words: there is none"):
        drawn("category_typos", shop(a=np.ones(3)))
    with pytest.raises(SpecError, match="a column of numbers: there is none"):
        drawn("shifted_decimals", shop(job=["cook"] * 3))


def test_the_same_bytes_on_any_machine() -> None:
    table = small_dataset("table")
    options: dict[str, Any] = {"mechanism": "mar", "depends_on": "colour"}
    found = {name: digest(made(drawn(name, table)))[:16] for name in NAMES}
    found["mar"] = digest(made(drawn("missing_values", table, **options)))[:16]
    assert found == {
        "missing_values": "f29ca269bee3dd7e",
        "category_typos": "7cbf475f92b99287",
        "shifted_decimals": "c3055277a8cbd7d8",
        "mar": "3becc3bcc490222f",
    }


def test_models_that_take_no_gaps_are_refused_before_training() -> None:
    frame = pd.DataFrame({"a": np.arange(20.0), "b": np.ones(20)})
    numbers = from_memory(frame, np.arange(20) % 2, name="small-shop")
    vectors = small_dataset("vector")
    for dataset, model in [
        (numbers, "logistic"),
        (numbers, LogisticRegression()),
        (vectors, "mlp"),
        (vectors, LogisticRegression()),
    ]:
        with pytest.raises(SpecError, match="the gaps that missing_values makes in small-"):
            resolve(Study.create(dataset=dataset, corruption="missing_values", model=model))
        resolve(Study.create(dataset=dataset, corruption="shifted_decimals", model=model))
    resolve(Study.create(dataset=numbers, corruption="missing_values", model=["knn", "forest"]))


def test_a_study_trains_on_tables_with_errors() -> None:
    """Even where a column has no value left, and all categories in training are new ones."""
    result = gigo.sweep(
        dataset=small_dataset("table"),
        corruption=[
            {"name": "missing_values", "columns": ["colour"], "called": "no colour"},
            {"name": "missing_values", "columns": ["b"], "called": "no b"},
            "category_typos",
            "shifted_decimals",
        ],
        model=[{"name": "boosting", "max_iter": 5}, {"name": "forest", "n_estimators": 5}, "knn"],
        rates=[0, 0.9],
        replicates=1,
        validation="none",
        workers=1,
    )
    assert result.failure is None
    assert len(result.frame) == 3 * 4 * 2
