"""The axes of a grid as data: tables, curves, comparisons and legends follow from `AXES`.

A new axis is a line there, a field of `Cell` and one of `gigo.study.Study`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gigo.recipe import Recipe
from gigo.trial import Validation
from gigo.types import Card, Corruption, Model


@dataclass(frozen=True)
class Cell:
    """A point of the grid. ``corruption`` is the one asked for, at rate 0 too."""

    dataset: Card
    size: int
    corruption: Corruption
    rate: float
    model: Model
    recipe: Recipe
    validation: Validation

    @property
    def labels(self) -> dict[str, Any]:
        """What tables say of it, by axis."""
        return {name: getattr(value, "label", value) for name, value in vars(self).items()}


AXES = {
    "dataset": "name of the data set",
    "size": "training items paid for, those held out for validation included",
    "corruption": "the corruption, with its options; rate 0 is listed under every one",
    "rate": "fraction of the training items that the corruption was asked to take, 0 to 1",
    "model": "the network, with its options",
    "recipe": "the training recipe, with what differs from the built-in one",
    "validation": "what early stopping looked at: oracle (the test set), clean or noisy (held-out "
    "items), or none",
}
"""What each means, with its unit, by the name of the field of a `Cell`, which that of the column in
every table is, too. In the order in which grids are gone through and tables are sorted."""

SETTINGS = ("model", "recipe", "validation")
"""How a model is trained, not the data: in what the two sides of a comparison may differ."""

POINT = tuple(axis for axis in AXES if axis not in SETTINGS)
"""What two points must share to be compared."""

CURVE = tuple(axis for axis in AXES if axis != "rate")
"""What names one line of a figure: everything but the rate."""

FIELDS = (*CURVE, "rates")
"""Of a study: those along which it may grow."""
