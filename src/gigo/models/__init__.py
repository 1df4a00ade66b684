"""Models to train: networks and estimators.

A network is ``(input_shape, n_classes, **options) -> torch.nn.Module``, an estimator
``(**options) -> object with fit and predict``. This index imports neither torch nor scikit-learn;
that happens when a model is built. What a network costs and which items it takes is measured
(`gigo.measuring`).
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import cache, partial
from inspect import Parameter, signature
from textwrap import shorten
from typing import Any

from gigo.entries import Entry
from gigo.errors import EngineError, SpecError, unknown
from gigo.models.embedding import Embedding
from gigo.models.estimators import boosting, forest, knn, tfidf
from gigo.models.logistic import Logistic
from gigo.models.networks import article_cnn, linear, mlp, resnet, small_cnn
from gigo.models.patches import fits, patches
from gigo.types import Card, Model

__all__ = [
    "CATALOGUE",
    "DEFAULTS",
    "FEATURES",
    "Embedding",
    "check_input",
    "check_kind",
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
    "linear": Entry(linear, "a linear layer trained by the recipe, for items of any shape"),
    "logistic": Entry(
        Logistic, "logistic regression, its strength chosen on held-out items, for vectors"
    ),
    "patches": Entry(
        Logistic,
        "the same on features of images: whitened patches, learned without labels",
        features="patches",
    ),
    "boosting": Entry(
        boosting, "gradient boosted trees, for tables with categories, texts and gaps"
    ),
    "forest": Entry(forest, "a random forest, for the same tables, and for items of any shape"),
    "knn": Entry(knn, "the vote of the nearest neighbours, for items of any shape, and tables"),
    "tfidf": Entry(tfidf, "logistic regression on TF-IDF of words, for texts"),
}
"""Networks are freshly initialised from torch's global generator; input_shape is that of one item,
(channels, height, width) for images. Estimators are fresh and not fitted."""

FEATURES = {
    "patches": Entry(
        patches, "codes of whitened patches of images, pooled by quadrant: 1,600 numbers"
    )
}
"""``(card) -> Features``: what inputs can be made into before a model sees them."""

DEFAULTS = ("article_cnn", "small_cnn", "mlp")
"""What ``model = "auto"`` tries for images on an accelerator, in order: the first that takes a data
set's items is meant."""


def default_for(card: Card, accelerated: bool = False) -> str:
    """What ``model = "auto"`` means for a data set.

    Args:
        card: of the data set.
        accelerated: whether networks train on something faster than a CPU.
    """
    if card.kind == "table":
        return "boosting"
    if card.kind == "text":
        return "tfidf"
    if card.kind == "vector":
        return "logistic"
    if accelerated or not fits(card.input_shape):
        return _default_network(card.input_shape)
    return "patches"


@cache
def _default_network(input_shape: tuple[int, ...]) -> str:
    """The first of `DEFAULTS` that takes items of a shape."""
    from gigo import measuring

    return next(n for n in DEFAULTS if measuring.takes(CATALOGUE[n].function, input_shape, 2))


def is_network(thing: Any, options: Collection[str] = ()) -> bool:
    """Whether a model is called with an input shape and a number of classes, or with nothing.

    Args:
        thing: an estimator, a class, a function, or anything else that a user took for a model.
        options: names of the arguments that it gets besides.

    Raises:
        SpecError: it can't be called in either way.
    """
    name = getattr(thing, "__qualname__", type(thing).__name__)
    if hasattr(thing, "fit"):
        if isinstance(thing, type):
            _check_options(name, _parameters(thing) or (), options)
        return False
    if _is_module(thing):
        expected = (
            "its class, or a function (input_shape, n_classes) that builds one, not a network that "
            "is built already: every trial needs a new one"
        )
        raise SpecError("model", name, expected)
    expected = "(input_shape, n_classes) -> nn.Module, or () -> estimator with fit and predict"
    if not callable(thing):
        raise SpecError("model", name, expected)
    parameters = _parameters(thing)
    if parameters is None:
        return False
    _check_options(name, parameters, options)
    free = [each for each in parameters if each.name not in options]
    needed = [each for each in free if each.default is each.empty and each.kind not in VARIABLE]
    if any(each.kind is each.KEYWORD_ONLY for each in needed) or len(needed) not in (0, 2):
        lacking = ", ".join(each.name for each in needed)
        told = f"this one needs {lacking}: others than these two need a default, or are options"
        raise SpecError("model", name, f"{expected} ({told})")
    if needed or not _takes_two(free):
        return bool(needed)
    return issubclass(thing, _module()) if isinstance(thing, type) else _gives_module(thing)


def _parameters(thing: Callable[..., Any]) -> Sequence[Parameter] | None:
    """Those of a function or a class; None where they are not known: some of C have none."""
    try:
        return tuple(signature(thing).parameters.values())
    except (TypeError, ValueError):
        return None


def _check_options(name: str, parameters: Sequence[Parameter], options: Collection[str]) -> None:
    """Raise SpecError where a function or a class does not take an option."""
    if any(each.kind is Parameter.VAR_KEYWORD for each in parameters):
        return
    known = {each.name for each in parameters if each.kind not in VARIABLE}
    for option in options:
        if option not in known:
            raise unknown(f"model.{name}", option, known)


VARIABLE = Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD


def _takes_two(free: Sequence[Parameter]) -> bool:
    """Whether two arguments may be given by place."""
    by_place = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)
    several = any(each.kind is Parameter.VAR_POSITIONAL for each in free)
    return several or sum(each.kind in by_place for each in free) >= 2


def _module() -> Any:
    """What all networks are; nothing is one where torch has not been imported."""
    torch: Any = sys.modules.get("torch")
    return torch.nn.Module if torch else ()


def _is_module(thing: Any) -> bool:
    return isinstance(thing, _module())


def _gives_module(thing: Callable[[], Any]) -> bool:
    """Whether a function that needs no argument builds a network."""
    try:
        return _is_module(thing())
    except Exception:  # anybody's code; `estimator` will say what it raises
        return False


def estimator(thing: Any, options: Mapping[str, Any]) -> Callable[[], Any]:
    """What makes fresh estimators of a class, a function or an object, with options set.

    Raises:
        SpecError: it can't be made, has no fit and predict, or is a regressor.
    """
    from sklearn.base import RegressorMixin

    make = partial(_fresh, thing, dict(options))
    name = getattr(thing, "__qualname__", type(thing).__name__)
    try:
        made = make()
    except SpecError:
        raise
    except Exception as error:  # anybody's code
        reason = shorten(f"{type(error).__name__}: {error}", 300)
        how = "made" if isinstance(thing, type) or not hasattr(thing, "fit") else "copied per trial"
        raise SpecError("model", name, f"an estimator that can be {how} ({reason})") from error
    if not (hasattr(made, "fit") and hasattr(made, "predict")):
        raise SpecError("model", name, f"an object with fit and predict, not {type(made).__name__}")
    if isinstance(made, RegressorMixin):
        raise SpecError("model", name, "a classifier, not a regressor")
    return make


def _fresh(thing: Any, options: Mapping[str, Any]) -> Any:
    """A new estimator: of a class or a function by a call, of an object by a copy of it."""
    from sklearn.base import clone

    if isinstance(thing, type) or not hasattr(thing, "fit"):
        return thing(**options)
    copy: Any = clone(thing, safe=False)
    return copy.set_params(**options) if options else copy


def check_kind(name: str, card: Card) -> None:
    """Raise SpecError where an estimator of the catalogue has no use for a data set's inputs."""
    if (name == "tfidf") != (card.kind == "text"):
        fit = f"a model for the {card.kind}s of {card.name}, such as {default_for(card)}"
        raise SpecError("model", name, fit)


def monitors(estimator: Any) -> bool:
    """Whether an estimator's fit has a use for held-out items."""
    if hasattr(estimator, "monitors"):
        return bool(estimator.monitors)
    known = estimator.get_params() if hasattr(estimator, "get_params") else {}
    names = ("early_stopping_rounds", "early_stopping_round")  # XGBoost's, and LightGBM's
    return any(known.get(name) is not None for name in names)


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
    except measuring.WrongOutput as error:
        fit = f"a network with {card.n_classes} logits, one per class of {card.name}: it {error}"
        raise SpecError("model", model.label, fit) from None
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
