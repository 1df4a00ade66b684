"""What a study calls a model, and whether it takes the data."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from gigo import item_weights, models, tables
from gigo.content import IDLE
from gigo.errors import SpecError
from gigo.inputs import count, take
from gigo.ref import Ref, as_ref, canonical
from gigo.resolve.data import in_memory
from gigo.resolve.named import check_labels, checked, named
from gigo.study import Study
from gigo.types import Card, Corruption, Dataset, Features, Model, silent


def models_of(study: Study, card: Card, accelerated: bool) -> tuple[Model, ...]:
    """The models for a data set, no two of which are called the same."""
    found = tuple(dict.fromkeys(_model(ref, card, accelerated) for ref in study.model))
    check_labels("model", found)
    return found


def _model(ref: Ref, card: Card, accelerated: bool) -> Model:
    """A model for a data set: ``auto`` depends on its inputs."""
    asked, ref = ref.options.get("features"), ref.without("features")
    given = None if asked is None else _features(as_ref("model.features", asked), card)
    # The model sees vectors, whatever the data set's inputs are.
    seen = replace(card, kind="vector", input_shape=(given.width,)) if given else card
    auto = partial(models.default_for, seen, accelerated)
    thing, options, chosen = named("model", ref, models.CATALOGUE, auto)
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


def check_gaps(card: Card, models: Iterable[Model], kinds: Iterable[Corruption]) -> None:
    """Raise SpecError where values go missing that a model can't do without."""
    for kind in kinds:
        if not any(each.gaps for each in (kind, *(first for first, _ in kind.before))):
            continue
        for model in models:
            known = model.trainer == "estimator" and tables.takes(model.value()).gaps
            if not known and not model.features:
                expected = f"a model that takes the gaps that {kind.label} makes in {card.name}"
                raise SpecError("model", model.label, f"{expected}: {tables.REMEDIES['gaps']}")


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
        name, _ = checked("model.features", ref, known)
        return models.FEATURES[name].function(card)
    function = partial(ref.load("model.features"), **ref.arguments)
    tried = models.Embedding(ref.label, function)
    x = card.load(silent).x_train
    width = tried(take(x, np.arange(min(2, count(x))))).shape[1]
    whole = replace(tried, width=width)

    def value(dataset: Dataset) -> Callable[[Any], Any]:
        return whole

    return Features(ref.label, canonical(ref.identity), width, value=value)
