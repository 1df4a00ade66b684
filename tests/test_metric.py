"""A run in another metric than accuracy: numbers, words, figures and pages are in it."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import gigo
from factories import grid_of
from gigo.analysis.comparison import compare
from gigo.analysis.curves import Accuracies
from gigo.analysis.estimates import curve_estimates, summary
from gigo.analysis.findings import answer
from gigo.analysis.metric import ACCURACY, METRICS, Metric, find
from gigo.analysis.points import Side
from gigo.analysis.sizes import break_even
from gigo.errors import SpecError
from gigo.measures import MEASURES
from gigo.report import Material, panels
from gigo.report.document import brief, report
from gigo.report.figures import draw, reading
from gigo.report.markdown import markdown
from gigo.resolve import resolve
from gigo.study import Study
from synthetic import TEST_SETS, make_frame, make_study

SHARES = {"accuracy", "balanced_accuracy"}
LOSSES = {"log_loss", "brier", "ece"}


def frame_in(name: str, value: Any, **fields: Any) -> pd.DataFrame:
    """A table whose column of that name is ``value(rate)``, plus 0.01 per replicate."""
    frame = make_frame(make_study(**fields), lambda trial: 0.5)
    return frame.assign(**{name: value(frame["rate"]) + 0.01 * frame["replicate"]})


def material_in(name: str, value: Any, **fields: Any) -> Material:
    study = make_study(**fields)
    frame = frame_in(name, value, **fields)
    return Material("mine", frame, [grid_of(study)], TEST_SETS, "float32", metric=METRICS[name])


def falling(rate: Any) -> Any:
    return 0.9 - 0.4 * rate


def rising(rate: Any) -> Any:
    return 0.3 + 2 * rate


# Metrics


def test_every_measure_is_a_metric() -> None:
    assert list(METRICS) == list(MEASURES)
    assert {name for name, each in METRICS.items() if each.is_share} == SHARES
    assert {name for name, each in METRICS.items() if each.is_loss} == LOSSES


@pytest.mark.parametrize("metric", METRICS.values(), ids=str)
@given(value=st.floats(0, 1))
def test_percent_is_for_shares_alone(metric: Metric, value: float) -> None:
    text = metric.text(value)
    assert ("%" in text) == metric.is_share
    number = float(text.split()[0]) / (100 if metric.is_share else 1)
    assert number == pytest.approx(value, abs=0.00051)
    assert metric.text(math.nan) == metric.points(math.nan) == "–"


def test_chance_is_that_of_guessing_where_it_is_known() -> None:
    frame = make_frame(make_study(rates=0, replicates=1), lambda trial: 0.5)
    frame = frame.assign(chance=0.8, n_classes=4)
    known = {name: metric.chance(frame)[0] for name, metric in METRICS.items()}
    assert {name: value for name, value in known.items() if not math.isnan(value)} == {
        "accuracy": 0.8,
        "balanced_accuracy": 0.25,
        "roc_auc": 0.5,
    }


def test_the_table_counts_the_classes_of_the_test_set() -> None:
    assert set(make_frame(make_study(), lambda trial: 0.5)["n_classes"]) == {10}


def test_a_metric_that_a_run_lacks_is_refused() -> None:
    frame = make_frame(make_study(), lambda trial: 0.5)
    assert find("macro_f1", frame) == METRICS["macro_f1"]
    with pytest.raises(SpecError, match=r"^metric = 'roc_auc': expected one that this run"):
        find("roc_auc", frame)
    with pytest.raises(SpecError, match=r"did you mean 'macro_f1'"):
        find("macro-f1", frame)


# Numbers


def test_a_summary_is_of_the_metric() -> None:
    frame = frame_in("macro_f1", falling)
    found: Any = summary(frame, METRICS["macro_f1"])
    assert found["mean"].to_list() == pytest.approx([0.91, 0.71, 0.51])
    assert found["chance"].isna().all()
    assert (found["low"] < found["mean"]).all() and (found["high"] > found["mean"]).all()
    assert summary(frame)["mean"].to_list() == pytest.approx([0.5] * 3)


def test_intervals_of_a_loss_are_not_cut_at_one() -> None:
    found: Any = summary(frame_in("log_loss", rising), METRICS["log_loss"])
    assert found["high"].iloc[-1] > found["mean"].iloc[-1] > 2
    cut: Any = summary(frame_in("ece", lambda r: 0.99 + 0 * r), METRICS["ece"])
    assert (cut["high"] <= 1).all()


def test_a_score_has_a_tolerance_and_a_loss_has_none() -> None:
    (score,) = curve_estimates(frame_in("macro_f1", falling), METRICS["macro_f1"])
    assert score.tolerance.value == pytest.approx(0.05 / 0.4, abs=0.03)  # 0.91 - 0.4 r
    assert (score.tolerance.low, score.tolerance.high) == (0.0, 0.5)  # a gap
    assert score.tolerance.to_run == (0.1, 0.2, 0.3, 0.4)
    assert score.midpoint.value is None
    assert score.midpoint.notes == ("what guessing gives is not known for macro F1",)
    for name in sorted(LOSSES):
        (loss,) = curve_estimates(frame_in(name, rising), METRICS[name])
        assert loss.tolerance.value is None
        assert loss.tolerance.notes[0].endswith("has no default tolerance")
        assert loss.last == pytest.approx((1.0, 2.31))
        assert loss.clean[0] == pytest.approx(0.31)


def test_the_midpoint_of_balanced_accuracy_is_half_way_to_one_in_so_many_classes() -> None:
    frame = frame_in("balanced_accuracy", lambda rate: 0.9 - 0.8 * rate)
    (found,) = curve_estimates(frame, METRICS["balanced_accuracy"])
    assert found.midpoint.value == pytest.approx((0.91 - (0.91 + 0.1) / 2) / 0.8, abs=0.01)


def test_a_large_set_breaks_even_where_its_loss_rises_to_that_of_a_small_clean_one() -> None:
    frame = frame_in("log_loss", rising, size=(100, 200))
    worse = frame["size"] == 100
    frame.loc[worse, "log_loss"] += 0.5
    curves = Accuracies.of(frame, METRICS["log_loss"]).curves()
    small, large = curves.values()
    assert break_even(large, small).value == pytest.approx(0.25)


def test_two_runs_are_compared_in_it() -> None:
    study = make_study()
    a, b = (
        Side.of_run(name, frame_in("log_loss", value), [grid_of(study)])
        for name, value in (("a", rising), ("b", lambda rate: 0.1 + 2 * rate))
    )
    found = compare(a, b, METRICS["log_loss"])
    assert found.mean_difference == pytest.approx(0.2)
    assert set(found.frame["method"]) == {"paired"}
    assert compare(a, b).mean_difference == pytest.approx(0)


# Words, figures, pages


def test_the_answer_is_in_it() -> None:
    frame = frame_in("macro_f1", falling)
    (finding,) = answer(frame, metric=METRICS["macro_f1"]).findings
    assert "labels: macro F1 0.910 with clean labels (95 % interval 0.885 to 0.935)." in (
        finding.heading
    )
    assert finding.lines[0].startswith("symmetric: 50 % wrong labels cost 0.200 ± ")
    assert " of macro F1. The mean of trainings loses 0.05 at 1" in finding.lines[0]
    (loss,) = answer(frame_in("log_loss", rising), metric=METRICS["log_loss"]).findings
    assert "log loss 0.310 nats with clean labels" in loss.heading
    (line,) = loss.lines
    assert line.startswith("symmetric: 50 % wrong labels cost 1.0")
    assert line.endswith("nats.") and "tolerance" not in line.lower()


@pytest.mark.parametrize("name", sorted(METRICS))
def test_a_page_speaks_of_its_metric_alone(name: str) -> None:
    metric = METRICS[name]
    material = material_in(name, rising if metric.is_loss else falling, size=(200, "all"))
    for text in (markdown(report(material)), markdown(brief(material))):
        assert metric.begun in text
        if name not in SHARES:
            assert "accuracy" not in text.lower()
    (panel, *_) = panels(material)
    lines: Any = panel.lines
    assert panel.highest_mean >= lines["mean"].max()
    spec = draw(panel)
    y = spec["encoding"]["y"]
    assert y["title"] == metric.axis
    assert y["axis"]["format"] == ("%" if metric.is_share else "~g")
    known = name in {"accuracy", "balanced_accuracy", "roc_auc"}
    assert ('"text": "chance' in json.dumps(spec)) == known == ("chance" in reading([panel]))
    assert not any(math.isnan(value) for value in _numbers(spec))


def _numbers(thing: Any) -> list[float]:
    if isinstance(thing, dict):
        return [x for value in thing.values() for x in _numbers(value)]
    if isinstance(thing, list):
        return [x for value in thing for x in _numbers(value)]
    return [thing] if isinstance(thing, float) else []


def test_settings_are_compared_in_it() -> None:
    material = material_in("log_loss", rising, validation=("none", "clean"))
    text = markdown(report(material))
    assert "Differences of mean log loss." in text
    assert "mean difference 0.000 nats" in text
    assert "within 0.03 nats" in text


# Studies and runs


def test_a_study_has_a_metric_that_no_key_knows_of() -> None:
    study = make_study()
    assert study.metric == "accuracy"
    other = study.but(metric="macro_f1")
    assert resolve(other).keys == resolve(study).keys
    with pytest.raises(SpecError, match=r"^metric = 'f1': expected one of accuracy, average_"):
        Study.create(dataset="digits", metric="f1")
    for name in ("roc_auc", "average_precision"):
        with pytest.raises(SpecError, match=rf"^metric = '{name}': .*: digits has 10$"):
            resolve(study.but(metric=name))


def test_a_run_keeps_its_last_metric_and_any_other_can_be_asked_for(tmp_path: Path) -> None:
    place = tmp_path / "run"
    fields: dict[str, Any] = {"dataset": "digits", "size": 50, "model": "mlp", "replicates": 2}
    fields |= {"rates": [0, 0.8], "recipe": {"epochs": 30}, "out": place, "workers": 1}
    first = gigo.sweep(**fields)
    again = gigo.sweep(metric="macro_f1", **fields)
    assert len(again.studies) == 1  # nothing else is trained
    pd.testing.assert_frame_equal(first.frame, again.frame)
    assert gigo.load(place).metric == again.metric == "macro_f1"
    assert again.summary["mean"].to_list() != first.summary["mean"].to_list()
    assert first.summary["mean"].to_list() == gigo.load(place, "accuracy").summary["mean"].to_list()
    assert "Macro F1" in again.report().read_text(encoding="utf-8")
    assert again.page == place / "report.html"
    assert gigo.load(place).report(metric="brier") == place / "report-brier.html"
    assert "macro F1" in json.dumps(gigo.load(place).plot().to_dict())
    assert "Test ECE" in json.dumps(gigo.load(place).plot(metric="ece").to_dict())
    assert gigo.compare(place, place, metric="log_loss").metric == METRICS["log_loss"]
    assert gigo.sweep(**fields).metric == gigo.load(place).metric == "accuracy"
    with pytest.raises(SpecError, match=r"metric = 'acuracy': .*mean 'accuracy'"):
        gigo.load(place, "acuracy")
    with pytest.raises(SpecError, match="metric = 'roc_auc': expected one that this run has"):
        gigo.load(place, "roc_auc").report()


def test_published_points_are_accuracies(tmp_path: Path) -> None:
    points = tmp_path / "points.csv"
    points.write_text("dataset,size,corruption,rate,accuracy\ndigits,50,symmetric,0,0.5\n")
    fields: dict[str, Any] = {"dataset": "digits", "size": 50, "model": "mlp", "replicates": 1}
    run = gigo.sweep(rates=[0], recipe={"epochs": 1}, out=tmp_path / "run", workers=1, **fields)
    assert len(gigo.compare(run, points).points) <= 1
    with pytest.raises(SpecError, match=r"metric = 'brier': expected one that this run has: acc"):
        gigo.compare(run, points, metric="brier")


def test_accuracy_stays_the_default() -> None:
    frame = make_frame(make_study(), lambda trial: 0.9 - 0.4 * trial.rate)
    assert curve_estimates(frame) == curve_estimates(frame, ACCURACY)
    assert np.isclose(summary(frame)["chance"], 0.1).all()
