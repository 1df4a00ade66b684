"""Runs that die or are stopped at random moments, through the real command, and what is left."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from command import RUNNABLE, environment, finish, start
from gigo.api import load
from gigo.store import Store

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not hasattr(os, "fork"), reason="needs processes as Unix has them"),
]

STUDY = """
dataset = "digits"
size = [20, 25, 30, 35, 40, 45, 50, 55, 60, 65, 70, 75, 80, 85, 90, 95, 100, 105, 110, 115]
corruption = "symmetric"
rates = [0, 0.5, 1]
replicates = 2
recipe = { base = "small", epochs = 12, patience = 3 }
precision = "float64"
"""
"""20 stacks of 6 models, which leave when they stop; float64, where rule 3 promises equal tables."""

TRIALS = 20 * 3 * 2
ROUNDS = 20

# Forked children spare each of them the seconds that importing torch takes. They run the command
# as a process and a process group of their own; nothing of torch has been used before the fork.
REPEAT = """
import json, os, random, signal, sys, time
from pathlib import Path

import sklearn.datasets, torch  # what takes long
from gigo import api, runner
from gigo.cli import main
from gigo.errors import StoreError
from gigo.store import Store

study, number, rounds, trials = sys.argv[1], *map(int, sys.argv[2:])
folder, log = Path("interrupted"), Path("log")

def begin(out):
    child = os.fork()
    if child:
        return child
    os.setsid()
    handle = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(handle, 1)
    os.dup2(handle, 2)
    sys.argv = ["gigo", "run", study, "--out", str(out)]
    try:
        main()
    except SystemExit as end:
        os._exit(end.code)
    os._exit(70)

def until_it_trains(child):
    while "trials;" not in log.read_text():
        assert os.waitpid(child, os.WNOHANG) == (0, 0), log.read_text()
        time.sleep(0.002)

def keys():
    try:
        with Store.open(folder) as store:
            return store.keys()
    except StoreError as error:
        assert "no run there" in str(error)
        return set()

log.touch()
child = begin("whole")
until_it_trains(child)
started = time.perf_counter()
assert os.waitpid(child, 0)[1] == 0, log.read_text()
whole = time.perf_counter() - started

rng, kept, result = random.Random(number), set(), []
for round in range(rounds):
    log.write_text("")
    child = begin(folder)
    if number == signal.SIGKILL and round % 5 == 0:
        time.sleep(rng.uniform(0, 0.2))  # while it makes or opens the run, or loads data
    else:
        until_it_trains(child)
        # On average a twentieth of what is left, so that it is never finished.
        time.sleep(rng.uniform(0, 0.1) * whole * (1 - len(kept) / trials))
    os.killpg(child, number)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    now = keys()
    assert kept <= now, kept - now
    kept = now
    result.append([code, len(now), log.read_text()])
print(json.dumps(result))
"""


def interrupt(folder: Path, number: signal.Signals) -> list[tuple[int, int, str]]:
    """Run a study whole, and beside it one that is stopped again and again.

    Returns:
        A round each: the exit code, the number of trials stored, what was printed.
    """
    (folder / "study.toml").write_text(STUDY)
    words = ["study.toml", int(number), ROUNDS, TRIALS]
    done = subprocess.run(
        [sys.executable, "-c", REPEAT, *map(str, words)],
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=250,
    )
    assert done.returncode == 0, done.stderr
    return [tuple(each) for each in json.loads(done.stdout)]


def check_same_table(path: Path, expected: Path) -> None:
    """Every number is the same; only seconds are not, and the loss has rounding errors."""
    ours, theirs = (load(folder).frame.drop(columns="seconds") for folder in (path, expected))
    pd.testing.assert_series_equal(
        ours.pop("log_loss"), theirs.pop("log_loss"), rtol=1e-8, atol=0.0, check_exact=False
    )
    pd.testing.assert_frame_equal(ours, theirs, check_exact=True)


def check_whole(path: Path) -> None:
    """No trial is lost, none was trained twice."""
    with Store.open(path) as store:
        keys = [record.key for record in store.records()]
        assert len(keys) == len(set(keys)) == TRIALS
        assert set(keys) == store.trials().keys()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT], ids=lambda it: it.name)
def test_a_run_that_is_stopped_twenty_times_ends_as_one_that_is_not(
    tmp_path: Path, number: signal.Signals
) -> None:
    rounds = interrupt(tmp_path, number)
    assert len(rounds) == ROUNDS
    counts = [count for _, count, _ in rounds]
    assert counts == sorted(counts)
    assert 0 < counts[-1] < TRIALS
    assert len(set(counts)) > ROUNDS // 3  # it got on between the signals
    for code, _, printed in rounds:
        if number == signal.SIGKILL:
            assert code == -signal.SIGKILL
            assert "error" not in printed
        else:
            assert code == 130
            assert [line for line in printed.splitlines() if "trials" not in line] == []
            last = printed.splitlines()[-1]
            assert last.startswith("stopped: interrupted keeps every finished trial, and the same")
    done = finish("run", "study.toml", "--out", "interrupted", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"{counts[-1]} of {TRIALS} trials; ")
    check_whole(tmp_path / "interrupted")
    check_same_table(tmp_path / "interrupted", tmp_path / "whole")


def test_ctrl_c_on_a_terminal_leaves_it_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "study.toml").write_text(STUDY)
    process, terminal = pty.fork()
    if process == 0:
        os.chdir(tmp_path)
        arguments = ["run", "study.toml", "--out", "run", "--size", "all"]
        os.execve(RUNNABLE[0], [*RUNNABLE, *arguments], environment(TERM="xterm"))
    seen = b""
    while b"epoch" not in seen:
        seen += os.read(terminal, 1 << 16)
    os.write(terminal, b"\x03")
    while block := read(terminal):
        seen += block
    code = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
    os.close(terminal)
    assert code == 130
    assert seen.index(b"\x1b[?25l") < seen.index(b"\x1b[?25h")  # the cursor is back
    after = seen[seen.rindex(b"\x1b[2K") :].decode()
    expected = "stopped: run keeps every finished trial, and the same command goes on from there"
    assert after.split("\r\n") == [f"\x1b[2K{expected}", ""]
    assert b"Traceback" not in seen
    with Store.open(tmp_path / "run") as store:
        assert store.keys() <= store.trials().keys()


def read(terminal: int) -> bytes:
    """What comes next; nothing when the other end is closed."""
    try:
        return os.read(terminal, 1 << 16)
    except OSError:
        return b""
