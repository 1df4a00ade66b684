"""Logistic regression: the minimum that scikit-learn finds, whatever the units of the columns."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_array
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression

from gigo.errors import SpecError
from gigo.models.logistic import FIXED, STRENGTHS, Logistic
from gigo.softmax import path


def blobs(n: int, d: int, k: int, seed: int = 0) -> tuple[Any, Any]:
    """Items around k centres, with columns that are correlated and of different units."""
    rng = np.random.default_rng(seed)
    y = np.arange(n) % k
    x = np.random.default_rng(1).normal(size=(k, d))[y] + rng.normal(size=(n, d)) * 2
    x[:, 1:] += x[:, :1] * 3
    return (x * np.geomspace(1, 100, d) + 5).astype(np.float32), y


def loss_and_gradient(x: Any, y: Any, strength: float, weights: Any, bias: Any) -> Any:
    """What is minimised, in float64, written down once more."""
    scores = x.astype(np.float64) @ weights + bias
    logs = scores - np.logaddexp.reduce(scores, axis=1, keepdims=True)
    error = (np.exp(logs) - np.eye(len(bias))[y]) / len(y)
    loss = -logs[np.arange(len(y)), y].mean() + strength / 2 * np.square(weights).sum()
    return loss, x.T.astype(np.float64) @ error + strength * weights, error.sum(axis=0)


@pytest.mark.parametrize(("n", "d", "k"), [(150, 8, 3), (150, 8, 2), (40, 90, 4)])
@pytest.mark.parametrize("sparse", [False, True])
def test_it_ends_at_the_minimum(n: int, d: int, k: int, sparse: bool) -> None:
    x, y = blobs(n, d, k)
    x = (x - x.mean(axis=0)) / x.std(axis=0)
    given = csr_array(x) if sparse else x
    for strength, (weights, bias) in zip((1, 0.01), path(given, y, k, (1, 0.01)), strict=True):
        _, by_weights, by_bias = loss_and_gradient(x, y, strength, weights, bias)
        assert max(np.abs(by_weights).max(), np.abs(by_bias).max()) < 1e-3


@pytest.mark.parametrize("strength", [1.0, 0.05])
@pytest.mark.parametrize(("n", "d"), [(150, 8), (40, 90)])
def test_it_is_what_scikit_learn_finds(n: int, d: int, strength: float) -> None:
    x, y = blobs(n, d, 3)
    mine = Logistic(strength).fit(x, y)
    scaled = (x - x.mean(axis=0, dtype=np.float64)) / x.std(axis=0, dtype=np.float64)
    theirs = LogisticRegression(C=1 / (n * strength), tol=1e-8, max_iter=10_000).fit(scaled, y)
    np.testing.assert_allclose(mine.weights_, theirs.coef_.T, atol=2e-3)
    np.testing.assert_allclose(mine.predict_proba(x), theirs.predict_proba(scaled), atol=2e-3)


def test_of_two_classes_it_is_scikit_learns_with_half_the_penalty() -> None:
    x, y = blobs(120, 5, 2)
    mine = Logistic(0.1).fit(x, y)
    scaled = (x - x.mean(axis=0, dtype=np.float64)) / x.std(axis=0, dtype=np.float64)
    theirs = LogisticRegression(C=2 / (len(y) * 0.1), tol=1e-8, max_iter=10_000).fit(scaled, y)
    np.testing.assert_allclose(mine.predict_proba(x), theirs.predict_proba(scaled), atol=2e-3)


def test_sparse_items_are_scaled_and_stay_sparse() -> None:
    rng = np.random.default_rng(0)
    x = rng.poisson(0.3, (120, 30)).astype(np.float64)
    y = (x[:, 0] + rng.normal(size=120) * 0.3 > 0.5).astype(int)
    model = Logistic(0.01).fit(csr_array(x), y)
    scaled = x / np.maximum(np.abs(x).max(axis=0), 1e-9)
    theirs = LogisticRegression(C=2 / (120 * 0.01), tol=1e-8, max_iter=10_000).fit(scaled, y)
    np.testing.assert_allclose(
        model.predict_proba(csr_array(x)), theirs.predict_proba(scaled), atol=2e-3
    )


@pytest.mark.parametrize("sparse", [False, True])
def test_units_do_not_matter(sparse: bool) -> None:
    x, y = blobs(150, 8, 3)
    units = np.geomspace(0.001, 1000, 8)
    wrap = csr_array if sparse else np.asarray
    ones = Logistic(0.1).fit(wrap(x), y).predict_proba(wrap(x))
    other = x * units if sparse else x * units + 7 * units
    others = Logistic(0.1).fit(wrap(other), y).predict_proba(wrap(other))
    np.testing.assert_allclose(ones, others, atol=1e-3)


def test_only_held_out_items_choose_the_strength() -> None:
    """Wrong labels ask for a strong one; what is held out tells, and nothing else."""
    x, y = blobs(300, 60, 3)
    wrong = np.random.default_rng(0).integers(3, size=200)
    model = Logistic().fit(x[:200], wrong, eval_set=[(x[200:], y[200:])])
    assert model.strength_ in STRENGTHS
    errors = [
        (Logistic(each).fit(x[:200], wrong).predict(x[200:]) != y[200:]).sum() for each in STRENGTHS
    ]
    assert errors[STRENGTHS.index(model.strength_)] == min(errors)
    opposite = Logistic().fit(x[:200], wrong, eval_set=[(x[:200], wrong)])
    assert opposite.strength_ == min(STRENGTHS)


def test_without_held_out_items_it_is_fixed() -> None:
    x, y = blobs(60, 4, 3)
    assert Logistic().fit(x, y).strength_ == FIXED
    given = Logistic(0.7)
    assert given.fit(x, y, eval_set=[(x, y)]).strength_ == 0.7
    assert Logistic().monitors and not given.monitors


def test_a_path_ends_where_each_of_its_points_does() -> None:
    x, y = blobs(120, 20, 3)
    x = (x - x.mean(axis=0)) / x.std(axis=0)
    whole = [*path(x, y, 3, STRENGTHS)]
    for strength, (weights, _) in zip(STRENGTHS, whole, strict=True):
        ((alone, _),) = path(x, y, 3, [strength])
        np.testing.assert_allclose(weights, alone, atol=0.02 * np.abs(alone).max())


def test_labels_are_the_users_and_unknown_held_out_ones_do_not_count() -> None:
    x, y = blobs(90, 6, 3)
    names = np.array(["ant", "bee", "cat"])[y]
    fitted = names != "cat"
    model = Logistic().fit(x[fitted], names[fitted], eval_set=[(x, names)])
    assert model.classes_.tolist() == ["ant", "bee"]
    assert model.predict_proba(x).shape == (90, 2)
    np.testing.assert_allclose(model.predict_proba(x).sum(axis=1), 1)
    assert {*model.predict(x)} <= {"ant", "bee"}


def test_columns_that_never_vary_do_no_harm() -> None:
    x, y = blobs(60, 4, 2)
    more = np.hstack([x, np.full((60, 1), 3.3, np.float32), np.zeros((60, 1), np.float32)])
    np.testing.assert_allclose(
        Logistic(0.1).fit(more, y).predict_proba(more),
        Logistic(0.1).fit(x, y).predict_proba(x),
        atol=1e-3,
    )


def test_it_is_an_estimator() -> None:
    model: Any = clone(Logistic(0.3))
    assert model.get_params() == {"strength": 0.3}
    assert model.set_params(strength="auto").monitors


@pytest.mark.parametrize("strength", [0, -1, float("inf"), "strong", float("nan")])
def test_a_strength_is_a_number_above_0(strength: Any) -> None:
    with pytest.raises(SpecError, match="expected 'auto' or a number above 0"):
        Logistic(strength)


def test_what_it_cannot_fit_is_said() -> None:
    x, y = blobs(30, 4, 2)
    with pytest.raises(ValueError, match="one class alone"):
        Logistic().fit(x, np.zeros(30))
    x[3, 1] = np.nan
    for given in (x, csr_array(x)):
        with pytest.raises(ValueError, match="missing or infinite"):
            Logistic().fit(given, y)
