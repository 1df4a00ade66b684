"""Names become values, once: the only place that looks into gigo's catalogues.

Study ──► resolve ──► Grid, whose data sets can be loaded, models built and labels corrupted
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields, replace
from functools import partial
from inspect import signature
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gigo import corruptions, datasets, item_weights, models, tables
from gigo.content import IDLE
from gigo.corruptions import cliffs, highest_rate, matrix_of, relabel
from gigo.errors import SpecError, unknown
from gigo.grid import Grid
from gigo.inputs import count, take
from gigo.measures import RANKING
from gigo.recipe import MOST, Recipe
from gigo.ref import Ref, as_ref, canonical
from gigo.study import Study, items_of
from gigo.trial import HELD_OUT
from gigo.types import (
    Card,
    Corruption,
    Dataset,
    Entry,
    Features,
    Model,
    Placement,
    Resolved,
    Watch,
    silent,
)

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
    _check_names([card.name for card in cards])
    chosen = {card.name: _models(study, card, accelerated) for card in cards}
    for card in cards:
        _check_sizes(study, card, chosen[card.name])
        _check_metric(study.metric, card)
        for recipe in study.recipe:
            _check_augmentation(recipe, card, chosen[card.name])
    _check_labels("corruption", kinds)
    grid = Grid(
        study=study,
        datasets=cards,
        corruptions=kinds,
        models=chosen,
        precision=precision if study.precision == "auto" else study.precision,
        cliffs={card.name: _cliffs(card, kinds) for card in cards},
    )
    for card in cards:
        _check_rates(max(cell.rate for cell in grid.cells if cell.dataset == card), card, kinds)
    return grid


def sources(
    study: Study, data_dir: Path | None = None, watch: Watch = silent
) -> tuple[tuple[Card, ...], tuple[Corruption, ...]]:
    """The data sets and the corruptions of a study: what its training sets follow from.

    Raises:
        SpecError, DataError: as `resolve`.
    """
    cards = dict.fromkeys(_dataset(ref, data_dir, watch) for ref in study.dataset)
    kinds = dict.fromkeys(corruption(ref, study.placement) for ref in study.corruption)
    return (*cards,), (*kinds,)


def _dataset(ref: Ref, data_dir: Path | None, watch: Watch) -> Card:
    """What is known of a data set; those of the catalogue need not be read for it."""
    if ref.is_catalogued and ref.name in datasets.CATALOGUE:
        plain = ref.without("called")
        name, _ = _known("dataset", plain, {name: {} for name in datasets.CATALOGUE})
        card = _card(datasets.CATALOGUE[name], partial(datasets.load, name, data_dir))
        called = _name(ref, name)
        if called == name:
            return card
        return replace(card, name=called, load=partial(_renamed, called, card.load))
    is_there = os.path.exists(os.path.expanduser(ref.name))
    if ref.is_object or (not ref.is_catalogued and not is_there):
        found = _from_source(ref)
    elif datasets.is_path(ref.name):
        found = datasets.from_path(ref.name, watch, **ref.arguments)
    else:
        raise unknown("dataset", ref.name, datasets.CATALOGUE)
    found = replace(found, name=_name(ref, found.name))
    return _card(found, datasets.kept(found))


def _name(ref: Ref, usual: str) -> str:
    """What a data set is called: as the user says, or with the file that its labels are from."""
    if "called" in ref.options:
        return ref.label
    labels = ref.options.get("labels")
    return usual if labels is None else f"{usual}, labels {os.path.basename(str(labels))}"


def _renamed(name: str, load: Callable[[Watch], Dataset], watch: Watch) -> Dataset:
    return replace(load(watch), name=name)


def _check_names(names: Sequence[str]) -> None:
    """Raise SpecError where data sets that differ are called the same."""
    for name, times in Counter(names).items():
        if times > 1:
            expected = (
                "data sets that tables can tell apart: give one another name, such as "
                '{name = "...", called = "another one"}'
            )
            raise SpecError("dataset", name, expected)


def in_memory(card: Card) -> Dataset | None:
    """The data set of a card, where it was read for it; None where it lies elsewhere."""
    return card.load(silent) if isinstance(card.load, datasets.Kept) else None


def _card(known: Dataset | datasets.DatasetEntry, load: Callable[[Watch], Dataset]) -> Card:
    values = {each.name: getattr(known, each.name) for each in fields(Card) if each.compare}
    weighted = getattr(known, "weights", None) is not None
    return Card(
        **values, n_bytes=known.n_bytes, load=load, weighted=weighted, classes=known.classes
    )


def _from_source(ref: Ref) -> Dataset:
    """What an object of the user's is or gives."""
    thing = ref.load("dataset")
    found: Any = thing(**ref.arguments) if callable(thing) else thing
    if isinstance(found, Dataset):
        return found
    if isinstance(found, tuple) and len(found) in (2, 4):
        return datasets.from_memory(*found, name=ref.name.rpartition(":")[2])
    if isinstance(found, Mapping) and {"data", "target"} <= found.keys():
        return datasets.from_memory(found)  # what scikit-learn's loaders give
    expected = "a gigo.Dataset, or a function that gives one, or (X, y), or (X, y, X_test, y_test)"
    raise SpecError("dataset", ref.name, expected)


def corruption(ref: Ref, placement: Placement = "random") -> Corruption:
    """What a ref to a corruption means; raises SpecError.

    A function of the user's that gives a schedule may say by attributes what it does: ``probes``,
    names of the test sets that it brings; ``rate_of``, see `gigo.types.Schedule`.

    >>> known = corruption(Ref(name="symmetric", include_true=True))
    >>> known.label, known.matrix(2).tolist()
    ('symmetric include_true=True', [[0.5, 0.5], [0.5, 0.5]])
    """
    if ref.is_catalogued:  # a file has no numbers as keys: it is to be the same corruption
        options = {name: _keyed_by_text(value) for name, value in ref.options.items()}
        ref = Ref.model_validate({"name": ref.name, **options})
    function, options, chosen = _named("corruption", ref, corruptions.CATALOGUE)
    bound, identity = partial(function, **options), chosen.identity
    label = chosen.short_label if chosen.is_catalogued else chosen.label
    entry = corruptions.CATALOGUE[chosen.name] if chosen.is_catalogued else None
    rate_of = entry.rate_of if entry else getattr(function, "rate_of", "set")
    if next(iter(signature(function).parameters)) == "n_classes":
        if placement != "random":
            identity["placement"] = placement
        value = partial(relabel, destinations=bound, placement=placement, rate_of=rate_of)
        return Corruption(label, canonical(identity), value, matrix=bound, rate_of=rate_of)
    return Corruption(
        label,
        canonical(identity),
        bound,
        probed=bool(entry.probes if entry else getattr(function, "probes", ())),
        rate_of=rate_of,
        inputs=entry is None or entry.family != "labels",
        resizes=entry is None or entry.resizes,
        training_only=entry is not None and entry.training_only,
    )


def check_kind(kind: Corruption, dataset: Dataset) -> None:
    """Raise SpecError where a corruption is one of other inputs than those of a data set."""
    function = getattr(kind.value, "func", None)
    entries = (entry for entry in corruptions.CATALOGUE.values() if entry.function is function)
    kinds = next((entry.kinds for entry in entries), ())
    if kinds and dataset.kind not in kinds:
        expected = f"one for inputs of kind {dataset.kind}: this one is for {' or '.join(kinds)}"
        raise SpecError("corruption", kind.label, expected)


def _keyed_by_text(value: Any) -> Any:
    """A table as a file would have it, in the order of its keys; other values as they are."""
    if not isinstance(value, Mapping):
        return value
    table: Mapping[Any, Any] = value
    return dict(sorted((str(key), each) for key, each in table.items()))


def _shares(card: Card) -> NDArray[np.float64] | None:
    """Of each class in the training set; None where it would have to be read for them."""
    data = in_memory(card)
    if data is None:
        return None
    return np.bincount(data.y_train, minlength=card.n_classes) / data.n_train


def _cliffs(card: Card, kinds: Sequence[Corruption]) -> dict[str, tuple[float, ...]]:
    """By the label of each corruption that is a matrix, see `Grid`."""
    return {
        kind.label: tuple(_lost(kind, card).tolist())
        for kind in kinds
        if kind.matrix is not None and card.n_classes > 1 and not kind.before
    }


def _lost(kind: Corruption, card: Card) -> NDArray[np.float64]:
    """(K,) the rate at which each class is lost."""
    assert kind.matrix is not None
    found = matrix_of(kind.matrix, card.classes)
    return cliffs(found, _shares(card), rate_of=kind.rate_of)


def _check_rates(rate: float, card: Card, kinds: Sequence[Corruption]) -> None:
    """Raise SpecError for a rate that a corruption can't have, before anything is trained.

    What is left to the sample is how far the items of a trial differ from the whole set.
    """
    for kind in kinds:
        if kind.matrix is None or card.n_classes < 2 or kind.rate_of != "set":
            continue
        highest = highest_rate(matrix_of(kind.matrix, card.classes), _shares(card))
        if rate > highest + 1e-9:
            expected = (
                f"at most {highest:.4g} for {kind.label}, which leaves the other "
                f"{100 * (1 - highest):.3g} % of {card.name} as they are"
            )
            raise SpecError("rates", rate, expected)


def _models(study: Study, card: Card, accelerated: bool) -> tuple[Model, ...]:
    """The models for a data set, no two of which are called the same."""
    found = tuple(dict.fromkeys(_model(ref, card, accelerated) for ref in study.model))
    _check_labels("model", found)
    return found


def _check_labels(field: str, found: Iterable[Resolved]) -> None:
    """Raise SpecError where things that differ are called the same."""
    for label, times in Counter(each.label for each in found).items():
        if times > 1:
            expected = (
                f"{field}s that tables can tell apart: give one another name, such as "
                '{"name": ..., "called": "another one"}'
            )
            raise SpecError(field, label, expected)


def _model(ref: Ref, card: Card, accelerated: bool) -> Model:
    """A model for a data set: ``auto`` depends on its inputs."""
    asked, ref = ref.options.get("features"), ref.without("features")
    given = None if asked is None else _features(as_ref("model.features", asked), card)
    # The model sees vectors, whatever the data set's inputs are.
    seen = replace(card, kind="vector", input_shape=(given.width,)) if given else card
    auto = partial(models.default_for, seen, accelerated)
    thing, options, chosen = _named("model", ref, models.CATALOGUE, auto)
    if hasattr(thing, "fit"):
        chosen = chosen.without(*IDLE)
    label, identity, features = chosen.short_label, chosen.identity, given
    own = models.CATALOGUE[chosen.name].features if chosen.is_catalogued else ""
    if given and own:
        raise SpecError(f"model.{chosen.name}", "features", f"no features: it has {own} already")
    if own:
        features = _features(Ref(name=own), card)
    if given:
        label = label if "called" in ref.options else f"{label} features={given.label}"
        identity = {**identity, "features": json.loads(given.identity)}
    if models.is_network(thing, options):
        value = partial(thing, **options)
        model = Model(label, canonical(identity), value, features=features)
        if seen.kind == "table" and (table := in_memory(card)):
            tables.check_columns(label, tables.Takes(words=False, gaps=False), table)
        models.check_input(model, card)
        _check_weights(label, None, card)
        return model
    if ref.is_catalogued:
        models.check_kind(chosen.name, seen)
    make = models.estimator(thing, options)
    made, known = make(), canonical(identity)
    if seen.kind == "table" and (table := in_memory(card)):
        tables.check_columns(label, tables.takes(made), table)
    _check_weights(label, item_weights.argument(made), card)
    monitors, shares = models.monitors(made), hasattr(made, "inputs_once")
    return Model(label, known, make, "estimator", monitors, features=features, shares=shares)


def _check_weights(label: str, argument: str | None, card: Card) -> None:
    """Raise SpecError where items have weights that a model's fit would not be told of."""
    if card.weighted and argument is None:
        such = "such as boosting for a table, sklearn.linear_model:LogisticRegression for vectors"
        expected = f"a model whose fit takes sample_weight, since {card.name} has weights: {such}"
        raise SpecError("model", label, expected)


def _features(ref: Ref, card: Card) -> Features:
    """What a ref turns a data set's inputs into; a function of the user's is tried on two items."""
    if ref.is_catalogued:
        known = {name: entry.options for name, entry in models.FEATURES.items()}
        name, _ = _known("model.features", ref, known)
        return models.FEATURES[name].function(card)
    function = partial(ref.load("model.features"), **ref.arguments)
    tried = models.Embedding(ref.label, function)
    x = card.load(silent).x_train
    width = tried(take(x, np.arange(min(2, count(x))))).shape[1]
    whole = replace(tried, width=width)

    def value(dataset: Dataset) -> Callable[[Any], Any]:
        return whole

    return Features(ref.label, canonical(ref.identity), width, value=value)


def _named(
    field: str, ref: Ref, catalogue: Mapping[str, Entry], auto: Callable[[], str] | None = None
) -> tuple[Any, dict[str, Any], Ref]:
    """What a ref names, its options, and the ref without options at their defaults.

    ``auto`` tells what this name means, if it may be used.
    """
    if not ref.is_catalogued:
        return ref.load(field), ref.arguments, ref
    called = {name: value for name, value in ref.options.items() if name == "called"}
    known = {name: entry.options for name, entry in catalogue.items()}
    name, options = _known(field, ref.without("called"), {"auto": {}, **known} if auto else known)
    if auto and name == "auto":
        name = auto()
    return catalogue[name].function, options, Ref(name=name, **options, **called)


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


def _known(
    field: str, ref: Ref, options: Mapping[str, Mapping[str, object]]
) -> tuple[str, dict[str, Any]]:
    """The name and the options, checked, without those at their defaults: these are the same."""
    if ref.name not in options:
        raise _unlisted(field, ref.name, options)
    defaults = options[ref.name]
    for option, value in ref.options.items():
        if not defaults:
            raise SpecError(f"{field}.{ref.name}", option, "no options")
        if option not in defaults:
            raise unknown(f"{field}.{ref.name}", option, defaults)
        kind, place = type(defaults[option]), f"{field}.{ref.name}.{option}"
        if defaults[option] is None:
            continue  # what it may be is for its function to say
        if defaults[option] == "auto" and isinstance(value, float | int):
            continue  # a number, or leave it to gigo
        if type(value) is not kind:
            raise SpecError(place, value, f"a value of type {kind.__name__}")
        if isinstance(value, int) and abs(value) >= MOST:
            raise SpecError(place, value, f"less than {MOST}")
    return ref.name, {k: v for k, v in ref.options.items() if v != defaults[k]}


def _unlisted(field: str, name: str, known: Iterable[str]) -> SpecError:
    """The error for a name in no catalogue, which may be meant for a file or a module."""
    place, dot, last = name.rpartition(".")
    if not (dot and place):
        return unknown(field, name, known)
    colon = f"{name}:NAME" if last == "py" else f"{place}:{last}"
    return SpecError(field, name, f"{colon}, with a colon, or one of {', '.join(sorted(known))}")
