"""Data that a program has: every form of the same items is the same data set."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from scipy import sparse
from sklearn import datasets as examples
from torch.utils.data import TensorDataset

from gigo.datasets.memory import from_memory
from gigo.datasets.pixels import as_images
from gigo.errors import DataError, GigoError, SpecError
from gigo.types import Dataset

RNG = np.random.default_rng(0)
N = 40
Y = np.arange(N) % 2
VECTORS = RNG.normal(size=(N, 3))
IMAGES = RNG.integers(256, size=(N, 8, 6), dtype=np.uint8)
COLOURS = RNG.integers(256, size=(N, 8, 6, 3), dtype=np.uint8)
TEXTS = [f"text number {k}" for k in range(N)]


class Pairs:
    """Gives (input, label) by number, and counts how often."""

    def __init__(self, items: Any, labels: Any) -> None:
        self.items, self.labels, self.read = items, labels, 0

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, k: int) -> tuple[Any, Any]:
        self.read += 1
        return self.items[k], self.labels[k]


# The same items in another form


@pytest.mark.parametrize(
    "form",
    [
        lambda x: x.tolist(),
        lambda x: [tuple(row) for row in x],
        list,
        torch.tensor,
        lambda x: [torch.tensor(row) for row in x],
        np.asfortranarray,
        lambda x: np.ascontiguousarray(x[::-1])[::-1],
    ],
)
def test_vectors_may_have_any_form(form: Any) -> None:
    expected = from_memory(VECTORS, Y)
    assert expected.kind == "vector"
    assert expected.x_train.dtype == np.float64
    assert from_memory(form(VECTORS), Y).sha256 == expected.sha256
    assert from_memory(Pairs(form(VECTORS), Y)).sha256 == expected.sha256


@pytest.mark.parametrize(
    "form",
    [
        lambda x: x[..., None],
        lambda x: x[:, None],
        list,
        lambda x: [Image.fromarray(each) for each in x],
        lambda x: x.astype(np.int64),
        lambda x: x.astype(np.uint16),
        torch.tensor,
    ],
)
def test_grey_images_may_have_any_form(form: Any) -> None:
    expected = from_memory(IMAGES, Y)
    assert expected.kind == "image"
    assert expected.input_shape == (1, 8, 6)
    assert expected.x_train.dtype == np.uint8
    assert from_memory(form(IMAGES), Y).sha256 == expected.sha256
    assert from_memory(Pairs(form(IMAGES), Y)).sha256 == expected.sha256


@pytest.mark.parametrize(
    "form",
    [
        lambda x: np.moveaxis(x, 3, 1),
        lambda x: torch.tensor(np.moveaxis(x, 3, 1)),
        lambda x: [Image.fromarray(each) for each in x],
    ],
)
def test_colour_images_may_have_any_form(form: Any) -> None:
    expected = from_memory(COLOURS, Y)
    assert expected.input_shape == (3, 8, 6)
    assert from_memory(form(COLOURS), Y).sha256 == expected.sha256


@pytest.mark.parametrize(
    "form",
    [
        tuple,
        np.array,
        lambda x: np.array(x, object),
        pd.Series,
        lambda x: pd.Series(x, dtype=object),
        pl.Series,
        lambda x: pa.chunked_array([x]),
        lambda x: pd.DataFrame({"says": x}),
        lambda x: pl.DataFrame({"says": x}),
    ],
)
def test_texts_may_have_any_form(form: Any) -> None:
    expected = from_memory(TEXTS, Y)
    assert expected.kind == "text"
    assert expected.input_shape == ()
    assert from_memory(form(TEXTS), Y).sha256 == expected.sha256


@pytest.mark.parametrize("form", ["csr", "csc", "coo", "lil", "bsr"])
def test_sparse_matrices_may_have_any_form(form: Any) -> None:
    x = sparse.random(N, 9, density=0.3, format="csr", rng=np.random.default_rng(1))
    expected = from_memory(x, Y)
    assert expected.kind == "vector"
    assert expected.input_shape == (9,)
    assert isinstance(expected.x_train, sparse.csr_array)
    assert from_memory(x.asformat(form), Y).sha256 == expected.sha256
    assert from_memory(sparse.coo_array(x).asformat(form), Y).sha256 == expected.sha256


PEOPLE: dict[str, list[Any]] = {
    "age": [31, None, 55, 18] * 10,
    "height": [1.5, 1.75, None, 2.0] * 10,
    "job": ["cook", "judge", None, "smith"] * 10,
    "member": [True, False, True, None] * 10,
    "since": [dt.datetime(2020, 1, 1), dt.datetime(2020, 1, 2, 12), None, None] * 10,
    "says": [f"these are the words of {k}" for k in range(N)],
    "home": [f"house {k // 4}" for k in range(N)],
    "happy": ["yes", "no"] * 20,
}
FRAMES = {
    "pandas": pd.DataFrame(PEOPLE),
    "pandas with an index": pd.DataFrame(PEOPLE, index=[f"p{k}" for k in range(N)]),
    "pandas of objects": pd.DataFrame(PEOPLE, dtype=object),
    "polars": pl.DataFrame(PEOPLE),
    "arrow": pa.table(PEOPLE),
}


@pytest.mark.parametrize("library", FRAMES)
def test_frames_may_be_of_any_library(library: str) -> None:
    expected = from_memory(FRAMES["arrow"], "happy", groups="home")
    data = from_memory(FRAMES[library], "happy", groups="home")
    assert data.kind == "table"
    assert data.classes == ("no", "yes")
    assert data.groups is not None
    columns = data.x_train.dtypes.map(str)
    assert list(columns.index) == ["age", "height", "job", "member", "since", "says"]
    assert columns["age"] == columns["since"] == "float64"
    assert columns["job"] == "category"
    assert columns["says"] == "object"
    assert data.sha256 == expected.sha256
    both = pd.concat([data.x_train, data.tests["test"][0]])
    assert {*both["since"].dropna()} == {18262.0, 18263.5}  # days from 1970 to 2020
    assert any("since" in note and "days" in note for note in data.notes)


def test_labels_and_groups_of_a_frame_may_be_given_apart() -> None:
    frame = FRAMES["polars"]
    expected = from_memory(frame, "happy", groups="home")
    assert isinstance(frame, pl.DataFrame)
    apart = from_memory(frame.drop("happy", "home"), frame["happy"], groups=frame["home"])
    assert apart.sha256 == expected.sha256


def test_a_test_frame_has_the_columns_of_the_training_frame() -> None:
    frame = pd.DataFrame(PEOPLE)
    train, test = frame.iloc[:32], frame.iloc[32:]
    expected = from_memory(train, "happy", test, groups="home")
    assert (expected.n_train, expected.n_test) == (32, 8)
    homes = expected.test_groups["test"].tolist()
    assert homes == pd.factorize(test["home"])[0].tolist()
    turned = test[test.columns[::-1]].drop(columns="home")
    assert from_memory(train, "happy", turned, groups="home").sha256 == expected.sha256
    apart = from_memory(train, "happy", turned.drop(columns="happy"), test["happy"], groups="home")
    assert apart.sha256 == expected.sha256
    with pytest.raises(DataError, match="test set lacks job"):
        from_memory(train, "happy", test.drop(columns="job"))
    with pytest.raises(SpecError, match="y = 'happy': expected a column"):
        from_memory(train, "happy", test.drop(columns="happy"))


def test_integers_in_a_column_of_objects_are_numbers_and_mixtures_text() -> None:
    frame = pd.DataFrame({"a": pd.Series([1, 2] * 20, dtype=object), "b": [1, "x"] * 20})
    data = from_memory(frame, pd.Series([7, 9] * 20, dtype=object))
    assert data.x_train.dtypes.map(str).tolist() == ["float64", "category"]
    assert data.x_train["b"].cat.categories.tolist() == ["1", "x"]
    assert data.classes == ("7", "9")
    assert "column 'b': numbers and text, taken as text" in data.notes
    table = from_memory(frame.to_numpy(), Y)
    assert table.kind == "table"
    assert table.x_train.dtypes.map(str).tolist() == ["float64", "category"]


# What becomes of values


def test_vectors_stay_as_they_are_but_for_whole_numbers() -> None:
    assert from_memory(VECTORS.astype(np.float32), Y).x_train.dtype == np.float32
    assert from_memory(VECTORS.astype(np.float16), Y).x_train.dtype == np.float32
    assert from_memory(np.arange(N)[:, None], Y).x_train.dtype == np.float64
    assert from_memory(VECTORS > 0, Y).x_train.dtype == np.float64
    tokens = from_memory(np.arange(2 * N).reshape(N, 2), Y, kind="text")
    assert (tokens.kind, tokens.x_train.dtype) == ("text", np.int64)
    signals = from_memory(np.zeros((N, 1, 30), np.float32) + Y[:, None, None], Y, kind="vector")
    assert (signals.kind, signals.input_shape) == ("vector", (1, 30))


@given(
    channels=st.sampled_from([1, 3, 4]),
    height=st.integers(5, 20),
    width=st.integers(5, 20),
)
def test_the_axis_of_channels_is_found(channels: int, height: int, width: int) -> None:
    first = np.zeros((2, channels, height, width), np.uint8)
    assert as_images(first, "X")[0].shape == first.shape
    assert as_images(np.moveaxis(first, 1, 3), "X")[0].shape == first.shape


def test_small_images_are_taken_to_be_square() -> None:
    assert as_images(np.zeros((2, 4, 4, 1)), "X")[0].shape == (2, 1, 4, 4)
    assert as_images(np.zeros((2, 1, 4, 4)), "X")[0].shape == (2, 1, 4, 4)
    assert as_images(np.zeros((2, 3, 3, 4)), "X")[0].shape == (2, 4, 3, 3)
    many = np.zeros((2, 7, 9, 9))
    assert as_images(many, "X", known=True)[0].shape == many.shape
    with pytest.raises(DataError, match="1, 3 or 4 channels"):
        as_images(many, "X")


def test_pixels_become_what_networks_take() -> None:
    deep = np.array([[[[0, 65535]]]], np.uint16)
    assert as_images(deep, "X")[0].tolist() == [[[[0.0, 1.0]]]]
    assert as_images(deep > 0, "X")[0].dtype == np.float32
    real, notes = as_images(np.array([[[[0.0, 255.0]]]]), "X")
    assert real.dtype == np.float64
    assert notes == ["images: values from 0 to 255: networks learn best from 0 to 1"]
    assert as_images(np.array([[[[0.0, 1.0]]]]), "X")[1] == []


# Sources


def test_a_data_set_of_pytorch_is_read_once() -> None:
    torch_set = TensorDataset(torch.tensor(VECTORS), torch.tensor(Y))
    assert from_memory(torch_set).sha256 == from_memory(VECTORS, Y).sha256
    pairs = Pairs(TEXTS, ["ham", "spam"] * 20)
    data = from_memory(pairs)
    assert pairs.read == N
    assert (data.kind, data.classes) == ("text", ("ham", "spam"))


def test_test_sets_of_pairs() -> None:
    data = from_memory(Pairs(VECTORS, Y), X_test=Pairs(VECTORS[:6], Y[:6]))
    assert (data.n_train, data.n_test) == (N, 6)


def test_what_scikit_learns_loaders_give() -> None:
    bunch = examples.load_iris()
    data = from_memory(bunch)
    assert data.name == "iris"
    assert data.classes == ("setosa", "versicolor", "virginica")
    assert data.kind == "table"
    frame = from_memory(examples.load_iris(as_frame=True))
    assert frame.sha256 == data.sha256


# Refused, in one line


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ((VECTORS,), "items without labels"),
        ((VECTORS, Y[:3]), "40 items and 3 labels"),
        ((VECTORS, "age"), "y = 'age': expected values, one per item: X is no data frame"),
        ((VECTORS[:, 0], Y), r"shape \(40,\): expected \(n, features\), or X.reshape"),
        ((VECTORS.astype(complex), Y), "array of type complex128"),
        ((7, Y), "X is a int"),
        (("text", Y), "X is a str"),
        (({"a": 1}, Y), "X is a dict"),
        ((iter(TEXTS), Y), "X is a list_iterator"),
        (([[1, 2], [3]], [0, 1]), r"item 1 is of shape \(1,\)"),
        ((["a", None], [0, 1]), "item 1 is missing"),
        ((["a", float("nan")], [0, 1]), "item 1 is missing"),
        ((["a", np.zeros(2)], [0, 1]), r"item 1 is of shape \(2,\)"),
        (([{"a": 1}], [0]), "item 0 is a dict"),
        ((Pairs([1], [1]).items, Y), "item 0 is a int"),
        ((VECTORS, Y, None, Y), "y_test without X_test"),
        ((VECTORS, Y, VECTORS), "of the test set: items without labels"),
        ((VECTORS, Y, VECTORS[:, :2], Y), "a test item a ndarray of shape"),
        ((FRAMES["pandas"], "hapy"), r"y = 'hapy': .* age, .* \(did you mean 'happy'\?\)"),
        ((FRAMES["polars"].lazy(), "happy"), "a lazy frame"),
        ((pd.DataFrame([[1, 2]], columns=["a", "a"]), [1]), "several columns are called a"),
        ((pd.DataFrame({"a": [[1], {}]}), [0, 1]), "X and y"),
        ((pl.DataFrame({"a": [{"b": 1}] * 2, "c": [1, 2]}), [0, 1]), "column 'a'"),
    ],
)
def test_what_is_no_data_is_refused(data: tuple[Any, ...], words: str) -> None:
    with pytest.raises(GigoError, match=words) as caught:
        from_memory(*data)
    assert "\n" not in str(caught.value)


def test_pairs_that_are_none_are_refused() -> None:
    class Dicts(Pairs):
        def __getitem__(self, k: int) -> Any:
            return {"image": self.items[k], "label": self.labels[k]}

    with pytest.raises(DataError, match=r"item 0 is a dict: expected a pair, \(input, label\)"):
        from_memory(Dicts(VECTORS, Y))


def test_kinds_that_do_not_fit_are_refused() -> None:
    with pytest.raises(SpecError, match="kind = 'image'"):
        from_memory(VECTORS, Y, kind="image")
    with pytest.raises(SpecError, match="kind = 'vector'"):
        from_memory(FRAMES["arrow"], "happy", kind="vector")


def test_names_and_splits_are_the_users() -> None:
    data = from_memory(VECTORS, Y, name="mine", test_share=0.5, seed=1)
    assert (data.name, data.n_test) == ("mine", 20)
    assert isinstance(data, Dataset)
    assert data.sha256 != from_memory(VECTORS, Y, test_share=0.5, seed=2).sha256


def test_held_out_items_keep_their_groups() -> None:
    frame = pd.DataFrame(PEOPLE)
    data = from_memory(frame, "happy", groups="home")
    assert data.groups is not None
    assert len(data.test_groups["test"]) == data.n_test
    assert not {*data.test_groups["test"].tolist()} & {*data.groups.tolist()}
    assert not from_memory(frame, "happy").test_groups
