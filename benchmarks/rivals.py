"""The rivals: the same networks and recipe in Keras and in plain PyTorch, as people write them."""

from __future__ import annotations

from typing import Any

import numpy as np


def keras_article(shape: tuple[int, int, int], optimizer: Any = "adam") -> Any:
    """The article's network for 10 classes; ``shape`` is (height, width, channels)."""
    import keras  # pyright: ignore[reportMissingImports] - an extra
    from keras import layers  # pyright: ignore[reportMissingImports] - an extra

    conv: dict[str, Any] = {"kernel_size": 3, "activation": "relu"}
    mixed = keras.config.dtype_policy().name.startswith("mixed")
    model = keras.Sequential(
        [
            layers.Input(shape),
            layers.Conv2D(32, **conv),
            layers.Conv2D(32, **conv),
            layers.MaxPooling2D(),
            layers.Conv2D(32, **conv),
            layers.Conv2D(32, **conv),
            layers.MaxPooling2D(),
            layers.Conv2D(32, **conv),
            layers.Conv2D(32, padding="same", **conv),
            layers.Flatten(),
            layers.Dense(128, activation="relu"),
            layers.Dense(128, activation="relu"),
            # Keras's guide to mixed precision has the softmax in float32.
            layers.Dense(10, activation="softmax", dtype="float32" if mixed else None),
        ]
    )
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def torch_epochs(
    network: Any,
    x: Any,
    y: Any,
    held_out: tuple[np.ndarray, np.ndarray] | None,
    batch_size: int,
    epochs: int,
    device: str = "cpu",
    *,
    half: bool = False,
) -> None:
    """A plain training loop with the data in memory, or on the device already, and no DataLoader.

    It computes in float32 as PyTorch comes, or in bfloat16 by its autocast if ``half``.
    """
    import torch
    import torch.nn.functional as F

    network = network.to(device)
    images, labels = torch.as_tensor(x).to(device), torch.as_tensor(y).to(device)
    watched = None
    if held_out is not None:
        watched = [torch.from_numpy(each).to(device) for each in held_out]
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)
    for _ in range(epochs):
        network.train()
        order = torch.randperm(len(images), device=device)
        for start in range(0, len(order), batch_size):
            part = order[start : start + batch_size]
            optimizer.zero_grad()
            with torch.autocast(device, torch.bfloat16, enabled=half):
                loss = F.cross_entropy(network(images[part]), labels[part])
            loss.backward()
            optimizer.step()
        if watched is not None:
            network.eval()
            with torch.no_grad():
                hits = [
                    (network(a).argmax(1) == b).sum().item()
                    for a, b in zip(watched[0].split(1000), watched[1].split(1000), strict=True)
                ]
            assert sum(hits) >= 0
