"""Corruptions that come after others: what a study says, what is trained on, what is told."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from factories import make_record, make_study, trials_of
from gigo import describe
from gigo.adaptive import piloted
from gigo.analysis.findings import answer
from gigo.analysis.table import tidy
from gigo.analysis.words import spoken
from gigo.cli.training import _parsed  # pyright: ignore[reportPrivateUsage] - what it reads, it reads
from gigo.edited import Edited
from gigo.errors import SpecError
from gigo.find import exchange_of
from gigo.grid import Grid
from gigo.resolve import check_kind, corruption, resolve
from gigo.rng import Stream
from gigo.sample import sample
from gigo.schedule import Schedule
from gigo.search import pilot_rates
from gigo.study import Study, usual_rates
from gigo.testing import check_corruption, small_dataset
from gigo.tolerance_search import Tolerance
from gigo.types import Card, Corruption, Dataset, Kind, Labels
from synthetic import TEST_SETS

DATA = small_dataset()
PAIR: dict[str, Any] = {"name": "pair", "rate": 0.1}
MAP: dict[str, Any] = {"name": "asymmetric", "map": {"class 0": "class 1"}}


def noise(dataset: Dataset, items: Labels, stream: Stream, *, scale: float = 1.0) -> Schedule:
    """Vectors with noise."""
    order = stream.permutation(len(items))

    def extra(k: int) -> Any:
        x = dataset.x_train[items[order[:k]]]
        drawn = stream.child("noise").uniform(x.size).reshape(x.shape)
        return (x + scale * drawn).astype(x.dtype)

    return Schedule(order, np.full(len(items), -1), extra=extra)


def copies(dataset: Dataset, items: Labels, stream: Stream) -> Schedule:
    """Copies of items."""
    n = 9 * len(items)
    row = items[stream.integers(n, len(items))]
    return Schedule(np.full(n, -1), np.full(n, -1), row=row, rate_of="added")


copies.rate_of = "added"  # pyright: ignore[reportFunctionMemberAccess] - as docs/plugins.md says


def study(**fields: Any) -> Study:
    return Study.create(**{"dataset": DATA, "model": "logistic", "replicates": 1, **fields})


def refused(**fields: Any) -> str:
    with pytest.raises(SpecError) as caught:
        resolve(study(**fields))
    return str(caught.value)


# What a study says


def test_those_with_a_rate_come_before_each_kind() -> None:
    kinds = resolve(
        study(corruption=["symmetric", PAIR, "biased", {**MAP, "rate": 0.25}])
    ).corruptions
    first = "pair 10 % and asymmetric map={'class 0': 'class 1'} 25 %"
    assert [kind.label for kind in kinds] == [
        f"{name} after {first}" for name in ("symmetric", "biased")
    ]
    after = [{"name": "pair", "rate": 0.1}, {**MAP, "rate": 0.25}]
    assert kinds[0].to_json() == {"name": "symmetric", "after": after}
    assert [rate for _, rate in kinds[0].before] == [0.1, 0.25]


def test_the_whole_does_what_any_part_does() -> None:
    (kind,) = resolve(study(corruption=["symmetric", {"name": noise, "rate": 0.1}])).corruptions
    assert kind.inputs and not kind.probed
    assert not corruption(study().kinds[0]).inputs


def test_what_is_no_axis_is_refused_with_what_to_do() -> None:
    said = refused(corruption=PAIR)
    assert said.endswith("expected one without a rate of its own, whose rate is the axis")
    for rate in (0, 1.1, True, "0.1"):
        said = refused(corruption=["symmetric", {**PAIR, "rate": rate}])
        assert said == f"corruption.pair.rate = {rate!r}: expected a number above 0, at most 1"
    assert "did you mean 'pair'" in refused(corruption=["symmetric", {**PAIR, "name": "pari"}])
    said = refused(corruption=["symmetric", {**MAP, "rate": 0.4}])
    assert said.startswith("corruption.asymmetric.rate = 0.4: expected at most 0.3333")
    assert "below 1" in refused(corruption=["symmetric", {"name": copies, "rate": 1}])


def test_keys_are_others_with_another_corruption_first_and_as_before_without() -> None:
    plain, after = (make_study(corruption=each) for each in ("symmetric", ["symmetric", PAIR]))
    assert trials_of(plain).keys().isdisjoint(trials_of(after))
    other = make_study(corruption=["symmetric", {**PAIR, "rate": 0.2}])
    assert trials_of(after).keys().isdisjoint(trials_of(other))
    assert next(iter(trials_of(plain))) == (
        "ba2413067806c975ac019a2baa8640ad85c4ea75a0bda32fbf0e7f00d0e71ddc"
    )


def test_at_rate_0_kinds_share_a_trial_of_the_first_ones_alone() -> None:
    grid = resolve(study(corruption=["symmetric", "biased", PAIR], rates=[0, 0.5]))
    zero, *others = grid.trials.values()
    assert len(others) == 2 and zero.rate == 0
    found = sample(zero, DATA)
    assert found.n_selected == found.n_changed == round(0.1 * found.n_given)
    assert Grid.from_json(grid.to_json()).keys == grid.keys


def test_a_cliff_is_only_where_nothing_comes_first() -> None:
    grid = resolve(study(corruption=["symmetric", PAIR]))
    assert grid.cliffs == {DATA.name: {}}


# What is trained on


@given(
    rate=st.sampled_from([0.1, 0.3, 0.75]),
    first=st.sampled_from(["pair", noise, copies]),
    kind=st.sampled_from(["symmetric", noise, copies]),
    replicate=st.integers(0, 3),
)
def test_it_is_the_first_ones_by_hand_and_then_the_other(
    rate: float, first: Any, kind: Any, replicate: int
) -> None:
    whole = study(
        corruption=[kind, {"name": first, "rate": 0.2}], rates=rate, first_replicate=replicate
    )
    (trial,) = resolve(whole).trials.values()
    found, now = sample(trial, DATA), Edited.begin(DATA, sample_rows(trial))
    parts = [(corruption(whole.first[0].without("rate")), 0.2), (corruption(whole.kinds[0]), rate)]
    for (each, its_rate), purpose in zip(parts, ["corruption/0", "corruption"], strict=True):
        dataset, items = now.seen()
        schedule = each.value(dataset, items, Stream(trial.seed, replicate, purpose))
        k = schedule.n_edits(its_rate, len(items))
        extra = schedule.extra(k) if schedule.extra else None
        now = now.edit(schedule, k, purpose, extra)
    assert (found.labels == now.labels).all() and (found.true_labels == now.true).all()
    x = [np.concatenate([DATA.x_train, *each.extras.values()])[each.rows] for each in (found, now)]
    assert (x[0] == x[1]).all()


def sample_rows(trial: Any) -> Labels:
    """The items of a trial before anything is done to them."""
    return sample(replace(trial, corruption=None), DATA).rows


# Rates


def test_usual_rates_stop_at_the_highest() -> None:
    grid = resolve(study(corruption=[MAP, "symmetric", copies]))
    (card,) = grid.datasets
    by_kind = {kind.label: grid.rates(card, kind) for kind in grid.corruptions}
    (mapped, all_, added) = by_kind.values()
    assert len(mapped) > 4 and max(mapped) < 1 / 3
    assert max(all_) == 1 and max(added) == 0.9
    for trial in grid.trials.values():
        sample(trial, DATA)
    assert "below 1" in refused(corruption=copies, rates=[0, 1])
    assert "at most 0.3333" in refused(corruption=MAP, rates=[0, 0.5])


@given(st.floats(0.005, 1), st.integers(2, 20), st.sampled_from(["set", "eligible", "added"]))
def test_usual_rates_are_enough_and_possible(highest: float, n_classes: int, rate_of: Any) -> None:
    rates = usual_rates(n_classes == 2, rate_of, highest)
    assert rates[0] == 0 and 5 <= len(rates) <= 11 and max(rates) <= highest
    pilot = pilot_rates(n_classes == 2, highest)
    assert len(set(pilot)) == 5 and max(pilot) <= highest


def test_of_eligible_items_usual_rates_go_to_1_with_two_classes_too() -> None:
    assert usual_rates(True)[-1] == 0.5 and usual_rates(True, "eligible")[-1] == 1


def test_searches_ask_for_no_rate_beyond() -> None:
    said = study(corruption=MAP)
    most = resolve(said).most
    assert max(piloted(said, resolve).rates) <= most < 1 / 3  # pyright: ignore[reportArgumentType, reportOperatorIssue] - all are numbers
    assert exchange_of(said, (), resolve)[1].rate <= most


@given(st.floats(0.02, 1), st.floats(0, 1), st.floats(0, 1), st.sampled_from([2, 10]))
def test_a_search_for_a_tolerance_stays_within(
    highest: float, a: float, b: float, n_classes: int
) -> None:
    import pandas as pd

    low, high = sorted((a * highest, b * highest))
    frame = pd.DataFrame({"rate": pilot_rates(n_classes == 2, highest), "n_classes": n_classes})
    zero, *rates = Tolerance().within(highest).where(low, high, frame)["rates"]
    assert zero == 0 and len({*rates}) == 2
    assert min(rates) > 0 and max(rates) <= highest + 1e-9


# The command line, kinds of inputs, words


@pytest.mark.parametrize(
    ("text", "table"),
    [
        ("blur:rate=0.1,severity=2", {"name": "blur", "rate": 0.1, "severity": 2}),
        ("sink:classes=[0, 1]", {"name": "sink", "classes": [0, 1]}),
        (
            "a:map={b='c:d=e', f='g'}, rate=0.5",
            {"name": "a", "map": {"b": "c:d=e", "f": "g"}, "rate": 0.5},
        ),
        ("mine.py:f:how=a b,to=2", {"name": "mine.py:f", "how": "a b", "to": 2}),
        ("sink:classes=[cat, 3, a dog]", {"name": "sink", "classes": ["cat", 3, "a dog"]}),
        (
            "a:map={cat=dog, 3=5},rate=0.2",
            {"name": "a", "map": {"cat": "dog", "3": 5}, "rate": 0.2},
        ),
        ("sink:classes=[cat", {"name": "sink", "classes": "[cat"}),
    ],
)
def test_options_on_the_command_line(text: str, table: dict[str, Any]) -> None:
    assert _parsed("corruption", text) == table


@pytest.mark.parametrize(
    ("corruption", "said"),
    [
        ("imbalance:ratio=0", "corruption.imbalance.ratio = 0.0: expected a number from 1"),
        ("annotators:skills=[1.5]", "corruption.annotators.skills = [1.5]: expected numbers from"),
        ("missing_class:classes=[ten]", "corruption.missing_class.classes = 'ten': expected"),
        ("subsample_group", "corruption.subsample_group = {'column': None"),
        ("open_set:source=mnits", "corruption.open_set.source = 'mnits': expected noise, or one"),
        ("symmetric:include_true=yes", "symmetric.include_true = 'yes': expected true or false"),
    ],
)
def test_options_that_cannot_be_are_told_before_anything_is_trained(
    corruption: str, said: str
) -> None:
    assert said in refused(corruption=_parsed("corruption", corruption))


def test_an_option_without_a_value_is_told() -> None:
    said = refused(corruption="symmetric:include_true")
    assert said.endswith("expected symmetric:include_true=..., an option with its value")


@pytest.mark.parametrize("kind", ["image", "table", "text", "vector"])
def test_a_corruption_takes_its_kinds_of_inputs(kind: Kind) -> None:
    card = Card("mine", "0" * 64, kind, (), 2, 10, 5)
    check_kind(Corruption("any", "{}"), card)
    blur = Corruption("blur", "{}", kinds=("image", "vector"))
    if kind in blur.kinds:
        check_kind(blur, card)
        return
    own = {"table": "a table", "text": "texts"}[kind]
    expected = f"images or vectors, which mine has not (its inputs are {own})"
    with pytest.raises(SpecError, match=r"^corruption = 'blur': expected ") as caught:
        check_kind(blur, card)
    assert str(caught.value).endswith(expected)


def test_nothing_is_called_clean_where_something_comes_first() -> None:
    grid = resolve(make_study(corruption=["symmetric", PAIR], size=[100, 200]))
    records = [make_record(trial) for trial in grid.trials.values()]
    frame = tidy([grid], records, TEST_SETS)
    found = answer(frame, test_sets=TEST_SETS, spoken=spoken([grid]))
    text = " ".join(part for each in found.findings for part in (each.heading, *each.lines))
    assert "correct with pair 10 % alone" in text and "% wrong labels cost" in text
    assert "clean" not in text


def test_what_is_edited_has_its_word() -> None:
    words = {"symmetric": "wrong labels", noise: "corrupted items", copies: "added items"}
    for name, edited in words.items():
        assert resolve(study(corruption=name)).corruptions[0].edited == edited
    (kind,) = resolve(study(corruption={"name": "symmetric", "include_true": True})).corruptions
    assert kind.edited == "corrupted labels"


def test_additions_and_leavers_count_in_the_realised_rate() -> None:
    grid = resolve(make_study(corruption="symmetric", rates=[0.5], size=200, validation="none"))
    counts = [{"n_train": 400, "n_changed": 200}, {"n_train": 150, "n_changed": 50}]
    records = [make_record(t, **n) for t, n in zip(grid.trials.values(), counts, strict=True)]
    assert tidy([grid], records, TEST_SETS)["realised_rate"].tolist() == [0.5, 0.25]


def test_the_list_of_corruptions_is_by_family() -> None:
    words = describe.catalogue("corruptions").split()  # lines end where the terminal does
    assert words[:2] == ["labels", "symmetric"]
    assert "options: include_true = False" in " ".join(words)


# The check for authors


@pytest.mark.parametrize("name", [noise, copies])
def test_schedules_of_any_kind_are_checked(name: Any) -> None:
    check_corruption(name, DATA)


def unnested(dataset: Dataset, items: Labels, stream: Stream) -> Schedule:
    """Inputs that depend on the rate."""

    def extra(k: int) -> Any:
        return dataset.x_train[items[:k]] + k

    return Schedule(stream.permutation(len(items)), np.full(len(items), -1), extra=extra)


def fixed(dataset: Dataset, items: Labels, stream: Stream) -> Schedule:
    """The same items each time."""
    return Schedule(np.arange(len(items)), (dataset.y_train[items] + 1) % 3)


def silent(dataset: Dataset, items: Labels, stream: Stream) -> Schedule:
    """Does not say beforehand what its rates are shares of."""
    return copies(dataset, items, stream)


@pytest.mark.parametrize(
    ("bad", "why"), [(unnested, "alike"), (fixed, "another draw"), (silent, "rate_of says added")]
)
def test_what_is_wrong_is_found(bad: Any, why: str) -> None:
    with pytest.raises(AssertionError, match=why):
        check_corruption(bad, DATA)
