"""How a run is made again: its studies, those of a search folded, and the commands for them."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from gigo.analysis.words import count, rates_text
from gigo.axes import CURVE
from gigo.ref import Ref
from gigo.study import Study

VARIED = {"rates", "replicates", "first_replicate", "summary", *CURVE}
"""What a batch of a search has of its own; of the curves it has one."""


@dataclass(frozen=True)
class Batch:
    """New replicates of some points of a study.

    Attributes:
        whole: the place of that study among those that are said in full.
        study: the batch as a study of its own.
        options: those of ``gigo run`` that say which curve, where the study has several.
    """

    whole: int
    study: Study
    options: tuple[str, ...]

    @property
    def command(self) -> tuple[str, ...]:
        """The options of ``gigo run`` that make this of the whole study."""
        rates = (f"--rate {rate:g}" for rate in _rates(self.study))
        replicates = f"--replicates {self.study.replicates}"
        return (*self.options, *rates, replicates, f"--first-replicate {self.end - self.n}")

    @property
    def n(self) -> int:
        return self.study.replicates

    @property
    def end(self) -> int:
        """The number after that of its last replicate."""
        return self.study.first_replicate + self.n

    def joined(self, other: Batch) -> Batch | None:
        """Both as one, if the other goes on with the same points."""
        study = other.study.but(first_replicate=self.study.first_replicate)
        mine = self.study.but(replicates=other.n)
        if self.end != other.study.first_replicate or _said(mine) != _said(study):
            return None
        return Batch(self.whole, self.study.but(replicates=self.n + other.n), self.options)


def folded(studies: Sequence[Study]) -> tuple[list[Study], list[Batch]]:
    """Studies that are said in full, and batches of a search in them, those in a row as one."""
    whole: list[Study] = []
    batches: list[Batch] = []
    for study in studies:
        batch = _batch(study, whole)
        if batch is None:
            whole.append(study)
        elif batches and (both := batches[-1].joined(batch)):
            batches[-1] = both
        else:
            batches.append(batch)
    return whole, batches


def told(batches: Sequence[Batch]) -> str:
    """``And what a search added: 16 new replicates at 0, 40 and 55 %; 4 new replicates at ...``."""
    found: dict[tuple[tuple[str, ...], tuple[float, ...]], int] = {}
    for batch in batches:
        place = batch.options, _rates(batch.study)
        found[place] = found.get(place, 0) + batch.n
    each = [
        f"{count(n, 'new replicate')} at {rates_text(rates)}{_of(options)}"
        for (options, rates), n in found.items()
    ]
    return f"And what a search added: {'; '.join(each)}."


def commands(whole: Sequence[Study], batches: Sequence[Batch], folder: str) -> Iterator[str]:
    """Those that make a run again, of studies that are saved as `files`."""
    names = files(whole)
    several = len(whole) > 1 or bool(batches)
    out = f" --out {shlex.quote(f'runs/{folder}')}" if several or folder != whole[0].name else ""
    yield from (f"gigo run {name}{out}" for name in names)
    for batch in batches:
        yield f"gigo run {names[batch.whole]} {' '.join(batch.command)}{out}"


def files(whole: Sequence[Study]) -> list[str]:
    """The names of the files of some studies of a run."""
    name = whole[0].name
    if len(whole) == 1:
        return [f"{name}.toml"]
    return [f"{name}-{k}.toml" for k, _ in enumerate(whole, start=1)]


def _batch(study: Study, whole: Sequence[Study]) -> Batch | None:
    """It as a batch of one of the studies before, if it can be said so."""
    if study.first_replicate == 0 or "auto" in study.rates:
        return None
    for place, other in enumerate(whole):
        options = _options(study, other)
        if _said(study, VARIED) == _said(other, VARIED) and options is not None:
            return Batch(place, study, options)
    return None


def _options(part: Study, whole: Study) -> tuple[str, ...] | None:
    """What leaves of a study the curves of a part; None if options can't say it."""
    found: list[str] = []
    for axis in CURVE:
        values, all_ = getattr(part, axis), getattr(whole, axis)
        if values == all_:
            continue
        for value in values:
            plain = isinstance(value, str | int) or value == Ref(name=getattr(value, "name", ""))
            if value not in all_ or not plain:
                return None
            found.append(f"--{axis} {shlex.quote(str(getattr(value, 'name', value)))}")
    return tuple(found)


def _of(options: Sequence[str]) -> str:
    """Which curve: `` of 200, biased``."""
    return f" of {', '.join(option.partition(' ')[2] for option in options)}" if options else ""


def _rates(study: Study) -> tuple[float, ...]:
    return tuple(rate for rate in study.rates if rate != "auto")


def _said(study: Study, but: set[str] | None = None) -> dict[str, Any]:
    return study.model_dump(exclude={"summary", *(but or ())})
