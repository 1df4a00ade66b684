"""The measures of a classifier, against scikit-learn and against what can be worked out by hand."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as reference

from gigo.measures import MEASURES
from gigo.metrics import calibration_error, confusion, measures, per_class

NO_WARNING: Any = {"zero_division": 0}


@st.composite
def classified(draw: st.DrawFn, n_classes: int | None = None) -> tuple[np.ndarray, np.ndarray, int]:
    """True classes and logits; some classes may be absent, and logits may be equal."""
    k = draw(st.integers(2, 6)) if n_classes is None else n_classes
    labels = np.array(draw(st.lists(st.integers(0, k - 1), min_size=1, max_size=40)))
    levels = st.integers(-4, 4).map(float)
    logits = draw(st.lists(st.lists(levels, min_size=k, max_size=k), min_size=len(labels)))
    return labels, np.array(logits[: len(labels)]), k


def log_softmax(logits: np.ndarray) -> np.ndarray:
    return logits - np.log(np.exp(logits).sum(1, keepdims=True))


@given(classified())
@settings(deadline=None)  # scikit-learn's first calls are slow
def test_measures_are_those_of_scikit_learn(data):
    labels, logits, n_classes = data
    scores = log_softmax(logits)
    predicted = scores.argmax(1).astype(np.uint8)
    found = measures(labels, predicted, n_classes, scores)
    chances, classes = np.exp(scores), range(n_classes)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns of classes that are only predicted
        expected = {
            "accuracy": reference.accuracy_score(labels, predicted),
            "balanced_accuracy": reference.balanced_accuracy_score(labels, predicted),
            "macro_f1": reference.f1_score(labels, predicted, average="macro", **NO_WARNING),
            "log_loss": reference.log_loss(labels, chances, labels=classes),
            "brier": np.square(chances - np.eye(n_classes)[labels]).sum(1).mean(),
            "ece": found["ece"],
        }
    if n_classes == 2:
        expected["brier"] = reference.brier_score_loss(labels, chances[:, 1], labels=classes)
        if len({*labels.tolist()}) == 2:
            odds = scores[:, 1] - scores[:, 0]
            expected["roc_auc"] = reference.roc_auc_score(labels, odds)
            expected["average_precision"] = reference.average_precision_score(labels, odds)
    assert found == pytest.approx(expected)
    assert [*found] == [name for name in MEASURES if name in found]


@given(classified(n_classes=2))
@settings(deadline=None)
def test_two_classes_have_two_more_where_both_occur(data):
    labels, logits, _ = data
    scores = log_softmax(logits)
    found = measures(labels, logits.argmax(1), 2, scores)
    both = len({*labels.tolist()}) == 2
    assert ("roc_auc" in found) == ("average_precision" in found) == both
    if both:  # the area is the probability that a positive item scores higher than a negative one
        score = scores[:, 1] - scores[:, 0]
        gaps = score[labels == 1][:, None] - score[labels == 0][None]
        assert found["roc_auc"] == pytest.approx((gaps > 0).mean() + (gaps == 0).mean() / 2)


@given(classified())
@settings(deadline=None)
def test_classes_are_those_of_scikit_learn(data):
    labels, logits, n_classes = data
    predicted = logits.argmax(1).astype(np.uint8)
    counts = confusion(labels, predicted, n_classes)
    classes = range(n_classes)
    assert (counts == reference.confusion_matrix(labels, predicted, labels=classes)).all()
    precision, recall, f1, support = reference.precision_recall_fscore_support(
        labels, predicted, labels=classes, **NO_WARNING
    )
    found = per_class(counts)
    np.testing.assert_allclose(found.precision, precision)
    np.testing.assert_allclose(np.nan_to_num(found.recall), recall)
    np.testing.assert_allclose(found.f1, f1)
    assert (found.support == support).all()


@given(st.lists(st.tuples(st.booleans(), st.floats(0.01, 1)), min_size=1, max_size=60))
def test_the_calibration_error_is_the_sum_over_bins(pairs):
    correct, confidence = np.array([c for c, _ in pairs]), np.array([p for _, p in pairs])
    expected = 0.0
    for k in range(15):
        inside = (np.ceil(confidence * 15) - 1).clip(0) == k
        if inside.any():
            gap = abs(correct[inside].mean() - confidence[inside].mean())
            expected += inside.mean() * gap
    assert calibration_error(correct, confidence) == pytest.approx(expected, abs=1e-12)


def test_the_calibration_error_by_hand():
    confidence = np.array([0.95, 0.95, 0.95, 0.95, 0.55, 0.55])
    correct = np.array([True, True, True, False, True, False])
    assert calibration_error(correct, confidence) == pytest.approx((4 * 0.2 + 2 * 0.05) / 6)
    assert calibration_error(np.array([True]), np.array([1.0])) == 0


def test_a_model_that_knows_nothing_and_one_that_knows_all():
    labels = np.arange(200) % 4
    nothing = measures(labels, np.zeros(200, np.uint8), 4, np.full((200, 4), -math.log(4)))
    assert nothing["accuracy"] == nothing["balanced_accuracy"] == 0.25
    assert nothing["log_loss"] == pytest.approx(math.log(4))
    assert nothing["brier"] == pytest.approx(0.75)
    assert nothing["ece"] == pytest.approx(0)
    sure = np.where(np.eye(4)[labels] == 1, 0.0, -np.inf)
    everything = measures(labels, labels, 4, sure)
    ones = dict.fromkeys(("accuracy", "balanced_accuracy", "macro_f1"), 1.0)
    assert everything == {**ones, "log_loss": 0.0, "brier": 0.0, "ece": 0.0}


def test_what_is_not_finite_is_absent():
    labels, counted = np.array([0, 1]), {"accuracy", "balanced_accuracy", "macro_f1"}
    impossible = np.array([[0.0, -np.inf], [0.0, -np.inf]])
    found = measures(labels, np.array([0, 0]), 2, impossible)
    assert found.keys() == counted | {"brier", "ece", "roc_auc", "average_precision"}
    assert found["roc_auc"] == found["average_precision"] == 0.5
    lost = np.array([[np.nan, np.nan], [0.0, -9.0]])
    assert measures(labels, np.array([0, 0]), 2, lost).keys() == counted
    assert measures(labels, labels, 2).keys() == counted
