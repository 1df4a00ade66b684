"""What holds for every entry of the catalogue of corruptions, whatever it does."""

from __future__ import annotations

from dataclasses import replace
from inspect import Parameter, getdoc, signature
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy import stats

import test_corruptions
from entries import CASES, EXAMPLES, KINDS, Example, made
from factories import MATRICES, card_of
from gigo.corruptions import CATALOGUE, matrix_of
from gigo.edited import Edited, taken
from gigo.errors import SpecError
from gigo.inputs import digest
from gigo.ref import Ref
from gigo.resolve import check_kind, corruption
from gigo.rng import Stream
from gigo.sample import drawn
from gigo.schedule import ADDED, LEAVE, Schedule
from gigo.testing import check_corruption
from gigo.types import Corruption, Dataset, Kind, Labels

SEEDS = st.integers(0, 2**32)
TOTAL_LEVEL = 1e-6
"""Of all tests of chance here together; seeds are fixed: they pass always or never."""

CALLS = count()
NAMES = st.text(st.characters(exclude_categories=["C"]), min_size=1, max_size=12)
MANY = settings(max_examples=5, suppress_health_check=[HealthCheck.function_scoped_fixture])


def named(example: Example, dataset: Dataset, folder: Path) -> Corruption:
    """What a study's name for it means."""
    return corruption(Ref.model_validate(example.asked(dataset, folder)))


def schedule_of(
    kind: Corruption, dataset: Dataset, items: Labels, seed: int = 0, replicate: int = 0
) -> Schedule:
    """That of a trial; what a reference model says of the items is worked out anew each time."""
    name = f"call {next(CALLS)}"
    return drawn(kind, dataset, items, Stream(seed, replicate, "corruption"), name)


def edits_of(schedule: Schedule, k: int) -> list[Any]:
    """All that the first k edits are."""
    first = schedule.first(k)
    parts: list[Any] = [first.item, first.label]
    parts += [each for each in (first.true, first.row) if each is not None]
    extra = extra_of(schedule, k)
    return parts if extra is None else [*parts, extra]


def extra_of(schedule: Schedule, k: int) -> Any:
    return schedule.extra(k) if callable(schedule.extra) else schedule.extra


def after(dataset: Dataset, items: Labels, schedule: Schedule, k: int) -> Edited:
    extra = extra_of(schedule, k) if k else None
    return Edited.begin(dataset, items).edit(schedule, k, "x", extra)


def content(now: Edited, places: Labels) -> str:
    """Inputs and labels of the items in some places."""
    rows = np.searchsorted(now.places, places)
    assert (now.places[rows] == places).all()
    x = taken(now.dataset.x_train, now.extras, now.rows[rows])
    return digest(x, now.labels[rows], now.true[rows])


def formula(example: Example, rate: float, n: int, m: int) -> int:
    """How many edits a rate means, as the glossary has it."""
    match example.entry.rate_of:
        case "set":
            return round(rate * n)
        case "eligible":
            return round(rate * m)
        case "added":
            return round(n * rate / (1 - rate))


@st.composite
def labellings(draw: st.DrawFn) -> tuple[Labels, tuple[str, ...]]:
    """Labels of 1 to 60 items, many of them the only one of their class; names of 2 to 120."""
    n_classes, n = draw(st.integers(2, 120)), draw(st.integers(1, 60))
    form = draw(st.sampled_from(["any", "alone", "one class and an item", "in turn"]))
    y: Labels = {
        "any": Stream(draw(SEEDS), 0, "labels").integers(n, n_classes),
        "alone": np.arange(min(n, n_classes)),
        "one class and an item": np.append(np.zeros(n - 1, np.int64), n_classes - 1),
        "in turn": np.arange(n) % n_classes,
    }[form]
    return y, draw(names_of(n_classes))


def names_of(n_classes: int) -> st.SearchStrategy[tuple[str, ...]]:
    """Of any characters, numbers (not those of the classes), or very long."""
    some = st.lists(NAMES, min_size=3, max_size=3)
    endless = ("x" * 5000, "x" * 5001)
    forms = (
        some.map(lambda few: [*few, *(f"class {k}" for k in range(n_classes))]),
        st.just([str(7 * k + 1) for k in range(n_classes)]),
        st.just([*endless, *(f"{k}é猫" for k in range(n_classes))]),
        st.just([f"class {k}" for k in range(n_classes)]),
    )
    return st.one_of(*forms).map(lambda names: tuple(dict.fromkeys(names))[:n_classes])


def test_no_entry_is_forgotten() -> None:
    assert {each.name for each in EXAMPLES} == {*CATALOGUE}
    assert len({each.label for each in EXAMPLES}) == len(EXAMPLES)
    for each in EXAMPLES:
        assert {*each.kinds} <= {*(each.entry.kinds or KINDS)}
    for name, entry in CATALOGUE.items():
        kinds = {kind for each in EXAMPLES for kind in each.kinds if each.name == name}
        assert kinds == {*(entry.kinds or KINDS)}


@pytest.mark.parametrize("name", CATALOGUE)
def test_every_entry_says_what_it_is_with_an_example_that_runs(name: str) -> None:
    """Doctests run; errors and arguments may be those of another entry that is named."""
    entry = CATALOGUE[name]
    said = getdoc(entry.function)
    assert entry.summary and entry.formula and said and ">>>" in said
    options = {*entry.options}
    assert "see `" in said or all(f"{each}:" in said or f"``{each}``" in said for each in options)


@pytest.mark.parametrize("name", CATALOGUE)
def test_no_corruption_is_told_the_rate(name: str) -> None:
    """Nor how many processes train: what is drawn can depend on neither."""
    parameters = signature(CATALOGUE[name].function).parameters
    place = [each.name for each in parameters.values() if each.kind != Parameter.KEYWORD_ONLY]
    assert place in (["n_classes"], ["dataset", "items", "stream"])
    told = {"names", "reference", "read"}  # by gigo; the others are the user's options
    assert all(each in told for each in {*parameters} - {*place} - {*CATALOGUE[name].options})
    assert not {"rate", "rates", "workers"} & {*parameters}


def spared(dataset: Dataset) -> tuple[Dataset, Labels]:
    """A data set of items that are trained on and five others, and the former."""
    n = dataset.n_train - 5
    return dataset, np.sort(Stream(0, n, "items").permutation(n + 5)[:n])


def check(
    case: Example, dataset: Dataset, shares: tuple[float, float], seed: int, folder: Path
) -> None:
    """That edits are exact, nested and the same again, at two shares of the highest rate."""
    dataset, items = spared(dataset)
    n, k_classes = len(items), dataset.n_classes
    parts = dataset.x_train, dataset.y_train, *dataset.tests["test"], items
    before = digest(*parts)
    kind = named(case, dataset, folder)
    check_kind(kind, card_of(dataset))
    schedule = schedule_of(kind, dataset, items, seed)
    check_form(case, schedule, n, k_classes)
    low, high = (
        (formula(case, share * schedule.highest(n), n, len(schedule.item)), share)
        for share in sorted(shares)
    )
    found = []
    for k, share in (low, high):
        assert schedule.n_edits(share * schedule.highest(n), n) == k
        if k == n and (schedule.label[:k] == LEAVE).all():
            with pytest.raises(SpecError, match="none is left"):
                after(dataset, items, schedule, k)
            return
        now = after(dataset, items, schedule, k)
        assert int(now.touched.sum()) + now.n_left == k
        assert now.n_added == (k if case.entry.rate_of == "added" else 0)
        found.append(now)
    few, many = found
    places = few.places[few.touched]
    assert content(few, places) == content(many, places)
    assert {*many.places.tolist()} >= {*places.tolist()}
    stay = many.places[~many.touched]
    assert content(many, stay) == content(Edited.begin(dataset, items), stay)
    again = schedule_of(named(case, dataset, folder), dataset, items, seed)
    assert digest(*edits_of(again, high[0])) == digest(*edits_of(schedule, high[0]))
    assert digest(*parts) == before


def check_form(case: Example, schedule: Schedule, n: int, n_classes: int) -> None:
    """That a schedule is one, and what its entry says."""
    own = schedule.item[schedule.item != ADDED]
    assert schedule.item.dtype == schedule.label.dtype == np.int64
    assert len({*own.tolist()}) == len(own) and ((own >= 0) & (own < n)).all()
    assert ((schedule.label >= LEAVE) & (schedule.label < n_classes)).all()
    assert schedule.rate_of == case.entry.rate_of
    assert {*schedule.probes} >= {*case.entry.probes}
    assert schedule.resizes <= case.entry.resizes
    assert not len(schedule.item) or schedule.relabels == (case.entry.family == "labels")
    highest = schedule.highest(n)
    if case.entry.rate_of == "set" and highest < 1:
        with pytest.raises(SpecError, match="expected at most"):
            schedule.n_edits(highest + 0.51 / n, n)


@pytest.mark.parametrize(("case", "kind"), CASES, ids=lambda x: getattr(x, "label", x))
@given(
    labelling=labellings(),
    shares=st.tuples(st.floats(0, 1), st.floats(0, 1)),
    seed=SEEDS,
)
@MANY
def test_edits_are_exact_nested_and_the_same_again(
    case: Example,
    kind: Kind,
    labelling: tuple[Labels, tuple[str, ...]],
    shares: tuple[float, float],
    seed: int,
    tmp_path: Path,
) -> None:
    y, classes = labelling
    check(case, made(kind, np.append(y, np.arange(5) % 2), classes), shares, seed, tmp_path)


@pytest.mark.parametrize("case", EXAMPLES, ids=lambda case: case.label)
def test_so_are_those_of_many_items(case: Example, tmp_path: Path) -> None:
    """A hundred thousand labels, or 500 items whose inputs count, of 120 classes."""
    n = 100_000 if case.of_labels else 500
    y = Stream(0, 0, "labels").integers(n + 5, 120)
    classes = tuple(f"class {k}" for k in range(120))
    check(case, made(case.kinds[0], y, classes), (0.2, 0.75), 3, tmp_path)


@pytest.mark.parametrize(("case", "kind"), CASES, ids=lambda x: getattr(x, "label", x))
def test_another_replicate_is_another_draw(case: Example, kind: Kind, tmp_path: Path) -> None:
    dataset, items = spared(made(kind, np.arange(205) % 5, tuple("abcde")))
    known = named(case, dataset, tmp_path)
    first, *others = (
        edits_of(schedule_of(known, dataset, items, *numbers), 10)
        for numbers in ((0, 0), (0, 1), (1, 0))
    )
    assert all(digest(*first) != digest(*other) for other in others)


@pytest.mark.parametrize("case", EXAMPLES, ids=lambda case: case.label)
def test_trials_get_what_authors_of_plug_ins_are_held_to(case: Example, tmp_path: Path) -> None:
    dataset = made(case.kinds[0], np.arange(120) % 3, ("ä", "7", "a class"))
    options = case.options(dataset, tmp_path)
    check_corruption(case.name, dataset, rates=(0.05, 0.1), **options)


GOLDEN = {
    "symmetric, image": "92f2b67a511f60a3",
    "symmetric with true, image": "9e5522d077e14df0",
    "biased, image": "aa4e446af5d954cc",
    "two_sink, image": "37db7d6d896d3d44",
    "sink, image": "4e4e3d9582941c01",
    "pair, image": "3da5ead6ce5ab76b",
    "asymmetric, image": "6d73948c5d5dca50",
    "one_way, image": "9e99d2270fcc54d2",
    "transition, image": "357957189970cdc0",
    "second_labels, image": "f754a29b9e67cca1",
    "human, image": "f754a29b9e67cca1",
    "annotators, image": "c7c46a173b039b61",
    "annotators three votes, image": "797600a6f20eb638",
    "dilute, image": "f49cd12afba0632f",
    "dilute, vector": "f49cd12afba0632f",
    "dilute, table": "f49cd12afba0632f",
    "dilute, text": "f49cd12afba0632f",
    "duplicates, image": "61bd2e8b1d5674b3",
    "duplicates, vector": "61bd2e8b1d5674b3",
    "duplicates, table": "61bd2e8b1d5674b3",
    "duplicates, text": "61bd2e8b1d5674b3",
    "duplicates few, image": "6d25133ed353e75d",
    "duplicates few, vector": "6d25133ed353e75d",
    "duplicates few, table": "6d25133ed353e75d",
    "duplicates few, text": "6d25133ed353e75d",
    "leak, image": "8e3e02e74d8c8593",
    "leak, vector": "15fb2ffe2f1d95cd",
    "leak, table": "95a1d33e42a71e79",
    "leak, text": "bcfddfea0e552013",
    "leak wrong, image": "df98e69b826b901e",
    "leak wrong, vector": "ace8e3d2f60feb3f",
    "leak wrong, table": "bc2867e8f2ceb6ce",
    "leak wrong, text": "d8b4035204b24442",
    "open_set, image": "25520572cbd8ae95",
    "open_set, vector": "37a50793df360fc5",
    "open_set, table": "17faf39b42ae3abb",
    "open_set, text": "bf7d0144c04a1263",
    "open_set other data, image": "88e47dcf27a3c188",
    "open_set other data, vector": "fc997d7cfa607f6b",
    "open_set other data, table": "139375ec664b31ea",
    "open_set other data, text": "6ec7e0436e7eb1f4",
    "missing_class, image": "7bdb87d5ad704484",
    "missing_class, vector": "7bdb87d5ad704484",
    "missing_class, table": "7bdb87d5ad704484",
    "missing_class, text": "7bdb87d5ad704484",
    "imbalance, image": "03786d2218153a97",
    "imbalance, vector": "03786d2218153a97",
    "imbalance, table": "03786d2218153a97",
    "imbalance, text": "03786d2218153a97",
    "subsample_group, image": "214c3d8829a64d72",
    "subsample_group, vector": "214c3d8829a64d72",
    "subsample_group, table": "5c68f26036ea79bd",
    "subsample_group, text": "214c3d8829a64d72",
    "trigger, image": "f9f56d1dac9611ea",
    "trigger clean, image": "4129ee19a6b28338",
    "trigger blend of one class, image": "7d729ee4cfeaf444",
    "missing_values, table": "017f80d37c95f637",
    "missing_values, vector": "9a448ed324c08ee5",
    "missing_values mar, table": "25a7fef981e5a8cd",
    "missing_values mar, vector": "2d7ec4ccfab76f5d",
    "missing_values mnar, table": "ff09cf50346a939f",
    "missing_values mnar, vector": "9464b9c1e4474435",
    "category_typos, table": "50198e28b4ec2032",
    "shifted_decimals, table": "346aa8265cd04fca",
    "shifted_decimals, vector": "e99354f2069798df",
    "typos, text": "f72c98c08af08275",
    "dropped_words, text": "781fb2a8398484e4",
}
"""Of item, label, true label, row and inputs of the first 50 edits of 200 items of 5 classes."""

ROUNDED = {
    "instance_dependent",
    "boundary",
    "confusion",
    "gaussian_noise",
    "blur",
    "occlusion",
    "brightness",
    "contrast",
    "jpeg",
}
"""What computes with numbers that are rounded: another machine may differ in the last bits."""


def test_all_but_those_that_round_are_exact() -> None:
    assert {name for name, entry in CATALOGUE.items() if not entry.exact} == ROUNDED
    exact = {f"{case.label}, {kind}" for case, kind in CASES if case.entry.exact}
    assert {*GOLDEN} == exact


@pytest.mark.parametrize("name", GOLDEN)
def test_the_same_seed_gives_the_same_bytes_for_ever(name: str, tmp_path: Path) -> None:
    assert golden(name, tmp_path) == GOLDEN[name]


def golden(name: str, folder: Path) -> str:
    case, kind = next(each for each in CASES if f"{each[0].label}, {each[1]}" == name)
    dataset, items = spared(made(kind, np.arange(205) % 5, tuple("abcde")))
    schedule = schedule_of(named(case, dataset, folder), dataset, items, 1)
    return digest(*edits_of(schedule, min(50, len(schedule.item))))[:16]


# Where labels go, given the items selected and their classes


def wrong(dataset: Dataset) -> Any:
    """Any other class alike."""
    return (1 - np.eye(dataset.n_classes)) / (dataset.n_classes - 1)


DESTINATIONS: dict[str, Any] = {
    "annotators": wrong,
    "annotators three votes": wrong,
    "second_labels": wrong,
    "human": wrong,
    "dilute": lambda data: np.full((data.n_classes,) * 2, 1 / data.n_classes),
    "leak wrong": wrong,
    "trigger": lambda data: np.tile(np.eye(data.n_classes)[-1], (data.n_classes, 1)),
}
"""Of entries that are no matrix and yet draw labels by one: P(j | selected, k)."""

DRAWN = [case for case in EXAMPLES if case.name in MATRICES or case.label in DESTINATIONS]
SIZES = (2, 3, 10)
"""Numbers of classes."""

LEVEL = TOTAL_LEVEL / (2 * len(DRAWN) * len(SIZES))


@pytest.mark.parametrize("n_classes", SIZES)
@pytest.mark.parametrize("case", DRAWN, ids=lambda case: case.label)
def test_destinations_given_the_selected_and_their_class(
    case: Example, n_classes: int, tmp_path: Path
) -> None:
    """At half of the highest rate; and the selected ones are any of those that may be."""
    y = np.arange(30_000) % n_classes
    classes = tuple(f"class {k}" for k in range(n_classes))
    dataset, items = made(case.kinds[0], y, classes), np.arange(len(y))
    if case.label == "leak wrong":  # test items are what is drawn
        dataset = replace(dataset, tests={"test": (dataset.x_train, y)})
    known = named(case, dataset, tmp_path)
    schedule = schedule_of(known, dataset, items, 5)
    if known.matrix is None:
        expected = DESTINATIONS[case.label](dataset)
    else:
        expected = matrix_of(known.matrix, classes)
    whole, half = (
        counts(dataset, items, schedule, k, n_classes)
        for k in (len(schedule.item), len(schedule.item) // 2)
    )
    possible = (expected > 0) & (whole.sum(axis=1, keepdims=True) > 0)
    assert (whole[~possible] == 0).all()
    wanted = (half.sum(axis=1, keepdims=True) * expected)[possible]
    freedom = int(possible.sum() - possible.any(axis=1).sum())
    statistic = float(((half[possible] - wanted) ** 2 / wanted).sum())
    assert freedom == round(statistic, 9) == 0 or stats.chi2.sf(statistic, freedom) > LEVEL
    by_class = half.sum(axis=1)[possible.any(axis=1)]
    shares = whole.sum(axis=1)[possible.any(axis=1)]
    among = stats.chisquare(by_class, shares / shares.sum() * by_class.sum())
    assert len(by_class) == 1 or among.pvalue > LEVEL


def counts(
    dataset: Dataset, items: Labels, schedule: Schedule, k: int, n_classes: int
) -> np.ndarray:
    """(K, K) edits by true class and label given."""
    first = schedule.first(k)
    if first.true is not None:
        true = first.true
    else:
        true = dataset.y_train[items[first.item] if first.row is None else first.row]
    found = np.zeros((n_classes, n_classes))
    np.add.at(found, (true, first.label), 1)
    return found


def test_every_matrix_is_among_those_whose_destinations_are_tested() -> None:
    assert {*MATRICES} <= {case.name for case in DRAWN}
    assert {*MATRICES} <= {name for name, _ in test_corruptions.KINDS.values()}
