"""The recipe's rules, held against hand-made accuracy sequences with known answers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gigo.engine.control import Control
from gigo.recipe import Recipe


@dataclass
class Seen:
    """What one member went through: best epoch, epochs trained and each one's rate over the
    first one's, rounded."""

    best: int = 0
    epochs: int = 0
    by_patience: bool = False
    rates: list[float] = field(default_factory=list)
    improved: list[int] = field(default_factory=list)


def recipe(**fields: Any) -> Recipe:
    """Nothing is cut and nothing stops early unless asked for; the rate is 1."""
    plain: dict[str, Any] = {
        "learning_rate": 1,
        "epochs": 100,
        "patience": 0,
        "plateau_patience": 0,
    }
    return Recipe(**{**plain, **fields})


def follow(
    rules: Recipe,
    accuracies: Sequence[Sequence[float]] | None,
    diverged: Sequence[Sequence[bool]] | None = None,
    members: int = 1,
) -> list[Seen]:
    """Feed (epochs, M) accuracies until all have stopped or they run out."""
    length = rules.epochs if accuracies is None else len(accuracies)
    control, seen = Control(rules, members), [Seen() for _ in range(members)]
    for epoch in range(length):
        if control.stopped.all():
            break
        rates, running = control.learning_rate, ~control.stopped
        monitored = None if accuracies is None else np.array(accuracies[epoch], float)
        lost = np.zeros(members, bool) if diverged is None else np.array(diverged[epoch])
        improved = control.update(monitored, lost)
        for i in np.flatnonzero(running):
            seen[i].epochs += 1
            seen[i].rates.append(round(float(rates[i]), 12))
            if improved[i]:
                seen[i].improved.append(epoch + 1)
        assert not improved[~running].any()
        assert (rates[~running] == 0).all()
    for i, each in enumerate(seen):
        each.best, each.by_patience = int(control.best_epoch[i]), bool(control.by_patience[i])
    return seen


def follow_one(rules: Recipe, accuracies: Sequence[float]) -> Seen:
    return follow(rules, [[a] for a in accuracies])[0]


# The best epoch and early stopping


def test_a_tie_is_not_better() -> None:
    seen = follow_one(recipe(epochs=5), [0.1, 0.5, 0.5, 0.4, 0.5])
    assert (seen.best, seen.improved) == (2, [1, 2])


def test_the_first_epoch_is_better_than_nothing_even_at_accuracy_zero() -> None:
    assert follow_one(recipe(epochs=3), [0.0, 0.0, 0.0]).best == 1


@pytest.mark.parametrize(
    ("accuracies", "best", "epochs"),
    [
        ([0.5, 0.4, 0.3, 0.2, 0.9], 1, 4),
        ([0.1, 0.5, 0.5, 0.5, 0.5, 0.9], 2, 5),  # ties count as waiting
        ([0.1, 0.5, 0.4, 0.4, 0.6, 0.1, 0.1, 0.1, 0.9], 5, 8),  # saved in the last epoch allowed
        ([0.1, 0.2, 0.3, 0.4, 0.5, 0.6], 6, 6),
    ],
)
def test_training_stops_after_three_epochs_without_a_best(
    accuracies: list[float], best: int, epochs: int
) -> None:
    seen = follow_one(recipe(patience=3), accuracies)
    assert (seen.best, seen.epochs) == (best, epochs)
    assert seen.by_patience == (epochs < len(accuracies))


def test_patience_1_stops_at_the_first_epoch_that_is_no_better() -> None:
    assert follow_one(recipe(patience=1), [0.3, 0.4, 0.4, 0.9]).epochs == 3


def test_patience_0_never_stops() -> None:
    seen = follow_one(recipe(patience=0, epochs=50), [0.5] * 60)
    assert (seen.best, seen.epochs, seen.by_patience) == (1, 50, False)


def test_the_smallest_step_up_counts_for_the_best_epoch() -> None:
    assert follow_one(recipe(patience=2), [0.5, 0.5 + 1e-12, 0.5]).best == 2


def test_the_last_epoch_stops_all() -> None:
    control = Control(recipe(epochs=2), 3)
    control.update(np.array([0.1, 0.2, 0.3]), np.zeros(3, bool))
    assert not control.stopped.any()
    control.update(np.array([0.2, 0.1, 0.3]), np.zeros(3, bool))
    assert control.stopped.all()
    assert not control.by_patience.any()
    assert control.best_epoch.tolist() == [2, 1, 1]
    assert (control.learning_rate == 0).all()


def test_where_nothing_is_monitored_the_last_epoch_is_the_best_and_nothing_is_cut() -> None:
    rules = recipe(epochs=7, patience=2, plateau_patience=1)
    (seen,) = follow(rules, None)
    assert (seen.best, seen.epochs, seen.by_patience) == (7, 7, False)
    assert seen.rates == [1] * 7


# The plateau


@pytest.mark.parametrize(
    ("accuracies", "rates"),
    [
        ([0.5, 0.5, 0.5, 0.5], [1, 1, 1, 0.1]),
        ([0.5, 0.5, 0.6, 0.6, 0.6, 0.6], [1, 1, 1, 1, 1, 0.1]),  # a better one starts anew
        ([0.5] * 8, [1, 1, 1, 0.1, 0.1, 0.01, 0.01, 0.001]),  # and so does each cut
        ([0.5, 0.4, 0.4, 0.45, 0.6, 0.5, 0.5, 0.5], [1, 1, 1, 0.1, 0.1, 0.1, 0.1, 0.01]),
    ],
)
def test_the_rate_is_cut_after_two_epochs_on_a_plateau(
    accuracies: list[float], rates: list[float]
) -> None:
    seen = follow_one(recipe(plateau_patience=2, plateau_min_delta=0), accuracies)
    assert seen.rates == pytest.approx(rates)


def test_the_rate_is_multiplied_by_the_factor_asked_for() -> None:
    rules = recipe(plateau_patience=1, plateau_factor=0.5, learning_rate=0.4)
    assert follow_one(rules, [0.5] * 4).rates == pytest.approx([0.4, 0.4, 0.2, 0.1])


def test_a_rise_below_min_delta_makes_a_best_epoch_but_leaves_the_plateau() -> None:
    rules = recipe(plateau_patience=2, plateau_min_delta=0.01, patience=3)
    seen = follow_one(rules, [0.5, 0.505, 0.509, 0.509, 0.509])
    assert seen.improved == [1, 2, 3]
    assert seen.rates == pytest.approx([1, 1, 1, 0.1, 0.1])


def test_small_rises_add_up_to_one_that_leaves_the_plateau() -> None:
    # Compared is with the last value that left the plateau, 0.5, and not with the epoch before.
    rules = recipe(plateau_patience=3, plateau_min_delta=0.01)
    assert follow_one(rules, [0.5, 0.505, 0.511, 0.511, 0.511, 0.511, 0.5]).rates == (
        pytest.approx([1, 1, 1, 1, 1, 1, 0.1])
    )


def test_a_rise_of_exactly_min_delta_is_none() -> None:
    rules = recipe(plateau_patience=1, plateau_min_delta=0.25)
    assert follow_one(rules, [0.25, 0.5, 0.5]).rates == pytest.approx([1, 1, 0.1])


@given(st.integers(0, 9_999))
def test_one_more_of_ten_thousand_images_is_a_rise_of_exactly_1e_4(correct: int) -> None:
    # As floating-point numbers, (k + 1) / 10000 is above k / 10000 + 1e-4 for 1,550 of the k.
    rules = recipe(plateau_patience=1, plateau_min_delta=1e-4)
    one_more = [correct / 10_000, (correct + 1) / 10_000, 0.0]
    assert follow_one(rules, one_more).rates == pytest.approx([1, 1, 0.1])
    two_more = [correct / 10_000, (correct + 2) / 10_000, 0.0]
    assert follow_one(rules, two_more).rates == [1, 1, 1]


def test_plateau_patience_0_never_cuts() -> None:
    assert follow_one(recipe(epochs=40), [0.5] * 40).rates == [1] * 40


def test_the_article_cuts_after_5_epochs_and_stops_after_10() -> None:
    seen = follow_one(Recipe(), [0.7, 0.8] + [0.8] * 20)
    assert seen.rates == pytest.approx([1e-3] * 7 + [1e-4] * 5)
    assert (seen.best, seen.epochs, seen.by_patience) == (2, 12, True)


# Schedules


def test_cosine_falls_from_the_whole_rate_towards_0() -> None:
    seen = follow_one(recipe(schedule="cosine", epochs=4), [0.1] * 4)
    half = math.sqrt(0.5)
    assert seen.rates == pytest.approx([1, (1 + half) / 2, 0.5, (1 - half) / 2])


def test_step_falls_every_so_many_epochs() -> None:
    rules = recipe(schedule="step", step_epochs=2, step_factor=0.5, epochs=6)
    assert follow_one(rules, [0.1] * 6).rates == pytest.approx([1, 1, 0.5, 0.5, 0.25, 0.25])


def test_a_schedule_and_cuts_multiply() -> None:
    rules = recipe(schedule="step", step_epochs=2, step_factor=0.5, epochs=4, plateau_patience=1)
    assert follow_one(rules, [0.1] * 4).rates == pytest.approx([1, 1, 0.05, 0.005])


# Several members


def test_members_stop_and_are_cut_each_on_its_own() -> None:
    rules = recipe(patience=2, plateau_patience=1, epochs=5)
    rising, falling = [0.1, 0.2, 0.3, 0.4, 0.5], [0.5, 0.4, 0.3, 0.2, 0.1]
    up, down = follow(rules, list(zip(rising, falling, strict=True)), members=2)
    assert (up.best, up.epochs, up.rates) == (5, 5, [1] * 5)
    assert (down.best, down.epochs) == (1, 3)
    assert down.rates == pytest.approx([1, 1, 0.1])


def test_a_diverged_member_stops_and_the_others_go_on() -> None:
    rules = recipe(epochs=3)
    lost = [[False, False], [False, True], [False, False]]
    stays, goes = follow(rules, [[0.1, 0.3], [0.2, 0.1], [0.3, 0.9]], lost, members=2)
    assert (stays.best, stays.epochs) == (3, 3)
    assert (goes.best, goes.epochs, goes.by_patience) == (1, 2, False)


def test_what_a_stopped_member_is_told_later_changes_nothing() -> None:
    control = Control(recipe(epochs=9, plateau_patience=1), 2)
    control.update(np.array([0.5, 0.5]), np.array([False, True]))
    for accuracy in (0.6, 0.9, 0.9):
        improved = control.update(np.array([0.1, accuracy]), np.array([False, True]))
        assert not improved.any()
    assert control.best_epoch.tolist() == [1, 1]
    assert control.stopped.tolist() == [False, True]
    assert not control.by_patience.any()
    assert control.learning_rate[1] == 0


# Properties

levels = st.sampled_from([0.1, 0.5, 0.5 + 5e-5, 0.5 + 2e-4, 0.6, 0.9])
"""Few values, so that ties and rises below ``min_delta`` come up all the time."""

rule_sets = st.builds(
    recipe,
    epochs=st.integers(1, 14),
    patience=st.integers(0, 5),
    plateau_patience=st.integers(0, 4),
    plateau_min_delta=st.sampled_from([0.0, 1e-4, 0.2]),
    schedule=st.sampled_from(["constant", "cosine", "step"]),
    step_epochs=st.integers(1, 5),
)


@st.composite
def grids(draw: st.DrawFn) -> tuple[list[list[float]], list[list[bool]]]:
    """(14, M) accuracies and who diverges, seldom."""
    members = draw(st.integers(1, 4))
    row = st.lists(levels, min_size=members, max_size=members)
    lost = st.lists(st.integers(0, 29).map(lambda k: k == 0), min_size=members, max_size=members)
    return (
        draw(st.lists(row, min_size=14, max_size=14)),
        draw(st.lists(lost, min_size=14, max_size=14)),
    )


@given(rule_sets, grids())
def test_many_members_are_as_many_alone(
    rules: Recipe, grid: tuple[list[list[float]], list[list[bool]]]
) -> None:
    accuracies, lost = (np.array(part) for part in grid)
    members = accuracies.shape[1]
    together = follow(rules, accuracies.tolist(), lost.tolist(), members)
    alone = [
        follow(rules, accuracies[:, [i]].tolist(), lost[:, [i]].tolist())[0] for i in range(members)
    ]
    assert together == alone


@given(rule_sets, grids(), st.lists(st.lists(st.booleans(), min_size=4, max_size=4), max_size=60))
def test_members_out_of_step_are_as_many_alone(
    rules: Recipe, grid: tuple[list[list[float]], list[list[bool]]], turns: list[list[bool]]
) -> None:
    accuracies, lost = (np.array(part) for part in grid)
    members = accuracies.shape[1]
    control, alone = Control(rules, members), [Control(rules, 1) for _ in range(members)]
    for turn in turns:
        due = np.array(turn[:members]) & (control.epoch < 14)
        at = np.minimum(control.epoch, 13), np.arange(members)
        improved = control.update(np.where(due, accuracies[at], 0.95), lost[at], due)
        for i in np.flatnonzero(due):
            now = alone[i].epoch[0]
            mine = alone[i].update(accuracies[now, [i]], lost[now, [i]])
            assert mine[0] == improved[i]
        assert not improved[~due].any()
    for name in ("epoch", "best_epoch", "stopped", "by_patience", "learning_rate"):
        one_by_one = np.concatenate([getattr(each, name) for each in alone])
        np.testing.assert_array_equal(getattr(control, name), one_by_one)


@given(rule_sets, grids(), st.integers(0, 13), st.data())
def test_keep_leaves_the_kept_ones_as_they_were(
    rules: Recipe,
    grid: tuple[list[list[float]], list[list[bool]]],
    when: int,
    data: st.DataObject,
) -> None:
    accuracies, lost = (np.array(part) for part in grid)
    members = accuracies.shape[1]
    rows = np.array(data.draw(st.permutations(range(members))))[
        : data.draw(st.integers(1, members))
    ]
    whole, part = Control(rules, members), Control(rules, members)
    for epoch in range(14):
        whole.update(accuracies[epoch], lost[epoch])
        if epoch < when:
            part.update(accuracies[epoch], lost[epoch])
        else:
            if epoch == when:
                part.keep(rows)
            part.update(accuracies[epoch][rows], lost[epoch][rows])
    for name in ("best_epoch", "stopped", "by_patience", "learning_rate"):
        np.testing.assert_array_equal(getattr(part, name), getattr(whole, name)[rows])


@given(rule_sets, st.lists(levels, min_size=14, max_size=14))
def test_the_rules_are_those_of_two_plain_callbacks(rules: Recipe, accuracies: list[float]) -> None:
    assert follow_one(rules, accuracies) == callbacks(rules, accuracies)


def callbacks(rules: Recipe, accuracies: Sequence[float]) -> Seen:
    """Another reading of the rules: Keras's two callbacks as counters of one model."""
    seen, cut = Seen(), 1.0
    best, wait = -math.inf, 0
    plateau_best, plateau_wait = -math.inf, 0
    for epoch, accuracy in enumerate(accuracies[: rules.epochs]):
        factor = {
            "constant": 1.0,
            "cosine": (1 + math.cos(math.pi * epoch / rules.epochs)) / 2,
            "step": rules.step_factor ** (epoch // rules.step_epochs),
        }[rules.schedule]
        seen.epochs += 1
        seen.rates.append(round(rules.learning_rate * factor * cut, 12))
        wait, plateau_wait = wait + 1, plateau_wait + 1
        if accuracy > best:
            best, wait, seen.best = accuracy, 0, epoch + 1
            seen.improved.append(epoch + 1)
        if accuracy > plateau_best + rules.plateau_min_delta:
            plateau_best, plateau_wait = accuracy, 0
        elif rules.plateau_patience and plateau_wait >= rules.plateau_patience:
            cut, plateau_wait = cut * rules.plateau_factor, 0
        if rules.patience and wait >= rules.patience:
            seen.by_patience = True
            break
    return seen
