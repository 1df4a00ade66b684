"""The catalogue of label corruptions: where the wrong labels of a class go.

Each is ``(n_classes, **options) -> (K, K)``, see `gigo.corruptions.draw`. Symbols: k is the true
class, j the one given, ``D[k, j]`` the chance of j for a chosen item of class k.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gigo.corruptions.classes import class_number
from gigo.corruptions.draw import check_rows
from gigo.corruptions.published import CLASSES, MAPS
from gigo.entries import CorruptionEntry
from gigo.errors import SpecError


def symmetric_destinations(n_classes: int, *, include_true: bool = False) -> NDArray[np.float64]:
    """Every other class alike (Angluin & Laird 1988); with ``include_true`` every class alike.

    ``D[k, j] = 1 / (K - 1)`` for j other than k; with ``include_true`` ``1 / K`` for all j.

    Many papers include the true class: then 40 % asked is 36 % changed at 10 classes.

    >>> symmetric_destinations(3)
    array([[0. , 0.5, 0.5],
           [0.5, 0. , 0.5],
           [0.5, 0.5, 0. ]])
    """
    if include_true:
        return np.full((n_classes, n_classes), 1 / n_classes)
    return (np.ones((n_classes, n_classes)) - np.eye(n_classes)) / (n_classes - 1)


def biased_destinations(n_classes: int) -> NDArray[np.float64]:
    """Class 0, or 1 where 0 is right: the worst bias, one class taking all.

    ``D[k, 0] = 1`` for k > 0, ``D[0, 1] = 1``: `sink_destinations` of class 0.

    >>> biased_destinations(3)
    array([[0., 1., 0.],
           [1., 0., 0.],
           [1., 0., 0.]])
    """
    destinations = np.zeros((n_classes, n_classes))
    destinations[:, 0] = 1
    destinations[0, :2] = 0, 1
    return destinations


def two_sink_destinations(n_classes: int) -> NDArray[np.float64]:
    """Class 0 or 1 with equal chance, less the true one.

    ``D[k, 0] = D[k, 1] = 1/2`` for k > 1, ``D[0, 1] = D[1, 0] = 1``: `sink_destinations` of both.

    >>> two_sink_destinations(4)
    array([[0. , 1. , 0. , 0. ],
           [1. , 0. , 0. , 0. ],
           [0.5, 0.5, 0. , 0. ],
           [0.5, 0.5, 0. , 0. ]])
    """
    destinations = np.zeros((n_classes, n_classes))
    destinations[:, :2] = 0.5
    destinations[0, :2] = 0, 1
    destinations[1, :2] = 1, 0
    return destinations


def sink_destinations(
    n_classes: int, *, names: Sequence[str], classes: Sequence[Any] | None = None
) -> NDArray[np.float64]:
    """Some classes take all, alike; an item of one of them goes to the others of them.

    ``D[k, j] = 1 / |S - {k}|`` for the sinks j other than k. Of a sole sink itself the items go to
    the next class, and those of the last class to class 0.

    Args:
        n_classes: K.
        names: of the classes.
        classes: the sinks S, by name or number.

    Raises:
        SpecError: ``classes`` are not different classes of the data.

    >>> sink_destinations(3, names=("cat", "dog", "fox"), classes=["dog"])
    array([[0., 1., 0.],
           [0., 0., 1.],
           [0., 1., 0.]])
    """
    field = "corruption.sink.classes"
    if classes is None:
        expected = f"the classes that take all, one or a list, such as [{names[0]!r}]"
        raise SpecError(field, classes, expected)
    sinks = _numbers(classes, names, field)
    destinations = np.zeros((n_classes, n_classes))
    for true in range(n_classes):
        others = [sink for sink in sinks if sink != true] or [(true + 1) % n_classes]
        destinations[true, others] = 1 / len(others)
    return destinations


def pair_destinations(n_classes: int) -> NDArray[np.float64]:
    """The next class, of the last one the first (Han et al. 2018, "Co-teaching", section 4).

    ``D[k, (k + 1) mod K] = 1``.

    >>> pair_destinations(3)
    array([[0., 1., 0.],
           [0., 0., 1.],
           [1., 0., 0.]])
    """
    return np.roll(np.eye(n_classes), 1, axis=1)


def asymmetric_destinations(
    n_classes: int, *, names: Sequence[str], map: Mapping[Any, Any] | str | None = None
) -> NDArray[np.float64]:
    """A class to the one that it is taken for; classes that are taken for none stay as they are.

    ``D[k, map(k)] = 1``; the rows of other classes are zeros: they are not chosen. The rate is a
    share of the whole set, as that of any corruption: the 40 % of Patrini et al. (2017, "Making
    deep neural networks robust to label noise", section 5) are of the items of mapped classes,
    which is 20 % of CIFAR-10.

    Args:
        n_classes: K.
        names: of the classes.
        map: class to class, by name or number; or ``cifar10``, ``cifar100``, ``mnist``: the
            published ones (`gigo.corruptions.published`). None: the published one of CIFAR-10 or
            CIFAR-100, where the classes are called as theirs.

    Raises:
        SpecError: no map is given and none is known, or it does not fit the classes.

    >>> asymmetric_destinations(3, names=("cat", "dog", "fox"), map={"cat": "dog"})
    array([[0., 1., 0.],
           [0., 0., 0.],
           [0., 0., 0.]])
    """
    field = "corruption.asymmetric.map"
    pairs = _pairs(map, names, field)
    destinations = np.zeros((n_classes, n_classes))
    for true, given in pairs:
        if true == given or destinations[true].any():
            raise SpecError(field, map, "another class for each class, named once")
        destinations[true, given] = 1
    return destinations


def _pairs(
    map: Mapping[Any, Any] | str | None, names: Sequence[str], field: str
) -> list[tuple[int, int]]:
    """(true, given) classes by number."""
    if isinstance(map, Mapping) and map:
        return [
            (class_number(k, names, field), class_number(j, names, field)) for k, j in map.items()
        ]
    if map is None:
        # Whole numbers say nothing of what classes are: CIFAR-10's, too, are mostly called 0 to 9.
        known = [name for name, theirs in CLASSES.items() if {*theirs} == {*names}]
        name = next((name for name in known if name != "mnist"), None)
    else:
        name = map if isinstance(map, str) and map in MAPS else None
    if name is None:
        expected = (
            "a map of these classes, such as "
            f"{{{names[0]!r}: {names[-1]!r}}}, or what is published: {', '.join(MAPS)}"
        )
        raise SpecError(field, map, expected)
    theirs = CLASSES[name]
    if {*theirs} == {*names}:
        place = {each: names.index(each) for each in theirs}
    elif len(theirs) == len(names) and _are_numbers(names):
        place = {each: k for k, each in enumerate(theirs)}
    else:
        raise SpecError(field, name, f"a map of these classes: they are not those of {name}")
    return [(place[true], place[given]) for true, given in MAPS[name].items()]


def one_way_destinations(
    n_classes: int, *, names: Sequence[str], classes: Any = None, to: Any = None
) -> NDArray[np.float64]:
    """Items of the classes named go to others, and none comes back: missed positives.

    ``D[k, j] = 1 / |T - {k}|`` for k in ``classes`` and j in T other than k; other rows are zeros.
    A rate is the share of the items of ``classes``: 1 less the chance that a positive is labelled
    (Elkan & Noto 2008, "Learning classifiers from only positive and unlabeled data", section 2).

    Args:
        n_classes: K.
        names: of the classes.
        classes: those whose items are mislabelled, by name or number: one, or a list.
        to: T, those that they are given, likewise. None: all that are not in ``classes``.

    Raises:
        SpecError: no such classes, or nowhere to go.

    >>> one_way_destinations(2, names=("healthy", "ill"), classes="ill")
    array([[0., 0.],
           [1., 0.]])
    """
    chosen = _numbers(classes, names, "corruption.one_way.classes")
    if to is None:
        given = [k for k in range(n_classes) if k not in chosen]
        if not given:
            raise SpecError("corruption.one_way.classes", classes, "a class less, or `to`")
    else:
        given = _numbers(to, names, "corruption.one_way.to")
    destinations = np.zeros((n_classes, n_classes))
    for true in chosen:
        others = [k for k in given if k != true]
        if not others:
            raise SpecError("corruption.one_way.to", to, f"another class than {names[true]}, too")
        destinations[true, others] = 1 / len(others)
    return destinations


def _numbers(classes: Any, names: Sequence[str], field: str) -> list[int]:
    """The numbers of one or more classes, each named once."""
    is_list = isinstance(classes, Sequence) and not isinstance(classes, str)
    found = [class_number(each, names, field) for each in (classes if is_list else [classes])]
    if not found:
        raise SpecError(field, classes, "a class, or a list of them")
    if len({*found}) < len(found):
        raise SpecError(field, classes, "each class once")
    return found


def transition_destinations(n_classes: int, *, T: Any = None) -> NDArray[np.float64]:
    """Any matrix of ``P(given j | true k)``: what a rate of 1 makes of the labels.

    ``D = T``: at rate r the labels are those of ``(1 - r) I + r T`` (Natarajan et al. 2013,
    "Learning with noisy labels", section 2; Patrini et al. 2017, section 3).

    Args:
        n_classes: K.
        T: (K, K), rows are true classes and sum to 1.

    Raises:
        SpecError: T is no such matrix.

    >>> transition_destinations(2, T=[[0.9, 0.1], [0.4, 0.6]])
    array([[0.9, 0.1],
           [0.4, 0.6]])
    >>> transition_destinations(2, T=[[0.9, 0.4], [0.1, 0.6]])
    Traceback (most recent call last):
    gigo.errors.SpecError: corruption.transition.T, sums of its rows = [1.3, 0.7]: expected 1 ...
    """
    return check_rows("corruption.transition.T", T, n_classes)


def _are_numbers(names: Sequence[str]) -> bool:
    return all(name.isdecimal() for name in names)


ENTRIES = {
    "symmetric": CorruptionEntry(
        symmetric_destinations,
        "a uniformly random other class (with include_true, any class)",
        formula="P(j | k) = 1 / (K - 1) for j other than k; with include_true 1 / K for all j",
        paper="Angluin and Laird 1988, Learning from noisy examples, section 2",
    ),
    "biased": CorruptionEntry(
        biased_destinations,
        "always the first wrong class: 0, or 1 where 0 is right",
        formula="P(0 | k) = 1 for k > 0, P(1 | 0) = 1",
    ),
    "two_sink": CorruptionEntry(
        two_sink_destinations,
        "class 0 or 1 at random, less the true one",
        formula="P(0 | k) = P(1 | k) = 1/2 for k > 1, P(1 | 0) = P(0 | 1) = 1",
        paper="The effect of Dataset Poisoning on Model Accuracy (gravila.net)",
    ),
    "sink": CorruptionEntry(
        sink_destinations,
        "any of the classes given at random, less the true one",
        formula="P(j | k) = 1 / |S - {k}| for the sinks j in S other than k",
        required=("classes",),
    ),
    "pair": CorruptionEntry(
        pair_destinations,
        "the next class, of the last one the first",
        formula="P((k + 1) mod K | k) = 1",
        paper="Han et al. 2018, Co-teaching: robust training of deep neural networks with "
        "extremely noisy labels, section 4",
    ),
    "asymmetric": CorruptionEntry(
        asymmetric_destinations,
        "the class that the map gives; others stay (CIFAR-10 and CIFAR-100 need no map)",
        formula="P(map(k) | k) = 1 for the classes k of the map; others are not chosen",
        paper="Patrini et al. 2017, Making deep neural networks robust to label noise, section 5",
    ),
    "one_way": CorruptionEntry(
        one_way_destinations,
        "items of the classes named go to others, none comes back (missed positives)",
        formula="P(j | k) = 1 / |T - {k}| for k in the classes named and j in T other than k",
        required=("classes",),
        paper="Elkan and Noto 2008, Learning classifiers from only positive and unlabeled data, "
        "section 2",
        rate_of="eligible",
    ),
    "transition": CorruptionEntry(
        transition_destinations,
        "drawn from the true class's row of the matrix T, rows sum to 1",
        formula="P(j | k) = T[k, j]: at rate r the labels are those of (1 - r) I + r T",
        required=("T",),
        paper="Natarajan et al. 2013, Learning with noisy labels, section 2",
    ),
}
