"""Training a stack: trials that share data set, size, model, recipe and validation policy.

Each member has its own labels, learning rate, patience and stop; members of one replicate see the
same batches in the same order. Losses are summed over members, so that each one's gradient is its
own. Members that are done leave at a few fixed widths.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from gigo import models
from gigo.engine import checkpoint
from gigo.engine.checkpoint import State
from gigo.engine.control import Control
from gigo.engine.kernels import copy_each
from gigo.engine.members import Member, record
from gigo.engine.noise import Noise
from gigo.engine.optimizers import Optimizer
from gigo.engine.prediction import Predictions, losses, predict
from gigo.engine.resident import Resident
from gigo.engine.stacking import Stack, stacked_tensors
from gigo.engine.watched import Watched
from gigo.rng import Stream
from gigo.splits import split
from gigo.trial import Trial
from gigo.types import Labels, Record


@dataclass(frozen=True)
class EpochDone:
    """A stack has finished an epoch.

    Attributes:
        epoch: counted from 1, ``epochs`` at most.
        running: members still training.
        width: members in the stack, those that wait to leave included.
    """

    epoch: int
    epochs: int
    running: int
    width: int


def train(
    trials: Sequence[Trial], resident: Resident, state: State | None = None
) -> Iterator[EpochDone | Record | State]:
    """Train trials as one network.

    Args:
        trials: that share everything but corruption, rate, replicate and seed.
        resident: their data set, in the dtype that training computes in.
        state: to go on from, of the same trials in the same order.

    Yields:
        An `EpochDone` an epoch, a `Record` a trial, and every few minutes the `State` of the stack.
    """
    stack = TrainingStack(trials, resident)
    if state is not None:
        stack.restore(state)
    saved = time.perf_counter()
    while stack.members:
        stack.run_epoch()
        yield EpochDone(stack.control.epoch, stack.recipe.epochs, stack.running, len(stack.members))
        yield from stack.leave()
        if stack.members and time.perf_counter() - saved >= checkpoint.EVERY:
            yield stack.state()
            saved = time.perf_counter()


def stack_width(members: int) -> int:
    """The narrowest width that so many members may train in: 1 to 8, then 10, 12, 14, 16, 20...

    Few widths mean few kernels to set up; steps of a quarter or less waste little.
    """
    unit = max(1, 1 << max(0, (members - 1).bit_length() - 3))
    return -(-members // unit) * unit


class TrainingStack:
    """A stack between epochs.

    Attributes:
        members: those in the stack, in the order of the tensors' first axis.
        control: their learning rates and stops.
        optimizer: their parameters and moments, float32 (float64 if that is computed in).
        buffers: their running statistics, by name.
        best: the weights of each one's best epoch, parameters and buffers by name.
        watched: what they predicted on the test set, if early stopping looks at that, else None.
    """

    def __init__(self, trials: Sequence[Trial], resident: Resident) -> None:
        first = trials[0]
        self.recipe, self.validation = first.recipe, first.validation
        self._data = resident
        self.members = [Member(trial, split(trial, resident.dataset)) for trial in trials]
        self.control = Control(self.recipe, len(trials))
        networks = _initial_networks(trials, resident)
        self._network = networks[0]
        self._drops = any("Dropout" in type(m).__name__ for m in self._network.modules())
        master = torch.float64 if resident.dtype == torch.float64 else torch.float32
        tensors = stacked_tensors(networks, master)
        tensors = {name: tensor.to(resident.device) for name, tensor in tensors.items()}
        self._names = [name for name, _ in self._network.named_parameters()]
        self.optimizer = Optimizer(self.recipe, [tensors.pop(name) for name in self._names])
        self.buffers = tensors
        self.best = {name: tensor.clone() for name, tensor in self._weights.items()}
        self.watched: Watched | None = None
        if self.validation == "oracle":
            classes = resident.dataset.n_classes
            self.watched = Watched(len(trials), resident.test_labels, classes)
        self._set_up()

    @property
    def running(self) -> int:
        """Members still training."""
        return int((~self.control.stopped).sum())

    @property
    def _weights(self) -> dict[str, Tensor]:
        return dict(zip(self._names, self.optimizer.parameters, strict=True)) | self.buffers

    def _set_up(self) -> None:
        """What depends on who is in the stack."""
        self._shared = len({member.replicate for member in self.members}) == 1
        self._stack = self._stack_for(len(self.members), shared=self._shared)
        self._test_stack = self._stack_for(len(self.members), shared=True)
        # Gradients are taken at copies in the computing dtype; the masters stay exact.
        self._leaves = [
            torch.empty_like(p, dtype=self._data.dtype).requires_grad_()
            for p in self.optimizer.parameters
        ]

    def run_epoch(self) -> None:
        """Train every member for one epoch and take note of how it went."""
        started = time.perf_counter()
        rates = self.control.learning_rate
        running = np.flatnonzero(~self.control.stopped)
        self.optimizer.set_rates(rates)
        loss = self._train_epoch()
        monitored = self._monitor()
        accuracy = None if monitored is None else monitored.accuracy.cpu().numpy()
        improved = self.control.update(accuracy, ~np.isfinite(loss))
        self._keep_best(improved)
        if self.watched is not None and monitored is not None:
            for epoch, rows in (("best", np.flatnonzero(improved)), ("last", running)):
                index = self._tensor(rows)
                self.watched.note(epoch, monitored, index, index)
        seconds = (time.perf_counter() - started) / len(running)
        for i in running:
            curve = {"train_loss": loss[i], "learning_rate": rates[i]}
            if monitored is not None and accuracy is not None:
                curve |= {"monitor_accuracy": accuracy[i], "monitor_loss": float(monitored.loss[i])}
            self.members[i].note(curve, seconds)

    def _train_epoch(self) -> np.ndarray:
        """(M,) mean training loss over the epoch."""
        items, labels = self._order()
        n, size = labels.shape[1], self.recipe.batch_size
        total = torch.zeros(len(self.members), dtype=torch.float64, device=self._data.device)
        for start in range(0, n, size):
            part = slice(start, start + size)
            total += self._step(items[..., part], labels[:, part], start)
        return (total / n).cpu().numpy()

    def _step(self, items: Tensor, labels: Tensor, start: int) -> Tensor:
        """One step of the optimiser; returns the batch's summed losses (M,).

        Args:
            items: (n,) or (M, n) of the batch.
            labels: (M, n).
            start: where in the epoch the batch begins.
        """
        with torch.no_grad():
            copy_each(self._leaves, self.optimizer.parameters)
        tensors = dict(zip(self._names, self._leaves, strict=True)) | self.buffers
        noise = None
        if self._drops:
            replicates = [member.replicate for member in self.members]
            noise = Noise(replicates, f"{self.control.epoch}/{start}", self._data.device)
        logits = self._stack(tensors, self._data.train.batch(items), train=True, noise=noise)
        each = losses(logits, labels)
        gradients = torch.autograd.grad(each.mean(1).sum(), self._leaves)
        with torch.no_grad():
            copy_each(self.optimizer.gradients, gradients)
            self.optimizer.step()
        return each.detach().sum(1)

    def _order(self) -> tuple[Tensor, Tensor]:
        """This epoch's items, (n,) or (M, n), and labels (M, n)."""
        n, epoch = len(self.members[0].split.items), self.control.epoch
        orders = {
            (seed, replicate): Stream(seed, replicate, f"order/{epoch}").permutation(n)
            for seed, replicate in {m.replicate for m in self.members}
        }
        items = [m.split.items[orders[m.replicate]] for m in self.members]
        labels = [m.split.labels[orders[m.replicate]] for m in self.members]
        return self._index(items), self._tensor(np.stack(labels))

    def _index(self, rows: Sequence[Labels]) -> Tensor:
        """Indices (n,) where the members share them, else (M, n)."""
        return self._tensor(rows[0] if self._shared else np.stack(rows))

    def _tensor(self, array: np.ndarray) -> Tensor:
        return torch.from_numpy(array).to(self._data.device)

    def _monitor(self) -> Predictions | None:
        """What early stopping looks at, or None."""
        if self.validation == "none":
            return None
        tensors = self._cast(self._weights)
        if self.validation == "oracle":
            return self._test(self._test_stack, tensors)
        items = self._index([m.split.held_out for m in self.members])
        labels = self._tensor(np.stack([m.split.held_out_labels for m in self.members]))
        return predict(self._stack, tensors, self._data.train, items, labels)

    def _test(self, stack: Stack, tensors: dict[str, Tensor]) -> Predictions:
        labels = self._data.test_labels
        items = torch.arange(len(labels), device=labels.device)
        return predict(stack, tensors, self._data.test, items, labels[None])

    def _stack_for(self, members: int, *, shared: bool) -> Stack:
        return Stack(self._network, members, self._data.train.form(shared=shared))

    def _cast(self, weights: dict[str, Tensor]) -> dict[str, Tensor]:
        """Parameters in the computing dtype, buffers as they are."""
        return {
            name: tensor.to(self._data.dtype) if name not in self.buffers else tensor
            for name, tensor in weights.items()
        }

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
                "steps": self.optimizer.steps,
                "curves": [member.copied_curve() for member in self.members],
                "seconds": [member.seconds for member in self.members],
            },
        )

    def restore(self, state: State) -> None:
        """Go on from a state of the same members, which stays as it is."""
        for name, tensor in self._tensors.items():
            tensor.copy_(state.tensors[name])
        self.control.restore(state.values)
        self.optimizer.steps = state.values["steps"]
        history = zip(state.values["curves"], state.values["seconds"], strict=True)
        for member, (curve, seconds) in zip(self.members, history, strict=True):
            member.curve, member.seconds = curve, seconds
            member.curve = member.copied_curve()

    @property
    def _tensors(self) -> dict[str, Tensor]:
        """Everything with an axis of members that an epoch changes."""
        moments = {
            f"moment {i} {name}": tensor
            for i, tensors in enumerate(self.optimizer.moments)
            for name, tensor in zip(self._names, tensors, strict=True)
        }
        now = {f"now {name}": tensor for name, tensor in self._weights.items()}
        best = {f"best {name}": tensor for name, tensor in self.best.items()}
        seen = {} if self.watched is None else self.watched.tensors
        return moments | now | best | {f"watched {name}": tensor for name, tensor in seen.items()}

    def _keep(self, rows: np.ndarray) -> None:
        index = self._tensor(rows)
        self.members = [self.members[i] for i in rows]
        self.control.keep(rows)
        self.optimizer.keep(index)
        self.buffers = {name: tensor[index] for name, tensor in self.buffers.items()}
        self.best = {name: tensor[index] for name, tensor in self.best.items()}
        if self.watched is not None:
            self.watched.keep(index)
        if self.members:
            self._set_up()

    def _records(self, rows: np.ndarray) -> Iterator[Record]:
        started = time.perf_counter()
        index = self._tensor(rows)
        members = [self.members[i] for i in rows]
        chosen = self._cast({name: tensor[index] for name, tensor in self.best.items()})
        test, test_last = self._tested(rows, chosen)
        fitted = self._fitted(members, chosen)
        seconds = (time.perf_counter() - started) / len(rows)
        for i, member in enumerate(members):
            member.seconds += seconds
            yield record(
                member,
                best_epoch=int(self.control.best_epoch[rows[i]]),
                by_patience=bool(self.control.by_patience[rows[i]]),
                test=test.row(i),
                test_last=test_last.row(i),
                fitted=fitted[i],
                n_classes=self._data.dataset.n_classes,
                width=len(self.members),
                device=self._data.device,
            )

    def _tested(
        self, rows: np.ndarray, chosen: dict[str, Tensor]
    ) -> tuple[Predictions, Predictions]:
        """What members predict on the test set with their chosen weights and with their last."""
        index = self._tensor(rows)
        if self.watched is not None:
            return self.watched.of("best", index), self.watched.of("last", index)
        stack = self._stack_for(len(rows), shared=True)
        test = self._test(stack, chosen)
        if all(self.members[i].epochs == self.control.best_epoch[i] for i in rows):
            return test, test
        last = self._cast({name: tensor[index] for name, tensor in self._weights.items()})
        return test, self._test(stack, last)

    def _fitted(self, members: Sequence[Member], chosen: dict[str, Tensor]) -> np.ndarray:
        """(m, n) classes that members predict for the items they were trained on."""
        shared = self._shared or len(members) == 1
        rows = [m.split.items for m in members]
        items = self._tensor(rows[0] if shared else np.stack(rows))
        labels = self._tensor(np.stack([m.split.labels for m in members]))
        stack = self._stack_for(len(members), shared=shared)
        return predict(stack, chosen, self._data.train, items, labels).classes.cpu().numpy()


def _initial_networks(trials: Sequence[Trial], resident: Resident) -> list[nn.Module]:
    """A network a trial; those of one replicate start from the same weights."""
    made: dict[tuple[int, int], nn.Module] = {}
    dataset = resident.dataset
    for trial in trials:
        if (trial.seed, trial.replicate) in made:
            continue
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(Stream(trial.seed, trial.replicate, "weights").seed())
            made[trial.seed, trial.replicate] = models.build(
                trial.model.name, dataset.input_shape, dataset.n_classes, **trial.model.options
            )
    return [made[trial.seed, trial.replicate] for trial in trials]
