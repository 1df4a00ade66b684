"""The commands that say what a run holds: status, report, table, compare, tolerance, exchange."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from gigo.cli.app import (
    CSV,
    JSON,
    KEEP,
    LATEX,
    LOSE,
    METRIC,
    RUN,
    Texts,
    app,
    as_rate,
    many,
    option,
    print_csv,
    print_json,
    say,
    show_report,
)
from gigo.errors import SpecError

if TYPE_CHECKING:
    import pandas as pd

    from gigo.report.blocks import Block


@app.command(epilog="Example: gigo status runs/demo")
def status(run: Path = RUN) -> None:
    """Show how much of a run is done, and how to go on."""
    from gigo import describe

    say(describe.status(run))


@app.command(epilog="Example: gigo report runs/demo --out demo.html")
def report(
    run: Path = RUN,
    out: Path | None = option("FILE", "Where to, in .html or .md.  [default: report.html in RUN]"),
    metric: str | None = METRIC,
    lose: str | None = LOSE,
    keep: str | None = KEEP,
    realised: bool = typer.Option(
        False, "--realised", help="Draw against the share of the set that was really changed."
    ),
) -> None:
    """Write a run's report again: one self-contained HTML page, or Markdown."""
    from gigo import api

    result = api.load(run, metric, lose, keep)
    against = "realised_rate" if realised else "rate"
    show_report(result, result.report(out, against=against), against)


@app.command(epilog="Example: gigo table runs/demo --csv > demo.csv")
def table(
    run: Path = RUN,
    as_csv: bool = CSV,
    as_json: bool = JSON,
    parquet: Path | None = option("FILE", "As this Parquet file."),
    edits: bool = typer.Option(False, "--edits", help="The wrong items of each trial instead."),
    metric: str | None = METRIC,
) -> None:
    """Show a run's trials, a row each, or export them.

    On the terminal you see the main columns; the exports have them all. Wrong items (--edits), a
    row per edit, are worked out again from the study and the data.
    """
    from gigo import api

    if as_csv + as_json + (parquet is not None) > 1:
        raise SpecError("format", "several", "only one of --csv, --json and --parquet")
    result = api.load(run, metric)
    frame = result.edits() if edits else result.frame
    if parquet is not None:
        from gigo.files import write_whole

        say(f"{len(frame)} rows: {write_whole(parquet, frame.to_parquet(index=False))}")
    elif as_csv:
        print_csv(frame)
    elif as_json:
        print_json(frame)
    elif edits:
        say(frame.assign(key=frame["key"].str[:8]).to_string(index=False))
    else:
        from gigo.report import document, terminal

        terminal.show(document.trials(frame, result.material.metric))


@app.command(epilog="Example: gigo compare runs/demo runs/small")
def compare(
    a: str = typer.Argument(metavar="A", help="A run's folder, points.csv, or article."),
    b: str = typer.Argument(metavar="B", help="Likewise."),
    metric: str = option("NAME", "What to compare.", default="accuracy"),
    as_csv: bool = CSV,
) -> None:
    """Compare two runs, or a run with published points.

    Point by point where both have one: means, their difference, its 95 % interval. Published
    points are a CSV file with the columns dataset, size, corruption, rate and accuracy; the word
    article stands for the article's, as in gigo compare runs/article article.
    """
    from gigo import api

    found = api.compare(a, b, metric)
    if as_csv:
        print_csv(found.frame)
        return
    from gigo.report import differences, terminal

    terminal.show(differences.comparison(found))


@app.command(epilog="Example: gigo tolerance runs/demo --lose 2pt --at 0.1 --at 0.25")
def tolerance(
    run: Path = RUN,
    lose: str | None = LOSE,
    keep: str | None = KEEP,
    at: Texts = many("SHARE", "Tell the loss at this rate instead."),
    metric: str | None = METRIC,
    as_csv: bool = CSV,
    as_json: bool = JSON,
    as_latex: bool = LATEX,
) -> None:
    """Say what wrong labels cost, and how many are tolerable.

    As a table, one row per curve; with --at, one per curve and rate, of what is lost there.
    """
    from gigo import api
    from gigo.report import answers

    rates = [as_rate("at", text) for text in at or ()]
    result = api.load(run, metric, lose, keep)
    frame = result.loss(rates) if at else result.tolerance()
    blocks = answers.losses if at else answers.tolerances
    _answers(frame, lambda: blocks(result.material, frame), as_csv, as_json, as_latex)


@app.command(epilog="Example: gigo exchange runs/demo --base-rate 0.05:0.10")
def exchange(
    run: Path = RUN,
    base_rate: str | None = option("RATE", "Of labels wrong in the data as given; or LOW:HIGH."),
    audited: Path | None = option("FILE", "Or a CSV of checked labels: given,true or wrong."),
    test_base_rate: str = option("RATE", "Of wrong labels in the test set.", default="0"),
    check_cost: float | None = option("PRICE", "Of a label checked, and mended if wrong."),
    label_cost: float | None = option("PRICE", "Of a new label."),
    budget: float | None = option("MONEY", "What there is to spend."),
    size: int | None = option("N", "Labels there are.  [default: the most that were run]"),
    rate: str = option("SHARE", "Of wrong ones among them, one that was run.", default="0"),
    metric: str | None = METRIC,
    as_csv: bool = CSV,
    as_json: bool = JSON,
    as_latex: bool = LATEX,
) -> None:
    """Say what labels are worth: clean, collect or stop?

    It needs a run with several sizes, such as gigo run trade-off --data PATH. With a base rate it
    says what cleaning would bring, with prices what to buy.
    """
    from gigo import api
    from gigo.report import answers

    asked = answers.Asked.of(
        base_rate,
        audited,
        as_rate("test-base-rate", test_base_rate),
        (check_cost, label_cost, budget),
        size,
        as_rate("rate", rate),
    )
    result = api.load(run, metric)
    frame = result.exchange()
    _answers(frame, lambda: answers.worth(result.material, asked), as_csv, as_json, as_latex)


def _answers(
    frame: pd.DataFrame,
    blocks: Callable[[], Iterable[Block]],
    as_csv: bool,
    as_json: bool,
    as_latex: bool,
) -> None:
    """A table of answers as it was asked for; else what a terminal shows of it."""
    if as_csv + as_json + as_latex > 1:
        raise SpecError("format", "several", "only one of --csv, --json and --latex")
    if as_csv:
        print_csv(frame)
    elif as_json:
        print_json(frame)
    elif as_latex:
        say(frame.to_latex(index=False, float_format="%.4g", escape=True))
    else:
        from gigo.report import terminal

        terminal.show([*blocks()])
