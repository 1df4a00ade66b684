"""What to train next so that an interval becomes as narrow as is wanted, or why nothing more.

A pilot is run; then batches of new replicates where they tell most: of a tolerance at rate 0 and at
two rates about the crossing. What comes next follows from the finished batches alone, so that a
search that was cut off decides as an uninterrupted one; models that failed count as answers.

frame ──► ask ──► Batch, to be trained ──► a longer frame ──► ask ──► ... ──► Stop
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, Self

import numpy as np
import pandas as pd

from gigo.analysis.intervals import Estimate
from gigo.analysis.words import (
    bound_text,
    interval_text,
    listing,
    rate_text,
    rates_text,
    value_text,
)
from gigo.errors import SpecError

WIDTH = 0.10
"""Of the interval that is looked for, where nothing else is asked for: in rates, 10 points."""

STEPS = (0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001)
"""Between the rates of a pilot."""

PILOT_REPLICATES = 3

SEARCHED = 7
"""Replicates of what all is compared with, from which a search may end: a pilot's and those of a
smallest batch. An interval that happens to be narrow at once is not believed."""

LEAST_REPLICATES = 4
"""Of a batch."""

HASTE = 0.6
"""The share of the replicates that seem to be needed that a batch takes: the spread they are
reckoned with is an estimate."""

MOST_TRAININGS = 400
"""Of a curve, where nobody says how many: on a plateau no number would do."""

Points = Mapping[str, tuple[float, ...] | tuple[int, ...]]
"""Points of a grid: fields of a study with their values."""

Reason = Literal["reached", "spent", "beyond", "unknown"]


def pilot_rates(of_two: bool, highest: float = 1.0) -> tuple[float, ...]:
    """The rates of a pilot; of two classes, which are past learning at one half, closer together.

    Args:
        of_two: whether there are two classes.
        highest: rate that may be run.

    >>> pilot_rates(of_two=False), pilot_rates(of_two=True)
    ((0.0, 0.2, 0.4, 0.6, 0.8), (0.0, 0.1, 0.2, 0.3, 0.4))
    >>> pilot_rates(of_two=False, highest=0.3)
    (0.0, 0.05, 0.1, 0.15, 0.2)
    """
    most = min(highest, 0.4) if of_two else highest
    step = next((step for step in STEPS if 4 * step <= most), most / 4)
    return tuple(round(k * step, 9) for k in range(5))


@dataclass(frozen=True)
class Goal:
    """When a search ends.

    Attributes:
        width: of the interval, in rates (0.10 is 10 points).
        minutes: after which nothing new begins; they are measured, so that where such a search
            ends is up to the machine.
        trainings: models that the run may come to hold, those that it holds already included.
    """

    width: float = WIDTH
    minutes: float | None = None
    trainings: int | None = None

    def __post_init__(self) -> None:
        if not 0 < self.width <= 1:
            raise SpecError("width", self.width, "points of the rate, such as 10pt or 0.1")
        if self.minutes is not None and not 0 < self.minutes < math.inf:
            raise SpecError("minutes", self.minutes, "a number above 0")
        if self.trainings is not None and self.trainings < 1:
            raise SpecError("trainings", self.trainings, "a number of at least 1")

    @classmethod
    def parse(cls, text: str) -> Self:
        """What follows ``--until``: a width alone, or with names.

        >>> Goal.parse("width=8pt,minutes=30"), Goal.parse("8pt").width
        (Goal(width=0.08, minutes=30.0, trainings=None), 0.08)
        """
        fields: dict[str, float | int] = {}
        for part in text.split(","):
            name, named, value = part.strip().partition("=")
            name, value = (name, value) if named else ("width", name)
            try:
                if name == "width":
                    fields[name] = share(name, value)
                else:
                    fields[name] = {"minutes": float, "trainings": int}[name](value)
            except (KeyError, ValueError):
                expected = "width=10pt, with minutes=M or trainings=N after a comma if you like"
                raise SpecError("until", text, expected) from None
        return cls(**fields)  # pyright: ignore[reportArgumentType] - by name each has its type


def share(field: str, value: float | str) -> float:
    """A share that is given as such, in points or in percent.

    Raises:
        SpecError: none of these, naming the field.

    >>> share("width", "10pt"), share("keep", "95%"), share("width", 0.08)
    (0.1, 0.95, 0.08)
    """
    text = str(value).strip()
    number = text.removesuffix("pt").removesuffix("%")
    try:
        found = float(number) / (1 if number == text else 100)
    except ValueError:
        found = math.nan
    if not 0 < found <= 1:
        raise SpecError(field, value, "a share such as 10pt, 10% or 0.1")
    return round(found, 9)


class Quantity(Protocol):
    """What an interval is wanted of: how it is estimated, and what would tell more of it."""

    @property
    def name(self) -> str:
        """What it is called in a sentence."""
        ...

    @property
    def costs(self) -> str:
        """What a search takes beyond its pilot, in words."""
        ...

    @property
    def axes(self) -> Sequence[str]:
        """Of `gigo.axes.CURVE`, those along which each value has an answer of its own."""
        ...

    def within(self, highest: float) -> Self:
        """The same where no rate above ``highest`` may be run."""
        ...

    def estimate(self, frame: pd.DataFrame) -> Estimate:
        """Of the trials of a tidy table."""
        ...

    def enough(self, frame: pd.DataFrame) -> bool:
        """Whether these do for a pilot."""
        ...

    def replicates(self, frame: pd.DataFrame) -> int:
        """How many there are of what all is compared with."""
        ...

    def ended(self, estimate: Estimate, frame: pd.DataFrame) -> Reason | None:
        """Why more trainings would tell nothing, if so."""
        ...

    def ends(self, estimate: Estimate, frame: pd.DataFrame) -> tuple[float, float]:
        """Those of the interval as numbers: where one is not known, how far it may lie."""
        ...

    def where(self, low: float, high: float, frame: pd.DataFrame) -> Points:
        """The fields of a study of which new replicates tell most about what is between."""
        ...


@dataclass(frozen=True)
class Batch:
    """New replicates to train.

    Attributes:
        fields: of the study, in which points they are.
        replicates: how many of each.
        estimate: of what was known.
    """

    fields: Points
    replicates: int
    estimate: Estimate

    @property
    def trainings(self) -> int:
        """How many models that is."""
        return self.replicates * math.prod(map(len, self.fields.values()))


@dataclass(frozen=True)
class Stop:
    """The end of a search.

    Attributes:
        reason: the interval is as narrow as is wanted (``reached``); no more may be trained
            (``spent``); what is looked for lies ``beyond`` all rates; nothing can be said
            (``unknown``).
        estimate: of all that was trained.
    """

    reason: Reason
    estimate: Estimate


def ask(
    frame: pd.DataFrame, quantity: Quantity, width: float = WIDTH, left: float = math.inf
) -> Batch | Stop:
    """What to train next.

    Args:
        frame: a tidy table of what was trained so far on one curve, in any order.
        quantity: what the interval is of.
        width: that it is to have.
        left: trainings that may still be made.

    >>> import gigo
    >>> rates = dict(rates=[0, 0.2, 0.4, 0.6, 0.8], replicates=3)
    >>> pilot = gigo.sweep("digits", size=200, model="linear", recipe="small", **rates)
    >>> from gigo.tolerance_search import Tolerance
    >>> batch = ask(pilot.frame, Tolerance())
    >>> batch.replicates, batch.fields["rates"][0]
    (4, 0.0)
    >>> ask(pilot.frame, Tolerance(), left=2).reason
    'spent'
    """
    estimate = quantity.estimate(frame)
    reason = quantity.ended(estimate, frame)
    if reason is not None:
        return Stop(reason, estimate)
    low, high = quantity.ends(estimate, frame)
    points, n = quantity.where(low, high, frame), quantity.replicates(frame)
    known = estimate.low not in (None, math.inf) and estimate.high is not None
    if known and high - low <= width + 1e-9 and n >= SEARCHED:
        return Stop("reached", estimate)
    wanted = HASTE * n * (((high - low) / width) ** 2 - 1)
    replicates = round(float(np.clip(wanted, LEAST_REPLICATES, max(LEAST_REPLICATES, n / 2))))
    replicates = int(min(replicates, left // math.prod(map(len, points.values()))))
    return Batch(points, replicates, estimate) if replicates > 0 else Stop("spent", estimate)


def told(name: str, stop: Stop, width: float) -> str:
    """An answer in a sentence.

    >>> told("tolerance", Stop("spent", Estimate(0.44, 0.31, 0.62, 0.8)), 0.10)
    'tolerance somewhere between 31 and 62 %: no more may be trained, 10 points are not reached'
    """
    found, reason = stop.estimate, stop.reason
    if reason == "unknown":
        return f"{name} not known: {listing(found.notes) or 'no model trained'}"
    if reason == "beyond":
        return f"{name} at least {rate_text(found.highest_rate)}"
    if reason == "reached":
        return f"{name} {value_text(found)} ({interval_text(found)})"
    low = "0 %" if found.low is None else bound_text(found.low, found.highest_rate, math.floor)
    high = "100 %" if found.high is None else bound_text(found.high, found.highest_rate, math.ceil)
    between = f"{low.removesuffix(' %')} and {high}" if high[0].isdigit() else f"{low} and {high}"
    short = f"no more may be trained, {100 * width:.3g} points are not reached"
    return f"{name} somewhere between {between}: {short}"


def told_batch(name: str, batch: Batch) -> str:
    """What is known so far, and what is trained next.

    >>> told_batch("tolerance", Batch({"rates": (0.0, 0.4, 0.55)}, 4, Estimate(0.44, 0.31, 0.62)))
    'tolerance 44 % (31 to 62 %); next: 4 replicates at 0, 40 and 55 %'
    """
    estimate = batch.estimate
    found = f"{value_text(estimate)} ({interval_text(estimate)})"
    count = "1 replicate" if batch.replicates == 1 else f"{batch.replicates} replicates"
    sizes = batch.fields.get("size")
    of = f" of {listing(f'{size:,}' for size in sizes)} labels" if sizes else ""
    return f"{name} {found}; next: {count}{of} at {rates_text(batch.fields['rates'])}"
