"""The published points beside batches of 256 and of 32: ``python benchmarks/batches.py``.

From the committed tables of the first 1,000 items it prints, as Markdown, what docs/article.md says
of the batch size behind the published curves: mean accuracies of the models that started (of all,
where none did), and how far either is from the published points.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from gigo.analysis import published
from gigo.analysis.words import rate_text

RESULTS = Path(__file__).parent.parent / "docs" / "results"
SETS = ("mnist", "fashion-mnist", "cifar10", "cifar100")
KINDS = ("symmetric", "two_sink")
POINT = ["dataset", "corruption", "rate"]


def main() -> None:
    """Print the table, and the mean size of the differences to 50 % and beyond."""
    points = published().frame
    points = points.loc[points["size"] == 1000].set_index(POINT)["accuracy"]
    found = pd.DataFrame({"published": points, "256": means(""), "32": means("-batch-32")}).dropna(
        subset=["published", "32"]
    )
    print(f"| set, rate | {' | '.join(f'`{kind}`: {name}' for kind in KINDS for name in found)} |")
    print("|---" * 7 + "|")
    for dataset in points.index.unique("dataset"):
        part = found.xs(dataset)
        for rate in sorted(set(part.index.get_level_values("rate"))):
            cells = [
                f"{100 * part.loc[(kind, rate), name]:.1f}" if (kind, rate) in part.index else ""
                for kind in KINDS
                for name in found
            ]
            print(f"| {dataset}, {rate_text(rate)} | {' | '.join(cells)} |")
    rates = found.index.get_level_values("rate")
    for told, rows in (("to 50 %", found.loc[rates <= 0.5]), ("above", found.loc[rates > 0.5])):
        for kind in KINDS:
            part = rows.xs(kind, level="corruption")
            apart = {
                name: 100 * (part[name] - part["published"]).abs().mean() for name in ("256", "32")
            }
            said = ", ".join(f"{value:.1f} with batches of {name}" for name, value in apart.items())
            print(f"{kind}, {told}, {len(part)} points: mean size of the difference {said}")


def means(suffix: str) -> pd.Series:
    """Mean accuracy by data set, corruption and rate: of models that started, if any did."""
    frame = pd.concat(pd.read_csv(RESULTS / f"article-{name}-1000{suffix}.csv") for name in SETS)
    started = frame.loc[frame["status"] == "ok"].groupby(POINT)["accuracy"].mean()
    return started.combine_first(frame.groupby(POINT)["accuracy"].mean())


if __name__ == "__main__":
    main()
