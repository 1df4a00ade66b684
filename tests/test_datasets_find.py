"""Where data sets are taken from, and what is never trusted."""

from __future__ import annotations

import gzip
import hashlib
import os
import shutil
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from gigo import datasets
from gigo.datasets import DatasetEntry, cache, fetch, load, verify, where
from gigo.datasets.idx import IDX, read_folder
from gigo.errors import DataError, SpecError
from gigo.inputs import digest
from mirrors import LOCAL, Mirror, served

MNIST, FASHION_MNIST = datasets.CATALOGUE["mnist"], datasets.CATALOGUE["fashion_mnist"]
NAMES = tuple(MNIST.downloads)


@pytest.fixture(autouse=True)
def no_network(bare_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is found outside the test, and only this computer is ever asked."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")


def write_copy(
    folder: Path,
    *,
    seed: int = 0,
    packed: bool = True,
    size: tuple[int, int] = (28, 28),
    step: int = 1,
) -> Path:
    """A data set in MNIST's files: 20 + 10 random images; labels are multiples of ``step``."""
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    for name, n in zip(NAMES, (20, 20, 10, 10), strict=True):
        if "images" in name:
            values = rng.integers(0, 256, (n, *size), dtype=np.uint8)
        else:
            values = np.arange(n, dtype=np.uint8) % 10 * step
        header = struct.pack(f">I{values.ndim}I", 0x800 + values.ndim, *values.shape)
        content = header + values.tobytes()
        if packed:
            (folder / name).write_bytes(gzip.compress(content, mtime=0))
        else:
            (folder / name.removesuffix(".gz")).write_bytes(content)
    return folder


def sha256_of(folder: Path) -> str:
    return digest(*read_folder([folder / name for name in NAMES]))


@pytest.fixture
def true_copy(tmp_path: Path) -> Path:
    return write_copy(tmp_path / "true")


@pytest.fixture
def mnist(true_copy: Path) -> DatasetEntry:
    """MNIST as if its files were those of `true_copy`, which is its mirror, too."""
    files = {n: hashlib.sha256((true_copy / n).read_bytes()).hexdigest() for n in NAMES}
    return MNIST._replace(sha256=sha256_of(true_copy), downloads=files, mirrors=(f"{true_copy}/",))


@pytest.mark.parametrize("folder", ["", "mnist", "MNIST/raw"])
@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("way", ["argument", "variable"])
def test_named_folder(
    tmp_path: Path,
    mnist: DatasetEntry,
    folder: str,
    packed: bool,
    way: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    place = write_copy(tmp_path / "named" / folder, packed=packed)
    if way == "argument":
        dataset = load(mnist, tmp_path / "named")
    else:
        monkeypatch.setenv("GIGO_DATA", str(tmp_path / "named"))
        dataset = load(mnist, None)
    assert dataset.source == str(place)
    assert dataset.sha256 == mnist.sha256
    assert dataset.classes == tuple("0123456789")
    assert dataset.x_train.shape == (20, 1, 28, 28)
    x_test, y_test = dataset.tests["test"]
    assert x_test.dtype == np.uint8
    assert y_test.dtype == np.int64
    for array in (dataset.x_train, dataset.y_train, x_test, y_test):
        assert not array.flags.writeable


@pytest.mark.parametrize("folder", ["", "fashion-mnist", "fashion_mnist", "FashionMNIST/raw"])
def test_named_folder_of_fashion(tmp_path: Path, mnist: DatasetEntry, folder: str) -> None:
    write_copy(tmp_path / "named" / folder)
    fashion = FASHION_MNIST._replace(sha256=mnist.sha256)
    assert load(fashion, tmp_path / "named").classes[9] == "Ankle boot"


def test_sub_folders_go_before_files_of_the_same_name(tmp_path: Path, mnist: DatasetEntry) -> None:
    """MNIST's files lie directly in the folder, Fashion-MNIST's in a sub-folder."""
    write_copy(tmp_path / "named", seed=1)
    place = write_copy(tmp_path / "named" / "fashion-mnist")
    fashion = FASHION_MNIST._replace(sha256=mnist.sha256)
    assert load(fashion, tmp_path / "named").source == str(place)


def test_argument_goes_before_the_variable(
    tmp_path: Path, mnist: DatasetEntry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIGO_DATA", str(tmp_path / "nowhere"))
    assert load(mnist, write_copy(tmp_path / "named")).source == str(tmp_path / "named")


def test_named_folder_is_the_only_place_looked_at(
    tmp_path: Path, mnist: DatasetEntry, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = write_copy(cache(mnist))
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(DataError, match=r"data_dir = '.*empty': holds no mnist: expected") as e:
        load(mnist, empty)
    for looked_for in (*IDX.files, "mnist/", "MNIST/raw/"):
        assert looked_for in str(e.value)
    monkeypatch.setenv("GIGO_DATA", str(empty))
    with pytest.raises(DataError, match=r"GIGO_DATA = '.*empty': holds no mnist"):
        load(mnist, None)
    monkeypatch.setenv("GIGO_DATA", "")
    assert load(mnist, None).source == str(own)


def test_folders_that_nobody_named_are_not_searched(bare_home: Path, mnist: DatasetEntry) -> None:
    """Those in which other tools keep data, and those around the current one."""
    for place in (".keras/datasets/mnist", "data/mnist", "projects/here/data/MNIST/raw"):
        write_copy(bare_home / place)
    assert where(mnist, None).startswith(f"{cache(mnist)}: lacks train-images")


def test_named_folder_must_exist(tmp_path: Path, mnist: DatasetEntry) -> None:
    with pytest.raises(DataError, match=r"data_dir = '.*nowhere': expected an existing folder"):
        load(mnist, tmp_path / "nowhere")


def test_named_folder_that_lacks_a_file(tmp_path: Path, mnist: DatasetEntry) -> None:
    (write_copy(tmp_path / "named" / "mnist") / NAMES[3]).unlink()
    with pytest.raises(DataError, match=rf"named/mnist: lacks {IDX.files[3]} of mnist"):
        load(mnist, tmp_path / "named")


def test_damage_in_a_named_folder_is_an_error(tmp_path: Path, mnist: DatasetEntry) -> None:
    place = write_copy(tmp_path / "named")
    whole = (place / NAMES[0]).read_bytes()
    (place / NAMES[0]).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match=rf"{NAMES[0]}: .*expected a whole idx file"):
        load(mnist, place)


def test_a_copy_that_differs_is_a_data_set_of_its_own(
    tmp_path: Path, mnist: DatasetEntry, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = write_copy(tmp_path / "named", seed=1)
    found = sha256_of(place)
    with pytest.raises(DataError) as error:
        load(mnist, place)
    assert str(error.value).startswith(
        f"{place}: holds 20 + 10 items of sha256 {found}: expected the official mnist, "
        f"{mnist.sha256}"
    )
    assert str(error.value).endswith(f"(--dataset {place})")
    dataset = datasets.from_path(place)
    assert (dataset.name, dataset.sha256) == ("named", found)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match=rf"^named: .*\(--dataset {place}\)$"):
        load(mnist, Path("named"))


def test_a_folder_may_hold_images_of_any_size_and_labels_with_gaps(tmp_path: Path) -> None:
    place = write_copy(tmp_path / "my digits", size=(5, 9), step=3)
    dataset = datasets.from_path(str(place))
    assert dataset.name == "my digits"
    assert dataset.source == str(place)
    assert dataset.input_shape == (1, 5, 9)
    assert dataset.classes == ("0", "3", "6", "9", "12", "15", "18", "21", "24", "27")
    assert dataset.y_train.tolist() == [*range(10), *range(10)]
    assert dataset.tests["test"][1].tolist() == [*range(10)]


def test_a_folder_is_named_as_the_user_wrote_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = write_copy(tmp_path / "here")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(place)
    for path in ("~/here", ".", "../here/", str(place)):
        assert datasets.from_path(path).name == "here"


def test_test_labels_must_be_those_of_training(tmp_path: Path) -> None:
    place = write_copy(tmp_path / "named")
    other = write_copy(tmp_path / "other", step=2)
    shutil.copy(other / NAMES[3], place)
    with pytest.raises(DataError, match="test label 10: expected those of the training set"):
        datasets.from_path(place)


def test_parts_of_different_shapes_are_no_data_set(tmp_path: Path) -> None:
    place = write_copy(tmp_path / "named")
    shutil.copy(write_copy(tmp_path / "other", size=(8, 8)) / NAMES[2], place)
    with pytest.raises(DataError, match=r"shapes \(1, 28, 28\) and \(1, 8, 8\): expected both"):
        datasets.from_path(place)


def test_a_folder_without_a_data_set(tmp_path: Path) -> None:
    (tmp_path / "train").mkdir()  # of an image folder, not CIFAR-100's file
    (tmp_path / "test").mkdir()
    message = rf"dataset = '{tmp_path}': expected a folder with a folder of images per class; or "
    with pytest.raises(DataError, match=message):
        datasets.from_path(tmp_path)
    with pytest.raises(DataError, match=r"nowhere': expected a file or a folder that is there$"):
        datasets.from_path(tmp_path / "nowhere")


@pytest.mark.parametrize("kind", ["pipe", "folder", "device", "dangling link"])
def test_what_is_no_file_is_refused_without_waiting(
    kind: str, tmp_path: Path, mnist: DatasetEntry
) -> None:
    place = write_copy(tmp_path / "named")
    bad = place / NAMES[0]
    bad.unlink()
    if kind == "pipe":
        os.mkfifo(bad)
    elif kind == "folder":
        bad.mkdir()
    else:
        bad.symlink_to("/dev/zero" if kind == "device" else place / "nowhere")
    message = "lacks train" if kind in ("folder", "dangling link") else "neither a plain file nor"
    with pytest.raises(DataError, match=message):
        load(mnist, place)
    with pytest.raises(DataError, match=message):
        datasets.from_path(place)


def test_a_pipe_in_the_cache_is_refused_without_waiting(mnist: DatasetEntry) -> None:
    cache(mnist).mkdir(parents=True)
    os.mkfifo(cache(mnist) / NAMES[0])
    with pytest.raises(DataError, match="neither a plain file nor a link to one"):
        load(mnist, None, get=Mirror())


def test_download_and_then_no_more(mnist: DatasetEntry) -> None:
    get = Mirror()
    first = load(mnist, get=get)
    assert get.asked == list(NAMES)
    assert first.source == str(cache(mnist)) == where(mnist, None) == verify(mnist, None)
    assert load(mnist, None, get=get).source == first.source
    assert fetch(mnist, get=get) == str(cache(mnist))
    assert len(get.asked) == 4
    assert sorted(p.name for p in cache(mnist).iterdir()) == sorted(NAMES)


def test_next_mirror_goes_on_where_one_failed(
    true_copy: Path, tmp_path: Path, mnist: DatasetEntry
) -> None:
    half = tmp_path / "half"
    half.mkdir()
    for name in NAMES[:2]:
        shutil.copy(true_copy / name, half)
    get = Mirror()
    folder = Path(fetch(mnist._replace(mirrors=(f"{half}/", f"{true_copy}/")), get=get))
    assert get.asked == [*NAMES[:3], *NAMES[2:]]
    assert all((folder / n).read_bytes() == (true_copy / n).read_bytes() for n in NAMES)


def test_wrong_checksum_leaves_nothing_and_says_how_to_go_on(
    true_copy: Path, mnist: DatasetEntry
) -> None:
    expected = mnist.downloads[NAMES[0]]
    write_copy(true_copy, seed=1)
    found = hashlib.sha256((true_copy / NAMES[0]).read_bytes()).hexdigest()
    with pytest.raises(DataError) as error:
        load(mnist._replace(mirrors=("nowhere/", f"{true_copy}/")), None, get=Mirror())
    message = str(error.value)
    assert "\n" not in message
    assert message.startswith(f"{cache(mnist)}: not fetched: expected --data-dir or GIGO_DATA")
    for part in (*NAMES, "nowhere/ failed", f"{true_copy}/ failed", found, expected):
        assert part in message
    assert list(cache(mnist).iterdir()) == []


def test_verify_downloads_nothing(mnist: DatasetEntry) -> None:
    with pytest.raises(DataError, match=f"{cache(mnist)}: lacks train-images-.* of mnist"):
        verify(mnist, None)


def test_what_is_incomplete_in_the_cache_is_completed(true_copy: Path, mnist: DatasetEntry) -> None:
    cache(mnist).mkdir(parents=True)
    shutil.copy(true_copy / NAMES[0], cache(mnist))
    get = Mirror()
    load(mnist, None, get=get)
    assert get.asked == list(NAMES[1:])


def test_damage_in_the_cache_is_an_error_that_fetch_mends(mnist: DatasetEntry) -> None:
    (write_copy(cache(mnist)) / NAMES[0]).write_bytes(b"half")
    get = Mirror()
    with pytest.raises(DataError, match=f"{cache(mnist) / NAMES[0]}: 4 bytes"):
        load(mnist, None, get=get)
    assert get.asked == []
    fetch(mnist, get=get)
    assert get.asked == [NAMES[0]]
    assert load(mnist, None).sha256 == mnist.sha256


def test_cache_that_cannot_be_written(bare_home: Path, mnist: DatasetEntry) -> None:
    (bare_home / ".cache").write_text("a file in the way")
    with pytest.raises(DataError, match=r"--data-dir.*\.cache"):
        load(mnist, None, get=Mirror())


def test_files_come_by_http(true_copy: Path, mnist: DatasetEntry) -> None:
    told: list[tuple[str, int, int]] = []
    with served(true_copy) as (address, asked):
        fetch(mnist._replace(mirrors=(address,)), watch=lambda *news: told.append(news))
    assert asked == [f"/{name}" for name in NAMES]
    size = (true_copy / NAMES[3]).stat().st_size
    assert told[-1] == (NAMES[3], size, size)
    assert all(0 < done <= total for _, done, total in told)


def test_cut_connection_leaves_nothing(true_copy: Path, mnist: DatasetEntry) -> None:
    with served(true_copy, cut=True) as (address, _), pytest.raises(DataError, match="failed: "):
        load(mnist._replace(mirrors=(address,)), None)
    assert list(cache(mnist).iterdir()) == []


def test_nobody_answers(mnist: DatasetEntry) -> None:
    with pytest.raises(DataError, match=rf"not fetched: .*{LOCAL}:9/ failed: .*refused"):
        fetch(mnist._replace(mirrors=(f"{LOCAL}:9/",)))


def test_data_sets_that_come_with_gigo() -> None:
    place = datasets.where("digits")
    assert place.startswith("scikit-learn ")
    assert place.endswith(": digits comes with gigo")
    assert datasets.verify("digits") == datasets.fetch("digits") == place


@pytest.mark.parametrize("call", [datasets.where, datasets.verify, datasets.fetch, datasets.load])
def test_unknown_names(call: Callable[[str], object]) -> None:
    with pytest.raises(SpecError, match=r"dataset = 'cifar_10'.*did you mean 'cifar10'"):
        call("cifar_10")
