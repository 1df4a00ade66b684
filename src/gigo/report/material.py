"""What a report is made from, and what follows from it."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal

import pandas as pd

from gigo.analysis import article, probes
from gigo.analysis.allowed import Allowed
from gigo.analysis.budget import labellings
from gigo.analysis.comparison import Comparison, between_settings
from gigo.analysis.contrast import Contrast, of_corruptions
from gigo.analysis.curves import Accuracies
from gigo.analysis.estimates import Curve, CurveEstimates, curve_estimates, split_curves, summary
from gigo.analysis.findings import Answer, answer
from gigo.analysis.items import Items, items_of
from gigo.analysis.metric import ACCURACY, Metric
from gigo.analysis.names import Namer
from gigo.analysis.points import Side
from gigo.analysis.theory import Cliff, cliffs_of
from gigo.analysis.words import Spoken, spoken
from gigo.grid import Grid
from gigo.records import Record, TestSet
from gigo.study import Study
from gigo.types import Corruption


@dataclass(frozen=True)
class Material:
    """Everything a report shows comes from here.

    Attributes:
        title: of the run.
        frame: the tidy table (`gigo.analysis.table.tidy`).
        grids: the studies, resolved, whose cells the table holds.
        test_sets: by sha256.
        precision: the resolved one.
        pending: trials not trained yet.
        provenance: of the records, each distinct mapping once or more often.
        command: what makes the run again; None: ``gigo run`` on the study as printed.
        folder: the name of the run's; None: that of its first study.
        written: the day of the report.
        metric: what it is drawn and answered in.
        allowed: what a tolerance allows it to lose; None: as `gigo.analysis.allowed.usual`.
        against: what figures are drawn against: rates as they were asked for, or realised ones.
        records: gives those of the trials; without them nothing is said of other test items.
    """

    title: str
    frame: pd.DataFrame
    grids: Sequence[Grid]
    test_sets: Mapping[str, TestSet]
    precision: str
    pending: int = 0
    provenance: Sequence[Mapping[str, Any]] = ()
    command: str | None = None
    folder: str | None = None
    written: datetime.date = field(default_factory=datetime.date.today)
    metric: Metric = ACCURACY
    allowed: Allowed | None = None
    against: Literal["rate", "realised_rate"] = "rate"
    records: Callable[[], Iterable[Record]] = tuple

    @property
    def studies(self) -> list[Study]:
        """As they are to be said to get this report again."""
        return [grid.study.but(metric=self.metric.name) for grid in self.grids]

    @cached_property
    def n_items(self) -> dict[str, int]:
        """Training items by data set's name."""
        return {card.name: card.n_train for grid in self.grids for card in grid.datasets}

    @cached_property
    def n_test(self) -> dict[str, int]:
        """Test items by data set's name; of further test sets nobody counts them."""
        if self.metric.further:
            return {}
        return {each.name: len(each.labels["test"]) for each in self.test_sets.values()}

    @cached_property
    def items(self) -> dict[Curve, Items]:
        """The test items, by curve; empty where the metric is no sum over items."""
        return items_of(self.frame, self.records, self.test_sets, self.metric)

    @cached_property
    def name(self) -> Namer:
        return Namer(self.summary, self.n_items)

    @cached_property
    def summary(self) -> pd.DataFrame:
        return summary(self.frame, self.metric, self.n_test)

    @cached_property
    def trials(self) -> dict[Curve, pd.DataFrame]:
        """The rows of the tidy table by curve."""
        return split_curves(self.frame)

    @cached_property
    def estimates(self) -> list[CurveEstimates]:
        return curve_estimates(self.frame, self.metric, self.allowed, self.n_test, self.items)

    @cached_property
    def answer(self) -> Answer:
        about = self.n_items, self.pending, self.metric, self.test_sets
        said = self.probe_metrics, self.triggers, self.name, self.spoken
        probed = tuple(probes.findings(self.frame, *said))
        return answer(
            self.frame, *about, self.estimates, self.spoken, labellings(self.grids), probed
        )

    @cached_property
    def spoken(self) -> dict[str, Spoken]:
        """How sentences speak of its corruptions, by label."""
        return spoken(self.grids)

    @cached_property
    def kinds(self) -> dict[str, Corruption]:
        """Its corruptions, by label."""
        return {kind.label: kind for grid in self.grids for kind in grid.corruptions}

    @cached_property
    def probe_metrics(self) -> dict[str, Metric]:
        """What is drawn of the test sets that its corruptions bring, by name."""
        return probes.probes(self.frame, self.test_sets)

    @cached_property
    def triggers(self) -> dict[tuple[str, str], probes.Trigger]:
        """Whom its corruptions attack, by (data set, corruption)."""
        return probes.triggers(self.kinds, self.test_sets)

    def of_probe(self, metric: Metric) -> Material:
        """The same run, drawn in what a probe says."""
        return replace(self, metric=metric, allowed=None, records=tuple)

    @property
    def of_labels(self) -> bool:
        """Whether all its corruptions are of labels."""
        return all(each.edited.endswith("labels") for each in self.spoken.values())

    @cached_property
    def cliffs(self) -> dict[tuple[str, str], tuple[Cliff, ...]]:
        """Theoretical cliffs by (data set, corruption)."""
        return cliffs_of(self.grids, self.test_sets)

    @cached_property
    def published(self) -> Comparison | None:
        """What repeats the article, with its published points; None without a point in common.

        These are accuracies, and beside nothing else.
        """
        if self.metric != ACCURACY:
            return None
        return article.repeated_by(self._side)

    @cached_property
    def settings(self) -> Comparison | None:
        """Its settings against each other; None where there is nothing to compare."""
        found = between_settings(self._side, article.SETTING, self.metric)
        return None if found is None or found.frame.empty else found

    @cached_property
    def corruptions(self) -> list[Contrast]:
        """Its kinds of corruption against the first one."""
        curves = Accuracies.of(self.frame, self.metric).curves() if len(self.frame) else {}
        return of_corruptions(curves, self.n_test)

    @cached_property
    def _side(self) -> Side:
        return Side.of_run("gigo", self.frame, self.grids)

    @cached_property
    def labels(self) -> list[str]:
        """Of lines, in the table's order: each keeps its colour in every figure."""
        return list(dict.fromkeys(map(self.name.label, split_curves(self.summary))))
