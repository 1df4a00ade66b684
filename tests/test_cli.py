"""The command line as its user meets it: what is printed, on which stream, and the exit code."""

from __future__ import annotations

import errno
import io
import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from rich.console import Console

from command import RUNNABLE, environment, finish, instant_run
from factories import grid_of, make_record, make_test_set, trials_of
from gigo import __version__, cli
from gigo.analysis.comparison import COMPARISON_COLUMNS
from gigo.analysis.table import COLUMNS
from gigo.api import Result, load
from gigo.console import displayed
from gigo.engine.training import EpochDone
from gigo.errors import SpecError
from gigo.printable import duration
from gigo.records import Record
from gigo.runner import Progress
from gigo.store import Store
from gigo.study import Study
from gigo.trial import Trial
from test_datasets_idx import encode
from test_store import occupy
from test_store import small_disk as small_disk

SMALL = """
dataset = "digits"
size = 200
corruption = ["symmetric", "biased"]
model = "small_cnn"
rates = [0, 0.5, 1]
replicates = 2
precision = "float32"
"""
EXAMPLE = re.compile(r"^  (?:Example: |Start with: |  )(gigo [^>\n]+)", re.MULTILINE)
COMMANDS = [
    "demo",
    "run",
    "plan",
    "status",
    "report",
    "table",
    "compare",
    "tolerance",
    "exchange",
    "corrupt",
    "audit",
    "init",
    "schema",
    "list",
    "find",
    "data",
]


class Done(NamedTuple):
    """What a command left on the terminal."""

    code: int
    out: str
    err: str


Gigo = Callable[..., Done]


@pytest.fixture
def gigo(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Gigo:
    """The command in this process and an empty folder, on a terminal of 80 columns.

    Training takes no time.
    """
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")

    def call(*arguments: str | Path, run: Callable[..., Result] = instant_run) -> Done:
        capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            cli.main([*map(str, arguments)], run)
        shown = capsys.readouterr()
        return Done(int(end.value.code or 0), shown.out, shown.err)

    return call


@pytest.fixture
def small(gigo: Gigo) -> Path:
    """A study of 10 trials, as a file in the working folder."""
    file = Path("small.toml")
    file.write_text(SMALL)
    return file


@pytest.fixture
def finished(small: Path, gigo: Gigo) -> Path:
    """The run of the small study."""
    assert gigo("run", small, "--out", "run").code == 0
    return Path("run")


def refused(done: Done) -> str:
    """The one line that says what is wrong."""
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("error: ")
    assert done.err.endswith("\n")
    assert done.err.count("\n") == 1
    return done.err[len("error: ") : -1]


# Help


@pytest.mark.parametrize("command", [[], *([name] for name in COMMANDS)], ids=" ".join)
def test_help_fits_the_terminal_and_shows_an_example(gigo: Gigo, command: list[str]) -> None:
    done = gigo(*command, "--help")
    assert (done.code, done.err) == (0, "")
    lines = done.out.splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[0].startswith("Usage: ")
    assert EXAMPLE.search(done.out)
    assert all(re.search(r"  [A-Z]?[a-z]", line[4:]) for line in lines if line[:4] == "  --")


def test_examples_in_the_help_work(gigo: Gigo) -> None:
    Path("my-study.toml").write_text(SMALL)
    rows = [f"{20 + k % 31},{'ab'[k % 2]},{'yes' if k % 3 else 'no'}" for k in range(60)]
    Path("customers.csv").write_text("\n".join(["age,plan,churned", *rows]))
    for k in range(40):
        folder = Path("photos", "cat" if k % 2 else "dog")
        folder.mkdir(parents=True, exist_ok=True)
        Image.new("L", (8, 8), 40 * (k % 2) + k).save(folder / f"{k}.png")
    for command in COMMANDS:
        for example in EXAMPLE.findall(gigo(command, "--help").out):
            assert gigo(*example.split()[1:]).code == 0, example


def test_bare_gigo_is_its_help(gigo: Gigo) -> None:
    assert gigo() == gigo("--help")
    listed = re.findall(r"^  ([a-z]+)  +[A-Z].*[.?]$", gigo().out, re.MULTILINE)
    assert listed == COMMANDS


def test_run_and_plan_take_the_same_options(gigo: Gigo) -> None:
    run, plan = (gigo(command, "--help").out for command in ("run", "plan"))
    options = re.compile(r"^  --.*(?:\n {10,}.*)*", re.MULTILINE)
    assert options.findall(run) == options.findall(plan)
    asked = "dataset size rate corruption replicates device precision out data-dir model"
    for name in asked.split():
        assert f"  --{name} " in run


def test_version(gigo: Gigo) -> None:
    assert gigo("--version") == Done(0, f"gigo {__version__}\n", "")


# What is refused: always one line, code 2


BAD_ARGUMENTS = {
    "plan dmo": "study = 'dmo': expected one of .*demo.* (did you mean 'demo'?)",
    "plan no.toml": "study = 'no.toml': expected a readable file (No such file or directory)",
    "plan demo --dataset mnst": "dataset = 'mnst': expected one of .* (did you mean 'mnist'?)",
    "plan demo --corruption simetric": "corruption = 'simetric': .* (did you mean 'symmetric'?)",
    "plan demo --model smallcnn": "model = 'smallcnn': .* (did you mean 'small_cnn'?)",
    "plan demo --model article_cnn": "model = 'article_cnn': expected a model for the 8x8 .*",
    "plan demo --validation clen": "validation = 'clen': expected .*'clean'.*",
    "plan demo --precision half": "precision = 'half': expected .*'bfloat16'.*",
    "plan demo --rate 1.01": "rates = 1.01: expected numbers from 0 to 1",
    "plan demo --rate -0.1": "rates = -0.1: expected numbers from 0 to 1",
    "plan demo --rate nan": "rates = nan: expected numbers from 0 to 1",
    "plan demo --rate 0.1 --rate 4O%": "rates = '4O%': expected numbers from 0 to 1",
    "plan demo --size 1348": "size = 1348: expected at most the 1347 items of digits",
    "plan demo --size 0": "size = 0: expected whole numbers of at least 1, shares .* or 'all'",
    "plan demo --size 150%": "size = 1.5: expected whole numbers .*, shares below 1, or 'all'",
    "plan demo --size all --size 1.5": "size = 1.5: expected whole numbers .* or 'all'",
    "plan demo --replicates 0": "replicates = 0: expected .*1.*",
    "plan demo --replicates two": "replicates = 'two': expected .*integer.*",
    "plan demo --seed 1e3": "seed = '1e3': expected .*integer.*",
    "plan": "nothing to train: expected a STUDY or --data PATH (see gigo run --help)",
    "plan --label kind": "--label = 'kind': expected --data PATH beside it",
    "plan demo --rate 40": "rates = 40.0: expected numbers from 0 to 1 (40 % is 0.4)",
    "plan demo --corruption blurr": "corruption = 'blurr': .* (did you mean 'blur'?)",
    "plan demo --corruption asymmetric": "corruption.asymmetric.map = None: expected a map of .*",
    "plan demo --corruption sink:classes=[0,10]": "corruption.sink.classes = 10: expected .*",
    "plan demo --dataset MNIST": "dataset = 'MNIST': .* (did you mean 'mnist'?)",
    "status": "Missing argument 'RUN'. (see gigo status --help)",
    "plan demo --rate": "Option '--rate' requires an argument. (see gigo --help)",
    "plan demo --rates 0": "No such option: --rates .*--rate.* (see gigo plan --help)",
    "plan demo more": "Got unexpected extra argument(s) (more) (see gigo plan --help)",
    "staus run": "No such command 'staus'. Did you mean 'status'? (see gigo --help)",
    "list corruption": "what = 'corruption': .* (did you mean 'corruptions'?)",
    "compare nowhere article": "nowhere: no run there: expected a folder with run.sqlite, .*",
    "compare article nowhere": "nowhere: no run there: expected a folder with run.sqlite, .*",
    "compare article article": "runs = 'article article': expected at least one run's folder",
    "compare article": "Missing argument 'B'. (see gigo compare --help)",
    "status nowhere": "nowhere: no run there: expected a folder with run.sqlite, .*",
    "report nowhere": "nowhere: no run there: expected a folder with run.sqlite, .*",
    "table nowhere": "nowhere: no run there: expected a folder with run.sqlite, .*",
    "status .": ".: no run there: expected a folder with run.sqlite, .*",
    "table nowhere --csv --json": "format = 'several': expected only one of --csv, --json .*",
    "tolerance nowhere --at 1.5": "at = '1.5': expected a rate from 0 to 1, such as 0.2 or 20%",
    "tolerance nowhere --at -1%": "at = '-1%': expected a rate from 0 to 1, such as 0.2 or 20%",
    "tolerance nowhere --at ten": "at = 'ten': expected a rate from 0 to 1, such as 0.2 or 20%",
    "exchange nowhere --rate 2": "rate = '2': expected a rate from 0 to 1, such as 0.2 or 20%",
    "exchange nowhere --check-cost 1": "label-cost = None: expected all of check-cost, .*",
    "exchange nowhere --base-rate 60": "base-rate = '60': expected a rate such as 0.05 or 5%, .*",
    "run demo --device gpu": "device = 'gpu': expected .*auto, cpu, cuda.*",
    "demo --device cuda:99": "device = 'cuda:99': expected .*auto, cpu, cuda.*",
}


@pytest.mark.parametrize("arguments", BAD_ARGUMENTS)
def test_a_bad_argument_is_refused_in_one_line(gigo: Gigo, arguments: str) -> None:
    expected = re.escape(BAD_ARGUMENTS[arguments]).replace(re.escape(".*"), ".*")
    assert re.fullmatch(expected, refused(gigo(*arguments.split())))
    assert os.listdir() == []


def test_a_part_that_is_kept_is_one_of_the_clean_value(gigo: Gigo, finished: Path) -> None:
    said = " ".join(gigo("tolerance", finished, "--keep", "95%").out.split())
    assert "the rate up to which mean accuracy keeps 95 % of its value at rate 0." in said


def test_names_of_columns_are_fit_for_latex(gigo: Gigo, finished: Path) -> None:
    for command in (("tolerance", finished), ("tolerance", finished, "--at", "10%")):
        table = gigo(*command, "--latex").out
        assert r"new\_low & new\_high" in table
        assert re.search(r"(?<!\\)_", table) is None


@pytest.mark.parametrize("at", ["x", 2, -0.1, [0.1, 1.5], ["a"]])
def test_losses_are_told_at_rates_alone(finished: Path, at: object) -> None:
    with pytest.raises(SpecError, match=r"at = .*: expected a rate from 0 to 1"):
        load(finished).loss(at=at)  # pyright: ignore[reportArgumentType] - that is the point


def test_one_rate_needs_no_list(finished: Path) -> None:
    result = load(finished)
    pd.testing.assert_frame_equal(result.loss(at=0.1), result.loss(at=[*np.array([0.1])]))


BAD_STUDIES = {
    'rate = 0.5\ndataset = "digits"': "field = 'rate': expected one of .* (did you mean 'rates'?)",
    'dataset = "digits"\nrecipe = "smal"': "recipe = 'smal': .* (did you mean 'small'?)",
    'dataset = "digits"\nrecipe = {epoch = 3}': "recipe.field = 'epoch': .*mean 'epochs'?)",
    'dataset = "digits"\nrecipe = {epochs = 0}': "recipe.epochs = 0: expected .*1.*",
    'dataset = "digits"\nrates = ["0.1"]': "rates = '0.1': expected numbers from 0 to 1",
    'dataset = "digits\n': "study = 'bad.toml': expected a TOML file .*line 1.*",
    "size = 100": "dataset = None: expected a value.*",
}


@pytest.mark.parametrize("text", BAD_STUDIES)
def test_a_bad_study_is_refused_in_one_line(gigo: Gigo, text: str) -> None:
    Path("bad.toml").write_text(text)
    expected = re.escape(BAD_STUDIES[text]).replace(re.escape(".*"), ".*")
    assert re.fullmatch(expected, refused(gigo("run", "bad.toml")))
    assert os.listdir() == ["bad.toml"]


def mnist(folder: Path) -> None:
    """Small files that look like MNIST's."""
    folder.mkdir()
    for part in ("train", "t10k"):
        images, labels = np.zeros((20, 28, 28), np.uint8), np.arange(20, dtype=np.uint8) % 10
        (folder / f"{part}-images-idx3-ubyte").write_bytes(encode(images))
        (folder / f"{part}-labels-idx1-ubyte").write_bytes(encode(labels))


def test_damaged_data_is_refused_in_one_line(gigo: Gigo) -> None:
    def error(data: str) -> str:
        return refused(gigo("run", "demo", "--dataset", "mnist", "--model", "auto",
                            "--size", "10", "--data-dir", data))  # fmt: skip

    mnist(Path("data"))
    file = Path("data/t10k-images-idx3-ubyte")
    whole = file.read_bytes()
    assert re.match("data: .*sha256 [0-9a-f]{64}: expected the official mn", error("data"))
    file.write_bytes(whole[:1000])
    assert error("data").startswith(f"{file}: 984 bytes of values: expected 15680")
    file.write_bytes(b"PK" + whole[2:])
    assert error("data").startswith(f"{file}: 16 bytes that start with 0x504b0803: expected 0x0000")
    file.write_bytes(encode(np.zeros((20, 8, 8), np.uint8)))
    assert error("data").endswith("shapes (1, 28, 28) and (1, 8, 8): expected both, of one shape")
    file.unlink()
    assert "t10k-images-idx3-ubyte" in error("data")
    assert error("nowhere").startswith("data_dir = 'nowhere': expected")


def test_an_impossible_folder_is_refused_in_one_line(gigo: Gigo, small: Path) -> None:
    assert refused(gigo("run", small, "--out", small)).startswith("small.toml: a file: expected")
    below = small / "run"
    assert refused(gigo("run", small, "--out", below)) == "small.toml/run: Not a directory"
    assert small.read_text() == SMALL


def test_a_folder_of_another_program_is_refused(gigo: Gigo, small: Path) -> None:
    Path("other").mkdir()
    Path("other/run.sqlite").write_text("mine\n" * 200)
    for command in (["run", small, "--out", "other"], ["status", "other"]):
        assert refused(gigo(*command)).startswith("other/run.sqlite: not an SQLite database")
    assert Path("other/run.sqlite").read_text() == "mine\n" * 200


def test_a_second_writer_is_refused_and_readers_are_not(
    gigo: Gigo, small: Path, finished: Path
) -> None:
    study = Study.from_toml(small)
    with Store.create(finished, grid_of(study)):
        message = refused(gigo("run", small, "--out", finished, "--rate", "0.2"))
        assert message.startswith("run: ")
        assert str(os.getpid()) in message
        assert gigo("status", finished).code == 0
        assert gigo("table", finished).code == 0
    assert gigo("run", small, "--out", finished).code == 0


def test_an_incompatible_study_is_refused_with_what_differs(
    gigo: Gigo, small: Path, finished: Path
) -> None:
    message = refused(gigo("run", small, "--out", finished, "--seed", "7"))
    assert "seed = 0 there and 7 here" in message
    message = refused(gigo("run", small, "--out", finished, "--precision", "float64"))
    assert "precision = 'float32' there and 'float64' here" in message
    assert len(load(finished).records) == 10


def test_too_little_memory_for_one_model_is_refused_in_one_line(gigo: Gigo, small: Path) -> None:
    def train(*_: object) -> Iterator[EpochDone]:
        raise RuntimeError("can't allocate memory:\n you tried to allocate 999 bytes")
        yield

    run = partial(instant_run, trainer=train)
    done = gigo("run", small, "--rate", "0", "--replicates", "1", run=run)
    message = refused(done._replace(out=""))
    assert message.startswith("memory does not suffice to train one model: can't allocate memory")


def test_a_fault_of_gigo_s_own_is_not_hidden(small: Path, gigo: Gigo) -> None:
    with pytest.raises(KeyError):
        gigo("run", small, run=lambda *_, **__: {}["no such key"])


@pytest.mark.usefixtures("small_disk")
def test_a_full_disk_is_one_line_and_the_run_goes_on_when_there_is_room(
    gigo: Gigo, small: Path
) -> None:
    ballast = Path("disk/ballast")
    ballast.write_bytes(bytes(200_000))
    run = ("run", small, "--out", "disk/run", "--replicates", "500")
    study = Study.from_toml(small).but(replicates=500)
    done = gigo(*run)
    assert "the disk is full" in refused(done._replace(out=""))
    kept = {record.key for record in load("disk/run").records}
    assert 0 < len(kept) < len(trials_of(study))
    occupy(Path("disk/rest"))
    assert gigo("status", "disk/run").code == 0
    done = gigo("report", "disk/run")
    assert refused(done._replace(out="")).startswith("disk/run/report.html: expected a file")
    ballast.unlink()
    Path("disk/rest").unlink()
    gigo(*run)
    assert {record.key for record in load("disk/run").records} > kept


def test_what_cannot_be_written_is_refused_in_one_line(gigo: Gigo, finished: Path) -> None:
    for arguments in (["table", "--parquet"], ["report", "--out"]):
        done = gigo(arguments[0], finished, arguments[1], finished / "run.sqlite" / "x.md")
        message = refused(done._replace(out=""))
        assert message.startswith("run/run.sqlite/x.md: expected a file that can be written")


# run, demo


def test_a_run_shows_its_result_and_where_the_report_is(gigo: Gigo, small: Path) -> None:
    done = gigo("run", small)
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("0 of 10 trials; digits, 200 labels, small_cnn: 10 models, epoch")
    assert "symmetric" in done.out
    assert done.out.endswith("\nreport: runs/small/report.html\n")
    assert max(map(len, done.out.splitlines()[1:])) <= 80
    assert "<html" in Path("runs/small/report.html").read_text()
    assert len(load("runs/small").frame) == 12  # rate 0 is listed under both corruptions
    written = Path("runs/small/report.html").stat().st_mtime_ns
    again = gigo("run", small)
    assert again.out == done.out[done.out.index("\n") + 1 :]
    assert Path("runs/small/report.html").stat().st_mtime_ns == written


def test_options_replace_what_the_study_says(gigo: Gigo, small: Path) -> None:
    options = (
        "--size 100 --size all --rate 0.1 --rate 0.3 --corruption two_sink --replicates 1 "
        "--model small_cnn --validation none --seed 5 --precision float64 --dataset digits"
    )
    assert gigo("run", small, "--out", "wide", *options.split()).code == 0
    (study,) = load("wide").studies
    assert study == Study.from_toml(small).but(
        size=[100, "all"],
        rates=[0.1, 0.3],
        corruption="two_sink",
        replicates=1,
        model="small_cnn",
        validation="none",
        seed=5,
        precision="float64",
        dataset="digits",
    )


def test_the_demo_is_the_study_demo(gigo: Gigo) -> None:
    done = gigo("demo")
    assert done.out.endswith("report: runs/demo/report.html\n")
    assert len(load("runs/demo").records) == 126


def test_ctrl_c_says_how_to_go_on_and_keeps_what_is_done(gigo: Gigo, small: Path) -> None:
    def train(trials: Sequence[Trial], *_: object) -> Iterator[EpochDone | Record]:
        yield EpochDone(1, 2, len(trials), len(trials))
        for trial in trials[:4]:
            yield make_record(trial)
        raise KeyboardInterrupt

    done = gigo("run", small, run=partial(instant_run, trainer=train))
    expected = "runs/small keeps every finished trial, and the same command goes on from there"
    assert (done.code, done.err) == (130, f"stopped: {expected}\n")
    assert len(load("runs/small").records) == 4
    assert gigo("run", small).code == 0
    assert len(load("runs/small").records) == 10


def test_ctrl_c_before_anything_is_there_says_so(tmp_path: Path) -> None:
    done = interrupted("gigo.runner", "run", "demo", "--out", tmp_path / "run")
    assert done.returncode == 130
    assert done.stderr.endswith("stopped: nothing is trained yet\n")


def test_a_tilde_is_the_home_folder(
    gigo: Gigo, small: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert gigo("run", small, "--out", "~/a").code == 0
    assert gigo("report", "~/a", "--out", "~/b.html").code == 0
    assert gigo("status", "~/a").out == gigo("status", tmp_path / "home" / "a").out
    assert gigo("plan", small, "--out", "~/a").code == 0
    assert gigo("plan", small, "--out", "~nobody/a").code == 0  # a folder of that name
    assert {path.name for path in (tmp_path / "home").iterdir()} == {"a", "b.html"}
    assert not Path("~").exists()


# plan, status, list


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--out", "small.toml"], "small.toml: a file: expected a folder"),
        (["--device", "cuda:abc"], "device = 'cuda:abc': expected"),
    ],
)
def test_what_a_run_refuses_is_not_planned(
    gigo: Gigo,
    small: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    expected: str,
) -> None:
    monkeypatch.delenv("GIGO_DATA", raising=False)
    for command in ("plan", "run"):
        assert refused(gigo(command, small, *arguments)).startswith(expected)


def test_a_file_whose_name_cannot_name_a_run_needs_one_in_it(gigo: Gigo) -> None:
    Path("my study.toml").write_text(SMALL)
    expected = "study = 'my study.toml': expected name = 'my-study' in it: the file's own can't"
    assert refused(gigo("plan", "my study.toml")).startswith(expected)
    Path("my study.toml").write_text('\ufeffname = "mine"\n' + SMALL, encoding="utf-8")
    assert "runs/mine" in gigo("plan", "my study.toml").out


def test_a_study_that_was_changed_is_not_summed_up_as_before(gigo: Gigo) -> None:
    assert "digits, symmetric" in gigo("plan", "demo", "--replicates", "2").out
    assert "digits, symmetric" not in gigo("plan", "demo", "--size", "60").out


def test_a_plan_says_what_a_run_will_do(gigo: Gigo, small: Path) -> None:
    def rows(*options: str) -> dict[str, str]:
        done = gigo("plan", small, *options)
        assert (done.code, done.err) == (0, "")
        return dict(re.split("  +", line, maxsplit=1) for line in done.out.splitlines())

    fresh = rows()
    names = ["study", "run", "data", "trials", "stacks", "processes", "memory", "time", "recipe"]
    assert [name for name in fresh if name] == names  # those without a name are wrapped lines
    assert fresh["recipe"].startswith("auto, digits, 200 labels: batches of 16, up to ")
    assert fresh["trials"] == "10, 0 of them done"
    assert fresh["stacks"] == "1 (1 of 10 models)"
    assert fresh["run"] == "runs/small"
    assert os.listdir() == ["small.toml"]
    gigo("run", small)
    done = rows()
    assert list(done) == ["study", "run", "trials"]
    assert done["trials"] == "10, 10 of them done"
    wider = rows("--rate", "0", "--rate", "0.1", "--rate", "0.5")
    assert wider["trials"] == "10, 6 of them done"
    assert wider["stacks"] == "1 (1 of 4 models)"


@pytest.mark.parametrize("name", ["banana", "auto:1", "cuda:", "cuda:99", "cpu:x"])
def test_what_is_no_device_is_refused(gigo: Gigo, name: str) -> None:
    done = gigo("plan", "article", "--device", name)
    assert (done.code, done.out) == (2, "")
    assert "auto, cpu, cuda" in done.err


def test_the_status_counts_and_says_how_to_go_on(gigo: Gigo, small: Path) -> None:
    study = Study.from_toml(small)
    trials = list(trials_of(study).values())
    folder = Path("a run")
    with Store.create(folder, grid_of(study)) as store:
        store.add_test_set(make_test_set())
        store.add(make_record(trial) for trial in trials[:6])
        store.add([replace(make_record(trials[6]), status="never_started")])
        store.add([replace(make_record(trials[7]), status="diverged")])
    shown = gigo("status", folder).out
    rows = dict(re.split("  +", line, maxsplit=1) for line in shown.splitlines())
    assert rows == {
        "run": "a run",
        "study": "small",
        "precision": "float32",
        "trials": "8 of 10 done",
        "never started": "1",
        "diverged": "1",
        "next": "the same gigo run with --out 'a run' trains the other 2",
    }
    with Store.create(folder, grid_of(study)) as store:
        store.add(make_record(trial) for trial in trials[8:])
    shown = gigo("status", folder).out
    assert "10 of 10 done" in shown
    assert "gigo report 'a run'" in shown
    Store.create(folder, grid_of(study.but(name="wide", rates=[0, 0.25, 0.5, 1]))).close()
    shown = gigo("status", folder).out
    assert "small (10 of 10), wide (10 of 14)" in shown
    Store.create(folder, grid_of(study.but(name="wide", replicates=3))).close()
    assert "small (10 of 10), wide (10 of 19)" in gigo("status", folder).out
    flat = " ".join(shown.split())
    assert "the same gigo run of wide with --out 'a run' trains the other 4" in flat


@pytest.mark.parametrize(
    ("what", "names"),
    {
        "datasets": {"digits", "mnist", "fashion_mnist"},
        "corruptions": {"symmetric", "biased", "two_sink", "pair", "sink", "transition"},
        "models": {"article_cnn", "small_cnn"},
        "recipes": {"article", "small", "sgd"},
        "studies": {"demo"},
    }.items(),
)
def test_lists_name_and_explain(gigo: Gigo, what: str, names: set[str]) -> None:
    wrapped = gigo("list", what).out.splitlines()
    assert max(map(len, wrapped)) <= 80
    command = [*RUNNABLE, "list", what]
    done = subprocess.run(command, env=environment(COLUMNS=""), capture_output=True, text=True)
    lines = done.stdout.splitlines()  # in a pipe, as wide as they are
    found = dict(re.split("  +", line, maxsplit=1) for line in lines if "  " in line)  # or headings
    assert found.keys() >= names
    assert all(found.values())
    assert " ".join(" ".join(wrapped).split()) == " ".join(" ".join(lines).split())


def test_durations_are_for_people() -> None:
    seconds = {0: "0 s", 89: "89 s", 90: "2 min", 3600: "60 min", 5400: "1.5 h", 172_800: "2 days"}
    assert {n: duration(n) for n in seconds} == seconds


# report, table


def test_a_report_is_written_where_asked(gigo: Gigo, finished: Path) -> None:
    done = gigo("report", finished, "--out", "pages/page.html")
    assert (done.code, done.err) == (0, "")
    assert done.out.endswith("report: pages/page.html\n")
    assert "<html" in Path("pages/page.html").read_text()
    (finished / "report.html").unlink()
    assert gigo("report", finished).out.endswith("report: run/report.html\n")
    assert (finished / "report.html").exists()
    assert gigo("report", finished, "--out", "page.md").code == 0
    assert Path("page.md").read_text(encoding="utf-8").startswith("# small: test accuracy")
    said = refused(gigo("report", finished, "--out", "page.pdf"))
    assert said == "out = 'page.pdf': expected a file whose name ends in .html or .md"


def test_tables_round_trip(gigo: Gigo, finished: Path) -> None:
    frame = load(finished).frame
    csv = gigo("table", finished, "--csv").out
    read = pd.read_csv(io.StringIO(csv))
    pd.testing.assert_frame_equal(read, frame, check_exact=True, check_dtype=False)
    rows = json.loads(gigo("table", finished, "--json").out)
    assert [list(row) for row in rows] == [list(COLUMNS)] * len(frame)
    read = pd.DataFrame(rows).astype(frame.dtypes)
    pd.testing.assert_frame_equal(read, frame, check_exact=True)
    assert gigo("table", finished, "--parquet", "t.parquet").out == "12 rows: t.parquet\n"
    pd.testing.assert_frame_equal(pd.read_parquet("t.parquet"), frame, check_exact=True)


def test_exchange_says_what_it_lacks(finished: Path, gigo: Gigo) -> None:
    done = gigo("exchange", finished)
    assert done.code == 0
    assert "that takes clean sets of two sizes or more" in " ".join(done.out.split())
    assert gigo("exchange", finished, "--csv").out.startswith("dataset,size,")


def test_the_table_on_the_terminal_has_a_row_a_trial(gigo: Gigo, finished: Path) -> None:
    shown = gigo("table", finished).out
    assert max(map(len, shown.splitlines())) <= 80
    assert len(re.findall(r"^ digits .* % ", shown, re.MULTILINE)) == 12


def test_two_runs_are_compared(gigo: Gigo, small: Path, finished: Path) -> None:
    assert gigo("run", small, "--seed", "1", "--rate", "0.5", "--out", "other").code == 0
    done = gigo("compare", finished, "other")
    assert (done.code, done.err) == (0, "")
    assert max(map(len, done.out.splitlines())) <= 80
    assert "seed: 0 in A, 1 in B" in done.out
    assert not {*"✓✗~"} & {*done.out}
    assert "Mean difference" in done.out
    read = pd.read_csv(io.StringIO(gigo("compare", finished, "other", "--csv").out))
    assert list(read) == list(COMPARISON_COLUMNS)
    assert list(read["corruption"]) == ["symmetric", "biased"]
    assert set(read["rate"]) == {0.5}


def test_runs_without_a_common_point_are_refused_in_one_line(
    gigo: Gigo, small: Path, finished: Path
) -> None:
    assert gigo("run", small, "--size", "100", "--out", "other").code == 0
    for other in ("other", "article"):
        said = refused(gigo("compare", finished, other))
        assert said.startswith(f"runs = 'run {other}': expected two with a trained point in common")
    Store.create(Path("empty"), grid_of(Study.from_toml(small))).close()
    assert "in common" in refused(gigo("compare", finished, "empty"))


def test_an_unfinished_run_can_be_shown(gigo: Gigo, small: Path) -> None:
    Store.create(Path("run"), grid_of(Study.from_toml(small))).close()
    assert "No trial" in gigo("table", "run").out or gigo("table", "run").code == 0
    assert gigo("table", "run", "--json").out == "[]\n"
    assert gigo("table", "run", "--csv").out == ",".join(COLUMNS) + "\n"
    assert gigo("report", "run").code == 0


# Pipes


@pytest.mark.parametrize("arguments", [["table", "RUN"], ["table", "RUN", "--csv"], ["--help"]])
@pytest.mark.parametrize("lines", [0, 1])
def test_a_reader_that_goes_away_is_no_error(
    finished: Path, arguments: list[str], lines: int
) -> None:
    given = [str(finished) if word == "RUN" else word for word in arguments]
    with subprocess.Popen(
        [*RUNNABLE, *given],
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout
        assert process.stderr
        for _ in range(lines):
            process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == ""
    assert process.returncode in (0, 1)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="has no /dev/full")
def test_a_full_disk_behind_standard_output_is_one_line() -> None:
    with open("/dev/full", "w") as full:
        done = finish("list", "models", stdout=full, stderr=subprocess.PIPE, capture_output=False)
    assert done.returncode == 2
    told = f"[Errno {errno.ENOSPC}] {os.strerror(errno.ENOSPC)}"
    assert done.stderr == f"error: standard output: {told}\n"


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="has no /dev/full")
def test_the_report_is_there_whatever_becomes_of_the_output(finished: Path) -> None:
    for lost in ("> /dev/full", "| head -0", ">&-"):
        (finished / "report.html").unlink()
        command = f"{shlex.join([*RUNNABLE, 'report', str(finished)])} {lost}"
        subprocess.run(command, shell=True, env=environment(), stderr=subprocess.PIPE)
        assert (finished / "report.html").is_file(), lost


@pytest.mark.parametrize(
    "variables",
    [
        {"PYTHONIOENCODING": "ascii"},
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    ],
    ids=" ".join,
)
def test_an_output_without_the_characters_gets_others(
    finished: Path, variables: dict[str, str]
) -> None:
    page = finished / "report.html"
    written = page.read_bytes()
    page.unlink()
    command = [*RUNNABLE, "report", str(finished)]
    done = subprocess.run(command, env=environment(**variables), capture_output=True)
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"??" in done.stdout
    assert done.stdout.endswith(b"report: run/report.html\n")
    assert page.read_bytes() == written


@pytest.mark.parametrize("command", ["plan", "report", "table", "status"])
def test_what_the_user_wrote_cannot_steer_a_terminal(gigo: Gigo, small: Path, command: str) -> None:
    small.write_text(SMALL + 'summary = "\\u001b]0;title\\u0007\\u009b31m"')
    folder = "run\x1b[31m\x07"
    assert gigo("run", small, "--out", folder).code == 0
    shown = gigo("plan", small, "--out", folder) if command == "plan" else gigo(command, folder)
    assert shown.code == 0
    refusal = gigo(command, "no\x1b[31m.toml")
    assert refusal.code == 2
    for text in (*shown[1:], *refusal[1:]):
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f]", text)


INTERRUPTED = """
import os, signal, sys

class Interrupt:
    def find_spec(self, name, *_):
        if name == awaited:
            sys.meta_path.remove(self)
            os.kill(os.getpid(), signal.SIGINT)

signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored in the background of a shell
sys.meta_path.insert(0, Interrupt())
awaited = sys.argv.pop(1)
from gigo.__main__ import main
main()
"""


def interrupted(module: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """A command to which Ctrl-C comes when it begins to import a module."""
    command = [sys.executable, "-c", INTERRUPTED, module, *map(str, arguments)]
    return subprocess.run(command, env=environment(), capture_output=True, text=True)


@pytest.mark.parametrize("module", ["gigo.cli", "typer", "gigo.describe", "gigo.planner"])
def test_ctrl_c_while_modules_are_imported_prints_no_traceback(module: str) -> None:
    done = interrupted(module, "plan", "demo")
    assert done.returncode == 130
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_no_output_at_all_is_no_error() -> None:
    command = f"{shlex.join([*RUNNABLE, 'list', 'models'])} >&-"
    done = subprocess.run(command, shell=True, env=environment(), capture_output=True)
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.slow
def test_training_processes_need_no_output(tmp_path: Path) -> None:
    options = "--size 40 --rate 0 --rate 0.5 --replicates 1 --workers 2 --corruption symmetric"
    command = shlex.join([*RUNNABLE, "run", "demo", *options.split(), "--out", str(tmp_path)])
    done = subprocess.run(f"{command} >&- 2>&-", shell=True, env=environment())
    assert done.returncode == 0
    assert load(tmp_path).missing == 0


def test_a_failure_of_the_machine_is_not_said_of_standard_output(gigo: Gigo, small: Path) -> None:
    def fail(*_: object, **__: object) -> Result:
        raise BlockingIOError(errno.EAGAIN, "no process can be made")

    assert (
        gigo("run", small, run=fail).err
        == f"error: [Errno {errno.EAGAIN}] no process can be made\n"
    )


# Progress


SEEN = [
    Progress(done=0, total=10),
    Progress(0, 10, "digits, 200 labels, small_cnn", 10, 0, 60, 0.0, None),
    Progress(0, 10, "digits, 200 labels, small_cnn", 10, 1, 60, 1.0, 59.6),
    Progress(0, 10, "digits, 200 labels, small_cnn", 1, 9, 60, 9.0, 600, note="worth a line"),
    Progress(10, 10, "digits, 200 labels, small_cnn", 1, 9, 60, 10.0, 0.0),
]


def show(width: int, live: bool, every: float = 10.0) -> str:
    screen = Console(file=io.StringIO(), width=width, force_terminal=live, legacy_windows=False)
    with displayed(screen, every) as display:
        for progress in SEEN:
            display.show(progress)
            if live:
                display.live.refresh()
    assert isinstance(screen.file, io.StringIO)
    return screen.file.getvalue()


def test_a_note_is_shown_to_the_letter() -> None:
    note = "runs/[new]/x[/old]: [enforce fail at inline_container.cc:603] . disk full"
    screen = Console(file=io.StringIO(), width=80)
    with displayed(screen) as display:
        display.show(Progress(0, 10, "[b]digits[/b]", 1, 1, 2, 1.0, None, note=note))
    assert isinstance(screen.file, io.StringIO)
    first, second = screen.file.getvalue().splitlines()
    assert first == note
    assert "[b]digits[/b]" in second


def test_reading_is_told_on_a_terminal_and_elsewhere_where_it_takes_long() -> None:
    def shown(live: bool, every: float) -> str:
        screen = Console(file=io.StringIO(), width=60, force_terminal=live, legacy_windows=False)
        with displayed(screen, every) as display:
            display.reading("images decoded", 640, 10_000)
            display.live.refresh()
        assert isinstance(screen.file, io.StringIO)
        return screen.file.getvalue()

    assert "640 of 10,000 images decoded" in shown(True, 10.0)
    assert shown(False, 10.0) == ""
    assert shown(False, 0.0) == "640 of 10,000 images decoded\n"


def test_models_are_counted_while_there_are_any() -> None:
    screen = Console(file=io.StringIO(), width=80)
    with displayed(screen) as display:
        display.show(Progress(9, 10, "digits, 200 labels, knn"))
    assert isinstance(screen.file, io.StringIO)
    assert screen.file.getvalue() == "9 of 10 trials; digits, 200 labels, knn\n"


def test_without_a_terminal_progress_is_plain_lines() -> None:
    stack = "digits, 200 labels, small_cnn"
    lines = [
        f"0 of 10 trials; {stack}: 10 models, epoch 0 of at most 60",
        f"0 of 10 trials, 60 s left; {stack}: 10 models, epoch 1 of at most 60",
        "worth a line",
        f"0 of 10 trials, 10 min left; {stack}: 1 model, epoch 9 of at most 60",
        f"10 of 10 trials, 0 s left; {stack}: 1 model, epoch 9 of at most 60",
    ]
    assert show(40, live=False).splitlines() == [lines[0], lines[2]]  # one in ten seconds
    assert show(40, live=False, every=0.0).splitlines() == lines


@pytest.mark.parametrize("width", [40, 80])
def test_on_a_terminal_progress_is_two_lines_that_go_away(width: int) -> None:
    screen = show(width, live=True)
    assert "\x1b[?25l" in screen  # the cursor is hidden
    assert screen.endswith("\x1b[?25h\x1b[1A\x1b[2K\x1b[1A\x1b[2K") or "\x1b[?25h" in screen
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "\n", screen)
    lines = [line.strip("\r") for line in text.splitlines()]
    assert max(map(len, lines)) <= width
    flat = re.sub(r"\s+", " ", text)
    assert "starting" in flat
    assert "0 of 10 trials, 60 s left" in flat
    assert "worth a line" in flat
    if width == 80:
        assert "digits, 200 labels, small_cnn: 10 models, epoch 1 of at most 60" in flat
