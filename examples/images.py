"""A folder of images, and a network of one's own.

    python examples/images.py

Writes scikit-learn's digits as PNG files, a folder per class, as people have them. The network is a
function of the shape of an image and the number of classes.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from sklearn.datasets import load_digits
from torch import nn

import gigo


def write_images(folder: Path, n: int) -> Path:
    """The first n digits as files: ``folder/7/0042.png``."""
    digits: Any = load_digits()
    for k, (pixels, label) in enumerate(zip(digits.images[:n], digits.target[:n], strict=True)):
        place = folder / str(label)
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray((pixels * 15).astype(np.uint8)).save(place / f"{k:04}.png")
    return folder


def network(input_shape: tuple[int, ...], n_classes: int, width: int = 16) -> nn.Module:
    """One convolution and a dense layer."""
    channels, height, side = input_shape
    return nn.Sequential(
        nn.Conv2d(channels, width, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(width * (height // 2) * (side // 2), n_classes),
    )


def main(
    out: Path = Path("runs/digits"),
    n: int = 1797,
    rates: tuple[float, ...] = (0, 0.2, 0.4, 0.6),
    replicates: int = 5,
) -> gigo.Result:
    """Train, print the answer, write the report."""
    folder = write_images(out.parent / "digits-images", n)
    result = gigo.sweep(
        folder,
        model={"name": network, "key": "one convolution"},  # resumed by this key
        rates=rates,
        replicates=replicates,
        out=out,
    )
    print(result.answer)
    print(f"report: {result.report()}")
    return result


if __name__ == "__main__":
    main()
