"""Grids of records whose every accuracy is known, so that every estimate has a known answer."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from factories import grid_of, trials_of
from gigo.analysis.table import tidy
from gigo.datasets import CATALOGUE
from gigo.metrics import measures
from gigo.records import Record, Status, TestSet
from gigo.study import Study
from gigo.trial import Trial

TEST_SET = TestSet(
    name="digits",
    sha256=CATALOGUE["digits"].sha256,
    classes=tuple("0123456789"),
    labels={"test": np.arange(1000) % 10},
    n_train=CATALOGUE["digits"].n_train,
    source="made up",
)
TEST_SETS = {TEST_SET.sha256: TEST_SET}
PRECISION = "float32"


def make_study(**fields: object) -> Study:
    """digits, symmetric, three rates, three replicates, unless told otherwise."""
    defaults = {
        "dataset": "digits",
        "model": "small_cnn",
        "rates": (0.0, 0.5, 1.0),
        "replicates": 3,
    }
    return Study.create(**{**defaults, **fields})


def predictions(accuracy: float, test_set: TestSet = TEST_SET) -> np.ndarray:
    """``round(accuracy * n)`` right answers spread over the test set, the rest one class off."""
    truth, n_classes = test_set.labels["test"], len(test_set.classes)
    n = len(truth)
    wrong = np.random.default_rng(0).permutation(n)[round(accuracy * n) :]
    guesses = truth.copy()
    guesses[wrong] = (guesses[wrong] + 1) % n_classes
    return guesses.astype(np.uint8)


def make_record(
    trial: Trial, accuracy: float, status: Status = "ok", test_set: TestSet = TEST_SET
) -> Record:
    """What a trial of that test accuracy could have left."""
    n_train = trial.size if trial.validation != "clean" else trial.size - round(0.2 * trial.size)
    changed = round(trial.rate * n_train)
    truth, n_classes = test_set.labels["test"], len(test_set.classes)
    predicted = predictions(accuracy, test_set)
    found = {
        **measures(truth, predicted, n_classes),
        "accuracy_last": round(accuracy / 2 * len(truth)) / len(truth),
        "log_loss_last": 2.0,
    }
    if status != "diverged":
        found["log_loss"] = 1.5
    if changed < n_train:
        found["train_accuracy_clean"] = 0.9
    if changed:
        found |= {"train_accuracy_corrupted": 0.2, "train_recovered": 0.5}
    return Record(
        key=trial.key,
        trial=trial.to_json(),
        status=status,
        n_train=n_train,
        n_validation=trial.size - n_train,
        n_selected=changed,
        n_changed=changed,
        epochs=3,
        best_epoch=2,
        stopped="epochs",
        predictions={"test": predicted},
        scores={},
        measures=found,
        curve={"train_loss": [2.0, 1.0, 0.5], "learning_rate": [1e-3] * 3},
        seconds=1.25,
        provenance={"gigo": "0.1.0", "torch": "2.13.0", "device": "cpu", "width": 33},
    )


def make_records(
    study: Study,
    accuracy: Callable[[Trial], float],
    status: Callable[[Trial], Status] = lambda trial: "ok",
) -> list[Record]:
    """One record per trial of the study."""
    trials = trials_of(study).values()
    return [make_record(trial, accuracy(trial), status(trial)) for trial in trials]


def make_frame(
    study: Study,
    accuracy: Callable[[Trial], float],
    status: Callable[[Trial], Status] = lambda trial: "ok",
) -> pd.DataFrame:
    """The tidy table of such records."""
    return tidy([grid_of(study)], make_records(study, accuracy, status), TEST_SETS)


def demo_study() -> Study:
    """The grid of ``gigo demo``."""
    return make_study(
        name="demo",
        size=("all", 200),
        corruption=("symmetric", "biased"),
        rates=tuple(k / 10 for k in range(11)),
    )


def demo_accuracy(trial: Trial) -> float:
    """A plausible surface: a plateau, then a fall near the corruption's cliff."""
    name = trial.corruption.label if trial.corruption else "symmetric"
    cliff, last = (0.8, 0.0) if name == "symmetric" else (0.45, 0.005)
    clean, width = (0.975, 0.08) if trial.size > 200 else (0.88, 0.13)
    effect = 0.012 * np.sin(5 * trial.replicate + 1) * (1 + 3 * trial.rate * (1 - trial.rate))
    effect += 0.008 * np.sin(17 * trial.replicate + 40 * trial.rate)
    fall = 1 / (1 + np.exp((trial.rate - cliff) / width))
    fall /= 1 / (1 + np.exp(-cliff / width))
    return float(np.clip(clean * fall + effect * fall + last, 0, 0.999))


def demo_status(trial: Trial) -> Status:
    """One trial of the small set never starts."""
    if trial.size == 200 and trial.corruption and trial.corruption.label == "biased":
        return "never_started" if trial.rate == 0.5 and trial.replicate == 1 else "ok"
    return "ok"
