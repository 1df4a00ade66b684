"""Plans: every trial in one stack, among its like, in the memory there is."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from factories import corruption_of, make_study, make_trials, trials_of
from gigo import studies
from gigo.costs import (
    EVALUATED,
    ITEM,
    VIEW,
    evaluated_on_accelerator,
    expected_epochs,
    stack_memory,
    work,
)
from gigo.errors import SpecError
from gigo.machine import Machine
from gigo.measuring import measure
from gigo.models.networks import article_cnn
from gigo.planner import MAX_WIDTH, MEMBER, PROCESS, STEP, Plan, Room, efforts, expected, plan
from gigo.recipe import RECIPES
from gigo.ref import Ref
from gigo.study import Study
from gigo.trial import Trial

GIB = 1 << 30


def one(**fields: Any) -> Trial:
    usual = {"dataset": "mnist", "model": "article_cnn", "rates": 0, "replicates": 1}
    study = Study.create(**{**usual, **fields})
    precision = "float32" if study.precision == "auto" else study.precision
    return next(iter(trials_of(study, precision).values()))


OTHER = one(dataset="fashion_mnist", model="article_cnn")
UNLIKE: dict[str, object] = {
    "dataset": OTHER.dataset,
    "size": 300,
    "subset": "first",
    "model": OTHER.model,
    "recipe": RECIPES["sgd"],
    "validation": "none",
    "precision": "bfloat16",
}
"""What members of a stack must agree on, with values that are not the default; on the size only
where a step is large, or where layers look at the whole batch."""

ALIKE: dict[str, object] = {
    "corruption": corruption_of("two_sink"),
    "rate": 0.25,
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
        model=["mlp", "small_cnn"],
        recipe=["small", "sgd"],
        validation=["clean", "oracle"],
        replicates=3,
    )
)


def seconds(stack: Sequence[Trial]) -> float:
    return expected(stack, efforts(stack))


def make_plan(memory: int = 64 * GIB, **fields: Any) -> Plan:
    return on_gpu(
        make_trials(Study.create(**{"dataset": "mnist", "model": "article_cnn", **fields})), memory
    )


def on_gpu(trials: Sequence[Trial], memory: int = 64 * GIB) -> Plan:
    """Where only memory and width limit a stack."""
    return plan(trials, Machine(), accelerator=memory)


MACHINES = st.builds(Machine, cores=st.integers(1, 64), memory=st.integers(1, 64 * GIB))
PLACES = st.none() | st.integers(1, 64 * GIB)


@settings(max_examples=25)
@given(MACHINES, PLACES, st.data())
def test_stacks_share_out_the_trials_among_their_like(
    machine: Machine, accelerator: int | None, data: st.DataObject
) -> None:
    trials = data.draw(st.permutations(MIXED))
    found = plan(trials, machine, accelerator=accelerator)
    shared_out = [id(trial) for stack in found.stacks for trial in stack]
    assert sorted(shared_out) == sorted(map(id, MIXED))
    assert all(0 < len(stack) <= MAX_WIDTH for stack in found.stacks)
    for stack in found.stacks:
        for name in UNLIKE.keys() - {"size"}:
            assert all(getattr(trial, name) == getattr(stack[0], name) for trial in stack)


@pytest.mark.parametrize("name", [*UNLIKE, *ALIKE])
def test_only_a_difference_that_matters_makes_a_stack_of_its_own(name: str) -> None:
    trial = one(size=200, rates=0.5, model="small_cnn", recipe={"batch_size": 1})
    other = replace(trial, **{name: (UNLIKE | ALIKE)[name]})
    assert other != trial
    together = name in ALIKE or name == "size"
    assert len(on_gpu([trial, other]).stacks) == (1 if together else 2)


def test_every_part_of_a_trial_either_matters_or_does_not() -> None:
    names = {field.name for field in fields(Trial)} - {"data"}  # goes with the data set
    assert names == {*UNLIKE, *ALIKE}


@settings(max_examples=25)
@given(MACHINES, PLACES, st.none() | st.integers(1, 100))
def test_no_stack_needs_more_memory_than_there_is(
    machine: Machine, accelerator: int | None, workers: int | None
) -> None:
    found = plan(MIXED, machine, workers=workers, accelerator=accelerator)
    if accelerator is None:
        assert found.processes * (found.room + PROCESS) <= max(
            machine.memory // 2, found.processes * (PROCESS + 1)
        )
    else:
        assert found.room == accelerator
    for stack in found.stacks:
        assert needed(stack) <= found.room or len(stack) == 1  # one has to be tried
    largest = max(map(needed, found.stacks))
    storing = PROCESS if found.processes > 1 else 0
    assert found.memory == found.processes * (PROCESS + largest) + storing


def needed(stack: list[Trial]) -> int:
    """Batches of all are as wide as the widest."""
    return stack_memory(max(stack, key=lambda trial: trial.size), len(stack))


def test_less_memory_makes_more_stacks() -> None:
    counts = [len(on_gpu(MIXED, memory).stacks) for memory in (64 * GIB, GIB, GIB // 8, 1)]
    assert counts == sorted(counts)
    assert counts[0] < counts[-1] == len(MIXED)


def test_small_steps_put_replicates_together_and_large_ones_do_not() -> None:
    small = on_gpu(make_trials(make_study(recipe="small")))
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
        ({"model": "linear", "recipe": "article"}, 1),
        ({"model": "article_cnn", "recipe": "article"}, 3),  # large steps
        (
            {
                "model": Ref.model_validate({"name": "resnet", "width": 1}),
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
    assert sizes == ([{20, 100, 500}] if stacks == 1 else [{500}, {100}, {20}])


@settings(max_examples=25)
@given(st.permutations(range(30, 330)), st.sampled_from(["oracle", "clean"]))
def test_members_of_a_stack_take_about_as_many_steps(order: list[int], validation: str) -> None:
    fields = {"model": "linear", "recipe": "small", "rates": 0, "replicates": 1}
    trials = make_trials(Study.create(dataset="mnist", size=order, validation=validation, **fields))
    sizes = [[trial.size for trial in stack] for stack in on_gpu(trials).stacks]
    assert [len(stack) for stack in sizes] == [100, 100, 100]
    assert [size for stack in sizes for size in stack] == list(reversed(range(30, 330)))


def test_a_group_too_wide_is_cut_into_nearly_equal_stacks() -> None:
    found = on_gpu(make_trials(make_study(rates=[k / 100 for k in range(101)])))
    widths = [len(stack) for stack in found.stacks]
    assert sum(widths) == 2 * (1 + 2 * 100)
    assert len(widths) == -(-sum(widths) // MAX_WIDTH)
    assert max(widths) - min(widths) <= 1


def test_nothing_to_train_costs_nothing() -> None:
    found = plan([], Machine())
    assert (found.stacks, found.processes, found.seconds) == ([], 1, 0)


def test_a_member_holds_at_least_its_weights_and_moments() -> None:
    parameters = measure(article_cnn, (1, 28, 28), 10).parameters
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
        ({"base": "article", "patience": 0}, "oracle", 100),
        ("sgd", "clean", 30),
    ],
)
def test_epochs_expected(recipe: Any, validation: str, epochs: float) -> None:
    assert expected_epochs(one(recipe=recipe, validation=validation)) == epochs


def test_work_is_counted_in_images() -> None:
    """3 forward passes' worth to train on an image, 1 to look at one."""
    flops = measure(article_cnn, (1, 28, 28), 10).flops
    once = {"epochs": 1, "patience": 0}
    trial = one(size=1000, recipe=once, validation="none")
    assert work(trial) == flops * (3 * 1000 + 1000 + 2 * 10_000)
    trial = one(size=1000, recipe=once, validation="oracle")
    assert work(trial) == flops * (3 * 1000 + 10_000 + 1000 + 2 * 10_000)
    trial = one(size=1000, recipe=once, validation="clean")
    assert work(trial) == flops * (3 * 800 + 200 + 800 + 2 * 10_000)


# Time


def test_a_stack_s_time_is_its_members_arithmetic_and_its_steps() -> None:
    trial, short = (one(size=size, recipe="small", validation="none") for size in (1000, 16))
    steps = 60 * 63  # epochs, and batches of 16
    assert seconds([trial]) == pytest.approx(work(trial) / 30e9 + steps * (STEP + MEMBER))
    assert seconds([trial] * 10) == pytest.approx(10 * seconds([trial]) - 9 * steps * STEP)
    alone = work(short) / 30e9 + 60 * MEMBER
    assert seconds([trial, short]) == pytest.approx(seconds([trial]) + alone)


@given(MACHINES, st.none() | st.integers(1, 64))
@settings(max_examples=25)
def test_a_run_takes_its_share_of_all_work_and_at_least_its_longest_stack(
    machine: Machine, workers: int | None
) -> None:
    found = plan(MIXED, machine, workers=workers)
    times = [seconds(stack) for stack in found.stacks]
    assert found.seconds == pytest.approx(max(max(times), sum(times) / found.processes))


# Balance of cores

DEMO = make_trials(studies.find("demo"))
LONG: dict[str, Any] = {
    "dataset": "mnist",
    "rates": [k / 20 for k in range(20)],
    "replicates": 3,
    "corruption": "symmetric",
    "model": "article_cnn",
}
"""A study of large steps that takes hours."""


@pytest.mark.parametrize("trials", [DEMO, MIXED, make_trials(Study.create(**LONG))])
def test_stacks_are_the_same_for_any_number_of_workers(trials: list[Trial]) -> None:
    def stacks(workers: int | None) -> list[list[str]]:
        found = plan(trials, Machine(cores=8, memory=64 * GIB), workers=workers)
        return sorted([trial.key for trial in stack] for stack in found.stacks)

    assert stacks(None) == stacks(1) == stacks(2) == stacks(8)


@pytest.mark.parametrize("cores", [1, 2, 4])
@pytest.mark.parametrize("trials", [DEMO, MIXED, make_trials(Study.create(**LONG))])
def test_no_stack_is_much_more_than_a_tenth_of_the_work_or_less_than_is_fast(
    trials: list[Trial], cores: int
) -> None:
    found = plan(trials, Machine(cores, 64 * GIB))
    times = [seconds(stack) for stack in found.stacks]
    assert times == sorted(times, reverse=True) or found.processes == 1
    for stack, taken in zip(found.stacks, times, strict=True):
        overhead = 2 * taken - seconds(stack + stack)
        assert taken <= 0.13 * sum(times) or overhead > 0.1 * taken


@pytest.mark.parametrize("cores", [2, 3, 4])
def test_the_demo_keeps_all_cores_busy_to_the_end(cores: int) -> None:
    """Each stack goes to whoever is free first."""
    found = plan(DEMO, Machine(cores, 64 * GIB))
    assert (found.processes, found.threads) == (cores, 1)
    assert min(len(stack) for stack in found.stacks) >= 7  # below that they are slow
    ends = [0.0] * cores
    for stack in found.stacks:
        heapq.heapreplace(ends, ends[0] + seconds(stack))
    assert sum(ends) / cores > 0.9 * max(ends)


def test_what_is_soon_trained_is_not_cut() -> None:
    assert len(plan(make_trials(make_study()), Machine(64, 256 * GIB)).stacks) == 1


def test_large_steps_are_cut_as_far_as_balance_asks_and_small_ones_stay_wide() -> None:
    machine = Machine(64, 1024 * GIB)
    large = plan(make_trials(Study.create(**LONG)), machine)
    assert {len(stack) for stack in large.stacks} == {1}
    small = plan(
        make_trials(Study.create(**{**LONG, "recipe": "small", "model": "linear"})), machine
    )
    assert [len(stack) for stack in small.stacks] == [60]


def test_one_process_trains_one_data_set_after_the_other() -> None:
    found = plan(MIXED, Machine(2, 64 * GIB), workers=1)
    names = [stack[0].dataset for stack in found.stacks]
    assert names == sorted(names, key=list(dict.fromkeys(names)).index)


def test_what_was_begun_goes_on_first() -> None:
    begun = [DEMO[:3], DEMO[50:60]]
    rest = [trial for trial in DEMO if all(trial not in stack for stack in begun)]
    found = plan(rest, Machine(2, 64 * GIB), begun=begun)
    assert found.stacks[:2] == begun
    assert sorted(t.key for stack in found.stacks for t in stack) == sorted(t.key for t in DEMO)


@pytest.mark.parametrize(
    ("cores", "gib", "expected"),
    [(2, 24, (2, 1)), (64, 16, (20, 3)), (8, 1, (1, 8)), (1, 64, (1, 1)), (16, 512, (16, 1))],
)
def test_there_are_no_more_processes_than_cores_and_memory_allow(
    cores: int, gib: int, expected: tuple[int, int]
) -> None:
    machine = Machine(cores, gib * GIB)
    trials = make_trials(Study.create(**LONG))

    def found(trials: list[Trial], **options: Any) -> tuple[int, int]:
        planned = plan(trials, machine, **options)
        return planned.processes, planned.threads

    assert found(trials) == expected
    assert found(trials[:1]) == found(trials, accelerator=64 * GIB) == (1, cores)
    assert found(trials, workers=50) == (50, max(1, cores // 50))  # as the user says
    with pytest.raises(SpecError, match=r"^workers = 0: expected at least 1$"):
        found([], workers=0)


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
    small = [one(model="linear", size=1000, recipe="small")] * 32
    assert room.parts(small) == [small]
    assert room.parts([]) == []


def test_on_an_accelerator_as_many_are_evaluated_at_once_as_memory_is_meant_for_it() -> None:
    small = evaluated_on_accelerator(one(dataset="digits", model="small_cnn"))
    assert small > evaluated_on_accelerator(one()) > EVALUATED
    huge = {"name": "resnet", "width": 1024}
    assert evaluated_on_accelerator(one(dataset="cifar10", model=huge)) == EVALUATED


def test_memory_is_that_of_the_member_that_needs_most() -> None:
    """Members at rate 0 have no inputs of their own; copies are more items."""
    machine, fields = Machine.here(), {"dataset": "digits", "model": "small_cnn", "replicates": 2}
    for kind in ("blur", "dilute"):
        study = Study.create(corruption=kind, rates=[0, 0.8], **fields)
        clean, bad, _, other = trials_of(study).values()
        mixed, both = (plan(pair, machine, workers=1) for pair in ([clean, bad], [bad, other]))
        assert len(mixed.stacks) == len(both.stacks) == 1
        assert mixed.memory == both.memory > plan([clean], machine, workers=1).memory
