"""Collecting, cleaning and buying, where the truth is known."""

from __future__ import annotations

import math

import numpy as np
import pytest
from exchange_coverage import as_frame
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from gigo.analysis.base_rate import (
    BaseRate,
    audited,
    read_audit,
    true_accuracy,
    true_accuracy_by,
)
from gigo.analysis.cleaning import cleaning_gains, cleaning_text, depth
from gigo.analysis.collecting import Gain, learning_curves
from gigo.analysis.intervals import clopper_pearson
from gigo.analysis.metric import METRICS
from gigo.analysis.purchase import Option, Prices, decide, purchases
from gigo.errors import DataError, SpecError

SIZES = np.array([100.0, 200.0, 400.0, 800.0])
RATES = np.array([0.0, 0.1, 0.2, 0.3, 0.5])
KAPPA = 10 / 9


def noisy(means, spread=0.002, replicates=4, seed=0):
    means = np.asarray(means, float)
    noise = np.random.default_rng(seed).normal(0, spread, (*means.shape, replicates))
    # Of mean 0, so that means are what was asked for.
    return means[..., None] + noise - noise.mean(axis=-1, keepdims=True)


def growing(sizes=SIZES, spread=0.002, replicates=4, power=0.5):
    errors = 3 * sizes[:, None] ** -power * np.exp(depth(RATES, KAPPA))
    return as_frame(sizes, RATES, noisy(1 - errors, spread, replicates))


# Collecting


def test_a_power_law_is_found_and_told_with_caution():
    (found,) = learning_curves(growing())
    assert (found.scale, found.exponent) == pytest.approx((3, 0.5), rel=0.01)
    gain, fitted = found.gain(1600), 3 * (800**-0.5 - 1600**-0.5)
    assert gain.value == pytest.approx(0.9 * fitted, rel=0.02)
    assert gain.high - gain.value > 0.3 * fitted * 0.99
    assert found.gain(800) == pytest.approx((0, 0, 0))
    values = [found.gain(size).value for size in (900, 1200, 1600)]
    assert values == sorted(values)


def test_the_fit_is_that_of_weighted_least_squares():
    (found,) = learning_curves(growing(spread=0.01), rate=0.1)
    frame = growing(spread=0.01)
    means = 1 - frame.loc[frame["rate"] == 0.1].groupby("size")["accuracy"].mean()
    slope, level = np.polyfit(np.log(SIZES), np.log(means), 1)
    assert found.exponent == pytest.approx(-slope, abs=0.05)
    assert math.log(found.scale) == pytest.approx(level, abs=0.3)


@pytest.mark.parametrize("size", [799, 1601, 1e6])
def test_nothing_is_said_beyond_twice_what_was_run(size):
    (found,) = learning_curves(growing())
    with pytest.raises(SpecError, match="from 800 to 1,600, twice what was run"):
        found.gain(size)


def test_too_few_sizes_and_single_replicates_are_told():
    (few,) = learning_curves(growing(SIZES[:2]))
    assert few.notes == ("3 sizes or more are needed for a learning curve, and 2 trained",)
    assert all(map(math.isnan, few.gain(200)))
    (one,) = learning_curves(growing(replicates=1))
    assert one.notes == ("single replicates: no range",)
    gain = one.gain(1600)
    assert gain.value > 0 and math.isnan(gain.low)
    (worse,) = learning_curves(growing(power=-0.1))
    assert worse.notes[-1] == "error does not fall with the size here"


def test_sizes_near_guessing_are_left_out_where_enough_remain():
    sizes = np.array([50.0, *SIZES])
    frame = growing(sizes)
    frame.loc[frame["size"] == 50, "accuracy"] -= 0.3
    (found,) = learning_curves(frame)
    assert found.sizes == (100, 200, 400, 800)
    assert found.exponent == pytest.approx(0.5, rel=0.01)


# Cleaning


def given_data(base, slope=0.8, rates=RATES, spread=0.002, replicates=4, power=1.0):
    """Labels wrong at a base rate, noise on top: log error straight in the depth of both."""
    sizes, depths = SIZES[:1], (depth(base, KAPPA) + depth(rates, KAPPA)) ** power
    errors = 0.1 * np.exp(slope * depths)
    return as_frame(sizes, rates, noisy(np.tile(1 - errors, (len(sizes), 1)), spread, replicates))


def exactly(rate):
    return BaseRate(rate, rate, rate)


@pytest.mark.parametrize("base", [0.0, 0.05, 0.1, 0.2])
@pytest.mark.parametrize("slope", [0.8, -0.2])
@pytest.mark.parametrize("power", [1.0, 0.5])
def test_a_straight_line_leads_back_to_labels_without_errors(base, slope, power):
    (found,) = cleaning_gains(given_data(base, slope, power=power), exactly(base))
    truth = 0.1 * (math.exp(slope * depth(base, KAPPA) ** power) - 1)
    end = found.gain.low if (power == 1) == (slope > 0) else found.gain.high
    assert end == pytest.approx(truth, rel=0.05, abs=1e-9)
    assert found.low <= found.gain.low <= found.gain.value <= found.gain.high <= found.high
    assert found.told
    if power == 1:
        assert found.slope == pytest.approx(slope, rel=0.05)
    # Up to 0.3 above the base rate, added up in depth.
    assert found.rates == (0.0, 0.1, 0.2, 0.3)
    if slope < 0 < base:
        assert "would cost roughly" in cleaning_text(found)


def test_a_range_of_base_rates_gives_a_range_of_gains():
    (found,) = cleaning_gains(given_data(0.1), BaseRate.parse("0.05:0.15"))
    assert found.gain.low < found.gain.value < found.gain.high
    assert found.low <= found.gain.low / 1.5 and found.high >= 1.5 * found.gain.high
    low, high = 100 * found.gain.low, 100 * found.gain.high
    assert cleaning_text(found) == (
        f"mending every label (5 to 15 % wrong) would bring roughly {low:.1f} to {high:.1f} points"
    )


def test_without_wrong_labels_there_is_nothing_to_mend():
    (found,) = cleaning_gains(given_data(0.0), exactly(0.0))
    assert cleaning_text(found) == "no label is wrong, so that there is nothing to mend"
    assert found.notes == ()


def test_a_gain_within_the_noise_is_told_from_nothing_by_nobody():
    (found,) = cleaning_gains(given_data(0.1, slope=0.02, spread=0.02), exactly(0.1))
    assert not found.told and found.low < 0 < found.high
    assert cleaning_text(found).endswith("which replicates don't tell from nothing")


def test_a_base_rate_must_be_given_and_be_possible():
    with pytest.raises(SpecError, match="a curve can't tell it"):
        cleaning_gains(given_data(0.1), None)
    with pytest.raises(SpecError, match=r"base rate = 0.95: expected less than 0.9"):
        cleaning_gains(given_data(0.1), exactly(0.95))
    with pytest.raises(SpecError, match="none for macro F1"):
        cleaning_gains(given_data(0.1), exactly(0.1), METRICS["macro_f1"], test_rate=0.1)
    (alone,) = cleaning_gains(given_data(0.1, rates=np.array([0.0, 0.8])), exactly(0.1))
    assert math.isnan(alone.gain.value)
    assert "no estimate, two rates up to 30% above" in cleaning_text(alone)


def test_what_limits_a_gain_is_noted():
    frame = given_data(0.1, rates=np.array([0.0, 0.2]), replicates=1).assign(corruption="pair")
    (found,) = cleaning_gains(frame, exactly(0.1))
    assert [note.split(",")[0] for note in found.notes] == [
        "taken as if errors in the data were of the kind that the run adds",
        "from two rates alone",
        "single replicates: no telling how far chance reaches",
    ]


def test_noisy_test_labels_hide_nothing_once_their_rate_is_known():
    frame, rate = given_data(0.1), 0.1
    seen = frame["accuracy"] * (1 - KAPPA * rate) + rate / 9
    (clean,), (found,) = (
        cleaning_gains(frame, exactly(0.1)),
        cleaning_gains(frame.assign(accuracy=seen), exactly(0.1), test_rate=rate),
    )
    assert found.gain == pytest.approx(clean.gain)
    assert found.notes[-1].startswith("This assumes")


# Base rates


@given(st.integers(1, 60).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_limits_of_a_share_are_those_of_clopper_and_pearson(counts):
    exact = stats.binomtest(*counts).proportion_ci(method="exact")
    assert clopper_pearson(*counts) == pytest.approx(tuple(exact))


def test_an_audit_is_read_either_way(tmp_path):
    pairs, marks = tmp_path / "pairs.csv", tmp_path / "marks.csv"
    pairs.write_text("item,given,true\n1,NA,NA\n2,a,b\n3, a ,a\n")
    marks.write_text("wrong\n0\n1\n0\n")
    expected = audited(["NA", "a", "a"], ["NA", "b", "a"])
    assert read_audit(pairs) == read_audit(marks) == expected
    assert (expected.n_wrong, expected.n_audited) == (1, 3)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("wrong\n0\nyes\n", "row 2: wrong = 'yes': expected 0 or 1"),
        ("given,true\na,\n", "row 1: true = '': expected a label"),
        ("label\na\n", "expected columns given and true, or wrong; it has label"),
        ("wrong\n", "an audit has no labels"),
    ],
)
def test_an_audit_without_an_answer_is_refused(tmp_path, text, told):
    path = tmp_path / "audit.csv"
    path.write_text(text)
    with pytest.raises(DataError, match=told):
        read_audit(path)


def test_an_audit_that_can_t_be_read_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"none\.csv: can't be read"):
        read_audit(tmp_path / "none.csv")
    with pytest.raises(DataError, match="2 given labels and 1 true ones"):
        audited([1, 2], [1])


@pytest.mark.parametrize("text", ["", "a", "0.2:0.1", "1", "-0.1", "0:0.1:0.2", "nan"])
def test_a_base_rate_is_a_rate_or_a_range(text):
    with pytest.raises(SpecError, match=r"a rate such as 0\.05 or 5%, or a range"):
        BaseRate.parse(text)


def test_a_base_rate_may_be_in_percent():
    assert BaseRate.parse("5% : 10%") == BaseRate.parse("0.05:0.1")


def test_an_audit_that_leaves_everything_open_asks_for_more_labels():
    small = audited("aaab", "bbbb")
    with pytest.raises(
        DataError, match=r"3 of 4 labels wrong, so that up to 100 % may be: .* more"
    ):
        cleaning_gains(given_data(0.1), small)


@given(rate=st.floats(0, 0.7), accuracy=st.floats(0, 1), n_classes=st.integers(4, 12))
def test_accuracy_on_noisy_test_labels_leads_back_to_the_true_one(rate, accuracy, n_classes):
    same = np.eye(n_classes)
    transition = (1 - rate) * same + rate / (n_classes - 1) * (1 - same)
    joint = np.full((n_classes, n_classes), (1 - accuracy) / (n_classes - 1) / n_classes)
    np.fill_diagonal(joint, accuracy / n_classes)
    seen = transition.T @ joint
    assert true_accuracy(np.trace(seen), rate, n_classes) == pytest.approx(accuracy)
    assert true_accuracy_by(seen, transition) == pytest.approx(accuracy)


def test_test_labels_that_say_nothing_are_refused():
    with pytest.raises(SpecError, match=r"test base rate = 0.5: expected from 0 to less than 0.5"):
        true_accuracy(0.5, 0.5, 2)
    with pytest.raises(SpecError, match="a matrix that has an inverse"):
        true_accuracy_by(np.eye(2), np.full((2, 2), 0.5))


# Buying


def test_inside_the_grid_cells_are_compared():
    """400 labels, 30 % wrong: error falls by half in depth 0.69, or with four times as many."""
    frame = growing()
    cheap, dear = Prices(1, 1, 400), Prices(4, 1, 400)
    (clean,) = purchases(frame, cheap, size=400, rate=0.3)
    assert clean.verdict == "clean"
    assert clean.clean is not None and clean.clean.measured
    before, after = 3 * 400**-0.5 * math.exp(depth(0.3, KAPPA)), 3 * 400**-0.5
    assert clean.clean.gain.value == pytest.approx(before - after, abs=1e-6)
    assert clean.sentence.startswith("clean: checking 400 labels for 400: +7.5 points (+")
    assert "400 new labels for 400: +6.6 points" in clean.sentence
    (collect,) = purchases(frame, dear, size=400, rate=0.3)
    assert collect.verdict == "collect"


def test_between_cells_a_power_law_stays_one():
    """Half-way between two sizes a chord would lie above it, and collecting look worse."""
    (found,) = purchases(growing(), Prices(1, 1, 100), size=400, rate=0.3)
    assert found.collect is not None and found.collect.measured
    errors = 3 * np.array([400, 500]) ** -0.5 * math.exp(depth(0.3, KAPPA))
    assert found.collect.gain.value == pytest.approx(errors[0] - errors[1], abs=1e-6)


def test_cells_too_close_say_how_many_replicates_would_tell():
    (found,) = purchases(growing(spread=0.03), Prices(1, 1, 400), size=400, rate=0.3)
    assert found.verdict == "can't tell"
    assert "not told apart with 4 replicates; about " in found.sentence
    (one,) = purchases(growing(replicates=1), Prices(1, 1, 400), size=400, rate=0.3)
    assert one.sentence.endswith("two replicates or more are needed to tell")


def test_beyond_the_grid_estimates_stand_for_cells():
    (found,) = purchases(growing(), Prices(0.1, 1, 400), base=BaseRate.parse("0.1:0.2"))
    assert found.clean is not None and found.collect is not None
    assert not found.clean.measured and not found.collect.measured
    assert (found.clean.labels, found.clean.cost) == (800, 80)
    assert (found.collect.labels, found.collect.cost) == (400, 400)
    assert found.verdict == "clean"
    (none,) = purchases(growing(), Prices(0.1, 1, 400))
    assert none.verdict == "can't tell"
    assert none.sentence.endswith("it takes a base rate to tell what cleaning brings")
    (few,) = purchases(growing(SIZES[:2]), Prices(0.1, 1, 400), base=exactly(0.1))
    assert few.sentence.endswith("it takes three sizes or more to tell what new labels bring")


def test_a_budget_buys_no_more_than_can_be_told():
    (found,) = purchases(growing(), Prices(1, 1, 1e9), base=exactly(0.1))
    assert found.clean is not None and found.collect is not None
    assert found.clean.labels == found.collect.labels == 800


CURVE = learning_curves(growing())[0].curve


@pytest.mark.parametrize(
    ("clean", "collect", "verdict"),
    [
        ((0.05, 0.04, 0.06), (0.02, 0.01, 0.03), "clean"),
        ((0.02, 0.01, 0.03), (0.05, 0.04, 0.06), "collect"),
        ((0.05, 0.02, 0.06), (0.02, 0.01, 0.03), "can't tell"),
        ((-0.01, -0.02, 0.0), (0.0, -0.01, 0.0005), "stop"),
        ((-0.01, -0.02, -0.001), (0.02, 0.01, 0.03), "collect"),
    ],
)
def test_a_winner_is_named_where_ranges_do_not_overlap(clean, collect, verdict):
    a, b = (Option(100, 100.0, Gain(*gain)) for gain in (clean, collect))
    found = decide(CURVE, 0.0, a, b)
    assert found.verdict == verdict
    assert found.sentence.startswith(f"{verdict}: checking 100 labels for 100: roughly ")


def test_money_counts():
    clean = Option(100, 500.0, Gain(0.05, 0.04, 0.06))
    collect = Option(100, 100.0, Gain(0.03, 0.025, 0.035))
    assert decide(CURVE, 0.0, clean, collect).verdict == "collect"
    assert decide(CURVE, 0.0, None, None).verdict == "can't tell"


def test_what_was_not_run_and_prices_of_nothing_are_refused():
    with pytest.raises(SpecError, match=r"size = 7: expected one that was run: 100, 200"):
        purchases(growing(), Prices(1, 1, 1), size=7)
    with pytest.raises(
        SpecError, match=r"rate = 0.7: expected one at which models trained: 0, 0.1"
    ):
        purchases(growing(), Prices(1, 1, 1), rate=0.7)
    with pytest.raises(SpecError, match="label-cost = 0: expected a number above 0"):
        Prices(1, 0, 1)
