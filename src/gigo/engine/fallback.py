"""Any network for many members, where it has no stacked form.

The network's own code runs on the members' tensors (`torch.func.functional_call`), for all members
at once under `torch.func.vmap` or for one after the other. Two things are looked after. Dropout
layers read the step's noise, so that what a member drops is its replicate's, as in a stack; what
else draws random numbers does so one at a time, from a generator that is seeded for the replicate
and the step. And whatever a forward pass does to its buffers, in place or by putting others in
their stead, is copied back in training.

What a forward pass keeps elsewhere, in plain attributes of Python, is one thing for all members.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call

from gigo.engine.layers import Form, Tensors
from gigo.engine.noise import Noise
from gigo.errors import EngineError

DROPOUTS = (nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d)


@dataclass
class _Source:
    """Where the dropout layers of a network draw from during a call."""

    noise: Noise | None = None
    member: Tensor | int = 0


class _Dropout(nn.Module):
    """One of `DROPOUTS`, drawing from the noise; all but the first drop whole maps."""

    def __init__(self, name: str, layer: Any, source: _Source) -> None:
        super().__init__()
        self._text, self._share = f"{name} = {layer}", float(layer.p)
        self._maps, self._source = not isinstance(layer, nn.Dropout), source

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or self._share == 0:
            return x
        if self._source.noise is None:
            raise EngineError(f"model layer {self._text}: needs noise to train with")
        shape = (*x.shape[:2], *([1] * (x.ndim - 2))) if self._maps else x.shape
        uniform = self._source.noise.uniform(shape, "features")[self._source.member]
        return x * (uniform >= self._share).to(x.dtype) / (1 - self._share)


class Instrumented(nn.Module):
    """A copy of a network that draws from a noise and shows its buffers.

    Attributes:
        network: the copy.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = copy.deepcopy(network)
        self._source = _Source()
        # A layer that goes by two names is to be replaced under both.
        for name, layer in list(self.network.named_modules(remove_duplicate=False)):
            if type(layer) in DROPOUTS:
                self.set_submodule(
                    f"network.{name}".rstrip("."), _Dropout(name, layer, self._source)
                )

    def forward(
        self, x: Tensor, noise: Noise | None, member: Tensor | int = 0
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Logits (N, K), and the buffers as they are afterwards.

        Args:
            x: (N, ...) items.
            noise: what dropout layers draw from, None to evaluate.
            member: its row in the noise.
        """
        self._source.noise, self._source.member = noise, member
        try:
            return self.network(x), dict(self.network.named_buffers())
        finally:
            self._source.noise, self._source.member = None, 0


class Fallback:
    """A network for a fixed number of members, called as a `gigo.engine.stacking.Stack` is.

    Args:
        network: what the members run; its own weights are not used.
        members: M.
        form: of the input, "shared" if all members get the same.
        vmap: all members at once, else one at a time.
        wide: compute in float32 at least, whatever the tensors come in.
    """

    def __init__(
        self, network: Instrumented, members: int, form: Form, *, vmap: bool, wide: bool = False
    ) -> None:
        self.members = members
        self._network, self._form, self._wide = network, form, wide
        self._run = self._at_once if vmap else self._one_by_one
        self._parameters = [name for name, _ in network.network.named_parameters()]
        self._buffers = [name for name, _ in network.network.named_buffers()]

    def __call__(
        self, tensors: Tensors, inputs: Tensor, *, train: bool = False, noise: Noise | None = None
    ) -> Tensor:
        """Logits (M, N, K) of every member, in float32 at least.

        Args:
            tensors: parameters and buffers by the network's own names, with a leading axis of M.
            inputs: in the given form, as `gigo.engine.resident.Inputs.batch` gives them.
            train: whether layers that differ in training are to act so; buffers are updated then.
            noise: needed in training if anything is random.
        """
        if self._network.training is not train:
            self._network.train(train)
        buffers = [name for name in self._buffers if name in tensors]
        # A forward pass may change buffers after it has saved them for the backward pass: it gets
        # copies, so that those saved stay as they were.
        given = {name: self._given(tensors[name]) for name in self._parameters}
        given |= {name: self._given(tensors[name]).clone() for name in buffers}
        prefixed = {f"network.{name}": tensor for name, tensor in given.items()}
        logits, after = self._run(prefixed, self._given(self._own(inputs)), noise)
        if train:
            with torch.no_grad():
                for name in buffers:
                    tensors[name].copy_(after[name])
        return logits if logits.dtype.itemsize >= 4 else logits.float()

    def _given(self, tensor: Tensor) -> Tensor:
        narrow = tensor.is_floating_point() and tensor.dtype.itemsize < 4
        return tensor.float() if self._wide and narrow else tensor

    def _own(self, inputs: Tensor) -> Tensor:
        """(N, ...) if shared, else (M, N, ...); in the plain layout that a network may rely on."""
        if self._form == "channels":
            inputs = inputs.unflatten(1, (self.members, -1)).transpose(0, 1)
        return inputs.contiguous()

    def _at_once(
        self, tensors: Tensors, inputs: Tensor, noise: Noise | None
    ) -> tuple[Tensor, Mapping[str, Tensor]]:
        def one(own: dict[str, Tensor], x: Tensor, member: Tensor) -> Any:
            return functional_call(self._network, own, (x, noise, member))

        axes = (0, None if self._form == "shared" else 0, 0)
        rows = torch.arange(self.members, device=inputs.device)
        # "same" concerns the noise, which draws for all members in one go.
        every: Callable[..., Any] = torch.vmap(one, in_dims=axes, randomness="same")
        return every(tensors, inputs, rows)

    def _one_by_one(
        self, tensors: Tensors, inputs: Tensor, noise: Noise | None
    ) -> tuple[Tensor, Mapping[str, Tensor]]:
        # Unbound in one go, the gradients are gathered in one go.
        rows = {name: tensor.unbind() for name, tensor in tensors.items()}
        changing = {f"network.{name}" for name in self._buffers}
        logits: list[Tensor] = []
        after: list[dict[str, Tensor]] = []
        for i in range(self.members):
            # Buffers may be changed in place, which a part of what was unbound may not.
            own = {n: row[i].clone() if n in changing else row[i] for n, row in rows.items()}
            x = inputs if self._form == "shared" else inputs[i]
            of_one = None if noise is None else noise.of(i)
            with seeded(of_one, inputs.device):
                out, buffers = functional_call(self._network, own, (x, of_one))
            logits.append(out)
            after.append(buffers)
        names = after[0].keys()
        return torch.stack(logits), {n: torch.stack([b[n] for b in after]) for n in names}


@contextmanager
def seeded(noise: Noise | None, device: torch.device) -> Generator[None]:
    """Have the global generators give what belongs to a noise of one member; None leaves them."""
    if noise is None:
        yield
        return
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(noise.seed)
        yield
