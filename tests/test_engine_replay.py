"""Steps that a CUDA device replays are the steps that it was told one by one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pytest
import torch
from torch import Tensor

from engine_setup import digits, dismiss, losses, made_up, trials, weights
from factories import model_of, own_model
from gigo.engine.device import exact_on_cuda
from gigo.engine.replay import WARM, Replay
from gigo.engine.resident import Resident
from gigo.engine.training import TrainingStack
from gigo.recipe import Recipe

pytestmark = [
    pytest.mark.cuda,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device"),
]
CUDA = torch.device("cuda")


@pytest.fixture(autouse=True)
def _exact() -> Iterator[None]:
    cudnn = torch.backends.cudnn
    before = cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32, cudnn.deterministic
    exact_on_cuda()
    yield
    cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32, cudnn.deterministic = before


# 40 items: batches of 8, or two of 16 and a short one.
@pytest.mark.parametrize(
    ("model", "replicates", "fields"),
    [
        ("small_cnn", (0,), {}),
        ("small_cnn", (0, 1), {"batch_size": 16}),
        ("article_cnn", (0, 1), {"crop": 2, "optimizer": "sgd"}),
        ("resnet", (0,), {}),
        ("mlp", (0, 1), {}),
    ],
)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
def test_replayed_steps_give_the_same_numbers(
    model: str, replicates: tuple[int, ...], fields: dict[str, Any], dtype: torch.dtype
) -> None:
    here = made_up(24) if model == "article_cnn" else digits()
    there = Resident(here.dataset, CUDA, dtype)
    recipe = Recipe.model_validate(
        {"batch_size": 8, "patience": 0, "plateau_patience": 0, **fields}
    )
    members = trials(there, [0, 0.5], replicates, model=model_of(model), recipe=recipe)
    found: list[tuple[dict[str, list[float]], dict[str, list[Tensor]]]] = []
    for replays in (False, True):
        stack = TrainingStack(members, there)
        for epoch in range(6):
            if epoch == 3:  # another width is recorded anew
                dismiss(stack, [0])
            if not replays:
                stack._replay = None
            stack.run_epoch()
        assert replays == (stack._replay is not None and stack._replay._graph is not None)
        found.append((losses(stack), weights(stack)))
    (told, told_weights), (replayed, replayed_weights) = found
    assert replayed == told
    for key, tensors in told_weights.items():
        for a, b in zip(tensors, replayed_weights[key], strict=True):
            assert torch.equal(a, b)


def test_what_draws_or_is_code_of_its_own_is_not_replayed() -> None:
    there = Resident(digits().dataset, CUDA, torch.float32)
    stack = TrainingStack(trials(there, [0], [0], model=own_model(Dropping)), there)
    assert stack._replay is None
    stack.run_epoch()


class Dropping(torch.nn.Sequential):
    """A network with dropout."""

    def __init__(self, input_shape: Sequence[int], n_classes: int) -> None:
        n = int(torch.tensor(input_shape).prod())
        flat, drop = torch.nn.Flatten(), torch.nn.Dropout(0.5)
        super().__init__(flat, drop, torch.nn.Linear(n, n_classes))


def test_what_can_not_be_recorded_is_called() -> None:
    calls: list[float] = []

    def double(x: Tensor) -> list[Tensor]:
        y = 2 * x
        if torch.cuda.is_current_stream_capturing():
            raise torch.OutOfMemoryError("as much again")
        calls.append(float(x))
        return [y]

    replay = Replay()
    for i in range(WARM + 3):
        (y,) = replay(double, torch.tensor(float(i), device=CUDA))
        assert float(y) == 2 * i
    assert calls == [*range(WARM + 3)]


def test_inputs_of_another_shape_are_not_replayed() -> None:
    def double(x: Tensor, y: Tensor | None) -> list[Tensor]:
        return [2 * x if y is None else x + y]

    replay = Replay()
    for i in range(WARM + 4):
        for n in (3, 2):
            (y,) = replay(double, torch.full((n,), float(i), device=CUDA), None)
            assert y.tolist() == n * [2.0 * i]
