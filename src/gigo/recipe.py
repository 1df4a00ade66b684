"""How a model is trained, as data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Discriminator, Field, PrivateAttr, Tag, model_serializer

from gigo.errors import SpecError, unknown
from gigo.ref import canonical
from gigo.spec import Spec

MOST = 2**31
"""Of whole numbers: more is a slip of the pen."""


class Recipe(Spec):
    """How a model is trained. The defaults are the article's.

    Attributes:
        optimizer: ``adam`` (Kingma & Ba 2015, epsilon added as Keras adds it) or ``sgd``.
        learning_rate: at the start.
        momentum: of SGD (Polyak's, as PyTorch and Keras apply it).
        weight_decay: L2 penalty added to the gradient, weights and biases alike.
        epsilon: of Adam.
        batch_size: the last, short batch of an epoch is kept.
        epochs: at most.
        patience: stop after so many epochs without a strictly better monitored accuracy; 0 never.
        plateau_patience: multiply the rate by ``plateau_factor`` after so many epochs without an
            improvement of more than ``plateau_min_delta``; 0 never.
        schedule: ``constant``, ``cosine`` (to 0 over ``epochs``; Loshchilov & Hutter 2017,
            section 3, without restarts) or ``step`` (times ``step_factor`` every ``step_epochs``).
        flip: mirror images left to right at random, anew each epoch. Not for data sets whose
            classes that would mix up, such as digits.
        crop: train on random windows, as large as the image, of the image padded with so many
            pixels of zeros on each side (He et al. 2016, section 4.2, pad with 4); 0 never.

    >>> Recipe(batch_size=64).label
    'article batch_size=64'
    """

    optimizer: Literal["adam", "sgd"] = "adam"
    learning_rate: float = Field(default=1e-3, gt=0)
    momentum: float = Field(default=0.9, ge=0, lt=1)
    weight_decay: float = Field(default=0.0, ge=0)
    epsilon: float = Field(default=1e-7, gt=0)
    batch_size: int = Field(default=256, ge=1, lt=MOST)
    epochs: int = Field(default=100, ge=1, lt=MOST)
    patience: int = Field(default=10, ge=0, lt=MOST)
    plateau_patience: int = Field(default=5, ge=0, lt=MOST)
    plateau_factor: float = Field(default=0.1, gt=0, lt=1)
    plateau_min_delta: float = Field(default=1e-4, ge=0)
    schedule: Literal["constant", "cosine", "step"] = "constant"
    step_epochs: int = Field(default=30, ge=1, lt=MOST)
    step_factor: float = Field(default=0.1, gt=0, lt=1)
    flip: bool = False
    crop: int = Field(default=0, ge=0, lt=MOST)

    _called: str = PrivateAttr(default="")

    def __hash__(self) -> int:
        return hash(tuple(vars(self).values()))

    def on(self, n_items: int) -> Recipe:
        """What trains on so many items: itself, whatever their number."""
        return self

    def called(self, label: str) -> Self:
        """The same recipe with a label of its own."""
        other = self.model_copy()
        other._called = label
        return other

    @property
    def augments(self) -> bool:
        """Whether images are shown otherwise than they are."""
        return self.flip or self.crop > 0

    @property
    def identity(self) -> str:
        """What stands for it in trials' keys."""
        return _identity(self)

    @property
    def label(self) -> str:
        """The built-in recipe's name, with what differs from the nearest one."""
        return self._called or _label(self)

    @property
    def told(self) -> str:
        """Its main numbers, for people.

        >>> Recipe(batch_size=64).told
        'batches of 64, up to 100 epochs, patience 10, learning rate 0.001'
        """
        patience = f"patience {self.patience}" if self.patience else "no early stopping"
        rate = f"learning rate {self.learning_rate:g}"
        epochs = f"up to {self.epochs:,} epochs"
        return ", ".join([f"batches of {self.batch_size:,}", epochs, patience, rate])


class Auto(Recipe):
    """A recipe that follows the data: what is not given is worked out from the number of items.

    Batches are a power of two, 16 to 256 items, of which an epoch has 32 or more where there are
    that many items. However few items there are, the epochs allowed come to `STEPS` steps of the
    optimiser or more, and early stopping waits for `PATIENT_STEPS` or more.

    >>> small, large = Auto().on(50), Auto(learning_rate=0.01).on(60_000)
    >>> small.label, small.batch_size, small.patience
    ('auto', 16, 50)
    >>> large.label, large.batch_size, large.patience
    ('auto learning_rate=0.01', 256, 10)
    """

    base: Literal["auto"] = "auto"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Auto) and self.given == other.given

    def __hash__(self) -> int:
        return hash(tuple(self.given.items()))

    def __repr_args__(self) -> Iterable[tuple[str, Any]]:
        return self.given.items()

    @property
    def given(self) -> dict[str, Any]:
        """The options that are not worked out, by name."""
        names = [name for name in Recipe.model_fields if name in self.model_fields_set]
        return {name: getattr(self, name) for name in names}

    @property
    def label(self) -> str:
        return " ".join(["auto", *(f"{name}={value}" for name, value in self.given.items())])

    @model_serializer
    def _plain(self) -> dict[str, Any]:
        return {"base": "auto", **self.given}

    def on(self, n_items: int) -> Recipe:
        """The whole recipe for a training set of so many items, those held out included."""
        return _on(self, n_items)


EPOCH_STEPS = 32
"""Of the optimiser, that an epoch of `Auto` has where there are items enough."""

STEPS = 1200
"""Of the optimiser, that the epochs of `Auto` allow at least."""

PATIENT_STEPS = 200
"""That early stopping of `Auto` waits for at least."""

ADAM_RATE, SGD_RATE = 2e-3, 0.05
"""Learning rates of `Auto` at the start."""

IDLE_RECIPE = Recipe().called("none")
"""What stands for the recipe of a model that has no epochs."""

RECIPES: dict[str, Recipe] = {
    "auto": Auto(),
    "article": Recipe(),
    "small": Recipe(learning_rate=2e-3, batch_size=16, epochs=60, patience=12, plateau_patience=6),
    "sgd": Recipe(
        optimizer="sgd",
        learning_rate=0.05,
        weight_decay=5e-4,
        batch_size=128,
        epochs=30,
        patience=0,
        plateau_patience=0,
        schedule="cosine",
    ),
}


@cache
def _on(recipe: Auto, n_items: int) -> Recipe:
    given = recipe.given
    power = 1 << max((n_items // EPOCH_STEPS).bit_length() - 1, 0)
    batch_size = given.get("batch_size", min(max(power, 16), 256))
    steps = -(-n_items // batch_size)  # of an epoch
    patience = given.get("patience") or max(10, -(-PATIENT_STEPS // steps))
    made: dict[str, Any] = {
        "learning_rate": SGD_RATE if recipe.optimizer == "sgd" else ADAM_RATE,
        "batch_size": batch_size,
        "epochs": max(60, -(-STEPS // steps)),
        "patience": patience,
        "plateau_patience": max(patience // 2, 1),
    }
    return Recipe(**{**made, **given}).called(recipe.label)


# Asked of every trial.
@cache
def _identity(recipe: Recipe) -> str:
    return canonical(recipe.model_dump())


@cache
def _label(recipe: Recipe) -> str:
    mine = recipe.model_dump()

    def changes(base: Recipe) -> list[str]:
        theirs = base.model_dump()
        return [f"{k}={v}" for k, v in mine.items() if v != theirs[k]]

    whole = {name: base for name, base in RECIPES.items() if not isinstance(base, Auto)}
    name, base = min(whole.items(), key=lambda item: len(changes(item[1])))
    return " ".join([name, *changes(base)])


def told_apart(labels: Iterable[str]) -> dict[str, str]:
    """By `Recipe.label`, what to call recipes where they are held against each other.

    Those of one built-in recipe are called by every option in which they differ. Others keep their
    labels.

    >>> told_apart(["article", "article batch_size=64"])
    {'article': 'batch_size=256', 'article batch_size=64': 'batch_size=64'}
    >>> told_apart(["auto", "auto batch_size=64"])
    {'auto': 'batch_size=auto', 'auto batch_size=64': 'batch_size=64'}
    >>> told_apart(["article", "small"])
    {'article': 'article', 'small': 'small'}
    """
    changed = {label: dict(part.split("=") for part in label.split()[1:]) for label in labels}
    bases = {label.split()[0] for label in changed}
    if len(bases) != 1 or len(changed) < 2:
        return {label: label for label in changed}
    usual = {name: f"{value}" for name, value in RECIPES[bases.pop()].model_dump().items()}
    values = {label: usual | changes for label, changes in changed.items()}
    names = [n for n in Recipe.model_fields if len({v.get(n) for v in values.values()}) > 1]
    return {
        label: " ".join(f"{name}={mine.get(name, 'auto')}" for name in names)
        for label, mine in values.items()
    }


def worked_out(recipes: Iterable[tuple[str, int, Recipe]]) -> dict[str, str]:
    """What `Auto` came to, in words by data set and size; a line for each that it was used with.

    Args:
        recipes: the name of a data set, the number of items and the whole recipe.

    >>> worked_out([("digits", 200, Auto().on(200)), ("digits", 200, Recipe())])
    {'auto, digits, 200 labels': 'batches of 16, up to 93 epochs, patience 16, learning rate 0.002'}
    """
    return {
        f"{recipe.label}, {name}, {size:,} labels": recipe.told
        for name, size, recipe in recipes
        if recipe.label.split()[0] == "auto"
    }


IDLE: dict[str, tuple[str, tuple[object, ...]]] = {
    "momentum": ("optimizer", ("adam",)),
    "epsilon": ("optimizer", ("sgd",)),
    "plateau_factor": ("plateau_patience", (0,)),
    "plateau_min_delta": ("plateau_patience", (0,)),
    "step_epochs": ("schedule", ("constant", "cosine")),
    "step_factor": ("schedule", ("constant", "cosine")),
}
"""Options that do nothing where another one has one of these values."""


def _as_recipe(value: object) -> object:
    if isinstance(value, str):
        value = {"base": value}
    if not isinstance(value, Mapping):
        return value
    given: dict[str, object] = {**value}
    whole = given.keys() >= Recipe.model_fields.keys()  # nothing is left to work out
    base = given.pop("base", "article" if whole else "auto")
    if not isinstance(base, str):
        raise SpecError("recipe.base", base, f"one of {', '.join(sorted(RECIPES))}")
    if base not in RECIPES:
        raise unknown("recipe", base, RECIPES)
    usual = Recipe().model_dump() | RECIPES[base].model_dump()
    made = {**usual, **given}
    for name in given.keys() & IDLE.keys():
        option, values = IDLE[name]
        if given[name] != usual[name] and made[option] in values:
            expected = f"another {option} than {made[option]!r}, with which it does nothing"
            raise SpecError(f"recipe.{name}", given[name], expected)
    return {"base": base, **given} if base == "auto" else made


def _kind(value: object) -> Literal["auto", "whole"]:
    automatic = isinstance(value, Mapping) and "base" in value
    return "auto" if automatic or isinstance(value, Auto) else "whole"


RecipeItem = Annotated[
    Annotated[Auto, Tag("auto")] | Annotated[Recipe, Tag("whole")],
    Discriminator(_kind),
    BeforeValidator(_as_recipe),
]
"""A built-in recipe's name, or a table whose ``base`` names the one to start from."""
