"""What corruptions do one after the other, against the same thing done item by item in lists."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gigo.edited import Edited, taken
from gigo.errors import SpecError
from gigo.rng import Stream
from gigo.schedule import ADDED, KEEP, LEAVE, NO_CLASS, Schedule
from gigo.types import Dataset, Labels

N_CLASSES = 4


def make_dataset(n: int, weighted: bool = False) -> Dataset:
    """Row i is the number i, so that where an input came from can be read off."""
    x, y = np.arange(n, dtype=np.float32)[:, None], np.arange(n) % N_CLASSES
    weights = np.arange(1, n + 1, dtype=np.float64) if weighted else None
    return Dataset(
        "numbers",
        x,
        y,
        {"test": (x, y)},
        tuple("abcd"),
        "vector",
        "0" * 64,
        "made up",
        groups=np.arange(n) // 3,
        weights=weights,
    )


@dataclass
class Item:
    """One item of the plain reading."""

    x: float
    label: int
    true: int
    place: int
    group: int | None
    weight: float
    touched: bool = False
    moved: bool = False


def relabelled(n: int, stream: Stream) -> Schedule:
    return Schedule(stream.permutation(n), stream.integers(n, N_CLASSES))


def leaving(n: int, stream: Stream) -> Schedule:
    order = stream.permutation(n)[: n // 2]
    return Schedule(order, np.full(len(order), LEAVE), rate_of="eligible")


def replaced(n: int, stream: Stream) -> Schedule:
    """Inputs -1, -2, ... of no class."""
    new = -1 - np.arange(n, dtype=np.float32)[:, None]
    of_none = np.full(n, NO_CLASS)
    return Schedule(stream.permutation(n), np.full(n, KEEP), true=of_none, extra=lambda k: new[:k])


def diluted(n: int, stream: Stream, rows: Labels) -> Schedule:
    row = rows[stream.integers(n, len(rows))]
    label = stream.integers(n, N_CLASSES + 1) - 1  # KEEP is one of them
    return Schedule(np.full(n, ADDED), label, row=row, rate_of="added")


def brought(n: int, stream: Stream) -> Schedule:
    """New inputs -101, -102, ... under labels that are half wrong."""
    new = -101 - np.arange(n, dtype=np.float32)[:, None]
    label = stream.integers(n, N_CLASSES)
    true = np.where(np.arange(n) % 2, label, (label + 1) % N_CLASSES)
    return Schedule(np.full(n, ADDED), label, true, extra=lambda k: new[:k], rate_of="added")


KINDS = ("relabelled", "leaving", "replaced", "diluted", "brought")


def schedule_of(kind: str, now: Edited, stream: Stream) -> Any:
    n = len(now.rows)
    if kind == "diluted":
        return diluted(n, stream, now.seen()[1])
    return {"relabelled": relabelled, "leaving": leaving, "replaced": replaced, "brought": brought}[
        kind
    ](n, stream)


def plainly(items: list[Item], schedule: Any, k: int, given: Labels) -> Any:
    """After k edits, done one at a time to what was seen."""
    new: Any = None if schedule.extra is None else schedule.extra(k)
    by_row = dict(zip(given.tolist(), items, strict=True))  # what the schedule's rows mean
    mean = float(np.mean([each.weight for each in items]))
    after, added, left = [replace(each) for each in items], [], set()
    for j in range(k):
        at, label = int(schedule.item[j]), int(schedule.label[j])
        true = None if schedule.true is None else int(schedule.true[j])
        if at == ADDED and new is None:
            source = by_row[int(schedule.row[j])]
            own = label == KEEP
            added.append(
                replace(source, label=source.label if own else label, touched=True, moved=own)
            )
        elif at == ADDED:
            assert true is not None and new is not None
            added.append(Item(float(new[j, 0]), label, true, 0, None, mean, True, True))
        else:
            item = after[at]
            item.touched = True
            if label == LEAVE:
                left.add(at)
            elif label != KEEP:
                item.label = label
            if new is not None:
                item.x, item.moved = float(new[j, 0]), True
            if true is not None:
                item.true = true
    return [each for at, each in enumerate(after) if at not in left] + added, len(added), len(left)


def read(now: Edited) -> list[Any]:
    x = taken(now.dataset.x_train, now.extras, now.rows)[:, 0]
    weights = np.ones(len(x)) if now.weights is None else now.weights
    assert now.groups is not None
    columns = (x, now.labels, now.true, now.touched, now.moved, now.groups, weights.round(6))
    return [*zip(*(column.tolist() for column in columns), strict=True)]


@given(
    kinds=st.lists(st.sampled_from(KINDS), max_size=5),
    rates=st.lists(st.floats(0, 0.45), min_size=5, max_size=5),
    n=st.integers(1, 12),
    spare=st.integers(0, 4),
    weighted=st.booleans(),
    seed=st.integers(0, 2**32),
)
def test_any_corruptions_in_any_order_are_edits_one_at_a_time(
    kinds: list[str], rates: list[float], n: int, spare: int, weighted: bool, seed: int
) -> None:
    dataset = make_dataset(n + spare, weighted)
    given_items = np.sort(Stream(seed, 0, "items").permutation(n + spare)[:n])
    assert dataset.groups is not None
    y, groups, w = dataset.y_train, dataset.groups, dataset.weights
    plain = [
        Item(float(i), int(y[i]), int(y[i]), p, int(groups[i]), 1.0 if w is None else float(w[i]))
        for p, i in enumerate(given_items.tolist())
    ]
    now, n_added, n_left = Edited.begin(dataset, given_items), 0, 0
    for step, (kind, rate) in enumerate(zip(kinds, rates, strict=False)):
        schedule = schedule_of(kind, now, Stream(seed, 0, str(step)))
        k = schedule.n_edits(rate, len(now.rows))
        _, rows = now.seen()
        before = read(now)
        extra = schedule.extra(k) if callable(schedule.extra) and k else None
        after = now.edit(schedule, k, str(step), extra)
        assert read(now) == before  # what was there is left as it was
        plain, more, fewer = plainly(plain, schedule, k, rows)
        now, n_added, n_left = after, n_added + more, n_left + fewer
        found = read(now)
        assert len(found) == len(plain) == n + n_added - n_left
        for (x, label, true, touched, moved, group, weight), item in zip(found, plain, strict=True):
            assert (x, label, true) == (item.x, item.label, item.true)
            assert (touched, moved) == (item.touched, item.moved)
            assert weight == pytest.approx(item.weight, abs=1e-5)
            assert group == item.group if item.group is not None else group < 0
    assert (now.n_given, now.n_added, now.n_left) == (n, n_added, n_left)
    assert len({*now.places.tolist()}) == len(now.places)
    assert (np.diff(now.places) > 0).all() and (now.places < n + n_added).all()
    assert now.whole == (len(now.extras) == n_added == n_left == 0)
    seen, rows = now.seen()
    np.testing.assert_array_equal(seen.y_train[rows], now.labels)
    assert seen.groups is not None and now.groups is not None
    np.testing.assert_array_equal(seen.groups[rows], now.groups)
    new = [each for each in now.groups.tolist() if each < 0]
    assert len({*new}) == len(new) or "diluted" in kinds  # copies of new ones are alike


@given(
    kind=st.sampled_from(KINDS),
    n=st.integers(2, 30),
    rates=st.tuples(st.floats(0, 0.5), st.floats(0, 0.5)),
    seed=st.integers(0, 2**32),
)
def test_what_a_lower_rate_edits_a_higher_one_edits_alike(
    kind: str, n: int, rates: tuple[float, float], seed: int
) -> None:
    now = Edited.begin(make_dataset(n), np.arange(n))
    schedule = schedule_of(kind, now, Stream(seed, 0, "corruption"))
    ks = sorted(schedule.n_edits(rate, n) for rate in rates)
    low, high = (
        now.edit(schedule, k, "x", schedule.extra(k) if callable(schedule.extra) else None)
        for k in ks
    )
    high_by_place = dict(zip(high.places.tolist(), read(high), strict=True))
    for place, found in zip(low.places.tolist(), read(low), strict=True):
        if found[3]:  # the lower rate touched it
            assert high_by_place[place][:5] == found[:5]
    assert {*low.places[low.touched].tolist()} <= {*high.places[high.touched].tolist()}
    gone = [{*range(n)} - {*each.places.tolist()} for each in (low, high)]
    assert gone[0] <= gone[1]


def test_a_copy_has_the_true_label_that_its_item_has_by_now() -> None:
    """An earlier corruption said that items 0 and 1 are of no class and gave 2 another label."""
    dataset, items = make_dataset(4), np.arange(4)
    first = Schedule(np.array([0, 1, 2]), np.array([KEEP, 3, 0]), true=np.array([-1, -1, 2]))
    now = Edited.begin(dataset, items).edit(first, 3, "first", None)
    assert now.whole
    copies = Schedule(np.full(3, ADDED), np.array([KEEP, 2, KEEP]), row=np.arange(3))
    after = now.edit(copies, 3, "copies", None)
    assert after.labels[4:].tolist() == [0, 2, 0]
    assert after.true[4:].tolist() == [NO_CLASS, NO_CLASS, 2]
    assert after.changed.tolist() == [True, True, True, False, True, True, True]


def test_items_are_not_added_without_an_input_or_a_label() -> None:
    now, one = Edited.begin(make_dataset(4), np.arange(4)), np.array([ADDED])
    new = np.zeros((1, 1), np.float32)
    no_input = Schedule(one, np.array([0]))
    no_label = Schedule(one, np.array([KEEP]), true=np.array([0]), extra=new)
    no_truth = Schedule(one, np.array([0]), extra=new)
    for schedule in (no_input, no_label, no_truth):
        with pytest.raises(SpecError, match="an input for each item that it adds"):
            now.edit(schedule, 1, "x", new if schedule.extra is not None else None)


def test_someone_has_to_stay() -> None:
    now, all_of_them = Edited.begin(make_dataset(3), np.arange(3)), np.full(3, LEAVE)
    with pytest.raises(SpecError, match="none is left to train on"):
        now.edit(Schedule(np.arange(3), all_of_them), 3, "x", None)


def test_no_test_set_takes_the_place_of_another() -> None:
    now, nothing = Edited.begin(make_dataset(4), np.arange(4)), np.empty(0, np.int64)
    schedule = Schedule(nothing, nothing, probes={"attack": make_dataset(2).tests["test"]})
    now = now.edit(schedule, 0, "first", None)
    with pytest.raises(SpecError, match="one alone that brings a test set called attack"):
        now.edit(schedule, 0, "second", None)
