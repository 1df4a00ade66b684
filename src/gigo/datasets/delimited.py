"""Tables in text files: CSV, and its relatives with semicolons, tabs or bars."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

from gigo.datasets.untrusted import check_plain, reading
from gigo.errors import DataError

DELIMITERS = ",;\t|"
"""What may separate fields."""

SAMPLE, RECORDS = 1 << 20, 200
"""Bytes and records from which the delimiter and the decimal sign are told."""

BLOCK = 1 << 24
"""Bytes that are parsed at a time; no record may be longer."""

EXPECTED = "a table of text: a line of column names, then as many fields in every line"

_DATES = "%d.%m.%Y", "%d.%m.%Y %H:%M", "%d.%m.%Y %H:%M:%S", "%Y/%m/%d"
"""Dates that are recognised beside ISO 8601; those with day and month in any order are not."""

_FRACTION = re.compile(r"[+-]?\d*\.\d+([eE][+-]?\d+)?")
_COMMA_FRACTION = re.compile(r"[+-]?\d*,\d+([eE][+-]?\d+)?")


class Layout(NamedTuple):
    """How a table lies in a text file.

    Attributes:
        encoding: as Python calls it.
        delimiter: between fields.
        decimal: the decimal sign.
        names: of the columns, each once; one without a name is ``Unnamed: K`` by its position
            from 0, as pandas calls it.
        notes: what is to be said of it, a line each.
    """

    encoding: str
    delimiter: str
    decimal: str
    names: tuple[str, ...]
    notes: tuple[str, ...]


def look(path: Path) -> Layout:
    """How a table lies in a text file, packed or not.

    Encodings are UTF-8, UTF-16 with its mark, else Windows-1252. The delimiter is the one of
    `DELIMITERS` by which all of the first records have the same number of fields, the more the
    better.

    Raises:
        DataError: it can't be read, is no text, or has no line of column names.
    """
    with reading(path, EXPECTED):
        check_plain(path)
        encoding = _encoding(path)
        sample = _sample(path, encoding)
        delimiter = _delimiter(sample)
        records = _records(sample, delimiter)
        if not records:
            raise DataError("no line in it: expected column names in the first one")
        names, notes = _distinct(records[0])
        if any(_FRACTION.fullmatch(name.strip()) for name in records[0]):
            first = delimiter.join(records[0])[:60]
            raise DataError(f"first line {first!r}: expected column names, not numbers")
        decimal = _decimal(records[1:], delimiter)
    if encoding == "cp1252":
        notes += ("is not UTF-8: read as Windows-1252",)
    if decimal == ",":
        notes += ("numbers have decimal commas",)
    return Layout(encoding, delimiter, decimal, names, notes)


def read(path: Path, layout: Layout, types: Mapping[str, Any]) -> Any:
    """The table in a text file, a ``pyarrow.Table``.

    Args:
        path: the file.
        layout: how it lies there.
        types: pyarrow's types of some columns; those of others follow from all their values.

    Raises:
        DataError: a line has other fields than the first one, or a value is not of its type.
    """
    from pyarrow import csv as arrow

    with reading(path, EXPECTED):
        table = arrow.read_csv(
            _stream(path),
            arrow.ReadOptions(
                encoding=layout.encoding,
                block_size=BLOCK,
                column_names=list(layout.names),
                skip_rows_after_names=1,
            ),
            arrow.ParseOptions(delimiter=layout.delimiter, newlines_in_values=True),
            arrow.ConvertOptions(
                column_types=dict(types),
                decimal_point=layout.decimal,
                timestamp_parsers=[arrow.ISO8601, *_DATES],
            ),
        )
        if _unclosed(path, table):
            raise DataError("a quote that opens a field is never closed")
    return table


def place(path: Path, layout: Layout, row: int) -> str:
    """Where a row of the table, counted from 0, begins in a text file: ``in line 203``."""
    text = io.StringIO(read_text(path), newline="")
    reader = csv.reader(text, delimiter=layout.delimiter)
    begins, seen = 1, -1  # the first record has the names
    with suppress(csv.Error):  # as in `_records`
        for record in reader:
            if record:
                if seen == row:
                    return f"in line {begins:,}"
                seen += 1
            begins = reader.line_num + 1
    return f"in row {row:,} (counted from 0)"


def _stream(path: Path) -> Any:
    """The unpacked bytes of a file, whose name's end says how it is packed."""
    import pyarrow as pa

    return pa.input_stream(str(path), compression="detect")


def _encoding(path: Path) -> str:
    """The first encoding in which all bytes of a file are text."""
    with _stream(path) as file:
        if file.read(2) in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
            return "utf-16"
    for encoding in ("utf-8", "cp1252"):
        decoder = codecs.getincrementaldecoder(encoding)()
        try:
            with _stream(path) as file:
                while block := file.read(SAMPLE):
                    if b"\0" in block:
                        raise DataError("zero bytes in it: expected text")
                    decoder.decode(block)
                decoder.decode(b"", final=True)
            return encoding
        except UnicodeDecodeError:
            continue
    raise DataError("neither UTF-8 nor Windows-1252: expected text in one of them")


def _sample(path: Path, encoding: str) -> str:
    """The beginning of the text, without the last record where there is more."""
    with _stream(path) as file:
        content = file.read(SAMPLE)
        more = bool(file.read(1))
    text = codecs.getincrementaldecoder(encoding)().decode(content).removeprefix("\ufeff")
    return text[: text.rfind("\n") + 1] or text if more else text


def _records(sample: str, delimiter: str) -> list[list[str]]:
    """The first records of a text as fields; lines without anything are none."""
    records: list[list[str]] = []
    with suppress(csv.Error):  # a field of more than 100,000 characters: those before tell enough
        for record in csv.reader(io.StringIO(sample, newline=""), delimiter=delimiter):
            records += [record] if record else []
            if len(records) == RECORDS:
                break
    return records


def _delimiter(sample: str) -> str:
    """The delimiter by which most fields are in every record.

    Where there is none (a line is too long or too short), the one with most names in the first.
    """

    def fit(delimiter: str) -> tuple[int, int, bool]:
        widths = [len(record) for record in _records(sample, delimiter)] or [0]
        even = len({*widths}) == 1
        return (widths[0] if even and widths[0] > 1 else 0, widths[0], even)

    return max(DELIMITERS, key=fit)


def _decimal(records: Sequence[Sequence[str]], delimiter: str) -> str:
    """A comma where fields have fractions after one, and none after a point."""
    if delimiter == ",":
        return "."
    fields = [field.strip() for record in records for field in record]
    commas = any(_COMMA_FRACTION.fullmatch(field) for field in fields)
    points = any(_FRACTION.fullmatch(field) for field in fields)
    return "," if commas and not points else "."


def _distinct(names: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Names that differ, and what is to be said of those that did not.

    >>> _distinct(["a", "", "a"])
    (('a', 'Unnamed: 1', 'a.1'), ("2 columns are called 'a': now 'a', 'a.1'",))
    """
    named = [name.strip() or f"Unnamed: {k}" for k, name in enumerate(names)]
    taken = {*named}
    found: dict[str, str] = {}
    for name in named:
        numbered = (f"{name}.{number}" for number in count(1))
        free = (new for new in numbered if new not in found and new not in taken)
        found[next(free) if name in found else name] = name
    notes = [
        f"{n} columns are called {name!r}: now "
        + ", ".join(repr(new) for new, old in found.items() if old == name)
        for name, n in Counter(named).items()
        if n > 1
    ]
    return tuple(found), tuple(notes)


def _unclosed(path: Path, table: Any) -> bool:
    """Whether the last field goes on to the end of the file since its quote is never closed."""
    import pyarrow as pa

    kind = table.schema.types[-1]
    if not (table.num_rows and (pa.types.is_string(kind) or pa.types.is_large_string(kind))):
        return False
    last = table.column(table.num_columns - 1)[-1].as_py()
    if not last or "\n" not in last:
        return False
    with _stream(path) as file:
        end = b""
        while block := file.read(SAMPLE):
            end = block.rstrip(b"\0\r\n") or end
    return not end.endswith(b'"')


def read_text(path: Path) -> str:
    """All of a text file, packed or not, without the mark before it; encodings as in `look`.

    Raises:
        DataError: it is no text.
        OSError: it can't be read.
    """
    encoding = _encoding(path)
    with _stream(path) as file:
        return file.read().decode(encoding).removeprefix("\ufeff")
