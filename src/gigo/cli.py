"""The command line: arguments to one call of the API, its result to the terminal.

Only this module prints and exits. Status 0: done; 1: nobody reads the output any more; 2: input or
machine are at fault, one line says how; 130: interrupted or asked to end, a run says how to go on.
"""

from __future__ import annotations

import errno
import io
import math
import os
import signal
import sys
import warnings
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from functools import partial, wraps
from inspect import Signature, signature
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import typer

from gigo.errors import GigoError, GigoWarning, SpecError
from gigo.printable import printable
from gigo.version import __version__

if TYPE_CHECKING:
    import pandas as pd

    from gigo.api import Result
    from gigo.report.blocks import Block
    from gigo.search import Goal, Quantity
    from gigo.study import Study

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


def main(arguments: Sequence[str] | None = None, run: Callable[..., Result] | None = None) -> None:
    """Entry point of the ``gigo`` command.

    Args:
        arguments: of the command; None takes those that the program was started with.
        run: trains a study, called as `gigo.run` is; None takes that.

    Raises:
        SystemExit: always, with the exit status.
    """
    given = sys.argv[1:] if arguments is None else list(arguments)
    _print_whatever_happens()
    # What a scheduler sends before it kills is taken as Ctrl-C is.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        _check_working_folder()
        code = app(given or ["--help"], prog_name="gigo", standalone_mode=False, obj=run)
        sys.stdout.flush()  # here, where a failure can be told
    except GigoError as error:
        code = _fail(str(error))
    except (KeyboardInterrupt, typer.Abort):
        code = _stopped("before it was done")
    except typer.TyperException as error:
        context = getattr(error, "ctx", None)
        command = context.command_path if context else "gigo"
        code = _fail(f"{error.format_message()} (see {command} --help)")
    except OSError as error:
        # A full disk behind standard output, or `| head -1`, which is nobody's fault. A failure of
        # anything else that is written names its file, and what is short of memory fails otherwise.
        lost = error.filename is None and error.errno in (errno.ENOSPC, errno.EIO, errno.EPIPE)
        named = f"standard output: {error}" if lost else f"{error}"
        code = 1 if isinstance(error, BrokenPipeError) else _fail(named)
        if lost:  # or what is left to print would fail once more
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(code or 0)


def _check_working_folder() -> None:
    try:
        os.getcwd()
    except OSError as error:  # PyTorch's libraries would end the process without a word of ours
        raise GigoError(f"the working folder can't be used ({error.strerror})") from None


def _print_whatever_happens() -> None:
    """Where there is no standard output, or one that lacks characters, work is not to be lost."""
    for name, number in (("stdout", 1), ("stderr", 2)):
        stream = getattr(sys, name)
        if stream is None:
            os.dup2(os.open(os.devnull, os.O_WRONLY), number)
            os.set_inheritable(number, True)  # training processes write there, too
            setattr(sys, name, os.fdopen(number, "w", encoding="utf-8", closefd=False))
        elif isinstance(stream, io.TextIOWrapper) and stream.errors != "backslashreplace":
            stream.reconfigure(errors="replace")  # C.ascii has surrogateescape, not strict


def _fail(message: str) -> int:
    _say(f"error: {' '.join(message.split())}", sys.stderr)
    return 2


def _stopped(told: str) -> int:
    _say(f"stopped: {told}", sys.stderr)
    return 130


def _say(text: object, file: TextIO | None = None) -> None:
    """Print a line; a terminal is given nothing of the user's that would steer it."""
    print(printable(str(text)), file=file)


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


def _option(metavar: str, help: str, *names: str, default: Any = None) -> Any:
    """An option that is named like the parameter whose default it is, or by ``names``."""
    return typer.Option(default, *names, metavar=metavar, help=help)


def _many(metavar: str, help: str, *names: str) -> Any:
    return _option(metavar, f"{help}  [repeatable]", *names)


Texts = list[str] | None
RUN = typer.Argument(metavar="RUN", help="A run's folder.")
OUT = _option("RUN", "The run's folder.  [default: runs/STUDY]")
DEVICE = _option("NAME", "auto, cpu, cuda, cuda:1, ...", default="auto")
WORKERS = _option("N", "Training processes at once.  [default: for long runs one per core]")
METRIC = _option("NAME", "What to draw and answer in.  [default: the run's, or accuracy]")
LOSE = _option("POINTS", "What the metric may lose.  [default: 5pt]")
KEEP = _option("SHARE", "Of its clean value to keep instead, as 95%.")
CSV = typer.Option(False, "--csv", help="As CSV, on standard output.")
JSON = typer.Option(False, "--json", help="As a JSON list of rows.")
LATEX = typer.Option(False, "--latex", help="As a LaTeX table.")

# Of a user's own data
LABEL = _option("COLUMN", "Of the data: the labels.")
TEST = _option("PATH", "Test data; default: a fifth of the data is held out.")
GROUP = _option("COLUMN", "Items of one group stay together, as of one patient.")
WEIGHT = _option("COLUMN", "How much each item counts in a fit.")
LABELS = _option("FILE", "Other labels for the same training items.")
CLASSES = _many("NAME", "Of the labels, in their order.", "--class")
DROP = _many("COLUMN", "Of the data: leave it out, such as a number per row.")
RESIZE = _option("PIXELS", "Side that images of mixed sizes get.")
SKIP_BAD = typer.Option(False, "--skip-bad", help="Pass over images that can't be read.")
DATA_OPTIONS = (
    *("label", "test", "group", "weight", "labels", "classes", "drop"),
    *("resize", "skip_bad"),
)


@app.command(epilog="Example: gigo demo")
def demo(
    context: typer.Context,
    out: Path | None = OUT,
    device: str = DEVICE,
    workers: int | None = WORKERS,
) -> None:
    """Run the built-in demo: digits, about a minute.

    The same as gigo run demo: small networks on scikit-learn's digits, without a download.
    """
    from gigo import studies

    _run(context, studies.find("demo"), out, device=device, workers=workers)


@app.command(
    "plan",
    help="Show what a run would do: trials, stacks, memory, time.\n\n"
    "It takes the same options as gigo run, and trains nothing.",
    epilog="Example: gigo plan demo --replicates 10",
)
@app.command(
    "run",
    help="Train what is missing of a study, then report.\n\n"
    "A study is a built-in one, a TOML file (gigo init DATA writes one), or your own data. Models "
    "are stored as they finish: interrupt it, or let it crash, and the same command goes on where "
    "it stopped. Options replace the study's own values.",
    epilog="\b\nExamples:\n"
    "  gigo run --data customers.csv --label churned\n"
    "  gigo run --data photos/ --model patches --rate 0 --rate 0.2\n"
    "  gigo run my-study.toml\n"
    "  gigo run demo --size 200 --rate 0 --rate 0.4 --out runs/small",
)
def run_or_plan(
    context: typer.Context,
    study: str | None = typer.Argument(
        None, metavar="STUDY", help="A built-in study's name, or a TOML file."
    ),
    data: str | None = _option("PATH", "Your data: a table, arrays, a folder of images, ..."),
    label: str | None = LABEL,
    test: str | None = TEST,
    group: str | None = GROUP,
    weight: str | None = WEIGHT,
    labels: str | None = LABELS,
    classes: Texts = CLASSES,
    drop: Texts = DROP,
    resize: int | None = RESIZE,
    skip_bad: bool = SKIP_BAD,
    dataset: Texts = _many("NAME", "See gigo list datasets."),
    size: Texts = _many("N", "Labels to pay for: a number, a share below 1, or all."),
    rates: Texts = _many("SHARE", "Of wrong training labels, 0 to 1.", "--rate"),
    corruption: Texts = _many("NAME", "See gigo list corruptions; NAME:option=value sets one."),
    model: Texts = _many("NAME", "See gigo list models; or package.module:NAME, file.py:NAME."),
    recipe: Texts = _many("NAME", "See gigo list recipes; likewise NAME:option=value,..."),
    validation: Texts = _many("NAME", "For early stopping: auto, clean, noisy, oracle or none."),
    replicates: str | None = _option("N", "Repetitions of every point."),
    first_replicate: str | None = _option(
        "N", "Of them; another one gives new ones.  [default: 0]"
    ),
    seed: str | None = _option("N", "Seed of everything random."),
    metric: str | None = METRIC,
    precision: str | None = _option("NAME", "auto, bfloat16, float32 or float64."),
    out: Path | None = OUT,
    data_dir: Path | None = _option("FOLDER", "Where data files lie; or set GIGO_DATA."),
    device: str = DEVICE,
    workers: int | None = WORKERS,
    trial_timeout: float | None = _option(
        "SECONDS", "End a fit that takes longer; networks don't."
    ),
    retry: str | None = _option(
        "failed",
        "Train trials again that failed or timed out, with the same seeds: a random failure comes "
        "again unless its cause was outside.",
    ),
    until: str | None = _option("width=10pt", "Then go on until the tolerance is known so well."),
) -> None:
    """Two commands of the same options: what can be run can be planned by changing one word."""
    chosen, how = _asked(context)
    aim = None
    if until is not None:
        from gigo.find import tolerated
        from gigo.search import Goal

        aim = tolerated(chosen), Goal.parse(until)
    if context.command.name == "plan":
        _plan(chosen, out, aim and aim[0], **how)
    else:
        _run(context, chosen, out, aim, **how, trial_timeout=trial_timeout)


def _with_options_of(
    other: Callable[..., None], but: str
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Gives a command, after its own, the parameters of another one, but for one of them.

    It finds them in its context.
    """

    def give(command: Callable[..., None]) -> Callable[..., None]:
        mine, theirs = signature(command).parameters, signature(other).parameters
        merged = {name: each for name, each in {**mine, **theirs}.items() if name not in (but, "_")}

        @wraps(command)
        def called(**parameters: Any) -> None:
            command(**parameters)

        called.__signature__ = Signature([*merged.values()])  # pyright: ignore[reportAttributeAccessIssue] - as inspect documents
        called.__annotations__ = {**other.__annotations__, **command.__annotations__}
        return called

    return give


find = typer.Typer(
    help="Train until an answer is as narrow as you want it.",
    epilog="Example: gigo find tolerance demo --plan",
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.add_typer(find, name="find")


@find.command("tolerance", epilog="Example: gigo find tolerance my-study.toml --trainings 50")
@_with_options_of(run_or_plan, but="until")
def find_tolerance(
    context: typer.Context,
    width: str = _option("POINTS", "Of the interval, as 10pt.", default="10pt"),
    minutes: float | None = _option("M", "Begin nothing new after so many."),
    trainings: int | None = _option("N", "Models at most.  [default: 400 per curve]"),
    lose: str | None = LOSE,
    keep: str | None = KEEP,
    plan: bool = typer.Option(False, "--plan", help="Show what it would do; train nothing."),
    **_: Any,
) -> None:
    """Train until it is known what share of wrong labels is tolerable.

    It takes the options of gigo run. A pilot of five rates and three replicates comes first, or
    what the run holds; then new replicates where the curve crosses, until the interval is narrow or
    the minutes or trainings are spent. Interrupt it, and the same command goes on where it stopped.
    """
    from gigo.console import displayed
    from gigo.find import pilot_of, resolver, tolerated
    from gigo.search import Goal, share

    chosen, how = _asked(context)
    options = context.params
    aim = tolerated(chosen, lose, keep), Goal(share("width", width), minutes, trainings)
    given = {name for name in ("rates", "replicates") if options[name]}
    with displayed() as display:
        resolve = resolver(how["data_dir"], how["device"], display.reading)
        pilot = pilot_of(chosen, given, resolve)
    _search(context, pilot, aim, plan, how)


@find.command("exchange", epilog="Example: gigo find exchange my-study.toml --size 1000")
@_with_options_of(run_or_plan, but="until")
def find_exchange(
    context: typer.Context,
    width: str = _option("SHARE", "Of the interval, as a share of the labels.", default="20%"),
    minutes: float | None = _option("M", "Begin nothing new after so many."),
    trainings: int | None = _option("N", "Models at most.  [default: 400]"),
    plan: bool = typer.Option(False, "--plan", help="Show what it would do; train nothing."),
    **_: Any,
) -> None:
    """Train until it is known what labels, some of them wrong, are worth in clean ones.

    It takes the options of gigo run. Asked is about the largest --size, and of the --rate that are
    given about the one nearest to 20 %. A pilot comes first, of the sizes, or of four up to the one
    given; then new replicates of what is asked about and of the clean sizes beside the answer.
    """
    from gigo.console import displayed
    from gigo.find import exchange_of, resolver
    from gigo.search import Goal, share

    chosen, how = _asked(context)
    goal = Goal(share("width", width), minutes, trainings)
    given = {name for name in ("rates", "replicates") if context.params[name]}
    with displayed() as display:
        resolve = resolver(how["data_dir"], how["device"], display.reading)
        pilot, quantity = exchange_of(chosen, given, resolve)
    _search(context, pilot, (quantity, goal), plan, how)


def _search(
    context: typer.Context,
    pilot: Study,
    aim: tuple[Quantity, Goal],
    plan: bool,
    how: dict[str, Any],
) -> None:
    """Search, or show what that would do."""
    out = context.params["out"]
    if plan:
        _plan(pilot, out, aim[0], **how)
    else:
        how["trial_timeout"] = context.params["trial_timeout"]
        _run(context, pilot, out, aim, whole=False, **how)


def _asked(context: typer.Context) -> tuple[Study, dict[str, Any]]:
    """The study that the options of a run say, and how it is to be trained or planned."""
    options = dict(context.params)
    if options["data"] is not None:
        table = {name: options.pop(name) for name in ("data", *DATA_OPTIONS)}
        options["dataset"] = {"name": table.pop("data")} | {k: v for k, v in table.items() if v}
    elif given := [name for name in DATA_OPTIONS if options[name]]:
        raise SpecError(f"--{given[0]}", options[given[0]], "--data PATH beside it")
    how = {name: options[name] for name in ("data_dir", "device", "workers", "retry")}
    return _study(options["study"], options), how


def _plan(study: Study, out: Path | None, searched: Quantity | None, **how: Any) -> None:
    from gigo import api, describe, runner
    from gigo.console import displayed

    where = api.folder(study, out)
    with displayed() as display:
        found = runner.plan(study, where, **how, watch=display.reading)
    _say(describe.plan(study, where, found, searched.costs if searched else ""))


@app.command(epilog="Example: gigo status runs/demo")
def status(run: Path = RUN) -> None:
    """Show how much of a run is done, and how to go on."""
    from gigo import describe

    _say(describe.status(run))


@app.command(epilog="Example: gigo report runs/demo --out demo.html")
def report(
    run: Path = RUN,
    out: Path | None = _option("FILE", "Where to, in .html or .md.  [default: report.html in RUN]"),
    metric: str | None = METRIC,
    lose: str | None = LOSE,
    keep: str | None = KEEP,
) -> None:
    """Write a run's report again: one self-contained HTML page, or Markdown."""
    from gigo import api

    result = api.load(run, metric, lose, keep)
    _report(result, result.report(out))


@app.command(epilog="Example: gigo table runs/demo --csv > demo.csv")
def table(
    run: Path = RUN,
    as_csv: bool = CSV,
    as_json: bool = JSON,
    parquet: Path | None = _option("FILE", "As this Parquet file."),
    metric: str | None = METRIC,
) -> None:
    """Show a run's trials, a row each, or export them.

    On the terminal you see the main columns; the exports have them all.
    """
    from gigo import api

    if as_csv + as_json + (parquet is not None) > 1:
        raise SpecError("format", "several", "only one of --csv, --json and --parquet")
    result = api.load(run, metric)
    frame = result.frame
    if parquet is not None:
        from gigo.files import write_whole

        _say(f"{len(frame)} rows: {write_whole(parquet, frame.to_parquet(index=False))}")
    elif as_csv:
        _csv(frame)
    elif as_json:
        _json(frame)
    else:
        from gigo.report import document, terminal

        terminal.show(document.trials(frame, result.material.metric))


@app.command(epilog="Example: gigo compare runs/demo runs/small")
def compare(
    a: str = typer.Argument(metavar="A", help="A run's folder, points.csv, or article."),
    b: str = typer.Argument(metavar="B", help="Likewise."),
    metric: str = _option("NAME", "What to compare.", default="accuracy"),
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
        _csv(found.frame)
        return
    from gigo.report import differences, terminal

    terminal.show(differences.comparison(found))


@app.command(epilog="Example: gigo tolerance runs/demo --lose 2pt --at 0.1 --at 0.25")
def tolerance(
    run: Path = RUN,
    lose: str | None = LOSE,
    keep: str | None = KEEP,
    at: Texts = _many("SHARE", "Tell the loss at this rate instead."),
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

    rates = [_rate("at", text) for text in at or ()]
    result = api.load(run, metric, lose, keep)
    frame = result.loss(rates) if at else result.tolerance()
    blocks = answers.losses if at else answers.tolerances
    _answers(frame, lambda: blocks(result.material, frame), as_csv, as_json, as_latex)


@app.command(epilog="Example: gigo exchange runs/trade-off --base-rate 0.05:0.10")
def exchange(
    run: Path = RUN,
    base_rate: str | None = _option("RATE", "Of labels wrong in the data as given; or LOW:HIGH."),
    audited: Path | None = _option("FILE", "Or a CSV of checked labels: given,true or wrong."),
    test_base_rate: str = _option("RATE", "Of wrong labels in the test set.", default="0"),
    check_cost: float | None = _option("PRICE", "Of a label checked, and mended if wrong."),
    label_cost: float | None = _option("PRICE", "Of a new label."),
    budget: float | None = _option("MONEY", "What there is to spend."),
    size: int | None = _option("N", "Labels there are.  [default: the most that were run]"),
    rate: str = _option("SHARE", "Of wrong ones among them, one that was run.", default="0"),
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
        _rate("test-base-rate", test_base_rate),
        (check_cost, label_cost, budget),
        size,
        _rate("rate", rate),
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
        _csv(frame)
    elif as_json:
        _json(frame)
    elif as_latex:
        _say(frame.to_latex(index=False, float_format="%.4g", escape=True))
    else:
        from gigo.report import terminal

        terminal.show([*blocks()])


@app.command("init", epilog="Example: gigo init customers.csv --label churned")
def init(
    context: typer.Context,
    path: str = typer.Argument(metavar="DATA", help="A table, arrays, a folder of images, ..."),
    label: str | None = LABEL,
    test: str | None = TEST,
    group: str | None = GROUP,
    weight: str | None = WEIGHT,
    labels: str | None = LABELS,
    classes: Texts = CLASSES,
    drop: Texts = DROP,
    resize: int | None = RESIZE,
    skip_bad: bool = SKIP_BAD,
    out: Path | None = _option("FILE", "Where to.  [default: the data's name, with .toml]"),
) -> None:
    """Write a study for your own data: a TOML file with comments, ready for gigo run."""
    import shlex

    from gigo.console import displayed
    from gigo.files import write_new
    from gigo.starter import first_study

    options = {name: context.params[name] for name in DATA_OPTIONS if context.params[name]}
    with displayed() as display:
        name, text = first_study(path, str(out or ""), display.reading, **options)
    place = write_new(out or Path(f"{name}.toml"), text.encode())
    _say(f"{place}: change what you like, then: gigo run {shlex.quote(str(place))}")


@app.command("schema", epilog="Example: gigo schema > gigo.schema.json")
def schema() -> None:
    """Print the JSON schema of studies, for editors that check TOML files."""
    import json

    from gigo.study import Study

    print(json.dumps(Study.file_schema(), indent=1))


@app.command("list", epilog="Example: gigo list corruptions")
def list_(
    what: str | None = typer.Argument(
        None, metavar="WHAT", help="datasets, corruptions, models, recipes or studies."
    ),
) -> None:
    """List what can be named in a study."""
    from gigo import describe

    _say(describe.catalogue(what) if what else describe.catalogues())


data = typer.Typer(
    help="Find, fetch and check the files of data sets; alone, list the data sets.",
    epilog="Example: gigo data where mnist",
    invoke_without_command=True,
    rich_markup_mode=None,
)
app.add_typer(data, name="data")
DATA = typer.Argument(metavar="NAME", help="See gigo data list.")
PLACE = _option("FOLDER", "Look there only; or set GIGO_DATA.", "--data-dir")


@data.callback()
def _data(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        list_("datasets")


@data.command("list", epilog="Example: gigo data list")
def data_list() -> None:
    """List the data sets that gigo knows."""
    list_("datasets")


@data.command("where", epilog="Example: gigo data where mnist")
def data_where(name: str = DATA, data_dir: Path | None = PLACE) -> None:
    """Show from where a data set is read.

    That is the folder that you name, or else gigo's cache. The files are not read.
    """
    from gigo import datasets

    _say(datasets.where(name, data_dir))


@data.command("verify", epilog="Example: gigo data verify cifar10 --data-dir /data")
def data_verify(name: str = DATA, data_dir: Path | None = PLACE) -> None:
    """Check a data set's files against the official data.

    The exit status is 2 if there are none, or if they differ.
    """
    from gigo import datasets

    _say(f"right  {datasets.verify(name, data_dir)}")


@data.command("fetch", epilog="Example: gigo data fetch cifar100")
def data_fetch(name: str = DATA) -> None:
    """Download official files into gigo's cache.

    They are checked; what is there already is not fetched again.
    """
    from gigo import datasets
    from gigo.console import displayed

    with displayed() as display:
        place = datasets.fetch(name, watch=display.download)
    _say(place)


@data.command("cache", epilog="Example: gigo data cache --clear")
def data_cache(
    clear: bool = typer.Option(False, "--clear", help="Remove what can be made again."),
) -> None:
    """Show what gigo keeps in its cache, and how large it is.

    What can be made again is decoded images, features, and data sets as training processes read
    them: a run that is training needs those. Downloaded data sets stay.
    """
    from gigo import describe

    _say(describe.cleared() if clear else describe.cached())


def _share(text: str) -> float:
    """A share of 1, also as ``25%``."""
    return float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)


def _rate(field: str, text: str) -> float:
    """A rate of an option.

    Raises:
        SpecError: it is no share from 0 to 1.
    """
    try:
        rate = _share(text)
    except ValueError:
        rate = math.nan
    if not 0 <= rate <= 1:
        raise SpecError(field, text, "a rate from 0 to 1, such as 0.2 or 20%")
    return rate


NUMBERS = {
    "size": (int, _share),
    "rates": (_share,),
    **dict.fromkeys(("replicates", "first_replicate", "seed"), (int,)),
}
"""The fields of a study that take numbers, and how these are read: the first way that fits."""

TABLES = {"corruption": "name", "model": "name", "recipe": "base"}
"""The fields of a study that take tables with options, and what names the thing in them."""


def _study(name: str | None, options: dict[str, Any]) -> Study:
    """A study by its name, its fields replaced by the options of the same names."""
    from gigo import studies
    from gigo.study import Study, fitting

    given = {
        field: _parsed(field, value)
        for field, value in options.items()
        if field in Study.model_fields and value not in (None, ())
    }
    if name is not None:
        study = studies.find(name)
        return study.but(**given) if given else study
    if "dataset" not in given:
        raise GigoError("nothing to train: expected a STUDY or --data PATH (see gigo run --help)")
    named = given["dataset"] if isinstance(given["dataset"], dict) else {"name": "study"}
    return Study.create(**{"name": fitting(Path(named["name"]).stem), **given})


def _parsed(field: str, value: Any) -> Any:
    """What text means for a field; what means nothing stays text, for the study to judge."""
    if isinstance(value, list | tuple):
        return [_parsed(field, item) for item in value]
    if not isinstance(value, str):
        return value
    if field in TABLES:
        return _table(value, TABLES[field])
    for read in NUMBERS.get(field, ()):
        with suppress(ValueError):
            return read(value)
    return value


def _table(text: str, key: str) -> str | dict[str, Any]:
    """``NAME:option=value,option=value`` as a table of a study; other text as it is."""
    import tomllib

    name, _, options = text.rpartition(":")
    if "=" not in options:
        return text
    table: dict[str, Any] = {key: name}
    for each in options.split(","):
        option, _, value = each.partition("=")
        try:
            table[option] = tomllib.loads(f"value = {value}")["value"]
        except tomllib.TOMLDecodeError:
            table[option] = value  # a text without quotes
    return table


def _run(
    context: typer.Context,
    study: Study,
    out: Path | None,
    aim: tuple[Quantity, Goal] | None = None,
    whole: bool = True,
    **options: Any,
) -> None:
    """Train a study, or what a search with an aim lacks of it, go on to the aim, and report.

    Args:
        context: of the command.
        study: to train; with an aim, the pilot.
        out: the run's folder.
        aim: what to narrow, and how far.
        whole: whether all of the study is to be trained, whatever a search needs.
        options: of `gigo.run`.
    """
    from gigo import api
    from gigo.console import displayed

    run, path = context.obj or api.run, api.folder(study, out)
    lines: list[str] = []
    try:
        with displayed() as display, warnings.catch_warnings():
            warnings.simplefilter("ignore", GigoWarning)  # the report below says it
            train = partial(run, out=path, listener=display.show, **options)
            if whole:
                train(study)
            if aim is not None:
                from gigo.find import narrowed, resolver

                resolve = resolver(options["data_dir"], options["device"], display.reading)
                lines = narrowed(study, path, *aim, train, resolve, display.show).lines
            result = api.load(path, study.metric)
        _report(result, result.page or result.report())
        for line in lines:
            _say(line)
        if error := result.failure:
            raise typer.Exit(_fail(error))
    except KeyboardInterrupt:
        from gigo.store import Store

        kept = "keeps every finished trial, and the same command goes on from there"
        told = f"{path} {kept}" if Store.is_at(path) else "nothing is trained yet"
        raise typer.Exit(_stopped(told)) from None


def _report(result: Result, page: Path) -> None:
    """Show a result, and say where its page is: there already, whatever becomes of the output."""
    from gigo.report import document, terminal

    terminal.show(document.brief(result.material))
    _say(f"report: {page}")


def _json(frame: pd.DataFrame) -> None:
    """A list of rows; what is not known or not finite is null."""
    import json

    plain = frame.astype(object).where(frame.notna() & (frame != math.inf), None)
    print("[" + ",\n ".join(json.dumps(row) for row in plain.to_dict("records")) + "]")


def _csv(frame: pd.DataFrame) -> None:
    """Exact in a file or a pipe; cleaned on a terminal."""
    if sys.stdout.isatty():
        _say(frame.to_csv(index=False))
    else:
        frame.to_csv(sys.stdout, index=False)
