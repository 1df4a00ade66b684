"""What docs/results.md quotes of a run: ``python benchmarks/article.py RUN [RUN ...]``.

For each run folder ``.../NAME`` it writes ``docs/results/article-NAME.csv`` (every trial) and
``docs/images/article-NAME.svg`` (its figure), and prints, as Markdown: how far the published points
are, trials that never started, what looking at the test set was worth, and where the run varies a
setting, each of its values held against the article's own, paired by replicate. The runs are made
with ``gigo run``; the page says how.

A table that is there already grows: its trials that the run folder lacks are kept, so that a long
study can be made in parts, on machines that do not share a folder.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Hashable, Iterable, Iterator
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import pandas as pd
from figures import dark_too
from pandas.api.types import is_numeric_dtype

import gigo
from gigo.analysis.intervals import half_width
from gigo.analysis.metric import ACCURACY
from gigo.analysis.table import IDENTITY
from gigo.analysis.words import MISSING, interval_text, rate_text, value_text
from gigo.axes import SETTINGS
from gigo.report import Material, figure

DOCS = Path(__file__).parent.parent / "docs"


def main() -> None:
    """Publish the runs named."""
    for folder in map(Path, sys.argv[1:]):
        name = f"article-{folder.name}"
        table = DOCS / "results" / f"{name}.csv"
        run = gigo.load(folder).material
        material = replace(run, frame=united(run.frame, table))
        material.frame.to_csv(table, index=False, float_format="%.6g")
        image = DOCS / "images" / f"{name}.svg"
        figure(material).save(image)
        image.write_text(dark_too(image.read_text(encoding="utf-8")), encoding="utf-8")
        print(f"# {name}: {material.frame['key'].nunique()} trials, {material.precision}\n")
        print("\n".join(told(material)))


def united(frame: pd.DataFrame, table: Path) -> pd.DataFrame:
    """The table with a run's rows over its own, in the order of `tidy` and of what stood there."""
    if not table.exists():
        return frame
    earlier = pd.read_csv(table).astype(dict(frame.dtypes))
    both = pd.concat([earlier, frame]).drop_duplicates(list(IDENTITY), keep="last")
    # Trials without a wrong label stand under every corruption.
    others = [name for name in IDENTITY if name not in ("corruption", "rate", "replicate")]
    kinds = both[[*others, "corruption"]].drop_duplicates()
    clean = both.loc[both["rate"] == 0].drop(columns="corruption").merge(kinds, on=others)
    both = pd.concat([both, clean[list(both)]]).drop_duplicates(list(IDENTITY))
    return both.sort_values(
        list(IDENTITY),
        key=lambda column: column if is_numeric_dtype(column) else pd.factorize(column)[0],
        ignore_index=True,
    )


def told(material: Material) -> Iterator[str]:
    """The tables."""
    yield from estimates(material)
    yield from agreement(material)
    yield from points(material)
    yield from failures(material.frame)
    yield from looking(material.frame)
    yield from settings(material)
    yield from losses(material)


def estimates(material: Material) -> Iterator[str]:
    rows = [
        (
            *(f"{value:,}" if isinstance(value, int) else value for value in one.curve),
            f"{percent(one.clean[0])} ({ACCURACY.range(*one.clean[1:])})",
            f"{value_text(one.tolerance)} ({interval_text(one.tolerance)})",
            f"{value_text(one.midpoint)} ({interval_text(one.midpoint)})",
        )
        for one in material.estimates
    ]
    yield from markdown(
        ["set", "size", "corruption", *SETTINGS, "clean", "tolerance", "midpoint"], rows
    )


def agreement(material: Material) -> Iterator[str]:
    """With the published points, for rates to 0.5 and for all."""
    if material.published is None:
        return
    found = material.published.points
    rows: list[Iterable[object]] = []
    for names, points in found.groupby(["dataset", "size", "corruption"], sort=False):
        for limit in (0.5, 1.0):
            part = points.loc[points["rate"] <= limit]
            apart = 100 * part["difference"].to_numpy("float64")
            agrees = part["inside"].fillna(False).to_numpy(bool) | part["close"].to_numpy(bool)
            others = ", ".join(map(rate_text, part["rate"][~agrees]))
            told = f"{apart.mean():+.1f}", f"{abs(apart).mean():.1f}", agrees.sum(), others
            rows.append((*keys(names), f"to {rate_text(limit)}", len(part), *told))
    head = ["set", "size", "corruption", "rates", "points", "mean", "mean size"]
    yield from markdown([*head, "inside or within 3 points", "others at"], rows)


def points(material: Material) -> Iterator[str]:
    """A table per set: gigo's mean, where one training is expected, and what was published."""
    if material.published is None:
        return
    found = material.published.frame
    for names, part in found.groupby(["dataset", "size"], sort=False):
        dataset, size = keys(names)
        kinds = part["corruption"].unique()
        cells = {(row["corruption"], row["rate"]): row for row in part.to_dict("records")}
        rows = [
            (
                rate_text(rate),
                *(
                    text
                    for kind in kinds
                    for text in (point(cells[kind, rate]) if (kind, rate) in cells else [""] * 3)
                ),
            )
            for rate in sorted(part["rate"].unique())
        ]
        columns = (n for kind in kinds for n in (f"`{kind}`: gigo", "one training", "published"))
        yield f"{dataset}, {size} items; *: neither expected nor within 3 points\n"
        yield from markdown(["rate", *columns], rows)


def point(row: dict[Hashable, Any]) -> tuple[str, str, str]:
    """The mean of started trainings and how many others, the interval, what was published."""
    failed, started = row["n_never_started_a"], row["n_a"]
    of = f"{failed} of {failed + started} never started" if started else "never started"
    mean = [percent(row["mean_a"])] if started else []
    expected = (
        ""
        if math.isnan(row["predicted_low"])
        else ACCURACY.range(row["predicted_low"], row["predicted_high"])
    )
    agrees = any(row[name] is True for name in ("inside", "close"))
    mark = "" if agrees or not started else "*"
    return (
        ", ".join([*mean, *([of] if failed else [])]),
        expected.removesuffix(" %"),
        percent(row["mean_b"]) + mark,
    )


def failures(frame: pd.DataFrame) -> Iterator[str]:
    """At which rates how many trials did not start, and their mean accuracy."""
    failed = frame.loc[~frame["started"].to_numpy(bool)]
    groups = failed.groupby(
        ["dataset", "size", "corruption", *SETTINGS, "rate", "status"], sort=False
    )
    rows = [(*keys(names), len(part), percent(part["accuracy"].mean())) for names, part in groups]
    head = ["set", "size", "corruption", *SETTINGS, "rate", "status", "trials", "accuracy"]
    yield from markdown(head, rows)


def looking(frame: pd.DataFrame) -> Iterator[str]:
    """The chosen epoch's accuracy on the test set over the last epoch's, of started trials."""
    started = frame.loc[frame["started"].to_numpy(bool)].drop_duplicates("key")
    band = pd.cut(started["rate"], [-1, 0, 0.3, 0.6, 1], labels=["0", "to 0.3", "to 0.6", "to 1"])
    groups = started.groupby(["dataset", "size", *SETTINGS, band], sort=False, observed=True)
    rows: list[Iterable[object]] = []
    for names, part in groups:
        gain = 100 * (part["accuracy"] - part["accuracy_last"]).to_numpy("float64")
        rows.append((*keys(names), len(gain), f"{gain.mean():+.2f} (± {half_width(gain):.2f})"))
    yield from markdown(["set", "size", *SETTINGS, "rates", "trials", "chosen over last"], rows)


def settings(material: Material) -> Iterator[str]:
    """Each setting held against the article's, or the first one."""
    found, name = material.settings, material.name
    if found is None:
        return
    rows = [
        (
            point["dataset"],
            f"{point['size']:,}",
            point["corruption"],
            rate_text(point["rate"]),
            name.varied(dict(zip(SETTINGS, ours, strict=True))),
            percent(point["mean_a"]),
            name.varied(dict(zip(SETTINGS, theirs, strict=True))),
            percent(point["mean_b"]),
            signed(point["difference"]),
            f"{signed(point['low'])} to {signed(point['high'])}",
            f"{point['n_never_started_a']} and {point['n_never_started_b']}",
        )
        for (ours, theirs), part in found.by_setting().items()
        for point in part.frame.to_dict("records")
    ]
    head = ["set", "size", "corruption", "rate", "setting", "mean", "against", "mean", "points"]
    yield from markdown([*head, "95 % interval", "never started"], rows)


def losses(material: Material) -> Iterator[str]:
    """How much more a setting loses to wrong labels than the article's, paired by replicate."""
    found, name = material.settings, material.name
    if found is None:
        return
    started = material.frame.loc[material.frame["started"].to_numpy(bool)]
    where = ["dataset", "size", "corruption"]
    accuracy = 100 * started.pivot_table("accuracy", "replicate", [*where, *SETTINGS, "rate"])
    rows: list[Iterable[object]] = []
    for (ours, theirs), part in found.by_setting().items():
        for point in part.frame.loc[part.frame["rate"] > 0].to_dict("records"):
            place = tuple(point[axis] for axis in where)
            cells = product((ours, theirs), (0.0, point["rate"]))
            a_clean, a, b_clean, b = (accuracy.get((*place, *k, rate)) for k, rate in cells)
            if any(one is None for one in (a_clean, a, b_clean, b)):
                continue
            more = ((a_clean - a) - (b_clean - b)).dropna().to_numpy("float64")
            said = f"{more.mean():+.1f} (± {half_width(more):.1f})" if len(more) else MISSING
            names = (name.varied(dict(zip(SETTINGS, k, strict=True))) for k in (ours, theirs))
            rows.append((*place, rate_text(point["rate"]), *names, len(more), said))
    head = ["set", "size", "corruption", "rate", "setting", "against", "pairs", "loses more"]
    yield from markdown(head, rows)


def keys(names: object) -> tuple[object, ...]:
    """What pandas calls a group by several columns."""
    assert isinstance(names, tuple)
    return names


def percent(share: float) -> str:
    return MISSING if math.isnan(share) else f"{100 * share:.1f}"


def signed(share: float) -> str:
    return MISSING if math.isnan(share) else f"{100 * share:+.1f}"


def markdown(head: list[str], rows: Iterable[Iterable[object]]) -> Iterator[str]:
    """A table and an empty line; nothing without rows."""
    lines = [f"| {' | '.join(map(str, row))} |" for row in rows]
    if lines:
        yield from [f"| {' | '.join(head)} |", "|---" * len(head) + "|", *lines, ""]


if __name__ == "__main__":
    main()
