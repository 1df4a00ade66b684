"""How a model is trained, as data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, PrivateAttr

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


IDLE_RECIPE = Recipe().called("none")
"""What stands for the recipe of a model that has no epochs."""

RECIPES: dict[str, Recipe] = {
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

    name, base = min(RECIPES.items(), key=lambda item: len(changes(item[1])))
    return " ".join([name, *changes(base)])


def told_apart(labels: Iterable[str]) -> dict[str, str]:
    """By `Recipe.label`, what to call recipes where they are held against each other.

    Those of one built-in recipe are called by every option in which they differ. Others keep their
    labels.

    >>> told_apart(["article", "article batch_size=64"])
    {'article': 'batch_size=256', 'article batch_size=64': 'batch_size=64'}
    >>> told_apart(["article", "small"])
    {'article': 'article', 'small': 'small'}
    """
    changed = {label: dict(part.split("=") for part in label.split()[1:]) for label in labels}
    bases = {label.split()[0] for label in changed}
    if len(bases) != 1 or len(changed) < 2:
        return {label: label for label in changed}
    usual = {name: f"{value}" for name, value in RECIPES[bases.pop()].model_dump().items()}
    values = {label: usual | changes for label, changes in changed.items()}
    varying = [name for name in usual if len({mine[name] for mine in values.values()}) > 1]
    return {
        label: " ".join(f"{name}={mine[name]}" for name in varying)
        for label, mine in values.items()
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
    if isinstance(value, Mapping):
        given: dict[str, object] = {**value}
        base = given.pop("base", "article")
        if not isinstance(base, str):
            raise SpecError("recipe.base", base, f"one of {', '.join(sorted(RECIPES))}")
        if base not in RECIPES:
            raise unknown("recipe", base, RECIPES)
        usual = RECIPES[base].model_dump()
        made = {**usual, **given}
        for name in given.keys() & IDLE.keys():
            option, values = IDLE[name]
            if given[name] != usual[name] and made[option] in values:
                expected = f"another {option} than {made[option]!r}, with which it does nothing"
                raise SpecError(f"recipe.{name}", given[name], expected)
        return made
    return value


RecipeItem = Annotated[Recipe, BeforeValidator(_as_recipe)]
"""A built-in recipe's name, or a table whose ``base`` names the one to start from."""
