"""Bits flipped in the database of a run: nobody may be told a wrong number, or train twice."""

from __future__ import annotations

import random
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

import pandas as pd

from factories import grid_of, make_record, make_study, make_test_set
from gigo.analysis.table import curves, per_class, tidy
from gigo.errors import StoreError
from gigo.records import Record
from gigo.store import Store
from gigo.trial import Trial

GRID = grid_of(make_study(rates=[0, 0.25, 0.5, 0.75, 1], replicates=5))


def read(folder: Path) -> list[Any]:
    """All that commands read from a run: tables, keys, what they say of it."""
    with Store.open(folder) as store:
        test_sets = store.test_sets()
        frames = [
            tidy(store.grids, store.outcomes(), test_sets),
            per_class(store.grids, store.records(), test_sets),
            curves(store.records()),
        ]
        return [*frames, store.statuses(), store.provenances(), list(store.trials())]


def go_on(folder: Path) -> None:
    """Store what is missing or failed, as a run does that is told to retry."""
    with Store.create(folder, GRID) as store:
        store.add_test_set(make_test_set())
        done = {key for key, status in store.statuses().items() if status != "failed"}
        missing = [trial for key, trial in store.trials().items() if key not in done]
        for trial in missing:
            store.add([make_record(trial)])


def failed(trial: Trial) -> Record:
    """What a trial leaves that raised an error; it may be trained again."""
    nothing: dict[str, Any] = {"predictions": {}, "measures": {}, "curve": {}, "epochs": None}
    nothing |= {"best_epoch": None, "stopped": None, "provenance": {"error": "no more"}}
    return make_record(trial, status="failed", **nothing)


def same(a: list[Any], b: list[Any]) -> bool:
    pairs = zip(a, b, strict=True)
    return all(x.equals(y) if isinstance(x, pd.DataFrame) else x == y for x, y in pairs)


def try_some(folder: Path, seed: int, count: int) -> int:
    """Flip one bit after the other, each in a fresh copy of a run that is not finished.

    Returns:
        How many were noticed; the others change nothing that anybody reads.
    """
    rng = random.Random(seed)
    run, copy = folder / "run", folder / "copy"
    with Store.create(run, GRID) as store:
        store.add_test_set(make_test_set())
        trials = list(store.trials().values())
        store.add([failed(trials[0])])
        for trial in trials[:-1]:
            store.add([failed(trial) if trial is trials[-3] else make_record(trial)])
    before = read(run)
    content = (run / "run.sqlite").read_bytes()
    go_on(run)
    after = read(run)
    noticed = 0
    for _ in range(count):
        shutil.rmtree(copy, ignore_errors=True)
        copy.mkdir()
        place, bit = rng.randrange(len(content)), rng.randrange(8)
        flipped = bytearray(content)
        flipped[place] ^= 1 << bit
        (copy / "run.sqlite").write_bytes(flipped)
        try:
            assert same(read(copy), before), f"bit {bit} of byte {place}: read otherwise"
            go_on(copy)
            assert same(read(copy), after), f"bit {bit} of byte {place}: gone on otherwise"
        except StoreError as error:
            noticed += len(f"{error}".splitlines()) == 1
    return noticed


if __name__ == "__main__":
    flipped = int(sys.argv[1])
    with tempfile.TemporaryDirectory() as place:
        found = try_some(Path(place), seed=int(sys.argv[2]) if sys.argv[2:] else 0, count=flipped)
    sys.stdout.write(f"{flipped} bits flipped, {found} noticed, the others change nothing\n")
