"""How a study names a thing: by a name in a catalogue, by where its code is, or by the thing.

    "symmetric"                 a name in gigo's catalogue
    "package.module:name"       something in an installed module
    "path/to/file.py:name"      something in a file
    MyNetwork                   in Python, the object itself

Each may have options, ``{name = "symmetric", include_true = true}``. Two are gigo's own: ``called``
is what tables and figures name it, ``key`` stands for what it is, see `Ref.of`.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, ConfigDict, PrivateAttr

from gigo.content import LONGEST, canonical, content, described, origin, short
from gigo.errors import SpecError
from gigo.imported import imported
from gigo.spec import Spec

__all__ = ["Ref", "RefItem", "canonical"]


OWN = ("called", "key")
"""Options of every ref that are not its thing's."""


class Ref(Spec):
    """A name, with options.

    >>> ref = Ref(name="symmetric", include_true=True)
    >>> ref.options, ref.label
    ({'include_true': True}, 'symmetric include_true=True')
    """

    model_config = ConfigDict(extra="allow")

    name: str
    _thing: Any = PrivateAttr(default=None)
    _passing: bool = PrivateAttr(default=False)

    @classmethod
    def of(cls, thing: Any, **options: Any) -> Self:
        """A ref to an object.

        Runs in other processes know it again by its content (`gigo.content`) or, where that is not
        known, by a ``key`` among the options; without one, they can't go on with a run that it is
        part of.

        >>> import numpy as np
        >>> def always(n_classes, label=0):
        ...     return np.eye(n_classes)[[label] * n_classes]
        >>> Ref.of(always, label=7, key="always seven").label
        'always label=7'
        """
        name = getattr(thing, "__qualname__", None) or described(thing)
        key = options.pop("key", None) or content(thing)
        given = {"name": name, "key": key or f"random-{secrets.token_hex(8)}", **options}
        ref = cls.model_validate(given)
        ref._thing, ref._passing = thing, key is None
        return ref

    def without(self, *names: str) -> Self:
        """The same ref without some options."""
        kept = {name: value for name, value in self.options.items() if name not in names}
        ref = self.model_validate({"name": self.name, **kept})
        ref._thing, ref._passing = self._thing, self._passing
        return ref

    @property
    def options(self) -> dict[str, Any]:
        return dict(self.__pydantic_extra__ or {})

    @property
    def arguments(self) -> dict[str, Any]:
        """The options that the named thing is called with: not those that are gigo's own."""
        return {name: value for name, value in self.options.items() if name not in OWN}

    @property
    def is_passing(self) -> bool:
        """Whether no other process can know it again: an object without known content or key."""
        parts = (each for each in self.options.values() if isinstance(each, Ref))
        return self._passing or any(each.is_passing for each in parts)

    @property
    def label(self) -> str:
        """How tables and figures name it."""
        called = self.options.get("called")
        return short(str(called)) if called is not None else self._shown(self.name)

    @property
    def short_label(self) -> str:
        """The same in at most 60 characters; folders and packages go first."""
        if len(self.label) <= LONGEST or self._thing is not None or ":" not in self.name:
            return short(self.label)
        place, _, name = self.name.rpartition(":")
        return short(self._shown(f"{Path(place).name}:{name}" if place.endswith(".py") else name))

    def _shown(self, name: str) -> str:
        """A name with the options."""
        shown = {k: v for k, v in self.options.items() if self._thing is None or k != "key"}
        texts = {k: v.label if isinstance(v, Ref) else v for k, v in shown.items()}
        return " ".join([name, *(f"{k}={v}" for k, v in sorted(texts.items()))])

    @property
    def is_object(self) -> bool:
        """Whether it is the thing itself, whatever it is called."""
        return self._thing is not None

    @property
    def is_catalogued(self) -> bool:
        """Whether it can only be a name in a catalogue."""
        return self._thing is None and ":" not in self.name

    def to_json(self) -> dict[str, Any]:
        plain = {k: v.to_json() if isinstance(v, Ref) else v for k, v in self.options.items()}
        return {"name": self.name, **dict(sorted(plain.items()))}

    def load(self, field: str) -> Any:
        """The object that a ref which is in no catalogue names.

        Args:
            field: of the study, for errors.

        Raises:
            SpecError: there is no such module, file or name.
        """
        if self._thing is not None:
            return self._thing
        return imported(field, self.name)

    @property
    def identity(self) -> dict[str, Any]:
        """What stands for an object that is in no catalogue in trials' keys.

        A file counts by its sha256, an installed module by its distribution's version, any other
        by the sha256 of its file, an object by its ``key``. What it is called does not matter.
        """
        plain = {name: each for name, each in self.to_json().items() if name != "called"}
        place, _, name = self.name.rpartition(":")
        if self._thing is not None:
            kind = type(self._thing).__qualname__
            return {**plain, "name": getattr(self._thing, "__qualname__", kind)}
        if not place:
            return plain
        if place.endswith(".py"):
            digest = hashlib.sha256(Path(place).read_bytes()).hexdigest()
            return {**plain, "name": name, "file": digest}
        return {**plain, **origin(place)}


def as_ref(field: str, value: object) -> Ref:
    """What a user named in an option of another ref.

    Raises:
        SpecError: that is neither a name, a table with a name and options, nor an object.
    """
    found = _as_ref(value)
    if isinstance(found, Ref):
        return found
    if isinstance(found, Mapping) and isinstance(found.get("name"), str):
        return Ref.model_validate(found)
    raise SpecError(field, value, "a name, a table with a name and options, or a function")


def _as_ref(value: object) -> object:
    if isinstance(value, str):
        return {"name": value}
    if isinstance(value, Mapping):
        given = {str(key): _plain(item) for key, item in value.items()}
        if "features" in given and not isinstance(given["features"], str):
            given["features"] = as_ref("features", given["features"])
        if _is_thing(given.get("source")) and not _is_thing(given.get("name")):
            given["source"] = as_ref("source", given["source"])  # a data set in memory
        return Ref.of(given.pop("name"), **given) if _is_thing(given.get("name")) else given
    return Ref.of(value) if _is_thing(value) else value


def _plain(value: Any) -> Any:
    """An option as a file would have it: arrays and numbers of NumPy as Python's."""
    return value.tolist() if type(value).__module__ == "numpy" else value


def _is_thing(value: object) -> bool:
    """Whether it can be what a ref names: a function, a class, an estimator, a data set."""
    if isinstance(value, Ref):
        return False
    return callable(value) or hasattr(value, "fit") or hasattr(value, "sha256")


RefItem = Annotated[Ref, BeforeValidator(_as_ref)]
"""A name alone, a table with a name and options, or an object."""
