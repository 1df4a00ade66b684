from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from paired import fall
from scipy import stats

from gigo.analysis.intervals import (
    first_below,
    half_width,
    interval,
    moments,
    quantile,
    welch,
)

RATES = np.linspace(0, 1, 6)
ACCURACIES = hnp.arrays(np.float64, (6, 3), elements=st.floats(0.01, 1.0))


def test_t_intervals_cover_the_mean_as_often_as_they_say():
    rng = np.random.default_rng(1)
    samples = rng.normal(0.5, 0.02, (4000, 3))
    _, low, high = interval(samples)
    covered = np.mean((low <= 0.5) & (high >= 0.5))
    assert covered == pytest.approx(0.95, abs=0.012)  # 3.5 standard errors


def test_a_known_interval():
    # Student's t at 0.975 with 2 degrees of freedom is 4.3027, the standard deviation 0.02.
    mean, low, high = interval(np.array([0.70, 0.72, 0.74]))
    assert (mean, high - mean) == pytest.approx((0.72, 4.302653 * 0.02 / math.sqrt(3)))
    assert mean - low == pytest.approx(high - mean)


def test_intervals_of_few_values_and_at_the_edge():
    assert np.isnan(interval(np.array([]))).all()
    assert interval(np.array([0.7]))[0] == 0.7
    assert np.isnan(interval(np.array([0.7]))[1:]).all()
    assert interval(np.array([0.9, 1.0]))[2] == 1.0
    assert interval(np.array([0.0, 0.1]))[1] == 0.0


def test_prediction_intervals_hold_one_more_value_as_often_as_they_say():
    rng = np.random.default_rng(4)
    samples = rng.normal(0.5, 0.02, (4000, 6))
    _, low, high = interval(samples[:, :5], more=1)
    held = np.mean((low <= samples[:, 5]) & (samples[:, 5] <= high))
    assert held == pytest.approx(0.95, abs=0.012)  # 3.5 standard errors


def test_a_known_prediction_interval():
    mean, low, high = interval(np.array([0.70, 0.72, 0.74]), more=1)
    assert (mean, high - mean) == pytest.approx((0.72, 4.302653 * 0.02 * math.sqrt(4 / 3)))
    assert mean - low == pytest.approx(high - mean)
    assert np.isnan(interval(np.array([]), more=1)).all()
    assert np.isnan(interval(np.array([0.7]), more=1)[1:]).all()
    assert interval(np.array([0.9, 1.0]), more=1)[2] == 1.0


@given(hnp.arrays(np.float64, 4, elements=st.floats(0, 1)))
def test_one_value_is_less_certain_than_the_mean(values):
    assert half_width(values, more=1) >= half_width(values)


@pytest.mark.parametrize("sizes", [(2, 2), (3, 5), (12, 4)])
def test_welch_s_interval_is_scipy_s(sizes):
    rng = np.random.default_rng(5)
    a, b = rng.normal(0.8, 0.05, sizes[0]), rng.normal(0.7, 0.01, sizes[1])
    theirs = stats.ttest_ind(a, b, equal_var=False).confidence_interval(0.95)
    error, freedom = welch(a, b)
    half = quantile(freedom) * error
    assert (a.mean() - b.mean() - half, a.mean() - b.mean() + half) == pytest.approx(tuple(theirs))
    assert welch(b, a) == pytest.approx((error, freedom))


def test_welch_s_interval_of_few_values_and_without_spread():
    same = np.full(3, 0.5)
    assert welch(same, same)[0] == 0
    assert welch(same, same, 0.03)[0] == pytest.approx(math.sqrt(0.03 / 3 * 2))
    assert math.isnan(welch(same, same[:1])[0])
    one_spread = welch(np.array([0.70, 0.72, 0.74]), same)
    assert one_spread == pytest.approx((0.02 / math.sqrt(3), 2))


@pytest.mark.parametrize("freedom", [1, 2, 99, 2.7])
def test_quantiles_are_scipy_s(freedom):
    assert quantile(np.array(freedom)) == stats.t.ppf(0.975, freedom)
    assert np.isnan(quantile(np.array([0, -1]))).all()


@given(
    hnp.arrays(np.float64, (3, 4, 5), elements=st.floats(0, 1) | st.just(np.nan)),
    st.sampled_from([0, 1]),
)
def test_many_rows_at_once_are_each_alone_without_what_is_unknown(values, more):
    mean, low, high = interval(values, more=more)
    n = moments(values).n
    apart = np.array(welch(values, values[::-1]))
    for at in np.ndindex(3, 4):
        row = values[at][~np.isnan(values[at])]
        assert n[at] == len(row)
        np.testing.assert_allclose((mean[at], low[at], high[at]), interval(row, more=more))
        other = values[::-1][at][~np.isnan(values[::-1][at])]
        np.testing.assert_allclose(apart[:, *at], welch(row, other), rtol=1e-6, atol=1e-12)


def test_first_below_is_the_first_and_lies_on_the_line():
    assert first_below([0, 0.2, 0.4], [3.0, 1.0, -1.0]) == pytest.approx(0.3)
    assert first_below([0, 0.2, 0.4, 0.6], [1.0, -1.0, 1.0, -1.0]) == pytest.approx(0.1)
    assert first_below([0, 0.2], [1.0, 0.0]) == math.inf
    assert first_below([0, 0.2], [-1.0, 1.0]) == 0
    assert first_below([0, 0.2, 0.4], [1.0, math.nan, -1.0]) is None
    assert first_below([0, 0.2, 0.4], [1.0, -1.0, math.nan]) == pytest.approx(0.1)


def test_the_interval_of_a_fall_covers_the_truth():
    rng = np.random.default_rng(2)
    rates = np.linspace(0, 0.5, 6)
    truth = 0.225  # where 0.9 - 0.2 r has fallen to 0.95 * 0.9
    hits, n = 0, 500
    for _ in range(n):
        shared = rng.normal(0, 0.03, 4)
        accuracies = 0.9 - 0.2 * rates[:, None] + shared + rng.normal(0, 0.004, (6, 4))
        found = fall(rates, accuracies, 0.95 * accuracies[0])
        assert found.low is not None
        assert found.high is not None
        hits += found.low <= truth <= found.high
    # Straight lines between rates make it somewhat too wide, never too narrow.
    assert 0.925 <= hits / n <= 1.0


def test_pairing_makes_use_of_what_replicates_share():
    rng = np.random.default_rng(3)
    rates = np.linspace(0, 0.5, 6)
    shared = rng.normal(0, 0.03, 6)
    accuracies = 0.9 - 0.2 * rates[:, None] + shared + rng.normal(0, 0.002, (6, 6))
    paired = fall(rates, accuracies, 0.95 * accuracies[0])
    shuffled = rng.permuted(accuracies, axis=1)
    unpaired = fall(rates, shuffled, 0.95 * accuracies[0])
    assert paired.high is not None
    assert paired.low is not None
    assert unpaired.high is not None
    assert unpaired.low is not None
    assert paired.high - paired.low < 0.5 * (unpaired.high - unpaired.low)


@given(ACCURACIES, st.floats(0.1, 1))
def test_ends_enclose_the_value(accuracies, share):
    found = fall(RATES, accuracies, share * accuracies[0])
    assert found.low is not None
    assert found.high is not None
    assert found.value is not None
    assert 0 <= found.low <= found.value <= found.high


@given(ACCURACIES, st.floats(0, 1), st.floats(0, 0.5))
def test_a_higher_curve_falls_later_and_a_higher_target_is_missed_earlier(accuracies, target, by):
    before = fall(RATES, accuracies, np.full(3, target))
    higher = fall(RATES, accuracies + by, np.full(3, target))
    stricter = fall(RATES, accuracies, np.full(3, target + by))
    assert before.value is not None
    assert higher.value is not None
    assert stricter.value is not None
    assert higher.value >= before.value - 1e-9
    assert stricter.value <= before.value + 1e-9


@given(ACCURACIES, st.permutations(range(3)))
def test_replicates_have_no_order(accuracies, order):
    one = fall(RATES, accuracies, 0.9 * accuracies[0])
    other = fall(RATES, accuracies[:, order], 0.9 * accuracies[0, order])
    for a, b in ((one.value, other.value), (one.low, other.low), (one.high, other.high)):
        assert a == pytest.approx(b, abs=1e-6)


@given(hnp.arrays(np.float64, 5, elements=st.floats(0, 1)))
def test_half_width_shrinks_with_confidence_and_is_zero_without_spread(values):
    assert half_width(values, 0.5) <= half_width(values, 0.99)
    assert half_width(np.full(4, values[0])) == pytest.approx(0, abs=1e-12)
