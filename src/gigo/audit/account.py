"""An account of edits: what each was, and which classes became which."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gigo.audit.steps import Step
from gigo.edited import taken
from gigo.inputs import Inputs, count, differing, fingerprints, take
from gigo.schedule import ADDED, LEAVE
from gigo.types import Labels

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = "item", "what", "before", "after", "corruption"
"""Of an account of edits, a row per change, in the order in which they were made:

- item: place among the items given, from 0; -1 for one that was added.
- what: ``label``, ``input``, ``left`` or ``added``.
- before, after: of a label, the classes; of an item that left, the class that it had; of an added
  one, the class that it has; of an input, 16 hex digits of its content before and after, or of a
  table's row the cells that changed, such as ``age: 31`` and ``age: 310``.
- corruption: what made the edit.

An item that was chosen and kept its label, as with ``include_true``, has a row with the same class
before and after; an item that got a label and an input has two rows.
"""

CHUNK = 1024
"""Items that are described at a time."""


def account(found: list[Step], names: NDArray[Any]) -> pd.DataFrame:
    """The edits, with the columns `COLUMNS`.

    Args:
        found: what was done.
        names: (K,) of the classes.
    """
    import pandas as pd

    parts = [_of_step(step, names) for step in found]
    whole = [part for part in parts if len(part)] or parts[-1:]
    return pd.concat(whole, ignore_index=True) if len(whole) > 1 else whole[0]


def transition(before: Labels, now: Labels, names: NDArray[Any]) -> pd.DataFrame:
    """(K, K) shares of the labels that items have now among those of a class before.

    Args:
        before: (n,) classes.
        now: (n,) likewise.
        names: (K,) theirs.
    """
    import pandas as pd

    k = len(names)
    counts = np.bincount(before * k + now, minlength=k * k).reshape(k, k)
    sums = counts.sum(axis=1, keepdims=True)
    return pd.DataFrame(
        np.divide(counts, sums, out=np.full((k, k), np.nan), where=sums > 0),
        index=pd.Index(names, name="before"),
        columns=pd.Index(names, name="after"),
    )


def _of_step(step: Step, names: NDArray[Any]) -> pd.DataFrame:
    import pandas as pd

    schedule, given, done = step.schedule, step.given, step.done
    edits = np.arange(len(schedule.item))
    own, leaves = schedule.item != ADDED, schedule.label == LEAVE
    at = np.where(own, schedule.item, 0)
    places = np.where(own, given.places[at], given.n_given + given.n_added + _numbers(~own))
    item = np.where(places < given.n_given, places, -1)
    before = given.labels[at]
    stays = np.ones(len(given.rows), np.bool_)
    stays[at[leaves]] = False
    kept = np.cumsum(stays)
    there = np.where(own, np.maximum(kept[at] - 1, 0), kept[-1] + _numbers(~own))
    label = done.labels[there]
    moved = own & ~leaves & (done.rows[there] != given.rows[at])
    labelled = own & (schedule.label >= 0)
    parts: list[tuple[str, Labels, Any, Any]] = [
        ("input", edits[moved], *_inputs(step, at[moved], there[moved])),
        ("label", edits[labelled], names[before[labelled]], names[label[labelled]]),
        ("left", edits[leaves], names[before[leaves]], None),
        ("added", edits[~own], None, names[label[~own]]),
    ]
    name = step.corruption.label
    frames = [
        pd.DataFrame({"item": item[k], "what": what, "before": b, "after": a, "corruption": name})
        for what, k, b, a in parts
        if len(k)
    ]
    if len(frames) == 1:
        return frames[0]
    if not frames:
        one = [0], "label", names[:1], names[:1], name
        return pd.DataFrame(dict(zip(COLUMNS, one, strict=True))).iloc[:0]
    order = np.argsort(np.concatenate([k for _, k, _, _ in parts]), kind="stable")
    whole = pd.concat([frame.astype({"before": object, "after": object}) for frame in frames])
    return whole.iloc[order].reset_index(drop=True)


def _numbers(which: NDArray[np.bool_]) -> Labels:
    """The number of each of those among them."""
    return np.cumsum(which) - which


def _inputs(step: Step, at: Labels, there: Labels) -> tuple[list[str], list[str]]:
    """What inputs were and are: those of items ``at`` places before are ``there`` after."""
    x, before, after = step.given.dataset.x_train, list[str](), list[str]()
    rows, new = step.given.rows[at], step.done.rows[there]
    for start in range(0, len(at), CHUNK):
        part = slice(start, start + CHUNK)
        old = taken(x, step.given.extras, rows[part])
        one, two = described(old, taken(x, step.done.extras, new[part]))
        before += one
        after += two
    return before, after


def described(old: Inputs, new: Inputs) -> tuple[list[str], list[str]]:
    """Inputs before and after, as an account has them.

    >>> import pandas as pd
    >>> described(pd.DataFrame({"age": [31.0]}), pd.DataFrame({"age": [310.0]}))
    (['age: 31'], ['age: 310'])
    """
    if not hasattr(old, "iloc"):
        return fingerprints(old), fingerprints(new)
    texts: list[list[list[str]]] = [[[] for _ in range(count(old))] for _ in range(2)]
    for name, other in differing(old, new).items():
        rows = np.flatnonzero(other)
        for side, found in zip((old, new), texts, strict=True):
            for row, value in zip(rows.tolist(), take(side[[name]], rows)[name], strict=True):
                found[row].append(f"{name}: {_shown(value)}")
    one, two = (["; ".join(cells) for cells in found] for found in texts)
    return one, two


def _shown(value: Any) -> str:
    """A cell as text; nothing for a gap."""
    if value is None or value != value:
        return ""
    return f"{value:.15g}" if isinstance(value, float) else str(value)
