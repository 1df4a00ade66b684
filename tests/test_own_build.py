"""Data of one's own: labels to classes, the held-out test set, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.sparse import csr_array, random_array

from gigo.datasets.build import build
from gigo.datasets.labels import encode, in_order
from gigo.datasets.split import copies, held_out
from gigo.errors import DataError, GigoError, SpecError
from gigo.inputs import digest, take
from gigo.rng import Stream, grouped
from gigo.types import Dataset

SEEDS = st.integers(0, 2**32)
SHARES = st.sampled_from([0.1, 0.2, 0.3, 0.5])


def make(labels: Any, **options: Any) -> Dataset:
    """A data set of numbered items with some labels."""
    x = np.arange(len(labels), dtype=np.float64)[:, None]
    return build("mine", "mine.csv", x, labels, **options)


@st.composite
def many_labels(draw: st.DrawFn) -> list[int]:
    """Whole numbers, each class of two items or more."""
    classes = draw(st.lists(st.integers(-1000, 1000), min_size=2, max_size=6, unique=True))
    labels = [label for label in classes for _ in range(draw(st.integers(2, 30)))]
    return draw(st.permutations(labels))


# Labels


@given(labels=many_labels())
def test_the_type_of_labels_does_not_matter(labels: list[int]) -> None:
    forms: list[Any] = [
        labels,
        tuple(labels),
        [str(label) for label in labels],
        [float(label) for label in labels],
        np.array(labels),
        np.array(labels, np.int16),
        np.array(labels, np.float32),
        np.array(labels, object),
        np.array([str(label) for label in labels]),
        np.array(labels)[:, None],
        pd.Series(labels, index=range(len(labels), 0, -1)),
        pd.Series(labels, dtype="Int64"),
        pd.Series(labels, dtype="category"),
        pd.DataFrame({"y": labels}),
        pl.Series(labels),
        pa.chunked_array([labels]),
        torch.tensor(labels),
        [torch.tensor(label) for label in labels],
        [np.int32(label) for label in labels],
    ]
    expected, _, classes = encode(labels, None, None, "here")
    assert [int(classes[code]) for code in expected] == labels
    assert [int(name) for name in classes] == sorted({*labels})
    for form in forms:
        codes, _, names = encode(form, None, None, "here")
        assert names == classes
        assert codes.dtype == np.int64
        assert (codes == expected).all()


@given(names=st.lists(st.text(min_size=1).filter(str.strip), min_size=1))
def test_text_names_classes_as_it_is(names: list[str]) -> None:
    codes, _, classes = encode(names, None, None, "here")
    assert [classes[code] for code in codes] == names
    assert classes == in_order({*names})


def test_classes_are_sorted_and_numbers_by_value() -> None:
    assert encode(["10", "9", "1"], None, None, "here")[2] == ("1", "9", "10")
    assert encode(["10", "9", "b"], None, None, "here")[2] == ("10", "9", "b")
    assert encode(["0.5", "10", "-1"], None, None, "here")[2] == ("-1", "0.5", "10")
    assert encode([True, False], None, None, "here")[2] == ("False", "True")
    assert encode([2, "a"], None, None, "here")[2] == ("2", "a")


def test_na_is_a_class_and_gaps_are_missing() -> None:
    codes, _, classes = encode(np.array(["NA", "nan", "b"], object), None, None, "here")
    assert classes == ("NA", "b", "nan")
    assert codes.tolist() == [0, 2, 1]
    gaps: list[Any] = [
        [0, np.nan, 1, 0],
        ["a", None, "b", "a"],
        ["a", "", "b", "a"],
        ["a", " ", "b", "a"],
        np.array([0, np.nan, 1, 0]),
        pd.Series([0, None, 1, 0], dtype="Int64"),
        pd.Series(["a", None, "b", "a"]),
        pl.Series([0, None, 1, 0]),
        pa.chunked_array([["a", None, "b", "a"]]),
    ]
    for labels in gaps:
        with pytest.raises(DataError, match=r"mine.csv: 1 of 4 labels is missing.* item 1 "):
            make(labels)


@pytest.mark.parametrize("labels", [[0.5, 1.5] * 4, [float("inf"), 1] * 4, [1j, 2j] * 4])
def test_measurements_are_no_classes(labels: list[Any]) -> None:
    with pytest.raises(DataError, match="expected names of classes"):
        make(labels)


def test_classes_that_are_given_count_in_their_order() -> None:
    data = make(["b", "a"] * 10, classes=["b", "c", "a"])
    assert data.classes == ("b", "c", "a")
    assert {*data.y_train.tolist()} == {0, 2}
    assert "class 'c': no training item" in data.notes
    numbers = make([3, 1] * 10, classes=[3, 1])
    assert numbers.classes == ("3", "1") == make([3.0, 1.0] * 10, classes=["3", "1"]).classes
    with pytest.raises(DataError, match="label 'a': expected one of the classes given, b, c"):
        make(["b", "a"] * 10, classes=["b", "c"])
    for wrong in ("ab", ["a", "a"], [], ["a", None]):
        with pytest.raises(SpecError, match="classes = "):
            make(["b", "a"] * 10, classes=wrong)


def test_the_training_set_has_the_classes() -> None:
    x = np.zeros((4, 1))
    with pytest.raises(DataError, match=r"labels of the test set 'c', 'd'.* training set, a, b "):
        make(["a", "b"] * 5, x_test=x, labels_test=["a", "c", "d", "c"])
    data = make(["a", "b"] * 5, x_test=x, labels_test=["b"] * 4)
    assert data.tests["test"][1].tolist() == [1] * 4
    assert "class 'a': no test item" in data.notes
    lenient = make(["a", "b"] * 5, x_test=x, labels_test=["c"] * 4, classes=["a", "b", "c"])
    assert lenient.tests["test"][1].tolist() == [2] * 4


# Refused, in one line


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        ([1, 1, 1, 1, 1, 2, 2, 2, 2, 3], "class '3' has one item: expected two or more"),
        ([1, 2, *[3] * 8], "classes '1', '2' have one item"),
        ([7] * 10, "all labels are '7': expected two classes or more"),
        (range(10), "10 classes for 10 items: expected two items or more per class"),
        (np.eye(10), r"labels of shape \(10, 10\): expected one per item"),
        ([0, 1], "10 items and 2 labels"),
    ],
)
def test_labels_that_teach_nothing_are_refused(labels: Any, words: str) -> None:
    with pytest.raises(DataError, match=words) as caught:
        build("mine", "mine.csv", np.zeros((10, 1)), labels)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"test_share": 0.01}, "test_share = 0.01: expected more: of 10 items it holds out none"),
        ({"test_share": 0.95}, "test_share = 0.95: expected less: it holds out all items"),
        ({"test_share": 1.0}, "test_share = 1.0: expected a number above 0 and below 1"),
        ({"groups": [1] * 10}, "all items are of one group"),
        ({"groups": [1] * 5 + [2] * 5}, "each group has a class that no other group has"),
        ({"groups": [1] * 9}, r"groups of shape \(9,\)"),
        ({"groups": [None, *range(9)]}, "1 of 10 groups are missing"),
        ({"x_test": np.zeros((3, 1))}, "a test set of inputs alone"),
        ({"labels_test": [0]}, "a test set of labels alone"),
        ({"x_test": np.zeros((3, 2)), "labels_test": [0] * 3}, r"a test item a .* \(2,\)"),
        ({"x_test": np.zeros((0, 1)), "labels_test": []}, "no items of the test set"),
        ({"x_test": ["a"], "labels_test": [0]}, "a test item a list"),
    ],
)
def test_a_test_set_that_can_not_be_is_refused(options: dict[str, Any], words: str) -> None:
    with pytest.raises(GigoError, match=words) as caught:
        make([0] * 5 + [1] * 5, **options)
    assert "\n" not in str(caught.value)


def test_one_item_of_a_class_will_do_where_the_test_set_is_given() -> None:
    data = make([0, 0, 1], x_test=np.zeros((2, 1)), labels_test=[0, 1])
    assert "class '1': one training item" in data.notes


def test_numbers_that_are_not_finite_are_refused_and_gaps_make_a_table() -> None:
    labels = [0, 1] * 5
    with pytest.raises(DataError, match="1 number is not finite"):
        build("mine", "here", np.array([np.inf, *range(9)])[:, None], labels)
    with pytest.raises(DataError, match="1 number is not finite"):
        build("mine", "here", np.array([np.nan, *range(9)])[:, None, None, None], labels)
    data = build("mine", "here", np.array([np.nan, *range(9)])[:, None], labels)
    assert data.kind == "table"
    assert "1 number is missing: taken as a table" in data.notes


# The test set that is held out


@given(labels=many_labels(), share=SHARES, seed=SEEDS)
def test_a_test_set_takes_its_share_of_each_class(
    labels: list[int], share: float, seed: int
) -> None:
    codes, _, classes = encode(labels, None, None, "here")
    counts = np.bincount(codes)
    try:
        mask = held_out(codes, None, share, seed, "here")
    except SpecError:
        assert round(share * len(labels)) == 0 or (share * counts > counts - 1).any()
        return
    assert mask.sum() == round(share * len(labels))
    taken = np.bincount(codes[mask], minlength=len(classes))
    assert (np.abs(taken - share * counts) < 1 + 1e-9).all()
    assert (taken < counts).all()
    assert (mask == held_out(codes, None, share, seed, "here")).all()


@st.composite
def in_groups(draw: st.DrawFn) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Labels and groups of some items."""
    n = draw(st.integers(2, 80))
    labels = draw(st.lists(st.integers(0, 3), min_size=n, max_size=n))
    groups = draw(st.lists(st.integers(0, 12), min_size=n, max_size=n))
    return np.array(labels), np.array(groups)


@given(items=in_groups(), share=SHARES, seed=SEEDS)
def test_no_group_is_on_both_sides(
    items: tuple[NDArray[np.int64], NDArray[np.int64]], share: float, seed: int
) -> None:
    labels, groups = items
    taken = grouped(labels, groups, share, Stream(seed, 0, "test"))
    assert (np.diff(taken) > 0).all()
    inside, outside = {*groups[taken]}, {*np.delete(groups, taken)}
    assert not inside & outside
    assert bool(len(taken)) == (len({*groups}) > 1)
    assert outside
    try:
        mask = held_out(labels, groups, share, seed, "here")
    except DataError:
        return
    assert np.flatnonzero(mask).tolist() == taken.tolist()
    assert {*labels[~mask]} == {*labels}


@given(sizes=st.lists(st.integers(1, 20), min_size=2, max_size=15), share=SHARES, seed=SEEDS)
@example(sizes=[10, 10], share=0.1, seed=0)
def test_groups_get_as_near_to_a_share_as_half_of_one(
    sizes: list[int], share: float, seed: int
) -> None:
    groups = np.repeat(np.arange(len(sizes)), sizes)
    taken = grouped(np.zeros(len(groups), np.int64), groups, share, Stream(seed, 0, "test"))
    miss = abs(len(taken) - share * len(groups))
    # Or there is a single group in it, since one is always taken.
    assert miss <= max(sizes) / 2 or len({*groups[taken]}) == 1


def test_groups_of_one_item_are_stratified() -> None:
    labels = np.repeat([0, 1, 2], [500, 300, 200])
    taken = grouped(labels, np.arange(1000), 0.2, Stream(0, 0, "test"))
    assert np.abs(np.bincount(labels[taken]) - [100, 60, 40]).max() <= 1


def test_which_groups_are_held_out_depends_on_the_seed() -> None:
    labels, groups = np.tile([0, 1], 50), np.arange(100) // 5
    found = {
        tuple(grouped(labels, groups, 0.2, Stream(seed, 0, "test")).tolist()) for seed in range(10)
    }
    assert len(found) > 5


def test_rows_sorted_by_class_and_rows_in_turn_are_split_alike() -> None:
    labels = np.repeat(np.arange(10), 20)
    data = make(labels)
    assert np.bincount(data.y_train).tolist() == [16] * 10
    assert np.bincount(data.tests["test"][1]).tolist() == [4] * 10


def test_a_data_set_keeps_items_with_their_labels_and_groups() -> None:
    x = np.arange(60, dtype=np.float64)[:, None]
    groups = [f"patient {k // 4}" for k in range(60)]
    data = build("mine", "here", x, np.arange(60) % 3, groups=groups)
    (x_test, y_test), n = data.tests["test"], data.n_train
    assert n + len(y_test) == 60
    assert sorted(np.concatenate([data.x_train, x_test])[:, 0]) == list(range(60))
    for inputs, codes in ((data.x_train, data.y_train), (x_test, y_test)):
        assert (inputs[:, 0] % 3 == codes).all()
    assert data.groups is not None and data.groups.shape == (n,)
    patients = data.x_train[:, 0] // 4
    assert len({*zip(patients, data.groups, strict=True)}) == len({*patients})
    assert not {*patients} & {*(x_test[:, 0] // 4)}


def test_a_data_set_is_known_by_its_content() -> None:
    labels = [0, 1] * 10
    data, again, other = make(labels), make(labels), make(labels[::-1])
    assert data.sha256 == again.sha256 != other.sha256
    x_test, y_test = data.tests["test"]
    assert data.sha256 == digest(data.x_train, data.y_train, x_test, y_test)
    in_pairs = make(labels, groups=np.arange(20) // 2)
    assert in_pairs.groups is not None
    assert in_pairs.sha256 != digest(in_pairs.x_train, in_pairs.y_train, *in_pairs.tests["test"])


def test_the_users_own_arrays_stay_as_they_are() -> None:
    x, y = np.zeros((10, 1)), np.array([0, 1] * 5)
    data = build("mine", "here", x, y, x_test=x, labels_test=y)
    assert not data.x_train.flags.writeable
    assert not data.y_train.flags.writeable
    assert x.flags.writeable
    assert y.flags.writeable


# Copies on both sides


def test_copies_are_counted_whatever_the_inputs() -> None:
    rng = np.random.default_rng(0)
    rows, rest = np.arange(20), np.r_[np.arange(3), np.arange(20, 25)]
    sparse = csr_array(random_array((25, 30), density=0.5, rng=rng))
    table = pd.DataFrame({"a": rng.normal(size=25), "b": [f"w{k}" for k in range(25)]})
    for x in (
        rng.normal(size=(25, 4)),
        rng.integers(256, size=(25, 1, 8, 8), dtype=np.uint8),
        sparse,
        table,
        table.astype({"b": "category"}),
        [f"text {k}" for k in range(25)],
    ):
        assert copies(take(x, rows), take(x, rest)) == 3
        assert copies(take(x, rows), take(x, rest[3:])) == 0


def test_copies_on_both_sides_are_said() -> None:
    data = build("mine", "here", ["a", "b"] * 10, [0, 1] * 10)
    assert any(note.startswith("4 of 4 test items are also in") for note in data.notes)
    assert not any("also in" in note for note in make([0, 1] * 10).notes)


# Tables


def test_words_are_categories_known_to_both_sides_and_sentences_are_text() -> None:
    x = pd.DataFrame(
        {
            "age": [1.0, 2.0, np.nan] * 4,
            "job": ["cook", "judge", None] * 4,
            "says": [f"this is sentence number {k}" for k in range(12)],
        }
    )
    x_test = pd.DataFrame({"says": ["one more"] * 2, "job": ["smith", "cook"], "age": [1.0, 2.0]})
    data = build("mine", "here", x, [0, 1] * 6, x_test=x_test, labels_test=[0, 1])
    test = data.tests["test"][0]
    for table in (data.x_train, test):
        assert table.dtypes.map(str).tolist() == ["float64", "category", "object"]
        assert table["job"].cat.categories.tolist() == ["cook", "judge", "smith"]
    assert data.kind == "table"
    assert test["job"].tolist() == ["smith", "cook"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"b": None}, "the test set lacks b"),
        ({"c": [1.0, 2.0]}, "the test set has also c"),
        ({"a": ["x", "y"]}, "column 'a' is float64 in the training set and"),
    ],
)
def test_columns_of_both_sides_must_fit(change: dict[str, Any], words: str) -> None:
    x = pd.DataFrame({"a": [1.0, 2.0] * 5, "b": ["x", "y"] * 5})
    x_test = x.head(2).assign(**change)
    x_test = x_test.drop(columns=[name for name, value in change.items() if value is None])
    with pytest.raises(DataError, match=words):
        build("mine", "here", x, [0, 1] * 5, x_test=x_test, labels_test=[0, 1])


def test_categories_count_by_their_names() -> None:
    words = ["b", "a", None, "b"]
    plain = pd.DataFrame({"w": pd.Categorical(words)})
    turned = pd.DataFrame({"w": pd.Categorical(words, categories=["z", "b", "a"])})
    other = pd.DataFrame({"w": pd.Categorical(["b", "a", "a", "b"])})
    assert digest(plain) == digest(turned) != digest(other)
