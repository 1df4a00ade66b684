"""The building block of residual networks."""

from __future__ import annotations

from torch import Tensor, nn


class ResidualBlock(nn.Module):
    """``relu(body(x) + shortcut(x))``, as in He et al. 2016 ("Deep Residual Learning"), figure 2.

    The body is two 3x3 convolutions without bias, each with batch normalisation, the first with a
    ReLU. The shortcut is x or, where the shape changes, a 1x1 convolution of it and batch
    normalisation (equation 2). Takes (N, inputs, H, W), gives (N, channels, H / stride,
    W / stride), sides rounded up.
    """

    def __init__(self, inputs: int, channels: int, stride: int = 1) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(inputs, channels, 3, stride, padding=1, bias=False),
            nn.BatchNorm2d(channels),
            nn.ReLU(),
            nn.Conv2d(channels, channels, 3, padding=1, bias=False),
            nn.BatchNorm2d(channels),
        )
        self.shortcut = nn.Identity()
        if stride > 1 or inputs != channels:
            self.shortcut = nn.Sequential(
                nn.Conv2d(inputs, channels, 1, stride, bias=False), nn.BatchNorm2d(channels)
            )
        self.relu = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        return self.relu(self.body(x) + self.shortcut(x))
