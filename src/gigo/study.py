"""A study: what to train, as data. Studies become cells, cells and replicates become trials.

study.toml or keywords ──► Study ──► cells (points of the grid) ──► trials (models to train)
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import numpy as np
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from gigo import corruptions, datasets, models
from gigo.corruptions import Placement
from gigo.errors import SpecError, unknown

SCIENCE = 1
"""Part of every trial's key; raised when the same trial would come to mean something else."""

HELD_OUT = 0.2
"""The share of a trial's items that ``clean`` validation holds out."""

Precision = Literal["auto", "bfloat16", "float32", "float64"]
Validation = Literal["oracle", "clean", "none"]
Subset = Literal["random", "first"]


def _plain(value: object) -> object:
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    if isinstance(value, list | tuple | range):
        return [_plain(item) for item in value]
    return value


class Spec(BaseModel):
    """Strict about types and keys, immutable; NumPy's numbers and arrays count as Python's."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _without_numpy(cls, fields: object) -> object:
        if not isinstance(fields, Mapping):
            return fields
        return {name: _plain(value) for name, value in fields.items()}


class Choice(Spec):
    """A catalogue's entry with options, such as ``{name = "symmetric", include_true = true}``."""

    model_config = ConfigDict(extra="allow")

    name: str

    @property
    def options(self) -> dict[str, Any]:
        return dict(self.__pydantic_extra__ or {})

    @property
    def label(self) -> str:
        """How tables and figures name it."""
        return " ".join([self.name, *(f"{k}={v}" for k, v in sorted(self.options.items()))])

    def to_json(self) -> dict[str, Any]:
        return {"name": self.name, **dict(sorted(self.options.items()))}


class Recipe(Spec):
    """How a model is trained. The defaults are the article's.

    Attributes:
        optimizer: ``adam`` (Kingma & Ba 2015, epsilon added as Keras adds it) or ``sgd``.
        learning_rate: at the start.
        momentum: of SGD (Polyak's, as PyTorch and Keras apply it).
        weight_decay: L2 penalty added to the gradient, weights and biases alike.
        epsilon: of Adam.
        batch_size: the last, short batch of an epoch is kept.
        epochs: at most.
        patience: stop after so many epochs without a strictly better monitored accuracy; 0 never.
        plateau_patience: multiply the rate by ``plateau_factor`` after so many epochs without an
            improvement of more than ``plateau_min_delta``; 0 never.
        schedule: ``constant``, ``cosine`` (to 0 over ``epochs``; Loshchilov & Hutter 2017,
            section 3, without restarts) or ``step`` (times ``step_factor`` every ``step_epochs``).
    """

    optimizer: Literal["adam", "sgd"] = "adam"
    learning_rate: float = Field(default=1e-3, gt=0)
    momentum: float = Field(default=0.9, ge=0, lt=1)
    weight_decay: float = Field(default=0.0, ge=0)
    epsilon: float = Field(default=1e-7, gt=0)
    batch_size: int = Field(default=256, ge=1)
    epochs: int = Field(default=100, ge=1)
    patience: int = Field(default=10, ge=0)
    plateau_patience: int = Field(default=5, ge=0)
    plateau_factor: float = Field(default=0.1, gt=0, lt=1)
    plateau_min_delta: float = Field(default=1e-4, ge=0)
    schedule: Literal["constant", "cosine", "step"] = "constant"
    step_epochs: int = Field(default=30, ge=1)
    step_factor: float = Field(default=0.1, gt=0, lt=1)

    @property
    def label(self) -> str:
        """The built-in recipe's name, with what differs from the nearest one."""
        mine = self.model_dump()

        def changes(base: Recipe) -> list[str]:
            theirs = base.model_dump()
            return [f"{k}={v}" for k, v in mine.items() if v != theirs[k]]

        name, base = min(RECIPES.items(), key=lambda item: len(changes(item[1])))
        return " ".join([name, *changes(base)])


RECIPES: dict[str, Recipe] = {
    "article": Recipe(),
    "small": Recipe(batch_size=32, epochs=60, patience=8, plateau_patience=4),
    "sgd": Recipe(
        optimizer="sgd",
        learning_rate=0.05,
        weight_decay=5e-4,
        batch_size=128,
        epochs=30,
        patience=0,
        plateau_patience=0,
        schedule="cosine",
    ),
}


def _as_tuple(value: object) -> object:
    return tuple(value) if isinstance(value, list | tuple) else (value,)


def _as_choice(value: object) -> object:
    return {"name": value} if isinstance(value, str) else value


def _as_recipe(value: object) -> object:
    if isinstance(value, str):
        value = {"base": value}
    if isinstance(value, Mapping):
        given: dict[str, object] = {**value}
        base = given.pop("base", "article")
        if not isinstance(base, str):
            raise SpecError("recipe.base", base, f"one of {', '.join(sorted(RECIPES))}")
        if base not in RECIPES:
            raise unknown("recipe", base, RECIPES)
        return {**RECIPES[base].model_dump(), **given}
    return value


def _as_rate(value: float) -> float:
    """To 9 decimals, so that 0.1 + 0.2 is the point of the grid that 0.3 is; 0 for -0."""
    return round(value, 9) + 0.0


OneOrMore = BeforeValidator(_as_tuple)
ChoiceItem = Annotated[Choice, BeforeValidator(_as_choice)]
RecipeItem = Annotated[Recipe, BeforeValidator(_as_recipe)]
RateItem = Annotated[float, Field(ge=0, le=1), AfterValidator(_as_rate)]
SizeItem = Literal["all"] | Annotated[int, Field(ge=1)]


@dataclass(frozen=True)
class Cell:
    """A point of the grid. ``corruption`` is the one asked for, at rate 0 too."""

    dataset: str
    size: int
    corruption: Choice
    rate: float
    model: Choice
    recipe: Recipe
    validation: Validation


@dataclass(frozen=True)
class Trial:
    """A cell in one replicate: one model to train.

    ``corruption`` is None at rate 0, where it could change nothing; the cells of all corruptions
    then share one trial.
    """

    dataset: str
    data: str
    size: int
    corruption: Choice | None
    rate: float
    placement: Placement
    subset: Subset
    model: Choice
    recipe: Recipe
    validation: Validation
    precision: str
    seed: int
    replicate: int

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values; the inverse of `Trial.from_json`."""
        plain = asdict(self)
        plain["corruption"] = self.corruption and self.corruption.to_json()
        plain["model"] = self.model.to_json()
        plain["recipe"] = self.recipe.model_dump()
        return plain

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> Trial:
        fields: dict[str, Any] = {**plain}
        fields["corruption"] = plain["corruption"] and Choice(**plain["corruption"])
        fields["model"] = Choice(**plain["model"])
        fields["recipe"] = Recipe(**plain["recipe"])
        return cls(**fields)

    @property
    def key(self) -> str:
        """sha256 of everything that changes the result, and of nothing that does not."""
        content = {"science": SCIENCE, **self.to_json()}
        del content["dataset"]  # a name; its content is in ``data``
        return hashlib.sha256(
            json.dumps(content, sort_keys=True, separators=(",", ":")).encode()
        ).hexdigest()


class Study(Spec):
    """A grid of trials. Every field that takes several values also takes one.

    Attributes:
        name: names the run folder and the report.
        dataset: names from ``gigo list datasets``.
        size: training items paid for, held-out ones included; ``"all"`` or numbers.
        corruption: names from ``gigo list corruptions``, or tables with ``name`` and options.
        rates: fractions of the final training set to corrupt, 0 to 1, to 9 decimals.
        replicates: repetitions, each with its own subset, split, order, corruption and weights.
        model: names from ``gigo list models`` or tables; ``"auto"``: ``article_cnn`` for images of
            at least 24x24, else ``small_cnn``.
        recipe: names of built-in recipes, or tables (``base`` names the one to start from).
        validation: what early stopping and the choice of weights look at: ``oracle`` (the test
            set, as the article did), ``clean`` (a held-out 20 %), ``none``.
        subset: which items a size takes: ``random`` (nested over sizes) or the ``first`` ones.
        placement: which items are corrupted first: ``random``, or the ``tail`` of the file.
        precision: ``auto`` is bfloat16 where the device is fast at it, else float32.
        seed: of everything random.
    """

    name: str = Field(default="study", pattern=r"^[A-Za-z0-9_-][A-Za-z0-9._-]*$")
    summary: str = ""
    dataset: Annotated[tuple[str, ...], OneOrMore, Field(min_length=1)]
    size: Annotated[tuple[SizeItem, ...], OneOrMore, Field(min_length=1)] = ("all",)
    corruption: Annotated[tuple[ChoiceItem, ...], OneOrMore, Field(min_length=1)] = (
        Choice(name="symmetric"),
    )
    rates: Annotated[tuple[RateItem, ...], OneOrMore, Field(min_length=1)] = tuple(
        k / 10 for k in range(11)
    )
    replicates: int = Field(default=3, ge=1)
    model: Annotated[tuple[ChoiceItem, ...], OneOrMore, Field(min_length=1)] = (
        Choice(name="auto"),
    )
    recipe: Annotated[tuple[RecipeItem, ...], OneOrMore, Field(min_length=1)] = (Recipe(),)
    validation: Annotated[tuple[Validation, ...], OneOrMore, Field(min_length=1)] = ("clean",)
    subset: Subset = "random"
    placement: Placement = "random"
    precision: Precision = "auto"
    seed: int = 0

    @classmethod
    def create(cls, **fields: Any) -> Self:
        """A checked study.

        Raises:
            SpecError: naming the field, the value and what was expected.
        """
        try:
            return cls(**fields)
        except ValidationError as error:
            raise _spec_error(error) from None

    @classmethod
    def from_toml(cls, path: Path) -> Self:
        """The study in a TOML file; ``name`` defaults to the file's stem."""
        try:
            fields = tomllib.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise SpecError("study", str(path), f"a readable file ({error.strerror})") from None
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise SpecError("study", str(path), f"a TOML file ({error})") from None
        return cls.create(**{"name": path.stem, **fields})

    def but(self, **fields: Any) -> Self:
        """This study with some fields replaced, checked again."""
        given = {name: getattr(self, name) for name in self.model_fields_set}
        return type(self).create(**{**given, **fields})

    @field_validator("dataset")
    @classmethod
    def _known_datasets(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        for name in names:
            if name not in datasets.CATALOGUE:
                raise unknown("dataset", name, datasets.CATALOGUE)
        return names

    @field_validator("corruption")
    @classmethod
    def _known_corruptions(cls, choices: tuple[Choice, ...]) -> tuple[Choice, ...]:
        options = {name: entry.options for name, entry in corruptions.CATALOGUE.items()}
        return tuple(_known("corruption", choice, options) for choice in choices)

    @field_validator("model")
    @classmethod
    def _known_models(cls, choices: tuple[Choice, ...]) -> tuple[Choice, ...]:
        options = {name: entry.options for name, entry in models.CATALOGUE.items()}
        return tuple(_known("model", choice, {"auto": {}, **options}) for choice in choices)

    @model_validator(mode="after")
    def _fits_the_data(self) -> Self:
        for name in self.dataset:
            card = datasets.CATALOGUE[name]
            for size in self.size:
                if size != "all" and size > card.n_train:
                    raise SpecError("size", size, f"at most the {card.n_train} items of {name}")
                if size != "all" and "clean" in self.validation and round(HELD_OUT * size) < 1:
                    raise SpecError("size", size, "at least 3 items, or clean holds out none")
            for choice in self.model:
                chosen = _resolve_model(choice, name)
                models.check_input(chosen.name, name, card.input_shape, **chosen.options)
        return self

    def cells(self) -> Iterator[Cell]:
        """The points of the grid, replicates aside, without repetition."""
        grid = product(
            self.dataset,
            self.size,
            self.corruption,
            sorted(self.rates),
            self.model,
            self.recipe,
            self.validation,
        )
        seen: set[Cell] = set()
        for dataset, size, corruption, rate, model, recipe, validation in grid:
            n_items = datasets.CATALOGUE[dataset].n_train if size == "all" else size
            cell = Cell(
                dataset,
                n_items,
                corruption,
                rate,
                _resolve_model(model, dataset),
                recipe,
                validation,
            )
            if cell not in seen:
                seen.add(cell)
                yield cell

    def trial(self, cell: Cell, replicate: int, precision: str) -> Trial:
        """The trial of a cell in a replicate (counted from 0), at a resolved precision."""
        return Trial(
            dataset=cell.dataset,
            data=datasets.CATALOGUE[cell.dataset].sha256,
            size=cell.size,
            corruption=cell.corruption if cell.rate > 0 else None,
            rate=cell.rate,
            placement=self.placement if cell.rate > 0 else "random",
            subset=self.subset,
            model=cell.model,
            recipe=cell.recipe,
            validation=cell.validation,
            precision=precision,
            seed=self.seed,
            replicate=replicate,
        )

    def trials(self, precision: str) -> dict[str, Trial]:
        """Every model to train, by key, in the grid's order."""
        trials = (
            self.trial(cell, replicate, precision)
            for replicate in range(self.replicates)
            for cell in self.cells()
        )
        return {trial.key: trial for trial in trials}


def _resolve_model(choice: Choice, dataset: str) -> Choice:
    if choice.name != "auto":
        return choice
    return Choice(name=models.default_for(datasets.CATALOGUE[dataset].input_shape))


def _known(field: str, choice: Choice, options: Mapping[str, Mapping[str, object]]) -> Choice:
    """The choice, checked, without options at their defaults: these are the same trials."""
    if choice.name not in options:
        raise unknown(field, choice.name, options)
    defaults = options[choice.name]
    for option, value in choice.options.items():
        if not defaults:
            raise SpecError(f"{field}.{choice.name}", option, "no options")
        if option not in defaults:
            raise unknown(f"{field}.{choice.name}", option, defaults)
        if type(value) is not type(defaults[option]):
            kind = type(defaults[option]).__name__
            raise SpecError(f"{field}.{choice.name}.{option}", value, f"a value of type {kind}")
    chosen = {k: v for k, v in choice.options.items() if v != defaults[k]}
    return Choice(name=choice.name, **chosen)


_EXPECTED = {
    "name": "letters, digits, '_', '-' and '.', the first not '.'",
    "size": "whole numbers of at least 1, or 'all'",
    "rates": "numbers from 0 to 1",
    "corruption": "names, or tables with a name and options",
    "model": "names, or tables with a name and options",
    "recipe": "names of recipes, or tables",
}
"""Where pydantic's words would not help."""


def _spec_error(error: ValidationError) -> SpecError:
    """The gravest complaint of pydantic as one line: keys first, their values may be misplaced."""
    errors = error.errors(include_url=False)
    first = next((e for e in errors if e["type"] == "extra_forbidden"), errors[0])
    path = [part for part in first["loc"] if isinstance(part, str)]
    if path[0] == "size":
        path = path[:1]  # what follows are pydantic's names for the kinds of size
    name = ".".join(path)
    if first["type"] == "extra_forbidden":
        known = Recipe.model_fields if len(path) > 1 else Study.model_fields
        return unknown(".".join([*path[:-1], "key"]), path[-1], known)
    if first["type"] == "missing":
        return SpecError(name, None, "a value: it has no default")
    if first["type"] == "too_short":
        return SpecError(name, first["input"], "at least one value")
    message = first["msg"].removeprefix("Input should be ")
    return SpecError(name, first["input"], _EXPECTED.get(name, message))
