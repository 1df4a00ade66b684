"""Numbers as people write them: percentages with the digits that mean something."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import NamedTuple

from gigo.analysis.intervals import Estimate
from gigo.grid import Grid
from gigo.records import TestSet
from gigo.types import RateOf

MISSING = "–"
RELABELLED = "start from another label"
"""Part of a note of `gigo.datasets` on training items with other labels than their own."""


def accuracy_text(share: float) -> str:
    """An accuracy to a tenth of a percent.

    >>> accuracy_text(0.9712)
    '97.1 %'
    """
    return MISSING if math.isnan(share) else f"{100 * share:.1f} %"


def rate_text(rate: float, rounded: Callable[[float], float] = round) -> str:
    """A rate to a whole percent, below ten to a tenth.

    >>> [rate_text(rate) for rate in (0.4411, 0.0337, 0)]
    ['44 %', '3.4 %', '0 %']
    """
    percent = 100 * rate
    digits = 1 if percent < 9.95 and not math.isclose(percent, round(percent)) else 0
    return f"{rounded(round(percent * 10**digits, 6)) / 10**digits:.{digits}f} %"


def bound_text(rate: float, highest: float, rounded: Callable[[float], float] = round) -> str:
    """A rate that may be out of reach.

    >>> bound_text(0.44, highest=0.8), bound_text(math.inf, highest=0.8)
    ('44 %', 'beyond 80 %')
    """
    return f"beyond {rate_text(highest)}" if math.isinf(rate) else rate_text(rate, rounded)


def value_text(estimate: Estimate) -> str:
    """The estimate alone: a rate, "beyond" the highest one, or a dash.

    >>> value_text(Estimate(0.44)), value_text(Estimate(None))
    ('44 %', '–')
    """
    if estimate.value is None:
        return MISSING
    return bound_text(estimate.value, estimate.highest_rate)


def interval_text(estimate: Estimate) -> str:
    """Its interval alone, rounded outwards, or a dash.

    >>> interval_text(Estimate(0.44, low=0.387, high=0.502))
    '38 to 51 %'
    >>> interval_text(Estimate(0.44, low=0.387, high=math.inf, highest_rate=0.8))
    '38 % to beyond 80 %'
    """
    low, high = estimate.low, estimate.high
    if low is None and high is None:
        return MISSING
    first = "unknown" if low is None else bound_text(low, estimate.highest_rate, math.floor)
    last = "unknown" if high is None else bound_text(high, estimate.highest_rate, math.ceil)
    if first == last:
        return first
    both_finite = last[0].isdigit() and first[0].isdigit()
    return f"{first.removesuffix(' %') if both_finite else first} to {last}"


MISSING_ITEMS = "missing items"
"""What corruptions make that let items leave."""

TRAINED = {
    **dict.fromkeys(("wrong labels", "corrupted labels"), "Corrupted training labels"),
    "corrupted inputs": "Training items with corrupted inputs",
    "poisoned items": "Poisoned training items",
}
"""What a corruption makes, as the title of an axis of rates of the whole set."""


class Spoken(NamedTuple):
    """How sentences speak of a corruption.

    Attributes:
        edited: what it makes of items, such as ``corrupted inputs``.
        first: what comes before it, such as ``blur 10 %``; then nothing is clean at rate 0.
        rate_of: what its rates are shares of.
        highest: the share of the items that it may choose.

    >>> Spoken().at(0.2), Spoken().clean, Spoken("corrupted inputs", "pair 10 %").clean
    ('20 % wrong', 'clean ones', 'with pair 10 % alone')
    """

    edited: str = "wrong labels"
    first: str = ""
    rate_of: RateOf = "set"
    highest: float = 1.0

    @property
    def clean(self) -> str:
        """What follows a number of labels at rate 0."""
        return f"with {self.first} alone" if self.first else "clean ones"

    def at(self, rate: float) -> str:
        """What follows a number of labels at a rate, after a preposition."""
        if self.rate_of == "eligible":
            return f"rate {rate_text(rate)}"
        return f"{rate_text(rate)} {self.edited.removesuffix(' labels')}"

    def share(self, rate: float, realised: float = math.nan) -> str:
        """What there is of it at a rate; beside a share of few items, the realised one of the set.

        >>> Spoken().share(0.2), Spoken(rate_of="eligible").share(1, 0.3)
        ('20 % wrong labels', '100 % of the eligible items (30 % wrong labels)')
        """
        if self.rate_of != "eligible":
            return f"{rate_text(rate)} {self.edited}"
        made = "of all items changed" if self.first else self.edited
        beside = "" if math.isnan(realised) else f" ({rate_text(realised)} {made})"
        return f"{rate_text(rate)} of the eligible items{beside}"

    @property
    def axis(self) -> str:
        """The title of an axis of rates.

        >>> Spoken().axis, Spoken("added items", rate_of="added").axis
        ('Corrupted training labels', 'Share of the final training set that was added')
        """
        if self.rate_of == "added":
            return "Share of the final training set that was added"
        if self.rate_of == "eligible":
            after = " that are left out" if self.edited == MISSING_ITEMS else ""
            return f"Share of the eligible training items{after}"
        return f"{TRAINED.get(self.edited, 'Corrupted training items')}"


USUAL = Spoken()
"""Of labels alone."""


def spoken(grids: Iterable[Grid]) -> dict[str, Spoken]:
    """By the label of each corruption of some grids."""
    found: dict[str, Spoken] = {}
    for grid in grids:
        for kind in grid.corruptions:
            highest = min((each.get(kind.label, 1.0) for each in grid.highest.values()), default=1)
            found[kind.label] = Spoken(kind.edited, kind.first, kind.rate_of, highest)
    return found


def marks_text(hollow: int, failed: int) -> str:
    """Behind a mean: how many are not in it.

    >>> marks_text(2, 1), marks_text(0, 0)
    (' ○2 ×1', '')
    """
    return (f" ○{hollow}" if hollow else "") + (f" ×{failed}" if failed else "")


def start(test_set: TestSet | None) -> str:
    """What the labels at rate 0 are called: others than the items' own may be wrong already."""
    given = test_set is not None and any(RELABELLED in note for note in test_set.notes)
    return "the labels as given" if given else "clean labels"


def listing(items: Iterable[str], last: str = "and") -> str:
    """Items as a sentence lists them.

    >>> listing(["a", "b", "c"]), listing(["a", "b"], "or")
    ('a, b and c', 'a or b')
    """
    *head, tail = list(items) or [""]
    return f"{', '.join(head)} {last} {tail}" if head else tail


def rates_text(rates: Iterable[float]) -> str:
    """Several rates with one unit.

    >>> rates_text([0, 0.4, 0.55])
    '0, 40 and 55 %'
    """
    return f"{listing(rate_text(rate).removesuffix(' %') for rate in rates)} %"


def count(n: int, noun: str) -> str:
    """A number of things.

    >>> count(1, "trial"), count(1200, "trial")
    ('1 trial', '1,200 trials')
    """
    return f"{n:,} {noun}" if n == 1 else f"{n:,} {noun}s"
