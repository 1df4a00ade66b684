"""What is trained next so that it is known what labels of which some are wrong are worth."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Self

import numpy as np
import pandas as pd

from gigo.analysis.exchange import exchanges
from gigo.analysis.intervals import Estimate
from gigo.analysis.metric import ACCURACY, Metric
from gigo.analysis.words import rate_text
from gigo.axes import CURVE
from gigo.search import SEARCHED, Points, Reason

RATE = 0.2
"""Of wrong labels, where nobody says another one."""

WIDTH = 0.2
"""Of the interval, as a share of the labels."""

FAR = 1.5
"""Clean sizes of a larger ratio than that leave open how the curve bends between them."""

PARTS = (8, 4, 2, 1)
"""The sizes of a pilot are these parts of the labels."""


@dataclass(frozen=True)
class ExchangeRate:
    """What labels of which some are wrong are worth in clean ones, as a share of their number.

    Attributes:
        size: how many labels.
        rate: of wrong ones, above 0.
        metric: labels are worth as much as clean ones that give the same of it.
    """

    size: int
    rate: float = RATE
    metric: Metric = ACCURACY
    axes = tuple(axis for axis in CURVE if axis != "size")
    costs = (
        "from this pilot, batches of at least 4 new replicates of the size that is asked about, "
        "and of the two clean sizes beside what it is worth, until the interval is narrow"
    )

    @property
    def name(self) -> str:
        return f"exchange rate of {self.size:,} labels at {rate_text(self.rate)} wrong"

    def within(self, highest: float) -> Self:
        """Its rate is one that may be run."""
        return self

    def estimate(self, frame: pd.DataFrame) -> Estimate:
        """Of a table with the trials of some sizes; ``inf``: more than the largest is worth."""
        for found in exchanges(frame, self.metric):
            if found.curve.size == self.size and math.isclose(found.rate, self.rate, abs_tol=1e-9):
                value, low, high = (
                    None if math.isnan(each) else each
                    for each in (found.share, found.share_low, found.share_high)
                )
                notes = found.notes
                if value == high == 0:
                    notes = (f"fewer than {found.smallest:,} clean ones, the fewest run", *notes)
                return Estimate(value, low, high, found.largest / self.size, notes)
        return Estimate(None, notes=(f"no trial of {self.size:,} labels at this rate",))

    def enough(self, frame: pd.DataFrame) -> bool:
        """Two replicates of what is asked about, and of three clean sizes."""
        clean = [n >= 2 for n in self._clean(frame).values()]
        return self._asked(frame) >= 2 and sum(clean) > 2

    def replicates(self, frame: pd.DataFrame) -> int:
        """Of what is asked about, or of the clean sizes beside it if these have fewer."""
        clean = self._clean(frame)
        beside = self._beside(frame)
        return min([self._asked(frame), *(clean[size] for size in beside)])

    def ended(self, estimate: Estimate, frame: pd.DataFrame) -> Reason | None:
        """Nothing trained, or labels are worth fewer or more than all sizes that are run."""
        if estimate.value is None or estimate.high == 0:
            return "unknown"
        return "beyond" if estimate.low == math.inf else None

    def ends(self, estimate: Estimate, frame: pd.DataFrame) -> tuple[float, float]:
        """Unknown ones, and those beyond the sizes run, are as far as they can be."""
        most = estimate.highest_rate
        high = most if estimate.high is None else min(estimate.high, most)
        return (0.0 if estimate.low is None else min(estimate.low, most)), high

    def where(self, low: float, high: float, frame: pd.DataFrame) -> Points:
        """What is asked about and the two clean sizes about the interval, in turn.

        Where these are known and lie far apart, a size between them tells more.
        """
        beside, clean = self._beside(frame, (low + high) / 2 * self.size), self._clean(frame)
        asked, least = self._asked(frame), min(clean[size] for size in beside)
        if asked <= least:
            return {"rates": (self.rate,), "size": (self.size,)}
        small, large = beside
        if least >= SEARCHED and large > FAR * small:
            return {"rates": (0.0,), "size": (round(math.sqrt(small * large)),)}
        return {"rates": (0.0,), "size": tuple(size for size in beside if clean[size] < asked)}

    def _asked(self, frame: pd.DataFrame) -> int:
        rate = np.isclose(frame["rate"].to_numpy(float), self.rate, 0, 1e-9)
        return int((rate & (frame["size"].to_numpy(int) == self.size)).sum())

    def _clean(self, frame: pd.DataFrame) -> dict[int, int]:
        """Replicates at rate 0 by size, ascending."""
        clean = frame["size"].to_numpy(int)[frame["rate"].to_numpy(float) == 0]
        sizes, counts = np.unique(clean, return_counts=True)
        return dict(zip(sizes.tolist(), counts.tolist(), strict=True))

    def _beside(self, frame: pd.DataFrame, labels: float | None = None) -> tuple[int, ...]:
        """The two clean sizes about a number of labels, by default about the estimate."""
        if labels is None:
            low, high = self.ends(self.estimate(frame), frame)
            labels = (low + high) / 2 * self.size
        sizes = list(self._clean(frame))
        after = min(max(int(np.searchsorted(sizes, labels)), 1), len(sizes) - 1)
        return tuple(sizes[after - 1 : after + 1])


def sizes_of_pilot(size: int) -> tuple[int, ...]:
    """The sizes of a pilot about so many labels.

    >>> sizes_of_pilot(1000)
    (125, 250, 500, 1000)
    """
    return tuple(sorted({max(size // part, 1) for part in PARTS}))
