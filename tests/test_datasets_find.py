"""Where data sets are taken from, in what order, and what is never trusted."""

from __future__ import annotations

import gzip
import hashlib
import logging
import shutil
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gigo import datasets
from gigo.datasets import fingerprint
from gigo.datasets.download import fetch
from gigo.datasets.find import find
from gigo.datasets.mnist import FASHION_MNIST, MNIST, read_idx_files, read_npz
from gigo.datasets.official import Official
from gigo.datasets.places import other_caches, own_cache
from gigo.errors import DataError
from mirrors import LOCAL, served

NAMES = tuple(MNIST.download.files)


@pytest.fixture(autouse=True)
def no_network(bare_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is found outside the test, and only this computer is ever asked."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    for variable in ("HF_HOME", "HF_HUB_CACHE"):
        monkeypatch.delenv(variable, raising=False)


def write_copy(folder: Path, *, seed: int = 0, packed: bool = True) -> Path:
    """A data set in MNIST's files: 20 + 10 random images."""
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    for name, n in zip(NAMES, (20, 20, 10, 10), strict=True):
        shape = (n, 28, 28) if "images" in name else (n,)
        header = struct.pack(f">I{len(shape)}I", 0x800 + len(shape), *shape)
        content = header + rng.integers(0, 10, shape, dtype=np.uint8).tobytes()
        if packed:
            (folder / name).write_bytes(gzip.compress(content, mtime=0))
        else:
            (folder / name.removesuffix(".gz")).write_bytes(content)
    return folder


@pytest.fixture
def true_copy(tmp_path: Path) -> Path:
    return write_copy(tmp_path / "true")


@pytest.fixture
def sha256(true_copy: Path) -> str:
    return fingerprint(*read_idx_files([true_copy / name for name in NAMES]))


@pytest.fixture
def closed(true_copy: Path) -> Official:
    """MNIST as if its files were those of `true_copy`, and no mirror answered."""
    files = {n: hashlib.sha256((true_copy / n).read_bytes()).hexdigest() for n in NAMES}
    download = MNIST.download._replace(files=files, mirrors=(f"{LOCAL}:9/",))
    return MNIST._replace(download=download)


def mirrored_by(official: Official, *mirrors: str) -> Official:
    return official._replace(download=official.download._replace(mirrors=mirrors))


@pytest.mark.parametrize("folder", ["", "mnist", "MNIST/raw"])
@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("way", ["argument", "variable"])
def test_named_folder(
    tmp_path: Path,
    closed: Official,
    sha256: str,
    folder: str,
    packed: bool,
    way: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    place = write_copy(tmp_path / "named" / folder, packed=packed)
    if way == "argument":
        dataset = find(closed, sha256, tmp_path / "named")
    else:
        monkeypatch.setenv("GIGO_DATA", str(tmp_path / "named"))
        dataset = find(closed, sha256, None)
    assert dataset.source == str(place)
    assert dataset.sha256 == sha256
    assert dataset.x_train.shape == (20, 1, 28, 28)
    assert dataset.x_train.dtype == np.uint8
    assert dataset.tests["test"][1].shape == (10,)
    assert dataset.tests["test"][1].dtype == np.int64
    for array in (
        dataset.x_train,
        dataset.y_train,
        dataset.tests["test"][0],
        dataset.tests["test"][1],
    ):
        assert not array.flags.writeable


@pytest.mark.parametrize("folder", ["", "fashion-mnist", "fashion_mnist", "FashionMNIST/raw"])
def test_named_folder_of_fashion(tmp_path: Path, sha256: str, folder: str) -> None:
    write_copy(tmp_path / "named" / folder)
    assert find(FASHION_MNIST, sha256, tmp_path / "named").classes[9] == "Ankle boot"


def test_sub_folders_go_before_files_of_the_same_name(tmp_path: Path, sha256: str) -> None:
    """MNIST's files lie directly in the folder, Fashion-MNIST's in a sub-folder."""
    write_copy(tmp_path / "named", seed=1)
    place = write_copy(tmp_path / "named" / "fashion-mnist")
    assert find(FASHION_MNIST, sha256, tmp_path / "named").source == str(place)


def test_argument_goes_before_the_variable(
    tmp_path: Path, closed: Official, sha256: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIGO_DATA", str(tmp_path / "nowhere"))
    assert find(closed, sha256, write_copy(tmp_path / "named")).source == str(tmp_path / "named")


def test_named_folder_is_the_only_place_looked_at(
    tmp_path: Path, bare_home: Path, closed: Official, sha256: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_copy(bare_home / "data" / "mnist")
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(DataError, match=r"data_dir = '.*empty': holds no mnist: expected") as e:
        find(closed, sha256, empty)
    for looked_for in (*NAMES, "mnist/", "MNIST/raw/", "mnist.npz"):
        assert looked_for in str(e.value)
    monkeypatch.setenv("GIGO_DATA", str(empty))
    with pytest.raises(DataError, match=r"GIGO_DATA = '.*empty': holds no mnist"):
        find(closed, sha256, None)
    monkeypatch.setenv("GIGO_DATA", "")
    assert find(closed, sha256, None).source == str(bare_home / "data" / "mnist")


def test_named_folder_must_exist(tmp_path: Path, closed: Official, sha256: str) -> None:
    with pytest.raises(DataError, match=r"data_dir = '.*nowhere': expected an existing folder"):
        find(closed, sha256, tmp_path / "nowhere")


def test_named_folder_that_lacks_a_file(tmp_path: Path, closed: Official, sha256: str) -> None:
    (write_copy(tmp_path / "named" / "mnist") / NAMES[3]).unlink()
    with pytest.raises(DataError, match=rf"named/mnist: lacks {NAMES[3]} of mnist"):
        find(closed, sha256, tmp_path / "named")


def test_damage_in_a_named_folder_is_an_error(
    tmp_path: Path, closed: Official, sha256: str
) -> None:
    place = write_copy(tmp_path / "named")
    whole = (place / NAMES[0]).read_bytes()
    (place / NAMES[0]).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match=rf"{NAMES[0]}: .*expected a whole idx file"):
        find(closed, sha256, place)


def test_other_data_in_a_named_folder_is_an_error(
    tmp_path: Path, closed: Official, sha256: str
) -> None:
    place = write_copy(tmp_path / "named", seed=1)
    found = fingerprint(*read_idx_files([place / name for name in NAMES]))
    message = rf"named: holds 20 \+ 10 items of sha256 {found}: expected those of mnist, {sha256}"
    with pytest.raises(DataError, match=message):
        find(closed, sha256, place)


def test_caches_in_order(
    bare_home: Path, closed: Official, sha256: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Keras, then torchvision's usual roots, then gigo's own: each when those before go."""
    places = [
        bare_home / ".keras" / "datasets" / "mnist",
        bare_home / "projects" / "work" / "data" / "MNIST" / "raw",
        bare_home / "projects" / "work" / "MNIST" / "raw",
        bare_home / "data" / "MNIST" / "raw",
        bare_home / ".cache" / "torch" / "datasets" / "MNIST" / "raw",
        own_cache("mnist"),
    ]
    assert places[-1] == bare_home / ".cache" / "gigo" / "datasets" / "mnist"
    for place in places:
        write_copy(place)
    for place in places:
        assert find(closed, sha256, None).source == str(place)
        shutil.rmtree(place)
    assert not caplog.records


def test_keras_and_torch_homes_are_honoured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "k"))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "t"))
    assert {tmp_path / "k" / "datasets", tmp_path / "t" / "datasets"} <= set(other_caches())


def test_keras_npz(bare_home: Path, true_copy: Path, closed: Official, sha256: str) -> None:
    place = bare_home / ".keras" / "datasets"
    write_npz(place, true_copy)
    dataset = find(closed, sha256, None)
    assert dataset.source == str(place / "mnist.npz")
    assert dataset.y_train.dtype == np.int64


def write_npz(place: Path, true_copy: Path) -> Path:
    arrays = read_idx_files([true_copy / name for name in NAMES])._asdict()
    place.mkdir(parents=True, exist_ok=True)
    flat = {n: a[:, 0] if n[0] == "x" else a.astype(np.uint8) for n, a in arrays.items()}
    np.savez_compressed(place / "mnist.npz", **flat)
    return place / "mnist.npz"


@pytest.mark.parametrize(
    ("part", "change", "expected"),
    [
        ("y_train", lambda y: y + 200, "labels 200 to 209: expected 0 to 9"),
        ("y_test", lambda y: y.astype(np.int64) - 1, "labels -1 to 8: expected 0 to 9"),
        ("y_train", lambda y: y + 0.7, "labels of type float64"),
        ("y_train", lambda y: y[:, None], r"labels of shape \(20, 1\)"),
        ("y_test", lambda y: y[0], r"labels of shape \(\)"),
        (
            "x_train",
            lambda x: x[:, :8, :8],
            r"images: uint8 \(20, 1, 8, 8\): expected uint8 \(20, 1, 28, 28\)",
        ),
        ("x_test", lambda x: x / 255, r"images: float64 \(10, 1, 28, 28\): expected uint8"),
        (
            "x_test",
            lambda x: x[:5],
            r"images: uint8 \(5, 1, 28, 28\): expected uint8 \(10, 1, 28, 28\)",
        ),
    ],
)
def test_an_npz_that_holds_something_else_is_refused_even_unverified(
    bare_home: Path,
    true_copy: Path,
    closed: Official,
    sha256: str,
    monkeypatch: pytest.MonkeyPatch,
    part: str,
    change: Callable[[Any], Any],
    expected: str,
) -> None:
    path = write_npz(bare_home / "npz", true_copy)
    with np.load(path) as archive:
        arrays = dict(archive)
    n_train, n_test = len(arrays["y_train"]), len(arrays["y_test"])
    entry = datasets.CATALOGUE["mnist"]._replace(
        source=lambda: closed, n_train=n_train, n_test=n_test, sha256=sha256
    )
    monkeypatch.setitem(datasets.CATALOGUE, "mnist", entry)
    assert datasets.accept(["mnist"], bare_home / "npz") == {}  # it is the true one
    np.savez_compressed(path, **{**arrays, part: change(arrays[part])})
    with pytest.raises(DataError, match=expected):
        datasets.accept(["mnist"], bare_home / "npz")


def test_damaged_copies_are_named_and_passed_over(
    bare_home: Path, closed: Official, sha256: str, caplog: pytest.LogCaptureFixture
) -> None:
    incomplete = write_copy(bare_home / ".keras" / "datasets" / "mnist")
    (incomplete / NAMES[2]).unlink()
    truncated = write_copy(bare_home / "projects" / "work" / "data" / "mnist")
    (truncated / NAMES[1]).write_bytes(b"")
    other = write_copy(bare_home / "data" / "mnist", seed=1)
    good = write_copy(bare_home / "datasets" / "mnist")
    with caplog.at_level(logging.WARNING):
        assert find(closed, sha256, None).source == str(good)
    said = [record.getMessage() for record in caplog.records]
    assert len(said) == 3
    assert all(line.startswith("mnist: passed over a copy: ") for line in said)
    assert f"{incomplete}: lacks {NAMES[2]}" in said[0]
    assert f"{truncated / NAMES[1]}: " in said[1]
    assert f"{other}: holds 20 + 10 items" in said[2]


def test_mnist_lying_directly_in_a_cache_is_no_damaged_fashion_mnist(
    bare_home: Path, closed: Official, sha256: str, caplog: pytest.LogCaptureFixture
) -> None:
    write_copy(bare_home / "data", seed=1)
    good = write_copy(bare_home / "datasets" / "fashion-mnist")
    assert find(FASHION_MNIST, sha256, None).source == str(good)
    assert not caplog.records


@given(data=st.data())
@settings(max_examples=200, deadline=None)
def test_damaged_npz_is_a_data_error_or_read_right(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    folder = tmp_path_factory.getbasetemp() / "npz"
    whole = folder / "mnist.npz"
    if not whole.exists():
        write_npz(folder, write_copy(folder))
    content = bytearray(whole.read_bytes())
    if data.draw(st.booleans()):
        del content[data.draw(st.integers(0, len(content) - 1)) :]
    else:
        content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    damaged = folder / "damaged.npz"
    damaged.write_bytes(bytes(content))
    refused = ""
    try:
        assert fingerprint(*read_npz([damaged])) == fingerprint(*read_npz([whole]))
    except DataError as error:
        refused = str(error)
    assert not refused or refused.startswith(f"{damaged}: ")
    assert "\n" not in refused


def test_npz_with_pickles_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "mnist.npz"
    bad = np.array([{}], dtype=object)
    np.savez(path, x_train=bad, y_train=bad, x_test=bad, y_test=bad)
    with pytest.raises(DataError, match=r"mnist.npz: ValueError .*allow_pickle=False"):
        read_npz([path])


def test_download_and_then_no_more(true_copy: Path, closed: Official, sha256: str) -> None:
    with served(true_copy) as (address, asked):
        mirrored = mirrored_by(closed, address)
        first = find(mirrored, sha256, None)
        assert asked == [f"/{name}" for name in NAMES]
        assert find(mirrored, sha256, None).source == first.source == str(own_cache("mnist"))
        assert len(asked) == 4
    assert sorted(p.name for p in own_cache("mnist").iterdir()) == sorted(NAMES)


def test_next_mirror_goes_on_where_one_failed(
    true_copy: Path, tmp_path: Path, closed: Official
) -> None:
    half = tmp_path / "half"
    half.mkdir()
    for name in NAMES[:2]:
        shutil.copy(true_copy / name, half)
    with served(half) as (first, _), served(true_copy) as (second, asked):
        paths = fetch(mirrored_by(closed, first, second).download, tmp_path / "here")
    assert asked == [f"/{name}" for name in NAMES[2:]]
    assert [path.read_bytes() for path in paths] == [(true_copy / n).read_bytes() for n in NAMES]


def test_wrong_checksum_leaves_nothing_and_says_how_to_go_on(
    true_copy: Path, tmp_path: Path, closed: Official, sha256: str
) -> None:
    expected = closed.download.files[NAMES[0]]
    write_copy(true_copy, seed=1)
    found = hashlib.sha256((true_copy / NAMES[0]).read_bytes()).hexdigest()
    with served(true_copy) as (address, _), pytest.raises(DataError) as error:
        find(mirrored_by(closed, f"{LOCAL}:9/", address), sha256, None)
    message = str(error.value)
    assert "\n" not in message
    assert message.startswith(
        "mnist: no copy found and none fetched: expected --data-dir or GIGO_D"
    )
    for part in (*NAMES, f"{LOCAL}:9/ failed", f"{address} failed", found, expected):
        assert part in message
    assert list(own_cache("mnist").iterdir()) == []


def test_cut_connection_leaves_nothing(true_copy: Path, closed: Official, sha256: str) -> None:
    with (
        served(true_copy, cut=True) as (address, _),
        pytest.raises(DataError, match=r"none fetched.* failed: "),
    ):
        find(mirrored_by(closed, address), sha256, None)
    assert list(own_cache("mnist").iterdir()) == []


def test_damaged_file_in_the_own_cache_is_fetched_again(
    true_copy: Path, closed: Official, sha256: str, caplog: pytest.LogCaptureFixture
) -> None:
    (write_copy(own_cache("mnist")) / NAMES[0]).write_bytes(b"half")
    with served(true_copy) as (address, asked):
        assert find(mirrored_by(closed, address), sha256, None).sha256 == sha256
    assert asked == [f"/{NAMES[0]}"]
    assert f"passed over a copy: {own_cache('mnist') / NAMES[0]}" in caplog.text


def test_failure_names_the_copies_passed_over(
    bare_home: Path, closed: Official, sha256: str
) -> None:
    bad = write_copy(bare_home / "data" / "mnist", seed=1)
    with pytest.raises(DataError, match=rf"none fetched.*passed over {bad}: holds"):
        find(closed, sha256, None)


def test_cache_that_cannot_be_written(bare_home: Path, closed: Official, sha256: str) -> None:
    (bare_home / ".cache").write_text("a file in the way")
    with pytest.raises(DataError, match=r"--data-dir.*expected a folder to write to"):
        find(closed, sha256, None)
