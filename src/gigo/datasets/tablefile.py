"""Tables in files of any kind: text, Parquet, Feather and Arrow."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from gigo.datasets import delimited
from gigo.datasets.untrusted import check_plain, reading
from gigo.errors import DataError

TEXT = ".csv", ".tsv", ".tab", ".txt"
PARQUET = ".parquet", ".pq"
ARROW = ".feather", ".arrow", ".ipc"
SUFFIXES = *TEXT, *PARQUET, *ARROW
"""What the name of a table's file may end in; that of a text also with one of `PACKED` after it."""

PACKED = ".gz", ".bz2", ".zst"


class Opened(NamedTuple):
    """A table of which only the columns' names are known as yet.

    Attributes:
        names: of the columns.
        read: pyarrow's types of some columns -> ``pyarrow.Table``; raises DataError.
        typed: whether the file says what its columns are; if not, it follows from their values.
        notes: what is to be said of it, a line each.
        place: where a row of the table is in the file, for people.
    """

    names: Sequence[str]
    read: Callable[[Mapping[str, Any]], Any]
    typed: bool
    notes: tuple[str, ...] = ()
    place: Callable[[int], str] = "in row {} (counted from 0)".format


def ending(path: Path) -> str:
    """What says of which kind a file is, as its name has it: ``.csv``, ``.CSV.gz``.

    >>> ending(Path("a.b.CSV.gz")), ending(Path("a.tar.gz"))
    ('.CSV.gz', '.gz')
    """
    stem, end = os.path.splitext(path.name)
    inner = os.path.splitext(stem)[1]
    packed = end.lower() in PACKED and inner.lower() in TEXT
    return inner + end if packed else end


def suffix(path: Path) -> str:
    """The same in small letters, without what says that it is packed.

    >>> suffix(Path("a.CSV.gz")), suffix(Path("a.parquet"))
    ('.csv', '.parquet')
    """
    name = ending(path).lower()
    return next((name.removesuffix(each) for each in PACKED if name.endswith(each)), name) or name


def open_table(path: Path) -> Opened:
    """The table in a file, whose name's end says of which kind it is.

    Raises:
        DataError: it can't be read.
    """
    kind = suffix(path)
    if kind in TEXT:
        layout = delimited.look(path)
        place = partial(delimited.place, path, layout)
        return Opened(
            layout.names, partial(delimited.read, path, layout), False, layout.notes, place
        )
    names = _parquet_names if kind in PARQUET else _arrow_names
    read = _read_parquet if kind in PARQUET else _read_arrow
    with reading(path, f"a whole {'Parquet' if kind in PARQUET else 'Feather or Arrow'} file"):
        check_plain(path)
        found = names(path)
    if len({*found}) < len(found):
        twice = next(name for name in found if found.count(name) > 1)
        raise DataError(f"{path}: two columns {twice!r}: expected different names")
    return Opened(found, partial(_read_typed, path, read), True)


def _read_typed(path: Path, read: Callable[[Path], Any], types: Mapping[str, Any]) -> Any:
    """A table whose columns have types, some of them cast to others."""
    with reading(path, "a whole file of a table"):
        table = read(path)
    for place, name in enumerate(table.column_names):
        if name in types and table.schema.types[place] != types[name]:
            with reading(path, f"column {name!r} to be {types[name]}"):
                table = table.set_column(place, name, table.column(place).cast(types[name]))
    return table


def _parquet_names(path: Path) -> list[str]:
    import pyarrow.parquet as pq

    return pq.read_schema(path).names


def _read_parquet(path: Path) -> Any:
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        return file.read()


def _arrow_names(path: Path) -> list[str]:
    return _open_arrow(path).schema.names


def _read_arrow(path: Path) -> Any:
    return _open_arrow(path).read_all()


def _open_arrow(path: Path) -> Any:
    """A reader of a Feather file or an Arrow file, which are the same, or of an Arrow stream."""
    import pyarrow as pa

    source = pa.memory_map(str(path))
    try:
        return pa.ipc.open_file(source)
    except pa.ArrowInvalid:
        source.seek(0)
        return pa.ipc.open_stream(source)
