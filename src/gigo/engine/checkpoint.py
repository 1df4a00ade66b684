"""A stack's state in a file, so that a killed run loses minutes of training, not hours.

The state holds everything that the coming epochs depend on: weights, moments, running statistics,
best weights, the rules' counters and each member's history. Data orders and splits follow from the
trials. Training goes on bit for bit as if it had not been interrupted, on the same machine with
the same versions.

A file is a line with the sha256 of all that follows, a line of JSON, and the tensors' bytes.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from gigo.version import __version__

EVERY = 120.0
"""Seconds of training between two checkpoints."""

_VERSIONS = {"gigo": __version__, "torch": str(torch.__version__), "state": "3"}


@dataclass(frozen=True)
class State:
    """What a stack is between two epochs.

    Attributes:
        keys: of its members' trials, in order.
        tensors: (M, ...) by name.
        values: everything else as plain JSON, lists having an item per member.
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
    """Write a state, whole or not at all.

    Raises:
        OSError: it can't be written.
    """
    arrays = {name: tensor.cpu().contiguous().numpy() for name, tensor in state.tensors.items()}
    head = {
        "versions": _VERSIONS,
        "keys": state.keys,
        "values": state.values,
        "tensors": [[name, str(each.dtype), each.shape] for name, each in arrays.items()],
    }
    parts = [
        json.dumps(head).encode() + b"\n",
        *(each.reshape(-1).view(np.uint8).data for each in arrays.values()),
    ]
    digest = sha256()
    for part in parts:
        digest.update(part)
    fresh = path.with_suffix(".new")
    try:
        fresh.unlink(missing_ok=True)  # it might be a link, or a pipe
        with fresh.open("xb") as file:
            file.write(digest.hexdigest().encode() + b"\n")
            file.writelines(parts)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    except OSError:
        remove(fresh)  # on a full disk it takes what is left
        raise


def remove(path: Path) -> None:
    """Remove a state and what a killed `save` may have left of another."""
    for file in (path, path.with_suffix(".new")):
        with suppress(OSError):  # it is not there, or may stay
            file.unlink()


def left_in(folder: Path) -> list[Path]:
    """What is named as a state in a folder, in a fixed order."""
    return sorted(folder.glob("*.pt"))


def load(path: Path, device: torch.device) -> State | None:
    """The state in a file; None where there is none, or none that can be gone on from.

    A state only saves time: one that is damaged, or that another version left, is not worth an
    error.
    """
    with suppress(OSError):
        # Neither a folder nor a pipe, at which reading would wait for ever, nor a link.
        if stat.S_ISREG(path.lstat().st_mode):
            return _parsed(path.read_bytes(), device)
    return None


def _parsed(content: bytes, device: torch.device) -> State | None:
    first = content.find(b"\n") + 1
    if content[: first - 1] != sha256(memoryview(content)[first:]).hexdigest().encode():
        return None
    second = content.find(b"\n", first) + 1
    head = json.loads(content[first:second])
    if head["versions"] != _VERSIONS:
        return None
    tensors = dict(_tensors(head["tensors"], content, second, device))
    return State(tuple(head["keys"]), tensors, head["values"])


def _tensors(
    kinds: Sequence[tuple[str, str, Sequence[int]]],
    content: bytes,
    start: int,
    device: torch.device,
) -> Iterator[tuple[str, Tensor]]:
    """Named tensors of a dtype and a shape each, one after the other in ``content``."""
    for name, dtype, shape in kinds:
        array = np.frombuffer(content, dtype, prod(shape), start).reshape(shape)
        start += array.nbytes
        yield name, torch.tensor(array, device=device)


def keys(path: Path) -> tuple[str, ...]:
    """Of the trials in a file's state; none where there is no state to go on from."""
    state = load(path, torch.device("cpu"))
    return () if state is None else state.keys
