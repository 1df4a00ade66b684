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
        self._name = seed, replicate, purpose
        digest = hashlib.sha256(self.name.encode()).digest()
        key = np.frombuffer(digest[:16], dtype="<u8").astype(np.uint64)
        self._bits = np.random.Philox(key=key)

    @property
    def name(self) -> str:
        """What its numbers follow from."""
        return "/".join(["gigo", *map(str, self._name)])

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

    def uniform(self, n: int) -> NDArray[np.float64]:
        """``n`` numbers from 0 to below 1, shape (n,): the high 53 bits of a word each."""
        return (self.words(n) >> np.uint64(11)) * np.float64(2.0**-53)

    def normal(self, n: int) -> NDArray[np.float64]:
        """``n`` standard normal numbers, shape (n,), by inversion.

        They may differ in their last bits from machine to machine.

        >>> Stream(0, 0, "noise").normal(3).round(3).tolist()
        [0.987, 0.906, 0.42]
        """
        from scipy.special import ndtri

        return np.asarray(ndtri(np.maximum(self.uniform(n), 2.0**-54)))  # 0 would be -infinity

    def child(self, purpose: str) -> Stream:
        """Another stream, from its beginning, whatever was taken from this one.

        >>> Stream(0, 0, "corruption").child("noise").integers(3, bound=10).tolist()
        [1, 3, 1]
        """
        seed, replicate, mine = self._name
        return Stream(seed, replicate, f"{mine}/{purpose}")

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


def grouped(
    labels: NDArray[np.int64], groups: NDArray[np.int64], share: float, stream: Stream
) -> NDArray[np.int64]:
    """Indices of about a ``share`` of the items, (v,) ascending: whole groups of them.

    Groups come in the order of ``stream.permutation``. One is taken where that brings the counts
    of the classes nearer to their shares, in the sum of squares, unless a class would be left
    with nothing outside; where none is, the one that ends nearest. At least one group is taken
    and one is left: with a single group nothing is.

    >>> groups = np.array([0, 0, 0, 1, 1, 1, 2, 2, 3, 3])
    >>> taken = grouped(np.zeros(10, np.int64), groups, 0.2, Stream(0, 0, "split"))
    >>> len(taken), len({*groups[taken].tolist()})
    (2, 1)
    """
    names, codes = np.unique(groups, return_inverse=True)
    if len(names) < 2:
        return np.empty(0, np.int64)
    counts = _by_group(labels, codes, len(names))
    left = np.bincount(labels).tolist()
    lacking = [share * n for n in left]
    order = stream.permutation(len(names)).tolist()
    taken: list[int] = []
    for group in order:
        if _spared(counts[group], left) and _gain(counts[group], lacking) > 0:
            taken.append(group)
            for label, n in counts[group]:
                left[label] -= n
                lacking[label] -= n
    if not taken:
        fit = [group for group in order if _spared(counts[group], left)] or order
        taken = [max(fit, key=lambda group: _gain(counts[group], lacking))]
    return np.flatnonzero(np.isin(codes, taken)).astype(np.int64)


def _by_group(
    labels: NDArray[np.int64], groups: NDArray[np.int64], n_groups: int
) -> list[list[tuple[int, int]]]:
    """Of each group, the classes that it has and how many items of each."""
    n_classes = int(labels.max()) + 1
    pairs, counts = np.unique(groups * n_classes + labels, return_counts=True)
    found: list[list[tuple[int, int]]] = [[] for _ in range(n_groups)]
    for pair, n in zip(pairs.tolist(), counts.tolist(), strict=True):
        found[pair // n_classes].append((pair % n_classes, n))
    return found


def _spared(group: list[tuple[int, int]], left: list[int]) -> bool:
    """Whether the others have items of every class that a group has."""
    return all(n < left[label] for label, n in group)


def _gain(group: list[tuple[int, int]], lacking: list[float]) -> float:
    """By how much the sum of squares of what classes lack falls if a group is taken."""
    return sum(n * (2 * lacking[label] - n) for label, n in group)
