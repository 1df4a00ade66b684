"""How a study names a thing: by a name in a catalogue, by where its code is, or by the thing.

    "symmetric"                 a name in gigo's catalogue
    "package.module:name"       something in an installed module
    "path/to/file.py:name"      something in a file
    MyNetwork                   in Python, the object itself

Each may have options, ``{name = "symmetric", include_true = true}``.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import json
import math
import secrets
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import Annotated, Any, Self

import numpy as np
from pydantic import BeforeValidator, ConfigDict, PrivateAttr

from gigo.errors import SpecError
from gigo.spec import Spec


class Ref(Spec):
    """A name, with options.

    >>> ref = Ref(name="symmetric", include_true=True)
    >>> ref.options, ref.label
    ({'include_true': True}, 'symmetric include_true=True')
    """

    model_config = ConfigDict(extra="allow")

    name: str
    _thing: Any = PrivateAttr(default=None)

    @classmethod
    def of(cls, thing: Any, **options: Any) -> Self:
        """A ref to an object.

        With a ``key`` among the options, runs in other processes know it again; without, they
        can't go on with a run that it is part of.

        >>> import numpy as np
        >>> def always(n_classes, label=0):
        ...     return np.eye(n_classes)[[label] * n_classes]
        >>> Ref.of(always, label=7, key="always seven").label
        'always label=7'
        """
        name = getattr(thing, "__qualname__", None) or _described(thing)
        key = options.pop("key", None) or _content(thing) or f"random-{secrets.token_hex(8)}"
        ref = cls.model_validate({"name": name, "key": key, **options})
        ref._thing = thing
        return ref

    @property
    def options(self) -> dict[str, Any]:
        return dict(self.__pydantic_extra__ or {})

    @property
    def label(self) -> str:
        """How tables and figures name it."""
        shown = {k: v for k, v in self.options.items() if self._thing is None or k != "key"}
        return " ".join([self.name, *(f"{k}={v}" for k, v in sorted(shown.items()))])

    @property
    def is_object(self) -> bool:
        """Whether it is the thing itself, whatever it is called."""
        return self._thing is not None

    @property
    def is_catalogued(self) -> bool:
        """Whether it can only be a name in a catalogue."""
        return self._thing is None and ":" not in self.name

    def to_json(self) -> dict[str, Any]:
        return {"name": self.name, **dict(sorted(self.options.items()))}

    def load(self, field: str) -> Any:
        """The object that a ref which is in no catalogue names.

        Args:
            field: of the study, for errors.

        Raises:
            SpecError: there is no such module, file or name.
        """
        if self._thing is not None:
            return self._thing
        place, _, name = self.name.rpartition(":")
        try:
            module = (
                _from_file(Path(place)) if place.endswith(".py") else importlib.import_module(place)
            )
            return getattr(module, name)
        except Exception as error:  # importing runs anybody's code
            reason = " ".join(f"{type(error).__name__}: {error}".split())
            expected = "package.module:name or file.py:name of something that can be imported"
            raise SpecError(field, self.name, f"{expected} ({reason})") from error

    @property
    def identity(self) -> dict[str, Any]:
        """What stands for an object that is in no catalogue in trials' keys.

        A file counts by its sha256, an installed module by its distribution's version, an object
        by its ``key``.
        """
        place, _, name = self.name.rpartition(":")
        if self._thing is not None or not place:
            return self.to_json()
        if place.endswith(".py"):
            content = hashlib.sha256(Path(place).read_bytes()).hexdigest()
            return {**self.to_json(), "name": name, "file": content}
        return {**self.to_json(), "versions": _versions(place)}


def _from_file(path: Path) -> ModuleType:
    """The module in a file, run anew; it is not entered among the imported ones."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is no Python file")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _versions(place: str) -> dict[str, str]:
    """Of the distributions that a module belongs to."""
    from importlib.metadata import packages_distributions, version

    names = packages_distributions().get(place.partition(".")[0], [])
    return {name: version(name) for name in sorted({*names})}


def _described(thing: Any) -> str:
    """An object in a line: a data set by its name, an estimator by what differs from its class."""
    name = getattr(thing, "name", None)
    return name if isinstance(name, str) else " ".join(repr(thing).split())


def _content(thing: Any) -> str | None:
    """What makes an object the same as another, where that can be known.

    A data set is its sha256; an estimator its class and parameters, and the versions of the
    distributions that they come from.
    """
    if isinstance(getattr(thing, "sha256", None), str):
        return thing.sha256
    if isinstance(thing, type) or not hasattr(thing, "get_params"):
        return None
    with suppress(TypeError):
        return hashlib.sha256(canonical(_parameters(thing)).encode()).hexdigest()
    return None


def _parameters(thing: Any) -> Any:
    """An estimator, or what is in one, as plain values; raises TypeError for anything else."""
    if thing is None or isinstance(thing, str | bool | int):
        return thing
    if isinstance(thing, float):
        return thing if math.isfinite(thing) else str(thing)
    if isinstance(thing, list | tuple):
        return [_parameters(each) for each in thing]
    if isinstance(thing, Mapping):
        return {str(name): _parameters(each) for name, each in thing.items()}
    if isinstance(thing, np.generic | np.ndarray):
        return [str(thing.dtype), _parameters(thing.tolist())]
    if not isinstance(thing, type) and hasattr(thing, "get_params"):
        own = thing.get_params(deep=False).items()
        values = {name: _parameters(each) for name, each in own if name != "n_jobs"}
        return [_parameters(type(thing)), values]
    place = getattr(thing, "__module__", "__main__")
    if place == "__main__" or "<" in getattr(thing, "__qualname__", "<"):
        raise TypeError(f"{thing!r} has no content that is known")
    return [f"{place}:{thing.__qualname__}", _versions(place)]


def canonical(plain: object) -> str:
    """JSON that is the same for the same values, whatever the order of keys."""
    return json.dumps(plain, sort_keys=True, separators=(",", ":"))


def _as_ref(value: object) -> object:
    if isinstance(value, str):
        return {"name": value}
    if isinstance(value, Mapping):
        given = {str(key): item for key, item in value.items()}
        return Ref.of(given.pop("name"), **given) if _is_thing(given.get("name")) else given
    return Ref.of(value) if _is_thing(value) else value


def _is_thing(value: object) -> bool:
    """Whether it can be what a ref names: a function, a class, an estimator, a data set."""
    if isinstance(value, Ref):
        return False
    return callable(value) or hasattr(value, "fit") or hasattr(value, "sha256")


RefItem = Annotated[Ref, BeforeValidator(_as_ref)]
"""A name alone, a table with a name and options, or an object."""
