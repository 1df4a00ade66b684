"""A study: what to train, as data. Studies become cells, cells and replicates become trials.

study.toml or keywords ──► Study ──► cells (points of the grid) ──► trials (models to train)
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from itertools import product
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, ValidationError, field_validator, model_validator

from gigo import corruptions, datasets, models
from gigo.corruptions import Placement
from gigo.errors import SpecError, unknown
from gigo.recipe import Recipe, RecipeItem
from gigo.specs import Choice, ChoiceItem, OneOrMore, Spec
from gigo.trial import HELD_OUT, Cell, Subset, Trial, Validation

NAME = r"^[A-Za-z0-9_-][A-Za-z0-9._-]*$"
"""Of a study: it names a folder too."""

Precision = Literal["auto", "bfloat16", "float32", "float64"]


SUMMARISED = {"dataset", "size", "corruption", "model", "recipe", "validation"}
"""What a study's summary tells of."""


def _as_rate(value: float) -> float:
    """To 9 decimals, so that 0.1 + 0.2 is the point of the grid that 0.3 is; 0 for -0."""
    return round(value, 9) + 0.0


RateItem = Annotated[float, Field(ge=0, le=1), AfterValidator(_as_rate)]
SizeItem = Literal["all"] | Annotated[int, Field(ge=1)]


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
            at least 24x24, ``small_cnn`` for smaller ones, ``mlp`` for other items.
        recipe: names of built-in recipes, or tables (``base`` names the one to start from).
        validation: what early stopping and the choice of weights look at: ``oracle`` (the test
            set, as the article did), ``clean`` (a held-out 20 %), ``noisy`` (the same 20 %, with
            the same corruption at the same rate), ``none``.
        subset: which items a size takes: ``random`` (nested over sizes) or the ``first`` ones.
        placement: which items are corrupted first: ``random``, or the ``tail`` of the file.
        precision: ``auto`` is bfloat16 where the device is fast at it, else float32.
        seed: of everything random.
        unverified: copies that differ from the official data and are to be read all the same, by
            data set: their sha256 (``gigo run --unverified`` fills it in).
    """

    name: str = Field(default="study", pattern=NAME)
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
    unverified: dict[str, str] = Field(default_factory=dict[str, str])

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
            fields = tomllib.loads(path.read_text(encoding="utf-8-sig"))
        except OSError as error:
            raise SpecError("study", str(path), f"a readable file ({error.strerror})") from None
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise SpecError("study", str(path), f"a TOML file ({error})") from None
        if "name" not in fields and not re.match(NAME, path.stem):
            fitting = re.sub(r"[^A-Za-z0-9]+", "-", path.stem).strip("-") or "study"
            raise SpecError(
                "study", str(path), f"name = '{fitting}' in it: the file's own can't name a run"
            )
        return cls.create(**{"name": path.stem, **fields})

    def but(self, **fields: Any) -> Self:
        """This study with some fields replaced, checked again.

        Its summary goes where it may no longer be true.
        """
        given = {name: getattr(self, name) for name in self.model_fields_set}
        if fields.keys() & SUMMARISED:
            given.pop("summary", None)
        return type(self).create(**{**given, **fields})

    @field_validator("dataset")
    @classmethod
    def _known_datasets(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        for name in names:
            if name not in datasets.CATALOGUE:
                raise unknown("dataset", name, datasets.CATALOGUE)
        return names

    @field_validator("unverified")
    @classmethod
    def _known_copies(cls, copies: dict[str, str]) -> dict[str, str]:
        for name in copies:
            if name not in datasets.CATALOGUE:
                raise unknown("unverified", name, datasets.CATALOGUE)
        return copies

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
                holds_out = not {"clean", "noisy"}.isdisjoint(self.validation)
                if size != "all" and holds_out and round(HELD_OUT * size) < 1:
                    raise SpecError("size", size, "at least 3 items, or none can be held out")
            for choice in self.model:
                chosen = _resolve_model(choice, name)
                models.check_input(chosen.name, name, card.input_shape, **chosen.options)
            for recipe in self.recipe:
                _check_augmentation(recipe, name, card.input_shape)
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
        """The trial of a cell in a replicate (counted from 0), at a resolved precision.

        At rate 0 nothing is corrupted: there all kinds of corruption, and clean and noisy
        validation, are one trial.
        """
        clean = cell.rate == 0
        return Trial(
            dataset=cell.dataset,
            data=self.unverified.get(cell.dataset, datasets.CATALOGUE[cell.dataset].sha256),
            size=cell.size,
            corruption=None if clean else cell.corruption,
            rate=cell.rate,
            placement="random" if clean else self.placement,
            subset=self.subset,
            model=cell.model,
            recipe=cell.recipe,
            validation="clean" if clean and cell.validation == "noisy" else cell.validation,
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


def _check_augmentation(recipe: Recipe, dataset: str, input_shape: tuple[int, ...]) -> None:
    if not recipe.augments:
        return
    field, value = ("crop", recipe.crop) if recipe.crop else ("flip", recipe.flip)
    if len(input_shape) != 3:
        raise SpecError(f"recipe.{field}", value, f"images, which {dataset} has not")
    side = min(input_shape[1:])
    if recipe.crop >= side:
        raise SpecError("recipe.crop", recipe.crop, f"less than the {side} pixels of {dataset}")


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
    "unverified": "a table of sha256 by data set, which gigo run --unverified fills in",
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
