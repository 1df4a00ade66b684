"""Intervals hold the truth as often as they say: a small part of benchmarks/covering.py."""

from __future__ import annotations

from pathlib import Path

import pytest
from covering import Truth, pool, score, simulated

DRAWS = 60
POOL = Path(__file__).parent / "pools" / "cnn200.csv"
SIMULATED = {truth.name: truth for truth in simulated()}


@pytest.mark.parametrize("replicates", [2, 3, 5, 10])
@pytest.mark.parametrize("name", ["cnn200", "smooth, 450 items", "small cliff between rates"])
def test_intervals_hold_the_truth(name: str, replicates: int) -> None:
    found = score(truth_of(name), replicates, DRAWS)
    # Below 0.93 with one chance in a thousand: 0.93 - 3.1 sqrt(0.93 * 0.07 / 60).
    least = 0.83 if "cliff" not in name else {2: 0.5, 3: 0.65}.get(replicates, 0.73)
    assert found.held >= least
    assert found.loss_held >= 0.83
    assert found.short < 0.09


def test_they_are_narrower_than_paired_ones_of_three_replicates() -> None:
    for name in ("cnn200", "smooth, 450 items"):
        found = score(truth_of(name), 3, DRAWS)
        assert found.width < 0.72 * found.today_width
        assert found.loss_width < 0.72 * found.today_loss_width


def truth_of(name: str) -> Truth:
    return pool(POOL) if name == "cnn200" else SIMULATED[name]
