"""The stacked form of each kind of layer.

A value carries its members in one of three forms: ``shared`` (N, ...), not at all; ``channels``
(N, M*C, ...), as images and signals; ``features`` (M, N, F), as vectors. A layer's builder looks at
the form that reaches it and returns the operation and the form that leaves it. A call of a function
that a layer could stand for has the layer's stacked form.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
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
Plan = tuple[Operation, Form]
"""What a layer does, and the form of what leaves it."""


@dataclass(frozen=True)
class Site:
    """A layer where it stands in a stack.

    Attributes:
        name: the layer's.
        layer: what every member has there.
        members: M.
        form: of the input.
        fresh: whether the input is nobody else's and may be overwritten.
    """

    name: str
    layer: Any
    members: int
    form: Form
    fresh: bool

    def check(self, stackable: bool) -> None:
        """Raise EngineError if the layer has no stacked form."""
        if not stackable:
            layer = f"model layer {self.name} = {self.layer}"
            raise EngineError(f"{layer}: has no stacked form on {self.form} input")

    def own(self, tensors: Tensors, *parts: str) -> list[Any]:
        """The layer's weight, bias and the like, (M, ...); None for those it does without."""
        return [tensors.get(f"{self.name}.{part}") for part in parts]


Builder = Callable[[Site], Plan]


def _convolution(at: Site) -> Plan:
    layer, shared = at.layer, at.form == "shared"
    plain = layer.padding_mode == "zeros" and not (shared and layer.groups > 1)
    at.check(plain and at.form != "features")
    convolve: Any = F.conv2d if isinstance(layer, nn.Conv2d) else F.conv1d
    groups = 1 if shared else at.members * layer.groups
    options = layer.stride, layer.padding, layer.dilation, groups

    def run(tensors: Tensors, mode: Mode, x: Tensor) -> Tensor:
        weight, bias = at.own(tensors, "weight", "bias")
        bias = None if bias is None else bias.flatten()
        return convolve(x, weight.flatten(0, 1), bias, *options)

    return run, "channels"


def _linear(at: Site) -> Plan:
    at.check(at.form != "channels")
    shared, members = at.form == "shared", at.members

    def run(tensors: Tensors, mode: Mode, x: Tensor) -> Tensor:
        weight, bias = at.own(tensors, "weight", "bias")
        weight = weight.transpose(1, 2)
        inputs = x.expand(members, *x.shape) if shared else x
        return inputs.bmm(weight) if bias is None else bias[:, None].baddbmm(inputs, weight)

    return run, "features"


def _batch_norm(at: Site) -> Plan:
    """Over M*C channels it is M separate batch normalisations (Ioffe & Szegedy 2015)."""
    layer, members = at.layer, at.members
    complete = layer.affine and layer.track_running_stats and layer.momentum is not None
    at.check(complete and at.form != "shared")

    def norm(tensors: Tensors, mode: Mode, x: Tensor) -> Tensor:
        own = at.own(tensors, "running_mean", "running_var", "weight", "bias")
        mean, variance, weight, bias = (tensor.flatten() for tensor in own)
        # Beside float32 statistics the kernels take float32 weights, whatever x is.
        weight, bias = weight.to(mean.dtype), bias.to(mean.dtype)
        return F.batch_norm(x, mean, variance, weight, bias, mode.train, layer.momentum, layer.eps)

    def features(tensors: Tensors, mode: Mode, x: Tensor) -> Tensor:
        wide = x.transpose(0, 1).flatten(1)
        return norm(tensors, mode, wide).view(len(wide), members, -1).transpose(0, 1)

    return (features if at.form == "features" else norm), at.form


def _group_norm(at: Site) -> Plan:
    """Over M times as many groups it is M separate group normalisations (Wu & He 2018)."""
    at.check(at.form == "channels" and at.layer.affine)
    groups, epsilon = at.members * at.layer.num_groups, at.layer.eps

    def run(tensors: Tensors, mode: Mode, x: Tensor) -> Tensor:
        weight, bias = at.own(tensors, "weight", "bias")
        return F.group_norm(x, groups, weight.flatten(), bias.flatten(), epsilon)

    return run, at.form


def _layer_norm(at: Site) -> Plan:
    """Of vectors (Ba et al. 2016)."""
    shape, epsilon = at.layer.normalized_shape, at.layer.eps
    at.check(at.form == "features" and len(shape) == 1)

    def run(tensors: Tensors, mode: Mode, x: Tensor) -> Tensor:
        y = F.layer_norm(x, shape, eps=epsilon)
        weight, bias = at.own(tensors, "weight", "bias")
        y = y if weight is None else y * weight[:, None]
        return y if bias is None else y + bias[:, None]

    return run, at.form


def _dropout(at: Site) -> Plan:
    """Srivastava et al. 2014; one mask for all members of a replicate, of whole maps for 2d."""
    maps, share, form = isinstance(at.layer, nn.Dropout2d), at.layer.p, at.form
    at.check(not (maps and form == "features"))

    def run(tensors: Tensors, mode: Mode, x: Tensor) -> Tensor:
        if not mode.train or share == 0:
            return x
        if mode.noise is None:
            raise EngineError(f"model layer {at.name} = {at.layer}: needs noise to train with")
        n, *rest = x.shape[1:] if form == "features" else x.shape  # of one member's mask
        if form == "channels":
            rest[0] //= at.members
        if maps:
            rest[1:] = [1] * len(rest[1:])
        uniform = mode.noise.uniform((n, *rest), form)
        return x * (uniform >= share).to(x.dtype).div_(1 - share)

    return run, form


def plain(function: Callable[..., Tensor]) -> Operation:
    """A function of its inputs alone as an operation."""

    def run(tensors: Tensors, mode: Mode, *inputs: Tensor) -> Tensor:
        return function(*inputs)

    return run


def _flatten(at: Site) -> Plan:
    at.check((at.layer.start_dim, at.layer.end_dim) == (1, -1))
    members = at.members

    def members_first(x: Tensor) -> Tensor:
        return x.reshape(len(x), members, -1).transpose(0, 1)

    def unchanged(x: Tensor) -> Tensor:
        return x

    if at.form == "channels":
        return plain(members_first), "features"
    flatten = partial(torch.flatten, start_dim=1)
    return plain(flatten if at.form == "shared" else unchanged), at.form


def _relu(at: Site) -> Plan:
    # In place saves a pass over memory; what computed the input does not need it again.
    return plain(partial(F.relu, inplace=at.fresh)), at.form


def _alike(at: Site) -> Plan:
    """For layers that treat every element alike."""
    return plain(at.layer), at.form


def _pool(at: Site) -> Plan:
    """For layers that treat every channel alike."""
    at.check(at.form != "features")
    return _alike(at)


LAYERS: dict[type[nn.Module], Builder] = {
    **dict.fromkeys((nn.Conv1d, nn.Conv2d), _convolution),
    nn.Linear: _linear,
    **dict.fromkeys((nn.BatchNorm1d, nn.BatchNorm2d), _batch_norm),
    nn.GroupNorm: _group_norm,
    nn.LayerNorm: _layer_norm,
    **dict.fromkeys((nn.Dropout, nn.Dropout2d), _dropout),
    nn.Flatten: _flatten,
    nn.ReLU: _relu,
    **dict.fromkeys((nn.MaxPool1d, nn.AvgPool1d, nn.AdaptiveAvgPool1d), _pool),
    **dict.fromkeys((nn.MaxPool2d, nn.AvgPool2d, nn.AdaptiveAvgPool2d), _pool),
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


def _flatten_call(at: Site) -> Plan:
    def flatten(start_dim: int = 0, end_dim: int = -1) -> nn.Flatten:
        return nn.Flatten(start_dim, end_dim)

    return _flatten(replace(at, layer=flatten(*at.layer.args, **at.layer.options)))


METHODS: dict[object, Builder] = {
    "flatten": _flatten_call,
    "relu": _relu,
    **dict.fromkeys(("sigmoid", "tanh"), _alike),
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
