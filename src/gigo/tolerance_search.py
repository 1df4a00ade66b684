"""What is trained next so that it is known how many wrong labels are tolerable."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import pandas as pd

from gigo.analysis.allowed import Allowed
from gigo.analysis.curves import Accuracies
from gigo.analysis.intervals import Estimate, Floats
from gigo.analysis.metric import ACCURACY, Metric
from gigo.analysis.tolerance import tolerance
from gigo.axes import CURVE
from gigo.search import STEPS, Points, Reason

WIDE, COARSE, FINE = 0.10, 0.05, 0.01
"""Steps between the rates that are run: wide ones while the interval is wider than that, as a slope
is told best from rates that lie apart; fine ones where it ends below two coarse ones."""


@dataclass(frozen=True)
class Tolerance:
    """The rate at which a metric falls by more than is allowed.

    Attributes:
        metric: what gets worse.
        allowed: by how much it may; None: as `gigo.analysis.allowed.usual`.
        highest: rate that may be run.
    """

    metric: Metric = ACCURACY
    allowed: Allowed | None = None
    highest: float = 1.0
    name = "tolerance"
    axes = CURVE
    costs = (
        "from this pilot, batches of at least 4 new replicates at 3 rates per curve, until the "
        "interval is narrow. On digits 10 points took 55 to 330 trainings in all; half the "
        "width takes about four times as many"
    )

    def within(self, highest: float) -> Self:
        """The same where no rate above ``highest`` may be run."""
        return replace(self, highest=highest)

    def estimate(self, frame: pd.DataFrame) -> Estimate:
        """Of a table with the trials of one curve."""
        return tolerance(Accuracies.of(frame, self.metric), self.allowed)

    def enough(self, frame: pd.DataFrame) -> bool:
        """Two replicates at rate 0 and at three others."""
        rates, counts = np.unique(frame["rate"].to_numpy(float), return_counts=True)
        return 0 in rates[counts >= 2] and int(np.sum(counts >= 2)) > 3

    def replicates(self, frame: pd.DataFrame) -> int:
        """At rate 0."""
        return int((frame["rate"].to_numpy(float) == 0).sum())

    def ended(self, estimate: Estimate, frame: pd.DataFrame) -> Reason | None:
        """No clean model trained, or nothing falls at any rate that would be run."""
        clean = frame["rate"].to_numpy(float) == 0
        if clean.any() and not frame["started"].to_numpy(bool)[clean].any():
            return "unknown"
        rates = self.where(*self.ends(estimate, frame), frame)["rates"]
        return (
            "beyond" if estimate.low == math.inf and max(rates) <= estimate.highest_rate else None
        )

    def ends(self, estimate: Estimate, frame: pd.DataFrame) -> tuple[float, float]:
        """Unknown ones, and those beyond the rates run, are as far as they can be."""
        most = self._most(frame)
        highest = float(frame["rate"].to_numpy(float).max())
        low = 0.0 if estimate.low is None else min(estimate.low, highest)
        high = most if estimate.high is None else estimate.high
        return low, high if high <= highest else max(most, highest)

    def where(self, low: float, high: float, frame: pd.DataFrame) -> Points:
        """Rate 0, to which all is compared, and about the ends, a quarter of the way inside.

        An end that rests on a rate that was run, as at a gap or a cliff, would not move for more
        of what is known: the cell inside of it is halved.
        """
        step = self._step(high)
        # Short of the end of all rates, where nothing is left to learn.
        last = round((0.5 if _of_two(frame) else 1.0) / step - COARSE / step)
        last = min(last, math.floor(self.highest / step + 1e-9))
        apart = min(round(WIDE / step), last // 3) if high - low > WIDE + 1e-9 else 1
        run = np.unique(frame["rate"].to_numpy(float)) / step
        ends = low / step, high / step
        a, b = sorted(_inside(end, other, run, apart) for end, other in (ends, ends[::-1]))
        a, b = max(min(a, last), 1), max(min(b, last), 1)
        if a == b:
            up = sum(ends) / 2 >= a or a <= apart
            a, b = (a, a + apart) if up and a + apart <= last else (a - apart, a)
        return {"rates": (0.0, round(a * step, 9), round(b * step, 9))}

    def _most(self, frame: pd.DataFrame) -> float:
        """How far it may lie."""
        return min(0.5 if _of_two(frame) else 1.0, self.highest)

    def _step(self, high: float) -> float:
        """Between the rates that are run: there are ten at least."""
        steps = (COARSE, FINE, *STEPS[-3:])
        least = FINE if high < 2 * COARSE else COARSE
        return next((s for s in steps if s <= least and 9 * s <= self.highest), self.highest / 10)


def _inside(end: float, other: float, run: Floats, apart: int) -> int:
    """The rate to run on the side of one end of an interval, a multiple of ``apart``; all in steps.

    A quarter of the way inside. Beside an end that was run it is half-way through the cell, or
    the cell's other edge if nothing lies between.
    """
    if np.isclose(run, end, 0, 1e-6).any():
        between = run[(run - end) * (run - other) < -1e-6]
        beside = between[np.abs(between - end).argmin()] if len(between) else other
        return round((end + beside) / 2 if abs(beside - end) > 1.5 else beside)
    return apart * round((end + (other - end) / 4) / apart)


def _of_two(frame: pd.DataFrame) -> bool:
    return int(frame["n_classes"].to_numpy(int).max()) == 2
