"""gigo: how much bad training data can your model take?

    >>> import gigo
    >>> result = gigo.sweep(dataset="digits", model="mlp", rates=[0, 0.2, 0.4], size=200)
    >>> result.report().name
    'report.html'

`run` trains a study, `sweep` one that is given as keywords, `load` reads what an earlier run left,
`compare` puts two side by side, `find_tolerance` and `find_exchange` train until an interval is
narrow; `corrupt` corrupts labels and trains nothing. Data of
your own are ``sweep(X, y)``, a frame and its column, a path, or a `Dataset`; a corruption is a
function that gives a matrix or a `Schedule` (`gigo.ref`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gigo.version import __version__

if TYPE_CHECKING:
    from gigo.analysis.comparison import Comparison
    from gigo.api import Result, compare, load, run, sweep
    from gigo.audit.arrays import Corrupted, corrupt
    from gigo.errors import GigoError, GigoWarning
    from gigo.find import Found, find_exchange, find_tolerance
    from gigo.runner.progress import Progress
    from gigo.schedule import Schedule
    from gigo.study import Study
    from gigo.types import Dataset

__all__ = [
    "Comparison",
    "Corrupted",
    "Dataset",
    "Found",
    "GigoError",
    "GigoWarning",
    "Progress",
    "Result",
    "Schedule",
    "Study",
    "__version__",
    "compare",
    "corrupt",
    "find_exchange",
    "find_tolerance",
    "load",
    "run",
    "sweep",
]

_HOMES = {
    "Comparison": "gigo.analysis.comparison",
    **dict.fromkeys(("Result", "compare", "load", "run", "sweep"), "gigo.api"),
    **dict.fromkeys(("Corrupted", "corrupt"), "gigo.audit.arrays"),
    **dict.fromkeys(("GigoError", "GigoWarning"), "gigo.errors"),
    **dict.fromkeys(("Found", "find_exchange", "find_tolerance"), "gigo.find"),
    "Progress": "gigo.runner.progress",
    "Study": "gigo.study",
    "Dataset": "gigo.types",
    "Schedule": "gigo.schedule",
}


def __getattr__(name: str) -> Any:
    # Imported when asked for, so that a command that trains nothing starts at once.
    if name in _HOMES:
        from importlib import import_module

        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'gigo' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
