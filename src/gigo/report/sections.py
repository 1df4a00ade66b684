"""The sections of the page, top to bottom."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from gigo.analysis import Estimate
from gigo.analysis.estimates import SHARE
from gigo.analysis.words import (
    MISSING,
    accuracy_text,
    assured_text,
    count,
    interval_text,
    listing,
    range_text,
    rate_text,
    value_text,
)
from gigo.report.figure_data import Panel
from gigo.report.markup import Html, join, table, tag
from gigo.report.material import Material
from gigo.report.toml import to_toml

REPLICATES = (
    "A replicate draws its own subset, held-out items, data order, corrupted items and initial "
    "weights; the test set is the same for all."
)
AXIS_TITLES = {"model": "Model", "recipe": "Recipe", "validation": "Validation"}


def head(material: Material) -> Html:
    """Title, what this is, and warnings in plain sight."""
    trials = material.frame.drop_duplicates("key")
    lead = (
        "How much label corruption a model takes: test accuracy against the share of training "
        f"labels that are corrupted, from {count(len(trials), 'trained model')}."
    )
    title = tag("header", tag("h1", material.title), tag("p", lead, class_="lead"))
    warnings = (
        tag("p", warning, class_="warning", role="alert") for warning in material.answer.warnings
    )
    return join([title, *warnings])


def answer(material: Material) -> Html:
    """The findings in words."""
    found = material.answer
    if not found.findings:
        return tag("section", tag("p", "No trial is trained yet."), class_="answer")
    findings = [
        part
        for finding in found.findings
        for part in (
            tag("p", finding.heading),
            tag("ul", *(tag("li", line) for line in finding.lines)),
        )
    ]
    notes = tag("ul", *(tag("li", note) for note in found.notes), class_="notes")
    return tag("section", *findings, *([notes] if found.notes else []), class_="answer")


def figures(panels: Sequence[Panel]) -> Html:
    """Where the figures are drawn, with their captions."""
    if not panels:
        return Html("")
    drawn = [
        tag(
            "figure",
            tag("h3", f"Figure {i}. {panel.title}"),
            tag(
                "div",
                class_="chart",
                data_spec=f"figure-{i}",
                role="img",
                aria_label=f"Accuracy against corruption rate: {panel.title}",
            ),
            tag("figcaption", _caption(panel)),
        )
        for i, panel in enumerate(panels, start=1)
    ]
    return tag(
        "section",
        tag("h2", "Accuracy against corruption rate"),
        tag("noscript", tag("p", "The figures need JavaScript; the tables below do not.")),
        tag("div", *drawn, class_="figures"),
    )


def estimates(material: Material) -> Html:
    """Tolerance, assured tolerance and midpoint of every curve, then every mean."""
    found = material.estimates
    if not found:
        return Html("")
    varying = material.name.varying
    names = ["Data set", *(AXIS_TITLES[axis] for axis in varying), "Labels", "Corruption"]
    columns = [
        *names,
        "Clean accuracy",
        "Tolerance",
        "95 % interval",
        "Assured",
        "Midpoint",
        "95 % interval",
        "Theoretical cliff",
    ]
    rows = [
        [
            each.curve.dataset,
            *(getattr(each.curve, axis) for axis in varying),
            material.name.size(each.curve),
            each.curve.corruption,
            accuracy_text(each.clean[0]),
            *_estimate_cells(each.tolerance),
            assured_text(each.tolerance),
            *_estimate_cells(each.midpoint),
            _cliff_cell(material, each.curve.dataset, each.curve.corruption),
        ]
        for each in found
    ]
    explained = (
        f"Tolerance: the first rate at which mean accuracy falls below {rate_text(SHARE)} of that "
        "with clean labels. Assured: the lower end of its interval, no higher than with the models "
        "counted in that did not train. Midpoint: the rate at which accuracy has fallen half-way "
        "from clean to chance. Intervals compare replicates with themselves; between the rates "
        "tried, lines are straight. Theoretical cliff: where the true class stops being the most "
        "probable label, for items that are unambiguous and a learner that finds the most "
        "probable one; one that memorises falls earlier."
    )
    return tag(
        "section",
        tag("h2", "Estimates"),
        table(columns, rows, words=len(names)),
        tag("p", explained, class_="notes"),
        _every_mean(material),
    )


def method(material: Material) -> Html:
    """How the numbers came about, and how to get them again."""
    facts = [
        part for name, value in _facts(material) for part in (tag("dt", name), tag("dd", value))
    ]
    studies = [to_toml(study) for study in material.studies]
    return tag(
        "section",
        tag("h2", "How it was made"),
        tag("dl", *facts),
        tag("h2", "Study" if len(studies) == 1 else "Studies"),
        *(tag("pre", study) for study in studies),
        *_again(material),
    )


def _again(material: Material) -> Iterator[Html]:
    """How to run the studies once more, into one folder."""
    if material.command is not None:
        yield tag("p", "To make it again:")
        yield tag("pre", material.command)
        return
    files = [f"{study.name}.toml" for study in material.studies]
    if len(files) == 1:
        yield tag("p", "Save the study as ", tag("code", files[0]), " and run")
        yield tag("pre", f"gigo run {files[0]}")
        return
    files = [f"{study.name}-{k}.toml" for k, study in enumerate(material.studies, start=1)]
    yield tag("p", "Save each study as a file of its own and run")
    folder = material.studies[0].name
    yield tag("pre", "\n".join(f"gigo run {file} --out runs/{folder}" for file in files))


def _caption(panel: Panel) -> str:
    lines = panel.lines
    fewest, most = min(lines["n_trials"]), max(lines["n_trials"])
    span = f"{fewest} to {most}" if fewest != most else f"{most}"
    per_point = f"{span} {'replicate' if most == 1 else 'replicates'} a point"
    parts = [f"Points and lines: mean test accuracy of the models that trained, {per_point}."]
    if most > 1:
        parts.append(f"Bands: 95 % t-interval of that mean. {REPLICATES}")
    if len(panel.cliffs):
        parts.append("Dashed: theoretical cliffs.")
    parts.append(f"Dotted: chance, the share of the largest class ({accuracy_text(panel.chance)}).")
    if len(panel.published):
        parts.append("Hollow diamonds: the article's published points.")
    if len(panel.failed):
        shape = "Other hollow marks" if len(panel.published) else "Hollow"
        parts.append(
            f"{shape}: {count(len(panel.failed), 'model')} that never started or diverged."
        )
    return " ".join(parts)


def _estimate_cells(estimate: Estimate) -> tuple[str, str]:
    return value_text(estimate), interval_text(estimate)


def _cliff_cell(material: Material, dataset: str, corruption: str) -> str:
    cliffs = material.cliffs.get((dataset, corruption), ())
    return ", ".join(rate_text(cliff.rate) for cliff in cliffs) or MISSING


def _every_mean(material: Material) -> Html:
    varying = material.name.varying
    names = ["Data set", *(AXIS_TITLES[axis] for axis in varying), "Labels", "Corruption"]
    columns = [*names, "Rate", "Changed", "Mean", "95 % interval"]
    columns += ["Trained", "Never started", "Diverged", "Mean of all"]
    rows: list[list[str]] = []
    for row in material.summary.to_dict("records"):
        spread = MISSING if math.isnan(row["low"]) else range_text(row["low"], row["high"])
        rows.append(
            [
                row["dataset"],
                *(row[axis] for axis in varying),
                f"{row['size']:,}",
                row["corruption"],
                rate_text(row["rate"]),
                accuracy_text(row["realised_rate"]),
                accuracy_text(row["mean"]),
                spread,
                f"{row['n_started']} of {row['n_trials']}",
                str(row["n_never_started"]),
                str(row["n_diverged"]),
                accuracy_text(row["mean_all"]),
            ]
        )
    summary = tag("summary", f"All {len(rows):,} means")
    return tag("details", summary, table(columns, rows, words=len(names)))


def _facts(material: Material) -> Iterator[tuple[str, str]]:
    trials = material.frame.drop_duplicates("key")
    status = Counter(trials["status"])
    pending = f", {material.pending:,} pending" if material.pending else ""
    yield "Trials", f"{len(trials):,} done{pending}"
    failed = [
        f"{status[name]} {phrase}"
        for name, phrase in (("never_started", "never started"), ("diverged", "diverged"))
    ]
    yield "Of these", listing(failed)
    for axis, title in AXIS_TITLES.items():
        yield title, ", ".join(map(str, trials[axis].unique()))
    yield "Precision", material.precision
    yield "Training time", f"{sum(trials['seconds']):,.0f} s in all"
    for test_set in material.test_sets.values():
        items = f"{test_set.n_train:,} training and {len(test_set.labels['test']):,} test items"
        yield test_set.name, f"{items}; {test_set.source}; sha256 {test_set.sha256}"
    yield from provenance(material.provenance)


def provenance(records: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, str]]:
    """Each field of the records' provenance with its distinct values, or their range if many."""
    for field in dict.fromkeys(name for record in records for name in record):
        values = [record[field] for record in records if field in record]
        distinct = list(dict.fromkeys(map(_plain, values)))
        if len(distinct) > 4 and all(isinstance(v, int | float) for v in values):
            yield field, f"{min(values):,} to {max(values):,}"
        elif len(distinct) > 4:
            yield field, f"{', '.join(distinct[:4])} and {len(distinct) - 4} more"
        else:
            yield field, ", ".join(distinct)


def _plain(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{k} {_plain(v)}" for k, v in value.items())
    return value if isinstance(value, str) else json.dumps(value, default=str)
