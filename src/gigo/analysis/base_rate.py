"""The share of labels that are wrong in data as given, and a test set that holds such labels."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gigo.analysis.intervals import Floats, clopper_pearson
from gigo.errors import DataError, SpecError

TEST_NOISE = (
    "This assumes that wrong test labels do not depend on the item beyond its true class, "
    "nor on what the model says"
)


@dataclass(frozen=True)
class BaseRate:
    """A base rate and its range.

    Attributes:
        value: the share of labels that are wrong, 0 to 1.
        low, high: its range; of an audit, its 95 % interval.
        n_audited: labels that were checked; 0 where the rate was said.
        n_wrong: those that were wrong.
    """

    value: float
    low: float
    high: float
    n_audited: int = 0
    n_wrong: int = 0

    @classmethod
    def parse(cls, text: str) -> BaseRate:
        """From ``RATE`` or ``LOW:HIGH``; a rate is a share such as ``0.05``, or ``5%``.

        Raises:
            SpecError: it is neither.

        >>> BaseRate.parse("0.05:0.10")
        BaseRate(value=0.075, low=0.05, high=0.1, n_audited=0, n_wrong=0)
        """
        try:
            parts = [part.strip() for part in text.split(":")]
            ends = [float(p.removesuffix("%")) / (100 if p.endswith("%") else 1) for p in parts]
        except ValueError:
            ends = []
        if len(ends) not in (1, 2) or not 0 <= ends[0] <= ends[-1] < 1:
            raise SpecError(
                "base-rate", text, "a rate such as 0.05 or 5%, or a range such as 0.05:0.10"
            )
        return cls(round((ends[0] + ends[-1]) / 2, 12), ends[0], ends[-1])


def audited(given: Sequence[Any] | NDArray[Any], true: Sequence[Any] | NDArray[Any]) -> BaseRate:
    """The base rate from labels that were drawn at random and checked.

    Raises:
        DataError: there are none, or not as many of both.

    >>> audited(["cat", "dog", "cat", "dog"], ["cat", "dog", "dog", "dog"])
    BaseRate(value=0.25, low=0.006..., high=0.805..., n_audited=4, n_wrong=1)
    """
    if len(given) != len(true):
        raise DataError(f"an audit has {len(given)} given labels and {len(true)} true ones")
    return _counted(sum(a != b for a, b in zip(given, true, strict=True)), len(given))


def read_audit(path: str | Path) -> BaseRate:
    """The same from a CSV file with columns ``given`` and ``true``, or ``wrong`` of 0 and 1.

    Raises:
        DataError: it can't be read, has neither, or a row without an answer.
    """
    path = Path(path)
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, skipinitialspace=True)
            columns = [name.strip() for name in reader.fieldnames or ()]
            reader.fieldnames = columns
            rows = [{name: (row[name] or "").strip() for name in columns} for row in reader]
    except OSError as error:
        raise DataError(f"{path}: can't be read as an audit: {error.strerror}") from None
    except (ValueError, csv.Error) as error:
        raise DataError(f"{path.name}: can't be read as an audit: {error}") from None
    if {"given", "true"} <= set(columns):
        wanted = "given", "true"
    elif "wrong" in columns:
        wanted = ("wrong",)
    else:
        has = ", ".join(columns) or "none"
        raise DataError(f"{path.name}: expected columns given and true, or wrong; it has {has}")
    for number, row in enumerate(rows, 1):
        for name in wanted:
            if not row[name] or (name == "wrong" and row[name] not in ("0", "1")):
                expected = "0 or 1" if name == "wrong" else "a label"
                told = f"{path.name}, row {number}: {name} = {row[name]!r}: expected {expected}"
                raise DataError(told)
    if wanted == ("wrong",):
        return _counted(sum(row["wrong"] == "1" for row in rows), len(rows))
    return audited([row["given"] for row in rows], [row["true"] for row in rows])


def _counted(wrong: int, n: int) -> BaseRate:
    if not n:
        raise DataError("an audit has no labels: check some drawn at random")
    low, high = map(float, clopper_pearson(wrong, n))
    return BaseRate(wrong / n, low, high, n_audited=n, n_wrong=wrong)


def true_accuracy(observed: float, rate: float, n_classes: int) -> float:
    """Of a model whose accuracy is seen on test labels that are wrong at a rate, any other alike.

    ``(observed - r/(K-1)) / (1 - r K/(K-1))``; what chance takes beyond 0 and 1 is cut off. See
    `TEST_NOISE` for what it assumes.

    Raises:
        SpecError: at such a rate test labels say nothing of the true ones.

    >>> true_accuracy(0.82, rate=0.1, n_classes=10)
    0.91
    """
    left = _left(rate, n_classes)
    return min(max((observed - rate / (n_classes - 1)) / left, 0.0), 1.0)


def stretched(observed: Floats, rate: float, n_classes: int) -> Floats:
    """The same of many, none cut off: their mean is that of the true ones."""
    return (observed - rate / (n_classes - 1)) / _left(rate, n_classes)


def _left(rate: float, n_classes: int) -> float:
    left = 1 - rate * n_classes / (n_classes - 1)
    if not rate >= 0 or left <= 0:
        most = (n_classes - 1) / n_classes
        raise SpecError("test base rate", rate, f"from 0 to less than {most:.3g}")
    return left


def true_accuracy_by(confusion: Floats | NDArray[np.int64], transition: Floats) -> float:
    """The same for any matrix of test noise.

    Given labels are true ones sent through ``T``, so that counts by given label are ``T'`` times
    those by true label.

    Args:
        confusion: (K, K) test items by given label (rows) and prediction (columns).
        transition: (K, K) ``T[true, given]``, rows sum to 1.

    Raises:
        SpecError: the matrix has no inverse: given labels do not tell classes apart.

    >>> confusion = np.array([[85, 15], [15, 85]])
    >>> round(true_accuracy_by(confusion, np.array([[0.9, 0.1], [0.1, 0.9]])), 4)
    0.9375
    """
    try:
        by_true = np.linalg.solve(transition.T, np.asarray(confusion, np.float64))
    except np.linalg.LinAlgError:
        raise SpecError("T", transition.tolist(), "a matrix that has an inverse") from None
    return float(np.clip(np.trace(by_true) / by_true.sum(), 0, 1))
