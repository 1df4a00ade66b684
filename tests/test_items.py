"""Test items as a sample: influence values, and the variance that other items would bring."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gigo.analysis.items import Items, _Cell, influence
from gigo.metrics import measures

NAMES = ("accuracy", "balanced_accuracy", "macro_f1", "log_loss", "brier", "roc_auc")


def predicted(seed: int, n: int, n_classes: int):
    """Labels of every class, what a model predicts of them, and its log-probabilities."""
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.arange(n) % n_classes)
    logits = rng.normal(size=(n, n_classes)) + 1.5 * np.eye(n_classes)[labels]
    scores = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    return labels, scores.argmax(axis=1), scores


@given(st.integers(0, 2**32 - 1), st.integers(6, 80), st.integers(2, 4))
def test_the_mean_of_the_influence_values_is_the_metric(seed, n, n_classes):
    labels, predictions, scores = predicted(seed, n, n_classes)
    known = measures(labels, predictions, n_classes, scores)
    for name in NAMES:
        values = influence(name, labels, predictions, n_classes, scores)
        if values is not None:
            assert values.mean() == pytest.approx(known[name], abs=1e-12)
    assert influence("ece", labels, predictions, n_classes, scores) is None
    assert influence("log_loss", labels, predictions, n_classes) is None


@pytest.mark.parametrize("name", NAMES)
def test_their_variance_is_that_over_samples_of_items(name):
    """A sample of 600 from 200,000 items, drawn 800 times."""
    rng = np.random.default_rng(0)
    labels, predictions, scores = predicted(1, 200_000, 2)
    values, expected = [], []
    for _ in range(800):
        at = rng.integers(len(labels), size=600)
        mine = labels[at], predictions[at], 2, scores[at]
        found = influence(name, *mine)
        assert found is not None
        values.append(found.mean())
        expected.append(found.var(ddof=1) / len(found))
    assert np.var(values, ddof=1) == pytest.approx(np.mean(expected), rel=0.2)


def test_macro_f1_by_leaving_out_an_item():
    """Efron's jackknife, of three classes, agrees with the influence values."""
    labels, predictions, _ = predicted(3, 400, 3)
    keep = ~np.eye(400, dtype=bool)
    left = np.array([measures(labels[k], predictions[k], 3)["macro_f1"] for k in keep])
    values = influence("macro_f1", labels, predictions, 3)
    assert values is not None
    jackknife = 399 / 400 * np.square(left - left.mean()).sum()
    assert values.var(ddof=1) / 400 == pytest.approx(jackknife, rel=0.02)


def crossed(rng: np.random.Generator, n_rates: int, n: int, trainings: int, size: int = 1):
    """Right or wrong, (rates, trainings, items): items differ, trainings differ, single cells do.

    Items come in clusters of ``size`` that are equally hard. A training errs on items of its own,
    at all rates.
    """
    hard = rng.normal(1.2, 1.3, n // size).repeat(size)
    slope = rng.normal(1.0, 0.7, n // size).repeat(size)
    trained = rng.normal(0, 0.25, (n_rates, trainings))
    own = rng.normal(0, 1.5, (trainings, n))
    at = hard - slope * np.linspace(0, 2, n_rates)[:, None, None] + trained[:, :, None] + own
    return rng.random((n_rates, trainings, n)) < 1 / (1 + np.exp(-at))


def items_in(right, rates, clusters=None) -> Items:
    """As they come from records, training by training."""
    cells = [_Cell.of(right.shape[2]) for _ in rates]
    for cell, values in zip(cells, right.astype(float), strict=True):
        for value, clean in zip(values, right[0].astype(float), strict=True):
            cell.add(value, clean)
    return Items(
        np.array(rates),
        np.array([cell.mean for cell in cells]),
        np.array([cell.of_mean for cell in cells]),
        np.array([cell.shared(cells[0].n) for cell in cells]),
        right.shape[2],
        clusters,
    )


@pytest.mark.parametrize("size", [1, 6])
@pytest.mark.parametrize("trainings", [2, 5])
def test_the_variance_of_a_loss_over_items_and_trainings(trainings, size):
    """Drawn 400 times: that over trainings plus that over items is what is seen."""
    rng = np.random.default_rng(5)
    rates = [0.0, 0.3, 0.6]
    lost, variances = [], []
    for _ in range(400):
        right = crossed(rng, 3, 240, trainings, size)
        differences = (right[0].astype(float) - right[1:]).mean(axis=2)
        lost.append(differences.mean(axis=1))
        over_trainings = differences.var(axis=1, ddof=1) / trainings
        items = items_in(right, rates, np.arange(240) // size if size > 1 else None)
        variances.append(over_trainings + items.variance(np.array(rates))[1:])
    expected = np.var(lost, axis=0, ddof=1)
    assert np.mean(variances, axis=0) == pytest.approx(expected, rel=0.2)


def test_a_rate_that_was_not_run_is_not_known():
    right = crossed(np.random.default_rng(0), 2, 50, 3)
    items = items_in(right, [0.0, 0.5])
    found = items.variance(np.array([0.0, 0.25, 0.5]))
    assert found[0] == 0 and np.isnan(found[1]) and found[2] > 0
    without = items_in(right[1:], [0.5])
    assert np.isnan(without.variance(np.array([0.5]))).all()
