"""The command line: arguments to one call of the API, its result to the terminal.

Only this module prints and exits. Status 0: done; 2: the user's input is at fault, one line says
how; 130: interrupted, one line says how to go on.
"""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gigo.errors import GigoError, SpecError

if TYPE_CHECKING:
    from gigo.api import Result
    from gigo.study import Study

app = typer.Typer(
    name="gigo",
    help="How much bad training data can your model take?\n\n"
    "Garbage in, garbage out: gigo trains a model at every share of wrong labels and says how "
    "its accuracy falls, how much is tolerable, and how sure that is.",
    epilog="Start with: gigo demo",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)

StudyName = Annotated[
    str, typer.Argument(metavar="STUDY", help="A built-in study's name, or a TOML file.")
]
RunFolder = Annotated[Path, typer.Argument(metavar="RUN", help="A run's folder.")]
Out = Annotated[Path | None, typer.Option(help="The run's folder.  [default: runs/NAME]")]
DataDir = Annotated[
    Path | None, typer.Option(help="Where data files lie, also as GIGO_DATA in the environment.")
]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, ...")]
Datasets = Annotated[list[str] | None, typer.Option("--dataset", help="Data set; repeatable.")]
Sizes = Annotated[
    list[str] | None, typer.Option("--size", help="Training items, or all; repeatable.")
]
Rates = Annotated[
    list[str] | None,
    typer.Option("--rate", help="Share of training labels to corrupt, 0 to 1; repeatable."),
]
Corruptions = Annotated[
    list[str] | None, typer.Option("--corruption", help="Kind of corruption; repeatable.")
]
Models = Annotated[list[str] | None, typer.Option("--model", help="Model; repeatable.")]
Validations = Annotated[
    list[str] | None,
    typer.Option("--validation", help="What early stopping looks at; repeatable."),
]
Replicates = Annotated[int | None, typer.Option(help="Repetitions of every point.")]
Precision = Annotated[
    str | None, typer.Option(help="auto, bfloat16, float32 or float64.", show_default=False)
]
Seed = Annotated[int | None, typer.Option(help="Of everything random.")]


class Listing(StrEnum):
    """What ``gigo list`` can list."""

    datasets = "datasets"
    corruptions = "corruptions"
    models = "models"
    studies = "studies"


def main() -> None:
    """Entry point of the ``gigo`` command."""
    try:
        code = app(standalone_mode=False)
    except GigoError as error:
        code = _fail(str(error))
    except typer.TyperException as error:
        code = _fail(error.format_message())
    except BrokenPipeError:  # `gigo table RUN | head`
        sys.stderr.close()
        code = 0
    sys.exit(code or 0)


def _fail(message: str) -> int:
    print("error:", " ".join(message.split()), file=sys.stderr)
    return 2


def _version(wanted: bool) -> None:
    if wanted:
        from gigo import __version__

        print(f"gigo {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """Options of the bare command."""


@app.command(epilog="Example: gigo run demo --size 200 --rate 0 --rate 0.4 --out runs/small")
def run(
    study: StudyName,
    out: Out = None,
    data_dir: DataDir = None,
    dataset: Datasets = None,
    size: Sizes = None,
    rate: Rates = None,
    corruption: Corruptions = None,
    model: Models = None,
    validation: Validations = None,
    replicates: Replicates = None,
    seed: Seed = None,
    precision: Precision = None,
    device: Device = "auto",
) -> None:
    """Train what is missing of a study, then report.

    Every finished model is stored at once: interrupt it, or let it crash, and the same command
    goes on where it stopped. The options replace the study's own values.
    """
    chosen = _study(
        study,
        dataset=dataset,
        size=size,
        rates=rate,
        corruption=corruption,
        model=model,
        validation=validation,
        replicates=replicates,
        seed=seed,
        precision=precision,
    )
    _run(chosen, out, data_dir, device)


@app.command(epilog="Example: gigo demo")
def demo(out: Out = None, device: Device = "auto") -> None:
    """Train the built-in demo: small networks on the embedded digits, about a minute."""
    _run(_study("demo"), out, None, device)


@app.command(epilog="Example: gigo plan demo --replicates 10")
def plan(
    study: StudyName,
    out: Out = None,
    dataset: Datasets = None,
    size: Sizes = None,
    rate: Rates = None,
    corruption: Corruptions = None,
    model: Models = None,
    validation: Validations = None,
    replicates: Replicates = None,
    seed: Seed = None,
    precision: Precision = None,
) -> None:
    """Show what a run would do: trials, stacks, memory, time. Trains nothing."""
    from gigo import api, describe

    chosen = _study(
        study,
        dataset=dataset,
        size=size,
        rates=rate,
        corruption=corruption,
        model=model,
        validation=validation,
        replicates=replicates,
        seed=seed,
        precision=precision,
    )
    print(describe.plan(chosen, api.folder(chosen, out)))


@app.command(epilog="Example: gigo status runs/demo")
def status(run: RunFolder) -> None:
    """Show how much of a run is done, and how to go on."""
    from gigo import describe

    print(describe.status(run))


@app.command(epilog="Example: gigo report runs/demo --out demo.html")
def report(
    run: RunFolder,
    out: Annotated[
        Path | None, typer.Option(help="The page.  [default: report.html in the run's folder]")
    ] = None,
) -> None:
    """Write a run's report again: one self-contained HTML page."""
    from gigo.api import load

    result = load(run)
    _show(result)
    print(f"report: {result.report(out)}")


@app.command(epilog="Example: gigo table runs/demo --csv > demo.csv")
def table(
    run: RunFolder,
    csv: Annotated[bool, typer.Option("--csv", help="As CSV, on standard output.")] = False,
    json: Annotated[bool, typer.Option("--json", help="As a JSON list of rows.")] = False,
    parquet: Annotated[
        Path | None, typer.Option(help="As a Parquet file of this name.", metavar="FILE")
    ] = None,
) -> None:
    """Show a run's trials, a row each, or export them with every column."""
    from gigo.api import load

    if csv + json + (parquet is not None) > 1:
        raise SpecError("table", "--csv --json --parquet", "only one of them")
    frame = load(run).frame
    if parquet is not None:
        frame.to_parquet(parquet, index=False)
        print(f"{len(frame)} rows: {parquet}")
    elif csv:
        frame.to_csv(sys.stdout, index=False)
    elif json:
        frame.to_json(sys.stdout, orient="records", double_precision=15)
        print()
    else:
        from gigo.report import terminal

        _console().print(terminal.trials(frame))


@app.command("list", epilog="Example: gigo list corruptions")
def list_(what: Listing) -> None:
    """List what can be named in a study."""
    from gigo import describe

    print(describe.catalogue(what.value))


def _study(name: str, **changes: Any) -> Study:
    from gigo import studies

    given = {field: value for field, value in changes.items() if value is not None}
    if "size" in given:
        given["size"] = [
            _number("size", size, int) if size != "all" else size for size in given["size"]
        ]
    if "rates" in given:
        given["rates"] = [_number("rate", rate, float) for rate in given["rates"]]
    study = studies.find(name)
    return study.but(**given) if given else study


def _number(field: str, text: str, kind: type[int] | type[float]) -> float:
    try:
        return kind(text)
    except ValueError:
        expected = "a whole number or all" if kind is int else "a number from 0 to 1"
        raise SpecError(field, text, expected) from None


def _run(study: Study, out: Path | None, data_dir: Path | None, device: str) -> None:
    from gigo import api
    from gigo.console import Display

    path = api.folder(study, out)
    console = _console()
    try:
        with Display(console) as display:
            result = api.run(
                study, out=path, data_dir=data_dir, device=device, listener=display.show
            )
    except KeyboardInterrupt:
        print(
            f"stopped; finished trials are in {path}: the same command goes on from there",
            file=sys.stderr,
        )
        raise typer.Exit(130) from None
    _show(result)
    print(f"report: {result.report()}")


def _show(result: Result) -> None:
    from gigo.report import terminal

    console = _console()
    for part in terminal.overview(result.material):
        console.print(part)


def _console() -> Any:
    from rich.console import Console

    return Console()
