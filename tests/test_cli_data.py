"""``gigo data`` and ``--unverified``, with copies that are right, wrong or not there."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import pytest

from gigo import cli, datasets
from gigo.datasets.find import Verdict
from gigo.errors import DataError
from gigo.store import Store


class Done(NamedTuple):
    code: int
    out: str
    err: str


@pytest.fixture
def gigo(
    bare_home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Done]:
    def call(*arguments: str | Path) -> Done:
        monkeypatch.setattr(sys, "argv", ["gigo", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            cli.main()
        shown = capsys.readouterr()
        return Done(int(end.value.code or 0), shown.out, shown.err)

    return call


def test_where_no_copy_is_it_says_how_to_get_one(gigo: Callable[..., Done]) -> None:
    assert gigo("data", "where", "mnist") == (
        0, "no copy here: gigo data fetch brings one\n", ""
    )  # fmt: skip
    done = gigo("data", "verify", "mnist")
    assert (done.code, done.out) == (2, "")
    assert done.err == "error: mnist: no copy here: gigo data fetch mnist brings one\n"


def test_the_embedded_data_set_is_right_and_not_to_be_fetched(gigo: Callable[..., Done]) -> None:
    assert gigo("data", "verify", "digits").out.startswith("right  ")
    done = gigo("data", "fetch", "digits")
    assert done.code == 2
    assert done.err.count("\n") == 1


def test_each_copy_gets_its_verdict(
    gigo: Callable[..., Done], monkeypatch: pytest.MonkeyPatch
) -> None:
    verdicts = [Verdict("/a", ""), Verdict("/b", "/b: half of it: expected all")]
    monkeypatch.setattr(datasets, "verify", lambda name, data_dir: verdicts)
    done = gigo("data", "verify", "mnist")
    assert done == (2, "right  /a\nwrong  /b\n", "error: /b: half of it: expected all\n")


def test_fetch_prints_where_the_files_are(
    gigo: Callable[..., Done], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def fetch(name: str, watch: Callable[[str, int, int], None]) -> Path:
        watch("train.gz", 5, 10)
        watch("train.gz", 10, 10)
        return tmp_path / name

    monkeypatch.setattr(datasets, "fetch", fetch)
    done = gigo("data", "fetch", "mnist")
    assert done.code == 0
    assert done.out.splitlines()[-1] == str(tmp_path / "mnist")


def test_a_data_set_nobody_knows(gigo: Callable[..., Done]) -> None:
    for command in ("where", "verify", "fetch"):
        done = gigo("data", command, "mnits")
        assert done.code == 2
        assert "did you mean 'mnist'?" in done.err


def test_a_copy_that_differs_is_read_only_when_asked_for_and_the_run_remembers(
    gigo: Callable[..., Done], monkeypatch: pytest.MonkeyPatch
) -> None:
    official = datasets.load("digits")
    copy = replace(official, sha256="ab" * 32, source="a folder (unverified)")
    seen: list[str | None] = []

    def load(name: str, data_dir: Path | None, *, accepted: str | None, watch: object) -> object:
        seen.append(accepted)
        if accepted is None:
            raise DataError("digits: differs (--unverified reads it)")
        return copy

    monkeypatch.setattr(datasets, "load", load)
    monkeypatch.setattr(datasets, "accept", lambda names, data_dir: {"digits": copy.sha256})
    asked = ("run", "demo", "--size", 60, "--rate", 0, "--replicates", 1, "--out")
    done = gigo(*asked, "plain")
    assert (done.code, done.err) == (2, "error: digits: differs (--unverified reads it)\n")
    assert gigo(*asked, "taken", "--unverified").code == 0
    assert seen == [None, copy.sha256]
    with Store.open(Path("taken")) as store:
        (record,) = store.records()
        assert record.trial["data"] == copy.sha256
        assert list(store.test_sets()) == [copy.sha256]
    assert gigo(*asked, "taken").code == 2, "without the flag it is another study"
