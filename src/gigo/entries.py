"""What the catalogues of corruptions and models hold."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from inspect import signature
from typing import Any

from gigo.types import Family, Kind, RateOf


@dataclass(frozen=True)
class Entry:
    """A function in a catalogue.

    Attributes:
        function: called with what its catalogue says, and options.
        summary: one line for ``gigo list``.
        features: what a model's inputs are made into first, by the name of a catalogue.
    """

    function: Callable[..., Any]
    summary: str
    features: str = ""

    @property
    def options(self) -> dict[str, Any]:
        """The names of its options with their defaults."""
        parameters = signature(self.function).parameters.items()
        return {name: each.default for name, each in parameters if each.default is not each.empty}

    @property
    def free(self) -> set[str]:
        """Those that may be of any type: what they are is for the function to say."""
        parameters = signature(self.function).parameters.items()
        return {name for name, each in parameters if each.annotation in ("Any", Any)}


@dataclass(frozen=True)
class CorruptionEntry(Entry):
    """A corruption in the catalogue: ``function`` gives a matrix, or a `Schedule`.

    Attributes:
        family: what it corrupts.
        formula: its definition in one line, for the documentation.
        paper: where it was defined: authors, year, title, section; empty where nobody has.
        kinds: of inputs that it takes; empty: any.
        rate_of: what its rates are shares of, see `Schedule`.
        probes: names of the test sets that it brings.
        resizes: whether training sets get more items or fewer.
        exact: whether it draws whole numbers alone: the same bytes on any machine.
        training_only: whether held-out items are spared.
        gaps: whether it makes values go missing: models that take no gaps are refused.
        required: names of the options that have to be given.
    """

    family: Family = "labels"
    formula: str = ""
    paper: str = ""
    kinds: tuple[Kind, ...] = ()
    rate_of: RateOf = "set"
    probes: tuple[str, ...] = ()
    resizes: bool = False
    exact: bool = True
    training_only: bool = False
    gaps: bool = False
    required: tuple[str, ...] = ()
