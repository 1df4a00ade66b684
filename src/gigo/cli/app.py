"""The bare command, the options that several commands share, and how they print."""

from __future__ import annotations

import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import typer

from gigo.errors import SpecError
from gigo.printable import printable
from gigo.version import __version__

if TYPE_CHECKING:
    import pandas as pd

    from gigo.api import Result

app = typer.Typer(
    name="gigo",
    help="How much bad training data can your model take?\n\n"
    "Garbage in, garbage out: gigo trains a model at every share of wrong labels and says how "
    "its accuracy falls, how much is tolerable, and how exactly that is known.",
    epilog="Start with: gigo demo",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # plain help is shorter, and there at once
    context_settings={"help_option_names": ["-h", "--help"]},
)


def fail(message: str) -> int:
    """Tell what is at fault; the exit status."""
    say(f"error: {' '.join(message.split())}", sys.stderr)
    return 2


def stopped(told: str) -> int:
    """Tell that it was interrupted; the exit status."""
    say(f"stopped: {told}", sys.stderr)
    return 130


def say(text: object, file: TextIO | None = None) -> None:
    """Print a line; a terminal is given nothing of the user's that would steer it."""
    print(printable(str(text)), file=file)


def show_report(result: Result, page: Path, against: str = "rate") -> None:
    """Show a result, and say where its page is: there already, whatever becomes of the output."""
    from gigo.report import document, terminal

    terminal.show(document.brief(result.drawn(against)))
    say(f"report: {page}")


def print_json(frame: pd.DataFrame) -> None:
    """A list of rows: what is not known is null, beyond all that was run the text ``inf``."""
    import json

    plain = frame.astype(object).where(frame.notna(), None).replace(math.inf, "inf")
    print("[" + ",\n ".join(json.dumps(row) for row in plain.to_dict("records")) + "]")


def print_csv(frame: pd.DataFrame) -> None:
    """Exact in a file or a pipe; cleaned on a terminal."""
    if sys.stdout.isatty():
        say(frame.to_csv(index=False))
    else:
        frame.to_csv(sys.stdout, index=False)


def _version(wanted: bool) -> None:
    if wanted:
        print(f"gigo {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: bool = typer.Option(
        False, "--version", callback=_version, is_eager=True, help="Show the version."
    ),
) -> None:
    """Options of the bare command."""


# What several commands share


def option(metavar: str, help: str, *names: str, default: Any = None) -> Any:
    """An option that is named like the parameter whose default it is, or by ``names``."""
    return typer.Option(default, *names, metavar=metavar, help=help)


def many(metavar: str, help: str, *names: str) -> Any:
    """Likewise, one that may be given several times."""
    return option(metavar, f"{help}  [repeatable]", *names)


Texts = list[str] | None
RUN = typer.Argument(metavar="RUN", help="A run's folder.")
OUT = option("RUN", "The run's folder.  [default: runs/STUDY]")
DEVICE = option("NAME", "auto, cpu, cuda, cuda:1, ...", default="auto")
WORKERS = option("N", "Training processes at once.  [default: for long runs one per core]")
METRIC = option("NAME", "What to draw and answer in.  [default: the run's, or accuracy]")
LOSE = option("POINTS", "What the metric may lose.  [default: 5pt]")
KEEP = option("SHARE", "Of its clean value to keep instead, as 95%.")
CSV = typer.Option(False, "--csv", help="As CSV, on standard output.")
JSON = typer.Option(False, "--json", help="As a JSON list of rows.")
LATEX = typer.Option(False, "--latex", help="As a LaTeX table.")

# Of a user's own data
CORRUPTION = many(
    "NAME",
    "See gigo list corruptions; NAME:option=value,... sets some. One with rate=0.1 comes before "
    "the others.",
)
LABEL = option("COLUMN", "Of the data: the labels.")
TEST = option("PATH", "Test data; default: a fifth of the data is held out.")
GROUP = option("COLUMN", "Items of one group stay together, as of one patient.")
WEIGHT = option("COLUMN", "How much each item counts in a fit.")
LABELS = option("FILE", "Other labels for the same training items.")
CLASSES = many("NAME", "Of the labels, in their order.", "--class")
DROP = many("COLUMN", "Of the data: leave it out, such as a number per row.")
RESIZE = option("PIXELS", "Side that images of mixed sizes get.")
SKIP_BAD = typer.Option(False, "--skip-bad", help="Pass over images that can't be read.")
DATA_OPTIONS = (
    *("label", "test", "group", "weight", "labels", "classes", "drop"),
    *("resize", "skip_bad"),
)


def as_share(text: str) -> float:
    """A share of 1, also as ``25%``."""
    return float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)


def as_rate(field: str, text: str) -> float:
    """A rate of an option.

    Raises:
        SpecError: it is no share from 0 to 1.
    """
    try:
        rate = as_share(text)
    except ValueError:
        rate = math.nan
    if not 0 <= rate <= 1:
        raise SpecError(field, text, "a rate from 0 to 1, such as 0.2 or 20%")
    return rate
