"""gigo: how much bad training data can your model take?

    >>> import gigo
    >>> result = gigo.sweep(dataset="digits", model="mlp", rates=[0, 0.2, 0.4], size=200)
    >>> result.report().name
    'report.html'

`run` trains a study, `sweep` one that is given as keywords, `load` reads what an earlier run left,
and `compare` puts two side by side.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gigo.version import __version__

if TYPE_CHECKING:
    from gigo.api import Result, compare, load, run, sweep
    from gigo.errors import GigoError
    from gigo.study import Study

__all__ = ["GigoError", "Result", "Study", "__version__", "compare", "load", "run", "sweep"]

_HOMES = {
    "Result": "gigo.api",
    "compare": "gigo.api",
    "load": "gigo.api",
    "run": "gigo.api",
    "sweep": "gigo.api",
    "GigoError": "gigo.errors",
    "Study": "gigo.study",
}


def __getattr__(name: str) -> Any:
    # Imported when asked for, so that a command that trains nothing starts at once.
    if name in _HOMES:
        from importlib import import_module

        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'gigo' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
