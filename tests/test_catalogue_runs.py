"""Every corruption of the catalogue from a study to records, on small data that it fits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import gigo
from entries import EXAMPLES, KINDS, Example, made
from gigo import runner
from gigo.corruptions import CATALOGUE
from gigo.engine.pool import pooled
from gigo.engine.resident import Resident
from gigo.estimators.supply import Supply
from gigo.inputs import count
from gigo.machine import Machine
from gigo.records import Record
from gigo.resolve import resolve
from gigo.rng import Stream
from gigo.sample import Sampler, drawn, sample
from gigo.store import Store
from gigo.study import Study
from gigo.trial import Trial
from gigo.types import Dataset, Kind

RATES = [0, 0.1]
MODELS: dict[Kind, Any] = {
    "image": "sklearn.naive_bayes:GaussianNB",
    "vector": "sklearn.tree:DecisionTreeClassifier",
    "table": {"name": "boosting", "max_iter": 2, "words": 5},
    "text": "tfidf",
}
"""The fastest that take what corruptions make of the inputs."""


def examples_of(kind: Kind) -> list[Example]:
    """Those for which it is the first kind of inputs, and those whose inputs count."""
    return [e for e in EXAMPLES if kind in e.kinds and (not e.of_labels or kind == e.kinds[0])]


def data_of(kind: Kind, n: int = 150) -> Dataset:
    return made(kind, np.arange(n) % 3, ("cat", "dog", "fox"))


def study_of(dataset: Dataset, folder: Path, **fields: Any) -> Study:
    """All entries that fit some data, in one grid."""
    asked = [each.asked(dataset, folder / each.label) for each in examples_of(dataset.kind)]
    plain: dict[str, Any] = {
        "dataset": dataset,
        "corruption": asked,
        "model": MODELS[dataset.kind],
        "rates": RATES,
        "replicates": 1,
        "validation": ["none", "noisy"],
        "precision": "float32",
    }
    return Study.create(**{**plain, **fields})


def records(path: Path) -> Mapping[str, Record]:
    with Store.open(path) as store:
        return {record.key: record for record in store.records()}


def edits(trial: Trial, dataset: Dataset) -> int:
    """How many edits the schedule of a trial's corruption has at its rate, drawn for itself."""
    kind = trial.corruption
    if kind is None or not trial.rate:
        return 0
    items = sample(bare(trial), dataset).rows
    stream = Stream(trial.seed, trial.replicate, "corruption")
    return drawn(kind, dataset, items, stream, "drawn for itself").n_edits(trial.rate, len(items))


def bare(trial: Trial) -> Trial:
    """The same items, to which nothing is done."""
    return replace(trial, corruption=None, rate=0.0)


@pytest.mark.parametrize("kind", KINDS)
def test_every_corruption_from_a_study_to_records(kind: Kind, tmp_path: Path) -> None:
    dataset = data_of(kind)
    study = study_of(dataset, tmp_path)
    runner.run(study, tmp_path / "run", workers=1)
    trials, found = resolve(study).trials, records(tmp_path / "run")
    assert trials.keys() == found.keys()
    reached = {trial.corruption.identity for trial in trials.values() if trial.corruption}
    assert len(reached) >= len(examples_of(kind))
    for key, trial in trials.items():
        record = found[key]
        assert record.status == "ok", record.provenance.get("error")
        assert record.n_selected == edits(trial, dataset)
        assert {"accuracy", "log_loss"} <= record.measures.keys()
        probes = {name.partition("/")[0] for name in record.measures if "/" in name}
        assert probes == {*probes_of(trial)}
        if trial.corruption is None:
            assert record.n_train == len(sample(trial, dataset).rows)


def probes_of(trial: Trial) -> tuple[str, ...]:
    if trial.corruption is None or not trial.corruption.probed:
        return ()
    asked = trial.corruption.to_json()
    return (*CATALOGUE[asked["name"]].probes, *(["source"] if "source" in asked else []))


def test_networks_train_on_what_every_corruption_of_images_makes(tmp_path: Path) -> None:
    dataset = data_of("image")
    recipe = {"epochs": 1, "batch_size": 64, "patience": 0}
    study = study_of(dataset, tmp_path, model="linear", recipe=recipe, validation="noisy")
    runner.run(study, tmp_path / "run", workers=1)
    trials, found = resolve(study).trials, records(tmp_path / "run")
    assert trials.keys() == found.keys()
    for key, record in found.items():
        assert record.status in ("ok", "never_started")  # after one epoch
        assert record.n_selected == edits(trials[key], dataset)


def test_runs_are_the_same_with_two_workers(tmp_path: Path) -> None:
    study = study_of(data_of("text"), tmp_path, validation="noisy")
    for workers in (1, 2):
        runner.run(study, tmp_path / str(workers), workers=workers)
    one, two = (records(tmp_path / str(workers)) for workers in (1, 2))
    assert one.keys() == two.keys()
    for key, record in one.items():
        assert record.measures == two[key].measures
        assert (record.n_selected, record.n_changed) == (two[key].n_selected, two[key].n_changed)
        for name, classes in record.predictions.items():
            assert (classes == two[key].predictions[name]).all()


def test_blurred_first_then_mislabelled(tmp_path: Path) -> None:
    """At rate 0 a part is blurred all the same; at other rates the same part is."""
    dataset = data_of("image")
    first = {"name": "blur", "rate": 0.2}
    study = Study.create(
        dataset=dataset,
        corruption=[first, "symmetric"],
        model=MODELS["image"],
        rates=[0, 0.5],
        replicates=1,
        validation="none",
        precision="float32",
    )
    runner.run(study, tmp_path / "run", workers=1)
    trials, found = resolve(study).trials, records(tmp_path / "run")
    none, half = (found[key] for key in trials)
    assert none.n_selected == none.n_changed == round(0.2 * dataset.n_train) == 30
    clean, wrong = (sample(trial, dataset) for trial in trials.values())
    blurred = clean.rows >= dataset.n_train
    assert blurred.sum() == 30 and (blurred == (wrong.rows >= dataset.n_train)).all()
    mislabelled = wrong.labels != wrong.true_labels
    assert mislabelled.sum() == 75
    assert half.n_selected == int((blurred | mislabelled).sum())


def test_a_network_learns_a_trigger_from_a_twentieth_of_the_items(tmp_path: Path) -> None:
    result = gigo.sweep(
        dataset="digits",
        corruption={"name": "trigger", "target": 0},
        model="small_cnn",
        recipe={
            "base": "small",
            "epochs": 8,
            "batch_size": 32,
            "learning_rate": 0.004,
            "patience": 0,
        },
        rates=[0, 0.05],
        replicates=1,
        validation="none",
        out=tmp_path,
        workers=1,
    )
    without, with_trigger = result.frame.sort_values("rate").to_dict("records")
    assert without["attack/accuracy"] <= 0.1
    assert with_trigger["attack/accuracy"] > 0.9
    assert with_trigger["accuracy"] > without["accuracy"] - 0.03


# Stacks, and what corruptions cost


FIVE = ["gaussian_noise", "blur", "occlusion", "brightness", "contrast"]


def on_mnist(model: str, epochs: int, rates: list[float]) -> Study:
    """Five corruptions of its first 1,000 images."""
    return Study.create(
        dataset="mnist",
        size=1000,
        subset="first",
        corruption=FIVE,
        model=model,
        rates=rates,
        replicates=1,
        recipe={"base": "article", "epochs": epochs, "patience": 0},
        validation="none",
        precision="float32",
    )


def corrupted_by(trials: Any) -> set[str]:
    return {trial.corruption.label for trial in trials if trial.corruption}


@pytest.mark.data
def test_five_corruptions_of_images_train_in_stacks(data_dir: Path, tmp_path: Path) -> None:
    """Together where that is little work; else in stacks of several, so that cores are busy."""
    where: dict[str, Any] = {"data_dir": data_dir, "device": "cpu", "machine": Machine(cores=2)}
    rates = [0, 0.2, 0.4, 0.6, 0.8, 1]
    (job,) = runner.plan(on_mnist("mlp", 3, rates), tmp_path, **where).jobs
    assert len(job.trials) == 26 and corrupted_by(job.trials) == {*FIVE}
    jobs = runner.plan(on_mnist("article_cnn", 12, rates), tmp_path, **where).jobs
    assert all(len(job.trials) > 1 for job in jobs)
    assert any(len(corrupted_by(job.trials)) > 1 for job in jobs)
    study = on_mnist("linear", 1, [0, 0.5])
    runner.run(study, tmp_path / "run", data_dir=data_dir, device="cpu", workers=1)
    found = records(tmp_path / "run").values()
    assert [record.provenance["stack_width"] for record in found] == [6] * 6
    assert sorted(record.n_selected for record in found) == [0] + [500] * 5


@pytest.mark.parametrize("rate", [0.05, 0.3])
def test_inputs_that_are_changed_alone_take_memory(rate: float, tmp_path: Path) -> None:
    dataset = data_of("image", 200)
    grid = resolve(
        Study.create(
            dataset=dataset,
            corruption=FIVE,
            model="linear",
            size=150,
            rates=[0, rate / 2, rate],
            replicates=1,
            validation="none",
        )
    )
    trials = list(grid.trials.values())
    for trial in trials:
        brought = sum(map(count, sample(trial, dataset).extras.values()))
        assert brought == round(trial.rate * 150)
    sampler = Sampler(dataset, trials)
    resident = Resident(dataset, torch.device("cpu"), torch.float32)
    together, sets = pooled(resident, [sampler(trial) for trial in trials])
    assert len(together.train) == 150 + len(FIVE) * round(rate * 150)
    used = np.unique(np.concatenate([part.rows for part in sets]))
    assert (used == np.arange(len(together.train))).all()


@pytest.mark.parametrize(
    "case",
    [each for each in EXAMPLES if each.entry.family == "labels"],
    ids=lambda each: each.label,
)
def test_wrong_labels_cost_no_inputs(case: Example, tmp_path: Path) -> None:
    """Models of all rates are given the same inputs, and the engine those of the data set."""
    dataset = data_of("image", 60)
    grid = resolve(
        Study.create(
            dataset=dataset,
            corruption=case.asked(dataset, tmp_path),
            model=MODELS["image"],
            rates=[0.1, 0.2],
            replicates=1,
            validation="none",
        )
    )
    trials = list(grid.trials.values())
    parts = [sample(trial, dataset) for trial in trials]
    assert not any(part.extras for part in parts)
    supply = Supply(dataset)
    models = [trial.model.value() for trial in trials]
    one, other = (supply.sets(*each).fitted for each in zip(models, trials, parts, strict=True))
    assert one is other
    resident = Resident(dataset, torch.device("cpu"), torch.float32)
    together, sets = pooled(resident, parts)
    assert together is resident and sets is parts
