"""The catalogue, fingerprints and digits; real data where there is some."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gigo import datasets
from gigo.datasets.cifar import records_sha256
from gigo.datasets.digits import in_test_set
from gigo.errors import DataError, SpecError
from gigo.inputs import digest
from gigo.types import Dataset

CIFAR10_TRAIN = "a0181da372c0d63a5920fdbea2ec3f83ecbc552d378218e1cb473cf634941a3b"
"""The published sha256 of the binary version's five training files as one."""

Four = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def small_arrays() -> Four:
    x = np.arange(2 * 3, dtype=np.float32).reshape(2, 1, 1, 3)
    return x, np.array([0, 1]), x[:1], np.array([1])


def check_against_catalogue(dataset: Dataset) -> None:
    entry = datasets.CATALOGUE[dataset.name]
    assert dataset.sha256 == entry.sha256 == digest(*arrays_of(dataset))
    assert dataset.x_train.shape == (entry.n_train, *entry.input_shape)
    assert dataset.tests["test"][0].shape == (entry.n_test, *entry.input_shape)
    assert len(set(dataset.classes)) == dataset.n_classes == entry.n_classes
    for y, n in ((dataset.y_train, entry.n_train), (dataset.tests["test"][1], entry.n_test)):
        assert y.dtype == np.int64
        assert y.shape == (n,)
        assert set(np.unique(y)) == set(range(entry.n_classes))
    for array in arrays_of(dataset):
        assert not array.flags.writeable


def arrays_of(dataset: Dataset) -> Four:
    return dataset.x_train, dataset.y_train, *dataset.tests["test"]


def test_digest_is_the_documented_hash() -> None:
    x, y, x_test, y_test = small_arrays()
    parts = [
        b"float32 2x1x1x3\n",
        x.astype("<f4").tobytes(),
        b"int64 2\n",
        y.astype("<i8").tobytes(),
        b"float32 1x1x1x3\n",
        x_test.astype("<f4").tobytes(),
        b"int64 1\n",
        y_test.astype("<i8").tobytes(),
    ]
    expected = hashlib.sha256(b"".join(parts)).hexdigest()
    assert digest(x, y, x_test, y_test) == expected


def test_digest_ignores_memory_layout_and_byte_order() -> None:
    x, y, x_test, y_test = small_arrays()
    expected = digest(x, y, x_test, y_test)
    swapped = x.astype(x.dtype.newbyteorder()), y.astype(y.dtype.newbyteorder())
    assert digest(*swapped, x_test, y_test) == expected
    strided = np.repeat(x, 2, axis=3)[..., ::2]
    fortran = np.asfortranarray(x)
    assert digest(strided, y, x_test, y_test) == expected
    assert digest(fortran, y, x_test, y_test) == expected


@pytest.mark.parametrize("part", range(4))
def test_digest_sees_values_types_and_shapes(part: int) -> None:
    arrays = small_arrays()
    expected = digest(*arrays)
    other_type = arrays[part].astype(np.float64)
    for changed in (arrays[part] + 1, other_type, arrays[part][..., None]):
        others: Any = [*arrays[:part], changed, *arrays[part + 1 :]]
        assert digest(*others) != expected


def test_digits_are_the_known_ones() -> None:
    digits = datasets.load("digits")
    check_against_catalogue(digits)
    assert digits.x_train.dtype == np.float32
    assert digits.classes == tuple("0123456789")
    # The fixed split never moves: its hash, and the start of its test set, are frozen here too.
    assert digits.sha256 == "5b959224c1904cbfb39f63ba14da53c6f4c9ae461ec5c8adc0b0d7ac8ffb08dc"
    assert digits.tests["test"][1][:12].tolist() == [0, 5, 6, 8, 2, 8, 1, 2, 3, 5, 6, 8]


def test_digits_scale_and_parts_are_those_of_the_file() -> None:
    from sklearn.datasets import load_digits

    bunch: Any = load_digits()  # pyright: ignore[reportUnknownVariableType] - it has no types
    digits = datasets.load("digits")
    test = in_test_set(bunch.target)
    assert test.sum() == 450
    assert len(test) == 1_797
    for mask, x, y in (
        (test, digits.tests["test"][0], digits.tests["test"][1]),
        (~test, digits.x_train, digits.y_train),
    ):
        np.testing.assert_array_equal(x[:, 0] * 16, bunch.images[mask])
        np.testing.assert_array_equal(y, bunch.target[mask])


def test_digits_split_is_stratified_by_largest_remainder() -> None:
    digits = datasets.load("digits")
    in_test = np.bincount(digits.tests["test"][1])
    quota = (np.bincount(digits.y_train) + in_test) * 450 / 1_797
    assert in_test.sum() == 450
    up = in_test > quota
    np.testing.assert_array_equal(in_test, np.where(up, np.ceil(quota), np.floor(quota)))
    remainder = quota - np.floor(quota)
    assert remainder[up].min() >= remainder[~up].max()


def test_unknown_name_suggests_the_nearest() -> None:
    with pytest.raises(SpecError, match=r"dataset = 'fashion_minst'.*did you mean 'fashion_mnist'"):
        datasets.load("fashion_minst")


def test_arrays_that_are_not_the_catalogues_are_refused() -> None:
    digits = datasets.load("digits")
    with pytest.raises(DataError, match=f"scikit-learn .*{digits.sha256}: .* {'0' * 64}$"):
        datasets.load(datasets.CATALOGUE["digits"]._replace(sha256="0" * 64))


def test_index_imports_nothing_heavy() -> None:
    code = (
        "import sys, gigo.datasets;"
        "heavy = {'torch', 'sklearn', 'scipy', 'pandas', 'pooch', 'requests', 'platformdirs'};"
        "sys.exit(', '.join(heavy & set(sys.modules)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.data
def test_mnist_is_mnist(data_dir: Path) -> None:
    mnist = datasets.load("mnist", data_dir)
    check_against_catalogue(mnist)
    assert mnist.x_train.dtype == np.uint8
    # LeCun's file starts 5 0 4 1 9; its class counts and mean pixel are well known.
    assert mnist.y_train[:5].tolist() == [5, 0, 4, 1, 9]
    counts = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert np.bincount(mnist.y_train).tolist() == counts
    assert mnist.x_train.mean() / 255 == pytest.approx(0.1307, abs=5e-5)


@pytest.mark.data
def test_fashion_mnist_is_fashion_mnist(data_dir: Path) -> None:
    fashion = datasets.load("fashion_mnist", data_dir)
    check_against_catalogue(fashion)
    assert fashion.classes[fashion.y_train[0]] == "Ankle boot"
    assert np.bincount(fashion.y_train).tolist() == [6_000] * 10
    assert np.bincount(fashion.tests["test"][1]).tolist() == [1_000] * 10
    assert fashion.x_train.mean() / 255 == pytest.approx(0.2860, abs=5e-5)


@pytest.mark.data
def test_both_are_found_in_the_folder_that_the_variable_names() -> None:
    for name in ("mnist", "fashion_mnist"):
        assert datasets.load(name).sha256 == datasets.CATALOGUE[name].sha256


@pytest.mark.data
@pytest.mark.parametrize("name", ["cifar100", "cifar100_coarse"])
def test_cifar100_is_cifar100(name: str, data_dir: Path) -> None:
    dataset = datasets.load(name, data_dir)
    check_against_catalogue(dataset)
    k = dataset.n_classes
    assert np.bincount(dataset.y_train).tolist() == [50_000 // k] * k
    assert np.bincount(dataset.tests["test"][1]).tolist() == [10_000 // k] * k
    first = "cattle" if name == "cifar100" else "large_omnivores_and_herbivores"
    assert dataset.classes[dataset.y_train[0]] == first
    means = dataset.x_train.mean(axis=(0, 2, 3)) / 255
    assert means == pytest.approx([0.5071, 0.4865, 0.4409], abs=1e-4)


@pytest.mark.data
def test_every_coarse_class_has_five_fine_ones(data_dir: Path) -> None:
    fine = datasets.load("cifar100", data_dir)
    coarse = datasets.load("cifar100_coarse", data_dir)
    assert np.array_equal(fine.x_train, coarse.x_train)
    pairs = set(zip(fine.y_train.tolist(), coarse.y_train.tolist(), strict=True))
    assert len(pairs) == 100
    assert np.bincount([group for _, group in pairs]).tolist() == [5] * 20


@pytest.mark.data
def test_cifar10_is_cifar10_by_name_or_by_its_folder(data_dir: Path) -> None:
    """A copy may differ in its test images; the training set must be the published one."""
    true = datasets.CATALOGUE["cifar10"].sha256
    dataset = datasets.from_path(data_dir / "cifar-10-batches-py")
    if dataset.sha256 == true:
        assert datasets.load("cifar10", data_dir).sha256 == true
    else:
        with pytest.raises(DataError, match=rf"of sha256 {dataset.sha256}: .* {true}; .*--dataset"):
            datasets.load("cifar10", data_dir)
    assert dataset.name == "cifar-10-batches-py"
    assert dataset.x_train.shape == (50_000, 3, 32, 32)
    assert records_sha256(dataset.x_train, dataset.y_train) == CIFAR10_TRAIN
    assert np.bincount(dataset.y_train).tolist() == [5_000] * 10
    assert np.bincount(dataset.tests["test"][1]).tolist() == [1_000] * 10
    first = [dataset.classes[label] for label in dataset.y_train[:3]]
    assert first == ["frog", "truck", "truck"]
    means = dataset.x_train.mean(axis=(0, 2, 3)) / 255
    assert means == pytest.approx([0.4914, 0.4822, 0.4465], abs=1e-4)


@pytest.mark.data
def test_official_data_named_by_their_folder_are_the_same(data_dir: Path) -> None:
    for name, folder in (("mnist", "mnist"), ("fashion_mnist", "fashion-mnist")):
        assert datasets.from_path(data_dir / folder).sha256 == datasets.CATALOGUE[name].sha256
    fine = datasets.from_path(data_dir / "cifar-100-python")
    assert fine.sha256 == datasets.CATALOGUE["cifar100"].sha256
    assert fine.classes[:2] == ("apple", "aquarium_fish")


@pytest.mark.data
@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss is in kilobytes on Linux only")
def test_loading_is_lean(data_dir: Path) -> None:
    """Beside CIFAR-10's 184 MB, a hundred more."""
    code = (
        "import resource, sys; from gigo import datasets;"
        "peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3;"
        "before = peak(); datasets.from_path(sys.argv[1]); print(peak() - before)"
    )
    command = [sys.executable, "-c", code, str(data_dir / "cifar-10-batches-py")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert float(done.stdout) < 184 + 100
