"""Which items and labels each member of a stack trains on next.

Members may have different numbers of items. Each goes through its own, epoch after epoch, in its
replicate's order; the stack trains from boundary to boundary, a boundary being the end of the epoch
of the member, or members, whose epoch ends first. All batches before it are whole.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gigo.engine.augmentation import draw_views
from gigo.recipe import Recipe
from gigo.rng import Stream
from gigo.schedule import TrainingSet
from gigo.trial import Trial
from gigo.types import Labels


@dataclass
class Member:
    """A trial while it trains.

    Attributes:
        curve: per epoch trained, lists by quantity (`gigo.records.Record.curve`).
        seconds: its share of the stack's time so far.
    """

    trial: Trial
    sample: TrainingSet
    curve: dict[str, list[float]] = field(default_factory=dict[str, list[float]])
    seconds: float = 0.0

    @property
    def replicate(self) -> tuple[int, int]:
        """Names what it shares with others: (seed, replicate)."""
        return self.trial.seed, self.trial.replicate

    @property
    def epochs(self) -> int:
        """Epochs trained."""
        return len(self.curve["train_loss"])


def share_items(members: Sequence[Member]) -> bool:
    """Whether all train on the same items in the same order, and hold out the same."""
    if len({m.trial.source for m in members}) != 1:
        return False
    one, *others = (m.sample for m in members)
    return all(m.sample.places is None for m in members) and all(
        np.array_equal(one.rows, each.rows) and np.array_equal(one.held_out, each.held_out)
        for each in others
    )


class Batch(NamedTuple):
    """What a stack takes one step on.

    Attributes:
        start: where it begins in its stretch.
        items: (N,) for members that share them, else (M, N).
        views: of the items, with an axis of 3 more; None where all are shown as they are.
        labels: (M, N).
        counts: (M,) how many of the N are a member's own, the first ones; None for all.
    """

    start: int
    items: Tensor
    views: Tensor | None
    labels: Tensor
    counts: Tensor | None


class Stretch(NamedTuple):
    """What members train on up to the next boundary.

    Attributes:
        items: (L,) indices of items for members that share them, else (M, L).
        views: of the items (`gigo.engine.augmentation`), with an axis of 3 more, or None.
        labels: (M, L).
        lengths: (M,) int64, how many of the L are a member's own; the others repeat its last one.
    """

    items: Labels
    views: Labels | None
    labels: Labels
    lengths: Labels

    def batches(self, size: int, device: torch.device) -> Iterator[Batch]:
        """The stretch in batches of so many items, on a device."""
        items, labels = (torch.from_numpy(x).to(device) for x in (self.items, self.labels))
        views = None if self.views is None else torch.from_numpy(self.views).to(device)
        for start in range(0, labels.shape[1], size):
            part = slice(start, start + size)
            own = np.minimum(self.lengths - start, size)
            yield Batch(
                start,
                items[..., part],
                None if views is None else views[..., part, :],
                labels[:, part],
                None if (own == own.max()).all() else torch.from_numpy(own).to(device),
            )


class Feed:
    """Members' places in their epochs.

    Args:
        members: in the stack's order.
        recipe: theirs.

    Attributes:
        sizes: (M,) int64, how many items a member trains on.
        position: (M,) int64, how many it has seen of its current epoch; 0 between epochs.
        shared: whether all train on the same items in the same order.
    """

    def __init__(self, members: Sequence[Member], recipe: Recipe) -> None:
        self._members, self._recipe = list(members), recipe
        self.position = np.zeros(len(members), np.int64)
        self._passes: dict[tuple[Any, ...], Labels] = {}
        self._set_up()

    def _set_up(self) -> None:
        self.sizes = np.array([len(m.sample.rows) for m in self._members], np.int64)
        self.shared = share_items(self._members)

    def stretch(self, epoch: Labels, running: NDArray[np.bool_]) -> Stretch:
        """What comes next.

        Args:
            epoch: (M,) int64, epochs that each has trained.
            running: (M,) bool, one at least; those that stopped are given what the first one gets.
        """
        size = self._recipe.batch_size
        batches = -(-(self.sizes - self.position) // size)
        most = int(batches[running].min()) * size
        first = int(np.flatnonzero(running)[0])
        source = [i if runs else first for i, runs in enumerate(running)]
        looked_at = source[:1] if self.shared else source
        coming, lengths = padded(
            [
                one[at : at + most]
                for one, at in zip(
                    self._current(looked_at, epoch), self.position[looked_at], strict=True
                )
            ]
        )
        places, views = coming[..., 0], coming[..., 1:]
        sets = [self._members[i].sample for i in source]
        every = np.broadcast_to(places, (len(sets), places.shape[1]))
        labels = np.stack([s.labels[row] for s, row in zip(sets, every, strict=True)])
        if self.shared:
            items, views = sets[0].rows[places[0]], views[0]
        else:
            items = np.stack([s.rows[row] for s, row in zip(sets, places, strict=True)])
        shown = views if self._recipe.augments else None
        return Stretch(items, shown, labels, np.broadcast_to(lengths, len(sets)))

    def advance(self, stretch: Stretch, running: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Move past a stretch; returns (M,) bool, the members whose epoch ended with it."""
        self.position[running] += stretch.lengths[running]
        due = running & (self.position == self.sizes)
        self.position[due] = 0
        return due

    def keep(self, members: Labels) -> None:
        """Go on with some of the members, (m,) int64, in the order given."""
        self._members = [self._members[i] for i in members]
        self.position = self.position[members]
        self._set_up()

    def _current(self, members: Sequence[int], epoch: Labels) -> list[Labels]:
        """Each member's current epoch, drawn once for those who share all that it depends on."""
        names = [self._name(i, int(epoch[i])) for i in members]
        known = self._passes
        self._passes = {
            n: known[n] if n in known else self._drawn(self._members[i], n[1])
            for i, n in zip(members, names, strict=True)
        }
        return [self._passes[name] for name in names]

    def _name(self, i: int, epoch: int) -> tuple[Any, ...]:
        """Names all that a member's epoch depends on."""
        member = self._members[i]
        own = None if member.sample.places is None else member.trial.key
        return member.replicate, epoch, len(member.sample.rows), own

    def _drawn(self, member: Member, epoch: int) -> Labels:
        """An epoch over a member's items: (n, 1) their order or, with their views, (n, 4).

        The items given are in the order that they have without additions; added ones come in
        between, and places of items that left are passed over: rates stay paired.
        """
        name, part = member.replicate, member.sample
        order = Stream(*name, f"order/{epoch}").permutation(part.n_given)
        place = np.arange(part.n_given)
        if part.places is not None:
            added = max(0, int(part.places.max()) + 1 - part.n_given)
            between = Stream(*name, f"order/{epoch}/added").integers(added, part.n_given + 1)
            merged = np.argsort(np.append(2 * place + 1, 2 * between), kind="stable")
            place = np.full(part.n_given + added, -1)
            place[part.places] = np.arange(len(part.rows))
            order = np.append(order, part.n_given + np.arange(added))[merged]
        views = draw_views(name, epoch, len(order), self._recipe)
        found = place[order][:, None]
        found = found if views is None else np.column_stack([found, views])
        return found[found[:, 0] >= 0]


def padded(rows: Sequence[Labels]) -> tuple[Labels, Labels]:
    """Rows of any lengths as one (M, L, ...) array, each repeating its last value; and lengths."""
    lengths = np.array([len(row) for row in rows], np.int64)
    places = np.arange(lengths.max())
    return np.stack([row[np.minimum(places, len(row) - 1)] for row in rows]), lengths
