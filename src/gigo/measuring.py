"""What a network costs and which items it takes, found by running it.

Networks run on PyTorch's meta device, where tensors have shapes and no values: that takes
milliseconds, however large they are. Those that look at values run on the CPU.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import cache
from itertools import product
from textwrap import shorten
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from gigo.errors import EngineError, GigoError

Shape = tuple[int, ...]
Build = Callable[[Shape, int], Any]
"""``(input_shape, n_classes) -> torch.nn.Module``; anybody's, so that it is checked."""

LARGEST_SIDE = 256
"""Pixels a side up to which the smallest image that a network takes is looked for."""


class WrongOutput(EngineError):
    """A network runs, but does not give what it should."""


class Cost(NamedTuple):
    """Of one network.

    Attributes:
        parameters: how many numbers it learns.
        flops: floating-point operations of one forward pass of one item (2 per multiply-add), in
            convolutions, matrix products and attention; the others are not worth counting.
        activations: numbers of the computing type kept for the backward pass of one item; those
            of a kind of its own, such as places in pooling, are counted as of bfloat16.
        exact: further numbers kept, in float32 at least: logits, and what they are computed from.
    """

    parameters: int
    flops: int
    activations: int
    exact: int


@cache
def measure(build: Build, input_shape: Shape, n_classes: int) -> Cost:
    """What a network costs on items of a shape.

    Args:
        build: the network.
        input_shape: of an item, (channels, height, width) for images.
        n_classes: how many logits it must give.

    Raises:
        EngineError: it does not take such items, with the reason.
        SpecError: an option of a network of the catalogue is out of range.

    Example:
        >>> from gigo.models import CATALOGUE
        >>> measure(CATALOGUE["linear"].function, (1, 8, 8), 10)
        Cost(parameters=650, flops=1280, activations=0, exact=74)
    """
    network, dtype = running(build, input_shape, n_classes)
    device = next((parameter.device for parameter in network.parameters()), None)
    batches = (torch.zeros(n, *input_shape, dtype=dtype, device=device) for n in (2, 4))
    few, more = (_counted(network, batch) for batch in batches)
    # What is kept once per batch, such as its statistics, is no part of the difference.
    item = _Counts(*(max(0, b - a) // 2 for a, b in zip(few, more, strict=True)))
    parameters = sum(parameter.numel() for parameter in network.parameters())
    exact = item.last + n_classes
    # Nothing of an embedding is saved, yet what it gives is there, and so is its gradient.
    return Cost(parameters, item.flops, max(item.kept, 2 * item.largest - exact), exact)


def running(
    build: Build, input_shape: Shape, n_classes: int, devices: Sequence[str] = ("meta", "cpu")
) -> tuple[nn.Module, torch.dtype]:
    """A network in training, on the first device where it runs, and the type of what it takes.

    That is float32 or, where it takes nothing but the ids of tokens, int64.

    Raises:
        EngineError: it runs on none, with the reason.
        WrongOutput: it gives no logits (N, n_classes).
    """
    reasons: list[str] = []
    for device, dtype in product(devices, (torch.float32, torch.int64)):
        try:
            with torch.random.fork_rng(devices=[]), torch.device(device):
                network = build(input_shape, n_classes)
                if not isinstance(network, nn.Module):
                    raise WrongOutput(f"gives a {type(network).__name__}, expected an nn.Module")
                logits = network.train()(torch.zeros(2, *input_shape, dtype=dtype))
        except GigoError:
            raise
        except Exception as error:  # a network is anybody's code
            reasons.append(one_line(error))
        else:
            check_logits(logits, 2, n_classes)
            return network, dtype
    raise EngineError("; ".join(dict.fromkeys(reasons[-2:])))


def takes(
    build: Build, input_shape: Shape, n_classes: int, devices: Sequence[str] = ("meta", "cpu")
) -> bool:
    """Whether a network can be built for items of a shape, and gives logits."""
    with suppress(EngineError):
        running(build, input_shape, n_classes, devices)
        return True
    return False


def smallest_side(build: Build, channels: int, n_classes: int) -> int | None:
    """Pixels a side of the smallest square image that a network takes, None if it takes none."""
    sides = range(1, LARGEST_SIDE + 1)
    return next((s for s in sides if takes(build, (channels, s, s), n_classes, ("meta",))), None)


@cache
def separate(build: Build, input_shape: Shape, n_classes: int) -> bool:
    """Whether in training an item's logits follow from it and the weights alone.

    They do not with batch normalisation, dropout and whatever else looks at the rest of the batch,
    draws random numbers or changes its buffers. Tried on the CPU with two batches of two.

    Raises:
        EngineError: the network does not take such items, with the reason.
    """
    network, dtype = running(build, input_shape, n_classes, devices=("cpu",))
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(0)
        if dtype.is_floating_point:
            x = torch.randn(3, *input_shape)
        else:  # tokens that every vocabulary has
            x = torch.zeros(3, *input_shape, dtype=dtype)
            x[2] = 1
        before = [torch.get_rng_state(), *(buffer.clone() for buffer in network.buffers())]
        one, again = (network(x[[0, other]])[0] for other in (1, 2))
        after = [torch.get_rng_state(), *network.buffers()]
    untouched = all(map(torch.equal, before, after))
    return untouched and torch.allclose(one, again, rtol=1e-3, atol=1e-5, equal_nan=True)


def check_logits(logits: object, items: int, n_classes: int) -> None:
    """Raise WrongOutput unless these are logits (items, n_classes)."""
    if not isinstance(logits, torch.Tensor):
        raise WrongOutput(f"gives a {type(logits).__name__}, expected one tensor of logits")
    if logits.shape != (items, n_classes):
        shape, expected = tuple(logits.shape), (items, n_classes)
        raise WrongOutput(f"gives logits of shape {shape} for {items} items, expected {expected}")


def one_line(error: Exception) -> str:
    """What an error of anybody's code says, in one line of bearable length."""
    lines = [line for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
    return shorten(lines[0].removeprefix("model "), 200)


class _Counts(NamedTuple):
    """Of one batch.

    Attributes:
        flops: of its forward pass.
        kept: numbers saved for the backward pass.
        last: those of the last tensor saved.
        largest: numbers that one layer gives, at most.
    """

    flops: int
    kept: int
    last: int
    largest: int


def _counted(network: nn.Module, x: Tensor) -> _Counts:
    weights = [parameter.untyped_storage() for parameter in network.parameters()]
    batch, outputs = x.untyped_storage(), [0]
    saved: dict[int, tuple[object, int]] = {}

    def save(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if not any(storage is weight for weight in weights):
            saved.pop(id(storage), None)  # what is saved again is the last
            width = tensor.itemsize if tensor.is_floating_point() else 2
            saved[id(storage)] = storage, storage.nbytes() // width
        return tensor

    def note(module: nn.Module, inputs: object, output: object) -> None:
        for tensor in output if isinstance(output, tuple) else (output,):
            if isinstance(tensor, Tensor) and tensor.untyped_storage() is not batch:
                outputs.append(tensor.numel())

    for module in network.modules():
        module.register_forward_hook(note)
    with (
        FlopCounterMode(display=False) as counter,
        torch.random.fork_rng(devices=[]),
        torch.autograd.graph.saved_tensors_hooks(save, lambda tensor: tensor),
    ):
        network(x)
    numbers = [0, *(count for _, count in saved.values())]
    computed = numbers[:-1] if id(batch) == next(reversed(saved), None) else numbers
    return _Counts(counter.get_total_flops(), sum(computed), numbers[-1], max(outputs))
