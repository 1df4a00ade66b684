"""What early stopping saw of the test set, kept so that records need not look again."""

from __future__ import annotations

import torch
from torch import Tensor

from gigo.engine.prediction import Predictions


class Watched:
    """Members' predictions on the test set at their best epoch and at their last one.

    Args:
        members: M.
        labels: (n_test,) int64, of the test set.
        n_classes: of the data set.

    Attributes:
        tensors: ``best classes`` and ``last classes`` (M, n_test), uint8 where that suffices;
            ``best loss`` and ``last loss`` (M,), mean cross-entropy in nats.
    """

    def __init__(self, members: int, labels: Tensor, n_classes: int) -> None:
        self._labels = labels
        small = torch.uint8 if n_classes <= 256 else torch.int32  # PyTorch can't index uint16
        self.tensors: dict[str, Tensor] = {}
        for epoch in ("best", "last"):
            self.tensors[f"{epoch} classes"] = labels.new_zeros(members, len(labels), dtype=small)
            self.tensors[f"{epoch} loss"] = labels.new_zeros(members, dtype=torch.float64)

    def note(self, epoch: str, found: Predictions, members: Tensor, rows: Tensor) -> None:
        """Take in what some members predict.

        Args:
            epoch: which one of theirs it was, ``best`` or ``last``.
            found: predictions on the whole test set.
            members: (m,) int64, who.
            rows: (m,) int64, where they are in ``found``.
        """
        classes = self.tensors[f"{epoch} classes"]
        classes[members] = found.classes[rows].to(classes.dtype)
        self.tensors[f"{epoch} loss"][members] = found.loss[rows]

    def of(self, epoch: str, members: Tensor) -> Predictions:
        """What was taken in last for members (m,), of their ``best`` or ``last`` epoch."""
        classes = self.tensors[f"{epoch} classes"][members]
        return Predictions(classes, classes == self._labels, self.tensors[f"{epoch} loss"][members])

    def keep(self, members: Tensor) -> None:
        """Go on with some of the members, (m,) int64, in the order given."""
        self.tensors = {name: tensor[members] for name, tensor in self.tensors.items()}
