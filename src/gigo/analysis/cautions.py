"""What makes a run's numbers worth little, and what to do: said before the answer.

A model that clean labels teach nothing says nothing about wrong ones; and where one class is most
of the test set, accuracy stays high whatever a model learns.
"""

from __future__ import annotations

import math
from collections.abc import Container, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from gigo.analysis.estimates import Curve, CurveEstimates, curve_estimates
from gigo.analysis.metric import METRICS
from gigo.analysis.words import accuracy_text, value_text
from gigo.axes import CURVE
from gigo.recipe import IDLE_RECIPE
from gigo.records import TestSet
from gigo.types import Labels

MOST_OF_A_CLASS = 0.7
"""The share of the largest class above which accuracy misleads."""

ERRORS = 1.96
"""Standard errors within which a model does not differ from guessing."""


class Guessing(NamedTuple):
    """What models that know nothing reach on a test set, 0 to 1.

    Attributes:
        accuracy: no more than this, always naming the largest class.
        low, high: balanced accuracy between these, whatever they name.
    """

    accuracy: float
    low: float
    high: float

    @classmethod
    def on(cls, labels: Labels) -> Guessing:
        """With test labels (n,), by the normal approximation of the binomial distribution.

        >>> found = Guessing.on(np.repeat([0, 1], [900, 100]))
        >>> print(f"{found.accuracy:.3f}, {found.low:.2f} to {found.high:.2f}")
        0.919, 0.45 to 0.55
        """
        counts = np.bincount(labels)
        counts = counts[counts > 0]
        n, share = len(labels), counts.max() / len(labels)
        each = 1 / len(counts)
        error = each * math.sqrt(float((each * (1 - each) / counts).sum()))
        return cls(
            float(share + ERRORS * math.sqrt(share * (1 - share) / n)),
            each - ERRORS * error,
            each + ERRORS * error,
        )


def useless(frame: pd.DataFrame, test_sets: Mapping[str, TestSet]) -> Iterator[str]:
    """What to say of the settings in which clean labels teach nothing, with what to do.

    That is where at least half of the trials at rate 0 never started, diverged, or do no better on
    the test set than guessing; or do worse. Trials without a model are left out.

    Args:
        frame: of `gigo.analysis.table.tidy`.
        test_sets: by the sha256 of the data.
    """
    guessing = {each.name: Guessing.on(each.labels["test"]) for each in test_sets.values()}
    trained = frame["status"].isin([*NEVER_TRAINED, "ok"]) & frame["dataset"].isin([*guessing])
    clean = frame.loc[trained & (frame["rate"] == 0)].drop_duplicates("key")
    settings = [axis for axis in CURVE if axis != "corruption"]
    places: dict[tuple[str, str], list[str]] = {}
    for _, trials in clean.groupby(settings, sort=False, observed=True):
        row: dict[str, Any] = trials.iloc[0].to_dict()
        found = _verdict(trials, guessing[row["dataset"]])
        if found:
            where = [row["dataset"], f"{row['size']:,} labels", row["model"]]
            places.setdefault((found, _remedy(found, row["recipe"])), []).append(", ".join(where))
    for (found, remedy), where in places.items():
        distinct = list(dict.fromkeys(where))
        more = f"; and {len(distinct) - 3} more" if len(distinct) > 3 else ""
        yield f"{found} ({'; '.join(distinct[:3])}{more}). {remedy}"


NEVER_TRAINED = {
    "never_started": "Even at rate 0 labels teach nothing: most models never started to learn",
    "diverged": "Even at rate 0 labels teach nothing: the loss of most models diverged",
}
GUESSED = "Even at rate 0 labels teach nothing: most models do no better than guessing"
WORSE = "Even at rate 0 most models do worse than guessing"


def _verdict(trials: pd.DataFrame, guessing: Guessing) -> str | None:
    """What is wrong with most of the trials of a setting at rate 0, if anything is."""
    status, started = trials["status"].to_numpy(), trials["started"].to_numpy(bool)
    balanced = trials["balanced_accuracy"].to_numpy(float)
    knows = (trials["accuracy"].to_numpy(float) > guessing.accuracy) | (balanced > guessing.high)
    worse = started & ~knows & (balanced < guessing.low)
    counts = {text: int((status == name).sum()) for name, text in NEVER_TRAINED.items()}
    counts |= {WORSE: int(worse.sum()), GUESSED: int((started & ~knows & ~worse).sum())}
    if 2 * sum(counts.values()) < len(trials):
        return None
    return max(counts, key=lambda text: counts[text])


def _remedy(found: str, recipe: str) -> str:
    """What to do, likeliest first."""
    if found == WORSE:
        return "Are labels or classes mixed up between the training and the test set?"
    causes = "labels that belong to other items, or features without signal"
    if recipe == IDLE_RECIPE.label:
        return f"Look for {causes}; or try another model."
    advice = "Try more epochs and patience, or a larger learning rate"
    if found == NEVER_TRAINED["diverged"]:
        advice = "Try a smaller learning rate"
    elif not recipe.startswith("auto"):
        may = f"Recipe {recipe} may be too short for so few items, or its learning rate wrong"
        advice = f'{may}: try recipe = "auto"'
    return f"{advice}; if that does not help, look for {causes}."


def misleading(frame: pd.DataFrame, found: Sequence[CurveEstimates]) -> Iterator[str]:
    """A sentence for each data set on which accuracy stays high whatever a model learns.

    That is where one class is most of the test set, or where accuracy keeps its tolerance at every
    rate while balanced accuracy does not.

    Args:
        frame: of `gigo.analysis.table.tidy`.
        found: the estimates of its curves in accuracy.
    """
    remedy = "--metric balanced_accuracy counts all classes alike."
    kept = {each.curve for each in found if each.tolerance.censored}
    for name, rows in frame.groupby("dataset", sort=False, observed=True):
        chance = float(rows["chance"].iloc[0])
        if chance > MOST_OF_A_CLASS:
            why = f"{accuracy_text(chance)} of the test items are of one class"
        elif any(curve.dataset == name for curve in kept):
            why = next(_falling(rows, kept), "")
        else:
            continue
        if why:
            yield f"Accuracy misleads on {name}, where {why}: {remedy}"


def _falling(rows: pd.DataFrame, kept: Container[Curve]) -> Iterator[str]:
    """Of the curves whose accuracy keeps its tolerance: whose balanced accuracy does not."""
    for each in curve_estimates(rows, METRICS["balanced_accuracy"]):
        if each.curve in kept and each.tolerance.value not in (None, math.inf):
            at = f"from {value_text(each.tolerance)} {each.curve.corruption} on"
            yield f"balanced accuracy falls {at} while accuracy stays"
