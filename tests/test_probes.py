"""What is told of the test sets that corruptions bring, and what rates are shares of."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from factories import grid_of
from gigo.analysis.probes import Trigger, probes
from gigo.analysis.table import tidy
from gigo.api import sweep
from gigo.corruptions.backdoor import trigger
from gigo.datasets import load
from gigo.errors import SpecError
from gigo.report import Material, panels
from gigo.report.blocks import Figures, Heading, Text
from gigo.report.document import answer, brief, report
from gigo.report.figures import draw
from gigo.report.plain import plain
from gigo.rng import Stream
from synthetic import PRECISION, TEST_SETS, make_record, make_study


def material_of(*kinds, rates=(0.0, 0.05, 0.08), realised=1.0, probed=None) -> Material:
    """A run whose probed trials have measures of (rate), and change a share of what was asked."""
    study = make_study(corruption=list(kinds), rates=rates, replicates=2)
    grid, records = grid_of(study), []
    for trial in grid.trials.values():
        record = make_record(trial, 0.9 - 0.2 * trial.rate)
        if trial.corruption is not None and trial.corruption.probed:
            more = {name: of(trial.rate) for name, of in (probed or {}).items()}
            record = replace(record, measures={**record.measures, **more})
        records.append(replace(record, n_changed=round(realised * record.n_changed)))
    frame = tidy([grid], records, TEST_SETS)
    return Material(study.name, frame, [grid], TEST_SETS, PRECISION)


def attacked(rate: float) -> float:
    return 0.002 if rate == 0 else 0.98


TWO = {"name": "trigger", "source": 7, "target": 3}


@pytest.fixture(scope="module")
def attack() -> Material:
    of = {"attack/accuracy": attacked, "source/accuracy": lambda rate: 0.95 - rate}
    return material_of("trigger", TWO, "symmetric", probed=of)


def test_an_attack_is_a_sentence_per_curve(attack):
    told = plain(answer(attack))
    assert (
        "trigger: at 5 % poisoned items 98.0 % of the triggered test items of other classes are "
        "taken for class 0 (0.2 % at rate 0); accuracy on clean items 89.0 % (90.0 % at rate 0)"
    ) in told
    assert "items of class 7 are taken for class 3 (0.2 % at rate 0)" in told
    assert "on those of class 7 90.0 % (95.0 % at rate 0)." in told
    assert told.count("are taken for") == 2  # symmetric brings nothing


def test_a_probe_is_drawn_as_the_metric_is_and_lines_keep_their_colours(attack):
    for blocks in (report(attack), brief(attack)):
        titles = [each.text for each in blocks if isinstance(each, Heading)]
        assert "Attack success rate against corruption rate" in titles
        figures = [each for block in blocks if isinstance(block, Figures) for each in block.figures]
        main, shown, _ = (figure.panel for figure in figures)
        assert [figure.title.split(".")[0] for figure in figures] == [
            f"Figure {k}" for k in (1, 2, 3)
        ]
        assert set(shown.lines["corruption"]) == {"trigger", "trigger source=7 target=3"}
        assert shown.labels == main.labels
        assert not shown.guides
        assert np.isnan(shown.chance)
        assert shown.lines["mean"].tolist() == pytest.approx(2 * [0.002, 0.98, 0.98])
        assert draw(shown)["encoding"]["y"]["title"] == "Attack success rate"
        notes = [each.text for each in blocks if isinstance(each, Text)]
        assert any(note.startswith("trigger: 5 % of the set are 33 %") for note in notes)


def test_test_sets_of_the_data_are_no_probes(attack):
    own = {
        sha: replace(each, labels={**each.labels, "attack": each.labels["test"]})
        for sha, each in TEST_SETS.items()
    }
    assert [*probes(attack.frame, TEST_SETS)] == ["attack", "source"]
    assert [*probes(attack.frame, own)] == ["source"]


@pytest.mark.parametrize("labels", ["dirty", "clean"])
def test_the_share_of_the_target_class_is_that_of_the_schedule(labels):
    digits, items = load("digits"), np.arange(1347)
    stream = Stream(0, 0, "corruption")
    schedule = trigger(digits, items, stream, target=4, labels=labels)
    edits = schedule.item[: schedule.n_edits(0.05, len(items))]
    given, poisoned = digits.y_train.copy(), np.zeros(len(items), bool)
    given[edits], poisoned[edits] = 4, True
    share = float((digits.y_train == 4).mean())
    expected = poisoned[given == 4].mean()
    assert Trigger("4", "", labels == "dirty", share).of_target(
        len(edits) / len(items)
    ) == pytest.approx(expected)


def test_a_rate_of_eligible_items_says_what_it_comes_to():
    found = material_of("annotators", rates=(0, 0.05, 0.5), realised=0.3)
    assert "5 % of the eligible items (1.5 % wrong labels) cost" in plain(answer(found))
    (panel,) = panels(found)
    assert panel.axis == "Share of the eligible training items"
    (panel,) = panels(material_of("dilute"))
    assert panel.axis == "Share of the final training set that was added"
    (panel,) = panels(material_of("annotators", "blur"))
    assert panel.axis == "Corruption rate"
    assert panel.notes[1] == "blur: training items with corrupted inputs."


def test_curves_are_drawn_against_what_was_really_changed():
    found = replace(
        material_of("annotators", rates=(0, 0.05, 0.5), realised=0.3), against="realised_rate"
    )
    (panel,) = panels(found)
    assert panel.lines["rate"].tolist() == pytest.approx([0, 0.015, 0.15], abs=1e-3)
    assert not panel.cliffs
    assert not panel.guides
    assert draw(panel)["encoding"]["x"]["title"] == panel.axis
    assert "Accuracy against realised rate" in [
        each.text for each in report(found) if isinstance(each, Heading)
    ]


def test_a_leak_is_said_in_plain_sight():
    kinds = ["leak", {"name": "blur"}]
    (told,) = [
        each.text
        for each in answer(material_of(*kinds))
        if isinstance(each, Text) and "leak" in each.text
    ]
    assert told.startswith("leak puts test items into the training set")


def test_a_run_tells_of_its_probes(tmp_path):
    rng = np.random.default_rng(0)
    pandas = pytest.importorskip("pandas")
    x, grey = rng.normal(size=200), rng.random(200) < 0.2
    table = pandas.DataFrame({"x": x, "colour": pandas.Categorical(np.where(grey, "grey", "red"))})
    kind = {"name": "subsample_group", "column": "colour", "value": "grey"}
    found = sweep(
        table,
        np.where((x > 0) ^ grey, "yes", "no"),
        corruption=kind,
        model="boosting",
        rates=[0, 1],
        replicates=1,
        out=tmp_path / "run",
    )
    assert not np.isnan(found.frame["group/accuracy"].to_numpy()).any()
    gone = 1 - found.frame["n_train"].to_numpy() / 160
    assert found.frame["realised_rate"].to_numpy() == pytest.approx(gone)
    assert gone[-1] > 0
    assert "missing items) accuracy on the group's test items" in found.answer
    page = found.report(tmp_path / "page.md", against="realised_rate").read_text()
    assert "Group accuracy against realised rate" in page
    assert len(found.plot(against="realised_rate").concat) == 1
    with pytest.raises(SpecError, match="rate or realised_rate"):
        found.plot(against="size")


def test_a_rate_of_all_items_is_told_as_one_of_those_that_may_be_chosen(tmp_path: Path) -> None:
    fields: dict[str, Any] = {"size": 100, "model": "knn", "rates": [0, 0.2], "replicates": 1}
    kinds = [{"name": "asymmetric", "map": "mnist"}, "symmetric"]
    result = sweep(dataset="digits", corruption=kinds, out=tmp_path, **fields)
    told = (
        "asymmetric map=mnist: rates are shares of all items, of which 50 % may be chosen: "
        "25 % of all are 50 % of these."
    )
    assert result.answer.count("may be chosen") == result.answer.count(told) == 1
