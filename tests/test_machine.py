"""What this machine has, and what a container leaves of it."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest

from gigo.machine import Machine, granted_cores, granted_memory


@pytest.mark.parametrize(
    ("limit", "cores"),
    [
        ("200000 100000", 2),
        ("150000 100000", 2),
        ("5000 100000", 1),
        ("max 100000", 64),
        ("", 64),
        ("9900000 100000", 64),
    ],
)
def test_a_container_s_share_of_the_cores_counts(limit: str, cores: int) -> None:
    assert granted_cores(64, limit) == cores


@pytest.mark.parametrize(("limit", "memory"), [("100\n", 100), ("max\n", 900), ("", 900)])
def test_a_container_s_share_of_the_memory_counts(limit: str, memory: int) -> None:
    assert granted_memory(900, limit) == memory


@pytest.mark.parametrize(
    ("flags", "precision"),
    [
        ("fpu avx512f avx512_bf16", "bfloat16"),
        ("fpu amx_bf16", "bfloat16"),
        ("fpu avx2 avx512f", "float32"),
        ("", "float32"),
    ],
)
def test_what_the_system_s_files_say(
    tmp_path: Path, flags: str, precision: Literal["bfloat16", "float32"]
) -> None:
    (tmp_path / "proc").mkdir()
    cpu = f"processor : 0\nmodel name\t: Some CPU @ 2 GHz\nflags\t\t: {flags}\n"
    (tmp_path / "proc/cpuinfo").write_text(cpu + "processor : 1\nmodel name : another\n")
    (tmp_path / "sys/fs/cgroup").mkdir(parents=True)
    (tmp_path / "sys/fs/cgroup/cpu.max").write_text("1000 100000\n")
    (tmp_path / "sys/fs/cgroup/memory.max").write_text(f"{1 << 20}\n")
    assert Machine.here(tmp_path) == Machine(1, 1 << 20, "Some CPU @ 2 GHz", precision)


def test_a_system_that_tells_nothing_still_has_a_core(tmp_path: Path) -> None:
    found = Machine.here(tmp_path)
    assert found.cores >= 1
    assert found.memory > 1 << 20
    assert found.precision == "float32"
