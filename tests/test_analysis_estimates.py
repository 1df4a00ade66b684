from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from factories import grid_of
from gigo.analysis.allowed import Allowed
from gigo.analysis.estimates import (
    SUMMARY_COLUMNS,
    Accuracies,
    curve_estimates,
    summary,
)
from gigo.analysis.findings import answer
from gigo.analysis.sizes import break_even
from gigo.analysis.theory import cliffs_of, theoretical_cliffs
from gigo.analysis.tolerance import midpoint, tolerance
from gigo.corruptions import CATALOGUE, cliffs
from gigo.datasets.build import build
from gigo.trial import Trial
from synthetic import (
    TEST_SET,
    TEST_SETS,
    demo_accuracy,
    demo_study,
    make_frame,
    make_study,
)

TENTHS = tuple(k / 10 for k in range(11))


def straight(trial: Trial) -> float:
    """0.9 at rate 0, a straight line to 0.1 at rate 1, a tenth lower where labels are few."""
    effect = 0.01 * (trial.replicate - 1)
    return 0.9 - 0.8 * trial.rate + effect - (0.1 if trial.size == 200 else 0)


def one_curve(**fields):
    return Accuracies.of(make_frame(make_study(rates=TENTHS, **fields), straight))


def test_everything_about_a_straight_line():
    (found,) = curve_estimates(make_frame(make_study(rates=TENTHS), straight))
    assert found.allowed == Allowed(lose=0.05)
    for estimate, truth in ((found.tolerance, 0.05 / 0.8), (found.midpoint, 0.4 / 0.8)):
        assert estimate.low is not None
        assert estimate.value is not None
        assert estimate.high is not None
        assert estimate.low <= truth <= estimate.high
        assert estimate.value == pytest.approx(truth, abs=0.015)
        assert estimate.high - estimate.low < 0.06
        assert estimate.notes == ()
    assert found.single.value is not None
    assert found.tolerance.value is not None
    assert found.single.value < found.tolerance.value
    assert [each.rate for each in found.losses] == list(TENTHS[1:])
    for each in found.losses:
        assert each.low is not None and each.high is not None
        assert each.low <= 0.8 * each.rate <= each.high


def test_a_curve_is_unaffected_by_others():
    study = make_study(rates=TENTHS, size=("all", 200), corruption=("symmetric", "biased"))
    together = {each.curve: each for each in curve_estimates(make_frame(study, straight))}
    (alone,) = curve_estimates(make_frame(make_study(rates=TENTHS, size=200), straight))
    assert together[alone.curve] == alone


def test_a_fall_beyond_the_grid_is_censored():
    frame = make_frame(make_study(rates=(0.0, 0.1, 0.2)), lambda trial: 0.9 - 0.01 * trial.rate)
    found = tolerance(Accuracies.of(frame))
    assert found.censored
    assert (found.value, found.low, found.high) == (math.inf, math.inf, math.inf)
    assert found.highest_rate == 0.2


def test_without_rate_zero_there_is_no_estimate_and_the_reason_is_given():
    frame = make_frame(make_study(rates=(0.2, 0.4)), straight)
    assert tolerance(Accuracies.of(frame)).value is None
    assert tolerance(Accuracies.of(frame)).notes == ("no trial at rate 0 to compare with",)
    dead = make_frame(make_study(), straight, lambda t: "ok" if t.rate else "never_started")
    assert midpoint(Accuracies.of(dead)).notes == ("no trial at rate 0 started",)
    failed = make_frame(make_study(), straight, lambda t: "ok" if t.rate else "failed")
    assert midpoint(Accuracies.of(failed)).notes == ("all trials at rate 0 failed",)


def test_trials_that_did_not_start_are_left_out_and_counted():
    def accuracy(trial):
        return 0.1 if trial.rate == 0.1 and trial.replicate == 0 else straight(trial)

    def status(trial):
        if trial.rate == 0.1 and trial.replicate == 0:
            return "never_started"
        return "diverged" if trial.rate == 1 else "ok"

    frame = make_frame(make_study(rates=TENTHS), accuracy, status)
    table = summary(frame).set_index("rate")
    at = table.loc[0.1]
    assert (at["n_trials"], at["n_started"], at["n_never_started"]) == (3, 2, 1)
    assert at["mean"] == pytest.approx((0.82 + 0.83) / 2, abs=1e-3)
    assert at["never_started_low"] < 1 / 3 < at["never_started_high"] < 1
    assert at["mean_all"] == pytest.approx((0.82 + 0.83 + 0.1) / 3, abs=1e-3)
    assert table.loc[1.0, "n_diverged"] == 3
    assert math.isnan(table.loc[1.0, "mean"])
    found = tolerance(Accuracies.of(frame))
    assert found.value == pytest.approx(0.05 / 0.8, abs=0.015)


def test_a_gap_that_the_estimate_crosses_is_told():
    def status(trial):
        return "never_started" if trial.rate == 0.1 else "ok"

    frame = make_frame(make_study(rates=(0.0, 0.1, 0.2)), straight, status)
    (note,) = tolerance(Accuracies.of(frame)).notes
    assert note == "no trial started at 10 %, which is left out"


def test_models_that_did_not_start_are_in_no_mean_and_their_rates_are_named():
    def status(trial):
        return "never_started" if trial.rate >= 0.5 else "ok"

    frame = make_frame(make_study(rates=(0.0, 0.4, 0.5, 0.6)), lambda t: 0.9, status)
    words = said(frame)
    assert "At every rate at which models trained, up to 40 %, the mean of trainings loses" in words
    assert "no trial started at 50 %, 60 %, which is left out" in words


def test_missing_trials_of_an_unfinished_run_widen_the_interval():
    frame = make_frame(make_study(rates=TENTHS), straight)
    partial = (frame["replicate"] == 0) | (frame["rate"] < 0.05)
    full, found = (midpoint(Accuracies.of(each)) for each in (frame, frame.loc[partial.to_numpy()]))
    assert full.low is not None and full.high is not None
    assert found.low is not None and found.high is not None
    assert found.low <= 0.5 <= found.high
    assert full.high - full.low < found.high - found.low


def test_more_but_worse_breaks_even_with_less_but_better():
    frame = make_frame(make_study(rates=TENTHS, size=("all", 200)), straight)
    large, small = Accuracies.of(frame).curves().values()
    found = break_even(large, small)
    assert found.value == pytest.approx(0.1 / 0.8, abs=0.003)
    assert break_even(small, large).value == 0


def test_the_summary_has_the_documented_columns_and_one_row_a_curve_and_rate():
    frame = make_frame(demo_study(), demo_accuracy)
    table = summary(frame)
    assert list(table.columns) == list(SUMMARY_COLUMNS)
    assert len(table) == 4 * 11
    low, mean, high = table[["low", "mean", "high"]].to_numpy().T
    assert np.all((low >= 0) & (low <= mean) & (mean <= high) & (high <= 1))
    assert len(curve_estimates(frame)) == 4
    assert summary(frame.iloc[:0]).empty


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("symmetric", [(0.9, 0.0)]),
        ("biased", [(0.5, 0.0)]),
        ("two_sink", [(0.5, 0.8), (2 / 3, 0.0)]),
    ],
)
def test_cliffs_at_ten_classes(name, expected):
    rates = cliffs(CATALOGUE[name].function(10))
    np.testing.assert_allclose(theoretical_cliffs(rates, np.arange(1000) % 10), expected)


def test_no_cliff_where_the_true_class_always_wins():
    never = cliffs(CATALOGUE["symmetric"].function(10, include_true=True))
    assert theoretical_cliffs(never, np.arange(1000) % 10) == ()


@given(
    rates=hnp.arrays(np.float64, 4, elements=st.floats(0.1, 1)),
    y_test=hnp.arrays(np.int64, 20, elements=st.integers(0, 3)),
)
def test_every_cliff_takes_the_classes_that_have_theirs_there(rates, y_test):
    """Any order of classes, and any shares of the test set, those of none included."""
    left = 1.0
    for rate, after in theoretical_cliffs(rates, y_test):
        left -= np.mean(np.isclose(rates[y_test], rate, rtol=0, atol=1e-11))
        assert after == pytest.approx(left)
    assert left == pytest.approx(np.mean(rates[y_test].round(12) == 1))


def test_a_run_has_the_cliffs_of_its_data_sets_and_corruptions():
    study = demo_study().but(dataset=["digits", "mnist"])
    found = cliffs_of([grid_of(study)], TEST_SETS)
    assert found == {
        ("digits", "symmetric"): ((pytest.approx(0.9), 0.0),),
        ("digits", "biased"): ((pytest.approx(0.5), 0.0),),
    }


def test_labels_that_were_given_are_not_called_clean():
    x, own = np.arange(40.0).reshape(20, 2), np.arange(20) % 2
    notes = build("digits", "made up", x, own, others=np.roll(own, 1)).notes
    sets = {TEST_SET.sha256: replace(TEST_SET, notes=notes)}
    (found,) = answer(make_frame(make_study(), straight), test_sets=sets).findings
    assert "90.0 % correct with the labels as given (95 % interval" in found.heading


def test_the_answer_says_what_the_curve_says():
    frame = make_frame(make_study(rates=TENTHS, size=("all", 200), validation="none"), straight)
    found = answer(frame, {"digits": 1347})
    first, second, versus, worth = found.findings
    assert first.heading == (
        "digits, all 1,347 labels: 90.0 % correct with clean labels (95 % interval 88.8 to 91.2 %)."
    )
    assert first.lines[0].startswith("symmetric: 20 % wrong labels cost ")
    assert " points. The mean of trainings loses 5 points at " in first.lines[0]
    assert ", one training in twenty already at " in first.lines[0]
    assert worth.lines[0].startswith("symmetric: 1,347 labels at 20 % wrong are worth ")
    assert second.heading.startswith("digits, 200 labels: 80.0 % correct")
    assert versus.lines[0].startswith("symmetric: more is better up to 12 % corrupted")
    assert found.warnings == ()
    assert found.notes == ()


def said(frame) -> str:
    found = answer(frame)
    lines = [line for finding in found.findings for line in finding.lines]
    return "\n".join([*lines, *found.notes])


def test_one_replicate_is_said_only_of_a_run_that_has_one():
    def status(trial):
        return "never_started" if trial.rate == 0.1 and trial.replicate else "ok"

    study = make_study(rates=(0.0, 0.1, 0.2))
    some = said(make_frame(study, straight, status))
    assert "one replicate" not in some
    assert "The mean of trainings loses 5 points at " in some
    one = said(make_frame(study.but(replicates=1), straight))
    assert "(one replicate, no interval)" in one


def test_what_keeps_both_answers_from_being_known_is_said_once():
    words = said(make_frame(make_study(rates=(0.1, 0.2), validation="none"), straight))
    assert words == "symmetric: No tolerance: no trial at rate 0 to compare with."


def test_rate_zero_alone_gives_no_tolerance():
    frame = make_frame(make_study(rates=0, size=("all", 200)), straight)
    words = said(frame)
    assert words.count("symmetric: No tolerance: no model that trained at a rate above 0.") == 2
    assert "more is better when all of it is clean; no model trained above rate 0." in words
    assert "0 %" not in words


def test_break_even_is_told_with_its_interval():
    study = make_study(rates=(0.0, 0.1), size=("all", 200))
    best = said(make_frame(study, lambda t: 0.5 if t.size == 200 else 0.9 - t.replicate / 100))
    assert "tried, up to 10 % corrupted (95 % interval beyond 10 %)." in best
    worst = said(make_frame(study, lambda t: 0.9 if t.size == 200 else 0.5 - t.replicate / 100))
    assert "more is no better, even when all of it is clean (95 % interval 0 %)." in worst


def test_break_even_before_the_first_rate_that_trained_is_unknown():
    def status(trial):
        return "never_started" if trial.size != 200 and trial.rate == 0 else "ok"

    study = make_study(rates=(0.0, 0.2, 0.4), size=("all", 200))
    frame = make_frame(study, straight, status)
    large, small = Accuracies.of(frame).curves().values()
    assert break_even(large, small).value is None
    assert "no estimate, it is below already at 20 %, the lowest rate" in said(frame)


def test_the_lower_end_is_zero_where_the_band_starts_below():
    def accuracy(trial):
        spread = 0.1 * (trial.replicate - 1) if trial.size != 200 else 0
        return 0.8 if trial.size == 200 else 0.85 - trial.rate / 5 + spread

    def status(trial):
        return "never_started" if trial.size != 200 and trial.rate == 0 else "ok"

    study = make_study(rates=(0.0, 0.2, 0.4), size=("all", 200))
    frame = make_frame(study, accuracy, status)
    large, small = Accuracies.of(frame).curves().values()
    found = break_even(large, small)
    assert found.value == pytest.approx(0.25, abs=0.01)
    assert found.low == 0
    assert "against 200 clean ones: no trial started at 0 %, which is left out." in said(frame)


def test_what_misleads_is_said():
    def status(trial):
        return "never_started" if trial.rate == 1 else "ok"

    study = make_study(validation="oracle", corruption=("symmetric", "biased"))
    found = answer(make_frame(study, straight, status), pending=3)
    assert len(found.warnings) == 1
    assert "looked at the test set" in found.warnings[0]
    assert found.notes[0] == "3 trials not trained yet: every number here may still move."
    assert found.notes[1].startswith(
        "6 models of 15 never started to learn (95 % interval 16 % to 68 %; "
        "symmetric at 100 %: 3; biased at 100 %: 3)"
    )
    assert answer(make_frame(study, straight).iloc[:0]).findings == ()
    assert answer(make_frame(make_study(validation="clean"), straight)).notes == (
        "Under clean validation the items held out stay clean; "
        "rates count only the items trained on.",
    )
