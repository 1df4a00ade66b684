"""What a report says of its data, models and settings, beside numbers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from gigo.analysis.words import listing
from gigo.axes import SETTINGS
from gigo.recipe import IDLE_RECIPE, worked_out
from gigo.report.blocks import Items
from gigo.report.material import Material
from gigo.types import Model

UNNAMED = re.compile(r"study|sweep-[0-9a-f]{8}")
"""Names that nobody gave: of a study without one."""

DOUBTFUL = "also in the training set"
"""Part of a note of `gigo.datasets` that says that test items are copies of training items: numbers
from these mislead."""

LEAK = "leak"
"""The corruption of the catalogue that puts test items among those trained on."""


def title(material: Material) -> str:
    """``demo: test accuracy on digits against corrupted labels``; a name that says nothing goes."""
    sets = list(material.frame["dataset"].unique())
    of = f" on {listing(sets)}" if 0 < len(sets) < 4 else ""
    against = "corrupted labels" if material.of_labels else "corruption"
    what = f"test {material.metric.title}{of} against {against}"
    if UNNAMED.fullmatch(material.title) or [material.title] == sets:
        return what[0].upper() + what[1:]
    return f"{material.title}: {what}"


def warnings(material: Material) -> Iterator[str]:
    """What is to be said of the data in plain sight."""
    for test_set in material.test_sets.values():
        yield from (f"{test_set.name}: {n}." for n in test_set.notes if DOUBTFUL in n)
    for label, kind in material.kinds.items():
        if LEAK in kind.names:
            yield (
                f"{label} puts test items into the training set: accuracy on these is no estimate "
                "of what new items would get. It shows what a leak makes of a test."
            )


def notes(material: Material) -> Iterator[Items]:
    """What else is to be said of each data set."""
    for test_set in material.test_sets.values():
        lines = [f"{note}." for note in test_set.notes if DOUBTFUL not in note]
        if lines:
            yield Items(lines, f"About {test_set.name}", "note")


def drawn(material: Material) -> str:
    """What differs from replicate to replicate."""
    held_out = set(material.frame["validation"]) & {"clean", "noisy"}
    parts = ["subset", *(["held-out items"] if held_out else []), "data order", "corrupted items"]
    parts.append("initial weights" if trains_networks(material) else "random numbers of the model")
    return f"A replicate draws its own {listing(parts)}; the test set is the same for all."


def settings(material: Material) -> Iterator[tuple[str, str]]:
    """The settings that apply, with their values: estimators have neither recipe nor precision."""
    networks = trains_networks(material)
    for axis in SETTINGS:
        values = [str(value) for value in material.frame[axis].unique()]
        if axis == "recipe":
            values = [value for value in values if value != IDLE_RECIPE.label]
        if values and (networks or values != ["none"]):
            yield axis.capitalize(), first(values)
    if networks:
        cells = (cell for grid in material.grids for cell in grid.cells)
        chosen = worked_out((cell.dataset.name, cell.size, cell.recipe) for cell in cells)
        yield from (("Recipe " + name, told) for name, told in chosen.items())
        yield "Precision", material.precision


def trains_networks(material: Material) -> bool:
    """Whether any of its models is a network, with epochs and a recipe."""
    return any(model.trainer == "network" for model in _models(material))


def first(texts: Sequence[str]) -> str:
    """The first four."""
    return ", ".join(texts[:4]) + (f" and {len(texts) - 4} more" if len(texts) > 4 else "")


def _models(material: Material) -> Iterator[Model]:
    for grid in material.grids:
        for models in grid.models.values():
            yield from models
