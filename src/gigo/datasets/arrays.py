"""The four arrays of a data set and their fingerprint."""

from __future__ import annotations

import hashlib
from typing import NamedTuple

import numpy as np

from gigo.types import Images, Labels


class Arrays(NamedTuple):
    """A decoded data set: x (n, channels, height, width), y (n,) int64, training and test."""

    x_train: Images
    y_train: Labels
    x_test: Images
    y_test: Labels

    def frozen(self) -> Arrays:
        """The same arrays, no longer writable: every user of a data set sees the same bytes."""
        for array in self:
            array.setflags(write=False)
        return self


def fingerprint(x_train: Images, y_train: Labels, x_test: Images, y_test: Labels) -> str:
    """The sha256 of a data set's decoded arrays, as 64 hex digits.

    Hashed are, for each array in the order of the arguments, the ASCII line ``dtype shape`` with
    its newline, such as ``uint8 60000x1x28x28``, then the values in C order, little-endian. The
    machine's byte order and the file format that the values came from don't matter.
    """
    digest = hashlib.sha256()
    for array in (x_train, y_train, x_test, y_test):
        digest.update(f"{array.dtype.name} {'x'.join(map(str, array.shape))}\n".encode())
        little = array.astype(array.dtype.newbyteorder("<"), order="C", copy=False)
        digest.update(np.ascontiguousarray(little).data)
    return digest.hexdigest()
