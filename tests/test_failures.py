"""Estimators that raise, never end or take their process along: records with a status."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gigo
from gigo import describe, runner
from gigo.analysis.comparison import between_settings
from gigo.analysis.points import Side
from gigo.cli import main
from gigo.errors import SpecError, StoreError
from gigo.records import Record
from gigo.report import document, markdown
from gigo.store import Store
from gigo.study import Study

FILE = '''
import os, subprocess, sys, time
import numpy as np
from gigo import Dataset
from gigo.inputs import digest

def data():
    """The class is to be read off the inputs."""
    labels = np.arange(80) % 4
    x = np.eye(4, dtype=np.float32)[labels] + np.linspace(0, 0.5, 80, dtype=np.float32)[:, None]
    parts = x[:60], labels[:60], x[60:], labels[60:]
    tests = {"test": parts[2:]}
    return Dataset("corners", *parts[:2], tests, tuple("abcd"), "vector", digest(*parts), "made")

class Means:
    """The nearest class mean; at some rates of wrong labels something else happens."""

    def __init__(self, **tricks):
        self.tricks = {int(name[2:]): trick for name, trick in tricks.items()}

    def fit(self, x, y):
        wrong = 100 * np.mean(y != x.argmax(axis=1))
        self.act(self.tricks.get(5 * round(wrong / 5), ""), wrong)
        self.means = np.stack([x[y == k].mean(axis=0) for k in range(4)])

    def predict(self, x):
        return ((x[:, None] - self.means) ** 2).sum(axis=2).argmin(axis=1)

    def act(self, trick, wrong):
        if trick == "raise":
            raise ValueError(f"too many\\nwrong labels\\x1b: {wrong:.0f} %")
        if trick == "exit":
            sys.exit("enough")
        if trick == "mute":
            raise Mute
        if trick == "die":
            os._exit(3)
        if trick == "ask":
            input()
        if trick == "interrupt":
            raise KeyboardInterrupt
        if trick == "sleep":
            subprocess.run([sys.executable, "-c", "import time; time.sleep(600)"])
        if trick == "mended" and not os.path.exists("mended"):
            raise FileNotFoundError("mended")

class Mute(Exception):
    def __str__(self):
        raise RuntimeError
'''

TRICKS: dict[str, Any] = {"at25": "raise", "at50": "mute", "at75": "exit"}


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "mine.py").write_text(FILE)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def study(rates: Sequence[float] = (0, 0.25, 0.5, 0.75), **tricks: str) -> Study:
    return Study.create(
        name="mine",
        dataset="mine.py:data",
        model={"name": "mine.py:Means", **tricks},
        rates=rates,
        replicates=2,
        validation="none",
    )


def run(out: str, what: Study, **options: Any) -> gigo.Result:
    return gigo.run(what, out=out, workers=options.pop("workers", 1), **options)


def statuses(result: gigo.Result) -> dict[float, set[str]]:
    by_rate = result.frame.groupby("rate")["status"].agg(set)
    return dict(zip(by_rate.index, by_rate, strict=True))


def same(a: gigo.Result, b: gigo.Result) -> bool:
    """Whether two runs hold the same, whatever time it took."""
    left, right = ({r.key: r for r in result.records} for result in (a, b))
    return left.keys() == right.keys() and all(alike(left[key], right[key]) for key in left)


def alike(a: Record, b: Record) -> bool:
    x, y = asdict(a) | {"seconds": 0}, asdict(b) | {"seconds": 0}
    np.testing.assert_equal(x, y)
    return True


def error_of(result: gigo.Result, rate: float) -> str:
    return next(iter(result.frame.loc[result.frame["rate"] == rate, "error"]))


def test_a_fit_that_raises_is_a_record_and_the_run_goes_on() -> None:
    seen: list[gigo.Progress] = []
    result = run("run", study(**TRICKS), listener=seen.append)
    assert statuses(result) == {0: {"ok"}, 0.25: {"failed"}, 0.5: {"failed"}, 0.75: {"failed"}}
    told = error_of(result, 0.25)
    assert told.startswith("ValueError: too many wrong labels\ufffd: 25 % (mine.py, line ")
    assert told.endswith(", in act)")
    assert error_of(result, 0.5).startswith("Mute (mine.py, line ")
    assert error_of(result, 0.75).startswith("SystemExit: enough (mine.py, line ")
    assert [each.note for each in seen if each.note] == [
        f"a trial failed (rate 0.25, replicate 0), the run goes on: {told}"
    ]
    for record in result.records:
        empty = record.status == "failed"
        assert (not record.predictions, not record.measures) == (empty, empty)
        assert (record.scores, record.curve) == ({}, {})
        assert record.n_train == 60
        assert record.n_selected == record.n_changed == round(60 * record.trial["rate"])


def test_tables_and_estimates_count_failed_trials_apart() -> None:
    result = run("run", study(**TRICKS))
    frame = result.frame
    failed = frame["status"] == "failed"
    assert frame.loc[failed, "accuracy"].isna().all()
    assert not frame.loc[failed, "started"].any()
    assert list(frame.loc[~failed, "error"]) == [None, None]
    assert set(result.per_class["rate"]) == {0}
    summary = result.summary.set_index("rate")
    assert list(summary["n_failed"]) == [0, 2, 2, 2]
    assert not summary[["n_never_started", "n_diverged"]].to_numpy().any()
    assert list(summary["n_trials"]) == [2] * 4
    assert list(summary["n_started"]) == [2, 0, 0, 0]
    assert list(summary["mean"].isna()) == list(summary["mean_all"].isna()) == [False] + [True] * 3
    assert summary["realised_rate"].to_list() == [0, 0.25, 0.5, 0.75]
    assert result.estimates[0].tolerance.value is None


def test_page_and_terminal_say_how_many_failed_and_how_to_try_again() -> None:
    result = run("run", study(**TRICKS))
    (warning,) = result.material.answer.warnings
    assert warning.startswith(
        "6 trials of 8 failed (symmetric at 25 %: 2; symmetric at 50 %: 2; symmetric at 75 %: 2): "
        "ValueError: too many wrong labels"
    )
    assert " and 2 other errors. They are in no number here; " in warning
    assert warning.endswith("the same gigo run with --retry failed trains them again.")
    assert "6 trials of 8 failed" in result.report().read_text(encoding="utf-8")
    text = markdown.markdown(document.report(result.material))
    assert "0 never started and 0 diverged; 6 failed and left no model" in text
    assert "– ×2" in text and "×: trials that failed" in text
    shown = dict(line.split(maxsplit=1) for line in describe.status(result.path).splitlines())
    assert (shown["failed"], shown["why"]) == ("6", "gigo table run")
    assert shown["again"] == "the same gigo run with --out run --retry failed"
    listed = markdown.markdown(document.trials(result.frame))
    assert "SystemExit: enough" in listed


def test_settings_and_runs_with_failed_trials_are_compared(here: Path) -> None:
    whole, part = run("whole", study()), run("part", study(at25="raise"))
    found = gigo.compare(part, whole).frame.set_index("rate")
    assert list(found["n_failed_a"]) == [0, 2, 0, 0]
    assert list(found["n_failed_b"]) == [0] * 4
    assert np.isnan(found.loc[0.25, "difference"])
    both = study().but(model=[{"name": "mine.py:Means", **t} for t in ({}, {"at0": "raise"})])
    result = run("both", both)
    within = between_settings(Side.of_run("both", result.frame, result.grids), {})
    assert within is not None and sum(within.frame["n_failed_a"]) == 2
    assert result.report().is_file()


def test_a_run_in_which_all_fail_says_the_error_first(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["run", "--data", "mine.py:data", "--model", "mine.py:Means:at0=raise,at50=raise"]
    words += ["--rate", "0", "--rate", "0.5", "--replicates", "3", "--out", "run"]
    with pytest.raises(SystemExit) as ended:
        main([*words, "--workers", "1"])
    assert ended.value.code == 2
    out, err = capsys.readouterr()
    assert err.startswith("error: all 6 trials failed: ValueError: too many wrong labels")
    assert err.count("\n") == 1 and "--retry failed" in err and "gigo table run" in err
    assert (here / "run" / "report.html").is_file()
    assert "No trial left a trained model." in out
    result = gigo.load("run")
    assert result.failure is not None and result.failure in err
    assert result.estimates[0].replicates == 0
    with pytest.raises(SpecError, match="finished"):
        result.plot()


def interrupting(done: int) -> Callable[[gigo.Progress], None]:
    def listener(progress: gigo.Progress) -> None:
        if progress.done == done:
            raise KeyboardInterrupt

    return listener


def test_stopped_and_resumed_is_the_same_as_uninterrupted() -> None:
    whole = run("whole", study(**TRICKS))
    for done in (3, 5):
        with pytest.raises(KeyboardInterrupt):
            run("part", study(**TRICKS), listener=interrupting(done))
        assert gigo.load("part").missing == 8 - done
    assert same(run("part", study(**TRICKS)), whole)
    assert list(whole.summary["n_failed"]) == [0, 2, 2, 2]


def accuracies(result: gigo.Result) -> dict[float, float]:
    frame = result.frame
    return dict(zip(frame["rate"], frame["accuracy"], strict=True))


def test_a_process_that_dies_over_a_fit_costs_one_trial() -> None:
    rates = (0, 0.25, 0.5, 0.75, 1)
    tricks: dict[str, Any] = {"at25": "die", "at50": "interrupt", "at75": "ask"}
    result = run("run", study(rates, **tricks).but(replicates=1), trial_timeout=60)
    ok = dict.fromkeys((0, 1), "ok")
    expected = {**ok, **dict.fromkeys((0.25, 0.5, 0.75), "failed")}
    assert dict(zip(result.frame["rate"], result.frame["status"], strict=True)) == expected
    assert error_of(result, 0.25) == "a training process ended with status 3"
    assert error_of(result, 0.5).startswith("a training process ended with status ")
    assert error_of(result, 0.75).startswith("EOFError: ")
    assert all(record.n_train == 60 for record in result.records)
    plain = accuracies(run("plain", study((0, 1)).but(replicates=1)))
    assert {rate: accuracies(result)[rate] for rate in ok} == plain


def test_a_fit_that_takes_too_long_is_ended_and_the_others_go_on() -> None:
    what = study((0, 0.5, 1), at50="sleep").but(replicates=1)
    result = run("run", what, trial_timeout=4)
    assert statuses(result) == {0: {"ok"}, 0.5: {"timed_out"}, 1: {"ok"}}
    assert error_of(result, 0.5) == "not fitted after 4 s"
    (seconds,) = result.frame.loc[result.frame["rate"] == 0.5, "seconds"]
    assert seconds >= 4
    (warning,) = result.material.answer.warnings
    assert warning.startswith("1 trial of 3 timed out (symmetric at 50 %: 1): not fitted after 4 s")
    assert "a longer --trial-timeout" in warning
    assert describe.status(result.path).count("timed out") == 1


def test_retry_trains_failed_trials_again_in_their_place(here: Path) -> None:
    what = study(at25="mended", at75="mended")
    first = run("run", what)
    assert list(first.summary["n_failed"]) == [0, 2, 0, 2]
    (here / "mended").touch()
    assert same(run("run", what), first)  # nobody asked for it
    planned = runner.plan(what, Path("run"), retry="failed")
    assert (len(planned.pending), planned.retried) == (4, 4)
    assert "8, 4 of them done, 4 that failed to train again" in describe.plan(
        what, Path("run"), planned
    )
    seen: list[gigo.Progress] = []
    with pytest.raises(KeyboardInterrupt):
        run("run", what, retry="failed", listener=interrupting(5))
    again = run("run", what, retry="failed", listener=seen.append)
    assert (seen[0].done, seen[-1].done) == (5, 8)
    assert statuses(again) == {rate: {"ok"} for rate in (0, 0.25, 0.5, 0.75)}
    assert same(again, run("other", what))
    assert repr(again) == "<gigo.Result run: 8 of 8 trials>"
    assert len(first.records) == len(again.records) == 8
    assert {record.status for record in first.records} == {"ok", "failed"}  # as of then
    with Store.open(Path("run")) as store:
        assert store.count() == 12
        assert set(store.statuses().values()) == {"ok"}


def test_what_fails_once_more_is_kept_once_more() -> None:
    what = study(at25="raise")
    first = run("run", what)
    second = run("run", what, retry="failed")
    assert same(first, second)
    assert run("run", what, retry="failed").summary.equals(first.summary)
    shown = dict(line.split(maxsplit=1) for line in describe.status(Path("run")).splitlines())
    assert shown["failed"] == "2"


def test_none_is_trained_twice_that_did_not_fail() -> None:
    result = run("run", study(at25="raise"))
    with Store.create(Path("run"), result.grids[0]) as store:
        for record in result.records:
            if record.status == "ok":
                with pytest.raises(StoreError, match="is stored already"):
                    store.add([record])
        failed = next(record for record in result.records if record.status == "failed")
        with pytest.raises(StoreError, match="is stored already"):
            store.add([failed, failed])
        assert store.count() == 8
        store.add([failed])
        assert store.count() == 9


@pytest.mark.parametrize("seconds", [0, -1, float("nan"), float("inf")])
def test_a_time_that_is_none_is_refused(seconds: float) -> None:
    with pytest.raises(SpecError, match=r"^trial_timeout = .*: expected a number of seconds"):
        run("run", study(), trial_timeout=seconds)
    assert not Path("run").exists()


def test_an_unknown_word_to_retry_is_refused() -> None:
    for call in (run, lambda out, what, **options: runner.plan(what, Path(out), **options)):
        with pytest.raises(SpecError, match=r"^retry = 'all': expected failed$"):
            call("run", study(), retry="all")
