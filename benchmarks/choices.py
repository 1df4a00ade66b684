"""What the engine does, and what else was tried: ``python benchmarks/choices.py [NAME ...]``.

One process with one thread, as `gigo run` trains on a CPU, in the precision that gigo takes there.
Variants of a choice take turns; quoted is the median of a few times, and the ratio to what gigo
does. Without names the table is kept as ``docs/results/choices.csv``.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import torch
import torch.nn.functional as F
from engine import Case, stack_of
from torch import Tensor

from gigo.engine.device import DTYPES, keep_freed_memory, resolve_precision
from gigo.engine.evaluation import losses, predict
from gigo.machine import Machine

TABLE = Path(__file__).parent.parent / "docs" / "results" / "choices.csv"
PRECISION = resolve_precision("auto", torch.device("cpu"), Machine.here())
DTYPE = DTYPES[PRECISION]
LAST = torch.channels_last
BATCH, TURNS = 256, 7

Variants = dict[str, Callable[[], Any]]
"""What is done, by what it is called; the first one is gigo's."""


def images(channels: int, side: int, members: int = 1) -> Tensor:
    """A batch as gigo lays it out, (N, M*C, H, W)."""
    return torch.rand(BATCH, side, side, channels * members).to(DTYPE).permute(0, 3, 1, 2)


def weights(members: int, channels: int) -> Tensor:
    return torch.randn(32 * members, channels, 3, 3).to(DTYPE).requires_grad_()


def backward(output: Tensor, *inputs: Tensor) -> None:
    torch.autograd.grad(output, inputs, torch.ones_like(output))


def layout() -> Variants:
    """The first convolution on grey images, forward and backward, one member."""
    last, w = images(1, 28), weights(1, 1)
    first = torch.empty(BATCH, 1, 28, 28, dtype=DTYPE).copy_(last)
    return {
        "channels last": lambda: backward(F.conv2d(last, w), w),
        "channels first": lambda: backward(F.conv2d(first, w), w),
    }


def first_convolution(channels: int, side: int) -> Variants:
    """On images that 4 members share, forward and backward."""
    x, w = images(channels, side), weights(4, channels)

    def copies() -> None:
        wide = x.repeat(1, 4, 1, 1).contiguous(memory_format=LAST)
        backward(F.conv2d(wide, w, groups=4), w)

    def patches() -> None:
        columns = F.unfold(x, 3).transpose(1, 2).flatten(0, 1)
        backward(columns @ w.flatten(1).T, w)

    return {
        "one wide convolution": lambda: backward(F.conv2d(x, w), w),
        "a copy of the images for each member": copies,
        "a product with their patches": patches,
    }


def pooling() -> Variants:
    """Of what the second convolution gives 4 members, with ReLU, forward and backward."""
    x = images(32, 24, members=4).requires_grad_()

    def slices() -> None:
        rows = torch.maximum(x[:, :, ::2], x[:, :, 1::2])
        backward(F.relu(torch.maximum(rows[..., ::2], rows[..., 1::2])), x)

    return {
        "pooling, then ReLU": lambda: backward(F.relu(F.max_pool2d(x, 2)), x),
        "ReLU, then pooling": lambda: backward(F.max_pool2d(F.relu(x), 2), x),
        "the maximum of slices, then ReLU": slices,
    }


def evaluation(members: int) -> Variants:
    """The article's network on 4,096 images, in chunks of images times members."""
    stack = stack_of(Case("article_cnn", (1, 28, 28), 512, members, BATCH), PRECISION)
    tensors = dict(zip(stack._names, stack.optimizer.parameters, strict=True))
    tensors = {name: tensor.to(DTYPE) for name, tensor in tensors.items()}
    items, labels = torch.arange(512).repeat(8), torch.zeros(1, 4096, dtype=torch.int64)

    def chunks(size: int) -> Callable[[], object]:
        def run() -> object:
            data = stack._data.train
            return predict(stack._stack, tensors, data, items, labels, chunk=size)

        return run

    return {f"chunks of {size:,}": chunks(size) for size in (1024, 256, 4096)}


def fast_algorithm() -> Variants:
    """The second convolution of one member without gradients, the article's costliest step."""
    last, w = images(32, 26).float(), weights(1, 32).detach().float()
    first, zeros = last.contiguous(), torch.zeros(32)
    torch.backends.nnpack.is_available()  # sets it up
    nnpack = torch.ops.aten._nnpack_spatial_convolution
    return {
        "as PyTorch does it, channels last": lambda: F.conv2d(last, w),
        "channels first": lambda: F.conv2d(first, w),
        "NNPACK's fast algorithm": lambda: nnpack(first, w, zeros, [0, 0]),
    }


def compiled() -> Variants:
    """A step of the article's network without the optimiser's, one member."""
    stack = stack_of(Case("article_cnn", (1, 28, 28), 512, 1, BATCH), PRECISION)
    leaves = [p.to(DTYPE).detach().requires_grad_() for p in stack.optimizer.parameters]
    x, labels = images(1, 28), torch.zeros(1, BATCH, dtype=torch.int64)
    network: Any = stack._stack

    def loss(leaves: list[Tensor], x: Tensor) -> Tensor:
        tensors = dict(zip(stack._names, leaves, strict=True))
        return losses(network(tensors, x, train=True), labels).mean(1).sum()

    fused = torch.compile(loss)
    return {
        "as it is": lambda: torch.autograd.grad(loss(leaves, x), leaves),
        "torch.compile": lambda: torch.autograd.grad(fused(leaves, x), leaves),
    }


CHOICES: dict[str, Callable[[], Variants]] = {
    "layout of grey images": layout,
    "first convolution, grey": lambda: first_convolution(1, 28),
    "first convolution, colour": lambda: first_convolution(3, 32),
    "pooling": pooling,
    "evaluation, 1 member": lambda: evaluation(1),
    "evaluation, 4 members": lambda: evaluation(4),
    "convolution in evaluation, float32": fast_algorithm,
    "torch.compile": compiled,
}


def main() -> None:
    """Time the choices named, or all, and keep the table."""
    torch.set_num_threads(1)
    keep_freed_memory()
    rows: list[dict[str, object]] = []
    for name in sys.argv[1:] or CHOICES:
        variants = CHOICES[name]()
        times: dict[str, list[float]] = {variant: [] for variant in variants}
        for turn in range(TURNS + 1):
            for variant, run in variants.items():
                started = time.perf_counter()
                run()
                if turn:  # the first one warms up
                    times[variant].append(1000 * (time.perf_counter() - started))
        medians = {variant: statistics.median(each) for variant, each in times.items()}
        ours = next(iter(medians.values()))
        for variant, milliseconds in medians.items():
            rows.append(
                {
                    "choice": name,
                    "variant": variant,
                    "milliseconds": round(milliseconds, 1),
                    "ratio": round(milliseconds / ours, 2),
                    "precision": "float32" if "float32" in name else PRECISION,
                }
            )
            print(*rows[-1].values(), sep=" | ", flush=True)
    if not sys.argv[1:]:
        pd.DataFrame(rows).to_csv(TABLE, index=False)


if __name__ == "__main__":
    main()
