"""Tables with errors: values missing, categories misspelt, decimal points in the wrong place.

An edit changes cells of one row (`gigo.corruptions.cells`). An item has none if there is nothing to
change: its values are missing already, or are zero where a decimal point would be shifted.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from gigo.corruptions.cells import Mask, checked, column, is_there, places_of, schedule
from gigo.corruptions.misspelt import misspelt
from gigo.entries import CorruptionEntry
from gigo.errors import SpecError
from gigo.rng import Stream
from gigo.schedule import Schedule
from gigo.types import Dataset, Labels

TENTHS = 10
"""The weight of a largest value, where larger ones go missing sooner."""


def missing_values(
    dataset: Dataset,
    items: Labels,
    stream: Stream,
    *,
    columns: Any = None,
    mechanism: str = "mcar",
    depends_on: Any = None,
    cells: int = 1,
) -> Schedule:
    """Values go missing, by one of three mechanisms (Rubin 1976, "Inference and missing data").

    Completely at random (``mcar``): any item alike. At random (``mar``): depending on another
    column, which stays. Not at random (``mnar``): depending on the value itself. In the last two
    an item of weight w is w times as likely as one of weight 1 to be the next, where ``w =
    ceil(10 c / n)`` and c of the n items have a value that is not larger: 10 for the largest tenth,
    1 for the smallest. The order is drawn as by Efraimidis and Spirakis (2006, "Weighted random
    sampling with a reservoir"): by the largest of w random numbers.

    Args:
        dataset: a table, or vectors that are not sparse.
        items: (n,) rows of its training set. One without a value in the columns has no edit.
        stream: of random numbers.
        columns: that lose values, by name, of vectors by number. None: all, less ``depends_on``.
        mechanism: ``mcar``, ``mar`` or ``mnar``; ``mnar`` is about one column.
        depends_on: the column that ``mar`` depends on. Words come in their order; a missing value
            counts as the smallest.
        cells: values that an edited item loses; all that it has, where these are fewer.

    Raises:
        SpecError: an option that doesn't fit the others or the data.

    >>> from gigo.testing import small_dataset
    >>> dataset = small_dataset("table")
    >>> schedule = missing_values(dataset, np.arange(4), Stream(0, 0, "corruption"))
    >>> schedule.item, schedule.extra(2).isna().sum(axis=1).tolist()
    (array([2, 3, 0, 1]), [1, 1])
    """
    field = "corruption.missing_values"
    x, n = checked(dataset, "missing_values"), len(items)
    if mechanism not in ("mcar", "mar", "mnar"):
        raise SpecError(f"{field}.mechanism", mechanism, "mcar, mar or mnar")
    if cells < 1:
        raise SpecError(f"{field}.cells", cells, "at least 1 value per edited item")
    if (depends_on is None) == (mechanism == "mar"):
        expected = "the column that mar depends on, and none for mcar and mnar"
        raise SpecError(f"{field}.depends_on", depends_on, expected)
    other = [] if depends_on is None else places_of(x, [depends_on], f"{field}.depends_on")
    places = places_of(x, columns, f"{field}.columns", without=other)
    if mechanism == "mnar" and len(places) != 1:
        raise SpecError(f"{field}.columns", columns, "one column for mnar, such as ['income']")
    if mechanism == "mcar":
        order = stream.permutation(n)
    else:
        order = _by_weight(_tenths(column(x, [*other, *places][0], items)), stream)

    def gone(values: Any, edits: Labels) -> Any:
        return np.nan

    return schedule(x, items, order, stream, places, is_there, gone, cells)


def category_typos(
    dataset: Dataset, items: Labels, stream: Stream, *, columns: Any = None
) -> Schedule:
    """A category or a text gets a typing error (`gigo.corruptions.misspelt`): mostly a new one.

    Args:
        dataset: a table.
        items: (n,) rows of its training set. One without words in the columns has no edit.
        stream: of random numbers.
        columns: of words, by name; an edit is in one of them. None: all that there are.

    Raises:
        SpecError: a column that the table has not, or that has numbers.

    >>> from gigo.testing import small_dataset
    >>> dataset = small_dataset("table")
    >>> schedule = category_typos(dataset, np.arange(4), Stream(0, 0, "corruption"))
    >>> dataset.x_train["colour"].iloc[schedule.item[:2]].tolist()
    ['blue', 'green']
    >>> schedule.extra(2)["colour"].tolist()
    ['nlue', 'greeb']
    """
    x, field = checked(dataset, "category_typos"), "corruption.category_typos.columns"
    places = places_of(x, columns, field, kind="words")
    order = stream.permutation(len(items))
    draws = stream.child("errors").words(len(items)).tolist()

    def wrong(values: Any, edits: Labels) -> list[str]:
        return [misspelt(v, draws[k]) for v, k in zip(values, edits.tolist(), strict=True)]

    return schedule(x, items, order, stream, places, _has_letters, wrong)


def shifted_decimals(
    dataset: Dataset, items: Labels, stream: Stream, *, columns: Any = None, places: int = 1
) -> Schedule:
    """The decimal point of a number is in the wrong place.

    A number x becomes ``x * 10**places`` or ``x / 10**places``, either with chance 1/2; the latter
    where the former would be infinite.

    Args:
        dataset: a table, or vectors that are not sparse.
        items: (n,) rows of its training set. One whose numbers in the columns are zero or missing
            has no edit.
        stream: of random numbers.
        columns: of numbers, by name, of vectors by number; an edit is in one of them. None: all.
        places: by which the point is shifted, 1 to 9.

    Raises:
        SpecError: a column that the data have not, or that has words; or another option's value.

    >>> from gigo.testing import small_dataset
    >>> dataset = small_dataset("table")
    >>> options = {"columns": ["a"], "places": 2}
    >>> schedule = shifted_decimals(dataset, np.arange(4), Stream(0, 0, "corruption"), **options)
    >>> before = dataset.x_train["a"].iloc[schedule.item[:3]].to_numpy()
    >>> (schedule.extra(3)["a"].to_numpy() / before).round(4).tolist()
    [0.01, 0.01, 100.0]
    """
    x, field = checked(dataset, "shifted_decimals"), "corruption.shifted_decimals"
    if not 1 <= places <= 9:
        raise SpecError(f"{field}.places", places, "1 to 9 places")
    those = places_of(x, columns, f"{field}.columns", kind="numbers")
    order = stream.permutation(len(items))
    up = stream.child("direction").integers(len(items), 2).astype(np.bool_)

    def shifted(values: Any, edits: Labels) -> Any:
        numbers = np.asarray(values)
        numbers = numbers if numbers.dtype.kind == "f" else numbers.astype(np.float64)
        factor = numbers.dtype.type(10**places)
        with np.errstate(over="ignore", under="ignore"):
            larger, smaller = numbers * factor, numbers / factor
        return np.where(up[edits] & np.isfinite(larger), larger, smaller)

    return schedule(x, items, order, stream, those, _is_shiftable, shifted)


def _tenths(values: Any) -> Labels:
    """(n,) whole numbers 1 to 10: in which tenth of the values each is; missing ones are lowest."""
    known = np.asarray(is_there(values))
    codes = np.zeros(len(values), np.int64)
    kept = np.asarray(values[known])
    texts = kept if kept.dtype.kind in "biuf" else kept.astype(str)
    codes[known] = np.unique(texts, return_inverse=True)[1] + 1
    not_larger = np.cumsum(np.bincount(codes))[codes]
    return -(-TENTHS * not_larger // max(len(codes), 1))


def _by_weight(weights: Labels, stream: Stream) -> Labels:
    """An order of n items (n,): each next one drawn by the weights, whole numbers 1 to 10."""
    keys = np.empty(len(weights), np.uint64)
    for start in range(0, len(weights), 65536):
        part = weights[start : start + 65536, None]
        words = stream.words(len(part) * TENTHS).reshape(-1, TENTHS)
        keys[start : start + 65536] = np.where(np.arange(TENTHS) < part, words, 0).max(axis=1)
    return np.argsort(~keys, kind="stable").astype(np.int64)


def _has_letters(values: Any) -> Mask:
    return np.array([isinstance(each, str) and each != "" for each in values], np.bool_)


def _is_shiftable(values: Any) -> Mask:
    numbers = np.asarray(values, np.float64)
    return np.isfinite(numbers) & (numbers != 0)


ENTRIES = {
    "missing_values": CorruptionEntry(
        missing_values,
        "values are missing: at random, by another column (mar) or by their own size (mnar)",
        family="tables",
        formula="mcar: each item alike; mar, mnar: the next item with chance proportional to "
        "w = ceil(10 c / n), where c of n items have a value of the column that is not larger",
        paper="Rubin 1976, Inference and missing data",
        kinds=("table", "vector"),
        gaps=True,
    ),
    "category_typos": CorruptionEntry(
        category_typos,
        "a typing error in a category or a column of texts",
        family="tables",
        formula="one value gets one error: two characters swapped, one dropped, doubled, or "
        "replaced by a neighbouring key",
        paper="Damerau 1964, A technique for computer detection and correction of spelling errors",
        kinds=("table",),
    ),
    "shifted_decimals": CorruptionEntry(
        shifted_decimals,
        "a number is ten times too large or too small",
        family="tables",
        formula="x becomes x * 10**places or x / 10**places, each with chance 1/2",
        paper="after Schelter et al. 2021, JENGA: a framework to study the impact of data errors "
        "on the predictions of machine learning models (scaling)",
        kinds=("table", "vector"),
    ),
}
