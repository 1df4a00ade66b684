"""What a Python user calls for an answer as narrow as is wanted: a search, and what it found."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Container
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from gigo import api, exchange_search, search, studies
from gigo.adaptive import Answer, named, piloted
from gigo.adaptive import search as search_on
from gigo.analysis.allowed import allowed
from gigo.analysis.intervals import Estimate
from gigo.analysis.metric import METRICS
from gigo.errors import GigoWarning, SpecError
from gigo.grid import Grid
from gigo.search import WIDTH, Goal, Quantity, pilot_rates
from gigo.study import Study
from gigo.tolerance_search import Tolerance
from gigo.types import Watch

if TYPE_CHECKING:
    from gigo.runner import Listener


Resolve = Callable[[Study], Grid]
"""Gives a study's grid."""


@dataclass(frozen=True)
class Found:
    """What a search found out.

    Attributes:
        result: the run, with all that was trained.
        answers: one for each curve: its estimate, and why the search ended.
        name: what was looked for.
        width: of the interval that was asked for.

    >>> import gigo
    >>> fields = dict(size=200, model="linear", recipe="small")
    >>> found = gigo.find_tolerance("digits", trainings=15, **fields)
    >>> print(found)
    tolerance somewhere between ... and ... %: no more may be trained, 10 points are not reached
    >>> found.answers[0].trainings, found.answers[0].stop.reason
    (15, 'spent')
    """

    result: api.Result
    answers: tuple[Answer, ...]
    name: str
    width: float

    @property
    def estimate(self) -> Estimate:
        """That of the first curve, which mostly is the only one."""
        return self.answers[0].stop.estimate

    @property
    def lines(self) -> list[str]:
        """A sentence for each curve."""
        curves = [answer.curve for answer in self.answers]
        return [
            named(answer.curve, curves) + search.told(self.name, answer.stop, self.width)
            for answer in self.answers
        ]

    def __str__(self) -> str:
        return "\n".join(self.lines)


def find_tolerance(
    what: Any = None,
    y: Any = None,
    *,
    width: float | str = WIDTH,
    lose: float | str | None = None,
    keep: float | str | None = None,
    minutes: float | None = None,
    trainings: int | None = None,
    out: str | Path | None = None,
    data_dir: str | Path | None = None,
    device: str = "auto",
    workers: int | None = None,
    trial_timeout: float | None = None,
    listener: Listener | None = None,
    **fields: Any,
) -> Found:
    """Train until it is known well enough what share of wrong labels is tolerable.

    A pilot of five rates and three replicates comes first, unless the run folder holds as much;
    then batches of new replicates at rate 0 and at two rates about the crossing. Several curves
    are searched each for itself. Calling it again goes on where it stopped, with the batch that was
    cut off, and ends as if it had not been; only ``minutes`` are not the same twice.

    Args:
        what: a `Study`, the name of a built-in one or a TOML file; or data, as for `sweep`.
        y: labels of data, as for `sweep`.
        width: of the interval, in points of the rate: ``"10pt"`` or 0.1.
        lose: by how much the metric may get worse; default ``"5pt"``, 5 points.
        keep: the share of its clean value that it may fall to instead, such as ``"95%"``.
        minutes: after which nothing new begins.
        trainings: models that the run may come to hold for this. Without either, 400 a curve.
        out: the run folder; see `run`, as for the next five.
        data_dir: where data files lie.
        device: where to train.
        workers: training processes at once.
        trial_timeout: seconds that an estimator may take.
        listener: is told of progress, and after each batch of the interval.
        **fields: fields of the study, and of data what `sweep` takes besides. ``rates`` and
            ``replicates`` are those of the pilot.

    Raises:
        GigoError: see its subclasses; the message names what is wrong.

    >>> import gigo
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.naive_bayes import GaussianNB
    >>> X, y = load_iris(return_X_y=True)
    >>> found = gigo.find_tolerance(X, y, model=GaussianNB(), width="30pt", trainings=100)
    >>> found.answers[0].trainings <= 100
    True
    """
    goal = Goal(search.share("width", width), minutes, trainings)
    study = _study(what, y, fields)
    quantity = tolerated(study, lose, keep)

    def begin(resolve: Resolve) -> tuple[Study, Quantity]:
        return pilot_of(study, fields.keys(), resolve), quantity

    how = _How(None if data_dir is None else Path(data_dir), device, workers, trial_timeout)
    return _found(begin, goal, api.folder(study, out), how, listener)


def find_exchange(
    what: Any = None,
    y: Any = None,
    *,
    width: float | str = exchange_search.WIDTH,
    minutes: float | None = None,
    trainings: int | None = None,
    out: str | Path | None = None,
    data_dir: str | Path | None = None,
    device: str = "auto",
    workers: int | None = None,
    trial_timeout: float | None = None,
    listener: Listener | None = None,
    **fields: Any,
) -> Found:
    """Train until it is known well enough what labels of which some are wrong are worth.

    The largest of the sizes is compared with clean sets, at the rate nearest to 20 % of those that
    are given. A pilot of three replicates comes first: of the sizes, or of four up to the one that
    is given, at rate 0 and the others. Then come batches of new replicates, in turn of what is
    asked about and of the two clean sizes about the answer. The estimate is a share: 0.43 is 430
    clean labels for 1,000.

    Args:
        what: a `Study`, the name of a built-in one or a TOML file; or data, as for `sweep`.
        y: labels of data, as for `sweep`.
        width: of the interval, as a share of the labels: ``"20%"`` or 0.2.
        minutes: after which nothing new begins.
        trainings: models that the run may come to hold for this. Without either, 400 a family.
        out: the run folder; see `run`, as for the next five.
        data_dir: where data files lie.
        device: where to train.
        workers: training processes at once.
        trial_timeout: seconds that an estimator may take.
        listener: is told of progress, and after each batch of the interval.
        **fields: fields of the study, and of data what `sweep` takes besides. ``size``, ``rates``
            and ``replicates`` are those of the pilot.

    Raises:
        GigoError: see its subclasses; the message names what is wrong.

    >>> import gigo
    >>> from sklearn.naive_bayes import GaussianNB
    >>> found = gigo.find_exchange("digits", size=800, model=GaussianNB(), trainings=40)
    >>> print(found)
    exchange rate of 800 labels at 20 % wrong ...
    """
    goal = Goal(search.share("width", width), minutes, trainings)
    study = _study(what, y, fields)

    def begin(resolve: Resolve) -> tuple[Study, Quantity]:
        return exchange_of(study, fields.keys(), resolve)

    how = _How(None if data_dir is None else Path(data_dir), device, workers, trial_timeout)
    return _found(begin, goal, api.folder(study, out), how, listener)


class _How(NamedTuple):
    """How models are trained; see `run`."""

    data_dir: Path | None
    device: str
    workers: int | None
    trial_timeout: float | None


def _found(
    begin: Callable[[Resolve], tuple[Study, Quantity]],
    goal: Goal,
    path: Path,
    how: _How,
    listener: Listener | None,
) -> Found:
    """A search with what ``begin`` gives, the pilot and what is looked for; and its cautions."""
    from gigo import runner
    from gigo.analysis import cautions
    from gigo.console import interactive
    from gigo.runner.progress import reading

    with interactive() if listener is None else nullcontext(listener) as shown:
        resolve = resolver(how.data_dir, how.device, reading(shown))
        pilot, quantity = begin(resolve)

        def train(batch: Study) -> None:
            runner.run(batch, path, **how._asdict(), listener=shown)

        found = narrowed(pilot, path, quantity, goal, train, resolve, shown)
    for caution in cautions.useless(found.result.frame, found.result.test_sets):
        warnings.warn(caution, GigoWarning, stacklevel=3)
    return found


def tolerated(
    study: Study, lose: float | str | None = None, keep: float | str | None = None
) -> Tolerance:
    """What is looked for in a study.

    Raises:
        SpecError: both are given, or neither, and the study's metric has no usual tolerance.
    """
    metric = METRICS[study.metric]
    found = allowed(metric, lose, keep)
    if found is None:
        raise SpecError(
            "lose", None, f"how much {metric.title} may rise: it has no usual tolerance"
        )
    return Tolerance(metric, found)


def pilot_of(study: Study, given: Container[str], resolve: Resolve) -> Study:
    """What a search in a study begins with; its own rates and replicates where they are given."""
    own = {name: getattr(study, name) for name in ("rates", "replicates") if name in given}
    return piloted(study, resolve).but(**own)


def exchange_of(
    study: Study, given: Container[str], resolve: Resolve
) -> tuple[Study, exchange_search.ExchangeRate]:
    """The pilot of an exchange rate, and what is looked for.

    Raises:
        SpecError: no rate above 0, or several data sets whose sizes are not the same.
    """
    grid = resolve(study)
    rates = (
        {rate for rate in study.rates if rate != "auto" and rate > 0}
        if "rates" in given
        else {min(exchange_search.RATE, pilot_rates(False, grid.most)[-1])}
    )
    if not rates:
        raise SpecError("rates", [*study.rates], "a rate above 0")
    rate = min(rates, key=lambda each: (round(abs(each - exchange_search.RATE), 9), each))
    sizes = sorted({cell.size for cell in grid.cells})
    if study.size == ("all",) and len(sizes) > 1:
        raise SpecError("size", "all", "a number, as the data sets are not of the same size")
    if len(sizes) == 1:
        sizes = exchange_search.sizes_of_pilot(sizes[0])
    pilot = study.but(
        size=sizes,
        rates=sorted({0.0, *rates}),
        replicates=study.replicates if "replicates" in given else search.PILOT_REPLICATES,
        first_replicate=0,
    )
    return pilot, exchange_search.ExchangeRate(sizes[-1], rate, METRICS[study.metric])


def resolver(data_dir: Path | None, device: str, watch: Watch) -> Resolve:
    """What gives a study's grid, as a run on this device has it; ``watch`` sees data be read."""
    from gigo.machine import Machine
    from gigo.runner.prepare import resolved

    machine = Machine.here()
    return lambda study: resolved(study, data_dir, device, machine, watch)[1]


def narrowed(
    pilot: Study,
    path: Path,
    quantity: Quantity,
    goal: Goal,
    train: Callable[[Study], object],
    resolve: Resolve,
    listener: Listener,
) -> Found:
    """A search that ``train`` trains for, and what it found; see `gigo.adaptive.search`."""
    from gigo.runner import Progress

    def tell(text: str, done: int, total: int) -> None:
        listener(Progress(done, total, note=text))

    answers = search_on(pilot, path, quantity, goal, train=train, resolve=resolve, tell=tell)
    result = api.Result(path, pilot.metric)
    return Found(result, tuple(answers), quantity.name, goal.width)


def _study(what: Any, y: Any, fields: dict[str, Any]) -> Study:
    """That of a name or a file, or one for data; with its fields replaced."""
    named = isinstance(what, str | Path)
    if named and (str(what) in studies.names() or Path(what).suffix.lower() == ".toml"):
        what = studies.find(what)
    if not isinstance(what, Study):
        return api.study_for(what, y, **fields)
    if y is not None:
        raise SpecError("y", "...", "none: the study has data")
    return what.but(**fields)
