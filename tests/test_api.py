"""The Python interface: run, sweep and load give the same result, wherever it comes from."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import altair as alt
import pandas as pd
import pytest

import gigo
from factories import grid_of, make_record, make_study, make_test_set
from gigo import studies
from gigo.analysis.comparison import COMPARISON_COLUMNS
from gigo.analysis.estimates import SUMMARY_COLUMNS
from gigo.analysis.table import COLUMNS, PER_CLASS_COLUMNS
from gigo.errors import SpecError, StoreError, StudyMismatch
from gigo.runner import Progress
from gigo.store import Store

TINY: dict[str, Any] = {
    "dataset": "digits",
    "size": [20, 30],
    "corruption": "symmetric",
    "model": "small_cnn",
    "rates": [0, 0.5, 1],
    "replicates": 2,
    "recipe": {"base": "small", "epochs": 2},
    "precision": "float32",
}


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


# One way in is as good as another


def test_sweep_trains_and_says_where(here: Path, capfd: pytest.CaptureFixture[str]) -> None:
    result = gigo.sweep(**TINY)
    assert re.fullmatch(r"runs/sweep-[0-9a-f]{8}", str(result.path))
    assert (here / result.path / "run.sqlite").is_file()
    assert result.missing == 0
    assert len(result.records) == len(result.frame) == 12
    assert repr(result) == f"<gigo.Result {result.path}: 12 of 12 trials>"
    assert capfd.readouterr() == ("", "")
    for record in result.records:
        assert 1 <= (record.epochs or 0) <= 2
        assert record.provenance["device"]


def test_run_and_sweep_and_load_give_the_same_result(here: Path) -> None:
    study = gigo.Study.create(name="tiny", **TINY)
    lines = [
        *('dataset = "digits"', "size = [20, 30]", 'corruption = "symmetric"', "replicates = 2"),
        *("rates = [0, 0.5, 1]", 'recipe = { base = "small", epochs = 2 }'),
        *('precision = "float32"', 'model = "small_cnn"'),
    ]
    file = here / "tiny.toml"
    file.write_text("\n".join(lines))
    results = [
        gigo.run(study),
        gigo.load("runs/tiny"),
        gigo.run(study, out="one"),
        gigo.run(file, out=Path("two")),
        gigo.run("tiny.toml", out=here / "three"),
        gigo.run(study.but(replicates=1, rates=0.1), out="four", **TINY),
        gigo.run("demo", name="tiny", summary="", validation=["clean"], out="five", **TINY),
        gigo.sweep(name="tiny", **TINY),
        gigo.sweep(out="six", **TINY),
    ]  # fmt: skip
    frames = [result.frame.drop(columns="seconds") for result in results]
    for frame in frames:
        pd.testing.assert_frame_equal(frame, frames[0])
    paths = ["runs/tiny", "runs/tiny", "one", "two", str(here / "three"), "four", "five"]
    assert [str(result.path) for result in results] == [*paths, "runs/tiny", "six"]


def test_a_wider_run_has_the_narrower_one_s_records(here: Path) -> None:
    first = gigo.sweep(**TINY)
    fields: dict[str, Any] = {**TINY, "replicates": 3, "rates": [0, 0.25, 0.5, 1]}
    wider = gigo.sweep(**fields)
    assert wider.path == first.path
    known = {record.key for record in first.records}
    assert [record.key for record in wider.records][:12] == [r.key for r in first.records]
    assert {record.key for record in wider.records} > known
    again = gigo.sweep(**TINY)
    assert len(again.records) == len(wider.records) == 2 * 4 * 3
    pd.testing.assert_frame_equal(again.frame, wider.frame)


def test_who_listens_hears_all(here: Path) -> None:
    seen: list[Progress] = []
    gigo.sweep(**TINY, listener=seen.append)
    assert list(dict.fromkeys(progress.done for progress in seen)) == list(range(13))


# What a result offers


@pytest.fixture
def result(here: Path) -> gigo.Result:
    return gigo.run(make_study(precision="float32", recipe={"base": "small", "epochs": 2}))


def test_tables_have_the_documented_columns(result: gigo.Result) -> None:
    assert list(result.frame) == list(COLUMNS)
    assert list(result.per_class) == list(PER_CLASS_COLUMNS)
    assert list(result.summary) == list(SUMMARY_COLUMNS)
    assert len(result.per_class) == 10 * len(result.frame)
    assert list(result.curves) == ["key", "epoch", "quantity", "value"]
    losses = result.curves[result.curves["quantity"] == "train_loss"]
    assert len(losses) == sum(record.epochs or 0 for record in result.records)
    assert len(result.estimates) == 2  # a corruption each


def test_figures_are_altair_charts(result: gigo.Result) -> None:
    assert isinstance(result.plot(), alt.TopLevelMixin)
    result.plot(200).to_dict()
    with pytest.raises(SpecError, match=r"size = 300"):
        result.plot(300)


def test_what_makes_a_run_again_names_its_folder(here: Path) -> None:
    for folder, said in {"runs/demo": "", "runs/raises": " --out runs/raises"}.items():
        with Store.create(here / folder, grid_of(studies.find("demo"))) as store:
            store.add_test_set(make_test_set())
            store.add(make_record(trial) for trial in list(store.trials().values())[:3])
        assert gigo.load(folder).material.command == f"gigo run demo{said}"


def test_a_page_is_that_of_the_run_until_the_run_grows(result: gigo.Result) -> None:
    assert result.page is None
    assert result.report() == result.page == gigo.load(result.path).page
    assert gigo.run(result.studies[0]).page == result.page
    assert gigo.run(result.studies[0].but(replicates=3)).page is None


def test_reports_are_written_where_asked(result: gigo.Result, here: Path) -> None:
    assert result.report() == result.path / "report.html"
    assert result.report("page.html") == Path("page.html")
    for page in (result.path / "report.html", here / "page.html"):
        assert page.read_text(encoding="utf-8").lstrip().lower().startswith("<!doctype html>")
    (here / "file").touch()
    with pytest.raises(StoreError, match=r"^file/page\.html: expected a file"):
        result.report(here.relative_to(here) / "file" / "page.html")


def test_results_and_folders_are_compared_alike(here: Path) -> None:
    learned: dict[str, Any] = {"model": "mlp", "recipe": {"base": "small", "epochs": 10}}
    fields: dict[str, Any] = {**TINY, **learned, "size": [100, 150], "rates": [0, 0.2, 0.4]}
    other: dict[str, Any] = {**fields, "seed": 1, "size": 150}
    first, second = gigo.sweep(**fields), gigo.sweep(**other)
    found = gigo.compare(first, second)
    assert list(found.frame) == list(COMPARISON_COLUMNS)
    assert set(found.frame["size"]) == {150}
    assert found.differing == {"seed": ((0,), (1,))}
    assert repr(found) == f"<gigo.Comparison {first.path}, {second.path}: 3 points>"
    again = gigo.compare(str(first.path), second.path)
    pd.testing.assert_frame_equal(found.frame, again.frame)
    assert found.mean_difference == pytest.approx(found.points["difference"].mean())
    second.frame.to_csv("second.csv", index=False)
    points = gigo.compare(first, "second.csv")
    assert points.mean_difference == pytest.approx(found.mean_difference)
    assert "second.csv" in repr(points)


def test_an_unfinished_run_says_what_is_missing(here: Path) -> None:
    Store.create(here / "run", grid_of(make_study())).close()
    result = gigo.load("run")
    assert result.missing == 10
    assert result.frame.empty
    assert result.report().is_file()


# Errors


def test_errors_are_gigo_s_own(here: Path) -> None:
    cases = {
        "study = 'dmo'": lambda: gigo.run("dmo"),
        "argument = 'sizes'": lambda: gigo.sweep(dataset="digits", sizes=[100]),
        "field = 'epochs'": lambda: gigo.run("demo", epochs=3),
        "rates = 1.5": lambda: gigo.sweep(dataset="digits", rates=[1.5]),
        "nowhere: no run there": lambda: gigo.load("nowhere"),
        "runs = 'article article'": lambda: gigo.compare("article", "article"),
    }
    for message, call in cases.items():
        with pytest.raises(gigo.GigoError) as caught:
            call()
        assert str(caught.value).startswith(message)
    assert list(here.iterdir()) == []
    first = gigo.sweep(**TINY)
    other: dict[str, Any] = {**TINY, "seed": 1}
    assert gigo.sweep(**other).path != first.path
    with pytest.raises(StudyMismatch, match="seed = 0 there and 1 here"):
        gigo.sweep(**other, out=first.path)


def test_the_package_offers_what_it_lists() -> None:
    for name in gigo.__all__:
        assert getattr(gigo, name) is not None
    with pytest.raises(AttributeError, match="module 'gigo' has no attribute 'swep'"):
        _ = gigo.swep
