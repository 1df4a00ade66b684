"""Streams: the generator they claim to be, the same bytes for ever, independent of each other."""

from __future__ import annotations

import hashlib
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from gigo.rng import Stream

MASK = 2**64 - 1
SEEDS = st.integers(-(2**70), 2**70)
P_VALUE = 1e-4
"""Seeds are fixed: a test of chance passes always or never."""


def philox(counter: list[int], key: list[int]) -> list[int]:
    """Philox-4x64-10 in Python's integers, after Salmon et al. 2011, section 3.3."""
    x, k = list(counter), list(key)
    for _ in range(10):
        a, b = x[0] * 0xD2E7470EE14C6C93, x[2] * 0xCA5A826395121157
        x = [(b >> 64) ^ x[1] ^ k[0], b & MASK, (a >> 64) ^ x[3] ^ k[1], a & MASK]
        k = [(k[0] + 0x9E3779B97F4A7C15) & MASK, (k[1] + 0xBB67AE8584CAA73B) & MASK]
    return x


def sha256(numbers: np.ndarray) -> str:
    return hashlib.sha256(numbers.astype(f"<{numbers.dtype.kind}8").tobytes()).hexdigest()


def test_the_reference_philox_gives_the_published_vectors() -> None:
    assert philox([0] * 4, [0] * 2) == [
        0x16554D9ECA36314C,
        0xDB20FE9D672D0FDC,
        0xD7E772CEE186176B,
        0x7E68B68AEC7BA23B,
    ]


@given(seed=SEEDS, replicate=st.integers(0, 1000), purpose=st.text(max_size=20))
def test_words_are_philox_keyed_by_the_hash_of_the_name(
    seed: int, replicate: int, purpose: str
) -> None:
    digest = hashlib.sha256(f"gigo/{seed}/{replicate}/{purpose}".encode()).digest()
    key = [int.from_bytes(digest[:8], "little"), int.from_bytes(digest[8:16], "little")]
    expected = [word for block in (1, 2, 3) for word in philox([block, 0, 0, 0], key)]
    assert Stream(seed, replicate, purpose).words(12).tolist() == expected


@pytest.mark.parametrize(
    ("seed", "replicate", "purpose", "words", "integers", "permutation"),
    [
        (
            0,
            0,
            "corruption",
            "490860ea1ef1a7efcb379ff2c7e923b6fcf62194dada1ed6b429e18b21a48724",
            "61433726da94939e985ba95fb32c84f706c6489b9c86e701ed004a48306da737",
            "efb58bbc51c541c4fbf04bef3b350911c43ae6b9f5b55307ff17c321edb6c648",
        ),
        (
            -7,
            12,
            "order/3",
            "874c9af0f0ec7a9cb9da90762ca2564c982a5b4089083d02b9db668b5ee8b244",
            "66d2837e85e873b8b2cfe6492daf5c1e186663b7de53d020e6f46ac450305dc9",
            "2ba944aa9b53519dc074c5b55a7628e6969ddee290faca884352e31892501ba7",
        ),
    ],
)
def test_the_same_name_gives_the_same_bytes_for_ever(
    seed: int, replicate: int, purpose: str, words: str, integers: str, permutation: str
) -> None:
    assert sha256(Stream(seed, replicate, purpose).words(1000)) == words
    assert sha256(Stream(seed, replicate, purpose).integers(1000, 10)) == integers
    assert sha256(Stream(seed, replicate, purpose).permutation(1000)) == permutation


@given(counts=st.lists(st.integers(0, 9), max_size=8))
def test_each_call_takes_the_next_words(counts: list[int]) -> None:
    stream = Stream(1, 2, "x")
    taken = [word for n in counts for word in stream.words(n).tolist()]
    assert taken == Stream(1, 2, "x").words(sum(counts)).tolist()


@given(seed=SEEDS, bound=st.integers(1, 2**31), n=st.integers(0, 50))
def test_integers_are_scaled_words(seed: int, bound: int, n: int) -> None:
    words = Stream(seed, 0, "x").words(n).tolist()
    integers = Stream(seed, 0, "x").integers(n, bound)
    assert integers.dtype == np.int64
    assert integers.tolist() == [(word >> 32) * bound >> 32 for word in words]


@pytest.mark.parametrize("bound", [-1, 0, 2**31 + 1])
def test_integers_refuse_a_bound_they_cannot_serve(bound: int) -> None:
    with pytest.raises(ValueError, match=f"bound = {bound}: expected 1 .. 2"):
        Stream(0, 0, "x").integers(1, bound)


@given(seed=SEEDS, n=st.integers(0, 300))
def test_a_permutation_is_one_and_sorts_the_words(seed: int, n: int) -> None:
    permutation = Stream(seed, 0, "x").permutation(n)
    assert permutation.dtype == np.int64
    assert sorted(permutation.tolist()) == list(range(n))
    words = Stream(seed, 0, "x").words(n)[permutation].tolist()
    assert words == sorted(words)


def test_seeds_are_half_a_word() -> None:
    word = int(Stream(5, 0, "x").words(1)[0])
    assert Stream(5, 0, "x").seed() == word // 2 < 2**63


def test_every_part_of_the_name_matters() -> None:
    names = [(0, 0, "a"), (1, 0, "a"), (0, 1, "a"), (0, 0, "b"), (1, 23, "a"), (12, 3, "a")]
    words = [set(Stream(*name).words(1000).tolist()) for name in names]
    assert all(a.isdisjoint(b) for a, b in combinations(words, 2))


@pytest.mark.parametrize("other", [(1, 0, "a"), (0, 1, "a"), (0, 0, "b")])
def test_streams_are_independent_of_each_other(other: tuple[int, int, str]) -> None:
    n = 64_000
    pairs = 8 * Stream(0, 0, "a").integers(n, 8) + Stream(*other).integers(n, 8)
    assert stats.chisquare(np.bincount(pairs, minlength=64)).pvalue > P_VALUE


def test_every_bit_of_a_word_is_fair() -> None:
    n = 20_000
    bits = np.unpackbits(Stream(3, 1, "bits").words(n).view(np.uint8)).reshape(n, 64)
    deviation = (bits.sum(axis=0) - n / 2) / np.sqrt(n / 4)
    assert stats.chi2.sf((deviation**2).sum(), 64) > P_VALUE


@pytest.mark.parametrize("bound", [2, 3, 10, 1000])
def test_integers_are_uniform(bound: int) -> None:
    counts = np.bincount(Stream(0, 0, "uniform").integers(50_000, bound), minlength=bound)
    assert stats.chisquare(counts).pvalue > P_VALUE


def test_neighbours_in_a_stream_are_independent() -> None:
    numbers = Stream(0, 0, "serial").integers(64_001, 8)
    counts = np.bincount(8 * numbers[:-1] + numbers[1:], minlength=64)
    assert stats.chisquare(counts).pvalue > P_VALUE


def test_all_permutations_are_alike() -> None:
    stream = Stream(0, 0, "permutations")
    codes = [int("".join(map(str, stream.permutation(4))), 4) for _ in range(6000)]
    counts = np.unique(codes, return_counts=True)[1]
    assert len(counts) == 24
    assert stats.chisquare(counts).pvalue > P_VALUE
