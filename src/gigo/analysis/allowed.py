"""How much of a metric a user is willing to lose."""

from __future__ import annotations

import re
from dataclasses import dataclass

from gigo.analysis.metric import Metric
from gigo.errors import SpecError

_NUMBER = re.compile(r"\s*([0-9]*\.?[0-9]+(?:e-?[0-9]+)?)\s*(\S*)\s*", re.IGNORECASE)
_POINTS = ("pt", "pts", "pp", "point", "points")


@dataclass(frozen=True)
class Allowed:
    """What a metric may fall to, or a loss rise to, as a function of its value with clean labels.

    Attributes:
        keep: which part of that value is kept, 0 to 1; 1 for losses.
        lose: what is lost besides, in the metric's own unit.

    >>> from gigo.analysis.metric import ACCURACY
    >>> Allowed(lose=0.05).told(ACCURACY), Allowed(keep=0.95).told(ACCURACY)
    ('lose 5 points', 'keep 95 %')
    >>> round(Allowed(lose=0.05).target(0.9, ACCURACY), 3)
    0.85
    """

    keep: float = 1.0
    lose: float = 0.0

    @classmethod
    def losing(cls, said: str | float, metric: Metric) -> Allowed:
        """Of ``--lose``: ``5pt``, ``5 points``, ``5`` and ``0.05`` are 5 points of a share.

        For a metric that is no share a plain number is in its own unit. A number without unit is
        in points from 1 on, as no metric can lose so much of a share.

        Raises:
            SpecError: it is no such amount, not above 0, or more than the metric can lose.

        >>> from gigo.analysis.metric import METRICS
        >>> Allowed.losing("5pt", METRICS["accuracy"]), Allowed.losing(0.1, METRICS["log_loss"])
        (Allowed(keep=1.0, lose=0.05), Allowed(keep=1.0, lose=0.1))
        """
        example = f"0.1 {metric.unit}".rstrip() if metric.is_loss else "5pt or 0.05"
        number, unit = _read("lose", said, example)
        shares = not metric.is_loss
        if shares and (unit in _POINTS or (not unit and metric.is_share and number >= 1)):
            number /= 100
        elif unit and unit != metric.unit:
            raise SpecError("lose", said, f"an amount such as {example}")
        if not 0 < number < metric.most:
            most = "" if metric.most > 1e9 else f" and below {metric.number(metric.most)}"
            raise SpecError("lose", said, f"an amount above 0{most}, such as {example}")
        return cls(lose=number)

    @classmethod
    def keeping(cls, said: str | float, metric: Metric) -> Allowed:
        """Of ``--keep``: ``95%``, ``95`` and ``0.95`` are that part of the value with clean labels.

        Raises:
            SpecError: it is no such part, or the metric is a loss, of which there is none to keep.

        >>> from gigo.analysis.metric import METRICS
        >>> Allowed.keeping("95 %", METRICS["accuracy"])
        Allowed(keep=0.95, lose=0.0)
        """
        if metric.is_loss:
            raise SpecError("keep", said, f"lose: {metric.title} is a loss, and rises")
        number, unit = _read("keep", said, "95% or 0.95")
        if unit == "%" or (not unit and number >= 1):
            number, unit = number / 100, ""
        if unit or not 0 < number < 1:
            raise SpecError("keep", said, "a part between 0 and 1, such as 95% or 0.95")
        return cls(keep=number)

    def target(self, clean: float, metric: Metric) -> float:
        """The value that the metric may come to if it is ``clean`` with clean labels."""
        return self.keep * clean + (self.lose if metric.is_loss else -self.lose)

    def told(self, metric: Metric) -> str:
        """In words: ``lose 5 points``, ``keep 95 %``, ``lose 0.1 nats``."""
        return f"{'keep' if self.keep < 1 else 'lose'} {self._amount(metric)}"

    def kept(self, metric: Metric) -> str:
        """What a metric does that stays within.

        >>> from gigo.analysis.metric import ACCURACY
        >>> Allowed(lose=0.05).kept(ACCURACY), Allowed(keep=0.95).kept(ACCURACY)
        ('loses at most 5 points', 'keeps 95 % of its value at rate 0')
        """
        if self.keep < 1:
            return f"keeps {self._amount(metric)} of its value at rate 0"
        return f"{'rises by' if metric.is_loss else 'loses'} at most {self._amount(metric)}"

    def spent(self, metric: Metric) -> str:
        """What one does that has come to the end of it.

        >>> from gigo.analysis.metric import ACCURACY
        >>> Allowed(lose=0.05).spent(ACCURACY), Allowed(keep=0.95).spent(ACCURACY)
        ('loses 5 points', 'falls to 95 % of its value at rate 0')
        """
        if self.keep < 1:
            return f"falls to {self._amount(metric)} of its value at rate 0"
        return f"{'rises by' if metric.is_loss else 'loses'} {self._amount(metric)}"

    def _amount(self, metric: Metric) -> str:
        if self.keep < 1:
            return f"{100 * self.keep:.4g} %"
        if metric.is_share:
            return f"{100 * self.lose:.4g} point{'' if self.lose == 0.01 else 's'}"
        return f"{self.lose:.4g} {metric.unit}".rstrip()


def allowed(
    metric: Metric, lose: str | float | None = None, keep: str | float | None = None
) -> Allowed | None:
    """What ``--lose`` or ``--keep`` say; `usual` where neither does.

    Raises:
        SpecError: both do, or one says no amount.
    """
    if lose is not None and keep is not None:
        raise SpecError("keep", keep, "either this or lose")
    if lose is not None:
        return Allowed.losing(lose, metric)
    return usual(metric) if keep is None else Allowed.keeping(keep, metric)


def usual(metric: Metric) -> Allowed | None:
    """What is allowed where nobody says: 5 points of it.

    Nothing for losses, as it depends, nor for what further test sets say.

    >>> from gigo.analysis.metric import METRICS
    >>> usual(METRICS["macro_f1"]), usual(METRICS["log_loss"])
    (Allowed(keep=1.0, lose=0.05), None)
    """
    return None if metric.is_loss or metric.further else Allowed(lose=0.05)


def _read(field: str, said: str | float, example: str) -> tuple[float, str]:
    found = _NUMBER.fullmatch(str(said))
    if found is None:
        raise SpecError(field, said, f"an amount such as {example}")
    return float(found[1]), found[2].lower()
