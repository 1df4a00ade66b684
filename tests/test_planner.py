"""Plans: every trial in one stack, among its like, in the memory there is."""

from __future__ import annotations

import math
from dataclasses import fields, replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from factories import make_study, make_trials, model_of, trials_of
from gigo import machine, models
from gigo.costs import (
    ITEM,
    VIEW,
    expected_epochs,
    seconds,
    speed,
    stack_memory,
    step_flops,
    work,
)
from gigo.planner import (
    MAX_WIDTH,
    TUNING,
    TUNING_STEPS,
    WORTH,
    Plan,
    Question,
    Room,
    Tuning,
    plan,
    processes,
    questions,
)
from gigo.recipe import RECIPES
from gigo.study import Study
from gigo.trial import Trial

GIB = 1 << 30
UNLIKE: dict[str, object] = {
    "dataset": "fashion_mnist",
    "size": 300,
    "subset": "first",
    "model": model_of("article_cnn"),
    "recipe": RECIPES["sgd"],
    "validation": "none",
    "precision": "bfloat16",
}
"""What members of a stack must agree on, with values that are not the default; on the size only
where a step is large, or where layers look at the whole batch."""

ALIKE: dict[str, object] = {
    "corruption": model_of("two_sink"),
    "rate": 0.25,
    "placement": "tail",
    "seed": 5,
    "replicate": 7,
}
"""What they need not, likewise."""

MIXED = make_trials(
    Study.create(
        dataset=["digits", "mnist"],
        size=[200, 1000],
        corruption=["symmetric", "biased"],
        rates=[0, 0.3, 0.6],
        model=["auto", "small_cnn"],
        recipe=["small", "sgd"],
        validation=["clean", "oracle"],
        replicates=3,
    )
)


def make_plan(memory: int = 64 * GIB, **fields: Any) -> Plan:
    return plan(make_trials(Study.create(**{"dataset": "mnist", **fields})), memory)


def one(**fields: Any) -> Trial:
    study = Study.create(**{"dataset": "mnist", "rates": 0, "replicates": 1, **fields})
    precision = "float32" if study.precision == "auto" else study.precision
    return next(iter(trials_of(study, precision).values()))


@settings(max_examples=25)
@given(memory=st.integers(1, 64 * GIB))
def test_stacks_share_out_the_trials(memory: int) -> None:
    found = plan(MIXED, memory)
    shared_out = [id(trial) for stack in found.stacks for trial in stack]
    assert sorted(shared_out) == sorted(map(id, MIXED))
    assert all(0 < len(stack) <= MAX_WIDTH for stack in found.stacks)


@given(memory=st.integers(1, 64 * GIB), data=st.data())
def test_members_agree_on_what_they_must(memory: int, data: st.DataObject) -> None:
    trials = data.draw(st.permutations(MIXED[::7]))
    for stack in plan(trials, memory).stacks:
        for name in UNLIKE.keys() - {"size"}:
            assert all(getattr(trial, name) == getattr(stack[0], name) for trial in stack)


@pytest.mark.parametrize("name", [*UNLIKE, *ALIKE])
def test_only_a_difference_that_matters_makes_a_stack_of_its_own(name: str) -> None:
    trial = one(size=200, rates=0.5, model="small_cnn", recipe={"batch_size": 1})
    other = replace(trial, **{name: (UNLIKE | ALIKE)[name]})
    assert other != trial
    together = name in ALIKE or name == "size"
    assert len(plan([trial, other], 64 * GIB).stacks) == (1 if together else 2)


def test_every_part_of_a_trial_either_matters_or_does_not() -> None:
    names = {field.name for field in fields(Trial)} - {"data"}  # goes with the data set
    assert names == {*UNLIKE, *ALIKE}


@settings(max_examples=25)
@given(memory=st.integers(1, 8 * GIB))
def test_no_stack_needs_more_memory_than_there_is(memory: int) -> None:
    found = plan(MIXED, memory)
    for stack in found.stacks:
        assert needed(stack) <= memory or len(stack) == 1  # one has to be tried
        assert needed(stack) <= found.memory
    assert found.memory in map(needed, found.stacks)


def needed(stack: list[Trial]) -> int:
    """Batches of all are as wide as the widest."""
    return stack_memory(max(stack, key=lambda trial: trial.size), len(stack))


def test_less_memory_makes_more_stacks_and_no_less_work() -> None:
    plans = [plan(MIXED, memory) for memory in (64 * GIB, GIB, GIB // 8, 1)]
    counts = [len(found.stacks) for found in plans]
    assert counts == sorted(counts)
    assert counts[0] < counts[-1] == len(MIXED)
    assert all(found.seconds == pytest.approx(plans[0].seconds) for found in plans)


def test_small_steps_put_replicates_together_and_large_ones_do_not() -> None:
    small = plan(make_trials(make_study(recipe="small")), 64 * GIB)
    assert [len(stack) for stack in small.stacks] == [10]
    assert {trial.replicate for trial in small.stacks[0]} == {0, 1}
    large = make_plan(rates=[0, 0.5, 1], replicates=2)
    assert [{trial.replicate for trial in stack} for stack in large.stacks] == [{0}, {1}]
    assert [len(stack) for stack in large.stacks] == [3, 3]


@pytest.mark.parametrize(
    ("fields", "stacks"),
    [
        ({"model": "small_cnn", "recipe": {"batch_size": 1}}, 1),
        ({"model": "mlp", "recipe": "small"}, 1),
        ({"model": "logistic", "recipe": "article"}, 1),
        ({"model": "article_cnn", "recipe": "article"}, 3),  # large steps
        (
            {
                "model": model_of("resnet", width=1),
                "recipe": {"batch_size": 1},
            },
            3,
        ),  # normalised
    ],
)
def test_sizes_train_together_where_steps_are_small_and_items_apart(
    fields: dict[str, Any], stacks: int
) -> None:
    found = make_plan(size=[20, 100, 500], rates=[0, 0.5], replicates=1, **fields)
    assert len(found.stacks) == stacks
    sizes = [{trial.size for trial in stack} for stack in found.stacks]
    assert sizes == ([{20, 100, 500}] if stacks == 1 else [{20}, {100}, {500}])


@settings(max_examples=25)
@given(st.permutations(range(30, 330)), st.sampled_from(["oracle", "clean"]))
def test_members_of_a_stack_take_about_as_many_steps(order: list[int], validation: str) -> None:
    fields = {"model": "logistic", "recipe": "small", "rates": 0, "replicates": 1}
    trials = make_trials(Study.create(dataset="mnist", size=order, validation=validation, **fields))
    sizes = [[trial.size for trial in stack] for stack in plan(trials, 64 * GIB).stacks]
    assert [len(stack) for stack in sizes] == [100, 100, 100]
    assert [size for stack in sizes for size in stack] == list(range(30, 330))


def test_a_group_too_wide_is_cut_into_nearly_equal_stacks() -> None:
    found = plan(make_trials(make_study(rates=[k / 100 for k in range(101)])), 64 * GIB)
    widths = [len(stack) for stack in found.stacks]
    assert sum(widths) == 2 * (1 + 2 * 100)
    assert len(widths) == -(-sum(widths) // MAX_WIDTH)
    assert max(widths) - min(widths) <= 1


def test_nothing_to_train_costs_nothing() -> None:
    assert plan([]) == Plan([], 0, 0)


def test_what_this_machine_has_is_the_default() -> None:
    assert machine.total_memory() > GIB // 2
    assert plan(MIXED) == plan(MIXED, machine.total_memory() // 2)


def test_a_member_holds_at_least_its_weights_and_moments() -> None:
    parameters = models.cost("article_cnn", (1, 28, 28), 10).parameters
    assert parameters == 80_874  # of the article's network
    for precision in ("bfloat16", "float32", "float64"):
        width = 8 if precision == "float64" else 4
        assert stack_memory(one(precision=precision), 1) > 4 * width * parameters
    narrow, wide, double = (
        stack_memory(one(precision=name), 1) for name in ("bfloat16", "float32", "float64")
    )
    assert narrow < wide < double


def test_a_batch_is_no_larger_than_the_training_set() -> None:
    few, all_of_one, more = (
        stack_memory(one(size=size, recipe="article"), 64) for size in (100, 256, 1000)
    )
    assert few < all_of_one == more - 64 * ITEM * (1000 - 256)


def test_views_of_items_take_memory_too() -> None:
    as_is, cropped = (stack_memory(one(size=1000, recipe={"crop": crop}), 1) for crop in (0, 4))
    assert cropped - as_is == VIEW * 1000


@pytest.mark.parametrize(
    ("recipe", "validation", "epochs"),
    [
        ("article", "oracle", 25),
        ("article", "clean", 25),
        ("article", "none", 100),  # nothing to stop on
        ({"epochs": 5}, "oracle", 5),
        ({"patience": 0}, "oracle", 100),
        ("sgd", "clean", 30),
    ],
)
def test_epochs_expected(recipe: Any, validation: str, epochs: float) -> None:
    assert expected_epochs(one(recipe=recipe, validation=validation)) == epochs


def test_work_is_counted_in_images() -> None:
    """3 forward passes' worth to train on an image, 1 to look at one."""
    flops = models.cost("article_cnn", (1, 28, 28), 10).flops
    once = {"epochs": 1, "patience": 0}
    trial = one(size=1000, recipe=once, validation="none")
    assert work(trial) == flops * (3 * 1000 + 1000 + 2 * 10_000)
    trial = one(size=1000, recipe=once, validation="oracle")
    assert work(trial) == flops * (3 * 1000 + 10_000 + 1000)
    trial = one(size=1000, recipe=once, validation="clean")
    assert work(trial) == flops * (3 * 800 + 200 + 800 + 2 * 10_000)


def test_time_is_work_over_speed_and_adds_up() -> None:
    both = plan(MIXED, GIB).seconds
    parts = [plan([trial], GIB).seconds for trial in MIXED]
    assert both == pytest.approx(sum(parts))
    assert min(parts) > 0


# Several processes


def test_one_group_is_shared_out_among_processes_and_many_are_left_as_wide_as_timed() -> None:
    study = Study.create(dataset="mnist", rates=[0, 0.5, 1], corruption="symmetric", replicates=10)
    trials = make_trials(study)

    def widths(count: int, workers: int) -> list[int]:
        part = [trial for trial in trials if trial.replicate < count]
        timed = Tuning(8, own_images=False)
        return [len(stack) for stack in plan(part, 64 * GIB, workers, lambda _: timed).stacks]

    assert widths(1, 1) == [3]
    assert widths(1, 2) == [1, 2]
    assert widths(1, 16) == [1, 1, 1]
    assert widths(10, 2) == [3] * 10
    assert widths(10, 4) == [1, 2] * 10


@given(workers=st.integers(1, 64), memory=st.integers(1, 64 * GIB))
@settings(max_examples=25)
def test_no_process_is_without_work_while_stacks_could_be_cut(workers: int, memory: int) -> None:
    stacks = plan(MIXED, memory, workers).stacks
    assert sorted(id(trial) for stack in stacks for trial in stack) == sorted(map(id, MIXED))
    assert len(stacks) >= min(workers, len(MIXED))


@pytest.mark.parametrize(
    ("cores", "gib", "expected"),
    [(2, 24, (2, 1)), (64, 16, (20, 3)), (8, 1, (1, 8)), (1, 64, (1, 1)), (128, 512, (128, 1))],
)
def test_there_are_no_more_processes_than_cores_and_memory_allow(
    monkeypatch: pytest.MonkeyPatch, cores: int, gib: int, expected: tuple[int, int]
) -> None:
    monkeypatch.setattr(machine, "usable_cores", lambda: cores)
    monkeypatch.setattr(machine, "total_memory", lambda: gib * GIB)
    assert processes(None, 3600.0) == expected
    assert processes(None, 1.0) == processes(None, 3600.0, on_cpu=False) == (1, cores)
    assert processes(64, 3600.0) == (64, max(1, cores // 64))  # as the user says


# Timing


LONG: dict[str, Any] = {
    "dataset": "mnist",
    "rates": [k / 20 for k in range(20)],
    "replicates": 3,
    "corruption": "symmetric",
}
"""A study that takes hours."""


def test_a_question_a_group_with_what_its_trials_allow() -> None:
    trials = make_trials(Study.create(**LONG, size=[1000, 60_000]))
    asked = questions(trials, 64 * GIB)
    assert [question.trial.size for question in asked] == [1000, 60_000]
    assert {(question.limit, question.sharing) for question in asked} == {(60, 20)}
    memory = stack_memory(trials[-1], 30)
    assert {(q.limit, q.sharing) for q in questions(trials, memory)} == {(30, 20)}
    memory = stack_memory(trials[-1], 9)
    assert {(q.limit, q.sharing) for q in questions(trials, memory)} == {(9, 9)}
    many = make_trials(Study.create(**LONG | {"replicates": 20}))
    assert [(q.limit, q.sharing) for q in questions(many, 64 * GIB)] == [(MAX_WIDTH, 20)]


def test_what_is_soon_trained_is_not_worth_timing() -> None:
    few = make_trials(make_study())
    assert plan(few).seconds < WORTH * TUNING
    assert questions(few) == []
    assert questions(few * 10_000) != []
    assert questions([one(size=60_000)]) == []  # nothing to put together
    plan(few, tuned=lambda question: pytest.fail("not asked"))


def test_one_of_several_processes_takes_longer_to_time_large_steps() -> None:
    trial = one(
        dataset="cifar10", recipe=RECIPES["article"].model_copy(update={"batch_size": 4096})
    )
    steps = TUNING_STEPS * step_flops(trial) / speed(trial)
    assert steps > TUNING
    enough = [trial] * math.ceil(1.5 * WORTH * steps / seconds([trial]))
    assert questions(enough, 64 * GIB, 1) != []
    assert questions(enough, 64 * GIB, 2) == []


@pytest.mark.parametrize("own_images", [False, True])
@pytest.mark.parametrize("width", [1, 7, 64])
def test_a_plan_follows_what_was_timed(own_images: bool, width: int) -> None:
    trials = make_trials(Study.create(**LONG))
    found = plan(trials, 64 * GIB, tuned=lambda question: Tuning(width, own_images))
    assert sorted(map(id, trials)) == sorted(id(t) for stack in found.stacks for t in stack)
    together = 60 if own_images else 20
    assert len(found.stacks) == 60 // together * -(-together // width)
    assert all(len(stack) <= width for stack in found.stacks)
    if not own_images:
        assert all(len({trial.replicate for trial in stack}) == 1 for stack in found.stacks)
    assert found.seconds == pytest.approx(plan(trials, 64 * GIB).seconds)


def test_memory_stays_a_limit_whatever_was_timed() -> None:
    trials = make_trials(Study.create(**LONG))
    memory = stack_memory(trials[0], 5)
    found = plan(trials, memory, tuned=lambda question: Tuning(64, own_images=True))
    assert max(len(stack) for stack in found.stacks) == 5


def test_each_group_has_its_own_answer_or_none() -> None:
    trials = make_trials(Study.create(**LONG, size=[1000, 60_000]))

    def tuned(question: Question) -> Tuning | None:
        return Tuning(4, own_images=True) if question.trial.size == 1000 else None

    found = plan(trials, 64 * GIB, tuned=tuned)
    widths = {
        size: [len(stack) for stack in found.stacks if stack[0].size == size]
        for size in (1000, 60_000)
    }
    assert widths[1000] == [4] * 15
    usual = plan([trial for trial in trials if trial.size == 60_000], 64 * GIB)
    assert widths[60_000] == [len(stack) for stack in usual.stacks]


# Memory that runs out all the same


@given(width=st.integers(2, MAX_WIDTH), other=st.integers(1, MAX_WIDTH))
def test_a_width_that_failed_is_not_tried_again(width: int, other: int) -> None:
    trial = one()
    room = Room(64 * GIB)
    assert room.parts([trial] * other) == [[trial] * other]
    room.ran_out([trial] * width)
    half = -(-width // 2)
    widths = [len(part) for part in room.parts([trial] * other)]
    assert sum(widths) == other
    assert len(widths) == -(-other // half)
    assert max(widths) <= half
    room.ran_out([trial] * (width + 2))  # what is known to fail less is no news
    assert [len(part) for part in room.parts([trial] * other)] == widths


def test_models_that_take_less_memory_keep_their_width() -> None:
    room = Room(64 * GIB)
    room.ran_out([one(model="article_cnn", recipe="article", size=1000)] * 16)
    small = [one(model="logistic", size=1000, recipe="small")] * 32
    assert room.parts(small) == [small]
    assert room.parts([]) == []
