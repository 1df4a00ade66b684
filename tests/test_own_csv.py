"""Tables in text files, as programs and people write them."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gigo.datasets import delimited, from_memory, from_path
from gigo.errors import DataError, SpecError
from gigo.types import Dataset

ROWS = [
    (k / 8, 10 * k, f"{'größer' if k % 3 else 'kleiner'}, {k}", "ja" if k % 2 else "nein")
    for k in range(12)
]
NAMES = ["länge", "count", "says", "label"]


def written(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def table(delimiter: str = ",", decimal: str = ".", end: str = "\n") -> str:
    file = io.StringIO()
    writer = csv.writer(file, delimiter=delimiter, lineterminator=end)
    writer.writerow(NAMES)
    for row in ROWS:
        writer.writerow([f"{row[0]}".replace(".", decimal), *row[1:]])
    return file.getvalue()


def everything(dataset: Dataset) -> pd.DataFrame:
    """All items with their labels' names, training items first."""
    x_test, y_test = dataset.tests["test"]
    x = pd.concat([dataset.x_train, x_test], ignore_index=True)
    return x.assign(label=[dataset.classes[code] for code in [*dataset.y_train, *y_test]])


def small(path: Path, content: str | bytes, **options: Any) -> Dataset:
    return from_path(written(path, content), **options)


@pytest.mark.parametrize(
    ("content", "note"),
    [
        (table(";").encode(), None),
        (table(";", ",").encode(), "numbers have decimal commas"),
        (table("\t", ",", "\r\n").encode(), "numbers have decimal commas"),
        (table("|").encode(), None),
        (b"\xef\xbb\xbf" + table().encode(), None),
        (table(end="\r\n").encode("utf-16"), None),
        (table(";", ",").encode("cp1252"), "is not UTF-8: read as Windows-1252"),
        (gzip.compress(table().encode()), None),
    ],
    ids=["semicolons", "decimal commas", "tabs", "bars", "mark", "UTF-16", "Windows-1252", "gzip"],
)
def test_how_a_table_is_written_does_not_matter(
    content: bytes, note: str | None, tmp_path: Path
) -> None:
    plain = small(tmp_path / "plain.csv", table())
    packed = content.startswith(b"\x1f\x8b")
    other = small(tmp_path / ("other.csv.gz" if packed else "other.csv"), content)
    assert other.sha256 == plain.sha256
    assert other.classes == ("ja", "nein")
    assert other.name == "other"
    assert note is None or note in other.notes
    assert not any("comma" in each or "UTF-8" in each for each in plain.notes)


def test_values_are_those_written(tmp_path: Path) -> None:
    dataset = small(tmp_path / "a.csv", table())
    found = everything(dataset)
    assert dataset.kind == "table"
    assert sorted(found["länge"]) == [row[0] for row in ROWS]
    assert {(a, b) for a, b in zip(found["says"], found["label"], strict=True)} == {
        row[2:] for row in ROWS
    }
    assert dict(found.dtypes.map(str))["says"] == "category"
    assert "labels: column 'label', by its name" in dataset.notes


cells = st.text(st.characters(exclude_categories=["C"], include_characters="\n"), max_size=12)


@given(
    rows=st.lists(st.tuples(cells, st.floats(allow_nan=False, allow_infinity=False)), min_size=2),
    delimiter=st.sampled_from(delimited.DELIMITERS),
)
def test_any_text_and_number_comes_back(
    rows: list[tuple[str, float]], delimiter: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    file = io.StringIO()
    writer = csv.writer(file, delimiter=delimiter, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerows([("words", "number"), *((word, repr(number)) for word, number in rows)])
    path = written(tmp_path_factory.mktemp("any") / "any.csv", file.getvalue())
    layout = delimited.look(path)
    assert layout.names == ("words", "number")
    assert layout.delimiter == delimiter
    read = delimited.read(path, layout, {"words": pa.string(), "number": pa.float64()})
    assert read.column("words").to_pylist() == [word for word, _ in rows]
    assert read.column("number").to_pylist() == [number for _, number in rows]


def test_line_breaks_within_quotes(tmp_path: Path) -> None:
    content = 'text,kind\n"one\ntwo, ""three""",a\nfour,b\n"five\r\n",a\nsix,b\n'
    dataset = small(tmp_path / "a.csv", content, label="kind", test_share=0.5)
    texts = [*dataset.x_train, *dataset.tests["test"][0]]
    assert dataset.kind == "text"
    assert sorted(texts) == ["five\r\n", "four", 'one\ntwo, "three"', "six"]


def test_an_index_column_is_left_out(tmp_path: Path) -> None:
    frame = pd.DataFrame({"a": np.arange(8) / 2, "label": list("uv") * 4})
    frame.to_csv(tmp_path / "with.csv")
    frame.to_csv(tmp_path / "without.csv", index=False)
    frame.sample(frac=1, random_state=0).to_csv(tmp_path / "drawn.csv")
    with_it, without, drawn = (
        from_path(tmp_path / f"{name}.csv") for name in ("with", "without", "drawn")
    )
    assert with_it.sha256 == without.sha256
    assert list(drawn.x_train.columns) == ["a"]
    said = "column 0, which has no name and numbers the rows, is left out"
    assert said in with_it.notes and said in drawn.notes and said not in without.notes


def test_columns_of_one_name_are_told_apart(tmp_path: Path) -> None:
    dataset = small(tmp_path / "a.csv", "a,a,a.1,y\n1,2,3,u\n4,5,6,v\n7,8,9,u\n1,1,1,v\n")
    assert list(dataset.x_train.columns) == ["a", "a.2", "a.1"]
    assert "2 columns are called 'a': now 'a', 'a.2'" in dataset.notes


def test_dates_are_days(tmp_path: Path) -> None:
    days = ["1970-01-02", "1969-12-31", "", "2000-01-01"]
    hours = ["1970-01-01 06:00", "1970-01-01 12:00", "", "1970-01-02 00:00"]
    german = ["2.1.1970", "31.12.1969", "", "01.01.2000"]
    lines = [
        f"{a},{b},{c},{k % 2}" for k, (a, b, c) in enumerate(zip(days, hours, german, strict=True))
    ]
    dataset = small(tmp_path / "a.csv", "\n".join(["day,hour,tag,y", *lines]), test_share=0.5)
    found = everything(dataset)
    assert sorted(found["day"].dropna()) == [-1, 1, 10957]
    assert sorted(found["hour"].dropna()) == [0.25, 0.5, 1]
    assert sorted(found["tag"].dropna()) == [-1, 1, 10957]
    assert found.isna().sum().sum() == 3
    assert "column 'day': days since 1970-01-01" in dataset.notes


def test_labels_are_read_as_text(tmp_path: Path) -> None:
    lines = ["x,y", "1,10", "2,NA", "3,9", "4,10", "5,NA", "6,9"]
    dataset = small(tmp_path / "a.csv", "\n".join(lines))
    assert dataset.classes == ("10", "9", "NA")
    numbers = small(tmp_path / "b.csv", "\n".join(lines).replace("NA", "-1"))
    assert numbers.classes == ("-1", "9", "10")
    codes = everything(numbers)
    assert dict(zip(codes["x"], codes["label"], strict=True))[4] == "10"


def test_only_empty_labels_are_missing(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="2 of 5 labels are missing"):
        small(tmp_path / "a.csv", "x,y\n1,\n2,nan\n3,null\n4,\n5,nan\n")


def test_words_for_no_value_are_missing_among_inputs(tmp_path: Path) -> None:
    dataset = small(tmp_path / "a.csv", "n,w,b,y\n1,NA,true,u\nNA,a,false,v\n3,,true,u\n4,b,,v\n")
    found = everything(dataset)
    assert found.isna().sum().to_dict() == {"n": 1, "w": 2, "b": 1, "label": 0}
    assert {*found["w"].dropna()} == {"a", "b"}
    assert {*found["b"].dropna()} == {"True", "False"}


def test_a_column_of_sentences_beside_others_is_free_text(tmp_path: Path) -> None:
    lines = [f"{k},number {k} says this and that,{k % 3},{k % 2}" for k in range(12)]
    dataset = small(tmp_path / "a.csv", "\n".join(["n,says,kind,y", *lines]))
    assert dataset.x_train.dtypes.map(str).tolist() == ["float64", "object", "float64"]


def test_one_column_of_words_is_texts_unless_told_otherwise(tmp_path: Path) -> None:
    path = written(tmp_path / "a.csv", "colour,y\nred,1\nblue,2\nred,1\nblue,2\n")
    assert from_path(path).x_train == ["red", "blue"] or from_path(path).kind == "text"
    assert from_path(path, kind="table").x_train.dtypes.map(str).tolist() == ["category"]


def test_the_test_set_of_another_file(tmp_path: Path) -> None:
    train = written(tmp_path / "train.csv", "a,b,g,y\n1,u,1,p\n2,v,1,q\n3,u,2,p\n")
    test = written(tmp_path / "test.csv", ";y;b;a\n0;q;w;2,5\n")
    dataset = from_path(train, test=str(test), group="g", label="y")
    x, y = dataset.tests["test"]
    assert dataset.n_train == 3 and dataset.groups is not None
    assert dataset.groups.tolist() == [0, 0, 1]
    assert list(x.columns) == list(dataset.x_train.columns) == ["a", "b"]
    assert x["a"].tolist() == [2.5] and x["b"].tolist() == ["w"] and y.tolist() == [1]


def test_types_of_the_test_set_are_those_of_training(tmp_path: Path) -> None:
    train = written(tmp_path / "train.csv", "a,b,y\n1,x,p\n2,7,q\n3,8,p\n")
    same = written(tmp_path / "same.csv", "a,b,y\n1,7,p\n2,8,q\n")
    x, _ = from_path(train, test=same).tests["test"]
    assert x["b"].tolist() == ["7", "8"] and x["b"].dtype.name == "category"
    other = written(tmp_path / "other.csv", "a,b,y\nsome,7,p\n")
    with pytest.raises(DataError, match=r"other\.csv: .*'?some"):
        from_path(train, test=other)


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ("a,y", "test.csv: lacks 'b': expected the columns of train.csv"),
        ("a,b,c,y", "test.csv: has also 'c': expected the columns of train.csv"),
        ("a,B,y", "test.csv: lacks 'b' and has 'B' instead: expected the columns of train.csv"),
    ],
)
def test_the_test_set_has_the_same_columns(header: str, message: str, tmp_path: Path) -> None:
    train = written(tmp_path / "train.csv", "a,b,y\n1,2,p\n3,4,q\n")
    row = ",".join("1" for _ in header.split(","))
    test = written(tmp_path / "test.csv", f"{header}\n{row}\n")
    with pytest.raises(DataError) as error:
        from_path(train, test=test)
    assert str(error.value) == message


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "no line in it: expected column names"),
        ("x,y\n", "no items"),
        ("x,y\n1,2\n3\n", "Expected 2 columns, got 1"),
        ("x,y\n1,2\n3,4,5\n", "Expected 2 columns, got 3"),
        ('x,y\n1,2\n3,"4\n5,6\n', "a quote that opens a field is never closed"),
        ("5.1,3.5,a\n4.9,3.0,b\n", "first line '5.1,3.5,a': expected column names, not numbers"),
        ("x,y\n1,\0\n", "zero bytes in it: expected text"),
        (b"x,y\n1,\x81\n", "neither UTF-8 nor Windows-1252"),
        ("y\na\nb\n", "no column beside that of the labels"),
    ],
)
def test_what_is_no_table(content: str | bytes, message: str, tmp_path: Path) -> None:
    with pytest.raises(DataError) as error:
        small(tmp_path / "a.csv", content, label="y") if "y" in str(content) else small(
            tmp_path / "a.csv", content
        )
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_a_column_that_is_not_there(tmp_path: Path) -> None:
    wide = ",".join(f"c{k}" for k in range(30))
    path = written(tmp_path / "a.csv", f"Species,{wide}\nu,{wide}\nv,{wide}\n")
    with pytest.raises(SpecError) as error:
        from_path(path, label="spicies")
    listed = ", ".join(f"c{k}" for k in range(19))
    assert str(error.value) == (
        f"label = 'spicies': expected a column of a.csv: Species, {listed} and 11 more "
        "(did you mean 'Species'?)"
    )
    with pytest.raises(DataError, match="which column has the labels"):
        from_path(path)
    with pytest.raises(SpecError, match=r"group = 'who': expected a column of a\.csv: Species"):
        from_path(path, label="Species", group="who")


def test_two_columns_that_look_like_labels(tmp_path: Path) -> None:
    with pytest.raises(
        DataError, match=r"a\.csv: which column has the labels.* one of target, Label$"
    ):
        small(tmp_path / "a.csv", "target,Label,x\n1,2,3\n")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"lable": "y"}, "dataset.key = 'lable': expected one of .* (did you mean 'label'?)"),
        ({"resize": 8}, "dataset.resize = 8: expected no such option: a.csv names no images"),
        ({"test_share": 1.5}, "dataset.test_share = 1.5: expected a number above 0 and below 1"),
        ({"classes": "uv"}, "dataset.classes = 'uv': expected a list of classes"),
        ({"label": 3}, "dataset.label = 3: expected the name of a column"),
        ({"kind": "vectors"}, "dataset.kind = 'vectors': expected 'image', 'table', 'text' or"),
        ({"kind": "image"}, "dataset.kind = 'image': expected table"),
        ({"test": "a.csv", "seed": 1}, "dataset.seed = 1: expected none: the test set is given"),
    ],
)
def test_options_that_are_no_use(
    options: dict[str, Any], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    written(Path("a.csv"), "a,b,y\n1,2,u\n2,3,v\n3,4,u\n4,5,v\n")
    with pytest.raises(SpecError) as error:
        from_path("a.csv", **options)
    start, _, end = message.partition(".*")
    assert str(error.value).startswith(start) and str(error.value).endswith(end or "")


def test_words_that_seem_to_be_something_else_are_told(tmp_path: Path) -> None:
    lines = [f"{'?' if k in (3, 7) else k},id{k},{'ab'[k % 2]},{k % 2}" for k in range(30)]
    dataset = small(tmp_path / "a.csv", "\n".join(["age,who,kind,y", *lines]))
    assert [note for note in dataset.notes if note.startswith("column")] == [
        "column 'age': words, since 2 of 30 values are no numbers, such as '?'",
        "column 'who': 30 different words in 30 items, each taken for a category",
    ]


@pytest.mark.parametrize("numbers", [range(100, 112), [f"c-{k}" for k in range(12)]])
def test_a_column_that_names_rows_is_told_and_can_be_left_out(
    numbers: Sequence[object], tmp_path: Path
) -> None:
    frame = pd.DataFrame({"a": np.arange(12) / 2, "the id": numbers, "y": list("uv") * 6})
    frame.to_csv(tmp_path / "a.csv", index=False)
    frame.drop(columns="the id").to_csv(tmp_path / "b.csv", index=False)
    told = "column 'the id' has a value of its own per row"
    left_out = f"{told}: drop = \"the id\", --drop 'the id', leaves it out"
    assert left_out in from_path(tmp_path / "a.csv").notes
    assert f"{told}: leave it out of X, if it is no input" in from_memory(frame, "y").notes
    plain, without = (
        from_path(tmp_path / "b.csv"),
        from_path(tmp_path / "a.csv", drop="the id", test_share=0.2),
    )
    assert without.sha256 == plain.sha256
    assert not any("of its own" in note for note in without.notes)
    tested = from_path(tmp_path / "a.csv", drop=["the id"], test=tmp_path / "b.csv")
    assert list(tested.x_train.columns) == ["a"]
    with pytest.raises(SpecError, match=r"drop = 'th id': .* \(did you mean 'the id'\?\)"):
        from_path(tmp_path / "a.csv", drop=["th id"])
    with pytest.raises(SpecError, match=r"drop = 'y': expected columns of inputs: .* the label"):
        from_path(tmp_path / "a.csv", drop=["y"])


def test_a_missing_label_is_found_by_its_line(tmp_path: Path) -> None:
    lines = ["a,b,y", '1,"one', 'two",u', "", "2,x,v", "3,x,  ", "4,x,u", "5,x,"]
    content = "\n".join(lines)
    path = written(tmp_path / "a.csv", content)
    with pytest.raises(DataError, match=r"a\.csv: 2 of 5 labels are missing, the first in line 6:"):
        from_path(path)
    whole = written(tmp_path / "b.csv", content.replace("  ", "u").replace("5,x,", "5,x,v"))
    with pytest.raises(DataError, match=r"a\.csv: 2 of 5 labels are missing, the first in line 6:"):
        from_path(whole, test=path)
    table = pd.DataFrame({"a": range(4), "y": [1.0, 0.0, np.nan, 1.0]})
    table.to_parquet(tmp_path / "a.parquet")
    with pytest.raises(DataError, match=r"the first in row 2 \(counted from 0\)"):
        from_path(tmp_path / "a.parquet")
