"""The published points beside batches of 256 and of 32: ``python benchmarks/batches.py``.

From the committed tables of the first 1,000 items it prints, as Markdown, what docs/results.md
says of the batch size behind the published curves: mean accuracies of the models that started,
with how many of how many these are where some did not; how far both sizes are from the published
points, taking the accuracy of guessing where none started; and of the points that both ran more
than once how many are as expected: where one training is expected, or within 3 points of the mean.
CIFAR-100, where all guess, is left out of both.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from gigo.analysis import article
from gigo.analysis.comparison import compare
from gigo.analysis.points import Side
from gigo.analysis.words import rate_text

RESULTS = Path(__file__).parent.parent / "docs" / "results"
SETS = ("mnist", "fashion-mnist", "cifar10", "cifar100")
KINDS = ("symmetric", "two_sink")
POINT = ["dataset", "corruption", "rate"]


def main() -> None:
    """Print the table, and how far the points are to 50 % and beyond."""
    points = article.published().frame
    points = points.loc[points["size"] == 1000].set_index(POINT)["accuracy"]
    batches = {"256": trials(""), "32": trials("-batch-32")}
    print("\n".join([*table(points, batches), "", *distances(points, batches)]))


def table(points: pd.Series, batches: Mapping[str, pd.DataFrame]) -> Iterator[str]:
    """Every point that both sizes ran, in Markdown."""
    texts = pd.DataFrame(
        {"published": points.map(percent)}
        | {name: frame.groupby(POINT).apply(told) for name, frame in batches.items()}
    ).dropna()
    yield f"| set, rate | {' | '.join(f'`{kind}`: {name}' for kind in KINDS for name in texts)} |"
    yield "|---" * (1 + len(KINDS) * len(texts.columns)) + "|"
    for dataset in points.index.unique("dataset"):
        part = texts.xs(dataset)
        for rate in sorted(part.index.unique("rate")):
            rows = [part.loc[(k, rate)] if (k, rate) in part.index else None for k in KINDS]
            cells = [text for row in rows for text in ([""] * 3 if row is None else row)]
            yield f"| {dataset}, {rate_text(rate)} | {' | '.join(cells)} |"


def distances(points: pd.Series, batches: Mapping[str, pd.DataFrame]) -> Iterator[str]:
    """How far the points that both sizes ran are, and how many agree that both ran again."""
    judgements = {name: judged(frame, points) for name, frame in batches.items()}
    both = pd.concat(judgements, axis=1, join="inner").drop(index="cifar100")
    again = both.xs("several", axis=1, level=1).all(axis=1)
    high = both.index.get_level_values("rate") > 0.5
    for where, rates in (("to 50 %", ~high), ("above", high)):
        for kind in KINDS:
            chosen = rates & (both.index.get_level_values("corruption") == kind)
            for name in batches:
                apart = both.loc[chosen, (name, "apart")].to_numpy("float64")
                agree = both.loc[chosen & again, (name, "agrees")].to_list()
                yield (
                    f"{kind}, {where}, batches of {name}: {len(apart)} points; size of the"
                    f" difference {apart.mean():.1f} on average, {np.median(apart):.1f} in the"
                    f" middle, within 3 points {(apart <= 3).sum()};"
                    f" {agree.count(True)} of {len(agree)} as expected"
                )


def judged(frame: pd.DataFrame, points: pd.Series) -> pd.DataFrame:
    """How many points a published one is from the mean, and whether that is to be expected."""
    found = compare(Side("gigo", frame), article.published()).frame.set_index(POINT)
    agrees = [found[name].fillna(False).astype(bool) for name in ("inside", "close")]
    groups = frame.groupby(POINT)
    return pd.DataFrame(
        {
            "apart": 100 * (groups.apply(mean) - points).abs(),
            "several": groups.size() > 1,
            "agrees": agrees[0] | agrees[1],
        }
    ).dropna()


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
