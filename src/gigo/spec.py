"""What studies, recipes and refs have in common: strict, immutable, no key unknown."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator


class Spec(BaseModel):
    """Strict about types and keys, immutable; NumPy's numbers and arrays count as Python's."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _without_numpy(cls, fields: object) -> object:
        if not isinstance(fields, Mapping):
            return fields
        return {name: _plain(value) for name, value in fields.items()}


def _plain(value: Any) -> object:
    np: Any = sys.modules.get("numpy")  # without it, nothing is NumPy's
    if np and isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    if isinstance(value, list | tuple | range):
        return [_plain(item) for item in value]
    return value


def _as_tuple(value: object) -> object:
    return tuple(value) if isinstance(value, list | tuple) else (value,)


Item = TypeVar("Item")
Several = Annotated[tuple[Item, ...], BeforeValidator(_as_tuple), Field(min_length=1)]
"""A field that takes several values also takes one."""
