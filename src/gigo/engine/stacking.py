"""Many networks of one architecture as one network.

A stack of M members runs them side by side: images travel as (N, M*C, H, W) and signals as
(N, M*C, L), so that a convolution is one call with ``groups=M`` and a pooling is the plain one;
after flattening, features travel as (M, N, F), so that a dense layer is one batched matrix product.
Members that train on the same items in the same order share one input, (N, C, ...), and their
first convolution is a wide one over it.

The plan is made once from the network's own graph (torch.fx); parameters are passed in at every
call as tensors with a leading axis of M. No operation mixes members, so a member's numbers depend
on its own data and weights alone, up to the rounding of differently shaped kernels.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor, fx, nn

from gigo.engine.layers import (
    CALLS,
    LAYERS,
    OPERATORS,
    OVERWRITABLE,
    Call,
    Form,
    Mode,
    Operation,
    Tensors,
)
from gigo.engine.noise import Noise
from gigo.errors import EngineError


@dataclass(frozen=True)
class _Step:
    run: Operation
    sources: tuple[int, ...]
    done: tuple[int, ...]
    """Values that no later step needs."""


class Stack:
    """A network for a fixed number of members; calling it gives their logits.

    Args:
        network: the architecture; its weights are not used.
        members: M.
        form: of the input, "shared" if all members get the same.

    Raises:
        EngineError: a layer or an operation that has no stacked form, or a parameter that goes by
            two names.
    """

    def __init__(self, network: nn.Module, members: int, form: Form) -> None:
        self.members = members
        once = {name for name, _ in network.named_parameters()}
        for name, _ in network.named_parameters(remove_duplicate=False):
            if name not in once:
                raise EngineError(f"parameter {name}: is another one too")
        traced = fx.symbolic_trace(network)
        traced.graph.eliminate_dead_code()
        layers = dict(traced.named_modules())
        _pool_first(traced.graph, layers)
        *nodes, output = traced.graph.nodes
        place = {node: i for i, node in enumerate(nodes)}
        last = {
            place[node]: max((place.get(u, len(nodes)) for u in node.users), default=0)
            for node in nodes
        }
        forms: dict[fx.Node, Form] = {nodes[0]: form}
        self._steps: list[_Step] = []
        for node in nodes[1:]:
            run, forms[node] = _operation(node, layers, members, forms)
            sources = tuple(place[source] for source in node.all_input_nodes)
            done = tuple(i for i in sources if last[i] == place[node])
            self._steps.append(_Step(run, sources, done))
        last_layer = layers.get(str(nodes[-1].target))
        if isinstance(last_layer, nn.Linear):
            final = self._steps[-1]
            self._steps[-1] = replace(final, run=_in_float32(str(nodes[-1].target), final.run))
        if output.args != (nodes[-1],) or forms[nodes[-1]] != "features":
            raise EngineError("model: must end with one vector of logits an item")

    def __call__(
        self, tensors: Tensors, inputs: Tensor, *, train: bool = False, noise: Noise | None = None
    ) -> Tensor:
        """Logits (M, N, K) of every member.

        Args:
            tensors: parameters and buffers by the network's own names, with a leading axis of M.
            inputs: in the stack's form, as `gigo.engine.resident.Inputs.batch` gives them.
            train: whether layers that differ in training are to act so.
            noise: what dropout draws from; needed in training if there is any.
        """
        mode = Mode(train, noise)
        values: list[Tensor | None] = [inputs]
        for step in self._steps:
            output = step.run(tensors, mode, *(values[i] for i in step.sources))
            for i in step.done:
                values[i] = None
            values.append(output)
        output = values[-1]
        assert output is not None
        return output


def _pool_first(graph: fx.Graph, layers: Mapping[str, nn.Module]) -> None:
    """Have a max-pooling of ReLUs pool first, which leaves ReLU less to do.

    Values are the same. So are gradients: where all that is pooled is negative there is none.
    """
    for relu in graph.nodes:
        pool = next(iter(relu.users), None)
        if (
            pool is not None
            and len(relu.users) == 1
            and (relu.op, pool.op) == ("call_module", "call_module")
            and isinstance(layers[relu.target], nn.ReLU)
            and isinstance(layers[pool.target], nn.MaxPool1d | nn.MaxPool2d)
        ):
            pool.replace_all_uses_with(relu)
            pool.args = relu.args
            relu.args = (pool,)
            pool.append(relu)


def _operation(
    node: fx.Node, layers: Mapping[str, nn.Module], members: int, forms: dict[fx.Node, Form]
) -> tuple[Operation, Form]:
    sources = node.all_input_nodes
    called = node.op != "call_module" and node.target in CALLS and sources == [*node.args[:1]]
    if node.op == "call_module" or called:
        (source,) = sources
        name = node.name if called else str(node.target)
        layer = Call(node.target, node.args[1:], node.kwargs) if called else layers[name]
        builder = CALLS[node.target] if called else LAYERS.get(type(layer))
        if builder is None:
            raise EngineError(f"model layer {name} = {layer}: has no stacked form")
        before = layers.get(str(source.target)) if source.op == "call_module" else None
        fresh = isinstance(before, OVERWRITABLE) and len(source.users) == 1
        return builder(name, layer, members, forms[source], fresh)
    if node.target in OPERATORS and sources == [*node.args] and not node.kwargs:
        form = forms[sources[0]]
        if len(sources) == 2 and forms[sources[1]] == form:
            return _of_two(OPERATORS[node.target]), form
    raise EngineError(f"model step {node.format_node()}: has no stacked form")


def _of_two(combine: Callable[[Tensor, Tensor], Tensor]) -> Operation:
    def run(tensors: Tensors, mode: Mode, a: Tensor, b: Tensor) -> Tensor:
        return combine(a, b)

    return run


def _in_float32(name: str, run: Operation) -> Operation:
    """The layer that gives the logits, in float32 where the others compute in less.

    Logits rounded to bfloat16 tie often, and a tie goes to the first class.
    """

    def wide(tensors: Tensors, mode: Mode, x: Tensor) -> Tensor:
        if x.dtype.itemsize >= 4:
            return run(tensors, mode, x)
        names = (f"{name}.weight", f"{name}.bias")
        own = {key: tensors[key].float() for key in names if key in tensors}
        return run(own, mode, x.float())

    return wide


def stacked_tensors(networks: Sequence[nn.Module], dtype: torch.dtype) -> dict[str, Tensor]:
    """Parameters and floating-point buffers of networks of one architecture, (M, ...) by name."""
    states = [network.state_dict() for network in networks]
    return {
        name: torch.stack([state[name] for state in states]).to(dtype)
        for name, value in states[0].items()
        if value.is_floating_point()
    }
