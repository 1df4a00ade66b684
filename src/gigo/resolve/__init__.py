"""Names become values, once: the only place that looks into gigo's catalogues.

Study ──► resolve ──► Grid, whose data sets can be loaded, models built and sets corrupted
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from itertools import product
from pathlib import Path

from gigo import datasets
from gigo.errors import SpecError
from gigo.grid import Grid
from gigo.measures import RANKING
from gigo.recipe import Recipe
from gigo.resolve.data import card_of, check_names, in_memory
from gigo.resolve.kinds import check_kind, corruption, corruptions_of, own_rate
from gigo.resolve.models import check_gaps, models_of
from gigo.resolve.named import check_labels
from gigo.resolve.rates import Possible, cliffs_of
from gigo.study import Study, items_of
from gigo.trial import HELD_OUT
from gigo.types import Card, Corruption, Model, Watch, silent

__all__ = [
    "check_kind",
    "corruption",
    "in_memory",
    "label_codes",
    "label_column",
    "own_data",
    "own_rate",
    "remade",
    "resolve",
    "sources",
    "whole_data",
    "write_data",
]

own_data = datasets.from_memory
"""A data set of what a Python program has."""


label_column = datasets.column
label_codes = datasets.encode
"""Labels of any kind as an array, and as numbers with the names of the classes."""


remade = datasets.remade
whole_data = datasets.whole
write_data = datasets.write
"""Items after edits in the form in which they were given: in memory, read from a path, written."""


def resolve(
    study: Study,
    precision: str = "float32",
    data_dir: Path | None = None,
    accelerated: bool = False,
    watch: Watch = silent,
) -> Grid:
    """Look up every name of a study.

    Args:
        study: as said.
        precision: what ``auto`` means on the device that will train.
        data_dir: where official data files lie; see `gigo.datasets.load`.
        accelerated: whether that device is faster than a CPU: ``auto`` models then are networks.
        watch: is told how far the images of a data set are that have to be decoded for it.

    Raises:
        SpecError: an unknown name, or a value that does not fit the data.
        DataError: a data set that has to be read for it can't be.

    >>> grid = resolve(Study.create(dataset="digits", model="auto"))
    >>> grid.datasets[0].n_train, grid.models["digits"][0].label
    (1347, 'patches')
    >>> resolve(Study.create(dataset="digits", model="resnt"))
    Traceback (most recent call last):
    gigo.errors.SpecError: model = 'resnt': expected one of ...
    """
    cards, kinds = sources(study, data_dir, watch)
    check_names([card.name for card in cards])
    chosen = {card.name: models_of(study, card, accelerated) for card in cards}
    for card in cards:
        _check_sizes(study, card, chosen[card.name])
        _check_metric(study.metric, card)
        for recipe in study.recipe:
            _check_augmentation(recipe, card, chosen[card.name])
    check_labels("corruption", kinds)
    for card, kind in product(cards, kinds):
        for each in (*(first for first, _ in kind.before), kind):
            check_kind(each, card)
    for card in cards:
        check_gaps(card, chosen[card.name], kinds)
    possible = {card.name: Possible(card, study) for card in cards}
    grid = Grid(
        study=study,
        datasets=cards,
        corruptions=kinds,
        models=chosen,
        precision=precision if study.precision == "auto" else study.precision,
        cliffs={card.name: cliffs_of(card, kinds) for card in cards},
        highest={name: each.below(kinds) for name, each in possible.items()},
    )
    for card, kind in product(cards, kinds):
        possible[card.name].check("rates", max(grid.rates(card, kind)), kind)
        for place, (first, rate) in enumerate(kind.before):
            after = replace(first, before=kind.before[:place])
            field = f"corruption.{first.to_json()['name']}.rate"
            possible[card.name].check(field, rate, after)
    return grid


def sources(
    study: Study, data_dir: Path | None = None, watch: Watch = silent
) -> tuple[tuple[Card, ...], tuple[Corruption, ...]]:
    """The data sets and the corruptions of a study: what its training sets follow from.

    Raises:
        SpecError, DataError: as `resolve`.
    """
    cards = dict.fromkeys(card_of(ref, data_dir, watch) for ref in study.dataset)
    return (*cards,), corruptions_of(study, data_dir, watch)


def _check_sizes(study: Study, card: Card, models: Iterable[Model]) -> None:
    holds_out = not {"clean", "noisy"}.isdisjoint(study.validation)
    holds_out |= "auto" in study.validation and any(model.monitors for model in models)
    for size in study.size:
        if size == "all":
            continue
        number = items_of(size, card.n_train)
        of = "" if isinstance(size, int) else f" (it is {number} of the {card.n_train})"
        if number > card.n_train:
            raise SpecError("size", size, f"at most the {card.n_train} items of {card.name}")
        if holds_out and round(HELD_OUT * number) < 1:
            raise SpecError("size", size, f"at least 3 items, or none can be held out{of}")
        if number < 1:
            raise SpecError("size", size, f"at least 1 item{of}")


def _check_metric(metric: str, card: Card) -> None:
    if metric in RANKING and card.n_classes != 2:
        expected = f"one for any number of classes: {card.name} has {card.n_classes}"
        raise SpecError("metric", metric, expected)


def _check_augmentation(recipe: Recipe, card: Card, models: Iterable[Model]) -> None:
    if not recipe.augments:
        return
    field, value = ("crop", recipe.crop) if recipe.crop else ("flip", recipe.flip)
    for model in models:
        if model.trainer == "network" and model.features:
            expected = f"none for {model.label}: its features are made once, of whole images"
            raise SpecError(f"recipe.{field}", value, expected)
    if len(card.input_shape) != 3:
        raise SpecError(f"recipe.{field}", value, f"images, which {card.name} has not")
    side = min(card.input_shape[1:])
    if recipe.crop >= side:
        raise SpecError("recipe.crop", recipe.crop, f"less than the {side} pixels of {card.name}")
