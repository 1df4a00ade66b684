"""Networks for signals and sequences, as users write them."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn

VOCABULARY = 12


class Signals(nn.Sequential):
    """A convolution over time, of items (C, L)."""

    def __init__(self, shape: tuple[int, ...], n_classes: int) -> None:
        super().__init__(
            nn.Conv1d(shape[0], 6, 3),
            nn.BatchNorm1d(6),
            nn.ReLU(),
            nn.MaxPool1d(2),
            nn.Conv1d(6, 8, 3, padding=1),
            nn.ReLU(),
            nn.AdaptiveAvgPool1d(1),
            nn.Flatten(),
            nn.Linear(8, n_classes),
        )


class Words(nn.Module):
    """The mean of tokens' vectors, of ids (L,)."""

    def __init__(self, shape: tuple[int, ...], n_classes: int) -> None:
        super().__init__()
        self.words, self.last = nn.Embedding(VOCABULARY, 5), nn.Linear(5, n_classes)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(self.words(x).mean(1))


class Gru(nn.Module):
    """Reads ids (L,) one after the other."""

    def __init__(self, shape: tuple[int, ...], n_classes: int) -> None:
        super().__init__()
        self.words = nn.Embedding(VOCABULARY, 5)
        self.cells, self.last = nn.GRU(5, 6, batch_first=True), nn.Linear(6, n_classes)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(self.cells(self.words(x))[0][:, -1])


class Attention(nn.Module):
    """Attends over the steps of items (L, F)."""

    def __init__(self, shape: tuple[int, ...], n_classes: int) -> None:
        super().__init__()
        self.key, self.query, self.value = (nn.Linear(shape[1], 4) for _ in range(3))
        self.last = nn.Linear(4, n_classes)

    def forward(self, x: Tensor) -> Tensor:
        weights = (self.query(x) @ self.key(x).transpose(1, 2) / 2).softmax(-1)
        return self.last((weights @ self.value(x)).mean(1))


class Volumes(nn.Module):
    """A convolution over space, of items (C, D, H, W)."""

    def __init__(self, shape: tuple[int, ...], n_classes: int) -> None:
        super().__init__()
        self.conv, self.last = nn.Conv3d(shape[0], 4, 3), nn.Linear(4, n_classes)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(self.conv(x).relu().mean((2, 3, 4)))


NETWORKS: dict[Callable[[tuple[int, ...], int], nn.Module], tuple[tuple[int, ...], str]] = {
    Signals: ((2, 14), "stacked"),
    Words: ((9,), "vmap"),
    Gru: ((7,), "one at a time"),
    Attention: ((6, 3), "vmap"),
    Volumes: ((1, 4, 5, 4), "vmap"),
}
"""The shape of an item, and the way that each is trained (`gigo.engine.routes`)."""

WHOLE = {Words, Gru}
"""Those that take ids."""
