"""Differences that docs/results.md quotes and reports lack: ``python benchmarks/differences.py``.

From the committed tables it prints differences of mean accuracy, in points: of the kinds of wrong
labels, of 4,000 labels and 1,000, and of validation policies, which a report holds against the
article's only and without the models that never started. Each has its 95 % interval, for itself
alone; p-values are adjusted (Holm) for all differences under the same heading, and only where that
leaves less than 0.05 are two means told apart. Before them stand the means and losses of both
sizes.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from committed import N_TEST, started, table

from gigo.analysis.estimates import curve_estimates, summary
from gigo.analysis.intervals import Floats, moments, quantile
from gigo.analysis.multiple import LEVEL, holm, p_value
from gigo.analysis.spread import LEAST
from gigo.analysis.tolerance import Loss

RATES = (0.0, 0.4, 0.8)
PAIRS = (("noisy", "clean"), ("none", "clean"), ("oracle", "clean"))


@dataclass(frozen=True)
class Difference:
    """Of two means, in points, with its standard error and degrees of freedom.

    Attributes:
        of: what was compared.
        basis: ``5 pairs``, or ``independent means``.
    """

    of: str
    value: float
    error: float
    freedom: float
    basis: str

    @classmethod
    def paired(cls, of: str, differences: pd.Series) -> Difference:
        """Over the replicates that both sides have."""
        n, mean, variance = moments(_numbers(differences.dropna()))
        return cls(of, float(mean), _error(variance / n), float(n - 1), f"{n} pairs")

    @classmethod
    def independent(cls, of: str, a: pd.Series, b: pd.Series) -> Difference:
        """Of the means of different replicates (Welch 1947; Satterthwaite 1946)."""
        sides = [moments(_numbers(side)) for side in (a, b)]
        parts = [float(side.variance / side.n) for side in sides]
        total = sum(parts)
        lost = sum((part / total) ** 2 / (s.n - 1) for part, s in zip(parts, sides, strict=True))
        value = float(sides[0].mean - sides[1].mean)
        return cls(of, value, _error(np.array(total)), float(1 / lost), "independent means")

    @property
    def text(self) -> str:
        """The difference with its interval."""
        half = float(quantile(np.array(self.freedom))) * self.error
        if math.isnan(half):
            return f"{self.value:+.1f}, one pair"
        ends = f"{self.value - half:+.1f} to {self.value + half:+.1f}"
        return f"{self.value:+.1f} ± {half:.1f} ({ends}), {self.basis}"


def main() -> None:
    """Print every difference, paired by replicate unless it says otherwise."""
    print("\n".join([*means(), *corruptions(), *sizes(), *policies(), *looking()]))


def means() -> Iterator[str]:
    """Accuracy of both sizes, in percent, and what they lose, in points."""
    frame = table("size-mnist")
    yield "Means of both sizes"
    for row in summary(frame, n_test=N_TEST).to_dict("records"):
        mean, low, high = (100 * row[name] for name in ("mean", "low", "high"))
        yield f"  {row['size']:,} at {row['rate']:.0%}: {mean:.1f} ({low:.1f} to {high:.1f})"
    for one in curve_estimates(frame, n_test=N_TEST):
        yield f"  {one.curve.size:,} lose {lost(one.losses)}"


def lost(losses: Sequence[Loss]) -> str:
    """Losses at the rates run, in points: ``5.2 (2.0 to 8.3) at 40 %``."""
    texts: list[str] = []
    for one in losses:
        if one.value is None:
            continue
        ends = ""
        if one.low is not None and one.high is not None:
            ends = f" ({100 * one.low:.1f} to {100 * one.high:.1f})"
        texts.append(f"{100 * one.value:.1f}{ends} at {100 * one.rate:.3g} %")
    return "; ".join(texts)


def corruptions() -> Iterator[str]:
    """Random wrong labels over those of two classes, on the first 1,000 items."""
    frame = started(table("mnist-1000"))
    found: list[Difference] = []
    for rate in (0.1, 0.2, 0.3, 0.4):
        a, b = (points(frame, rate, corruption=name) for name in ("symmetric", "two_sink"))
        found.append(Difference.paired(f"{rate:.0%}", a - b))
    yield from told("symmetric - two_sink, mnist-1000", found)


def sizes() -> Iterator[str]:
    """More but worse labels over fewer clean ones, and how much less more labels lose."""
    frame = started(table("size-mnist"))
    clean, clean_many = (points(frame, 0.0, size=size) for size in (1000, 4000))
    over: list[Difference] = []
    less: list[Difference] = []
    epochs: list[Difference] = []
    for rate in RATES:
        few, many = (points(frame, rate, size=size) for size in (1000, 4000))
        over.append(Difference.paired(f"{rate:.0%}", many - clean))
        if rate:
            less.append(Difference.paired(f"{rate:.0%}", (clean - few) - (clean_many - many)))
        last_few, last_many = (
            points(frame, rate, "accuracy_last", size=size) for size in (1000, 4000)
        )
        gained = (many - last_many) - (few - last_few)
        epochs.append(Difference.paired(f"{rate:.0%}", gained))
    yield from told("4,000 labels at a rate - 1,000 clean ones", over)
    yield from told("lost by 1,000 - lost by 4,000", less)
    yield from told("chosen over last epoch, 4,000 - 1,000", epochs)


def policies() -> Iterator[str]:
    """Validation policies over clean held-out items; of all models, too, where some never started.

    At rate 0 bad held-out items are the clean ones.
    """
    for name in ("mnist-1000", "fashion-mnist-1000"):
        frame = table(f"validation-noise-{name}")
        found: list[Difference] = []
        for rate in RATES:
            for one, other in PAIRS if rate else PAIRS[1:]:
                kinds = {"started": started(frame), "all": frame}
                sides = {
                    kind: [points(trials, rate, validation=policy) for policy in (one, other)]
                    for kind, trials in kinds.items()
                }
                if [*map(len, sides["all"])] == [*map(len, sides["started"])]:
                    del sides["all"]
                found += [
                    Difference.paired(f"{rate:.0%}: {one} - {other}, {kind} models", a - b)
                    for kind, (a, b) in sides.items()
                    if (a - b).notna().any()
                ]
        yield from told(f"validation, {name}", found)


def looking() -> Iterator[str]:
    """Early stopping on the test set over that on clean items, with as many to train on."""
    paid, more = (
        started(table(f"validation-noise-{name}")) for name in ("mnist-1000", "mnist-1250")
    )
    found = [
        Difference.independent(
            f"{rate:.0%}",
            points(paid, rate, validation="oracle"),
            points(more, rate, validation="clean"),
        )
        for rate in RATES
    ]
    yield from told("oracle - clean, as many trained on", found)


def told(heading: str, found: Sequence[Difference]) -> Iterator[str]:
    """The differences, with p-values adjusted for all of them."""
    yield f"\n{heading}"
    yield from (
        f"  {one.of}: {one.text}, {p}" for one, p in zip(found, adjusted(found), strict=True)
    )


def adjusted(found: Sequence[Difference]) -> list[str]:
    """What Holm's method leaves of each, in words."""
    value, error, freedom = (
        np.array([getattr(one, name) for one in found]) for name in ("value", "error", "freedom")
    )
    return [p_text(p) for p in holm(p_value(value, error, freedom))]


def p_text(p: float) -> str:
    """An adjusted p-value in words."""
    if math.isnan(p):
        return "no interval"
    return f"adjusted p {p:.2g}: {'told apart' if p < LEVEL else 'not told apart'}"


def points(
    frame: pd.DataFrame, rate: float, column: str = "accuracy", **chosen: object
) -> pd.Series:
    """Accuracies in percent, by replicate."""
    for name, value in {"rate": rate, **chosen}.items():
        frame = frame.loc[frame[name] == value]
    return pd.Series(100 * frame[column].to_numpy("float64"), frame["replicate"].to_numpy())


def _numbers(values: pd.Series) -> Floats:
    return values.to_numpy("float64")


def _error(variance: Floats) -> float:
    """A standard error, of which means that agree to the last item have one, too."""
    return max(math.sqrt(variance), 100 * LEAST) if not np.isnan(variance) else math.nan


if __name__ == "__main__":
    main()
