"""The published points beside batches of 256 and of 32: ``python benchmarks/batches.py``.

From the committed tables of the first 1,000 items it prints, as Markdown, what docs/article.md and
docs/results.md say of the published curves: how many points to 50 % are within 3 points of gigo's
mean, and how many are told apart where two trainings or more started (whether one more training
is expected there, p-values adjusted for all by Holm's method); mean accuracies of the models that
started for batches of 256 and of 32, with how many of how many these are where some did not; and
how far both sizes are from the published points, taking the accuracy of guessing where none
started. CIFAR-100, where all guess, is left out of counts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd
from committed import table as committed

from gigo.analysis import article
from gigo.analysis.comparison import compare
from gigo.analysis.multiple import LEVEL, holm
from gigo.analysis.points import Side
from gigo.analysis.words import rate_text

SETS = ("mnist", "fashion-mnist", "cifar10", "cifar100")
KINDS = ("symmetric", "two_sink")
POINT = ["dataset", "corruption", "rate"]


def main() -> None:
    """Print the table, and how far the points are to 50 % and beyond."""
    points = article.published().frame
    points = points.loc[points["size"] == 1000].set_index(POINT)["accuracy"]
    batches = {"256": trials(""), "32": trials("-batch-32")}
    lines = [line for name, frame in batches.items() for line in agreement(name, frame)]
    print("\n".join([*lines, "", *table(points, batches), "", *distances(points, batches)]))


def agreement(name: str, frame: pd.DataFrame) -> Iterator[str]:
    """How many published points to 50 % are close, and how many are told apart."""
    found = compare(Side("gigo", frame.loc[frame["dataset"] != "cifar100"]), article.published())
    part = found.points.loc[found.points["rate"] <= 0.5]
    p = holm(part["p"].to_numpy("float64"))
    yield (
        f"batches of {name}, {len(part)} points to 50 %:"
        f" {part['close'].to_list().count(True)} within 3 points;"
        f" two trainings or more started at {(~np.isnan(p)).sum()}, of which told apart"
        f" {(p < LEVEL).sum()}:"
    )
    for row in part.loc[p < LEVEL].to_dict("records"):
        at = f"{row['dataset']}, {row['corruption']}, {rate_text(row['rate'])}"
        yield f"  {at}: gigo {percent(row['mean_a'])}, published {percent(row['mean_b'])}"
    far = part.loc[np.isnan(p) & ~part["close"].to_numpy(bool)]
    for row in far.to_dict("records"):
        at = f"{row['dataset']}, {row['corruption']}, {rate_text(row['rate'])}"
        yield f"  one training started, more than 3 points apart: {at}"


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
    """How far the points that both sizes ran are, and how many are told apart.

    The latter of those at which trainings of both sizes started twice or more; p-values are
    adjusted for all of these, one batch size at a time.
    """
    judgements = {name: judged(frame, points) for name, frame in batches.items()}
    both = pd.concat(judgements, axis=1, join="inner").drop(index="cifar100")
    p = both.xs("p", axis=1, level=1)
    p = p.where(p.notna().all(axis=1))
    told = pd.DataFrame({name: holm(p[name].to_numpy("float64")) for name in p}, index=p.index)
    high = both.index.get_level_values("rate") > 0.5
    for where, rates in (("to 50 %", ~high), ("above", high)):
        for kind in KINDS:
            chosen = rates & (both.index.get_level_values("corruption") == kind)
            for name in batches:
                apart = both.loc[chosen, (name, "apart")].to_numpy("float64")
                tested = told.loc[chosen, name].dropna()
                yield (
                    f"{kind}, {where}, batches of {name}: {len(apart)} points; size of the"
                    f" difference {apart.mean():.1f} on average, {np.median(apart):.1f} in the"
                    f" middle, within 3 points {(apart <= 3).sum()};"
                    f" told apart {(tested < LEVEL).sum()} of {len(tested)}"
                )


def judged(frame: pd.DataFrame, points: pd.Series) -> pd.DataFrame:
    """How many points a published one is from the mean, and p of that, where there is one."""
    found = compare(Side("gigo", frame), article.published()).frame.set_index(POINT)
    apart = 100 * (frame.groupby(POINT).apply(mean) - points).abs()
    return pd.DataFrame({"apart": apart.dropna()}).join(found["p"])


def trials(suffix: str) -> pd.DataFrame:
    return pd.concat(committed(f"{name}-1000{suffix}") for name in SETS)


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
