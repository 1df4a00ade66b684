"""``patches`` on the first 1,000 items of MNIST: ``python benchmarks/patches.py``.

Prints how long the features take, how long all trials take after them, and the accuracies on the
10,000 test images in percent, means over the replicates.
"""

from __future__ import annotations

import argparse
import time
from tempfile import TemporaryDirectory
from typing import Any

import gigo

RATES = [i / 10 for i in range(11)]
SHOWN = (0, 0.2, 0.4, 0.6)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--dataset", default="mnist")
    parser.add_argument("--replicates", type=int, default=5)
    given = parser.parse_args()
    study: dict[str, Any] = {
        "dataset": given.dataset,
        "model": "patches",
        "size": 1_000,
        "subset": "first",
    }
    with TemporaryDirectory() as first, TemporaryDirectory() as out:
        begun = time.perf_counter()
        gigo.sweep(**study, rates=[0], replicates=1, out=first)
        featured = time.perf_counter()
        result = gigo.sweep(**study, rates=RATES, replicates=given.replicates, out=out)
        ended = time.perf_counter()
        frame = result.frame
    print(f"one trial, features made where they are not kept: {featured - begun:.1f} s")
    print(f"{len(frame)} trials after that: {ended - featured:.1f} s")
    for rate in SHOWN:
        found = frame.loc[frame["rate"] == rate, "accuracy"]
        print(f"{rate:4.0%}: {100 * found.mean():.1f} %, {len(found)} replicates")


if __name__ == "__main__":
    main()
