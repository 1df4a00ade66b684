"""Where training runs, in which precision, and that a precision or a device is no other science."""

from __future__ import annotations

import sys
from typing import Literal

import numpy as np
import pytest
import torch

from engine_setup import BASE, digits, finish, losses, made_up, trials
from factories import model_of
from gigo.engine.device import DTYPES, keep_freed_memory, resolve_device, resolve_precision
from gigo.engine.resident import Resident
from gigo.engine.training import TrainingStack
from gigo.errors import SpecError
from gigo.machine import Machine
from gigo.recipe import Recipe

CPU = torch.device("cpu")
FAST_BF16 = Machine.here().precision == "bfloat16"


def test_the_device_is_the_one_asked_for() -> None:
    assert resolve_device("cpu") == CPU
    assert resolve_device("auto").type == ("cuda" if torch.cuda.is_available() else "cpu")


@pytest.mark.parametrize("name", ["gpu", "", "cuda:99", "CPU", "meta"])
def test_a_device_that_is_not_there_is_refused_in_one_line(name: str) -> None:
    with pytest.raises(SpecError) as caught:
        resolve_device(name)
    assert str(caught.value).startswith(f"device = {name!r}: expected auto, cpu, cuda or cuda:N")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", DTYPES)
def test_a_precision_asked_for_is_the_one_taken(name: str) -> None:
    assert resolve_precision(name, CPU, Machine()) == name


@pytest.mark.parametrize("name", ["bfloat16", "float32"])
def test_the_precision_follows_from_the_machine(name: Literal["bfloat16", "float32"]) -> None:
    assert resolve_precision("auto", CPU, Machine(precision=name)) == name
    assert resolve_precision("auto", torch.device("mps"), Machine(precision=name)) == "float32"


def test_keeping_freed_memory_may_be_asked_for_again() -> None:
    keep_freed_memory()
    keep_freed_memory()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only glibc is set")
@pytest.mark.parametrize(
    ("limit", "asked"), [(1 << 40, [-3, -1, -2]), (32 << 20, [-3, -3, -1, -2]), (0, [-3, -3])]
)
def test_a_c_library_that_refuses_the_threshold_is_not_made_worse(
    limit: int, asked: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    settings: list[int] = []

    class Library:
        def mallopt(self, name: int, value: int) -> int:
            settings.append(name)
            return int(name != -3 or value <= limit)

    monkeypatch.setattr("ctypes.CDLL", lambda name: Library())
    monkeypatch.setattr("platform.libc_ver", lambda: ("glibc", "2.34"))
    keep_freed_memory()
    assert settings == asked


def test_keeping_freed_memory_can_be_switched_off(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(name: str | None) -> None:
        raise AssertionError("the C library is not to be touched")

    monkeypatch.setattr("ctypes.CDLL", refuse)
    monkeypatch.setenv("GIGO_KEEP_MEMORY", "0")
    keep_freed_memory()


@pytest.mark.skipif(not FAST_BF16, reason="this processor is slow at bfloat16")
def test_bfloat16_is_as_accurate_as_float32() -> None:
    recipe = Recipe(batch_size=32, epochs=8, patience=0, plateau_patience=0)
    accuracy: dict[str, np.ndarray] = {}
    for dtype in (torch.float32, torch.bfloat16):
        fields = {"recipe": recipe, "size": 400, "validation": "none"}
        members = trials(digits(dtype), [0, 0.3], range(6), **fields)
        records, _ = finish(members, digits(dtype))
        accuracy[str(dtype)] = np.array([records[m.key].measures["accuracy"] for m in members])
    exact, rough = accuracy["torch.float32"], accuracy["torch.bfloat16"]
    assert exact.min() > 0.7
    difference = rough - exact
    within = 4 * difference.std(ddof=1) / len(difference) ** 0.5
    assert abs(difference.mean()) < within + 0.002


def test_weights_are_kept_in_float32_whatever_is_computed_in() -> None:
    # A step of 1e-4 of a weight's size is below what bfloat16 resolves: it must not be lost.
    resident = made_up(8, torch.bfloat16)
    recipe = BASE.model_copy(update={"learning_rate": 1e-6})
    stack = TrainingStack(trials(resident, [0], [0], recipe=recipe, validation="none"), resident)
    before = [p.clone() for p in stack.optimizer.parameters]
    stack.run_epoch()
    for now, was in zip(stack.optimizer.parameters, before, strict=True):
        assert now.dtype == torch.float32
        moved = (now - was).abs()
        assert 0 < moved.max() < 1e-4


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")
@pytest.mark.parametrize("replicates", [(0,), (0, 1)], ids=["shared", "own"])
@pytest.mark.parametrize("model", ["small_cnn", "article_cnn"])
def test_cuda_loses_what_the_processor_loses(model: str, replicates: tuple[int, ...]) -> None:
    here = digits() if model == "small_cnn" else made_up(24)
    there = Resident(here.dataset, torch.device("cuda"), torch.float32)
    fields = {"model": model_of(model), "validation": "none"}
    members = trials(here, [0, 0.5], replicates, **fields)
    curves: list[dict[str, list[float]]] = []
    allowed = torch.backends.cudnn.allow_tf32
    torch.backends.cudnn.allow_tf32 = False  # which keeps 10 bits of a factor
    try:
        for resident in (here, there):
            stack = TrainingStack(members, resident)
            for _ in range(2):
                stack.run_epoch()
            curves.append(losses(stack))
    finally:
        torch.backends.cudnn.allow_tf32 = allowed
    for key, curve in curves[0].items():
        np.testing.assert_allclose(curves[1][key], curve, rtol=0, atol=1e-4)


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")
def test_a_study_runs_on_cuda_from_end_to_end() -> None:
    recipe = Recipe(batch_size=16, epochs=6, patience=2, learning_rate=3e-3)
    for validation in ("oracle", "clean", "none"):
        there = Resident(digits().dataset, torch.device("cuda"), torch.bfloat16)
        members = trials(there, [0, 0.5], [0, 1], recipe=recipe, validation=validation, size=200)
        records, _ = finish(members, there)
        assert records.keys() == {one.key for one in members}
        assert {record.status for record in records.values()} == {"ok"}
