"""What a Python user calls data, as the field of a study."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gigo.errors import SpecError
from gigo.ref import Ref
from gigo.types import Dataset

_OPTIONS = {
    "y": "label",
    "X_test": "test",
    "groups": "group",
    "sample_weight": "weight",
    "classes": "classes",
}
"""What is said of data in memory, and what it is called where they lie in a file."""


def dataset_field(data: Any, dataset: Any, said: Mapping[str, Any]) -> Any:
    """A study's ``dataset`` of the arguments of `gigo.sweep`.

    Args:
        data: names and paths, refs, or what is in memory.
        dataset: the field itself, which makes ``data`` needless.
        said: of the data, by argument: y, X_test, y_test, groups, sample_weight, classes; only
            what was given.

    Raises:
        SpecError: both are given, or neither, or something is said that the data have themselves.
        DataError: what is in memory is no data set.

    >>> dataset_field("shop.csv", None, {"y": "churned"})
    {'name': 'shop.csv', 'label': 'churned'}
    """
    if (data is None) == (dataset is None):
        expected = "data or dataset, not both" if dataset is not None else _EXPECTED
        raise SpecError("data", "..." if data is not None else None, expected)
    if dataset is not None:
        _refuse(said)
        return dataset
    if isinstance(data, str | Path):
        return _named(os.fspath(data), said)
    if _is_ref(data) or (isinstance(data, list | tuple) and not said and all(map(_is_ref, data))):
        _refuse(said)
        return data
    from gigo.resolve import own_data  # which imports all catalogues

    return own_data(data, **said)


_EXPECTED = "X and y, a path, the name of a data set, or a gigo.Dataset"


def _is_ref(thing: Any) -> bool:
    """Whether it can only be what names or gives a data set."""
    named = isinstance(thing, Mapping) and "name" in thing and "target" not in thing
    return named or isinstance(thing, str | Path | Dataset | Ref) or callable(thing)


def _named(name: str, said: Mapping[str, Any]) -> Any:
    """A name or a path, and its options where there are some."""
    for argument, value in said.items():
        if argument not in _OPTIONS:
            raise SpecError(argument, value, f"none: labels of {name} are read from where it lies")
        if argument != "classes" and not isinstance(value, str | Path):
            words = "a path" if argument == "X_test" else "the name of a column"
            raise SpecError(argument, value, f"{words}, since data is {name!r}")
    options = {_OPTIONS[argument]: value for argument, value in said.items()}
    return {"name": name, **options} if options else name


def _refuse(said: Mapping[str, Any]) -> None:
    for argument, value in said.items():
        raise SpecError(argument, value, "none: the data set that is given has its own")
