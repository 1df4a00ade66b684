"""Two runs side by side: a row for each point that both have, and what the rows come to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import product
from typing import Any, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gigo.analysis.contrast import Contrast, apart, contrast
from gigo.analysis.curves import Accuracies, Curve
from gigo.analysis.intervals import Floats, Ints, interval, moments, quantile, welch
from gigo.analysis.metric import ACCURACY, Metric
from gigo.analysis.multiple import LEVEL, holm, p_value
from gigo.analysis.points import Side
from gigo.analysis.spread import LEAST
from gigo.axes import AXES, POINT, SETTINGS

Mask = NDArray[np.bool_]

CLOSE = 0.03
"""Two values that differ by no more than this are called close: 3 points of accuracy."""

_MEASURED: dict[str, str] = {
    "mean": "mean of the n trials compared, by default of the test accuracy; or empty",
    "n": "trials in that mean: started ones; of a paired comparison, in both runs",
    "n_never_started": "trials whose training loss never left that of guessing; not in the mean",
    "n_diverged": "those whose loss stopped being a finite number; not in the mean",
    "n_failed": "those that failed or timed out; not in any mean",
    "mean_all": "mean of all trials but those that failed",
}

COMPARISON_COLUMNS: dict[str, str] = {
    **{name: AXES[name] for name in POINT},
    **{f"{axis}_{side}": f"{axis}, in {side.upper()}" for axis in SETTINGS for side in "ab"},
    **{f"{name}_{s}": f"{told}, in {s.upper()}" for s in "ab" for name, told in _MEASURED.items()},
    "difference": "mean_a - mean_b; 0.01 is a point; empty where a mean is",
    "low": "lower end of the 95 % interval of the difference; empty without replicates",
    "high": "upper end of it",
    "method": "paired: Student's interval over replicates that both have; welch: of independent"
    " means; prediction: of one training, where one side has but one; none: one on each side",
    "predicted_low": "lower end of where one training is expected; empty unless prediction",
    "predicted_high": "upper end of it",
    "p": "two-sided p-value of no difference; empty without replicates",
    "p_adjusted": "the same, adjusted for all points of the table by Holm's method",
    "differs": "whether that is below 0.05; else it can't be told; empty without replicates",
    "close": f"whether the difference is at most {CLOSE}; empty without one",
}
"""Every column of `Comparison.frame`, with its meaning and unit."""

_PAIR = [f"{axis}_{side}" for side in "ab" for axis in SETTINGS]


@dataclass(frozen=True)
class Comparison:
    """The points that two sides have in common.

    Attributes:
        a, b: the sides.
        frame: one row per point; the columns are those of `COMPARISON_COLUMNS`.
        only_a, only_b: how many points, setting by setting, have none to compare with.
        metric: what is compared.
        contrasts: for each two curves compared, their difference on average; of runs that have
            replicates.

    >>> import gigo
    >>> study = {"dataset": "digits", "size": 50, "recipe": "small", "rates": 0, "replicates": 2}
    >>> found = gigo.compare(gigo.sweep(**study, model="mlp"), gigo.sweep(**study))
    >>> len(found.points), found.only_a
    (1, 0)
    """

    a: Side
    b: Side
    frame: pd.DataFrame
    only_a: int
    only_b: int
    metric: Metric = ACCURACY
    contrasts: tuple[Contrast, ...] = ()

    def __repr__(self) -> str:
        return f"<gigo.Comparison {self.a.name}, {self.b.name}: {len(self.points)} points>"

    @property
    def published(self) -> Side | None:
        """The side that is a table of points, if one is."""
        return next((side for side in (self.a, self.b) if side.note), None)

    @cached_property
    def points(self) -> pd.DataFrame:
        """The rows that have a difference.

        At rate 0 the trials of a run are the same under every corruption, and count once; those
        of published points were trained anew.
        """
        rows = self.frame.loc[self.frame["difference"].notna()]
        if self.published:
            return rows
        trial = rows.assign(corruption=rows["corruption"].where(rows["rate"] > 0, ""))
        return rows.loc[~trial.duplicated([*POINT, *_PAIR])]

    @property
    def mean_difference(self) -> float:
        """Of A over B, as a share: 0.01 is a point; NaN without points."""
        return float(moments(self.points["difference"].to_numpy(float)).mean)

    @property
    def mean_absolute_difference(self) -> float:
        """The same whatever the sign."""
        return float(moments(self.points["difference"].abs().to_numpy(float)).mean)

    @property
    def largest(self) -> dict[str, Any] | None:
        """The row with the largest absolute difference; None without points."""
        rows: list[dict[str, Any]] = self.points.to_dict("records")
        return max(rows, key=lambda row: abs(row["difference"]), default=None)

    @property
    def n_intervals(self) -> int:
        """Points that have an interval."""
        return int(self.points["differs"].notna().to_numpy(bool).sum())

    @property
    def n_differing(self) -> int:
        """Points at which the sides are told apart, all points considered."""
        return int(self.points["differs"].fillna(False).to_numpy(bool).sum())

    @property
    def n_close(self) -> int:
        """Points that are close."""
        return int(self.points["close"].fillna(False).to_numpy(bool).sum())

    @property
    def apart(self) -> list[bool]:
        """Whether each of the contrasts is a difference, all of them considered (Holm)."""
        return apart(self.contrasts)

    @property
    def differing(self) -> dict[str, tuple[tuple[Any, ...], tuple[Any, ...]]]:
        """The settings that differ, by name, with their values in A and in B."""
        known = {name: (a, self.b.settings.get(name, a)) for name, a in self.a.settings.items()}
        found = {name: ((a,), (b,)) for name, (a, b) in known.items() if a != b}
        for axis in SETTINGS:
            a, b = self.frame[f"{axis}_a"], self.frame[f"{axis}_b"]
            if not a.equals(b):
                found[axis] = tuple(a.unique()), tuple(b.unique())
        return found

    def by_setting(self) -> dict[tuple[tuple[str, ...], ...], Comparison]:
        """A comparison for each pair of settings (model, recipe, validation), A's first."""
        groups = self.frame.groupby(_PAIR, sort=False)
        return {
            (pair[: len(SETTINGS)], pair[len(SETTINGS) :]): replace(
                self, frame=rows, contrasts=self._contrasts(pair)
            )
            for pair, rows in cast("Iterator[tuple[tuple[str, ...], pd.DataFrame]]", groups)
        }

    def _contrasts(self, pair: tuple[str, ...]) -> tuple[Contrast, ...]:
        """Those between two settings, in the order of `_PAIR`."""
        return tuple(
            each
            for each in self.contrasts
            if (*(getattr(each.a, n) for n in SETTINGS), *(getattr(each.b, n) for n in SETTINGS))
            == pair
        )


def compare(a: Side, b: Side, metric: Metric = ACCURACY) -> Comparison:
    """Pair the points that both sides have: data set, size, corruption and rate.

    A side that has several settings (model, recipe, validation) at a point is compared setting by
    setting: each with the only one of the other side; where both have several, each with itself
    or, if they share none, with all.

    Two curves have one contrast (`gigo.analysis.contrast`); each point has an interval besides,
    and a p-value that is adjusted for all points. The interval is of the difference of means. Runs
    of one seed share what their replicates draw, so those that both have are paired; other runs are
    independent, and Welch's interval takes their means. Where one side has a single training, it
    is where one more training of the other is to be expected, taken off the other's mean; a
    replicate of the same seed and number is left out of that mean, or, where it is one of two,
    compared alone.

    Returns:
        With an empty frame if they have no point in common.
    """
    a, b = a.sized(b.n_items), b.sized(a.n_items)
    of_a, of_b = Accuracies.of(a.frame, metric), Accuracies.of(b.frame, metric)
    matched = _matched(of_a, of_b)
    rows_a, rows_b = _common(matched)
    replicates = np.union1d(of_a.replicates, of_b.replicates)
    paired = "seed" in b.settings and a.settings.get("seed") == b.settings["seed"]
    sides = ("a", of_a, rows_a), ("b", of_b, rows_b)
    columns: dict[str, Any] = {
        **{name: of_a.points[name].to_numpy()[rows_a] for name in POINT},
        **{
            f"{name}_{side}": found.points[name].to_numpy()[rows]
            for side, found, rows in sides
            for name in (*SETTINGS, "n_never_started", "n_diverged", "n_failed")
        },
        **{f"mean_all_{side}": moments(found.of_all[rows]).mean for side, found, rows in sides},
        **_compared(
            _over(replicates, of_a, rows_a), _over(replicates, of_b, rows_b), paired, metric.most
        ),
    }
    frame = pd.DataFrame(columns, columns=list(COMPARISON_COLUMNS))
    only_a, only_b = (len(found.points) - len(set(rows)) for _, found, rows in sides)
    contrasts = (contrast(one, other) for one, other in matched)
    found = tuple(each for each in contrasts if each is not None)
    return Comparison(a, b, frame, only_a, only_b, metric, found)


def between_settings(
    run: Side, like: Mapping[str, str], metric: Metric = ACCURACY
) -> Comparison | None:
    """Every other setting of a run, A, against one of them, B, paired by replicate.

    B is, for each data set, the first of those that have most in common with ``like``. A trial
    that both have, such as that of clean and noisy validation at rate 0, is not compared.

    Args:
        run: whose settings.
        like: a value by setting.
        metric: what is compared.

    Returns:
        None where the run has but one setting.
    """
    frame = run.frame.reset_index(drop=True)
    number = frame.groupby(["dataset", *SETTINGS], sort=False, observed=True).ngroup()
    alike = frame[list(like)].eq(pd.Series(like)).sum(axis=1)
    held = number.isin(number[alike.groupby(frame["dataset"]).idxmax()])
    if held.all():
        return None
    shared = frame["key"].isin(frame.loc[held, "key"])
    others = replace(run, frame=frame.loc[~shared])
    return compare(others, replace(run, frame=frame.loc[held]), metric)


_Named = tuple[Curve, Accuracies]


def _matched(a: Accuracies, b: Accuracies) -> list[tuple[_Named, _Named]]:
    """The curves to compare, with their values."""
    curves_a, curves_b = a.curves(), b.curves()
    return [
        ((one, curves_a[one]), (other, curves_b[other]))
        for one, other in _matches(curves_a, curves_b)
    ]


def _common(matched: Iterable[tuple[_Named, _Named]]) -> tuple[Ints, Ints]:
    """The points that both have, by their rows on each side."""
    rows: list[tuple[Ints, Ints]] = [(np.empty(0, np.int64), np.empty(0, np.int64))]
    for (_, left), (_, right) in matched:
        _, i, j = np.intersect1d(left.rates, right.rates, return_indices=True)
        rows.append((left.points.index.to_numpy()[i], right.points.index.to_numpy()[j]))
    rows_a, rows_b = (np.concatenate(side) for side in zip(*rows, strict=True))
    return rows_a, rows_b


def _matches(curves_a: Iterable[Curve], curves_b: Iterable[Curve]) -> Iterator[tuple[Curve, Curve]]:
    """The curves to compare: see `compare`."""
    families = [_families(curves) for curves in (curves_a, curves_b)]
    for family, of_a in families[0].items():
        of_b = families[1].get(family, [])
        same = [(curve, curve) for curve in of_a if curve in of_b]
        several = len(of_a) > 1 and len(of_b) > 1
        yield from same if several and same else product(of_a, of_b)


def _families(curves: Iterable[Curve]) -> dict[Curve, list[Curve]]:
    """The curves by all but their settings."""
    found: dict[Curve, list[Curve]] = {}
    for curve in curves:
        found.setdefault(curve._replace(**dict.fromkeys(SETTINGS, "")), []).append(curve)
    return found


def _over(replicates: Ints, found: Accuracies, rows: Ints) -> Floats:
    """(rows, replicates) accuracies of the started trials at some points."""
    values = np.full((len(rows), len(replicates)), np.nan)
    values[:, np.searchsorted(replicates, found.replicates)] = found.started[rows]
    return values


def _compared(a: Floats, b: Floats, paired: bool, most: float) -> dict[str, Any]:
    """Means, differences and intervals of (points, replicates) values, which are 0 to ``most``."""
    known_a, known_b = ~np.isnan(a), ~np.isnan(b)
    shared = known_a & known_b & paired
    left = np.where(_used(known_a, known_b, shared), a, np.nan)
    right = np.where(_used(known_b, known_a, shared), b, np.nan)
    (n_a, mean_a, _), (n_b, mean_b, _) = moments(left), moments(right)
    several = np.where(n_a[:, None] > 1, left, right)
    fewer, more = np.minimum(n_a, n_b), np.maximum(n_a, n_b)
    cases = [shared.sum(axis=1) > 1, fewer > 1, (fewer == 1) & (more > 1)]
    method = np.select(cases, ["paired", "welch", "prediction"], "none")
    errors, freedoms = zip(
        _paired(left - right), welch(left, right, LEAST**2), _one(several), strict=True
    )
    error = np.select(cases, errors, np.nan)
    freedom = np.select(cases, freedoms, np.nan)
    half = quantile(freedom) * error
    _, *ends = interval(several, more=1, most=most)
    low, high = (np.where(method == "prediction", end, np.nan) for end in ends)
    difference = mean_a - mean_b
    p = p_value(difference, error, freedom)
    adjusted = holm(p)
    # The last bits of means of equal numbers may differ.
    close = pd.Series(abs(difference) - 1e-12 <= CLOSE)
    return {
        "mean_a": mean_a,
        "n_a": n_a,
        "mean_b": mean_b,
        "n_b": n_b,
        "difference": difference,
        "low": difference - half,
        "high": difference + half,
        "method": method.astype(object),
        "predicted_low": low,
        "predicted_high": high,
        "p": p,
        "p_adjusted": adjusted,
        "differs": pd.Series(adjusted < LEVEL).astype("boolean").mask(np.isnan(adjusted)),
        "close": close.astype("boolean").mask(np.isnan(difference)),
    }


@np.errstate(divide="ignore", invalid="ignore")
def _paired(differences: Floats) -> tuple[Floats, Floats]:
    """Standard errors of means, and their degrees of freedom."""
    n, _, variance = moments(differences)
    return np.sqrt(_floored(variance) / n), (n - 1).astype(np.float64)


@np.errstate(divide="ignore", invalid="ignore")
def _one(values: Floats) -> tuple[Floats, Floats]:
    """The same where a mean is to tell one more training."""
    n, _, variance = moments(values)
    return np.sqrt(_floored(variance) * (1 + 1 / n)), (n - 1).astype(np.float64)


def _floored(variance: Floats) -> Floats:
    """Two networks may agree to the last item, and yet the next two will not."""
    return np.maximum(variance, LEAST**2)


def _used(mine: Mask, other: Mask, shared: Mask) -> Mask:
    """Which of my replicates count: those that are paired, or all.

    Where the other side's only one is one of mine, it would help to predict itself: without it,
    or, of two, that one alone, which says more of the difference than the other does.
    """
    several = [mask.sum(axis=1, keepdims=True) > 1 for mask in (shared, mine, other)]
    by_pairs, mine_are, other_are = several
    rest = mine & ~shared
    without = np.where(rest.sum(axis=1, keepdims=True) > 1, rest, shared)
    itself = shared.any(axis=1, keepdims=True) & mine_are & ~other_are
    return np.where(by_pairs, shared, np.where(itself, without, mine))
