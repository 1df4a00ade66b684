"""Multinomial logistic regression with an L2 penalty, for several strengths of it one by one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gigo.types import Labels

Weights = NDArray[np.float64]

TOLERANCE = 1e-4
"""Of the scaled gradient: twice what a loss lies above the least one is about the sum of its
squares."""

MOST_AXES = 2048
"""Finding more takes longer than it saves."""

SMALLEST = 1e-6
"""Variance along an axis that is left out, as a share of the largest."""

MOST_STEPS = 1000
"""Of the optimiser, for one strength."""


def path(
    x: Any, y: Labels, n_classes: int, strengths: Sequence[float], tolerance: float = TOLERANCE
) -> Iterator[tuple[Weights, Weights]]:
    """Minimise ``mean(cross entropy) + strength / 2 * sum(weights ** 2)``; biases are free.

    By L-BFGS (Liu & Nocedal 1989), each strength from the weights of the one before, along the
    principal axes of dense items, each scaled by what the loss is expected to curve along it: that
    takes a third of the steps where columns are correlated.

    Args:
        x: (n, d) float, dense or ``scipy.sparse.csr_array``. It is computed with in its own type.
        y: (n,) classes.
        n_classes: K.
        strengths: of the penalty, above 0; best from strong to weak.
        tolerance: of the largest part of the scaled gradient.

    Yields:
        Weights (d, K) and biases (K,) for each strength.

    >>> x, y = np.array([[-1.0], [0.0], [1.0], [2.0]]), np.array([0, 0, 1, 1])
    >>> (weights, bias), = path(x, y, 2, [0.01])
    >>> np.argmax(x @ weights + bias, axis=1)
    array([0, 0, 1, 1])
    """
    from scipy.optimize import minimize

    rows, axes = _uncorrelated(x)
    (n, d), k = rows.shape, n_classes
    squares = rows.multiply(rows) if hasattr(rows, "multiply") else np.square(rows)
    curvature = np.asarray(squares.sum(axis=0), np.float64).reshape(d, 1) * ((1 - 1 / k) / (n * k))
    weights, bias = np.zeros((d, k)), np.zeros(k)
    for strength in strengths:
        scale = 1 / np.sqrt(curvature + strength)
        found = minimize(
            partial(_loss, rows, y, scale, strength),
            np.append(weights / scale, bias),
            jac=True,
            method="L-BFGS-B",
            options={"gtol": tolerance, "ftol": 0, "maxiter": MOST_STEPS},
        )
        weights, bias = scale * found.x[: d * k].reshape(d, k), found.x[d * k :]
        yield (weights if axes is None else axes @ weights), bias


def _uncorrelated(x: Any) -> tuple[Any, NDArray[Any] | None]:
    """Items (n, r) along their principal axes (d, r); as they are if sparse, or too many both ways.

    Axes along which they hardly differ are left out where there are fewer items than columns.
    """
    n, d = x.shape
    if not isinstance(x, np.ndarray) or min(n, d) > MOST_AXES:
        return x, None
    if d <= n:
        axes = np.linalg.eigh(x.T @ x).eigenvectors
        return x @ axes, axes
    values, axes = np.linalg.eigh(x @ x.T)
    kept = values > SMALLEST * values[-1]
    roots = np.sqrt(values[kept])
    return axes[:, kept] * roots, x.T @ (axes[:, kept] / roots)


def _loss(
    x: Any, y: Labels, scale: Weights, strength: float, parameters: Weights
) -> tuple[float, Weights]:
    """The loss, and its gradient by the scaled parameters (d * K + K,)."""
    n, d = x.shape
    rows, k = np.arange(n), len(parameters) // (d + 1)
    weights = scale * parameters[: d * k].reshape(d, k)
    scores = np.asarray(x @ weights.astype(x.dtype)) + parameters[d * k :].astype(x.dtype)
    scores -= scores.max(axis=1, keepdims=True)
    picked = scores[rows, y].sum(dtype=np.float64)
    np.exp(scores, out=scores)
    sums = scores.sum(axis=1, keepdims=True)
    entropy = (np.log(sums).sum(dtype=np.float64) - picked) / n
    scores /= sums
    scores[rows, y] -= 1
    gradient = np.asarray(x.T @ scores, np.float64) / n + strength * weights
    penalty = strength / 2 * float(np.vdot(weights, weights))
    return float(entropy) + penalty, np.append(scale * gradient, scores.mean(axis=0))
