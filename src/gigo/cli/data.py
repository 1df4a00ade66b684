"""The commands about data and names: init, schema, list and data."""

from __future__ import annotations

from pathlib import Path

import typer

from gigo.cli.app import (
    CLASSES,
    DATA_OPTIONS,
    DROP,
    GROUP,
    LABEL,
    LABELS,
    RESIZE,
    SKIP_BAD,
    TEST,
    WEIGHT,
    Texts,
    app,
    option,
    say,
)


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
    out: Path | None = option("FILE", "Where to.  [default: the data's name, with .toml]"),
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
    say(f"{place}: change what you like, then: gigo run {shlex.quote(str(place))}")


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

    say(describe.catalogue(what) if what else describe.catalogues())


data = typer.Typer(
    help="Find, fetch and check the files of data sets; alone, list the data sets.",
    epilog="Example: gigo data where mnist",
    invoke_without_command=True,
    rich_markup_mode=None,
)
app.add_typer(data, name="data")
DATA = typer.Argument(metavar="NAME", help="See gigo data list.")
PLACE = option("FOLDER", "Look there only; or set GIGO_DATA.", "--data-dir")


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

    say(datasets.where(name, data_dir))


@data.command("verify", epilog="Example: gigo data verify cifar10 --data-dir /data")
def data_verify(name: str = DATA, data_dir: Path | None = PLACE) -> None:
    """Check a data set's files against the official data.

    The exit status is 2 if there are none, or if they differ.
    """
    from gigo import datasets

    say(f"right  {datasets.verify(name, data_dir)}")


@data.command("fetch", epilog="Example: gigo data fetch cifar100")
def data_fetch(name: str = DATA) -> None:
    """Download official files into gigo's cache.

    They are checked; what is there already is not fetched again.
    """
    from gigo import datasets
    from gigo.console import displayed

    with displayed() as display:
        place = datasets.fetch(name, watch=display.download)
    say(place)


@data.command("cache", epilog="Example: gigo data cache --clear")
def data_cache(
    clear: bool = typer.Option(False, "--clear", help="Remove what can be made again."),
) -> None:
    """Show what gigo keeps in its cache, and how large it is.

    What can be made again is decoded images, features, and data sets as training processes read
    them: a run that is training needs those. Downloaded data sets stay.
    """
    from gigo import describe

    say(describe.cleared() if clear else describe.cached())
