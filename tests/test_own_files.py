"""A user's own files of several kinds, written by the libraries that people write them with."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import datasets as library
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image
from sklearn.datasets import load_breast_cancer, load_digits, load_iris, load_wine
from sklearn.utils import Bunch

from gigo.datasets import from_memory, from_path
from gigo.errors import GigoError
from gigo.types import Dataset

library.disable_progress_bars()

N = 40
X = np.random.default_rng(0).normal(size=(N, 3)).astype(np.float32)
Y = np.array(["NA", "no", "yes", "no"])[np.arange(N) % 4]
FRAME = pd.DataFrame(X, columns=["a", "b", "c"]).assign(y=Y)
PIXELS = np.random.default_rng(1).integers(0, 256, (N, 5, 4, 3)).astype(np.uint8)


def png(pixels: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def labels_of(dataset: Dataset) -> list[str]:
    """The names of all labels, training items first."""
    return [dataset.classes[code] for code in [*dataset.y_train, *dataset.tests["test"][1]]]


def message(path: Path, **options: Any) -> str:
    """The one line that says what is wrong."""
    with pytest.raises(GigoError) as error:
        from_path(path, **options)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_tables_of_any_format_are_the_same_data(tmp_path: Path) -> None:
    frame = FRAME.astype({"a": float, "b": float, "c": float}).assign(
        when=pd.date_range("2020-01-01", periods=N, freq="6h"),
        word=pd.Categorical(np.array(["u", "v"])[np.arange(N) % 2]),
        truth=np.arange(N) % 3 == 0,
        whole=np.arange(N),
    )
    frame.loc[3, ["a", "word"]] = None
    frame.to_csv(tmp_path / "t.csv", index=False)
    frame.to_parquet(tmp_path / "t.parquet")
    frame.to_feather(tmp_path / "t.feather")
    arrow = pa.Table.from_pandas(frame)
    with pa.ipc.new_stream(str(tmp_path / "t.arrow"), arrow.schema) as writer:
        writer.write_table(arrow)
    found = [from_path(tmp_path / f"t.{end}") for end in ("csv", "parquet", "feather", "arrow")]
    assert len({dataset.sha256 for dataset in found}) == 1
    assert found[0].kind == "table" and found[0].classes == ("NA", "no", "yes")
    assert all(dataset.notes == found[0].notes for dataset in found)
    kinds = dict(found[0].x_train.dtypes.map(str))
    assert kinds["word"] == kinds["truth"] == "category"
    assert {kinds[name] for name in ("a", "b", "c", "when", "whole")} == {"float64"}


def test_vectors_of_any_format_are_the_same_data(tmp_path: Path) -> None:
    wide = X.astype(np.float64)
    FRAME.assign(**{name: wide[:, k] for k, name in enumerate("abc")}).to_csv(
        tmp_path / "t.csv", index=False
    )
    np.savez(tmp_path / "t.npz", X=wide, y=Y)
    np.savez_compressed(tmp_path / "packed.npz", some=wide, other=Y)
    np.save(tmp_path / "X.npy", wide)
    np.save(tmp_path / "y.npy", Y)
    pq.write_table(pa.table({"v": list(wide), "y": Y}), tmp_path / "t.parquet")
    found = [
        from_path(tmp_path / "t.csv", kind="vector"),
        *(from_path(tmp_path / name) for name in ("t.npz", "packed.npz", "X.npy", "t.parquet")),
    ]
    assert len({dataset.sha256 for dataset in found}) == 1
    assert all(dataset.kind == "vector" for dataset in found)
    assert [dataset.name for dataset in found] == ["t", "t", "packed", "X", "t"]
    assert sorted(labels_of(found[0])) == sorted(Y)


def test_images_of_any_format_are_the_same_data(tmp_path: Path) -> None:
    np.savez(tmp_path / "t.npz", images=PIXELS, labels=Y)
    images = [png(pixels) for pixels in PIXELS]
    cells = [{"bytes": image, "path": None} for image in images]
    pq.write_table(pa.table({"image": cells, "label": Y}), tmp_path / "t.parquet")
    files = [tmp_path / "all" / f"{k:02}.png" for k in range(N)]
    files[0].parent.mkdir()
    for file, image in zip(files, images, strict=True):
        file.write_bytes(image)
    table = pd.DataFrame({"file": [f"all/{file.name}" for file in files], "label": Y})
    table.to_csv(tmp_path / "t.csv", index=False)
    features = library.Features({"image": library.Image(), "label": library.Value("string")})
    library.Dataset.from_dict(
        {"image": [str(file) for file in files], "label": Y}, features
    ).save_to_disk(tmp_path / "t")
    found = [from_path(tmp_path / name) for name in ("t.npz", "t.parquet", "t.csv", "t")]
    assert {dataset.kind for dataset in found} == {"image"}
    assert {dataset.input_shape for dataset in found} == {(3, 5, 4)}
    assert len({dataset.sha256 for dataset in found}) == 1


def test_cells_that_are_no_images(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    cells = [png(PIXELS[0]), png(PIXELS[1]), b"no image", png(PIXELS[2])]
    pq.write_table(pa.table({"image": cells, "label": list("uvuv")}), path)
    assert "t.parquet: row 2 (counted from 0): " in message(path)
    cells[2] = png(PIXELS[2][:2])
    pq.write_table(pa.table({"image": cells, "label": list("uvuv"), "id": [1] * 4}), path)
    assert message(path).endswith(
        "images of 2 sizes, 4 x 5 (3), 4 x 2 (1) pixels: "
        "expected one size (resize = 4, --resize 4, makes all 4 x 4)"
    )
    small = from_path(path, resize=2)
    assert small.input_shape == (3, 2, 2)
    assert "not used, since images are the inputs: id" in small.notes


def test_arrays_of_parts(tmp_path: Path) -> None:
    parts: dict[str, Any] = {
        "x_train": X[:30],
        "y_train": Y[:30],
        "x_test": X[30:],
        "y_test": Y[30:],
    }
    np.savez(tmp_path / "a.npz", **parts, x_val=X[:3])
    np.savez(tmp_path / "train.npz", X=X[:30], y=Y[:30])
    np.savez(tmp_path / "test.npz", X=X[30:], y=Y[30:])
    dataset = from_path(tmp_path / "a.npz")
    assert np.array_equal(dataset.x_train, X[:30]) and labels_of(dataset) == Y.tolist()
    assert np.array_equal(dataset.tests["test"][0], X[30:])
    assert "arrays that are not used: x_val" in dataset.notes
    apart = from_path(tmp_path / "train.npz", test=tmp_path / "test.npz")
    assert apart.sha256 == dataset.sha256
    expected = "dataset.test = 'test.npz': expected none: a.npz has a test set"
    assert message(tmp_path / "a.npz", test="test.npz") == expected


def test_groups_in_an_array(tmp_path: Path) -> None:
    who = np.arange(N) // 4
    np.savez(tmp_path / "a.npz", X=X, y=Y, who=who)
    dataset = from_path(tmp_path / "a.npz", group="who", seed=3)
    inside = {tuple(row) for row in dataset.x_train.tolist()}
    of_group = [{tuple(row) in inside for row in X[who == g].tolist()} for g in range(10)]
    assert all(len(sides) == 1 for sides in of_group)
    assert message(tmp_path / "a.npz", group="whom").endswith("X, y, who (did you mean 'who'?)")


def test_what_no_array_file_may_be(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    np.savez(path, X=FRAME.to_numpy(), y=Y)
    assert "array 'X' holds Python objects: expected numbers or text" in message(path)
    np.savez(path, p=X, q=Y, r=Y)
    assert message(path).startswith(f"{path}: arrays p, q, r: expected X and y, or x_train, ")
    np.savez(path, X=X, y=Y[:-1])
    assert "40 items and 39 labels" in message(path)
    path.write_bytes(b"no archive")
    assert message(path).endswith("expected a NumPy file of arrays of numbers or text")
    np.save(tmp_path / "some.npy", FRAME.to_numpy(), allow_pickle=True)
    assert "expected a NumPy file of an array of numbers or text" in message(tmp_path / "some.npy")


def test_labels_beside_an_array(tmp_path: Path) -> None:
    np.save(tmp_path / "X_train.npy", X)
    lacking = message(tmp_path / "X_train.npy")
    assert lacking.endswith("expected labels in a file: labels = FILE, or y_train.npy beside it")
    np.save(tmp_path / "y_train.npy", Y)
    np.save(tmp_path / "X_test.npy", X[:8])
    np.save(tmp_path / "y_test.npy", Y[:8])
    dataset = from_path(tmp_path / "X_train.npy", test=tmp_path / "X_test.npy")
    assert labels_of(dataset) == [*Y, *Y[:8]]


def other_labels(folder: Path, labels: list[str]) -> dict[str, Path]:
    """The same labels in a file of each kind."""
    frame = pd.DataFrame({"y": labels})
    (folder / "l.txt").write_text("\n".join(labels) + "\n")
    (folder / "l.json").write_text(json.dumps(labels))
    np.save(folder / "l.npy", np.array(labels))
    frame.to_csv(folder / "one.csv", index=False)
    frame.to_csv(folder / "index.csv")
    frame.assign(who="me").to_csv(folder / "two.csv", index=False)
    frame.to_parquet(folder / "l.parquet")
    return {path.name: path for path in folder.iterdir() if path.suffix != ".arrow"}


def test_other_labels_from_any_file(tmp_path: Path) -> None:
    FRAME.to_csv(tmp_path / "t.csv", index=False)
    others = ["no" if label == "yes" else str(label) for label in Y]
    (tmp_path / "others").mkdir()
    files = other_labels(tmp_path / "others", others)
    own = from_path(tmp_path / "t.csv")
    found = [from_path(tmp_path / "t.csv", labels=path) for path in files.values()]
    assert len({dataset.sha256 for dataset in found}) == 1
    dataset = found[0]
    assert dataset.classes == own.classes
    assert dataset.x_train.equals(own.x_train)
    assert np.array_equal(dataset.tests["test"][1], own.tests["test"][1])
    yes, no = own.classes.index("yes"), own.classes.index("no")
    assert np.array_equal(dataset.y_train, np.where(own.y_train == yes, no, own.y_train))
    changed = int((own.y_train == yes).sum())
    assert f"{changed} of 32 training items start from another label" in dataset.notes[-1]


def test_other_labels_that_do_not_fit(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    FRAME.to_csv(path, index=False)
    (tmp_path / "l").mkdir()
    files = other_labels(tmp_path / "l", Y[1:].tolist())
    expected = "39 labels for the 40 items of t.csv: expected one per item, in their order"
    assert message(path, labels=files["l.txt"]) == f"{files['l.txt']}: {expected}"
    headless = tmp_path / "headless.csv"
    headless.write_text("\n".join(Y) + "\n")
    hint = "; its first line is taken for the column's name, 'NA'"
    assert message(path, labels=headless) == f"{headless}: {expected}{hint}"
    strange = other_labels(tmp_path / "l", ["maybe", *Y[1:]])["l.json"]
    assert "other labels: label 'maybe': expected one of the classes" in message(
        path, labels=strange
    )
    assert message(path, labels="l.doc").startswith(
        "labels = 'l.doc': expected a file that ends in"
    )
    assert "FileNotFoundError" in message(path, labels=tmp_path / "no.txt")


def test_items_whose_labels_are_all_in_a_file(tmp_path: Path) -> None:
    FRAME.drop(columns="y").to_csv(tmp_path / "bare.csv", index=False)
    FRAME.to_csv(tmp_path / "whole.csv", index=False)
    files = other_labels(tmp_path, Y.tolist())
    bare = from_path(tmp_path / "bare.csv", labels=files["l.txt"])
    assert bare.sha256 == from_path(tmp_path / "whole.csv").sha256


FEATURES = library.Features(
    {"text": library.Value("string"), "label": library.ClassLabel(names=["pos", "neg"])}
)


def saved(n: int, label: int | None = None) -> library.Dataset:
    texts = [f"text number {k}" for k in range(n)]
    labels = [k % 2 if label is None else label for k in range(n)]
    return library.Dataset.from_dict({"text": texts, "label": labels}, FEATURES)


def save_splits(folder: Path, **splits: library.Dataset) -> None:
    together: Any = library.DatasetDict
    together(splits).save_to_disk(folder)


def test_a_data_set_that_was_saved_on_disk(tmp_path: Path) -> None:
    saved(N).save_to_disk(tmp_path / "one")
    saved(N).to_parquet(tmp_path / "two.parquet")
    dataset = from_path(tmp_path / "one")
    assert (dataset.name, dataset.kind, dataset.classes) == ("one", "text", ("pos", "neg"))
    assert (dataset.n_train, dataset.n_test) == (32, 8)
    assert "labels: column 'label', which numbers classes" in dataset.notes
    texts = [*dataset.x_train, *dataset.tests["test"][0]]
    assert all(
        ("pos", "neg")[int(text.split()[-1]) % 2] == label
        for text, label in zip(texts, labels_of(dataset), strict=True)
    )
    assert from_path(tmp_path / "two.parquet").sha256 == dataset.sha256


def test_splits_that_were_saved(tmp_path: Path) -> None:
    both = {"train": saved(20), "test": saved(8), "validation": saved(6)}
    save_splits(tmp_path / "both", **both)
    dataset = from_path(tmp_path / "both")
    assert (dataset.n_train, dataset.n_test) == (20, 8)
    assert "splits that are not used: validation" in dataset.notes
    kept_back = both | {"test": saved(8, label=-1)}
    save_splits(tmp_path / "kept back", **kept_back)
    dataset = from_path(tmp_path / "kept back")
    assert (dataset.n_train, dataset.n_test) == (20, 6)
    assert "test set: the split 'validation'" in dataset.notes
    save_splits(tmp_path / "neither", first=saved(4), second=saved(4))
    assert message(tmp_path / "neither").endswith("expected one called train")


def test_a_saved_table(tmp_path: Path) -> None:
    library.Dataset.from_pandas(FRAME).save_to_disk(tmp_path / "saved")
    FRAME.to_parquet(tmp_path / "t.parquet")
    dataset = from_path(tmp_path / "saved", label="y")
    assert dataset.sha256 == from_path(tmp_path / "t.parquet").sha256
    assert message(tmp_path / "saved", test="t.parquet").startswith("dataset.test = 't.parquet'")


def test_the_extra_that_reads_saved_data_sets_is_named(tmp_path: Path) -> None:
    saved(4).save_to_disk(tmp_path / "one")
    script = (
        "import sys; sys.modules['datasets'] = None\n"
        "from gigo.datasets import from_path\n"
        "from gigo.errors import DataError\n"
        "try: from_path(sys.argv[1])\n"
        "except DataError as error: print(error)"
    )
    run = [sys.executable, "-c", script, str(tmp_path / "one")]
    said = subprocess.run(run, capture_output=True, text=True, check=True).stdout
    assert said.strip().endswith("expected the package that reads it: pip install 'gigo[hf]'")


def test_what_is_nothing_that_is_known(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    assert message(path) == f"dataset = '{path}': expected a file or a folder that is there"
    path.write_text("")
    assert message(path).startswith(f"dataset = '{path}': expected a file that ends in .npz, .npy")
    told = message(tmp_path)
    assert told.startswith(f"dataset = '{tmp_path}': expected a folder with a folder of images per")
    assert "; or a folder with train-" in told


def test_damaged_files(tmp_path: Path) -> None:
    for name in ("a.parquet", "a.feather", "a.arrow", "a.npy"):
        (tmp_path / name).write_bytes(b"PAR1 and something else")
        assert str(tmp_path / name) in message(tmp_path / name)
    (tmp_path / "saved").mkdir()
    (tmp_path / "saved" / "state.json").write_text("{}")
    assert "a data set that save_to_disk wrote" in message(tmp_path / "saved")


def test_columns_that_are_no_inputs(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"m": [[1, 2], [3]], "n": [1, 2], "y": ["u", "v"]}), path)
    assert "column 'm': holds values of type list<" in message(path)
    pq.write_table(pa.table({"m": [[1, 2], [3]], "y": ["u", "v"]}), path)
    assert "lists of [2, 1] numbers: expected one length" in message(path)
    pq.write_table(pa.table({"t": ["a", None], "y": ["u", "v"]}), path)
    assert "1 of 2 texts are missing" in message(path)
    pq.write_table(pa.table({"t": ["a", "b"], "n": [1, 2], "y": ["u", "v"]}), path)
    expected = "dataset.kind = 'vector': expected table: 't' of a.parquet: no numbers"
    assert message(path, kind="vector") == expected
    assert "have one item" in message(path)


def test_frames_and_files_are_the_same_data(tmp_path: Path) -> None:
    frame = FRAME.assign(
        word=np.array(["u", "v"])[np.arange(N) % 2],
        truth=np.arange(N) % 3 == 0,
        says=[f"this is the text number {k}" for k in range(N)],
    )
    frame.loc[5, "word"] = None
    frame.to_parquet(tmp_path / "t.parquet")
    frame.iloc[:5].to_parquet(tmp_path / "test.parquet")
    assert from_path(tmp_path / "t.parquet").sha256 == from_memory(frame, "y").sha256
    apart = from_path(tmp_path / "t.parquet", test=tmp_path / "test.parquet")
    assert apart.sha256 == from_memory(frame, "y", frame.iloc[:5]).sha256


@pytest.mark.parametrize("load", [load_wine, load_breast_cancer, load_iris, load_digits])
@pytest.mark.parametrize("as_frame", [False, True])
def test_bunches(load: Any, as_frame: bool) -> None:
    bunch = load(as_frame=as_frame)
    dataset = from_memory(bunch)
    named = np.array(bunch.target_names)[np.asarray(bunch.target)].astype(str)
    assert dataset.classes == tuple(map(str, bunch.target_names))
    assert sorted(labels_of(dataset)) == sorted(named)
    is_digits = load is load_digits
    assert dataset.kind == ("vector" if is_digits and not as_frame else "table")
    assert dataset.input_shape == (len(bunch.feature_names),)
    assert is_digits or dataset.sha256 == from_memory(load(as_frame=not as_frame)).sha256


def test_a_bunch_of_texts_keeps_its_names() -> None:
    texts = [f"text {k}" for k in range(8)]
    dataset = from_memory(Bunch(data=texts, target=[1, 0] * 4, target_names=["b", "a"]))
    assert dataset.kind == "text" and dataset.classes == ("b", "a")
    assert labels_of(dataset).count("a") == 4
    numbered = from_memory(Bunch(data=texts, target=[5, 3] * 4, target_names=["b", "a"]))
    assert numbered.classes == ("3", "5")
    with pytest.raises(GigoError, match="a bunch without data: expected data and target"):
        from_memory(Bunch(data=None, target=[1, 0]))


def idx(path: Path, values: np.ndarray) -> None:
    shape = np.array(values.shape, ">u4").tobytes()
    path.write_bytes(bytes([0, 0, 8, values.ndim]) + shape + values.tobytes())


def test_idx_files_take_other_labels_and_an_order_of_classes(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    y = np.array([3, 5, 5, 3, 9, 9], np.uint8)
    for part, n in (("train", 6), ("t10k", 3)):
        idx(folder / f"{part}-images-idx3-ubyte", PIXELS[:n, :, :, 0])
        idx(folder / f"{part}-labels-idx1-ubyte", y[:n])
    plain = from_path(folder)
    assert from_path(folder / "train-images-idx3-ubyte").sha256 == plain.sha256
    files = other_labels(tmp_path, ["3", "3", "5", "3", "9", "9"])
    dataset = from_path(folder, labels=files["l.txt"], classes=["9", "5", "3"])
    assert dataset.classes == ("9", "5", "3") and dataset.name == "mine"
    assert dataset.y_train.tolist() == [2, 2, 1, 2, 0, 0]
    assert dataset.tests["test"][1].tolist() == [2, 1, 1]
    assert np.array_equal(dataset.x_train, plain.x_train)
    reordered = from_path(folder, classes=[3, 5, 9])
    assert (reordered.sha256, reordered.classes) == (plain.sha256, plain.classes)
    assert message(folder, label="y").startswith("dataset.label = 'y': expected no such option")
