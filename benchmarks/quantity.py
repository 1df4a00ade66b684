"""More but worse against fewer but better: ``python benchmarks/quantity.py``.

Prints the numbers of docs/quantity-vs-quality.md from ``docs/results/trade-off.csv`` and draws its
figures. That table is of ``gigo run`` on a study of these fields (seed 0; two cores, 24 minutes
beside other work): ``dataset = ["mnist", "fashion_mnist"]``, ``size = [100, 400, 1500, 6000,
20000]``, ``rates = [0, 0.1, 0.2, 0.3, 0.4, 0.6]``, ``replicates = 3``, ``model = "patches"``.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import altair as alt
import numpy as np
import pandas as pd
from figures import dark_too

from gigo.analysis.collecting import learning_curves
from gigo.analysis.exchange import between_text, exchanges, worth_text
from gigo.analysis.intervals import Floats
from gigo.analysis.purchase import Prices, purchases
from gigo.analysis.sizes import sizes_compared
from gigo.analysis.words import interval_text, value_text

DOCS = Path(__file__).parent.parent / "docs"
TITLES = {"mnist": "MNIST", "fashion_mnist": "Fashion-MNIST"}
PRICES = Prices(check=0.1, label=0.1, budget=600)
OWNED, WRONG = 6000, 0.2

MEASURED, THEORY = "#0072B2", "#808080"
PERCENT = "round(100 * datum.value) + ' %'"
NAMED = 0.05
"""The rate at which a line is named."""


def main() -> None:
    frame = pd.read_csv(DOCS / "results" / "trade-off.csv")
    for name, title in TITLES.items():
        some: Any = frame[frame["dataset"] == name]
        svg = DOCS / "images" / f"quantity-{name.replace('_', '-')}.svg"
        contours(some, title).save(svg)
        svg.write_text(dark_too(svg.read_text(encoding="utf-8")), encoding="utf-8")
        print(f"\n{title}")
        for table in (means(some), worths(some), break_evens(some), collected(some)):
            print(f"\n{markdown(table)}")
    for dear in (1, 2):
        prices = Prices(PRICES.check * dear, PRICES.label, PRICES.budget * dear)
        for each in purchases(frame, prices, size=OWNED, rate=WRONG):
            print(prices, f"{each.curve.dataset}: {each.sentence}.")


def markdown(frame: pd.DataFrame) -> str:
    """A table as the page has it."""
    rows = [[*frame.columns], ["---"] * frame.shape[1], *frame.to_numpy(object).tolist()]
    if not isinstance(frame.index, pd.RangeIndex):
        firsts = ["", "---", *frame.index]
        rows = [[first, *row] for first, row in zip(firsts, rows, strict=True)]
    return "\n".join(f"| {' | '.join(map(str, row))} |" for row in rows)


def means(frame: pd.DataFrame) -> pd.DataFrame:
    """Percent correct by size and rate."""
    return (100 * frame.pivot_table(index="size", columns="rate", values="accuracy")).round(1)


def worths(frame: pd.DataFrame) -> pd.DataFrame:
    """In clean labels, with the interval and theory."""
    cells: dict[float, dict[str, str]] = {}
    for each in exchanges(frame):
        told, between = worth_text(each), between_text(each)
        column = cells.setdefault(each.rate, {})
        column[f"{each.curve.size:,}"] = f"{told} ({between})" if between else told
    theory = {each.rate: f"{100 * each.theory:.0f} %" for each in exchanges(frame)}
    return pd.concat([pd.DataFrame(cells), pd.DataFrame(theory, index=["theory"])])


def break_evens(frame: pd.DataFrame) -> pd.DataFrame:
    """Up to which rate a set is better than the next smaller one, clean."""
    rows = [
        (each.large.size, each.small.size, value_text(end), interval_text(end))
        for each in sizes_compared(frame)
        for end in [each.break_even]
    ]
    return pd.DataFrame(rows, columns=["labels", "against clean", "up to", "95 % interval"])


def collected(frame: pd.DataFrame) -> pd.DataFrame:
    """What smaller sizes tell of twice the labels, and what lies between those run about it."""
    rows: list[tuple[Any, ...]] = []
    groups: Any = frame.groupby("rate")
    for rate, cells in groups:
        errors = 1 - cells.groupby("size")["accuracy"].mean()
        sizes = errors.index.to_numpy(float)
        for largest in (1500, 6000):
            few: Any = frame[frame["size"] <= largest]
            (curve,) = learning_curves(few, rate=rate)
            told = curve.gain(2 * largest)
            between = np.exp(np.interp(np.log(2 * largest), np.log(sizes), np.log(errors)))
            gains = [errors[largest] - between, told.value, told.low, told.high]
            rows.append((rate, largest, *(round(100 * gain, 2) for gain in gains)))
    return pd.DataFrame(rows, columns=["rate", "from", "true", "told", "low", "high"])


def contours(frame: pd.DataFrame, title: str) -> Any:
    """Lines of equal accuracy through the clean sets, and theory's, over size and rate."""
    errors = 1 - frame.pivot_table(index="size", columns="rate", values="accuracy")
    rows = pd.DataFrame([*lines(errors)], columns=["size", "rate", "clean", "kind"])
    sizes = errors.index.to_list()
    x = alt.X("size:Q", title="labels bought", axis=alt.Axis(values=sizes, format=",d"))
    x = x.scale(type="log", domain=[sizes[0], sizes[-1]], nice=False)
    y = alt.Y("rate:Q", title="of them wrong", axis=alt.Axis(labelExpr=PERCENT)).scale(
        domain=[0, 0.6]
    )
    base = alt.Chart(rows).encode(x, y, detail="clean:N")
    measured = base.transform_filter("datum.kind == 'measured'")
    theory = base.transform_filter("datum.kind == 'theory'")
    cells = alt.Chart(frame[["size", "rate"]].drop_duplicates()).encode(x, y)
    named = rows[(rows["kind"] == "measured") & np.isclose(rows["rate"], NAMED)]
    told = [f"{100 * (1 - errors.loc[size, 0.0]):.1f} %" for size in named["clean"]]
    shares = alt.Chart(named.assign(told=told)).encode(x, y, text="told:N")
    order = alt.Order("rate:Q")
    layers = [
        cells.mark_point(filled=True, size=14, color="#666666", opacity=1),
        theory.mark_line(strokeDash=[4, 4], strokeWidth=1.2, color=THEORY).encode(order),
        measured.mark_line(strokeWidth=2, color=MEASURED).encode(order),
        shares.mark_text(dy=7, dx=7, align="left", color="#222222", fontSize=11),
    ]
    about = "the same accuracy as clean labels give (blue), and in theory (dashed)"
    return (
        alt.layer(*layers)
        .properties(width=460, height=300, title=alt.Title(title, subtitle=about))
        .configure(background="white")
        .configure_view(stroke=None)
        .configure_axis(gridColor="#e8e8e8", labelColor="#444444", titleColor="#222222")
        .configure_title(color="#222222", subtitleColor="#444444", anchor="start")
    )


def lines(errors: pd.DataFrame) -> Iterator[tuple[float, float, int, str]]:
    """Points (size, rate) of equal error, and of equal worth in theory, per clean size.

    Between cells log error is taken to be straight over log size and over rate.
    """
    sizes, rates = errors.index.to_numpy(float), errors.columns.to_numpy(float)
    logs: Floats = np.log(errors.to_numpy(float))
    for clean, level in zip(sizes[:-1], logs[:-1, 0], strict=True):
        for rate in np.linspace(0, rates[-1], 121):
            row = np.array([np.interp(rate, rates, each) for each in logs])
            falling = np.minimum.accumulate(row)
            if falling[-1] <= level <= falling[0]:
                at = np.exp(np.interp(-level, -falling, np.log(sizes)))
                yield float(at), float(rate), int(clean), "measured"
            needed = clean / (1 - rate * 10 / 9) ** 2
            if needed <= sizes[-1]:
                yield float(needed), float(rate), int(clean), "theory"


if __name__ == "__main__":
    main()
