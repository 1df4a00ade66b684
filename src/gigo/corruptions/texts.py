"""Texts with errors: words misspelt, words missing.

A word is what stands between white space. What an edit does is drawn edit by edit from a stream
of its own, so that only the texts that a rate needs are made.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np

from gigo.corruptions.misspelt import misspelt
from gigo.entries import CorruptionEntry
from gigo.errors import SpecError
from gigo.inputs import take
from gigo.rng import Stream
from gigo.schedule import KEEP, Schedule
from gigo.types import Dataset, Labels

_WORD = re.compile(r"\S+")


def typos(dataset: Dataset, items: Labels, stream: Stream, *, share: float = 0.2) -> Schedule:
    """Some words of a text get a typing error each (`gigo.corruptions.misspelt`).

    Two of its four kinds, the swap and the neighbouring key, are those of Belinkov and Bisk (2018,
    "Synthetic and natural noise both break neural machine translation", section 4), who have one
    of them in every word.

    Args:
        dataset: of texts.
        items: (n,) rows of its training set. One without a word has no edit.
        stream: of random numbers.
        share: of a text's words that get an error: the nearest number of them, at least one.

    Raises:
        SpecError: a share that is none, or inputs that are not texts.

    >>> from dataclasses import replace
    >>> from gigo.testing import small_dataset
    >>> shop = replace(small_dataset("text"), x_train=["a cook of fish", "the judge", ""])
    >>> schedule = typos(shop, np.arange(3), Stream(0, 0, "corruption"))
    >>> schedule.item, schedule.extra(2)
    (array([0, 1]), ['a cok of fish', 'the juddge'])
    """
    _check_share("typos", share)

    def edited(text: str, draws: Stream) -> str:
        words = [*_WORD.finditer(text)]
        count = max(1, round(share * len(words)))
        chosen = np.sort(draws.permutation(len(words))[:count]).tolist()
        parts, end = list[str](), 0
        for place, draw in zip(chosen, draws.words(count).tolist(), strict=True):
            word = words[place]
            parts += text[end : word.start()], misspelt(word.group(), draw)
            end = word.end()
        return "".join([*parts, text[end:]])

    return _schedule("typos", dataset, items, stream, edited, fewest=1)


def dropped_words(
    dataset: Dataset, items: Labels, stream: Stream, *, share: float = 0.2
) -> Schedule:
    """Some words of a text are missing: the random deletion of Wei and Zou (2019), counted.

    They ("EDA: easy data augmentation techniques for boosting performance on text classification
    tasks", section 2) remove each word with a probability; here a share of a text's words goes,
    with the white space before each.

    Args:
        dataset: of texts.
        items: (n,) rows of its training set. One of fewer than two words has no edit.
        stream: of random numbers.
        share: of a text's words that go: the nearest number of them, at least one, never all.

    Raises:
        SpecError: a share that is none, or inputs that are not texts.

    >>> from dataclasses import replace
    >>> from gigo.testing import small_dataset
    >>> shop = replace(small_dataset("text"), x_train=["a cook of fish", "the judge", "poets"])
    >>> schedule = dropped_words(shop, np.arange(3), Stream(0, 0, "corruption"), share=0.5)
    >>> schedule.item, schedule.extra(2)
    (array([0, 1]), ['a fish', 'judge'])
    """
    _check_share("dropped_words", share)

    def edited(text: str, draws: Stream) -> str:
        words = [*_WORD.finditer(text)]
        count = min(max(1, round(share * len(words))), len(words) - 1)
        kept = np.sort(draws.permutation(len(words))[count:]).tolist()
        ends = [words[0].start(), *(word.end() for word in words)]
        first, *others = kept
        parts = [
            text[: ends[0]],
            words[first].group(),
            *(text[ends[k] : ends[k + 1]] for k in others),
        ]
        return "".join([*parts, text[ends[-1] :]])

    return _schedule("dropped_words", dataset, items, stream, edited, fewest=2)


def _check_share(name: str, share: float) -> None:
    if not 0 < share <= 1:
        raise SpecError(f"corruption.{name}.share", share, "a share of words above 0, at most 1")


def _schedule(
    name: str,
    dataset: Dataset,
    items: Labels,
    stream: Stream,
    edited: Callable[[str, Stream], str],
    fewest: int,
) -> Schedule:
    """Items of at least so many words in random order, each text edited when it is needed."""
    texts = dataset.x_train
    if not isinstance(texts, list):
        raise SpecError("corruption", name, f"texts, which the inputs of {dataset.name} are not")
    enough = [len(texts[row].split(None, 1)) >= fewest for row in items.tolist()]
    order = stream.permutation(len(items))
    order = order[np.array(enough, np.bool_)[order]]

    def extra(k: int) -> list[str]:
        draws = stream.child("words")
        return [edited(text, draws) for text in take(texts, items[order[:k]])]

    return Schedule(order, np.full(len(order), KEEP), extra=extra)


ENTRIES = {
    "typos": CorruptionEntry(
        typos,
        "typing errors in a share of a text's words",
        family="texts",
        formula="max(1, round(share m)) of the m words of a text get one error each: two "
        "characters swapped, one dropped, doubled, or replaced by a neighbouring key",
        paper="Belinkov and Bisk 2018, Synthetic and natural noise both break neural machine "
        "translation, section 4",
        kinds=("text",),
    ),
    "dropped_words": CorruptionEntry(
        dropped_words,
        "a share of a text's words is missing",
        family="texts",
        formula="max(1, round(share m)) of the m words of a text go, at most m - 1",
        paper="Wei and Zou 2019, EDA: easy data augmentation techniques for boosting performance "
        "on text classification tasks, section 2",
        kinds=("text",),
    ),
}
