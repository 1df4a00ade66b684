"""Studies: what may be asked for and how it is refused; what a trial's key depends on."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from factories import (
    cells_of,
    corruption_of,
    grid_of,
    make_study,
    make_trials,
    model_of,
    trials_of,
)
from gigo import trial as trial_module
from gigo.corruptions import CATALOGUE
from gigo.datasets import CATALOGUE as DATASETS
from gigo.errors import GigoError, SpecError
from gigo.grid import Grid
from gigo.recipe import RECIPES, Auto, Recipe, told_apart
from gigo.ref import Ref, canonical
from gigo.resolve import resolve
from gigo.study import Study
from gigo.trial import Trial

TOML = """\
name = "both"
summary = "the same twice"
dataset = ["digits", "mnist"]
size = ["all", 500]
corruption = ["biased", { name = "symmetric", include_true = true }]
rates = [0, 0.25, 1]
replicates = 2
model = "small_cnn"
validation = ["clean", "oracle"]
subset = "first"
placement = "tail"
precision = "float32"
seed = 7

[recipe]
base = "sgd"
epochs = 5
learning_rate = 1
"""

WITH_TRUE = Ref.model_validate({"name": "symmetric", "include_true": True})
KEYWORDS: dict[str, Any] = {
    "name": "both",
    "summary": "the same twice",
    "dataset": ("digits", "mnist"),
    "size": ["all", 500],
    "corruption": ["biased", WITH_TRUE],
    "rates": (0.0, 0.25, 1.0),
    "replicates": 2,
    "model": ["small_cnn"],
    "validation": ["clean", "oracle"],
    "subset": "first",
    "placement": "tail",
    "precision": "float32",
    "seed": 7,
    "recipe": {"base": "sgd", "epochs": 5, "learning_rate": 1},
}


def refused(act: Callable[[], object]) -> str:
    """The message of the error, checked to be one line that says what was expected."""
    with pytest.raises(SpecError) as caught:
        act()
    message = str(caught.value)
    assert re.fullmatch(r"[^\n]+ = [^\n]+: expected [^\n]+", message)
    return message


def made(**asked: Any) -> Grid:
    """A study with every name looked up."""
    return resolve(make_study(**asked))


def written(folder: Path, text: str, name: str = "mine.toml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


# What may be asked for


def test_toml_and_keywords_give_the_same_study(tmp_path: Path) -> None:
    from_toml = Study.from_toml(written(tmp_path, TOML))
    from_keywords = Study.create(**KEYWORDS)
    assert from_toml == from_keywords
    assert list(trials_of(from_toml)) == list(trials_of(from_keywords))


def test_what_takes_several_values_also_takes_one() -> None:
    one: dict[str, Any] = {
        "dataset": "digits",
        "size": 100,
        "corruption": "biased",
        "rates": 0.5,
        "model": "small_cnn",
        "recipe": "small",
        "validation": "none",
    }
    assert Study.create(**one) == Study.create(**{name: [value] for name, value in one.items()})


def test_a_name_defaults_to_that_of_the_file(tmp_path: Path) -> None:
    assert Study.from_toml(written(tmp_path, 'dataset = "digits"')).name == "mine"


def test_the_defaults_are_those_of_the_guide() -> None:
    study = Study.create(dataset="digits")
    assert study.rates == ("auto",)
    assert (study.size, study.replicates, study.validation) == (("all",), 5, ("auto",))
    assert study.recipe == (RECIPES["auto"],)


def test_the_article_recipe_is_the_article_s() -> None:
    recipe = RECIPES["article"]
    assert (recipe.optimizer, recipe.learning_rate, recipe.epsilon) == ("adam", 1e-3, 1e-7)
    assert (recipe.batch_size, recipe.epochs, recipe.patience) == (256, 100, 10)
    assert (recipe.plateau_patience, recipe.plateau_factor) == (5, 0.1)
    assert (recipe.plateau_min_delta, recipe.weight_decay) == (1e-4, 0)
    assert recipe.schedule == "constant"


def test_a_recipe_starts_from_its_base() -> None:
    (recipe,) = Study.create(dataset="digits", recipe={"base": "small", "epochs": 3}).recipe
    assert recipe == RECIPES["small"].model_copy(update={"epochs": 3})
    assert recipe.label == "small epochs=3"
    assert RECIPES["sgd"].label == "sgd"


def test_recipes_held_against_each_other_are_called_by_what_differs() -> None:
    batches = {Recipe(batch_size=n).label: f"batch_size={n}" for n in (32, 256, 512)}
    assert told_apart(batches) == batches
    several = {
        "article flip=True epochs=5": "epochs=5 learning_rate=0.001",
        "article learning_rate=0.1 flip=True": "epochs=100 learning_rate=0.1",
    }
    assert {k: set(v.split()) for k, v in told_apart(several).items()} == {
        k: set(v.split()) for k, v in several.items()
    }
    for kept in (["article"], ["article", "sgd"], ["article flip=True"], []):
        assert told_apart(kept) == {label: label for label in kept}
    (recipe,) = Study.create(dataset="digits", recipe={"epochs": 3}).recipe
    assert recipe == Auto(epochs=3)


def test_numpy_numbers_and_arrays_count_as_plain_ones() -> None:
    numpy = make_study(
        rates=np.array([0, 0.5, 1]),
        size=np.int64(200),
        replicates=np.int32(2),
        seed=np.int64(3),
        corruption={"name": "symmetric", "include_true": np.True_},
        recipe={"learning_rate": np.float64(0.01), "epochs": np.int16(4)},
    )
    plain = make_study(
        rates=[0, 0.5, 1],
        size=200,
        replicates=2,
        seed=3,
        corruption={"name": "symmetric", "include_true": True},
        recipe={"learning_rate": 0.01, "epochs": 4},
    )
    assert numpy == plain
    assert list(trials_of(numpy)) == list(trials_of(plain))
    assert make_study(rates=[np.float64(0.5), np.float32(1)]).rates == (0.5, 1.0)
    assert make_study(size=range(100, 301, 100)).size == (100, 200, 300)


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ([0, 1], [0.0, 1.0]),
        ([0.1 + 0.2], [0.3]),
        (np.linspace(0, 1, 11), [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1]),
        (np.arange(0, 1, 0.05), [k / 20 for k in range(20)]),
        ([-0.0], [0]),
    ],
)
def test_a_rate_is_the_same_however_it_was_computed(given: Any, meant: list[float]) -> None:
    assert list(trials_of(make_study(rates=given))) == list(trials_of(make_study(rates=meant)))


# What is refused


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"dataset": "digit"}, r"dataset = 'digit': .*did you mean 'digits'"),
        ({"dataset": ["digits", "minst"]}, r"dataset = 'minst': .*did you mean 'mnist'"),
        ({"corruption": "symetric"}, r"corruption = 'symetric': .*did you mean 'symmetric'"),
        ({"corruption": {"name": "bias"}}, r"corruption = 'bias': .*did you mean 'biased'"),
        ({"model": "small_cn"}, r"model = 'small_cn': .*did you mean 'small_cnn'"),
        ({"recipe": "artcle"}, r"recipe = 'artcle': .*did you mean 'article'"),
        ({"recipe": {"base": "smal"}}, r"recipe = 'smal': .*did you mean 'small'"),
        (
            {"validation": "cleen"},
            r"validation = 'cleen': expected 'auto', 'oracle', 'clean', 'noisy' or 'none'",
        ),
        ({"subset": "last"}, r"subset = 'last': expected 'random' or 'first'"),
        ({"placement": "head"}, r"placement = 'head': expected 'random' or 'tail'"),
        ({"precision": "float16"}, r"precision = 'float16': expected 'auto', .* or 'float64'"),
        ({"model": "article_cnn"}, r"model = 'article_cnn': .* 8x8 images of digits, .*patches"),
    ],
)
def test_unknown_names_are_refused_with_the_right_ones(asked: dict[str, Any], message: str) -> None:
    assert re.match(message, refused(lambda: made(**asked)))


def test_a_name_like_no_other_gets_no_suggestion() -> None:
    message = refused(lambda: made(dataset="xyzzy"))
    assert "did you mean" not in message
    assert all(name in message for name in DATASETS)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"ratess": [0]}, r"field = 'ratess': .*did you mean 'rates'"),
        ({"Seed": 1}, r"field = 'Seed': .*did you mean 'seed'"),
        ({"batch-size": 1}, r"field = 'batch-size': expected one of corruption, dataset, "),
        ({"recipe": {"batch": 32}}, r"recipe.field = 'batch': .*did you mean 'batch_size'"),
        ({"recipe": {"LR": 1}}, r"recipe.field = 'LR': expected one of batch_size, "),
        (
            {"corruption": {"name": "symmetric", "include_tru": True}},
            r"corruption.symmetric = 'include_tru': .*did you mean 'include_true'",
        ),
        (
            {"corruption": {"name": "biased", "to": 3}},
            r"corruption.biased = 'to': expected no options",
        ),
        ({"model": {"name": "auto", "width": 3}}, r"model.auto = 'width': expected no options"),
    ],
)
def test_unknown_keys_are_refused_with_the_right_ones(asked: dict[str, Any], message: str) -> None:
    assert re.match(message, refused(lambda: made(**asked)))


def test_a_misspelt_key_is_named_before_the_one_that_is_missing() -> None:
    message = refused(lambda: Study.create(datset="digits"))
    assert message.startswith("field = 'datset': ")
    assert message.endswith("(did you mean 'dataset'?)")
    assert refused(Study.create) == "dataset = None: expected a value: it has no default"


@pytest.mark.parametrize("rate", [-0.1, 1.0001, 200, float("nan"), float("inf"), -float("inf")])
def test_rates_are_fractions(rate: float) -> None:
    message = refused(lambda: made(rates=[0, rate]))
    hint = " (5 % is 0.05)" if rate == 5 else ""
    assert message == f"rates = {rate!r}: expected numbers from 0 to 1{hint}"


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"size": 1348}, "size = 1348: expected at most the 1347 items of digits"),
        (
            {"size": 1348, "dataset": ["mnist", "digits"]},
            "size = 1348: expected at most the 1347 items of digits",
        ),
        ({"size": 2}, "size = 2: expected at least 3 items, or none can be held out"),
        ({"size": 0}, "size = 0: expected whole numbers of at least 1, shares below 1, or 'all'"),
        ({"size": -5}, "size = -5: expected whole numbers of at least 1, shares"),
        ({"size": "most"}, "size = 'most': expected whole numbers of at least 1, "),
        ({"size": 1.0}, "size = 1.0: expected whole numbers of at least 1, shares below 1, or"),
        (
            {"size": 0.001},
            "size = 0.001: expected at least 3 items, or none can be held out (it is 1 of the ",
        ),
        ({"replicates": 0}, "replicates = 0: expected greater than or equal to 1"),
        ({"recipe": {"epochs": 0}}, "recipe.epochs = 0: expected greater than or equal to 1"),
        ({"recipe": {"base": "sgd", "momentum": 1}}, "recipe.momentum = 1: expected less than 1"),
        (
            {"recipe": {"base": ["sgd"]}},
            "recipe.base = ['sgd']: expected one of article, auto, sgd, ",
        ),
        ({"recipe": {"schedule": "cos"}}, "recipe.schedule = 'cos': expected 'constant', 'cosine'"),
        ({"name": ".."}, "name = '..': expected letters, digits, "),
        ({"name": "a/b"}, "name = 'a/b': expected letters, digits, "),
        ({"rates": []}, "rates = []: expected at least one value"),
        ({"dataset": ()}, "dataset = []: expected at least one value"),
    ],
)
def test_values_out_of_range_are_refused(asked: dict[str, Any], message: str) -> None:
    assert refused(lambda: made(**asked)).startswith(message)


WRONG_TYPES: list[tuple[str, object]] = [
    ("name", 3),
    ("summary", 3),
    ("dataset", 3),
    ("dataset", None),
    ("size", True),
    ("size", "200"),
    ("size", 200.0),
    ("size", None),
    ("corruption", 3),
    ("corruption.name", 3),
    ("corruption.symmetric.include_true", 1),
    ("corruption.symmetric.include_true", "yes"),
    ("rates", True),
    ("rates", "0.5"),
    ("rates", None),
    ("replicates", True),
    ("replicates", 2.5),
    ("replicates", "2"),
    ("model", 3),
    ("recipe", 3),
    ("recipe.base", 3),
    ("recipe.batch_size", True),
    ("recipe.batch_size", 32.5),
    ("recipe.learning_rate", True),
    ("recipe.learning_rate", "fast"),
    ("recipe.learning_rate", float("nan")),
    ("recipe.weight_decay", float("inf")),
    ("validation", True),
    ("subset", 1),
    ("placement", None),
    ("precision", 32),
    ("seed", 1.5),
    ("seed", False),
    ("seed", "0"),
]


@pytest.mark.parametrize(("name", "value"), WRONG_TYPES)
def test_wrong_types_are_refused_by_name(name: str, value: object) -> None:
    field, *inner = name.split(".")
    asked: Any = value
    if field == "recipe" and inner:
        asked = {inner[0]: value}
    elif inner == ["name"]:
        asked = {"name": value}
    elif inner:
        asked = {"name": inner[0], inner[1]: value}
    assert refused(lambda: made(**{field: asked})).startswith(f"{name} = {value!r}: ")


def test_every_field_refuses_what_makes_no_sense() -> None:
    for name in Study.model_fields:
        assert refused(lambda name=name: made(**{name: object()})).startswith(name)


@given(
    asked=st.dictionaries(
        st.sampled_from([*Study.model_fields, "other", "Über", "a.b"]),
        st.recursive(
            st.none() | st.booleans() | st.integers(-3, 2000) | st.floats() | st.text(max_size=5),
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner),
            max_leaves=6,
        ),
        max_size=3,
    )
)
def test_whatever_is_asked_is_a_study_or_one_line(asked: dict[str, Any]) -> None:
    try:
        made(**asked)
    except GigoError as error:
        message = str(error)
    else:
        message = "fine"
    assert len(message.splitlines()) == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('dataset = "digits', r"study = '.*mine.toml': expected a TOML file \(Unterminated string"),
        ("seed = 1\nseed = 2\n", r"study = '.*mine.toml': .*Cannot overwrite.*line 2"),
        ('dataset = "digits"\nrate = 0.5', r"field = 'rate': .*did you mean 'rates'"),
        ('dataset = "digits"\n[recipe]\nepoch = 2', r"recipe.field = 'epoch': .*'epochs'"),
        ('dataset = "digits"\nrates = [nan]', r"rates = nan: expected numbers from 0 to 1"),
        ('dataset = "digits"\nseed = 2020-01-01', r"seed = datetime.date\(2020, 1, 1\): "),
        (
            'dataset = "digits"\n[[corruption]]\nname = "symmetric"\ninclude_tru = true',
            r"corruption.symmetric = 'include_tru': .*'include_true'",
        ),
        ("", r"dataset = None: expected a value"),
    ],
)
def test_what_is_wrong_in_a_file_is_named(tmp_path: Path, text: str, message: str) -> None:
    path = written(tmp_path, text)
    assert re.match(message, refused(lambda: resolve(Study.from_toml(path))))


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    missing = tmp_path / "none.toml"
    message = refused(lambda: Study.from_toml(missing))
    assert (
        message == f"study = {str(missing)!r}: expected a readable file (No such file or directory)"
    )
    assert refused(lambda: Study.from_toml(tmp_path)).endswith(": expected a file")
    path = tmp_path / "latin.toml"
    path.write_bytes('summary = "é"'.encode("latin-1"))
    assert "expected a TOML file ('utf-8' codec" in refused(lambda: resolve(Study.from_toml(path)))


# Studies that come from studies


@st.composite
def studies(draw: st.DrawFn) -> Study:
    def several(*values: Any) -> Any:
        return draw(st.lists(st.sampled_from(values), min_size=1, max_size=2))

    recipe = {
        "base": draw(st.sampled_from(sorted(RECIPES))),
        "learning_rate": draw(st.floats(1e-9, 10)),
        "epochs": draw(st.integers(1, 10**6)),
    }
    asked = {
        "dataset": several("digits", "mnist"),
        "size": several("all", 3, 200, 1347, 0.25),
        "corruption": several("symmetric", "biased", {"name": "symmetric", "include_true": True}),
        "rates": draw(st.lists(st.floats(0, 1), min_size=1, max_size=3)),
        "replicates": draw(st.integers(1, 2)),
        "recipe": several(*RECIPES, recipe),
        "validation": several("clean", "none", "oracle"),
        "placement": draw(st.sampled_from(["random", "tail"])),
        "seed": draw(st.integers(-(2**80), 2**80)),
    }
    return Study.create(
        **{name: asked[name] for name in asked if draw(st.booleans())}
        | {"dataset": asked["dataset"]}
    )


@given(study=studies())
def test_studies_and_trials_survive_json(study: Study) -> None:
    back = Study.create(**json.loads(json.dumps(study.model_dump(mode="json"))))
    assert back == study
    trials = trials_of(study)
    assert list(trials_of(back)) == list(trials)
    grid = resolve(study)
    again = Grid.from_json(json.loads(json.dumps(grid.to_json())))
    assert again == grid
    assert again.trials == trials
    assert all(key == trial.key for key, trial in again.trials.items())


def test_but_keeps_what_was_set_and_checks_what_is_new() -> None:
    study = Study.create(**KEYWORDS)
    assert study.but() == study
    fewer = study.but(rates=0.5, seed=4)
    assert fewer == Study.create(**{**KEYWORDS, "rates": 0.5, "seed": 4})
    assert fewer.model_fields_set == set(KEYWORDS) | {"seed"}
    assert study.corruption[1].options == fewer.corruption[1].options == {"include_true": True}
    assert make_study().but(seed=1).model_fields_set == make_study().model_fields_set | {"seed"}
    assert study.but(dataset="digits").summary == ""  # it may tell of the other data set
    assert study.but(dataset="digits", summary="new").summary == "new"
    assert refused(lambda: study.but(rates=2)).startswith("rates = 2")
    assert refused(lambda: study.but(rate=0.2)).startswith("field = 'rate'")


def test_studies_cannot_be_changed() -> None:
    study: Any = make_study()
    with pytest.raises(ValueError, match="frozen"):
        study.seed = 3
    with pytest.raises(ValueError, match="frozen"):
        study.recipe[0].epochs = 3


# Cells and trials


def test_cells_are_the_grid_once() -> None:
    study = make_study(
        dataset=["digits", "digits"],
        size=["all", 1347, 200, 200 / 1347, 0.9999],
        corruption=["symmetric", "biased", {"name": "symmetric", "include_true": False}],
        rates=[1, 0, 0.5, 1.0],
        model=["auto", "patches"],
        validation=["clean", "none", "clean"],
    )
    cells = cells_of(study)
    assert len(cells) == len(set(cells)) == 2 * 2 * 3 * 2
    assert {cell.size for cell in cells} == {1347, 200}
    assert {cell.model.label for cell in cells} == {"patches"}
    assert [cell.rate for cell in cells if cell == replace(cells[0], rate=cell.rate)] == [0, 0.5, 1]


def test_auto_suits_the_device_and_the_images() -> None:
    study = Study.create(dataset=["digits", "mnist"], rates=0)
    on_cpu, on_gpu = (resolve(study, accelerated=faster).models for faster in (False, True))
    assert {name: model.label for name, (model,) in on_cpu.items()} == {
        "digits": "patches",
        "mnist": "patches",
    }
    assert {name: model.label for name, (model,) in on_gpu.items()} == {
        "digits": "small_cnn",
        "mnist": "article_cnn",
    }


def test_trials_are_cells_times_replicates_and_corruptions_share_rate_zero() -> None:
    study = make_study()  # 2 corruptions, 3 rates, 2 replicates
    trials = trials_of(study)
    assert len(cells_of(study)) == 6
    assert len(trials) == 2 * (1 + 2 * 2)
    assert all(key == trial.key for key, trial in trials.items())
    clean = [trial for trial in trials.values() if trial.rate == 0]
    assert [trial.corruption for trial in clean] == [None, None]
    tail = trials_of(make_study(placement="tail"))
    assert {key for key in trials if key in tail} == {trial.key for trial in clean}
    assert all(
        grid_of(study).trial(cell, replicate).key in trials
        for cell in cells_of(study)
        for replicate in range(2)
    )


def test_a_wider_grid_holds_the_narrower_one_s_trials() -> None:
    narrow = trials_of(make_study()).keys()
    wide = make_study(
        rates=[0, 0.25, 0.5, 1],
        size=[200, 300],
        replicates=3,
        corruption=["two_sink", "biased", "symmetric"],
        name="other",
        summary="wider",
    )
    assert narrow <= trials_of(wide).keys()


# Keys

TRIAL = Trial(
    dataset=cells_of(make_study())[0].dataset,
    size=200,
    corruption=corruption_of("symmetric", include_true=True),
    rate=0.4,
    subset="random",
    model=model_of("small_cnn"),
    recipe=RECIPES["small"],
    validation="clean",
    precision="float32",
    seed=0,
    replicate=1,
)

CHANGED: dict[str, object] = {
    "dataset": replace(TRIAL.dataset, sha256="0" * 64),
    "size": 201,
    "corruption": corruption_of("symmetric"),
    "rate": 0.5,
    "subset": "first",
    "model": model_of("article_cnn"),
    "recipe": RECIPES["article"],
    "validation": "none",
    "precision": "bfloat16",
    "seed": 1,
    "replicate": 0,
}


def test_the_key_means_what_it_always_meant() -> None:
    """If this fails, stored results have lost their names: raise SCIENCE only for a reason."""
    assert TRIAL.key == "45077821136e9aa8000f48b162109047ec3d9a9b69c015079615d1e061389fed"
    clean = replace(TRIAL, corruption=None, rate=0.0)
    assert clean.key == "2e94feebc77c22c3032e4b390d539a100b119f9454005cab0f33fe89e14b1224"


def test_whatever_changes_the_result_changes_the_key() -> None:
    assert {field.name for field in fields(Trial)} == {*CHANGED}
    keys = {replace(TRIAL, **{name: value}).key for name, value in CHANGED.items()}
    assert len(keys | {TRIAL.key}) == len(CHANGED) + 1


def test_every_part_of_the_recipe_is_in_the_key() -> None:
    other = {"optimizer": "sgd", "schedule": "cosine"}

    def changed(value: Any) -> Any:
        return not value if isinstance(value, bool) else value * 2 or 1

    recipes = [
        TRIAL.recipe.model_copy(update={name: other.get(name) or changed(value)})
        for name, value in TRIAL.recipe.model_dump().items()
    ]
    keys = {replace(TRIAL, recipe=recipe).key for recipe in recipes}
    assert len(keys | {TRIAL.key}) == len(Recipe.model_fields) + 1


def test_the_meaning_is_in_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    before = TRIAL.key
    monkeypatch.setattr(trial_module, "SCIENCE", trial_module.SCIENCE + 1)
    assert replace(TRIAL).key != before


def test_names_are_not_in_the_key() -> None:
    assert replace(TRIAL, dataset=replace(TRIAL.dataset, name="my digits")).key == TRIAL.key
    names = [make_study(name=name, summary=name) for name in ("one", "two")]
    assert trials_of(names[0]) == trials_of(names[1])


def test_the_same_content_has_the_same_key_however_it_was_written() -> None:
    def keys(**asked: Any) -> list[str]:
        return [trial.key for trial in make_trials(make_study(**asked))]

    base = {"corruption": "symmetric", "recipe": "small", "model": "small_cnn", "size": 1347}
    expected = keys(**base)
    assert len(set(expected)) == len(expected) == 6
    table = {"name": "symmetric", "include_true": False}
    written_out = RECIPES["small"].model_dump()
    for again in (
        {"corruption": table},
        {"recipe": written_out},
        {"recipe": {"base": "sgd", **dict(reversed(written_out.items()))}},
        {"model": {"name": "small_cnn"}},
        {"size": "all"},
        {"rates": [1, 0.5, 0]},
    ):
        assert set(keys(**{**base, **again})) == set(expected)


def test_options_are_in_the_key_and_their_order_is_not() -> None:
    one = Ref.model_validate({"name": "symmetric", "a": 1, "b": 2})
    other = Ref.model_validate({"b": 2, "name": "symmetric", "a": 1})
    assert one == other
    assert hash(one) == hash(other)
    assert one.label == other.label == "symmetric a=1 b=2"
    assert canonical(one.to_json()) == canonical(other.to_json())


def test_every_catalogued_corruption_of_images_can_be_asked_for() -> None:
    told = {
        "sink": {"classes": [1, "8"]},
        "asymmetric": {"map": "mnist"},
        "one_way": {"classes": 7, "to": [1, 2]},
        "transition": {"T": [[0.1] * 10] * 10},
    }
    needed = {"file", "group"}  # digits have neither
    fit = [
        name
        for name, entry in CATALOGUE.items()
        if needed.isdisjoint(entry.options) and (not entry.kinds or "image" in entry.kinds)
    ]
    study = make_study(
        corruption=[{"name": name, **told.get(name, {})} for name in fit], rates=0.2, replicates=1
    )
    assert len(trials_of(study)) == len(fit)


@pytest.mark.parametrize(
    ("recipe", "said"),
    [
        ({"momentum": 0.5}, "recipe.momentum = 0.5: expected another optimizer than 'adam'"),
        ({"base": "sgd", "epsilon": 0.1}, "recipe.epsilon = 0.1: expected another optimizer than"),
        ({"step_epochs": 5}, "recipe.step_epochs = 5: expected another schedule than 'constant'"),
        (
            {"plateau_patience": 0, "plateau_factor": 0.5},
            "recipe.plateau_factor = 0.5: expected another plateau_patience than 0",
        ),
    ],
)
def test_an_option_that_would_do_nothing_is_refused(recipe: dict[str, Any], said: str) -> None:
    """Else a setting would be compared with itself."""
    assert refused(lambda: made(recipe=recipe)).startswith(said)


def test_an_option_that_does_something_is_not_nor_is_one_that_says_what_is() -> None:
    for recipe in (
        {"base": "sgd", "momentum": 0.5},
        {"momentum": 0.9},
        {"schedule": "step", "step_epochs": 5},
        {"base": "sgd", "optimizer": "adam"},
    ):
        make_study(recipe=recipe)
