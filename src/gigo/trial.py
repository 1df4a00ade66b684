"""A trial: one model to train, named by its content."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any, Literal

from gigo.recipe import Recipe
from gigo.types import Card, Corruption, Model

SCIENCE = 1
"""Part of every trial's key; raised when the same trial would come to mean something else."""

HELD_OUT = 0.2
"""The share of a trial's items that ``clean`` and ``noisy`` validation hold out."""

Validation = Literal["oracle", "clean", "noisy", "none"]
Subset = Literal["random", "first"]


@dataclass(frozen=True)
class Trial:
    """A point of the grid in one replicate: one model to train.

    At rate 0 ``corruption`` is what is left of it there (`gigo.types.Corruption.at_zero`), mostly
    None; the cells of all corruptions then share one trial.
    """

    dataset: Card
    size: int
    corruption: Corruption | None
    rate: float
    subset: Subset
    model: Model
    recipe: Recipe
    validation: Validation
    precision: str
    seed: int
    replicate: int

    @property
    def holds_out(self) -> bool:
        """Whether some of its items are not trained on."""
        return self.validation in ("clean", "noisy")

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Shape of what the model is given of an item."""
        features = self.model.features
        return (features.width,) if features else self.dataset.input_shape

    @property
    def n_rows(self) -> int:
        """Items that it trains on, at most: those held out are not counted, those added are."""
        n = self.size - (round(HELD_OUT * self.size) if self.holds_out else 0)
        if self.corruption is not None:
            for each, rate in (*self.corruption.before, (self.corruption, self.rate)):
                if each.rate_of == "added":
                    n = round(n / max(1 - rate, 1e-9))
        return n

    @property
    def source(self) -> tuple[object, ...]:
        """Names the items that it trains on and their order: equal ones are the same items."""
        return self.seed, self.replicate, self.size, self.holds_out, self.subset

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values, for people who query a run."""
        _, *others = ((each.name, getattr(self, each.name)) for each in fields(self))
        return {
            "dataset": self.dataset.name,
            "data": self.dataset.sha256,
            **dict(others),
            "corruption": self.corruption and self.corruption.to_json(),
            "model": self.model.to_json(),
            "recipe": self.recipe.model_dump() if self.model.trainer == "network" else None,
        }

    @cached_property
    def key(self) -> str:
        """sha256 of everything that changes the result, and of nothing that does not."""
        return self.keys([self.replicate])[0]

    def keys(self, replicates: Iterable[int]) -> list[str]:
        """The keys of this trial in some replicates."""
        *shared, _ = (getattr(self, each.name) for each in fields(self))
        content = (SCIENCE, *(getattr(value, "identity", value) for value in shared))
        # The replicate comes last: what is before it is the same for all, and hashed once.
        begun = hashlib.sha256(json.dumps(content).removesuffix("]").encode())
        keys: list[str] = []
        for replicate in replicates:
            whole = begun.copy()
            whole.update(f", {replicate}]".encode())
            keys.append(whole.hexdigest())
        return keys
