"""Runs that die or are stopped at random moments, through the real command, and what is left."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from command import environment, finish, start
from gigo.api import load
from gigo.store import Store

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not hasattr(os, "fork"), reason="needs processes as Unix has them"),
]

RECIPE = '{{ base = "small", epochs = 12, patience = 3, learning_rate = {} }}'
STUDY = f"""
dataset = "digits"
size = [20, 65]
corruption = "symmetric"
model = "small_cnn"
rates = [0, 0.5, 1]
replicates = 1
recipe = [{", ".join(RECIPE.format(0.001 + k / 10_000) for k in range(10))}]
precision = "float64"
"""
"""10 stacks of 6 models that leave when they stop; float64, in which tables shall be equal."""

TRIALS = 10 * 3 * 2
KILLS = [signal.SIGKILL] * 3
ASKED = [signal.SIGINT, signal.SIGTERM]
SIGNALS = [number for asked in ASKED for number in (signal.SIGKILL, asked, *KILLS)]

# Forked children spare each of them the seconds that importing torch takes. They run the command
# as a process and a process group of their own; nothing of torch has been used before the fork.
GO_ON = "keeps every finished trial, and the same command goes on from there"

REPEAT = """
import json, os, random, signal, sys, time
from threading import Timer
from pathlib import Path

import sklearn.datasets, torch, torch._dynamo  # what takes long
from functools import partial
from gigo import api, runner
from gigo.cli import main
from gigo.engine.training import train
from gigo.errors import StoreError
from gigo.store import Store

study, signals = sys.argv[1], map(int, sys.argv[2:])
folder, log = Path("interrupted"), Path("log")

def begin(out, trainer=train):
    child = os.fork()
    if child:
        return child
    os.setsid()
    handle = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(handle, 1)
    os.dup2(handle, 2)
    sys.argv = ["gigo", "run", study, "--out", str(out), "--workers", "1"]
    runner.run = partial(runner.run, trainer=trainer)
    try:
        main()
    except SystemExit as end:
        os._exit(end.code)
    os._exit(70)

def dying(number, events, later, every):
    # A trainer that sends a signal to its process after so many events and seconds.
    left = [events]

    def trainer(*arguments):
        for event in train(*arguments, every=every):
            yield event
            left[0] -= 1
            if left[0] == 0:
                Timer(later, os.killpg, (os.getpid(), number)).start()

    return trainer

def kept_in(folder):
    try:
        with Store.open(folder) as store:
            return {*store.keys()}
    except StoreError as error:
        assert "no run there" in str(error)
        return set()

log.touch()
assert os.waitpid(begin("whole"), 0)[1] == 0, log.read_text()

rng, kept, result = random.Random(0), set(), []
for round, number in enumerate(signals):
    log.write_text("")
    if round % 5 == 0:  # while it makes or opens the run, or loads data
        child = begin(folder)
        time.sleep(rng.uniform(0, 0.2))
        os.killpg(child, number)
    else:  # a stack has 10 to 18 events: epochs, and records of its 6 models
        every = 0 if round % 2 else 600  # a checkpoint after each epoch, or none
        child = begin(folder, dying(number, rng.randint(1, 20), rng.uniform(0, 0.02), every))
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    now = kept_in(folder)
    assert kept <= now, kept - now
    kept = now
    result.append([number, code, len(now), log.read_text()])
print(json.dumps(result))
"""


def interrupt(folder: Path) -> list[tuple[int, int, int, str]]:
    """Run a study whole, and once more, stopped again and again.

    Returns:
        For each signal: itself, the exit code, the number of trials stored, what was printed.
    """
    (folder / "study.toml").write_text(STUDY)
    words = ["study.toml", *map(int, SIGNALS)]
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
    """Every number is the same; only seconds are not, and probabilities have rounding errors."""
    ours, theirs = (load(folder).frame.drop(columns="seconds") for folder in (path, expected))
    for name in ("log_loss", "log_loss_last", "brier", "ece"):
        pd.testing.assert_series_equal(
            ours.pop(name), theirs.pop(name), rtol=1e-8, atol=0.0, check_exact=False
        )
    pd.testing.assert_frame_equal(ours, theirs, check_exact=True)


def check_whole(path: Path) -> None:
    """No trial is lost, none was trained twice."""
    with Store.open(path) as store:
        keys = [record.key for record in store.records()]
        assert len(keys) == len(set(keys)) == TRIALS
        assert set(keys) == store.trials().keys()


def test_a_run_that_dies_ten_times_ends_as_one_that_does_not(tmp_path: Path) -> None:
    rounds = interrupt(tmp_path)
    assert [number for number, *_ in rounds] == SIGNALS
    counts = [count for _, _, count, _ in rounds]
    assert counts == sorted(counts)
    assert 0 < counts[-1] < TRIALS
    assert len(set(counts)) > 3  # it got on between the signals
    for number, code, _, printed in rounds:
        others = [line for line in printed.splitlines() if " trials" not in line]
        killed = number == signal.SIGKILL
        assert code == (-signal.SIGKILL if killed else 130)
        assert others == ([] if killed else [f"stopped: interrupted {GO_ON}"])
    done = finish("run", "study.toml", "--out", "interrupted", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"{counts[-1]} of {TRIALS} trials; ")
    check_whole(tmp_path / "interrupted")
    check_same_table(tmp_path / "interrupted", tmp_path / "whole")


def test_ctrl_c_on_a_terminal_leaves_it_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "study.toml").write_text(STUDY)
    terminal, other_end = pty.openpty()
    process = start(
        *("run", "study.toml", "--out", "run", "--size", "all"),
        cwd=tmp_path,
        env=environment(TERM="xterm"),
        stdout=other_end,
        stderr=other_end,
    )
    os.close(other_end)
    seen = b""
    while b"epoch" not in seen:
        block = read(terminal)
        assert block, seen
        seen += block
    os.killpg(process.pid, signal.SIGINT)
    while block := read(terminal):
        seen += block
    os.close(terminal)
    assert process.wait(timeout=60) == 130
    assert b"Traceback" not in seen
    assert seen.index(b"\x1b[?25l") < seen.index(b"\x1b[?25h")  # the cursor is back
    last = seen[seen.rindex(b"\x1b[2K") :].decode()
    assert last == f"\x1b[2Kstopped: run {GO_ON}\r\n"
    with Store.open(tmp_path / "run") as store:
        assert store.keys() <= store.trials().keys()


def read(terminal: int) -> bytes:
    """What comes next; nothing when the other end is closed."""
    try:
        return os.read(terminal, 1 << 16)
    except OSError:
        return b""
