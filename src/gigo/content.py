"""What makes an object of the user's the same as another, and what it is called.

An estimator is its class and its parameters, what is in it included; a function or a class is its
place and the version of its distribution, or the content of its file. A lambda, and what is defined
in a notebook or a script, has no content that is known.
"""

from __future__ import annotations

import hashlib
import json
import math
import sys
from collections.abc import Mapping
from contextlib import suppress
from functools import cache, partial
from inspect import signature
from pathlib import Path
from typing import Any

IDLE = ("n_jobs", "random_state")
"""Parameters of estimators that change no result of gigo's, which sets them itself."""

LONGEST = 60
"""Characters of a name in tables and legends."""


def content(thing: Any) -> str | None:
    """64 hex digits that are the same for the same content; None where that is not known.

    >>> from sklearn.linear_model import LogisticRegression
    >>> same = content(LogisticRegression(C=0.5)), content(LogisticRegression(C=0.5, n_jobs=2))
    >>> same[0] == same[1], content(lambda: LogisticRegression())
    (True, None)
    """
    if isinstance(getattr(thing, "sha256", None), str):  # a data set
        return thing.sha256
    with suppress(TypeError):
        return hashlib.sha256(canonical(_plain(thing)).encode()).hexdigest()
    return None


def described(thing: Any) -> str:
    """An object in few words: a data set by its name, an estimator by what is not at its default.

    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from sklearn.svm import SVC
    >>> described(make_pipeline(StandardScaler(), SVC(C=10, random_state=1)))
    'StandardScaler + SVC(C=10)'
    """
    name = getattr(thing, "name", None)
    return name if isinstance(name, str) else short(_words(thing))


def short(text: str) -> str:
    """At most `LONGEST` characters of a text, in one line."""
    text = " ".join(text.split())
    return text if len(text) <= LONGEST else text[: LONGEST - 3] + "..."


def origin(place: str) -> dict[str, Any]:
    """Where the code of a module is from: versions of its distributions, else its file's sha256."""
    from importlib.metadata import version

    names = sorted({*_distributions().get(place.partition(".")[0], [])})
    if names:
        return {"versions": {name: version(name) for name in names}}
    file = getattr(sys.modules.get(place), "__file__", None)
    return {"file": hashlib.sha256(Path(file).read_bytes()).hexdigest()} if file else {}


@cache
def _distributions() -> Mapping[str, list[str]]:
    """Of every module that is installed; looking takes a third of a second."""
    from importlib.metadata import packages_distributions

    return packages_distributions()


def canonical(plain: object) -> str:
    """JSON that is the same for the same values, whatever the order of keys."""
    return json.dumps(plain, sort_keys=True, separators=(",", ":"))


def _plain(thing: Any) -> Any:
    """A thing as plain values; raises TypeError where its content is not known."""
    if thing is None or isinstance(thing, str | bool | int):
        return thing
    if isinstance(thing, float):
        return thing if math.isfinite(thing) else str(thing)
    if isinstance(thing, list | tuple):
        return [_plain(each) for each in thing]
    if isinstance(thing, Mapping):
        return [[_plain(name), _plain(value)] for name, value in thing.items()]
    np: Any = sys.modules.get("numpy")  # without it, nothing is NumPy's
    if np and isinstance(thing, np.generic | np.ndarray):
        return [str(thing.dtype), _plain(thing.tolist())]
    if isinstance(thing, slice):
        return ["slice", *map(_plain, (thing.start, thing.stop, thing.step))]
    if isinstance(thing, partial):
        return ["partial", *map(_plain, (thing.func, thing.args, thing.keywords))]
    name = getattr(thing, "__qualname__", None) or getattr(thing, "__name__", None)
    if isinstance(name, str):
        return _placed(thing, name)
    kind = type(thing)
    if hasattr(thing, "get_params"):
        own = thing.get_params(deep=False).items()
        return [_plain(kind), {name: _plain(each) for name, each in own if name not in IDLE}]
    if "__dict__" in dir(thing) and "versions" in origin(kind.__module__):
        return [_plain(kind), _plain(vars(thing))]  # such as scikit-learn's splitters, selectors
    raise TypeError(f"{kind.__name__}: its content is not known")


def _placed(thing: Any, name: str) -> Any:
    """A function or a class: where it is, and from."""
    place = getattr(thing, "__module__", None) or "__main__"
    if place == "__main__" or "<" in name:
        raise TypeError(f"{name}: its content is not known")
    return [f"{place}:{name}", origin(place)]


def _words(thing: Any) -> str:
    """An estimator with those of its parameters that are not at their default."""
    kind = type(thing)
    if isinstance(thing, str | bool | int | float) or thing is None:
        return repr(thing)
    if isinstance(steps := getattr(thing, "steps", None), list):
        return " + ".join(step if isinstance(step, str) else _words(step) for _, step in steps)
    if isinstance(thing, list | tuple):
        return f"[{', '.join(map(_words, thing))}]"
    if isinstance(thing, type) or not hasattr(thing, "get_params"):
        return getattr(thing, "__name__", kind.__name__)
    usual = _usual(kind)
    shown = [
        f"{name}={_words(value)}"
        for name, value in thing.get_params(deep=False).items()
        if name not in IDLE and not (name in usual and repr(usual[name]) == repr(value))
    ]
    return f"{kind.__name__}({', '.join(shown)})" if shown else kind.__name__


def _usual(kind: Any) -> Mapping[str, Any]:
    """The defaults of an estimator's parameters; some libraries have them in no signature."""
    with suppress(Exception):  # anybody's code; some need an argument
        return kind().get_params(deep=False)
    return {name: each.default for name, each in signature(kind).parameters.items()}
