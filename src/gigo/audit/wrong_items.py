"""Which items of the trials of a run were wrong: worked out again from the study and the data."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gigo.errors import GigoError, StoreError
from gigo.grid import Grid
from gigo.resolve import sources
from gigo.sample import Sampler
from gigo.trial import Trial
from gigo.types import Card, Corruption, Dataset, Labels, silent

if TYPE_CHECKING:
    import pandas as pd

POINT = "key", "dataset", "size", "corruption", "rate", "replicate"
EDITS = "item", "what", "given", "true"
"""Of a wrong item, a row per change:

- item: its row in the data as given, from 0; -1 for one that was added.
- what: ``label``, ``input``, ``left`` or ``added``.
- given: the class that it was trained with; of one that left, that it would have been.
- true: the class that the data have; none for an input of none of the classes.
"""


def wrong_items(
    grids: Iterable[Grid], keys: Collection[str], where: Path, data_dir: Path | None = None
) -> pd.DataFrame:
    """The wrong training items of trials; those held out are not among them.

    Args:
        grids: of a run, as it keeps them.
        keys: of the trials.
        where: the run's folder, for errors.
        data_dir: where official data lie.

    Returns:
        The columns `POINT` and `EDITS`.

    Raises:
        StoreError: the data or the code of a corruption are gone, or are no longer the same.
    """
    import pandas as pd

    found: list[pd.DataFrame] = []
    left = {*keys}
    for grid in grids:
        trials = {key: trial for key, trial in grid.trials.items() if key in left}
        left -= trials.keys()
        if trials:
            found.extend(_of_grid(grid, trials, where, data_dir))
    if not found:
        return pd.DataFrame({name: [] for name in (*POINT, *EDITS)})
    return pd.concat(found, ignore_index=True)


def _of_grid(
    grid: Grid, trials: dict[str, Trial], where: Path, data_dir: Path | None
) -> Iterator[pd.DataFrame]:
    """Those of each trial."""
    try:
        cards, kinds = sources(grid.study, data_dir)
        whole = {card.sha256: card for card in cards}
        usable = {key: _usable(trial, whole, kinds) for key, trial in trials.items()}
        datasets = {sha256: card.load(silent) for sha256, card in whole.items()}
    except GigoError as error:
        expected = "expected the data and the code of its corruptions as they were"
        raise StoreError(f"{where}: {expected} ({error})") from error
    samplers = {name: Sampler(each, usable.values()) for name, each in datasets.items()}
    for key, trial in usable.items():
        dataset = datasets[trial.dataset.sha256]
        part = _of_trial(trial, dataset, samplers[trial.dataset.sha256])
        point = key, trial.dataset.name, trial.size, trial.corruption, trial.rate, trial.replicate
        for place, (name, value) in enumerate(zip(POINT, point, strict=True)):
            part.insert(place, name, value.label if isinstance(value, Corruption) else value)
        if len(part):
            yield part


def _usable(trial: Trial, cards: dict[str, Card], kinds: Iterable[Corruption]) -> Trial:
    """A stored trial with what loads its data and corrupts them; raises StoreError."""
    card = cards.get(trial.dataset.sha256)
    if card is None:
        raise StoreError(f"the data of {trial.dataset.name} have changed")
    if trial.corruption is None:
        return replace(trial, dataset=card)
    known = [*kinds, *(kind.at_zero for kind in kinds)]
    own = (each for each in known if each and each.identity == trial.corruption.identity)
    found = next(own, None)
    if found is None:
        raise StoreError(f"corruption {trial.corruption.label} has changed")
    return replace(trial, dataset=card, corruption=found)


def _of_trial(trial: Trial, dataset: Dataset, sampler: Sampler) -> pd.DataFrame:
    """The wrong items of a trial, with the columns `EDITS`."""
    import pandas as pd

    clean = sampler(replace(trial, corruption=None, rate=0.0)).rows
    now = sampler(trial)
    n, rows = now.n_given, _rows(dataset, clean)
    places = np.arange(n) if now.places is None else now.places
    own = places < n
    item = np.append(rows, -1)[np.where(own, places, n)]
    moved = own & (now.rows != np.append(clean, -1)[np.where(own, places, n)])
    gone = np.setdiff1d(np.arange(n), places[own])
    names = np.array([*dataset.classes, None], object)
    wrong = now.labels != now.true_labels
    masks = {"label": own & wrong, "input": moved, "added": ~own}
    parts: list[dict[str, Any]] = [
        {
            "item": item[mask],
            "what": what,
            "given": names[now.labels[mask]],
            "true": names[now.true_labels[mask]],
        }
        for what, mask in masks.items()
    ]
    kept = names[dataset.y_train[clean[gone]]]
    parts.append({"item": rows[gone], "what": "left", "given": kept, "true": kept})
    whole = pd.concat([pd.DataFrame(part) for part in parts if len(part["item"])] or [_nothing()])
    return whole.sort_values("item", kind="stable", ignore_index=True)


def _nothing() -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame({name: [] for name in EDITS}).astype({"item": np.int64})


def _rows(dataset: Dataset, rows: Labels) -> Labels:
    """Rows of the training set as rows of the data as the user gave them."""
    return rows if dataset.origin is None else dataset.origin[rows]
