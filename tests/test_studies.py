"""Built-in studies: each is valid, is found by name, and is what it is said to be."""

from __future__ import annotations

import shutil
from importlib.resources import files
from pathlib import Path

import pytest

from factories import trials_of
from gigo import studies
from gigo.errors import SpecError
from gigo.recipe import RECIPES
from gigo.study import Study, items_of


@pytest.mark.parametrize("name", studies.names())
def test_a_built_in_study_is_valid_and_says_what_it_is(name: str) -> None:
    study = studies.find(name)
    assert study.name == name
    assert 10 < len(study.summary) < 100
    assert trials_of(study)


@pytest.mark.parametrize("name", studies.names())
def test_a_copy_of_its_file_is_the_same_study(name: str, tmp_path: Path) -> None:
    path = tmp_path / f"{name}.toml"
    path.write_bytes((files(studies) / f"{name}.toml").read_bytes())
    assert studies.find(path) == studies.find(str(path)) == studies.find(name)


def test_the_demo_is_the_demo() -> None:
    assert "demo" in studies.names()
    study = studies.find("demo")
    assert study == Study.create(
        name="demo",
        summary=study.summary,
        dataset="digits",
        size=["all", 200],
        corruption=["symmetric", "biased"],
        rates=[k / 10 for k in range(11)],
        replicates=3,
        model="small_cnn",
        recipe=RECIPES["small"],
        validation="clean",
    )
    assert len(trials_of(study)) == 3 * 2 * (1 + 2 * 10)


@pytest.mark.parametrize("n_train", [60, 1347, 50_000])
def test_sizes_of_the_trade_off_fit_any_data(n_train: int) -> None:
    sizes = [items_of(size, n_train) for size in studies.find("trade-off").size]
    assert sizes == sorted(set(sizes))
    assert sizes[0] >= 3  # else none could be held out
    assert sizes[-1] == n_train <= 2 * sizes[-2]


def test_an_unknown_study_is_refused_with_the_nearest() -> None:
    with pytest.raises(SpecError) as caught:
        studies.find("dmo")
    message = str(caught.value)
    assert message.startswith("study = 'dmo': expected one of ")
    assert "a file ending in .toml" in message
    assert message.endswith("(did you mean 'demo'?)")


def test_a_missing_file_is_refused_by_its_name(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"gone.toml': expected a readable file"):
        studies.find(tmp_path / "gone.toml")


def test_a_file_in_the_current_folder_needs_no_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(str(files(studies) / "demo.toml"), tmp_path / "mine.toml")
    monkeypatch.chdir(tmp_path)
    assert studies.find("mine.toml") == studies.find("demo").but(name="mine")
    with pytest.raises(SpecError, match="study = 'mine'"):
        studies.find("mine")  # a name is a built-in study's, whatever lies around
