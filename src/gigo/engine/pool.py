"""Inputs of a stack whose members have some that are not the data set's: corruptions bring them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from gigo.engine.resident import Resident
from gigo.errors import EngineError
from gigo.inputs import Inputs, count
from gigo.schedule import TrainingSet
from gigo.types import Labels


def pooled(
    resident: Resident, sets: Sequence[TrainingSet]
) -> tuple[Resident, Sequence[TrainingSet]]:
    """What members train on and are tested on, and their sets with rows of that.

    Where no corruption brings inputs, all stays as it is. Else the rows that some member uses are
    gathered, and what a corruption brings is there once, whoever uses it.

    Raises:
        EngineError: members are tested on different items.
    """
    probes = sets[0].probes
    if any(each.probes.keys() != probes.keys() for each in sets):
        raise EngineError("members of a stack: expected the same test sets")
    if not probes and not any(each.extras for each in sets):
        return resident, sets
    extras = {name: x for each in sets for name, x in each.extras.items()}
    n = len(resident.train)
    bounds = n + np.cumsum([0, *map(count, extras.values())])
    starts = dict(zip(extras, bounds[:-1].tolist(), strict=True))
    placed = [
        [_placed(rows, n, each.extras, starts) for rows in (each.rows, each.held_out)]
        for each in sets
    ]
    used = np.unique(np.concatenate([rows for both in placed for rows in both]))
    parts = np.split(used, np.searchsorted(used, bounds))
    others = [
        np.asarray(x)[part - start]
        for x, part, start in zip(extras.values(), parts[1:], bounds, strict=False)
    ]
    train = resident.train.pooled(parts[0], others)
    found = [
        replace(each, rows=np.searchsorted(used, rows), held_out=np.searchsorted(used, held_out))
        for each, (rows, held_out) in zip(sets, placed, strict=True)
    ]
    return resident.with_inputs(train, probes), found


def _placed(
    rows: Labels, n: int, extras: Mapping[str, Inputs], starts: Mapping[str, int]
) -> Labels:
    """Rows of a member's own pool as rows of the one that all share."""
    found, at = rows.copy(), n
    for name, x in extras.items():
        size = count(x)
        among = (rows >= at) & (rows < at + size)
        found[among] = rows[among] - at + starts[name]
        at += size
    return found
