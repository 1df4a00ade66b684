"""Labels that somebody gave: labellers of known skill, second label files, people's labels."""

from __future__ import annotations

import pickle
import zipfile
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import binomtest, chisquare

import gigo
from gigo.corruptions.labellers import annotators
from gigo.datasets import label_file, second_labels
from gigo.datasets.build import build
from gigo.datasets.kept import kept
from gigo.edited import Edited
from gigo.errors import DataError, SpecError
from gigo.ref import Ref
from gigo.resolve import corruption, resolve
from gigo.rng import Stream
from gigo.sample import sample
from gigo.study import Study
from gigo.types import Dataset, Labels, Schedule, silent

SEEDS = st.integers(0, 2**32)
P_VALUE = 1e-6
"""Seeds are fixed: a test of chance passes always or never."""


def make(labels: NDArray[np.int64], n_classes: int, names: str = "class {}") -> Dataset:
    """Read-only arrays, a text per item."""
    labels = labels.astype(np.int64)
    labels.flags.writeable = False
    classes = tuple(names.format(k) for k in range(n_classes))
    texts = [f"item {i}" for i in range(len(labels))]
    return Dataset("made up", texts, labels, {"test": ([], labels[:0])}, classes, "text", "", "")


def stream(seed: int = 0, replicate: int = 0) -> Stream:
    return Stream(seed, replicate, "corruption")


def voted(dataset: Dataset, seed: int = 0, replicate: int = 0, **options: Any) -> Schedule:
    return annotators(dataset, np.arange(dataset.n_train), stream(seed, replicate), **options)


def applied(dataset: Dataset, schedule: Schedule, rate: float = 1.0) -> Labels:
    items = np.arange(dataset.n_train)
    k = schedule.count(rate, dataset.n_train)
    return Edited.begin(dataset, items).edit(schedule, k, "x", None).labels


# Labellers of known skill


@given(
    n=st.integers(1, 80),
    n_classes=st.integers(2, 120),
    seed=SEEDS,
    skills=st.lists(st.floats(0, 1), min_size=1, max_size=4),
    votes=st.integers(1, 5),
    pick=st.sampled_from(["majority", "random"]),
    rates=st.tuples(st.floats(0, 1), st.floats(0, 1)),
)
@settings(max_examples=60)
def test_wrong_items_alone_are_edited_each_once_and_nested_over_rates(
    n: int, n_classes: int, seed: int, skills: list[float], votes: int, pick: str, rates: Any
) -> None:
    dataset = make(Stream(seed, 0, "labels").integers(n, n_classes), n_classes)
    options: dict[str, Any] = {"skills": skills, "votes": votes, "pick": pick}
    found, again = voted(dataset, seed, **options), voted(dataset, seed, **options)
    assert found.rate_of == "eligible"
    assert found.relabels
    assert len(np.unique(found.item)) == len(found.item)
    assert (found.label != dataset.y_train[found.item]).all()
    assert ((found.label >= 0) & (found.label < n_classes)).all()
    assert found.item.tobytes() == again.item.tobytes()
    assert found.label.tobytes() == again.label.tobytes()
    low, high = (applied(dataset, found, rate) for rate in sorted(rates))
    true = dataset.y_train
    assert (high != true).sum() == round(max(rates) * len(found.item))
    assert (low == high)[low != true].all()


def test_the_first_vote_of_three_is_the_only_one_of_one() -> None:
    dataset, p = make(np.arange(6000) % 2, 2), 0.6
    one, three = (applied(dataset, voted(dataset, skills=[p], votes=votes)) for votes in (1, 3))
    lost = three != dataset.y_train
    # Of the items that most get wrong, the first vote is wrong too where one of two others is.
    expected = (1 - p) * (1 - p**2) / (1 - majority(p, 2))  # 0.73; of another vote it is 0.4
    wrong = int((one != dataset.y_train)[lost].sum())
    assert binomtest(wrong, int(lost.sum()), expected).pvalue > P_VALUE
    other = applied(dataset, voted(dataset, replicate=1, skills=[p]))
    assert (one != other).mean() > 0.3


def majority(p: float, n_classes: int) -> float:
    """The chance that three votes give the true class, ties at random."""
    q = (1 - p) / (n_classes - 1)  # of each other class
    one_right = 3 * p * (n_classes - 1) * (n_classes - 2) * q**2  # and two others, which differ
    return p**3 + 3 * p**2 * (1 - p) + one_right / 3


@pytest.mark.parametrize("n_classes", [2, 3, 10])
@pytest.mark.parametrize("p", [0.3, 0.6, 0.9])
def test_votes_are_right_as_often_as_theory_says(p: float, n_classes: int) -> None:
    n = 20_000
    dataset = make(np.arange(n) % n_classes, n_classes)
    if n_classes == 2:
        assert majority(p, 2) == pytest.approx(p**3 + 3 * p**2 * (1 - p))
    expected = {(1, "majority"): p, (3, "majority"): majority(p, n_classes), (3, "random"): p}
    for (votes, pick), right in expected.items():
        found = voted(dataset, skills=[p], votes=votes, pick=pick)
        assert binomtest(n - len(found.item), n, right).pvalue > P_VALUE, (votes, pick)


def test_a_wrong_vote_is_any_other_class_alike() -> None:
    dataset = make(np.full(20_000, 2), 6)
    wrong = voted(dataset, skills=[0.1]).label
    assert chisquare(np.bincount(wrong, minlength=6)[[0, 1, 3, 4, 5]]).pvalue > P_VALUE


def test_each_vote_is_by_any_of_the_labellers() -> None:
    n = 20_000
    dataset = make(np.arange(n) % 3, 3)
    found = voted(dataset, skills=[1.0, 0.7, 0.1])
    assert binomtest(n - len(found.item), n, 0.6).pvalue > P_VALUE
    assert len(voted(dataset, skills=1).item) == 0
    assert len(voted(dataset, skills=[0.0]).item) == n
    assert (
        applied(dataset, voted(dataset)).tobytes()
        == applied(dataset, voted(dataset, skills=[0.8])).tobytes()
    )


def test_more_votes_help_the_able_alone() -> None:
    dataset = make(np.arange(4000) % 2, 2)

    def wrong(p: float, votes: int) -> int:
        return len(voted(dataset, skills=[p], votes=votes).item)

    assert wrong(0.7, 9) < wrong(0.7, 3) < wrong(0.7, 1)
    assert wrong(0.3, 9) > wrong(0.3, 3) > wrong(0.3, 1)


@pytest.mark.parametrize(
    "options",
    [
        {"skills": []},
        {"skills": [0.5, 1.1]},
        {"skills": ["good"]},
        {"skills": True},
        {"votes": 0},
        {"votes": 100},
        {"pick": "best"},
    ],
)
def test_options_out_of_range_are_refused(options: dict[str, Any]) -> None:
    (name,) = options
    with pytest.raises(SpecError, match=rf"corruption\.annotators\.{name}"):
        voted(make(np.array([0, 1]), 2), **options)


def test_labels_of_one_s_own() -> None:
    y = np.array(["ham", "spam"] * 500)
    whole = gigo.corrupt(y, "annotators", rate=1.0, skills=[0.75])
    half = gigo.corrupt(y, "annotators", rate=0.5, skills=[0.75])
    assert binomtest(whole.n_changed, 1000, 0.25).pvalue > P_VALUE
    assert half.n_changed == round(whole.n_changed / 2)


# A second label file


def of(name: str, path: Path, **options: Any) -> Any:
    return corruption(Ref.model_validate({"name": name, "file": str(path), **options}))


def read(path: Path, dataset: Dataset) -> Labels:
    return second_labels(dataset, str(path), sha256=label_file("file", path)[1])


def written(path: Path, labels: NDArray[Any], dataset: Dataset) -> Path:
    """Labels by class in a file, as its ending says."""
    names = [dataset.classes[k] for k in labels]
    match path.suffix:
        case ".npy":
            np.save(path, labels)
        case ".txt":
            path.write_text("\n".join(names) + "\n")
        case ".csv":
            pd.DataFrame({"id": range(len(names)), "second": names}).to_csv(path, index=False)
        case ".parquet":
            pd.DataFrame({"second": names}).to_parquet(path)
        case _:
            torch.save({"second": labels, "note": "ours"}, path)
    return path


@pytest.mark.parametrize("file", ["a.npy", "a.txt", "a.csv", "a.parquet", "a.pt"])
def test_rate_1_is_the_second_file(tmp_path: Path, file: str) -> None:
    dataset = make(np.arange(60) % 3, 3)
    second = Stream(1, 0, "second").integers(60, 3)
    path = written(tmp_path / file, second, dataset)
    options = {"column": "second"} if file == "a.csv" else {}
    known = of("second_labels", path, **options)
    assert known.rate_of == "eligible"
    items = np.arange(60)
    found = known.value(dataset, items, stream())
    assert sorted(found.item) == np.flatnonzero(second != dataset.y_train).tolist()
    assert (applied(dataset, found) == second).all()
    half = applied(dataset, found, 0.5)
    assert (half != dataset.y_train).sum() == round(len(found.item) / 2)
    some = np.array([50, 3, 17])
    part = known.value(dataset, some, stream())
    assert (
        Edited.begin(dataset, some).edit(part, len(part.item), "x", None).labels == second[some]
    ).all()
    other = known.value(dataset, items, stream(replicate=1))
    assert (other.item != found.item).any()


def test_a_file_counts_by_its_content(tmp_path: Path) -> None:
    dataset = make(np.arange(6) % 2, 2)
    (tmp_path / "sub").mkdir()
    second = np.zeros(6, np.int64)
    one = of("second_labels", written(tmp_path / "a.npy", second, dataset))
    same = of("second_labels", written(tmp_path / "sub" / "b.npy", second, dataset))
    other = of("second_labels", written(tmp_path / "c.npy", second + 1, dataset))
    assert one.identity == same.identity != other.identity
    assert str(tmp_path) not in one.identity + one.label
    assert one.label == "second_labels file=a.npy"
    written(tmp_path / "a.npy", second + 1, dataset)
    with pytest.raises(DataError, match="changed since"):
        one.value(dataset, np.arange(6), stream())


def test_a_file_for_all_items_is_cut_to_those_trained_on(tmp_path: Path) -> None:
    labels = np.arange(50) % 2
    texts = [f"item {i}" for i in range(50)]
    dataset = build("mine", "mine.csv", texts, labels)
    assert dataset.origin is not None
    assert [texts[i] for i in dataset.origin] == dataset.x_train
    second = Stream(1, 0, "second").integers(50, 2)
    path = written(tmp_path / "all.npy", second, dataset)
    assert (read(path, dataset) == second[dataset.origin]).all()
    path = written(tmp_path / "train.npy", second[dataset.origin], dataset)
    assert (read(path, dataset) == second[dataset.origin]).all()
    path = written(tmp_path / "short.npy", second[:49], dataset)
    with pytest.raises(DataError, match=r"49 labels for the 40 training items of mine .*all 50"):
        read(path, dataset)
    given_test = build("mine", "", texts, labels, x_test=["a", "b"], labels_test=[0, 1])
    assert given_test.origin is None


def test_where_items_are_from_is_kept_for_other_processes(tmp_path: Path) -> None:
    dataset = build("mine", "mine.csv", [f"item {i}" for i in range(50)], np.arange(50) % 2)
    assert dataset.origin is not None
    there = pickle.loads(pickle.dumps(kept(dataset, tmp_path)))(silent)
    assert (there.origin == dataset.origin).all()
    assert replace(dataset, origin=None).sha256 == dataset.sha256


def test_after_a_corruption_of_inputs_items_are_others(tmp_path: Path) -> None:
    dataset = make(np.arange(4) % 2, 2)
    path = written(tmp_path / "a.npy", np.zeros(4, np.int64), dataset)
    added = Schedule(np.array([-1]), np.array([-1]), row=np.array([0]), rate_of="added")
    seen, items = Edited.begin(dataset, np.arange(4)).edit(added, 1, "x", None).seen()
    with pytest.raises(SpecError, match=r"a\.npy.*expected first"):
        of("second_labels", path).value(seen, items, stream())


def refusals() -> dict[str, tuple[str, Callable[[Path], Any], dict[str, Any], str]]:
    two = pd.DataFrame({"one": ["class 0"] * 6, "two": ["class 1"] * 6})
    return {
        "a class of no item": ("a.txt", lambda p: p.write_text("dog\n" * 6), {}, "'dog'"),
        "a number of no class": ("a.npy", lambda p: np.save(p, np.full(6, 7)), {}, "'7'"),
        "several columns": ("a.csv", lambda p: two.to_csv(p, index=False), {}, "one, two"),
        "no such column": ("a.csv", lambda p: two.to_csv(p), {"column": "tow"}, "mean 'two'"),
        "no columns": ("a.txt", lambda p: p.write_text("x\n" * 6), {"column": "a"}, "no columns"),
        "no name": ("a.pt", lambda p: torch.save({"b": [0] * 6}, p), {"column": "a"}, "a.pt: b"),
        "no dictionary": ("a.pt", lambda p: torch.save([0] * 6, p), {}, "no dictionary"),
        "a tensor": ("a.pt", lambda p: torch.save({"a": torch.zeros(6)}, p), {}, "."),
        "damaged": ("a.pt", lambda p: p.write_bytes(b"PK\3\4 or not"), {}, "a.pt"),
        "unknown": ("a.xyz", lambda p: p.write_text("x"), {}, "ends in"),
    }


@pytest.mark.parametrize("case", refusals())
def test_what_is_no_label_per_item_is_refused(tmp_path: Path, case: str) -> None:
    name, write, options, message = refusals()[case]
    write(tmp_path / name)
    with pytest.raises((SpecError, DataError), match=message) as caught:
        of("second_labels", tmp_path / name, **options).value(
            make(np.arange(6) % 2, 2), np.arange(6), stream()
        )
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("asked", [None, 3, "gone.txt"])
def test_a_file_has_to_be_there(asked: Any) -> None:
    for name in ("second_labels", "human"):
        with pytest.raises(SpecError, match=rf"corruption\.{name}\.file"):
            corruption(Ref.model_validate({"name": name, "file": asked}))


# People's labels


def people(dataset: Dataset, seed: int = 0) -> dict[str, Any]:
    """A dictionary like that of CIFAR-10N; where ``worse_label`` is wrong, it is by one class."""
    n, k = dataset.n_train, dataset.n_classes
    wrong = Stream(seed, 0, "people").uniform(n) < 0.4
    return {
        "clean_label": dataset.y_train.copy(),
        "worse_label": (dataset.y_train + wrong) % k,
        "aggre_label": dataset.y_train.copy(),
        "random_label1": Stream(seed, 1, "people").integers(n, k).astype(np.int16).tolist(),
    }


SAVE: dict[str, Callable[[Any, Path], Any]] = {
    "new.pt": torch.save,
    "old.pt": partial(torch.save, _use_new_zipfile_serialization=False),
    "a.npy": lambda held, path: np.save(path, held),
    "a.csv": lambda held, path: pd.DataFrame(held).to_csv(path, index=False),
}


@pytest.mark.parametrize("file", SAVE)
def test_people_s_labels_of_every_form(tmp_path: Path, file: str) -> None:
    dataset = make(np.arange(100) % 10, 10)
    held = people(dataset)
    SAVE[file](held, tmp_path / file)
    for labels in ("worse_label", "random_label1", "aggre_label"):
        found = of("human", tmp_path / file, labels=labels).value(dataset, np.arange(100), stream())
        assert (applied(dataset, found) == held[labels]).all()
    usual = of("human", tmp_path / file).value(dataset, np.arange(100), stream())
    assert (applied(dataset, usual) == held["worse_label"]).all()


def test_of_100_classes_there_is_one_labelling(tmp_path: Path) -> None:
    dataset = make(np.arange(200) % 100, 100)
    noisy = (dataset.y_train + 1) % 100
    torch.save({"clean_label": dataset.y_train.copy(), "noisy_label": noisy}, tmp_path / "a.pt")
    found = of("human", tmp_path / "a.pt").value(dataset, np.arange(200), stream())
    assert (applied(dataset, found) == noisy).all()


def test_another_order_of_items_is_refused(tmp_path: Path) -> None:
    dataset = make(np.arange(100) % 10, 10)
    held = {name: np.roll(values, 1) for name, values in people(dataset).items()}
    torch.save(held, tmp_path / "a.pt")
    with pytest.raises(SpecError, match="100 of 100 of its clean labels differ"):
        of("human", tmp_path / "a.pt").value(dataset, np.arange(100), stream())


class Evil:
    """Unpickled by anybody else, it makes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return Path.touch, (self.path,)


@pytest.mark.parametrize("file", ["new.pt", "old.pt", "a.npy"])
def test_no_code_of_a_file_is_run(tmp_path: Path, file: str) -> None:
    dataset = make(np.arange(10) % 2, 2)
    SAVE[file]({**people(dataset), "more": Evil(tmp_path / "made")}, tmp_path / file)
    with pytest.raises(DataError, match="a pickle that calls for"):
        of("human", tmp_path / file).value(dataset, np.arange(10), stream())
    assert not (tmp_path / "made").exists()


def test_an_archive_of_two_pickles_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.pt", "w") as archive:
        for folder in ("a", "b"):
            archive.writestr(f"{folder}/data.pkl", pickle.dumps({}))
    with pytest.raises(DataError, match="2 pickles"):
        of("human", tmp_path / "a.pt").value(make(np.arange(4) % 2, 2), np.arange(4), stream())


def test_a_study_of_people_s_labels(tmp_path: Path) -> None:
    from gigo.testing import small_dataset

    dataset = small_dataset("image")
    torch.save(people(dataset), tmp_path / "a.pt")
    asked = {"name": "human", "file": str(tmp_path / "a.pt"), "called": "people"}
    study = Study.create(
        dataset=dataset, corruption=asked, rates=[0.5, 1], replicates=1, validation="none"
    )
    grid = resolve(study)
    half, whole = (sample(trial, dataset) for trial in grid.trials.values())
    held = people(dataset)["worse_label"]
    assert (whole.labels == held).all()
    assert half.n_changed == round(whole.n_changed / 2)
    assert whole.n_changed == (held != dataset.y_train).sum()
