"""A trial: one model to train, named by its content."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from gigo.corruptions import Placement
from gigo.recipe import Recipe
from gigo.specs import Choice

SCIENCE = 1
"""Part of every trial's key; raised when the same trial would come to mean something else."""

LATER = ("flip", "crop")
"""Options that recipes did not always have: off, they leave a trial's key what it was."""

HELD_OUT = 0.2
"""The share of a trial's items that ``clean`` and ``noisy`` validation hold out."""

Validation = Literal["oracle", "clean", "noisy", "none"]
Subset = Literal["random", "first"]


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
        content: dict[str, Any] = {"science": SCIENCE, **self.to_json()}
        del content["dataset"]  # a name; its content is in ``data``
        for later in LATER:
            if not content["recipe"][later]:
                del content["recipe"][later]
        return hashlib.sha256(
            json.dumps(content, sort_keys=True, separators=(",", ":")).encode()
        ).hexdigest()
