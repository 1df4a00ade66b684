"""How often intervals of exchange rates hold the truth: ``python benchmarks/exchange_coverage.py``.

``--pools DIR`` holds ``mlpsizes.csv`` and ``logsizes.csv``: trainings on digits, 40 replicates of
eight sizes and six rates (columns size, replicate, rate, accuracy, started). Studies draw a few of
the replicates, with replacement; the truth is that of all, log error straight over log size between
the sizes. Beside the intervals stand those of a paired t-test at each size. Printed per pool, sizes
and replicates: the share that holds the truth, of all cells and of the worst, and high over low,
both cut to the sizes run, as the geometric mean.
"""

from __future__ import annotations

import argparse
import math
from pathlib import Path

import numpy as np
import pandas as pd
from paired import fall

from gigo.analysis.exchange import exchanges
from gigo.analysis.intervals import Floats

POOLS = ("mlpsizes", "logsizes")
REPLICATES = (3, 5, 10)
PICKED = {"8 sizes": (0, 1, 2, 3, 4, 5, 6, 7), "5 sizes": (0, 1, 3, 5, 7), "3 sizes": (0, 3, 7)}
SEED = 20261126

Ends = dict[tuple[int, float], tuple[float, float]]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--pools", type=Path, required=True)
    parser.add_argument("--draws", type=int, default=300)
    asked = parser.parse_args()
    for name in POOLS:
        sizes, rates, pool = read(asked.pools / f"{name}.csv")
        truth = worth(sizes, pool.mean(axis=2))
        for label, picked in PICKED.items():
            for n in REPLICATES:
                told = coverage(sizes, rates, pool, truth, list(picked), n, asked.draws)
                print(f"{name}, {label}, {n} replicates: {told}", flush=True)


def read(path: Path) -> tuple[Floats, Floats, Floats]:
    """(S,) sizes, (R,) rates and the (S, R, n) accuracies of a pool; what did not start counts."""
    frame = pd.read_csv(path)
    table = frame.set_index(["size", "rate", "replicate"])["accuracy"].unstack()
    sizes, rates = (np.unique(frame[name].to_numpy("float64")) for name in ("size", "rate"))
    return sizes, rates, table.to_numpy("float64").reshape(len(sizes), len(rates), -1)


def worth(sizes: Floats, means: Floats) -> Floats:
    """(S, R) as many clean labels give the same mean; NaN beyond the sizes."""
    clean, errors = np.minimum.accumulate(np.log(1 - means[:, 0])), np.log(1 - means)
    found = np.exp(np.interp(-errors, -clean, np.log(sizes)))
    return np.where((errors < clean[0]) & (errors > clean[-1]), found, np.nan)


def coverage(
    sizes: Floats,
    rates: Floats,
    pool: Floats,
    truth: Floats,
    picked: list[int],
    n: int,
    draws: int,
) -> str:
    rng = np.random.default_rng(SEED)
    run = sizes[picked]
    known = {
        (int(size), float(rate)): truth[row, column]
        for row, size in zip(picked, run, strict=True)
        for column, rate in enumerate(rates)
        if rate and run[0] < truth[row, column] < run[-1]
    }
    told: list[str] = []
    held: dict[str, list[list[bool]]] = {"smoothed": [], "paired": []}
    widths: dict[str, list[float]] = {"smoothed": [], "paired": []}
    for _ in range(draws):
        values = pool[picked][:, :, rng.integers(0, pool.shape[2], n)]
        for way, ends in (
            ("smoothed", smoothed(run, rates, values)),
            ("paired", paired(run, rates, values)),
        ):
            held[way].append([ends[cell][0] <= known[cell] <= ends[cell][1] for cell in known])
            for cell in known:
                low, high = np.clip(ends[cell], run[0], run[-1])
                widths[way].append(math.log(high / low))
    for way, each in held.items():
        shares = np.mean(each, axis=0)
        ratio = math.exp(float(np.nanmean(widths[way])))
        told.append(f"{way} {shares.mean():.3f} (worst {shares.min():.2f}), high/low {ratio:.2f}")
    return "; ".join(told)


def smoothed(sizes: Floats, rates: Floats, values: Floats) -> Ends:
    return {
        (each.curve.size, each.rate): (each.low, each.high)
        for each in exchanges(as_frame(sizes, rates, values))
    }


def paired(sizes: Floats, rates: Floats, values: Floats) -> Ends:
    """By a t-test at each size of clean labels against the same replicates' labels."""
    found: Ends = {}
    for row, size in enumerate(sizes):
        for column, rate in enumerate(rates):
            target = values[row, column]
            at = fall(np.log(sizes[-1] / sizes[::-1]), values[::-1, 0], target)
            low, high = (math.nan if x is None else x for x in (at.low, at.high))
            ends = float(sizes[-1] * np.exp(-high)), float(sizes[-1] * np.exp(-low))
            found[int(size), float(rate)] = ends
    return found


def as_frame(sizes: Floats, rates: Floats, values: Floats) -> pd.DataFrame:
    """The tidy table of (S, R, n) accuracies at ten classes."""
    size, rate, replicate = np.meshgrid(sizes, rates, np.arange(values.shape[2]), indexing="ij")
    named = {"dataset": "digits", "corruption": "symmetric", "model": "pool"}
    settings = {"recipe": "auto", "validation": "clean", "status": "ok", "started": True}
    numbers = {"size": size.ravel().astype(int), "rate": rate.ravel()}
    frame = pd.DataFrame({**numbers, "replicate": replicate.ravel(), "accuracy": values.ravel()})
    return frame.assign(**named, **settings, realised_rate=frame["rate"], chance=0.1, n_classes=10)


if __name__ == "__main__":
    main()
