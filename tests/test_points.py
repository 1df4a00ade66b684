"""Tables of published points, read from CSV and compared with a run."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from factories import grid_of
from gigo.analysis.comparison import compare
from gigo.analysis.points import NUMBERS, Side, read
from gigo.errors import SpecError
from synthetic import demo_accuracy, demo_status, demo_study, make_frame

HEADING = "dataset,size,corruption,rate,accuracy"


def written(folder: Path, *rows: str, heading: str = HEADING) -> Path:
    path = folder / "points.csv"
    path.write_text("\n".join([heading, *rows]) + "\n", encoding="utf-8")
    return path


def a_run() -> Side:
    study = demo_study()
    frame = make_frame(study, demo_accuracy, demo_status)
    return Side.of_run("run", frame, [grid_of(study)])


def test_points_are_compared_where_a_run_has_them(tmp_path):
    rows = "digits,200,symmetric,0,0.9", "digits,all,biased,0.30,0.5", "mnist,all,biased,0.3,0.5"
    found = compare(a_run(), read(written(tmp_path, *rows, "digits,1347,biased,0.35,.5")))
    assert found.frame[["size", "rate", "mean_b"]].to_numpy().tolist() == [
        [1347, 0.3, 0.5],
        [200, 0.0, 0.9],
    ]
    assert set(found.frame["method"]) == {"prediction"}
    assert found.only_b == 2
    assert set(found.frame["model_b"]) == {"unknown"}
    assert found.published is not None
    assert "points.csv" in found.published.note


def test_a_run_s_own_table_is_a_table_of_points(tmp_path):
    run = a_run()
    run.frame.to_csv(tmp_path / "run.csv", index=False)
    found = compare(run, read(tmp_path / "run.csv"))
    assert len(found.frame) == len(run.frame.drop_duplicates(["size", "corruption", "rate"]))
    assert found.only_a == found.only_b == 0
    np.testing.assert_allclose(found.points["difference"], 0, atol=1e-12)
    # Models that did not start are no points, and nobody says which seed was used.
    assert found.frame["n_never_started_a"].equals(found.frame["n_never_started_b"])
    assert int(found.frame["n_never_started_a"].to_numpy().sum()) > 0
    assert set(found.frame["method"]) == {"welch"}


def test_what_a_table_does_not_tell_is_not_called_a_difference(tmp_path):
    run = a_run()
    found = compare(run, read(written(tmp_path, "digits,200,symmetric,0,0.9")))
    assert set(found.differing) == {"model", "recipe", "validation"}
    told = found.differing["model"]
    assert told == ((run.frame["model"].iloc[0],), ("unknown",))


def test_blank_lines_spaces_and_a_byte_order_mark_are_no_matter(tmp_path):
    path = tmp_path / "points.csv"
    path.write_bytes(
        b"\xef\xbb\xbfdataset, size, corruption, rate, accuracy, note\r\n\r\n"
        b'digits, 200, symmetric, 0.1, 0.9, "a, b"\r\n\r\n'
    )
    (row,) = read(path).frame.to_dict("records")
    assert (row["dataset"], row["size"], row["rate"], row["accuracy"]) == ("digits", 200, 0.1, 0.9)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("digits,ten,pair,0,0.9", "row 3, size = 'ten': expected a whole number above 0, or all"),
        ("digits,0,pair,0,0.9", "row 3, size = '0': expected a whole number above 0, or all"),
        ("digits,2.5,pair,0,0.9", "row 3, size = '2.5': expected a whole number above 0, or all"),
        ("digits,all,pair,40,0.9", "row 3, rate = '40': expected a number from 0 to 1"),
        ("digits,all,pair,nan,0.9", "row 3, rate = 'nan': expected a number from 0 to 1"),
        ("digits,all,pair,40 %,0.9", "row 3, rate = '40 %': expected a number from 0 to 1"),
        ("digits,all,pair,0,90.1", "row 3, accuracy = '90.1': expected a number from 0 to 1"),
        ("digits,all,pair,0,", "row 3, accuracy = '': expected a number from 0 to 1"),
        ("digits,all,pair,0", "row 3, accuracy = '': expected a number from 0 to 1"),
        (",all,pair,0,0.9", "row 3, dataset = '': expected a name"),
        ("digits,all,,0,0.9", "row 3, corruption = '': expected a name"),
        ("digits,all,pair,0,0.9,x", "row 3 = ['x']: expected no more than 5 columns"),
        (
            "digits,5,pair,0.1,0.9",
            "row 3 = 'digits,5,pair,unknown,unknown,unknown,0.1,0': "
            "expected each point and replicate once",
        ),
    ],
)
def test_an_error_names_row_column_value_and_what_was_expected(tmp_path, row, message):
    path = written(tmp_path, "digits,5,pair,0.10,0.9", row)
    with pytest.raises(SpecError) as error:
        read(path)
    assert str(error.value) == f"{path}, {message}"


def test_other_columns_are_checked_too(tmp_path):
    heading = f"{HEADING},replicate,status"
    with pytest.raises(SpecError, match="row 2, replicate = '-1': expected a whole number from 0"):
        read(written(tmp_path, "digits,5,pair,0,0.9,-1,ok", heading=heading))
    with pytest.raises(SpecError, match="row 2, status = 'broken': expected one of ok, never_st"):
        read(written(tmp_path, "digits,5,pair,0,0.9,1,broken", heading=heading))


@pytest.mark.parametrize("heading", ["dataset,size", "", f"{HEADING},rate", "x;y"])
def test_columns_that_lack_or_are_there_twice_are_refused(tmp_path, heading):
    with pytest.raises(SpecError, match=r"row 1 = .*: expected the columns dataset, size, corrup"):
        read(written(tmp_path, heading=heading))


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"dataset\n" + b'"' + b"x" * 200_000])
def test_what_is_no_csv_file_is_refused_in_one_line(tmp_path, content):
    (tmp_path / "points.csv").write_bytes(content)
    for path in (tmp_path / "points.csv", tmp_path / "none.csv", tmp_path):
        with pytest.raises(SpecError) as error:
            read(path)
        assert "\n" not in str(error.value)


def test_a_size_in_two_ways_is_not_two_points(tmp_path):
    rows = "digits,all,pair,0,0.9", "digits,1347,pair,0,0.8"
    with pytest.raises(SpecError, match="size = 'all': expected no points with its number"):
        compare(a_run(), read(written(tmp_path, *rows)))


@given(
    column=st.sampled_from(sorted(NUMBERS)),
    text=st.text(st.characters(codec="utf-8", exclude_characters='\0\r\n",'), max_size=9),
)
def test_whatever_a_number_is_written_as_it_is_read_or_refused(tmp_path_factory, column, text):
    values = {"dataset": "digits", "size": "1", "corruption": "pair", "rate": "0", "accuracy": "1"}
    values |= {"replicate": "0", column: text}
    path = written(
        tmp_path_factory.mktemp("any"), ",".join(values.values()), heading=",".join(values)
    )
    try:
        (row,) = read(path).frame.to_dict("records")
    except SpecError as error:
        refused = f"{error}"
        assert f"row 2, {column} = " in refused
    else:
        assert 0 <= row[column] <= NUMBERS[column][2]
