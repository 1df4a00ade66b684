"""The commands that train, or say what they would do: demo, run, plan and find."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from contextlib import suppress
from functools import partial, wraps
from inspect import Signature, signature
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from gigo.cli.app import (
    CLASSES,
    CORRUPTION,
    DATA_OPTIONS,
    DEVICE,
    DROP,
    GROUP,
    KEEP,
    LABEL,
    LABELS,
    LOSE,
    METRIC,
    OUT,
    RESIZE,
    SKIP_BAD,
    TEST,
    WEIGHT,
    WORKERS,
    Texts,
    app,
    as_share,
    fail,
    many,
    option,
    say,
    show_report,
    stopped,
)
from gigo.errors import GigoError, GigoWarning, SpecError

if TYPE_CHECKING:
    from gigo.search import Goal, Quantity
    from gigo.study import Study


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
    data: str | None = option("PATH", "Your data: a table, arrays, a folder of images, ..."),
    label: str | None = LABEL,
    test: str | None = TEST,
    group: str | None = GROUP,
    weight: str | None = WEIGHT,
    labels: str | None = LABELS,
    classes: Texts = CLASSES,
    drop: Texts = DROP,
    resize: int | None = RESIZE,
    skip_bad: bool = SKIP_BAD,
    dataset: Texts = many("NAME", "See gigo list datasets."),
    size: Texts = many("N", "Labels to pay for: a number, a share below 1, or all."),
    rates: Texts = many("SHARE", "Of wrong training labels, 0 to 1.", "--rate"),
    corruption: Texts = CORRUPTION,
    model: Texts = many("NAME", "See gigo list models; or package.module:NAME, file.py:NAME."),
    recipe: Texts = many("NAME", "See gigo list recipes; likewise NAME:option=value,..."),
    validation: Texts = many("NAME", "For early stopping: auto, clean, noisy, oracle or none."),
    replicates: str | None = option("N", "Repetitions of every point."),
    first_replicate: str | None = option("N", "Of them; another one gives new ones.  [default: 0]"),
    seed: str | None = option("N", "Seed of everything random."),
    metric: str | None = METRIC,
    precision: str | None = option("NAME", "auto, bfloat16, float32 or float64."),
    out: Path | None = OUT,
    data_dir: Path | None = option("FOLDER", "Where data files lie; or set GIGO_DATA."),
    device: str = DEVICE,
    workers: int | None = WORKERS,
    trial_timeout: float | None = option("SECONDS", "End a fit that takes longer; networks don't."),
    retry: str | None = option(
        "failed",
        "Train trials again that failed or timed out, with the same seeds: a random failure comes "
        "again unless its cause was outside.",
    ),
    until: str | None = option("width=10pt", "Then go on until the tolerance is known so well."),
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
    width: str = option("POINTS", "Of the interval, as 10pt.", default="10pt"),
    minutes: float | None = option("M", "Begin nothing new after so many."),
    trainings: int | None = option("N", "Models at most.  [default: 400 per curve]"),
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
    width: str = option("SHARE", "Of the interval, as a share of the labels.", default="20%"),
    minutes: float | None = option("M", "Begin nothing new after so many."),
    trainings: int | None = option("N", "Models at most.  [default: 400]"),
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
    say(describe.plan(study, where, found, searched.costs if searched else ""))


NUMBERS = {
    "size": (int, as_share),
    "rates": (as_share,),
    **dict.fromkeys(("replicates", "first_replicate", "seed"), (int,)),
}
"""The fields of a study that take numbers, and how these are read: the first way that fits."""

TABLES = {"corruption": "name", "model": "name", "recipe": "base"}
"""The fields of a study that take tables with options, and what names the thing in them."""


FIRST_OPTION, NEXT_OPTION = re.compile(r":(?=\w+ *=)"), re.compile(r", *(?=\w+ *=)(?![^{]*\})")
FLAT_LIST = re.compile(r"\[[^][{}=]+\]")
FLAT_TABLE = re.compile(r"\{[^][{}=,]+=[^][{}=,]+(,[^][{}=,]+=[^][{}=,]+)*\}")
"""A colon before options, and a comma between them, not one in a table."""


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
        return table(value, TABLES[field])
    for read in NUMBERS.get(field, ()):
        with suppress(ValueError):
            return read(value)
    return value


def table(text: str, key: str) -> str | dict[str, Any]:
    """``NAME:option=value,option=value`` as a table of a study; other text as it is.

    Texts need no quotes, which a shell takes away: ``[a, b]`` is a list of texts.
    """
    import tomllib

    name, *rest = FIRST_OPTION.split(text, maxsplit=1)
    if not rest:
        return text
    with suppress(tomllib.TOMLDecodeError):
        return {key: name, **tomllib.loads(f"options = {{{rest[0]}}}")["options"]}
    table: dict[str, Any] = {key: name}
    for each in NEXT_OPTION.split(rest[0]):  # some are texts without quotes
        option, _, value = (part.strip() for part in each.partition("="))
        table[option] = _value(value)
    return table


def _value(text: str) -> Any:
    """A value as TOML has it; in a flat list or table, too, what is none is a text."""
    import tomllib

    with suppress(tomllib.TOMLDecodeError):
        return tomllib.loads(f"value = {text}")["value"]
    if FLAT_LIST.fullmatch(text):
        return [_value(each.strip()) for each in text[1:-1].split(",")]
    if FLAT_TABLE.fullmatch(text):
        parts = (each.partition("=") for each in text[1:-1].split(","))
        return {key.strip().strip("\"'"): _value(each.strip()) for key, _, each in parts}
    return text


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
        show_report(result, result.page or result.report())
        for line in lines:
            say(line)
        if error := result.failure:
            raise typer.Exit(fail(error))
    except KeyboardInterrupt:
        from gigo.store import Store

        kept = "keeps every finished trial, and the same command goes on from there"
        told = f"{path} {kept}" if Store.is_at(path) else "nothing is trained yet"
        raise typer.Exit(stopped(told)) from None
