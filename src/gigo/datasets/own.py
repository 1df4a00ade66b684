"""A user's own files as data sets: tables, arrays, sets that Hugging Face's library saved."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from gigo.datasets import arrays, columns, saved, tablefile
from gigo.datasets.build import build
from gigo.datasets.embedded import image_cells, read_cells
from gigo.datasets.image_table import from_image_table, image_column
from gigo.datasets.labels import missing_labels
from gigo.datasets.memory import as_inputs
from gigo.datasets.options import SPLITTING, Options
from gigo.datasets.relabel import read_labels
from gigo.datasets.table_inputs import Parts, beside, take_apart
from gigo.errors import SpecError
from gigo.types import Dataset, Watch

NPZ = {"test", "group", "labels", "classes", "kind", *SPLITTING}
NPY = NPZ - {"group"}
SAVED = NPZ - {"test"} | {"label", "resize", "drop", "weight"}
TABLE = NPZ | {"label", "resize", "skip_bad", "drop", "weight"}
"""Names of the options for which each kind of file has a use."""


def from_table(path: Path, options: Options, watch: Watch) -> Dataset:
    """A data set from a table in a file of one of `gigo.datasets.tablefile.SUFFIXES`.

    Labels are in the column ``label``, else in the one that is called like labels. The test set is
    a file of the same columns, in any order. Where a column has paths of images, the images are
    the inputs (`gigo.datasets.image_table`).

    Raises:
        SpecError: a column is not there, or an option is out of range.
        DataError: a file can't be read, or is no such table.
    """
    opened = tablefile.open_table(path)
    label, said = label_of(opened.names, path, options)
    _check_columns(opened.names, label, path.name, options)
    train = opened.read({} if opened.typed or label is None else {label: columns.text()})
    _check_labelled(opened, train, label, path)
    train = train.drop_columns([*options.drop])
    train, weights = columns.apart("weight", options.weight, train, path.name)
    test = options.file("test")
    tested = None if test is None else _test_table(test, train, label, options, path)
    notes = [*opened.notes, *said]
    images = image_column(train, path.parent) if options.kind in (None, "image") else None
    if images is not None:
        if weights is not None:
            expected = f"none: {path.name} names images, and models of images take no weights"
            raise SpecError("dataset.weight", options.weight, expected)
        return from_image_table(path, (train, tested), images, label, options, notes, watch)
    return _from_tables(path, (train, tested), label, options, notes, watch, weights)


def from_saved(folder: Path, options: Options, watch: Watch) -> Dataset:
    """A data set that ``save_to_disk`` wrote; see `gigo.datasets.saved.read_saved`.

    Labels are in the column ``label``, else in the only one that numbers classes, else in the one
    that is called like labels.

    Raises:
        SpecError, DataError: as `from_table` and `read_saved`.
    """
    splits = saved.read_saved(folder)
    name = saved.split_for_training(splits, folder.name)
    train = splits[name]
    numbering = [n for n in train.column_names if columns.class_names(train.schema, n)]
    if options.label is None and len(numbering) == 1:
        label, said = numbering[0], (f"labels: column {numbering[0]!r}, which numbers classes",)
    else:
        label, said = label_of(train.column_names, folder, options)
    _check_columns(train.column_names, label, folder.name, options)
    train = train.drop_columns([*options.drop])
    train, weights = columns.apart("weight", options.weight, train, folder.name)
    other, chosen = saved.split_for_testing(splits, name, label)
    tested = None if other is None else _fitting(splits[other], train, options, other, folder)
    return _from_tables(folder, (train, tested), label, options, [*said, *chosen], watch, weights)


def from_npz(path: Path, options: Options) -> Dataset:
    """A data set from the arrays of an ``.npz`` file; see `gigo.datasets.arrays.read_npz`.

    Raises:
        SpecError: an option is out of range.
        DataError: a file can't be read, or lacks an array.
    """
    read = arrays.read_npz(path, options.group)
    test, place = options.file("test"), read.test
    if test is not None:
        if place is not None:
            raise SpecError("dataset.test", options.test, f"none: {path.name} has a test set")
        place = arrays.read_npz(test).train
    return _from_arrays(path, read.train, place, options, read.groups, read.notes)


def from_npy(path: Path, options: Options) -> Dataset:
    """A data set from the array of inputs in an ``.npy`` file, with labels in another file.

    That is the file ``labels``, else ``y.npy`` in the same folder.

    Raises:
        SpecError, DataError: as `from_npz`; there is no file of labels.
    """
    x, test = arrays.read_npy(path), options.file("test")
    tested = None
    if test is not None:
        x_test = arrays.read_npy(test)
        tested = x_test, arrays.labels_of(test, None, len(x_test))
    labels = arrays.labels_of(path, options.file("labels"), len(x))
    plain = options.model_copy(update={"labels": None})
    return _from_arrays(path, (x, labels), tested, plain, None, ())


def relabelled(dataset: Dataset, options: Options) -> Dataset:
    """A data set with other labels to start from, or with its classes in another order.

    Raises:
        SpecError, DataError: as `build` and `read_labels`.
    """
    names = np.array(dataset.classes, object)
    x_test, y_test = dataset.tests["test"]
    others = options.file("labels")
    return build(
        dataset.name,
        dataset.source,
        dataset.x_train,
        names[dataset.y_train],
        x_test=x_test,
        labels_test=names[y_test],
        kind=dataset.kind,
        classes=options.classes or dataset.classes,
        others=None if others is None else read_labels(others, dataset.n_train, dataset.name),
    )


def label_of(
    names: Sequence[str], path: Path, options: Options
) -> tuple[str | None, tuple[str, ...]]:
    """The column of a table that has the labels, and a note; none where a file has all of them.

    Raises:
        SpecError, DataError: as `gigo.datasets.columns.label_column`.
    """
    in_file = options.labels is not None and options.test is None
    if in_file and options.label is None and not columns.looks_like_labels(names):
        note = f"labels: all those of {options.labels}; each column of {path.name} is an input"
        return None, (note,)
    return columns.label_column(options.label, names, path.name)


def _check_columns(names: Sequence[str], label: str | None, place: str, options: Options) -> None:
    """Raise SpecError where a column that an option names is not there, or is needed."""
    if options.group is not None:
        columns.check_column("group", options.group, names, place)
    for name in options.drop:
        columns.check_column("drop", name, names, place)
        uses = ("label", label), ("group", options.group), ("weight", options.weight)
        for use, needed in uses:
            if name == needed:
                raise SpecError("drop", name, f"columns of inputs: this one is the {use}")


def _test_table(
    path: Path, train: Any, label: str | None, options: Options, train_path: Path
) -> Any:
    """The table of a test set, in the training table's types."""
    opened = tablefile.open_table(path)
    types = columns.types(train.schema)
    if not opened.typed and label is not None:
        types[label] = columns.text()
    table = opened.read(types)
    if label in opened.names:
        _check_labelled(opened, table, label, path)
    return _fitting(table, train, options, path.name, train_path)


def _check_labelled(opened: tablefile.Opened, table: Any, label: str | None, path: Path) -> None:
    """Raise DataError where labels are missing, with the place in the file."""
    missing = [] if label is None else columns.missing(table.column(label)).tolist()
    if missing:
        first = opened.place(missing[0])
        raise missing_labels(str(path), len(missing), table.num_rows, first)


def _fitting(test: Any, train: Any, options: Options, place: str, train_path: Path) -> Any:
    """The columns of a test table that the training table has, in its order; groups aside."""
    aside = options.group, options.weight, *options.drop
    here, there = ([n for n in t.column_names if n not in aside] for t in (test, train))
    of_items = [name for name in there if columns.is_named(name)]
    named = [name for name in here if columns.is_named(name)]
    columns.same_columns(named, of_items, place, train_path.name)
    return test.select(of_items)


def _from_tables(
    path: Path,
    tables: tuple[Any, Any | None],
    label: str | None,
    options: Options,
    notes: Sequence[str],
    watch: Watch,
    weights: Any,
) -> Dataset:
    """The data set of a training table and, perhaps, a test table."""
    table, said = columns.without_index(tables[0])
    part, test, more = _parts((table, tables[1]), label, options, path.name, watch)
    inputs = part.x if hasattr(part.x, "iloc") else {}
    own_per_row = columns.identifiers(table.select([*inputs]))
    more = [
        *more,
        *(
            f"{said}: drop = {json.dumps(name, ensure_ascii=False)}, "
            f"--drop {shlex.quote(name)}, leaves it out"
            for name, said in own_per_row.items()
        ),
    ]
    given = options.splitting(tested=test is not None)
    if test is not None:
        given |= {"x_test": test.x, "labels_test": test.labels}
    own, others = part.labels, options.file("labels")
    if others is not None:
        read = read_labels(others, table.num_rows, path.name, label)
        own, given["others"] = (read, None) if own is None else (own, read)
    names = None if label is None else columns.class_names(table.schema, label)
    return build(
        _name(path),
        str(path),
        part.x,
        own,
        kind=options.kind,
        classes=options.classes or names,
        groups=part.groups,
        weights=weights,
        notes=[*notes, *said, *part.notes, *more],
        **given,
    )


def _parts(
    tables: tuple[Any, Any | None],
    label: str | None,
    options: Options,
    place: str,
    watch: Watch,
) -> tuple[Parts, Parts | None, Sequence[str]]:
    """Inputs, labels and groups of a training table and, perhaps, a test table; and notes."""
    train, test = tables
    images = image_cells(train)
    of_no_use = {"skip_bad"} if images else {"resize", "skip_bad"}
    for name in sorted(of_no_use & options.model_fields_set):
        expected = f"no such option: {place} names no images"
        raise SpecError(f"dataset.{name}", getattr(options, name), expected)
    if images is None:
        part = take_apart(train, label, options.group, options.kind, place)
        if test is None:
            return part, None, ()
        return part, take_apart(test, label, None, options.kind, place, part.x), ()
    used = label, options.group, images
    rest = [name for name in train.column_names if name not in used]
    unused = [f"not used, since images are the inputs: {columns.listed(rest)}"] if rest else []
    cells = [cell for each in tables if each for cell in each.column(images).to_pylist()]
    pixels, said = read_cells(cells, place, options.resize, watch)
    n = train.num_rows
    part = beside(pixels[:n], train, label, options.group, place)
    tested = None if test is None else beside(pixels[n:], test, label, None, place)
    return part, tested, [*said, *unused]


def _from_arrays(
    path: Path,
    train: arrays.Pair,
    test: arrays.Pair | None,
    options: Options,
    groups: Any,
    notes: Sequence[str],
) -> Dataset:
    """The data set of arrays of inputs and labels."""
    given = options.splitting(tested=test is not None)
    x, said = as_inputs(train[0], options.kind, str(path))
    if test is not None:
        x_test, _ = as_inputs(test[0], options.kind, str(path))
        given |= {"x_test": x_test, "labels_test": test[1]}
    others = options.file("labels")
    if others is not None:
        given["others"] = read_labels(others, len(train[1]), path.name)
    return build(
        _name(path),
        str(path),
        x,
        train[1],
        kind=options.kind,
        classes=options.classes,
        groups=groups,
        notes=[*notes, *said],
        **given,
    )


def _name(path: Path) -> str:
    """What tables call a data set: its file's name without what says of which kind it is."""
    name = path.absolute().name
    return name[: -len(tablefile.ending(path))] if tablefile.ending(path) else name
