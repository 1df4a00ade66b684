"""What ``package.module:name`` and ``file.py:name`` name, or an error that says why not."""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
import sys
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType
from typing import Any

from gigo.errors import SpecError, meant

CALLED = {
    "catboost": "catboost",
    "keras": "keras",
    "lightgbm": "lightgbm",
    "sentence_transformers": "sentence-transformers",
    "tensorflow": "tensorflow",
    "timm": "timm",
    "torchvision": "torchvision",
    "transformers": "transformers",
    "xgboost": "xgboost",
}
"""Modules that people train with, and the packages that they are installed by. Others are not
guessed: a misspelt name may be somebody else's package."""

CLOSE = 0.7
"""How alike a name must be to be suggested: there are hundreds to choose from."""


def imported(field: str, named: str) -> Any:
    """What is named in a module or a file.

    Args:
        field: of the study, for errors.
        named: ``package.module:name`` or ``file.py:name``.

    Raises:
        SpecError: there is no such module, file or name, or importing it raises an error.

    >>> imported("model", "sklearn.ensemble:RandomForestClasifier")
    Traceback (most recent call last):
    gigo.errors.SpecError: model = 'sklearn.ensemble:RandomForestClasifier': expected a name in \
sklearn.ensemble (did you mean 'RandomForestClassifier'?)
    """
    place, _, name = named.rpartition(":")
    is_file = place.endswith(".py")
    try:
        module = from_file(Path(place)) if is_file else importlib.import_module(place)
    except Exception as error:  # importing runs anybody's code
        expected = _no_file(Path(place)) if is_file else _no_module(place, error)
        raise SpecError(field, named, expected or _importable(error)) from error
    try:
        return getattr(module, name)
    except AttributeError as error:
        names = getattr(module, "__all__", None) or _public(dir(module))
        expected = f"a name in {place}{meant(name, names, CLOSE)}"
        raise SpecError(field, named, expected) from error
    except Exception as error:  # some modules import their parts when these are asked for
        raise SpecError(field, named, _importable(error)) from error


def from_file(path: Path) -> ModuleType:
    """The module in a file, run anew; it is not entered among the imported ones."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is no Python file")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _no_file(path: Path) -> str:
    """What is wrong with a place that should be a file; nothing if it is one."""
    if path.is_file():
        return ""
    others = [each.name for each in path.parent.glob("*.py")]
    return f"a Python file in {path.parent.absolute()}{meant(path.name, others, CLOSE)}"


def _no_module(place: str, error: Exception) -> str:
    """What is wrong with a place that should be a module; nothing if the module is there."""
    missing = error.name if isinstance(error, ModuleNotFoundError) else None
    if not missing or not f"{place}.".startswith(f"{missing}."):
        return ""
    if missing in CALLED:
        return f"an installed module: pip install {CALLED[missing]}"
    file = Path(*place.split(".")).with_suffix(".py")
    if file.is_file():
        return f"a module; what is in a file is named {file.as_posix()}:name"
    parent = missing.rpartition(".")[0]
    return f"an installed module: there is no {missing}{meant(missing, _modules(parent), CLOSE)}"


def _importable(error: Exception) -> str:
    """What is expected of a module that raises an error."""
    missing = (error.name or "") if isinstance(error, ModuleNotFoundError) else ""
    remedy = f": pip install {CALLED[missing]}" if missing in CALLED else ""
    reason = " ".join(f"{type(error).__name__}: {error}".split())
    expected = "package.module:name or file.py:name of something that can be imported"
    return f"{expected} ({reason}{remedy})"


def _modules(parent: str) -> list[str]:
    """The modules in a package, or all that are outside any."""
    path = getattr(sys.modules.get(parent), "__path__", ()) if parent else None
    found = _public(module.name for module in pkgutil.iter_modules(path))
    return [f"{parent}.{name}" for name in found] if parent else [*found, *CALLED]


def _public(names: Iterable[str]) -> list[str]:
    return [name for name in names if not name.startswith("_")]
