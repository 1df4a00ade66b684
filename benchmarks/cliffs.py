"""Where classifiers break down, beside theory: ``python benchmarks/cliffs.py``.

Items are points of [0, 1], drawn uniformly; the class is which quarter they lie in. The best
classifier is known and makes no errors, so that the theoretical cliff is where a consistent learner
ends. Two learners: the vote of the k nearest neighbours with k = n^(2/3), which is consistent
(Stone 1977, "Consistent nonparametric regression"), and the nearest neighbour alone, which is not:
its accuracy is 1 - r for every corruption that never gives the true label, so that it is half-way
to guessing at r = (1 - 1/K) / 2. Rates are 5 points apart; where accuracy falls in a step, its
midpoint is known no better than that.

Prints a table of midpoints, with intervals, and writes ``docs/results/cliffs.csv``.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.neighbors import KNeighborsClassifier

import gigo
from gigo.corruptions import CATALOGUE, cliffs, limiting_accuracy, matrix_of

K = 4
SIZES = (100, 600, 3_600)
KINDS = ("symmetric", "biased", "two_sink", "pair")
RATES = [k / 20 for k in range(21)]
REPLICATES = 4
RESULT = Path(__file__).parents[1] / "docs" / "results" / "cliffs.csv"


def points(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Points (n, 1) of [0, 1] and the quarter that each lies in."""
    x = np.random.default_rng(seed).random((n, 1)).astype(np.float32)
    return x, np.minimum(K * x[:, 0], K - 1).astype(np.int64)


def theory(kind: str) -> tuple[list[float], float]:
    """The distinct cliffs of a corruption, and where its limiting accuracy is half-way to 1 / K."""
    matrix = matrix_of(CATALOGUE[kind].function, [str(k) for k in range(K)])
    fine = np.linspace(0, 1, 2001)
    shares = np.full(K, 1 / K)
    limit = np.array([limiting_accuracy(matrix, shares, rate) for rate in fine])
    return sorted({*cliffs(matrix).round(4).tolist()}), float(fine[limit <= (1 + 1 / K) / 2][0])


def measured(n: int, neighbours: int, folder: Path) -> pd.DataFrame:
    """Midpoints of each kind, for the vote of so many neighbours among n items."""
    (x, y), (x_test, y_test) = points(n, 1), points(2_000, 2)
    model = KNeighborsClassifier(neighbours)
    result = gigo.sweep(
        x,
        y,
        X_test=x_test,
        y_test=y_test,
        model=model,
        corruption=list(KINDS),
        rates=RATES,
        replicates=REPLICATES,
        out=folder / f"{n}-{neighbours}",
    )
    found = result.tolerance()
    return found.assign(n=n, neighbours=neighbours)


def main() -> None:
    rows: list[pd.DataFrame] = []
    with tempfile.TemporaryDirectory() as folder:
        for n in SIZES:
            for neighbours in (1, round(n ** (2 / 3))):
                rows.append(measured(n, neighbours, Path(folder)))
    table = pd.concat(rows)
    columns = ["corruption", "neighbours", "n", "midpoint", "midpoint_low", "midpoint_high"]
    table = table.sort_values(by=columns[:3])[columns].reset_index(drop=True)
    table["limit"] = [
        (1 - 1 / K) / 2 if k == 1 else theory(kind)[1]
        for kind, k in zip(table["corruption"], table["neighbours"], strict=True)
    ]
    for kind in KINDS:
        print(kind, "cliffs", theory(kind)[0])
    print(table.round(4).to_string(index=False))
    table.round(5).to_csv(RESULT, index=False)


if __name__ == "__main__":
    main()
