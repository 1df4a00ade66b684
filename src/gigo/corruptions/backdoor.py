"""Backdoors: a mark on training images that makes a model answer one class wherever it is seen."""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gigo.corruptions.classes import class_number
from gigo.corruptions.images import images_of, in_parts
from gigo.entries import CorruptionEntry
from gigo.errors import SpecError
from gigo.rng import Stream
from gigo.schedule import KEEP, Schedule
from gigo.types import Dataset, Images, Labels


def trigger(
    dataset: Dataset,
    items: Labels,
    stream: Stream,
    *,
    target: Any = None,
    pattern: str = "patch",
    labels: str = "dirty",
    size: int | None = None,
    opacity: float | None = None,
    source: Any = None,
) -> Schedule:
    """Chosen images get a mark; with dirty labels they get the label of the target class, too.

    ``x (1 - a) + a p`` in the mark's square, p the pattern and a the opacity.

    - ``pattern``: ``patch`` is a checkerboard of black and white pixels in the lower right corner
      (Gu et al. 2017, "BadNets", section 3.1.1), ``blend`` a fixed image of random values laid
      over the whole image (Chen et al. 2017, "Targeted backdoor attacks on deep learning systems
      using data poisoning", section 4.2).
    - ``labels``: with ``dirty`` any item of another class may be chosen, or those of the ``source``
      class alone; with ``clean`` only items of the target class, which keep their label (the plain
      form in Turner et al. 2019, "Label-consistent backdoor attacks", section 2).

    The rate is a share of the whole set. With n items, t of them of the target class, rate r marks
    ``r n`` items: with dirty labels a share ``r n / (t + r n)`` of all that are then labelled as
    the target class, with clean ones ``r n / t`` of it. The highest rate is ``1 - t / n`` or the
    source class's share, with clean labels ``t / n``.

    Test sets: ``attack``, marked test items that are not of the target class (of the source class
    where one is named), labelled as the target class, so that accuracy on them is the attack
    success rate; with a source class also ``source``, its test items as they are. None where there
    are no such test items.

    Args:
        dataset: of images.
        items: (n,) rows of its ``x_train``.
        stream: what is drawn comes from there.
        target: the class that marked items are to be taken for, by name or number. None: the first.
        pattern: ``patch`` or ``blend``.
        labels: ``dirty`` or ``clean``.
        size: of the square in the lower right corner that is marked, pixels per side. None: of
            a patch a tenth of the image's shorter side, at least 2; of a blend the whole image.
        opacity: a, above 0, at most 1. None: 1 of a patch, 0.2 of a blend.
        source: the only class whose items are marked, by name or number. None: all but the target.

    Raises:
        SpecError: an option that makes no sense, or the data are no images.

    >>> from gigo.datasets import load
    >>> digits, items = load("digits"), np.arange(1000)
    >>> schedule = trigger(digits, items, Stream(0, 0, "corruption"), target=7)
    >>> schedule.extra(1)[0, 0, -2:, -2:].tolist(), int(schedule.label[0])
    ([[1.0, 0.0], [0.0, 1.0]], 7)
    >>> clean = trigger(digits, items, Stream(0, 0, "corruption"), target=7, labels="clean")
    >>> clean.n_edits(0.2, n=1000)
    Traceback (most recent call last):
    gigo.errors.SpecError: rate = 0.2: expected at most 10.3 %: the corruption can do 103 ...
    """
    mark = _mark(images_of("trigger", dataset), pattern, size, opacity)
    goal, origin = _classes(dataset, target, source, labels)
    true = dataset.y_train[items]
    order = stream.permutation(len(items))
    order = order[_may_be_marked(true[order], goal, origin, labels)]
    label = np.full(len(order), KEEP if labels == "clean" else goal, np.int64)
    marked = partial(_marked, dataset.x_train, items[order], mark)
    probes = _probes(dataset, goal, origin, mark)
    return Schedule(order, label, extra=marked, probes=probes)


class _Mark(NamedTuple):
    """What is laid over images."""

    pattern: NDArray[np.float64]
    """(channels or 1, size, size), in the images' own range, for the lower right corner."""
    opacity: float


def _mark(x: Images, pattern: str, size: Any, opacity: Any) -> _Mark:
    """The mark on images like x; raises SpecError."""
    field, patch = "corruption.trigger", pattern == "patch"
    if pattern not in ("patch", "blend"):
        raise SpecError(f"{field}.pattern", pattern, "patch or blend")
    channels, height, width = x.shape[1:]
    side = min(height, width)
    if size is not None and (type(size) is not int or not 1 <= size <= side):
        raise SpecError(f"{field}.size", size, f"1 to {side} pixels")
    share = (1.0 if patch else 0.2) if opacity is None else opacity
    if type(share) not in (int, float) or not 0 < share <= 1:
        raise SpecError(f"{field}.opacity", opacity, "a number above 0, at most 1")
    if patch:
        down, across = np.indices((size or min(side, max(2, round(side / 10))),) * 2)
        values = 255.0 * ((down + across) % 2 == 0)[None]
    else:  # the same whatever the seed: a test set is marked with it
        whole = Stream(0, 0, "trigger/blend").integers(channels * height * width, 256)
        values = whole.reshape(channels, height, width).astype(np.float64)
        values = values if size is None else values[:, -size:, -size:]
    return _Mark(values if x.dtype == np.uint8 else values / 255, float(share))


def _classes(dataset: Dataset, target: Any, source: Any, labels: str) -> tuple[int, int | None]:
    """The target class, and the source class where there is one; raises SpecError."""
    field, names = "corruption.trigger", dataset.classes
    if labels not in ("dirty", "clean"):
        raise SpecError(f"{field}.labels", labels, "dirty or clean")
    if dataset.n_classes < 2:
        raise SpecError(
            "classes", dataset.n_classes, "at least 2, or none can be taken for another"
        )
    goal = 0 if target is None else class_number(target, names, f"{field}.target")
    if source is None:
        return goal, None
    if labels == "clean":
        raise SpecError(
            f"{field}.source", source, "none with clean labels: the target's are marked"
        )
    origin = class_number(source, names, f"{field}.source")
    if origin == goal:
        raise SpecError(f"{field}.source", source, "another class than the target")
    return goal, origin


def _may_be_marked(true: Labels, goal: int, origin: int | None, labels: str) -> NDArray[np.bool_]:
    if labels == "clean":
        return true == goal
    return true != goal if origin is None else true == origin


def _probes(
    dataset: Dataset, goal: int, origin: int | None, mark: _Mark
) -> dict[str, tuple[Images, Labels]]:
    x, y = dataset.tests["test"]
    if not len(y):  # a set that is corrupted and not studied
        return {}
    rows = np.flatnonzero(_may_be_marked(y, goal, origin, "dirty"))
    if not len(rows):
        return {}
    attack = _marked(x, rows, mark, len(rows)), np.full(len(rows), goal, np.int64)
    return (
        {"attack": attack} if origin is None else {"attack": attack, "source": (x[rows], y[rows])}
    )


def _marked(x: Images, rows: Labels, mark: _Mark, k: int) -> Images:
    """The first k of the rows, with the mark."""
    made: Any = np.empty((k, *x.shape[1:]), x.dtype)
    height, width = mark.pattern.shape[1:]
    for place, part in in_parts("trigger", x, rows[:k]):
        corner = part[:, :, -height:, -width:]
        laid = (1 - mark.opacity) * corner.astype(np.float64) + mark.opacity * mark.pattern
        corner[:] = np.rint(laid) if x.dtype == np.uint8 else laid
        made[place] = part
    return made


ENTRIES: dict[str, CorruptionEntry] = {
    "trigger": CorruptionEntry(
        trigger,
        "images get a mark, and with dirty labels one target class: a backdoor",
        family="backdoor",
        formula="x (1 - a) + a p in the mark's square; the label becomes the target class, or is "
        "the target class already (clean labels)",
        paper="Gu et al. 2017, BadNets: identifying vulnerabilities in the machine learning model "
        "supply chain, section 3; Chen et al. 2017, Targeted backdoor attacks on deep learning "
        "systems using data poisoning, section 4; Turner et al. 2019, Label-consistent backdoor "
        "attacks, section 2",
        kinds=("image",),
        probes=("attack",),
    ),
}
