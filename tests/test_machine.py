"""What this machine has, and what a container leaves of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from gigo import machine


@pytest.mark.parametrize(
    ("limit", "cores"), [("200000 100000", 2), ("150000 100000", 2), ("5000 100000", 1)]
)
def test_a_container_s_share_of_the_cores_counts(
    limit: str, cores: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda pid: set(range(64)), raising=False)
    monkeypatch.setattr(Path, "read_text", lambda path: limit)
    assert machine.usable_cores() == cores


@pytest.mark.parametrize("limit", ["max 100000", None])
def test_without_a_limit_all_cores_count(
    limit: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read(path: Path) -> str:
        if limit is None:
            raise FileNotFoundError(path)
        return limit

    monkeypatch.setattr("os.sched_getaffinity", lambda pid: set(range(64)), raising=False)
    monkeypatch.setattr(Path, "read_text", read)
    assert machine.usable_cores() == 64
