"""Two runs side by side, and a run beside the article's published points."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from rich.console import Console
from scipy import stats

from factories import cells_of, grid_of, trials_of
from gigo import studies
from gigo.analysis import article
from gigo.analysis import comparison as comparisons
from gigo.analysis.article import PLACES, SETTING, published
from gigo.analysis.comparison import COMPARISON_COLUMNS, Comparison, _matches, compare
from gigo.analysis.contrast import contrast_text
from gigo.analysis.metric import ACCURACY
from gigo.analysis.multiple import holm
from gigo.analysis.points import ALL, Side
from gigo.analysis.table import tidy
from gigo.datasets import CATALOGUE
from gigo.records import Status, TestSet
from gigo.report import Material, figure, panels, terminal
from gigo.report.blocks import Table
from gigo.report.differences import comparison
from gigo.report.document import brief, report
from gigo.report.figures import PUBLISHED
from gigo.report.markdown import markdown
from gigo.study import Study
from gigo.trial import Trial
from synthetic import make_frame, make_record, make_study

MNIST = TestSet(
    name="mnist",
    sha256=CATALOGUE["mnist"].sha256,
    classes=tuple("0123456789"),
    labels={"test": np.arange(1000) % 10},
    n_train=CATALOGUE["mnist"].n_train,
    source="made up",
)
ARTICLE = studies.find("article").but(dataset="mnist", size=1000, rates=[0, 0.5, 0.6, 1])


def noisy(trial: Trial) -> float:
    """Falls with the rate; every replicate and seed has its own luck."""
    luck = np.sin(7 * trial.replicate + 3 * trial.seed + 11 * trial.rate)
    return float(0.9 - 0.6 * trial.rate + 0.03 * luck)


def side(
    study: Study,
    accuracy: Callable[[Trial], float] = noisy,
    status: Callable[[Trial], Status] = lambda trial: "ok",
    name: str = "run",
) -> Side:
    return Side.of_run(name, make_frame(study, accuracy, status), [grid_of(study)])


def mnist_material(
    study: Study,
    accuracy: Callable[[Trial], float] = noisy,
    status: Callable[[Trial], Status] = lambda trial: "ok",
) -> Material:
    trials = trials_of(study).values()
    records = [make_record(t, accuracy(t), status(t), MNIST) for t in trials]
    test_sets = {MNIST.sha256: MNIST}
    return Material(
        "any", tidy([grid_of(study)], records, test_sets), [grid_of(study)], test_sets, "x"
    )


def mnist_side(*arguments) -> Side:
    material = mnist_material(*arguments)
    return Side.of_run("run", material.frame, material.grids)


def between_settings(run: Side) -> Comparison | None:
    return comparisons.between_settings(run, SETTING)


def row(frame: pd.DataFrame, **where: Any) -> dict[Any, Any]:
    chosen = np.logical_and.reduce([frame[name] == value for name, value in where.items()])
    (found,) = frame.loc[chosen].to_dict("records")
    return found


def prints(blocks, width: int = 80) -> str:
    console = Console(width=width, color_system=None)
    with console.capture() as capture:
        terminal.show(blocks, console)
    return capture.get()


def says(material: Material) -> str:
    return markdown(report(material))


# The published points


def test_the_published_points_are_those_of_the_two_figures():
    frame = published().frame
    assert len(frame) == 185
    assert not frame.duplicated(["dataset", "size", "corruption", "rate"]).any()
    assert set(frame["dataset"]) == {ref.name for ref in studies.find("article").dataset}
    assert frame["accuracy"].between(0, 1).all()
    first = row(frame, dataset="mnist", size=1000, corruption="two_sink", rate=0.5)
    assert first["accuracy"] == pytest.approx(0.553)
    everything = row(frame, dataset="mnist", size=ALL, corruption="symmetric", rate=0.8)
    assert everything["accuracy"] == pytest.approx(0.903)
    n_items = {name: entry.n_train for name, entry in CATALOGUE.items()}
    sized = published().sized(n_items).frame
    assert set(sized.loc[sized["dataset"] == "cifar10", "size"]) == {1000, 50_000}


def test_their_settings_are_those_of_the_study_article():
    study = studies.find("article")
    (cell,) = {(c.model.label, c.recipe.label, c.validation) for c in cells_of(study)}
    assert cell == tuple(SETTING.values())
    assert {name: getattr(study, name) for name in PLACES} == PLACES
    (told,) = {*published().frame[list(SETTING)].itertuples(index=False, name=None)}
    assert told == cell
    assert set(published().frame["corruption"]) == {c.label for c in study.corruption}


def test_the_study_article_trains_nearly_all_published_points():
    cells = cells_of(studies.find("article"))
    grid = {(c.dataset.name, c.size, c.corruption.label, c.rate) for c in cells}
    n_items = {cell.dataset.name: cell.dataset.n_train for cell in cells}
    points = published().sized(n_items).frame[["dataset", "size", "corruption", "rate"]]
    missing = {*points.itertuples(index=False, name=None)} - grid
    assert {rate for *_, rate in missing} <= {0.65, 0.75, 0.85}


# Which interval


def test_replicates_of_one_seed_are_paired():
    study = make_study(replicates=4)
    other = study.but(recipe="small", replicates=3)
    found = compare(side(study), side(other, lambda t: noisy(t) ** 1.1))
    assert set(found.frame["method"]) == {"paired"}
    at = row(found.frame, rate=0.5)
    assert (at["n_a"], at["n_b"]) == (3, 3)
    ours, theirs = (
        each.frame.query("rate == 0.5 and replicate < 3")["accuracy"].to_numpy()
        for each in (side(study), side(other, lambda t: noisy(t) ** 1.1))
    )
    expected = stats.ttest_rel(ours, theirs).confidence_interval(0.95)
    assert (at["low"], at["high"]) == pytest.approx(tuple(expected))
    assert at["difference"] == pytest.approx(ours.mean() - theirs.mean())


def test_runs_of_two_seeds_are_independent():
    study = make_study(replicates=4)
    a, b = side(study), side(study.but(seed=1, replicates=3))
    found = compare(a, b)
    assert set(found.frame["method"]) == {"welch"}
    assert found.differing == {"seed": ((0,), (1,))}
    at = row(found.frame, rate=0.5)
    ours, theirs = (each.frame.query("rate == 0.5")["accuracy"].to_numpy() for each in (a, b))
    expected = stats.ttest_ind(ours, theirs, equal_var=False).confidence_interval(0.95)
    assert (at["low"], at["high"]) == pytest.approx(tuple(expected))
    assert (at["n_a"], at["n_b"]) == (4, 3)


@pytest.mark.parametrize("flip", [False, True])
def test_one_training_is_held_against_the_prediction_of_the_other_side(flip):
    study = make_study(replicates=5)
    several, single = side(study), side(study.but(seed=3, replicates=1))
    found = compare(single, several) if flip else compare(several, single)
    assert set(found.frame["method"]) == {"prediction"}
    at = row(found.frame, rate=0.5)
    values = several.frame.query("rate == 0.5")["accuracy"].to_numpy()
    one = single.frame.query("rate == 0.5")["accuracy"].item()
    half = stats.t.ppf(0.975, 4) * values.std(ddof=1) * math.sqrt(1 + 1 / 5)
    assert at["predicted_low"] == pytest.approx(values.mean() - half)
    assert at["predicted_high"] == pytest.approx(values.mean() + half)
    assert at["high"] - at["low"] == pytest.approx(2 * half)
    assert (at["p"] > 0.05) == (abs(one - values.mean()) <= half)


def test_a_training_does_not_help_to_predict_itself():
    study = make_study(replicates=5)
    several, single = side(study), side(study.but(replicates=1))
    for found in (compare(several, single), compare(single, several)):
        assert set(found.frame["method"]) == {"prediction"}
    at = row(compare(several, single).frame, rate=0.5)
    others = several.frame.query("rate == 0.5 and replicate > 0")["accuracy"]
    assert (at["n_a"], at["n_b"]) == (4, 1)
    assert at["mean_a"] == pytest.approx(others.mean())


def test_of_two_replicates_the_shared_one_is_compared():
    study = make_study(replicates=2)
    several, single = side(study), side(study.but(replicates=1, recipe="small"))
    for found in (compare(several, single), compare(single, several)):
        assert set(found.frame["method"]) == {"none"}
        assert {*found.frame["n_a"], *found.frame["n_b"]} == {1}
        assert not found.frame["difference"].to_numpy().any()


def test_one_training_on_each_side_has_no_interval():
    study = make_study(replicates=1)
    found = compare(side(study), side(study.but(seed=1)))
    assert set(found.frame["method"]) == {"none"}
    assert found.n_intervals == 0
    assert found.n_differing == 0 and found.contrasts == ()
    assert found.n_close == list(found.frame["close"]).count(True)
    assert "without replicates no difference can be told" in prints(comparison(found))


def test_many_differences_are_adjusted():
    """Of runs that do not differ, one table of twenty says so at some point, not one point."""
    study, rng = (
        make_study(rates=tuple(i / 10 for i in range(10)), replicates=5),
        np.random.default_rng(0),
    )

    def chance(trial: Trial) -> float:
        return 0.8 + rng.normal(0, 0.02)

    found = [compare(side(study, chance), side(study.but(seed=1), chance)) for _ in range(40)]
    points = np.mean([each.frame["p"] < 0.05 for each in found])
    assert 0.02 < points < 0.08
    assert sum(each.n_differing > 0 for each in found) <= 6
    assert sum(any(each.apart) for each in found) <= 6


# What the rows come to


def test_a_run_differs_from_itself_by_nothing():
    run = side(make_study(corruption=("symmetric", "biased")))
    found = compare(run, run)
    assert list(found.frame) == list(COMPARISON_COLUMNS)
    assert not found.frame["difference"].to_numpy(float).any()
    assert found.frame["high"].to_numpy(float).max() < 0.01
    assert found.n_differing == 0 and not any(found.apart)
    assert found.n_close == len(found.points)
    assert (found.mean_difference, found.mean_absolute_difference) == (0, 0)
    assert (found.only_a, found.only_b) == (0, 0)
    assert found.differing == {}


def test_the_other_way_round_only_the_sign_differs():
    study = make_study(replicates=3)
    a, b = side(study), side(study.but(seed=1), lambda t: noisy(t) - 0.1 * t.rate)
    one, other = compare(a, b), compare(b, a)
    assert one.mean_difference == pytest.approx(-other.mean_difference)
    assert one.mean_absolute_difference == pytest.approx(other.mean_absolute_difference)
    assert list(one.frame["low"]) == pytest.approx(list(-other.frame["high"]))
    assert list(one.frame["differs"]) == list(other.frame["differs"])
    for a, b in zip(one.contrasts, other.contrasts, strict=True):
        assert (a.value, a.low, a.p) == pytest.approx((-b.value, -b.high, b.p))


def test_the_numbers_are_those_of_the_rows():
    study = make_study(rates=(0.2, 0.4, 0.6), replicates=1)
    shift = {0.2: 0.1, 0.4: -0.02, 0.6: -0.2}
    a = side(study, lambda t: 0.5 + shift[t.rate])
    b = side(study.but(seed=1), lambda t: 0.5)
    found = compare(a, b)
    assert found.mean_difference == pytest.approx(-0.04)
    assert found.mean_absolute_difference == pytest.approx(0.32 / 3)
    assert found.largest is not None
    assert (found.largest["rate"], found.largest["difference"]) == (0.6, pytest.approx(-0.2))
    assert found.n_close == 1


def test_points_of_one_side_alone_are_counted():
    a = side(make_study(rates=(0, 0.2, 0.4)))
    b = side(make_study(rates=(0, 0.4, 0.6, 0.8)))
    found = compare(a, b)
    assert list(found.frame["rate"]) == [0, 0.4]
    assert (found.only_a, found.only_b) == (1, 2)
    assert "1 of A, 2 of B" in prints(comparison(found))


def test_at_rate_0_the_trials_of_all_corruptions_count_once():
    run = side(make_study(corruption=("symmetric", "biased"), rates=(0, 0.5)))
    found = compare(run, side(make_study(corruption=("symmetric", "biased"), seed=1)))
    assert len(found.frame) == 4
    assert len(found.points) == 3
    found = compare(mnist_side(ARTICLE.but(rates=[0, 0.5])), published())
    assert len(found.points) == 4  # trained anew for each


def test_models_that_never_started_are_counted_and_left_out():
    def status(trial: Trial) -> Status:
        starts = trial.rate < 0.5 or (trial.rate == 0.5 and trial.replicate > 0)
        return "ok" if starts else "never_started"

    study = make_study(replicates=3)
    found = compare(side(study, status=status), side(study.but(recipe="small"), lambda t: 0.5))
    half = row(found.frame, rate=0.5)
    assert (half["n_a"], half["n_b"], half["n_never_started_a"]) == (2, 2, 1)
    assert math.isnan(row(found.frame, rate=1)["difference"])
    assert list(found.points["rate"]) == [0, 0.5]
    shown = prints(comparison(found))
    assert "○1" in shown
    assert "– ○3" in shown
    assert "not compared" in shown


# Which settings


def test_settings_are_compared_with_themselves_where_both_have_several():
    study = make_study(validation=("clean", "oracle", "none"))
    other = make_study(validation=("noisy", "oracle", "clean"))
    pairs = {(a[2], b[2]) for a, b in compare(side(study), side(other)).by_setting()}
    assert pairs == {("clean", "clean"), ("oracle", "oracle")}
    one, two = study.but(validation=("clean", "none")), study.but(validation=("clean", "oracle"))
    found = compare(side(one), side(two))
    assert (found.only_a, found.only_b) == (3, 3)  # none's and oracle's


def test_a_single_setting_is_compared_with_each_and_what_differs_is_said():
    several, single = make_study(validation=("clean", "oracle")), make_study(recipe="small")
    found = compare(side(several), side(single))
    parts = found.by_setting()
    assert [(a[2], b[2]) for a, b in parts] == [("clean", "clean"), ("oracle", "clean")]
    assert sum(len(part.frame) for part in parts.values()) == len(found.frame)
    assert found.differing["recipe"] == (("auto",), ("small",))
    assert found.differing["validation"] == (("clean", "oracle"), ("clean",))
    shown = prints(comparison(found))
    assert "recipe: auto in A, small in B" in shown
    assert "auto, oracle in A and small_cnn, small, clean in B" in shown


def test_several_settings_that_share_none_are_all_compared():
    several = side(make_study(validation=("clean", "oracle"), recipe="small"))
    found = compare(several, side(make_study(validation=("clean", "none"))))
    assert len(found.by_setting()) == 4


def test_nothing_in_common_is_an_empty_comparison():
    found = compare(side(make_study(rates=(0.1,))), side(make_study(rates=(0.2,))))
    assert found.frame.empty
    assert found.largest is None
    assert math.isnan(found.mean_difference)
    assert list(_matches([], [])) == []


# Settings of one run


def luckier(trial: Trial) -> float:
    """`noisy`, and better by 5 points under ``clean`` validation, by a hundredth of the rate."""
    return noisy(trial) + (0.05 + 0.01 * trial.rate if trial.validation == "clean" else 0.0)


def test_settings_are_held_against_the_first_one_paired_by_replicate():
    study = make_study(
        model=("mlp", "linear"), validation=("none", "clean"), rates=(0, 0.3), replicates=4
    )
    found = between_settings(side(study, luckier))
    assert found is not None
    parts = found.by_setting()
    assert {b for _, b in parts} == {("mlp", "auto", "none")}
    assert [a[::2] for a, _ in parts] == [
        ("mlp", "clean"),
        ("linear", "none"),
        ("linear", "clean"),
    ]
    assert set(found.frame["method"]) == {"paired"}
    for (setting, _), part in parts.items():
        for point in part.points.to_dict("records"):
            expected = 0.05 + 0.01 * point["rate"] if setting[2] == "clean" else 0.0
            # What replicates share is gone; accuracies are of 1,000 test items.
            assert point["difference"] == pytest.approx(expected, abs=1e-3)
            assert point["high"] - point["low"] < 0.004
            assert point["differs"] is (expected != 0)


def test_the_article_s_setting_is_what_others_are_held_against():
    found = between_settings(side(make_study(validation=("clean", "oracle"), recipe="article")))
    assert found is not None
    assert set(found.frame["validation_b"]) == {"oracle"}
    one = side(make_study())
    assert between_settings(one) is None
    nothing = replace(one, frame=one.frame.iloc[:0])
    assert between_settings(nothing) is None


def test_a_trial_that_settings_share_is_not_held_against_itself():
    study = make_study(validation=("clean", "noisy"))
    found = between_settings(side(study, lambda t: 0.5 if t.validation == "noisy" else 0.6))
    assert found is not None
    assert list(found.frame["rate"]) == [0.5, 1]  # at rate 0 they are the same trials
    assert found.mean_difference == pytest.approx(-0.1)


def test_settings_are_held_against_one_that_was_run():
    frames = [
        make_frame(make_study(recipe=recipe, validation=validation), noisy)
        for recipe, validation in (("small", "oracle"), ("article", "none"), ("sgd", "none"))
    ]
    found = between_settings(Side("run", pd.concat(frames, ignore_index=True), {"seed": 0}))
    assert found is not None
    others = [("article", "none"), ("sgd", "none")]
    assert [a[1:] for a, _ in found.by_setting()] == others
    assert {b[1:] for _, b in found.by_setting()} == {("small", "oracle")}


def test_nothing_that_trained_is_no_interval():
    study = ARTICLE.but(validation=["oracle", "clean"])
    text = says(mnist_material(study, status=lambda trial: "never_started"))
    assert "95 % intervals: ." not in text


def test_a_report_says_what_settings_change():
    material = mnist_material(ARTICLE.but(validation=["oracle", "clean"], replicates=3), luckier)
    line = (
        "clean validation: mean difference +5.6 points over 7 points of the curves, mean absolute "
        "difference 5.6, largest +6.0 (mnist, 1,000 labels, symmetric at 100 %). "
        "Told apart at 7 of 7 points, all considered (Holm); within 3 points at 0 of 7."
    )
    for text in (says(material), " ".join(prints(brief(material)).split())):
        assert "Settings, against oracle validation" in text
        assert line in text
    assert "Settings, against" not in says(mnist_material(ARTICLE))


# Beside the article


def test_only_a_run_under_the_article_s_settings_repeats_it():
    everything = mnist_side(ARTICLE)
    found = article.repeated_by(everything)
    assert found is not None
    assert len(found.a.frame) == len(everything.frame)
    assert found.published is not None
    assert found.published.note == article.NOTE
    for change in (
        {"subset": "random"},
        {"placement": "random"},
        {"validation": "clean"},
        {"recipe": {"batch_size": 32}},
        {"model": {"name": "article_cnn", "width": 16}},
    ):
        study = ARTICLE.but(**change)
        assert article.repeated_by(mnist_side(study)) is None
        assert mnist_material(study).published is None
    wider = mnist_side(ARTICLE.but(validation=["clean", "oracle"]))
    part = article.repeated_by(wider)
    assert part is not None
    assert set(part.a.frame["validation"]) == {"oracle"}


def test_published_points_lie_on_the_figure_of_a_run_that_repeats_them():
    material = mnist_material(ARTICLE.but(rates=[0, 0.5, 0.8], size=[1000, "all"]))
    small, large = panels(material)
    expected = published().frame.query("dataset == 'mnist' and size == 1000 and rate <= 0.8")
    assert sorted(small.published["accuracy"]) == pytest.approx(sorted(expected["accuracy"]))
    untrained = small.published.loc[~small.published["rate"].isin([0, 0.5, 0.8])]
    assert untrained["mean_a"].isna().all()
    trained = row(small.published, corruption="two_sink", rate=0.5)
    assert trained["accuracy"] + trained["difference"] == pytest.approx(trained["mean_a"])
    assert 0.75 in set(large.published["rate"])
    drawn = str(figure(material, 1000).to_dict())
    assert PUBLISHED in drawn


def test_of_several_settings_only_the_article_s_line_has_them():
    material = mnist_material(ARTICLE.but(validation=["oracle", "clean"]))
    found = {panel.title: panel.published for panel in panels(material)}
    assert {title: len(points) for title, points in found.items()} == {
        "mnist, symmetric, 1,000 labels": 11,
        "mnist, two_sink, 1,000 labels": 11,
    }
    assert {line for points in found.values() for line in points["line"]} == {"oracle validation"}


def test_a_report_states_the_differences_where_a_run_repeats_the_article():
    material = mnist_material(ARTICLE.but(replicates=3))
    found = material.published
    assert found is not None
    largest = found.largest
    assert largest is not None
    for text in (says(material), " ".join(prints(brief(material)).split())):
        assert f"Mean difference {ACCURACY.points(found.mean_difference)} points" in text
        assert f"largest {ACCURACY.points(largest['difference'])} (mnist, 1,000 labels" in text
    assert "published points" not in says(mnist_material(ARTICLE.but(subset="random")))


def test_a_run_without_published_points_has_nothing_of_them():
    material = mnist_material(ARTICLE.but(size=500))
    assert material.published is None
    assert all(panel.published.empty for panel in panels(material))
    assert PUBLISHED not in str(figure(material).to_dict())


def test_a_comparison_fits_80_columns_and_says_whose_interval_it_is():
    shown = prints(comparison(compare(mnist_side(ARTICLE.but(replicates=3)), published())))
    assert max(map(len, shown.splitlines())) <= 80
    assert "95 % of one" in shown
    assert "one training each" in shown


@pytest.mark.parametrize(
    ("difference", "text"),
    [(0.0071, "+0.7"), (-0.123, "−12.3"), (0.0, "0.0"), (-0.0004, "0.0")],
)
def test_differences_have_a_sign(difference, text):
    assert ACCURACY.points(difference) == text


@pytest.mark.parametrize(
    ("shift", "n", "verdict"),
    [
        (0.0, 3, "can't tell, within 3 points"),
        (0.01, 3, "differs, within 3 points"),
        (0.2, 3, "differs"),
        (0.01, 1, "within 3 points"),
        (0.2, 1, "not within 3 points"),
    ],
)
def test_verdicts_are_words(shift, n, verdict):
    study = make_study(rates=0.5, replicates=n)
    other = side(study.but(recipe="small"), lambda t: noisy(t) - shift)
    (table,) = (b for b in comparison(compare(side(study), other)) if isinstance(b, Table))
    assert [row[-1] for row in table.rows] == [verdict]


# Contrasts


def test_holm_by_hand():
    """Values of a worked example in Holm's way: the smallest times n, then n - 1, never less."""
    assert holm(np.array([0.005, 0.011, 0.02, 0.04])).tolist() == pytest.approx(
        [0.02, 0.033, 0.04, 0.04]
    )


def pair_of(shift, replicates=5, noise=0.01):
    """Two curves that fall alike but for a shift."""
    study = make_study(rates=tuple(k / 10 for k in range(9)), replicates=replicates)
    rng = np.random.default_rng(7)

    def accuracy(by):
        return lambda t: 0.9 - 0.8 * t.rate**2 - by + rng.normal(0, noise)

    return compare(side(study, accuracy(0.0)), side(study.but(seed=1), accuracy(shift)))


def test_a_contrast_is_the_mean_difference_up_to_the_smaller_midpoint():
    (found,) = pair_of(0.05).contrasts
    assert 0.5 <= found.upto <= 0.8
    assert found.low < 0.05 < found.high
    assert found.high - found.low < 0.03
    assert pair_of(0.05).apart == [True] and pair_of(0.0).apart == [False]


def test_a_contrast_says_how_many_replicates_would_tell():
    (found,) = pair_of(0.0, replicates=3, noise=0.05).contrasts
    text = contrast_text(found, ("A", "B"), False, ACCURACY)
    assert text.startswith("A and B are not told apart with 3 replicates: ")
    assert f"to tell 2.0 points, about {found.needed} would be needed" in text
    told = contrast_text(pair_of(0.05).contrasts[0], ("A", "B"), True, ACCURACY)
    assert told.startswith("A is ") and " points better than B (" in told
