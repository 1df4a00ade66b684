"""Every error a user can cause, as one tree.

    GigoError
    ├── SpecError          a study, option or argument is wrong
    ├── DataError          a data set is missing, damaged or not what it claims to be
    ├── EngineError        a model can't be built or trained as asked
    └── StoreError         a run folder can't be read or written
        ├── StoreBusy      somebody else is writing to it
        └── StudyMismatch  it holds trials of an incompatible study

A message is one line that names the field, the value and what was expected; the command line
prints it after ``error:`` and exits with status 2.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class GigoError(Exception):
    """Base of all errors that are the user's to mend.

    >>> import gigo
    >>> try:
    ...     gigo.load("runs/typo")
    ... except gigo.GigoError as error:
    ...     print(error)
    runs/typo: no run there...
    """


LONGEST = 200
"""Characters of a value that are shown."""


class SpecError(GigoError):
    """A field of a study or an argument has a value that can't be used.

    Args:
        field: the name as the user wrote it, such as ``"rates"`` or ``"recipe.batch_size"``.
        value: what was given.
        expected: what would have been right, as a noun phrase.

    >>> from gigo.errors import SpecError
    >>> print(SpecError("recipe.batch_size", 0, "at least 1"))
    recipe.batch_size = 0: expected at least 1
    """

    def __init__(self, field: str, value: object, expected: str) -> None:
        self.field, self.value, self.expected = field, value, expected
        shown = repr(value)
        if len(shown) > LONGEST or "\n" in shown:  # somebody's whole matrix
            cut = "..." if len(shown) > LONGEST else ""
            shown = f"{' '.join(shown[:LONGEST].split())}{cut}"
        super().__init__(f"{field} = {shown}: expected {expected}")


class DataError(GigoError):
    """A data set is missing, damaged or not what it claims to be."""


class EngineError(GigoError):
    """A model can't be built or trained as asked."""


class StoreError(GigoError):
    """A run folder can't be read or written."""


class StoreBusy(StoreError):
    """Another process is writing to this run folder."""


class StudyMismatch(StoreError):
    """The run folder holds trials of a study that this one can't extend."""


class GigoWarning(UserWarning):
    """A run is done, but its numbers are worth little; the message says why, and what to do.

    >>> import warnings, gigo
    >>> with warnings.catch_warnings(record=True) as caught:
    ...     warnings.simplefilter("always")
    ...     recipe = {"learning_rate": 1e-12, "epochs": 2}
    ...     _ = gigo.sweep(dataset="digits", size=50, model="mlp", rates=0, recipe=recipe)
    >>> print(caught[0].category.__name__, caught[0].message)
    GigoWarning Even at rate 0 labels teach nothing: most models never started to learn...
    """


def unknown(field: str, value: str, known: Iterable[str]) -> SpecError:
    """The error for a name that is in no catalogue, with the nearest right one suggested.

    >>> from gigo.errors import unknown
    >>> print(unknown("model", "resnt", ["mlp", "resnet"]))
    model = 'resnt': expected one of mlp, resnet (did you mean 'resnet'?)
    """
    names = sorted(known)
    return SpecError(field, value, f"one of {', '.join(names)}{meant(value, names)}")


def meant(value: str, known: Iterable[str], cutoff: float = 0.5) -> str:
    """A question after the nearest of some names; nothing where none is near.

    Args:
        value: what was given.
        known: the right names.
        cutoff: how alike they must be, of 1.

    >>> from gigo.errors import meant
    >>> meant("Resnt", ["mlp", "resnet"]), meant("asymmetric", ["symmetric"])
    (" (did you mean 'resnet'?)", '')
    """
    folded = {name.casefold(): name for name in known}
    close = difflib.get_close_matches(value.casefold(), folded, n=1, cutoff=cutoff)
    opposite = bool(close) and value.casefold() in {f"{no}{close[0]}" for no in ("a", "un", "non")}
    return f" (did you mean {folded[close[0]]!r}?)" if close and not opposite else ""
