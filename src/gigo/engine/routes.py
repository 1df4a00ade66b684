"""Which way a network is trained: in its stacked form, by vmap, or one member at a time.

The ways are tried in that order on a few items, with two members of different weights, in training
and in evaluation. The first that runs and gives what the network gives alone is taken. So a way
that would go wrong in silence is not: a network traced as it is in training may do something
else in evaluation, one that draws random numbers of its own may have them frozen.
"""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, partial
from itertools import product
from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from gigo.engine.device import out_of_memory
from gigo.engine.fallback import Fallback, Instrumented, seeded
from gigo.engine.layers import Form, Tensors
from gigo.engine.noise import Noise
from gigo.engine.resident import Inputs
from gigo.engine.stacking import Stack, stacked_tensors
from gigo.errors import EngineError
from gigo.measuring import check_logits, one_line

Path = Literal["stacked", "vmap", "one at a time"]

ITEMS = 4
"""In a batch to try with: a norm over the batch of fewer enlarges rounding."""
WITHIN = 0.01
"""Of their own size, how far logits may lie from those of the network alone, in float32."""


Network = Stack | Fallback
"""For a fixed number of members."""
Build = Callable[[int, Form], Network]
"""``(members, form) -> network``"""


@dataclass(frozen=True)
class Route:
    """How a network is trained.

    Attributes:
        path: the way taken.
        reason: why no earlier one, empty if it is the first.
        build: gives the network for so many members; planned once for each number and form.
    """

    path: Path
    reason: str
    build: Build


class _Case(NamedTuple):
    """A batch for two members, and what each makes of it alone: `LOGITS` and buffers by name."""

    form: Form
    inputs: Tensor
    train: bool
    results: Tensors


LOGITS = ""
MEMBERS = (0, 0), (0, 1)
"""The replicates of the two that a way is tried with."""


def route(
    network: nn.Module, inputs: Inputs, n_classes: int, name: str, smallest: int = ITEMS
) -> Route:
    """The way to train a network.

    Args:
        network: the architecture; neither its weights nor its buffers are changed.
        inputs: what it is trained on, in the dtype that is computed in.
        n_classes: how many logits it must give.
        name: of the model, for errors.
        smallest: items in the smallest batch that it will be trained on.

    Raises:
        EngineError: no way works, logits have another shape, or it can't train on a batch of one;
            with the model and the reason.
    """
    with (
        torch.random.fork_rng(devices=[inputs.device] if inputs.device.type == "cuda" else []),
        warnings.catch_warnings(),
    ):
        # What vmap can't do well it does slowly, and warns.
        warnings.filterwarnings("error", message="(?s).*performance drop")
        torch.manual_seed(0)
        try:
            if smallest == 1:
                _try_one_item(network, inputs)
            return _first_that_works(network, inputs, n_classes)
        except Exception as error:  # a network is anybody's code
            if out_of_memory(error):
                raise
            whole = isinstance(error, EngineError)
            text = str(error).removeprefix("model ") if whole else one_line(error)
            raise EngineError(f"model {name}: {text}") from error


def _first_that_works(network: nn.Module, inputs: Inputs, n_classes: int) -> Route:
    dtype = inputs.dtype
    master = torch.float64 if dtype == torch.float64 else torch.float32
    network = copy.deepcopy(network)  # what is traced keeps the values that were put into it
    instrumented = Instrumented(network)
    tensors = _two_members(network, inputs, master)
    cases, draws = _alone(instrumented, tensors, inputs, n_classes)
    parameters = [name for name, p in network.named_parameters() if p.requires_grad]
    reasons: dict[str, None] = {}
    for path, build in _ways(network, instrumented, dtype):
        try:
            if draws and path != "one at a time":
                # A trace may keep one draw for good; vmap draws in an order that depends on all.
                raise EngineError("draws random numbers in its forward pass")
            for case in cases:
                _compare(case, _run(build, case, tensors, parameters, master))
                if dtype != master:
                    _run(build, case, tensors, parameters, dtype)
        except Exception as error:  # a network is anybody's code
            if out_of_memory(error):
                raise
            reasons[one_line(error) if path == "stacked" else f"{path}: {one_line(error)}"] = None
        else:
            return Route(path, "; ".join(reasons), cache(build))
    raise EngineError("; ".join(reasons))


def _try_one_item(network: nn.Module, inputs: Inputs) -> None:
    """Raise EngineError where a network normalises over a batch, of which one item is left."""
    alone = copy.deepcopy(network).to(inputs.device, inputs.dtype).train()
    try:
        alone(inputs.batch(torch.arange(1, device=inputs.device)))
    except ValueError as error:  # PyTorch's, of its norms
        raise EngineError(
            f"can't train on a last batch of one item, expected another batch_size or size "
            f"({one_line(error)})"
        ) from None


def _ways(
    network: nn.Module, instrumented: Instrumented, dtype: torch.dtype
) -> Iterator[tuple[Path, Build]]:
    """From the fastest on; the last resort of each is to compute in float32 at least."""
    yield "stacked", partial(Stack, network)
    for path in ("vmap", "one at a time"):
        for wide in (False, True) if dtype.itemsize < 4 else (False,):
            yield path, partial(Fallback, instrumented, vmap=path == "vmap", wide=wide)


def _two_members(network: nn.Module, inputs: Inputs, dtype: torch.dtype) -> dict[str, Tensor]:
    """Tensors of two members: the network as it is, and one that differs in everything."""
    for name, parameter in network.named_parameters():
        if is_lazy(parameter) or not parameter.is_floating_point():
            raise EngineError(f"parameter {name}: must be of real numbers and of a known shape")
    if not any(parameter.requires_grad for parameter in network.parameters()):
        raise EngineError("has nothing to train")
    tensors = stacked_tensors([network, network], dtype)
    parameters = {name for name, _ in network.named_parameters()}
    for name, tensor in tensors.items():
        if name in parameters:
            tensor[1].add_(0.05 * torch.randn_like(tensor[1]))
        elif tensor.is_floating_point():
            tensor[1].mul_(1.1)
    return {name: tensor.to(inputs.device) for name, tensor in tensors.items()}


def _alone(
    instrumented: Instrumented, tensors: Tensors, inputs: Inputs, n_classes: int
) -> tuple[list[_Case], bool]:
    """What the members give alone, and whether they draw from global generators in training."""
    reference = copy.deepcopy(instrumented)
    cases: list[_Case] = []
    draws = False
    dtype = next(t.dtype for t in tensors.values() if t.is_floating_point())
    for shared, train in product((True, False), (True, False)):
        rows = torch.arange(ITEMS if shared else 2 * ITEMS) % len(inputs)
        own = rows.expand(2, ITEMS) if shared else rows.view(2, ITEMS)
        batch = inputs.batch(rows if shared else own)
        reference.to(inputs.device, dtype)
        each: list[Tensors] = []
        for i, replicate in enumerate(MEMBERS):
            _load(reference.network, tensors, i)
            x = _real(inputs.batch(own[i]), dtype).contiguous()
            noise = Noise([replicate], "probe", x.device)
            with seeded(noise, x.device):
                before = _generators(x.device)
                logits, buffers = reference.train(train)(x, noise if train else None)
                drawn = not torch.equal(before, _generators(x.device))
            check_logits(logits, ITEMS, n_classes)
            if drawn and not train:
                raise EngineError("draws random numbers in evaluation")
            draws |= drawn
            found = buffers | {LOGITS: logits}
            each.append({name: tensor.detach().clone() for name, tensor in found.items()})
        results = {name: torch.stack([one[name] for one in each]) for name in each[0]}
        cases.append(_Case(inputs.form(shared=shared), batch, train, results))
    return cases, draws


def _real(x: Tensor, dtype: torch.dtype) -> Tensor:
    """In a dtype, if these are real numbers."""
    return x.to(dtype) if x.is_floating_point() else x


def _load(network: nn.Module, tensors: Tensors, member: int) -> None:
    with torch.no_grad():
        for name, own in (*network.named_parameters(), *network.named_buffers()):
            if name in tensors:
                own.copy_(tensors[name][member])


def _generators(device: torch.device) -> Tensor:
    """The state of the global generators that code on a device draws from."""
    states = [torch.get_rng_state()]
    if device.type == "cuda":
        states.append(torch.cuda.get_rng_state(device))
    return torch.cat(states)


def _run(
    build: Build, case: _Case, tensors: Tensors, parameters: Sequence[str], dtype: torch.dtype
) -> Tensors:
    """What `_Case.results` are, of a way; there and, in training, back."""
    own = {n: t.to(dtype) if n in parameters else t.clone() for n, t in tensors.items()}
    x = _real(case.inputs, dtype)
    network = build(len(MEMBERS), case.form)
    if not case.train:
        with torch.inference_mode():
            return own | {LOGITS: network(own, x)}
    leaves = [own[name].detach().clone().requires_grad_() for name in parameters]
    given = own | dict(zip(parameters, leaves, strict=True))
    logits = network(given, x, train=True, noise=Noise(MEMBERS, "probe", x.device))
    torch.autograd.grad(logits.square().sum(), leaves, materialize_grads=True)
    return given | {LOGITS: logits.detach()}


def _compare(case: _Case, found: Tensors) -> None:
    for name in sorted(case.results.keys() & found.keys()):
        if not _close(found[name], case.results[name]):
            wrong = f"buffer {name}: comes out other than in" if name else "gives other logits than"
            raise EngineError(f"{wrong} the network alone")


def _close(a: Tensor, b: Tensor) -> bool:
    """Within `WITHIN` of the norm of b, what is not finite being alike."""
    if a.shape != b.shape or not torch.equal(a.isfinite(), b.isfinite()):
        return False
    a, b = (t.double().nan_to_num(0, 0, 0) for t in (a, b))
    return bool((a - b).norm() <= WITHIN * b.norm() + 1e-6)
