"""One typing error in a word."""

from __future__ import annotations

_ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
_DIGITS = "1234567890"


def _neighbours() -> dict[str, str]:
    """The keys around each letter on a QWERTY keyboard, and beside each digit in their row."""
    places = {key: (i, k) for i, row in enumerate(_ROWS) for k, key in enumerate(row)}
    around = (
        (0, -1),
        (0, 1),
        (-1, 0),
        (-1, 1),
        (1, -1),
        (1, 0),
    )  # each row is set in by half a key
    keys = {place: key for key, place in places.items()}
    found = {
        key: "".join(keys.get((i + down, k + right), "") for down, right in around)
        for key, (i, k) in places.items()
    }
    digits = {key: _DIGITS[k - 1 : k] + _DIGITS[k + 1 : k + 2] for k, key in enumerate(_DIGITS)}
    return found | digits


NEIGHBOURS = _neighbours()
"""Keys that are hit by mistake in place of one."""


def misspelt(word: str, draw: int) -> str:
    """A word with one typing error; it always differs from the word.

    The error is one of four kinds (Damerau 1964, "A technique for computer detection and correction
    of spelling errors"): two characters beside each other change places; a character is missing; it
    is there twice; a key next to it was hit, in the same case (`NEIGHBOURS`). A kind is drawn among
    those that the word can have, then its place. A word of one character is not dropped.

    Args:
        word: not empty.
        draw: a uniform number below 2**64; all that is chosen is its remainders.

    >>> [misspelt("judge", draw) for draw in (0, 1, 2, 3)]
    ['ujdge', 'udge', 'jjudge', 'hudge']
    >>> misspelt("!", 0)
    '!!'
    """
    n = len(word)
    places = {
        "swap": [k for k in range(n - 1) if word[k] != word[k + 1]],
        "drop": range(n) if n > 1 else (),
        "double": range(n),
        "neighbour": [k for k in range(n) if word[k].lower() in NEIGHBOURS],
    }
    possible = [kind for kind, those in places.items() if those]
    draw, which = divmod(draw, len(possible))
    kind = possible[which]
    draw, which = divmod(draw, len(places[kind]))
    k = places[kind][which]
    before, char, after = word[:k], word[k], word[k + 1 :]
    if kind == "swap":
        return before + after[0] + char + after[1:]
    if kind == "drop":
        return before + after
    if kind == "double":
        return before + char + char + after
    keys = NEIGHBOURS[char.lower()]
    key = keys[draw % len(keys)]
    return before + (key.upper() if char.isupper() else key) + after
