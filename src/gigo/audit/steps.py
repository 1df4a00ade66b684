"""The edits of a corruption, and of those that come before it, made to a whole training set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from gigo.after import After
from gigo.edited import Edited, taken
from gigo.errors import SpecError
from gigo.ref import OWN, as_ref
from gigo.resolve import corruption as known_corruption
from gigo.resolve import own_rate
from gigo.rng import Stream
from gigo.sample import drawn
from gigo.schedule import Schedule
from gigo.types import Corruption, Dataset


@dataclass(frozen=True, eq=False)
class Step:
    """What one corruption did.

    Attributes:
        corruption: the one.
        rate: at which.
        given: items as it found them.
        schedule: its first edits, those of the rate.
        n_eligible: edits that there are.
        done: items as it left them.
    """

    corruption: Corruption
    rate: float
    given: Edited
    schedule: Schedule
    n_eligible: int
    done: Edited


def chained(corruptions: Sequence[Any]) -> Corruption:
    """A corruption after those of a list that have a ``rate`` of their own.

    Raises:
        SpecError: not one alone is without a rate, or one is unknown.
    """
    refs = [as_ref("corruption", each) for each in corruptions]
    first = [ref for ref in refs if "rate" in ref.options]
    last = [ref for ref in refs if "rate" not in ref.options]
    if len(last) != 1:
        expected = "one without a rate of its own, which the rate is for"
        raise SpecError("corruption", [ref.name for ref in last], expected)
    before = tuple((known_corruption(ref.without("rate")), own_rate(ref)) for ref in first)
    known = known_corruption(last[0])
    label = last[0].without(*OWN[1:]).short_label if last[0].is_object else known.label
    return replace(known, label=label, before=before)


def steps(
    corruption: Corruption, rate: float, dataset: Dataset, seed: int, replicate: int
) -> list[Step]:
    """What a corruption, and those that come before it, do to all items of a training set.

    They are the edits of a trial with all items and ``validation = "none"``
    (`gigo.sample.Sampler`).

    Raises:
        SpecError: a rate is higher than the highest possible one.
    """
    now, found = Edited.begin(dataset, np.arange(dataset.n_train)), list[Step]()
    name = f"{dataset.sha256} {seed} {replicate}"
    chain = [(*each, f"corruption/{place}") for place, each in enumerate(corruption.before)]
    for each, share, purpose in [*chain, (corruption, rate, "corruption")]:
        if each.value is None:
            continue
        whole = drawn(each, *now.seen(), Stream(seed, replicate, purpose), name)
        k = whole.n_edits(share, len(now.rows))
        extra = whole.extra(k) if callable(whole.extra) else whole.extra
        done = now.edit(whole, k, purpose, extra if k else None)
        found.append(Step(each, share, now, whole.first(k), len(whole.item), done))
        name += f" {each.identity} {share!r}"
        now = done
    return found


def after(now: Edited) -> After:
    """What became of the items of a whole training set."""
    n = now.dataset.n_train
    item = np.where(now.places < now.n_given, now.places, -1)
    source = np.where(item >= 0, item, np.where(now.rows < n, now.rows, -1))
    rows = np.flatnonzero(now.rows != source)
    x = taken(now.dataset.x_train, now.extras, now.rows[rows]) if len(rows) else None
    return After(now.dataset, item, source, rows, x, now.labels)
