"""Corruptions of texts: how many words, which errors, and that rates nest."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import gigo
from gigo.corruptions import CATALOGUE
from gigo.corruptions.misspelt import NEIGHBOURS, misspelt
from gigo.errors import SpecError
from gigo.inputs import digest
from gigo.rng import Stream
from gigo.schedule import KEEP, Schedule
from gigo.testing import small_dataset
from gigo.types import Dataset

WORDS = st.text(st.characters(exclude_categories=["Cs", "Z", "Cc"]), min_size=1, max_size=8)
TEXTS = st.lists(st.text("ab !\n\té7", max_size=20), min_size=1, max_size=12)
NAMES = ("typos", "dropped_words")


def shop(texts: list[str]) -> Dataset:
    return replace(
        small_dataset("text"), x_train=texts, y_train=np.arange(len(texts), dtype=np.int64) % 3
    )


def drawn(name: str, dataset: Dataset, replicate: int = 0, **options: Any) -> Schedule:
    stream = Stream(0, replicate, "corruption")
    return CATALOGUE[name].function(dataset, np.arange(dataset.n_train), stream, **options)


def made(schedule: Schedule, k: int) -> list[str]:
    extra: Any = schedule.extra
    return extra(k)


@given(WORDS, st.integers(0, 2**64 - 1))
def test_a_misspelt_word_is_one_error_away(word: str, draw: int) -> None:
    found = misspelt(word, draw)
    assert found and found != word
    if len(found) == len(word):
        differ = [k for k in range(len(word)) if word[k] != found[k]]
        swapped = Counter(word) == Counter(found) and differ[1:] == [differ[0] + 1]
        assert swapped or len(differ) == 1
    else:
        short, long = sorted((word, found), key=len)
        assert len(long) == len(short) + 1
        assert any(long[:k] + long[k + 1 :] == short for k in range(len(long)))


def test_the_four_kinds_of_error_and_their_places_are_equally_likely() -> None:
    draws = Stream(0, 0, "test").words(40_000).tolist()
    found = Counter(misspelt("cat", draw) for draw in draws)
    kinds = {
        **dict.fromkeys(["act", "cta"], 1 / 8),
        **dict.fromkeys(["at", "ct", "ca", "ccat", "caat", "catt"], 1 / 12),
    }
    assert found.keys() == kinds.keys() | {
        f"{'cat'[:k]}{key}{'cat'[k + 1 :]}" for k in range(3) for key in NEIGHBOURS["cat"[k]]
    }
    others = {word: 1 / 12 / len(NEIGHBOURS[c]) for c, word in _replaced("cat")}
    chance = kinds | others
    statistic = sum((found[w] - 40_000 * p) ** 2 / (40_000 * p) for w, p in chance.items())
    assert statistic < 65  # chi-square of 19 degrees of freedom: level 1e-6


def _replaced(word: str) -> list[tuple[str, str]]:
    return [
        (c, word[:k] + key + word[k + 1 :]) for k, c in enumerate(word) for key in NEIGHBOURS[c]
    ]


def test_neighbours_of_keys_are_mutual_and_those_of_a_keyboard() -> None:
    assert all(key in NEIGHBOURS[other] for key, others in NEIGHBOURS.items() for other in others)
    assert {*NEIGHBOURS["g"]} == {*"ftyhvb"} and {*NEIGHBOURS["a"]} == {*"qwsz"}
    assert {*NEIGHBOURS["p"]} == {*"ol"} and NEIGHBOURS["1"] == "2" and NEIGHBOURS["5"] == "46"
    assert {misspelt("Q", draw) for draw in range(40)} == {"QQ", "W", "A"}


@given(TEXTS, st.floats(0.01, 1))
def test_a_share_of_words_gets_one_error_each_and_white_space_stays(
    texts: list[str], share: float
) -> None:
    schedule = drawn("typos", shop(texts), share=share)
    assert sorted(schedule.item.tolist()) == [k for k, text in enumerate(texts) if text.split()]
    assert (schedule.label == KEEP).all() and schedule.row is None and schedule.rate_of == "set"
    for item, found in zip(schedule.item, made(schedule, len(schedule.item)), strict=True):
        before, after = texts[item].split(), found.split()
        differ = sum(a != b for a, b in zip(before, after, strict=True))
        assert differ == max(1, round(share * len(before)))
        assert [c for c in found if c.isspace()] == [c for c in texts[item] if c.isspace()]


@given(TEXTS, st.floats(0.01, 1))
def test_a_share_of_words_is_dropped_but_never_all(texts: list[str], share: float) -> None:
    schedule = drawn("dropped_words", shop(texts), share=share)
    many = [k for k, text in enumerate(texts) if len(text.split()) > 1]
    assert sorted(schedule.item.tolist()) == many
    for item, found in zip(schedule.item, made(schedule, len(schedule.item)), strict=True):
        before, after = texts[item].split(), found.split()
        gone = min(max(1, round(share * len(before))), len(before) - 1)
        assert len(after) == len(before) - gone > 0
        rest = iter(before)
        assert all(word in rest for word in after)  # in the same order
        assert Counter(c for c in found if c.isspace()) <= Counter(texts[item])


@pytest.mark.parametrize("name", NAMES)
@given(texts=TEXTS, replicate=st.integers(0, 5), data=st.data())
def test_texts_of_a_lower_rate_are_the_first_of_a_higher_one(
    name: str, texts: list[str], replicate: int, data: st.DataObject
) -> None:
    dataset, before = shop(texts), digest(texts)
    schedule, again = drawn(name, dataset, replicate), drawn(name, dataset, replicate)
    m = len(schedule.item)
    k = data.draw(st.integers(0, m))
    assert (schedule.item == again.item).all()
    assert made(schedule, m)[:k] == made(again, k)
    assert digest(texts) == before


@pytest.mark.parametrize("name", NAMES)
def test_another_replicate_is_another_draw(name: str) -> None:
    dataset = small_dataset("text")
    one, other = drawn(name, dataset, 0), drawn(name, dataset, 1)
    assert (one.item != other.item).any()
    texts = [dict(zip(s.item.tolist(), made(s, 120), strict=True)) for s in (one, other)]
    assert sum(texts[0][k] != texts[1][k] for k in range(120)) > 60


@pytest.mark.parametrize("name", NAMES)
def test_what_is_no_share_or_no_text_is_refused(name: str) -> None:
    for share in (0.0, 1.5, float("nan")):
        with pytest.raises(SpecError, match=rf"corruption.{name}.share = .*above 0"):
            drawn(name, small_dataset("text"), share=share)
    with pytest.raises(SpecError, match=f"corruption = '{name}': expected texts, which"):
        drawn(name, small_dataset("vector"))


def test_the_same_bytes_on_any_machine() -> None:
    found = {name: digest(made(drawn(name, small_dataset("text")), 120))[:16] for name in NAMES}
    assert found == {"typos": "1f675c521128c7b9", "dropped_words": "89f34cb65e2df3e2"}


def test_a_study_trains_on_texts_with_errors() -> None:
    result = gigo.sweep(
        dataset=small_dataset("text"),
        corruption=[*NAMES],
        rates=[0, 1],
        replicates=1,
        workers=1,
    )
    assert result.failure is None
    assert len(result.frame) == 4
