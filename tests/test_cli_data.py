"""``gigo data``, with files that are right, wrong or not there."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gigo
from cifars import cifar10, contents, write_folder
from command import finish
from gigo import datasets
from gigo.datasets.idx import IDX
from gigo.errors import SpecError
from gigo.resolve import resolve
from gigo.study import Study


def told(done: subprocess.CompletedProcess[str], code: int = 0) -> str:
    """What a command printed, if it ended as it should; an error is one line."""
    assert done.returncode == code, done.stderr
    if code:
        assert done.stdout == ""
        assert done.stderr.startswith("error: ") and done.stderr.count("\n") == 1
    return done.stderr if code else done.stdout


def test_alone_it_lists_the_data_sets(bare_home: Path) -> None:
    listed = told(finish("data"))
    names = [line.split()[0] for line in listed.splitlines() if not line.startswith(" ")]
    assert names == list(datasets.CATALOGUE)
    assert listed == told(finish("data", "list")) == told(finish("list", "datasets"))


def test_where_no_copy_is_it_says_how_to_get_one(bare_home: Path) -> None:
    cache = bare_home / ".cache" / "gigo" / "datasets" / "mnist"
    lacks = f"{cache}: lacks {', '.join(IDX.files)}"
    hint = "(gigo data fetch mnist brings the files)"
    assert told(finish("data", "where", "mnist")) == f"{lacks} {hint}\n"
    assert told(finish("data", "verify", "mnist"), 2) == f"error: {lacks} of mnist {hint}\n"


def test_a_folder_without_the_data_set_is_an_error(bare_home: Path) -> None:
    for command in ("where", "verify"):
        said = told(finish("data", command, "cifar10", "--data-dir", bare_home), 2)
        assert f"data_dir = '{bare_home}': holds no cifar10: expected data_batch_1, " in said


def test_the_embedded_data_set_is_right_and_not_to_be_fetched(bare_home: Path) -> None:
    place = told(finish("data", "where", "digits"))
    assert place.startswith("scikit-learn ") and place.endswith(": digits comes with gigo\n")
    assert told(finish("data", "fetch", "digits")) == place
    assert told(finish("data", "verify", "digits")) == f"right  {place}"


def test_the_cache_is_told_and_cleared(bare_home: Path) -> None:
    place = bare_home / ".cache" / "gigo"
    assert told(finish("data", "cache")).count("nothing") == 5
    for kind in ("images", "features", "inputs", "references", "datasets"):
        (place / kind / "some").mkdir(parents=True)
        (place / kind / "some" / "file").write_bytes(bytes(3 << 20))
    listed = " ".join(told(finish("data", "cache")).split())
    assert listed.startswith(f"folder {place} images 3 MiB decoded images features 3 MiB")
    assert listed.endswith(" datasets 3 MiB downloaded data sets")
    assert told(finish("data", "cache", "--clear")).startswith("12 MiB removed; downloaded data")
    assert [each.name for each in place.iterdir()] == ["datasets"]


def test_a_data_set_nobody_knows(bare_home: Path) -> None:
    for command in ("where", "verify", "fetch"):
        assert "did you mean 'mnist'?" in told(finish("data", command, "mnits"), 2)


@pytest.mark.data
def test_the_official_files(data_dir: Path, bare_home: Path) -> None:
    """In a named folder, and in the cache, where what is right is not fetched again."""
    mnist = data_dir / "mnist"
    assert told(finish("data", "where", "mnist", "--data-dir", data_dir)) == f"{mnist}\n"
    assert told(finish("data", "verify", "mnist", "--data-dir", data_dir)) == f"right  {mnist}\n"
    cache = bare_home / ".cache" / "gigo" / "datasets" / "mnist"
    shutil.copytree(mnist, cache)
    for command, word in (("fetch", ""), ("where", ""), ("verify", "right  ")):
        assert told(finish("data", command, "mnist")) == f"{word}{cache}\n"
    shutil.copy(cache / f"{IDX.files[3]}.gz", cache / f"{IDX.files[1]}.gz")
    said = told(finish("data", "verify", "mnist"), 2)
    assert f"{cache / IDX.files[1]}.gz: 10000 labels: expected 60000" in said


def test_a_folder_is_a_data_set_of_its_own(bare_home: Path, tmp_path: Path) -> None:
    """CIFAR-10's files with other images; the run is that of what is in them."""
    place = write_folder(tmp_path, contents(cifar10()))
    found = datasets.from_path(place)
    study: Any = {
        "size": 10,
        "rates": [0],
        "replicates": 1,
        "model": "linear",
        "recipe": {"epochs": 1},
    }
    result = gigo.sweep(dataset=str(place), out=tmp_path / "run", **study)
    (test_set,) = result.test_sets.values()
    assert (test_set.name, test_set.sha256) == ("cifar-10-batches-py", found.sha256)
    assert test_set.classes == found.classes
    np.testing.assert_array_equal(test_set.labels["test"], found.tests["test"][1])
    assert "expected a file or a folder" in told(finish("plan", "demo", "--dataset", "no/where"), 2)


def test_two_data_sets_of_one_name_are_refused(bare_home: Path, tmp_path: Path) -> None:
    paths = [str(write_folder(tmp_path / f"{k}", contents(cifar10(k)))) for k in range(2)]
    with pytest.raises(SpecError, match=r"cifar-10-batches-py': .* give one .*called = "):
        resolve(Study.create(dataset=paths, size=10))
    named = [paths[0], {"name": paths[1], "called": "other"}]
    cards = resolve(Study.create(dataset=named, size=10)).datasets
    assert [card.name for card in cards] == ["cifar-10-batches-py", "other"]
    same = [paths[0], f"{paths[0]}/."]
    assert len(resolve(Study.create(dataset=same, size=10)).datasets) == 1
