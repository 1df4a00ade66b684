"""The stacked form of each kind of layer.

A value carries its members in one of three forms: ``shared`` (N, ...), not at all; ``channels``
(N, M*C, ...), as images and signals; ``features`` (M, N, F), as vectors. A layer's builder looks at
the form that reaches it and returns the operation and the form that leaves it. A call of a function
that a layer could stand for has the layer's stacked form.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any, Literal, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gigo.engine.noise import Noise
from gigo.errors import EngineError

Form = Literal["shared", "channels", "features"]


class Mode(NamedTuple):
    """How a stack is being run.

    Attributes:
        train: whether layers that differ in training are to act so.
        noise: what dropout draws from in training.
    """

    train: bool
    noise: Noise | None


Tensors = Mapping[str, Tensor]
Operation = Callable[..., Tensor]
"""``(tensors, mode, *inputs) -> output``, tensors being parameters and buffers by name."""
Builder = Callable[[str, Any, int, Form, bool], tuple[Operation, Form]]
"""``(name, layer, members, form, fresh) -> (operation, form)``; ``fresh`` says that the input is
nobody else's and may be overwritten."""


def _no_form(name: str, layer: nn.Module, form: Form) -> EngineError:
    return EngineError(f"model layer {name} = {layer}: has no stacked form on {form} input")


def _convolution(
    name: str, layer: nn.Conv1d | nn.Conv2d, members: int, form: Form, fresh: bool
) -> tuple[Operation, Form]:
    shared = form == "shared"
    if form == "features" or layer.padding_mode != "zeros" or (shared and layer.groups > 1):
        raise _no_form(name, layer, form)
    convolve: Any = F.conv2d if isinstance(layer, nn.Conv2d) else F.conv1d
    groups = 1 if shared else members * layer.groups
    stride, padding, dilation = layer.stride, layer.padding, layer.dilation

    def run(tensors: Tensors, mode: Mode, x: Tensor) -> Tensor:
        weight = tensors[f"{name}.weight"].flatten(0, 1)
        bias = tensors.get(f"{name}.bias")
        bias = None if bias is None else bias.flatten()
        return convolve(x, weight, bias, stride, padding, dilation, groups)

    return run, "channels"


def _linear(
    name: str, layer: nn.Linear, members: int, form: Form, fresh: bool
) -> tuple[Operation, Form]:
    if form == "channels":
        raise _no_form(name, layer, form)

    def run(tensors: Tensors, mode: Mode, x: Tensor) -> Tensor:
        weight = tensors[f"{name}.weight"].transpose(1, 2)
        inputs = x.expand(members, *x.shape) if form == "shared" else x
        bias = tensors.get(f"{name}.bias")
        return inputs.bmm(weight) if bias is None else bias[:, None].baddbmm(inputs, weight)

    return run, "features"


def _batch_norm(
    name: str, layer: nn.BatchNorm1d | nn.BatchNorm2d, members: int, form: Form, fresh: bool
) -> tuple[Operation, Form]:
    """Over M*C channels it is M separate batch normalisations (Ioffe & Szegedy 2015)."""
    momentum, epsilon = layer.momentum, layer.eps
    if form == "shared" or not layer.affine or not layer.track_running_stats or momentum is None:
        raise _no_form(name, layer, form)

    def norm(tensors: Tensors, mode: Mode, x: Tensor) -> Tensor:
        mean, variance, weight, bias = (
            tensors[f"{name}.{part}"].flatten()
            for part in ("running_mean", "running_var", "weight", "bias")
        )
        # Beside float32 statistics the kernels take float32 weights, whatever x is.
        weight, bias = weight.to(mean.dtype), bias.to(mean.dtype)
        return F.batch_norm(x, mean, variance, weight, bias, mode.train, momentum, epsilon)

    def features(tensors: Tensors, mode: Mode, x: Tensor) -> Tensor:
        wide = x.transpose(0, 1).flatten(1)
        return norm(tensors, mode, wide).view(len(wide), members, -1).transpose(0, 1)

    return (features if form == "features" else norm), form


def _group_norm(
    name: str, layer: nn.GroupNorm, members: int, form: Form, fresh: bool
) -> tuple[Operation, Form]:
    """Over M times as many groups it is M separate group normalisations (Wu & He 2018)."""
    if form != "channels" or not layer.affine:
        raise _no_form(name, layer, form)

    def run(tensors: Tensors, mode: Mode, x: Tensor) -> Tensor:
        weight, bias = (tensors[f"{name}.{part}"].flatten() for part in ("weight", "bias"))
        return F.group_norm(x, members * layer.num_groups, weight, bias, layer.eps)

    return run, form


def _layer_norm(
    name: str, layer: nn.LayerNorm, members: int, form: Form, fresh: bool
) -> tuple[Operation, Form]:
    """Of vectors (Ba et al. 2016)."""
    if form != "features" or len(layer.normalized_shape) != 1:
        raise _no_form(name, layer, form)

    def run(tensors: Tensors, mode: Mode, x: Tensor) -> Tensor:
        y = F.layer_norm(x, layer.normalized_shape, eps=layer.eps)
        weight, bias = (tensors.get(f"{name}.{part}") for part in ("weight", "bias"))
        y = y if weight is None else y * weight[:, None]
        return y if bias is None else y + bias[:, None]

    return run, form


def _dropout(
    name: str, layer: nn.Dropout | nn.Dropout2d, members: int, form: Form, fresh: bool
) -> tuple[Operation, Form]:
    """Srivastava et al. 2014; one mask for all members of a replicate, of whole maps for 2d."""
    if isinstance(layer, nn.Dropout2d) and form == "features":
        raise _no_form(name, layer, form)
    share = layer.p

    def run(tensors: Tensors, mode: Mode, x: Tensor) -> Tensor:
        if not mode.train or share == 0:
            return x
        if mode.noise is None:
            raise EngineError(f"model layer {name} = {layer}: needs noise to train with")
        uniform = mode.noise.uniform(_mask_shape(x, members, form, layer), form)
        return x * (uniform >= share).to(x.dtype).div_(1 - share)

    return run, form


def _mask_shape(x: Tensor, members: int, form: Form, layer: nn.Module) -> tuple[int, ...]:
    """Of one member's mask, the batch first."""
    n, *rest = x.shape[1:] if form == "features" else x.shape
    if form == "channels":
        rest[0] //= members
    if isinstance(layer, nn.Dropout2d):
        rest[1:] = [1] * len(rest[1:])
    return n, *rest


def _flatten(
    name: str, layer: nn.Flatten, members: int, form: Form, fresh: bool
) -> tuple[Operation, Form]:
    if (layer.start_dim, layer.end_dim) != (1, -1):
        raise _no_form(name, layer, form)

    def members_first(tensors: Tensors, mode: Mode, x: Tensor) -> Tensor:
        return x.reshape(len(x), members, -1).transpose(0, 1)

    def plain(tensors: Tensors, mode: Mode, x: Tensor) -> Tensor:
        return x.flatten(1)

    if form == "channels":
        return members_first, "features"
    return (plain if form == "shared" else _identity), form


def _identity(tensors: Tensors, mode: Mode, x: Tensor) -> Tensor:
    return x


def _relu(
    name: str, layer: nn.ReLU, members: int, form: Form, fresh: bool
) -> tuple[Operation, Form]:
    # In place saves a pass over memory; what computed the input does not need it again.
    def run(tensors: Tensors, mode: Mode, x: Tensor) -> Tensor:
        return F.relu(x, inplace=fresh)

    return run, form


def _alike(
    name: str, layer: nn.Module, members: int, form: Form, fresh: bool
) -> tuple[Operation, Form]:
    """For layers that treat every element alike."""

    def run(tensors: Tensors, mode: Mode, x: Tensor) -> Tensor:
        return layer(x)

    return run, form


def _pool(
    name: str, layer: nn.Module, members: int, form: Form, fresh: bool
) -> tuple[Operation, Form]:
    """For layers that treat every channel alike."""
    if form == "features":
        raise _no_form(name, layer, form)
    return _alike(name, layer, members, form, fresh)


LAYERS: dict[type[nn.Module], Builder] = {
    nn.Conv1d: _convolution,
    nn.Conv2d: _convolution,
    nn.Linear: _linear,
    nn.BatchNorm1d: _batch_norm,
    nn.BatchNorm2d: _batch_norm,
    nn.GroupNorm: _group_norm,
    nn.LayerNorm: _layer_norm,
    nn.Dropout: _dropout,
    nn.Dropout2d: _dropout,
    nn.Flatten: _flatten,
    nn.ReLU: _relu,
    nn.MaxPool1d: _pool,
    nn.AvgPool1d: _pool,
    nn.AdaptiveAvgPool1d: _pool,
    nn.MaxPool2d: _pool,
    nn.AvgPool2d: _pool,
    nn.AdaptiveAvgPool2d: _pool,
    **dict.fromkeys(
        (nn.GELU, nn.SiLU, nn.Tanh, nn.Sigmoid, nn.LeakyReLU, nn.ELU, nn.Identity), _alike
    ),
}


class Call(nn.Module):
    """A call of a function, or of a tensor's method by its name, as a layer."""

    def __init__(self, function: Any, args: tuple[Any, ...], options: dict[str, Any]) -> None:
        super().__init__()
        self.function, self.args, self.options = function, args, options

    def extra_repr(self) -> str:
        name = getattr(self.function, "__name__", self.function)
        return ", ".join([str(name), *map(repr, self.args), *map(repr, self.options.values())])

    def forward(self, x: Tensor) -> Tensor:
        function = getattr(type(x), self.function) if self.function in METHODS else self.function
        return function(x, *self.args, **self.options)


def _flatten_call(
    name: str, layer: Call, members: int, form: Form, fresh: bool
) -> tuple[Operation, Form]:
    def flatten(start_dim: int = 0, end_dim: int = -1) -> nn.Flatten:
        return nn.Flatten(start_dim, end_dim)

    return _flatten(name, flatten(*layer.args, **layer.options), members, form, fresh)


METHODS: dict[object, Builder] = {
    "flatten": _flatten_call,
    "relu": _relu,
    "sigmoid": _alike,
    "tanh": _alike,
}
CALLS: dict[object, Builder] = METHODS | {
    torch.flatten: _flatten_call,
    **dict.fromkeys((F.relu, torch.relu), _relu),
    **dict.fromkeys((F.gelu, F.silu, torch.sigmoid, torch.tanh), _alike),
    **dict.fromkeys((F.max_pool1d, F.avg_pool1d, F.adaptive_avg_pool1d), _pool),
    **dict.fromkeys((F.max_pool2d, F.avg_pool2d, F.adaptive_avg_pool2d), _pool),
}
"""Functions and methods of one value that have a stacked form."""

OPERATORS: dict[object, Callable[[Tensor, Tensor], Tensor]] = {
    **dict.fromkeys((operator.add, operator.iadd, torch.add, "add"), operator.add),
    **dict.fromkeys((operator.mul, operator.imul, torch.mul, "mul"), operator.mul),
}
"""What may be done to two values of one form, and how."""

OVERWRITABLE = (nn.Conv1d, nn.Conv2d, nn.Linear, nn.BatchNorm1d, nn.BatchNorm2d, nn.MaxPool2d)
"""Layers whose output a following ReLU may overwrite: their gradients do not need it."""
