"""What docs/results.md quotes of a run: ``python benchmarks/article.py FOLDER|TABLE [...]``.

For each run folder ``.../NAME`` it writes ``docs/results/article-NAME.csv`` (every trial) and
``docs/images/article-NAME.svg`` (its figure). Of it, or of a table that is there already, it prints
as Markdown: tolerances for 5 points and losses (`gigo.analysis.tolerance`), how far the published
points are, trials that never started, what looking at the test set was worth, and where the run
varies a setting, each of its values held against the article's own, paired by replicate. The runs
are made with ``gigo run``; the page says how.

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

import numpy as np
import pandas as pd
from committed import N_TEST, RESULTS, table
from differences import Difference, adjusted, lost, p_text
from figures import dark_too
from pandas.api.types import is_numeric_dtype

import gigo
from gigo.analysis import article
from gigo.analysis.comparison import Comparison, between_settings
from gigo.analysis.estimates import curve_estimates
from gigo.analysis.intervals import Estimate, moments, quantile
from gigo.analysis.metric import ACCURACY
from gigo.analysis.multiple import LEVEL, holm
from gigo.analysis.names import Namer
from gigo.analysis.points import Side
from gigo.analysis.table import IDENTITY
from gigo.analysis.words import MISSING, interval_text, rate_text, value_text
from gigo.axes import SETTINGS
from gigo.report import figure

IMAGES = RESULTS.parent / "images"
FIRST = ("mnist-1000", "fashion-mnist-1000", "cifar10-1000", "cifar100-1000")
WHOLE = ("mnist-all", "cifar10-all")
"""Tables of the article's own items, in its order; the others are of random ones."""


def main() -> None:
    """Publish the runs named, and print what there is to say of each."""
    for path in map(Path, sys.argv[1:]):
        name = path.stem.removeprefix("article-")
        if path.is_dir():
            publish(path, name)
        frame = table(name)
        print(f"# {name}: {frame['key'].nunique()} trials\n")
        print("\n".join(told(side(name, frame))))


def publish(folder: Path, name: str) -> None:
    """Write a run's table and figure."""
    file = RESULTS / f"article-{name}.csv"
    run = gigo.load(folder).material
    material = replace(run, frame=united(run.frame, table(name) if file.exists() else None))
    material.frame.to_csv(file, index=False, float_format="%.6g")
    image = IMAGES / f"article-{name}.svg"
    figure(material).save(image)
    image.write_text(dark_too(image.read_text(encoding="utf-8")), encoding="utf-8")


def side(name: str, frame: pd.DataFrame) -> Side:
    """A table as a side of comparisons; all its trials are of one seed."""
    places = article.PLACES if name in (*FIRST, *WHOLE) else {}
    n_items = dict(zip(frame["dataset"], frame["size"], strict=True)) if name in WHOLE else {}
    return Side("gigo", frame, {**places, "seed": 0}, n_items)


def united(frame: pd.DataFrame, earlier: pd.DataFrame | None) -> pd.DataFrame:
    """An earlier table with a run's rows over its own, in the order of both."""
    if earlier is None:
        return frame
    earlier = earlier.reindex(columns=list(frame)).astype(dict(frame.dtypes))
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


def told(run: Side) -> Iterator[str]:
    """The tables."""
    published = article.repeated_by(run)
    compared = between_settings(run, article.SETTING)
    yield from estimates(run.frame)
    if published is not None:
        yield from agreement(published.points)
        yield from points(published.frame)
    yield from failures(run.frame)
    yield from looking(run.frame)
    if compared is not None:
        name = Namer(run.frame, {})
        yield from settings(compared, name)
        yield from losses(run.frame, compared, name)


def estimates(frame: pd.DataFrame) -> Iterator[str]:
    """Tolerances for the loss of 5 points, midpoints, and losses at the rates run."""
    rows = [
        (
            *(f"{value:,}" if isinstance(value, int) else value for value in one.curve),
            f"{percent(one.clean[0])} ({ACCURACY.range(*one.clean[1:])})",
            tolerance_text(one.tolerance),
            tolerance_text(one.midpoint),
            lost(one.losses),
        )
        for one in curve_estimates(frame, n_test=N_TEST)
    ]
    yield from markdown(
        ["set", "size", "corruption", *SETTINGS, "clean", "tolerance", "midpoint", "loses"], rows
    )


def tolerance_text(found: Estimate) -> str:
    """With its interval, and the rates to run where that rests on a gap."""
    lacking = ", ".join(map(rate_text, found.to_run))
    ends = f"{interval_text(found)}; to run: {lacking}" if lacking else interval_text(found)
    return f"{value_text(found)} ({ends})"


def agreement(found: pd.DataFrame) -> Iterator[str]:
    """With the published points, for rates to 0.5 and for all; p-values adjusted in each row."""
    rows: list[Iterable[object]] = []
    for names, points in found.groupby(["dataset", "size", "corruption"], sort=False):
        for limit in (0.5, 1.0):
            part = points.loc[points["rate"] <= limit]
            apart = 100 * part["difference"].to_numpy("float64")
            close = part["close"].to_numpy(bool)
            others = ", ".join(map(rate_text, part["rate"][~close]))
            p = holm(part["p"].to_numpy("float64"))
            counts = close.sum(), others, (~np.isnan(p)).sum(), (p < LEVEL).sum()
            means = f"{apart.mean():+.1f}", f"{abs(apart).mean():.1f}"
            rows.append((*keys(names), f"to {rate_text(limit)}", len(part), *means, *counts))
    head = ["set", "size", "corruption", "rates", "points", "mean", "mean size"]
    yield from markdown([*head, "within 3 points", "others at", "tested", "told apart"], rows)


def points(found: pd.DataFrame) -> Iterator[str]:
    """A table per set: gigo's mean, where one training is expected, and what was published."""
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
    expects = row["predicted_low"] <= row["mean_b"] <= row["predicted_high"]
    mark = "" if expects or row["close"] is True or not started else "*"
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
        n, mean, variance = moments(gain)
        half = quantile(n - 1) * np.sqrt(variance / n)
        ends = "" if np.isnan(half) else f" (± {half:.2f})"
        rows.append((*keys(names), n, f"{mean:+.2f}{ends}"))
    yield from markdown(["set", "size", *SETTINGS, "rates", "trials", "chosen over last"], rows)


def settings(found: Comparison, name: Namer) -> Iterator[str]:
    """Each setting held against the article's, or the first one; p-values adjusted for all."""
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
            p_text(point["p_adjusted"]),
            f"{point['n_never_started_a']} and {point['n_never_started_b']}",
        )
        for (ours, theirs), part in found.by_setting().items()
        for point in part.frame.to_dict("records")
    ]
    head = ["set", "size", "corruption", "rate", "setting", "mean", "against", "mean", "points"]
    yield from markdown([*head, "95 % interval", "of all", "never started"], rows)


def losses(frame: pd.DataFrame, compared: Comparison, name: Namer) -> Iterator[str]:
    """How much more a setting loses to wrong labels than the article's, paired by replicate."""
    trained = frame.loc[frame["started"].to_numpy(bool)]
    where = ["dataset", "size", "corruption"]
    accuracy = 100 * trained.pivot_table("accuracy", "replicate", [*where, *SETTINGS, "rate"])
    places: list[tuple[object, ...]] = []
    found: list[Difference] = []
    for (ours, theirs), part in compared.by_setting().items():
        for point in part.frame.loc[part.frame["rate"] > 0].to_dict("records"):
            place = tuple(point[axis] for axis in where)
            cells = product((ours, theirs), (0.0, point["rate"]))
            a_clean, a, b_clean, b = (accuracy.get((*place, *k, rate)) for k, rate in cells)
            if any(one is None for one in (a_clean, a, b_clean, b)):
                continue
            more = (a_clean - a) - (b_clean - b)
            if more.notna().any():
                names = (name.varied(dict(zip(SETTINGS, k, strict=True))) for k in (ours, theirs))
                places.append((*place, rate_text(point["rate"]), *names))
                found.append(Difference.paired("", more))
    texts = zip(places, found, adjusted(found), strict=True)
    rows = [(*place, one.text, p) for place, one, p in texts]
    head = ["set", "size", "corruption", "rate", "setting", "against", "loses more", "of all"]
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
