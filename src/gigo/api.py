"""What a Python user calls: run, sweep, load, and the result they give."""

from __future__ import annotations

import hashlib
import os
import shlex
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from functools import cached_property
from inspect import signature
from numbers import Real
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gigo import own, studies
from gigo.errors import GigoWarning, SpecError, unknown
from gigo.measures import MEASURES
from gigo.records import Record
from gigo.store import Store
from gigo.store.database import DATABASE
from gigo.study import Study

if TYPE_CHECKING:
    import altair as alt
    import pandas as pd

    from gigo.analysis.comparison import Comparison
    from gigo.analysis.estimates import CurveEstimates
    from gigo.analysis.points import Side
    from gigo.report import Material
    from gigo.runner import Listener


class Result:
    """What a run folder holds, finished or not, as of now; read from there when it is asked for.

    Args:
        path: the run folder.
        metric: what summary, estimates, plots and reports are of, a name of
            `gigo.measures.MEASURES`; default that of the last study run into the folder.

    Raises:
        SpecError: an unknown metric.
        StoreError: there is no run, or it can't be read.

    >>> import gigo
    >>> fields = dict(dataset="digits", size=200, model="mlp", recipe="small", replicates=2)
    >>> result = gigo.sweep(rates=[0, 0.4, 0.8], **fields)
    >>> result
    <gigo.Result runs/sweep-...: 6 of 6 trials>
    >>> len(result.frame), list(result.summary["n_trials"])
    (6, [2, 2, 2])
    >>> tolerance = result.estimates[0].tolerance
    >>> 0 < tolerance.value < 0.8
    True
    >>> chart = result.plot(size=200)
    """

    def __init__(
        self,
        path: str | Path,
        metric: str | None = None,
        lose: str | float | None = None,
        keep: str | float | None = None,
    ) -> None:
        self.path = Path(os.path.expanduser(path))  # pathlib's raises where it knows no such user
        with Store.open(self.path) as store:
            self.grids = store.grids
            self.precision = store.precision
            self._usual_metric = store.metric
            self._count = store.count()
            self._finished = store.finished(self._count)
            self.test_sets = store.test_sets()  # second: a live writer stores them before records

        self.metric = metric or self._usual_metric
        if self.metric not in MEASURES:
            raise unknown("metric", self.metric, MEASURES)
        self._lose, self._keep = lose, keep

    def within(self, metric: str | None) -> Result:
        """The same run in another metric; None: in this one.

        Raises:
            SpecError: an unknown one.
        """
        if metric in (None, self.metric):
            return self
        return Result(self.path, metric, self._lose, self._keep)

    def __repr__(self) -> str:
        return f"<gigo.Result {self.path}: {self._finished} of {len(self._keys)} trials>"

    def _repr_html_(self) -> str:
        """What a notebook shows: the first answer, and the figures."""
        from gigo.report.document import brief
        from gigo.report.html import excerpt

        return excerpt(brief(self.material))

    @property
    def studies(self) -> list[Study]:
        """Those that were run into the folder, as they were said."""
        return [grid.study for grid in self.grids]

    @property
    def missing(self) -> int:
        """Trials that are not trained yet."""
        return len(self._keys - {*self.frame["key"]})

    @property
    def failure(self) -> str | None:
        """Why there is no result: the error, where every trial so far failed; else None."""
        from gigo.records import FAILED

        trials = self.frame.drop_duplicates("key")
        if not len(trials) or not {*trials["status"]} <= {*FAILED}:
            return None
        return (
            f"all {len(trials):,} trials failed: {trials['error'].iloc[0]}; when that is mended, "
            f"the same command with --retry failed trains them again (gigo table {self.path} "
            "lists them)"
        )

    @cached_property
    def _keys(self) -> set[str]:
        """Of all that the run is meant to hold."""
        return {key for grid in self.grids for key in grid.keys}

    @cached_property
    def records(self) -> list[Record]:
        """All that the trials left, predictions and curves included; large in a large run."""
        return list(self._stored())

    @cached_property
    def frame(self) -> pd.DataFrame:
        """One row a trial; the columns are described in `gigo.analysis.table.COLUMNS`."""
        from gigo.analysis.table import tidy

        with Store.open(self.path) as store:
            return tidy(self.grids, store.outcomes(self._count), self.test_sets)  # as of opening

    def edits(
        self, trial: str | Mapping[str, Any] | None = None, *, data_dir: str | Path | None = None
    ) -> pd.DataFrame:
        """The wrong training items, worked out again from the study and the data.

        Args:
            trial: its key, or its row of ``frame``. None: all that are finished.
            data_dir: where official data lie; see `gigo.datasets.load`.

        Returns:
            Of a trial the columns `EDITS` of `gigo.audit.wrong_items`; of all `POINT` before
            these.

        Raises:
            SpecError: the run has no such trial.
            StoreError: the data or the code of a corruption are gone, or are no longer the same.

        >>> import gigo
        >>> fields = dict(size=50, model="mlp", recipe="small", rates=0.1, replicates=1)
        >>> result = gigo.sweep("digits", validation="none", **fields)
        >>> wrong = result.edits(result.frame["key"][0])
        >>> list(wrong.columns), len(wrong), set(wrong["what"])
        (['item', 'what', 'given', 'true'], 5, {'label'})
        """
        from gigo.audit.wrong_items import EDITS, wrong_items

        keys = {*self.frame["key"]}
        if trial is not None:
            key = trial if isinstance(trial, str) else str(trial["key"])
            if key not in keys:
                raise SpecError("trial", key, "the key of a finished trial: see frame")
            keys = {key}
        place = None if data_dir is None else Path(data_dir)
        found: Any = wrong_items(self.grids, keys, self.path, place)
        return found if trial is None else found[[*EDITS]]

    @cached_property
    def per_class(self) -> pd.DataFrame:
        """One row a trial and class; see `gigo.analysis.table.PER_CLASS_COLUMNS`."""
        from gigo.analysis.table import per_class

        return per_class(self.grids, self._stored(), self.test_sets)

    @cached_property
    def curves(self) -> pd.DataFrame:
        """Learning curves, one row a trial, epoch and quantity: key, epoch, quantity, value."""
        from gigo.analysis.table import curves

        return curves(self._stored())

    @cached_property
    def material(self) -> Material:
        """What figures and pages are made from: summary, estimates, the answer in words.

        Raises:
            SpecError: the run has no value of the metric.
        """
        from gigo.analysis.allowed import allowed
        from gigo.analysis.metric import find
        from gigo.report import Material

        metric = find(self.metric, self.frame)
        with Store.open(self.path) as store:
            provenance = store.provenances()
        return Material(
            title=self.studies[0].name,
            frame=self.frame,
            grids=self.grids,
            test_sets=self.test_sets,
            precision=self.precision,
            pending=self.missing,
            provenance=provenance,
            command=self._command,
            folder=self._folder,
            metric=metric,
            allowed=allowed(metric, self._lose, self._keep),
            records=self._stored,
        )

    def _stored(self) -> Iterator[Record]:
        with Store.open(self.path) as store:
            yield from store.records(self._count)  # as of opening

    @property
    def _command(self) -> str | None:
        """What makes the run and its report again, if its studies are all built in."""
        for study in self.studies:
            if study.name not in studies.names():
                return None
            built_in = studies.find(study.name)
            if study.but(metric=built_in.metric) != built_in:
                return None
        options = f" --metric {self.metric}" if self.metric != "accuracy" else ""
        if len(self.studies) > 1 or self._folder != self.studies[0].name:
            options += f" --out {shlex.quote(f'runs/{self._folder}')}"
        return " && ".join(f"gigo run {study.name}{options}" for study in self.studies)

    @property
    def _folder(self) -> str:
        """The run folder's name."""
        return self.path.absolute().name

    @property
    def answer(self) -> str:
        """What the run says, in words."""
        from gigo.report.document import answer
        from gigo.report.plain import plain

        return plain(answer(self.material))

    @property
    def summary(self) -> pd.DataFrame:
        """One row a curve and rate; see `gigo.analysis.estimates.SUMMARY_COLUMNS`."""
        return self.material.summary

    def loss(self, at: float | Sequence[float] = (), metric: str | None = None) -> pd.DataFrame:
        """What wrong labels cost, one row per curve and rate.

        Args:
            at: rates, run or between those run; none: all that were run.
            metric: another one than the result's.

        Returns:
            The columns are those of `gigo.analysis.answers.LOSS_COLUMNS`.

        Raises:
            SpecError: a rate that is no number from 0 to 1.
        """
        from gigo.analysis.answers import losses
        from gigo.analysis.curves import Accuracies

        given: Any = at
        rates: list[Any] = [given] if isinstance(given, Real) else [*given]
        for rate in rates:
            if not isinstance(rate, Real) or not 0 <= float(rate) <= 1:
                raise SpecError("at", rate, "a rate from 0 to 1")
        material = self.within(metric).material
        curves = Accuracies.of(material.frame, material.metric).curves()
        return losses(curves, rates, material.n_test, material.items)

    def tolerance(
        self,
        lose: str | float | None = None,
        keep: str | float | None = None,
        metric: str | None = None,
    ) -> pd.DataFrame:
        """How many wrong labels are tolerated, one row per curve.

        Args:
            lose: what the metric may lose, such as ``"2pt"``; default what the result has.
            keep: the share of its clean value that it is to keep instead, such as ``"95%"``.
            metric: another one than the result's.

        Returns:
            The columns are those of `gigo.analysis.answers.TOLERANCE_COLUMNS`.

        Raises:
            SpecError: no such amount, or both.

        >>> import gigo
        >>> fields = dict(size=200, model="mlp", recipe="small", rates=[0, 0.1, 0.2, 0.4, 0.6])
        >>> table = gigo.sweep("digits", replicates=3, **fields).tolerance(lose="5pt")
        >>> bool(table["low"][0] <= table["tolerance"][0] <= table["high"][0])
        True
        """
        from gigo.analysis.answers import tolerances

        result = self
        if lose is not None or keep is not None or metric is not None:
            said = (self._lose, self._keep) if lose is None and keep is None else (lose, keep)
            result = Result(self.path, metric or self.metric, *said)
        material = result.material
        return tolerances(material.estimates, material.metric, material.cliffs)

    def exchange(self, metric: str | None = None) -> pd.DataFrame:
        """What labels of which some are wrong are worth in clean ones, one row per size and rate.

        Returns:
            The columns are those of `gigo.analysis.exchange.EXCHANGE_COLUMNS`.
        """
        from gigo.analysis.exchange import exchange_table

        material = self.within(metric).material
        return exchange_table(material.frame, material.metric)

    @property
    def estimates(self) -> list[CurveEstimates]:
        """Tolerance and midpoint of each curve, with intervals."""
        return self.material.estimates

    def plot(
        self, size: int | None = None, metric: str | None = None, against: str = "rate"
    ) -> alt.ConcatChart:
        """The metric against corruption rate, with intervals.

        Args:
            size: only the figures with this size; default all of them.
            metric: another one than the result's.
            against: ``rate``, as it was asked for, or ``realised_rate``: the share of the set that
                was really changed.

        Raises:
            SpecError: nothing of that size is trained yet; a metric that the run has not; against
                anything else.
        """
        from gigo.report import figure

        return figure(self.within(metric).drawn(against), size)

    def drawn(self, against: str) -> Material:
        """The material, with figures against asked or realised rates; see `plot`."""
        if against not in ("rate", "realised_rate"):
            raise SpecError("against", against, "rate or realised_rate")
        return self.material if against == "rate" else replace(self.material, against=against)

    @property
    def page(self) -> Path | None:
        """The report in the run folder, if it was written after all that the run holds."""
        page = self._page
        written = page.stat().st_mtime_ns if page.is_file() else 0
        return page if written > (self.path / DATABASE).stat().st_mtime_ns else None

    @property
    def _page(self) -> Path:
        """Where the report is, in the run folder: each metric has one."""
        other = "" if self.metric == self._usual_metric else f"-{self.metric}"
        return self.path / f"report{other}.html"

    def report(
        self,
        path: str | Path | None = None,
        metric: str | None = None,
        against: str = "rate",
    ) -> Path:
        """Write the self-contained page.

        Args:
            path: where to; default ``report.html`` in the run folder, or ``report-METRIC.html``
                for another metric than the run's.
            metric: another one than the result's.
            against: what figures are drawn against, as `plot` has it.

        Returns:
            Where it is.

        Raises:
            SpecError: the run has no such metric, or against anything else.
            StoreError: it can't be written.
        """
        from gigo.report import write_report

        result = self.within(metric)
        return write_report(Path(path or result._page), result.drawn(against))


def load(
    path: str | Path,
    metric: str | None = None,
    lose: str | float | None = None,
    keep: str | float | None = None,
) -> Result:
    """The result of an earlier run, from its folder; see `Result`.

    >>> import gigo
    >>> fields = dict(dataset="digits", size=100, model="mlp", recipe="small", replicates=1)
    >>> _ = gigo.sweep(rates=0, out="mine", **fields)
    >>> gigo.load("mine")
    <gigo.Result mine: 1 of 1 trials>
    """
    return Result(path, metric, lose, keep)


def compare(a: Result | str | Path, b: Result | str | Path, metric: str = "accuracy") -> Comparison:
    """Two runs side by side, at the points (data set, size, corruption, rate) that both have.

    Args:
        a: a result, a run folder, a CSV file of published points (`gigo.analysis.points`), or
            ``"article"``: the article's (``"./article"`` is a folder of that name).
        b: what to compare it with, likewise.
        metric: what to compare, a name of `gigo.measures.MEASURES`; of published points accuracy.

    Returns:
        ``.frame``, a row per point, with the columns of
        `gigo.analysis.comparison.COMPARISON_COLUMNS`; ``.mean_difference``,
        ``.mean_absolute_difference``, ``.largest``, ``.share_inside``; ``.differing`` settings.

    Raises:
        SpecError: no run among them, no point in common, or one of them lacks the metric.
        StoreError: there is no run, or it can't be read.

    >>> import gigo
    >>> fields = dict(dataset="digits", size=200, rates=[0, 0.4], recipe="small")
    >>> dense = gigo.sweep(model="mlp", **fields)
    >>> linear = gigo.sweep(model="linear", **fields)
    >>> comparison = gigo.compare(dense, linear)
    >>> len(comparison.frame), list(comparison.differing)
    (2, ['model'])
    >>> list(comparison.frame["method"])
    ['paired', 'paired']
    """
    from gigo.analysis import metric as metrics
    from gigo.analysis.comparison import compare as compare_sides

    sides = _side(a), _side(b)
    names = " ".join(side.name for side in sides)
    if all(side.note for side in sides):
        raise SpecError("runs", names, "at least one run's folder")
    chosen = [metrics.find(metric, side.frame) for side in sides]
    found = compare_sides(*sides, chosen[0])
    if found.frame.empty:
        shared = "data set, size, corruption and rate"
        raise SpecError("runs", names, f"two with a trained point in common ({shared})")
    return found


def _side(what: Result | str | Path) -> Side:
    from gigo.analysis import article, points
    from gigo.analysis.points import Side

    if what == article.NAME:
        return article.published()
    if not isinstance(what, Result) and Path(what).suffix == ".csv" and not Path(what).is_dir():
        return points.read(os.path.expanduser(what))
    result = what if isinstance(what, Result) else load(what)
    return Side.of_run(str(result.path), result.frame, result.grids)


def run(
    study: Study | str | Path,
    *,
    out: str | Path | None = None,
    data_dir: str | Path | None = None,
    device: str = "auto",
    workers: int | None = None,
    trial_timeout: float | None = None,
    retry: str | None = None,
    listener: Listener | None = None,
    **changes: Any,
) -> Result:
    """Train what is missing of a study and give all there is of it.

    Args:
        study: a `Study`, the name of a built-in one, or a TOML file.
        out: the run folder; default ``runs/NAME``. Running again goes on where it stopped.
        data_dir: where data files lie, if not where gigo looks (`gigo.datasets.load`).
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:1``, ...
        workers: training processes at once; default: one a core on a CPU where that is worth while.
        trial_timeout: seconds that fitting an estimator may take; then it is ended and recorded as
            ``timed_out``. Networks have epochs, and are not timed.
        retry: ``failed`` trains those again that failed or timed out, with the same seeds.
        listener: called with `gigo.runner.Progress` as the run goes on. None: a progress bar, in
            a notebook and at a terminal.
        **changes: fields of the study to replace, such as ``rates=[0, 0.5]``.

    Raises:
        GigoError: see its subclasses; the message names what is wrong.

    Warns:
        GigoWarning: clean labels teach nothing, with what to do about it.

    >>> import gigo
    >>> gigo.run("demo", size=100, model="mlp", rates=[0, 0.4], replicates=1, out="small")
    <gigo.Result small: 3 of 3 trials>
    """
    resolved = study if isinstance(study, Study) else studies.find(study)
    if changes:
        resolved = resolved.but(**changes)
    return _trained(resolved, out, data_dir, device, workers, trial_timeout, retry, listener)


def _trained(
    study: Study,
    out: str | Path | None,
    data_dir: str | Path | None,
    device: str,
    workers: int | None,
    trial_timeout: float | None,
    retry: str | None,
    listener: Listener | None,
) -> Result:
    """What `run` and `sweep` give; warnings point at who called these."""
    from gigo import runner
    from gigo.analysis import cautions
    from gigo.console import interactive

    path = folder(study, out)
    with interactive() if listener is None else nullcontext(listener) as told:
        runner.run(
            study,
            path,
            data_dir=None if data_dir is None else Path(data_dir),
            device=device,
            workers=workers,
            trial_timeout=trial_timeout,
            retry=retry,
            listener=told,
        )
    result = Result(path, study.metric)
    for caution in cautions.useless(result.frame, result.test_sets):
        warnings.warn(caution, GigoWarning, stacklevel=3)
    return result


def sweep(
    data: Any = None,
    y: Any = None,
    *,
    X_test: Any = None,
    y_test: Any = None,
    groups: Any = None,
    sample_weight: Any = None,
    classes: Sequence[Any] | None = None,
    dataset: Any = None,
    corruption: str | dict[str, Any] | Sequence[str | dict[str, Any]] = "symmetric",
    rates: str | float | Sequence[float] = "auto",
    out: str | Path | None = None,
    data_dir: str | Path | None = None,
    device: str = "auto",
    workers: int | None = None,
    trial_timeout: float | None = None,
    retry: str | None = None,
    listener: Listener | None = None,
    **fields: Any,
) -> Result:
    """Data, a model and a kind of corruption, given as keywords, to a curve.

    ``result.path`` says where the trials are stored: ``out``, else ``runs/NAME`` in the current
    folder. Without a ``name`` that is ``sweep-`` and 8 digits that follow from data sets, models,
    recipes and whatever else is not a size, a corruption, a rate or a replicate: a wider sweep
    extends the narrower one, the same one goes on, and a different one does not meet it. Data that
    are in memory count by their content; none of them are stored.

    Args:
        data: what is in memory (`gigo.datasets.memory.from_memory`: arrays, a data frame, a sparse
            matrix, texts, pairs); or names of data sets, paths (`gigo.datasets.from_path`), a
            `Dataset`, or a function that gives one.
        y: n labels, or the name of their column in ``data``.
        X_test: a test set like ``data``, or its path. Default: what the data set has, else a fifth
            of the items is held out once.
        y_test: its labels.
        groups: n values, or the name of their column: items of one value are never split.
        sample_weight: n numbers above 0, or the name of their column: how much each item counts in
            a fit. Models whose fit takes none are refused.
        classes: all classes in their order.
        dataset: data sets as `gigo.study.Study` has them, in place of ``data``.
        corruption: likewise.
        rates: likewise.
        out: the run folder; see `run`, as for the next six.
        data_dir: where data files lie.
        device: where to train.
        workers: training processes at once.
        trial_timeout: seconds that an estimator may take.
        retry: trains failed trials again, with the same seeds.
        listener: is told of progress.
        **fields: other fields of `gigo.study.Study`, such as ``model`` and ``replicates``.

    Raises:
        GigoError: see its subclasses; the message names what is wrong.

    >>> import gigo
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.naive_bayes import GaussianNB
    >>> X, y = load_iris(return_X_y=True)
    >>> gigo.sweep(X, y, model=GaussianNB(), rates=[0, 0.2, 0.4], replicates=2)
    <gigo.Result runs/sweep-...: 6 of 6 trials>
    >>> kinds = ["symmetric", {"name": "symmetric", "include_true": True}]
    >>> narrow = dict(size=100, model="mlp", corruption=kinds)
    >>> result = gigo.sweep("digits", rates=[0, 0.5], replicates=1, **narrow)
    >>> wider = gigo.sweep("digits", rates=[0, 0.5], replicates=2, **narrow)
    >>> len(result.records), len(wider.records), result.path == wider.path
    (3, 6, True)
    """
    _check_fields(fields)
    said = {"X_test": X_test, "y_test": y_test, "groups": groups, "classes": classes}
    fields |= {"dataset": dataset, "corruption": corruption, "rates": rates}
    study = study_for(data, y, **said, sample_weight=sample_weight, **fields)
    return _trained(study, out, data_dir, device, workers, trial_timeout, retry, listener)


def study_for(data: Any, y: Any = None, *, dataset: Any = None, **fields: Any) -> Study:
    """The study of data and keywords that `sweep` trains, with its name."""
    names = ("X_test", "y_test", "groups", "sample_weight", "classes")
    said = {"y": y, **{name: fields.pop(name, None) for name in names}}
    given = {name: value for name, value in said.items() if value is not None}
    study = Study.create(dataset=own.dataset_field(data, dataset, given), **fields)
    return study if "name" in fields else study.but(name=f"sweep-{_digest(study)}")


def _check_fields(fields: Iterable[str]) -> None:
    """Raise SpecError where an argument of `sweep` is none of its own, nor a field of a study."""
    known = {*Study.model_fields, *signature(sweep).parameters} - {"fields", "summary"}
    for name in fields:
        if name not in known | {"summary"}:
            raise unknown("argument", name, known)


def _digest(study: Study) -> str:
    """8 hex digits of all but what may grow: sizes, kinds of corruption, rates, replicates.

    The metric is no part of it either: it changes nothing that is trained.
    """
    growing = {"name", "summary", "metric", "size", "corruption", "rates"}
    growing |= {"replicates", "first_replicate"}
    content = study.model_dump_json(exclude=growing)
    return hashlib.sha256(content.encode()).hexdigest()[:8]


def folder(study: Study, out: str | Path | None) -> Path:
    """The run folder of a study."""
    return Path("runs") / study.name if out is None else Path(os.path.expanduser(out))
