"""What a run's results are as blocks: the whole report, what a terminal shows, the trials."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import pandas as pd

from gigo.analysis import words
from gigo.analysis.allowed import Allowed
from gigo.analysis.estimates import Curve, split_curves
from gigo.analysis.intervals import Estimate
from gigo.analysis.metric import ACCURACY, Metric
from gigo.analysis.names import Namer
from gigo.analysis.probes import target_text, told_at
from gigo.analysis.words import MISSING, accuracy_text, count, listing, marks_text, rate_text
from gigo.axes import SETTINGS
from gigo.records import FAILED
from gigo.report import again, differences, method
from gigo.report import blocks as b
from gigo.report.figure_data import Panel, panels
from gigo.report.material import Material
from gigo.report.toml import to_toml

MOST_FIGURES, MOST_FINDINGS, MOST_ROWS, MOST_TRIALS = 24, 12, 30, 1000
"""Figures that are drawn, findings that are told, rows that are not folded, trials that are shown:
a run of hundreds of curves still has a report that can be read."""


def report(material: Material) -> list[b.Block]:
    """Everything there is to say about a run, the answer first."""
    figures = [*_figures(material, MOST_FIGURES), *_probes(material, MOST_FIGURES)]
    last = (*_estimates(material), *_method(material))
    return [*_head(material), *answer(material), *figures, *_versus(material), *last]


def brief(material: Material) -> list[b.Block]:
    """What a terminal shows after a run: the answer comes last, where it stays in sight."""
    said = method.notes(material)
    figures = [*_figures(material, 6), *_probes(material, 6)]
    return [*figures, *said, *answer(material), *_versus(material)]


def trials(frame: pd.DataFrame, metric: Metric = ACCURACY) -> list[b.Block]:
    """A row per trial of a tidy table, with its main columns."""
    if frame.empty:
        return [NOTHING]
    name, rows = Namer(frame, {}), frame.head(MOST_TRIALS)
    settings = rows[[*SETTINGS]].itertuples(index=False)
    axes: Iterable[dict[str, Any]] = (dict(zip(SETTINGS, row, strict=True)) for row in settings)
    columns = {
        b.Column("data set", "words", 3): rows["dataset"],
        b.Column("size", rank=4): map("{:,}".format, rows["size"]),
        b.Column("corruption", "words", 1): rows["corruption"],
        b.Column("setting", "words", 1): map(name.varied, axes),
        b.Column("rate"): map(rate_text, rows["rate"]),
        b.Column("rep", rank=2): map(str, rows["replicate"]),
        b.Column("status", "words", 5): rows["status"],
        b.Column(metric.title): map(metric.text, rows[metric.name]),
        b.Column("epochs", rank=6): map(str, rows["epochs"].astype(object).fillna("")),
        b.Column("s", rank=7): map("{:.1f}".format, rows["seconds"]),
        b.Column("error", "words", 8): rows["error"].fillna(""),
    }
    n, n_trials = len(frame), len(set(frame["key"]))
    told = {
        f"The first {len(rows):,} of {n:,} rows; --csv, --json and --parquet have all.": len(rows),
        f"{n:,} rows for {n_trials:,} trials: those at rate 0 are shared.": n_trials,
    }
    notes = (b.Text(words, "note") for words, count in told.items() if count < n)
    return [b.Table.of(columns), *notes]


NOTHING = b.Text("No trial is trained yet.")


def _head(material: Material) -> Iterator[b.Block]:
    failed = material.frame["status"].isin(FAILED)
    trained = count(len({*material.frame["key"][~failed]}), "trained model")
    yield b.Heading(method.title(material), 1)
    date = f"{material.written.day} {material.written:%B %Y}"
    yield b.Text(f"How much corruption a model takes, from {trained}. Written on {date}.")
    made = {str(each["features"]): None for each in material.provenance if "features" in each}
    yield from (b.Text(f"Features: {text}.", "note") for text in made)


def answer(material: Material) -> Iterator[b.Text | b.Items]:
    """The findings in words, after what makes the numbers misleading."""
    found = material.answer
    warnings = (*found.warnings, *method.warnings(material))
    yield from (b.Text(warning, "warning") for warning in warnings)
    for finding in found.findings[:MOST_FINDINGS]:
        more = len(finding.lines) - MOST_ROWS
        rest = [f"{more:,} more are in the estimates of the report."] if more > 0 else []
        yield b.Items([*finding.lines[:MOST_ROWS], *rest], finding.heading)
    if len(found.findings) > MOST_FINDINGS:
        told = f"{MOST_FINDINGS} of {len(found.findings):,} findings"
        yield b.Text(f"These are {told}; the estimates of the report have them all.", "note")
    if found.notes:
        yield b.Items(found.notes, tone="note")


def _figures(material: Material, most: int) -> Iterator[b.Block]:
    shown = panels(material)
    if not shown:
        yield NOTHING if material.frame.empty else b.Text("No trial left a trained model.")
        return
    yield b.Heading(f"{material.metric.begun} against {shown[0].against}")
    yield b.Figures([_figure(i, panel) for i, panel in enumerate(shown[:most], start=1)])
    if len(shown) > most:
        yield b.Text(f"{most} of {len(shown):,} figures; the tables have all means.", "note")


def _probes(material: Material, most: int) -> Iterator[b.Block]:
    """Figures of what test sets say that corruptions brought."""
    number = len(panels(material)[:most])
    for metric in material.probe_metrics.values():
        shown = panels(material.of_probe(metric))[:most]
        if not shown:
            continue
        yield b.Heading(f"{metric.begun} against {shown[0].against}")
        yield b.Figures([_figure(number + i, panel) for i, panel in enumerate(shown, start=1)])
        number += len(shown)
        if material.against == "rate":
            yield from (b.Text(told, "note") for told in _of_targets(material, shown))


def _of_targets(material: Material, shown: Iterable[Panel]) -> Iterator[str]:
    """What the rates at which attacks are told are of the classes that they have as targets."""
    told: dict[str, None] = {}
    for panel in shown:
        for curve, rows in split_curves(panel.lines).items():
            trigger = material.triggers.get((curve.dataset, curve.corruption))
            rates = [float(rate) for rate in rows["rate"] if rate > 0]
            if trigger is not None and rates and panel.metric.name == "attack/accuracy":
                told[target_text(curve.corruption, trigger, told_at(rates, "attack"))] = None
    yield from told


def _figure(number: int, panel: Panel) -> b.Figure:
    numbers = _numbers(panel)
    (start, *first), (end, *last) = numbers.rows[0], numbers.rows[-1]
    ends = [
        f"{column.title}: {a} at {start}, {b} at {end}"
        for column, a, b in zip(numbers.columns[1:], first, last, strict=True)
    ]
    found = " ".join(f"{sentence}." for sentence in [*ends, *(g.told for g in panel.guides)])
    seen = f"{panel.metric.scale} against the {panel.against}, {panel.title}. {found}"
    more = f"{count(panel.left_out, 'more line')} not drawn; the tables have all means."
    caption = " ".join([*panel.notes, *([more] if panel.left_out else [])])
    return b.Figure(f"Figure {number}. {panel.title}", panel, numbers, caption, seen)


def _numbers(panel: Panel) -> b.Table:
    """Means without their unit: a row per rate, a column per line."""
    rates = sorted(set(panel.lines["rate"]))
    columns = {b.Column(panel.against.removeprefix("corruption ")): [*map(rate_text, rates)]}
    for line, rows in panel.lines.groupby("line", sort=False):
        cells = {row["rate"]: _mean_text(row, panel.metric) for row in rows.to_dict("records")}
        columns[b.Column(str(line))] = [cells.get(rate, MISSING) for rate in rates]
    return b.Table.of(columns)


def _mean_text(row: Mapping[Any, Any], metric: Metric) -> str:
    """``97.1 ±0.8``, with ``○2`` for two models that never started or diverged, ``×1`` failed."""
    hollow = row["n_never_started"] + row["n_diverged"]
    mean, low, high = row["mean"], row["low"], row["high"]
    spread = "" if math.isnan(low) else f" ±{metric.number(mean - low)}"
    if spread and not math.isclose(mean - low, high - mean, abs_tol=1e-9):  # one side is cut
        spread = f" ({metric.range(low, high).removesuffix(' %')})"
    return metric.number(mean) + spread + marks_text(hollow, row["n_failed"])


def _versus(material: Material) -> Iterator[b.Block]:
    """What is held against something: corruptions, settings, the article's points."""
    yield from differences.between_corruptions(material)
    if material.settings is not None:
        yield from differences.between_settings(material, material.settings)
    if material.published is not None:
        yield from differences.beside_published(material.published)


def _estimates(material: Material) -> Iterator[b.Block]:
    """Tolerance, that of one training and midpoint of every curve, then every mean."""
    found, metric = material.estimates, material.metric
    if not found:
        return
    columns = {
        b.Column("Curve", "words"): [material.name.line(each.curve) for each in found],
        b.Column(f"{metric.begun} at rate 0"): [metric.text(each.clean[0]) for each in found],
    }
    allowed = found[0].allowed
    if allowed is not None:
        new_data = [each.new_data for each in found]
        columns |= {
            b.Column("Tolerance"): [_estimate_text(each.tolerance) for each in found],
            b.Column("on new data"): [words.interval_text(n) if n else "" for n in new_data],
            b.Column("One training"): [words.value_text(each.single) for each in found],
        }
    if metric.guessed:
        columns[b.Column("Midpoint")] = [_estimate_text(each.midpoint) for each in found]
    columns[b.Column("Theoretical cliff")] = [_cliff_text(material, each.curve) for each in found]
    yield b.Heading("Estimates")
    yield b.Table.of(columns, folded=f"All {len(found):,} curves" if len(found) > MOST_ROWS else "")
    yield b.Text(" ".join(_meaning(metric, allowed)), "note")
    yield _every_mean(material)


def _meaning(metric: Metric, allowed: Allowed | None) -> Iterator[str]:
    """What the columns of the estimates mean."""
    if allowed is not None:
        yield (
            f"Tolerance: up to what rate mean {metric.title} {allowed.kept(metric)}"
            f"{', against rate 0' if allowed.keep == 1 else ''}. One training: up to what "
            "rate 19 of 20 single trainings do, of those that start."
        )
    if metric.guessed:
        half = "has fallen half-way from that at rate 0 to chance"
        yield f"Midpoint: the rate at which {metric.title} {half}."
    if allowed is not None or metric.guessed:
        yield (
            "In brackets: 95 % intervals over trainings, for this test set; on new data, over test "
            "items too. Each is for itself: they are not adjusted for being many."
        )
    yield (
        "Theoretical cliff: where the true class stops being the most probable label, for items "
        "that are unambiguous and a learner that finds the most probable one; one that memorises "
        "falls earlier."
    )


def _estimate_text(estimate: Estimate) -> str:
    """``47 % (9.8 to 61 %)``."""
    return f"{words.value_text(estimate)} ({words.interval_text(estimate)})".replace(" (–)", "")


def _cliff_text(material: Material, curve: Curve) -> str:
    cliffs = material.cliffs.get((curve.dataset, curve.corruption), ())
    return ", ".join(rate_text(cliff.rate) for cliff in cliffs) or MISSING


def _every_mean(material: Material) -> b.Table:
    rows, metric = material.summary, material.metric
    curves = rows[list(Curve._fields)].itertuples(index=False, name=None)
    counts, blank = zip(rows["n_started"], rows["n_trials"], strict=True), [""] * len(rows)
    columns = {
        b.Column("Curve", "words"): [material.name.line(Curve(*axes)) for axes in curves],
        b.Column("Rate"): map(rate_text, rows["rate"]),
        b.Column("Changed", rank=2): map(accuracy_text, rows["realised_rate"]),
        b.Column("Mean"): map(metric.text, rows["mean"]),
        b.Column("95 % interval", rank=1): map(metric.range, rows["low"], rows["high"]),
        b.Column("Trained", rank=3): [f"{started} of {n}" for started, n in counts],
        b.Column("Never started", rank=4): map(str, rows["n_never_started"]),
        b.Column("Diverged", rank=4): map(str, rows["n_diverged"]),
        b.Column("Failed", rank=4): map(str, rows["n_failed"]) if sum(rows["n_failed"]) else blank,
        b.Column("Mean of all", rank=5): map(metric.text, rows["mean_all"]),
    }
    return b.Table.of(columns, folded=f"All {len(rows):,} means")


def _method(material: Material) -> Iterator[b.Block]:
    """How the numbers came about, and how to get them again."""
    yield b.Heading("How it was made")
    yield b.Text(method.drawn(material))
    yield b.Facts([*_facts(material), *provenance(material.provenance)])
    yield from method.notes(material)
    studies, batches = again.folded(material.studies)
    several = len(studies) > 1
    yield b.Heading("Studies" if several else "Study")
    idle = () if method.trains_networks(material) else ("recipe",)
    yield from (b.Code(to_toml(study, idle)) for study in studies)
    if batches:
        yield b.Text(again.told(batches))
    names = listing(again.files(studies))
    how = f"Save the {'studies' if several else 'study'} as {names} and run"
    yield b.Text("To make it again:" if material.command else how)
    lines = again.commands(studies, batches, material.folder or studies[0].name)
    yield b.Code(material.command or "\n".join(lines))


def _facts(material: Material) -> Iterator[tuple[str, str]]:
    done = material.frame.drop_duplicates("key")
    states = Counter(done["status"])
    lost = states["failed"] + states["timed_out"]
    pending = f", {material.pending:,} pending" if material.pending else ""
    yield "Trials", f"{len(done):,} done{pending}"
    told = f"{states['never_started']} never started and {states['diverged']} diverged"
    yield "Of these", told + (f"; {lost} failed and left no model" if lost else "")
    yield from method.settings(material)
    yield "Training time", f"{sum(done['seconds']):,.0f} s in all"
    for test_set in material.test_sets.values():
        items = f"{test_set.n_train:,} training and {len(test_set.labels['test']):,} test items"
        classes = f"{len(test_set.classes)} classes: {method.first(test_set.classes)}"
        told = (items, classes, test_set.source, f"sha256 {test_set.sha256}")
        yield test_set.name, "; ".join(told)


def provenance(records: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    """Each field of the records' provenance with its distinct values, or their range if many."""
    found: dict[str, dict[Any, None]] = {}
    for record in records:
        for field, value in record.items():
            if field == "error":  # of one trial, and maybe of one that was trained again
                continue
            plain = value if isinstance(value, str | int | float) else _plain(value)
            found.setdefault(field, {})[plain] = None
    for field, values in found.items():
        if len(values) > 4 and not any(isinstance(value, str) for value in values):
            yield field, f"{min(values):,} to {max(values):,}"
        else:
            yield field, method.first(list(map(_plain, values)))


def _plain(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{k} {_plain(v)}" for k, v in value.items())
    return value if isinstance(value, str) else json.dumps(value, default=str)
