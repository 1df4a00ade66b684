"""The few types that flow along the road."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from inspect import signature
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias

from gigo.errors import SpecError

if TYPE_CHECKING:  # how far a run is can be asked without NumPy, which is slow to import
    import numpy as np
    from numpy.typing import NDArray

    from gigo.inputs import Inputs

Images: TypeAlias = "NDArray[np.uint8] | NDArray[np.float32] | NDArray[np.int64]"
Labels: TypeAlias = "NDArray[np.int64]"
Kind = Literal["image", "table", "text", "vector"]
Placement = Literal["random", "tail"]
Status = Literal["ok", "never_started", "diverged", "failed", "timed_out"]
FAILED: tuple[Status, ...] = ("failed", "timed_out")
"""Of trials that left nothing but the reason; ``--retry failed`` trains them again."""

Watch = Callable[[str, int, int], None]
"""Told of a download: (file name, bytes so far, bytes in all or 0 where nobody knows); or of the
decoding of images: (what is done with them, images so far, images in all)."""


def silent(name: str, done: int, total: int) -> None:
    """A `Watch` that tells nobody."""


@dataclass(frozen=True)
class Dataset:
    """A classification data set with its test sets.

    Attributes:
        name: what tables call it.
        x_train: n inputs (`gigo.inputs`). Arrays of images are (n, channels, height, width), of
            signals (n, channels, length). To networks ``uint8`` is divided by 255, ``float32`` is
            used as it is, and so is ``int64``: the ids of tokens. The columns of a table are
            float64, ``category`` or ``str``.
        y_train: (n,) int64 labels, ``0 .. n_classes - 1``.
        tests: the test sets by name, inputs and labels each; the first one is called ``test``.
        classes: one name per class.
        kind: of the inputs.
        sha256: of the content (see `gigo.inputs.digest`).
        source: where the bytes came from, for people.
        groups: (n,) int64, a number per training item; items of one group are not split between
            training and held-out ones. None: every item is its own.
        weights: (n,) float64, above 0: how much each training item counts in a fit. None: the same.
        notes: what is to be said of it: a line each, for people.
        test_groups: (n,) likewise of test items, by test set; one that is not there has none.

    >>> import numpy as np
    >>> from gigo.inputs import digest
    >>> x, y = np.eye(4, dtype=np.float32), np.array([0, 1, 0, 1])
    >>> dataset = Dataset(
    ...     name="corners",
    ...     x_train=x,
    ...     y_train=y,
    ...     tests={"test": (x, y)},
    ...     classes=("even", "odd"),
    ...     kind="vector",
    ...     sha256=digest(x, y, x, y),
    ...     source="made up",
    ... )
    >>> dataset.n_classes, dataset.input_shape
    (2, (4,))
    """

    name: str
    x_train: Inputs
    y_train: Labels
    tests: Mapping[str, tuple[Inputs, Labels]]
    classes: tuple[str, ...]
    kind: Kind
    sha256: str
    source: str
    groups: Labels | None = None
    weights: NDArray[np.float64] | None = None
    notes: tuple[str, ...] = ()
    test_groups: Mapping[str, Labels] = field(default_factory=dict[str, Labels])

    @property
    def n_classes(self) -> int:
        return len(self.classes)

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Shape of one item: see `gigo.inputs.shape`."""
        from gigo import inputs

        return inputs.shape(self.x_train)

    @property
    def n_train(self) -> int:
        return len(self.y_train)

    @property
    def n_test(self) -> int:
        """Items of all test sets together."""
        return sum(len(y) for _, y in self.tests.values())

    @property
    def n_bytes(self) -> int:
        """Bytes of its inputs, about: see `gigo.inputs.n_bytes`."""
        from gigo import inputs

        return sum(map(inputs.n_bytes, [self.x_train, *(x for x, _ in self.tests.values())]))


def _not_here(watch: Watch) -> Dataset:
    raise RuntimeError("a grid that was read from a run has no data: resolve its study")


@dataclass(frozen=True)
class Card:
    """What is known of a data set without reading it.

    Attributes:
        name: what tables call it.
        sha256: of its decoded arrays; the data set's identity.
        kind: of its inputs.
        input_shape: of one item.
        n_classes, n_train, n_test: counts; ``n_test`` is of all test sets together.
        load: reads it, telling a `Watch` of downloads; raises DataError.
        n_bytes: of its inputs in memory, about; 0 where a run is only read.
        weighted: whether its items have weights; False where a run is only read.
        classes: their names; none where a run is only read.
    """

    name: str
    sha256: str
    kind: Kind
    input_shape: tuple[int, ...]
    n_classes: int
    n_train: int
    n_test: int
    load: Callable[[Watch], Dataset] = field(default=_not_here, compare=False, repr=False)
    n_bytes: int = field(default=0, compare=False, repr=False)
    weighted: bool = field(default=False, compare=False, repr=False)
    classes: tuple[str, ...] = field(default=(), compare=False, repr=False)

    @property
    def label(self) -> str:
        """How tables and figures name it."""
        return self.name

    @property
    def described(self) -> str:
        """What is in it, for people."""
        shape = "x".join(map(str, self.input_shape))
        what = {
            "image": f"images of {shape} (channels, height, width)",
            "table": f"a table of {shape} columns",
            "text": "texts",
            "vector": f"vectors of {shape} numbers",
        }[self.kind]
        items = f"{self.n_train:,} training and {self.n_test:,} test items"
        return f"{what}, {items}, {self.n_classes} classes"

    @property
    def identity(self) -> str:
        """What stands for it in trials' keys."""
        return self.sha256


@dataclass(frozen=True)
class Resolved:
    """A model or a corruption that a study named, after the name was looked up.

    Attributes:
        label: how tables and figures name it.
        identity: canonical JSON of everything that makes it what it is: a part of trials' keys.
        value: the thing itself, its options bound. A network is ``(input_shape, n_classes) ->
            nn.Module``, an estimator ``() -> object with fit and predict``, a label corruption
            ``(dataset, items, stream) -> Schedule``. None where a run is only read.
    """

    label: str
    identity: str
    value: Any = field(default=None, compare=False, repr=False)

    def to_json(self) -> Any:
        """The identity as plain values."""
        return json.loads(self.identity)


@dataclass(frozen=True)
class Features:
    """What turns inputs into vectors before a model sees them, once per data set.

    Attributes:
        label: how people call it.
        identity: canonical JSON of everything that makes it what it is.
        width: of the vectors.
        learns: whether it learns from the training inputs; labels have no part in it.
        value: ``(dataset) -> function``, which is ``(some inputs) -> (n, width) float32``. None in
            another process, which gets the vectors alone.
    """

    label: str
    identity: str
    width: int
    learns: bool = False
    value: Callable[[Dataset], Callable[[Inputs], NDArray[np.float32]]] | None = field(
        default=None, compare=False, repr=False
    )

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "value": None}


@dataclass(frozen=True)
class Model(Resolved):
    """A model: a network that the engine trains in stacks, or an estimator with fit and predict.

    Attributes:
        trainer: which of them it is.
        monitors: whether held-out items are of use to it: ``validation = "auto"`` holds some out.
        features: what its inputs are made into first; None: nothing, or a run is only read.
        shares: whether it does something once for all trials of the same items, whatever their
            labels: these are better trained one after the other.
    """

    trainer: Literal["network", "estimator"] = "network"
    monitors: bool = True
    features: Features | None = field(default=None, compare=False, repr=False)
    shares: bool = field(default=False, compare=False, repr=False)


class Entry(NamedTuple):
    """A function in a catalogue.

    Attributes:
        function: called with what its catalogue says, and options.
        summary: one line for ``gigo list``.
        features: what a model's inputs are made into first, by the name of a catalogue.
    """

    function: Callable[..., Any]
    summary: str
    features: str = ""

    @property
    def options(self) -> dict[str, Any]:
        """The names of its options with their defaults."""
        parameters = signature(self.function).parameters.items()
        return {name: each.default for name, each in parameters if each.default is not each.empty}


class Schedule(NamedTuple):
    """What a corruption does to a training set, whatever the rate: a list of edits in order.

    Rate r does the first ``round(r * n)`` edits: the items corrupted at one rate are therefore
    among those at any higher one, with the same wrong labels.

    Attributes:
        item: (m,) int64 distinct positions among the n items given, m <= n.
        label: (m,) int64, the label each of them gets.

    Half of four items:

    >>> import numpy as np
    >>> schedule = Schedule(item=np.array([2, 0, 3, 1]), label=np.array([1, 1, 0, 1]))
    >>> labels = np.array([0, 0, 0, 1])
    >>> edits = round(0.5 * 4)
    >>> labels[schedule.item[:edits]] = schedule.label[:edits]
    >>> labels
    array([1, 0, 1, 1])
    """

    item: Labels
    label: Labels

    def at(self, rate: float, n: int) -> Schedule:
        """The edits at a rate of n items.

        Raises:
            SpecError: it has fewer.

        >>> import numpy as np
        >>> Schedule(np.array([2, 0]), np.array([1, 1])).at(0.25, 4)
        Schedule(item=array([2]), label=array([1]))
        """
        k, m = round(rate * n), len(self.item)
        if k > m:
            most = f"{100 * m / n:.4g} %"
            expected = f"at most {most}: the corruption can take {m:,} of the {n:,} items"
            raise SpecError("rate", rate, expected)
        return Schedule(self.item[:k], self.label[:k])


@dataclass(frozen=True)
class TrainingSet:
    """What one trial trains on, and what it holds out.

    Attributes:
        rows: (n,) int64, the items trained on: indices into ``x_train``, ascending.
        labels: (n,) the labels they are trained with.
        true_labels: (n,) as the data set has them.
        touched: (n,) bool, edited by the corruption.
        held_out: (v,) indices of the items held out, ascending; empty under some policies.
        held_out_labels: (v,) their labels.
        weights: (n,) how much the items trained on count; None: the same.
    """

    rows: Labels
    labels: Labels
    true_labels: Labels
    touched: NDArray[np.bool_]
    held_out: Labels
    held_out_labels: Labels
    weights: NDArray[np.float64] | None = None


@dataclass(frozen=True)
class TestSet:
    """What the analysis needs to know of a data set, kept beside the records.

    Attributes:
        name: of the data set.
        sha256: of its data.
        classes: their names.
        labels: (n,) true classes by test set; the first one is called ``test``.
        n_train: training items it has.
        source: where the data came from, for people.
        notes: what is to be said of it, a line each.
        groups: (n,) int64 by test set, a number per item; items of one group are alike. One that
            is not there: every item is its own.
    """

    __test__ = False  # not a test class, whatever pytest thinks of its name

    name: str
    sha256: str
    classes: tuple[str, ...]
    labels: Mapping[str, Labels]
    n_train: int
    source: str
    notes: tuple[str, ...] = ()
    groups: Mapping[str, Labels] = field(default_factory=dict[str, Labels])


@dataclass(frozen=True)
class Outcome:
    """How one trial came out, in numbers: the part of a `Record` that tables are made from.

    Attributes:
        key: the trial's content key, 64 hex digits.
        status: ``ok``; ``never_started`` (training loss never below 98 % of the entropy of its
            training labels); ``diverged`` (a loss that is not finite); ``failed`` (the model raised
            an error, or its process died); ``timed_out``. The last two leave no predictions and no
            measures; ``provenance["error"]`` has the reason, a line.
        n_train: items trained on, held-out ones not counted.
        n_validation: items held out.
        n_selected: training items that the corruption chose.
        n_changed: those whose label differs from the true one.
        epochs: epochs trained; None where a trainer has none.
        best_epoch: the epoch, from 1, whose weights were chosen; None likewise.
        stopped: ``patience``, ``epochs`` or ``diverged``: what ended training; None likewise.
        measures: finite numbers by name; one that is not known, or not finite, is absent. Those of
            `gigo.measures.MEASURES` on the test set with the chosen weights, with ``NAME/`` before
            them on a further one; ``accuracy_last`` and ``log_loss_last`` of the last epoch's
            weights; and of the chosen weights, on training items, ``train_accuracy_clean`` (the
            uncorrupted ones), ``train_accuracy_corrupted`` (the corrupted ones, against the wrong
            label they carry: memorisation) and ``train_recovered`` (against their true label).
        seconds: this trial's share of its stack's wall time.
        provenance: versions, device, stack width and the like; never part of the key.
    """

    key: str
    status: Status
    n_train: int
    n_validation: int
    n_selected: int
    n_changed: int
    epochs: int | None
    best_epoch: int | None
    stopped: Literal["patience", "epochs", "diverged"] | None
    measures: Mapping[str, float]
    seconds: float
    provenance: Mapping[str, Any]


@dataclass(frozen=True)
class Record(Outcome):
    """All that one trial left behind: its outcome, and the evidence for it.

    Attributes:
        trial: the trial as plain JSON values.
        predictions: (n,) uint8 or uint16 by test set, classes predicted by the chosen weights.
        scores: (n, K) float16 by test set, logarithms of the class probabilities of the chosen
            weights; empty where they were not kept.
        curve: per epoch, lists of equal length: ``train_loss``, ``learning_rate`` and, where the
            validation policy has them, ``monitor_accuracy`` and ``monitor_loss``; empty where a
            trainer has no epochs.
    """

    trial: Mapping[str, Any]
    predictions: Mapping[str, NDArray[np.unsignedinteger]]
    scores: Mapping[str, NDArray[np.float16]]
    curve: Mapping[str, list[float]]
