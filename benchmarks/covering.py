"""How often intervals hold the truth, and how wide they are: ``python benchmarks/covering.py``.

Studies of R replicates are drawn from truths that are known: simulated ones and, with ``--pools
DIR``, files of real trainings (CSV: size, corruption, replicate, rate, accuracy, started), from
which replicates are drawn with replacement. Each is asked for the tolerance at ``keep 95%``, the
loss at 20 %, and the rate up to which a single training keeps it. Prints Markdown tables. Seeds
are fixed beforehand: other ones than those with which the rules were chosen.
"""

from __future__ import annotations

import argparse
import math
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from paired import fall

from gigo.analysis.allowed import Allowed
from gigo.analysis.curves import Accuracies
from gigo.analysis.intervals import Floats, Ints, first_below, half_width
from gigo.analysis.metric import ACCURACY
from gigo.analysis.spread import correlation
from gigo.analysis.tolerance import loss, single, tolerance
from gigo.axes import CURVE

TENTHS = np.arange(11) / 10
REPLICATES = (2, 3, 5, 10)
KEPT = Allowed(keep=0.95)
AT = 0.2
SEED = 2  # 1 served to choose the rules


@dataclass(frozen=True)
class Truth:
    """What studies are drawn from.

    Attributes:
        name: which one.
        rates: (R,) of a study.
        draw: ``(rng, n)`` to the accuracies (R, n) of n replicates; NaN where one did not start.
        tolerance: the rate at which the mean falls below 95 % of that at rate 0.
        means: (R,) of all trainings.
        short: at a rate, the share of single trainings below that, of those that start.
        corruption: its label.
        items: in the test set.
    """

    name: str
    rates: Floats
    draw: Callable[[np.random.Generator, int], Floats]
    tolerance: float
    means: Floats
    short: Callable[[float], float]
    corruption: str = "symmetric"
    items: int = 450

    def curve(self, accuracies: Floats) -> Accuracies:
        """Trainings (R, n) as the estimates take them."""
        names = {**dict.fromkeys(CURVE, "any"), "size": 1, "corruption": self.corruption}
        points = pd.DataFrame({"rate": self.rates}).assign(chance=0.1, n_classes=10, **names)
        replicates: Ints = np.arange(accuracies.shape[1])
        return Accuracies(ACCURACY, points, replicates, accuracies, accuracies)


def pool(path: Path) -> Truth:
    """Real trainings: the truth is what they say together."""
    frame = pd.read_csv(path)
    table = frame.assign(accuracy=frame["accuracy"].where(frame["started"] == 1))
    wide = table.pivot_table("accuracy", "rate", "replicate", dropna=False)
    rates, values = wide.index.to_numpy(np.float64), wide.to_numpy(np.float64)
    means = np.nanmean(values, axis=1)
    target = KEPT.keep * means[0]
    with np.errstate(invalid="ignore"):
        below = np.array([np.mean(row[~np.isnan(row)] < target) for row in values])
    crossing = first_below(rates, means - target)
    assert crossing is not None
    places = np.flatnonzero(np.isclose(rates[:, None], TENTHS).any(axis=1))
    return Truth(
        name=path.stem,
        rates=rates[places],
        draw=lambda rng, n: values[places][:, rng.integers(values.shape[1], size=n)],
        tolerance=crossing,
        means=means[places],
        short=lambda rate: float(np.interp(rate, rates, below)),
        corruption=str(frame["corruption"].iloc[0]),
    )


def simulated() -> Iterator[Truth]:
    """Made-up ones; accuracies are normal and rounded to whole items unless the name says else."""
    yield _made("smooth, 450 items", _smooth, items=450)
    yield _made("smooth, 10,000 items", _smooth, items=10_000)
    yield _made("plateau", _plateau)
    yield _made("skewed", _smooth, skewed=True)
    yield _made("never started", _smooth, failing=0.3)
    yield _made("common effect", _smooth, common=0.9)
    yield _made("cliff between rates", _cliff)
    yield _made("small cliff between rates", _small_cliff)


def _smooth(rates: Floats) -> Floats:
    return np.maximum(1 - 0.05 * np.exp(1.2 * _depth(rates) + 0.1 * _depth(rates) ** 2), 0.1)


def _plateau(rates: Floats) -> Floats:
    early = 0.95 - 0.037 * (1 - np.exp(-rates / 0.08))
    return np.maximum(early - 0.8 / (1 + np.exp(-(rates - 0.75) / 0.05)), 0.1)


def _cliff(rates: Floats) -> Floats:
    return np.where(rates < 0.45, 0.95 - 0.05 * rates, 0.5 - 0.3 * (rates - 0.45))


def _small_cliff(rates: Floats) -> Floats:
    return np.where(rates < 0.48, 0.95 - 0.0875 * rates, 0.86 - 0.3 * (rates - 0.48))


def _depth(rates: Floats) -> Floats:
    return -np.log(1 - np.minimum(10 / 9 * rates, 0.99))


def _made(
    name: str,
    curve: Callable[[Floats], Floats],
    items: int = 450,
    skewed: bool = False,
    failing: float = 0.0,
    common: float | None = None,
) -> Truth:
    """Accuracies about a curve, correlated within a replicate.

    Args:
        name: which one.
        curve: mean accuracy at rates.
        items: in the test set.
        skewed: towards low accuracies: exponential.
        failing: share of trainings that never start at rate 1, less at lower ones.
        common: the correlation of a replicate's accuracies, if the same everywhere.
    """
    means = curve(TENTHS)
    fine = np.linspace(0, 1, 10_001)
    target = KEPT.keep * float(curve(np.zeros(1))[0])
    alike = correlation(TENTHS)
    alike[0, 1:] = alike[1:, 0] = 0.2
    if common is not None:
        alike = np.full_like(alike, common)
        np.fill_diagonal(alike, 1.0)
    values, vectors = np.linalg.eigh(alike)
    root = vectors * np.sqrt(np.maximum(values, 0.0))

    def deviation(mean: Floats) -> Floats:
        return np.sqrt(mean * (1 - mean) * (0.5 / items + 1 / 3000))

    def draw(rng: np.random.Generator, n: int) -> Floats:
        normal = root @ rng.normal(size=(len(TENTHS), n))
        off = 1 - np.abs(normal) ** 2 if skewed else normal / 1.0
        if skewed:
            off = off / math.sqrt(2)
        drawn = means[:, None] + deviation(means)[:, None] * off
        drawn = np.clip(np.round(drawn * items) / items, 0.0, 1.0)
        lost = rng.random(drawn.shape) < failing * TENTHS[:, None]
        return np.where(lost, np.nan, drawn)

    def short(rate: float) -> float:
        mean = curve(np.array([rate]))
        score = float((target - mean[0]) / deviation(mean)[0])
        if skewed:  # below: a squared normal above 1 - sqrt(2) score
            return math.erfc(math.sqrt(max(1 - math.sqrt(2) * score, 0.0) / 2))
        return math.erfc(-score / math.sqrt(2)) / 2

    crossing = float(fine[np.argmax(curve(fine) < target)])
    return Truth(name, TENTHS, draw, crossing, means, short, items=items)


class Score(NamedTuple):
    """Of the studies of one truth and number of replicates, means over draws."""

    held: float
    width: float
    today_held: float
    today_width: float
    loss_held: float
    loss_width: float
    today_loss_width: float
    short: float


def score(truth: Truth, replicates: int, draws: int) -> Score:
    """Draw studies and ask them."""
    rng = np.random.default_rng([SEED, zlib.crc32(truth.name.encode()), replicates])
    place = int(np.flatnonzero(np.isclose(truth.rates, AT))[0])
    lost = truth.means[0] - truth.means[place]
    rows = [_one(truth, truth.draw(rng, replicates), place, lost) for _ in range(draws)]
    return Score(*np.nanmean(rows, axis=0))


def _one(truth: Truth, values: Floats, place: int, lost: float) -> tuple[float, ...]:
    curve, end = truth.curve(values), float(truth.rates[-1])
    found = tolerance(curve, KEPT, truth.items)
    before = fall(truth.rates, values, KEPT.keep * values[0])
    new, old = _ends(found.low, found.high, end), _ends(before.low, before.high, end)
    at = loss(curve, AT, truth.items)
    alone = single(curve, KEPT, truth.items).value
    low, high = (math.nan, math.nan) if at.low is None or at.high is None else (at.low, at.high)
    return (
        float(new[0] <= truth.tolerance <= new[1]),
        100 * (new[1] - new[0]),
        float(old[0] <= truth.tolerance <= old[1]),
        100 * (old[1] - old[0]),
        float(low <= lost <= high),
        100 * (high - low),
        200 * float(half_width(values[0] - values[place])),
        truth.short(min(alone, end)) if alone else 0.0,  # nothing is promised
    )


def _ends(low: float | None, high: float | None, end: float) -> tuple[float, float]:
    """Of an interval: all rates where it is unknown, to the last one where it is open."""
    return 0.0 if low is None else min(low, end), end if high is None else min(high, end)


def main() -> None:
    parser = argparse.ArgumentParser(description="Coverage and width of intervals.")
    parser.add_argument("--pools", type=Path, help="folder of CSV files of real trainings")
    parser.add_argument("--draws", type=int, default=400)
    given = parser.parse_args()
    truths = [pool(path) for path in sorted(given.pools.glob("*.csv"))] if given.pools else []
    print("| | R | before | now | ratio | loss before | loss now | single falls short |")
    print("|---|---|---|---|---|---|---|---|")
    for truth in [*truths, *simulated()]:
        for replicates in REPLICATES:
            print(_line(truth, replicates, score(truth, replicates, given.draws)), flush=True)


def _line(truth: Truth, replicates: int, found: Score) -> str:
    cells = (
        f"{truth.name} ({100 * truth.tolerance:.1f} %)",
        f"{replicates}",
        f"{found.today_held:.2f} / {found.today_width:.1f}",
        f"{found.held:.2f} / {found.width:.1f}",
        f"{found.width / found.today_width:.2f}",
        f"{found.today_loss_width:.1f}",
        f"{found.loss_held:.2f} / {found.loss_width:.1f}",
        f"{100 * found.short:.1f} %",
    )
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
