"""Gains of cleaning and collecting against the truth: ``python benchmarks/cleaning_truth.py``.

``--train`` makes the trainings anew (``GIGO_DATA`` names the folder of the data sets; a quarter of
an hour on one core) and writes ``docs/results/cleaning-truth.csv``; without it the tables of
docs/quantity-vs-quality.md are printed from that file.

Labels that are all right get errors first, of a kind and at a rate; the result is taken for data as
given, and a run adds symmetric noise to it. The gain that `gigo.analysis.cleaning` tells from that
run stands beside what the right labels gave. Likewise what learning curves promise for twice the
labels beside what these gave.

``--pools DIR`` holds pools of trainings on digits, as ``covering.py`` takes them: there errors at
one rate are taken for those that the data hold, and those above it for the noise that a run adds.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from quantity import markdown

import gigo
from gigo import corruptions
from gigo.analysis.base_rate import BaseRate
from gigo.analysis.cleaning import CleaningGain, cleaning_gains, depth
from gigo.analysis.collecting import learning_curves
from gigo.analysis.intervals import clopper_pearson
from gigo.datasets import load
from gigo.features import featured
from gigo.inputs import digest
from gigo.models.patches import patches
from gigo.resolve import resolve
from gigo.rng import Stream
from gigo.study import Study
from gigo.types import Dataset

TABLE = Path(__file__).parent.parent / "docs" / "results" / "cleaning-truth.csv"
BASES, ADDED = (0.05, 0.1, 0.2), (0.0, 0.1, 0.2, 0.3, 0.4)
KINDS = ("symmetric", "biased")
Fields = dict[str, Any]
POOLS = ("cnn200", "log200", "mlp200", "mlpall")
REPLICATES = 3
AUDIT = 200
"""Labels that the audit checked, of which it found the expected share wrong."""


@dataclass(frozen=True)
class Case:
    """A data set and a model, its truth from ``replicates``, and sizes for learning curves."""

    dataset: str
    model: str
    size: int | str
    replicates: int
    sizes: tuple[int, ...]
    first: int | None = None

    @property
    def features(self) -> bool:
        return self.model == "patches"


CASES = (
    Case("digits", "logistic", "all", 20, (42, 84, 168, 336, 672, 1344)),
    Case("digits", "mlp", 200, 20, (42, 84, 168, 336, 672, 1344)),
    Case("mnist", "patches", "all", 6, (125, 250, 500, 1000, 2000), first=1000),
    Case("fashion_mnist", "patches", "all", 6, (125, 250, 500, 1000, 2000), first=1000),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--train", action="store_true")
    parser.add_argument("--pools", type=Path)
    asked = parser.parse_args()
    if asked.train:
        frames = [frame for case in CASES for frame in trained(case)]
        pd.concat(frames).to_csv(TABLE, index=False)
    frame = pd.read_csv(TABLE)
    print(f"{markdown(cleaning(frame))}\n\n{markdown(collecting(frame))}")
    if asked.pools:
        print(f"\n{markdown(pools(asked.pools))}")


def trained(case: Case) -> Iterator[pd.DataFrame]:
    """Tidy tables of all trainings of a case, with the kind and the rate of the errors hidden."""
    whole = vectors(case)
    few = slice(case.first)
    dataset = replace(whole, x_train=whole.x_train[few], y_train=whole.y_train[few])
    many: Fields = {"size": case.size, "replicates": case.replicates, "rates": [0]}
    yield swept(case, spoilt(dataset, "none", 0.0), "none", 0.0, **many)
    for kind in KINDS:
        for base in BASES:
            given = spoilt(dataset, kind, base)
            yield swept(case, given, kind, base, **many)
            more: Fields = {"size": case.size, "replicates": REPLICATES, "rates": ADDED[1:]}
            yield swept(case, given, kind, base, **more)
    sizes: Fields = {"size": case.sizes, "replicates": case.replicates, "rates": [0]}
    yield swept(case, spoilt(whole, "none", 0.0), "sizes", 0.0, **sizes)


def vectors(case: Case) -> Dataset:
    """The data set; of images the features, made once whatever the labels."""
    dataset = load(case.dataset)
    if not case.features:
        return dataset
    card = resolve(Study.create(dataset=case.dataset, model="patches")).datasets[0]
    return featured(dataset, patches(card))


def spoilt(dataset: Dataset, kind: str, rate: float) -> Dataset:
    """The data set with errors in the labels of its training items."""
    labels = dataset.y_train.copy()
    if rate:
        items, stream = np.arange(len(labels)), Stream(1, 0, "hidden")
        to: Any = corruptions.CATALOGUE[kind].function
        item, label, *_ = corruptions.relabel(dataset, items, stream, destinations=to)
        wrong = round(rate * len(labels))
        labels[item[:wrong]] = label[:wrong]
    x, (x_test, y_test) = np.ascontiguousarray(dataset.x_train), dataset.tests["test"]
    sha256 = digest(x, labels, x_test, y_test)
    return replace(dataset, x_train=x, y_train=labels, sha256=sha256)


def swept(case: Case, given: Dataset, hidden: str, base: float, **fields: Any) -> pd.DataFrame:
    model = "logistic" if case.features else case.model
    with tempfile.TemporaryDirectory() as folder:
        result = gigo.sweep(given, model=model, workers=1, out=Path(folder) / "run", **fields)
        frame: Any = result.frame
    print(case.dataset, case.model, hidden, base, f"{frame['seconds'].sum():.0f} s", flush=True)
    frame = frame.assign(model=case.model, hidden=hidden, base=base)
    return frame[[*COLUMNS]]


COLUMNS = (
    *("dataset", "size", "corruption", "rate", "realised_rate", "replicate", "model", "recipe"),
    *("validation", "status", "started", "accuracy", "chance", "n_classes", "seconds"),
    *("hidden", "base"),
)


def cleaning(frame: pd.DataFrame) -> pd.DataFrame:
    """Per case, kind and base rate: the true gain in points, and those told."""
    rows: list[dict[str, Any]] = []
    groups: Any = frame.groupby(["dataset", "model", "hidden", "base"], sort=False)
    for (name, model, kind, base), given in groups:
        if base == 0:
            continue
        right: Any = frame[(frame["dataset"] == name) & (frame["model"] == model)]
        apart = replicates(right[right["hidden"] == "none"]) - replicates(given)
        few = given[given["replicate"] < REPLICATES]
        checked = round(base * AUDIT)
        low, high = map(float, clopper_pearson(checked, AUDIT))
        exact = gain(few, BaseRate(base, base, base))
        audited = gain(few, BaseRate(base, low, high, AUDIT, checked))
        rows.append(
            {
                "data": name,
                "model": model,
                "hidden": kind,
                "base": base,
                "true": 100 * apart.mean(),
                "error": 100 * apart.sem(),
                "told": 100 * exact.gain.value,
                "low": 100 * exact.low,
                "high": 100 * exact.high,
                "audited": 100 * audited.gain.low,
                "to": 100 * audited.gain.high,
                "held": exact.low <= apart.mean() <= exact.high,
                "ratio": apart.mean() / exact.gain.value,
            }
        )
    return pd.DataFrame(rows).round(2)


def replicates(frame: Any) -> Any:
    """Accuracy without added noise, by replicate."""
    return frame[frame["rate"] == 0].set_index("replicate")["accuracy"].sort_index()


def gain(frame: pd.DataFrame, base: BaseRate) -> CleaningGain:
    (found,) = cleaning_gains(frame, base)
    return found


def pools(folder: Path) -> pd.DataFrame:
    """Per pool and base rate the same, all its replicates taken at once."""
    rows: list[dict[str, Any]] = []
    for name, base in product(POOLS, (*BASES, 0.3)):
        pool: Any = pd.read_csv(folder / f"{name}.csv").query("started == 1 and rate < 0.9")
        means = pool.groupby("rate")["accuracy"].mean()
        if base not in means:
            continue
        pool = pool[pool["rate"] >= base]
        left = np.exp(depth(base, 10 / 9) - depth(pool["rate"].to_numpy(float), 10 / 9))
        added = np.round(0.9 * (1 - left), 9)
        named = {"dataset": "digits", "size": 0, "corruption": "symmetric", "model": name}
        named |= {"recipe": "", "validation": "", "status": "ok", "started": True}
        pool = pool.assign(rate=added, realised_rate=added, chance=0.1, n_classes=10, **named)
        told, true = gain(pool, BaseRate(base, base, base)), means[0] - means[base]
        numbers = {"true": true, "told": told.gain.value, "low": told.low, "high": told.high}
        percent = {each: 100 * value for each, value in numbers.items()}
        held = {"held": told.low <= true <= told.high, "ratio": true / told.gain.value}
        rows.append({"pool": name, "base": base, **percent, **held})
    return pd.DataFrame(rows).round(2)


def collecting(frame: pd.DataFrame) -> pd.DataFrame:
    """Per case and size: what twice the labels gave in points, and what the smaller ones told."""
    rows: list[dict[str, Any]] = []
    groups: Any = frame[frame["hidden"] == "sizes"].groupby(["dataset", "model"], sort=False)
    for (name, model), grown in groups:
        sizes = sorted(set(grown["size"]))
        for k in range(3, len(sizes)):
            few = grown[(grown["size"] < sizes[k]) & (grown["replicate"] < REPLICATES)]
            (curve,) = learning_curves(few)
            told = curve.gain(sizes[k])
            means = grown.groupby("size")["accuracy"].agg(["mean", "sem"])
            apart, error = (
                means["mean"].diff()[sizes[k]],
                np.hypot(*means["sem"][sizes[k - 1 : k + 1]]),
            )
            numbers = [apart, error, told.value, told.low, told.high]
            names = ("true", "error", "told", "low", "high")
            both = {"from": sizes[k - 1], "to": sizes[k]}
            percent = {n: 100 * v for n, v in zip(names, numbers, strict=True)}
            held = told.low <= apart <= told.high
            rows.append({"data": name, "model": model, **both, **percent, "held": held})
    return pd.DataFrame(rows).round(2)


if __name__ == "__main__":
    main()
