"""A stack's state in a file, so that a killed run loses minutes of training, not hours.

The state holds everything that the coming epochs depend on: weights, moments, running statistics,
best weights, the rules' counters and each member's history. Data orders and splits follow from the
trials. Training goes on bit for bit as if it had not been interrupted, on the same machine with
the same versions.
"""

from __future__ import annotations

import json
import os
import pickle
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

EVERY = 120.0
"""Seconds of training between two checkpoints."""


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
    text = json.dumps({"keys": state.keys, "values": state.values})
    with fresh.open("wb") as file:
        torch.save({"text": text, "tensors": dict(state.tensors)}, file)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


def load(path: Path, device: torch.device) -> State | None:
    """The state in a file; None where there is none, or none that can be read.

    A state only saves time: one that is damaged is not worth an error.
    """
    try:
        content = torch.load(path, map_location=device, weights_only=True)
        text = json.loads(content["text"])
        return State(tuple(text["keys"]), content["tensors"], text["values"])
    except (OSError, RuntimeError, EOFError, KeyError, ValueError, pickle.UnpicklingError):
        return None
