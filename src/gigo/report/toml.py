"""A study as a TOML file that ``gigo run`` takes."""

from __future__ import annotations

import json
from collections.abc import Container, Mapping
from typing import Any

from gigo.recipe import RECIPES, Recipe
from gigo.study import Study


def to_toml(study: Study, idle: Container[str] = ()) -> str:
    """Every field, defaults included, so that the text keeps its meaning if a default changes.

    Those that are ``idle``, as a recipe is for estimators, are left out.
    """
    fields = study.model_dump(mode="json")
    fields["recipe"] = [_recipe(recipe) for recipe in study.recipe]
    told = {name: value for name, value in fields.items() if value != "" and name not in idle}
    lines = [f"{name} = {_value(value)}" for name, value in told.items()]
    return "\n".join(lines) + "\n"


def _recipe(recipe: Recipe) -> str | dict[str, Any]:
    names = [name for name, known in RECIPES.items() if known == recipe]
    return names[0] if names else recipe.model_dump(mode="json")


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{k} = {_value(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list | tuple):
        plain = [v["name"] if isinstance(v, dict) and set(v) == {"name"} else v for v in value]
        return "[" + ", ".join(_value(v) for v in plain) + "]"
    # Strings, numbers and booleans are written alike in JSON and TOML, save for the DEL character.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
