"""The same blocks as an HTML page, on a terminal and as Markdown."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from rich.console import Console

from gigo.errors import SpecError
from gigo.printable import printable
from gigo.report import Material, html, panels, terminal, write_report
from gigo.report.blocks import Code, Column, Facts, Figures, Heading, Items, Table, Text
from gigo.report.document import MOST_TRIALS, answer, brief, report, trials
from gigo.report.figures import SHAPES
from gigo.report.html import tag, text
from gigo.report.markdown import markdown
from gigo.report.plain import plain
from gigo.report.terminal import HEIGHT, plot
from synthetic import make_frame, make_study
from test_report import demo as demo
from test_report import figures_of, material_of

EVIL = "</script><script>alert(1)</script>\x1b]0;pwned\x07 `|` *all* _x_"


@pytest.fixture(scope="module")
def source(demo) -> str:
    return html.page(report(demo))


def prints(blocks, width: int = 80) -> str:
    console = Console(width=width, color_system=None)
    with console.capture() as capture:
        terminal.show(blocks, console)
    return capture.get()


def flat(words: str) -> str:
    return " ".join(words.replace("\u00a0", " ").split())


def test_the_answer_as_plain_text_has_its_words_and_no_marks(demo):
    said = plain(answer(demo)).splitlines()
    assert f"  {demo.answer.findings[0].lines[0]}" in said
    assert demo.answer.findings[0].heading in said
    assert not any(line.lstrip().startswith(("-", "*", "#", "\\")) for line in said)


SMALL_TABLE = Table(
    [Column("Curve", "words"), Column("Rate"), Column("Mean"), Column("Models", rank=2)],
    [["digits, symmetric", "0 %", "97.1 %", "3 of 3"], ["digits, symmetric", "50 %", "9.8 %", "–"],
     ["digits, biased", "0 %", "97.1 %", "3 of 3"]],
    by=1,
)  # fmt: skip
EVERY_BLOCK = [
    Heading("A title", 1),
    Text("Plain words."),
    Text("Small print.", "note"),
    Text("Take care.", "warning"),
    Items(["one thing", "another thing"], "Things"),
    SMALL_TABLE,
    Code("name = 'x'\nsize = 3"),
    Facts([("Device", "cpu"), ("Threads", "2")]),
]


@pytest.mark.parametrize("render", [prints, lambda b: markdown(b), lambda b: html.page(b)])
def test_every_renderer_says_every_word(render):
    said = flat(re.sub(r"<(script|style).*?</\1>|<[^>]*>", " ", render(EVERY_BLOCK), flags=re.S))
    said = said.replace("&#x27;", "'")
    for words in (
        ["A title", "Plain words.", "Small print.", "Take care.", "Things", "one thing"],
        ["another thing", "Curve" if render is not prints else "digits, symmetric", "97.1 %"],
        ["50 %", "3 of 3", "name = 'x'", "size = 3", "Device", "cpu", "Threads"],
    ):
        for each in words:
            assert each in said


# HTML


class Outline(HTMLParser):
    """What a page loads, links to and says."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.open: list[str] = []
        self.said: list[str] = []
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(source)

    def handle_starttag(self, tag, attrs):
        self.loads += [str(value) for name, value in attrs if name in ("src", "href", "action")]
        self.found.append((tag, dict(attrs)))
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] not in ("script", "style"):
            self.said.append(data.replace("\u00a0", " "))


def test_the_page_is_well_formed_and_needs_nothing(source):
    outline = Outline(source)
    assert outline.open == []
    assert outline.loads == []
    assert "default-src 'none'" in source
    assert "@import" not in source
    assert len(source) < 1_500_000


def test_the_page_can_be_read_without_seeing_it(demo, source):
    """One title, headings in order, titles of columns that say so, figures with their finding."""
    found = Outline(source).found
    levels = [int(tag[1]) for tag, _ in found if re.fullmatch("h[1-6]", tag)]
    assert (levels[0], levels.count(1)) == (1, 1)
    assert all(later - earlier <= 1 for earlier, later in pairwise(levels))
    assert all(attrs.get("scope") == "col" for tag, attrs in found if tag == "th")
    charts = [json.loads(str(attrs["data-spec"])) for _, attrs in found if "data-spec" in attrs]
    assert [chart["description"] for chart in charts] == [
        figure.alt for figure in figures_of(report(demo))
    ]
    regions = [attrs for _, attrs in found if attrs.get("role") == "region"]
    assert len(regions) == [tag for tag, _ in found].count("table")
    assert all(attrs["aria-label"] and attrs["tabindex"] == "0" for attrs in regions)


def test_a_notebook_shows_images_with_their_finding(demo):
    shown = html.excerpt(brief(demo))
    images = [
        attrs["aria-label"] for _, attrs in Outline(shown).found if attrs.get("role") == "img"
    ]
    assert images == [figure.alt for figure in figures_of(brief(demo))]
    assert shown.count('fill="white"') >= len(images)  # dark words need a light ground
    assert "<script" not in shown


def test_the_page_says_the_answer_first(demo, source):
    said = " ".join(Outline(source).said)
    order = [demo.answer.findings[0].lines[0], "Figure 1.", "Estimates", "How it was made"]
    places = [said.index(words) for words in order]
    assert places == sorted(places)
    assert "1 never started and 0 diverged" in said
    assert 'dataset = ["digits"]' in said
    written = demo.written
    assert f"{written.day} {written:%B} {written.year}" in said


@given(st.text())
def test_text_is_escaped(words):
    class Words(HTMLParser):
        said = ""

        def handle_data(self, data):
            self.said += data

        def handle_starttag(self, tag, attrs):
            assert (tag, attrs) == ("p", [("title", words)])

    source = tag("p", words, title=words, lang=None)
    parser = Words()
    parser.feed(source)
    parser.close()
    assert parser.said == words.replace(" %", "\u00a0%")


def hostile() -> Material:
    """Everything a user names is something else, too."""
    material = material_of(make_study())
    frame = material.frame.assign(corruption=EVIL, dataset=f"set {EVIL}")
    return replace(material, title=EVIL, frame=frame, command=EVIL)


def test_a_hostile_name_stays_a_name_on_a_page():
    source = html.page(report(hostile()))
    assert "<script>alert" not in source
    assert text(EVIL) in source
    outline = Outline(source)
    assert outline.open == []
    data = [attrs[name] for _, attrs in outline.found for name in attrs if name.startswith("data-")]
    assert len(data) == 2  # the looks, and a figure
    assert all(json.loads(str(each)) for each in data)


# Files


def test_a_report_is_what_its_name_says(demo, tmp_path):
    path = tmp_path / "report.html"
    path.write_text("old")
    assert write_report(path, demo) == path
    assert path.read_text(encoding="utf-8").startswith("<!doctype html>")
    path = write_report(tmp_path / "new" / "report.md", demo)
    assert path.read_text(encoding="utf-8") == markdown(report(demo))
    for name in ("report.pdf", "report", "report.html.txt"):
        with pytest.raises(SpecError, match=r"out = .*: expected .* ends in .html or .md"):
            write_report(tmp_path / name, demo)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["new", "report.html"]


# Markdown


def inline(source: str) -> list[str]:
    """The text of each inline part of a CommonMark document with tables."""
    return [
        "".join(child.content for child in token.children or ())
        for token in MarkdownIt("commonmark").enable("table").parse(source)
        if token.type == "inline"
    ]


WORDS = st.text(st.characters(codec="utf-8"), min_size=1).filter(lambda words: words.split())


@given(WORDS, WORDS)
@example("__0__", "a_b__c_ _d")
def test_markdown_reads_as_the_words_that_went_in(one, other):
    table = Table([Column(one, "words"), Column(other)], [[other, one]])
    blocks = [Heading(one), Text(other), Items([one, other], "these"), table, Code(one)]
    one, other = (" ".join(printable(words).split()) for words in (one, other))
    expected = [one, other, "these", one, other, one, other, other, one]
    assert [" ".join(part.split()) for part in inline(markdown(blocks))] == expected


@given(st.text("`~\n #|x"))
def test_code_comes_back_whole(words):
    tokens = MarkdownIt("commonmark").parse(markdown([Text("before"), Code(words), Text("after")]))
    (code,) = (token.content for token in tokens if token.type == "fence")
    assert code.rstrip() == words.rstrip()
    assert sum(token.type == "inline" for token in tokens) == 2


def test_a_markdown_report_has_every_number(demo):
    source = markdown(report(demo))
    for mean in demo.summary["mean"]:
        assert f"| {100 * mean:.1f} " in source
    assert source.startswith("# demo: test accuracy on digits against corrupted labels\n")
    assert flat(demo.answer.findings[0].lines[0]) in flat(source)


# Terminal


def test_the_terminal_shows_everything_in_80_columns(demo):
    shown = prints(brief(demo))
    assert max(map(len, shown.splitlines())) <= 80
    assert "● symmetric  ■ biased  ┄ chance" in shown
    assert "○1" in shown
    assert flat(demo.answer.findings[0].lines[0]) in flat(shown)
    for mean in demo.summary["mean"]:
        assert f"{100 * mean:.1f}" in shown


def test_a_hollow_mark_is_in_the_key_where_one_is_drawn(demo):
    large, small = (prints([Figures([each])]) for each in figures_of(brief(demo)))
    assert "○" not in large
    chart, key, *_ = small.partition("● symmetric")[0], small.partition("● symmetric")[2]
    assert "○" in chart
    assert "○ did not train" in flat(key)


def test_a_corruption_that_a_panel_lacks_is_left_out_of_it(demo):
    frame = demo.frame
    lacking = ~((frame["size"] == 200) & (frame["corruption"] == "biased"))
    partial = replace(demo, frame=frame.loc[lacking.to_numpy()])
    shown = prints(brief(partial), width=40)
    assert shown.count("● symmetric") == 2
    assert shown.count("■ biased") == 1
    assert html.page(report(partial))


def test_labels_of_lines_are_under_each_chart():
    study = make_study(model=("mlp", "linear"), validation=("none", "clean"))
    material = material_of(study)
    shown = prints([Figures(figures_of(brief(material)))])
    for mark, label in zip(terminal.MARKS, panels(material)[0].labels, strict=False):
        assert f"{mark} {label}" in shown


def test_a_trial_is_a_row_on_the_terminal(demo):
    shown = prints(trials(demo.frame))
    assert max(map(len, shown.splitlines())) <= 80
    assert shown.count("digits") == len(demo.frame)
    assert "never_started" in shown


def test_a_row_says_its_setting_where_settings_vary():
    study = make_study(
        recipe=[{"base": "article", "batch_size": 32}, "article"], rates=0, replicates=1
    )
    shown = prints(trials(make_frame(study, lambda t: 0.5)))
    assert "batch_size=32 " in shown
    assert "batch_size=256 " in shown


def test_of_very_many_trials_the_first_are_shown(demo):
    frame = demo.frame.loc[demo.frame.index.repeat(20)]
    table, note, _ = trials(frame)
    assert isinstance(table, Table)
    assert isinstance(note, Text)
    assert len(table.rows) == MOST_TRIALS
    assert f"The first {MOST_TRIALS:,} of {len(frame):,} rows" in note.text


@pytest.mark.parametrize("width", [20, 30, 50, 79])
def test_what_does_not_fit_is_left_out_whole_and_named(demo, width):
    """No half numbers: columns go, the least important first, and a line says which."""
    blocks = trials(demo.frame)
    shown = prints(blocks, width)
    titles = [
        column.title for block in blocks if isinstance(block, Table) for column in block.columns
    ]
    table, _, told = shown.partition("Left out")
    gone = flat(told).partition(": ")[2].partition(".")[0].split(", ")
    kept = [title for title in titles if title not in gone]
    assert max(map(len, shown.splitlines())) <= width
    assert "…" not in shown
    head = table.partition("──")[0].split()
    assert sorted(head) == sorted(" ".join(kept).split())
    assert {"rate", "accuracy"} <= {*kept}
    assert all(f"{100 * accuracy:.1f} %" in table for accuracy in demo.frame["accuracy"])


def test_rows_that_share_their_first_cells_stand_under_them():
    lines = prints([SMALL_TABLE]).splitlines()
    assert [line for line in lines if line.startswith("digits")] == [
        "digits, symmetric",
        "digits, biased",
    ]
    assert prints([replace(SMALL_TABLE, folded="All 3 rows")]) == "All 3 rows: in the report.\n"


@given(st.text())
def test_no_control_character_reaches_a_terminal(words):
    blocks = [Heading(words), Text(words), Items([words], words), Code(words),
              Facts([(words, words)]), Table([Column(words, "words")], [[words]])]  # fmt: skip
    shown = prints(blocks)
    assert shown.encode()  # no half of a surrogate pair
    assert printable(shown) == shown
    assert len(printable(words)) == len(words)


def test_a_hostile_name_stays_a_name_on_a_terminal():
    for blocks in (brief(hostile()), trials(hostile().frame)):
        shown = prints(blocks)
        assert "\x1b" not in shown
        assert "\x07" not in shown
        assert "alert" in shown


def test_lines_have_a_mark_and_a_style_each():
    assert len(terminal.MARKS) == len(terminal.STYLES) == len(SHAPES)


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
