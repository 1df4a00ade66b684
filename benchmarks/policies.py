"""What docs/article.md says of validation policies: ``python benchmarks/policies.py``.

From the committed tables it prints differences of mean accuracy, in points, that the report does
not give: it holds every policy against the article's, and leaves out models that never started.
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
    for name in ("mnist-1000", "fashion-mnist-1000"):
        frame = table(name)
        for rate in RATES:
            for one, other in PAIRS:
                for which, trials in (
                    ("started", frame.loc[frame["status"] == "ok"]),
                    ("all", frame),
                ):
                    a, b = points(trials, one, rate), points(trials, other, rate)
                    apart = (a - b).dropna().to_numpy("float64")
                    if len(apart):
                        said = f"{apart.mean():+.1f} ± {half_width(apart):.1f}, {len(apart)} pairs"
                        print(f"{name}, {rate:.0%}: {one} - {other}, {which} models: {said}")
    paid, more = (
        frame.loc[frame["status"] == "ok"] for frame in map(table, ("mnist-1000", "mnist-1250"))
    )
    for rate in RATES:
        looked, held_out = values(paid, "oracle", rate), values(more, "clean", rate)
        apart, half = looked.mean() - held_out.mean(), welch_half_width(looked, held_out)
        print(f"{rate:.0%}: oracle - clean on as many fitted items: {apart:+.1f} ± {half:.1f}")


def table(name: str) -> pd.DataFrame:
    return pd.read_csv(RESULTS / f"article-validation-noise-{name}.csv", keep_default_na=False)


def points(frame: pd.DataFrame, validation: str, rate: float) -> pd.Series:
    """Accuracies in percent, by replicate."""
    rows = frame.loc[(frame["validation"] == validation) & (frame["rate"] == rate)]
    return 100 * rows.set_index("replicate")["accuracy"].astype("float64")


def values(frame: pd.DataFrame, validation: str, rate: float) -> Floats:
    return points(frame, validation, rate).to_numpy("float64")


if __name__ == "__main__":
    main()
