"""A data set's inputs on the device, gathered by index."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gigo.engine.augmentation import seen
from gigo.engine.layers import Form
from gigo.sample import Sampler
from gigo.trial import Trial
from gigo.types import Dataset, Labels


class Inputs:
    """Items on the device, stored as they came, given out as numbers.

    Images are kept channels last, (n, H, W, C), the layout that convolutions are fastest in.

    Args:
        x: (n, ...): images (n, C, H, W), signals (n, C, L), vectors (n, F) or anything else. uint8
            is divided by 255 when given out; other whole numbers, such as the ids of tokens, are
            given out as int64.
        device: where they are kept.
        dtype: what is computed in, and what real numbers are given out as.

    Attributes:
        device, dtype: as given.
    """

    def __init__(self, x: NDArray[Any], device: torch.device, dtype: torch.dtype) -> None:
        self.device, self.dtype = device, dtype
        whole = np.issubdtype(x.dtype, np.integer) and x.dtype != np.uint8
        self._images, self._signals = x.ndim == 4 and not whole, x.ndim == 3 and not whole
        self._x = self._kept(x)

    def _kept(self, x: NDArray[Any]) -> Tensor:
        """Items as they are kept."""
        whole = np.issubdtype(x.dtype, np.integer) and x.dtype != np.uint8
        last = x.transpose(0, 2, 3, 1) if self._images else x
        kept = np.ascontiguousarray(last, np.int64 if whole else None)
        if np.may_share_memory(kept, x):
            return torch.tensor(kept, device=self.device)
        # Large data sets are in memory once while they come here, not twice.
        return torch.from_numpy(kept).to(self.device)

    def pooled(self, rows: NDArray[np.int64], others: Sequence[NDArray[Any]]) -> Self:
        """Some of the items, then others of the same kind, in the order given."""
        places, n = torch.from_numpy(rows).to(self.device), len(rows)
        whole = self._x.new_empty((n + sum(map(len, others)), *self._x.shape[1:]))
        torch.index_select(self._x, 0, places, out=whole[:n])
        for x in others:
            whole[n : n + len(x)] = self._kept(x)
            n += len(x)
        found = copy.copy(self)
        found._x = whole
        return found

    def __len__(self) -> int:
        return len(self._x)

    def form(self, *, shared: bool) -> Form:
        """How a batch carries the members of a stack."""
        if shared:
            return "shared"
        return "channels" if self._images or self._signals else "features"

    def batch(self, indices: Tensor, views: Tensor | None = None) -> Tensor:
        """Items by index.

        Args:
            indices: (N,) for members that share them, or (M, N).
            views: (N, 3) or (M, N, 3) of images (`gigo.engine.augmentation`); None shows them as
                they are.

        Returns:
            Images (N, C, H, W) or (N, M*C, H, W), channels last; signals (N, C, L) or
            (N, M*C, L); others (N, ...) or (M, N, ...).
        """
        own = indices.ndim == 2
        if own and self.form(shared=False) == "channels":
            indices = indices.T
            views = None if views is None else views.transpose(0, 1)
        x = self._x[indices] if views is None else seen(self._x, indices, views)
        # A member's channels lie side by side.
        if own and self._images:  # (N, M, H, W, C) -> (N, H, W, M, C)
            x = x.permute(0, 2, 3, 1, 4).flatten(3).contiguous()
        elif own and self._signals:
            x = x.flatten(1, 2)
        if x.dtype == torch.uint8:
            x = x.to(self.dtype).div_(255)
        elif x.dtype != torch.int64:
            x = x.to(self.dtype)
        if not self._images:
            return x
        if x.shape[3] == 1:
            # Its stride is of no consequence but for this: convolutions read from it whether images
            # are channels last, and take several times as long if it says otherwise.
            x = x.squeeze(3).unsqueeze(3)
        return x.permute(0, 3, 1, 2)


class Resident:
    """A data set on the device, its inputs given out in one dtype.

    Args:
        dataset: its inputs as models are given them.
        device, dtype: as of `Inputs`.
        sampler: gives what trials train on; None: as `dataset` alone has it.

    Attributes:
        dataset, device, dtype, sampler: as given.
        train: its inputs for training.
        tests: those of each test set, by name.
        test_labels: (n_test,) int64 of each, by name.
    """

    def __init__(
        self,
        dataset: Dataset,
        device: torch.device,
        dtype: torch.dtype,
        sampler: Callable[[Sequence[Trial]], Sampler] | None = None,
    ) -> None:
        self.dataset = dataset
        self.device = device
        self.dtype = dtype
        self.sampler = sampler or partial(Sampler, dataset)
        self.train = Inputs(dataset.x_train, device, dtype)
        self.tests = {name: Inputs(x, device, dtype) for name, (x, _) in dataset.tests.items()}
        self.test_labels = {
            name: torch.tensor(y, device=device) for name, (_, y) in dataset.tests.items()
        }

    def with_inputs(self, train: Inputs, probes: Mapping[str, tuple[Any, Labels]]) -> Self:
        """The same with other inputs for training, and further test sets."""
        found = copy.copy(self)
        found.train = train
        found.tests, found.test_labels = {**self.tests}, {**self.test_labels}
        for name, (x, y) in probes.items():
            found.tests[name] = Inputs(np.asarray(x), self.device, self.dtype)
            found.test_labels[name] = torch.tensor(y, device=self.device)
        return found
