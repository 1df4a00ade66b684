"""What benchmarks/precision.py takes for bfloat16 where the processor has none."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from precision import Rounded
from torch import Tensor

X = torch.randn(8, 6, 10, 10, generator=torch.Generator().manual_seed(0)).bfloat16()
W = torch.randn(12, 3, 3, 3, generator=torch.Generator().manual_seed(1)).bfloat16()


def products(x: Tensor, w: Tensor) -> list[Tensor]:
    """Of every kind that a stack is made of, none given another's result."""
    rows = x.flatten(2)
    return [F.conv2d(x, w, groups=2), F.linear(rows, rows[0]), rows.bmm(rows.transpose(1, 2))]


@pytest.mark.parametrize("inference", [False, True])
def test_products_are_those_of_float32_rounded(inference: bool) -> None:
    with torch.inference_mode(inference), Rounded():
        found = products(X, W)
    for one, other in zip(found, products(X.float(), W.float()), strict=True):
        assert torch.equal(one, other.bfloat16())


def test_so_are_gradients() -> None:
    x, w = X.clone().requires_grad_(), W.clone().requires_grad_()
    wide_x, wide_w = X.float().requires_grad_(), W.float().requires_grad_()
    with Rounded():
        found = torch.autograd.grad(F.conv2d(x, w, groups=2).sum(), [x, w])
    expected = torch.autograd.grad(F.conv2d(wide_x, wide_w, groups=2).sum(), [wide_x, wide_w])
    for one, other in zip(found, expected, strict=True):
        assert torch.equal(one, other.bfloat16())


def test_other_numbers_stay_as_they_are() -> None:
    with Rounded():
        found = products(X.float(), W.float())
    for one, other in zip(found, products(X.float(), W.float()), strict=True):
        assert torch.equal(one, other)
