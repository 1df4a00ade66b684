"""What gigo adds to the time that estimators take, and what it saves.

``python benchmarks/estimators.py [--heads N] [--forests N] [--rounds N]`` prints, for logistic
regressions on vectors and random forests on a table: milliseconds per trial, and CPU seconds
outside ``fit`` and ``predict`` as a share of all, medians of rounds in which all take turns.
Rivals are joblib with a thread per process, and the loop that a user writes: one process, and as
many threads as the libraries like. Like joblib's, the processes are there and have imported what
they need when the clocks start.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import joblib
import numpy as np
from sklearn.base import clone
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from timed import Timed, calls

from gigo import runner
from gigo.inputs import digest
from gigo.machine import Machine
from gigo.study import Study
from gigo.types import Dataset

RATES = [i / 20 for i in range(11)]


@dataclass
class Spent:
    """What some trials took, in seconds: of the clock, of all processors, and inside the calls."""

    trials: int
    wall: float
    cpu: float
    inside: float

    @property
    def each(self) -> float:
        """Milliseconds per trial."""
        return 1e3 * self.wall / self.trials

    @property
    def outside(self) -> float:
        """The share of CPU seconds that is spent outside the calls."""
        return 1 - self.inside / self.cpu


def by_gigo(dataset: Dataset, model: Any, trials: int) -> Spent:
    """As users run it; of a model by name, what is inside is not known."""
    begun: list[tuple[float, float]] = []

    def listen(progress: runner.Progress) -> None:
        if progress.stack and not begun:
            begun.append((time.perf_counter(), time.process_time()))

    with TemporaryDirectory() as calls_folder, TemporaryDirectory() as run:
        study = Study.create(
            dataset=dataset,
            model=model
            if isinstance(model, str)
            else {"name": Timed(model, calls_folder), "key": "timed"},
            rates=RATES,
            replicates=max(1, round(trials / len(RATES))),
        )
        runner.run(study, Path(run), workers=Machine.here().cores, listener=listen)
        wall, cpu = time.perf_counter() - begun[0][0], time.process_time() - begun[0][1]
        inside, outside = calls(calls_folder)
        mine = (Path(calls_folder) / f"{os.getpid()}").exists()  # where it trained here
    return Spent(trials, wall, cpu + outside + (0 if mine else inside), inside)


def by_joblib(dataset: Dataset, model: Any, trials: int) -> Spent:
    """A process per core, a thread per process."""
    with TemporaryDirectory() as folder, TemporaryDirectory() as warm:
        cores = Machine.here().cores
        with joblib.parallel_config("loky", n_jobs=cores, inner_max_num_threads=1):
            joblib.Parallel()(
                joblib.delayed(one)(dataset, model, 0.0, seed, warm) for seed in range(4)
            )
            wall, cpu = time.perf_counter(), time.process_time()
            joblib.Parallel()(
                joblib.delayed(one)(dataset, model, *job, folder) for job in jobs(trials)
            )
            wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        inside, outside = calls(folder)
    return Spent(trials, wall, cpu + outside + inside, inside)


def by_loop(dataset: Dataset, model: Any, trials: int) -> Spent:
    """One after the other in this process, and the libraries' own number of threads."""
    with TemporaryDirectory() as folder:
        one(dataset, model, 0.0, 0, folder)
        before, _ = calls(folder)
        wall, cpu = time.perf_counter(), time.process_time()
        for job in jobs(trials):
            one(dataset, model, *job, folder)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        inside, _ = calls(folder)
    return Spent(trials, wall, cpu, inside - before)


def jobs(trials: int) -> list[tuple[float, int]]:
    """Rates and seeds."""
    return [(rate, seed) for seed in range(trials // len(RATES)) for rate in RATES]


def one(dataset: Dataset, model: Any, rate: float, seed: int, folder: str) -> float:
    """The accuracy of a model trained on wrong labels, as one writes it by hand."""
    y = dataset.y_train
    rng = np.random.default_rng(seed)
    labels = y.copy()
    wrong = rng.permutation(len(y))[: round(rate * len(y))]
    other = rng.integers(1, dataset.n_classes, len(wrong))
    labels[wrong] = (labels[wrong] + other) % dataset.n_classes
    mine = Timed(clone(model), folder).fit(dataset.x_train, labels)
    mine.predict_proba(dataset.tests["test"][0])
    return float((mine.predict(dataset.tests["test"][0]) == dataset.tests["test"][1]).mean())


def vectors(n: int, width: int = 64, n_classes: int = 10) -> Dataset:
    """Gaussian clouds, and as many more items for the test, at most 2,000."""
    rng = np.random.default_rng(0)
    means = rng.normal(size=(n_classes, width)) / 3

    def items(count: int) -> tuple[Any, Any]:
        y = rng.integers(n_classes, size=count)
        return (means[y] + rng.normal(size=(count, width))).astype(np.float32), y

    return made("vectors", "vector", items(n), items(min(n, 2_000)), n_classes)


def table(n: int, width: int = 20) -> Dataset:
    """Two classes by a few numbers of many."""
    import pandas as pd

    rng = np.random.default_rng(0)

    def items(count: int) -> tuple[Any, Any]:
        x = rng.normal(size=(count, width))
        y = (x[:, :5].sum(axis=1) + rng.normal(size=count) > 0).astype(np.int64)
        return pd.DataFrame(x, columns=[f"x{i}" for i in range(width)]), y

    return made("table", "table", items(n), items(n // 4), 2)


def made(name: str, kind: Any, train: Any, test: Any, n_classes: int) -> Dataset:
    return Dataset(
        name=name,
        x_train=train[0],
        y_train=train[1],
        tests={"test": test},
        classes=tuple(map(str, range(n_classes))),
        kind=kind,
        sha256=digest(*train, *test),
        source="random numbers",
    )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--heads", type=int, default=220, help="logistic regressions")
    parser.add_argument("--forests", type=int, default=22, help="random forests")
    parser.add_argument("--rows", type=int, default=10_000, help="of the table")
    parser.add_argument("--trees", type=int, default=100, help="of a forest")
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    heads, forest = LogisticRegression(), RandomForestClassifier(given.trees)
    cases = {
        "heads, 1,000 x 64": (vectors(1_000), heads, given.heads),
        "heads, 10,000 x 64": (vectors(10_000), heads, given.heads // 4),
        f"forests, {given.rows:,} x 20": (table(given.rows), forest, given.forests),
    }
    for name, (dataset, model, trials) in cases.items():
        sides: dict[str, tuple[Any, Any, int]] = {
            "gigo": (by_gigo, model, trials),
            "joblib": (by_joblib, model, trials),
        }
        if model is heads:
            sides["loop"] = by_loop, model, trials // 10
            sides["gigo, logistic"] = by_gigo, "logistic", trials
        if trials:
            duel(name, dataset, sides, given.rounds)


def duel(name: str, dataset: Dataset, sides: Mapping[str, tuple[Any, Any, int]], n: int) -> None:
    """Print how the sides did, who took turns."""
    rounds: list[dict[str, Spent]] = []
    for _ in range(n):
        rounds.append(
            {
                who: run(dataset, model, max(1, round(trials / len(RATES))) * len(RATES))
                for who, (run, model, trials) in sides.items()
            }
        )
    for who in sides:
        mine = [each[who] for each in rounds]
        ratios = [each[who].each / each["gigo"].each for each in rounds]
        known = all(spent.inside for spent in mine)
        outside = f"{statistics.median(spent.outside for spent in mine):6.1%}" if known else ""
        print(
            f"{name:22}{who:16}{mine[0].trials:5} trials x {n}"
            f"{statistics.median(spent.each for spent in mine):8.1f} ms per trial,"
            f"{statistics.median(ratios):6.2f} times gigo's"
            f" ({min(ratios):.2f} to {max(ratios):.2f}), CPU outside: {outside or 'not known'}",
            flush=True,
        )


if __name__ == "__main__":
    main()
