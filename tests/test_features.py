"""Features: made once per data set, by content, before any model sees them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cloudpickle
import numpy as np
import pytest

from gigo import describe, runner
from gigo.errors import DataError, SpecError
from gigo.features import AT_ONCE, featured, needed, seconds, told
from gigo.grid import Grid
from gigo.inputs import digest
from gigo.resolve import resolve
from gigo.store import Store
from gigo.study import Study
from gigo.types import Dataset, Features

EMBED = """
import numpy as np

def lengths(texts, scale=1.0):
    with open({log!r}, "a") as log:
        log.write(f"{{len(texts)}}\\n")
    return np.array([[len(text), text.count("o")] for text in texts]) * scale
"""


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "gigo" / "features"


def texts(n: int = 60) -> Dataset:
    """Short and long ones."""
    y = np.arange(n) % 2
    x = ["oh" * (1 + 5 * int(label)) + "a" * (i % 3) for i, label in enumerate(y)]
    train, test = slice(0, 2 * n // 3), slice(2 * n // 3, n)
    sha256 = digest(x[train], y[train], x[test], y[test])
    tests = {"test": (x[test], y[test])}
    return Dataset("mine", x[train], y[train], tests, ("short", "long"), "text", sha256, "made up")


@pytest.fixture
def embed(tmp_path: Path) -> tuple[str, Path]:
    """A file with a function, and where this writes how many items it is given at a time."""
    file, log = tmp_path / "embed.py", tmp_path / "log"
    file.write_text(EMBED.format(log=str(log)))
    return f"{file}:lengths", log


def study(model: Any, **fields: Any) -> Study:
    rates = {"rates": [0, 0.25], "replicates": 2, "dataset": texts()}
    return Study.create(**{**rates, **fields}, model=model)


def only(grid: Grid) -> Any:
    ((model,),) = grid.models.values()
    return model


def given(value: Callable[..., Any], width: int = 2, identity: str = '"mine"') -> Features:
    return Features("mine", identity, width, value=lambda dataset: value)


def two(rows: list[str]) -> Any:
    return np.array([[len(text), text.count("o")] for text in rows], np.float32)


def test_they_are_what_the_function_gives_for_all_items() -> None:
    dataset = texts(3 * AT_ONCE)
    found = featured(dataset, given(two))
    np.testing.assert_array_equal(found.x_train, two(dataset.x_train))
    np.testing.assert_array_equal(found.tests["test"][0], two(dataset.tests["test"][0]))
    assert found.kind == "vector" and found.input_shape == (2,)
    assert isinstance(found.x_train, np.memmap)
    assert featured(dataset, None) is dataset


def test_they_are_made_once_and_in_parts() -> None:
    dataset, seen = texts(3 * AT_ONCE), []

    def counted(rows: list[str]) -> Any:
        seen.append(len(rows))
        return two(rows)

    steps: list[tuple[str, int, int]] = []
    featured(dataset, given(counted), lambda *step: steps.append(step))
    assert max(seen) == AT_ONCE and sum(seen) == 3 * AT_ONCE
    assert steps[0] == ("mine", 0, sum(seen)) and steps[-1] == ("mine", sum(seen), sum(seen))
    featured(dataset, given(counted))
    assert sum(seen) == 3 * AT_ONCE


def test_other_data_and_other_features_are_made_anew(cache: Path) -> None:
    featured(texts(), given(two))
    featured(texts(90), given(two))
    featured(texts(), given(lambda rows: two(rows) * 2, identity='"other"'))
    assert len([*cache.glob("*.npy")]) == 3


def test_what_fails_leaves_nothing(cache: Path) -> None:
    def fails(rows: list[str]) -> Any:
        raise SpecError("model.features", "mine", "luck")

    with pytest.raises(SpecError):
        featured(texts(), given(fails))
    assert not [*cache.iterdir()]


def test_a_full_or_closed_disk_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with pytest.raises(DataError, match="features can't be kept there"):
        featured(texts(), given(two))


def test_another_process_gets_the_vectors_alone() -> None:
    """The function may hold a model that is large, or can't be sent."""
    features = given(two)
    sent = cloudpickle.loads(cloudpickle.dumps(features))
    assert sent == features and sent.value is None
    with pytest.raises(DataError, match="run it again"):
        featured(texts(), sent)
    featured(texts(), features)
    np.testing.assert_array_equal(featured(texts(), sent).x_train, two(texts().x_train))


@pytest.mark.parametrize("name", ["auto", "logistic", "mlp", "sklearn.naive_bayes:GaussianNB"])
def test_any_model_takes_them(name: str, embed: tuple[str, Path], tmp_path: Path) -> None:
    source, log = embed
    wanted = study({"name": name, "features": source}, recipe={"epochs": 8, "batch_size": 8})
    model = only(resolve(wanted))
    assert model.features.width == 2
    assert model.label.startswith(f"{name.replace('auto', 'logistic')} features=")
    assert log.read_text() == "2\n"  # tried on two items
    runner.run(wanted, tmp_path / "run", workers=1)
    assert sum(map(int, log.read_text().split())) == 2 + 2 + 60
    with Store.open(tmp_path / "run") as store:
        records = list(store.records())
    assert len(records) == 4 and {each.status for each in records} == {"ok"}
    for record in records:
        assert "2 numbers per item, made once, in " in record.provenance["features"]
    assert max(each.measures["accuracy"] for each in records) > 0.9


def test_they_are_the_same_for_any_number_of_workers(
    embed: tuple[str, Path], tmp_path: Path
) -> None:
    source, log = embed
    wanted = study({"name": "logistic", "features": source})
    found: list[Any] = []
    for workers in (1, 2):
        runner.run(wanted, tmp_path / f"{workers}", workers=workers)
        with Store.open(tmp_path / f"{workers}") as store:
            found.append({r.key: r.predictions["test"].tolist() for r in store.records()})
    assert found[0] == found[1]
    assert sum(map(int, log.read_text().split())) == 60 + 2 * 2  # made once for both runs


def test_a_function_is_told_apart_by_its_content(embed: tuple[str, Path]) -> None:
    source, _ = embed
    file = Path(source.rpartition(":")[0])

    def identity(features: Any) -> str:
        return only(resolve(study({"name": "logistic", "features": features}))).identity

    one = identity(source)
    assert one == identity(source) == identity({"name": source})
    assert one != identity({"name": source, "scale": 2.0})
    file.write_text(file.read_text() + "\n# changed\n")
    assert one != identity(source)
    assert json.loads(one)["name"] == "logistic"


def test_options_are_the_functions(embed: tuple[str, Path]) -> None:
    source, _ = embed
    grid = resolve(study({"name": "logistic", "features": {"name": source, "scale": 2.0}}))
    found = featured(texts(), only(grid).features)
    np.testing.assert_array_equal(found.x_train, 2 * two(texts().x_train))
    assert "scale=2.0" in only(grid).label


def test_a_function_itself_can_be_named() -> None:
    wanted = study({"name": "logistic", "features": {"name": two, "key": "version 1"}})
    model = only(resolve(wanted))
    assert model.label == "logistic features=two"
    assert json.loads(model.identity)["features"]["key"] == "version 1"
    grid = resolve(wanted)
    again = Grid.from_json(json.loads(json.dumps(grid.to_json())))
    assert list(again.trials) == list(grid.trials)
    assert only(resolve(study({"name": "logistic", "features": two}))).features.width == 2


def test_patches_are_a_name_for_any_model() -> None:
    fields = {"dataset": "digits", "rates": 0}
    head, mlp, own = (
        only(resolve(Study.create(**fields, model=model)))
        for model in ("patches", {"name": "mlp", "features": "patches"}, "auto")
    )
    assert head == own and head.label == "patches" and head.trainer == "estimator"
    assert mlp.trainer == "network" and mlp.features == head.features
    assert head.features.learns and head.features.width == 1600


@pytest.mark.parametrize(
    ("gives", "expected"),
    [
        (lambda rows: np.zeros(len(rows)), r"\(2, d\) for 2 items, not \(2,\)"),
        (lambda rows: np.zeros((1, 3)), r"\(2, d\) for 2 items, not \(1, 3\)"),
        (lambda rows: np.full((len(rows), 3), np.nan), "these have missing or infinite values"),
        (lambda rows: np.zeros((len(rows), 0)), "these have no numbers"),
        (lambda rows: rows, "ValueError: "),
        (lambda rows: 1 / 0, "ZeroDivisionError: division by zero"),
    ],
)
def test_a_function_that_gives_something_else_is_refused(gives: Any, expected: str) -> None:
    with pytest.raises(SpecError, match=expected) as error:
        resolve(study({"name": "logistic", "features": gives}))
    assert "model.features" in str(error.value) and "\n" not in str(error.value)


def test_a_function_that_changes_its_mind_is_refused_while_they_are_made() -> None:
    def wider(rows: list[str]) -> Any:
        return np.zeros((len(rows), 2 if len(rows) == 2 else 3))

    features = only(resolve(study({"name": "logistic", "features": wider}))).features
    with pytest.raises(SpecError, match=r"\(40, 2\) for 40 items, not \(40, 3\)"):
        featured(texts(), features)


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ({"name": "logistic", "features": "patchs"}, "did you mean 'patches'"),
        ({"name": "logistic", "features": "patches"}, "images of at least 4x4"),
        ({"name": "logistic", "features": "nowhere.py:f"}, "a Python file in "),
        ({"name": "logistic", "features": 3}, "features = 3: expected a name, a table"),
        ({"name": "logistic", "strength": -1.0, "features": two}, "'auto' or a number above 0"),
        ({"name": "logistic", "strength": "weak", "features": two}, "'auto' or a number above 0"),
    ],
)
def test_what_is_no_feature_is_refused(model: Any, expected: str) -> None:
    with pytest.raises(SpecError, match=expected):
        resolve(study(model))


def test_patches_have_their_own() -> None:
    model = {"name": "patches", "features": "patches"}
    with pytest.raises(SpecError, match="no features: it has patches already"):
        resolve(Study.create(dataset="digits", model=model))


def test_plan_and_page_say_what_they_are(embed: tuple[str, Path], tmp_path: Path) -> None:
    source, _ = embed
    wanted = study({"name": "logistic", "features": source})
    path = tmp_path / "run"
    before = describe.plan(wanted, path, runner.plan(wanted, path))
    assert "2 numbers per item, not made yet" in before
    grid = resolve(wanted)
    ((card, features),) = needed(grid.trials.values()).values()
    featured(texts(), features)
    taken = seconds(card, features)
    assert taken is not None and taken > 0
    assert "made once, in " in describe.plan(wanted, path, runner.plan(wanted, path))


def test_learned_ones_say_from_what() -> None:
    grid = resolve(Study.create(dataset="digits", model="patches"))
    features = only(grid).features
    said = told(grid.datasets[0], features)
    assert "learned without labels from all 1,347 training items of digits" in said
