"""What is said of runs whose numbers are worth little: nothing learned, accuracy that misleads."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import gigo
from factories import grid_of, trials_of
from gigo.analysis.cautions import Guessing, misleading, useless
from gigo.analysis.estimates import curve_estimates
from gigo.analysis.findings import answer
from gigo.analysis.metric import METRICS
from gigo.analysis.table import tidy
from gigo.metrics import measures
from gigo.records import Status, TestSet
from gigo.report import Material
from gigo.report.document import brief, report
from gigo.report.markdown import markdown
from gigo.trial import Trial
from synthetic import TEST_SETS, make_frame, make_record, make_study


def told(accuracy: float, status: Status = "ok", **fields: Any) -> list[str]:
    """What is said where every model is right so often with clean labels."""
    study = make_study(**{"model": "mlp", "size": 200, **fields})
    return list(useless(make_frame(study, lambda trial: accuracy, lambda trial: status), TEST_SETS))


# Clean labels that teach nothing


def test_of_models_that_learn_nothing_is_said() -> None:
    assert told(0.6) == []
    assert told(0.13, rates=[0, 0.5]) == []  # 1,000 test items: guessing gives 8 to 12 %


def test_models_that_never_started_get_cause_and_remedy() -> None:
    (line,) = told(0.06, "never_started", recipe="article")
    assert line == (
        "Even at rate 0 labels teach nothing: most models never started to learn (digits, 200 "
        "labels, mlp). "
        "Recipe article may be too short for so few items, or its learning rate wrong: "
        'try recipe = "auto"; if that does not help, look for labels that belong to other items, '
        "or features without signal."
    )
    (line,) = told(0.06, "never_started")
    assert "Try more epochs and patience, or a larger learning rate; if" in line
    (line,) = told(0.06, "diverged")
    assert "the loss of most models diverged" in line
    assert "Try a smaller learning rate" in line


def test_models_no_better_than_guessing_and_worse_are_told_apart() -> None:
    (line,) = told(0.11)
    assert line.startswith("Even at rate 0 labels teach nothing: most models do no better than ")
    (line,) = told(0.02)
    assert line.startswith("Even at rate 0 most models do worse than guessing (digits, 200 ")
    assert line.endswith("Are labels or classes mixed up between the training and the test set?")


def test_an_estimator_has_no_recipe_to_mend() -> None:
    model = "sklearn.dummy:DummyClassifier"
    (line,) = told(0.1, model=model)
    assert line.endswith(
        "Look for labels that belong to other items, or features without signal; or try another "
        "model."
    )


def test_half_of_the_models_are_most_and_wrong_labels_do_not_count() -> None:
    study = make_study(size=200, model="mlp", replicates=4)

    def said(bad: int) -> list[str]:
        def status(trial: Trial) -> Status:
            return "never_started" if trial.replicate < bad or trial.rate else "ok"

        return list(useless(make_frame(study, lambda trial: 0.5, status), TEST_SETS))

    assert [len(said(bad)) for bad in range(5)] == [0, 0, 1, 1, 1]


def test_settings_are_named_and_alike_ones_share_a_line() -> None:
    fields: dict[str, Any] = {"size": [20, 50, 100, 200], "model": ["mlp", "linear"]}
    (line,) = told(0.1, **fields)
    named = "digits, 20 labels, mlp; digits, 20 labels, linear; digits, 50 labels, mlp"
    assert f"({named}; and 5 more). " in line


def test_without_clean_labels_or_their_models_nothing_is_said() -> None:
    assert told(0.1, rates=[0.5, 1]) == []
    assert told(0.1, "failed") == []
    assert list(useless(make_frame(make_study(), lambda trial: 0.1), {})) == []


@given(counts=st.lists(st.integers(1, 500), min_size=2, max_size=12))
def test_guessing_reaches_the_share_of_the_largest_class_and_one_over_their_number(
    counts: list[int],
) -> None:
    labels = np.repeat(np.arange(len(counts)), counts)
    found = Guessing.on(labels)
    assert found.accuracy >= max(counts) / sum(counts)
    assert found.low <= 1 / len(counts) <= found.high
    assert found.low + found.high == pytest.approx(2 / len(counts))


@given(seed=st.integers(0, 2**32))
def test_models_that_guess_are_seldom_taken_to_know_something(seed: int) -> None:
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 5, 300)
    found = Guessing.on(labels)
    balanced = [
        measures(labels, rng.integers(0, 5, 300), 5)["balanced_accuracy"] for _ in range(100)
    ]
    inside = [found.low <= each <= found.high for each in balanced]
    assert np.mean(inside) > 0.8  # 0.95 is expected: this far below is one in a million


def test_a_run_that_learns_nothing_warns_in_python(tmp_path: Path) -> None:
    fields: dict[str, Any] = {"dataset": "digits", "size": 50, "model": "mlp", "replicates": 1}
    short = {"learning_rate": 1e-12, "epochs": 1}
    with pytest.warns(gigo.GigoWarning, match="never started to learn") as caught:
        gigo.sweep(rates=[0], recipe=short, out=tmp_path / "run", workers=1, **fields)
    assert caught[0].filename == __file__


# Accuracy that misleads


def skewed(share: float) -> TestSet:
    (digits,) = TEST_SETS.values()
    n = round(1000 * share)
    labels = np.concatenate([np.zeros(n, np.int64), 1 + np.arange(1000 - n) % 9])
    return replace(digits, labels={"test": labels})


def frame_of(test_set: TestSet, predict: Callable[[Trial, Any], Any]) -> pd.DataFrame:
    """Models that predict what is said, from the trial and the true labels."""
    study, truth = make_study(model="mlp", size=200), test_set.labels["test"]
    records = []
    for trial in trials_of(study).values():
        record = make_record(trial, 0.5, test_set=test_set)
        guesses = predict(trial, truth).astype(np.uint8)
        found = {**record.measures, **measures(truth, guesses, 10)}
        records.append(replace(record, predictions={"test": guesses}, measures=found))
    return tidy([grid_of(study)], records, {test_set.sha256: test_set})


def test_a_large_class_is_said_and_a_metric_suggested() -> None:
    frame = frame_of(skewed(0.9), lambda trial, truth: truth)
    (line,) = misleading(frame, curve_estimates(frame))
    assert line == (
        "Accuracy misleads on digits, where 90.0 % of the test items are of one class: "
        "--metric balanced_accuracy counts all classes alike."
    )
    assert list(answer(frame, metric=METRICS["balanced_accuracy"]).warnings) == []
    assert answer(frame_of(skewed(0.5), lambda trial, truth: truth)).warnings == ()


def test_balanced_accuracy_that_falls_alone_is_said() -> None:
    def lose_the_rare(trial: Trial, truth: Any) -> Any:
        return np.where((truth == 9) & (trial.rate > 0), 0, truth)

    test_set = skewed(0.65)  # of class 9 there are 38 of 1,000
    (line,) = answer(frame_of(test_set, lose_the_rare)).warnings
    assert "where balanced accuracy falls from 25 % symmetric on while accuracy" in line


def test_the_largest_class_alone_teaches_nothing_though_accuracy_is_high() -> None:
    test_set = skewed(0.9)
    sets = {test_set.sha256: test_set}
    (line,) = useless(frame_of(test_set, lambda trial, truth: 0 * truth), sets)
    assert "no better than guessing" in line

    def some(trial: Trial, truth: Any) -> Any:  # accuracy is that of guessing, and yet it knows
        guesses = truth.copy()
        guesses[np.flatnonzero(truth == 0)[:100]] = 1
        return guesses

    assert list(useless(frame_of(test_set, some), sets)) == []


# Where it is said


def test_it_comes_first_on_the_page_and_before_the_answer_on_a_terminal() -> None:
    study = make_study(size=200, model="mlp", recipe="article", validation="oracle")
    frame = make_frame(study, lambda trial: 0.1, lambda trial: "never_started")
    material = Material("demo", frame, [grid_of(study)], TEST_SETS, "float32")
    for document in (markdown(report(material)), markdown(brief(material))):
        warning = document.index("**Warning:** Even at rate 0 labels teach nothing")
        assert warning < document.index("**Warning:** Early stopping")
        assert warning < document.index("no accuracy with clean labels to compare with")
    assert len(answer(frame, test_sets=TEST_SETS).warnings) == 2
