"""Independent, version-proof random streams.

Every random choice of a trial comes from a stream of its own, named by (study seed, replicate,
purpose). The corruption rate is never part of the name, so that all rates of a replicate share
their subset, split, data order, corruption order and initial weights.

A stream is the raw output of Philox-4x64-10 (Salmon et al. 2011, "Parallel random numbers: as
easy as 1, 2, 3") keyed by the first 128 bits of the SHA-256 of its name. Only raw 64-bit words
are taken from NumPy, everything else is defined here, so that the same seed gives the same bytes
whatever NumPy's own distributions do in a later version.
"""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray


class Stream:
    """A named sequence of random numbers; each call takes the next ones.

    Args:
        seed: the study's seed, any integer.
        replicate: the repetition, counted from 0.
        purpose: what the numbers are for, such as ``"corruption"`` or ``"order/3"``.

    The same name gives the same numbers, on any machine:

    >>> from gigo.rng import Stream
    >>> stream = Stream(seed=0, replicate=0, purpose="order/1")
    >>> stream.integers(3, bound=10).tolist(), stream.integers(3, bound=10).tolist()
    ([2, 3, 5], [8, 2, 2])
    >>> again = Stream(seed=0, replicate=0, purpose="order/1")
    >>> again.integers(6, bound=10).tolist()
    [2, 3, 5, 8, 2, 2]
    >>> Stream(seed=0, replicate=1, purpose="order/1").permutation(6).tolist()
    [4, 0, 5, 1, 2, 3]
    """

    def __init__(self, seed: int, replicate: int, purpose: str) -> None:
        digest = hashlib.sha256(f"gigo/{seed}/{replicate}/{purpose}".encode()).digest()
        key = np.frombuffer(digest[:16], dtype="<u8").astype(np.uint64)
        self._bits = np.random.Philox(key=key)

    def words(self, n: int) -> NDArray[np.uint64]:
        """``n`` uniform 64-bit words, shape (n,)."""
        return np.asarray(self._bits.random_raw(n), dtype=np.uint64)

    def integers(self, n: int, bound: int) -> NDArray[np.int64]:
        """``n`` integers in ``0 .. bound - 1``, shape (n,).

        The high 32 bits of a word, scaled (Lemire 2019, "Fast random integer generation in an
        interval", without the rejection step: the bias is below ``bound / 2**32``).
        """
        if not 0 < bound <= 2**31:
            raise ValueError(f"bound = {bound}: expected 1 .. 2**31")
        scaled = (self.words(n) >> np.uint64(32)) * np.uint64(bound)
        return (scaled >> np.uint64(32)).astype(np.int64)

    def permutation(self, n: int) -> NDArray[np.int64]:
        """A permutation of ``0 .. n - 1``, shape (n,): the stable sorting order of n words."""
        return np.argsort(self.words(n), kind="stable").astype(np.int64)

    def seed(self) -> int:
        """One non-negative 63-bit integer, to seed a foreign generator with."""
        return int(self.words(1)[0] >> np.uint64(1))


def stratified(labels: NDArray[np.int64], share: float, stream: Stream) -> NDArray[np.int64]:
    """Indices of a ``share`` of the items, (v,) ascending, ``v = round(share * n)``.

    Each class gives its share; the places left by rounding down go to the largest remainders
    (Hamilton's method), the first class first among equals. The items of a class that are taken
    are its first ones in the order of ``stream.permutation(n)``.

    >>> labels = np.array([0, 0, 0, 0, 0, 0, 1, 1, 1, 1])
    >>> labels[stratified(labels, 0.5, Stream(0, 0, "split"))]
    array([0, 0, 0, 1, 1])
    """
    counts = np.bincount(labels)
    quotas = share * counts
    take = np.floor(quotas).astype(np.int64)
    missing = round(share * len(labels)) - int(take.sum())
    left_over = (quotas - take).round(9)  # or noise in the last bits would break ties
    take[np.argsort(-left_over, kind="stable")[:missing]] += 1
    order = stream.permutation(len(labels))
    by_class = order[np.argsort(labels[order], kind="stable")]
    starts = np.cumsum(counts) - counts
    picked = [by_class[start : start + k] for start, k in zip(starts, take, strict=True)]
    return np.sort(np.concatenate(picked))
