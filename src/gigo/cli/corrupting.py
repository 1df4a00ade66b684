"""The commands that corrupt data sets and compare two of them: corrupt and audit."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from gigo.cli.app import (
    CLASSES,
    CORRUPTION,
    DATA_OPTIONS,
    DROP,
    GROUP,
    JSON,
    LABEL,
    LABELS,
    RESIZE,
    SKIP_BAD,
    WEIGHT,
    Texts,
    app,
    as_rate,
    option,
    say,
)
from gigo.cli.training import TABLES, table

if TYPE_CHECKING:
    import pandas as pd

SHOWN = 12
"""Classes up to which a matrix is printed."""


@app.command(
    epilog="Example: gigo corrupt customers.csv --label churned --rate 0.2 --out noisy",
)
def corrupt(
    context: typer.Context,
    path: str = typer.Argument(metavar="DATA", help="A table, arrays, a folder of images, ..."),
    corruption: Texts = CORRUPTION,
    rate: str = typer.Option(..., metavar="SHARE", help="To corrupt, 0 to 1."),
    seed: int = option("N", "Another one is another draw.", default=0),
    replicate: int = option("N", "So is another one of the same seed.", default=0),
    out: Path = typer.Option(..., metavar="DIR", help="Where to; a new or an empty folder."),
    label: str | None = LABEL,
    test: str | None = option("PATH", "Test data, written as they are."),
    group: str | None = GROUP,
    weight: str | None = WEIGHT,
    labels: str | None = LABELS,
    classes: Texts = CLASSES,
    drop: Texts = DROP,
    resize: int | None = RESIZE,
    skip_bad: bool = SKIP_BAD,
    data_dir: Path | None = option("FOLDER", "Where data files lie; or set GIGO_DATA."),
) -> None:
    """Corrupt a data set, and write it in the format that it came in.

    All items are corrupted alike; a test set of the data's own is written as it is. Beside the
    data are audit.parquet (a row per edit), summary.json and transition.svg.
    """
    from gigo.audit.files import corrupt_files
    from gigo.console import displayed

    options = _data_options(context)
    share = as_rate("rate", rate)
    named = [table(text, TABLES["corruption"]) for text in corruption or ["symmetric"]]
    how: dict[str, Any] = {"seed": seed, "replicate": replicate, "data_dir": data_dir}
    with displayed() as display:
        found = corrupt_files(path, named, share, out, **how, watch=display.reading, **options)
    for line in _summary(found.summary):
        say(line)
    _show_matrix(found.transition)
    say(f"data: {found.path}")


@app.command(epilog="Example: gigo audit customers.csv noisy/customers.csv --label churned")
def audit(
    context: typer.Context,
    before: str = typer.Argument(metavar="BEFORE", help="A data set."),
    after: str = typer.Argument(metavar="AFTER", help="What became of it, of any format."),
    label: str | None = LABEL,
    group: str | None = GROUP,
    weight: str | None = WEIGHT,
    labels: str | None = LABELS,
    classes: Texts = CLASSES,
    drop: Texts = DROP,
    resize: int | None = RESIZE,
    skip_bad: bool = SKIP_BAD,
    data_dir: Path | None = option("FOLDER", "Where data files lie; or set GIGO_DATA."),
    as_json: bool = JSON,
) -> None:
    """Say what is different in a data set, whoever changed it.

    Training items of both are compared one by one where there are as many, else by the content of
    their inputs. Options of the data hold for both.
    """
    import json

    from gigo.audit.compared import audit_files
    from gigo.console import displayed

    options = _data_options(context)
    with displayed() as display:
        found = audit_files(before, after, data_dir=data_dir, watch=display.reading, **options)
    if as_json:
        print(json.dumps(found.to_json(), ensure_ascii=False))
        return
    for line in found.lines:
        say(line)
    _show_matrix(found.transition)


def _data_options(context: typer.Context) -> dict[str, Any]:
    return {name: context.params[name] for name in DATA_OPTIONS if context.params.get(name)}


def _summary(summary: dict[str, Any]) -> list[str]:
    """What was asked and done, a line each."""
    shares = f"{summary['share_of_set']:.4g} of the set"
    if summary["eligible"] < summary["items"]:
        shares += f", {summary['share_of_eligible']:.4g} of the eligible"
    shown = [
        f"requested     {summary['rate']:g}",
        f"items         {summary['items']:,}",
        f"eligible      {summary['eligible']:,}",
        f"selected      {summary['selected']:,} ({shares})",
        f"changed       {summary['changed']:,}",
        f"wrong labels  {summary['wrong_labels']:,}",
    ]
    for name in ("inputs", "added", "left"):
        if summary[name]:
            shown.append(f"{name:<14}{summary[name]:,}")
    if "target" in summary:
        target = f"{summary['share_of_target']:.4g} of the items labelled {summary['target']}"
        shown.append(f"trigger in    {target}")
    return shown


def _show_matrix(matrix: pd.DataFrame) -> None:
    """Shares of labels now, a row per class as given; of many classes the picture has them."""
    say("labels now (columns) of the items of each class as given (rows):")
    if len(matrix) <= SHOWN:
        plain = matrix.rename_axis(index=None, columns=None)
        say(plain.to_string(float_format="{:.3f}".format))
        return
    kept = matrix.to_numpy().diagonal()
    for name, share in zip(matrix.index, kept, strict=True):
        say(f"  {name}: {share:.3f} as given")
