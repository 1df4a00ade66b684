"""What benchmarks/precision.py takes for bfloat16 where the processor has none."""

from __future__ import annotations

import re
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from precision import PRODUCTS, Rounded
from torch import Tensor

from engine_setup import digits, finish, trials
from gigo.recipe import Recipe

X = torch.randn(8, 6, 10, 10, generator=torch.Generator().manual_seed(0)).bfloat16()
W = torch.randn(12, 3, 3, 3, generator=torch.Generator().manual_seed(1)).bfloat16()


def products(x: Tensor, w: Tensor) -> list[Tensor]:
    """Of every kind that a stack is made of, none given another's result."""
    rows, bias = x.flatten(2), w[:, 0, 0, 0]
    return [
        F.conv2d(x, w, bias, groups=2),
        rows.bmm(rows.transpose(1, 2)),
        bias[:8, None, None].baddbmm(rows, rows.transpose(1, 2)),
    ]


@pytest.mark.parametrize("inference", [False, True])
def test_products_are_those_of_float32_rounded(inference: bool) -> None:
    with torch.inference_mode(inference), Rounded():
        found = products(X, W)
    for one, other in zip(found, products(X.float(), W.float()), strict=True):
        assert torch.equal(one, other.bfloat16())


@pytest.mark.parametrize("which", range(3))
def test_so_are_gradients(which: int) -> None:
    x, w = X.clone().requires_grad_(), W.clone().requires_grad_()
    wide_x, wide_w = X.float().requires_grad_(), W.float().requires_grad_()
    with Rounded():
        one = products(x, w)[which]
        found = torch.autograd.grad(one, [x, w], torch.ones_like(one), materialize_grads=True)
    other = products(wide_x, wide_w)[which]
    expected = torch.autograd.grad(
        other, [wide_x, wide_w], torch.ones_like(other), materialize_grads=True
    )
    for one, other in zip(found, expected, strict=True):
        # Where both operands are one tensor, two rounded gradients are added and rounded again.
        torch.testing.assert_close(one, other.bfloat16(), rtol=2**-7, atol=2**-4)


class Unrounded(Rounded):
    """Notes what is given bfloat16 and is not a product that `Rounded` knows."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        tensors = [arg for arg in args if isinstance(arg, Tensor)]
        if any(x.dtype == torch.bfloat16 for x in tensors) and func not in PRODUCTS:
            self.names.add(func.name())
        return super().__torch_dispatch__(func, types, args, kwargs)


def test_no_product_of_a_stack_is_missed() -> None:
    resident = digits(torch.bfloat16)
    members = trials(resident, [0, 0.4], [0], recipe=Recipe(epochs=1), size=64)
    with Unrounded() as seen:
        finish(members, resident)
    assert "aten::relu_" in seen.names
    assert not [name for name in seen.names if re.search("conv|mm|linear|matmul|addm", name)]


def test_other_numbers_stay_as_they_are() -> None:
    with Rounded():
        found = products(X.float(), W.float())
    for one, other in zip(found, products(X.float(), W.float()), strict=True):
        assert torch.equal(one, other)
