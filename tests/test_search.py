"""What is trained next: the rule alone, on made-up curves."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gigo.analysis.allowed import Allowed
from gigo.analysis.intervals import Estimate
from gigo.axes import CURVE
from gigo.errors import SpecError
from gigo.search import (
    LEAST_REPLICATES,
    Batch,
    Goal,
    Stop,
    ask,
    pilot_rates,
    share,
    told,
    told_batch,
)
from gigo.tolerance_search import COARSE, Tolerance

Curve = Callable[[float], float]
TOLERANCE = Tolerance()
PILOT = pilot_rates(of_two=False)


def trained(
    curve: Curve,
    rates: tuple[float, ...] = PILOT,
    replicates: range = range(3),
    noise: float = 0.01,
    classes: int = 10,
) -> pd.DataFrame:
    """Trials of one curve, as a tidy table has them; NaN is one that never started."""
    rows = [
        {"rate": rate, "replicate": k, "accuracy": curve(rate) + noise * deviate(rate, k)}
        for k in replicates
        for rate in rates
    ]
    frame = pd.DataFrame(rows)
    frame["started"] = frame["accuracy"].notna()
    frame["status"] = np.where(frame["started"], "ok", "never_started")
    known: dict[str, Any] = {"chance": 1 / classes, "n_classes": classes, "realised_rate": 0.0}
    return frame.fillna({"accuracy": 1 / classes}).assign(**known, **dict.fromkeys(CURVE, "made"))


def deviate(rate: float, replicate: int) -> float:
    return float(np.random.default_rng([round(1000 * rate), replicate]).normal())


def searched(curve: Curve, width: float, most: int, **options: Any) -> tuple[pd.DataFrame, Stop]:
    """A whole search: all that was trained, and its end."""
    frame = trained(curve, **options)
    while isinstance(asked := ask(frame, TOLERANCE, width, most - len(frame)), Batch):
        first = int(frame["replicate"].to_numpy(int).max()) + 1
        new = range(first, first + asked.replicates)
        frame = pd.concat([frame, trained(curve, asked.fields["rates"], new, **options)])
        assert len(frame) <= most
    return frame, asked


def smooth(rate: float) -> float:
    return 0.1 + 0.85 * (1 - rate**2)


def cliff(rate: float) -> float:
    return 0.95 if rate < 0.47 else 0.5


def plateau(rate: float) -> float:
    return 0.95 - min(rate, 0.1) * 0.45


@dataclass(frozen=True)
class Fixed(Tolerance):
    """What has always the same interval."""

    low: float = 0
    high: float = 0

    def estimate(self, frame: pd.DataFrame) -> Estimate:
        return Estimate((self.low + self.high) / 2, self.low, self.high, 1.0)

    def ends(self, estimate: Estimate, frame: pd.DataFrame) -> tuple[float, float]:
        return self.low, self.high


# How a search ends


def test_a_smooth_curve_is_searched_until_the_interval_is_narrow() -> None:
    frame, stop = searched(smooth, 0.08, 400)
    assert stop.reason == "reached"
    truth = math.sqrt(0.05 * 0.95 / 0.85)
    assert stop.estimate.low is not None
    assert stop.estimate.high is not None
    assert stop.estimate.low < truth < stop.estimate.high < stop.estimate.low + 0.08
    assert len(frame) < 100


def test_at_a_cliff_the_rates_beside_it_are_run() -> None:
    frame, stop = searched(cliff, 0.05, 400)
    assert stop.reason == "reached"
    assert {0.4, 0.45, 0.5, 0.55} & {*frame["rate"]}


def test_on_a_plateau_it_ends_at_the_budget_and_says_between_what() -> None:
    frame, stop = searched(plateau, 0.1, 150, noise=0.03)
    assert stop.reason == "spent"
    assert 147 < len(frame) <= 150
    assert told("tolerance", stop, 0.1).startswith("tolerance somewhere between ")


def test_what_never_falls_is_looked_for_up_to_95_percent() -> None:
    frame, stop = searched(lambda rate: 0.9, 0.1, 400, noise=0.001)
    assert stop.reason == "beyond"
    assert max(frame["rate"]) == 0.95
    assert told("tolerance", stop, 0.1) == "tolerance at least 95 %"


def test_where_no_clean_model_trains_nothing_can_be_said() -> None:
    stop = ask(trained(lambda rate: math.nan), TOLERANCE)
    assert isinstance(stop, Stop)
    assert stop.reason == "unknown"
    assert told("tolerance", stop, 0.1) == "tolerance not known: no trial at rate 0 started"


def test_models_that_failed_count_as_answers() -> None:
    def late(rate: float) -> float:
        return math.nan if rate > 0.5 else smooth(rate)

    def always(rate: float) -> float:
        return math.nan if rate else 0.9

    assert searched(late, 0.1, 400)[1].reason == "reached"
    frame, stop = searched(always, 0.1, 100)
    assert stop.reason == "spent"
    assert len(frame) > 90


def test_below_ten_percent_rates_are_fine_and_below_the_pilots_lowest_found() -> None:
    frame, stop = searched(lambda rate: max(0.9 - 1.5 * rate, 0.1), 0.01, 150, noise=0.03)
    assert stop.estimate.value == pytest.approx(0.033, abs=0.015)
    assert {0.02, 0.03, 0.04} & {*frame["rate"]}


def test_a_pilot_that_looks_narrow_is_not_believed_at_once() -> None:
    pilot = trained(smooth, noise=1e-4)
    assert isinstance(ask(pilot, TOLERANCE, 0.3), Batch)
    more = trained(smooth, replicates=range(10), noise=1e-4)
    assert isinstance(ask(more, TOLERANCE, 0.3), Stop)


# The next batch


@pytest.mark.parametrize(
    ("n", "width", "replicates"), [(3, 0.36, 4), (20, 0.2, 10), (40, 0.12, 11), (40, 0.105, 4)]
)
def test_replicates_follow_from_the_width_and_what_there_is(
    n: int, width: float, replicates: int
) -> None:
    frame = trained(smooth, replicates=range(n))
    batch = ask(frame, Fixed(low=0.3, high=0.3 + width), 0.1)
    assert isinstance(batch, Batch)
    assert batch.replicates == replicates
    assert batch.trainings == 3 * replicates


@pytest.mark.parametrize(
    ("low", "high", "rates"),
    [
        (0.2, 0.6, (0.0, 0.3, 0.5)),
        (0.36, 0.5, (0.0, 0.4, 0.5)),
        (0.38, 0.48, (0.0, 0.4, 0.45)),
        (0.41, 0.46, (0.0, 0.4, 0.45)),
        (0.30, 0.37, (0.0, 0.3, 0.35)),
        (0.0, 0.2, (0.0, 0.1, 0.2)),
        (0.0, 0.1, (0.0, 0.05, 0.1)),
        (0.6, 1.0, (0.0, 0.7, 0.9)),
        (0.01, 0.06, (0.0, 0.02, 0.05)),
        (0.0, 0.06, (0.0, 0.03, 0.04)),
        (0.02, 0.03, (0.0, 0.02, 0.03)),
        (0.95, 1.0, (0.0, 0.9, 0.95)),
    ],
)
def test_rates_are_a_quarter_of_the_way_inside_and_two(
    low: float, high: float, rates: tuple[float, ...]
) -> None:
    assert TOLERANCE.where(low, high, trained(smooth))["rates"] == rates


@pytest.mark.parametrize(
    ("low", "high", "rates"),
    [
        (0.2, 0.4, (0.0, 0.3, 0.4)),
        (0.0, 0.6, (0.0, 0.1, 0.5)),
        (0.35, 0.6, (0.0, 0.4, 0.5)),
        (0.8, 1.0, (0.0, 0.9, 0.95)),
    ],
)
def test_a_cell_on_which_an_end_rests_is_halved(
    low: float, high: float, rates: tuple[float, ...]
) -> None:
    assert TOLERANCE.where(low, high, trained(smooth))["rates"] == rates


@settings(max_examples=10, deadline=None)
@given(
    falls=st.floats(0.02, 3),
    top=st.floats(0.3, 1),
    noise=st.floats(1e-4, 0.1),
    width=st.floats(0.01, 0.5),
    left=st.integers(0, 200),
    classes=st.sampled_from([2, 10]),
    seed=st.integers(0, 99),
)
def test_a_batch_is_within_the_budget_and_the_rates_whatever_the_order_of_rows(
    falls: float, top: float, noise: float, width: float, left: int, classes: int, seed: int
) -> None:
    frame = trained(lambda rate: max(top - falls * rate, 1 / classes), noise=noise, classes=classes)
    asked = ask(frame, TOLERANCE, width, left)
    assert ask(frame.sample(frac=1, random_state=seed), TOLERANCE, width, left) == asked
    if isinstance(asked, Batch):
        zero, a, b = asked.fields["rates"]
        assert zero == 0 < a < b <= (0.5 if classes == 2 else 1) - COARSE
        assert asked.trainings <= left
        assert 0 < asked.replicates <= LEAST_REPLICATES


def test_a_pilot_needs_two_replicates_at_rate_0_and_three_others() -> None:
    assert TOLERANCE.enough(trained(smooth))
    assert not TOLERANCE.enough(trained(smooth, PILOT[1:]))
    assert not TOLERANCE.enough(trained(smooth, PILOT[:3]))
    assert not TOLERANCE.enough(trained(smooth, replicates=range(1)))


# Words


def test_what_is_allowed() -> None:
    frame = trained(smooth, tuple(k / 20 for k in range(20)), noise=0.0)
    for allowed in (Allowed(lose=0.1), Allowed(keep=0.85 / 0.95)):
        found = Tolerance(allowed=allowed).estimate(frame)
        assert found.value == pytest.approx(math.sqrt(0.1 / 0.85), abs=0.01)
    assert TOLERANCE.estimate(frame) == Tolerance(allowed=Allowed(lose=0.05)).estimate(frame)


def test_sentences() -> None:
    estimate = Estimate(0.44, 0.387, 0.452, 0.8)
    assert told("tolerance", Stop("reached", estimate), 0.1) == "tolerance 44 % (38 to 46 %)"
    unknown = told("tolerance", Stop("spent", Estimate(None)), 0.1)
    assert unknown.startswith("tolerance somewhere between 0 and 100 %")
    far = told("tolerance", Stop("spent", Estimate(0.7, 0.3, math.inf, 0.8)), 0.05)
    assert "between 30 % and beyond 80 %" in far
    assert "5 points are not reached" in far
    batch = Batch({"rates": (0.0, 0.4, 0.55)}, 1, estimate)
    assert told_batch("tolerance", batch).endswith("next: 1 replicate at 0, 40 and 55 %")


@pytest.mark.parametrize("text", ["10", "0", "-5pt", "ten", "200pt", "nan", ""])
def test_a_share_says_its_unit(text: str) -> None:
    with pytest.raises(SpecError, match=r"width = .*: expected a share such as 10pt, 10% or 0\.1"):
        share("width", text)


@pytest.mark.parametrize("text", ["", "width", "widht=10pt", "width=10pt,minutes=x"])
def test_an_aim_that_is_not_understood_is_refused(text: str) -> None:
    with pytest.raises(SpecError, match=r"until|width"):
        Goal.parse(text)


@pytest.mark.parametrize("fields", [{"minutes": 0.0}, {"trainings": 0}, {"width": 0.0}])
def test_an_aim_is_checked(fields: dict[str, Any]) -> None:
    with pytest.raises(SpecError, match=next(iter(fields))):
        Goal(**fields)
