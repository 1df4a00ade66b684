"""What other test items would change: how much of a difference is chance in the choice of items.

A metric is near a mean over items of their influence values: what each adds to it (Hampel 1974,
*The influence curve and its role in robust estimation*). With R trainings, each tested on the same
N items, the mean over both varies by

    V = s_rep^2 / R  +  s_item^2 / N  -  s_cell^2 / (R N)

where s_rep^2 is the variance over trainings of their means, s_item^2 that over items of theirs, and
s_cell^2 what is left of single values: the estimate for two crossed random factors (Cornfield &
Tukey 1956, *Average values of mean squares in factorials*). The first term is what intervals over
replicates hold; `Items.variance` gives the other two, for differences between rates. There the
items are the same, so that what they share cancels.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from gigo.analysis.curves import Curve, split_curves
from gigo.analysis.intervals import Floats
from gigo.analysis.metric import Metric
from gigo.metrics import Classes, confusion, per_class
from gigo.records import Record, TestSet
from gigo.types import Labels

ENOUGH = 20_000
"""Test items from which their variance is known well; of more, evenly spaced ones are taken."""


def influence(
    metric: str,
    labels: Labels,
    predictions: Classes,
    n_classes: int,
    log_probabilities: NDArray[np.floating] | None = None,
) -> Floats | None:
    """What each test item adds to a metric: n values whose mean is the metric.

    Their variance over n is that of the metric over samples of items, to first order. For ROC AUC
    they are the placements of DeLong et al. 1988, *Comparing the areas under two or more correlated
    receiver operating characteristic curves*.

    Args:
        metric: a name of `gigo.metrics.MEASURES`.
        labels: (n,) true classes.
        predictions: (n,) predicted ones.
        n_classes: K.
        log_probabilities: (n, K), or None where they were not kept.

    Returns:
        (n,); None for average precision and calibration errors, which are no sums over items, and
        for what needs probabilities where there are none.

    >>> influence("accuracy", np.array([0, 1, 1]), np.array([0, 1, 0]), 2)
    array([1., 1., 0.])
    """
    right = (predictions == labels).astype(np.float64)
    if metric == "accuracy":
        return right
    if metric in ("balanced_accuracy", "macro_f1"):
        counts = confusion(labels, predictions, n_classes)
        classes = per_class(counts)
        if metric == "balanced_accuracy":
            weight = len(labels) / (np.maximum(classes.support, 1) * (classes.support > 0).sum())
            mean = float(np.nanmean(classes.recall))
            return mean + weight[labels] * (right - classes.recall[labels])
        seen = classes.support + counts.sum(axis=0)
        weight = len(labels) / (np.maximum(seen, 1) * (seen > 0).sum())
        half = weight * classes.f1
        mean = float(classes.f1[seen > 0].mean())
        return mean + 2 * right * weight[labels] - half[labels] - half[predictions]
    if log_probabilities is None or np.isnan(log_probabilities).any():
        return None
    wide = log_probabilities.astype(np.float64)
    if metric == "log_loss":
        return -wide[np.arange(len(labels)), labels]
    if metric == "brier":
        errors = np.exp(wide)
        errors[np.arange(len(labels)), labels] -= 1
        return np.square(errors).sum(axis=1) / (2 if n_classes == 2 else 1)
    if metric == "roc_auc" and n_classes == 2:
        return _placements(labels, wide[:, 1] - wide[:, 0])
    return None


def _placements(labels: Labels, score: Floats) -> Floats | None:
    """Of each item among those of the other class, weighted so that their mean is the area."""
    positive = labels == 1
    if positive.all() or not positive.any():
        return None
    ordered = [np.sort(score[~positive]), np.sort(score[positive])]

    def below(values: Floats, among: Floats) -> Floats:
        left, right = (np.searchsorted(among, values, side) for side in ("left", "right"))
        return (left + right) / (2 * len(among))

    placed = np.where(positive, below(score, ordered[0]), 1 - below(score, ordered[1]))
    area = placed[positive].mean()
    share = np.where(positive, positive.mean(), 1 - positive.mean())
    return area + (placed - area) / share


@dataclass
class _Cell:
    """The values of the trainings at one rate, and of the same replicates at rate 0."""

    n: int
    mean: Floats
    squares: Floats
    n_both: int
    both: Floats

    @classmethod
    def of(cls, width: int) -> _Cell:
        return cls(0, np.zeros(width), np.zeros(width), 0, np.zeros((3, width)))

    def add(self, values: Floats, clean: Floats | None) -> None:
        """One more training (Welford 1962), with what its replicate gives at rate 0."""
        off = values - self.mean
        self.n += 1
        self.mean += off / self.n
        self.squares += off * (values - self.mean)
        if clean is not None:
            self.n_both += 1
            self.both += [values, clean, values * clean]

    @property
    def of_mean(self) -> float:
        """Variance of the mean over trainings, averaged over items; NaN for one training."""
        return float(self.squares.mean()) / (self.n - 1) / self.n if self.n > 1 else np.nan

    def shared(self, n_clean: int) -> float:
        """Covariance of that mean with the clean one, over ``n_clean`` trainings, likewise."""
        n = self.n_both
        if n < 2:
            return 0.0
        own, clean, product = self.both
        covariance = float((product - own * clean / n).mean()) / (n - 1)
        return covariance * n / (self.n * n_clean)


@dataclass(frozen=True)
class Items:
    """The test items of one curve.

    Attributes:
        rates: (R,) those with a training that started, ascending.
        mean: (R, M) influence values of M items, means over trainings.
        of_mean: (R,) variance of such a mean over trainings, averaged over items; NaN for one.
        shared: (R,) covariance of such a mean with that at rate 0: trainings of one replicate err
            on the same items.
        n: how many test items there are, of which these M are some.
        clusters: (M,) numbers of the groups that items come in; None: each is its own.
    """

    rates: Floats
    mean: Floats
    of_mean: Floats
    shared: Floats
    n: int
    clusters: Labels | None = None

    def variance(self, rates: Floats, share: float = 1.0) -> Floats:
        """Of ``share`` times the clean value less that at each rate, over samples of items.

        Args:
            rates: (P,) where; each must be among `rates`, or its variance is NaN.
            share: what the clean value is multiplied by, as in "95 % of it".

        Returns:
            (P,) what is to be added to the variance over trainings; 0 at the least.
        """
        found = np.full(len(rates), np.nan)
        if not len(self.rates) or self.rates[0] != 0:
            return found
        for place, rate in enumerate(rates):
            at = np.flatnonzero(self.rates == rate)
            if len(at):
                found[place] = self._of(int(at[0]), share)
        return found

    def _of(self, at: int, share: float) -> float:
        """Where rate 0 is compared with itself, trainings do not differ."""
        contrast = share * self.mean[0] - self.mean[at]
        noise = share**2 * self.of_mean[0] + self.of_mean[at] - 2 * share * self.shared[at]
        if at == 0:
            noise = (share - 1) ** 2 * self.of_mean[0]
        between = _variance_of_mean(contrast, self.clusters) * len(contrast) / self.n
        return max(between - (0.0 if np.isnan(noise) else noise) / self.n, 0.0)


def _variance_of_mean(values: Floats, clusters: Labels | None) -> float:
    """Of the mean of (n,) values over samples of items, or of whole clusters of them."""
    n, off = len(values), values - values.mean()
    if clusters is not None:
        off = np.bincount(clusters, weights=off)[np.unique(clusters)]
    if len(off) < 2:
        return np.nan
    return float(np.square(off).sum()) / n**2 * len(off) / (len(off) - 1)


def items_of(
    frame: pd.DataFrame,
    records: Callable[[], Iterable[Record]],
    test_sets: Mapping[str, TestSet],
    metric: Metric,
) -> dict[Curve, Items]:
    """The test items of every curve whose metric is a sum over items.

    Args:
        frame: of `gigo.analysis.table.tidy`.
        records: gives those of its trials, in any order; called twice.
        test_sets: by the sha256 of the data.
        metric: what the curves are of.
    """
    places: dict[str, list[tuple[Curve, float, int]]] = {}
    for curve, rows in split_curves(frame.loc[frame["started"]]).items():
        for key, rate, replicate in zip(rows["key"], rows["rate"], rows["replicate"], strict=True):
            places.setdefault(key, []).append((curve, float(rate), int(replicate)))
    at_zero = {key for key, mine in places.items() if mine[0][1] == 0}
    clean: dict[tuple[Curve, int], Floats] = {}
    for key, values, _ in _values(records(), at_zero, test_sets, metric):
        clean |= {(curve, replicate): values for curve, _, replicate in places[key]}
    cells: dict[Curve, dict[float, _Cell]] = {}
    about: dict[Curve, TestSet] = {}
    for key, values, test_set in _values(records(), places, test_sets, metric):
        for curve, rate, replicate in places[key]:
            about[curve] = test_set
            cell = cells.setdefault(curve, {}).setdefault(rate, _Cell.of(len(values)))
            cell.add(values, clean.get((curve, replicate)))
    return {curve: _items(of_curve, about[curve]) for curve, of_curve in cells.items()}


def _values(
    records: Iterable[Record],
    keys: Container[str],
    test_sets: Mapping[str, TestSet],
    metric: Metric,
) -> Iterator[tuple[str, Floats, TestSet]]:
    """The influence values of some trials, by key; those that are not known are left out."""
    for record in records:
        if record.key not in keys:
            continue
        test_set = test_sets[record.trial["data"]]
        values = influence(
            metric.name,
            test_set.labels["test"],
            record.predictions["test"].astype(np.int64),
            len(test_set.classes),
            record.scores.get("test"),
        )
        if values is not None:
            grouped = "test" in test_set.groups
            yield record.key, values[:: 1 if grouped else -(-len(values) // ENOUGH)], test_set


def _items(cells: Mapping[float, _Cell], test_set: TestSet) -> Items:
    rates = sorted(cells)
    of_curve, n_clean = [cells[rate] for rate in rates], cells[rates[0]].n
    return Items(
        np.array(rates),
        np.array([cell.mean for cell in of_curve]),
        np.array([cell.of_mean for cell in of_curve]),
        np.array([cell.shared(n_clean) for cell in of_curve]),
        len(test_set.labels["test"]),
        test_set.groups.get("test"),
    )
