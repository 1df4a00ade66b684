"""Label once or more often: which points cost the same, which is better, and in which words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy.stats import ttest_rel

from factories import grid_of
from gigo import studies
from gigo.analysis.budget import SameBudget, budget_text, contrasts, labellings
from gigo.analysis.findings import answer
from gigo.analysis.metric import METRICS
from gigo.study import Study, items_of
from gigo.trial import Trial
from synthetic import TEST_SETS, make_frame, make_study

ONCE = {"name": "annotators", "called": "one vote"}
THRICE = {"name": "annotators", "votes": 3, "called": "three votes"}


def voting(corruption: Sequence[Any] = (ONCE, THRICE), **fields: Any) -> Study:
    given: dict[str, Any] = {"size": [300, 900], "rates": 1.0, "replicates": 5} | fields
    return make_study(corruption=corruption, **given)


def votes_of(trial: Trial) -> int:
    return trial.corruption.to_json().get("votes", 1) if trial.corruption else 0


def accuracy(trial: Trial) -> float:
    """Of 900 items labelled once 90 to 92 %, of 300 labelled three times 86 to 90 %."""
    mean = {(900, 1): 0.91, (300, 3): 0.88}.get((trial.size, votes_of(trial)), 0.7)
    return mean + (0.005 if trial.size == 900 else 0.01) * (trial.replicate - 2)


def compared(study: Study, metric: str = "accuracy") -> list[SameBudget]:
    frame = make_frame(study, accuracy)
    frame = frame.assign(brier=1 - frame["accuracy"])
    return contrasts(frame, labellings([grid_of(study)]), METRICS[metric])


def test_points_that_cost_the_same_are_compared_in_pairs_of_a_replicate() -> None:
    (found,) = compared(voting())
    assert (found.few.size, found.many.size, found.votes) == (900, 300, (1, 3))
    steps = np.arange(5) - 2
    once, thrice = 0.91 + 0.005 * steps, 0.88 + 0.01 * steps
    test = ttest_rel(once, thrice)
    ends = test.confidence_interval()
    assert found.means == pytest.approx((0.91, 0.88))
    assert (found.value, found.low, found.high) == pytest.approx((0.03, ends.low, ends.high))
    assert found.p == pytest.approx(test.pvalue)
    assert found.differs
    told = budget_text(found, ("900", "300"), METRICS["accuracy"])
    assert told == (
        "900 items labelled once: 91.0 %; 300 items labelled three times: 88.0 %; "
        "once is better by 3.0 points (2.0 to 4.0)"
    )


def test_more_votes_may_win_or_not_be_told_apart() -> None:
    (found,) = compared(voting())
    won = replace(found, value=-0.03, low=-0.04, high=-0.02)
    told = budget_text(won, ("900", "300"), METRICS["accuracy"])
    assert told.endswith("three times is better by 3.0 points (2.0 to 4.0)")
    open_ = replace(found, value=-0.003, low=-0.01, differs=False)
    told = budget_text(open_, ("900", "300"), METRICS["accuracy"])
    assert told.endswith(
        "the two are not told apart with 5 replicates: once less three times is "
        "−0.3 points (−1.0 to 4.0)"
    )


def test_one_replicate_has_no_interval() -> None:
    (found,) = compared(voting(replicates=1))
    assert np.isnan([found.low, found.high, found.p]).all()
    told = budget_text(found, ("900", "300"), METRICS["accuracy"])
    assert told.endswith("once less three times: 4.0 points (one replicate, no interval)")


def test_of_losses_less_is_better() -> None:
    (found,), (loss,) = compared(voting()), compared(voting(), "brier")
    assert found.value > 0
    assert loss.means == pytest.approx((0.09, 0.12))
    assert (loss.value, loss.low, loss.high) == pytest.approx((found.value, found.low, found.high))


def test_what_differs_in_more_than_votes_is_not_compared() -> None:
    other = {**THRICE, "skills": [0.6]}
    assert compared(voting([ONCE, other])) == []
    assert compared(voting([ONCE, "symmetric"], rates=[0.0, 1.0])) == []
    assert compared(voting(size=[300, 800])) == []
    assert compared(voting(rates=[0.0, 0.5])) == []


def test_every_two_points_of_a_budget_are_compared() -> None:
    nine = {"name": "annotators", "votes": 9, "called": "nine votes"}
    found = compared(voting([nine, THRICE, ONCE], size=[100, 300, 900]))
    sizes = [(each.votes, each.few.size, each.many.size) for each in found]
    assert sorted(sizes) == [
        ((1, 3), 300, 100),
        ((1, 3), 900, 300),
        ((1, 9), 900, 100),
        ((3, 9), 300, 100),
        ((3, 9), 900, 300),
    ]


@pytest.mark.parametrize("n_train", [100, 1347, 50_000, 60_001])
def test_sizes_of_the_built_in_study_cost_the_same_on_any_data(n_train: int) -> None:
    small, middle, large = (items_of(size, n_train) for size in studies.find("once-or-twice").size)
    assert abs(middle - 3 * small) < 3
    assert abs(large - 3 * middle) < 3


def test_the_built_in_study_is_answered_first_and_asks_about_nothing_else() -> None:
    study = studies.find("once-or-twice").but(model="small_cnn")
    grid = grid_of(study)
    frame = make_frame(study, lambda trial: 0.9 - 0.1 * (trial.size < 200))
    told = answer(frame, {"digits": 1347}, test_sets=TEST_SETS, labellings=labellings([grid]))
    (finding,) = told.findings
    assert finding.heading == (
        "digits, for the same number of votes: more items or more votes per item?"
    )
    assert finding.lines[0].startswith("283 items labelled once: 90.0 %; 94 items labelled three")
    assert finding.lines[0].endswith("once is better by 10.0 points (9.9 to 10.1).")
    assert "not told apart" in finding.lines[1]
