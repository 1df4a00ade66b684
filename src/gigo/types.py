"""The few types that flow along the road."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from gigo.content import canonical

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
        return replace(self, label=self.first, identity=identity, value=None, matrix=None)


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
