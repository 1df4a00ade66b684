"""What a machine has: cores, memory, what its processor is good at; and work on one core alone."""

from __future__ import annotations

import os
import platform
import sys
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, Self

_FAST_BFLOAT16 = {"avx512_bf16", "amx_bf16"}
_UNKNOWN_MEMORY = 8 << 30
"""Bytes that are assumed where no system tells."""


@dataclass(frozen=True)
class Machine:
    """A machine as far as planning and training depend on it.

    Attributes:
        cores: that a process may run on, at least 1.
        memory: bytes.
        processor: its name, as far as the system tells.
        precision: ``bfloat16`` where the processor multiplies it faster than float32.

    >>> Machine(cores=4, memory=16 << 30).precision
    'float32'
    """

    cores: int = 1
    memory: int = _UNKNOWN_MEMORY
    processor: str = "unknown"
    precision: Literal["bfloat16", "float32"] = "float32"

    @classmethod
    def here(cls, root: Path = Path("/")) -> Self:
        """This machine, or what its container leaves of it.

        Args:
            root: where the system's files are, such as ``proc/cpuinfo``.
        """
        affinity = getattr(os, "sched_getaffinity", None)  # not on every system
        cores = len(affinity(0)) if affinity else os.cpu_count() or 1
        try:
            memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        except (AttributeError, ValueError, OSError):
            memory = _UNKNOWN_MEMORY
        cpu = _text(root / "proc/cpuinfo")
        flags = {*_first(cpu, "flags").split()}
        name = _first(cpu, "model name") or platform.processor() or platform.machine()
        return cls(
            cores=granted_cores(cores, _text(root / "sys/fs/cgroup/cpu.max")),
            memory=granted_memory(memory, _text(root / "sys/fs/cgroup/memory.max")),
            processor=name,
            precision="bfloat16" if _FAST_BFLOAT16 & flags else "float32",
        )


def granted_cores(cores: int, limit: str) -> int:
    """Cores under a container's limit, ``"QUOTA PERIOD"`` in microseconds, or ``"max ..."``.

    >>> granted_cores(64, "150000 100000"), granted_cores(64, "max 100000")
    (2, 64)
    """
    try:
        quota, period = map(int, limit.split())
    except ValueError:
        return cores
    return max(1, min(cores, -(-quota // period)))


def granted_memory(memory: int, limit: str) -> int:
    """Bytes under a container's limit, a number or ``"max"``."""
    return min(memory, int(limit)) if limit.strip().isdecimal() else memory


def one_thread() -> Any:
    """A context in which OpenMP and linear algebra have one thread, as far as they are loaded.

    What is computed in it is the same to the bit, whatever the number of cores.
    """
    return _controller(len(sys.modules)).limit(limits=1)


@lru_cache(maxsize=1)
def _controller(modules: int) -> Any:
    """Knows the native libraries; to find them takes milliseconds, once per so many modules."""
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


def _text(file: Path) -> str:
    """What is in a file of the system's; nothing where there is none."""
    try:
        return file.read_text()
    except (OSError, ValueError):
        return ""


def _first(text: str, field: str) -> str:
    """The value of the first line ``field : value``, else empty."""
    found = (line.partition(":")[2].strip() for line in text.splitlines() if line.startswith(field))
    return next(found, "")
