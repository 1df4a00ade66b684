"""Networks of dense layers, for items of any shape."""

from __future__ import annotations

from gigo.models.layouts import Dense, Layout, at_least


def mlp(width: int = 256, depth: int = 2) -> Layout:
    """A multilayer perceptron.

    Args:
        width: units of each hidden layer.
        depth: hidden layers.

    Raises:
        SpecError: naming the option.
    """
    at_least(1, "mlp.width", width)
    at_least(1, "mlp.depth", depth)
    return [Dense(width)] * depth


def logistic() -> Layout:
    """Logistic regression: nothing before the logits."""
    return ()
