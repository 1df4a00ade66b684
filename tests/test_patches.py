"""Patches: features of images that are learned without labels, the same every time."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gigo import datasets, models
from gigo.errors import SpecError
from gigo.features import featured
from gigo.inputs import digest
from gigo.models.logistic import Logistic
from gigo.models.patches import WIDTH, Patches, patch_side, shrunk, shrunk_shape
from gigo.types import Card, Dataset


def images(n: int, channels: int, height: int, width: int) -> Any:
    return np.random.default_rng(0).integers(0, 256, (n, channels, height, width), np.uint8)


@pytest.fixture(scope="module")
def digits() -> Dataset:
    return datasets.load("digits")


@pytest.fixture(scope="module")
def learned(digits: Dataset) -> Patches:
    return Patches.learn(digits.x_train)


def test_the_same_images_give_the_same(digits: Dataset, learned: Patches) -> None:
    again = Patches.learn(digits.x_train)
    for name, value in vars(learned).items():
        np.testing.assert_array_equal(value, getattr(again, name))


def test_an_image_has_the_same_features_whatever_is_beside_it(
    digits: Dataset, learned: Patches
) -> None:
    x = digits.x_train[:100]
    whole = learned(x)
    assert whole.shape == (100, WIDTH) and whole.dtype == np.float32
    order = np.random.default_rng(0).permutation(100)
    np.testing.assert_array_equal(learned(x[order]), whole[order])
    np.testing.assert_array_equal(learned(x[37:38]), whole[37:38])


def test_corrupting_labels_does_not_change_them(
    digits: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    card = Card("digits", digits.sha256, "image", (1, 8, 8), 10, digits.n_train, digits.n_test)
    few = replace(digits, x_train=digits.x_train[:50], y_train=digits.y_train[:50])
    wrong = replace(few, y_train=9 - few.y_train, sha256=digest(few.x_train))
    features = models.FEATURES["patches"].function(card)
    one, other = featured(few, features), featured(wrong, features)
    np.testing.assert_array_equal(one.x_train, other.x_train)
    np.testing.assert_array_equal(one.tests["test"][0], other.tests["test"][0])
    assert [each.suffix for each in (tmp_path / "gigo" / "features").iterdir()].count(".npy") == 2


def test_the_scale_of_pixels_does_not_matter(digits: Dataset, learned: Patches) -> None:
    scaled = digits.x_train * np.float32(16)
    np.testing.assert_array_equal(Patches.learn(scaled)(scaled[:20]), learned(digits.x_train[:20]))


@pytest.mark.parametrize("shape", [(3, 40, 60), (4, 5, 9), (1, 28, 28)])
def test_images_of_any_kind_have_as_many(shape: tuple[int, int, int]) -> None:
    x = images(12, *shape)
    found = Patches.learn(x)(x)
    assert found.shape == (12, WIDTH)
    assert np.isfinite(found).all() and found.std(axis=0).max() > 0


def test_images_without_contrast_have_finite_ones() -> None:
    x = np.zeros((3, 1, 8, 8), np.uint8)
    assert np.isfinite(Patches.learn(x)(x)).all()


def test_large_images_are_smoothed_and_shrunk() -> None:
    """A fine chessboard becomes grey: every pixel counts, not every tenth."""
    board = (np.indices((320, 640)).sum(axis=0) % 2 * 255).astype(np.uint8)
    small = shrunk(board[None, None])
    assert small.shape == (1, 1, 16, 32) == (1, 1, *shrunk_shape(320, 640))
    np.testing.assert_allclose(small, 127.5, atol=1.5)
    x = images(2, 3, 20, 32)
    np.testing.assert_array_equal(shrunk(x), x)


def test_patches_are_smaller_on_small_images() -> None:
    assert [patch_side(side, side) for side in (4, 8, 12, 16, 32)] == [2, 3, 4, 6, 6]


def test_memory_does_not_grow_with_the_images() -> None:
    """Beside what it gives: 1,600 numbers of 4 bytes per image."""
    learned = Patches.learn(images(50, 1, 16, 16))
    peaks: list[int] = []
    for n in (100, 400):
        x = images(n, 1, 16, 16)
        tracemalloc.start()
        learned(x)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] - peaks[0] < 300 * WIDTH * 4 * 2.5


@pytest.mark.parametrize(("shape", "kind"), [((64,), "vector"), ((1, 2, 2), "image")])
def test_what_is_no_image_has_none(shape: tuple[int, ...], kind: Any) -> None:
    card = Card("mine", "0" * 64, kind, shape, 2, 10, 10)
    with pytest.raises(SpecError, match="images of at least 4x4 pixels, which mine has not"):
        models.FEATURES["patches"].function(card)
    assert models.default_for(card) != "patches"


def test_they_tell_more_than_pixels(digits: Dataset, learned: Patches) -> None:
    (x, y), few = digits.tests["test"], slice(600)
    pixels = Logistic().fit(digits.x_train[few].reshape(600, -1), digits.y_train[few])
    head = Logistic().fit(learned(digits.x_train[few]), digits.y_train[few])
    wrong = (head.predict(learned(x)) != y).mean(), (pixels.predict(x.reshape(450, -1)) != y).mean()
    assert wrong[0] < 0.7 * wrong[1]


@pytest.mark.data
@pytest.mark.slow
def test_the_first_thousand_of_mnist(data_dir: Path, tmp_path: Path) -> None:
    """Coates, Ng and Lee's features make 94 % of 800 items, the strength chosen on 200 more."""
    mnist = datasets.load("mnist", data_dir)
    learned = Patches.learn(mnist.x_train)
    x, y = learned(mnist.x_train[:1000]), mnist.y_train[:1000]
    test, labels = learned(mnist.tests["test"][0][::5]), mnist.tests["test"][1][::5]
    found: list[float] = []
    for rate in (0, 0.4):
        wrong = y[:800].copy()
        chosen = np.random.default_rng(0).permutation(800)[: round(800 * rate)]
        wrong[chosen] = (wrong[chosen] + np.random.default_rng(1).integers(1, 10, len(chosen))) % 10
        model = Logistic().fit(x[:800], wrong, eval_set=[(x[800:], y[800:])])
        found.append(float((model.predict(test) == labels).mean()))
    assert found[0] > 0.935 and found[1] > 0.86
