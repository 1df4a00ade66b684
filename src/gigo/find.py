"""What a Python user calls for an answer as narrow as is wanted: a search, and what it found."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Container
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gigo import api, search, studies
from gigo.adaptive import Answer, named, piloted
from gigo.adaptive import search as search_on
from gigo.analysis.allowed import allowed
from gigo.analysis.intervals import Estimate
from gigo.analysis.metric import METRICS
from gigo.errors import GigoWarning, SpecError
from gigo.grid import Grid
from gigo.search import WIDTH, Goal, Quantity, Tolerance
from gigo.study import Study
from gigo.types import Watch

if TYPE_CHECKING:
    from gigo.runner import Listener


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
    from gigo import runner
    from gigo.analysis import cautions
    from gigo.console import interactive
    from gigo.runner.progress import reading

    goal = Goal(search.share("width", width), minutes, trainings)
    study = _study(what, y, fields)
    quantity = tolerated(study, lose, keep)
    place = None if data_dir is None else Path(data_dir)
    path = api.folder(study, out)
    how: dict[str, Any] = {"data_dir": place, "device": device, "workers": workers}
    with interactive() if listener is None else nullcontext(listener) as shown:
        resolve = resolver(place, device, reading(shown))
        pilot = pilot_of(study, fields.keys(), resolve)

        def train(batch: Study) -> None:
            runner.run(batch, path, **how, trial_timeout=trial_timeout, listener=shown)

        found = narrowed(pilot, path, quantity, goal, train, resolve, shown)
    for caution in cautions.useless(found.result.frame, found.result.test_sets):
        warnings.warn(caution, GigoWarning, stacklevel=2)
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


def pilot_of(study: Study, given: Container[str], resolve: Callable[[Study], Grid]) -> Study:
    """What a search in a study begins with; its own rates and replicates where they are given."""
    own = {name: getattr(study, name) for name in ("rates", "replicates") if name in given}
    return piloted(study, resolve).but(**own)


def resolver(data_dir: Path | None, device: str, watch: Watch) -> Callable[[Study], Grid]:
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
    resolve: Callable[[Study], Grid],
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
