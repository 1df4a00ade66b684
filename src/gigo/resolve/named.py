"""Names and options that are looked up in a catalogue."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

from gigo.entries import Entry
from gigo.errors import SpecError, unknown
from gigo.recipe import MOST
from gigo.ref import Ref
from gigo.types import Resolved

TYPES: dict[type[Any], str] = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "a text",
}
"""What errors call the types of options."""


def named(
    field: str, ref: Ref, catalogue: Mapping[str, Entry], auto: Callable[[], str] | None = None
) -> tuple[Any, dict[str, Any], Ref]:
    """What a ref names, its options, and the ref without options at their defaults.

    ``auto`` tells what this name means, if it may be used.
    """
    if not ref.is_catalogued:
        name, _, option = ref.name.partition(":")
        if name in catalogue and not ref.is_object:
            expected = f"{name}:{option or 'OPTION'}=..., an option with its value"
            raise SpecError(field, ref.name, expected)
        return ref.load(field), ref.arguments, ref
    called = {name: value for name, value in ref.options.items() if name == "called"}
    known = {name: entry.options for name, entry in catalogue.items()}
    free = catalogue[ref.name].free if ref.name in catalogue else ()
    if auto:
        known["auto"] = {}
    name, options = checked(field, ref.without("called"), known, free)
    if auto and name == "auto":
        name = auto()
    return catalogue[name].function, options, Ref(name=name, **options, **called)


def checked(
    field: str,
    ref: Ref,
    options: Mapping[str, Mapping[str, object]],
    free: Collection[str] = (),
) -> tuple[str, dict[str, Any]]:
    """The name and the options, checked, without those at their defaults: these are the same.

    Args:
        field: for errors.
        ref: what is named.
        options: of what there is, by its name: their defaults, whose types others are to have.
        free: of these options those whose function says what they may be.
    """
    if ref.name not in options:
        raise _unlisted(field, ref.name, options)
    defaults, given = options[ref.name], ref.options
    for option, value in ref.options.items():
        if not defaults:
            raise SpecError(f"{field}.{ref.name}", option, "no options")
        if option not in defaults:
            raise unknown(f"{field}.{ref.name}", option, defaults)
        kind, place = type(defaults[option]), f"{field}.{ref.name}.{option}"
        if option in free or defaults[option] is None:
            continue
        if defaults[option] == "auto" and isinstance(value, float | int):
            continue  # a number, or leave it to gigo
        if kind is float and type(value) is int:
            value = given[option] = float(value)
        if type(value) is not kind:
            raise SpecError(place, value, TYPES.get(kind, f"a value of type {kind.__name__}"))
        if isinstance(value, int) and abs(value) >= MOST:
            raise SpecError(place, value, f"less than {MOST}")
    return ref.name, {k: v for k, v in given.items() if v != defaults[k]}


def _unlisted(field: str, name: str, known: Iterable[str]) -> SpecError:
    """The error for a name in no catalogue, which may be meant for a file or a module."""
    place, dot, last = name.rpartition(".")
    if not (dot and place):
        return unknown(field, name, known)
    colon = f"{name}:NAME" if last == "py" else f"{place}:{last}"
    return SpecError(field, name, f"{colon}, with a colon, or one of {', '.join(sorted(known))}")


def check_labels(field: str, found: Iterable[Resolved]) -> None:
    """Raise SpecError where things that differ are called the same."""
    for label, times in Counter(each.label for each in found).items():
        if times > 1:
            expected = (
                f"{field}s that tables can tell apart: give one another name, such as "
                '{"name": ..., "called": "another one"}'
            )
            raise SpecError(field, label, expected)
