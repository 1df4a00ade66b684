"""What a study calls a data set, as a card of what is known of it."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, replace
from functools import partial
from pathlib import Path
from typing import Any

from gigo import datasets
from gigo.errors import SpecError, unknown
from gigo.ref import Ref
from gigo.resolve.named import checked
from gigo.types import Card, Dataset, Watch, silent


def card_of(ref: Ref, data_dir: Path | None, watch: Watch) -> Card:
    """What is known of a data set; those of the catalogue need not be read for it."""
    if ref.is_catalogued and ref.name in datasets.CATALOGUE:
        plain = ref.without("called")
        name, _ = checked("dataset", plain, {name: {} for name in datasets.CATALOGUE})
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


def check_names(names: Sequence[str]) -> None:
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
