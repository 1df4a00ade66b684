"""A first study of somebody's own data, as a TOML file with comments."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from gigo.resolve import in_memory, resolve
from gigo.study import Study, fitting, usual_rates
from gigo.types import Watch, silent

SMALLER = 400
"""Training items from which a quarter of them makes a second curve."""

TEXT = """\
# A study for gigo: how much bad data can a model take?
#
#   gigo plan {file}    what it will train, and how long that takes
#   gigo run {file}     train it, and write a report; safe to interrupt and repeat
#
# Every line but the dataset's may be left out. gigo list shows what can be named here.

name = {name}

# The data: {data}
{notes}dataset = {dataset}

# Training items to pay for: each number is a curve.
size = {sizes}

# How labels go wrong, and what share of them: gigo list corruptions.
corruption = ["symmetric"]
rates = {rates}

# Repetitions of every point. The intervals come from them.
replicates = 5

# "auto" is {model} here. Others: gigo list models, "package.module:Name", "file.py:function".
model = "auto"

# "auto" holds out a fifth of the training items where the model has a use for them.
validation = "auto"

seed = 0
"""


def first_study(
    path: str, file: str = "", watch: Watch = silent, **options: Any
) -> tuple[str, str]:
    """A study for the data at a path.

    Args:
        path: a file or a folder with data.
        file: what the study's own file is to be called; default the study's name, with ``.toml``.
        watch: is told how many images are decoded, where there are some.
        options: of the data, such as ``label``; see `gigo.datasets.from_path`.

    Returns:
        The study's name, and the content of its file.

    Raises:
        SpecError, DataError: the data can't be read as they are.
    """
    dataset: dict[str, Any] = {"name": path} | options
    name = fitting(Path(path).stem)
    grid = resolve(Study.create(dataset=dataset), watch=watch)
    (card,) = grid.datasets
    found = in_memory(card)
    notes = found.notes if found else ()
    small = [card.n_train // 4] if card.n_train >= SMALLER else []
    text = TEXT.format(
        file=file or f"{name}.toml",
        name=json.dumps(name),
        data=f"{card.described}.",
        notes="".join(f"# {note}\n" for note in notes),
        dataset="{ " + ", ".join(f"{k} = {json.dumps(v)}" for k, v in dataset.items()) + " }",
        sizes=json.dumps([*small, "all"]),
        rates=json.dumps(usual_rates(card.n_classes == 2)),
        model=grid.models[card.name][0].label,
    )
    return name, text
