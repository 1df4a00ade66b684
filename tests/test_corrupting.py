"""Whole data sets corrupted: by `gigo.corrupt` with inputs, and by `gigo corrupt` in files."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image
from scipy import sparse
from sklearn.naive_bayes import GaussianNB

import gigo
from factories import make_study
from gigo import Schedule, corrupt
from gigo.audit.compared import audit_files, compared
from gigo.audit.files import corrupt_files
from gigo.audit.steps import after, chained, steps
from gigo.cli import main
from gigo.datasets import from_memory, load
from gigo.errors import DataError, SpecError, StoreError
from gigo.inputs import take
from gigo.resolve import resolve
from gigo.sample import sample
from gigo.schedule import ADDED, KEEP, LEAVE
from gigo.types import Dataset

N = 40
Y = np.array(["a", "b"])[np.arange(N) % 2]
RNG = np.random.default_rng(0)
PIXELS = RNG.integers(0, 256, (N, 8, 8, 3)).astype(np.uint8)
TEXTS = [f"text, number {k}" for k in range(N)]
FRAME = pd.DataFrame(
    {
        "age": RNG.integers(18, 80, N),
        "height": RNG.normal(170, 9, N).round(1),
        "job": np.array(["cook", "judge", "clerk"])[np.arange(N) % 3],
        "since": pd.date_range("2020-01-01", periods=N),
        "paid": np.arange(N) % 2 == 0,
    }
)


def spoil(dataset: Dataset, items: NDArray[np.int64], stream: Any) -> Schedule:
    """Another input, of whatever kind: twice the number, a mark more, the next word."""
    order, x = stream.permutation(len(items)), dataset.x_train

    def extra(k: int) -> Any:
        rows = take(x, items[order[:k]])
        if isinstance(rows, list):
            return [f"{text}!" for text in rows]
        if not hasattr(rows, "iloc"):
            return 255 - rows if rows.dtype == np.uint8 else 2 * rows
        columns = {name: _spoilt(column) for name, column in rows.items()}
        return pd.DataFrame(columns)

    return Schedule(order, np.full(len(items), KEEP), extra=extra)


def _spoilt(column: Any) -> Any:
    if column.dtype.kind == "f":
        return column * 2
    codes = (column.cat.codes + 1) % len(column.cat.categories)
    return pd.Categorical.from_codes(codes, dtype=column.dtype)


def duplicate(dataset: Dataset, items: NDArray[np.int64], stream: Any) -> Schedule:
    """Copies of items, with their labels."""
    n = len(items)
    row = items[stream.permutation(n)]
    return Schedule(np.full(n, ADDED), np.full(n, KEEP), row=row, rate_of="added")


def invent(dataset: Dataset, items: NDArray[np.int64], stream: Any) -> Schedule:
    """New items of class 0."""
    n, x = len(items), dataset.x_train
    found = take(x, items[stream.permutation(n)])
    none = np.zeros(n, np.int64)
    return Schedule(np.full(n, ADDED), none, true=none, extra=found, rate_of="added")


def drop(dataset: Dataset, items: NDArray[np.int64], stream: Any) -> Schedule:
    return Schedule(stream.permutation(len(items)), np.full(len(items), LEAVE))


def patch(dataset: Dataset, items: NDArray[np.int64], stream: Any) -> Schedule:
    """Another input and label 0."""
    whole = spoil(dataset, items, stream)
    return whole._replace(label=np.zeros(len(items), np.int64))


# In memory

FORMS: dict[str, Any] = {
    "images": PIXELS,
    "planes": PIXELS[..., 0],
    "vectors": RNG.normal(size=(N, 5)).astype(np.float32),
    "whole numbers": RNG.integers(1, 99, (N, 5)),
    "sparse": sparse.csr_matrix(np.eye(N)),
    "tensor": torch.tensor(RNG.normal(size=(N, 5))),
    "texts": TEXTS,
    "series": pd.Series(TEXTS, index=range(7, 7 + N)),
    "array of texts": np.array(TEXTS),
    "pictures": [Image.fromarray(pixels) for pixels in PIXELS],
    "frame": FRAME.set_index(np.arange(N) + 5),
    "polars": pl.DataFrame(FRAME),
}


def rows_of(x: Any) -> list[Any]:
    """Each item as something that can be compared."""
    if isinstance(x, pl.DataFrame):
        return x.rows()
    if isinstance(x, pd.DataFrame):
        return [*x.itertuples(index=False, name=None)]
    if hasattr(x, "tocsr"):
        return x.toarray().tolist()
    return [each if isinstance(each, str) else np.asarray(each).tolist() for each in x]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("corruption", [spoil, duplicate, invent, drop, patch])
def test_inputs_keep_their_form(form: str, corruption: Callable[..., Any]) -> None:
    X = FORMS[form]
    before = rows_of(X)
    found = corrupt(Y, corruption, X, rate=0.2)
    assert rows_of(X) == before
    assert type(found.X) is type(X)
    if form != "array of texts":  # which has room for the longest one
        assert getattr(found.X, "dtype", None) == getattr(X, "dtype", None)
    if hasattr(X, "columns"):
        assert [*found.X.columns] == [*X.columns]
        assert [*found.X.dtypes] == [*X.dtypes]
    now, what = rows_of(found.X), {*found.edits["what"]}
    assert len(now) == len(found.labels) == len(found.items)
    for row, item, changed, label in zip(
        now, found.items, found.changed, found.labels, strict=True
    ):
        if item >= 0:
            assert (row != before[item]) == ("input" in what and changed)
            assert changed or label == Y[item]
    added = {"added": found.items < 0, "left": np.setdiff1d(np.arange(N), found.items)}
    assert added["added"].sum() == (10 if "added" in what else 0)
    assert len(added["left"]) == (8 if "left" in what else 0)
    assert found.selected == (10 if "added" in what else 8)


def test_nothing_is_copied_where_labels_alone_change() -> None:
    assert corrupt(Y, "pair", FORMS["frame"], rate=0.2).X is FORMS["frame"]
    assert corrupt(Y, spoil, PIXELS, rate=0).X is PIXELS


def test_the_column_of_labels_of_a_frame() -> None:
    frame = FRAME.assign(label=Y)
    for X in (frame, pl.DataFrame(frame)):
        found = corrupt("label", "pair", X, rate=0.25)
        assert [*found.X["label"]] == [*found.labels]
        assert (np.asarray(found.labels) != Y).sum() == 10
        assert found.X.drop(columns="label").equals(FRAME) if X is frame else True


def test_a_gap_among_whole_numbers_makes_them_real() -> None:
    def blank(dataset: Dataset, items: NDArray[np.int64], stream: Any) -> Schedule:
        extra = take(dataset.x_train, items).assign(age=np.nan)
        return Schedule(np.arange(N), np.full(N, KEEP), extra=extra)

    found = corrupt(Y, blank, FRAME, rate=0.1)
    assert found.X["age"].isna().sum() == 4
    assert found.X.drop(columns="age").equals(FRAME.drop(columns="age"))
    assert found.edits["before"].tolist()[0] == f"age: {FRAME['age'][0]}"
    assert found.edits["after"].tolist()[0] == "age: "


@settings(max_examples=15)
@given(rates=st.tuples(st.floats(0, 0.5), st.floats(0, 0.5)), seed=st.integers(0, 99))
@pytest.mark.parametrize("corruption", [spoil, duplicate, drop, patch])
def test_accounts_are_nested(
    corruption: Callable[..., Any], rates: tuple[float, float], seed: int
) -> None:
    low, high = (corrupt(Y, corruption, TEXTS, rate=rate, seed=seed) for rate in sorted(rates))
    assert high.edits.head(len(low.edits)).equals(low.edits) or not len(low.edits)


def test_an_edit_of_input_and_label_has_two_rows() -> None:
    edits = corrupt(Y, patch, TEXTS, rate=0.1).edits
    assert edits["what"].tolist() == ["input", "label"] * 4
    assert (edits["item"].to_numpy().reshape(4, 2).std(axis=1) == 0).all()


def test_what_needs_inputs_says_so() -> None:
    with pytest.raises(SpecError, match=r"X = None: expected the inputs, one per label: .*spoil"):
        corrupt(Y, spoil, rate=0.2)
    copies = corrupt(Y, duplicate, rate=0.2)
    assert (copies.X, len(copies.labels), copies.n_changed) == (None, 50, 10)


def test_those_with_a_rate_come_first() -> None:
    found = corrupt(Y, [{"name": drop, "rate": 0.5}, "pair"], TEXTS, rate=0.5)
    assert found.edits["what"].value_counts().to_dict() == {"left": 20, "label": 10}
    assert (len(found.X), found.selected, found.n_changed) == (20, 10, 30)
    with pytest.raises(SpecError, match="expected one without a rate of its own"):
        corrupt(Y, ["pair", "symmetric"], rate=0.5)


@pytest.mark.parametrize("corruption", [spoil, duplicate, drop, "pair"])
def test_it_is_the_training_set_of_a_trial(corruption: Any) -> None:
    study = make_study(size="all", corruption=corruption, rates=0.3, validation="none")
    digits = load("digits")
    for trial in resolve(study).trials.values():
        whole, known = sample(trial, digits), chained([corruption])
        now = steps(known, 0.3, digits, trial.seed, trial.replicate)[-1].done
        assert (now.rows == whole.rows).all()
        assert (now.labels == whole.labels).all()
        assert (after(now).source[whole.rows < digits.n_train] >= 0).all()


# In files


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """One data set in many formats, and a file of the corruptions above."""
    monkeypatch.chdir(tmp_path)
    whole = FRAME.assign(label=Y)
    whole.to_csv("shop.csv", index=False, sep=";")
    whole.to_csv("packed.tsv.gz", index=False, sep="\t")
    whole.to_parquet("shop.parquet")
    whole.to_feather("shop.feather")
    pd.DataFrame({"text": TEXTS, "label": Y}).to_csv("mail.csv", index=False)
    np.savez("images.npz", X=PIXELS, y=Y, other=np.arange(3))
    np.savez_compressed("split.npz", x_train=PIXELS, y_train=Y, x_test=PIXELS[:9], y_test=Y[:9])
    np.save("X.npy", FORMS["vectors"])
    np.save("y.npy", np.arange(N) % 2)
    for k, pixels in enumerate(PIXELS):
        file = Path(f"photos/{Y[k]}/{k // 2}.png")
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(file)
    files = [f"photos/{Y[k]}/{k // 2}.png" for k in range(N)]
    pd.DataFrame({"file": files, "label": Y}).to_csv("photos.csv", index=False)
    Path("mine.py").write_text(f"from {__name__} import *\n")
    return tmp_path


FILES = (
    *("shop.csv", "packed.tsv.gz", "shop.parquet", "shop.feather", "mail.csv", "images.npz"),
    *("split.npz", "X.npy", "photos", "photos.csv"),
)


@pytest.mark.parametrize("name", FILES)
def test_a_set_is_written_as_it_came(here: Path, name: str) -> None:
    for k, (corruption, found) in enumerate(
        {
            "pair": {"labels_changed": 10, "n_after": N},
            spoil: {"labels_changed": 0, "n_after": N},
            invent: {"n_after": 53, "left": 0},
            drop: {"left": 10, "n_after": 30, "labels_changed": 0},
        }.items()
    ):
        out = Path(f"out {k}")
        written = corrupt_files(name, [corruption], 0.25, out)
        assert written.path == out / name
        audit = audit_files(name, str(written.path)).to_json()
        assert {name: audit[name] for name in found} == found
        assert written.summary["items"] == N
        edits = pd.read_parquet(out / "audit.parquet")
        assert edits.equals(written.edits) and len(edits) == (13 if corruption is invent else 10)
        if corruption is spoil:
            by_content = audit["matched"] == "content"
            assert audit["added" if by_content else "inputs_changed"] == 10
        assert json.loads((out / "summary.json").read_text()) == written.summary
        assert (out / "transition.svg").read_text().startswith("<svg")


def test_other_cells_stay_as_they_are(here: Path) -> None:
    path = corrupt_files("shop.csv", ["pair"], 0.25, Path("out")).path
    old, new = (Path(each).read_text().splitlines() for each in ("shop.csv", path))
    swap = {"a": "b", "b": "a"}
    differing = [(a, b) for a, b in zip(old, new, strict=True) if a != b]
    assert len(differing) == 10
    assert all(a[:-1] == b[:-1] and b[-1] == swap[a[-1]] for a, b in differing)
    with np.load(corrupt_files("images.npz", ["pair"], 0.5, Path("out 2")).path) as file:
        assert (file["X"] == PIXELS).all() and file["other"].tolist() == [0, 1, 2]


def test_images_that_did_not_change_are_the_same_files(here: Path) -> None:
    place = corrupt_files("photos", ["pair"], 0.25, Path("out")).path
    inodes = {file.stat().st_ino for file in Path("photos").rglob("*.png")}
    assert {file.stat().st_ino for file in place.rglob("*.png")} == inodes


def test_test_sets_are_written_as_they_are(here: Path) -> None:
    with np.load(corrupt_files("split.npz", ["pair"], 1, Path("out")).path) as file:
        assert (file["x_test"] == PIXELS[:9]).all() and (file["y_test"] == Y[:9]).all()
        assert (file["y_train"] != Y).all()
    out = corrupt_files("shop.csv", ["pair"], 0.5, Path("out 2"), test="shop.csv").path.parent
    assert (out / "test" / "shop.csv").read_bytes() == Path("shop.csv").read_bytes()
    digits = corrupt_files("digits", ["pair"], 0.5, Path("out 3"))
    assert digits.path.name == "digits.npz" and digits.summary["items"] == 1347
    with np.load(digits.path) as file:
        assert (file["x_test"] == load("digits").tests["test"][0]).all()


def command(capsys: pytest.CaptureFixture[str], *arguments: str, status: int = 0) -> str:
    with pytest.raises(SystemExit, match=str(status)):
        main(arguments)
    said = capsys.readouterr()
    return said.err if status else said.out


def test_the_commands(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ("--corruption", "pair", "--rate", "25%", "--out", "out", "--label", "label")
    said = command(capsys, "corrupt", "shop.csv", *options)
    assert "selected      10 (0.25 of the set)" in said
    assert "b 0.250 0.750" in said
    added = (*options[:1], "duplicates", "--rate", "0.2", "--out", "more", "--label", "label")
    assert "selected      10 (0.2 of the set)" in command(capsys, "corrupt", "shop.csv", *added)
    few = "--corruption", "one_way:classes=a", "--rate", "0.5", "--label", "label", "--out", "few"
    said = command(capsys, "corrupt", "shop.csv", *few)
    assert "(0.25 of the set, 0.5 of the eligible)" in said
    said = command(capsys, "corrupt", "shop.csv", *options, status=2)
    assert "out: has something in it" in said
    said = command(capsys, "audit", "shop.csv", "out/shop.csv")
    assert "labels changed  10 of 40 (0.25)" in said
    found = json.loads(command(capsys, "audit", "shop.csv", "out/shop.csv", "--json"))
    assert found["transition"] == {"classes": ["a", "b"], "rows": [[0.75, 0.25], [0.25, 0.75]]}


def test_an_audit_of_anybody_s_sets() -> None:
    one = from_memory(["x", "y", "y", "z"], list("abab"), test_share=0)
    two = from_memory(["y", "z", "new", "x", "y"], list("abcaa"), test_share=0)
    found = compared(one, two)
    assert (found.matched, found.n_both, found.left, found.added) == ("content", 4, 0, 1)
    assert (found.labels_changed, found.copies_before, found.copies_after) == (1, 1, 1)
    matrix = found.transition.to_numpy()
    assert matrix[:2].tolist() == [[1, 0, 0], [0.5, 0.5, 0]] and np.isnan(matrix[2]).all()
    with pytest.raises(DataError, match="expected two of one kind"):
        compared(one, load("digits"))


# Of a run


def test_wrong_items_of_trials(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fields: dict[str, Any] = {"model": GaussianNB(), "workers": 1, "validation": "none"}
    fields |= {"size": 30, "rates": [0, 0.2], "replicates": 2, "out": "run"}
    result = gigo.sweep("X.npy", corruption=["pair", "mine.py:duplicate"], **fields)
    frame: Any = result.frame
    pairs = frame[(frame["rate"] == 0.2) & (frame["corruption"] == "pair")]
    y = np.load("y.npy").astype(str)  # items are rows of the file
    for _, row in pairs.iterrows():
        edits = result.edits(row)
        assert edits.equals(result.edits(row["key"]))
        assert (len(edits), {*edits["what"]}) == (6, {"label"})
        assert edits["true"].tolist() == y[edits["item"]].tolist()
        assert not np.any(edits["given"].to_numpy() == edits["true"].to_numpy())
    whole = result.edits()
    assert whole["what"].value_counts().to_dict() == {"added": 16, "label": 12}
    exported = json.loads(command(capsys, "table", "run", "--edits", "--json"))
    assert pd.DataFrame(exported)["item"].tolist() == whole["item"].tolist()
    with pytest.raises(SpecError, match="trial = 'x': expected the key of a finished trial"):
        result.edits("x")
    np.save("y.npy", np.arange(N) // 5 % 2)
    with pytest.raises(StoreError, match=r"run: expected the data .* as they were"):
        result.edits()
