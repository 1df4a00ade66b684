from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
import vl_convert
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from factories import grid_of
from gigo.analysis import tidy
from gigo.analysis.findings import Namer
from gigo.errors import SpecError, StoreError
from gigo.files import write_whole
from gigo.recipe import RECIPES, Recipe
from gigo.ref import Ref
from gigo.report import Material, figure, panels, terminal, write_report
from gigo.report.figure_data import in_turn
from gigo.report.figures import PALETTE, SHAPES
from gigo.report.html import page
from gigo.report.markup import tag, text
from gigo.report.plot import HEIGHT, plot
from gigo.report.sections import provenance
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


@pytest.fixture(scope="module")
def html(demo) -> str:
    return page(demo)


def prints(*parts, width: int = 80) -> str:
    console = Console(width=width, color_system=None)
    with console.capture() as capture:
        console.print(*parts)
    return capture.get()


def test_neither_analysis_nor_report_imports_torch():
    code = "import sys, gigo.analysis, gigo.report.terminal; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_a_panel_holds_the_summary_and_the_trials_that_failed(demo):
    large, small = panels(demo)
    assert (large.sizes, small.sizes) == ((1347,), (200,))
    assert (large.title, small.title) == ("digits, all 1,347 labels", "digits, 200 labels")
    both = [len(large.lines), len(small.lines)]
    assert both == [22, 22]
    assert large.failed.empty
    assert list(small.failed["rate"]) == [0.5]
    drawn = [(cliff.corruption, cliff.rate) for cliff in large.cliffs]
    assert drawn == [("biased", 0.5), ("symmetric", 0.9)]
    assert large.labels == small.labels == ["symmetric", "biased"]


def test_settings_that_vary_share_a_panel_a_corruption():
    study = make_study(
        corruption=("symmetric", "biased"), model=("mlp", "logistic"), validation=("none", "clean")
    )
    material = material_of(study)
    first, second = panels(material)
    assert (first.title, second.title) == (
        "digits, symmetric, all 1,347 labels",
        "digits, biased, all 1,347 labels",
    )
    names = ["no validation", "clean validation"]
    settings = [f"{model}, {name}" for model in ("mlp", "logistic") for name in names]
    for panel in (first, second):
        assert {*panel.lines["line"]} == {*panel.labels} == {*settings}
        assert len(panel.lines) == 4 * len(study.rates)
        assert {cliff.corruption for cliff in panel.cliffs} == {*panel.lines["corruption"]}
    drawn = figure(material).to_dict()
    rows = [row for rows in drawn["datasets"].values() for row in rows if "n_started" in row]
    shown = prints(*terminal.overview(material)[:1])
    assert all(shown.count(f" {setting} ") == 2 for setting in settings)
    assert sorted(row["mean"] for row in rows) == pytest.approx(sorted(material.summary["mean"]))


def test_sizes_share_a_panel_where_there_is_one_corruption():
    """More but worse is seen beside less but better."""
    study = make_study(size=(200, 500, "all"), corruption="biased")
    material = material_of(study)
    (panel,) = panels(material)
    assert (panel.title, panel.sizes) == ("digits, biased", (200, 500, 1347))
    assert panel.labels == ["200 labels", "500 labels", "all 1,347 labels"]
    assert [*panel.lines["line"].unique()] == panel.labels
    assert len(panel.lines) == 3 * len(study.rates)
    assert {cliff.corruption for cliff in panel.cliffs} == {"biased"}
    shown = prints(*terminal.overview(material)[:1])
    assert all(shown.count(f" {label}") == 1 for label in panel.labels)
    svg = vl_convert.vegalite_to_svg(figure(material, 500).to_dict())
    assert all(words in svg for words in ("digits, biased", "500 labels", "biased cliff"))
    with pytest.raises(SpecError, match="size = 7"):
        figure(material, 7)


def test_lines_are_corruptions_where_each_data_set_has_a_model_of_its_own():
    frame = make_frame(make_study(corruption=("symmetric", "biased")), lambda t: 0.5)
    other = frame.assign(dataset="mnist", model="article_cnn")
    name = Namer(pd.concat([frame, other], ignore_index=True), {})
    assert (name.varying, name.lines) == ((), ("corruption",))


def test_lines_are_corruptions_where_each_data_set_has_a_size_of_its_own():
    frame = make_frame(make_study(corruption="symmetric"), lambda t: 0.5)
    other = frame.assign(dataset="mnist", size=60_000)
    assert Namer(pd.concat([frame, other], ignore_index=True), {}).lines == ("corruption",)
    both = [frame, frame.assign(size=400), other]
    assert Namer(pd.concat(both, ignore_index=True), {}).lines == ("size",)


def test_cliffs_at_one_rate_share_a_text_and_near_ones_are_staggered():
    study = make_study(corruption=("symmetric", "biased", "two_sink"))
    (panel,) = panels(material_of(study))
    texts = dict.fromkeys((cliff.text, cliff.row) for cliff in panel.cliffs)
    assert list(texts) == [
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
    assert panel.highest_accuracy == top


def test_what_is_drawn_is_the_summary(demo):
    spec = figure(demo, 200).to_dict()
    drawn = [row for rows in spec["datasets"].values() for row in rows if "n_started" in row]
    mine = demo.summary[demo.summary["size"] == 200]
    assert [row["mean"] for row in drawn] == pytest.approx(list(mine["mean"]))
    assert [row["low"] for row in drawn] == pytest.approx(list(mine["low"]))


def test_a_figure_alone_says_what_it_shows(demo):
    svg = vl_convert.vegalite_to_svg(figure(demo, 200).to_dict())
    for words in (
        "digits, 200 labels",
        "symmetric cliff",
        "biased cliff",
        "chance 10.0 %",
        "did not train",
    ):
        assert words in svg
    with pytest.raises(SpecError, match="size = 7"):
        figure(demo, 7)


def test_files_are_written_whole_or_not_at_all(tmp_path, monkeypatch):
    path = write_whole(tmp_path / "new" / "page", b"one")
    assert path.read_bytes() == b"one"

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(type(path), "replace", full)
    with pytest.raises(StoreError, match="No space left"):
        write_whole(path, b"two")
    assert path.read_bytes() == b"one"
    assert list(path.parent.iterdir()) == [path]
    with pytest.raises(StoreError, match="expected a file that can be written"):
        write_whole(path / "below", b"three")


def test_only_files_are_replaced_and_links_stay_links(tmp_path):
    umask = os.umask(0o077)
    try:
        page = write_whole(tmp_path / "page", b"one")
    finally:
        os.umask(umask)
    assert page.stat().st_mode & 0o777 == 0o600  # as the user has files made
    (tmp_path / "link").symlink_to(page)
    assert write_whole(tmp_path / "link", b"two") == tmp_path / "link"
    assert (tmp_path / "link").is_symlink()
    assert page.read_bytes() == b"two"
    os.mkfifo(tmp_path / "pipe")
    for other in (tmp_path / "pipe", tmp_path):
        with pytest.raises(StoreError, match="it is a folder, a pipe or a device"):
            write_whole(other, b"three")
    assert {path.name for path in tmp_path.iterdir()} == {"page", "link", "pipe"}


class Outline(HTMLParser):
    """What a page loads, links to and says."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.open: list[str] = []
        self.said: list[str] = []
        self.feed(source)

    def handle_starttag(self, tag, attrs):
        self.loads += [str(value) for name, value in attrs if name in ("src", "href", "action")]
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] not in ("script", "style"):
            self.said.append(data.replace("\u00a0", " "))


def test_the_page_is_well_formed_and_needs_nothing(html):
    outline = Outline(html)
    assert outline.open == []
    assert outline.loads == []
    assert "default-src 'none'" in html
    assert "@import" not in html
    assert len(html) < 1_500_000


def test_the_page_says_the_answer_first(demo, html):
    said = " ".join(Outline(html).said)
    order = [demo.answer.findings[0].lines[0], "Figure 1.", "Estimates", "How it was made"]
    places = [said.index(words) for words in order]
    assert places == sorted(places)
    assert "126 trained models" in said
    assert "1 never started and 0 diverged" in said
    assert 'dataset = ["digits"]' in said


def test_a_page_of_an_oracle_run_says_so_in_plain_sight():
    outline = Outline(page(material_of(make_study(validation="oracle"), pending=2)))
    said = " ".join(outline.said)
    assert said.index("accuracies shown are optimistic") < said.index("correct with clean labels")
    assert "2 trials not trained yet" in said
    assert "2 pending" in said


def test_an_empty_run_still_makes_a_page():
    study = make_study()
    nothing = Material(
        "none", tidy([grid_of(study)], [], {}), [grid_of(study)], {}, PRECISION, pending=9
    )
    assert "No trial is trained yet" in page(nothing)
    assert "No trial is trained yet" in prints(*terminal.overview(nothing))


def test_a_corruption_that_a_panel_lacks_is_left_out_of_it(demo, tmp_path):
    frame = demo.frame
    lacking = ~((frame["size"] == 200) & (frame["corruption"] == "biased"))
    partial = replace(demo, frame=frame.loc[lacking.to_numpy()])
    shown = prints(*terminal.overview(partial), width=40)
    assert shown.count("● symmetric") == 2
    assert shown.count("■ biased") == 1
    assert write_report(tmp_path / "report.html", partial).is_file()


def test_several_studies_are_a_file_each():
    study = make_study()
    one = material_of(study)
    several = replace(one, studies=[study, study.but(size=(200,))])
    assert "Save the study as" in page(one)
    source = page(several)
    assert "Save the study as" not in source
    assert "Save each study as a file of its own" in source
    for k in (1, 2):
        assert f"gigo run {study.name}-{k}.toml --out runs/{study.name}" in source


def test_the_report_replaces_an_older_one(demo, tmp_path):
    path = tmp_path / "report.html"
    path.write_text("old")
    assert write_report(path, demo) == path
    assert path.read_text(encoding="utf-8").startswith("<!doctype html>")


@given(st.text())
def test_text_is_escaped(words):
    class Words(HTMLParser):
        said = ""

        def handle_data(self, data):
            self.said += data

        def handle_starttag(self, tag, attrs):
            assert (tag, attrs) == ("p", [("title", words)])

    source = tag("p", words, title=words)
    parser = Words()
    parser.feed(source)
    parser.close()
    assert parser.said == words.replace(" %", "\u00a0%")


def test_a_hostile_name_stays_a_name():
    evil = "</script><script>alert(1)</script>"
    material = material_of(make_study())
    frame = material.frame.assign(corruption=evil)
    source = page(Material(evil, frame, material.grids, TEST_SETS, PRECISION, command=evil))
    assert "<script>alert" not in source
    assert text(evil) in source
    for data in re.findall(r'<script type="application/json"[^>]*>(.*?)</script>', source, re.S):
        json.loads(data)


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


def test_the_terminal_shows_everything_in_80_columns(demo):
    shown = prints(*terminal.overview(demo))
    assert max(map(len, shown.splitlines())) <= 80
    assert "● symmetric  ■ biased  ┄ chance" in shown
    assert "○1" in shown
    assert " ".join(demo.answer.findings[0].lines[0].split()) in " ".join(shown.split())
    for mean in demo.summary["mean"]:
        assert f"{100 * mean:.1f}" in shown


def test_a_trial_is_a_row_on_the_terminal(demo):
    shown = prints(terminal.trials(demo.frame))
    assert max(map(len, shown.splitlines())) <= 80
    assert shown.count("digits") == len(demo.frame)
    assert "never_started" in shown


def test_a_row_says_its_setting_where_settings_vary():
    study = make_study(recipe=[{"batch_size": 32}, "article"], rates=0, replicates=1)
    shown = prints(terminal.trials(make_frame(study, lambda t: 0.5)))
    assert "batch_size=32 " in shown
    assert "batch_size=256 " in shown


def test_lines_are_told_apart_beyond_the_palette():
    looks = {
        (PALETTE[line % len(PALETTE)], in_turn(SHAPES, line)) for line in range(len(PALETTE) ** 2)
    }
    assert len(looks) == len(PALETTE) ** 2
    assert len(PALETTE) == len(SHAPES) == len(terminal.MARKS) == len(terminal.STYLES)


def plotted(points, top=1.0) -> list[str]:
    rows = plot([np.array(points)], "●", (1.0, top), top / 10)
    return ["".join(character for character, _ in row) for row in rows]


def test_a_plotted_point_is_where_its_numbers_say():
    rows = plotted([(0.0, 1.0), (0.5, 0.5), (1.0, 0.0)])
    assert len({len(row) for row in rows}) == 1
    places = {k: row.index("●") for k, row in enumerate(rows) if "●" in row}
    left, right = len("100 %┤"), len(rows[0]) - 1
    assert places == {0: left, HEIGHT // 2: (left + right) // 2, HEIGHT - 1: right}


def test_a_plot_of_low_accuracies_fills_its_height():
    points = np.array([(0.0, 1.0), (0.5, 0.5), (1.0, 0.0)])
    whole, low = plotted(points), plotted(points * (1, 0.1), top=0.1)
    assert [row[6:] for row in low] == [row[6:] for row in whole]
    assert [row[:5] for row in low if "┤" in row] == [" 10 %", "  5 %", "  0 %"]


def test_a_plotted_line_breaks_where_nothing_is_known():
    top, *_ = plotted([(0.0, 1.0), (0.25, 1.0), (0.5, np.nan), (0.75, 1.0), (1.0, 1.0)])
    assert top.count("●") == 4
    assert "     " in top[7:]
