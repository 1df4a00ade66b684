"""Schedules: exact, nested, right in distribution; and what theory makes of them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from fractions import Fraction
from functools import partial
from typing import Any, get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from factories import MATRICES
from gigo.corruptions import (
    CATALOGUE,
    cliffs,
    highest_rate,
    limiting_accuracy,
    matrix_of,
    relabel,
    transition_matrix,
)
from gigo.errors import SpecError
from gigo.rng import Stream
from gigo.schedule import Schedule
from gigo.types import Dataset, Placement

PLACEMENTS: tuple[Placement, ...] = get_args(Placement)
Options = Callable[[int], dict[str, Any]]
KINDS: dict[str, tuple[str, Options]] = {
    **{name: (name, lambda n: {}) for name in MATRICES},
    "symmetric with true": ("symmetric", lambda n: {"include_true": True}),
    "sink": ("sink", lambda n: {"classes": [0, n - 1]}),
    "asymmetric": ("asymmetric", lambda n: {"map": {0: 1, n - 1: 0}}),
    "one_way": ("one_way", lambda n: {"classes": 0}),
    "transition": ("transition", lambda n: {"T": half_to_the_next(n)}),
}
"""By what the tests call it: a name in the catalogue, and options for K classes."""

KEEPING = {"symmetric with true", "transition"}
"""That may give an item the label that it has."""

EXCLUDING = sorted(set(KINDS) - KEEPING)
P_VALUE = 1e-4
"""Seeds are fixed: a test of chance passes always or never."""

SEEDS = st.integers(0, 2**32)
CLASSES = st.integers(2, 12)
MANY_CLASSES = st.integers(2, 120)


def half_to_the_next(n: int) -> list[list[float]]:
    return ((np.eye(n) + np.roll(np.eye(n), 1, axis=1)) / 2).tolist()


def names_of(n_classes: int) -> tuple[str, ...]:
    return tuple(f"class {k}" for k in range(n_classes))


def destinations_of(kind: str, n_classes: int) -> np.ndarray:
    name, options = KINDS[kind]
    function = partial(CATALOGUE[name].function, **options(n_classes))
    return matrix_of(function, names_of(n_classes))


def eligible_of(kind: str, labels: np.ndarray, n_classes: int) -> list[int]:
    """The items that may be chosen: `asymmetric` and `one_way` leave most classes alone."""
    classes = {"asymmetric": [0, n_classes - 1], "one_way": [0]}.get(kind, range(n_classes))
    return np.flatnonzero(np.isin(labels, classes)).tolist()


def make_dataset(labels: np.ndarray, n_classes: int) -> Dataset:
    """Read-only arrays, as `gigo.datasets.load` gives them."""
    images = np.zeros((len(labels), 1, 2, 2), np.uint8)
    labels = labels.astype(np.int64)
    for array in (images, labels):
        array.flags.writeable = False
    tests = {"test": (images[:0], labels[:0])}
    return Dataset("made up", images, labels, tests, names_of(n_classes), "image", "", "")


def make_schedule(
    kind: str, labels: np.ndarray, n_classes: int, placement: Placement = "random", seed: int = 0
) -> Schedule:
    stream = Stream(seed, 0, "corruption")
    dataset = make_dataset(labels, n_classes)
    destinations = partial(destinations_of, kind)
    items = np.arange(len(labels))
    return relabel(dataset, items, stream, destinations=destinations, placement=placement)


@st.composite
def labellings(draw: st.DrawFn) -> tuple[np.ndarray, int]:
    """Labels of 1 to 200 items, and how many classes there are (some may be empty)."""
    n_classes = draw(MANY_CLASSES)
    n = draw(st.integers(1, 200))
    return Stream(draw(SEEDS), 0, "labels").integers(n, n_classes), n_classes


@pytest.mark.parametrize("placement", PLACEMENTS)
@pytest.mark.parametrize("kind", KINDS)
@given(labelling=labellings(), seed=SEEDS)
def test_a_schedule_gives_every_eligible_item_a_label_it_may_get(
    kind: str, placement: Placement, labelling: tuple[np.ndarray, int], seed: int
) -> None:
    labels, n_classes = labelling
    order, new_labels, *_ = make_schedule(kind, labels, n_classes, placement, seed)
    assert order.dtype == new_labels.dtype == np.int64
    assert sorted(order.tolist()) == eligible_of(kind, labels, n_classes)
    assert ((new_labels >= 0) & (new_labels < n_classes)).all()
    assert (destinations_of(kind, n_classes)[labels[order], new_labels] > 0).all()


@pytest.mark.parametrize("kind", EXCLUDING)
@given(labelling=labellings(), seed=SEEDS)
def test_the_new_label_is_never_the_true_one(
    kind: str, labelling: tuple[np.ndarray, int], seed: int
) -> None:
    labels, n_classes = labelling
    order, new_labels, *_ = make_schedule(kind, labels, n_classes, seed=seed)
    assert (new_labels != labels[order]).all()


@pytest.mark.parametrize("placement", PLACEMENTS)
@pytest.mark.parametrize("kind", EXCLUDING)
@given(labelling=labellings(), seed=SEEDS, rates=st.lists(st.floats(0, 1), min_size=2, max_size=5))
def test_rates_are_exact_and_nested(
    kind: str,
    placement: Placement,
    labelling: tuple[np.ndarray, int],
    seed: int,
    rates: list[float],
) -> None:
    labels, n_classes = labelling
    schedule = make_schedule(kind, labels, n_classes, placement, seed)
    wrong_before: set[tuple[int, int]] = set()
    for rate in sorted(rates):
        k = round(rate * len(labels))
        if k > len(eligible_of(kind, labels, n_classes)):
            with pytest.raises(SpecError, match=r"expected at most .* %: the corruption can do"):
                schedule.at(rate, len(labels))
            continue
        item, label, *_ = schedule.at(rate, len(labels))
        spoilt = labels.copy()
        spoilt[item] = label
        wrong = {(int(i), int(spoilt[i])) for i in np.flatnonzero(spoilt != labels)}
        assert len(wrong) == k
        assert wrong >= wrong_before
        wrong_before = wrong


@pytest.mark.parametrize("kind", KINDS)
@given(labelling=labellings(), seed=SEEDS)
def test_nothing_given_is_changed_and_the_same_seed_gives_the_same_bytes(
    kind: str, labelling: tuple[np.ndarray, int], seed: int
) -> None:
    labels, n_classes = labelling
    before = labels.copy()
    first, second = (make_schedule(kind, labels, n_classes, seed=seed) for _ in range(2))
    assert [array.tobytes() for array in first[:2]] == [array.tobytes() for array in second[:2]]
    assert (labels == before).all()


@pytest.mark.parametrize("kind", KINDS)
@given(labelling=labellings(), seed=SEEDS)
def test_placement_changes_the_order_alone(
    kind: str, labelling: tuple[np.ndarray, int], seed: int
) -> None:
    labels, n_classes = labelling
    by_item = []
    for placement in PLACEMENTS:
        order, new_labels, *_ = make_schedule(kind, labels, n_classes, placement, seed)
        by_item.append(new_labels[np.argsort(order)].tolist())
    assert by_item[0] == by_item[1]


@pytest.mark.parametrize("kind", KINDS)
def test_tail_takes_the_last_items_first(kind: str) -> None:
    labels = np.arange(50) % 10
    order = make_schedule(kind, labels, 10, "tail").item
    assert order.tolist() == eligible_of(kind, labels, 10)[::-1]


def test_random_placement_favours_no_item() -> None:
    firsts = [
        make_schedule("biased", np.zeros(20, np.int64), 2, seed=seed).item[:5]
        for seed in range(800)
    ]
    assert stats.chisquare(np.bincount(np.concatenate(firsts), minlength=20)).pvalue > P_VALUE


GOLDEN = {
    ("symmetric", "random"): "44428adc7813f146b3f43c8331408f392ad2d33a7ec1daa596b641dbf45ede43",
    ("symmetric", "tail"): "c9c5c0333649392de67c1443ae0abc975b13465f036b5ce32a03568d3257bb86",
    ("biased", "random"): "8af745ecb40999e070c2f06419fcdec9a39acb909c363ed4a66d75518978778a",
    ("biased", "tail"): "4d7d3cfe771d99228ae35c0a859531e3648522afc27232e7d4ca7d955f5f2f96",
    ("two_sink", "random"): "d72b619b39ac2dd5d5cb4dd93e127a4df07373ec57a147dcb21842539421234d",
    ("two_sink", "tail"): "d36bbdaa5f1d88aaa738db73e4b54eba1fe7429d7d12bb731ab1aac85c5f111f",
    (
        "symmetric with true",
        "random",
    ): "1bccb4885461e927605218189eb1cf04f0f6cc47f185b2af5468bd78a0b5bc33",
    (
        "symmetric with true",
        "tail",
    ): "83ac6eec3d61a0cf8a154764234f4071443d2d7cc773cbb40cfdf982708fc21c",
    ("sink", "random"): "26984cef59467ac5d0cdc4555516fc79874f9849d240b5328d36e663406a5f2e",
    ("sink", "tail"): "92d860a4a5923480ddef318e3b626068565653d2d6ff16fa7d1a642b0c19ad77",
    ("pair", "random"): "777905b16387b1690510c827704b6a5065cbaa311ddeaf98b6328e78a62a1af3",
    ("pair", "tail"): "b82933c0b158d168d8105802c323f6caf0893ae6045aefabbfbfce5582f4b3c3",
    ("asymmetric", "random"): "bd18fb203a81c53ffa7549a924f891ac4e65fc9483312d5e9b0110cb96e0b4d7",
    ("asymmetric", "tail"): "75cfcf50286381882569f84e543403fe0df2c12d9f07a5b4656e9737d4efc9a6",
    ("one_way", "random"): "9e607e2b5b629df410e2364d0756e9776edfd74d10def8a23dfa19dcfc63d43a",
    ("one_way", "tail"): "2a766e5b643dc8d9fa594141e5e3eef25dd506cf789d584dbd3eac72cef252eb",
    ("transition", "random"): "50495f1ea14e33303c505d16cc464fc39408c29a967006117ffcd9465a2690ea",
    ("transition", "tail"): "17ad5008a05111fc5d5a66121a50fe7d6f46eba662997f7c1d9f4810a02d0e76",
}
"""sha256 of order and new labels, little-endian int64, of 1,000 items in turn of 10 classes."""


@pytest.mark.parametrize("placement", PLACEMENTS)
@pytest.mark.parametrize("kind", KINDS)
def test_schedules_are_the_same_for_ever(kind: str, placement: Placement) -> None:
    arrays = make_schedule(kind, np.arange(1000) % 10, 10, placement, seed=1)
    content = b"".join(array.astype("<i8").tobytes() for array in arrays[:2])
    assert hashlib.sha256(content).hexdigest() == GOLDEN[kind, placement]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("n_classes", [2, 3, 10])
def test_wrong_labels_follow_the_destinations(kind: str, n_classes: int) -> None:
    per_class = 3000
    labels = np.repeat(np.arange(n_classes), per_class)
    order, new_labels, *_ = make_schedule(kind, labels, n_classes, seed=2)
    counts = np.zeros((n_classes, n_classes))
    np.add.at(counts, (labels[order], new_labels), 1)
    destinations = destinations_of(kind, n_classes)
    expected = per_class * destinations
    possible = expected > 0
    assert (counts[~possible] == 0).all()
    statistic = ((counts - expected)[possible] ** 2 / expected[possible]).sum()
    freedom = possible.sum() - destinations.any(axis=1).sum()
    assert freedom == statistic == 0 or stats.chi2.sf(statistic, freedom) > P_VALUE


@pytest.mark.parametrize("n_classes", [2, 10])
def test_include_true_leaves_one_label_in_k_as_it_was(n_classes: int) -> None:
    n = 20_000
    labels = np.arange(n) % n_classes
    order, new_labels, *_ = make_schedule("symmetric with true", labels, n_classes, seed=3)
    kept = int((new_labels == labels[order]).sum())
    assert stats.binomtest(kept, n, 1 / n_classes).pvalue > P_VALUE


@given(seed=SEEDS, n_classes=CLASSES)
def test_a_class_of_probability_zero_is_never_drawn(seed: int, n_classes: int) -> None:
    """Any destinations at all, here with many zeros in odd places."""
    stream = Stream(seed, 0, "destinations")
    weights = stream.integers(n_classes**2, 3).reshape(n_classes, n_classes).astype(float)
    weights[weights.sum(axis=1) == 0, -1] = 1
    destinations = weights / weights.sum(axis=1, keepdims=True)
    labels = np.arange(300) % n_classes
    schedule = relabel(
        make_dataset(labels, n_classes),
        np.arange(len(labels)),
        stream,
        destinations=lambda n: destinations,
    )
    assert (destinations[labels[schedule.item], schedule.label] > 0).all()


def test_not_even_where_the_random_number_is_exactly_zero(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Stream, "words", lambda self, n: np.zeros(n, np.uint64))
    labels = np.arange(6) % 3
    for kind in EXCLUDING:
        order, new_labels, *_ = make_schedule(kind, labels, 3)
        assert (new_labels != labels[order]).all()


def test_one_class_cannot_be_mislabelled() -> None:
    dataset = make_dataset(np.zeros(5), 1)
    with pytest.raises(SpecError, match="classes = 1: expected at least 2"):
        relabel(
            dataset,
            np.arange(len(dataset.y_train)),
            Stream(0, 0, "corruption"),
            destinations=lambda n: np.ones((n, n)),
        )


def test_an_unknown_placement_is_refused() -> None:
    placement: Any = "head"
    with pytest.raises(SpecError, match="placement = 'head': expected random or tail"):
        make_schedule("biased", np.arange(5), 5, placement)


# Destinations and theory


def exact_destinations(kind: str, n_classes: int) -> list[list[Fraction]]:
    """The definitions again, in words and fractions."""

    last = n_classes - 1
    everyone = range(n_classes)
    given: dict[str, Callable[[int], list[int]]] = {
        "symmetric": lambda true: [k for k in everyone if k != true],
        "symmetric with true": lambda true: [*everyone],
        "biased": lambda true: [int(true == 0)],
        "two_sink": lambda true: [k for k in (0, 1) if k != true],
        "sink": lambda true: [k for k in (0, last) if k != true],
        "pair": lambda true: [true + 1 if true < last else 0],
        "asymmetric": lambda true: [1] * (true == 0) + [0] * (true == last),
        "one_way": lambda true: [*range(1, n_classes)] * (true == 0),
        "transition": lambda true: [true, true + 1 if true < last else 0],
    }
    labels = [given[kind](true) for true in everyone]
    return [[Fraction(int(k in some), len(some) or 1) for k in everyone] for some in labels]


@pytest.mark.parametrize("kind", KINDS)
@given(n_classes=CLASSES)
def test_destinations_are_what_the_catalogue_says(kind: str, n_classes: int) -> None:
    destinations = destinations_of(kind, n_classes)
    assert (destinations >= 0).all()
    eligible, of_two = destinations.any(axis=1), kind == "asymmetric" and n_classes == 2
    assert np.allclose(destinations[eligible].sum(axis=1), 1, rtol=0, atol=1e-12)
    assert eligible.all() == (kind not in {"asymmetric", "one_way"} or of_two)
    exact = np.array(exact_destinations(kind, n_classes), dtype=float)
    assert np.allclose(destinations, exact, rtol=0, atol=1e-15)


@pytest.mark.parametrize("kind", KINDS)
@given(n_classes=CLASSES, rate=st.floats(0, 1))
def test_transition_matrices_are_row_stochastic(kind: str, n_classes: int, rate: float) -> None:
    destinations = destinations_of(kind, n_classes)
    matrix = transition_matrix(destinations, rate * highest_rate(destinations))
    assert (matrix >= 0).all()
    assert np.allclose(matrix.sum(axis=1), 1, rtol=0, atol=1e-12)


def test_forty_percent_with_the_true_class_is_36_percent_changed() -> None:
    matrix = transition_matrix(destinations_of("symmetric with true", 10), 0.4)
    assert np.allclose(1 - np.diag(matrix), 0.36)


@pytest.mark.parametrize("n_classes", range(2, 13))
def test_cliffs_are_where_theory_puts_them(n_classes: int) -> None:
    def of(kind: str) -> list[float]:
        return cliffs(destinations_of(kind, n_classes)).tolist()

    assert of("symmetric") == pytest.approx([(n_classes - 1) / n_classes] * n_classes)
    assert of("biased") == pytest.approx([1 / 2] * n_classes)
    assert of("two_sink") == pytest.approx([1 / 2] * 2 + [2 / 3] * (n_classes - 2))
    assert of("symmetric with true") == [1] * n_classes
    assert of("sink") == pytest.approx([1 / 2, *[2 / 3] * (n_classes - 2), 1 / 2])
    assert of("pair") == pytest.approx([1 / 2] * n_classes)
    assert of("transition") == [1] * n_classes
    # Half of the items of two classes among K.
    assert of("asymmetric") == pytest.approx([1 / n_classes, *[1] * (n_classes - 2), 1 / n_classes])


@pytest.mark.parametrize(
    ("kind", "rate", "accuracy"),
    [
        ("symmetric", 0, 1),
        ("symmetric", 0.89, 1),
        ("symmetric", 0.9, 0.1),  # all ten labels are equally probable
        ("symmetric", 0.91, 0),
        ("biased", 0.49, 1),
        ("biased", 0.5, 0.5),
        ("biased", 0.51, 0),
        ("two_sink", 0.49, 1),
        ("two_sink", 0.51, 0.8),
        ("two_sink", 0.66, 0.8),
        ("two_sink", 0.67, 0),
        ("two_sink", 1, 0),
        ("symmetric with true", 0.99, 1),
        ("symmetric with true", 1, 0.1),  # labels say nothing any more: chance
        ("pair", 0.49, 1),
        ("pair", 0.51, 0),
        ("asymmetric", 0.09, 1),  # two classes of ten: past half of their items
        ("asymmetric", 0.11, 0.8),
        ("transition", 0.99, 1),
        ("transition", 1, 0.5),
    ],
)
def test_limiting_accuracy_at_ten_equal_classes(kind: str, rate: float, accuracy: float) -> None:
    shares = np.full(10, 0.1)
    assert limiting_accuracy(destinations_of(kind, 10), shares, rate) == pytest.approx(accuracy)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("n_classes", [2, 3, 7, 10])
def test_limiting_accuracy_is_that_of_the_most_probable_label(kind: str, n_classes: int) -> None:
    """Exact fractions, so that ties are ties."""
    exact = exact_destinations(kind, n_classes)
    weights = [Fraction(k + 1) for k in range(n_classes)]
    shares = [weight / sum(weights) for weight in weights]
    highest = sum((share for share, row in zip(shares, exact, strict=True) if any(row)), Fraction())
    for part in (Fraction(k, 210) for k in range(211)):
        accuracy = Fraction(0)
        for true, share in enumerate(shares):
            chosen = part if any(exact[true]) else 0
            row = [chosen * p + (1 - chosen) * (k == true) for k, p in enumerate(exact[true])]
            if row[true] == max(row):
                accuracy += share / row.count(max(row))
        found = limiting_accuracy(
            destinations_of(kind, n_classes), np.array(shares, dtype=float), float(part * highest)
        )
        assert found == pytest.approx(float(accuracy), abs=1e-12)


@given(seed=SEEDS, n_classes=CLASSES, rate=st.floats(0, 1))
def test_classes_fall_at_their_cliffs_whatever_the_destinations(
    seed: int, n_classes: int, rate: float
) -> None:
    weights = Stream(seed, 0, "x").integers(n_classes**2, 1000).reshape(n_classes, n_classes) + 1
    destinations = weights / weights.sum(axis=1, keepdims=True)
    at = cliffs(destinations)
    if np.abs(rate - at).min() < 1e-6:
        return
    expected = ((rate < at) / n_classes).sum()
    shares = np.full(n_classes, 1 / n_classes)
    assert limiting_accuracy(destinations, shares, rate) == pytest.approx(expected)


# What papers say, and what other code gets wrong


def realised(schedule: Schedule, labels: np.ndarray, n_classes: int, rate: float) -> np.ndarray:
    """(K, K) shares of the items of each true class by the label they have at a rate."""
    item, label, *_ = schedule.at(rate, len(labels))
    after = labels.copy()
    after[item] = label
    counts = np.zeros((n_classes, n_classes))
    np.add.at(counts, (labels, after), 1)
    return counts / counts.sum(axis=1, keepdims=True)


def drawn(name: str, labels: np.ndarray, n_classes: int, **options: Any) -> Schedule:
    entry = CATALOGUE[name]
    return relabel(
        make_dataset(labels, n_classes),
        np.arange(len(labels)),
        Stream(0, 0, "corruption"),
        destinations=partial(entry.function, **options),
        rate_of=entry.rate_of,
    )


@pytest.mark.parametrize("rate", [0.0, 0.3, 1.0])
def test_a_matrix_is_realised_by_rows(rate: float) -> None:
    """Natarajan et al. 2013: rows are true classes, and at rate r it is (1 - r) I + r T."""
    labels = np.arange(200_000) % 2
    T = np.array([[0.9, 0.1], [0.4, 0.6]])
    schedule = drawn("transition", labels, 2, T=T.tolist())
    expected = (1 - rate) * np.eye(2) + rate * T
    assert realised(schedule, labels, 2, rate) == pytest.approx(expected, abs=0.005)
    assert transition_matrix(T, rate) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("n", "n_classes", "rate", "changed"),
    [(1000, 2, 0.1, 100), (20_000, 120, 0.2, 4_000)],
)
def test_what_is_asked_for_is_changed(n: int, n_classes: int, rate: float, changed: int) -> None:
    labels = np.arange(n) % n_classes
    item, label, *_ = drawn("symmetric", labels, n_classes).at(rate, n)
    assert (label != labels[item]).sum() == len({*item.tolist()}) == changed


def test_two_classes_swap_by_their_clean_labels() -> None:
    """In place, those moved from 0 to 1 would be among those to move from 1 to 0."""
    labels = np.repeat([0, 1], [3000, 1000])
    item, label, *_ = drawn("pair", labels, 2).at(0.5, 4000)
    assert len({*item.tolist()}) == len(item) == 2000
    assert (label == 1 - labels[item]).all()
    share = (labels[item] == 1).mean()
    assert stats.binomtest(round(2000 * share), 2000, 0.25).pvalue > P_VALUE


@pytest.mark.parametrize(("rate", "changed"), [(0.4, 0.36), (0.5, 0.45)])
def test_a_rate_that_includes_the_true_class_changes_less(rate: float, changed: float) -> None:
    n = 50_000
    labels = np.arange(n) % 10
    schedule = drawn("symmetric", labels, 10, include_true=True)
    item, label, *_ = schedule.at(rate, n)
    assert stats.binomtest(int((label != labels[item]).sum()), len(item), 0.9).pvalue > P_VALUE
    matrix = transition_matrix(destinations_of("symmetric with true", 10), rate)
    assert 1 - np.diag(matrix) == pytest.approx([changed] * 10)


def one_way(n_classes: int, **options: Any) -> np.ndarray:
    return CATALOGUE["one_way"].function(n_classes, names=names_of(n_classes), **options)


def test_missed_positives_are_a_share_of_the_positives() -> None:
    labels = np.repeat([0, 1], [900, 100])
    schedule = drawn("one_way", labels, 2, classes="class 1")
    assert realised(schedule, labels, 2, 0.3).tolist() == [[1, 0], [0.3, 0.7]]
    assert realised(schedule, labels, 2, 1).tolist() == [[1, 0], [1, 0]]


def test_one_way_goes_where_it_is_told() -> None:
    assert one_way(4, classes=[1, "class 3"])[[1, 3]].tolist() == [[0.5, 0, 0.5, 0]] * 2
    assert one_way(4, classes=[1, 3], to=[3, 2])[[1, 3]].tolist() == [
        [0, 0, 0.5, 0.5],
        [0, 0, 1, 0],
    ]
    assert not one_way(4, classes=[1, 3])[[0, 2]].any()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({}, "one_way.classes = None: expected classes of the data"),
        ({"classes": []}, "expected a class, or a list of them"),
        ({"classes": [0, 0]}, "expected each class once"),
        ({"classes": [0, 1, 2]}, "one_way.classes = .*: expected a class less, or `to`"),
        ({"classes": [0, 1], "to": 1}, "one_way.to = 1: expected another class than class 1, too"),
    ],
)
def test_one_way_says_what_it_needs(options: dict[str, Any], said: str) -> None:
    with pytest.raises(SpecError, match=said):
        one_way(3, **options)


def test_theory_of_rates_among_the_eligible() -> None:
    matrix, shares = one_way(2, classes=1), np.array([0.9, 0.1])
    assert highest_rate(matrix, shares, "eligible") == 1
    assert transition_matrix(matrix, 0.3, shares, "eligible") == pytest.approx(
        np.array([[1, 0], [0.3, 0.7]])
    )
    assert cliffs(matrix, shares, "eligible").tolist() == [1, 0.5]
    assert limiting_accuracy(matrix, shares, 0.49, "eligible") == 1
    assert limiting_accuracy(matrix, shares, 0.51, "eligible") == pytest.approx(0.9)
    # The same as shares of the whole set: a tenth of it.
    assert cliffs(matrix, shares).tolist() == pytest.approx([1, 0.05])
