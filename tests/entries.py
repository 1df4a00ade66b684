"""Every entry of the catalogue of corruptions with options, and made-up data of every kind."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from gigo.corruptions import CATALOGUE
from gigo.entries import CorruptionEntry
from gigo.inputs import count, digest, take
from gigo.rng import Stream
from gigo.types import Dataset, Kind, Labels

KINDS: tuple[Kind, ...] = ("image", "vector", "table", "text")

Options = Callable[[Dataset, Path], dict[str, Any]]
"""``(data to corrupt, folder for files) -> options``."""


def no_options(dataset: Dataset, folder: Path) -> dict[str, Any]:
    return {}


@dataclass(frozen=True)
class Example:
    """An entry of the catalogue as a study may ask for it.

    Attributes:
        name: in the catalogue.
        options: that it is given.
        said: what tells it from other examples of the entry.
        kinds: of inputs that it takes.
    """

    name: str
    options: Options = no_options
    said: str = ""
    kinds: tuple[Kind, ...] = KINDS

    @property
    def entry(self) -> CorruptionEntry:
        return CATALOGUE[self.name]

    @property
    def label(self) -> str:
        return f"{self.name} {self.said}".strip()

    @property
    def of_labels(self) -> bool:
        """Whether inputs are nothing to it."""
        return self.entry.family == "labels" and self.entry.exact

    def asked(self, dataset: Dataset, folder: Path) -> dict[str, Any]:
        """As a study names it."""
        return {"name": self.name, **self.options(dataset, folder)}


def given(**options: Any) -> Options:
    return lambda dataset, folder: options


def second_file(dataset: Dataset, folder: Path) -> str:
    """Of two labellings: the true one, and one that is wrong for about 4 items of 10."""
    n, k = dataset.n_train, dataset.n_classes
    wrong = Stream(0, 0, "second").uniform(n) < 0.4
    names = np.array(dataset.classes, object)
    second = (dataset.y_train + wrong * (1 + Stream(0, 1, "second").integers(n, k - 1))) % k
    table = pd.DataFrame({"clean_label": names[dataset.y_train], "worse_label": names[second]})
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "second.parquet"
    table.to_parquet(path)
    return str(path)


def half_to_the_next(dataset: Dataset, folder: Path) -> dict[str, Any]:
    stay = np.eye(dataset.n_classes)
    return {"T": ((stay + np.roll(stay, 1, axis=1)) / 2).tolist()}


def elsewhere(dataset: Dataset, folder: Path) -> dict[str, Any]:
    y = Stream(0, 0, "elsewhere").integers(300, 3)
    side = dataset.input_shape[-1] if dataset.kind == "image" else 8
    return {"source": made(dataset.kind, y, ("a", "b", "c"), seed=77, side=side)}


def group_of(dataset: Dataset, folder: Path) -> dict[str, Any]:
    if dataset.kind == "table":
        return {"column": "colour", "value": "red"}
    return {"group": 1}


def first_and_last(dataset: Dataset, folder: Path) -> dict[str, Any]:
    return {"classes": [dataset.classes[0], dataset.classes[-1]]}


def first_to_last(dataset: Dataset, folder: Path) -> dict[str, Any]:
    return {"map": {dataset.classes[0]: dataset.classes[-1]}}


def poisoned(**more: Any) -> Options:
    return lambda dataset, folder: {"target": dataset.classes[-1], **more}


IMAGES: tuple[Kind, ...] = ("image",)
NUMBERS: tuple[Kind, ...] = ("table", "vector")

EXAMPLES = [
    Example("symmetric"),
    Example("symmetric", given(include_true=True), "with true"),
    Example("biased"),
    Example("two_sink"),
    Example("sink", first_and_last),
    Example("pair"),
    Example("asymmetric", first_to_last),
    Example("one_way", lambda data, folder: {"classes": data.classes[0]}),
    Example("transition", half_to_the_next),
    Example(
        "second_labels",
        lambda data, folder: {"file": second_file(data, folder), "column": "worse_label"},
    ),
    Example(
        "human",
        lambda d, folder: {"file": second_file(d, folder), "labels": "worse_label"},
        kinds=IMAGES,
    ),
    Example("annotators"),
    Example("annotators", given(skills=[0.5, 0.7], votes=3), "three votes"),
    Example("instance_dependent"),
    Example("boundary"),
    Example("confusion"),
    Example("dilute"),
    Example("duplicates"),
    Example("duplicates", given(among=0.1), "few"),
    Example("leak"),
    Example("leak", given(labels="wrong"), "wrong"),
    Example("open_set"),
    Example("open_set", elsewhere, "other data"),
    Example("missing_class"),
    Example("imbalance"),
    Example("subsample_group", group_of),
    *(
        Example(name, given(severity=severity), said, IMAGES)
        for name in ("gaussian_noise", "blur", "occlusion", "brightness", "contrast", "jpeg")
        for severity, said in ((3, ""), ("random", "random"))
    ),
    Example("trigger", poisoned(), kinds=IMAGES),
    Example("trigger", poisoned(labels="clean"), "clean", IMAGES),
    Example(
        "trigger",
        lambda d, f: poisoned(source=d.classes[0], pattern="blend")(d, f),
        "blend of one class",
        IMAGES,
    ),
    Example("missing_values", kinds=NUMBERS),
    Example(
        "missing_values",
        lambda data, folder: {"mechanism": "mar", "depends_on": column(data)},
        "mar",
        NUMBERS,
    ),
    Example(
        "missing_values",
        lambda data, folder: {"mechanism": "mnar", "columns": [column(data)]},
        "mnar",
        NUMBERS,
    ),
    Example("category_typos", kinds=("table",)),
    Example("shifted_decimals", kinds=NUMBERS),
    Example("typos", kinds=("text",)),
    Example("dropped_words", kinds=("text",)),
]
"""At least one per entry."""

CASES: list[tuple[Example, Kind]] = [
    (example, kind)
    for example in EXAMPLES
    for kind in (example.kinds[:1] if example.of_labels else example.kinds)
]
"""With every kind of inputs, where inputs count."""


def column(dataset: Dataset) -> str:
    """One with numbers."""
    return "b" if dataset.kind == "table" else "2"


def made(kind: Kind, y: Labels, classes: Sequence[str], *, seed: int = 0, side: int = 8) -> Dataset:
    """Data of whole numbers that mean the same everywhere, with a test item per class or more.

    Args:
        kind: of inputs.
        y: (n,) labels.
        classes: their names.
        seed: of the inputs.
        side: of images, in pixels.
    """
    n, k = len(y), len(classes)
    y_test = np.arange(max(20, k)) % k
    x = inputs(kind, n + len(y_test), seed, side)
    rows = np.arange(count(x))
    x_train, x_test = take(x, rows[:n]), take(x, rows[n:])
    groups = group(n)
    sha256 = digest(x_train, y, x_test, y_test, groups)
    tests, groups_of_tests = {"test": (x_test, y_test)}, {"test": group(len(y_test))}
    return Dataset(
        f"made-{kind}-{seed}",
        x_train,
        y,
        tests,
        tuple(classes),
        kind,
        sha256,
        "made up",
        groups=groups,
        test_groups=groups_of_tests,
    )


def group(n: int) -> Labels:
    """Of three groups, where labels in turn are no group."""
    i = np.arange(n)
    return (i + i // 3) % 3


@cache
def _numbers(n: int, width: int, seed: int) -> Any:
    found = Stream(seed, 0, "inputs").integers(n * width, 256).reshape(n, width)
    found.flags.writeable = False
    return found


def inputs(kind: Kind, n: int, seed: int, side: int) -> Any:
    """Images (n, 1, side, side), vectors of 6 numbers, a table with a gap per 9 rows, or texts."""
    if kind == "image":
        return _numbers(n, side * side, seed).astype(np.uint8).reshape(n, 1, side, side)
    numbers = _numbers(n, 6, seed)
    if kind == "vector":
        return (numbers / 8).astype(np.float32)
    if kind == "text":
        words = np.array(["zero", "one", "two", "three", "four", "five", "six", "seven"])
        return [" ".join(row) for row in words[numbers % 8]]
    colours = np.array(["red", "green", "blue", "grey"])
    colour = pd.Categorical(colours[(np.arange(n) + numbers[:, 3] // 200) % 4])
    note = np.array(["late", "early", "never"], object)[numbers[:, 4] % 3]
    columns = {"a": numbers[:, 0] / 8, "b": numbers[:, 1] / 4, "colour": colour}
    table = pd.DataFrame({**columns, "note": pd.Series(note, dtype="str")})
    table.loc[table.index[::9], "a"] = np.nan
    return table
