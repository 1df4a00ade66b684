"""What docs/article.md says of validation policies: ``python benchmarks/policies.py``.

From the committed tables of MNIST's 1,000 and 1,250 items it prints differences of mean accuracy,
in points, that the report does not give: it holds every policy against the article's.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from gigo.analysis.intervals import Floats, half_width, welch_half_width

RESULTS = Path(__file__).parent.parent / "docs" / "results"
RATES = (0.0, 0.4, 0.8)
PAIRS = (("noisy", "clean"), ("none", "clean"), ("oracle", "clean"))


def main() -> None:
    """Print every difference, with half of its 95 % interval."""
    paid, more = (
        pd.read_csv(RESULTS / f"article-validation-noise-mnist-{size}.csv", keep_default_na=False)
        for size in (1000, 1250)
    )
    for rate in RATES:
        for one, other in PAIRS:
            a, b = points(paid, one, rate), points(paid, other, rate)
            apart = (a - b).dropna().to_numpy("float64")
            said = f"{apart.mean():+.1f} ± {half_width(apart):.1f}, {len(apart)} pairs"
            print(f"{rate:.0%}: {one} - {other}, paired: {said}")
        looked, held_out = values(paid, "oracle", rate), values(more, "clean", rate)
        apart, half = looked.mean() - held_out.mean(), welch_half_width(looked, held_out)
        print(f"{rate:.0%}: oracle - clean on as many fitted items: {apart:+.1f} ± {half:.1f}")


def points(frame: pd.DataFrame, validation: str, rate: float) -> pd.Series:
    """Accuracies of the models that trained, in percent, by replicate."""
    rows = frame.loc[(frame["validation"] == validation) & (frame["rate"] == rate)]
    rows = rows.loc[rows["status"] == "ok"]
    return 100 * rows.set_index("replicate")["accuracy"].astype("float64")


def values(frame: pd.DataFrame, validation: str, rate: float) -> Floats:
    return points(frame, validation, rate).to_numpy("float64")


if __name__ == "__main__":
    main()
