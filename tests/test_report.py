"""What a report says and what its figures hold, whatever it is rendered to."""

from __future__ import annotations

import math
import re
import subprocess
import sys
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import vl_convert
from hypothesis import given, settings
from hypothesis import strategies as st

from factories import grid_of
from gigo.analysis.estimates import split_curves
from gigo.analysis.names import Namer
from gigo.analysis.table import tidy
from gigo.errors import SpecError
from gigo.recipe import RECIPES, Recipe
from gigo.ref import Ref
from gigo.report import Material, figure, panels
from gigo.report.blocks import Code, Facts, Figures, Heading, Items, Table, Text
from gigo.report.document import MOST_FIGURES, MOST_ROWS, brief, provenance, report, trials
from gigo.report.figure_data import MOST_DOTS, MOST_LINES, in_turn
from gigo.report.figures import SHAPES, draw, look
from gigo.report.toml import to_toml
from gigo.study import Study
from synthetic import (
    PRECISION,
    TEST_SETS,
    demo_accuracy,
    demo_status,
    demo_study,
    make_frame,
    make_records,
    make_study,
)


def material_of(study: Study, **fields) -> Material:
    records = make_records(study, demo_accuracy, demo_status)
    frame = tidy([grid_of(study)], records, TEST_SETS)
    told = [record.provenance for record in records]
    return Material(
        study.name, frame, [grid_of(study)], TEST_SETS, PRECISION, provenance=told, **fields
    )


@pytest.fixture(scope="module")
def demo() -> Material:
    return material_of(demo_study())


def of_kind(kind, blocks) -> list:
    return [block for block in blocks if isinstance(block, kind)]


def figures_of(blocks) -> list:
    return [figure for block in of_kind(Figures, blocks) for figure in block.figures]


def test_neither_analysis_nor_report_imports_torch():
    code = "import sys, gigo.analysis.findings, gigo.report.terminal; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


# Panels


def test_a_panel_holds_the_summary_and_what_failed(demo):
    large, small = panels(demo)
    assert (large.sizes, small.sizes) == ((1347,), (200,))
    assert (large.title, small.title) == ("digits, all 1,347 labels", "digits, 200 labels")
    assert [len(large.lines), len(small.lines)] == [22, 22]
    assert large.failed.empty
    drawn = [(cliff.line, cliff.rate) for cliff in large.cliffs]
    assert drawn == [("biased", 0.5), ("symmetric", 0.9)]
    assert large.labels == small.labels == ["symmetric", "biased"]
    (failed,) = small.failed.to_dict("records")
    (trial,) = demo.frame.loc[~demo.frame["started"].to_numpy(bool)].to_dict("records")
    assert (failed["line"], failed["rate"], failed["n_never_started"]) == ("biased", 0.5, 1)
    assert failed["mean_failed"] == pytest.approx(trial["accuracy"])


def test_single_models_are_dots(demo):
    """Those in the means, each where its accuracy says; none where one is all there is."""
    _, small = panels(demo)
    mine = demo.frame.loc[(demo.frame["size"] == 200) & demo.frame["started"]]
    assert sorted(small.dots["value"]) == sorted(mine["accuracy"])
    means: Any = small.dots.groupby(["line", "rate"])["value"].mean()
    drawn: Any = small.lines.set_index(["line", "rate"])["mean"]
    pd.testing.assert_series_equal(means, drawn.sort_index(), check_names=False)
    (alone,) = panels(material_of(make_study(replicates=1)))
    assert alone.dots.empty
    most = MOST_DOTS // 3
    (many,) = panels(material_of(make_study(rates=[k / most for k in range(most + 1)])))
    assert many.dots.empty


def test_tolerances_are_guides(demo):
    """Along clean accuracy less 5 points to the tolerance, and down there."""
    for panel in panels(demo):
        for guide in panel.guides:
            (each,) = (
                each
                for each in demo.estimates
                if (each.curve.size, each.curve.corruption) == (*panel.sizes, guide.line)
            )
            assert guide.level == pytest.approx(each.clean[0] - 0.05)
            assert (guide.rate, guide.falls) == (each.tolerance.value, True)
            line = panel.lines.loc[panel.lines["line"] == guide.line]
            mean = np.interp(guide.rate, line["rate"], line["mean"])
            assert mean == pytest.approx(guide.level, abs=0.02)  # the estimate's curve is smooth
        assert [guide.line for guide in panel.guides] == ["symmetric", "biased"]


def test_a_tolerance_out_of_reach_is_a_guide_that_does_not_fall():
    material = material_of(make_study(rates=(0.0, 0.3)))
    flat = replace(material, frame=material.frame.assign(accuracy=0.9))
    (panel,) = panels(flat)
    (guide,) = panel.guides
    assert (guide.rate, guide.falls) == (0.3, False)
    assert guide.told == "symmetric: above 85.0 % at every rate tried"


def test_chance_and_models_that_learned_nothing_are_within_the_axis():
    frame = make_frame(make_study(), lambda t: 0.03, lambda t: "never_started")
    material = replace(material_of(make_study()), frame=frame)
    (panel,) = panels(material)
    assert (panel.chance, panel.highest_mean) == (0.1, 0.1)
    above = replace(material, frame=frame.assign(chance=0.102))
    assert panels(above)[0].highest_mean == 0.2


def test_settings_that_vary_share_a_panel_per_corruption():
    study = make_study(
        corruption=("symmetric", "biased"), model=("mlp", "linear"), validation=("none", "clean")
    )
    material = material_of(study)
    first, second = panels(material)
    assert (first.title, second.title) == (
        "digits, symmetric, all 1,347 labels",
        "digits, biased, all 1,347 labels",
    )
    names = ["no validation", "clean validation"]
    settings = [f"{model}, {name}" for model in ("mlp", "linear") for name in names]
    for panel in (first, second):
        assert {*panel.lines["line"]} == {*panel.labels} == {*settings}
        assert len(panel.lines) == 4 * len(study.rates)
        (corruption,) = {*panel.lines["corruption"]}
        (cliff,) = panel.cliffs
        assert (cliff.text, cliff.line) == (f"{corruption} cliff", "")
    assert drawn_means(figure(material)) == pytest.approx(sorted(material.summary["mean"]))


def test_sizes_share_a_panel_where_there_is_one_corruption():
    """More but worse is seen beside less but better."""
    study = make_study(size=(200, 500, "all"), corruption="biased")
    material = material_of(study)
    (panel,) = panels(material)
    assert (panel.title, panel.sizes) == ("digits, biased", (200, 500, 1347))
    assert panel.labels == ["200 labels", "500 labels", "all 1,347 labels"]
    assert [*panel.lines["line"].unique()] == panel.labels
    assert len(panel.lines) == 3 * len(study.rates)
    assert [cliff.text for cliff in panel.cliffs] == ["biased cliff"]
    svg = vl_convert.vegalite_to_svg(figure(material, 500).to_dict())
    assert all(words in svg for words in ("digits, biased", "500 labels", "biased cliff"))
    with pytest.raises(SpecError, match="size = 7"):
        figure(material, 7)


def test_lines_are_corruptions_where_each_data_set_has_a_model_of_its_own():
    frame = make_frame(make_study(corruption=("symmetric", "biased")), lambda t: 0.5)
    other = frame.assign(dataset="mnist", model="article_cnn")
    name = Namer(pd.concat([frame, other], ignore_index=True), {})
    assert (name.varying, name.lines) == ((), ("corruption",))
    assert {*map(name.setting, split_curves(pd.concat([frame, other])))} == {
        "digits, small_cnn",
        "mnist, article_cnn",
    }


def test_lines_are_corruptions_where_each_data_set_has_a_size_of_its_own():
    frame = make_frame(make_study(corruption="symmetric"), lambda t: 0.5)
    other = frame.assign(dataset="mnist", size=60_000)
    assert Namer(pd.concat([frame, other], ignore_index=True), {}).lines == ("corruption",)
    both = [frame, frame.assign(size=400), other]
    assert Namer(pd.concat(both, ignore_index=True), {}).lines == ("size",)


def test_cliffs_at_one_rate_share_a_text_and_near_ones_are_staggered():
    study = make_study(corruption=("symmetric", "biased", "two_sink"))
    (panel,) = panels(material_of(study))
    assert [(cliff.text, cliff.row) for cliff in panel.cliffs] == [
        ("biased, two_sink cliff", 0),
        ("two_sink cliff", 1),
        ("symmetric cliff", 0),
    ]


def test_cliffs_out_of_sight_are_not_drawn():
    (panel,) = panels(material_of(make_study(rates=(0.0, 0.3))))
    assert panel.cliffs == []
    assert panel.highest_rate == 0.3


@pytest.mark.parametrize(
    ("highest", "top"), [(0.03, 0.1), (0.1, 0.1), (0.11, 0.2), (0.5, 0.5), (0.51, 1.0), (1.0, 1.0)]
)
def test_the_axis_of_accuracy_ends_above_every_point(highest, top):
    material = material_of(make_study())
    accuracy = material.frame["accuracy"]
    material = replace(
        material, frame=material.frame.assign(accuracy=accuracy * highest / accuracy.max())
    )
    (panel,) = panels(material)
    assert panel.highest_mean == top


# Drawing


def drawn_means(chart) -> list[float]:
    """The means that a chart draws, sorted."""
    found: list[float] = []

    def walk(part):
        if isinstance(part, dict):
            if "n_started" in part and "mean_failed" not in part:
                found.append(part["mean"])
            for child in part.values():
                walk(child)
        elif isinstance(part, list):
            for child in part:
                walk(child)

    walk(chart.to_dict())
    return sorted(found)


def test_what_is_drawn_is_the_summary(demo):
    mine = demo.summary[demo.summary["size"] == 200]
    assert drawn_means(figure(demo, 200)) == pytest.approx(sorted(mine["mean"]))


def test_a_figure_alone_says_what_it_shows(demo):
    svg = vl_convert.vegalite_to_svg(figure(demo, 200).to_dict())
    for words in (
        "digits, 200 labels",
        "symmetric cliff",
        "biased cliff",
        "chance 10.0 %",
        "mean of the models that never started or diverged",
    ):
        assert words in svg
    with pytest.raises(SpecError, match="size = 7"):
        figure(demo, 7)


def test_lines_are_told_apart_beyond_the_palette():
    for scheme in ("light", "dark"):
        colours = look(scheme)["range"]["category"]
        n = len(colours)
        assert len({(colours[i % n], in_turn(SHAPES, i)) for i in range(n**2)}) == n**2
        assert n == len(SHAPES)


# What is said


def test_the_answer_comes_first_on_a_page_and_last_on_a_terminal(demo):
    first = demo.answer.findings[0]
    items = Items([*first.lines], first.heading)
    page, shown = report(demo), brief(demo)
    title = page[0]
    assert isinstance(title, Heading)
    assert (title.level, title.text.startswith("demo: test accuracy on digits")) == (1, True)
    assert page.index(items) < page.index(of_kind(Figures, page)[0])
    assert shown.index(items) > shown.index(of_kind(Figures, shown)[-1])
    assert "126 trained models" in of_kind(Text, page)[0].text
    said = of_kind(Text, page) + of_kind(Items, page)
    assert all(block in said for block in of_kind(Text, shown) + of_kind(Items, shown))


def test_the_numbers_of_figures_and_tables_are_those_of_the_summary(demo):
    blocks = report(demo)
    found = [
        float(cell.split()[0])
        for each in figures_of(blocks)
        for row in each.numbers.rows
        for cell in row[1:]
    ]
    assert sorted(found) == pytest.approx(sorted(100 * demo.summary["mean"]), abs=0.051)
    (means,) = (table for table in of_kind(Table, blocks) if "means" in table.folded)
    assert means.folded == f"All {len(demo.summary)} means"
    (column,) = (i for i, c in enumerate(means.columns) if c.title == "Mean")
    assert [row[column] for row in means.rows] == [f"{100 * m:.1f} %" for m in demo.summary["mean"]]


def test_an_interval_that_ends_at_a_bound_is_written_out():
    """Never ``27.9 ±59.1``: no accuracy is below 0 %."""
    spread = {0: 0.02, 1: 0.25, 2: 0.6}
    frame = make_frame(make_study(rates=0), lambda t: spread[t.replicate])
    material = replace(material_of(make_study(rates=0)), frame=frame)
    (each,) = figures_of(report(material))
    ((_, cell),) = each.numbers.rows
    (row,) = material.summary.to_dict("records")
    assert row["low"] == 0
    assert cell == f"29.0 (0.0 to {100 * row['high']:.1f})"
    (figures,) = of_kind(Figures, report(material))
    assert "or the interval where it ends at a bound" in figures.reading


def test_a_name_that_says_nothing_is_no_title(demo):
    for name in ("study", "sweep-0123abcd", "digits"):
        title, *_ = report(replace(demo, title=name))
        assert title == Heading("Test accuracy on digits against corrupted labels", 1)


def test_what_is_to_be_said_of_the_data_is_said(demo):
    """In the method and, at a terminal, before the answer; of copies there is a warning."""
    copies = "3 of 9 test items are also in the training set"
    notes = ("labels: column 'y'", copies, "hidden files and folders are passed over: .x")
    (test_set,) = TEST_SETS.values()
    material = replace(demo, test_sets={test_set.sha256: replace(test_set, notes=notes)})
    said = Items([f"{notes[0]}.", f"{notes[2]}."], "About digits", "note")
    for blocks in (report(material), brief(material)):
        assert said in blocks
        assert Text(f"digits: {copies}.", "warning") in blocks
    assert brief(material).index(said) < brief(material).index(of_kind(Items, brief(demo))[0])


def test_classes_have_the_names_that_their_owner_gave_them(demo):
    (test_set,) = TEST_SETS.values()
    names = ("NA", "-1", "a cat", *"3456789")
    material = replace(demo, test_sets={test_set.sha256: replace(test_set, classes=names)})
    (facts,) = of_kind(Facts, report(material))
    assert "10 classes: NA, -1, a cat, 3 and 6 more" in dict(facts.pairs)["digits"]


def test_the_report_of_an_estimator_has_no_settings_of_networks():
    study = make_study(model="sklearn.naive_bayes:GaussianNB")
    idle = {"epochs": None, "best_epoch": None, "stopped": None, "curve": {}}
    records = [replace(record, **idle) for record in make_records(study, demo_accuracy)]
    grids = [grid_of(study)]
    material = Material("est", tidy(grids, records, TEST_SETS), grids, TEST_SETS, PRECISION)
    (facts,) = of_kind(Facts, report(material))
    names = [name for name, _ in facts.pairs]
    assert "Model" in names
    assert {"Recipe", "Validation", "Precision"}.isdisjoint(names)
    assert not any("recipe" in block.text for block in of_kind(Code, report(material)))
    (table,) = of_kind(Table, trials(material.frame))
    assert "epochs" not in [column.title for column in table.columns]


def test_a_figure_says_what_is_seen(demo):
    first, _ = figures_of(report(demo))
    ends = demo.summary.query("size == 1347 and corruption == 'symmetric'")["mean"]
    assert f"symmetric: {100 * ends.iloc[0]:.1f} ±" in first.alt
    assert re.search(rf"{100 * ends.iloc[-1]:.1f} ±[0-9.]+ at 100 %", first.alt)


def test_every_row_has_a_cell_per_column(demo):
    versus = material_of(make_study(validation=("clean", "oracle")))
    for block in [*report(demo), *report(versus)]:
        tables = [block] if isinstance(block, Table) else []
        tables += [each.numbers for each in figures_of([block])]
        for table in tables:
            assert {len(row) for row in table.rows} == {len(table.columns)}


def test_a_run_of_many_curves_has_a_report_that_can_be_read():
    """Hundreds of curves: some are drawn, all are in tables, and what is left out is said."""
    base = make_frame(make_study(replicates=1), lambda t: 0.9 - t.rate / 2)
    parts = [
        base.assign(size=200 + size, model=f"m{model}", key=base["key"] + f"{size}-{model}")
        for size in range(30)
        for model in range(20)
    ]
    few = material_of(make_study(replicates=1))
    material = replace(few, frame=pd.concat(parts, ignore_index=True))
    blocks = report(material)
    figures = figures_of(blocks)
    assert len(figures) == MOST_FIGURES
    assert all(len(set(each.panel.lines["line"])) == MOST_LINES for each in figures)
    assert all(each.panel.left_out == 20 - MOST_LINES for each in figures)
    assert all("6 more lines not drawn" in each.caption for each in figures)
    said = [block.text for block in of_kind(Text, blocks)]
    assert any(f"{MOST_FIGURES} of 30 figures" in text for text in said)
    tables = of_kind(Table, blocks)
    assert all(table.folded for table in tables if len(table.rows) > MOST_ROWS)
    assert max(len(table.rows) for table in tables) == len(material.summary)


def test_oracle_is_said_in_plain_sight():
    material = material_of(make_study(validation="oracle"), pending=2)
    for blocks in (report(material), brief(material)):
        (warning,) = (block for block in of_kind(Text, blocks) if block.tone == "warning")
        assert "accuracies shown are optimistic" in warning.text
        assert blocks.index(warning) < blocks.index(of_kind(Items, blocks)[0])
        assert any(
            "2 trials not trained yet" in line for i in of_kind(Items, blocks) for line in i.lines
        )


def test_several_studies_are_a_file_each():
    study = make_study()
    one = material_of(study)
    several = replace(one, grids=[grid_of(study), grid_of(study.but(size=(200,)))])
    assert f"gigo run {study.name}.toml'" in str(report(one))
    said = str(report(several))
    assert "Save the studies as study-1.toml and study-2.toml and run" in said
    for k in (1, 2):
        assert f"gigo run {study.name}-{k}.toml --out runs/{study.name}" in said
    elsewhere = str(report(replace(one, folder="it raises")))
    assert f"gigo run {study.name}.toml --out 'runs/it raises'" in elsewhere


@given(
    st.builds(
        make_study,
        rates=st.lists(st.floats(0, 1), min_size=1, max_size=3).map(tuple),
        size=st.sampled_from(["all", 200, ("all", 7)]),
        corruption=st.sampled_from(
            ["biased", ("symmetric", {"name": "symmetric", "include_true": True})]
        ),
        recipe=st.sampled_from(
            ["small", ("article", {"base": "sgd", "learning_rate": 1e-5}), Recipe(epochs=3)]
        ),
        seed=st.integers(-(2**40), 2**40),
        summary=st.text(st.characters(codec="utf-8"), max_size=20),
    )
)
@settings(max_examples=40, deadline=None)  # writes files
def test_a_study_survives_its_toml(tmp_path_factory, study):
    path = tmp_path_factory.mktemp("toml") / "any.toml"
    path.write_text(to_toml(study), encoding="utf-8")
    assert Study.from_toml(path) == study


def test_toml_names_what_has_a_name():
    source = to_toml(make_study(recipe="small"))
    assert 'recipe = ["small"]' in source
    assert 'corruption = ["symmetric"]' in source
    assert RECIPES["small"].label == "small"
    assert Ref(name="symmetric").label == "symmetric"


def test_provenance_shows_values_or_their_range():
    told = [{"device": "cpu", "width": width, "versions": {"torch": "2.8"}} for width in range(7)]
    assert dict(provenance(told)) == {
        "device": "cpu",
        "width": "0 to 6",
        "versions": "torch 2.8",
    }
    assert dict(provenance({"device": f"cpu {k}"} for k in range(7))) == {
        "device": "cpu 0, cpu 1, cpu 2, cpu 3 and 3 more"
    }


def test_an_empty_run_still_makes_a_report():
    grids = [grid_of(make_study())]
    nothing = Material("none", tidy(grids, [], {}), grids, {}, PRECISION, pending=9)
    for blocks in (report(nothing), brief(nothing)):
        assert Text("No trial is trained yet.") in blocks


def test_a_spec_has_no_numbers_that_json_lacks():
    """A point without a model that trained has no mean, and still a mark."""
    material = replace(
        material_of(make_study()),
        frame=make_frame(
            make_study(), lambda t: 0.1, lambda t: "diverged" if t.rate == 1 else "ok"
        ),
    )
    (panel,) = panels(material)
    assert math.isnan(panel.lines["mean"].iloc[-1])
    assert "nan" not in str(draw(panel)).lower()
    assert panel.failed["mean_failed"].to_list() == pytest.approx([0.1])
