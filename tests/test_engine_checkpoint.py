"""A stack goes on from its state bit for bit."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
import torch

from engine_setup import BASE, CPU, digits, trials
from gigo.engine import checkpoint, training
from gigo.engine.checkpoint import State
from gigo.records import Record

RECIPE = BASE.model_copy(
    update={"epochs": 12, "patience": 3, "plateau_patience": 2, "learning_rate": 0.01}
)


train = partial(training.train, every=0.0)  # which tells the state after each epoch


def _same(a: Record, b: Record) -> None:
    np.testing.assert_array_equal(a.predictions["test"], b.predictions["test"])
    untimed = [replace(r, predictions={}, seconds=0) for r in (a, b)]
    assert untimed[0] == untimed[1]


def _copied(state: State, folder: Path) -> State:
    checkpoint.save(state, folder / "stack.pt")
    loaded = checkpoint.load(folder / "stack.pt", CPU)
    assert loaded is not None
    return loaded


@pytest.mark.parametrize(
    ("optimizer", "sizes", "validation"),
    [
        ("adam", [40], "oracle"),
        ("sgd", [40], "oracle"),
        ("adam", [17, 40, 64], "oracle"),
        ("sgd", [17, 40, 64], "clean"),
    ],
)
def test_a_resumed_stack_equals_an_uninterrupted_one_bit_for_bit(
    optimizer: str, sizes: list[int], validation: str, tmp_path: Path
) -> None:
    recipe = RECIPE.model_copy(update={"optimizer": optimizer})
    resident = digits(torch.float32)
    rates = [0.0, 0.3, 0.6, 0.9] if len(sizes) == 1 else [0.0, 0.6]
    members = {
        t.key: t
        for n in sizes
        for t in trials(resident, rates, [0, 1], recipe=recipe, size=n, validation=validation)
    }
    states: list[State] = []
    whole: dict[str, Record] = {}
    for event in train(list(members.values()), resident):
        if isinstance(event, State):
            states.append(_copied(event, tmp_path))
        elif isinstance(event, Record):
            whole[event.key] = event
    assert len(states) > 5
    assert len(states[-1].keys) < len(members), "some left before the last state"
    in_mid_epoch = [state for state in states if any(state.values["position"])]
    assert bool(in_mid_epoch) == (len(sizes) > 1)
    for state in (states[0], states[len(states) // 2], states[-1], *in_mid_epoch[:1]):
        left = [members[key] for key in state.keys]
        resumed = [e for e in train(left, resident, state) if isinstance(e, Record)]
        assert {record.key for record in resumed} == set(state.keys)
        for record in resumed:
            _same(record, whole[record.key])


def test_part_of_a_state_is_that_of_the_narrower_stack(tmp_path: Path) -> None:
    resident = digits(torch.float64)
    members = trials(resident, [0.0, 0.3, 0.6, 0.9], [0], recipe=RECIPE)
    whole = {e.key: e for e in train(members, resident) if isinstance(e, Record)}
    state = next(e for e in train(members, resident) if isinstance(e, State))
    some = [members[3], members[1]]
    part = state.of([t.key for t in some])
    for record in (e for e in train(some, resident, part) if isinstance(e, Record)):
        mine = whole[record.key]
        assert (record.best_epoch, record.epochs) == (mine.best_epoch, mine.epochs)
        np.testing.assert_allclose(record.curve["train_loss"], mine.curve["train_loss"], rtol=1e-8)


def test_a_resumed_stack_uses_its_own_number_of_threads_and_leaves_it_at_that() -> None:
    before = torch.get_num_threads()
    resident = digits(torch.float32)
    members = trials(resident, [0.0], [0], recipe=RECIPE)
    state = next(e for e in train(members, resident) if isinstance(e, State))
    state = replace(state, values={**state.values, "threads": before + 1})
    used = [torch.get_num_threads() for _ in train(members, resident, state)]
    assert {*used} == {before + 1}
    assert torch.get_num_threads() == before


def test_training_on_does_not_change_a_state() -> None:
    """What the runner goes on from after running out of memory is from before, not from now."""
    resident = digits(torch.float64)
    members = trials(resident, [0.0, 0.5], [0], recipe=RECIPE)
    whole = {e.key: e for e in train(members, resident) if isinstance(e, Record)}
    events = train(members, resident)
    state = next(e for e in events if isinstance(e, State))
    for _ in range(8):
        next(events)
    for _ in range(2):  # nor does going on from it
        for trial in members:
            (record,) = (
                e for e in train([trial], resident, state.of([trial.key])) if isinstance(e, Record)
            )
            mine = whole[trial.key]
            assert (record.best_epoch, record.epochs) == (mine.best_epoch, mine.epochs)
            np.testing.assert_allclose(
                record.curve["train_loss"], mine.curve["train_loss"], rtol=1e-8
            )


@pytest.fixture(scope="module")
def state() -> State:
    resident = digits(torch.float32)
    members = trials(resident, [0.0, 0.5], [0], recipe=RECIPE)
    return next(e for e in train(members, resident) if isinstance(e, State))


def test_a_state_comes_back_from_its_file_as_it_was(tmp_path: Path, state: State) -> None:
    odd = {
        "numbers": torch.arange(6).reshape(2, 3),
        "bits": torch.tensor([True, False]),
        "none": torch.empty(2, 0, dtype=torch.float64),
        "not finite": torch.tensor([[float("nan")], [float("inf")]]),
        "turned": torch.arange(6.0).reshape(3, 2).T,
    }
    whole = replace(state, tensors={**state.tensors, **odd})
    loaded = _copied(whole, tmp_path)
    assert (loaded.keys, loaded.values) == (whole.keys, whole.values)
    assert loaded.tensors.keys() == whole.tensors.keys()
    for name, tensor in whole.tensors.items():
        assert loaded.tensors[name].dtype == tensor.dtype
        torch.testing.assert_close(loaded.tensors[name], tensor, rtol=0, atol=0, equal_nan=True)
    assert checkpoint.keys(tmp_path / "stack.pt") == whole.keys
    assert [file.name for file in tmp_path.iterdir()] == ["stack.pt"]


def test_a_state_of_other_versions_is_none(tmp_path: Path, state: State) -> None:
    path = tmp_path / "stack.pt"
    checkpoint.save(state, path)
    _, rest = path.read_bytes().split(b"\n", 1)
    for text, known in ((b'"state": "3"', True), (b'"state": "2"', False)):
        content = rest.replace(b'"state": "3"', text)
        path.write_bytes(sha256(content).hexdigest().encode() + b"\n" + content)
        assert (checkpoint.load(path, CPU) is not None) == known


def test_a_damaged_file_is_no_state(tmp_path: Path, state: State) -> None:
    path = tmp_path / "stack.pt"
    assert checkpoint.load(path, CPU) is None
    checkpoint.save(state, path)
    good = path.read_bytes()
    rng = np.random.default_rng(0)
    for content in (b"", b"\n", good[: len(good) // 2], good[:-1], good + b"\0", b"no checkpoint"):
        path.write_bytes(content)
        assert checkpoint.load(path, CPU) is None
    for place in [*range(80), *rng.integers(len(good), size=40)]:
        path.write_bytes(
            good[:place] + bytes([good[place] ^ 1 << rng.integers(8)]) + good[place + 1 :]
        )
        assert checkpoint.load(path, CPU) is None
    path.write_bytes(good)
    assert checkpoint.load(path, CPU) is not None


def test_a_state_that_cannot_be_written_leaves_nothing(tmp_path: Path, state: State) -> None:
    path = tmp_path / "stack.pt"
    path.mkdir()
    with pytest.raises(OSError, match="stack"):
        checkpoint.save(state, path)
    assert [file.name for file in tmp_path.iterdir()] == ["stack.pt"]
    checkpoint.remove(path)  # which it can't: no error, it only takes room
