"""Corruptions of sets: exact, nested, and what was published of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from scipy.sparse import csr_array

from factories import make_study
from gigo.corruptions.classes import class_number
from gigo.corruptions.open_set import noise
from gigo.corruptions.sets import ENTRIES, alpha_of, equivalent_rate
from gigo.edited import Edited
from gigo.errors import SpecError
from gigo.inputs import count, digest, take
from gigo.ref import Ref
from gigo.resolve import corruption, resolve
from gigo.rng import Stream
from gigo.sample import Sampler
from gigo.schedule import ADDED, LEAVE, NO_CLASS, Schedule
from gigo.testing import small_dataset
from gigo.types import Dataset, Kind, Labels

KINDS: tuple[Kind, ...] = ("image", "vector", "table", "text")
DATASETS = {kind: small_dataset(kind) for kind in KINDS}
VECTORS = DATASETS["vector"]
SEEDS = st.integers(0, 2**32)


def elsewhere(kind: Kind) -> Dataset:
    """Other inputs of the same form."""
    return small_dataset(kind, n=60, n_classes=5)


def options_of(name: str, kind: Kind) -> dict[str, Any]:
    if name == "subsample_group":
        return {"column": "colour", "value": "red"} if kind == "table" else {"group": 1}
    if name == "open_set other":
        return {"source": lambda watch: elsewhere(kind)}
    if name == "duplicates few":
        return {"among": 0.1}
    return {"labels": "wrong"} if name == "leak wrong" else {}


def stream_of(seed: int = 0, replicate: int = 0) -> Stream:
    return Stream(seed, replicate, "corruption")


def drawn(name: str, dataset: Dataset, items: Labels, stream: Stream, **options: Any) -> Any:
    return ENTRIES[name.split()[0]].function(dataset, items, stream, **options)


def at(dataset: Dataset, items: Labels, schedule: Schedule, rate: float) -> Edited:
    k = schedule.n_edits(rate, len(items))
    extra = schedule.extra(k) if callable(schedule.extra) else None
    return Edited.begin(dataset, items).edit(schedule, k, "x", extra)


NAMES = [*ENTRIES, "duplicates few", "leak wrong", "open_set other"]


@given(
    name=st.sampled_from(NAMES),
    kind=st.sampled_from(KINDS),
    n_classes=st.integers(2, 120),
    n=st.integers(1, 120),
    rates=st.tuples(st.floats(0, 1), st.floats(0, 1)),
    seed=SEEDS,
)
def test_edits_are_exact_nested_and_change_nothing_that_was_given(
    name: str,
    kind: Kind,
    n_classes: int,
    n: int,
    rates: tuple[float, float],
    seed: int,
) -> None:
    y = Stream(seed, 0, "labels").integers(180, n_classes)
    x_test = DATASETS[kind].tests["test"][0]
    dataset = replace(
        DATASETS[kind],
        y_train=y[:120],
        tests={"test": (x_test, y[120:])},
        classes=tuple(f"c{k}" for k in range(n_classes)),
        groups=np.arange(120) // 40,
    )
    items = np.sort(Stream(seed, 0, "items").permutation(120)[:n])
    before = digest(dataset.x_train, dataset.y_train, items)
    options = options_of(name, kind)
    schedule = drawn(name, dataset, items, stream_of(seed), **options)
    entry, m = ENTRIES[name.split()[0]], len(schedule.item)
    assert schedule.rate_of == entry.rate_of
    assert schedule.resizes <= entry.resizes
    own = schedule.item[schedule.item != ADDED]
    assert len({*own.tolist()}) == len(own) and (own < n).all()
    low, high = sorted(rate * schedule.highest(n) for rate in rates)
    k_low, k_high = schedule.n_edits(low, n), schedule.n_edits(high, n)
    wanted = {"set": n * high, "eligible": m * high, "added": n * high / max(1 - high, 1e-9)}[
        entry.rate_of
    ]
    assert k_high == round(wanted) <= m
    if callable(schedule.extra):
        few, many = schedule.extra(k_low), schedule.extra(k_high)
        assert (count(few), count(many)) == (k_low, k_high)
        assert digest(few) == digest(take(many, np.arange(k_low)))
        assert digest(take(dataset.x_train, items[:0])) == digest(schedule.extra(0))
    assert digest(dataset.x_train, dataset.y_train, items) == before
    again = drawn(name, dataset, items, stream_of(seed), **options)
    for one, other in zip(schedule[:4], again[:4], strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("name", NAMES)
def test_another_replicate_is_another_draw(name: str) -> None:
    dataset, items = replace(DATASETS["table"], groups=np.arange(120) // 40), np.arange(120)
    first, second = (
        drawn(name, dataset, items, stream_of(0, replicate), **options_of(name, "table"))
        for replicate in (0, 1)
    )
    same = [np.array_equal(a, b) for a, b in zip(first[:4], second[:4], strict=True)]
    assert not all(same[k] for k in (0, 1, 3)) or digest(first.extra(9)) != digest(second.extra(9))


GOLDEN = {
    "dilute": "1c9c03775c02b812",
    "duplicates": "c3b5a9e11d7a424d",
    "leak": "8fab52084c97a9b5",
    "open_set": "a13ea367e1bae5eb",
    "missing_class": "0bc59c72da2e8b3a",
    "imbalance": "eba3ffe288d27cfe",
    "subsample_group": "5ec2820efdcb56fa",
}


@pytest.mark.parametrize("name", GOLDEN)
def test_the_same_seed_gives_the_same_bytes_on_any_machine(name: str) -> None:
    assert ENTRIES[name].exact
    y = np.arange(1000) % 7
    x = np.arange(3000).reshape(1000, 3).astype(np.uint8)
    dataset = replace(
        VECTORS, x_train=x, y_train=y, tests={"test": (x, y)}, classes=tuple("abcdefg")
    )
    dataset = replace(dataset, groups=np.arange(1000) // 100)
    schedule = drawn(name, dataset, np.arange(500), stream_of(), **options_of(name, "vector"))
    parts: list[Any] = [each for each in schedule[:4] if each is not None]
    if schedule.extra is not None:
        parts.append(schedule.extra(100))
    assert digest(*parts)[:16] == GOLDEN[name]


# Added items


def test_a_hundred_copies_of_ten_classes_are_89_percent_wrong() -> None:
    """Rolnick et al. 2017, section 3: alpha = 100 of MNIST."""
    assert equivalent_rate(alpha_of(100 / 101), 10) == pytest.approx(0.891, abs=5e-4)
    dataset = replace(VECTORS, y_train=np.arange(120) % 10, classes=tuple("abcdefghij"))
    schedule = drawn("dilute", dataset, np.arange(120), stream_of(), most=100)
    assert schedule.highest(120) == pytest.approx(100 / 101)
    found = at(dataset, np.arange(120), schedule, 100 / 101)
    assert len(found.labels) == 101 * 120
    assert (found.labels != found.true).mean() == pytest.approx(0.891, abs=0.01)
    assert stats.chisquare(np.bincount(found.labels[120:], minlength=10)).pvalue > 1e-6


@given(n=st.integers(1, 50), rate=st.floats(0, 20 / 21), seed=SEEDS)
def test_copies_are_spread_evenly(n: int, rate: float, seed: int) -> None:
    items = np.arange(n) + 3
    for name in ("dilute", "duplicates"):
        found = at(VECTORS, items, drawn(name, VECTORS, items, stream_of(seed)), rate)
        assert found.n_added == round(n * rate / (1 - rate))
        copies = np.bincount(found.rows[n:] - 3, minlength=n)
        assert copies.max() - copies.min() <= 1
        np.testing.assert_array_equal(found.true, VECTORS.y_train[found.rows])
        np.testing.assert_array_equal(found.labels[:n], VECTORS.y_train[items])


@given(most=st.integers(1, 30), more=st.integers(1, 30), seed=SEEDS)
def test_a_larger_alpha_only_goes_on(most: int, more: int, seed: int) -> None:
    items = np.arange(7)
    for name, options in (("dilute", {}), ("duplicates", {"among": 0.5})):
        few, many = (
            drawn(name, VECTORS, items, stream_of(seed), most=each, **options)
            for each in (most, most + more)
        )
        np.testing.assert_array_equal(few.row, many.row[: len(few.row)])
        np.testing.assert_array_equal(few.label, many.label[: len(few.row)])


def test_few_items_many_times() -> None:
    items = np.arange(100)
    schedule = drawn("duplicates", VECTORS, items, stream_of(), among=0.03)
    found = at(VECTORS, items, schedule, 0.75)
    rows, copies = np.unique(found.rows[100:], return_counts=True)
    assert (len(rows), copies.tolist()) == (3, [100, 100, 100])
    np.testing.assert_array_equal(found.labels, VECTORS.y_train[found.rows])
    assert found.changed[100:].all()


@pytest.mark.parametrize("labels", ["right", "wrong"])
def test_test_items_leak_each_once(labels: str) -> None:
    x, y = VECTORS.tests["test"]
    items = np.arange(20)
    schedule = drawn("leak", VECTORS, items, stream_of(), labels=labels)
    assert schedule.highest(20) == 60 / 80
    there = [np.flatnonzero((x == row).all(axis=1))[0] for row in schedule.extra(60)]
    assert sorted(there) == [*range(60)]
    np.testing.assert_array_equal(schedule.true, y[there])
    assert (schedule.label == schedule.true).all() == (labels == "right")
    if labels == "wrong":
        assert not (schedule.label == schedule.true).any()
        gap = (schedule.label - schedule.true) % 3
        assert stats.chisquare(np.bincount(gap)[1:]).pvalue > 1e-6
    found = at(VECTORS, items, schedule, 0.75)
    assert len(found.rows) == 80 and found.changed.sum() == 60


# Items that leave


@given(
    classes=st.lists(st.integers(0, 4), min_size=1, max_size=4, unique=True),
    by_name=st.booleans(),
    seed=SEEDS,
)
def test_classes_go_missing(classes: list[int], by_name: bool, seed: int) -> None:
    y = Stream(seed, 0, "labels").integers(120, 5)
    dataset = replace(VECTORS, y_train=y, classes=tuple("abcde"))
    said: Any = ["abcde"[k] for k in classes] if by_name else classes
    schedule = drawn("missing_class", dataset, np.arange(120), stream_of(seed), classes=said)
    assert (schedule.label == LEAVE).all()
    half, gone = (at(dataset, np.arange(120), schedule, rate) for rate in (0.5, 1))
    lost = np.isin(y, classes)
    assert half.n_left == round(lost.sum() / 2) and gone.n_left == lost.sum()
    np.testing.assert_array_equal(gone.rows, np.flatnonzero(~lost))


def test_the_last_class_is_missing_unless_told() -> None:
    items = np.arange(120)
    last, named = (
        drawn("missing_class", VECTORS, items, stream_of(), classes=said)
        for said in (None, "class 2")
    )
    np.testing.assert_array_equal(last.item, named.item)
    np.testing.assert_array_equal(np.sort(last.item), np.flatnonzero(VECTORS.y_train == 2))


def test_sizes_of_a_long_tail_are_the_published_ones() -> None:
    """Cui et al. 2019: CIFAR-100 at imbalance 100 keeps 500 to 5 items, 10,847 in all."""
    y = np.repeat(np.arange(100), 500)
    x = np.zeros((50_000, 1), np.uint8)
    names = tuple(f"c{k}" for k in range(100))
    dataset = replace(VECTORS, x_train=x, y_train=y, classes=names)
    found = at(
        dataset, np.arange(50_000), drawn("imbalance", dataset, np.arange(50_000), stream_of()), 1
    )
    sizes = np.bincount(found.labels)
    exact = 500 * 0.01 ** (np.arange(100) / 99)
    np.testing.assert_array_equal(sizes, np.rint(exact))
    assert abs(sizes.sum() - 10_847) <= 100  # they round down
    assert np.floor(exact + 1e-9).sum() == 10_847


@given(
    n_classes=st.integers(2, 120),
    n=st.integers(1, 120),
    ratio=st.floats(1, 1e6),
    rate=st.floats(0, 1),
    seed=SEEDS,
)
def test_at_least_one_item_of_each_class_stays(
    n_classes: int, n: int, ratio: float, rate: float, seed: int
) -> None:
    y = Stream(seed, 0, "labels").integers(120, n_classes)
    dataset = replace(VECTORS, y_train=y, classes=tuple(f"c{k}" for k in range(n_classes)))
    items = np.arange(n)
    schedule = drawn("imbalance", dataset, items, stream_of(seed), ratio=ratio)
    counts = np.bincount(y[:n], minlength=n_classes)
    left = np.bincount(at(dataset, items, schedule, rate).labels, minlength=n_classes)
    assert (left[counts > 0] > 0).all() and left[0] == counts[0]


def test_a_group_of_a_table_leaves() -> None:
    table, items = DATASETS["table"], np.arange(120)
    colours = table.x_train["colour"]
    found = drawn("subsample_group", table, items, stream_of(), column="colour", value="blue")
    np.testing.assert_array_equal(np.sort(found.item), np.flatnonzero(colours == "blue"))
    x, y = found.probes["group"]
    x_test, y_test = table.tests["test"]
    assert {*x["colour"]} == {"blue"}
    np.testing.assert_array_equal(y, y_test[(x_test["colour"] == "blue").to_numpy()])


@pytest.mark.parametrize("value", [3, 3.0, "3", "3.0"])
def test_numbers_are_compared_as_numbers(value: Any) -> None:
    cells = np.array([3.0, 4.0, 3.0, np.nan])
    for column in (cells, pd.Categorical([3, 4, 3, None]), pd.Series(["3", "4", "3", None])):
        x = pd.DataFrame({"rooms": column})
        dataset = replace(
            DATASETS["table"], x_train=x, y_train=np.arange(4) % 3, tests={"test": (x, np.zeros(4))}
        )
        found = drawn(
            "subsample_group", dataset, np.arange(4), stream_of(), column="rooms", value=value
        )
        assert sorted(found.item) == [0, 2]


def test_a_group_of_a_grouped_data_set_leaves() -> None:
    test_groups = {"test": np.arange(60) % 4}
    grouped = replace(VECTORS, groups=np.arange(120) // 40, test_groups=test_groups)
    found = drawn("subsample_group", grouped, np.arange(50), stream_of(), group=1)
    np.testing.assert_array_equal(np.sort(found.item), np.arange(40, 50))
    np.testing.assert_array_equal(found.probes["group"][1], VECTORS.tests["test"][1][1::4])
    none = drawn(
        "subsample_group", replace(grouped, test_groups={}), np.arange(50), stream_of(), group=1
    )
    assert not none.probes


# Inputs of no class


@pytest.mark.parametrize("kind", KINDS)
def test_noise_keeps_the_values_of_each_place_and_nothing_else(kind: Kind) -> None:
    dataset = DATASETS[kind]
    found: Any = noise(dataset.x_train, np.arange(120), np.arange(120), stream_of())
    if kind == "text":
        given_words, new_words = (
            np.unique(" ".join(texts).split(), return_counts=True)
            for texts in (dataset.x_train, found)
        )
        np.testing.assert_array_equal(given_words[0], new_words[0])
        words: Any = stats.chi2_contingency([given_words[1], new_words[1]])
        assert words.pvalue > 1e-6
        lengths = ([len(text.split()) for text in x] for x in (dataset.x_train, found))
        assert next(lengths) == next(lengths)
        return
    if kind == "table":
        assert found.dtypes.tolist() == dataset.x_train.dtypes.tolist()
        for name, column in found.items():
            own = dataset.x_train[name]
            assert column.isin(own.tolist()).all()
            gaps = [[x.isna().sum(), x.notna().sum()] for x in (own, column)]
            test: Any = stats.fisher_exact(gaps)
            assert test.pvalue > 1e-6
        return
    x, new = (each.reshape(120, -1) for each in (dataset.x_train, found))
    assert found.dtype == dataset.x_train.dtype and found.shape == dataset.x_train.shape
    assert all(np.isin(new[:, j], x[:, j]).all() for j in range(x.shape[1]))
    if kind == "vector":  # the first columns exclude each other: one class each
        assert np.corrcoef(x[:, :2].T)[0, 1] < -0.3 < np.corrcoef(new[:, :2].T)[0, 1]


def test_sparse_noise_has_the_distribution_of_each_column() -> None:
    words = Stream(0, 0, "words").integers(400 * 30, 8).reshape(400, 30)
    x = csr_array(np.where(words < np.arange(30) % 5, words + 1, 0).astype(np.float32))
    items = np.arange(0, 400, 2)
    found = noise(x, items, np.repeat(items, 20), stream_of())
    assert isinstance(found, csr_array) and found.dtype == np.float32
    own, new = x[items].toarray(), found.toarray()
    for before, after in zip(own.T, new.T, strict=True):
        assert np.isin(after, before).all()
        share, expected = (after > 0).mean(), (before > 0).mean()
        assert abs(share - expected) < 5 * np.sqrt(0.25 / len(new))
    few = noise(x, items, items[:3], stream_of())
    np.testing.assert_array_equal(few.toarray(), new[:3])
    assert noise(x, items, items[:0], stream_of()).shape == (0, 30)


def test_noise_in_pieces_is_the_same() -> None:
    """More numbers than are drawn at a time."""
    x = np.arange(2**19).reshape(2, -1)
    items = np.arange(2)
    many = noise(x, items, np.zeros(9, np.int64), stream_of())
    np.testing.assert_array_equal(many[:5], noise(x, items, np.zeros(5, np.int64), stream_of()))
    assert 0.49 < (many == x[0]).mean() < 0.51


def test_inputs_of_another_data_set_come_each_once() -> None:
    other = elsewhere("text")
    items = np.arange(100)
    schedule = drawn("open_set", DATASETS["text"], items, stream_of(), source=lambda watch: other)
    assert schedule.highest(100) == 0.6
    assert sorted(schedule.extra(60)) == sorted(other.x_train)
    found = at(DATASETS["text"], items, schedule, 0.6)
    assert found.moved.sum() == (found.true == NO_CLASS).sum() == found.changed.sum() == 60
    np.testing.assert_array_equal(found.labels, DATASETS["text"].y_train[items])


# What a user may get wrong

WRONG: list[tuple[str, dict[str, Any], str]] = [
    ("dilute", {"most": 0}, "dilute.most = 0: expected at least 1"),
    ("duplicates", {"among": 0.0}, "among = 0.0: expected a share"),
    ("duplicates", {"most": -1}, "duplicates.most = -1"),
    ("leak", {"labels": "false"}, "labels = 'false': expected right or wrong"),
    ("missing_class", {"classes": ["class 9"]}, "expected classes of the data: class 0"),
    ("missing_class", {"classes": []}, "some of the classes"),
    ("missing_class", {"classes": [0, 1, 2]}, "not all"),
    ("imbalance", {"ratio": 0.5}, "ratio = 0.5: expected a number from 1"),
    ("imbalance", {"ratio": float("nan")}, "expected a number from 1"),
    ("subsample_group", {}, "a column of a table|the column of a table and a value"),
    ("subsample_group", {"column": "colour"}, "and a value in it"),
    ("subsample_group", {"column": "color", "value": "red"}, "did you mean 'colour'"),
    ("subsample_group", {"column": "colour", "value": "rot"}, "blue, green, grey, red"),
    ("subsample_group", {"group": 0}, "a data set with groups"),
    ("open_set", {"source": "mnist"}, "noise, or what loads a data set"),
    ("open_set", {"source": lambda watch: DATASETS["table"]}, "another data set"),
    ("open_set", {"source": lambda watch: DATASETS["text"]}, "inputs as those of .* not texts"),
]


@pytest.mark.parametrize(("name", "options", "message"), WRONG)
def test_what_can_not_be_meant_is_refused(name: str, options: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        drawn(name, DATASETS["table"], np.arange(120), stream_of(), **options)


def test_a_group_of_all_or_of_no_item_is_refused() -> None:
    grouped = replace(VECTORS, groups=np.zeros(120, np.int64))
    with pytest.raises(SpecError, match="not all items are of"):
        drawn("subsample_group", grouped, np.arange(120), stream_of(), group=0)
    with pytest.raises(SpecError, match="the number of a group that has items, 0 to 0"):
        drawn("subsample_group", grouped, np.arange(120), stream_of(), group=1)
    with pytest.raises(SpecError, match="no column: the inputs are no table"):
        drawn("subsample_group", grouped, np.arange(9), stream_of(), column="a", value=1)


@pytest.mark.parametrize(("name", "options"), [("dilute", {}), ("leak", {"labels": "wrong"})])
def test_one_class_has_no_wrong_label(name: str, options: dict[str, Any]) -> None:
    one = replace(VECTORS, y_train=np.zeros(120, np.int64), classes=("a",))
    with pytest.raises(SpecError, match="at least 2"):
        drawn(name, one, np.arange(9), stream_of(), **options)


def test_a_class_is_named_or_numbered() -> None:
    names = ["cat", "dog"]
    assert [class_number(each, names, "classes") for each in ("dog", 1, 1.0, "1")] == [1] * 4
    assert class_number(7, ["9", "7"], "classes") == 1  # names that are numbers are names
    with pytest.raises(SpecError, match="did you mean 'dog'"):
        class_number("dogs", names, "classes")


# Through a study


def test_the_other_data_set_is_looked_up_by_name_and_known_by_content(tmp_path: Any) -> None:
    table = pd.DataFrame(
        Stream(0, 0, "x").integers(40 * 64, 17).reshape(40, 64).astype(float)
    ).assign(label=np.arange(40) % 2)
    table.columns = [str(name) for name in table.columns]
    here, there = (tmp_path / name for name in ("here.csv", "there.csv"))
    for path in (here, there):
        table.to_csv(path, index=False)
    first, second = (
        corruption(
            Ref.model_validate(
                {"name": "open_set", "source": {"name": str(path), "label": "label"}}
            )
        )
        for path in (here, there)
    )
    assert first.identity == second.identity and first.label != second.label
    assert len(first.to_json()["source"]) == 64
    plain = corruption(Ref.model_validate({"name": "open_set", "source": "noise"}))
    assert plain == corruption(Ref(name="open_set")) and plain.label == "open_set"
    with pytest.raises(SpecError, match="source = 'fashion'"):
        corruption(Ref.model_validate({"name": "open_set", "source": "fashion"}))


def test_open_set_from_a_study(tmp_path: Any) -> None:
    x = Stream(0, 0, "x").integers(40 * 4, 17).reshape(40, 4)
    paths = [tmp_path / name for name in ("trained_on.csv", "other.csv")]
    for path, values in zip(paths, (x, x + 100), strict=True):
        frame = pd.DataFrame(values, columns=["a", "b", "c", "d"]).assign(y=np.arange(40) % 2)
        frame.to_csv(path, index=False)
    trained_on, other = ({"name": str(path), "label": "y"} for path in paths)
    study = make_study(
        dataset=[trained_on],
        size="all",
        corruption=[{"name": "open_set", "source": other}],
        model="logistic",
        rates=[0.5],
        replicates=1,
        validation="none",
    )
    grid = resolve(study)
    assert [each.label for each in grid.corruptions] == ["open_set source=other"]
    dataset = grid.datasets[0].load(lambda name, done, total: None)
    (trial,) = grid.trials.values()
    found = Sampler(dataset, [trial])(trial)
    assert found.n_selected == found.n_changed == round(0.5 * len(found.rows))
    (extra,) = found.extras.values()
    assert (extra.to_numpy() >= 100).all()
