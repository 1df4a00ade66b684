"""Dropout: what is dropped belongs to the replicate and the step, not to the company."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from engine_setup import CPU, digits, trials
from gigo.engine.noise import Noise
from gigo.engine.stacking import Stack, stacked_tensors
from gigo.engine.training import TrainingStack
from gigo.errors import EngineError

A, B = (0, 0), (0, 1)


def network() -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.Dropout2d(0.4), nn.Flatten(), nn.Dropout(0.5), nn.Linear(144, 10)
    )


def logits(replicates: list[tuple[int, int]], step: str = "1/0") -> torch.Tensor:
    torch.manual_seed(0)
    plain = network()
    form = "shared" if len(set(replicates)) == 1 else "channels"
    images = torch.rand(6, 1, 8, 8)
    x = images if form == "shared" else images.repeat(1, len(replicates), 1, 1)
    stack = Stack(plain, len(replicates), form)
    tensors = stacked_tensors([plain] * len(replicates), torch.float32)
    return stack(tensors, x, train=True, noise=Noise(replicates, step, CPU))


def test_members_of_a_replicate_drop_the_same_and_others_do_not() -> None:
    both = logits([A, B, A])
    torch.testing.assert_close(both[0], both[2])
    assert not torch.allclose(both[0], both[1])


def test_what_is_dropped_does_not_depend_on_the_company() -> None:
    torch.testing.assert_close(logits([A, A])[0], logits([B, A])[1])


def test_every_step_drops_anew() -> None:
    assert not torch.allclose(logits([A]), logits([A], "1/8"))


def test_the_share_dropped_and_the_scale_of_the_rest() -> None:
    plain = nn.Sequential(nn.Flatten(), nn.Dropout(0.25), nn.Linear(10_000, 1, bias=False))
    nn.init.constant_(next(plain[2].parameters()), 1e-4)
    stack = Stack(plain, 1, "shared")
    x = torch.ones(20, 1, 100, 100)
    means = stack(
        stacked_tensors([plain], torch.float32), x, train=True, noise=Noise([A], "s", CPU)
    )
    assert means.mean().item() == pytest.approx(1.0, abs=0.01)
    assert means.std().item() == pytest.approx((0.25 / 0.75 / 10_000) ** 0.5, rel=0.5)


def test_whole_maps_are_dropped_in_two_dimensions() -> None:
    plain = nn.Sequential(nn.Conv2d(1, 8, 1), nn.Dropout2d(0.5), nn.Flatten())
    stack = Stack(plain, 2, "shared")
    tensors = stacked_tensors([plain, plain], torch.float32)
    maps = stack(tensors, torch.rand(5, 1, 4, 4), train=True, noise=Noise([A, A], "s", CPU))
    dropped = (maps.view(2, 5, 8, 16) == 0).float().mean(-1)
    assert set(dropped.unique().tolist()) == {0.0, 1.0}


def test_without_noise_training_is_refused_and_evaluation_drops_nothing() -> None:
    plain = network().eval()
    tensors = stacked_tensors([plain], torch.float32)
    stack, x = Stack(plain, 1, "shared"), torch.rand(3, 1, 8, 8)
    with pytest.raises(EngineError, match="noise"):
        stack(tensors, x, train=True)
    torch.testing.assert_close(stack(tensors, x)[0], plain(x))


def test_training_draws_noise_only_for_networks_that_drop() -> None:
    resident = digits(torch.float32)
    stack = TrainingStack(trials(resident, [0.0], [0]), resident)
    stack.run_epoch()
    assert stack.epoch == 1
