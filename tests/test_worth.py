"""What `gigo exchange` says: of a whole grid, and of runs that lack what it needs."""

from __future__ import annotations

import numpy as np
import pytest
from exchange_coverage import as_frame

from gigo.analysis.base_rate import BaseRate
from gigo.analysis.purchase import Prices
from gigo.report import blocks as b
from gigo.report.answers import Asked, worth
from gigo.report.material import Material

SIZES, RATES = np.array([100.0, 200.0, 400.0, 800.0]), np.array([0.0, 0.2, 0.4])
NOTHING = Asked()


def grid(sizes=SIZES, rates=RATES, replicates=3):
    """Labels at rate r worth (1 - 10/9 r)^2 of their number; error falls with its root."""
    errors = 3 * sizes[:, None] ** -0.5 / (1 - rates * 10 / 9)
    noise = np.random.default_rng(0).normal(0, 0.001, (len(sizes), len(rates), replicates))
    return as_frame(sizes, rates, 1 - errors[..., None] + noise)


def told(frame, asked=NOTHING, **fields):
    """All blocks, tables as rows of text."""
    said: list[str] = []
    for block in worth(Material("mine", frame, [], {}, "float32", **fields), asked):
        if isinstance(block, b.Text):
            said.append(block.text)
        elif isinstance(block, b.Items):
            said += [block.title, *block.lines]
        elif isinstance(block, b.Table):
            said += [" | ".join(row) for row in block.rows]
    return said


def test_a_grid_is_told_in_clean_labels_with_theory_beside():
    said = told(grid())
    row = next(line for line in said if line.startswith("digits, 800 labels, symmetric | 20 %"))
    _, _, value, interval, theory = row.split(" | ")
    low, _, high = interval.split()
    assert float(low) < 484 < float(high) and theory == "484"
    assert float(value) == pytest.approx(484, rel=0.05)
    assert any("1,600, would bring roughly +" in line for line in said)
    assert any("No curve tells it" in line for line in said)


def test_what_is_asked_for_is_answered():
    asked = Asked(BaseRate.parse("0.1"), 0.0, Prices(1, 1, 100), 400, 0.2)
    said = told(grid(), asked)
    assert any(
        line.startswith("digits, 400 labels, symmetric: mending every label (10 % wrong) would")
        for line in said
    )
    assert any(line.startswith("Taken as if errors in the data were of the kind") for line in said)
    bought = said[said.index("What to buy") + 1]
    assert bought.startswith(
        "digits, 400 labels, symmetric, 20 % wrong: collect: checking 100 labels for 100: +1.2"
    )


def test_a_run_of_one_size_says_what_is_needed():
    said = told(grid(SIZES[:1]))
    assert said[0].startswith("Nothing can be said in clean labels: that takes clean sets of two")
    lacking = "digits: no estimate, 3 sizes or more are needed for a learning curve, and 1 trained."
    assert lacking in said


def test_single_replicates_have_no_intervals_and_that_is_said():
    said = told(grid(replicates=1))
    assert any("There is no interval for single replicates." in line for line in said)
    assert any(line.endswith("single replicates: no range.") for line in said)


def test_a_cell_without_models_is_named():
    frame = grid()
    gone = (frame["size"] == 400) & (frame["rate"] == 0.2)
    frame["started"] = ~gone
    said = told(frame, pending=2)
    assert said[0] == "Not trained yet: 2 trials."
    assert "digits, 400 labels, symmetric | 20 % | – |  | 242" in said
    assert "No model at this rate trained: digits, 400 labels, symmetric at 20 %." in said
    # A cell that was never run has no row.
    assert not any("400 labels, symmetric | 20 %" in line for line in told(frame[~gone]))
