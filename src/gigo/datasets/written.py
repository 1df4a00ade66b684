"""Data sets after edits, written in the formats that they came in: the readers' other way."""

from __future__ import annotations

import csv
import io
import os
import shutil
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from gigo.after import After
from gigo.datasets import arrays, columns, delimited, own, saved, tablefile
from gigo.datasets import image_folder as folders
from gigo.datasets.embedded import image_cells
from gigo.datasets.image_table import image_column
from gigo.datasets.labels import encode
from gigo.datasets.options import Options
from gigo.datasets.remade import Cells, array, edited, labels_of, native
from gigo.errors import DataError
from gigo.inputs import Inputs

NEW = "corrupted"
"""The folder, beside a table, of images that changed; and how files of added ones begin."""


def official(path: Path, options: Options, after: After, out: Path) -> Path:
    """An ``.npz`` file of a data set that the catalogue has, or that lies as one of these."""
    dataset = after.dataset
    names = np.array(dataset.classes)
    if all(name.isdecimal() for name in dataset.classes):
        names = names.astype(np.int64)
    x_test, y_test = dataset.tests["test"]
    place = out / f"{path.absolute().name}.npz"
    whole = {"x_train": array(dataset.x_train, after), "y_train": names[after.labels]}
    np.savez(place, allow_pickle=False, **whole, x_test=x_test, y_test=names[y_test])
    return place


def npz(path: Path, options: Options, after: After, out: Path) -> Path:
    """An ``.npz`` file: its arrays of training items, and all others as they are."""
    found, (x, y), _ = arrays.open_npz(path, options.group)
    found[x], found[y] = array(found[x], after), _labels(found[y], after)
    if options.group is not None:
        found[options.group] = _aside(found[options.group], after)
    with zipfile.ZipFile(path) as file:
        packed = any(each.compress_type != zipfile.ZIP_STORED for each in file.infolist())
    place = out / path.name
    (np.savez_compressed if packed else np.savez)(place, allow_pickle=False, **found)
    _test(options, out, path)
    return place


def npy(path: Path, options: Options, after: After, out: Path) -> Path:
    """An ``.npy`` file, and one with its labels beside it."""
    x = arrays.read_npy(path)
    y = arrays.labels_of(path, options.file("labels"), len(x))
    place = out / path.name
    np.save(place, array(x, after), allow_pickle=False)
    beside = "y" + path.stem[1:] if path.stem[:1] in ("x", "X") else "y"
    labels = _labels(y, after)
    plain = np.array(labels.tolist()) if labels.dtype.kind == "O" else labels
    np.save(out / f"{beside}.npy", plain, allow_pickle=False)
    test = _test(options, out, path)
    if test is not None and (its := arrays.labels_beside(test)):
        _link(its, out / its.name)
    return place


def table(path: Path, options: Options, after: After, out: Path) -> Path:
    """A table in a file of its kind; images that it names are linked beside it."""
    opened = tablefile.open_table(path)
    label, _ = own.label_of(opened.names, path, options)
    types = {} if opened.typed or label is None else {label: columns.text()}
    typed, place = opened.read(types), out / path.name
    rest = typed.drop_columns([*options.drop])
    images = image_column(rest, path.parent) if options.kind in (None, "image") else None
    if images is not None:
        _check_rows(typed.num_rows, after, path)
        names = _image_files(typed, images, after, path, out)
        cells: Cells = {images: (np.arange(len(names)), names)}
    else:
        cells = _inputs(typed, label, options, after)
    cells = {**cells, **_label_cells(typed, label, after)}
    if opened.typed:
        _write_typed(_labelled(edited(typed, after, cells), label, after), place)
    else:
        texts = opened.read({name: columns.text() for name in opened.names})
        layout = delimited.look(path)
        written = {
            name: (rows, [_text(value, layout.decimal) for value in values])
            for name, (rows, values) in cells.items()
        }
        found = _labelled(edited(texts, after, written), label, after)
        _write_text(found, path, layout, place)
    _test(options, out, path)
    return place


def saved_set(folder: Path, options: Options, after: After, out: Path) -> Path:
    """A folder of a data set that Hugging Face's library saved, its other splits as they are."""
    import datasets

    library: Any = datasets

    splits = saved.read_saved(folder)
    name = saved.split_for_training(splits, folder.name)
    train = splits[name]
    numbering = [n for n in train.column_names if columns.class_names(train.schema, n)]
    label = options.label or (numbering[0] if len(numbering) == 1 else None)
    label = label or own.label_of(train.column_names, folder, options)[0]
    cells = {**_inputs(train, label, options, after), **_label_cells(train, label, after)}
    splits[name] = _labelled(edited(train, after, cells), label, after)
    place = out / folder.absolute().name
    whole: Any = {
        name: library.Dataset(library.table.InMemoryTable(t)) for name, t in splits.items()
    }
    single = (folder / "state.json").is_file()
    (whole[name] if single else library.DatasetDict(whole)).save_to_disk(str(place))
    return place


def image_folder(path: Path, options: Options, after: After, out: Path) -> Path:
    """A folder per class, its files linked; images that changed are PNG files."""
    train, test, items = folders.folders(path, options)
    _check_rows(len(items.files), after, path)
    place = out / (path.absolute().name or "images")
    inside = place / train.relative_to(path)
    new, classes = (
        dict(zip(after.rows.tolist(), _each(after.x), strict=True)),
        after.dataset.classes,
    )
    taken: set[Path] = set()
    for row, (source, label) in enumerate(
        zip(after.source.tolist(), after.labels.tolist(), strict=True)
    ):
        old = items.files[source] if source >= 0 else Path(f"{NEW}.png")
        wanted = inside / classes[label] / old.name
        file = _free(wanted.with_suffix(".png") if row in new else wanted, old.parent.name, taken)
        file.parent.mkdir(parents=True, exist_ok=True)
        if row in new:
            _write_png(new[row], file)
        else:
            _link(old, file)
    if test is not None:
        beside = test.is_relative_to(path)
        _link_all(test, place / test.relative_to(path) if beside else _beside(out, test, path))
    return place


def _free(wanted: Path, of_class: str, taken: set[Path]) -> Path:
    """A file's name that is not taken: with the class it comes from, or a number."""
    file, number = wanted, 1
    while file in taken:
        more = of_class if number == 1 and of_class != wanted.parent.name else str(number)
        file, number = wanted.with_stem(f"{wanted.stem}-{more}"), number + 1
    taken.add(file)
    return file


def _check_rows(n: int, after: After, path: Path) -> None:
    """Raise where files were passed over: nobody would know which item is which."""
    if n != after.dataset.n_train:
        passed = n - after.dataset.n_train
        expected = "expected images alone (take the others out first)"
        raise DataError(f"{path}: {passed:,} of {n:,} files are no images: {expected}")


def _labels(given: Any, after: After) -> Any:
    """Labels (m,) as the user has them."""
    given = np.asarray(given)
    flat = given[:, 0] if given.ndim == 2 else given
    codes, _, _ = encode(flat, None, after.dataset.classes, "labels")
    found = flat[np.maximum(after.source, 0)]
    ((rows, values),) = labels_of("", flat, codes, after).values()
    new = np.array(values, flat.dtype if flat.dtype.kind not in "US" else None)
    if len(rows):
        found = found.astype(np.result_type(found, new))
        found[rows] = new
    return found[:, None] if given.ndim == 2 else found


def _aside(given: Any, after: After) -> Any:
    """Groups (m,); each item that is new in every way is one of its own."""
    found, new = given[np.maximum(after.source, 0)], after.source < 0
    if new.any():
        found = found.astype(object)
        found[new] = [f"{NEW} {k}" for k in range(int(new.sum()))]
        found = found.astype(str)
    return found


def _label_cells(table: Any, label: str | None, after: After) -> Cells:
    """The cells of a table's column of labels that change."""
    if label is None:
        return {}
    raw = np.array(table.column(label).to_pylist(), object)
    codes, _, _ = encode(columns.labels(table, label, label), None, after.dataset.classes, label)
    return labels_of(label, raw, codes, after)


def _labelled(table: Any, label: str | None, after: After) -> Any:
    """A table with a column of labels, where all of them were in another file."""
    import pyarrow as pa

    if label is not None:
        return table
    names = np.array(after.dataset.classes, object)[after.labels]
    return table.append_column("label", pa.array(names.tolist(), pa.string()))


def _inputs(table: Any, label: str | None, options: Options, after: After) -> Cells:
    """The cells of a table's columns of inputs that change."""
    if after.x is None:
        return {}
    images = image_cells(table)
    if images is not None:
        values = [_cell(_png(x), table.schema.field(images).type) for x in _each(after.x)]
        return {images: (after.rows, values)}
    aside = label, options.group, options.weight, *options.drop
    rest, _ = columns.without_index(
        table.drop_columns([n for n in aside if n in table.column_names])
    )
    return native(after.cells(rest.column_names), table.schema)


def _cell(content: bytes, kind: Any) -> Any:
    """An image file as a cell of a table has it."""
    import pyarrow as pa

    if not pa.types.is_struct(kind):
        return content
    return {kind.field(k).name: None for k in range(kind.num_fields)} | {"bytes": content}


def _image_files(table: Any, column: str, after: After, path: Path, out: Path) -> list[str | None]:
    """Link the images that a table names, write those that changed; the paths (m,)."""
    given = table.column(column).to_pylist()
    found = [given[source] if source >= 0 else None for source in after.source.tolist()]
    for row, x in zip(after.rows.tolist(), _each(after.x), strict=True):
        found[row] = f"{NEW}/{row:06d}.png"
        (out / NEW).mkdir(exist_ok=True)
        _write_png(x, out / str(found[row]))
    written = {*after.rows.tolist()}
    for row, name in enumerate(found):
        if row in written or name is None:
            continue
        if os.path.isabs(name) or ".." in Path(name).parts:
            found[row] = os.path.abspath(path.parent / name)
        else:
            (out / name).parent.mkdir(parents=True, exist_ok=True)
            _link(path.parent / name, out / name)
    return found


def _text(value: Any, decimal: str) -> str | None:
    """A cell as a text file has it; nothing for a gap."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, float):
        whole = value.is_integer() and abs(value) < 1e15
        return str(int(value)) if whole else repr(value).replace(".", decimal)
    return str(value)


def _write_text(table: Any, path: Path, layout: delimited.Layout, place: Path) -> None:
    """A table of texts as a file of delimited text, with the names of columns as they were."""
    import pyarrow as pa

    lines = csv.reader(
        io.StringIO(delimited.read_text(path), newline=""), delimiter=layout.delimiter
    )
    head = next(line for line in lines if line)
    head += table.column_names[len(head) :]
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, delimiter=layout.delimiter, lineterminator="\n")
    writer.writerow(head)
    writer.writerows(zip(*(column.to_pylist() for column in table.columns), strict=True))
    try:
        content = buffer.getvalue().encode(layout.encoding)
    except UnicodeEncodeError:  # the new cells have letters that Windows-1252 has not
        content = buffer.getvalue().encode()
    with pa.output_stream(str(place), compression="detect") as file:
        file.write(content)


def _write_typed(table: Any, place: Path) -> None:
    """A table as a Parquet, Feather or Arrow file."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    if tablefile.suffix(place) in tablefile.PARQUET:
        pq.write_table(table, str(place))
        return
    with pa.OSFile(str(place), "wb") as file, pa.ipc.new_file(file, table.schema) as writer:
        writer.write_table(table)


def _each(x: Inputs | None) -> Sequence[Any]:
    return () if x is None else x


def _png(x: Any) -> bytes:
    buffer = io.BytesIO()
    _write_png(x, buffer)
    return buffer.getvalue()


def _write_png(x: Any, to: Path | io.BytesIO) -> None:
    """Write pixels (channels, height, width): uint8, or from 0 to 1 with 16 bits where grey."""
    from PIL import Image

    if x.dtype != np.uint8:
        most, kind = (65535, np.uint16) if len(x) == 1 else (255, np.uint8)
        x = np.clip(np.rint(x * most), 0, most).astype(kind)
    pixels = x[0] if len(x) == 1 else np.ascontiguousarray(np.moveaxis(x, 0, 2))
    Image.fromarray(pixels).save(to, format="PNG")


def _test(options: Options, out: Path, path: Path) -> Path | None:
    """Write the file of a test set, as it is; where it was, if there is one."""
    test = options.file("test")
    if test is not None:
        _link(test, _beside(out, test, path))
    return test


def _beside(out: Path, test: Path, path: Path) -> Path:
    """Where a test set is written: under its own name, unless that is the training set's."""
    name = test.absolute().name
    place = out / ("test" if name == path.absolute().name else "") / name
    place.parent.mkdir(exist_ok=True)
    return place


def _link(old: Path, new: Path) -> None:
    """One file under another name, too; a copy where file systems differ."""
    with suppress(FileExistsError):
        try:
            os.link(os.path.realpath(old), new)
        except FileExistsError:
            raise
        except OSError:
            shutil.copy2(old, new)


def _link_all(old: Path, new: Path) -> None:
    for folder, _, files in _walk(old):
        place = new / folder.relative_to(old)
        place.mkdir(parents=True, exist_ok=True)
        for name in files:
            _link(folder / name, place / name)


def _walk(path: Path) -> Iterator[tuple[Path, list[str], list[str]]]:
    return ((Path(folder), folders, files) for folder, folders, files in os.walk(path))
