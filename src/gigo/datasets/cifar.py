"""The Python files of CIFAR-10 and CIFAR-100 (Krizhevsky 2009): 32x32 colour images.

Pickles hold an image as 3,072 bytes: its red, green and blue planes, each 32 rows of 32.
CIFAR-100's classes come in 20 groups, its coarse classes: with those, it is a data set of its own
in the same files.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gigo.datasets.folder import Arrays, Format, Hash
from gigo.datasets.untrusted import Readable, load_pickle, opened, reading, tar_members
from gigo.errors import DataError
from gigo.inputs import digest
from gigo.types import Images, Labels

_PIXELS = 3 * 32 * 32
_EXPECTED = "a whole pickle of arrays and lists"

Part = tuple[NDArray[np.uint8], Labels]
"""The images (n, 3, 32, 32) uint8 and labels (n,) int64 of one file."""


class Pickles(NamedTuple):
    """What a data set's pickles are.

    Attributes:
        folder: that its archive unpacks to.
        archive: its file's name.
        files: in the folder; the last is the test set, those before are parts of the training set.
        labels: the item of a pickle that has them.
        n_classes: labels are 0 .. n_classes - 1.
    """

    folder: str
    archive: str
    files: tuple[str, ...]
    labels: str
    n_classes: int

    def formats(self, hashed: Hash = digest) -> tuple[Format, Format]:
        """The files as they are, and the archive."""
        folder = Format(self.files, self.read_folder, hashed)
        return folder, Format((self.archive,), self.read_archive, hashed)

    def read_folder(self, paths: Sequence[Path]) -> Arrays:
        """From the files themselves, in order."""
        parts: dict[str, Part] = {}
        for name, path in zip(self.files, paths, strict=True):
            with opened(path, f"{_EXPECTED}, packed or not") as file:
                parts[name] = self.decode(file)
        return self.joined(parts)

    def read_archive(self, paths: Sequence[Path]) -> Arrays:
        """From the archive, in which the files may come in any order."""
        parts: dict[str, Part] = {}
        with opened(paths[0], "a whole tar.gz archive") as file:
            members = tar_members(file, [f"{self.folder}/{name}" for name in self.files])
            for name, member in members:
                with reading(name, _EXPECTED):
                    parts[name.rpartition("/")[2]] = self.decode(member)
        return self.joined(parts)

    def decode(self, file: Readable) -> Part:
        """From a pickled dictionary with ``data`` (n, 3072) and a list of labels."""
        items = load_pickle(file)
        x, y = items.get(b"data"), items.get(self.labels.encode())
        n = len(y) if isinstance(y, list) else -1
        if not isinstance(x, np.ndarray) or x.shape != (n, _PIXELS) or not isinstance(y, list):
            expected = f"an array 'data' of shape (n, {_PIXELS}) and n labels '{self.labels}'"
            raise DataError(f"expected {expected} in it")
        if any(type(label) is not int or not 0 <= label < self.n_classes for label in y):
            raise DataError(f"'{self.labels}': expected 0 .. {self.n_classes - 1}")
        return x.reshape(-1, 3, 32, 32), np.array(y, dtype=np.int64)

    def joined(self, parts: dict[str, Part]) -> Arrays:
        """Training files as one set, and the test set; ``parts`` is emptied."""
        *training, test = self.files
        y = np.concatenate([parts[name][1] for name in training])
        x, end = np.empty((len(y), 3, 32, 32), dtype=np.uint8), 0
        for name in training:
            images = parts.pop(name)[0]  # nothing is kept of what was copied
            x[end : end + len(images)] = images
            end += len(images)
        return Arrays(x, y, *parts.pop(test))


def record_digest(x_train: Images, y_train: Labels, x_test: Images, y_test: Labels) -> str:
    """A digest that follows from published checksums of CIFAR-10's binary version.

    The sha256 of two sha256 in hex digits, one after the other: of the five training files as one,
    and of the test file.
    """
    both = records_sha256(x_train, y_train) + records_sha256(x_test, y_test)
    return hashlib.sha256(both.encode()).hexdigest()


def records_sha256(x: Images, y: Labels) -> str:
    """The sha256 of images and labels in CIFAR-10's binary version: label, pixels, label, ..."""
    digest = hashlib.sha256()
    for label, image in zip(y.tolist(), x, strict=True):
        digest.update(bytes([label]) + image.tobytes())
    return digest.hexdigest()


_BATCHES = (*(f"data_batch_{number}" for number in range(1, 6)), "test_batch")
_TEN = Pickles("cifar-10-batches-py", "cifar-10-python.tar.gz", _BATCHES, "labels", 10)
_FINE = Pickles(
    "cifar-100-python", "cifar-100-python.tar.gz", ("train", "test"), "fine_labels", 100
)

CIFAR10 = _TEN.formats(record_digest)
CIFAR100 = _FINE.formats()
CIFAR100_COARSE = _FINE._replace(labels="coarse_labels", n_classes=20).formats()
