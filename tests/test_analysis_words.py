"""Numbers as people write them."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gigo.analysis.intervals import Estimate
from gigo.analysis.words import interval_text, rate_text


@pytest.mark.parametrize(
    ("rate", "text"),
    [(0, "0 %"), (0.034, "3.4 %"), (0.05, "5 %"), (0.0996, "10 %"), (0.156, "16 %"), (1, "100 %")],
)
def test_a_rate_is_rounded_to_what_means_something(rate: float, text: str) -> None:
    assert rate_text(rate) == text


@given(st.floats(0, 1))
def test_an_interval_is_rounded_outwards(rate: float) -> None:
    estimate = Estimate(rate, rate, rate, highest_rate=1.0)
    first, _, last = interval_text(estimate).removesuffix(" %").partition(" to ")
    assert float(first) / 100 <= rate + 1e-8
    assert float(last or first) / 100 >= rate - 1e-8


def test_an_end_beyond_the_rates_tried_is_said_so() -> None:
    estimate = Estimate(math.inf, 0.156, math.inf, highest_rate=0.4)
    assert interval_text(estimate) == "15 % to beyond 40 %"
