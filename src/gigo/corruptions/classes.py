"""Classes as options name them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gigo.errors import SpecError, meant


def class_number(each: Any, names: Sequence[str], field: str) -> int:
    """The number of a class that is given by name or, where no name is a number, by number.

    Args:
        each: as the option gives it.
        names: of the classes.
        field: the option, for the error.

    Raises:
        SpecError: there is no such class.

    >>> class_number("dog", ("cat", "dog"), "corruption.sink.classes")
    1
    >>> class_number(0, ("cat", "dog"), "corruption.sink.classes")
    0
    """
    if isinstance(each, list | tuple | dict):
        raise SpecError(field, each, "one class")
    whole = isinstance(each, float) and each.is_integer()
    text = str(int(each) if whole else each)
    if text in names:
        return names.index(text)
    if not any(map(str.isdecimal, names)) and text.isdecimal() and int(text) < len(names):
        return int(text)
    more = ", ..." if len(names) > 10 else ""
    expected = f"classes of the data: {', '.join(names[:10])}{more}{meant(text, names)}"
    raise SpecError(field, each, expected)
