"""A search that trains: batch after batch into one run folder, until intervals are narrow.

Every batch is a study of its own, which is stored before it is trained. So the folder alone says
how far a search is: one that was cut off first completes the batch that it was at, then asks on.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd

from gigo.analysis.estimates import Curve
from gigo.analysis.table import tidy
from gigo.axes import CURVE
from gigo.errors import SpecError
from gigo.grid import Grid
from gigo.records import FAILED
from gigo.search import (
    MOST_TRAININGS,
    PILOT_REPLICATES,
    Batch,
    Goal,
    Quantity,
    Stop,
    ask,
    pilot_rates,
    told_batch,
)
from gigo.store import Store
from gigo.study import Study


@dataclass(frozen=True)
class Answer:
    """What a search found out about one curve.

    Attributes:
        curve: which one.
        stop: the estimate, and why the search ended.
        trainings: models of the curve that the run holds.
    """

    curve: Curve
    stop: Stop
    trainings: int


@dataclass(frozen=True)
class _Line:
    """A study of one curve, or of those that have an answer together.

    Attributes:
        study: of them.
        curve: the last of them.
        axes: along which each value has an answer of its own.
        highest: rate that may be run.
    """

    study: Study
    curve: Curve
    axes: tuple[str, ...]
    highest: float

    def has(self, curve: Curve) -> bool:
        """Whether a curve is one of them."""
        return all(getattr(curve, axis) == getattr(self.curve, axis) for axis in self.axes)


@dataclass(frozen=True)
class _Held:
    """What a run folder holds, as of now."""

    grids: tuple[Grid, ...]
    frame: pd.DataFrame

    @classmethod
    def at(cls, path: Path) -> _Held:
        if not Store.is_at(path):
            return cls((), pd.DataFrame(columns=[*CURVE, "rate", "key", "status"]))
        with Store.open(path) as store:
            return cls(store.grids, tidy(store.grids, store.outcomes(), store.test_sets()))

    def of(self, line: _Line) -> pd.DataFrame:
        """The rows of a curve."""
        named = self.frame[[*CURVE]].itertuples(index=False, name=None)
        return self.frame.loc[np.array([line.has(Curve(*names)) for names in named], bool)]

    def trainings(self, lines: Sequence[_Line]) -> int:
        """Models of some curves; they share those at rate 0."""
        return len(self.keys(lines))

    def keys(self, lines: Sequence[_Line]) -> set[str]:
        """Of the trials that these have a record of."""
        return {key for line in lines for key in self.of(line)["key"]}

    def next_replicate(self, line: _Line) -> int:
        """The first number that no study of a curve has."""
        mine = (grid for grid in self.grids if any(map(line.has, _curves(grid))))
        return max((grid.replicates.stop for grid in mine), default=0)

    def batches(self, lines: Sequence[_Line]) -> Iterator[Study]:
        """Those that a search began and that lack a trial, or a model of one, in order."""
        failed = self.frame["status"].isin(FAILED).to_numpy(bool)
        settled = {*self.frame["key"][~failed]}
        for grid in self.grids:
            said = grid.study
            if said.first_replicate == 0 or settled.issuperset(grid.keys):
                continue
            for line in lines:
                if all(map(line.has, _curves(grid))):
                    points = {"rates": said.rates, "size": said.size}
                    yield _batch(line, points, said.replicates, said.first_replicate)


def piloted(study: Study, resolve: Callable[[Study], Grid]) -> Study:
    """A study with the rates and replicates of a pilot."""
    grid = resolve(study)
    rates = pilot_rates(all(card.n_classes == 2 for card in grid.datasets), grid.most)
    return study.but(rates=rates, replicates=PILOT_REPLICATES, first_replicate=0)


def search(
    study: Study,
    path: Path,
    quantity: Quantity,
    goal: Goal,
    *,
    train: Callable[[Study], object],
    resolve: Callable[[Study], Grid],
    tell: Callable[[str, int, int], object] = lambda text, done, total: None,
    clock: Callable[[], float] = time.perf_counter,
) -> list[Answer]:
    """Train until the interval of each curve is as narrow as is wanted, or no more may be trained.

    The next batch goes to the curve with the fewest trainings of those that are not done.

    Args:
        study: the pilot. What the folder holds counts in its place, if that is enough for one.
        path: the run folder.
        quantity: what the intervals are of.
        goal: their width, and what may be spent.
        train: trains what is missing of a study in the folder.
        resolve: gives a study's grid.
        tell: called before each batch with a line, the trainings so far and those with it.
        clock: tells seconds.

    Raises:
        SpecError: fewer trainings are allowed than the pilot takes.
    """
    begun, lines = clock(), _lines(study, resolve, quantity.axes)
    held, pilot = _Held.at(path), resolve(study)
    held_before = held.trainings(lines)
    # One that is there may have been cut off.
    there = any({*grid.keys} == {*pilot.at(grid.precision).keys} for grid in held.grids)
    if there or not all(quantity.enough(held.of(line)) for line in lines):
        cost = len({*pilot.keys} | held.keys(lines))
        if goal.trainings is not None and goal.trainings < cost:
            raise SpecError("trainings", goal.trainings, f"at least the {cost} of the pilot")
        train(study)
    for batch in held.batches(lines):
        train(batch)
    while True:
        held = _Held.at(path)
        spent = held.trainings(lines)
        left = _left(goal, len(lines), spent, spent - held_before, clock() - begun)
        counts = {line: held.trainings([line]) for line in lines}
        asked = {
            line: ask(held.of(line), quantity.within(line.highest), goal.width, left)
            for line in lines
        }
        stops = {line: next_ for line, next_ in asked.items() if isinstance(next_, Stop)}
        batches = {line: next_ for line, next_ in asked.items() if isinstance(next_, Batch)}
        if not batches:
            return [Answer(line.curve, stop, counts[line]) for line, stop in stops.items()]
        line = min(batches, key=lambda line: counts[line])
        batch, first = batches[line], held.next_replicate(line)
        said = named(line.curve, [each.curve for each in lines]) + told_batch(quantity.name, batch)
        tell(f"{spent} trainings: {said}", spent, spent + batch.trainings)
        train(_batch(line, batch.fields, batch.replicates, first))


def _batch(
    line: _Line, points: Mapping[str, Sequence[object]], replicates: int, first: int
) -> Study:
    return line.study.but(**points, replicates=replicates, first_replicate=first)


def _lines(study: Study, resolve: Callable[[Study], Grid], axes: Sequence[str]) -> list[_Line]:
    """A study for each value along some axes."""
    kinds = [(kind, *study.first) for kind in study.kinds]
    values = [kinds if axis == "corruption" else getattr(study, axis) for axis in axes]
    fields = [dict(zip(axes, each, strict=True)) for each in product(*values)]
    found: list[_Line] = []
    for each in fields:
        one = study.but(**each) if len(fields) > 1 else study
        grid = resolve(one)
        curve = max(_curves(grid), key=lambda curve: curve.size)
        line = _Line(one, curve, tuple(axes), grid.most)
        if not any(other.has(line.curve) for other in found):
            found.append(line)
    return found


def _curves(grid: Grid) -> set[Curve]:
    labels = (cell.labels for cell in grid.cells)
    return {Curve(*(each[axis] for axis in CURVE)) for each in labels}


def named(curve: Curve, curves: Sequence[Curve]) -> str:
    """What tells a curve from others, as the beginning of a line: ``200, biased: ``, or nothing."""
    varied = [str(value) for value, *all_ in zip(curve, *curves, strict=True) if len({*all_}) > 1]
    return f"{', '.join(varied)}: " if varied else ""


def _left(goal: Goal, curves: int, spent: int, made: int, seconds: float) -> float:
    """Trainings that may still be made.

    Args:
        goal: what may be spent.
        curves: how many are searched.
        spent: trainings so far.
        made: those of them that were made in these seconds.
        seconds: since the search began, or went on.
    """
    if goal.minutes is None and goal.trainings is None:
        return max(0, MOST_TRAININGS * curves - spent)
    left = math.inf if goal.trainings is None else max(0, goal.trainings - spent)
    if goal.minutes is None:
        return left
    rest = 60 * goal.minutes - seconds
    if rest <= 0:
        return 0
    return min(left, rest * made / seconds if made else math.inf)
