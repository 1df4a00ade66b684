"""A data set's inputs on the device, gathered by index."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from gigo.engine.augmentation import seen
from gigo.engine.layers import Form
from gigo.types import Dataset, Images


class Inputs:
    """Items on the device, stored as they came, given out as numbers.

    Images are kept channels last, (n, H, W, C), the layout that convolutions are fastest in.

    Args:
        x: (n, C, H, W) or (n, F); uint8 is divided by 255 when given out.
        device: where they are kept.
        dtype: what they are given out as.
    """

    def __init__(self, x: Images, device: torch.device, dtype: torch.dtype) -> None:
        last = x.transpose(0, 2, 3, 1) if x.ndim == 4 else x
        self._x = torch.tensor(np.ascontiguousarray(last), device=device)
        self._dtype = dtype

    def __len__(self) -> int:
        return len(self._x)

    def form(self, *, shared: bool) -> Form:
        """How a batch carries the members of a stack."""
        if shared:
            return "shared"
        return "channels" if self._x.ndim == 4 else "features"

    def batch(self, indices: Tensor, views: Tensor | None = None) -> Tensor:
        """Items by index.

        Args:
            indices: (N,) for members that share them, or (M, N).
            views: (N, 3) or (M, N, 3) of images (`gigo.engine.augmentation`); None shows them as
                they are.

        Returns:
            (N, C, H, W) or (N, M*C, H, W), channels last; for vectors (N, F) or (M, N, F).
        """
        own_images = indices.ndim == 2 and self._x.ndim == 4
        if own_images:
            indices = indices.T
            views = None if views is None else views.transpose(0, 1)
        x = self._x[indices] if views is None else seen(self._x, indices, views)
        if own_images:
            # (N, M, H, W, C) -> (N, H, W, M, C): a member's channels lie side by side.
            x = x.permute(0, 2, 3, 1, 4).flatten(3).contiguous()
        if x.dtype == torch.uint8:
            x = x.to(self._dtype).div_(255)
        else:
            x = x.to(self._dtype)
        if self._x.ndim == 2:
            return x
        if x.shape[3] == 1:
            # Its stride is of no consequence but for this: convolutions read from it whether images
            # are channels last, and take several times as long if it says otherwise.
            x = x.squeeze(3).unsqueeze(3)
        return x.permute(0, 3, 1, 2)


class Resident:
    """A data set on the device, its inputs given out in one dtype.

    Attributes:
        train, test: its inputs.
        test_labels: (n_test,) int64.
    """

    def __init__(self, dataset: Dataset, device: torch.device, dtype: torch.dtype) -> None:
        self.dataset = dataset
        self.device = device
        self.dtype = dtype
        x_test, y_test = dataset.tests["test"]
        self.train = Inputs(dataset.x_train, device, dtype)
        self.test = Inputs(x_test, device, dtype)
        self.test_labels = torch.tensor(y_test, device=device)
