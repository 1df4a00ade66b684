"""Loss and tolerance: known values, properties, and sentences where there is nothing to say."""

from __future__ import annotations

import math
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import interpolate, stats

from gigo.analysis.allowed import Allowed, usual
from gigo.analysis.curves import Accuracies
from gigo.analysis.intervals import Floats, clopper_pearson
from gigo.analysis.metric import ACCURACY, METRICS, Metric
from gigo.analysis.smooth import posterior, signal_loss
from gigo.analysis.spread import correlation, pooled
from gigo.analysis.tolerance import loss, midpoint, single, tolerance
from gigo.analysis.trained import Trained
from gigo.axes import CURVE
from gigo.errors import SpecError

TENTHS = np.arange(11) / 10
KEPT = Allowed(keep=0.95)


def curve_of(
    values: Any, rates: Any = TENTHS, metric: Metric = ACCURACY, corruption: str = "symmetric"
) -> Accuracies:
    """Values (R, n) of started trials; NaN where one did not start."""
    started = np.asarray(values, np.float64)
    names = {**dict.fromkeys(CURVE, "any"), "corruption": corruption}
    points = pd.DataFrame({"rate": rates}).assign(chance=0.1, n_classes=10, **names)
    points = points.assign(n_trials=started.shape[1], n_failed=0)
    return Accuracies(metric, points, np.arange(started.shape[1]), started, started)


def drawn(seed: int, replicates: int = 3, rates: Any = TENTHS, deviation: float = 0.01) -> Floats:
    """Accuracies about a curve that falls as real ones do."""
    rng = np.random.default_rng(seed)
    mean = np.maximum(1 - 0.06 * np.exp(1.3 * -np.log(1 - np.minimum(rates, 0.89) / 0.9)), 0.1)
    return np.clip(mean[:, None] + deviation * rng.normal(size=(len(rates), replicates)), 0, 1)


def ends(estimate: Any) -> tuple[float, float, float]:
    assert None not in (estimate.low, estimate.value, estimate.high)
    return estimate.low, estimate.value, estimate.high


# Each step by itself


@pytest.mark.parametrize(("k", "n"), [(0, 10), (3, 10), (10, 10), (1, 300)])
def test_shares_have_the_exact_interval_of_scipy(k: int, n: int) -> None:
    expected = stats.binomtest(k, n).proportion_ci(method="exact")
    assert np.array(clopper_pearson(k, n)) == pytest.approx((expected.low, expected.high))


def test_of_nothing_seen_every_share_is_possible() -> None:
    low, high = clopper_pearson(np.array([0, 0]), np.array([0, 3]))
    assert (low[0], high[0]) == (0, 1)
    assert high[1] == pytest.approx(1 - 0.025 ** (1 / 3))


def test_far_rates_keep_their_own_variance_and_near_ones_share_it() -> None:
    errors = np.random.default_rng(1).normal(0.3, 0.02, (2, 20))
    apart = pooled(np.array([0.0, 0.9]), errors)
    near = pooled(np.array([0.5, 0.5001]), errors)
    assert apart is not None and near is not None
    assert apart.variance == pytest.approx(errors.var(axis=1, ddof=1))
    assert apart.freedom == pytest.approx([19, 19])
    unit = near.mean * (1 - near.mean)
    assert near.variance / unit == pytest.approx(np.mean(apart.variance / unit), rel=0.01)
    # Two variances of normal values that correlate by rho correlate by its square.
    assert near.freedom == pytest.approx(2 * 19 / (1 + 0.7**2), rel=0.01)


def test_pooled_variances_are_right_on_average() -> None:
    rng = np.random.default_rng(2)
    rates = TENTHS[1:]
    root = np.linalg.cholesky(correlation(rates))
    found = [pooled(rates, 0.4 + 0.01 * root @ rng.normal(size=(10, 3))) for _ in range(300)]
    variances = np.array([each.variance for each in found])
    assert variances.mean(axis=0) == pytest.approx(np.full(10, 1e-4), rel=0.12)
    # A scaled chi-squared variable with nu degrees of freedom has the variance 2 / nu.
    freedom = np.mean([each.freedom for each in found], axis=0)
    assert 2 / (variances / 1e-4).var(axis=0) == pytest.approx(freedom, rel=0.35)


@pytest.mark.parametrize(("items", "least"), [(None, 1e-6), (450, 1 / (2 * 450**2))])
def test_no_variance_is_zero_because_networks_agree(items: int | None, least: float) -> None:
    found = pooled(TENTHS, np.full((11, 3), 0.2), items=items)
    assert found is not None
    assert found.variance == pytest.approx(np.full(11, least))


def test_a_spline_of_one_roughness_is_the_one_of_scipy() -> None:
    """The mean is the smoothing spline whose penalty is 1 over roughness squared (Wahba 1978)."""
    depth = -np.log(1 - TENTHS[:8])
    seen, weights = -3 + 1.5 * depth + 0.1 * np.sin(9 * depth), np.full(8, 0.05**-2)
    expected = interpolate.make_smoothing_spline(depth, seen, w=weights, lam=6.0**-2)
    found = posterior(depth, np.diag(weights), weights * seen, np.array([6.0]))
    assert found.log_error == pytest.approx(
        expected(depth), abs=1e-3
    )  # the prior of the line is wide
    assert (np.linalg.eigvalsh(found.covariance) > 0).all()
    assert (np.diag(found.covariance) < 0.05**2).all()  # neighbours lend strength


def test_depth_is_that_of_labels_that_are_wrong_at_random() -> None:
    assert signal_loss("symmetric", 2) == 2
    assert signal_loss("symmetric include_true=True", 2) == signal_loss("biased", 2) == 1
    assert signal_loss("symmetric", math.nan) == 1


# What is allowed


@pytest.mark.parametrize("said", ["5pt", "5", "0.05", "5 points", " 5 PT ", 0.05, 5])
def test_five_points_are_said_in_many_ways(said: str | float) -> None:
    assert Allowed.losing(said, ACCURACY) == usual(ACCURACY) == Allowed(lose=0.05)


@pytest.mark.parametrize("said", ["95%", "95 %", "95", "0.95", 0.95])
def test_ninety_five_percent_are_said_in_many_ways(said: str | float) -> None:
    assert Allowed.keeping(said, ACCURACY) == KEPT


def test_of_a_loss_its_own_unit_is_lost() -> None:
    log_loss = METRICS["log_loss"]
    assert usual(log_loss) is None
    for said in ("0.3", "0.3 nats", 0.3):
        assert Allowed.losing(said, log_loss) == Allowed(lose=0.3)
    assert Allowed(lose=0.3).target(0.5, log_loss) == pytest.approx(0.8)
    assert Allowed(lose=0.3).told(log_loss) == "lose 0.3 nats"
    assert Allowed.losing("5pt", METRICS["macro_f1"]) == Allowed.losing("0.05", METRICS["macro_f1"])


@pytest.mark.parametrize(
    ("way", "said", "name"),
    [
        ("losing", "five", "accuracy"),
        ("losing", "0", "accuracy"),
        ("losing", "-3", "accuracy"),
        ("losing", "100pt", "accuracy"),
        ("losing", "5%", "accuracy"),
        ("losing", "5pt", "log_loss"),
        ("keeping", "100%", "accuracy"),
        ("keeping", "5pt", "accuracy"),
        ("keeping", "95%", "brier"),
    ],
)
def test_what_can_t_be_allowed_is_an_error_in_one_line(way: str, said: str, name: str) -> None:
    with pytest.raises(SpecError, match=r"^(lose|keep) = .*: expected [^\n]+$"):
        getattr(Allowed, way)(said, METRICS[name])


# Loss and tolerance


def of_pool(replicates: int) -> Accuracies:
    """The first replicates of a pool of real trainings."""
    frame = pd.read_csv(Path(__file__).parent / "pools" / "cnn200.csv")
    wide = frame.pivot_table("accuracy", "rate", "replicate")
    return curve_of(wide.to_numpy()[:, :replicates].copy(), wide.index.to_numpy())


REFERENCE = {  # of the program that this was found with: heights, half-widths in log error; ends
    2: ((0.375603, 0.193451, -0.009874), (0.126691, 0.219192, 0.306458), (0.0906, 0.1951, 0.2943)),
    3: ((0.397464, 0.170838, -0.042017), (0.078464, 0.156674, 0.222201), (0.1051, 0.1803, 0.2699)),
    5: ((0.361800, 0.158898, -0.031214), (0.055215, 0.130819, 0.193586), (0.1111, 0.1836, 0.2757)),
}


@pytest.mark.parametrize("replicates", REFERENCE)
def test_it_is_what_was_simulated(replicates: int) -> None:
    heights, halves, (low, value, high) = REFERENCE[replicates]
    curve = of_pool(replicates)
    band = Trained.of(curve).within(KEPT)
    logs = [-np.log1p(-each[:3]) for each in band]
    assert logs[0] == pytest.approx(heights, abs=1e-6)
    assert logs[0] - logs[1] == pytest.approx(halves, abs=1e-6)
    assert logs[2] - logs[0] == pytest.approx(halves, abs=1e-6)
    # The program draws logs straight between rates, not errors.
    assert ends(tolerance(curve, KEPT)) == pytest.approx((low, value, high), abs=0.004)


def test_an_unbalanced_design_is_what_was_simulated() -> None:
    curve = of_pool(4)
    curve.started[3, 1] = curve.started[1, 2:] = curve.started[5, 2:] = np.nan
    curve.points["corruption"] = "biased"
    band = Trained.of(curve).within(KEPT)
    assert -np.log1p(-band.height[:3]) == pytest.approx((0.381365, 0.197483, 0.004592), abs=1e-6)
    assert ends(tolerance(curve, KEPT)) == pytest.approx((0.1244, 0.2019, 0.2944), abs=0.004)


def test_two_classes_keep_their_own_mean_where_labels_say_next_to_nothing() -> None:
    rates = TENTHS[:6]
    mean = 0.95 - 0.2 * rates - 1.4 * rates**3
    values = mean[:, None] + 0.01 * np.random.default_rng(16).normal(size=(6, 3))
    curve = curve_of(values, rates)
    curve.points["n_classes"] = 2
    trained = Trained.of(curve)
    assert trained.kappa == 2
    assert trained.smooth.log_error[5] == pytest.approx(math.log(1 - values[5].mean()))
    assert trained.smooth.covariance[5, :5] == pytest.approx(np.zeros(5))
    low, value, high = ends(tolerance(curve, Allowed(lose=0.2)))
    assert 0.4 < low < value < high <= 0.5


def test_from_ten_replicates_on_a_loss_has_student_s_paired_interval() -> None:
    values = drawn(3, 10)
    found = loss(curve_of(values), 0.3)
    expected = stats.ttest_rel(values[0], values[3]).confidence_interval()
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))
    assert found.value == pytest.approx(np.mean(values[0] - values[3]))
    values[3, 2] = np.nan  # no longer balanced
    other = loss(curve_of(values), 0.3)
    assert other.low != pytest.approx(expected.low, abs=1e-5)
    assert other.value == pytest.approx(found.value, abs=0.005)


def test_loss_and_tolerance_say_the_same() -> None:
    curve, allowed = curve_of(drawn(4)), Allowed(lose=0.05)
    rate = ends(tolerance(curve, allowed))[1]
    assert loss(curve, rate).value == pytest.approx(0.05, abs=4e-3)
    for paired in (curve, curve_of(drawn(4, 12))):
        low, value, high = ends(loss(paired, 0.25))
        assert low < value < high
        single_low, single_high = loss(paired, 0.25).single or (0, 0)
        assert single_low < low and high < single_high


def test_a_loss_rises_to_what_is_allowed() -> None:
    log_loss = METRICS["log_loss"]
    rise = 0.3 * np.exp(2 * TENTHS)[:, None] * (1 + 0.01 * np.array([-1, 0, 1]))
    curve = curve_of(rise, metric=log_loss, corruption="biased")
    assert tolerance(curve).notes == ("log loss has no default tolerance",)
    low, value, high = ends(tolerance(curve, Allowed(lose=0.15)))
    assert value == pytest.approx(math.log(1.5) / 2, abs=0.01)
    assert 0.1 < low < value < high < 0.3
    assert ends(loss(curve, 1.0))[1] == pytest.approx(0.3 * (math.e**2 - 1), rel=0.02)


def test_the_choice_of_test_items_widens_every_interval() -> None:
    for replicates in (3, 10):
        curve, variance = curve_of(drawn(5, replicates)), np.full(11, 0.01**2)
        here, anew = loss(curve, 0.2), loss(curve, 0.2, item_variance=variance)
        (low, _, high), (lower, _, higher) = ends(here), ends(anew)
        assert lower < low and high < higher
        # What is known adds its own standard error, of which 95 % are within 1.96.
        assert higher - lower < high - low + 2 * 1.97 * 0.01
        (low, _, high), (lower, _, higher) = (
            ends(tolerance(curve, KEPT, item_variance=each)) for each in (None, variance)
        )
        assert lower < low and high < higher


def test_a_cliff_between_two_rates_is_in_the_interval_as_a_whole() -> None:
    means = np.where(TENTHS < 0.45, 0.95 - 0.05 * TENTHS, 0.5 - 0.3 * TENTHS)
    for replicates in (3, 10):
        noise = 0.005 * np.random.default_rng(6).normal(size=(11, replicates))
        found = tolerance(curve_of(means[:, None] + noise))
        assert (found.low, found.high) == (0.4, 0.5)
        (note,) = found.notes
        assert note.startswith("it falls steeply between 40 % and 50 %")
        assert ("do not always show this" in note) == (replicates == 3)
    assert (loss(curve_of(means[:, None] + noise), 0.45).high or 0) > 0.55


# Properties


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 12), st.sampled_from([0.003, 0.01, 0.03]))
def test_who_allows_more_tolerates_more(seed: int, replicates: int, deviation: float) -> None:
    curve = curve_of(drawn(seed, replicates, deviation=deviation))
    found = [tolerance(curve, Allowed(lose=lose)) for lose in (0.01, 0.03, 0.05, 0.1, 0.2)]
    for before, after in pairwise(found):
        assert all(np.array(ends(before)) <= np.array(ends(after)) + 1e-9)
    for each in found:
        low, value, high = ends(each)
        assert 0 <= low <= value <= high
        assert low < high or math.isinf(low)
        alone = single(curve, Allowed(lose=0.05)).value
        assert alone is not None and alone <= ends(found[2])[1]


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([3, 12]), st.data())
def test_rows_have_no_order(seed: int, replicates: int, data: Any) -> None:
    values = drawn(seed, replicates)
    values[data.draw(st.integers(1, 10)), 0] = np.nan
    order = data.draw(st.permutations(range(replicates)))
    one, other = (tolerance(curve_of(each)) for each in (values, values[:, order]))
    assert ends(one) == pytest.approx(ends(other), abs=1e-7)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.lists(st.integers(1, 20), min_size=2, max_size=8, unique=True))
def test_no_end_rests_on_rates_that_were_not_run(seed: int, twentieths: list[int]) -> None:
    rates = np.array([0, *sorted(twentieths)]) / 20
    curve = curve_of(drawn(seed, 3, rates), rates)
    for found in (tolerance(curve), midpoint(curve), single(curve), loss(curve, 0.0)):
        assert all(rate not in rates for rate in found.to_run)
    found = tolerance(curve)
    for end in (found.low, found.high):
        assert end is not None
        after = int(np.searchsorted(rates, end))
        if 0 < after < len(rates) and not np.isclose(rates, end).any():
            assert rates[after] - rates[after - 1] < 0.151


def test_a_gap_names_the_rates_to_run() -> None:
    curve = curve_of(drawn(7, 3, np.array([0, 0.4, 0.8])), np.array([0, 0.4, 0.8]))
    found = tolerance(curve)
    assert (found.low, found.high, found.to_run) == (0.0, 0.4, (0.1, 0.2, 0.3))
    at, edge = loss(curve, 0.2), loss(curve, 0.4)
    assert (at.low, at.high, at.to_run) == (0.0, edge.high, (0.1, 0.2, 0.3))
    assert edge.to_run == ()


def test_fewer_rates_are_no_narrower_on_average() -> None:
    curve = of_pool(32)
    every, second = np.arange(10), np.arange(0, 10, 2)
    rng, widths = np.random.default_rng(8), []
    for _ in range(40):
        which = rng.integers(32, size=3)
        row = []
        for places in (every, second):
            part = curve_of(curve.started[np.ix_(places, which)], curve.rates[places])
            low, _, high = ends(tolerance(part, KEPT))
            row.append(min(high, 0.9) - low)
        widths.append(row)
    assert np.mean(widths, axis=0)[0] <= np.mean(widths, axis=0)[1]


# Where there is little to say


def test_one_replicate_has_values_and_no_intervals() -> None:
    curve = curve_of(drawn(9, 1))
    found = tolerance(curve)
    assert found.value is not None and found.low is found.high is None
    assert found.notes == ("one replicate, no interval",)
    assert single(curve).notes == ("one replicate does not say how trainings differ",)
    assert loss(curve, 0.2).notes == ("one replicate, no interval",)


def test_models_that_only_guess_have_no_tolerance() -> None:
    rng = np.random.default_rng(10)
    for replicates in (1, 3, 10):
        found = tolerance(
            curve_of(0.1 + 0.01 * rng.normal(size=(11, replicates)) * (replicates > 1))
        )
        assert found.value is None
        (note,) = found.notes
        assert note.startswith("accuracy at rate 0, 1") or "9" in note
        assert note.endswith("is not told apart from guessing, 10.0 %")


def test_one_rate_or_none_that_is_clean_has_no_tolerance() -> None:
    for rates, note in (
        ([0.0], "no model that trained at a rate above 0"),
        ([0.2], "no trial at rate 0 to compare with"),
    ):
        curve = curve_of([[0.8, 0.9, 0.85]], rates)
        assert tolerance(curve).notes == single(curve).notes == (note,)
        assert loss(curve, rates[0]).value is None
    dead = drawn(11)
    dead[0] = np.nan
    assert tolerance(curve_of(dead)).notes == ("no trial at rate 0 started",)


def test_accuracy_that_rises_with_the_rate_is_censored_and_said() -> None:
    rise = 0.7 + 0.2 * TENTHS[:, None] + 0.005 * np.random.default_rng(12).normal(size=(11, 3))
    found = tolerance(curve_of(rise))
    assert ends(found) == (math.inf, math.inf, math.inf)
    assert found.highest_rate == 1
    assert found.notes == ("accuracy is no worse at 100 % than at rate 0",)
    assert (loss(curve_of(rise), 0.5).high or 0) < 0


def test_beyond_the_rates_run_nothing_is_said() -> None:
    curve = curve_of(drawn(13)[:5], TENTHS[:5])
    found = loss(curve, 0.5)
    assert found.value is None
    assert found.notes == ("40 % is the highest rate at which a model trained",)


def test_missing_cells_are_named_and_the_rest_counts() -> None:
    values = drawn(14)
    values[2] = np.nan
    values[1, 1] = values[3, 2] = np.nan
    found = tolerance(curve_of(values))
    low, value, high = ends(found)
    assert low == 0.1 < value and high >= 0.3  # not within the gap
    assert found.notes == ("no trial started at 20 %, which is left out",)
    assert found.to_run == ()  # it was run


def test_ten_test_items_are_said_to_be_too_few() -> None:
    values = np.round(drawn(15), 1)
    found = tolerance(curve_of(values), items=10)
    low, _, high = ends(found)
    assert low < high
    assert found.notes[0] == "one of the 10 test items is more than the loss that is allowed"
    assert loss(curve_of(np.full((11, 3), 0.9)), 0.2, items=10).low != 0
