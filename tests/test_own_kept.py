"""A user's data set in another process: mapped from a file, the same, and nobody else's."""

from __future__ import annotations

import os
import pickle
import stat
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import MultinomialNB

from gigo.datasets.kept import UNUSED, kept
from gigo.datasets.memory import from_memory
from gigo.errors import DataError
from gigo.inputs import digest
from gigo.types import Dataset

N = 60
Y = np.arange(N) % 3
VECTORS = np.random.default_rng(0).random((N, 4))
TABLE = pd.DataFrame(VECTORS, columns=list("abcd")).assign(
    job=["cook", "judge"] * 30, says=[f"these are the words of {k}" for k in range(N)]
)
ALL = {
    "array": from_memory(VECTORS, Y, groups=np.arange(N) // 2),
    "sparse": from_memory(sparse.csr_array(np.round(VECTORS)), Y),
    "table": from_memory(TABLE, Y),
    "text": from_memory([f"text {k}" for k in range(N)], Y),
}


def quiet(file: str, done: int, total: int) -> None:
    pass


def sent(dataset: Dataset, folder: Path) -> Dataset:
    """What another process gets."""
    return pickle.loads(pickle.dumps(kept(dataset, folder)))(quiet)


def owner(array: Any) -> Any:
    """The array whose memory another one shows."""
    while getattr(array, "base", None) is not None and not isinstance(array, np.memmap):
        array = array.base
    return array


@pytest.mark.parametrize("form", ALL)
def test_another_process_gets_the_same(form: str, tmp_path: Path) -> None:
    dataset = ALL[form]
    got = sent(dataset, tmp_path)
    assert got.name == dataset.name
    assert {*got.test_groups} == {*dataset.test_groups}
    assert (got.classes, got.notes, got.kind) == (dataset.classes, dataset.notes, dataset.kind)
    groups = [] if got.groups is None else [got.groups]
    assert digest(got.x_train, got.y_train, *got.tests["test"], *groups) == dataset.sha256


def test_what_is_sent_is_short(tmp_path: Path) -> None:
    assert len(pickle.dumps(kept(ALL["array"], tmp_path))) < 1_000


def test_numbers_are_mapped_and_nobody_can_write_to_them(tmp_path: Path) -> None:
    vectors, rows, table = (sent(ALL[form], tmp_path) for form in ("array", "sparse", "table"))
    parts = [vectors.x_train, vectors.y_train, rows.x_train.data, rows.x_train.indices]
    parts += [table.x_train["a"].to_numpy(), table.x_train["job"].array._codes]
    for part in parts:
        assert isinstance(owner(part), np.memmap)
        assert not part.flags.writeable


def test_estimators_take_what_is_mapped(tmp_path: Path) -> None:
    models = {
        "array": [LogisticRegression(), RandomForestClassifier(3)],
        "sparse": [LogisticRegression(), RandomForestClassifier(3), MultinomialNB()],
    }
    for form, some in models.items():
        got = sent(ALL[form], tmp_path)
        for model in some:
            fitted = model.fit(got.x_train, got.y_train)
            assert len(fitted.predict(got.tests["test"][0])) == 12
    table = sent(ALL["table"], tmp_path)
    x = table.x_train.drop(columns="says")
    HistGradientBoostingClassifier(max_iter=2, categorical_features="from_dtype").fit(
        x, table.y_train
    )


def test_the_file_is_its_owners_and_is_shared_by_runs(tmp_path: Path) -> None:
    folder = tmp_path / "inputs"
    sent(ALL["array"], folder)
    (file,) = folder.iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    before = file.stat()
    sent(ALL["array"], folder)
    (again,) = folder.iterdir()
    assert again.stat().st_ino == before.st_ino


def test_files_are_named_by_content_whatever_a_data_set_calls_itself(tmp_path: Path) -> None:
    one = replace(ALL["array"], sha256="mine")
    other = replace(ALL["array"], sha256="mine", x_train=ALL["array"].x_train + 1)
    assert (sent(one, tmp_path).x_train == one.x_train).all()
    assert (sent(other, tmp_path).x_train == other.x_train).all()


def test_a_damaged_file_is_written_anew(tmp_path: Path) -> None:
    sent(ALL["array"], tmp_path)
    (file,) = tmp_path.iterdir()
    content = file.read_bytes()
    place = content.index(ALL["array"].x_train.tobytes()[:64])
    for damaged in (b"", content[:-100], content[:place] + b"\0" + content[place + 1 :]):
        file.unlink()  # it may still be mapped
        file.write_bytes(damaged)
        assert (sent(ALL["array"], tmp_path).x_train == ALL["array"].x_train).all()


def test_a_file_that_is_gone_is_an_error(tmp_path: Path) -> None:
    raw = pickle.dumps(kept(ALL["array"], tmp_path))
    (file,) = tmp_path.iterdir()
    file.unlink()
    with pytest.raises(DataError, match="gone or damaged"):
        pickle.loads(raw)(quiet)


def test_a_folder_that_can_not_be_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="expected room for a copy of data"):
        sent(ALL["array"], tmp_path / "file")


def test_files_that_no_run_has_used_for_long_are_removed(tmp_path: Path) -> None:
    for form, age in (("array", UNUSED + 100), ("sparse", UNUSED - 100)):
        before = {*tmp_path.iterdir()}
        sent(ALL[form], tmp_path)
        (file,) = {*tmp_path.iterdir()} - before
        then = file.stat().st_mtime - age
        os.utime(file, (then, then))
    sent(ALL["text"], tmp_path)
    assert len([*tmp_path.iterdir()]) == 2
