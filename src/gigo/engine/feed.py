"""Which items and labels each member of a stack trains on next.

Members may have different numbers of items. Each goes through its own, epoch after epoch, in its
replicate's order; the stack trains from boundary to boundary, a boundary being the end of the epoch
of the member, or members, whose epoch ends first. All batches before it are whole.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gigo.engine.augmentation import draw_views
from gigo.engine.members import Member, share_items
from gigo.recipe import Recipe
from gigo.rng import Stream
from gigo.types import Labels


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


@dataclass(frozen=True)
class Stretch:
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

        def there(array: Labels) -> Tensor:
            return torch.from_numpy(array).to(device)

        items, labels = there(self.items), there(self.labels)
        views = None if self.views is None else there(self.views)
        for start in range(0, labels.shape[1], size):
            part = slice(start, start + size)
            own = np.minimum(self.lengths - start, size)
            yield Batch(
                start,
                items[..., part],
                None if views is None else views[..., part, :],
                labels[:, part],
                None if (own == own.max()).all() else there(own),
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
        self._members = list(members)
        self._recipe = recipe
        self.position = np.zeros(len(members), np.int64)
        self._passes: dict[_Name, _Pass] = {}
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
        coming = [
            one.part(at, at + most)
            for one, at in zip(self._current(source, epoch), self.position[source], strict=True)
        ]
        places, lengths = padded([one.order for one in coming])
        views = [one.views for one in coming if one.views is not None]
        shown = None
        if views:
            shown = views[0] if self.shared else padded(views)[0]
        sets = [self._members[i].sample for i in source]
        items = [s.rows[row] for s, row in zip(sets, places, strict=True)]
        labels = [s.labels[row] for s, row in zip(sets, places, strict=True)]
        items = items[0] if self.shared else np.stack(items)
        return Stretch(items, shown, np.stack(labels), lengths)

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

    def _current(self, members: Sequence[int], epoch: Labels) -> list[_Pass]:
        """Each member's current epoch; drawn once."""
        names = [
            _Name(self._members[i].replicate, int(epoch[i]), int(self.sizes[i])) for i in members
        ]
        known, recipe = self._passes, self._recipe
        self._passes = {n: known[n] if n in known else n.draw(recipe) for n in {*names}}
        return [self._passes[name] for name in names]


class _Pass(NamedTuple):
    """One epoch over a member's items, or a part of it.

    Attributes:
        order: (n,) of the items.
        views: (n, 3) in that order, or None.
    """

    order: Labels
    views: Labels | None

    def part(self, start: int, end: int) -> _Pass:
        views = None if self.views is None else self.views[start:end]
        return _Pass(self.order[start:end], views)


class _Name(NamedTuple):
    """All that an epoch over a replicate's items depends on, the recipe aside."""

    replicate: tuple[int, int]
    epoch: int
    items: int

    def draw(self, recipe: Recipe) -> _Pass:
        order = Stream(*self.replicate, f"order/{self.epoch}").permutation(self.items)
        return _Pass(order, draw_views(self.replicate, self.epoch, self.items, recipe))


def padded(rows: Sequence[Labels]) -> tuple[Labels, Labels]:
    """Rows of any lengths as one (M, L, ...) array, each repeating its last value; and lengths."""
    lengths = np.array([len(row) for row in rows], np.int64)
    places = np.arange(lengths.max())
    return np.stack([row[np.minimum(places, len(row) - 1)] for row in rows]), lengths
