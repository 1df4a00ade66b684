"""The recipe that follows the data: enough steps whatever the size, and what is given stays."""

from __future__ import annotations

import json
from math import ceil
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from factories import make_study
from gigo import describe, runner
from gigo.grid import Grid
from gigo.recipe import EPOCH_STEPS, PATIENT_STEPS, RECIPES, STEPS, Auto, Recipe
from gigo.resolve import resolve
from gigo.study import Study

SIZES = st.integers(1, 10**7)
GIVEN: dict[str, Any] = {
    "optimizer": "sgd",
    "learning_rate": 0.3,
    "batch_size": 7,
    "epochs": 3,
    "patience": 0,
    "plateau_patience": 0,
    "flip": True,
    "crop": 2,
}


def steps(recipe: Recipe, n: int) -> int:
    """Of the optimiser, per epoch."""
    return ceil(n / recipe.batch_size)


@given(n=SIZES)
def test_there_are_steps_enough_before_training_may_end(n: int) -> None:
    recipe = Auto().on(n)
    assert recipe.epochs * steps(recipe, n) >= STEPS
    assert recipe.patience * steps(recipe, n) >= PATIENT_STEPS
    assert recipe.epochs > 2 * recipe.plateau_patience > 0
    assert recipe.epochs > recipe.patience
    assert n < 16 * EPOCH_STEPS or steps(recipe, n) >= EPOCH_STEPS


@given(n=SIZES, more=SIZES)
def test_more_items_never_mean_less_training(n: int, more: int) -> None:
    small, large = Auto().on(n), Auto().on(n + more)
    assert large.batch_size >= small.batch_size
    assert large.epochs <= small.epochs
    assert large.patience <= small.patience
    if large.batch_size == small.batch_size:
        # Up to what rounding to whole epochs gives.
        rounding = steps(small, n)
        assert large.epochs * steps(large, n + more) > small.epochs * steps(small, n) - rounding


@given(n=SIZES, names=st.sets(st.sampled_from(sorted(GIVEN))))
def test_what_is_given_stays_and_the_rest_is_worked_out(n: int, names: set[str]) -> None:
    chosen = {name: GIVEN[name] for name in names}
    (recipe,) = Study.create(dataset="digits", recipe={"base": "auto", **chosen}).recipe
    found = recipe.on(n)
    assert {name: getattr(found, name) for name in names} == chosen
    if not names & {"batch_size", "patience", "optimizer"}:
        usual = Auto().on(n).model_dump()
        assert found.model_dump() == usual | chosen


def test_a_table_without_a_base_starts_from_the_default() -> None:
    plain = Study.create(dataset="digits", recipe={"learning_rate": 1e-3}).recipe
    assert plain == Study.create(dataset="digits", recipe=Auto(learning_rate=1e-3)).recipe
    assert plain != Study.create(dataset="digits").recipe == (RECIPES["auto"],)
    whole = Study.create(dataset="digits", recipe=Recipe(epochs=3).model_dump()).recipe
    assert whole == (Recipe(epochs=3),)


def test_a_given_patience_sets_that_of_the_plateau_and_none_stays_none() -> None:
    assert Auto(patience=30).on(1000).plateau_patience == 15
    assert Auto(patience=1).on(1000).plateau_patience == 1
    assert Auto(patience=0).on(1000).patience == 0
    assert Auto(optimizer="sgd").on(1000).learning_rate > Auto().on(1000).learning_rate


def test_sizes_get_recipes_of_their_own_under_one_label() -> None:
    recipes = ["auto", {"learning_rate": 0.01}, "small"]
    grid = resolve(make_study(size=[50, 200, "all"], recipe=recipes, model="mlp"))
    found = {(cell.size, cell.recipe.label): cell.recipe for cell in grid.cells}
    assert len(found) == 9
    assert {label for _, label in found} == {"auto", "auto learning_rate=0.01", "small"}
    for size in (50, 200, 1347):
        assert found[size, "auto"] == Auto().on(size)
        assert found[size, "auto learning_rate=0.01"] == Auto(learning_rate=0.01).on(size)
        assert found[size, "small"] == RECIPES["small"]
    back = Grid.from_json(json.loads(json.dumps(grid.to_json())))
    assert back.cells == grid.cells
    assert back.keys == grid.keys


def test_the_numbers_are_in_the_key_and_the_name_is_not() -> None:
    study = make_study(recipe="auto", model="mlp")
    grid = resolve(study)
    whole = resolve(study.but(recipe=Auto().on(200).model_dump()))
    assert whole.keys == grid.keys
    assert resolve(study.but(recipe={"epochs": 7})).keys != grid.keys
    trial = next(iter(grid.trials.values()))
    assert trial.to_json()["recipe"] == Auto().on(200).model_dump()


@pytest.mark.usefixtures("wide")
def test_a_plan_says_what_was_chosen_for_each_size(tmp_path: Any) -> None:
    study = make_study(size=[50, 200], recipe=["auto", "small"], model="mlp")
    told = describe.plan(study, tmp_path, runner.plan(study, tmp_path))
    assert f"auto, digits, 50 labels: {Auto().on(50).told}; auto, digits, 200 labels: " in told
    assert "recipe" not in describe.plan(
        study.but(recipe="small"), tmp_path, runner.plan(study.but(recipe="small"), tmp_path)
    )


@pytest.mark.parametrize("size", [50, 200])
def test_it_is_no_worse_than_the_recipe_made_for_small_sets(size: int, tmp_path: Any) -> None:
    import gigo

    fields: dict[str, Any] = {"dataset": "digits", "size": size, "model": "mlp", "replicates": 2}
    fields |= {"recipe": ["auto", "small"], "rates": 0}
    found = gigo.sweep(out=tmp_path / "run", workers=1, **fields).frame
    mean: Any = found.groupby("recipe")["accuracy"].mean()
    assert mean["auto"] > mean["small"] - 0.02
