"""What this machine has: memory, cores, and what its processor is good at."""

from __future__ import annotations

import os
import platform
from pathlib import Path

_FAST_BFLOAT16 = {"avx512_bf16", "amx_bf16"}


def native_precision() -> str:
    """``bfloat16`` where the processor multiplies it faster than float32, else ``float32``."""
    return "bfloat16" if _FAST_BFLOAT16 & _flags() else "float32"


def processor() -> str:
    """Its name, as far as the system tells."""
    return _cpu_info("model name") or platform.processor() or platform.machine()


def usable_cores() -> int:
    """Cores that this process may run on, as many as its container grants."""
    affinity = getattr(os, "sched_getaffinity", None)  # not on every system
    cores = len(affinity(0)) if affinity else os.cpu_count() or 1
    try:
        quota, period = map(int, Path("/sys/fs/cgroup/cpu.max").read_text().split())
    except (OSError, ValueError):  # no container, or one without a limit: "max"
        return cores
    return max(1, min(cores, -(-quota // period)))


def total_memory() -> int:
    """Bytes of this machine's memory, or of its container's; 8 GiB where no system tells."""
    try:
        machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        machine = 8 << 30
    try:
        return min(machine, int(Path("/sys/fs/cgroup/memory.max").read_text()))
    except (OSError, ValueError):  # no container, or one without a limit: "max"
        return machine


def _flags() -> set[str]:
    return set(_cpu_info("flags").split())


def _cpu_info(field: str) -> str:
    """What Linux says of the first core, else empty."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return ""
    found = (line.partition(":")[2].strip() for line in lines if line.startswith(field))
    return next(found, "")
