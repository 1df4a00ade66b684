"""A study: what to train, as it was said. Resolved it is a grid, and a grid has trials.

study.toml or keywords ──► Study ──► Grid ──► cells (its points) ──► trials (models to train)
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, ValidationError

from gigo.errors import SpecError, unknown
from gigo.measures import MEASURES
from gigo.recipe import MOST, RECIPES, Auto, Recipe, RecipeItem
from gigo.ref import Ref, RefItem
from gigo.spec import Several, Spec
from gigo.trial import Subset
from gigo.types import Placement, RateOf

NAME = r"^[A-Za-z0-9_-][A-Za-z0-9._-]*$"
"""Of a study: it names a folder too."""

Precision = Literal["auto", "bfloat16", "float32", "float64"]


SUMMARISED = {"dataset", "size", "corruption", "model", "recipe", "validation"}
"""What a study's summary tells of."""

WHOLE = Field(ge=1, lt=MOST)
"""A number of things."""


def _as_rate(value: float) -> float:
    """To 9 decimals, so that 0.1 + 0.2 is the point of the grid that 0.3 is; 0 for -0."""
    return round(value, 9) + 0.0


def _as_metric(name: str) -> str:
    if name not in MEASURES:
        raise unknown("metric", name, MEASURES)
    return name


MetricName = Annotated[
    str, AfterValidator(_as_metric), Field(json_schema_extra={"enum": [*MEASURES]})
]
RateItem = Annotated[float, Field(ge=0, le=1), AfterValidator(_as_rate)]
RatesItem = Literal["auto"] | RateItem
SizeItem = Literal["all"] | Annotated[int, WHOLE] | Annotated[float, Field(gt=0, lt=1)]


class Study(Spec):
    """A grid of trials. Every field that takes several values also takes one.

    Attributes:
        name: names the run folder and the report.
        dataset: names from ``gigo list datasets``, folders (`gigo.datasets.from_path`), or other
            refs (`gigo.ref`); tables with ``name`` and options, of which ``called`` is what tables
            and figures name it.
        size: training items paid for, held-out ones included; ``"all"``, numbers, or shares of all
            between 0 and 1, which fit any data (`items_of`).
        corruption: names from ``gigo list corruptions``, or tables with ``name`` and options.
            Several are several kinds. Those with a ``rate`` of their own are none: they come first,
            in this order, whatever the kind.
        rates: fractions of the final training set to corrupt, 0 to 1, to 9 decimals; ``"auto"``
            are eleven, from 0 to 1, or to 0.5 where there are two classes, and fewer where a
            corruption can't go so far (`usual_rates`).
        replicates: repetitions, each with its own subset, split, order, corruption and weights.
        first_replicate: the number of the first of them; another one gives new repetitions.
        model: names from ``gigo list models``, tables, or other refs; ``"auto"``: ``patches`` for
            images (on an accelerator ``article_cnn`` from 24x24 on, else ``small_cnn``),
            ``boosting`` for tables, ``tfidf`` for texts, ``logistic`` for vectors. The option
            ``features`` of any of them names what inputs are made into first: ``"patches"``, or
            a function ``(rows of x) -> (n, d)`` such as ``"embed.py:embed"``.
        recipe: names of built-in recipes, or tables (``base`` names the one to start from); what
            ``"auto"`` leaves open follows from the number of items (`gigo.recipe.Auto`).
        validation: what early stopping and the choice of weights look at: ``oracle`` (the test
            set, as the article did), ``clean`` (a held-out 20 %), ``noisy`` (the same 20 %, with
            the same corruption at the same rate), ``none``; ``auto`` is ``clean`` for models that
            have a use for held-out items, else ``none``.
        subset: which items a size takes: ``random`` (nested over sizes) or the ``first`` ones.
        placement: which items are corrupted first: ``random``, or the ``tail`` of the file.
        precision: ``auto`` is bfloat16 where the device is fast at it, else float32.
        seed: of everything random.
        metric: what curves are drawn and answered in, unless a report is asked for another one:
            a name of `gigo.measures.MEASURES`.

    >>> from gigo import Study
    >>> study = Study.create(dataset="digits", size=[100, "all"], rates=[0, 0.2], model="mlp")
    >>> study.size, study.model[0].name, study.replicates
    ((100, 'all'), 'mlp', 5)
    """

    name: str = Field(default="study", pattern=NAME)
    summary: str = ""
    dataset: Several[RefItem]
    size: Several[SizeItem] = ("all",)
    corruption: Several[RefItem] = (Ref(name="symmetric"),)
    rates: Several[RatesItem] = ("auto",)
    replicates: Annotated[int, WHOLE] = 5
    first_replicate: Annotated[int, Field(ge=0, lt=MOST)] = 0
    model: Several[RefItem] = (Ref(name="auto"),)
    recipe: Several[RecipeItem] = (Auto(),)
    validation: Several[Literal["auto", "oracle", "clean", "noisy", "none"]] = ("auto",)
    subset: Subset = "random"
    placement: Placement = "random"
    precision: Precision = "auto"
    seed: int = 0
    metric: MetricName = "accuracy"

    @property
    def kinds(self) -> tuple[Ref, ...]:
        """The corruptions whose rate is the axis."""
        return tuple(ref for ref in self.corruption if "rate" not in ref.options)

    @property
    def first(self) -> tuple[Ref, ...]:
        """Those with a rate of their own, which come before any of them."""
        return tuple(ref for ref in self.corruption if "rate" in ref.options)

    @classmethod
    def create(cls, **fields: Any) -> Self:
        """A checked study.

        Raises:
            SpecError: naming the field, the value and what was expected.

        >>> Study.create(dataset="digits", rates=[0, 1.5])
        Traceback (most recent call last):
        gigo.errors.SpecError: rates = 1.5: expected numbers from 0 to 1
        """
        try:
            return cls(**fields)
        except ValidationError as error:
            raise _spec_error(error) from None

    @classmethod
    def from_toml(cls, path: Path) -> Self:
        """The study in a TOML file; ``name`` defaults to the file's stem."""
        file = str(path)
        try:
            if not path.is_file() and path.exists():  # reading a pipe could wait for ever
                raise SpecError("study", file, "a file")
            fields = tomllib.loads(path.read_text(encoding="utf-8-sig"))
        except OSError as error:
            raise SpecError("study", file, f"a readable file ({error.strerror})") from None
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise SpecError("study", file, f"a TOML file ({error})") from None
        if "name" not in fields and not re.match(NAME, path.stem):
            expected = f"name = '{fitting(path.stem)}' in it: the file's own can't name a run"
            raise SpecError("study", file, expected)
        return cls.create(**{"name": path.stem, **fields})

    @classmethod
    def file_schema(cls) -> dict[str, Any]:
        """The JSON schema of a study's TOML file.

        >>> schema = Study.file_schema()
        >>> sorted(schema["properties"])[:3], schema["required"]
        (['corruption', 'dataset', 'first_replicate'], ['dataset'])
        """
        schema = cls.model_json_schema()
        for part in (schema, *schema["$defs"].values()):
            part["description"] = part["description"].partition("\n")[0]
        recipe = schema["$defs"]["Recipe"]["properties"]
        for option in recipe.values():
            del option["default"]  # that of the base, or what is worked out
        recipe["base"] = {"enum": [*RECIPES], "default": "auto", "title": "Base"}
        schema["properties"]["recipe"]["items"] = {"$ref": "#/$defs/Recipe"}
        del schema["$defs"]["Auto"]
        for field in schema["properties"].values():
            if field.get("type") == "array":  # one value will do, and a name alone
                del field["type"], field["minLength"]
                item = field.pop("items")
                if "$ref" in item:
                    item = {"anyOf": [{"type": "string"}, item]}
                field["anyOf"] = [item, {"type": "array", "items": item, "minItems": 1}]
        return schema

    def but(self, **fields: Any) -> Self:
        """This study with some fields replaced, checked again.

        Its summary goes where it may no longer be true.

        >>> Study.create(dataset="digits", rates=[0, 0.2]).but(replicates=10).replicates
        10
        """
        given = {name: getattr(self, name) for name in self.model_fields_set}
        if fields.keys() & SUMMARISED:
            given.pop("summary", None)
        return type(self).create(**{**given, **fields})


def usual_rates(
    of_two: bool = False, rate_of: RateOf = "set", highest: float = 1.0
) -> tuple[float, ...]:
    """What ``rates = "auto"`` means: of two classes, half of the labels wrong leave nothing.

    Args:
        of_two: whether it is labels of two classes that go wrong.
        rate_of: what rates are shares of; of any but the whole set they go as far as they can.
        highest: that a corruption can have. Where fewer than four rates above 0 would be left,
            they lie closer together.

    >>> usual_rates()[:3], usual_rates(True)[:3], usual_rates(True)[-1]
    ((0.0, 0.1, 0.2), (0.0, 0.05, 0.1), 0.5)
    >>> usual_rates(highest=0.45), usual_rates(highest=0.05)
    ((0.0, 0.1, 0.2, 0.3, 0.4), (0.0, 0.01, 0.02, 0.03, 0.04, 0.05))
    """
    least = 20 if of_two and rate_of == "set" else 10
    finer = (n for n in (10, 20, 50, 100, 200, 500, 1000) if n >= least)
    parts = next((n for n in finer if n * highest >= 4), 1000)
    return tuple(k / parts for k in range(11) if k / parts <= highest)


def items_of(size: int | float | str, n_train: int) -> int:
    """How many of so many training items a size means.

    >>> items_of(200, 1347), items_of(0.25, 1347), items_of("all", 1347)
    (200, 337, 1347)
    """
    if isinstance(size, str):
        return n_train
    return size if isinstance(size, int) else round(size * n_train)


def fitting(text: str) -> str:
    """Text as a study's name.

    >>> fitting("My data (new)")
    'My-data-new'
    """
    return re.sub(r"[^A-Za-z0-9]+", "-", text).strip("-") or "study"


_EXPECTED = {
    "name": "letters, digits, '_', '-' and '.', the first not '.'",
    "size": "whole numbers of at least 1, shares below 1, or 'all'",
    "rates": "numbers from 0 to 1",
    **dict.fromkeys(("dataset", "corruption", "model"), "names, or tables with a name and options"),
    "recipe": "names of recipes, or tables",
}
"""Where pydantic's words would not help."""


def _spec_error(error: ValidationError) -> SpecError:
    """The gravest complaint of pydantic as one line: keys first, their values may be misplaced."""
    errors = error.errors(include_url=False)
    first = next((e for e in errors if e["type"] == "extra_forbidden"), errors[0])
    path = [part for part in first["loc"] if isinstance(part, str)]
    if path[0] in ("size", "rates", "recipe"):
        del path[1:2]  # pydantic's name for the kind of size, rate or recipe
    name = ".".join(path)
    if first["type"] == "extra_forbidden":
        known = Recipe.model_fields if len(path) > 1 else Study.model_fields
        return unknown(".".join([*path[:-1], "field"]), path[-1], known)
    if first["type"] == "missing":
        return SpecError(name, None, "a value: it has no default")
    if first["type"] == "too_short":
        return SpecError(name, first["input"], "at least one value")
    message = _EXPECTED.get(name, first["msg"].removeprefix("Input should be "))
    if name == "rates" and isinstance(first["input"], float | int) and 2 <= first["input"] <= 100:
        message += f" ({first['input']:g} % is {first['input'] / 100:g})"
    return SpecError(name, first["input"], message)
