"""CIFAR-10 and CIFAR-100 from every format; copies that differ; the true data's fingerprints."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest

from cifars import (
    BATCHES,
    Items,
    arrays,
    cifar10,
    cifar100,
    contents,
    made_up,
    write_archive,
    write_folder,
    write_hub,
)
from gigo import datasets
from gigo.datasets import CATALOGUE, DatasetEntry, cache, load, where
from gigo.datasets.cifar import record_digest
from gigo.errors import DataError
from gigo.types import Dataset
from mirrors import Mirror

TRAIN_RECORDS = "a0181da372c0d63a5920fdbea2ec3f83ecbc552d378218e1cb473cf634941a3b"
TEST_RECORDS = "8e2eb146ae340b09e24670f29cabc6326dba54da8789dab6768acf480273f65b"

Files = dict[str, Items]
ALL = (
    (CATALOGUE["cifar10"], cifar10(), False),
    (CATALOGUE["cifar100"], cifar100(), False),
    (CATALOGUE["cifar100_coarse"], cifar100(), True),
)


def holding(entry: DatasetEntry, files: Files, coarse: bool = False) -> DatasetEntry:
    """The same as if these were the true data."""
    hashed = entry.formats[0].digest
    return entry._replace(sha256=hashed(*arrays(files, coarse=coarse)))


each = pytest.mark.parametrize(
    ("entry", "files", "coarse"),
    [(holding(*case), *case[1:]) for case in ALL],
    ids=[entry.name for entry, _, _ in ALL],
)


@pytest.fixture(autouse=True)
def nothing_elsewhere(bare_home: Path) -> None:
    """No data set is found outside the test."""


def archive_name(entry: DatasetEntry) -> str:
    (name,) = entry.downloads
    return name


def check(dataset: Dataset, files: Files, coarse: bool = False) -> None:
    """That a data set has the arrays of the files."""
    found = dataset.x_train, dataset.y_train, *dataset.tests["test"]
    for array, right in zip(found, arrays(files, coarse=coarse), strict=True):
        np.testing.assert_array_equal(array, right)
        assert array.dtype == right.dtype
        assert array.flags.c_contiguous and not array.flags.writeable


@each
def test_folder_and_archive_give_the_same_arrays(
    entry: DatasetEntry, files: Files, coarse: bool, tmp_path: Path
) -> None:
    folder = write_folder(tmp_path / "1", contents(files))
    write_archive(tmp_path / "2" / archive_name(entry), contents(files))
    for named, place in ((tmp_path / "1", folder), (folder, folder), (tmp_path / "2",) * 2):
        dataset = load(entry, named)
        assert dataset.source == str(place)
        assert dataset.classes == entry.classes
        check(dataset, files, coarse)


def test_archive_folder_may_be_spelt_with_a_dot(tmp_path: Path) -> None:
    files = {f"./{name}": content for name, content in contents(cifar10()).items()}
    write_archive(tmp_path / "cifar-10-python.tar.gz", files)
    check(load(holding(CATALOGUE["cifar10"], cifar10()), tmp_path), cifar10())


def test_training_files_may_be_of_different_lengths(tmp_path: Path) -> None:
    files = {**cifar10(), "data_batch_3": made_up(9, 10, 0)}
    check(datasets.from_path(write_folder(tmp_path, contents(files))), files)


@each
def test_download_and_then_no_more(
    entry: DatasetEntry, files: Files, coarse: bool, tmp_path: Path
) -> None:
    path = write_archive(tmp_path / archive_name(entry), contents(files))
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    there = entry._replace(downloads={path.name: sha256}, mirrors=(f"{tmp_path}/",))
    get = Mirror()
    check(load(there, None, get=get), files, coarse)
    check(load(there, None, get=get), files, coarse)
    assert get.asked == [path.name]
    assert where(there, None) == str(cache(there))
    assert cache(there).name == ("cifar10" if entry.name == "cifar10" else "cifar100")


def test_a_copy_that_differs_is_a_data_set_of_its_own(tmp_path: Path) -> None:
    true, other = cifar10(), cifar10()
    x = other["test_batch"].x.copy()
    x[3, 0, 0, 0] ^= 1
    other["test_batch"] = other["test_batch"]._replace(x=x)
    place = write_folder(tmp_path, contents(other))
    entry, found = holding(CATALOGUE["cifar10"], true), holding(CATALOGUE["cifar10"], other).sha256
    with pytest.raises(DataError) as error:
        load(entry, tmp_path)
    message = str(error.value)
    assert f"{place}: holds 20 + 6 items of sha256 {found}: expected the official" in message
    assert f"cifar10, {entry.sha256}; this copy is a data set of its own" in message
    assert message.endswith(f"named by its folder (--dataset {place})")
    dataset = datasets.from_path(place)
    assert (dataset.name, dataset.sha256) == ("cifar-10-batches-py", found)
    assert dataset.classes[0] == "airplane"
    check(dataset, other)
    write_folder(tmp_path, contents(true))
    assert datasets.from_path(place).sha256 == entry.sha256


def test_folders_of_every_format_can_be_named(tmp_path: Path) -> None:
    for number, files in enumerate((cifar10(), cifar100())):
        folder = write_folder(tmp_path / f"{number}" / "python", contents(files))
        archive = write_archive(tmp_path / f"{number}" / "any.tar.gz", contents(files))
        right = ("cifar-10-python.tar.gz", "cifar-100-python.tar.gz")[number]
        archive.rename(archive.with_name(right))
        for place in (folder, archive.parent):
            dataset = datasets.from_path(place)
            assert dataset.name == place.name
            assert dataset.n_classes == (10, 100)[number]
            check(dataset, files)


def test_the_hub_s_layout_can_be_named(tmp_path: Path) -> None:
    """Its classes are called by their labels, of which this one has but some."""
    files = cifar10()
    labels = np.arange(20) % 4 * 2
    for k, name in enumerate(BATCHES):
        files[name] = files[name]._replace(fine=labels[4 * k :][:4])
    files["test_batch"] = files["test_batch"]._replace(fine=labels[:6])
    dataset = datasets.from_path(write_hub(tmp_path / "hub", files))
    assert (dataset.name, dataset.classes) == ("hub", ("0", "2", "4", "6"))
    right = arrays(files)
    np.testing.assert_array_equal(dataset.x_train, right.x_train)
    np.testing.assert_array_equal(dataset.y_train, right.y_train // 2)
    np.testing.assert_array_equal(dataset.tests["test"][0], right.x_test)


def test_record_digest_is_the_documented_hash() -> None:
    parts: list[str] = []
    for names in (BATCHES, ("test_batch",)):
        items = [cifar10()[name] for name in names]
        records = (
            bytes([label]) + image.tobytes()
            for part in items
            for label, image in zip(part.fine, part.x, strict=True)
        )
        parts.append(hashlib.sha256(b"".join(records)).hexdigest())
    expected = hashlib.sha256("".join(parts).encode()).hexdigest()
    assert record_digest(*arrays(cifar10())) == expected


def test_cifar10_fingerprint_is_that_of_the_published_checksums() -> None:
    both = (TRAIN_RECORDS + TEST_RECORDS).encode()
    assert CATALOGUE["cifar10"].sha256 == hashlib.sha256(both).hexdigest()


def test_class_names() -> None:
    for entry, _, _ in ALL:
        assert len(set(entry.classes)) == entry.n_classes
        assert sorted(entry.classes) == list(entry.classes)
