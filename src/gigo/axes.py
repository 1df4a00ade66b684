"""The axes of a grid as data: tables, curves, comparisons and legends follow from `AXES`.

A new axis is a line there, a field of `Cell` and one of `gigo.study.Study`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

from gigo.recipe import Recipe
from gigo.trial import Validation
from gigo.types import Card, Resolved


@dataclass(frozen=True)
class Cell:
    """A point of the grid. ``corruption`` is the one asked for, at rate 0 too."""

    dataset: Card
    size: int
    corruption: Resolved
    rate: float
    model: Resolved
    recipe: Recipe
    validation: Validation

    @property
    def labels(self) -> dict[str, Any]:
        """What tables say of it, by axis."""
        values = {axis.name: getattr(self, axis.name) for axis in AXES}
        return {name: getattr(value, "label", value) for name, value in values.items()}


class Axis(NamedTuple):
    """One axis of a grid.

    Attributes:
        name: of the field of a `Cell`, and of the column in every table.
        title: over a column on a page.
        meaning: of the column, with its unit.
        field: of the study.
        setting: whether it is about how a model is trained, not about the data.
    """

    name: str
    title: str
    meaning: str
    field: str
    setting: bool = False


AXES = (
    Axis("dataset", "Data set", "name of the data set", "dataset"),
    Axis(
        "size",
        "Labels",
        "training items paid for, those held out for validation included",
        "size",
    ),
    Axis(
        "corruption",
        "Corruption",
        "the corruption, with its options; rate 0 is listed under every one",
        "corruption",
    ),
    Axis(
        "rate",
        "Rate",
        "fraction of the training items that the corruption was asked to take, 0 to 1",
        "rates",
    ),
    Axis("model", "Model", "the network, with its options", "model", setting=True),
    Axis(
        "recipe",
        "Recipe",
        "the training recipe, with what differs from the built-in one",
        "recipe",
        setting=True,
    ),
    Axis(
        "validation",
        "Validation",
        "what early stopping looked at: oracle (the test set), clean or noisy (held-out items), "
        "or none",
        "validation",
        setting=True,
    ),
)
"""In the order in which grids are gone through and tables are sorted."""

FIELDS = tuple(axis.field for axis in AXES)
"""Of a study: those along which it may grow."""

MEANINGS = {axis.name: axis.meaning for axis in AXES}
"""Of the columns, by name."""

TITLES = {axis.name: axis.title for axis in AXES}
"""Over columns, by name."""

CURVE = tuple(axis.name for axis in AXES if axis.name != "rate")
"""What names one line of a figure: everything but the rate."""

POINT = tuple(axis.name for axis in AXES if not axis.setting)
"""What two points must share to be compared."""

SETTINGS = tuple(axis.name for axis in AXES if axis.setting)
"""In what the two sides of a comparison may differ."""
