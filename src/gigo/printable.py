"""Text for people at a terminal."""

from __future__ import annotations

import re

_UNPRINTABLE = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def printable(text: str) -> str:
    r"""The text without what would steer a terminal or can't be encoded, each shown as U+FFFD.

    Control characters but line feeds, marks that turn the direction of text around, and halves of
    surrogate pairs. Names and summaries are the user's, or come from a file that somebody sent.

    >>> printable("a\x1b[31mb\n")
    'a�[31mb\n'
    """
    return _UNPRINTABLE.sub("\ufffd", text)


def duration(seconds: float) -> str:
    """Seconds for people: 45 s, 12 min, 3.5 h, 14 days."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 90 * 60:
        return f"{seconds / 60:.0f} min"
    if seconds < 48 * 3600:
        return f"{seconds / 3600:.1f} h"
    return f"{seconds / 86400:.0f} days"
