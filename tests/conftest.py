"""What every test may use."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings

# The models of tests are tiny: a second thread only waits, for long where cores are shared.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# What is kept for other processes and later runs is not to be the user's.
_CACHE = tempfile.TemporaryDirectory(prefix="gigo-tests-")
os.environ["XDG_CACHE_HOME"] = _CACHE.name

# Cores are shared with others: how long an example takes says nothing.
settings.register_profile("gigo", deadline=None)
settings.load_profile("gigo")


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip tests of real data where there is none."""
    if item.get_closest_marker("data") and not os.environ.get("GIGO_DATA"):
        pytest.skip("GIGO_DATA names no folder with the official data files")


@pytest.fixture
def data_dir() -> Path:
    """The folder of official files; ask for it in tests marked ``data``."""
    return Path(os.environ["GIGO_DATA"])


@pytest.fixture
def bare_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home folder, with an empty working folder in it: no data set is anywhere."""
    home = tmp_path / "home"
    here = home / "projects" / "here"
    here.mkdir(parents=True)
    for variable in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(variable, str(home))
    monkeypatch.setenv("XDG_CACHE_HOME", str(home / ".cache"))
    monkeypatch.delenv("GIGO_DATA", raising=False)
    monkeypatch.chdir(here)
    return home


@pytest.fixture
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal on which nothing is wrapped."""
    monkeypatch.setenv("COLUMNS", "1000")
