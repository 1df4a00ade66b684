"""A model's parameters, set so that its results are repeatable, and what it is made from."""

from __future__ import annotations

import sys
from typing import Any

from gigo.estimators.alone import SEEDS
from gigo.rng import Stream
from gigo.trial import Trial

QUIET = {"xgboost": {"verbosity": 0}, "lightgbm": {"verbosity": -1}}
"""Parameters that keep libraries from writing on the terminal; they change no result."""


def settings(model: Any, trial: Trial) -> dict[str, Any]:
    """Every ``random_state`` in a model, every ``n_jobs`` as 1, and what keeps it quiet."""
    if not hasattr(model, "get_params"):
        return {}
    known = model.get_params(deep=True)
    names = sorted(known)
    states = [name for name in names if name.rpartition("__")[2] == "random_state"]
    seeds = Stream(trial.seed, trial.replicate, "random_state").integers(len(states), SEEDS)
    chosen: dict[str, Any] = dict(zip(states, seeds.tolist(), strict=True))
    chosen |= dict.fromkeys(_parallel(model, known), 1)
    for place, each in {"": model, **known}.items():
        for name, value in QUIET.get(_package(each), {}).items():
            if hasattr(each, "set_params"):
                chosen[f"{place}__{name}" if place else name] = value
    return chosen


def _parallel(model: Any, known: dict[str, Any]) -> list[str]:
    """The ``n_jobs`` to set to 1. scikit-learn's None is 1, and setting it may give a warning."""
    found: list[str] = []
    for name, value in known.items():
        place, _, last = name.rpartition("__")
        serial = value is None and _package(known[place] if place else model) == "sklearn"
        if last == "n_jobs" and not serial:
            found.append(name)
    return found


def _package(thing: Any) -> str:
    return type(thing).__module__.partition(".")[0]


def versions(model: Any) -> dict[str, str]:
    """Of the packages that a model and what is in it come from."""
    parts = model.get_params(deep=True).values() if hasattr(model, "get_params") else ()
    found: dict[str, str] = {}
    for package in sorted({_package(each) for each in (model, *parts) if hasattr(each, "fit")}):
        version = getattr(sys.modules.get(package), "__version__", None)
        if isinstance(version, str) and package not in ("gigo", "numpy"):
            found["scikit-learn" if package == "sklearn" else package] = version
    return found
