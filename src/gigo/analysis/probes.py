"""What test sets say that a corruption brought: how often an attack succeeds, how a group fares."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pandas as pd

from gigo.analysis.curves import split_curves
from gigo.analysis.findings import Finding
from gigo.analysis.metric import ACCURACY, Metric
from gigo.analysis.names import Namer
from gigo.analysis.words import USUAL, Spoken, rate_text
from gigo.records import TestSet
from gigo.types import Corruption

TITLES = {
    "attack": "attack success rate",
    "source": "source-class accuracy",
    "group": "group accuracy",
}
"""What the share of right answers on a probe is called; on others it is ``NAME accuracy``."""

SEEN = {
    "group": "accuracy on the group's test items",
    "source": "accuracy on clean items of the source class",
}
"""Likewise in a sentence."""

POISONED = 0.05
"""The rate at which attacks are told, or of those run the nearest to it; of others the highest."""


@dataclass(frozen=True)
class Trigger:
    """Whom a trigger attacks.

    Attributes:
        target: name of the class that marked items are to be taken for.
        source: name of the class whose items are marked; empty: all others.
        dirty: whether marked items get the label of the target class.
        share: of the target class among the test items, 0 to 1.
    """

    target: str
    source: str
    dirty: bool
    share: float

    @classmethod
    def of(cls, kind: Corruption, test_set: TestSet) -> Trigger | None:
        """That of a corruption, or of one that comes first; None where there is none."""
        options = next((each for each in kind.parts if each.get("name") == "trigger"), None)
        if options is None:
            return None
        target = _class(options.get("target", 0), test_set.classes)
        given = options.get("source")
        source = "" if given is None else _class(given, test_set.classes)
        share = (test_set.labels["test"] == test_set.classes.index(target)).mean()
        return cls(target, source, options.get("labels", "dirty") == "dirty", float(share))

    def of_target(self, rate: float) -> float:
        """The share of the items labelled with the target class that are poisoned, at a rate.

        With dirty labels ``r / (p + r)`` for a class of share p, with clean ones ``r / p``. The
        class is taken to be as frequent in the training set as in the test set.

        >>> round(Trigger("0", "", dirty=True, share=0.1).of_target(0.1), 3)
        0.5
        """
        return rate / (self.share + rate) if self.dirty else min(rate / self.share, 1.0)


def _class(given: object, names: tuple[str, ...]) -> str:
    """The name of a class that an option gives by name or number."""
    text = str(int(given) if isinstance(given, float) else given)
    return text if text in names else names[int(text)]


def probes(frame: pd.DataFrame, test_sets: Mapping[str, TestSet]) -> dict[str, Metric]:
    """What to draw of each probe, by its name: test sets of the data sets themselves are none.

    Args:
        frame: of `gigo.analysis.table.tidy`.
        test_sets: by the sha256 of the data.
    """
    own = {name for each in test_sets.values() for name in each.labels}
    columns = [column for column in frame if str(column).endswith("/accuracy")]
    names = [str(column).removesuffix("/accuracy") for column in columns]
    return {
        name: Metric(f"{name}/accuracy", TITLES.get(name, f"{name} accuracy"), is_share=True)
        for name, column in zip(names, columns, strict=True)
        if name not in own and frame[column].notna().to_numpy(bool).any()
    }


def triggers(
    kinds: Mapping[str, Corruption], test_sets: Mapping[str, TestSet]
) -> dict[tuple[str, str], Trigger]:
    """By (data set's name, corruption's label), those that are triggers."""
    found = {
        (test_set.name, label): Trigger.of(kind, test_set)
        for test_set in test_sets.values()
        for label, kind in kinds.items()
    }
    return {place: each for place, each in found.items() if each is not None}


def told_at(rates: list[float], name: str) -> float:
    """The rate at which a probe is told, of those above 0."""
    if name in ("attack", "source"):
        return min(rates, key=lambda rate: (abs(rate - POISONED), rate))
    return max(rates)


def findings(
    frame: pd.DataFrame,
    found: Mapping[str, Metric],
    known: Mapping[tuple[str, str], Trigger],
    name: Namer,
    spoken: Mapping[str, Spoken],
) -> Iterator[Finding]:
    """A finding per training set, with a sentence per curve and probe.

    Args:
        frame: of `gigo.analysis.table.tidy`.
        found: the `probes`.
        known: the `triggers`.
        name: what training sets are called.
        spoken: how sentences speak of corruptions, by label.
    """
    lines: dict[str, list[str]] = {}
    for curve, rows in split_curves(frame.loc[frame["started"]]).items():
        heading = (
            f"{name.setting(curve)}, {name.size(curve)} labels: on the corruption's own test sets."
        )
        trigger = known.get((curve.dataset, curve.corruption))
        for probe, metric in found.items():
            if probe == "source" and trigger is not None:
                continue  # the sentence of the attack has it
            told = _sentence(rows, probe, metric, trigger, spoken.get(curve.corruption, USUAL))
            if told:
                lines.setdefault(heading, []).append(f"{curve.corruption}: {told}.")
    return (Finding(heading, tuple(each)) for heading, each in lines.items())


def _sentence(
    rows: pd.DataFrame, probe: str, metric: Metric, trigger: Trigger | None, how: Spoken
) -> str:
    """What the trials of a curve say of a probe; empty where none was tried above rate 0."""
    rows = rows.loc[rows[metric.name].notna()]
    means = {rate: some.mean(numeric_only=True).to_dict() for rate, some in _by_rate(rows)}
    rates = [rate for rate in means if rate > 0]
    if not rates:
        return ""
    rate = told_at(rates, probe)

    def value(column: str) -> str:
        """There, and at rate 0."""
        before = f" ({metric.text(means[0.0][column])} at rate 0)" if 0.0 in means else ""
        return f"{metric.text(means[rate][column])}{before}"

    at = f"at {how.share(rate, means[rate]['realised_rate'])}"
    if probe != "attack":
        return f"{at} {SEEN.get(probe, metric.title)} is {value(metric.name)}"
    success = f"{metric.title} {value(metric.name)}"
    if trigger is not None:
        whose = f"class {trigger.source}" if trigger.source else "other classes"
        share, before = value(metric.name).partition(" (")[::2]
        before = f" ({before}" if before else ""
        success = f"{share} of the triggered test items of {whose} are taken for class "
        success += f"{trigger.target}{before}"
    told = f"{at} {success}; accuracy on clean items {value(ACCURACY.name)}"
    if trigger is not None and trigger.source and "source/accuracy" in means[rate]:
        told += f", on those of class {trigger.source} {value('source/accuracy')}"
    return told


def _by_rate(rows: pd.DataFrame) -> Iterator[tuple[float, pd.DataFrame]]:
    return ((float(rate), rows.loc[rows["rate"] == rate]) for rate in sorted(set(rows["rate"])))


def target_text(corruption: str, trigger: Trigger, rate: float) -> str:
    """What a rate is as a share of the target class: a note for people.

    >>> target_text("trigger", Trigger("0", "", dirty=True, share=0.1), 0.05)
    'trigger: 5 % of the set are 33 % of the items labelled 0, if that class is as ... (10 %).'
    """
    share, own = rate_text(trigger.of_target(rate)), rate_text(trigger.share)
    return (
        f"{corruption}: {rate_text(rate)} of the set are {share} of the items labelled "
        f"{trigger.target}, if that class is as frequent there as in the test set ({own})."
    )
