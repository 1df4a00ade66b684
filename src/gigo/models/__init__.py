"""Models to train: networks and estimators.

A network is ``(input_shape, n_classes, **options) -> torch.nn.Module``, an estimator
``(**options) -> object with fit and predict``. This index imports neither torch nor scikit-learn;
that happens when a model is built. What a network costs and which items it takes is measured
(`gigo.measuring`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from inspect import signature
from typing import Any

from gigo.errors import EngineError, SpecError
from gigo.models.estimators import boosting, tfidf
from gigo.models.networks import article_cnn, logistic, mlp, resnet, small_cnn
from gigo.types import Card, Entry, Model

__all__ = [
    "CATALOGUE",
    "DEFAULTS",
    "check_input",
    "default_for",
    "estimator",
    "is_network",
    "monitors",
]


CATALOGUE = {
    "article_cnn": Entry(
        article_cnn,
        "the article's network: six 3x3 convolutions of 32 channels, two dense layers of 128",
    ),
    "small_cnn": Entry(
        small_cnn, "two 3x3 convolutions of 16 and 32 channels, one dense layer of 64"
    ),
    "resnet": Entry(
        resnet,
        "a residual network with batch normalisation: 8, 14, 20 ... layers, the first of 16 "
        "channels",
    ),
    "mlp": Entry(mlp, "a multilayer perceptron: two hidden layers of 256, for items of any shape"),
    "logistic": Entry(logistic, "logistic regression, for items of any shape"),
    "boosting": Entry(boosting, "gradient boosted trees, for tables with categories and gaps"),
    "tfidf": Entry(tfidf, "logistic regression on TF-IDF of words, for texts"),
}
"""Networks are freshly initialised from torch's global generator; input_shape is that of one item,
(channels, height, width) for images. Estimators are fresh and not fitted."""

DEFAULTS = ("article_cnn", "small_cnn", "mlp")
"""What ``model = "auto"`` tries, in order: the first that takes a data set's items is meant."""


def default_for(card: Card) -> str:
    """What ``model = "auto"`` means for a data set."""
    if card.kind == "table":
        return "boosting"
    return "tfidf" if card.kind == "text" else _default_network(card.input_shape)


@cache
def _default_network(input_shape: tuple[int, ...]) -> str:
    """The first of `DEFAULTS` that takes items of a shape."""
    from gigo import measuring

    return next(n for n in DEFAULTS if measuring.takes(CATALOGUE[n].function, input_shape, 2))


def is_network(thing: Any) -> bool:
    """Whether a model is called with an input shape and a number of classes, or with nothing.

    Raises:
        SpecError: it can't be called in either way.
    """
    if hasattr(thing, "fit"):
        return False
    needed = [
        each
        for each in signature(thing).parameters.values()
        if each.default is each.empty
        and each.kind in (each.POSITIONAL_ONLY, each.POSITIONAL_OR_KEYWORD)
    ]
    if len(needed) not in (0, 2):
        expected = "(input_shape, n_classes) -> nn.Module, or () -> estimator with fit and predict"
        raise SpecError("model", getattr(thing, "__qualname__", repr(thing)), expected)
    return len(needed) == 2


def estimator(thing: Any, options: Mapping[str, Any]) -> Callable[[], Any]:
    """What makes fresh estimators of a class, a function or an object, with options set.

    Raises:
        SpecError: it can't be made, or has no fit and predict.
    """
    from sklearn.base import clone

    def make() -> Any:
        if callable(thing):
            return thing(**options)
        copy: Any = clone(thing)
        return copy.set_params(**options)

    name = getattr(thing, "__qualname__", type(thing).__name__)
    try:
        made = make()
    except Exception as error:  # anybody's code
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        raise SpecError("model", name, f"an estimator that can be made ({reason})") from error
    if not (hasattr(made, "fit") and hasattr(made, "predict")):
        raise SpecError("model", name, f"an object with fit and predict, not {type(made).__name__}")
    return make


def monitors(estimator: Any) -> bool:
    """Whether an estimator's fit has a use for held-out items."""
    if hasattr(estimator, "monitors"):
        return bool(estimator.monitors)
    known = estimator.get_params() if hasattr(estimator, "get_params") else {}
    return known.get("early_stopping_rounds") is not None


@cache
def check_input(model: Model, card: Card) -> None:
    """Raise SpecError where an option is out of range or a network can't take some items."""
    from gigo import measuring

    shape = (model.features.width,) if model.features else card.input_shape
    if card.kind in ("table", "text") and not model.features:
        fit = f"a model for the {card.kind}s of {card.name}, such as {default_for(card)}"
        raise SpecError("model", model.label, fit)
    try:
        measuring.running(model.value, shape, card.n_classes)
        return
    except EngineError as error:
        reason = f"{error}"
    items = f"items of shape {shape}"
    if len(shape) == 3:
        items = "x".join(map(str, shape[1:])) + " images"
        side = measuring.smallest_side(model.value, shape[0], card.n_classes)
        if side is not None and side > min(shape[1:]):
            reason = f"this one needs {side}x{side}"
    fit = f"a model for the {items} of {card.name}, such as {default_for(card)} ({reason})"
    raise SpecError("model", model.label, fit)
