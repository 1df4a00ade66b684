"""Is bfloat16 as good as float32? ``python benchmarks/precision.py [NAME ...]``.

Trains the same trials in both precisions, through gigo's own runs in ``runs/precision``, so that it
can be interrupted and called again, and prints for each point both mean accuracies and the 95 %
interval of their difference, paired by replicate. Without names the table is kept as
``docs/results/precision.csv``. Worth the time only where the processor multiplies bfloat16 itself
(``avx512_bf16``, ``amx_bf16``).
"""

from __future__ import annotations

import sys
from pathlib import Path

import pandas as pd

import gigo
from gigo.study import Study

ROOT = Path(__file__).parent.parent
TABLE = ROOT / "docs" / "results" / "precision.csv"
STUDIES = {
    "digits": Study.create(
        dataset="digits", rates=[0, 0.2, 0.4, 0.6], recipe="small", replicates=10
    ),
    "mnist-1000": Study.create(
        dataset="mnist", size=1000, rates=[0, 0.2, 0.4, 0.6], validation="oracle", replicates=8
    ),
    "mnist-all": Study.create(dataset="mnist", rates=0.4, validation="clean", replicates=3),
}


def main() -> None:
    """Train what is missing of the studies asked for, and write the table of all there are."""
    parts: list[pd.DataFrame] = []
    for name in sys.argv[1:] or STUDIES:
        half, whole = (
            gigo.run(
                STUDIES[name].but(name=f"{name}-{precision}", precision=precision),
                out=ROOT / "runs" / "precision" / f"{name}-{precision}",
            )
            for precision in ("bfloat16", "float32")
        )
        found = gigo.compare(half, whole).frame
        part = found[["dataset", "size", "rate"]].assign(
            bfloat16=found["mean_a"],
            float32=found["mean_b"],
            replicates=found["n_a"],
            difference=found["difference"],
            low=found["low"],
            high=found["high"],
            equal=found["inside"],
        )
        parts.append(part)
    table = pd.concat(parts)
    print(table.to_string(index=False))
    if not sys.argv[1:]:
        TABLE.parent.mkdir(exist_ok=True)
        table.to_csv(TABLE, index=False, float_format="%.5f")


if __name__ == "__main__":
    main()
