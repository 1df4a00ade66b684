"""A grid: a study with every name looked up, as plain data that a run keeps."""

from __future__ import annotations

import math
from collections.abc import Container, Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from itertools import chain, product
from math import prod
from typing import Any, Self

from gigo.axes import Cell
from gigo.errors import SpecError
from gigo.recipe import IDLE_RECIPE, Recipe
from gigo.study import Study, items_of, usual_rates
from gigo.trial import HELD_OUT, Trial
from gigo.types import Card, Corruption, Model, Resolved

MOST_TRIALS = 1_000_000
"""In one study; more is a slip of the pen."""

MOST_ADDED = 0.9
"""Of a training set that is added: at rate 1 nothing else would be there."""

OWN_PRECISION = "own"
"""Of an estimator, which computes as it likes."""


@dataclass(frozen=True)
class Grid:
    """What a study means: every trial follows from it.

    Attributes:
        study: as it was said.
        datasets: its data sets.
        corruptions: its corruptions.
        models: its models by data set, where ``auto`` may mean different ones.
        precision: that its trials compute in.
        cliffs: by data set and corruption's label, the rate (K,) at which each class stops being
            the most probable label; only for corruptions that are known as a matrix, and that
            nothing comes before.
        highest: likewise, the highest rate that the whole data set allows, where that is below 1.

    At rate 0 the two kinds of corruption share a trial:

    >>> from gigo.resolve import resolve
    >>> from gigo.study import Study, items_of, usual_rates
    >>> kinds = ["symmetric", "biased"]
    >>> study = Study.create(dataset="digits", corruption=kinds, rates=[0, 0.5], replicates=10)
    >>> grid = resolve(study)
    >>> len(grid.cells), len(grid.trials)
    (4, 30)
    >>> grid.cells[-1].labels["corruption"], grid.cells[-1].labels["model"]
    ('biased', 'patches')
    >>> Grid.from_json(grid.to_json()).trials == grid.trials
    True
    """

    study: Study
    datasets: tuple[Card, ...]
    corruptions: tuple[Corruption, ...]
    models: Mapping[str, tuple[Model, ...]]
    precision: str
    cliffs: Mapping[str, Mapping[str, tuple[float, ...]]]
    highest: Mapping[str, Mapping[str, float]] = field(default_factory=dict[str, Any])

    def __post_init__(self) -> None:
        pairs = product(self.datasets, self.corruptions)
        rates = max((self.rates(card, kind) for card, kind in pairs), key=len)
        sides = (self.datasets, self.study.size, self.corruptions, rates)
        sides += (next(iter(self.models.values())), self.study.recipe, self.study.validation)
        count = self.study.replicates * prod(map(len, sides))
        if count > MOST_TRIALS:
            raise SpecError("trials", count, f"at most {MOST_TRIALS:,} in one study")

    def at(self, precision: str) -> Self:
        """The same grid in another precision."""
        return self if precision == self.precision else replace(self, precision=precision)

    @cached_property
    def cells(self) -> tuple[Cell, ...]:
        """The points of the grid, replicates aside, without repetition."""
        study = self.study
        found: dict[Cell, None] = {}
        for card in self.datasets:
            pairs = [(kind, rate) for kind in self.corruptions for rate in self.rates(card, kind)]
            for size, (kind, rate), model, recipe, policy in product(
                study.size, pairs, self.models[card.name], study.recipe, study.validation
            ):
                number = items_of(size, card.n_train)
                whole = recipe.on(number) if model.trainer == "network" else IDLE_RECIPE
                if policy == "auto":
                    policy = "clean" if model.monitors else "none"
                found[Cell(card, number, kind, rate, model, whole, policy)] = None
        return tuple(found)

    def highest_rate(self, card: Card, kind: Corruption) -> float:
        """The highest rate that is worth asking for: every trial can have it.

        The items of a trial differ from the whole set: where rates are shares of them, it stays
        three standard errors of the share among the fewest items below what that allows.
        """
        rate = self.highest.get(card.name, {}).get(kind.label, 1.0)
        if kind.rate_of == "added":
            return min(rate, MOST_ADDED)
        fewest = (1 - HELD_OUT) * min(items_of(size, card.n_train) for size in self.study.size)
        return max(rate - 3 * math.sqrt(rate * (1 - rate) / fewest), 0.0)

    @property
    def most(self) -> float:
        """The highest rate that is worth asking for of all its corruptions and data sets."""
        return min(self.highest_rate(*pair) for pair in product(self.datasets, self.corruptions))

    def rates(self, card: Card, kind: Corruption) -> list[float]:
        """Those of the study, ascending; ``auto`` is by the classes, and by what is possible."""
        of_two = card.n_classes == 2 and kind.of_labels
        usual = usual_rates(of_two, kind.rate_of, self.highest_rate(card, kind))
        said = [usual if each == "auto" else (each,) for each in self.study.rates]
        return sorted({*chain.from_iterable(said)})

    def trial(self, cell: Cell, replicate: int) -> Trial:
        """The trial of a cell in a replicate, counted from 0.

        At rate 0 all kinds of corruption are one trial, unless they bring test sets; and so are
        clean and noisy validation, unless other corruptions come first.
        """
        point: dict[str, Any] = {**vars(cell)}
        if cell.rate == 0:
            left = point["corruption"] = cell.corruption.at_zero
            if left is None or "after" not in left.to_json():
                point["validation"] = cell.validation.replace("noisy", "clean")
        return Trial(
            **point,
            subset=self.study.subset,
            precision=OWN_PRECISION if cell.model.trainer == "estimator" else self.precision,
            seed=self.study.seed,
            replicate=replicate,
        )

    @property
    def replicates(self) -> range:
        """Their numbers."""
        first = self.study.first_replicate
        return range(first, first + self.study.replicates)

    @cached_property
    def keys(self) -> tuple[str, ...]:
        """The key of every cell's trial in every replicate, replicates outermost."""
        by_cell = [self.trial(cell, 0).keys(self.replicates) for cell in self.cells]
        return tuple(chain.from_iterable(zip(*by_cell, strict=True)))

    @cached_property
    def trials(self) -> dict[str, Trial]:
        """Every model to train, by key, in the grid's order."""
        return self.pending(())

    def pending(self, done: Container[str]) -> dict[str, Trial]:
        """The `trials` whose keys are not among ``done``."""
        places = {key: place for place, key in enumerate(self.keys) if key not in done}
        count = len(self.cells)
        return {
            key: self.trial(self.cells[place % count], self.replicates[place // count])
            for key, place in places.items()
        }

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values; the inverse of `from_json`."""
        return {
            "study": self.study.model_dump(mode="json"),
            "datasets": [_plain(card) for card in self.datasets],
            "corruptions": [_plain(each) for each in self.corruptions],
            "models": {name: [_plain(each) for each in some] for name, some in self.models.items()},
            "precision": self.precision,
            "cliffs": {name: dict(some) for name, some in self.cliffs.items()},
            "highest": {name: dict(some) for name, some in self.highest.items()},
        }

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> Self:
        """A grid without what is no data: its things have labels and identities, and no values."""
        study: dict[str, Any] = {**plain["study"]}
        # Whole ones: what a user may not write, since it does nothing, is in many of them.
        study["recipe"] = [r if "base" in r else Recipe(**r) for r in study["recipe"]]
        return cls(
            study=Study.create(**study),
            datasets=tuple(_card(**card) for card in plain["datasets"]),
            corruptions=tuple(Corruption(**each) for each in plain["corruptions"]),
            models={
                name: tuple(Model(**each) for each in some)
                for name, some in plain["models"].items()
            },
            precision=plain["precision"],
            cliffs={
                name: {label: tuple(rates) for label, rates in some.items()}
                for name, some in plain["cliffs"].items()
            },
            highest=plain.get("highest", {}),  # which older runs have not
        )


def _card(*, input_shape: list[int], **fields: Any) -> Card:
    return Card(input_shape=tuple(input_shape), **fields)


def _plain(thing: Card | Resolved) -> dict[str, Any]:
    """Its compared fields: those are data."""
    return {each.name: getattr(thing, each.name) for each in fields(thing) if each.compare}
