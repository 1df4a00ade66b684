"""The published points beside batches of 256 and of 32: ``python benchmarks/batches.py``.

From the committed tables of the first 1,000 items it prints, as Markdown, what docs/article.md says
of the batch size behind the published curves: mean accuracies of the models that started, with how
many of how many these are where some did not; and how far both sizes are from the published points,
taking the accuracy of guessing where none started. CIFAR-100, where all guess, is left out of that.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
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
    batches = {"256": trials(""), "32": trials("-batch-32")}
    texts = pd.DataFrame(
        {"published": points.map(percent)}
        | {name: frame.groupby(POINT).apply(told) for name, frame in batches.items()}
    ).dropna()
    print(f"| set, rate | {' | '.join(f'`{kind}`: {name}' for kind in KINDS for name in texts)} |")
    print("|---" * (1 + len(KINDS) * len(texts.columns)) + "|")
    for dataset in points.index.unique("dataset"):
        part = texts.xs(dataset)
        for rate in sorted(part.index.unique("rate")):
            rows = [part.loc[(k, rate)] if (k, rate) in part.index else None for k in KINDS]
            cells = [text for row in rows for text in ([""] * 3 if row is None else row)]
            print(f"| {dataset}, {rate_text(rate)} | {' | '.join(cells)} |")
    means = {name: frame.groupby(POINT).apply(mean) for name, frame in batches.items()}
    apart = 100 * pd.DataFrame({k: (m - points).abs() for k, m in means.items()}).dropna()
    apart = apart.drop(index="cifar100")
    high = apart.index.get_level_values("rate") > 0.5
    for where, rows in (("to 50 %", apart.loc[~high]), ("above", apart.loc[high])):
        for kind in KINDS:
            part = rows.xs(kind, level="corruption")
            said = ", ".join(f"{size:.1f} with batches of {k}" for k, size in part.mean().items())
            print(f"{kind}, {where}, {len(part)} points: mean size of the difference {said}")


def trials(suffix: str) -> pd.DataFrame:
    return pd.concat(pd.read_csv(RESULTS / f"article-{name}-1000{suffix}.csv") for name in SETS)


def mean(frame: pd.DataFrame) -> float:
    """Accuracy of the models that started, or of all if none did."""
    started = frame.loc[frame["status"] == "ok", "accuracy"].to_numpy("float64")
    return float(np.mean(started if len(started) else frame["accuracy"].to_numpy("float64")))


def told(frame: pd.DataFrame) -> str:
    started = (frame["status"] == "ok").to_list().count(True)
    if not started:
        return "never started"
    return percent(mean(frame)) + (f" ({started} of {len(frame)})" if started < len(frame) else "")


def percent(share: float) -> str:
    return f"{100 * share:.1f}"


if __name__ == "__main__":
    main()
