"""Estimators: what their fits are given, what is made of their predictions, and what they are."""

from __future__ import annotations

import random
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_array
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.svm import SVC

from gigo import outputs, planner
from gigo.estimators import Fitting, fit_all
from gigo.inputs import digest
from gigo.machine import Machine
from gigo.models.estimators import boosting, forest, knn, tfidf
from gigo.records import Record
from gigo.resolve import resolve
from gigo.runner import run
from gigo.runner.pace import Pace
from gigo.sample import sample
from gigo.store import Store
from gigo.study import Study
from gigo.trial import Trial
from gigo.types import Dataset


def made(x: Any, y: Any, x_test: Any, y_test: Any, kind: Any = "vector", k: int = 0) -> Dataset:
    y, y_test = np.asarray(y, np.int64), np.asarray(y_test, np.int64)
    return Dataset(
        name="mine",
        x_train=x,
        y_train=y,
        tests={"test": (x_test, y_test)},
        classes=tuple(map(str, range(k or int(y.max()) + 1))),
        kind=kind,
        sha256=digest(x, y, x_test, y_test),
        source="made up",
    )


def clouds(n: int = 60, k: int = 3, width: int = 4) -> Dataset:
    rng = np.random.default_rng(0)
    y = np.arange(2 * n) % k
    x = (rng.normal(size=(2 * n, width)) + y[:, None]).astype(np.float32)
    return made(x[:n], y[:n], x[n:], y[n:])


def trials(dataset: Dataset, model: Any, **fields: Any) -> list[Trial]:
    fields = {"rates": [0, 0.5], "replicates": 1, **fields}
    return list(resolve(Study.create(dataset=dataset, model=model, **fields)).trials.values())


def records(dataset: Dataset, model: Any, **fields: Any) -> list[Record]:
    events = fit_all(trials(dataset, model, **fields), dataset)
    return [event for event in events if not isinstance(event, Fitting)]


def failure(dataset: Dataset, model: Any) -> str:
    first, *_ = records(dataset, model)
    assert first.status == "failed" and not first.predictions and not first.measures
    assert "\n" not in first.provenance["error"]
    return first.provenance["error"]


SPY = """
import random
import numpy as np
from sklearn.base import BaseEstimator
from sklearn.linear_model import SGDClassifier

class Spy(BaseEstimator):
    def __init__(self, folder=""):
        self.folder = folder
    def fit(self, x, y):
        place = f"{self.folder}/{len(y)}-{random.random()}-{np.random.random()}"
        np.savez(place, x=x, y=y)
        self.model_ = SGDClassifier().fit(x, y)  # by NumPy's global generator
        return self
    def predict(self, x):
        x[:] = 0  # its own copy
        return self.model_.predict(x)
"""


@pytest.fixture
def spy(tmp_path: Path) -> Any:
    (tmp_path / "spy.py").write_text(SPY)
    (tmp_path / "seen").mkdir()
    return {"name": f"{tmp_path}/spy.py:Spy", "folder": f"{tmp_path}/seen"}


def test_a_fit_sees_the_training_items_with_the_trial_s_labels_alone(
    spy: Any, tmp_path: Path
) -> None:
    dataset = clouds()
    before = dataset.x_train.copy(), dataset.tests["test"][0].copy()
    todo = trials(dataset, spy, rates=[0, 0.2, 0.6], size=40)
    for trial in todo:
        list(fit_all([trial], dataset))
        (file,) = (tmp_path / "seen").glob("*.npz")
        with np.load(file) as seen:
            part = sample(trial, dataset)
            np.testing.assert_array_equal(seen["x"], dataset.x_train[part.rows])
            np.testing.assert_array_equal(seen["y"], part.labels)
            assert (seen["y"] != dataset.y_train[part.rows]).sum() == round(trial.rate * 40)
        file.unlink()
    np.testing.assert_array_equal(dataset.x_train, before[0])  # whatever the model wrote into it
    np.testing.assert_array_equal(dataset.tests["test"][0], before[1])


def stored(path: Path) -> dict[str, Any]:
    with Store.open(path) as store:
        return {
            each.key: (each.status, each.measures, each.predictions["test"].tobytes())
            for each in store.records()
        }


@pytest.mark.slow
def test_same_seed_same_records_with_1_2_and_3_workers(tmp_path: Path, spy: Any) -> None:
    study = Study.create(
        dataset=clouds(),
        model=[spy, RandomForestClassifier(3), "boosting", "knn"],
        rates=[0, 0.4],
        replicates=2,
    )
    for workers in (1, 2, 3):
        run(study, tmp_path / f"{workers}", workers=workers)
    one = stored(tmp_path / "1")
    assert len(one) == 16 and {status for status, *_ in one.values()} == {"ok"}
    assert stored(tmp_path / "2") == one == stored(tmp_path / "3")


def test_a_model_s_random_numbers_depend_on_the_replicate_and_not_on_what_ran_before() -> None:
    dataset = clouds()
    models = [RandomForestClassifier(3), make_pipeline(SGDClassifier(loss="hinge"))]
    todo = trials(dataset, models, replicates=2)
    together = {r.key: r for r in fit_all(todo, dataset) if not isinstance(r, Fitting)}
    for trial in reversed(todo):
        *_, alone = fit_all([trial], dataset)
        assert not isinstance(alone, Fitting)
        assert alone.measures == together[trial.key].measures
    by_replicate = {(t.model.label, t.rate, t.replicate): together[t.key] for t in todo}
    assert by_replicate["RandomForestClassifier(n_estimators=3)", 0.5, 0].measures != (
        by_replicate["RandomForestClassifier(n_estimators=3)", 0.5, 1].measures
    )


def test_global_generators_are_left_as_they_were(spy: Any) -> None:
    before = random.getstate(), np.random.get_state(legacy=False), torch.get_rng_state()
    records(clouds(), spy)
    assert random.getstate() == before[0]
    np.testing.assert_equal(np.random.get_state(legacy=False), before[1])
    assert torch.equal(torch.get_rng_state(), before[2])


class Drawn(BaseEstimator):
    """Predicts at random, by torch's generator."""

    def fit(self, x: Any, y: Any) -> Any:
        self.most_ = y.max()
        return self

    def predict(self, x: Any) -> Any:
        return torch.randint(int(self.most_) + 1, (len(x),)).numpy()


def test_torch_s_generator_is_seeded() -> None:
    first, again = (records(clouds(), Drawn()) for _ in range(2))
    assert [r.measures for r in first] == [r.measures for r in again]


# What becomes of predictions.


@given(st.data())
def test_probabilities_are_padded_and_ordered_by_class(data: st.DataObject) -> None:
    k = data.draw(st.integers(2, 8))
    present = np.array(sorted(data.draw(st.sets(st.integers(0, k - 1), min_size=1))))
    order = data.draw(st.permutations(range(len(present))))
    known = order[: data.draw(st.integers(1, len(order)))]  # a model may have met fewer classes
    rows = np.random.default_rng(0).dirichlet(np.ones(len(known)), 5)
    padded = outputs.probabilities(rows, 5, present, known, k)
    for column, code in enumerate(known):
        np.testing.assert_array_equal(padded[:, present[code]], rows[:, column])
    others = np.setdiff1d(np.arange(k), present[known])
    assert not padded[:, others].any() and outputs.proper(padded)


class Odd(ClassifierMixin, BaseEstimator):
    """Gives whatever it is told to give."""

    def __init__(self, given: Any = None, sure: Any = None, order: Any = None) -> None:
        self.given, self.sure, self.order = given, sure, order

    def fit(self, x: Any, y: Any) -> Any:
        if self.order is not None:
            self.classes_ = np.array(self.order)
        return self

    def predict(self, x: Any) -> Any:
        return np.array([self.given[0]] * len(x)) if self.given else np.zeros(len(x) - 1)

    def predict_proba(self, x: Any) -> Any:
        if self.sure is None:
            raise AttributeError("not this one")
        return np.array([self.sure] * len(x))


@pytest.mark.parametrize(
    ("model", "said"),
    [
        (Odd(), r"predict gives shape \(59,\): expected \(60,\), a class per item"),
        (Odd([[0, 1]]), r"predict gives shape \(60, 2\)"),
        (Odd([0.5]), "predict gives 0.5: expected classes, whole numbers from 0 to 2"),
        (Odd([3]), "predict gives 3: expected classes"),
        (Odd(["x"]), "predict gives .*x.*: expected classes"),
        (Odd([0], [0.5, 0.5]), r"predict_proba gives shape \(60, 2\): expected \(60, 3\)"),
        (Odd([0], [0.5, 0.5], [0, 0]), "classes_ has a class twice"),
    ],
)
def test_what_cannot_be_predictions_is_a_failure_in_one_line(model: Any, said: str) -> None:
    import re

    assert re.search(said, failure(clouds(), model))


@pytest.mark.parametrize("value", [1, 1.0, "1", [1]])
def test_classes_may_come_as_any_type_of_number(value: Any) -> None:
    first, _ = records(clouds(), Odd([value], [0.9, 0.1], [1, 0]))
    assert set(first.predictions["test"].tolist()) == {1}
    assert first.measures["log_loss"] == pytest.approx(
        -(np.log(0.9) + np.log(0.1) + np.log(2**-52)) / 3
    )


@pytest.mark.parametrize(
    "model", [SVC(), SGDClassifier(), Odd([0]), Odd([0], [0.3] * 3), Odd([0], [np.nan] * 3)]
)
def test_without_probabilities_there_are_predictions_alone(model: Any) -> None:
    first, _ = records(clouds(), model)
    assert first.status == "ok" and "accuracy" in first.measures
    assert "log_loss" not in first.measures and not first.scores
    told = " ".join(first.provenance.get("warnings", ()))
    assert ("no probabilities" in told) == isinstance(model, Odd)


LACKING = {
    "sklearn": {"name": "sklearn.linear_model:LogisticRegression"},
    "lightgbm": {"name": "lightgbm:LGBMClassifier", "n_estimators": 5, "min_child_samples": 1},
    "xgboost": {"name": "xgboost:XGBClassifier", "n_estimators": 5, "min_child_weight": 0.1},
}


@pytest.mark.parametrize("package", LACKING)
@pytest.mark.parametrize("present", [(0, 3), (1, 2, 4)])
def test_a_training_set_may_lack_classes(package: str, present: tuple[int, ...]) -> None:
    """Also for models that want labels 0 to K - 1; the first and the last may be missing."""
    pytest.importorskip(package)
    y, y_test = np.tile(present, 10), np.tile(range(5), 6)
    x, x_test = (labels[:, None].astype(np.float32) for labels in (y, y_test))
    first, _ = records(made(x, y, x_test, y_test, k=5), LACKING[package])
    assert first.status == "ok", first.provenance
    predicted = first.predictions["test"]
    assert set(predicted.tolist()) == {*present}
    known = np.isin(y_test, present)
    np.testing.assert_array_equal(predicted[known], y_test[known])  # by class, not by position
    no_chance = -np.log(outputs.LEAST)  # what each item of the other classes costs
    lost = first.measures["log_loss"] - no_chance * (~known).mean()
    assert 0 < lost < 1


def test_one_class_alone_is_learnt_without_a_fit() -> None:
    x = np.zeros((4, 1), np.float32)
    dataset = made(x, [1] * 4, x, [1] * 4, k=2)
    first, _ = records(dataset, Odd(), rates=[0, 0.5])
    assert first.measures["accuracy"] == 1 and first.measures["train_accuracy_clean"] == 1


def test_an_error_of_the_model_is_a_record() -> None:
    assert failure(clouds(), KNeighborsClassifier(1000)).startswith("ValueError: Expected n_nei")


def test_warnings_of_a_fit_are_kept_and_seen_by_nobody_else() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        first, _ = records(clouds(), LogisticRegression(max_iter=1))
    assert first.provenance["warnings"][0].startswith("ConvergenceWarning: lbfgs failed")


def test_a_serial_model_of_scikit_learn_is_not_told_to_be_serial() -> None:
    """Its None is one process; to set it is what its newer versions warn of."""
    first, _ = records(clouds(), make_pipeline(LogisticRegression()))
    assert not first.provenance.get("warnings")


def test_images_are_vectors_unless_an_estimator_wants_them_as_they_are() -> None:
    x = np.arange(48, dtype=np.uint8).reshape(6, 2, 2, 2)
    dataset = made(x, [0, 1] * 3, x, [0, 1] * 3, "image")
    seen: list[Any] = []

    class Looks(Odd):
        def fit(self, x: Any, y: Any) -> Any:
            seen.append(x)
            return self

    records(dataset, {"name": Looks([0]), "key": "looks"})
    np.testing.assert_array_equal(seen[0], (x.reshape(6, 8) / np.float32(255)))

    class LooksAsItIs(Looks):
        as_images = True

    records(dataset, {"name": LooksAsItIs([0]), "key": "images"})
    np.testing.assert_array_equal(seen[-1], x)


def test_held_out_items_go_to_a_fit_that_takes_some() -> None:
    seen: list[Any] = []

    class Stops(Odd):
        monitors = True

        def fit(self, x: Any, y: Any, eval_set: Any = None) -> Any:
            seen.append((len(y), eval_set))
            return self

    dataset = clouds()
    first, _ = records(dataset, {"name": Stops([0]), "key": "stops"})
    assert first.n_validation == 12 and seen[0][0] == 48
    ((x, y),) = seen[0][1]
    part = sample(trials(dataset, {"name": Stops([0]), "key": "stops"})[0], dataset)
    np.testing.assert_array_equal(x, dataset.x_train[part.held_out])
    np.testing.assert_array_equal(y, part.held_out_labels)


# Models of the catalogue.


def by_hand(model: Any, part: Any, dataset: Dataset) -> tuple[Any, Any]:
    x, (x_test, _) = dataset.x_train, dataset.tests["test"]
    rows = [x[i] for i in part.rows] if isinstance(x, list) else x[part.rows]
    model.fit(rows, part.labels)
    return model.predict(x_test), model.predict_proba(x_test)


def digits() -> Dataset:
    x, y = load_digits(return_X_y=True)
    return made(x[:300], y[:300], x[300:500], y[300:500])


def whole_numbers() -> Dataset:
    rng = np.random.default_rng(0)  # many neighbours are as near as others
    x, y = rng.integers(0, 3, (200, 4)).astype(np.float64), rng.integers(0, 2, 200)
    return made(x[:100], y[:100], x[100:], y[100:])


def sparse() -> Dataset:
    dataset = digits()
    x_test, y_test = dataset.tests["test"]
    return made(csr_array(dataset.x_train), dataset.y_train, csr_array(x_test), y_test)


@pytest.mark.parametrize("dataset", [digits(), whole_numbers(), sparse(), clouds()])
@pytest.mark.parametrize("k", [1, 5])
def test_knn_is_scikit_learn_s(dataset: Dataset, k: int) -> None:
    todo = trials(dataset, {"name": "knn", "n_neighbors": k}, rates=[0, 0.3, 0.9])
    found = [r for r in fit_all(todo, dataset) if not isinstance(r, Fitting)]
    for trial, record in zip(todo, found, strict=True):
        part = sample(trial, dataset)
        classes, sure = by_hand(KNeighborsClassifier(k), part, dataset)
        np.testing.assert_array_equal(record.predictions["test"], classes)
        if record.scores:
            expected = np.log(np.clip(sure, outputs.LEAST, 1)).astype(np.float16)
            np.testing.assert_array_equal(record.scores["test"], expected)


TEXTS = ["a good day", "a bad day", "good things", "bad, bad things", "so good", "it is bad"] * 5


def test_tfidf_is_the_pipeline_whose_words_are_found_once() -> None:
    dataset = made(TEXTS, [0, 1] * 15, TEXTS[:6], [0, 1] * 3, "text")
    todo = trials(dataset, "auto", rates=[0, 0.2])
    assert todo[0].model.label == "tfidf" and todo[0].model.shares
    usual = make_pipeline(
        TfidfVectorizer(sublinear_tf=True, ngram_range=(1, 2)),
        LogisticRegression(C=10, max_iter=1000),
    )
    found = [r for r in fit_all(todo, dataset) if not isinstance(r, Fitting)]
    for trial, record in zip(todo, found, strict=True):
        classes, sure = by_hand(usual, sample(trial, dataset), dataset)
        np.testing.assert_array_equal(record.predictions["test"], classes)
        np.testing.assert_allclose(record.scores["test"], np.log(sure), rtol=1e-3)


def table(n: int = 400) -> Dataset:
    rng = np.random.default_rng(0)
    y = rng.integers(2, size=n)
    frame = pd.DataFrame(
        {
            "number": np.where(rng.random(n) < 0.2, np.nan, rng.normal(size=n)),
            "job": pd.Categorical(np.where(y == rng.integers(2, size=n), "cook", "judge")),
            "street": pd.Categorical(rng.integers(350, size=n).astype(str)),
            "said": np.where(y == 1, "a fine thing", "a poor thing"),
            "empty": ["?"] * n,
        }
    )
    frame.loc[3, "said"] = None
    half = n // 2
    return made(frame[:half], y[:half], frame[half:].reset_index(drop=True), y[half:], "table")


@pytest.mark.parametrize("name", ["boosting", "forest", "knn"])
def test_a_table_may_have_gaps_texts_and_many_categories(name: str) -> None:
    options = {"boosting": {"max_iter": 5}, "forest": {"n_estimators": 10}}.get(name, {})
    first, half = records(table(), {"name": name, **options})
    assert first.status == "ok", first.provenance
    assert first.measures["accuracy"] > (0.7 if name == "knn" else 0.95)  # the text tells all
    assert half.measures["accuracy"] < first.measures["accuracy"]


def test_the_default_of_tables_is_boosting() -> None:
    assert trials(table(), "auto")[0].model.label == "boosting"


@pytest.mark.parametrize("make", [boosting, forest, knn, tfidf])
def test_a_catalogued_estimator_is_fresh_each_time(make: Any) -> None:
    assert make() is not make()


@pytest.mark.parametrize(
    ("module", "name", "stopping"),
    [("lightgbm", "LGBMClassifier", "early_stopping_round"),
     ("xgboost", "XGBClassifier", "early_stopping_rounds")],
)  # fmt: skip
def test_boosters_of_other_libraries(
    module: str, name: str, stopping: str, capfd: pytest.CaptureFixture[str]
) -> None:
    booster = getattr(pytest.importorskip(module), name)
    dataset = clouds(100)
    plain, stops = booster(n_estimators=5), booster(n_estimators=5, **{stopping: 2})
    first, held, *_ = records(dataset, [plain, stops])
    assert first.status == held.status == "ok", held.provenance
    assert (first.n_validation, held.n_validation) == (0, 20)
    assert first.measures["accuracy"] > 0.5 and module in first.provenance
    assert capfd.readouterr().out == ""


# Jobs, and how far a run is.


def test_trials_of_the_same_items_share_jobs_whatever_the_workers() -> None:
    todo = trials(digits(), ["knn", RandomForestClassifier()], replicates=3, rates=[0, 0.1, 0.2])
    one, two = (planner.plan(todo, Machine(cores=2), workers=n).stacks for n in (1, 2))
    assert {tuple(t.key for t in job) for job in one} == {tuple(t.key for t in job) for job in two}
    for job in one:
        assert len({(t.model.identity, t.replicate) for t in job}) == 1
    assert sorted(t.key for job in one for t in job) == sorted(t.key for t in todo)


def test_what_is_left_follows_from_what_the_first_fits_took() -> None:
    todo = trials(clouds(), [RandomForestClassifier(), SVC()], rates=[0, 0.1, 0.2, 0.3])
    pace = Pace(todo)
    assert pace.share() == 0
    slow = [t.key for t in todo if "Forest" in t.model.label]
    fast = [t.key for t in todo if "SVC" in t.model.label]
    pace.done(slow[0], 9.0)
    pace.done(fast[0], 1.0)
    assert pace.share() == pytest.approx(10 / 40)
    for key in fast[1:]:
        pace.done(key, 1.0)
    assert pace.share() == pytest.approx(13 / 40)
    for key in slow[1:]:
        pace.done(key, 9.0)
    assert pace.share() == 1
