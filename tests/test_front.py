"""The first minute with somebody's own data: options, a first study, its schema, a notebook."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits

import gigo
from gigo import studies
from gigo.api import Result
from gigo.cli import main
from gigo.cli.training import _parsed, _study
from gigo.errors import GigoError, SpecError, unknown
from gigo.study import Study


def idx(path: Path, array: np.ndarray) -> None:
    head = bytes([0, 0, 8, array.ndim]) + b"".join(n.to_bytes(4, "big") for n in array.shape)
    path.write_bytes(head + array.astype(np.uint8).tobytes())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A data set in the four files of MNIST."""
    digits: Any = load_digits()
    x, y = digits.data, digits.target
    images = (x.reshape(-1, 8, 8) * 15).astype(np.uint8)
    for name, part in (("train", slice(0, 500)), ("t10k", slice(500, 700))):
        idx(tmp_path / f"{name}-images-idx3-ubyte", images[part])
        idx(tmp_path / f"{name}-labels-idx1-ubyte", y[part])
    return tmp_path


def command(*words: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as end:
        main(words)
    code: Any = end.value.code
    out, err = capsys.readouterr()
    return code, out, err


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("symmetric", "symmetric"),
        ("symmetric:include_true=true", {"name": "symmetric", "include_true": True}),
        ("mlp:width=32,depth=1", {"name": "mlp", "width": 32, "depth": 1}),
        ("net.py:make", "net.py:make"),
        (
            "a.py:net:size=small,scale=0.5",
            {"name": "a.py:net", "size": "small", "scale": 0.5},
        ),
    ],
)
def test_options_of_a_thing_stand_after_its_name(text: str, value: object) -> None:
    assert _parsed("model", text) == value


def test_a_recipe_with_options_starts_from_its_base() -> None:
    study = _study("demo", {"recipe": ["small:epochs=3"]})
    assert [recipe.label for recipe in study.recipe] == ["small epochs=3"]


def test_a_share_may_be_in_percent() -> None:
    assert _study("demo", {"rates": ["0", "40%", "0.5"]}).rates == (0, 0.4, 0.5)


def test_a_table_of_ones_own_is_a_study() -> None:
    study = _study(
        None, {"dataset": {"name": "data/my table.csv", "label": "kind"}, "size": ["50"]}
    )
    assert study.name == "my-table"
    assert study.size == (50,)
    assert study.dataset[0].options == {"label": "kind"}


def test_a_first_study_can_be_run(folder: Path, tmp_path: Path, capsys) -> None:
    file = tmp_path / "mine.toml"
    code, printed, _ = command("init", str(folder), "--out", str(file), capsys=capsys)
    assert code == 0
    assert printed.endswith(f"gigo run {file}\n")
    text = file.read_text()
    assert "images of 1x8x8" in text
    assert "500 training and 200 test items, 10 classes" in text
    study = studies.find(file)
    assert study.size == (125, "all")
    out = tmp_path / "run"
    options = (
        "--rate",
        "0",
        "--replicates",
        "1",
        "--size",
        "60",
        "--model",
        "mlp",
        "--out",
        str(out),
    )
    code, printed, _ = command("run", str(file), *options, capsys=capsys)
    assert code == 0
    assert Result(out).missing == 0


def test_a_first_study_passes_over_images_where_told_to(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    photos, file = tmp_path / "photos", tmp_path / "photos.toml"
    for k in range(20):
        place = photos / "ab"[k % 2] / f"{k}.png"
        place.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((8, 8), k, np.uint8)).save(place)
    (photos / "a" / "bad.png").write_bytes(b"no image")
    init = ("init", str(photos), "--out", str(file))
    code, _, told = command(*init, capsys=capsys)
    assert (code, "--skip-bad" in told) == (2, True)
    assert command(*init, "--skip-bad", capsys=capsys)[0] == 0
    assert studies.find(file).dataset[0].options == {"skip_bad": True}


def test_a_first_study_replaces_no_file(folder: Path, tmp_path: Path, capsys) -> None:
    file = tmp_path / "mine.toml"
    file.write_text("mine")
    code, _, told = command("init", str(folder), "--out", str(file), capsys=capsys)
    assert code == 2
    assert told == f"error: {file}: is there already: expected another name, with --out FILE\n"
    assert file.read_text() == "mine"


def test_built_in_studies_fit_the_schema() -> None:
    schema = Study.file_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    for name in studies.names():
        path = Path(studies.__file__).parent / f"{name}.toml"
        jsonschema.validate(tomllib.loads(path.read_text()), schema)


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"dataset": []},
        {"dataset": "digits", "rate": 0},
        {"dataset": "digits", "rates": "0"},
        {"dataset": "digits", "recipe": {"epoch": 3}},
        {"dataset": "digits", "size": "some"},
    ],
)
def test_what_is_no_study_does_not_fit_the_schema(fields: dict[str, object]) -> None:
    with pytest.raises(SpecError):
        Study.create(**fields)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(fields, Study.file_schema())


def test_the_schema_is_printed(capsys) -> None:
    code, printed, _ = command("schema", capsys=capsys)
    assert code == 0
    assert json.loads(printed) == Study.file_schema()


def test_data_is_not_taken_for_a_study(tmp_path: Path) -> None:
    path = tmp_path / "wine.csv"
    path.write_text("a,b\n")
    with pytest.raises(GigoError, match="expected a TOML file; for your data: --data "):
        studies.find(path)


def test_an_opposite_is_not_suggested() -> None:
    assert "mean" not in str(unknown("corruption", "asymmetric", ["biased", "symmetric"]))
    assert "'mnist'" in str(unknown("dataset", "MNIST", ["digits", "mnist"]))


def test_a_large_value_is_not_shown_whole() -> None:
    assert len(str(SpecError("dataset", list(range(10_000)), "a path"))) < 300


def test_a_notebook_shows_the_answer_and_the_figure(tmp_path: Path) -> None:
    fields: dict[str, Any] = {"dataset": "digits", "size": 100, "model": "mlp", "recipe": "small"}
    result = gigo.sweep(rates=[0, 0.5], replicates=2, out=tmp_path / "run", **fields)
    shown = result._repr_html_()
    assert "<svg" in shown and "<li>" in shown
    assert "<script" not in shown
