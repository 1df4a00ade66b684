"""The few types that flow along the road."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from inspect import signature
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias

from gigo.content import canonical
from gigo.errors import SpecError

if TYPE_CHECKING:  # how far a run is can be asked without NumPy, which is slow to import
    import numpy as np
    from numpy.typing import NDArray

    from gigo.inputs import Inputs

Images: TypeAlias = "NDArray[np.uint8] | NDArray[np.float32] | NDArray[np.int64]"
Labels: TypeAlias = "NDArray[np.int64]"
Kind = Literal["image", "table", "text", "vector"]
Placement = Literal["random", "tail"]
Family = Literal["labels", "sets", "images", "tables", "texts", "backdoor"]
RateOf = Literal["set", "eligible", "added"]
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
        origin: (n,) int64, where each training item was among all items of its source, of which
            gigo held some out as the test set; -1 where that is no longer known. None: training
            items are all of their source's, in its order.

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
    origin: Labels | None = None

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
class Corruption(Resolved):
    """A corruption; ``value`` is ``(dataset, items, stream) -> Schedule``.

    Attributes:
        probed: whether it brings test sets of its own: rate 0 then is a trial of its own, too.
        rate_of: what its rates are shares of, see `Schedule`.
        edited: what sentences call that which it makes: ``wrong labels``, ``corrupted inputs``.
        first: what comes before it, in words, such as ``blur 10 %``; mostly nothing.
        before: corruptions that come first, at rates of their own; none where a run is only read.
        kinds: of inputs that it takes; empty: any.
        matrix: what gives its matrix (`gigo.corruptions.matrix_of`), if it has one.
        inputs: whether training sets get inputs of their own.
        resizes: whether they get more items or fewer.
        training_only: whether held-out items are spared.
        gaps: whether it makes values go missing.
    """

    probed: bool = False
    rate_of: RateOf = "set"
    edited: str = "wrong labels"
    first: str = ""
    before: tuple[tuple[Corruption, float], ...] = field(default=(), compare=False, repr=False)
    kinds: tuple[Kind, ...] = field(default=(), compare=False, repr=False)
    matrix: Callable[..., NDArray[np.float64]] | None = field(
        default=None, compare=False, repr=False
    )
    inputs: bool = field(default=False, compare=False, repr=False)
    resizes: bool = field(default=False, compare=False, repr=False)
    training_only: bool = field(default=False, compare=False, repr=False)
    gaps: bool = field(default=False, compare=False, repr=False)

    @property
    def of_labels(self) -> bool:
        """Whether it makes labels wrong, and does nothing else."""
        return self.edited.endswith("labels")

    @property
    def names(self) -> tuple[str, ...]:
        """Of it and of those that come first, as a catalogue has them; of others none."""
        return tuple(str(each["name"]) for each in self.parts if "name" in each)

    @property
    def parts(self) -> tuple[dict[str, Any], ...]:
        """The identity of it and of those that come first."""
        plain = self.to_json()
        return (plain, *plain.get("after", ())) if isinstance(plain, dict) else ()

    @property
    def at_zero(self) -> Corruption | None:
        """What is left of it at rate 0: nothing, unless others come first or it brings probes."""
        if self.probed:
            return self
        first = self.to_json().get("after")
        if first is None:
            return None
        identity = canonical({"after": first})
        return replace(self, label="", identity=identity, value=None, matrix=None)


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


@dataclass(frozen=True)
class Entry:
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


@dataclass(frozen=True)
class CorruptionEntry(Entry):
    """A corruption in the catalogue: ``function`` gives a matrix, or a `Schedule`.

    Attributes:
        family: what it corrupts.
        formula: its definition in one line, for the documentation.
        paper: where it was defined: authors, year, title, section; empty where nobody has.
        kinds: of inputs that it takes; empty: any.
        rate_of: what its rates are shares of, see `Schedule`.
        probes: names of the test sets that it brings.
        resizes: whether training sets get more items or fewer.
        exact: whether it draws whole numbers alone: the same bytes on any machine.
        training_only: whether held-out items are spared.
        gaps: whether it makes values go missing: models that take no gaps are refused.
    """

    family: Family = "labels"
    formula: str = ""
    paper: str = ""
    kinds: tuple[Kind, ...] = ()
    rate_of: RateOf = "set"
    probes: tuple[str, ...] = ()
    resizes: bool = False
    exact: bool = True
    training_only: bool = False
    gaps: bool = False


KEEP, LEAVE = -1, -2
"""In place of a label: the item keeps its own; the item leaves the training set."""

ADDED = -1
"""In place of an item: one is added."""

NO_CLASS = -1
"""In place of a true label: the input is of none of the classes."""


class Schedule(NamedTuple):
    """What a corruption does to a training set, whatever the rate: a list of edits in order.

    A rate does the first of them (`n_edits`): what is edited at one rate is therefore edited in the
    same way at any higher one. All that is random is drawn before the rate is known.

    Attributes:
        item: (m,) int64 positions among the n items given, each at most once; `ADDED` (-1) for an
            item that is added.
        label: (m,) int64, the label that it gets; `KEEP` (-1): its own, of an added one that of
            the row it copies; `LEAVE` (-2): the item leaves.
        true: (m,) int64, the true label from then on, `NO_CLASS` (-1) where there is none. None:
            items keep theirs, and an added one has that of the row it copies.
        row: (m,) int64, the input that it gets: a row of ``x_train``, or ``n_train + i`` for row i
            of ``extra``; -1 keeps the item's own. None: inputs stay; where there is an ``extra``,
            edit j gets its row j.
        extra: inputs that the training set has not, of the same kind as ``x_train``; or a function
            ``(k) -> inputs``, a row for each of the first k edits, so that what is not needed is
            not made. The rows of a smaller k are the first ones of a larger one's.
        probes: further test sets by name, inputs and labels each. They depend on the data set and
            the options alone, not on what was drawn.
        rate_of: what a rate is a share of: ``set``, the n items given; ``eligible``, the m items
            that have an edit (rate 1 does all); ``added``, the items in the end, of which so many
            are added.

    Half of four items:

    >>> import numpy as np
    >>> schedule = Schedule(item=np.array([2, 0, 3, 1]), label=np.array([1, 1, 0, 1]))
    >>> labels = np.array([0, 0, 0, 1])
    >>> edits = schedule.n_edits(0.5, n=4)
    >>> labels[schedule.item[:edits]] = schedule.label[:edits]
    >>> labels
    array([1, 0, 1, 1])
    """

    item: Labels
    label: Labels
    true: Labels | None = None
    row: Labels | None = None
    extra: Inputs | Callable[[int], Inputs] | None = None
    probes: Mapping[str, tuple[Inputs, Labels]] = {}
    rate_of: RateOf = "set"

    @property
    def relabels(self) -> bool:
        """Whether it gives items other labels, and does nothing else."""
        return self.row is None and self.extra is None and not self.resizes

    @property
    def resizes(self) -> bool:
        """Whether it adds items, or lets some leave."""
        return bool((self.item == ADDED).any() or (self.label == LEAVE).any())

    def first(self, k: int) -> Schedule:
        """Its first k edits."""
        true, row = (None if each is None else each[:k] for each in (self.true, self.row))
        return self._replace(item=self.item[:k], label=self.label[:k], true=true, row=row)

    def at(self, rate: float, n: int) -> Schedule:
        """The edits at a rate of n items; raises SpecError where there are fewer."""
        return self.first(self.n_edits(rate, n))

    def highest(self, n: int) -> float:
        """The highest rate of n items that there are edits for."""
        m = len(self.item)
        return {"set": min(m / max(n, 1), 1.0), "eligible": 1.0, "added": m / max(n + m, 1)}[
            self.rate_of
        ]

    def n_edits(self, rate: float, n: int) -> int:
        """How many edits a rate of n items does.

        Raises:
            SpecError: there are fewer.

        >>> import numpy as np
        >>> copies = Schedule(np.full(12, -1), np.full(12, -1), row=np.arange(12) % 4,
        ...                   rate_of="added")
        >>> copies.n_edits(0.5, n=4), copies.n_edits(0.75, n=4)
        (4, 12)
        >>> copies.n_edits(0.8, n=4)
        Traceback (most recent call last):
        gigo.errors.SpecError: rate = 0.8: expected at most 75 %: the corruption can do 12 edits ...
        """
        m = len(self.item)
        if self.rate_of == "eligible":
            return round(rate * m)
        k = round(rate * n if self.rate_of == "set" else n * rate / max(1 - rate, 1e-9))
        if k > m:
            most = f"{100 * self.highest(n):.4g} %"
            expected = f"at most {most}: the corruption can do {m:,} edits to the {n:,} items"
            raise SpecError("rate", rate, expected)
        return k


@dataclass(frozen=True, eq=False)
class TrainingSet:
    """What one trial trains on, and what it holds out.

    Items are rows of a pool: those of ``x_train``, then those of each of the ``extras``.

    Attributes:
        rows: (n,) int64, the items trained on: those given, ascending, less those that left, then
            those added.
        labels: (n,) the labels they are trained with.
        true_labels: (n,) as the data set has them; -1 for an input of none of the classes.
        touched: (n,) bool, edited by the corruption.
        changed: (n,) bool, where that made a difference: a label that is not the true one, another
            input, a copy added under its own label.
        held_out: (v,) rows of the items held out.
        held_out_labels: (v,) their labels.
        weights: (n,) how much the items trained on count; None: the same.
        places: (n,) int64, where each stands among the items given, and the added ones after
            these, in order; None: all given ones are there, and no other.
        n_given: items before the corruption.
        n_selected: edits made.
        n_changed: those that made a difference: ``changed`` items, and those that left.
        extras: inputs that ``x_train`` has not, by name.
        probes: further test sets by name, inputs and labels each.
    """

    rows: Labels
    labels: Labels
    true_labels: Labels
    touched: NDArray[np.bool_]
    changed: NDArray[np.bool_]
    held_out: Labels
    held_out_labels: Labels
    n_given: int
    n_selected: int
    n_changed: int
    weights: NDArray[np.float64] | None = None
    places: Labels | None = None
    extras: Mapping[str, Inputs] = field(default_factory=dict[str, Any])
    probes: Mapping[str, tuple[Inputs, Labels]] = field(default_factory=dict[str, Any])


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
        n_train: items trained on, added ones too; held-out ones not counted.
        n_validation: items held out.
        n_selected: edits that corruptions made to the training set.
        n_changed: those that made a difference: a label that is not the true one, another input,
            a copy added under its own label, an item that is gone.
        epochs: epochs trained; None where a trainer has none.
        best_epoch: the epoch, from 1, whose weights were chosen; None likewise.
        stopped: ``patience``, ``epochs`` or ``diverged``: what ended training; None likewise.
        measures: finite numbers by name; one that is not known, or not finite, is absent. Those of
            `gigo.measures.MEASURES` on the test set with the chosen weights, with ``NAME/`` before
            them on a further one; ``accuracy_last`` and ``log_loss_last`` of the last epoch's
            weights; and of the chosen weights, on training items, ``train_accuracy_clean`` (the
            unchanged ones), ``train_accuracy_corrupted`` (the changed ones, against the label that
            they carry: memorisation) and ``train_recovered`` (against their true label).
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
