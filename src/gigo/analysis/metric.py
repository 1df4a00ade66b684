"""What a curve is drawn and answered in: a measure of `gigo.measures.MEASURES`, with its words."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import pandas as pd

from gigo.analysis.intervals import Floats
from gigo.analysis.words import MISSING
from gigo.errors import SpecError, unknown
from gigo.measures import MEASURES


def _begun(text: str) -> str:
    """A text as it begins a sentence."""
    return text[0].upper() + text[1:]


@dataclass(frozen=True)
class Metric:
    """A measure as people read it.

    Attributes:
        name: of its column in a tidy table; of a further test set ``NAME/accuracy``.
        title: in a sentence.
        is_share: whether it is told in percent.
        is_loss: whether less of it is better.
        most: the largest value that there can be; the least is 0.
        unit: of one that is no share.
        guessed: what guessing gives, in words; empty where that is not known.

    >>> METRICS["accuracy"].text(0.9712), METRICS["log_loss"].text(0.3123)
    ('97.1 %', '0.312 nats')
    """

    name: str
    title: str
    is_share: bool = False
    is_loss: bool = False
    most: float = 1.0
    unit: str = ""
    guessed: str = ""

    @property
    def further(self) -> bool:
        """Whether it is of another test set than the first."""
        return "/" in self.name

    @property
    def begun(self) -> str:
        """The title at the beginning of a sentence: ``Macro F1``."""
        return _begun(self.title)

    @property
    def tested(self) -> str:
        """The title with what it was measured on: ``test accuracy``, ``attack success rate``."""
        return self.title if self.further else f"test {self.title}"

    @property
    def axis(self) -> str:
        """The title of an axis: ``Test log loss (nats, less is better)``."""
        told = [self.unit] * bool(self.unit) + ["less is better"] * self.is_loss
        return _begun(self.tested) + (f" ({', '.join(told)})" if told else "")

    @property
    def scale(self) -> str:
        """What numbers without a unit are in: ``Test accuracy in %``."""
        unit = "%" if self.is_share else self.unit
        return _begun(self.tested) + (f" in {unit}" if unit else "")

    @property
    def difference(self) -> str:
        """What differences of it are in."""
        return "points" if self.is_share else self.unit

    @cached_property
    def _after(self) -> str:
        return " %" if self.is_share else f" {self.unit}".rstrip()

    def number(self, value: float, sign: str = "") -> str:
        """A value without its unit, in percent or to three decimals; NaN is a dash.

        >>> METRICS["accuracy"].number(0.0071, "+"), METRICS["ece"].number(0.0071)
        ('+0.7', '0.007')
        """
        if math.isnan(value):
            return MISSING
        return f"{100 * value:{sign}.1f}" if self.is_share else f"{value:{sign}.3f}"

    def text(self, value: float) -> str:
        """A value with its unit, or a dash."""
        return MISSING if math.isnan(value) else self.number(value) + self._after

    def range(self, low: float, high: float) -> str:
        """Ends of an interval, or a dash.

        >>> METRICS["accuracy"].range(0.963, 0.979), METRICS["macro_f1"].range(0.963, 0.979)
        ('96.3 to 97.9 %', '0.963 to 0.979')
        """
        return MISSING if math.isnan(low) else f"{self.number(low)} to {self.text(high)}"

    def points(self, difference: float) -> str:
        """A signed difference without its unit, or a dash.

        >>> METRICS["accuracy"].points(-0.123), METRICS["accuracy"].points(-0.0004)
        ('−12.3', '0.0')
        """
        plain = self.number(difference, "+")
        if plain != MISSING and float(plain) == 0:
            return plain[1:]
        return plain.replace("-", "−")

    def chance(self, frame: pd.DataFrame) -> Floats:
        """What guessing gives, for every row of a tidy table (n,); NaN where that is not known.

        Always the largest class for accuracy; for balanced accuracy, any one class.
        """
        if self.name == "accuracy":
            return frame["chance"].to_numpy(float)
        if self.name == "balanced_accuracy":
            return 1 / frame["n_classes"].to_numpy(float)
        return pd.Series(0.5 if self.name == "roc_auc" else math.nan, frame.index).to_numpy(float)


_METRICS = (
    Metric("accuracy", "accuracy", is_share=True, guessed="the share of the largest class"),
    Metric(
        "balanced_accuracy",
        "balanced accuracy",
        is_share=True,
        guessed="one over the number of classes",
    ),
    Metric("macro_f1", "macro F1"),
    Metric("log_loss", "log loss", is_loss=True, most=math.inf, unit="nats"),
    Metric("brier", "Brier score", is_loss=True, most=2.0),
    Metric("ece", "ECE", is_loss=True),
    Metric("roc_auc", "ROC AUC", guessed="one half"),
    Metric("average_precision", "average precision"),
)

METRICS = {name: next(each for each in _METRICS if each.name == name) for name in MEASURES}
"""By name."""

ACCURACY = METRICS["accuracy"]


def find(name: str, frame: pd.DataFrame) -> Metric:
    """The metric of a name, if a table has it.

    Raises:
        SpecError: there is no such metric, or no row has a value of it.
    """
    if name not in METRICS:
        raise unknown("metric", name, METRICS)
    known = [each for each in METRICS if each in frame and frame[each].notna().to_numpy(bool).any()]
    if known and name not in known:
        raise SpecError("metric", name, f"one that this run has: {', '.join(known)}")
    return METRICS[name]
