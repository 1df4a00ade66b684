"""What a reader must know beside the answer: what failed, what rates are of, what is uncertain."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

import pandas as pd

from gigo.analysis import words
from gigo.analysis.estimates import CurveEstimates
from gigo.analysis.intervals import clopper_pearson
from gigo.analysis.names import Namer
from gigo.analysis.sizes import SizesCompared

NEARLY_ALL = 0.95
"""Where a corruption may choose so many of the items, nothing is said of the others."""


def of_run(frame: pd.DataFrame, pending: int) -> Iterator[str]:
    """What was trained, and what was not, or not yet."""
    if pending:
        yield f"{words.count(pending, 'trial')} not trained yet: every number here may still move."
    yield from _not_trained(frame)
    if "clean" in frame["validation"].unique():
        yield (
            "Under clean validation the items held out stay clean; "
            "rates count only the items trained on."
        )


def of_rates(found: Sequence[CurveEstimates], say: Mapping[str, words.Spoken]) -> Iterator[str]:
    """What a rate of the whole set is of the items that a corruption may choose, where few are."""
    for label in dict.fromkeys(each.curve.corruption for each in found):
        share, half = say[label].highest, say[label].highest / 2
        if say[label].rate_of == "set" and share < NEARLY_ALL:
            yield (
                f"{label}: rates are shares of all items, of which {words.rate_text(share)} may be "
                f"chosen: {words.rate_text(half)} of all are 50 % of these."
            )


def of_estimates(
    found: Sequence[CurveEstimates],
    versus: list[SizesCompared],
    name: Namer,
    say: Mapping[str, words.Spoken],
) -> Iterator[str]:
    """What limits an estimate that has a value; the line of one without says why itself."""
    limited = [(name.line(each.curve), each.tolerance) for each in found]
    for large, small, estimate in versus:
        clean = say[large.corruption].clean
        limited.append((f"{name.line(large)}, against {name.size(small)} {clean}", estimate))
    for which, estimate in limited:
        if estimate.value is not None:
            yield from (f"{which}: {note}." for note in estimate.notes)


AGAIN = {
    "failed": ("failed", "the same gigo run with --retry failed trains them again"),
    "timed_out": (
        "timed out",
        "the same gigo run with --retry failed and a longer --trial-timeout trains them again",
    ),
}
"""What is said of trials by status, and how to get them."""


def failures(frame: pd.DataFrame) -> Iterator[str]:
    """How many trials failed or timed out, the first error, and how to try again."""
    trials = frame.drop_duplicates("key")
    for status, (phrase, again) in AGAIN.items():
        failed = trials.loc[trials["status"] == status]
        if len(failed):
            errors = list(dict.fromkeys(failed["error"]))
            more = f" and {words.count(len(errors) - 1, 'other error')}" if len(errors) > 1 else ""
            yield (
                f"{words.count(len(failed), 'trial')} of {len(trials):,} {phrase} "
                f"({_places(failed)}): {''.join(errors[:1])}{more}. "
                f"They are in no number here; {again}."
            )


def _not_trained(frame: pd.DataFrame) -> Iterator[str]:
    """How many trials never started or diverged; one shared by several curves counts once."""
    trials = frame.drop_duplicates("key")
    phrases = {"never_started": "never started to learn", "diverged": "diverged"}
    for status, phrase in phrases.items():
        failed = trials.loc[trials["status"] == status]
        if len(failed):
            low, high = (float(end) for end in clopper_pearson(len(failed), len(trials)))
            share = f"{words.rate_text(low, math.floor)} to {words.rate_text(high, math.ceil)}"
            yield (
                f"{words.count(len(failed), 'model')} of {len(trials):,} {phrase} "
                f"(95 % interval {share}; {_places(failed)}): hollow in the figures, left out of "
                "the means."
            )


def _places(trials: pd.DataFrame) -> str:
    """``symmetric at 40 %: 2; biased at 80 %: 1``, the first six."""
    by_rate = Counter(zip(trials["corruption"], trials["rate"], strict=True))
    where = [f"{name} at {words.rate_text(rate)}: {n}" for (name, rate), n in by_rate.items()]
    more = f", and {len(where) - 6} more places" if len(where) > 6 else ""
    return f"{'; '.join(where[:6])}{more}"
