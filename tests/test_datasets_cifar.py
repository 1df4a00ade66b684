"""CIFAR-10 and CIFAR-100 from every format and place; copies that differ; the true data."""

from __future__ import annotations

import hashlib
import logging
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from cifars import (
    Items,
    arrays,
    cifar10,
    cifar100,
    contents,
    made_up,
    write_archive,
    write_folder,
    write_hub,
    write_parquet,
)
from gigo import datasets
from gigo.datasets.cifar import CIFAR10, CIFAR100, CIFAR100_COARSE
from gigo.datasets.cifar_files import record_fingerprint, records_sha256
from gigo.datasets.find import find
from gigo.datasets.mnist import FASHION_MNIST, MNIST
from gigo.datasets.official import Official
from gigo.datasets.places import own_cache
from gigo.errors import DataError, SpecError
from mirrors import LOCAL, served

TRAIN_RECORDS = "a0181da372c0d63a5920fdbea2ec3f83ecbc552d378218e1cb473cf634941a3b"
TEST_RECORDS = "8e2eb146ae340b09e24670f29cabc6326dba54da8789dab6768acf480273f65b"

Files = dict[str, Items]
ALL = (
    (CIFAR10, cifar10(), False),
    (CIFAR100, cifar100(), False),
    (CIFAR100_COARSE, cifar100(), True),
)
each = pytest.mark.parametrize(
    ("official", "files", "coarse"), ALL, ids=[official.name for official, _, _ in ALL]
)


@pytest.fixture(autouse=True)
def no_network(bare_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is found outside the test, and only this computer is ever asked."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    for variable in ("HF_HOME", "HF_HUB_CACHE"):
        monkeypatch.delenv(variable, raising=False)


def true_sha256(official: Official, files: Files, coarse: bool = False) -> str:
    return official.fingerprint(*arrays(files, coarse=coarse))


def closed(official: Official) -> Official:
    """The same with no mirror that answers."""
    return official._replace(download=official.download._replace(mirrors=(f"{LOCAL}:9/",)))


def archive_name(official: Official, kind: str = "python") -> str:
    return f"cifar-{'10' if official is CIFAR10 else '100'}-{kind}.tar.gz"


def write_each_way(official: Official, files: Files, place: Path) -> dict[str, Path]:
    """Where each format's copy lies, all of the same data."""
    python, binary = contents(files), contents(files, binary=True)
    return {
        "python": write_folder(place / "1", python),
        "python archive": write_archive(place / "2" / archive_name(official), python),
        "binary": write_folder(place / "3", binary),
        "binary archive": write_archive(place / "4" / archive_name(official, "binary"), binary),
        "hub": write_hub(place / "5", files),
    }


@each
def test_every_format_gives_the_same_arrays(
    official: Official, files: Files, coarse: bool, tmp_path: Path
) -> None:
    expected = arrays(files, coarse=coarse)
    sha256 = true_sha256(official, files, coarse)
    ways = write_each_way(official, files, tmp_path)
    for number, place in enumerate(ways.values(), start=1):
        dataset = find(official, sha256, tmp_path / str(number))
        assert dataset.source == str(place)
        found = dataset.x_train, dataset.y_train, dataset.tests["test"][0], dataset.tests["test"][1]
        for array, right in zip(found, expected, strict=True):
            np.testing.assert_array_equal(array, right)
            assert array.dtype == right.dtype
            assert array.flags.c_contiguous and not array.flags.writeable


@each
def test_files_directly_in_the_named_folder(
    official: Official, files: Files, coarse: bool, tmp_path: Path
) -> None:
    sha256 = true_sha256(official, files, coarse)
    for place in write_each_way(official, files, tmp_path).values():
        folder = place if place.is_dir() else place.parent
        assert find(official, sha256, folder).source == str(place)


def test_archive_folder_may_be_spelt_with_a_dot(tmp_path: Path) -> None:
    files = {f"./{name}": content for name, content in contents(cifar10()).items()}
    write_archive(tmp_path / "cifar-10-python.tar.gz", files)
    assert find(CIFAR10, true_sha256(CIFAR10, cifar10()), tmp_path).sha256


def test_caches_of_other_tools(bare_home: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Each place in turn, when those before are gone."""
    python = contents(cifar10())
    keras, hub = bare_home / ".keras" / "datasets", bare_home / ".cache" / "huggingface" / "hub"
    target = "cifar-10-batches-py-target"
    places = [
        write_folder(keras, python),
        write_folder(keras / target, python),
        write_archive(keras / "cifar-10-batches-py.tar.gz", python),
        write_archive(keras / f"{target}_archive", python),
        write_folder(bare_home / "projects" / "work" / "data", python),
        write_archive(bare_home / "data" / "cifar-10-python.tar.gz", python),
        write_hub(hub, cifar10()),
        write_archive(own_cache("cifar10") / "cifar-10-python.tar.gz", python),
    ]
    sha256 = true_sha256(CIFAR10, cifar10())
    for place in places:
        assert find(closed(CIFAR10), sha256, None).source == str(place)
        shutil.rmtree(place) if place.is_dir() else place.unlink()
    assert not caplog.records


def test_hugging_face_homes_are_honoured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sha256 = true_sha256(CIFAR100, cifar100())
    monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
    place = write_hub(tmp_path / "home" / "hub", cifar100())
    assert find(closed(CIFAR100), sha256, None).source == str(place)
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    place = write_hub(tmp_path / "hub", cifar100())
    assert find(closed(CIFAR100), sha256, None).source == str(place)


@pytest.mark.parametrize(
    ("official", "folder"),
    [
        (MNIST, "datasets--ylecun--mnist/snapshots/77f3/mnist"),
        (FASHION_MNIST, "datasets--zalando-datasets--fashion_mnist/snapshots/5314/fashion_mnist"),
    ],
)
def test_hugging_face_has_grey_images_too(official: Official, folder: str, bare_home: Path) -> None:
    rng = np.random.default_rng(0)
    x = rng.integers(0, 256, (12, 1, 28, 28), dtype=np.uint8)
    y = rng.integers(0, 10, 12)
    hub = bare_home / ".cache" / "huggingface" / "hub" / folder
    write_parquet(hub / "train-00000-of-00001.parquet", "image", x[:8], label=y[:8])
    write_parquet(hub / "test-00000-of-00001.parquet", "image", x[8:], label=y[8:])
    sha256 = datasets.fingerprint(x[:8], y[:8], x[8:], y[8:])
    assert find(closed(official), sha256, None).source == str(hub)


@each
def test_half_written_caches_are_named_and_passed_over(
    official: Official,
    files: Files,
    coarse: bool,
    bare_home: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    python = contents(files)
    last = list(python)[-1]
    data, keras = bare_home / "data", bare_home / ".keras" / "datasets"
    cut = write_folder(keras, {**python, last: python[last][:-9]})
    half = write_archive(data / archive_name(official), python)
    half.write_bytes(half.read_bytes()[:-900])
    lacking = write_folder(bare_home / "datasets", {n: c for n, c in python.items() if n != last})
    other = write_folder(bare_home, contents(cifar10(9) if official is CIFAR10 else cifar100(9)))
    hub = write_hub(bare_home / ".cache" / "huggingface" / "hub", files)
    parquet = hub / "test-00000-of-00001.parquet"
    whole = parquet.read_bytes()
    parquet.write_bytes(whole[: len(whole) // 2])
    good = write_archive(own_cache(official.download.folder) / archive_name(official), python)
    monkeypatch.chdir(bare_home)  # where `other` lies

    with caplog.at_level(logging.WARNING):
        dataset = find(closed(official), true_sha256(official, files, coarse), None)
    assert dataset.source == str(good)
    said = [record.getMessage() for record in caplog.records]
    assert all(line.startswith(f"{official.name}: passed over a copy: ") for line in said)
    bad = [cut / Path(last).name, half, other, lacking, parquet]
    assert len(said) == len(bad)
    for place in bad:
        assert sum(str(place) in line for line in said) == 1


@each
def test_the_same_in_a_named_folder_is_an_error(
    official: Official, files: Files, coarse: bool, tmp_path: Path
) -> None:
    python = contents(files)
    last = list(python)[-1]
    write_archive(tmp_path / archive_name(official), python)
    write_folder(tmp_path, {**python, last: python[last][:-9]})
    with pytest.raises(DataError, match=rf"{last}: .*expected a whole pickle"):
        find(official, true_sha256(official, files, coarse), tmp_path)


@each
def test_download_and_then_no_more(
    official: Official, files: Files, coarse: bool, tmp_path: Path
) -> None:
    path = write_archive(tmp_path / archive_name(official), contents(files))
    sha256 = true_sha256(official, files, coarse)
    told: list[tuple[str, int, int]] = []
    with served(tmp_path) as (address, asked):
        download = official.download._replace(
            files={path.name: hashlib.sha256(path.read_bytes()).hexdigest()}, mirrors=(address,)
        )
        mirrored = official._replace(download=download)
        first = find(mirrored, sha256, None, watch=lambda *news: told.append(news))
        assert find(mirrored, sha256, None).source == first.source
    assert asked == [f"/{path.name}"]
    cache = own_cache("cifar10" if official is CIFAR10 else "cifar100")
    assert first.source == str(cache / path.name)
    size = path.stat().st_size
    assert told[-1] == (path.name, size, size)
    assert all(name == path.name and 0 < done <= total == size for name, done, total in told)


def of_catalogue(
    monkeypatch: pytest.MonkeyPatch, name: str, official: Official, files: Files, sha256: str
) -> None:
    """The catalogue's entry, as if these were the true data's sizes."""
    made = arrays(files)
    entry = datasets.CATALOGUE[name]._replace(
        source=lambda: official,
        n_train=len(made.y_train),
        n_test=len(made.tests["test"][1]),
        sha256=sha256,
    )
    monkeypatch.setitem(datasets.CATALOGUE, name, entry)


def test_copy_that_differs_is_read_only_if_accepted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    true, other = cifar10(), cifar10()
    x = other["test_batch"].x.copy()
    x[3, 0, 0, 0] ^= 1
    other["test_batch"] = other["test_batch"]._replace(x=x)
    sha256, found = true_sha256(CIFAR10, true), true_sha256(CIFAR10, other)
    of_catalogue(monkeypatch, "cifar10", CIFAR10, true, sha256)
    place = write_folder(tmp_path, contents(other))
    with pytest.raises(DataError, match=rf"of sha256 {found}: .* {sha256} \(gigo run --unverified"):
        datasets.load("cifar10", tmp_path)

    accepted = datasets.accept(["digits", "cifar10"], tmp_path)
    assert accepted == {"cifar10": found}
    dataset = datasets.load("cifar10", tmp_path, accepted=found)
    assert dataset.sha256 == found
    assert dataset.source == f"{place} (unverified: differs from the official data)"

    write_folder(tmp_path, contents(true))
    assert datasets.accept(["cifar10"], tmp_path) == {}
    assert datasets.load("cifar10", tmp_path).source == str(place)
    with pytest.raises(DataError, match=rf"of sha256 {sha256}: expected those of .* {found}$"):
        datasets.load("cifar10", tmp_path, accepted=found)


def test_nothing_is_accepted_from_caches(bare_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    of_catalogue(monkeypatch, "cifar10", closed(CIFAR10), cifar10(), "0" * 64)
    write_folder(bare_home / ".keras" / "datasets", contents(cifar10(9)))
    with pytest.raises(SpecError, match="unverified = True: expected --data-dir or GIGO_DATA"):
        datasets.accept(["cifar10"])


def test_accepted_copy_that_is_nowhere_is_not_replaced_by_a_download(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with served(tmp_path) as (address, asked):
        official = CIFAR10._replace(download=CIFAR10.download._replace(mirrors=(address,)))
        of_catalogue(monkeypatch, "cifar10", official, cifar10(), "0" * 64)
        with pytest.raises(DataError, match=rf"cifar10: expected a copy of sha256 {'1' * 64} "):
            datasets.load("cifar10", accepted="1" * 64)
    assert asked == []


def test_copy_of_another_size_cannot_be_accepted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_folder(tmp_path, contents(cifar10()))
    with pytest.raises(DataError, match=r"holds 20 \+ 6 items: expected 50000 \+ 10000 of cifar10"):
        datasets.accept(["cifar10"], tmp_path)


def test_where_and_verify_name_every_copy(bare_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    of_catalogue(monkeypatch, "cifar10", CIFAR10, cifar10(), true_sha256(CIFAR10, cifar10()))
    assert datasets.where("cifar10") == []
    assert datasets.verify("cifar10") == []
    keras, data = bare_home / ".keras" / "datasets", bare_home / "data"
    python = contents(cifar10())
    good = write_folder(keras, python)
    lacking = write_folder(data, {n: c for n, c in python.items() if "_5" not in n})
    assert datasets.where("cifar10") == [str(good), f"{lacking} (lacks data_batch_5)"]
    assert datasets.verify("cifar10") == [
        (str(good), ""),
        (str(lacking), f"{lacking}: lacks data_batch_5 of cifar10"),
    ]
    assert datasets.where("cifar10", data) == datasets.where("cifar10")[1:]
    with pytest.raises(DataError, match="expected an existing folder"):
        datasets.where("cifar10", bare_home / "nowhere")
    for look in (datasets.where, datasets.verify):  # a download would not end up there
        with pytest.raises(DataError, match="holds no cifar10: expected"):
            look("cifar10", bare_home)


def test_data_sets_that_come_with_gigo() -> None:
    (place,) = datasets.where("digits")
    assert place.startswith("scikit-learn ")
    assert datasets.verify("digits") == [(place, "")]
    with pytest.raises(SpecError, match="dataset = 'digits': expected one to download"):
        datasets.fetch("digits")


@pytest.mark.parametrize("call", [datasets.where, datasets.verify, datasets.fetch])
def test_unknown_names(call: Callable[[str], object]) -> None:
    with pytest.raises(SpecError, match=r"dataset = 'cifar_10'.*did you mean 'cifar10'"):
        call("cifar_10")


def test_fetch_fills_the_cache_and_only_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_archive(tmp_path / "cifar-100-python.tar.gz", contents(cifar100()))
    files = {path.name: hashlib.sha256(path.read_bytes()).hexdigest()}
    with served(tmp_path) as (address, asked):
        download = CIFAR100.download._replace(files=files, mirrors=(address,))
        official = CIFAR100._replace(download=download)
        of_catalogue(monkeypatch, "cifar100", official, cifar100(), "0" * 64)
        assert datasets.fetch("cifar100") == datasets.fetch("cifar100") == own_cache("cifar100")
    assert asked == [f"/{path.name}"]
    assert (own_cache("cifar100") / path.name).read_bytes() == path.read_bytes()


def test_record_fingerprint_is_the_documented_hash() -> None:
    files = contents(cifar10(), binary=True)
    *train, test = files.values()
    parts = [hashlib.sha256(content).hexdigest() for content in (b"".join(train), test)]
    expected = hashlib.sha256("".join(parts).encode()).hexdigest()
    assert record_fingerprint(*arrays(cifar10())) == expected


def test_cifar10_fingerprint_is_that_of_the_published_checksums() -> None:
    both = (TRAIN_RECORDS + TEST_RECORDS).encode()
    assert datasets.CATALOGUE["cifar10"].sha256 == hashlib.sha256(both).hexdigest()


def test_hashing_in_chunks_changes_nothing() -> None:
    items = made_up(10_003, 10, 0)
    whole = np.concatenate([items.fine[:, None], items.x.reshape(10_003, -1)], axis=1)
    assert records_sha256(*items.part()) == hashlib.sha256(whole.tobytes()).hexdigest()


def test_class_names() -> None:
    for name, official in (
        ("cifar10", CIFAR10),
        ("cifar100", CIFAR100),
        ("cifar100_coarse", CIFAR100_COARSE),
    ):
        assert official.name == name
        assert len(set(official.classes)) == datasets.CATALOGUE[name].n_classes
    assert sorted(CIFAR10.classes) == list(CIFAR10.classes)
    assert sorted(CIFAR100.classes) == list(CIFAR100.classes)
