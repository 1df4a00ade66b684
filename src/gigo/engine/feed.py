"""Which items and labels each member of a stack trains on next.

Members may have different numbers of items. Each goes through its own, epoch after epoch, in its
replicate's order; the stack trains from boundary to boundary, a boundary being the end of the epoch
of the member, or members, whose epoch ends first. All batches before it are whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gigo.engine.members import Member, share_items
from gigo.rng import Stream
from gigo.types import Labels


@dataclass(frozen=True)
class Stretch:
    """What members train on up to the next boundary.

    Attributes:
        items: (L,) indices of items for members that share them, else (M, L).
        labels: (M, L).
        lengths: (M,) int64, how many of the L are a member's own; the others repeat its last one.
    """

    items: Labels
    labels: Labels
    lengths: Labels


class Feed:
    """Members' places in their epochs.

    Args:
        members: in the stack's order.
        batch_size: items of a member in a step.

    Attributes:
        sizes: (M,) int64, how many items a member trains on.
        position: (M,) int64, how many it has seen of its current epoch; 0 between epochs.
        shared: whether all train on the same items in the same order.
    """

    def __init__(self, members: Sequence[Member], batch_size: int) -> None:
        self._members = list(members)
        self._batch_size = batch_size
        self.position = np.zeros(len(members), np.int64)
        self._orders: dict[_Order, Labels] = {}
        self._set_up()

    def _set_up(self) -> None:
        self.sizes = np.array([len(m.split.items) for m in self._members], np.int64)
        self.shared = share_items(self._members)

    def stretch(self, epoch: Labels, running: NDArray[np.bool_]) -> Stretch:
        """What comes next.

        Args:
            epoch: (M,) int64, epochs that each has trained.
            running: (M,) bool, one at least; those that stopped are given what the first one gets.
        """
        batches = -(-(self.sizes - self.position) // self._batch_size)
        most = int(batches[running].min()) * self._batch_size
        first = int(np.flatnonzero(running)[0])
        source = [i if runs else first for i, runs in enumerate(running)]
        orders = self._current_orders(source, epoch)
        starts = self.position[source]
        places, lengths = padded([o[at : at + most] for o, at in zip(orders, starts, strict=True)])
        splits = [self._members[i].split for i in source]
        items = [s.items[row] for s, row in zip(splits, places, strict=True)]
        labels = [s.labels[row] for s, row in zip(splits, places, strict=True)]
        return Stretch(items[0] if self.shared else np.stack(items), np.stack(labels), lengths)

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

    def _current_orders(self, members: Sequence[int], epoch: Labels) -> list[Labels]:
        """Each member's order (n,) of its current epoch; made once an epoch."""
        names = [
            _Order(self._members[i].replicate, int(epoch[i]), int(self.sizes[i])) for i in members
        ]
        known = self._orders
        self._orders = {name: known[name] if name in known else name.make() for name in {*names}}
        return [self._orders[name] for name in names]


class _Order(NamedTuple):
    """Names the order that a replicate's items have in an epoch."""

    replicate: tuple[int, int]
    epoch: int
    items: int

    def make(self) -> Labels:
        return Stream(*self.replicate, f"order/{self.epoch}").permutation(self.items)


def padded(rows: Sequence[Labels]) -> tuple[Labels, Labels]:
    """Rows of any lengths as one (M, L) array, each repeating its last value; and their lengths."""
    lengths = np.array([len(row) for row in rows], np.int64)
    places = np.arange(lengths.max())
    return np.stack([row[np.minimum(places, len(row) - 1)] for row in rows]), lengths
