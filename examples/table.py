"""A table: how many wrong diagnoses can two models take, and what does a better model bring?

    python examples/table.py

The data are scikit-learn's breast cancer data: 569 rows of 30 numbers. A fifth is held out for
testing, once. The models are a pipeline and boosted trees.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import gigo


def main(
    out: Path = Path("runs/breast-cancer"),
    rates: tuple[float, ...] = (0, 0.1, 0.2, 0.3, 0.4),
    replicates: int = 5,
) -> gigo.Result:
    """Train, print the answer, write the report."""
    data: Any = load_breast_cancer(as_frame=True)
    linear = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    result = gigo.sweep(
        data.data,
        data.target_names[data.target],
        model=[linear, "boosting"],
        rates=rates,
        replicates=replicates,
        out=out,
    )
    print(result.answer)
    print(f"report: {result.report()}")
    return result


if __name__ == "__main__":
    main()
