"""What was found by timing, kept for the next run on the same machine.

The cache only saves time: where it is missing, damaged or can't be written, widths are timed again.
Two processes that write at once may lose one of their answers.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from pathlib import Path
from typing import Any

import torch

from gigo.engine.device import identity, out_of_memory
from gigo.engine.resident import Resident
from gigo.engine.tuning import tune
from gigo.planner import Question, Tuning
from gigo.version import __version__


def tuned(question: Question, resident: Resident, path: Path | None = None) -> Tuning:
    """The answer to a question of the planner: the one that is kept, else by timing.

    Args:
        question: from `gigo.planner.questions`.
        resident: the data set, on the device and in the dtype to train in.
        path: the file with the answers; default `default_path`.

    Returns:
        One member at a time, not to be kept, where memory did not suffice for that just now.
    """
    path = path or default_path()
    name = key(question, resident)
    kept = _tuning(_read(path).get(name), question.limit)
    if kept is not None:
        return kept
    try:
        found = tune(question, resident)
    except (MemoryError, RuntimeError) as error:
        if not out_of_memory(error):
            raise
        return Tuning(1, own_images=False)
    _write(path, {**_read(path), name: found._asdict()})
    return found


def default_path() -> Path:
    """In the folder that the system has for such files, beside downloaded data sets."""
    from platformdirs import user_cache_path

    return user_cache_path("gigo") / "tuning.json"


def key(question: Question, resident: Resident) -> str:
    """sha256 of all that an answer depends on: machine, versions, shapes and limits."""
    trial, dataset = question.trial, resident.dataset
    content = {
        "device": identity(resident.device),
        "torch": torch.__version__,
        "gigo": __version__,
        "input": list(dataset.input_shape),
        "classes": dataset.n_classes,
        "model": trial.model.identity,
        "batch": min(trial.recipe.batch_size, trial.size),
        "precision": str(resident.dtype),
        "augments": trial.recipe.augments,
        "optimizer": [trial.recipe.optimizer, trial.recipe.momentum > 0],
        "limit": question.limit,
        "sharing": question.sharing,
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _tuning(entry: object, limit: int) -> Tuning | None:
    """An entry of the file, None if it is not one that could have been written."""
    match entry:
        case {"width": int(width), "own_images": bool(own)} if width is not True:
            return Tuning(width, own) if 1 <= width <= limit else None
        case _:
            return None


def _read(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}  # pyright: ignore[reportUnknownVariableType]


def _write(path: Path, content: dict[str, Any]) -> None:
    """Replace the file at once, or leave it as it is."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=path.name, dir=path.parent)
    except OSError:
        return
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(content, file, indent=1, sort_keys=True)
        os.replace(name, path)
    except OSError:
        Path(name).unlink(missing_ok=True)
