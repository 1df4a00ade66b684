"""Random crops and mirror images of what a member trains on (He et al. 2016, section 4.2).

A *view* of an image says how it is shown: ``(down, right, mirrored)``, where the window moves so
many pixels over an image padded with zeros, -crop to crop, and mirrored is 0 or 1. Items get new
views every epoch, the same for all members of a replicate.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from gigo.recipe import Recipe
from gigo.rng import Stream
from gigo.types import Labels


def draw_views(replicate: tuple[int, int], epoch: int, items: int, recipe: Recipe) -> Labels | None:
    """Views (n, 3), int64, of an epoch's items in their order; None where a recipe shows all as is.

    Args:
        replicate: (seed, replicate).
        epoch: counted from 0.
        items: how many the member trains on.
        recipe: whose ``crop`` and ``flip`` apply.
    """
    if not recipe.augments:
        return None
    stream = Stream(*replicate, f"augmentation/{epoch}")
    moves = stream.integers(2 * items, 2 * recipe.crop + 1).reshape(items, 2) - recipe.crop
    mirrored = stream.integers(items, 2 if recipe.flip else 1)
    return np.column_stack([moves, mirrored])


def seen(images: Tensor, indices: Tensor, views: Tensor) -> Tensor:
    """Images by index, each in its view.

    Args:
        images: (n, H, W, C).
        indices: (...), int64.
        views: (..., 3), int64.

    Returns:
        (..., H, W, C); what lies outside an image is 0.
    """
    height, width = images.shape[1:3]
    down, right, mirrored = views.unsqueeze(-2).unbind(-1)  # each (..., 1)
    across = torch.arange(width, device=images.device)
    across = torch.where(mirrored == 1, across.flip(0), across)
    rows, inside_rows = _window(torch.arange(height, device=images.device) + down, height)
    columns, inside_columns = _window(across + right, width)
    shown = images[indices[..., None, None], rows[..., :, None], columns[..., None, :]]
    inside = inside_rows[..., :, None] & inside_columns[..., None, :]
    return shown * inside.unsqueeze(-1)


def _window(places: Tensor, size: int) -> tuple[Tensor, Tensor]:
    """Places that exist instead of those that may not, and which did."""
    inside = (places >= 0) & (places < size)
    return places.clamp(0, size - 1), inside
