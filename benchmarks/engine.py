"""What limits the engine: ``python benchmarks/engine.py [--quick | --draw]``.

Measured on random images, in one process with one thread, which is how `gigo run` trains on a CPU
(every core has its own process). Prints three tables and keeps them in ``docs/results``, each as a
file of its name; the last one is drawn as ``docs/images/scaling.svg``:

- arithmetic: operations per second of training, against the fastest matrix product of the process;
- overhead: the share of an epoch that is spent outside PyTorch's operations;
- scaling: seconds per model and epoch against the number of models, of items, of pixels per side.

With ``--draw`` nothing is measured: the figure is drawn again from its table.
"""

from __future__ import annotations

import statistics
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import altair as alt
import pandas as pd
import torch
from figures import dark_too
from measure import random_images

from gigo.engine.device import DTYPES, keep_freed_memory, resolve_precision
from gigo.engine.resident import Resident
from gigo.engine.training import TrainingStack
from gigo.machine import Machine
from gigo.measuring import measure
from gigo.models.networks import article_cnn
from gigo.recipe import RECIPES
from gigo.resolve import resolve
from gigo.study import Study

DOCS = Path(__file__).parent.parent / "docs"
CPU = torch.device("cpu")


class Case(NamedTuple):
    """A stack to time: ``members`` of ``model`` on ``n`` images of ``shape``."""

    model: str
    shape: tuple[int, int, int]
    n: int
    members: int
    batch_size: int
    own: bool = False


def stack_of(case: Case, precision: str, device: torch.device = CPU) -> TrainingStack:
    """Of random labels and images; nothing is validated."""
    recipe = RECIPES["article"].model_copy(update={"batch_size": case.batch_size, "patience": 0})
    data = random_images(case.shape, case.n, 16)
    study = Study.create(
        dataset={"name": lambda: data, "key": "random"},
        model=case.model,
        recipe=recipe,
        rates=0,
        size=case.n,
        validation="none",
        replicates=1,
    )
    (first,) = resolve(study, precision).trials.values()
    # What members differ in costs nothing; replicates have image streams of their own.
    trials = [replace(first, replicate=i if case.own else 0) for i in range(case.members)]
    return TrainingStack(trials, Resident(data, device, DTYPES[precision]))


def epoch_seconds(case: Case, precision: str, epochs: int = 3) -> float:
    """Median of an epoch of the whole stack, after one that is not counted."""
    stack = stack_of(case, precision)
    stack.run_epoch()
    return statistics.median(_timed(stack.run_epoch) for _ in range(epochs))


def _timed(run: Any) -> float:
    started = time.perf_counter()
    run()
    return time.perf_counter() - started


def matrix_product(precision: str) -> float:
    """Operations per second of the fastest of a few square products."""
    best = 0.0
    for side in (512, 1024, 2048):
        a = torch.randn(side, side).to(DTYPES[precision])
        _timed(lambda a=a: a @ a)
        seconds = min(_timed(lambda a=a: a @ a) for _ in range(5))
        best = max(best, 2 * side**3 / seconds)
    return best


def arithmetic(precision: str, n: int) -> pd.DataFrame:
    """How much of the machine's arithmetic training uses; the article's network, batch 256."""
    rows: list[dict[str, object]] = []
    for shape in ((1, 28, 28), (3, 32, 32)):
        for members in (1, 4):
            before = matrix_product(precision)
            seconds = epoch_seconds(Case("article_cnn", shape, n, members, 256), precision)
            flops = 3 * measure(article_cnn, shape, 10).flops * n * members / seconds
            peak = max(before, matrix_product(precision))
            rows.append(
                {
                    "images": "x".join(map(str, shape)),
                    "models": members,
                    "images/s": round(n * members / seconds),
                    "GFLOP/s": round(flops / 1e9, 1),
                    "product GFLOP/s": round(peak / 1e9, 1),
                    "share": round(flops / peak, 2),
                }
            )
    return pd.DataFrame(rows)


def overhead(precision: str, n: int) -> pd.DataFrame:
    """The share of an epoch that no operation of PyTorch accounts for."""
    rows: list[dict[str, object]] = []
    for case in (
        Case("article_cnn", (1, 28, 28), n, 1, 256),
        Case("article_cnn", (3, 32, 32), n, 1, 256),
        Case("small_cnn", (1, 8, 8), n, 32, 16),
    ):
        stack = stack_of(case, precision)
        stack.run_epoch()
        with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as profile:
            wall = _timed(stack.run_epoch)
        inside = sum(e.self_cpu_time_total for e in profile.key_averages()) / 1e6
        rows.append(
            {
                "model": case.model,
                "images": "x".join(map(str, case.shape)),
                "models": case.members,
                "batch": case.batch_size,
                "outside tensor work": f"{max(0, 1 - inside / wall):.1%}",
            }
        )
    return pd.DataFrame(rows)


def scaling(precision: str, quick: bool) -> pd.DataFrame:
    """Seconds per model and epoch, against one quantity at a time."""
    small, middle = (1, 8, 8), (1, 28, 28)
    most = 16 if quick else 128
    cases = [
        *[
            (f"models, {which} images", m, Case("small_cnn", small, 512, m, 16, which == "own"))
            for which in ("shared", "own")
            for m in (1, 2, 4, 8, 16, 32, 64, 128)
            if m <= most
        ],
        *[
            ("items", n, Case("small_cnn", small, n, 16, 16))
            for n in (64, 128, 256, 512, 1024, 2048, 4096)
        ],
        *[
            ("pixels per side", side, Case("small_cnn", (1, side, side), 256, 4, 16))
            for side in (8, 12, 16, 20, 24, 28, 32)
        ],
        *[
            ("models, article's network", m, Case("article_cnn", middle, 512, m, 256))
            for m in (1, 2, 4, 8)
            if m <= most // 4
        ],
    ]  # fmt: skip
    rows = [
        {
            "against": against,
            "value": value,
            "model": case.model,
            "images": "x".join(map(str, case.shape)),
            "items": case.n,
            "models": case.members,
            "batch": case.batch_size,
            "seconds": round(epoch_seconds(case, precision) / case.members, 5),
        }
        for against, value, case in cases
    ]
    return pd.DataFrame(rows)


def draw(table: pd.DataFrame) -> alt.HConcatChart:
    """A panel per quantity; both axes logarithmic: a straight slope of 1 is proportional."""
    titles = {"models": "number of models", "items": "training items", "pixels": "pixels per side"}
    panels = [
        _panel(table.loc[table["against"].str.startswith(kind)], title, first=kind == "models")
        for kind, title in titles.items()
    ]
    axis = {"labelColor": "#444444", "titleColor": "#222222", "titleFontWeight": "normal"}
    lines = {"gridColor": "#e8e8e8", "domain": False, "tickColor": "#888888"}
    legend = {"labelColor": "#222222", "labelLimit": 300}
    chart = alt.hconcat(*panels).resolve_scale(color="independent")
    return chart.configure(
        background="white", axis={**axis, **lines}, legend=legend, view={"stroke": None}, padding=8
    )


def _panel(part: pd.DataFrame, title: str, *, first: bool) -> alt.Chart:
    """Seconds against one quantity, with a tick for each value measured."""
    ticks = alt.Axis(
        values=sorted(part["value"].unique()),
        format=",",
        grid=False,
        labelFlush=False,
        labelOverlap=False,
    )
    seconds = [0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0]
    scale = alt.Scale(type="log", domain=[seconds[0], seconds[-1]])
    y_title = "seconds per model and epoch" if first else None
    colours = alt.Scale(range=["#0072B2", "#D55E00", "#009E73"])
    legend = alt.Legend(orient="bottom", columns=1) if first else None
    return (
        alt.Chart(part, width=240, height=220)
        .mark_line(point=True)
        .encode(
            alt.X("value:Q", title=title, scale=alt.Scale(type="log", base=2), axis=ticks),
            alt.Y(
                "seconds:Q",
                title=y_title,
                scale=scale,
                axis=alt.Axis(values=seconds, format="~g"),
            ),
            alt.Color("against:N", title=None, scale=colours, legend=legend),
        )
    )


def main() -> None:
    """Print the tables, and keep them unless they were made quickly."""
    if "--draw" in sys.argv:
        picture(pd.read_csv(DOCS / "results" / "scaling.csv"))
        return
    quick = "--quick" in sys.argv
    torch.set_num_threads(1)
    keep_freed_memory()
    precision = resolve_precision("auto", CPU, Machine.here())
    n = 512 if quick else 2048
    print(f"{precision}, one thread, PyTorch {torch.__version__}\n")
    tables = {
        "arithmetic": lambda: arithmetic(precision, n),
        "overhead": lambda: overhead(precision, n),
        "scaling": lambda: scaling(precision, quick),
    }
    for name, make in tables.items():
        table = make()
        print(table.to_string(index=False), "\n", flush=True)
        if not quick:
            (DOCS / "results").mkdir(exist_ok=True)
            table.to_csv(DOCS / "results" / f"{name}.csv", index=False)
            if name == "scaling":
                picture(table)


def picture(table: pd.DataFrame) -> None:
    """Keep the figure of the scaling table."""
    path = DOCS / "images" / "scaling.svg"
    draw(table).save(path)
    path.write_text(dark_too(path.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
