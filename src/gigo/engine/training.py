"""Training a stack: trials that share data set, model, recipe and validation policy.

Each member has its own labels, learning rate, patience and stop, and may have its own size; members
of one replicate and size see the same batches in the same order. Every member takes a step whenever
the stack does; those whose epoch ends are looked at. Losses are summed over members, so that each
one's gradient is its own. Members that are done leave at a few fixed widths.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gigo.costs import EVALUATED, evaluated_on_accelerator, separate
from gigo.engine.checkpoint import EVERY, State
from gigo.engine.control import Control
from gigo.engine.evaluation import Evaluation, first, losses
from gigo.engine.feed import Batch, Feed, Member
from gigo.engine.noise import Noise
from gigo.engine.optimizers import Optimizer, copy_each
from gigo.engine.pool import pooled
from gigo.engine.record import provenance, record
from gigo.engine.replay import Replay
from gigo.engine.resident import Resident
from gigo.engine.routes import route
from gigo.engine.stacking import initial_networks, stacked_tensors
from gigo.errors import EngineError
from gigo.records import Record
from gigo.schedule import TrainingSet
from gigo.trial import Trial

AT_A_TIME = 2**25
"""Bytes of class probabilities that members are given at a time when they leave."""


@dataclass(frozen=True)
class EpochDone:
    """Members of a stack have finished an epoch: all, if they have as many items.

    Attributes:
        epoch: the largest among those still training, counted from 1, ``epochs`` at most.
        running: members still training.
        width: members in the stack, those that wait to leave included.
    """

    epoch: int
    epochs: int
    running: int
    width: int


@dataclass(frozen=True)
class Detour:
    """A stack is trained in another way than as one stacked network (`gigo.engine.routes`).

    Attributes:
        model: its label.
        path: the way taken.
        reason: why.
    """

    model: str
    path: str
    reason: str


def train(
    trials: Sequence[Trial],
    resident: Resident,
    state: State | None = None,
    *,
    every: float = EVERY,
    clock: Callable[[], float] = time.perf_counter,
) -> Iterator[Detour | EpochDone | Record | State]:
    """Train trials as one network.

    Args:
        trials: that share everything but corruption, rate, replicate and seed; and size, where
            the model neither draws random numbers nor keeps statistics.
        resident: their data set, in the dtype that training computes in.
        state: to go on from, of the same trials in the same order.
        every: seconds between two states.
        clock: that tells these seconds.

    Yields:
        An `EpochDone` whenever some finish an epoch, a `Record` per trial, and now and then the
        `State` of the stack; first of all a `Detour` if there is one.

    Raises:
        EngineError: no way to train the model, or sizes that can't train together.
    """
    stack = TrainingStack(trials, resident)
    if stack.route.path != "stacked":
        yield Detour(trials[0].model.label, stack.route.path, stack.route.reason)
    threads = torch.get_num_threads()
    try:
        if state is not None:
            # With other threads sums are taken in another order: the last bits would differ.
            torch.set_num_threads(state.values.get("threads", threads))
            stack.restore(state)
        saved = clock()
        while stack.members:
            stack.run_epoch()
            yield EpochDone(stack.epoch, stack.recipe.epochs, stack.running, len(stack.members))
            yield from stack.leave()
            if stack.members and clock() - saved >= every:
                yield stack.state()
                saved = clock()
    finally:
        torch.set_num_threads(threads)


def stack_width(members: int) -> int:
    """The narrowest width that so many members may train in: 1 to 8, then 10, 12, 14, 16, 20...

    Few widths mean few kernels to set up; steps of a quarter or less waste little.
    """
    unit = max(1, 1 << max(0, (members - 1).bit_length() - 3))
    return -(-members // unit) * unit


class TrainingStack:
    """A stack between steps, where some member's epoch has just ended.

    Args:
        trials: its members, as for `train`.
        resident: their data set.
        at_a_time: bytes of class probabilities that members are given when they leave.

    Attributes:
        members: those in the stack, in the order of the tensors' first axis.
        control: their learning rates and stops.
        feed: their places in their epochs.
        optimizer: their parameters and moments, float32 (float64 if that is computed in).
        weights: parameters and buffers as they are now, by name.
        best: those of each one's best epoch.
        route: the way the network is trained.
    """

    def __init__(
        self, trials: Sequence[Trial], resident: Resident, at_a_time: int = AT_A_TIME
    ) -> None:
        first = trials[0]
        self.recipe, self.validation = first.recipe, first.validation
        self._at_a_time = at_a_time
        self._data, sets = pooled(resident, _sampled(trials, resident))
        self.members = list(map(Member, trials, sets))
        self.control = Control(self.recipe, len(trials))
        self.feed = Feed(self.members, self.recipe)
        resident = self._data
        networks = initial_networks(trials, resident.dataset)
        network, classes = networks[0], resident.dataset.n_classes
        smallest = int(((self.feed.sizes - 1) % self.recipe.batch_size + 1).min())
        self.route = route(network, resident.train, classes, first.model.label, smallest)
        drops = any("Dropout" in type(m).__name__ for m in network.modules())
        self._drops = drops or self.route.path == "one at a time"
        self._names = [name for name, p in network.named_parameters() if p.requires_grad]
        on_cuda = resident.device.type == "cuda"
        at_once = evaluated_on_accelerator(first) if on_cuda else EVALUATED
        self._evaluation = Evaluation(resident, self.route, self._names, at_once)
        if len({*self.feed.sizes.tolist()}) > 1 and not separate(first):
            raise EngineError(
                f"model {first.model.label}: draws random numbers or keeps statistics: expected "
                "members of one size, because they would depend on each other"
            )
        master = torch.float64 if resident.dtype == torch.float64 else torch.float32
        tensors = stacked_tensors(networks, master)
        self.weights = {name: tensor.to(resident.device) for name, tensor in tensors.items()}
        self.best = {name: tensor.clone() for name, tensor in self.weights.items()}
        self.optimizer = Optimizer(self.recipe, [self.weights[name] for name in self._names])
        self._loss = torch.zeros(len(trials), dtype=torch.float64, device=resident.device)
        self._set_up()

    @property
    def running(self) -> int:
        """Members still training."""
        return int((~self.control.stopped).sum())

    @property
    def epoch(self) -> int:
        """The largest number of epochs trained by members still training, by all if none is."""
        epochs, running = self.control.epoch, ~self.control.stopped
        return int(epochs[running].max() if running.any() else epochs.max())

    @property
    def buffers(self) -> dict[str, Tensor]:
        """What weights hold beside the parameters that are trained, by name."""
        return {name: t for name, t in self.weights.items() if name not in self._names}

    def _set_up(self) -> None:
        """What depends on who is in the stack."""
        form = self._data.train.form(shared=self.feed.shared)
        self._stack = self.route.build(len(self.members), form)
        # Gradients are taken at copies in the computing dtype; the masters stay exact.
        leaves = {
            name: torch.empty_like(self.weights[name], dtype=self._data.dtype).requires_grad_()
            for name in self._names
        }
        self._leaves, self._given = list(leaves.values()), self.buffers | leaves
        # What a stacked form does is known; a network's own code may do what can't be replayed.
        plain = self.route.path == "stacked" and not self._drops
        self._replay = Replay() if plain and self._data.device.type == "cuda" else None

    def run_epoch(self) -> None:
        """Train until some members' epoch ends, and take note of how it went for them.

        That is one epoch of every member where all have as many items.
        """
        started = time.perf_counter()
        rates, running = self.control.learning_rate, ~self.control.stopped
        self.optimizer.set_rates(rates)
        stretch = self.feed.stretch(self.control.epoch, running)
        epoch, position = self.epoch, int(self.feed.position[running][0])
        for batch in stretch.batches(self.recipe.batch_size, self._data.device):
            self._loss += self._step(batch, f"{epoch}/{position + batch.start}")
        due = self.feed.advance(stretch, running)
        loss = self._loss.cpu().numpy() / self.feed.sizes
        self._loss[self._tensor(np.flatnonzero(due))] = 0.0
        curves = {"train_loss": loss, "learning_rate": rates} | self._judge(due, loss)
        seconds = (time.perf_counter() - started) / running.sum()
        for i in np.flatnonzero(running):
            self.members[i].seconds += seconds
            for name, values in curves.items() if due[i] else ():
                self.members[i].curve.setdefault(name, []).append(float(values[i]))

    def _step(self, batch: Batch, name: str) -> Tensor:
        """One step of the optimiser, named for dropout; returns the batch's summed losses (M,)."""
        if self._replay is None:
            summed, *gradients = self._differentiated(*batch[1:], *self._noise(name))
        else:
            summed, *gradients = self._replay(self._differentiated, *batch[1:])
        with torch.no_grad():
            self.optimizer.step(gradients)
        return summed

    def _noise(self, step: str) -> list[Noise]:
        """What members drop in a step, if they drop anything."""
        replicates = [member.replicate for member in self.members]
        return [Noise(replicates, step, self._data.device)] if self._drops else []

    def _differentiated(
        self,
        items: Tensor,
        views: Tensor | None,
        labels: Tensor,
        counts: Tensor | None,
        noise: Noise | None = None,
    ) -> list[Tensor]:
        """A batch's summed losses (M,) and the gradients of all parameters."""
        with torch.no_grad():
            copy_each(self._leaves, self.optimizer.parameters)
        x = self._data.train.batch(items, views)
        each = losses(self._stack(self._given, x, train=True, noise=noise), labels)
        if counts is None:
            means = each.mean(1)
        else:
            each = first(each, counts)
            means = each.sum(1) / counts
        gradients = torch.autograd.grad(means.sum(), self._leaves, materialize_grads=True)
        return [each.detach().sum(1), *gradients]

    def _judge(self, due: NDArray[np.bool_], loss: np.ndarray) -> dict[str, np.ndarray]:
        """Apply the rules to members due, whose losses (M,) are given.

        Returns:
            What was monitored, if anything: (M,) by quantity, right where a member is due.
        """
        watched: dict[str, np.ndarray] = {}
        if self.validation != "none":
            # All are looked at where none is in mid-epoch: those who wait to leave cost less than
            # yet another width.
            together = bool((due | self.control.stopped).all())
            rows = np.arange(len(due)) if together else np.flatnonzero(due)
            weights = self.weights if together else _some(self.weights, self._tensor(rows))
            if self.validation == "oracle":
                found = self._evaluation.test(len(rows), weights)
            else:
                found = self._evaluation.held_out([self.members[i] for i in rows], weights)
            for name, values in (("accuracy", found.accuracy), ("loss", found.loss)):
                watched[f"monitor_{name}"] = np.zeros(len(due))
                watched[f"monitor_{name}"][rows] = values.cpu().numpy()
        improved = self.control.update(watched.get("monitor_accuracy"), ~np.isfinite(loss), due)
        index = self._tensor(np.flatnonzero(improved))
        for name, tensor in self.weights.items():
            self.best[name][index] = tensor[index]
        return watched

    def _tensor(self, array: np.ndarray) -> Tensor:
        return torch.from_numpy(array).to(self._data.device)

    def leave(self) -> Iterator[Record]:
        """The records of members that are done, if enough are; the others close ranks.

        Where layers keep running statistics nobody waits: a waiting member's would go on changing.
        """
        staying = np.flatnonzero(~self.control.stopped)
        width = len(self.members)
        if len(staying) == width:
            return
        if self.buffers or not len(staying) or stack_width(len(staying)) < width:
            leaving = np.flatnonzero(self.control.stopped)
            # So many at a time that what they make of items fits.
            sizes = map(len, self._data.test_labels.values())
            each = 8 * self._data.dataset.n_classes * sum(sizes)
            parts = min(len(leaving), -(-len(leaving) * each // self._at_a_time))
            for rows in np.array_split(leaving, parts):
                yield from self._records(rows)
            self._keep(staying)

    def _records(self, rows: np.ndarray) -> Iterator[Record]:
        """The records of members (m,)."""
        started = time.perf_counter()
        members = [self.members[i] for i in rows]
        index, count = self._tensor(rows), len(rows)
        chosen = _some(self.best, index)
        best = last = self._evaluation.scores(count, chosen)
        if any(self.members[i].epochs != self.control.best_epoch[i] for i in rows):
            last = self._evaluation.scores(count, _some(self.weights, index))
        shared = self.feed.shared or count == 1
        fitted = self._evaluation.fitted(members, chosen, shared=shared)
        told = provenance(len(self.members), self._data.device, self.route.path, self.route.reason)
        truths = {name: labels.cpu().numpy() for name, labels in self._data.test_labels.items()}
        seconds = (time.perf_counter() - started) / count
        for i, member in enumerate(members):
            member.seconds += seconds
            yield record(
                member,
                best_epoch=int(self.control.best_epoch[rows[i]]),
                by_patience=bool(self.control.by_patience[rows[i]]),
                best=best[i],
                last=last[i],
                truths=truths,
                fitted=fitted[i],
                provenance=told,
            )

    def _keep(self, rows: np.ndarray) -> None:
        """Go on with some of the members, in the order given."""
        index = self._tensor(rows)
        self.members = [self.members[i] for i in rows]
        self.control.keep(rows)
        self.feed.keep(rows)
        self.optimizer.keep(index)
        parameters = dict(zip(self._names, self.optimizer.parameters, strict=True))
        self.weights = _some(self.buffers, index) | parameters
        self.best, self._loss = _some(self.best, index), self._loss[index]
        if self.members:
            self._set_up()

    def state(self) -> State:
        """All that the coming epochs depend on, copied: training on does not change it."""
        return State(
            keys=tuple(member.trial.key for member in self.members),
            tensors={name: tensor.clone() for name, tensor in self._tensors.items()},
            values={
                **self.control.state(),
                "position": self.feed.position.tolist(),
                "steps": self.optimizer.steps,
                "threads": torch.get_num_threads(),
                "curves": [copy.deepcopy(member.curve) for member in self.members],
                "seconds": [member.seconds for member in self.members],
            },
        )

    def restore(self, state: State) -> None:
        """Go on from a state of the same members, which stays as it is."""
        for name, tensor in self._tensors.items():
            tensor.copy_(state.tensors[name])
        self.control.restore(state.values)
        self.feed.position[:] = state.values["position"]
        self.optimizer.steps = state.values["steps"]
        for i, member in enumerate(self.members):
            member.curve = copy.deepcopy(state.values["curves"][i])
            member.seconds = state.values["seconds"][i]

    @property
    def _tensors(self) -> dict[str, Tensor]:
        """Everything with an axis of members that training changes."""
        moments = {
            f"moment {i} {name}": tensor
            for i, tensors in enumerate(self.optimizer.moments)
            for name, tensor in zip(self._names, tensors, strict=True)
        }
        now = {f"now {name}": tensor for name, tensor in self.weights.items()}
        best = {f"best {name}": tensor for name, tensor in self.best.items()}
        return moments | now | best | {"loss": self._loss}


def _sampled(trials: Sequence[Trial], resident: Resident) -> list[TrainingSet]:
    """What trials train on; those of the same items are drawn one after the other."""
    sampler = resident.sampler(trials)
    order = sorted(range(len(trials)), key=lambda i: trials[i].source)
    found = {i: sampler(trials[i]) for i in order}
    return [found[i] for i in range(len(trials))]


def _some(tensors: Mapping[str, Tensor], members: Tensor) -> dict[str, Tensor]:
    """The rows of some members, (m,) int64."""
    return {name: tensor[members] for name, tensor in tensors.items()}
