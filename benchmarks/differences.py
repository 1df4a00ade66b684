"""Differences that docs/results.md quotes and reports lack: ``python benchmarks/differences.py``.

From the committed tables it prints differences of mean accuracy, in points, with half of their
95 % interval and its ends: of the kinds of wrong labels, of 4,000 labels and 1,000, and of
validation policies, which a report holds against the article's only and without the models that
never started.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from gigo.analysis.intervals import Floats, fall, half_width, welch_half_width
from gigo.analysis.words import interval_text, value_text

RESULTS = Path(__file__).parent.parent / "docs" / "results"
RATES = (0.0, 0.4, 0.8)
PAIRS = (("noisy", "clean"), ("none", "clean"), ("oracle", "clean"))


def main() -> None:
    """Print every difference, paired by replicate unless it says otherwise."""
    print("\n".join([*corruptions(), *sizes(), *policies(), *looking()]))


def corruptions() -> Iterator[str]:
    """Random wrong labels over those of two classes, on the first 1,000 items."""
    frame = started(table("mnist-1000"))
    for rate in (0.1, 0.2, 0.3, 0.4):
        a, b = (points(frame, rate, corruption=name) for name in ("symmetric", "two_sink"))
        yield f"mnist-1000, {rate:.0%}: symmetric - two_sink: {told(a - b)}"


def sizes() -> Iterator[str]:
    """More but worse labels over fewer clean ones, and what the sizes lose."""
    frame = started(table("size-mnist"))
    clean = points(frame, 0.0, size=1000)
    for rate in RATES:
        few, many = (points(frame, rate, size=size) for size in (1000, 4000))
        yield f"4,000 labels at {rate:.0%} - 1,000 clean ones: {told(many - clean)}"
        lost = (clean - few) - (points(frame, 0.0, size=4000) - many)
        yield f"{rate:.0%}: lost by 1,000 - lost by 4,000: {told(lost)}"
        last_few, last_many = (
            points(frame, rate, "accuracy_last", size=size) for size in (1000, 4000)
        )
        gained = (many - last_many) - (few - last_few)
        yield f"{rate:.0%}: chosen over last epoch, 4,000 - 1,000: {told(gained)}"
    many = np.stack([points(frame, rate, size=4000).to_numpy() for rate in RATES])
    even = fall(np.array(RATES), many, clean.to_numpy())
    yield f"4,000 labels are worth 1,000 clean ones at {value_text(even)} ({interval_text(even)})"


def policies() -> Iterator[str]:
    for name in ("mnist-1000", "fashion-mnist-1000"):
        frame = table(f"validation-noise-{name}")
        for rate in RATES:
            for one, other in PAIRS:
                for which, trials in (("started", started(frame)), ("all", frame)):
                    a, b = (points(trials, rate, validation=policy) for policy in (one, other))
                    said = told(a - b)
                    yield f"{name}, {rate:.0%}: {one} - {other}, {which} models: {said}"


def looking() -> Iterator[str]:
    """Early stopping on the test set over that on clean items, with as many to train on."""
    paid, more = (
        started(table(f"validation-noise-{name}")) for name in ("mnist-1000", "mnist-1250")
    )
    for rate in RATES:
        looked = points(paid, rate, validation="oracle").to_numpy("float64")
        held_out = points(more, rate, validation="clean").to_numpy("float64")
        apart, half = looked.mean() - held_out.mean(), welch_half_width(looked, held_out)
        yield f"{rate:.0%}: oracle - clean, as many fitted, independent: {apart:+.1f} ± {half:.1f}"


def table(name: str) -> pd.DataFrame:
    return pd.read_csv(RESULTS / f"article-{name}.csv", keep_default_na=False)


def started(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.loc[frame["status"] == "ok"]


def points(
    frame: pd.DataFrame, rate: float, column: str = "accuracy", **chosen: object
) -> pd.Series:
    """Accuracies in percent, by replicate."""
    for name, value in {"rate": rate, **chosen}.items():
        frame = frame.loc[frame[name] == value]
    return pd.Series(100 * frame[column].to_numpy("float64"), frame["replicate"].to_numpy())


def told(differences: pd.Series) -> str:
    """The mean of those that both sides have."""
    apart: Floats = differences.dropna().to_numpy("float64")
    if not len(apart):
        return "no pairs"
    mean, half = apart.mean(), half_width(apart)
    ends = f"{mean - half:+.1f} to {mean + half:+.1f}"
    return f"{mean:+.1f} ± {half:.1f} ({ends}), {len(apart)} pairs"


if __name__ == "__main__":
    main()
