"""Stacks on a GPU against a loop: ``python benchmarks/accelerator.py [--quick] [DEVICE]``.

In one process gigo and a plain loop of PyTorch take turns on random images that lie on the device;
what is quoted is the median of the ratios of neighbours. An epoch of each that is not counted sets
everything up. Without a device it is the first CUDA device.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from typing import NamedTuple

import torch
from engine import Case, stack_of
from measure import random_images
from rivals import torch_epochs

from gigo.engine.device import exact_on_cuda, prepare_process
from gigo.models import CATALOGUE

ROUNDS = 3
SMALL, GREY = (1, 8, 8), (1, 28, 28)


class Kind(NamedTuple):
    """Stacks of several widths to hold against one loop, and epochs of each in a round."""

    what: str
    model: str
    shape: tuple[int, int, int]
    n: int
    batch_size: int
    own: bool
    widths: tuple[int, ...]
    epochs: int


KINDS = [
    Kind("demo's network, batch 16", "small_cnn", SMALL, 1347, 16, True, (1, 16, 63, 256), 4),
    Kind("demo's network, batch 32", "small_cnn", SMALL, 1347, 32, True, (1, 16, 63, 256), 4),
    Kind("article's network, batch 256", "article_cnn", GREY, 60_000, 256, False, (1, 4, 16), 1),
]


def main() -> None:
    """Print the table, as Markdown."""
    quick = "--quick" in sys.argv
    names = [argument for argument in sys.argv[1:] if argument != "--quick"]
    device = torch.device(names[0] if names else "cuda")
    prepare_process()
    print("| what is trained | precision | models | gigo, s per model and epoch | loop | ratio |")
    print("|---|---|---|---|---|---|")
    for kind in KINDS:
        if quick:
            kind = kind._replace(n=2 * kind.batch_size, widths=kind.widths[:2], epochs=1)
        for precision in ("float32", "bfloat16"):
            loop = loop_of(kind, device, half=precision == "bfloat16")
            for width in kind.widths:
                print(row(kind, width, precision, device, loop), flush=True)


def row(
    kind: Kind, width: int, precision: str, device: torch.device, loop: Callable[[], None]
) -> str:
    """Of the table: a stack and the loop take turns."""
    exact_on_cuda()
    case = Case(kind.model, kind.shape, kind.n, width, kind.batch_size, kind.own)
    stack = stack_of(case, precision, device)

    def ours() -> None:
        exact_on_cuda()
        for _ in range(kind.epochs):
            stack.run_epoch()

    ours()
    pairs = [(_timed(ours, device) / width, _timed(loop, device)) for _ in range(ROUNDS)]
    ratios = [rival / gigo for gigo, rival in pairs]
    gigo, rival = (statistics.median(side) / kind.epochs for side in zip(*pairs, strict=True))
    ratio = f"{statistics.median(ratios):.2f}x ({min(ratios):.2f} to {max(ratios):.2f})"
    cells = kind.what, precision, width, f"{gigo:.3g}", f"{rival:.3g}", ratio
    return f"| {' | '.join(map(str, cells))} |"


def loop_of(kind: Kind, device: torch.device, *, half: bool) -> Callable[[], None]:
    """The rival: one network, its data on the device; it may round factors to TF32."""
    data = random_images(kind.shape, kind.n, 16)
    images = torch.from_numpy(data.x_train).to(device) / 255
    labels = torch.from_numpy(data.y_train).to(device)
    network = CATALOGUE[kind.model].function(kind.shape, 10)

    def run() -> None:
        torch.backends.cudnn.allow_tf32 = True  # as PyTorch comes
        torch.backends.cudnn.deterministic = False
        torch_epochs(
            network, images, labels, None, kind.batch_size, kind.epochs, device.type, half=half
        )

    run()
    return run


def _timed(run: Callable[[], None], device: torch.device) -> float:
    """Seconds until the device is done."""
    wait = torch.cuda.synchronize if device.type == "cuda" else int
    wait()
    started = time.perf_counter()
    run()
    wait()
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
