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

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, fx, nn

from gigo.engine import layers
from gigo.engine.layers import Call, Form, Mode, Operation, Plan, Site, Tensors
from gigo.engine.noise import Noise
from gigo.errors import EngineError
from gigo.rng import Stream
from gigo.trial import Trial
from gigo.types import Dataset


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
        modules = dict(traced.named_modules())
        _pool_first(traced.graph, modules)
        *nodes, output = traced.graph.nodes
        place = {node: i for i, node in enumerate(nodes)}
        last = {source: node for node in (*nodes, output) for source in node.all_input_nodes}
        forms: dict[fx.Node, Form] = {nodes[0]: form}
        # Each with the places of its inputs and of the values that no later step needs.
        self._steps: list[tuple[Operation, list[int], list[int]]] = []
        for node in nodes[1:]:
            run, forms[node] = _operation(node, modules, members, forms)
            if node is nodes[-1] and isinstance(modules.get(str(node.target)), nn.Linear):
                run = _in_float32(str(node.target), run)
            sources = node.all_input_nodes
            done = [place[source] for source in sources if last[source] is node]
            self._steps.append((run, [place[source] for source in sources], done))
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
        values: list[Any] = [inputs]
        for run, sources, done in self._steps:
            values.append(run(tensors, mode, *[values[i] for i in sources]))
            for i in done:
                values[i] = None
        return values[-1]


def _pool_first(graph: fx.Graph, modules: Mapping[str, nn.Module]) -> None:
    """Have a max-pooling of ReLUs pool first, which leaves ReLU less to do.

    Values are the same. So are gradients: where all that is pooled is negative there is none.
    """
    for relu in graph.nodes:
        pool = next(iter(relu.users), None)
        if (
            pool is not None
            and len(relu.users) == 1
            and (relu.op, pool.op) == ("call_module", "call_module")
            and isinstance(modules[relu.target], nn.ReLU)
            and isinstance(modules[pool.target], nn.MaxPool1d | nn.MaxPool2d)
        ):
            pool.replace_all_uses_with(relu)
            pool.args = relu.args
            relu.args = (pool,)
            pool.append(relu)


def _operation(
    node: fx.Node, modules: Mapping[str, nn.Module], members: int, forms: dict[fx.Node, Form]
) -> Plan:
    sources = node.all_input_nodes
    called = (
        node.op != "call_module" and node.target in layers.CALLS and sources == [*node.args[:1]]
    )
    if node.op == "call_module" or called:
        (source,) = sources
        name = node.name if called else str(node.target)
        layer = Call(node.target, node.args[1:], node.kwargs) if called else modules[name]
        builder = layers.CALLS[node.target] if called else layers.LAYERS.get(type(layer))
        if builder is None:
            raise EngineError(f"model layer {name} = {layer}: has no stacked form")
        before = modules.get(str(source.target)) if source.op == "call_module" else None
        fresh = isinstance(before, layers.OVERWRITABLE) and len(source.users) == 1
        return builder(Site(name, layer, members, forms[source], fresh))
    if node.target in layers.OPERATORS and sources == [*node.args] and not node.kwargs:
        form = forms[sources[0]]
        if len(sources) == 2 and forms[sources[1]] == form:
            return layers.plain(layers.OPERATORS[node.target]), form
    raise EngineError(f"model step {node.format_node()}: has no stacked form")


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


def initial_networks(trials: Sequence[Trial], dataset: Dataset) -> list[nn.Module]:
    """A network per trial; those of one replicate start from the same weights."""
    made: dict[tuple[int, int], nn.Module] = {}
    for trial in trials:
        replicate = trial.seed, trial.replicate
        if replicate not in made:
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(Stream(*replicate, "weights").seed())
                made[replicate] = trial.model.value(dataset.input_shape, dataset.n_classes)
    return [made[trial.seed, trial.replicate] for trial in trials]


def stacked_tensors(networks: Sequence[nn.Module], dtype: torch.dtype) -> dict[str, Tensor]:
    """Parameters and buffers of networks of one architecture, (M, ...) by name.

    Real numbers get the dtype. Counts of batches that only a norm with no momentum looks at are not
    among them.

    Raises:
        EngineError: networks differ in a tensor that is neither and so can't be kept for each.
    """
    first, *others = networks
    for name, tensor in _attributes(first).items():
        if not all(torch.equal(tensor, _attributes(other)[name]) for other in others):
            raise EngineError(
                f"model attribute {name}: differs from replicate to replicate, which only "
                "parameters and buffers may"
            )
    idle = {
        f"{name}.num_batches_tracked".lstrip(".")
        for name, layer in first.named_modules()
        if getattr(layer, "momentum", None) is not None
    }
    each = [network.state_dict() | dict(network.named_buffers()) for network in networks]
    stacked = {n: torch.stack([own[n] for own in each]) for n in each[0] if n not in idle}
    return {n: t.to(dtype) if t.is_floating_point() else t for n, t in stacked.items()}


def _attributes(network: nn.Module) -> dict[str, Tensor]:
    """Tensors that modules hold without having registered them."""
    return {
        f"{name}.{key}".lstrip("."): value
        for name, layer in network.named_modules()
        for key, value in vars(layer).items()
        if isinstance(value, Tensor)
    }
