"""Splits: which items are trained on and held out, and that rates and kinds don't move them."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from scipy import stats

from factories import MATRICES, corruption_of, model_of
from gigo import Schedule, datasets
from gigo.corruptions import CATALOGUE
from gigo.edited import taken
from gigo.errors import DataError, SpecError
from gigo.recipe import Recipe
from gigo.resolve import resolve
from gigo.rng import Stream, stratified
from gigo.sample import Sampler, sample
from gigo.schedule import TrainingSet
from gigo.study import Study
from gigo.trial import Trial
from gigo.types import Card, Corruption, Dataset

SEEDS = st.integers(0, 2**32)
RATES = st.floats(0, 1)
HELD = ["clean", "noisy"]
WITH_TRUE = corruption_of("symmetric", include_true=True)
PLAIN = [name for name in MATRICES if None not in CATALOGUE[name].options.values()]
"""Those that need not be told which classes; they can choose any item."""

KINDS = st.sampled_from([*map(corruption_of, PLAIN), WITH_TRUE])
TAILS = st.sampled_from([corruption_of(name, "tail") for name in PLAIN])


def make_dataset(n: int, n_classes: int, seed: int = 0) -> Dataset:
    """Made-up items with labels at random, all read-only; class 0 is twice as large."""
    labels = Stream(seed, 0, "labels").integers(n, n_classes + 1) % n_classes
    images = np.zeros((n, 1, 8, 8), np.uint8)
    for array in (images, labels):
        array.flags.writeable = False
    names = tuple(f"class {k}" for k in range(n_classes))
    tests = {"test": (images[:0], labels[:0])}
    weights = np.arange(1, len(labels) + 1, dtype=np.float64)
    return Dataset("made up", images, labels, tests, names, "image", "", "", weights=weights)


def make_trial(size: int, **fields: Any) -> Trial:
    trial = Trial(
        dataset=Card("made up", "", "image", (1, 8, 8), 10, 1_000, 0),
        size=size,
        corruption=corruption_of("symmetric"),
        rate=0.4,
        subset="random",
        model=model_of("small_cnn"),
        recipe=Recipe(),
        validation="clean",
        precision="float32",
        seed=0,
        replicate=0,
    )
    return replace(trial, **fields)


def chosen(found: TrainingSet) -> set[int]:
    return {*found.rows.tolist(), *found.held_out.tolist()}


@st.composite
def situations(draw: st.DrawFn) -> tuple[Dataset, Trial]:
    """A data set and a trial on it, of any kind."""
    n = draw(st.integers(5, 120))
    dataset = make_dataset(n, draw(st.integers(2, 6)), draw(SEEDS))
    rate = draw(RATES)
    trial = make_trial(
        draw(st.integers(3, n)),
        corruption=draw(KINDS | TAILS) if rate else None,
        rate=rate,
        subset=draw(st.sampled_from(["random", "first"])),
        validation=draw(st.sampled_from(["clean", "oracle", "none"])),
        seed=draw(SEEDS),
        replicate=draw(st.integers(0, 5)),
    )
    return dataset, trial


@given(situation=situations())
def test_a_split_takes_exactly_what_is_paid_for(situation: tuple[Dataset, Trial]) -> None:
    dataset, trial = situation
    found = sample(trial, dataset)
    assert len(found.rows) + len(found.held_out) == len(chosen(found)) == trial.size
    assert chosen(found) <= set(range(len(dataset.y_train)))
    for indices in (found.rows, found.held_out):
        assert indices.dtype == np.int64
        assert (np.diff(indices) > 0).all()
    assert len(found.held_out) == (round(0.2 * trial.size) if trial.validation == "clean" else 0)
    assert (found.true_labels == dataset.y_train[found.rows]).all()
    assert found.weights is not None and (found.weights == found.rows + 1).all()
    assert (found.held_out_labels == dataset.y_train[found.held_out]).all()


@given(situation=situations())
def test_corruption_is_exact_and_touches_selected_items_alone(
    situation: tuple[Dataset, Trial],
) -> None:
    dataset, trial = situation
    found = sample(trial, dataset)
    changed = found.labels != found.true_labels
    assert found.touched.sum() == round(trial.rate * len(found.rows))
    assert not (changed & ~found.touched).any()
    if trial.corruption is None or trial.corruption != WITH_TRUE:
        assert (changed == found.touched).all()
    if trial.corruption and "tail" in trial.corruption.identity:
        assert (np.diff(found.touched.astype(int)) >= 0).all()


@given(situation=situations(), rates=st.lists(RATES, min_size=2, max_size=4), kind=KINDS)
def test_rates_are_nested(
    situation: tuple[Dataset, Trial], rates: list[float], kind: Corruption
) -> None:
    dataset, trial = situation
    before: set[tuple[int, int]] = set()
    for rate in sorted(rates):
        found = sample(replace(trial, rate=rate, corruption=kind), dataset)
        pairs = zip(found.rows[found.touched], found.labels[found.touched], strict=True)
        wrong = {(int(item), int(label)) for item, label in pairs}
        assert wrong >= before
        before = wrong


@given(situation=situations(), other=situations())
def test_only_size_subset_seed_replicate_and_policy_choose_items(
    situation: tuple[Dataset, Trial], other: tuple[Dataset, Trial]
) -> None:
    dataset, trial = situation
    corrupt = {name: getattr(other[1], name) for name in ("corruption", "rate")}
    found = sample(trial, dataset)
    again = sample(
        replace(trial, **corrupt, precision="bfloat16", recipe=Recipe(epochs=1)), dataset
    )
    assert (found.rows == again.rows).all()
    assert (found.held_out == again.held_out).all()


@given(situation=situations(), kind=KINDS)
def test_kinds_of_corruption_select_the_same_items(
    situation: tuple[Dataset, Trial], kind: Corruption
) -> None:
    """So that their difference within a replicate is one of kind alone."""
    dataset, trial = situation
    one, other = (
        sample(replace(trial, corruption=choice), dataset)
        for choice in (corruption_of("biased"), kind)
    )
    assert (one.touched == other.touched).all()


@given(situation=situations())
def test_a_trial_always_gets_the_same_split(situation: tuple[Dataset, Trial]) -> None:
    dataset, trial = situation
    first, second = (vars(sample(trial, dataset)) for _ in range(2))
    assert all(np.array_equal(first[name], second[name]) for name in first)


@given(situation=situations(), others=st.lists(situations(), max_size=6))
def test_what_trials_share_is_drawn_once_and_is_what_each_would_draw(
    situation: tuple[Dataset, Trial], others: list[tuple[Dataset, Trial]]
) -> None:
    dataset, trial = situation
    fields = [
        {name: getattr(other, name) for name in ("corruption", "rate")} for _, other in others
    ]
    trials = [
        replace(trial, replicate=place // 3, **each, validation=HELD[place % 2])
        for place, each in enumerate(fields)
    ]
    sampler = Sampler(dataset)
    for each in [trial, *trials, trial]:
        once, alone = vars(sampler(each)), vars(sample(each, dataset))
        assert all(np.array_equal(once[name], alone[name]) for name in alone)


@given(situation=situations(), data=st.data())
def test_sizes_are_nested_within_a_replicate(
    situation: tuple[Dataset, Trial], data: st.DataObject
) -> None:
    dataset, trial = situation
    smaller = data.draw(st.integers(1, trial.size))
    assert chosen(sample(replace(trial, size=smaller), dataset)) <= chosen(sample(trial, dataset))


def test_first_takes_the_first() -> None:
    dataset = make_dataset(100, 4)
    trials = [make_trial(30, subset="first", replicate=replicate) for replicate in range(3)]
    splits = [sample(trial, dataset) for trial in trials]
    assert all(chosen(found) == set(range(30)) for found in splits)
    assert len({found.held_out.tobytes() for found in splits}) == 3


@pytest.mark.parametrize("field", ["replicate", "seed"])
def test_replicates_and_seeds_differ_in_everything(field: str) -> None:
    dataset = make_dataset(200, 4)
    splits = [sample(make_trial(100, **{field: value}), dataset) for value in range(5)]
    assert len({frozenset(chosen(found)) for found in splits}) == 5
    whole = [sample(make_trial(200, **{field: value}), dataset) for value in range(5)]
    assert len({found.held_out.tobytes() for found in whole}) == 5
    unheld = [
        sample(make_trial(200, validation="none", **{field: value}), dataset) for value in range(5)
    ]
    assert len({found.touched.tobytes() for found in unheld}) == 5
    assert len({found.labels.tobytes() for found in unheld}) == 5


def test_random_subsets_favour_no_item() -> None:
    dataset = make_dataset(30, 2)
    trials = (make_trial(5, validation="none", replicate=r) for r in range(600))
    counts = np.bincount(np.concatenate([sample(t, dataset).rows for t in trials]), minlength=30)
    # Drawn without repetition, counts vary a little less than chi-square thinks.
    assert stats.chisquare(counts).pvalue > 1e-4


@given(situation=situations())
def test_noisy_validation_is_clean_validation_with_labels_as_bad_as_those_trained_on(
    situation: tuple[Dataset, Trial],
) -> None:
    dataset, trial = situation
    clean = sample(replace(trial, validation="clean"), dataset)
    noisy = sample(replace(trial, validation="noisy"), dataset)
    for name in ("rows", "labels", "touched", "held_out"):
        np.testing.assert_array_equal(getattr(clean, name), getattr(noisy, name))
    wrong = noisy.held_out_labels != clean.held_out_labels
    rate = trial.rate if trial.corruption else 0
    assert wrong.sum() <= round(rate * len(wrong))
    if trial.corruption and trial.corruption != WITH_TRUE:  # never the true class
        assert wrong.sum() == round(rate * len(wrong))


@pytest.mark.parametrize("validation", ["clean", "oracle", "none"])
def test_real_digits_are_not_touched(validation: str) -> None:
    dataset = datasets.load("digits")
    before = dataset.y_train.copy()
    trial = make_trial(1347, validation=validation, rate=1.0)
    found = sample(trial, dataset)
    assert not np.shares_memory(found.labels, dataset.y_train)
    assert (dataset.y_train == before).all()
    assert len(found.held_out) == (269 if validation == "clean" else 0)
    assert (found.labels != found.true_labels).all()


# Stratified choice


def exact_quotas(sizes: list[int], share: Fraction) -> list[int]:
    """Largest remainders, in fractions; the first class first among equals."""
    take = [int(share * n) for n in sizes]
    missing = round(share * sum(sizes)) - sum(take)
    for k in sorted(range(len(sizes)), key=lambda k: (take[k] - share * sizes[k], k))[:missing]:
        take[k] += 1
    return take


@given(
    sizes=st.lists(st.integers(0, 1500), min_size=1, max_size=6).filter(any),
    share=st.sampled_from(["0.1", "0.2", "0.25", "0.29", "0.5"]),
    seed=SEEDS,
)
@example(sizes=[100, 1], share="0.29", seed=0)  # 0.29 x 100 is a little less than 29
@example(sizes=[1370, 1324, 97, 820, 1252], share="0.2", seed=0)  # 97 / 5 as far above as 1252 / 5
def test_each_class_gives_its_share(sizes: list[int], share: str, seed: int) -> None:
    exact = Fraction(share)
    labels = np.repeat(np.arange(len(sizes)), sizes)
    labels = labels[Stream(seed, 0, "labels").permutation(len(labels))]
    taken = stratified(labels, float(share), Stream(seed, 0, "split"))
    assert taken.dtype == np.int64
    assert (np.diff(taken) > 0).all()
    assert len(taken) == round(exact * sum(sizes))
    counts = np.bincount(labels[taken], minlength=len(sizes)).tolist()
    assert all(abs(k - exact * n) < 1 for k, n in zip(counts, sizes, strict=True))
    assert counts == exact_quotas(sizes, exact)


def test_within_a_class_no_item_is_favoured() -> None:
    labels = np.arange(40) % 2
    taken = [stratified(labels, 0.2, Stream(0, r, "split")) for r in range(800)]
    counts = np.bincount(np.concatenate(taken), minlength=40)
    assert stats.chisquare(counts).pvalue > 1e-4


@given(situation=situations(), n_groups=st.integers(2, 30), validation=st.sampled_from(HELD))
def test_whole_groups_are_held_out(
    situation: tuple[Dataset, Trial], n_groups: int, validation: Any
) -> None:
    dataset, trial = situation
    groups = Stream(trial.seed, 0, "groups").integers(len(dataset.y_train), n_groups)
    in_groups = replace(dataset, groups=groups)
    trial = replace(trial, validation=validation)
    chosen_groups = {*groups[sorted(chosen(sample(trial, dataset)))].tolist()}
    if len(chosen_groups) == 1:
        with pytest.raises(DataError, match="all of one group"):
            sample(trial, in_groups)
        return
    found = sample(trial, in_groups)
    assert chosen(found) == chosen(sample(trial, dataset))
    assert len(found.rows) + len(found.held_out) == trial.size
    assert not {*groups[found.rows].tolist()} & {*groups[found.held_out].tolist()}
    assert len(found.rows) and len(found.held_out)
    again = sample(replace(trial, rate=0.0, corruption=None), in_groups)
    assert (again.held_out == found.held_out).all()


def test_a_rate_that_the_items_do_not_allow_is_refused() -> None:
    """Items of two classes of ten, in turn."""
    dataset = make_dataset(100, 10)
    dataset = replace(dataset, y_train=np.arange(100) % 10)
    corruption = corruption_of("asymmetric", map={"class 3": "class 5", "class 5": 3})
    fields: dict[str, Any] = {"corruption": corruption, "validation": "none"}
    part = sample(make_trial(100, rate=0.2, **fields), dataset)
    assert np.flatnonzero(part.touched).tolist() == [k for k in range(100) if k % 10 in (3, 5)]
    with pytest.raises(SpecError, match=r"0.21: expected at most 20 %: .* 20 edits to the 100"):
        sample(make_trial(100, rate=0.21, **fields), dataset)


def names_of_vectors(**fields: Any) -> set[str]:
    """What the inputs that corruptions of digits bring are called, of all trials of a study."""
    grid = resolve(Study.create(dataset="digits", size=60, replicates=1, **fields))
    trials, names = grid.trials.values(), set[str]()
    dataset = datasets.load("digits")

    def vectors(name: str, x: Any) -> Any:
        names.add(name)
        return x

    for trial in trials:
        Sampler(dataset, trials, vectors)(trial)
    return names


def test_vectors_are_kept_by_all_that_they_depend_on() -> None:
    """Those of one study must not be taken for those of another, which the same cache has."""
    blur, first = {"corruption": "blur"}, {"name": "blur", "rate": 0.2}
    after = names_of_vectors(corruption=[first, "symmetric"], rates=[0.2])
    assert names_of_vectors(**blur, rates=[0.1]) == names_of_vectors(**blur, rates=[0.2])
    assert names_of_vectors(**blur, rates=[0.2]).isdisjoint(after)
    kinds = [{"name": "trigger", "target": k} for k in (0, 7)]
    one, two = (names_of_vectors(corruption=kind, rates=[0, 0.1]) for kind in kinds)
    assert len(one) == len(two) == 2  # of training items, and of the test set `attack`
    assert one.isdisjoint(two)


def test_inputs_are_as_many_as_any_rate_needs_whoever_comes_first() -> None:
    study = Study.create(
        dataset="digits", size=60, corruption="blur", rates=[0.1, 0.6, 0.3], validation="noisy"
    )
    trials = [*resolve(study.but(replicates=1)).trials.values()]
    sampler, dataset = Sampler(datasets.load("digits")), datasets.load("digits")
    for trial in trials:
        one, other = sampler(trial), sample(trial, dataset)
        for rows in ("rows", "held_out"):
            x = [taken(dataset.x_train, each.extras, getattr(each, rows)) for each in (one, other)]
            assert np.array_equal(*x)


def test_scores_of_a_reference_model_are_kept_by_all_that_they_depend_on() -> None:
    names: list[str] = []

    def asking(dataset: Dataset, items: Any, stream: Stream, *, reference: Any) -> Schedule:
        names.append(reference._name)
        return Schedule(np.arange(len(items)), np.zeros(len(items), np.int64))

    asks = {"name": asking, "key": "asking"}
    for kinds in ([asks], [{**asks, "rate": 0.1}, "pair"], [{"name": "pair", "rate": 0.1}, asks]):
        study = Study.create(dataset="digits", size=60, replicates=2, corruption=kinds, rates=[0.2])
        for trial in resolve(study).trials.values():
            sample(trial, datasets.load("digits"))
    assert len({*names}) == len(names) == 6
