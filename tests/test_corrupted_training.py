"""Training on what corruptions bring: inputs of their own, more items, fewer, further test sets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from gigo import Schedule
from gigo.engine.resident import Resident
from gigo.engine.training import TrainingStack, train
from gigo.records import Record
from gigo.resolve import resolve
from gigo.runner import run
from gigo.sample import Sampler, sample
from gigo.schedule import ADDED, KEEP, LEAVE
from gigo.store import Store
from gigo.study import Study
from gigo.testing import small_dataset
from gigo.trial import Trial
from gigo.types import Dataset, Labels


def inverted(dataset: Dataset, items: Labels, stream: Any) -> Schedule:
    """An item's pixels turned."""
    order = stream.permutation(len(items))

    def extra(k: int) -> Any:
        return 255 - dataset.x_train[items[order[:k]]]

    return Schedule(order, np.full(len(items), KEEP), extra=extra)


def copied(dataset: Dataset, items: Labels, stream: Any) -> Schedule:
    """Copies under random labels, two of each item."""
    n = len(items)
    source = np.concatenate([stream.permutation(n) for _ in range(2)])
    labels = stream.integers(2 * n, dataset.n_classes)
    return Schedule(np.full(2 * n, ADDED), labels, row=items[source], rate_of="added")


def leaving(dataset: Dataset, items: Labels, stream: Any) -> Schedule:
    """Items of class 0 leave."""
    order = stream.permutation(len(items))
    order = order[dataset.y_train[items[order]] == 0]
    return Schedule(order, np.full(len(order), LEAVE), rate_of="eligible")


def probing(dataset: Dataset, items: Labels, stream: Any) -> Schedule:
    """Nothing happens to items, but there is a test set of inverted ones."""
    x, y = dataset.tests["test"]
    nothing = np.empty(0, np.int64)
    return Schedule(nothing, nothing, probes={"inverted": (255 - x, y)}, rate_of="eligible")


def says(kind: Any, **what: Any) -> None:
    """What a corruption does, in attributes of the function."""
    vars(kind).update(what)


says(copied, rate_of="added")
says(leaving, rate_of="eligible")
says(probing, rate_of="eligible", probes=("inverted",))
KINDS = (inverted, copied, leaving, probing)
RATES = [0, 0.25, 0.6]


def study(kind: Any, model: Any = "small_cnn", **more: Any) -> Study:
    fields: dict[str, Any] = {
        "dataset": small_dataset("image"),
        "corruption": kind,
        "model": model,
        "recipe": {"epochs": 3, "batch_size": 16},
        "rates": RATES,
        "replicates": 2,
        "validation": "noisy",
        "precision": "float64",
    }
    return Study.create(**{**fields, **more})


def records(trials: Any, resident: Resident) -> dict[str, Record]:
    return {each.key: each for each in train(trials, resident) if isinstance(each, Record)}


def there(dataset: Dataset) -> Resident:
    return Resident(dataset, torch.device("cpu"), torch.float64)


@pytest.mark.parametrize("kind", KINDS)
def test_a_stack_trains_each_member_as_alone(kind: Any) -> None:
    trials = list(resolve(study(kind), "float64").trials.values())
    dataset = trials[0].dataset.load(lambda *_: None)
    if kind is probing:
        groups = [trials]
    else:  # those without the corruption are of another stack
        groups = [[t for t in trials if t.corruption is not None]]
    for group in groups:
        together = records(group, there(dataset))
        for trial in group:
            alone = records([trial], there(dataset))[trial.key]
            both = together[trial.key]
            assert both.n_train == alone.n_train == len(sample(trial, dataset).rows)
            for name, value in alone.measures.items():
                assert both.measures[name] == pytest.approx(value, abs=1e-6), name
            for name, classes in alone.predictions.items():
                assert (both.predictions[name] == classes).mean() > 0.97


def test_what_a_network_is_given_is_what_the_sample_says() -> None:
    trials = list(resolve(study(inverted), "float64").trials.values())
    dataset = trials[0].dataset.load(lambda *_: None)
    stack = TrainingStack(trials, there(dataset))
    for trial, member in zip(trials, stack.members, strict=True):
        part = sample(trial, dataset)
        shown = stack._data.train.batch(torch.from_numpy(member.sample.rows)).numpy()
        pool = np.concatenate([dataset.x_train, *part.extras.values()])
        assert shown == pytest.approx(pool[part.rows] / 255)
        moved = (pool[part.rows] != dataset.x_train[sample_rows(trial, dataset)]).any((1, 2, 3))
        assert (moved == part.touched).all()
        assert part.n_selected == part.n_changed == round(trial.rate * len(part.rows))


def sample_rows(trial: Trial, dataset: Dataset) -> Labels:
    """The items given, whatever was done to them."""
    from dataclasses import replace

    return sample(replace(trial, rate=0.0), dataset).rows


def orders(stack: TrainingStack) -> Iterator[list[int]]:
    """The places of the items given in the order of each member's first epoch."""
    stretches: list[list[int]] = [[] for _ in stack.members]
    for i, member in enumerate(stack.members):
        epoch = stack.feed._current([i], np.zeros(len(stack.members), np.int64))[0][:, 0]
        part = member.sample
        places = np.arange(len(part.rows)) if part.places is None else part.places
        stretches[i] = [p for p in places[epoch].tolist() if p < part.n_given]
    yield from stretches


@pytest.mark.parametrize("kind", [copied, leaving])
def test_the_items_given_come_in_one_order_at_all_rates(kind: Any) -> None:
    trials = list(resolve(study(kind, replicates=1), "float64").trials.values())
    stack = TrainingStack(trials, there(trials[0].dataset.load(lambda *_: None)))
    base, *others = orders(stack)
    for order in others:
        assert order == [place for place in base if place in {*order}]


def outcomes(path: Path) -> Mapping[str, Record]:
    with Store.open(path) as store:
        return {record.key: record for record in store.records()}


@pytest.mark.parametrize(
    ("kind", "model"),
    [
        (inverted, "patches"),
        (probing, "patches"),
        (copied, "sklearn.naive_bayes:GaussianNB"),
        (leaving, "mlp"),
        (inverted, "mlp"),
    ],
)
def test_runs_are_the_same_with_any_number_of_workers(
    kind: Any, model: str, tmp_path: Path
) -> None:
    said = study(kind, model, precision="float32")
    for workers in (1, 2):
        run(said, tmp_path / str(workers), workers=workers)
    one, two = (outcomes(tmp_path / str(workers)) for workers in (1, 2))
    assert one.keys() == two.keys()
    for key, record in one.items():
        assert record.status == two[key].status != "failed", record.provenance
        assert record.measures == two[key].measures
        assert ("inverted/accuracy" in record.measures) == (kind is probing)


def test_inputs_are_made_once_for_the_highest_rate() -> None:
    trials = list(resolve(study(inverted, replicates=1, validation="none")).trials.values())
    dataset = trials[0].dataset.load(lambda *_: None)
    sampler = Sampler(dataset, trials)
    sets = [sampler(trial) for trial in trials if trial.rate]
    (low,), (high,) = (each.extras.values() for each in sets)
    assert low is high
    assert len(high) == round(0.6 * 120)
