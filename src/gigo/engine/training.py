"""Training a stack: trials that share data set, model, recipe and validation policy.

Each member has its own labels, learning rate, patience and stop, and may have its own size; members
of one replicate and size see the same batches in the same order. Every member takes a step whenever
the stack does; those whose epoch ends are looked at. Losses are summed over members, so that each
one's gradient is its own. Members that are done leave at a few fixed widths.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gigo.costs import separate
from gigo.engine.checkpoint import EVERY, State
from gigo.engine.control import Control
from gigo.engine.evaluation import Evaluation
from gigo.engine.fallback import further_buffers
from gigo.engine.feed import Batch, Feed, Stretch
from gigo.engine.initial import initial_networks
from gigo.engine.kernels import copy_each
from gigo.engine.members import Member, provenance, record
from gigo.engine.noise import Noise
from gigo.engine.optimizers import Optimizer
from gigo.engine.prediction import Predictions, first, losses
from gigo.engine.resident import Resident
from gigo.engine.routes import Network, route
from gigo.engine.stacking import stacked_tensors
from gigo.errors import EngineError
from gigo.sample import sample
from gigo.trial import Trial
from gigo.types import Labels, Record

AT_A_TIME = 2**25
"""Bytes of class probabilities that members are given at a time when they leave."""

Mask = NDArray[np.bool_]
"""(M,), some of the members."""


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
        buffers: their running statistics, by name.
        best: the weights of each one's best epoch, parameters and buffers by name.
        route: the way the network is trained.
    """

    def __init__(
        self, trials: Sequence[Trial], resident: Resident, at_a_time: int = AT_A_TIME
    ) -> None:
        first = trials[0]
        self._at_a_time = at_a_time
        self.recipe, self.validation = first.recipe, first.validation
        self._data = resident
        self.members = [Member(trial, sample(trial, resident.dataset)) for trial in trials]
        self.control = Control(self.recipe, len(trials))
        self.feed = Feed(self.members, self.recipe)
        networks = initial_networks(trials, resident)
        network, classes = networks[0], resident.dataset.n_classes
        last = (self.feed.sizes - 1) % self.recipe.batch_size + 1
        smallest = int(last.min())
        self.route = route(network, resident.train, classes, first.model.label, smallest)
        drops = any("Dropout" in type(m).__name__ for m in network.modules())
        self._drops = drops or self.route.path == "one at a time"
        master = torch.float64 if resident.dtype == torch.float64 else torch.float32
        tensors = stacked_tensors(networks, master) | further_buffers(networks, master)
        tensors = {name: tensor.to(resident.device) for name, tensor in tensors.items()}
        self._names = [name for name, p in network.named_parameters() if p.requires_grad]
        self.optimizer = Optimizer(self.recipe, [tensors.pop(name) for name in self._names])
        self.buffers = tensors
        if len({*self.feed.sizes.tolist()}) > 1 and not separate(first):
            raise EngineError(
                f"model {first.model.label}: draws random numbers or keeps statistics: expected "
                "members of one size, lest they depend on the company"
            )
        self.best = {name: tensor.clone() for name, tensor in self._weights.items()}
        self._loss = torch.zeros(len(trials), dtype=torch.float64, device=resident.device)
        self._stacks: dict[tuple[int, bool], Network] = {}
        self._evaluation = Evaluation(resident, self._stack_for, self._names)
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
    def _weights(self) -> dict[str, Tensor]:
        return dict(zip(self._names, self.optimizer.parameters, strict=True)) | self.buffers

    def _set_up(self) -> None:
        """What depends on who is in the stack."""
        self._stack = self._stack_for(len(self.members), shared=self.feed.shared)
        # Gradients are taken at copies in the computing dtype; the masters stay exact.
        self._leaves = [
            torch.empty_like(p, dtype=self._data.dtype).requires_grad_()
            for p in self.optimizer.parameters
        ]

    def run_epoch(self) -> None:
        """Train until some members' epoch ends, and take note of how it went for them.

        That is one epoch of every member where all have as many items.
        """
        started = time.perf_counter()
        rates, running = self.control.learning_rate, ~self.control.stopped
        self.optimizer.set_rates(rates)
        stretch = self.feed.stretch(self.control.epoch, running)
        self._train(stretch, f"{self.epoch}", int(self.feed.position[running][0]))
        due = self.feed.advance(stretch, running)
        loss = self._loss.cpu().numpy() / self.feed.sizes
        self._loss[self._tensor(np.flatnonzero(due))] = 0.0
        curves = {"train_loss": loss, "learning_rate": rates} | self._judge(due, loss)
        seconds = (time.perf_counter() - started) / running.sum()
        for i in np.flatnonzero(running):
            if due[i]:
                self.members[i].note({name: values[i] for name, values in curves.items()}, seconds)
            else:
                self.members[i].seconds += seconds

    def _judge(self, due: Mask, loss: np.ndarray) -> dict[str, np.ndarray]:
        """Apply the rules to members due, whose losses (M,) are given.

        Returns:
            What was monitored, if anything: (M,) by quantity, right where a member is due.
        """
        # All are looked at where none is in mid-epoch: those who wait to leave cost less than
        # yet another width.
        together = bool((due | self.control.stopped).all())
        rows = np.arange(len(due)) if together else np.flatnonzero(due)
        found = self._monitor(rows)
        diverged = ~np.isfinite(loss)
        if found is None:
            self._keep_best(self.control.update(None, diverged, due))
            return {}
        watched = {"monitor_accuracy": found.accuracy, "monitor_loss": found.loss}
        curves = {name: np.zeros(len(due)) for name in watched}
        for name, values in watched.items():
            curves[name][rows] = values.cpu().numpy()
        self._keep_best(self.control.update(curves["monitor_accuracy"], diverged, due))
        return curves

    def _train(self, stretch: Stretch, epoch: str, position: int) -> None:
        """Take the steps of a stretch, and add up the losses of each member.

        Args:
            stretch: what to train on.
            epoch: names it, for dropout.
            position: where in the epoch the stretch begins, likewise.
        """
        for batch in stretch.batches(self.recipe.batch_size, self._data.device):
            self._loss += self._step(batch, f"{epoch}/{position + batch.start}")

    def _step(self, batch: Batch, name: str) -> Tensor:
        """One step of the optimiser, named for dropout; returns the batch's summed losses (M,)."""
        with torch.no_grad():
            copy_each(self._leaves, self.optimizer.parameters)
        tensors = dict(zip(self._names, self._leaves, strict=True)) | self.buffers
        noise = None
        if self._drops:
            replicates = [member.replicate for member in self.members]
            noise = Noise(replicates, name, self._data.device)
        x = self._data.train.batch(batch.items, batch.views)
        each = losses(self._stack(tensors, x, train=True, noise=noise), batch.labels)
        if batch.counts is None:
            means = each.mean(1)
        else:
            each = first(each, batch.counts)
            means = each.sum(1) / batch.counts
        gradients = torch.autograd.grad(means.sum(), self._leaves, materialize_grads=True)
        with torch.no_grad():
            copy_each(self.optimizer.gradients, gradients)
            self.optimizer.step()
        return each.detach().sum(1)

    def _tensor(self, array: np.ndarray) -> Tensor:
        return torch.from_numpy(array).to(self._data.device)

    def _monitor(self, rows: Labels) -> Predictions | None:
        """What early stopping looks at of members (m,), or None."""
        if self.validation == "none":
            return None
        weights = self._weights
        if len(rows) < len(self.members):
            weights = _some(weights, self._tensor(rows))
        if self.validation == "oracle":
            return self._evaluation.test(len(rows), weights)
        return self._evaluation.held_out([self.members[i] for i in rows], weights)

    def _stack_for(self, members: int, *, shared: bool) -> Network:
        if (members, shared) not in self._stacks:
            form = self._data.train.form(shared=shared)
            self._stacks[members, shared] = self.route.build(members, form)
        return self._stacks[members, shared]

    def _keep_best(self, improved: np.ndarray) -> None:
        rows = self._tensor(np.flatnonzero(improved))
        for name, tensor in self._weights.items():
            self.best[name][rows] = tensor[rows]

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
            yield from self._records(leaving)
            self._keep(staying)

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
                "curves": [member.copied_curve() for member in self.members],
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
        history = zip(state.values["curves"], state.values["seconds"], strict=True)
        for member, (curve, seconds) in zip(self.members, history, strict=True):
            member.curve, member.seconds = curve, seconds
            member.curve = member.copied_curve()

    @property
    def _tensors(self) -> dict[str, Tensor]:
        """Everything with an axis of members that training changes."""
        moments = {
            f"moment {i} {name}": tensor
            for i, tensors in enumerate(self.optimizer.moments)
            for name, tensor in zip(self._names, tensors, strict=True)
        }
        now = {f"now {name}": tensor for name, tensor in self._weights.items()}
        best = {f"best {name}": tensor for name, tensor in self.best.items()}
        return moments | now | best | {"loss": self._loss}

    def _keep(self, rows: np.ndarray) -> None:
        index = self._tensor(rows)
        self.members = [self.members[i] for i in rows]
        self.control.keep(rows)
        self.feed.keep(rows)
        self._loss = self._loss[index]
        self.optimizer.keep(index)
        self.buffers, self.best = _some(self.buffers, index), _some(self.best, index)
        if self.members:
            self._set_up()

    def _records(self, rows: np.ndarray) -> Iterator[Record]:
        """The records of members (m,), so many at a time that what they make of items fits."""
        sizes = map(len, self._data.test_labels.values())
        each = 8 * self._data.dataset.n_classes * sum(sizes)
        parts = min(len(rows), -(-len(rows) * each // self._at_a_time))
        for part in np.array_split(rows, parts):
            yield from self._left(part)

    def _left(self, rows: np.ndarray) -> Iterator[Record]:
        started = time.perf_counter()
        members = [self.members[i] for i in rows]
        index, count = self._tensor(rows), len(rows)
        chosen = _some(self.best, index)
        best = last = self._evaluation.scores(count, chosen)
        if any(self.members[i].epochs != self.control.best_epoch[i] for i in rows):
            last = self._evaluation.scores(count, _some(self._weights, index))
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
                best={name: found.row(i) for name, found in best.items()},
                last={name: found.row(i) for name, found in last.items()},
                truths=truths,
                fitted=fitted[i],
                provenance=told,
            )


def _some(tensors: Mapping[str, Tensor], members: Tensor) -> dict[str, Tensor]:
    """The rows of some members, (m,) int64."""
    return {name: tensor[members] for name, tensor in tensors.items()}
