"""Adaptive search against a full grid: ``python benchmarks/search.py --pools DIR``.

A pool is a CSV file of real trainings: replicate, rate, accuracy, started. Its means are the truth;
replicates are drawn from it with replacement, whole, so that their rates stay correlated. For each
pool and width it prints, as CSV, over the draws: how many trainings a search takes (mean and
median), the share that reached the width, how often the interval holds the truth, and how many
trainings the full grid of 11 rates takes until its mean width is the same.
"""

from __future__ import annotations

import argparse
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gigo.analysis.allowed import Allowed
from gigo.analysis.intervals import Floats, first_below
from gigo.axes import CURVE
from gigo.search import PILOT_REPLICATES, Batch, ask, pilot_rates
from gigo.tolerance_search import Tolerance

GRID = tuple(k / 10 for k in range(11))
MOST_REPLICATES = 200
ALLOWED = Allowed(keep=0.95)
QUANTITY = Tolerance(allowed=ALLOWED)


@dataclass(frozen=True)
class Pool:
    """Trainings to draw from.

    Attributes:
        rates: (R,) ascending.
        accuracies: (n, R).
        started: (n, R) whether each is of a model that trained.
    """

    rates: Floats
    accuracies: Floats
    started: NDArray[np.bool_]

    @classmethod
    def read(cls, path: Path) -> Pool:
        frame = pd.read_csv(path)
        tables = (frame.pivot(index="replicate", columns="rate", values=name) for name in VALUES)
        accuracies, started = (table.to_numpy(float) for table in tables)
        return cls(np.unique(frame["rate"].to_numpy(float)), accuracies, started > 0)

    @property
    def truth(self) -> float:
        """The tolerance of its means."""
        means = np.nanmean(np.where(self.started, self.accuracies, np.nan), axis=0)
        found = first_below(self.rates, means - ALLOWED.keep * means[0])
        return math.nan if found is None else found

    def draw(
        self, rng: np.random.Generator, rates: tuple[float, ...], first: int, n: int
    ) -> pd.DataFrame:
        """New replicates, as rows of a tidy table; a rate that the pool lacks is the nearest."""
        columns = np.abs(self.rates[:, None] - np.array(rates)).argmin(axis=0)
        rows = rng.integers(len(self.accuracies), size=n)
        accuracies = self.accuracies[np.ix_(rows, columns)]
        started = self.started[np.ix_(rows, columns)]
        points = {
            "rate": np.tile(self.rates[columns], n),
            "replicate": np.repeat(np.arange(first, first + n), len(columns)),
            "accuracy": accuracies.ravel(),
            "started": started.ravel(),
            "status": np.where(started.ravel(), "ok", "never_started"),
        }
        frame = pd.DataFrame(points).drop_duplicates(["rate", "replicate"])
        known = {"chance": 0.1, "n_classes": 10, "realised_rate": frame["rate"]}
        return frame.assign(**known, **dict.fromkeys(CURVE, "pool"))


VALUES = ("accuracy", "started")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pools", type=Path, required=True)
    parser.add_argument("--pool", nargs="+", default=["mlpall", "mlp200"])
    parser.add_argument("--width", nargs="+", type=float, default=[0.10])
    parser.add_argument("--draws", type=int, default=200)
    parser.add_argument("--most", type=int, default=1000, help="trainings of one search")
    asked = parser.parse_args()
    print("pool,width,truth,mean,median,reached,covered,grid,ratio")
    for name in asked.pool:
        pool = Pool.read(asked.pools / f"{name}.csv")
        for width in asked.width:
            print(f"{name},{width},{pool.truth:.3f},{row(pool, width, asked.draws, asked.most)}")


def row(pool: Pool, width: float, draws: int, most: int) -> str:
    """A search's cost and worth, and a full grid's cost."""
    found = [searched(pool, width, most, np.random.default_rng(seed)) for seed in range(draws)]
    trainings, reached, covered = np.array(found, float).T
    grid = full_grid(pool, width, draws)
    ratio = trainings.mean() / grid
    ends = f"{reached.mean():.3f},{covered.mean():.3f},{grid},{ratio:.2f}"
    return f"{trainings.mean():.0f},{np.median(trainings):.0f},{ends}"


def searched(
    pool: Pool, width: float, most: int, rng: np.random.Generator
) -> tuple[int, bool, bool]:
    """Trainings of one search, whether it reached the width, whether its interval is right."""
    frame = pool.draw(rng, pilot_rates(of_two=False), 0, PILOT_REPLICATES)
    while isinstance(asked := ask(frame, QUANTITY, width, most - len(frame)), Batch):
        first = int(frame["replicate"].to_numpy(int).max()) + 1
        new = pool.draw(rng, asked.fields["rates"], first, asked.replicates)
        frame = pd.concat([frame, new])
    low, high = asked.estimate.low, asked.estimate.high
    holds = (low is None or low <= pool.truth) and (high is None or pool.truth <= high)
    return len(frame), asked.reason == "reached", holds


def full_grid(pool: Pool, width: float, draws: int) -> int:
    """Trainings of 11 rates until the mean width, over draws, is no more than asked for."""
    for replicates in range(2, MOST_REPLICATES):
        if mean_width(pool, replicates, draws // 4) <= width:
            return replicates * len(GRID)
    return MOST_REPLICATES * len(GRID)


def mean_width(pool: Pool, replicates: int, draws: int) -> float:
    """Of the interval from a full grid."""
    widths: list[float] = []
    for seed in range(draws):
        frame = pool.draw(np.random.default_rng(seed), GRID, 0, replicates)
        low, high = QUANTITY.ends(QUANTITY.estimate(frame), frame)
        widths.append(high - low)
    return float(np.mean(widths))


if __name__ == "__main__":
    main()
