"""Answers as blocks: what wrong labels cost, how many are tolerated, what labels are worth."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from gigo.analysis.allowed import usual
from gigo.analysis.base_rate import BaseRate, read_audit
from gigo.analysis.cleaning import cleaning_gains, cleaning_text
from gigo.analysis.collecting import collecting_text, learning_curves
from gigo.analysis.curves import Curve
from gigo.analysis.exchange import Exchange, between_text, exchanges, worth_text
from gigo.analysis.intervals import Estimate
from gigo.analysis.purchase import Prices, purchases
from gigo.analysis.words import MISSING, count, interval_text, listing, rate_text
from gigo.axes import CURVE
from gigo.errors import SpecError
from gigo.report import blocks as b
from gigo.report.material import Material
from gigo.report.method import first


@dataclass(frozen=True)
class Asked:
    """What is to be said of the worth of labels.

    Attributes:
        base: how many labels are wrong in the data as given; None: nothing is said of cleaning.
        test_rate: how many are in the test set.
        prices: None: nothing is said of buying.
        size: labels there are; None: the most that were run.
        rate: of wrong ones among them.
    """

    base: BaseRate | None = None
    test_rate: float = 0.0
    prices: Prices | None = None
    size: int | None = None
    rate: float = 0.0

    @classmethod
    def of(
        cls,
        base_rate: str | None,
        audited: Path | None,
        test_rate: float,
        prices: tuple[float | None, float | None, float | None],
        size: int | None,
        rate: float,
    ) -> Asked:
        """From what is said on a command line.

        Raises:
            SpecError: a base rate and an audit, or some prices without the others.
            DataError: an audit that can't be read.
        """
        if base_rate is not None and audited is not None:
            raise SpecError("audited", str(audited), "either this or a base rate")
        base = None if base_rate is None else BaseRate.parse(base_rate)
        base = base if audited is None else read_audit(audited)
        check, label, budget = prices
        if check is None or label is None or budget is None:
            for name, each in zip(("check-cost", "label-cost", "budget"), prices, strict=True):
                if each is None and any(other is not None for other in prices):
                    raise SpecError(name, each, "all of check-cost, label-cost and budget")
            return cls(base, test_rate, None, size, rate)
        return cls(base, test_rate, Prices(check, label, budget), size, rate)


def tolerances(material: Material, frame: pd.DataFrame) -> list[b.Block]:
    """The columns of `gigo.analysis.answers.TOLERANCE_COLUMNS` that matter, in words."""
    if frame.empty:
        return [b.Text("No trial is trained yet.")]
    rows, metric = _rows(frame), material.metric
    names, cliffs = _names(material, rows), [_rate(row["cliff"]) for row in rows]
    columns = {
        b.Column("Curve", "words"): names,
        b.Column("Tolerance"): [_bound(row["tolerance"], row) for row in rows],
        b.Column("95 % interval"): [_range(row, "") for row in rows],
        b.Column("on new data"): [_range(row, "new_") for row in rows],
        b.Column("One training"): [_bound(row["single"], row) for row in rows],
        b.Column("Midpoint", rank=2): [_bound(row["midpoint"], row) for row in rows],
        b.Column("Theoretical cliff", rank=3): cliffs,
        b.Column("Rates to run", rank=1): [_run(row["to_run"]) for row in rows],
    }
    told = f"{metric.begun} has no usual tolerance: --lose"
    allowed = material.allowed or usual(metric)
    if allowed is not None:
        told = (
            f"Tolerance: the rate up to which mean {metric.title} {allowed.kept(metric)}. "
            "One training: the rate up to which 19 of 20 single trainings do."
        )
    return [b.Table.of(columns), b.Text(told, "note"), *_notes(names, rows)]


def losses(material: Material, frame: pd.DataFrame) -> list[b.Block]:
    """The columns of `gigo.analysis.answers.LOSS_COLUMNS` that matter, in words."""
    rows, metric = _rows(frame), material.metric

    def between(row: dict[str, Any], before: str) -> str:
        low, high = row[f"{before}low"], row[f"{before}high"]
        return MISSING if math.isnan(low) else f"{metric.points(low)} to {metric.points(high)}"

    names = _names(material, rows)
    columns = {
        b.Column("Curve", "words"): names,
        b.Column("Rate"): [rate_text(row["rate"]) for row in rows],
        b.Column("Loss"): [metric.points(row["loss"]) for row in rows],
        b.Column("95 % interval"): [between(row, "") for row in rows],
        b.Column("on new data"): [between(row, "new_") for row in rows],
        b.Column("One training", rank=1): [between(row, "single_") for row in rows],
    }
    unit = f"Losses of {metric.title}" + (f", in {metric.difference}" if metric.difference else "")
    many = "Each interval is for itself: they are not adjusted for being many."
    return [b.Table.of(columns, 1), b.Text(f"{unit}. {many}", "note"), *_notes(names, rows)]


def worth(material: Material, asked: Asked) -> Iterator[b.Block]:
    """What labels are worth in clean ones; what cleaning and collecting bring; what to buy."""
    frame, metric, name = material.frame, material.metric, material.name
    if material.pending:
        yield b.Text(f"Not trained yet: {count(material.pending, 'trial')}.", "note")
    yield from _in_clean_labels(material)
    grown: list[str] = []
    for each in learning_curves(frame, metric, asked.rate):
        kind = f", {each.curve.corruption} at {rate_text(asked.rate)}" if asked.rate else ""
        grown.append(f"{name.setting(each.curve)}{kind}: {collecting_text(each, metric)}.")
    yield b.Items(list(dict.fromkeys(grown)), "Collecting")
    if asked.base is not None:
        gains = cleaning_gains(frame, asked.base, metric, asked.test_rate)
        lines = [f"{name.line(each.curve)}: {cleaning_text(each, metric)}." for each in gains]
        yield b.Items(lines, "Cleaning")
        notes = dict.fromkeys(f"{note[0].upper()}{note[1:]}." for g in gains for note in g.notes)
        yield from ([b.Items([*notes], tone="note")] if notes else [])
    else:
        yield b.Text(
            "What cleaning would bring follows from the share of labels that are wrong already: "
            "say it by --base-rate, or --audited with a file of checked labels. No curve tells it.",
            "note",
        )
    if asked.prices is not None:
        bought = purchases(frame, asked.prices, metric, asked.base, asked.size, asked.rate)
        at = f", {rate_text(asked.rate)} wrong" if asked.rate else ""
        lines = [f"{name.line(each.curve)}{at}: {each.sentence}." for each in bought]
        yield b.Items(lines, "What to buy")


def _in_clean_labels(material: Material) -> Iterator[b.Block]:
    """As many clean labels as each set is worth, with what must be known of them."""
    found = exchanges(material.frame, material.metric)
    if all(math.isnan(each.value) for each in found):
        yield b.Text(
            "Nothing can be said in clean labels: that takes clean sets of two sizes or more, and "
            "a set of which some labels are wrong, such as those of gigo run trade-off.",
            "note",
        )
        return
    names = [material.name.line(each.curve) for each in found]
    rate = "Wrong" if material.of_labels else "Rate"
    after = any(each.first for each in material.spoken.values())
    columns = {
        b.Column("Labels", "words"): names,
        b.Column(rate): [rate_text(each.rate) for each in found],
        b.Column(f"Worth {'at rate 0' if after else 'in clean ones'}"): map(worth_text, found),
        b.Column("95 % interval"): [between_text(each) for each in found],
        b.Column("In theory", rank=1): [_in_theory(each) for each in found],
    }
    yield b.Table.of(columns, 1)
    told = "Of a set that is worth fewer labels than the smallest clean set, or more than the "
    told += "largest, no more is known than that. "
    if any(math.isnan(each.low) for each in found):
        told += "There is no interval for single replicates. "
    if not all(math.isnan(each.theory) for each in found):
        told += "In theory: (1 - r/r*)² of their number, labels saying nothing at r*; no law."
    yield b.Text(told.rstrip(), "note")
    places: dict[str, list[str]] = {}
    for curve, each in zip(names, found, strict=True):
        for note in each.notes:
            places.setdefault(note, []).append(f"{curve} at {rate_text(each.rate)}")
    notes = [
        f"{note[0].upper()}{note[1:]}" + ("." if len(some) == len(found) else f": {first(some)}.")
        for note, some in places.items()
    ]
    yield from ([b.Items(notes, tone="note")] if notes else [])


def _in_theory(found: Exchange) -> str:
    return MISSING if math.isnan(found.theory) else f"{found.theory * found.curve.size:,.0f}"


def _rows(frame: pd.DataFrame) -> list[dict[str, Any]]:
    return frame.to_dict("records")  # pyright: ignore[reportReturnType] - columns have text names


def _names(material: Material, rows: list[dict[str, Any]]) -> list[str]:
    return [material.name.line(Curve(*(row[axis] for axis in CURVE))) for row in rows]


def _notes(names: list[str], rows: list[dict[str, Any]]) -> list[b.Items]:
    lines = [
        f"{name}: {row['notes']}." for name, row in zip(names, rows, strict=True) if row["notes"]
    ]
    return [b.Items([*dict.fromkeys(lines)], tone="note")] if lines else []


def _rate(value: float) -> str:
    return MISSING if math.isnan(value) else rate_text(value)


def _bound(value: float, row: dict[str, Any]) -> str:
    return f"beyond {rate_text(row['highest_rate'])}" if math.isinf(value) else _rate(value)


def _range(row: dict[str, Any], before: str) -> str:
    low, high = row[f"{before}low"], row[f"{before}high"]
    if math.isnan(low):
        return MISSING
    return interval_text(Estimate(row["tolerance"], low, high, row["highest_rate"]))


def _run(text: str) -> str:
    return listing(rate_text(float(rate)) for rate in text.split(", ")) if text else ""
