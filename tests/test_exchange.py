"""Exchange rates on made-up grids whose truth is known."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from exchange_coverage import as_frame, smoothed, worth
from hypothesis import given, settings
from hypothesis import strategies as st

from gigo.analysis.clean_curve import CleanCurve
from gigo.analysis.curves import Accuracies
from gigo.analysis.exchange import (
    EXCHANGE_COLUMNS,
    exchange_table,
    exchange_text,
    exchanges,
)
from gigo.analysis.intervals import first_below, quantile, welch
from gigo.analysis.metric import METRICS
from gigo.analysis.sizes import break_even
from gigo.analysis.spread import pooled

SIZES = np.array([100.0, 200.0, 400.0, 800.0, 1600.0])
RATES = np.array([0.0, 0.1, 0.2, 0.4])


def law(sizes=SIZES, rates=RATES):
    """(S, R) accuracies: a power law, and labels at rate r worth (1 - 10/9 r)^2 of their number."""
    return 1 - 2 * (sizes[:, None] * (1 - rates * 10 / 9) ** 2) ** -0.5


def grid(spread=0.0, replicates=5, seed=0, sizes=SIZES, rates=RATES):
    noise = np.random.default_rng(seed).normal(size=(len(sizes), len(rates), replicates))
    return as_frame(sizes, rates, law(sizes, rates)[..., None] + spread * noise)


def at(frame, size, rate, metric=METRICS["accuracy"]):
    return next(e for e in exchanges(frame, metric) if (e.curve.size, e.rate) == (size, rate))


def test_labels_are_worth_what_the_law_says():
    for each in exchanges(grid()):
        truth = each.curve.size * (1 - 10 / 9 * each.rate) ** 2
        if truth < 100:
            assert each.value == 0
        else:
            assert each.value == pytest.approx(truth, rel=0.01)
            assert each.share == pytest.approx(each.theory, rel=0.01)
            # Trainings that agree to the last digit leave an interval all the same.
            assert each.low < truth < each.high or each.low == 0


def test_intervals_hold_the_truth_about_as_often_as_they_say():
    rng, truth = np.random.default_rng(1), worth(SIZES, law())
    known = [(row, column) for row, column in np.argwhere(~np.isnan(truth)) if column]
    held = []
    for _ in range(40):
        values = law()[..., None] + 0.2 * (1 - law()[..., None]) * rng.normal(size=(5, 4, 3))
        ends = smoothed(SIZES, RATES, values)
        for row, column in known:
            low, high = ends[int(SIZES[row]), float(RATES[column])]
            held.append(low <= truth[row, column] <= high)
    assert 0.92 < np.mean(held) < 0.995


def test_nothing_is_said_beyond_the_sizes_run():
    frame = grid(spread=0.002)
    best, worst = at(frame, 1600, 0.1), at(frame, 100, 0.4)
    assert (best.smallest, best.largest) == (100, 1600)
    assert worst.value == worst.low == worst.share == 0
    assert exchange_text(worst).startswith("100 labels at 40 % wrong are worth fewer than 100")
    better = frame.assign(accuracy=frame["accuracy"] + 0.05 * (frame["rate"] > 0))
    assert at(better, 1600, 0.1).value == at(better, 1600, 0.1).high == math.inf
    said = exchange_text(at(better, 1600, 0.1))
    assert said == "1,600 labels at 10 % wrong are worth more than 1,600 clean ones"


def test_a_sentence_rounds_to_two_digits_and_outwards():
    found = at(grid(spread=0.004), 1600, 0.4)
    low, high = 10 * math.floor(found.low / 10), 10 * math.ceil(found.high / 10)
    told = f"{round(found.value, -1):.0f} ({low} to {high}) clean ones"
    assert exchange_text(found) == f"1,600 labels at 40 % wrong are worth {told}"


def test_the_table_is_one_row_per_curve_and_rate_whatever_the_order_of_rows():
    frame = grid(spread=0.01)
    table = exchange_table(frame)
    assert list(table.columns) == list(EXCHANGE_COLUMNS)
    assert len(table) == len(SIZES) * (len(RATES) - 1)
    again = exchange_table(frame.sample(frac=1, random_state=0).reset_index(drop=True))
    keys = ["size", "rate"]
    pd.testing.assert_frame_equal(
        table.sort_values(keys, ignore_index=True), again.sort_values(keys, ignore_index=True)
    )
    assert exchange_table(frame.iloc[:0]).empty


def test_a_loss_is_an_error_itself():
    frame = grid(spread=0.001)
    frame = frame.assign(log_loss=1 - frame["accuracy"])
    both = (at(frame, 1600, 0.2, METRICS[name]).value for name in ("accuracy", "log_loss"))
    assert next(both) == pytest.approx(next(both))


def test_a_corruption_that_is_not_symmetric_has_no_theory():
    assert math.isnan(at(grid().assign(corruption="pair"), 400, 0.1).theory)


def test_single_replicates_have_a_value_and_no_interval():
    found = at(grid(replicates=1), 1600, 0.2)
    assert found.value == pytest.approx(1600 * (1 - 2 / 9) ** 2, rel=0.01)
    assert math.isnan(found.low) and math.isnan(found.high)
    assert exchange_text(found) == "1,600 labels at 20 % wrong are worth 970 clean ones"


def test_what_is_lacking_is_said():
    one = at(grid(sizes=SIZES[:1]), 100, 0.1)
    assert math.isnan(one.value)
    assert "two sizes or more are needed at rate 0" in exchange_text(one)
    two = at(grid(sizes=SIZES[[0, 4]]), 1600, 0.1)
    assert two.notes == ("sets of two sizes alone at rate 0: what lies between is a guess",)
    frame = grid(spread=0.001)
    flat = at(frame.assign(accuracy=0.8 - 1e-5 * frame["size"]), 200, 0.1)
    assert "no better here" in flat.notes[0]
    frame["started"] = ~((frame["size"] == 400) & (frame["rate"] == 0.1))
    none = at(frame, 400, 0.1)
    assert (
        exchange_text(none)
        == "400 labels at 10 % wrong: no estimate, no model at this rate trained"
    )
    frame["started"] |= frame["replicate"] > 0
    assert at(frame, 400, 0.1).notes == ("left out: 1 model of 5 that did not train",)


@settings(max_examples=40)
@given(
    errors=st.lists(st.floats(0.01, 0.9), min_size=2, max_size=6),
    targets=st.lists(st.floats(0.01, 0.9), min_size=2, max_size=5),
    spread=st.floats(0.001, 0.1),
)
def test_worse_labels_are_never_worth_more(errors, targets, spread):
    """Whatever the clean means: a curve that rises somewhere is read in falling order."""
    n = len(errors)
    sizes, same = np.geomspace(100, 100 * 2 ** (n - 1), n), np.full(n, spread**2)
    curve = CleanCurve.through(sizes, np.array(errors), same, np.full(n, 6.0))
    values = [curve.worth(error, (spread * error) ** 2, 6.0) for error in sorted(targets)]
    for value, low, high in values:
        assert low <= value <= high
        assert value in (0, math.inf) or sizes[0] <= value <= sizes[-1] * (1 + 1e-9)
    for better, worse in pairwise(values):
        assert all(a >= b - 1e-6 * a or a == b for a, b in zip(better, worse, strict=True))


def test_the_smoothed_curve_goes_through_means_without_noise():
    errors = np.array([0.5, 0.3, 0.15, 0.12, 0.11])
    curve = CleanCurve.through(SIZES, errors, np.full(5, 1e-10), np.full(5, 4.0))
    read = np.interp(np.log(SIZES), curve.grid, curve.height)
    np.testing.assert_allclose(read, np.log(errors), atol=0.01)


# Spread


def test_rates_too_far_apart_keep_their_own_variance():
    values = np.random.default_rng(0).normal(0.5, 0.1, (2, 4))
    found = pooled(np.array([0.0, 0.5]), values)
    np.testing.assert_allclose(found.variance, values.var(axis=1, ddof=1))
    np.testing.assert_allclose(found.freedom, 3)


def test_near_rates_lend_each_other_freedom():
    values = np.random.default_rng(0).normal(0.5, 0.1, (5, 3))
    found = pooled(np.arange(5) / 20, values)
    assert np.all((found.freedom > 2) & (found.freedom < 10))
    spread = found.variance.max() / found.variance.min()
    assert spread < values.var(axis=1).max() / values.var(axis=1).min()


def test_single_values_have_no_spread():
    found = pooled(np.array([0.0, 0.1]), np.array([[0.9], [np.nan]]))
    assert np.isnan(found.variance).all()
    assert found.freedom.tolist() == [0, 0]
    assert found.n.tolist() == [1, 0]


# Break-even


def curves(large, small, rates=(0.0, 0.5)):
    """Two sizes of (R, n) accuracies; the small one is run at the same rates."""
    frame = as_frame(np.array([100.0, 200.0]), np.array(rates), np.array([small, large]))
    found = {curve.size: each for curve, each in Accuracies.of(frame).curves().items()}
    return found[200], found[100]


def test_break_even_is_welch():
    rng = np.random.default_rng(3)
    large = rng.normal([[0.9], [0.6]], 0.02, (2, 4))
    small = rng.normal([[0.8], [0.5]], 0.05, (2, 4))
    found = break_even(*curves(large, small))
    apart = large.mean(axis=1) - small[0].mean()
    error, freedom = welch(large, np.broadcast_to(small[0], large.shape))
    half = quantile(freedom) * error
    expected = [first_below([0, 0.5], ends) for ends in (apart, apart - half, apart + half)]
    assert (found.value, found.low, found.high) == pytest.approx(expected)


def test_break_even_does_not_care_which_replicate_is_which():
    rng = np.random.default_rng(4)
    large, small = (rng.normal([[mean], [0.6]], 0.02, (2, 4)) for mean in (0.9, 0.8))
    assert break_even(*curves(large, small)) == break_even(*curves(large, small[:, ::-1]))


def test_networks_that_agree_leave_an_interval():
    large, small = np.full((2, 3), [[0.9], [0.7]]), np.full((2, 3), [[0.8], [0.6]])
    found = break_even(*curves(large, small))
    assert found.low is not None and found.high is not None
    assert found.low < 0.25 < found.high
