"""Widths chosen by timing: what is made of the times, and that they are not taken twice."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine_setup import digits, trial
from gigo.engine import tuning, tuning_cache
from gigo.engine.tuning import (
    CLOSE,
    FALLEN,
    GAIN,
    OWN_AS_GOOD,
    choose,
    climb,
    promising,
    settle,
    tune,
)
from gigo.engine.tuning_cache import default_path, key, tuned
from gigo.planner import TUNING, TUNING_STEPS, Question, Tuning

TRIAL = trial(digits())
Curve = Callable[[int], float]
"""Throughput, in member steps a second, by width."""


class Device:
    """A made-up one, with a clock that only its steps move."""

    def __init__(self, shared: Curve, own: Curve | None = None, memory: int = 10**9) -> None:
        self.curves = {False: shared, True: own or shared}
        self.memory = memory
        self.now = 0.0
        self.tried: list[tuple[int, bool]] = []

    def clock(self) -> float:
        return self.now

    def measure(self, width: int, own_images: bool) -> float:
        self.tried.append((width, own_images))
        if width > self.memory:
            raise MemoryError
        seconds = width / self.curves[own_images](width)
        self.now += seconds
        return seconds

    def settle(self, limit: int, sharing: int) -> Tuning:
        return settle(self.measure, Question(TRIAL, limit, sharing), self.clock)

    @property
    def widths(self) -> list[int]:
        return [width for width, own in self.tried if not own]


curves = st.dictionaries(
    st.integers(1, 128), st.floats(1e-3, 1e6, allow_subnormal=False), min_size=1
)


# What is chosen


@given(curves)
def test_the_narrowest_of_the_best(throughputs: dict[int, float]) -> None:
    width = choose(throughputs)
    best = max(throughputs.values())
    assert throughputs[width] >= (1 - CLOSE) * best
    assert all(value < (1 - CLOSE) * best for w, value in throughputs.items() if w < width)


@given(curves, st.floats(1e-3, 1e3))
def test_a_faster_device_of_the_same_kind_chooses_the_same(
    throughputs: dict[int, float], factor: float
) -> None:
    faster = {width: factor * value for width, value in throughputs.items()}
    edge = (1 - CLOSE) * max(throughputs.values())
    if all(abs(value - edge) > 1e-9 * edge for value in throughputs.values()):
        assert choose(faster) == choose(throughputs)


@pytest.mark.parametrize(
    ("shared", "width", "tried"),
    [
        (lambda w: 1e3 * w, 128, [1, 2, 4, 8, 16, 32, 64, 128]),  # a step takes as long at any
        (lambda w: 1e3, 1, [1, 2, 4]),  # no width brings anything
        (lambda w: 1e3 / w, 1, [1, 2]),  # wider is slower
        (lambda w: 1e3 * min(w, 16), 16, [1, 2, 4, 8, 16, 32, 64]),  # the device is full at 16
        (lambda w: 1e3 * (w if w <= 32 else 8), 32, [1, 2, 4, 8, 16, 32, 64]),  # a cache is
        (lambda w: 1e3 * (1 + 0.015 * (w > 1)), 1, [1, 2, 4]),  # not worth being wider
        (lambda w: 1e3 * w / (w + 2), 64, [1, 2, 4, 8, 16, 32, 64, 128]),  # less and less
    ],
)  # fmt: skip
def test_widths_chosen_for_known_devices(shared: Curve, width: int, tried: list[int]) -> None:
    device = Device(shared)
    assert device.settle(128, 128) == Tuning(width, own_images=False)
    assert device.widths == tried


@given(st.lists(st.floats(0.1, 10), max_size=8))
def test_climbing_ends_where_it_says(values: list[float]) -> None:
    fell = any(b < (1 - FALLEN) * max(values[:i]) for i, b in enumerate(values) if i)
    brought = [b >= (1 + GAIN) * max(values[:i], default=0.0) for i, b in enumerate(values)]
    idle = len(brought) >= 2 and not any(brought[-2:])
    assert promising(dict(enumerate(values))) == (not fell and not idle)


@given(st.integers(1, 128), st.integers(1, 128))
def test_no_width_beyond_the_limits(limit: int, sharing: int) -> None:
    device = Device(lambda width: 1e3 * width)
    found = device.settle(limit, min(sharing, limit))
    assert (1 - CLOSE) * limit <= found.width <= limit
    assert found.own_images == (sharing < limit)
    assert max(device.widths) == min(sharing, limit)
    assert max(width for width, _ in device.tried) == limit


@pytest.mark.parametrize(
    ("own", "sharing", "expected"),
    [
        (0.99, 16, Tuning(16, own_images=True)),
        (0.96, 16, Tuning(16, own_images=True)),
        (0.94, 16, Tuning(16, own_images=False)),
        (0.94, 8, Tuning(16, own_images=True)),  # few share: put together they fill the device
        (0.94, 32, Tuning(16, own_images=False)),
        (0.40, 8, Tuning(8, own_images=False)),
    ],
)
def test_own_images_where_that_is_as_fast(own: float, sharing: int, expected: Tuning) -> None:
    assert OWN_AS_GOOD == 0.95

    def shared(width: int) -> float:
        return 1e3 * min(width, 16)

    device = Device(shared, lambda width: own * shared(width))
    assert device.settle(64, sharing) == expected


def test_nobody_to_be_put_together_with_is_not_timed() -> None:
    device = Device(lambda width: 1e3)
    device.settle(64, 64)
    assert not any(own for _, own in device.tried)


# What it costs


@given(
    step=st.floats(1e-4, 1e4),
    power=st.floats(-0.5, 1),
    own=st.floats(0.2, 1.2),
    sharing=st.integers(1, 128),
)
def test_time_is_bounded(step: float, power: float, own: float, sharing: int) -> None:
    def shared(width: int) -> float:
        return width**power / step

    device = Device(shared, lambda width: own * shared(width))
    device.settle(128, sharing)
    # Twice the last width's time is what the next is allowed for.
    slowest = max(width / device.curves[o](width) / width for width, o in device.tried)
    assert device.now <= 1.5 * max(TUNING, TUNING_STEPS * slowest)


def test_a_slow_device_tries_a_few_widths_all_the_same() -> None:
    device = Device(lambda width: width / (100 * width**0.8))  # a step of 100 s
    device.settle(128, 1)
    assert max(width for width, _ in device.tried) >= 4


def test_memory_that_runs_out_ends_the_climb_and_nothing_else() -> None:
    device = Device(lambda width: 1e3 * width, memory=11)
    assert device.settle(128, 128) == Tuning(8, own_images=False)
    assert device.settle(128, 4) == Tuning(8, own_images=True)
    with pytest.raises(MemoryError):
        Device(lambda width: 1e3, memory=0).settle(128, 128)


def test_other_errors_are_not_taken_for_it() -> None:
    def measure(width: int, own_images: bool) -> float:
        if width == 4:
            raise RuntimeError("shapes differ")
        return 1e-3

    with pytest.raises(RuntimeError, match="shapes differ"):
        climb(measure, Question(TRIAL, 8, 8), lambda: 0.0)


# The engine is what is timed


def test_real_steps_are_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tuning, "SAMPLES", 1)
    shapes: list[tuple[int, int]] = []

    class Stack(tuning.TrainingStack):
        def run_epoch(self) -> None:
            replicates = {member.replicate for member in self.members}
            shapes.append((len(self.members), len(replicates)))
            before = self.optimizer.steps
            super().run_epoch()
            assert 1 <= self.optimizer.steps - before <= tuning.STEPS

    monkeypatch.setattr(tuning, "TrainingStack", Stack)
    for validation in ("clean", "oracle", "none", "noisy"):
        asked = trial(digits(), validation=validation, replicate=5, rate=0.5)
        found = tune(Question(asked, 2, 1), digits())
        assert found.width in (1, 2)
    assert {(1, 1), (2, 2)} == {*shapes}
    tune(Question(trial(digits()), 2, 2), digits())
    assert shapes[-1] == (2, 1)


# The cache


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> list[Question]:
    """The questions that were answered by timing, all alike."""
    asked: list[Question] = []

    def answer(question: Question, resident: object) -> Tuning:
        asked.append(question)
        return Tuning(3, own_images=True)

    monkeypatch.setattr(tuning_cache, "tune", answer)
    return asked


ASKED = Question(TRIAL, 64, 16)


def test_nothing_is_timed_twice(tmp_path: Path, answers: list[Question]) -> None:
    path = tmp_path / "new" / "tuning.json"
    first = tuned(ASKED, digits(), path)
    assert tuned(ASKED, digits(), path) == first == Tuning(3, own_images=True)
    assert len(answers) == 1
    tuned(ASKED._replace(limit=32), digits(), path)
    tuned(ASKED, digits(), path)
    assert len(answers) == 2
    assert [file.name for file in path.parent.iterdir()] == ["tuning.json"]


def test_it_lies_with_the_system_s_other_caches(bare_home: Path, answers: list[Question]) -> None:
    tuned(ASKED, digits())
    assert default_path().is_file()
    assert default_path().is_relative_to(bare_home)


@pytest.mark.parametrize(
    "content",
    ["", "{", "[1, 2]", "null", "\x00\xff", '{"KEY": 3}', '{"KEY": {"width": 3}}',
     '{"KEY": {"width": true, "own_images": true}}', '{"KEY": {"width": 0, "own_images": true}}',
     '{"KEY": {"width": 65, "own_images": true}}', '{"KEY": {"width": "3", "own_images": true}}',
     '{"KEY": {"width": 3, "own_images": 1}}', "[" * 100_000],
)  # fmt: skip
def test_a_damaged_cache_is_none(tmp_path: Path, answers: list[Question], content: str) -> None:
    path = tmp_path / "tuning.json"
    path.write_text(content.replace("KEY", key(ASKED, digits())), encoding="latin-1")
    assert tuned(ASKED, digits(), path) == Tuning(3, own_images=True)
    assert len(answers) == 1
    assert json.loads(path.read_text()) == {key(ASKED, digits()): {"width": 3, "own_images": True}}


def test_a_cache_that_cannot_be_written_is_none(tmp_path: Path, answers: list[Question]) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "tuning.json").mkdir()
    for path in (tmp_path / "file" / "tuning.json", tmp_path / "tuning.json"):
        assert tuned(ASKED, digits(), path) == Tuning(3, own_images=True)
    assert len(answers) == 2
    assert {file.name for file in tmp_path.iterdir()} == {"file", "tuning.json"}


def test_where_memory_does_not_suffice_just_now_nothing_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Training then says so itself."""

    def fail(error: Exception) -> None:
        def tune(question: Question, resident: object) -> Tuning:
            raise error

        monkeypatch.setattr(tuning_cache, "tune", tune)

    fail(RuntimeError("DefaultCPUAllocator: can't allocate memory"))
    assert tuned(ASKED, digits(), tmp_path / "kept") == Tuning(1, own_images=False)
    assert not (tmp_path / "kept").exists()
    fail(RuntimeError("shapes differ"))
    with pytest.raises(RuntimeError, match="shapes differ"):
        tuned(ASKED, digits(), tmp_path / "kept")


def test_an_answer_is_for_a_machine_and_a_shape(monkeypatch: pytest.MonkeyPatch) -> None:
    first = key(ASKED, digits())
    wider = TRIAL.recipe.model_copy(update={"batch_size": 16})
    others = [
        ASKED._replace(limit=63),
        ASKED._replace(sharing=15),
        ASKED._replace(trial=trial(digits(), recipe=wider)),
        ASKED._replace(trial=trial(digits(), model=type(TRIAL.model)(name="mlp"))),
    ]
    assert len({first, *(key(other, digits()) for other in others)}) == 5
    same = ASKED._replace(trial=trial(digits(), rate=0.5, replicate=3, seed=2))
    assert key(same, digits()) == first
    monkeypatch.setattr(tuning_cache, "identity", lambda device: ["another"])
    assert key(ASKED, digits()) != first
