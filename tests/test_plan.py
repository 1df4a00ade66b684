"""What `gigo plan` prints: the run that would be, in words."""

from __future__ import annotations

import os
import re
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from command import RUNNABLE, SMALL, environment
from factories import make_study
from gigo import describe, runner, studies
from gigo.errors import SpecError
from gigo.machine import Machine
from gigo.study import Study

ARTICLE = studies.find("article")


def rows(study: Study, path: Path = Path("none"), **options: Any) -> dict[str, str]:
    given: dict[str, Any] = {"machine": SMALL, **options}
    text = describe.plan(study, path, runner.plan(study, path, **given))
    return dict(re.split("  +", line, maxsplit=1) for line in text.splitlines())


def test_a_plan_reckons_with_the_precision_that_the_processor_is_good_at() -> None:
    native, other = (rows(ARTICLE, machine=Machine(precision="bfloat16")), rows(ARTICLE))
    assert native["time"] != other["time"]
    assert native == rows(ARTICLE.but(precision="bfloat16"))


def test_processes_and_what_they_take_are_said() -> None:
    found = rows(ARTICLE, machine=Machine(4, 64 << 30))
    assert found["processes"] == "4 at a time, 1 thread each"
    alone = rows(ARTICLE, machine=Machine(4, 64 << 30), workers=1)
    assert alone["processes"] == "1 at a time, 4 threads each"
    assert alone["stacks"] == found["stacks"]  # whatever the number of workers


def test_fits_are_no_stacks() -> None:
    study = make_study(model="knn", corruption="symmetric", rates=(0, 0.2), replicates=2)
    found = rows(study)
    assert "stacks" not in found
    assert re.fullmatch(r"\d+ \((\d+ of \d+ fits?(, )?)+\)", found["jobs"])


def test_the_process_itself_is_counted() -> None:
    found = rows(make_study(size=20, recipe="small"))
    gib = re.fullmatch(r"at most about ([0-9.]+) GiB, PyTorch's included, .*", found["memory"])
    assert gib and float(gib[1]) * 2**30 > 400e6


@pytest.mark.usefixtures("wide")
def test_the_data_are_counted_per_process() -> None:
    found = rows(ARTICLE, machine=Machine(4, 64 << 30))  # the largest of its data sets
    assert found["memory"].endswith(" 5 copies of the data, 176 MiB each")
    alone = rows(make_study(size=20, recipe="small"))
    assert alone["memory"].endswith(" 2 copies of the data, 1 MiB each")


def test_long_runs_are_told_in_days_and_short_ones_not_as_nothing() -> None:
    assert re.fullmatch(r"very roughly \d+ days", rows(ARTICLE.but(replicates=20))["time"])
    short = make_study(size=3, rates=0, replicates=1, recipe={"epochs": 1})
    assert rows(short)["time"] == "very roughly 1 s"


def test_a_terminal_obeys_nothing_that_a_study_says() -> None:
    shown = rows(make_study(summary="red \x1b[31m, a bell \x07, two\nlines"))["study"]
    assert shown == "small  red \\x1b[31m, a bell \\x07, two\\nlines"


@pytest.mark.parametrize(
    "fields",
    [
        {"replicates": 10**9},
        {"replicates": 10**18},
        {"rates": [k / 10**5 for k in range(10**4)], "replicates": 10**5},
    ],
    ids=["10^9", "10^18", "many rates"],
)
def test_grids_beyond_all_use_are_refused_at_once(fields: dict[str, Any]) -> None:
    with pytest.raises(SpecError, match=r"expected (at most 1,000,000 in|less than)") as caught:
        rows(make_study(**fields))
    assert "\n" not in str(caught.value)


@pytest.mark.skipif(os.name != "posix", reason="elsewhere such a folder can't be removed")
def test_without_a_working_folder_there_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "gone").mkdir()
    shell = ["sh", "-c", 'rmdir "$PWD" && exec "$@"', "sh", *RUNNABLE, "plan", "demo"]
    done = subprocess.run(
        shell, cwd=tmp_path / "gone", env=environment(), capture_output=True, text=True
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert re.fullmatch(r"error: the working folder can't be used \(.*\)\n", done.stderr)


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="other units elsewhere")
def test_a_plan_of_100_000_trials_takes_little_memory() -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    found = rows(make_study(corruption="symmetric", rates=[0.1, 0.2], replicates=50_000))
    assert found["trials"] == "100000, 0 of them done"
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 400_000  # KiB
