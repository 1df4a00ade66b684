"""Corruptions by a reference model: what it gives, and what they make of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.sparse import csr_array
from scipy.special import ndtri, softmax

from gigo import cache
from gigo.corruptions import scored
from gigo.datasets import load
from gigo.errors import SpecError
from gigo.reference import Reference
from gigo.rng import Stream
from gigo.schedule import Schedule
from gigo.types import Dataset, Kind

P_VALUE = 1e-6
"""Seeds are fixed: a test of chance passes always or never."""

NAMES = sorted(scored.ENTRIES)
FITTED = ["boundary", "confusion"]


@dataclass(frozen=True)
class Told:
    """A reference that is told what to say."""

    vectors: Any
    probabilities: np.ndarray


def dataset_of(x: Any, y: np.ndarray, n_classes: int, kind: Kind = "vector") -> Dataset:
    y = y.astype(np.int64)
    y.flags.writeable = False
    names = tuple(f"class {k}" for k in range(n_classes))
    return Dataset("made up", x, y, {"test": (x, y)}, names, kind, "", "")


def draw(name: str, reference: Any, y: np.ndarray, n_classes: int, replicate: int = 0) -> Schedule:
    dataset = dataset_of(reference.vectors, y, n_classes)
    stream = Stream(0, replicate, "corruption")
    function = scored.ENTRIES[name].function
    return function(dataset, np.arange(len(y)), stream, reference=reference)


@st.composite
def told(draw: st.DrawFn) -> tuple[Told, np.ndarray, int]:
    """Some items of 2 to 120 classes, many of which have one item or none; x dense or sparse."""
    n, k, stream = (
        draw(st.integers(1, 60)),
        draw(st.integers(2, 120)),
        Stream(draw(st.integers(0, 2**32)), 0, "told"),
    )
    x = stream.uniform(3 * n).reshape(n, 3).astype(np.float32)
    weights = stream.integers(n * k, 3).reshape(n, k) + 1.0  # with ties
    p = weights / weights.sum(axis=1, keepdims=True)
    x.flags.writeable = p.flags.writeable = False
    y = stream.integers(n, k)
    return Told(csr_array(x) if draw(st.booleans()) else x, p), y, k


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=40)
@given(told=told())
def test_every_item_has_one_edit_to_another_class(
    name: str, told: tuple[Told, np.ndarray, int]
) -> None:
    reference, y, n_classes = told
    first, again = (draw(name, reference, y, n_classes) for _ in range(2))
    item, label, *_ = first
    assert item.dtype == label.dtype == np.int64
    assert sorted(item.tolist()) == list(range(len(y)))
    assert ((label >= 0) & (label < n_classes) & (label != y[item])).all()
    assert [each.tobytes() for each in first[:2]] == [each.tobytes() for each in again[:2]]


@pytest.mark.parametrize("name", NAMES)
def test_another_replicate_is_another_order(name: str) -> None:
    y = np.arange(100) % 3
    reference = Told(np.ones((100, 2), np.float32), np.full((100, 3), 1 / 3))
    orders = {draw(name, reference, y, 3, replicate).item.tobytes() for replicate in range(3)}
    assert len(orders) == 3


@pytest.mark.parametrize("name", NAMES)
def test_one_class_cannot_be_mislabelled(name: str) -> None:
    reference = Told(np.ones((4, 1), np.float32), np.ones((4, 1)))
    with pytest.raises(SpecError, match="classes = 1: expected at least 2"):
        draw(name, reference, np.zeros(4), 1)


def test_boundary_takes_the_nearest_first_and_across() -> None:
    p = np.array([[0.9, 0.1, 0], [0.4, 0.35, 0.25], [0.1, 0.3, 0.6], [0.5, 0, 0.5], [1, 0, 0]])
    item, label, *_ = draw("boundary", Told(p, p), np.array([0, 0, 0, 0, 0]), 3)
    assert item.tolist() == [3, 1, 2, 0, 4]
    assert label.tolist() == [2, 1, 2, 1, 1]


def test_confusion_sends_a_class_where_it_is_most_taken_for() -> None:
    y = np.array([0, 0, 1, 2])
    p = np.array([[0.2, 0.8, 0], [0.3, 0, 0.7], [0.5, 0, 0.5], [0, 0, 1.0]])
    item, label, *_ = draw("confusion", Told(p, p), y, 3)
    assert label[np.argsort(item)].tolist() == [1, 1, 0, 0]


# Instance-dependent noise


def test_destinations_are_the_softmax_of_the_class_s_weights() -> None:
    """Xia et al. 2020, algorithm 2: for one vector, softmax(x W_k) over the other classes."""
    n, n_classes = 20_000, 4
    x, y = np.tile(np.array([0.5, -1], np.float32), (n, 1)), np.arange(n) % 2
    item, label, *_ = draw("instance_dependent", Told(x, x), y, n_classes)
    for k in range(2):
        stream = Stream(0, 0, f"corruption/weights/{k}")
        scores = x[0] @ ndtri(stream.uniform(2 * n_classes)).reshape(2, n_classes)
        others = np.delete(np.arange(n_classes), k)
        counts = np.bincount(label[y[item] == k], minlength=n_classes)
        assert counts[k] == 0
        expected = softmax(scores[others]) * counts.sum()
        assert stats.chisquare(counts[others], expected).pvalue > P_VALUE


def test_alike_items_of_a_class_go_the_same_way() -> None:
    x = np.repeat(np.eye(8, dtype=np.float32) * 1e4, 10, axis=0)
    item, label, *_ = draw("instance_dependent", Told(x, x), np.zeros(80, np.int64), 10)
    by_input = label[np.argsort(item)].reshape(8, 10)
    assert (by_input == by_input[:, :1]).all()
    assert len({*by_input[:, 0].tolist()}) > 1


def test_who_changes_is_not_where_it_goes() -> None:
    """Which item comes when has nothing to do with inputs or destinations."""
    n = 3000
    x = np.zeros((n, 1), np.float32)
    item, label, *_ = draw("instance_dependent", Told(x, x), np.zeros(n, np.int64), 4)
    assert stats.chisquare(np.bincount(label, minlength=4)[1:]).pvalue > P_VALUE
    for found in (label, item):
        trend: Any = stats.pearsonr(np.arange(n), found)
        assert trend.pvalue > P_VALUE


# The reference model


def inputs(kind: str, n: int = 60) -> Any:
    """Inputs of two kinds of items in turn, of which a model can tell them."""
    y = np.arange(n) % 2
    noise = Stream(0, 0, kind).uniform(n * 12).reshape(n, 12)
    dense = (noise + y[:, None]).astype(np.float32)
    if kind == "image":
        return (dense * 127).astype(np.uint8).reshape(n, 1, 3, 4)
    if kind == "sparse":
        return csr_array(dense * (noise > 0.3))
    if kind == "text":
        return [f"{'good' if each else 'bad'} word{i % 5}" for i, each in enumerate(y)]
    if kind == "table":
        size = np.where(noise[:, 0] < 0.3, np.nan, dense[:, 0])
        job = pd.Series(np.array(["cook", "judge"], object)[y]).where(noise[:, 1] > 0.3)
        notes = pd.Series([f"note {i % 3}" for i in range(n)], dtype="str")
        empty = np.full(n, np.nan)
        columns = {"size": size, "job": job.astype("category"), "notes": notes, "empty": empty}
        return pd.DataFrame(columns)
    return dense


def reference_of(dataset: Dataset, name: str, replicate: int = 0) -> Reference:
    return Reference(dataset, np.arange(dataset.n_train), Stream(0, replicate, "reference"), name)


@pytest.mark.parametrize("kind", ["vector", "image", "sparse", "text", "table"])
def test_it_knows_inputs_of_all_kinds(kind: str) -> None:
    x, y = inputs(kind), np.arange(60) % 2
    dataset = dataset_of(x, y, 3)
    reference = reference_of(dataset, f"kinds/{kind}")
    vectors = reference.vectors
    assert vectors.shape[0] == 60
    assert vectors.dtype == np.float32
    assert np.isfinite(vectors.sum())
    found = reference.probabilities
    assert found.shape == (60, 3)
    assert found.sum(axis=1) == pytest.approx(np.ones(60))
    assert (found[:, 2] == 0).all()  # nobody has seen this class
    assert (found.argmax(axis=1) == y).mean() > 0.8


def test_vectors_of_images_are_from_0_to_1() -> None:
    x = inputs("image")
    vectors = reference_of(dataset_of(x, np.zeros(60), 2, "image"), "images").vectors
    assert vectors == pytest.approx(x.reshape(60, 12) / 255)


def test_texts_and_tables_may_be_empty() -> None:
    y = np.arange(10) % 2
    for x in (["", "?"] * 5, pd.DataFrame({"a": pd.Series([""] * 10, dtype="str")})):
        found = reference_of(dataset_of(x, y, 2), f"nothing in a {type(x).__name__}")
        assert found.vectors.shape == (10, 1)
        assert found.probabilities == pytest.approx(np.full((10, 2), 0.5), abs=0.2)


@settings(max_examples=25)
@given(told=told(), seed=st.integers(0, 2**62))
def test_no_class_is_too_small(told: tuple[Told, np.ndarray, int], seed: int) -> None:
    reference, y, n_classes = told
    name = f"small {seed} {y.tolist()} {n_classes}"
    found = reference_of(dataset_of(reference.vectors, y, n_classes), name).probabilities
    assert found.shape == (len(y), n_classes)
    assert found.sum(axis=1) == pytest.approx(np.ones(len(y)))
    if len(y) > 1:
        counts = np.bincount(y, minlength=n_classes)
        alone = np.flatnonzero(counts[y] == 1)  # no other fold has its class
        assert (found[alone, y[alone]] == 0).all()
        assert (found[:, counts == 0] == 0).all()


def test_its_probabilities_are_those_of_other_folds() -> None:
    """Labels at random: a model that had seen an item would know better than chance."""
    n = 500
    y = Stream(0, 0, "y").integers(n, 2)
    x = Stream(0, 0, "x").uniform(n * 200).reshape(n, 200).astype(np.float32)
    found = reference_of(dataset_of(x, y, 2), "at random").probabilities
    right = int((found.argmax(axis=1) == y).sum())
    assert stats.binomtest(right, n, 0.5).pvalue > 1e-3
    digits = load("digits")
    items = np.arange(500)
    found = Reference(digits, items, Stream(0, 0, "r"), "500 digits").probabilities
    assert (found.argmax(axis=1) == digits.y_train[items]).mean() > 0.9


def test_it_is_kept_and_a_broken_file_is_made_again() -> None:
    folder = cache.home("references")
    before = {*folder.glob("*")}
    dataset = dataset_of(inputs("vector"), np.arange(60) % 2, 2)
    found = reference_of(dataset, "kept").probabilities
    (file,) = {*folder.glob("*")} - before
    other = replace(dataset, x_train=np.zeros((60, 1), np.float32))
    assert (reference_of(other, "kept").probabilities == found).all()  # from the file
    for content in (b"", file.read_bytes()[:200]):
        file.write_bytes(content)
        assert (reference_of(dataset, "kept").probabilities == found).all()
        assert np.load(file).shape == found.shape
    assert (reference_of(dataset, "another", replicate=1).probabilities != found).any()


@pytest.mark.parametrize("name", NAMES)
def test_the_catalogue_says_that_it_is_not_exact(name: str) -> None:
    entry = scored.ENTRIES[name]
    assert not entry.exact
    assert entry.family == "labels"
    assert entry.options == {}
