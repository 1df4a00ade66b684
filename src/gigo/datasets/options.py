"""What a user may say of a data set beside where it lies."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, ValidationError

from gigo.errors import SpecError, unknown
from gigo.spec import Spec
from gigo.types import Kind


def _as_text(value: object) -> object:
    return os.fspath(value) if isinstance(value, os.PathLike) else value


def _as_tuple(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


def _as_names(value: object) -> object:
    return (value,) if isinstance(value, str) else _as_tuple(value)


File = Annotated[str, BeforeValidator(_as_text)]


class Options(Spec):
    """Options of a data set that lies in a file or a folder; each has a use for some formats.

    Attributes:
        label: the column, or the field, that has the labels.
        test: where the test set lies.
        group: the column that says which items belong together.
        weight: the column that says how much each training item counts in a fit.
        labels: a file of other labels for the training items.
        classes: all classes in their order.
        test_share: of the items to hold out as the test set, where none is given. Default: 0.2.
        seed: of the choice of test items. Default: 0.
        kind: of the inputs.
        resize: height and width that images are scaled to.
        skip_bad: pass over images that can't be read.
        drop: columns of a table that are no inputs, such as one that numbers the rows.
    """

    label: str | None = None
    test: File | None = None
    group: str | None = None
    weight: str | None = None
    labels: File | None = None
    classes: Annotated[tuple[str | int | float | bool, ...], BeforeValidator(_as_tuple)] | None = (
        None
    )
    test_share: float | None = Field(default=None, gt=0, lt=1)
    seed: int | None = Field(default=None, ge=0)
    kind: Kind | None = None
    resize: int | None = Field(default=None, ge=1, le=1 << 14)
    skip_bad: bool = False
    drop: Annotated[tuple[str, ...], BeforeValidator(_as_names)] = ()

    @classmethod
    def of(cls, given: Mapping[str, Any], used: Iterable[str], what: str) -> Self:
        """Options as they were given, checked.

        Args:
            given: by name.
            used: names of those for which the format has a use.
            what: the format in words, such as ``a table``.

        Raises:
            SpecError: one is unknown, of no use, or has a value that can't be.

        >>> Options.of({"label": "kind"}, ["label"], "a table").label
        'kind'
        >>> Options.of({"label": "kind"}, ["classes"], "a NumPy file")
        Traceback (most recent call last):
        gigo.errors.SpecError: dataset.label = 'kind': expected no such option: a NumPy file has ...
        """
        used = sorted(used)
        for name, value in given.items():
            if name not in cls.model_fields:
                raise unknown("dataset.key", name, used)
            if name not in used:
                expected = f"no such option: {what} has no use for it, only for {', '.join(used)}"
                raise SpecError(f"dataset.{name}", value, expected)
        try:
            return cls(**given)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            name, message = str(first["loc"][0]), first["msg"].removeprefix("Input should be ")
            value = given[name]
            raise SpecError(f"dataset.{name}", value, _EXPECTED.get(name, message)) from None

    def given(self) -> dict[str, Any]:
        """Those that were given."""
        return {name: getattr(self, name) for name in self.model_fields_set}

    def splitting(self, *, tested: bool) -> dict[str, Any]:
        """How to hold out a test set: arguments of `gigo.datasets.build.build`.

        Args:
            tested: there is a test set.

        Raises:
            SpecError: something is said of it, yet the test set is given.
        """
        if self.test_share == 0:  # said by gigo itself: `gigo.datasets.whole`
            return {} if tested else {"test_share": 0.0}
        said = {"test_share": self.test_share, "seed": self.seed}
        found = {name: value for name, value in said.items() if value is not None}
        for name, value in found.items():
            if tested:
                raise SpecError(f"dataset.{name}", value, "none: the test set is given, not drawn")
        return found

    def file(self, name: str) -> Path | None:
        """The path that an option names."""
        value = getattr(self, name)
        return None if value is None else Path(os.path.expanduser(value))


_EXPECTED = {
    **dict.fromkeys(("label", "group", "weight"), "the name of a column"),
    **dict.fromkeys(("test", "labels"), "a path"),
    "classes": "a list of classes, as the labels have them",
    "drop": "the names of columns",
    "test_share": "a number above 0 and below 1",
}
"""Where pydantic's words would not help."""

SPLITTING = "test_share", "seed"
"""Options that any source has a use for that may be without a test set."""
