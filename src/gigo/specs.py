"""What studies, recipes and choices have in common: strict, immutable, no key unknown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import numpy as np
from pydantic import BaseModel, BeforeValidator, ConfigDict, model_validator


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


def _plain(value: object) -> object:
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    if isinstance(value, list | tuple | range):
        return [_plain(item) for item in value]
    return value


def _as_tuple(value: object) -> object:
    return tuple(value) if isinstance(value, list | tuple) else (value,)


def _as_choice(value: object) -> object:
    return {"name": value} if isinstance(value, str) else value


OneOrMore = BeforeValidator(_as_tuple)
"""A field that takes several values also takes one."""

ChoiceItem = Annotated[Choice, BeforeValidator(_as_choice)]
"""A name alone, or a table with a name and options."""
