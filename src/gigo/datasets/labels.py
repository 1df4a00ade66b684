"""Labels as people have them, to numbers: names, whole numbers, true and false, with gaps."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gigo.errors import DataError, SpecError
from gigo.types import Labels

_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?")


def encode(
    labels: Any, labels_test: Any, classes: Sequence[Any] | None, place: str
) -> tuple[Labels, Labels | None, tuple[str, ...]]:
    """Labels as codes, and the name of the class that each code stands for.

    A class is called what its label says: 3, 3.0 and "3" are the class "3". Where all names are
    numbers they are sorted by value, else as text. Missing are None, NaN and empty text; "NA" is
    a name.

    Args:
        labels: n of the training set: text, whole numbers, true and false; any sequence, array or
            column of a data frame.
        labels_test: those of the test set, which bring no classes of their own; or None.
        classes: all classes in their order, in place of the sorted ones of the training set.
        place: where the labels are from, for errors.

    Returns:
        (n,) int64, the same of the test set, and the classes.

    Raises:
        DataError: labels are missing, are no names of classes, or are of no class that is known.
        SpecError: ``classes`` is no list of different names.

    >>> encode(["spam", "ham", "NA"], ["ham"], None, "mail.csv")
    (array([2, 1, 0]), array([1]), ('NA', 'ham', 'spam'))
    >>> encode([10, 9, 10.0], None, None, "mail.csv")[2]
    ('9', '10')
    >>> encode([True, False], None, [True, False], "mail.csv")[0]
    array([0, 1])
    """
    names, codes = _named(labels, place)
    known = in_order(names) if classes is None else _given(classes)
    of_test = None if labels_test is None else _named(labels_test, place)
    if classes is not None:
        expected = f"one of the classes given, {listed(known)}"
        _refuse_strangers(names, known, f"{place}: label", expected)
    if of_test is not None:
        expected = (
            f"classes of the training set, {listed(known)} (leave these items out, or name all "
            "classes with classes)"
        )
        _refuse_strangers(of_test[0], known, f"{place}: label of the test set", expected)
    coded = None if of_test is None else _places(of_test[0], known)[of_test[1]]
    return _places(names, known)[codes], coded, known


def in_order(names: Iterable[str]) -> tuple[str, ...]:
    """Names of classes sorted: by value where all are numbers, else as text.

    >>> in_order(["10", "9", "-1"]), in_order(["10", "9", "other"])
    (('-1', '9', '10'), ('10', '9', 'other'))
    """
    found = list(names)
    if all(_NUMBER.fullmatch(name) for name in found):
        return tuple(sorted(found, key=lambda name: (float(name), name)))
    return tuple(sorted(found))


def listed(names: Sequence[str], most: int = 10) -> str:
    """Names in a line; of many the first ones.

    >>> listed(["a", "b", "c"], most=2)
    'a, b and 1 more'
    """
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def column(values: Any) -> NDArray[Any]:
    """Any sequence, array or column of a frame as an array; lists keep each value as it is."""
    if hasattr(values, "detach"):  # a tensor
        values = values.detach().cpu()
    if isinstance(values, np.ndarray) or hasattr(values, "__array__"):
        array: NDArray[Any] = np.asarray(values)
    else:
        items = list(values)
        array = np.empty(len(items), object)
        array[:] = [value.item() if _is_scalar_array(value) else value for value in items]
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    return array if array.dtype.kind in "biufUO" else array.astype(object)


def _is_scalar_array(value: Any) -> bool:
    return getattr(value, "ndim", None) == 0 and hasattr(value, "item")


def _named(labels: Any, place: str) -> tuple[list[str], Labels]:
    """The different names among labels, and (n,) which of them each item has."""
    values = column(labels)
    if values.ndim != 1:
        hint = " (argmax(axis=1) of one-hot labels)" if values.ndim == 2 else ""
        raise DataError(f"{place}: labels of shape {values.shape}: expected one per item{hint}")
    if values.dtype.kind == "O":
        names = [_name(value, place) for value in values]
        different = list(dict.fromkeys(names))
        codes = _places(names, different)
    else:
        unique, inverse = np.unique(values, return_inverse=True)
        by_value = [_name(value, place) for value in unique.tolist()]
        different = list(dict.fromkeys(by_value))
        codes = _places(by_value, different)[inverse]
    _refuse_missing(different, codes, place)
    return [name for name in different if name is not None], codes


def _name(value: Any, place: str) -> str | None:
    """What a label's class is called; None where the label is missing."""
    if isinstance(value, str):
        return str(value) if value.strip() else None
    if isinstance(value, bytes):
        return _name(value.decode(errors="replace"), place)
    if isinstance(value, bool | np.bool_):
        return str(bool(value))
    if isinstance(value, Integral):
        return str(int(value))
    if _is_missing(value):
        return None
    if isinstance(value, Real) and float(value).is_integer():
        return str(int(float(value)))
    expected = "expected names of classes: text, whole numbers, or true and false"
    hint = " (a number to predict is no class; cut it into ranges)"
    raise DataError(f"{place}: label {value!r}: {expected}{hint * isinstance(value, Real)}")


def _is_missing(value: Any) -> bool:
    """None, NaN, NaT and the missing values of pandas, which are not equal to themselves."""
    return value is None or type(value).__name__ in ("NAType", "NaTType") or value != value


def _refuse_missing(names: Sequence[str | None], codes: Labels, place: str) -> None:
    if None not in names:
        return
    missing = np.flatnonzero(codes == names.index(None))
    first = f"that of item {missing[0]} (counted from 0)"
    raise missing_labels(place, len(missing), len(codes), first)


def missing_labels(place: str, missing: int, n: int, first: str) -> DataError:
    """The error for labels that are missing, the first of them where ``first`` says."""
    return DataError(
        f"{place}: {missing:,} of {n:,} labels {'is' if missing == 1 else 'are'} missing, the "
        f"first {first}: expected one per item (leave these items out, or give them a class of "
        "their own)"
    )


def _given(classes: Sequence[Any]) -> tuple[str, ...]:
    """The user's own classes by name, in their order."""
    expected = "a list of different classes, as the labels have them"
    if isinstance(classes, str | bytes):
        raise SpecError("classes", classes, expected)
    names = [_name(value, "classes") for value in column(classes)]
    if None in names or len({*names}) < len(names) or not names:
        raise SpecError("classes", list(classes), expected)
    return tuple(name for name in names if name is not None)


def _refuse_strangers(names: Sequence[str], known: Sequence[str], what: str, expected: str) -> None:
    strangers = in_order({*names} - {*known})
    if strangers:
        many = listed([repr(name) for name in strangers])
        what = what.replace("label", "labels", 1) if len(strangers) > 1 else what
        raise DataError(f"{what} {many}: expected {expected}")


def _places(names: Sequence[str | None], among: Sequence[str | None]) -> Labels:
    """(n,) the place of each name among different ones."""
    place = {name: k for k, name in enumerate(among)}
    return np.fromiter((place[name] for name in names), np.int64, len(names))
