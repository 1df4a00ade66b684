"""A stack's state in a file, so that a killed run loses minutes of training, not hours.

The state holds everything that the coming epochs depend on: weights, moments, running statistics,
best weights, the rules' counters and each member's history. Data orders and splits follow from the
trials. Training goes on bit for bit as if it had not been interrupted, on the same machine with
the same versions.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from gigo.version import __version__

EVERY = 120.0
"""Seconds of training between two checkpoints."""

_VERSIONS = {"gigo": __version__, "torch": str(torch.__version__), "state": "2"}


@dataclass(frozen=True)
class State:
    """What a stack is between two epochs.

    Attributes:
        keys: of its members' trials, in order.
        tensors: (M, ...) by name.
        values: everything else as plain JSON, lists having an item a member.
    """

    keys: tuple[str, ...]
    tensors: Mapping[str, Tensor]
    values: Mapping[str, Any]

    def of(self, keys: Sequence[str]) -> State:
        """The state of some of the members, as a narrower stack."""
        rows = [self.keys.index(key) for key in keys]
        return State(
            keys=tuple(keys),
            tensors={name: tensor[rows] for name, tensor in self.tensors.items()},
            values={
                name: [value[row] for row in rows] if isinstance(value, list) else value
                for name, value in self.values.items()
            },
        )


def save(state: State, path: Path) -> None:
    """Write a state, whole or not at all."""
    fresh = path.with_suffix(".new")
    text = json.dumps({"versions": _VERSIONS, "keys": state.keys, "values": state.values})
    try:
        with fresh.open("wb") as file:
            torch.save({"text": text, "tensors": dict(state.tensors)}, file)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    except (OSError, RuntimeError):
        fresh.unlink(missing_ok=True)  # on a full disk it takes what is left
        raise


def remove(path: Path) -> None:
    """Remove a state and what a killed `save` may have left of another."""
    path.unlink(missing_ok=True)
    path.with_suffix(".new").unlink(missing_ok=True)


def left_in(folder: Path) -> list[Path]:
    """The states in a folder, in a fixed order; what killed `save`s left there goes."""
    for file in folder.glob("*.new"):
        file.unlink(missing_ok=True)  # an orphan may just have finished it
    return sorted(folder.glob("*.pt"))


def load(path: Path, device: torch.device) -> State | None:
    """The state in a file; None where there is none, or none that can be gone on from.

    A state only saves time: one that is damaged, or that another version left, is not worth an
    error.
    """
    try:
        content = torch.load(path, map_location=device, weights_only=True)
        text = json.loads(content["text"])
        if text["versions"] != _VERSIONS:
            return None
        return State(tuple(text["keys"]), content["tensors"], text["values"])
    except Exception:  # whatever a damaged file makes PyTorch raise
        return None


def keys(path: Path) -> tuple[str, ...]:
    """Of the trials in a file's state; none where there is no state to go on from."""
    state = load(path, torch.device("cpu"))
    return () if state is None else state.keys
