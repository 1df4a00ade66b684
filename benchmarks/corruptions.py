"""How fast training sets are corrupted: ``python benchmarks/corruptions.py [NAME ... | stacks]``.

Of every entry of the catalogue, or of those that are named: seconds from items to edited ones at a
rate of 20 % (or the highest, where that is lower), new inputs included; the median of 3 rounds.
Label entries have 1,000,000 items of 10 classes, those that ask a reference model and those of sets
and inputs 10,000: images of 1x28x28, rows of a table, or texts of 6 words. What is done once per
study (names are looked up, label files read) is not counted.

With ``stacks``, and MNIST where ``GIGO_DATA`` says: seconds of a whole run with five corruptions of
images, and of one with five of labels, in turns.
"""

from __future__ import annotations

import statistics
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

import gigo
from gigo.edited import Edited
from gigo.ref import Ref
from gigo.resolve import corruption
from gigo.rng import Stream
from gigo.sample import drawn
from gigo.types import Corruption, Dataset, Kind

sys.path.append(str(Path(__file__).parent.parent / "tests"))
from entries import CASES, Example, made  # pyright: ignore[reportMissingImports] - of tests/

PROMISE = 1.0
"""Seconds in which a million labels are corrupted."""

LABELS, INPUTS = 1_000_000, 10_000
RATE, ROUNDS = 0.2, 3
CLASSES = tuple(f"class {k}" for k in range(10))

FIVE: dict[str, list[Any]] = {
    "images": [
        *("gaussian_noise", "blur", "occlusion", "contrast"),
        {"name": "jpeg", "severity": 5},
    ],
    "labels": ["symmetric", "biased", "two_sink", "pair", "confusion"],
}


def main() -> None:
    asked = sys.argv[1:]
    if asked == ["stacks"]:
        stacks()
        return
    print(f"{'entry':<36} {'inputs':<7} {'items':>9} {'edits':>7}  median")
    for case, kind in CASES:
        if not asked or case.name in asked:
            with TemporaryDirectory() as folder:
                report(case, kind, Path(folder))


def report(case: Example, kind: Kind, folder: Path) -> None:
    n, side = (LABELS, 1) if case.of_labels else (INPUTS, 28)  # one pixel, if nobody looks at it
    dataset = made(kind, np.arange(n) % 10, CLASSES, side=side)
    known = corruption(Ref.model_validate(case.asked(dataset, folder)))
    times: list[float] = []
    edits = 0
    for turn in range(ROUNDS):
        begun = time.perf_counter()
        edits = corrupted(known, dataset, turn)
        times.append(time.perf_counter() - begun)
    median = statistics.median(times)
    late = f"  over {PROMISE:g} s" if case.of_labels and median >= PROMISE else ""
    print(f"{case.label:<36} {kind:<7} {n:>9,} {edits:>7,} {median:6.3f} s{late}", flush=True)


def corrupted(known: Corruption, dataset: Dataset, turn: int) -> int:
    """Corrupt all items; how many edits that takes. What a reference model says is made anew."""
    items, stream = np.arange(dataset.n_train), Stream(turn, 0, "corruption")
    name = f"benchmark {time.time_ns()}"
    schedule = drawn(known, dataset, items, stream, name)
    k = schedule.n_edits(min(RATE, schedule.highest(len(items))), len(items))
    extra = schedule.extra(k) if callable(schedule.extra) else schedule.extra
    Edited.begin(dataset, items).edit(schedule, k, "x", extra)
    return k


def stacks(rounds: int = 2) -> None:
    """Train the first 1,000 items of MNIST with images of members' own, and with shared ones."""
    for _ in range(rounds):
        for name, kinds in FIVE.items():
            with TemporaryDirectory() as folder:
                begun = time.perf_counter()
                result = gigo.sweep(
                    dataset="mnist",
                    size=1000,
                    subset="first",
                    model="small_cnn",
                    corruption=kinds,
                    rates=[0, 0.25, 0.5, 1],
                    replicates=2,
                    recipe={"base": "small", "epochs": 4},
                    out=folder,
                )
                taken = time.perf_counter() - begun
                trained = result.frame["key"].nunique()
                print(f"five of {name}: {trained} trainings, {taken:.1f} s", flush=True)


if __name__ == "__main__":
    main()
