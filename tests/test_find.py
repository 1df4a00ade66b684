"""A search that trains: what it leaves in the folder, cut off or not, and what it says."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gigo
from command import SMALL, instant_run, instant_train
from factories import grid_of, make_record, make_study
from gigo import cli, runner
from gigo.adaptive import Answer, search
from gigo.analysis.table import tidy
from gigo.api import load
from gigo.engine.training import EpochDone, train
from gigo.errors import SpecError
from gigo.find import exchange_of
from gigo.records import Record
from gigo.report.blocks import Code
from gigo.report.document import report
from gigo.search import Goal, pilot_rates
from gigo.store import Store
from gigo.study import Study
from gigo.tolerance_search import Tolerance
from synthetic import TEST_SETS, demo_accuracy, make_records

PILOT = pilot_rates(of_two=False)
ONE = make_study(corruption="symmetric", rates=PILOT, replicates=3, model="linear")
TWO = ONE.but(corruption=["symmetric", "biased"])
ONES, TWOS = 15, 27
"""The trainings of their pilots."""


def found(study: Study, path: Path, goal: Goal, trainer: Any = instant_train, **how: Any):
    """A search that trains with something else than the engine, in this process."""
    run = partial(runner.run, path=path, trainer=trainer, machine=SMALL)
    return search(study, path, Tolerance(), goal, train=run, resolve=grid_of, **how)


def held(path: Path) -> tuple[list[Any], dict[str, Any]]:
    """The studies of a run in order, and what its records say that is no circumstance."""
    with Store.open(path) as store:
        grids = [grid.to_json() for grid in store.grids]
        records = list(store.records())
    said = {r.key: (r.status, r.measures, r.curve, r.predictions["test"].tolist()) for r in records}
    return grids, said


def dying(events: Iterator[int], after: int, trainer: Callable[..., Any]) -> Callable[..., Any]:
    """A trainer that is stopped after so many events, in all calls."""

    def trained(*arguments: Any) -> Iterator[EpochDone | Record]:
        for event in trainer(*arguments):
            yield event
            if next(events) == after:
                raise KeyboardInterrupt

    return trained


def noisy_train(trials: Sequence[Any], *_: object) -> Iterator[EpochDone | Record]:
    """Records of a curve that falls slowly, with spread."""
    for trial in trials:
        noise = np.random.default_rng(int(trial.key[:8], 16)).normal()
        share = 0.9 - trial.rate**2 / 2 + 0.03 * noise
        record = make_record(trial)
        yield replace(record, measures={**record.measures, "accuracy": share})


# Cut off or not


def test_a_search_that_is_killed_again_and_again_ends_as_one_that_is_not(tmp_path: Path) -> None:
    goal = Goal(0.001, trainings=TWOS + 24)
    whole = found(TWO, tmp_path / "whole", goal, noisy_train)
    for after in (3, 12, 20, 1, 5):  # twice in the pilot of 27, then in batches of 12
        with pytest.raises(KeyboardInterrupt):
            found(TWO, tmp_path / "cut", goal, dying(count(1), after, noisy_train))
    assert found(TWO, tmp_path / "cut", goal, noisy_train) == whole
    assert held(tmp_path / "cut") == held(tmp_path / "whole")
    assert len(held(tmp_path / "cut")[0]) == 4


def test_networks_end_alike_too(tmp_path: Path) -> None:
    recipe = {"base": "small", "epochs": 30}
    study = ONE.but(size=60, model="linear", recipe=recipe, precision="float64")
    goal = Goal(0.001, trainings=30)
    whole = found(study, tmp_path / "whole", goal, train)
    for after in (20, 50):  # at most 30 epochs and 15 records in the pilot, 30 and 12 in a batch
        with pytest.raises(KeyboardInterrupt):
            found(study, tmp_path / "cut", goal, dying(count(1), after, train))
    assert found(study, tmp_path / "cut", goal, train) == whole
    assert held(tmp_path / "cut") == held(tmp_path / "whole")
    assert whole[0].trainings == 30


def test_a_search_that_is_done_trains_nothing_more_and_a_finer_one_goes_on(tmp_path: Path) -> None:
    first = found(ONE, tmp_path, Goal(0.3), noisy_train)
    before = held(tmp_path)
    assert first[0].stop.reason == "reached"
    assert found(ONE, tmp_path, Goal(0.3), noisy_train) == first
    assert held(tmp_path) == before
    found(ONE, tmp_path, Goal(0.001, trainings=first[0].trainings + 12), noisy_train)
    assert held(tmp_path)[1].keys() > before[1].keys()


# What is spent


@pytest.mark.parametrize(("study", "allowed"), [(ONE, ONES), (ONE, ONES + 13), (TWO, TWOS + 2)])
def test_no_more_is_trained_than_is_allowed(study: Study, allowed: int, tmp_path: Path) -> None:
    answers = found(study, tmp_path, Goal(0.001, trainings=allowed), noisy_train)
    assert {answer.stop.reason for answer in answers} == {"spent"}
    assert allowed - 3 < len(held(tmp_path)[1]) <= allowed


def test_a_budget_below_the_pilot_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="trainings = 14: expected at least the 15 of the pilot"):
        found(ONE, tmp_path / "run", Goal(trainings=14))
    assert not (tmp_path / "run").exists()


def test_minutes_are_kept_by_the_pace_so_far(tmp_path: Path) -> None:
    clock = count(0, 60).__next__  # a minute passes between two looks
    found(ONE, tmp_path, Goal(0.001, minutes=3), noisy_train, clock=clock)
    assert 15 < len(held(tmp_path)[1]) < 60


def test_the_next_batch_is_for_the_curve_that_has_the_fewest(tmp_path: Path) -> None:
    said: list[str] = []
    goal = Goal(0.001, trainings=TWOS + 36)

    def tell(text: str, *_: int) -> None:
        said.append(text)

    answers = found(TWO, tmp_path, goal, noisy_train, tell=tell)
    assert [text.split(": ")[1] for text in said[:3]] == ["symmetric", "biased", "symmetric"]
    assert abs(answers[0].trainings - answers[1].trainings) < 15
    frame = load(tmp_path).frame
    assert {*frame["replicate"][frame["corruption"] == "symmetric"]} >= {*range(7)}


# What the run holds is the pilot


def test_what_the_run_holds_is_used(tmp_path: Path) -> None:
    narrow = ONE.but(rates=[0, 0.3, 0.5, 0.7], replicates=8)
    runner.run(narrow, tmp_path, trainer=noisy_train, machine=SMALL)
    (answer,) = found(ONE, tmp_path, Goal(0.5), noisy_train)
    assert (answer.stop.reason, answer.trainings) == ("reached", 32)
    (answer,) = found(ONE, tmp_path, Goal(0.001, trainings=44), noisy_train)
    with Store.open(tmp_path) as store:
        assert [grid.study.first_replicate for grid in store.grids][:2] == [0, 8]


def test_other_curves_of_the_run_are_left_alone(tmp_path: Path) -> None:
    other = ONE.but(size=300, replicates=1)
    runner.run(other, tmp_path, trainer=noisy_train, machine=SMALL)
    (answer,) = found(ONE, tmp_path, Goal(0.3), noisy_train)
    assert answer.curve.size == 200
    assert answer.trainings + 5 == len(held(tmp_path)[1])


def test_replicates_from_another_number_on_are_the_same_trials() -> None:
    whole = ONE.but(replicates=5)
    parts = ONE.but(replicates=2), ONE.but(replicates=3, first_replicate=2)
    grids = [grid_of(part) for part in parts]
    assert {*grid_of(whole).keys} == {key for grid in grids for key in grid.keys}
    assert all({*grid.trials} == {*grid.keys} for grid in grids)
    records = make_records(whole, demo_accuracy)
    frame = tidy(grids, records, TEST_SETS).sort_values("key", ignore_index=True)
    expected = tidy([grid_of(whole)], records, TEST_SETS).sort_values("key", ignore_index=True)
    assert frame.equals(expected)
    assert Study.create(**whole.model_dump(mode="json")) == whole
    with pytest.raises(SpecError, match="first_replicate = -1"):
        ONE.but(first_replicate=-1)


# What users type


@pytest.fixture
def command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str, str]]:
    """The command in an empty folder, with models that take no time."""
    monkeypatch.chdir(tmp_path)
    run = partial(instant_run, trainer=noisy_train)

    def call(text: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as end:
            cli.main(text.split(), run)
        shown = capsys.readouterr()
        return int(end.value.code or 0), shown.out, shown.err

    return call


def test_the_command_searches_reports_and_says_what_it_found(
    command: Callable[..., tuple[int, str, str]],
) -> None:
    options = "--dataset digits --size 200 --model linear"
    code, out, err = command(f"find tolerance {options} --out run --width 1pt --trainings 39")
    assert (code, err) == (0, "")
    assert "15 trainings: tolerance " in out
    assert "next: 4 replicates at 0, " in out
    assert out.splitlines()[-1].startswith("tolerance somewhere between ")
    assert "batches of at least 4 new replicates" in command(f"find tolerance {options} --plan")[1]


def test_the_report_says_how_to_make_a_search_again(
    tmp_path: Path, command: Callable[..., tuple[int, str, str]]
) -> None:
    found(TWO.but(name="two"), Path("run"), Goal(0.001, trainings=TWOS + 24), noisy_train)
    blocks = report(load("run").material)
    *texts, commands = [block.text for block in blocks if isinstance(block, Code)]
    assert len(texts) == 1  # batches are no studies of their own to a reader
    assert any("what a search added: 4 new replicates at 0" in str(block) for block in blocks)
    Path("two.toml").write_text(texts[0])
    for line in commands.splitlines():
        assert command(line.removeprefix("gigo ").replace("runs/", "again/"))[0] == 0
    assert held(Path("again/run"))[1] == held(Path("run"))[1]


def test_any_run_can_go_on_until_an_interval_is_narrow(
    command: Callable[..., tuple[int, str, str]],
) -> None:
    options = "--dataset digits --size 200 --model linear --out run --rate 0 --rate 0.3"
    code, out, _ = command(f"run {options} --rate 0.6 --until width=1pt,trainings=30")
    assert code == 0
    assert out.splitlines()[-1].startswith("tolerance somewhere between ")
    rates = {*load("run").frame["rate"]}
    assert rates >= {0, 0.3, 0.6}
    assert 0.2 not in rates & {0.8}
    assert len(held(Path("run"))[1]) == 30
    assert "batches of" in command(f"plan {options} --until width=5pt")[1]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--keep 95% --lose 5pt", "keep = '95%': expected either this or lose"),
        ("--width 10", "width = '10': expected a share such as 10pt, 10% or 0.1"),
        ("--trainings 3", "trainings = 3: expected at least the 54 of the pilot"),
        ("--metric log_loss", "lose = None: expected how much log loss may rise"),
    ],
)
def test_what_is_refused(
    command: Callable[..., tuple[int, str, str]], options: str, message: str
) -> None:
    code, out, err = command(f"find tolerance demo {options}")
    assert (code, out) == (2, "")
    assert err.startswith(f"error: {message}")


# What labels are worth


def worth_train(trials: Sequence[Any], *_: object) -> Iterator[EpochDone | Record]:
    """Records where labels are worth (1 - 10/9 rate)^2 of their number."""
    for trial in trials:
        noise = np.random.default_rng(int(trial.key[:8], 16)).normal()
        error = 2 * (trial.size * (1 - trial.rate * 10 / 9) ** 2) ** -0.5
        record = make_record(trial)
        measured = {**record.measures, "accuracy": 1 - error * (1 + 0.05 * noise)}
        yield replace(record, measures=measured)


def test_an_exchange_rate_is_searched_over_sizes(tmp_path: Path) -> None:
    study = ONE.but(size=800)
    pilot, quantity = exchange_of(study, (), grid_of)
    assert pilot.size == (100, 200, 400, 800)
    assert pilot.rates == (0, 0.2)
    run = partial(runner.run, path=tmp_path, trainer=worth_train, machine=SMALL)
    how: dict[str, Any] = {"train": run, "resolve": grid_of}
    (answer,) = search(pilot, tmp_path, quantity, Goal(0.25), **how)
    assert answer.stop.reason == "reached"
    found = answer.stop.estimate
    assert found.low is not None
    assert found.high is not None
    assert found.low < (7 / 9) ** 2 < found.high < found.low + 0.25
    frame = load(tmp_path).frame
    counts: Any = frame.groupby(["size", "rate"]).size()
    assert answer.trainings == len(frame)
    assert counts[800, 0.2] >= 7
    assert counts[400, 0.0] >= 7 or counts[800, 0.0] >= 7
    assert {counts[100, 0.2], counts[100, 0.0]} == {3}
    assert search(pilot, tmp_path, quantity, Goal(0.25), **how) == [answer]


def test_which_exchange_rate_is_asked_about() -> None:
    several = ONE.but(size=[100, 300, 600], rates=[0.1, 0.3, 0.5])
    pilot, quantity = exchange_of(several, {"rates"}, grid_of)
    assert (pilot.size, pilot.rates) == ((100, 300, 600), (0, 0.1, 0.3, 0.5))
    assert (quantity.size, quantity.rate) == (600, 0.1)
    with pytest.raises(SpecError, match="rates"):
        exchange_of(ONE.but(rates=[0]), {"rates"}, grid_of)


def test_an_exchange_rate_of_real_networks(command: Callable[..., tuple[int, str, str]]) -> None:
    options = "--dataset digits --size 400 --model linear"
    assert "two clean sizes beside" in command(f"find exchange {options} --plan")[1]
    fields: dict[str, Any] = {"size": 400, "model": "linear", "recipe": "small"}
    found = gigo.find_exchange("digits", trainings=28, out="run", **fields)
    assert found.answers[0].trainings == 28
    assert str(found).startswith("exchange rate of 400 labels at 20 % wrong somewhere between ")


def test_from_python(tmp_path: Path) -> None:
    study = Study.create(dataset="digits", size=60, model="linear", recipe="small")
    told: list[str] = []

    def seen(progress: gigo.Progress) -> None:
        told.append(progress.note)

    how: dict[str, Any] = {"out": tmp_path / "run", "listener": seen, "lose": "10pt"}
    found = gigo.find_tolerance(study, trainings=30, rates=[0, 0.3, 0.6], width=0.01, **how)
    assert {*found.result.frame["rate"]} >= {0, 0.3, 0.6}
    assert [type(answer) for answer in found.answers] == [Answer]
    assert found.answers[0].trainings == 30
    assert any("30 trainings" in note or "next: " in note for note in told)
    assert json.loads(json.dumps(found.lines)) == str(found).split("\n")
    with pytest.raises(SpecError, match=r"y = .*: expected none"):
        gigo.find_tolerance(study, [0, 1])
