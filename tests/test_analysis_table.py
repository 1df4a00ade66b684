from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from factories import cells_of, grid_of
from gigo.analysis.table import COLUMNS, PER_CLASS_COLUMNS, curves, per_class, tidy
from gigo.errors import StoreError
from synthetic import (
    TEST_SETS,
    demo_accuracy,
    demo_study,
    make_frame,
    make_records,
    make_study,
    predictions,
)


def test_the_table_has_the_documented_columns_and_a_row_a_cell_and_replicate():
    study = demo_study()
    frame = make_frame(study, demo_accuracy)
    assert list(frame.columns) == list(COLUMNS)
    assert len(frame) == len(cells_of(study)) * study.replicates
    empty = {name for name in COLUMNS if np.any(frame[name].isna())}
    shares = {"train_accuracy_clean", "train_accuracy_corrupted", "train_recovered"}
    unknown = {"brier", "ece", "roc_auc", "average_precision"}  # no probabilities, ten classes
    assert empty == shares | unknown | {"error"}
    assert all(np.all(frame[name].isna()) for name in unknown)


def test_rate_zero_is_one_trial_listed_under_every_corruption():
    frame = make_frame(demo_study(), demo_accuracy)
    clean = frame.loc[frame["rate"].to_numpy() == 0]
    for _, rows in clean.groupby(["size", "replicate"]):
        assert list(rows["corruption"]) == ["symmetric", "biased"]
        assert len(set(rows["key"])) == 1
    assert len(set(frame["key"])) == len(frame) - len(clean) // 2


def test_rate_zero_is_listed_under_every_validation_that_shares_its_trial():
    study = make_study(validation=["clean", "noisy"])
    records = make_records(study, demo_accuracy)
    frame = tidy([grid_of(study), grid_of(study)], records, TEST_SETS)
    assert len(frame) == len(cells_of(study)) * study.replicates
    clean = frame.loc[frame["rate"].to_numpy() == 0]
    assert sorted(clean["validation"]) == ["clean"] * 3 + ["noisy"] * 3
    assert len(set(clean["key"])) == 3
    classes = per_class([grid_of(study), grid_of(study)], records, TEST_SETS)
    assert list(classes["validation"][::10]) == list(frame["validation"])


def test_known_accuracies_come_back():
    frame = make_frame(make_study(), lambda trial: 0.9 - trial.rate / 2 + trial.replicate / 100)
    expected = 0.9 - frame["rate"] / 2 + frame["replicate"] / 100
    np.testing.assert_allclose(frame["accuracy"], expected, atol=5e-4)
    np.testing.assert_allclose(frame["balanced_accuracy"], expected, atol=5e-4)
    np.testing.assert_allclose(frame["accuracy_last"], expected / 2, atol=1e-3)
    assert np.all(frame["chance"] == 0.1)
    np.testing.assert_allclose(frame["realised_rate"], frame["rate"], atol=1e-3)
    assert np.array_equal(frame["train_recovered"].isna(), frame["rate"] == 0)


def test_an_unfinished_run_has_the_rows_it_has_and_overlapping_studies_share_theirs():
    study = make_study()
    records = make_records(study, lambda trial: 0.5)
    wider = study.but(rates=(0.0, 0.25, 0.5, 1.0))
    partial = tidy([grid_of(study)], records[:4], TEST_SETS)
    assert set(partial["key"]) == {record.key for record in records[:4]}
    both = tidy([grid_of(study), grid_of(wider)], records, TEST_SETS)
    assert len(both) == len(records)
    nothing = tidy([grid_of(study)], [], TEST_SETS)
    assert list(nothing.columns) == list(COLUMNS)
    assert nothing.empty


def test_rows_do_not_depend_on_the_order_of_records():
    study = make_study()
    records = make_records(study, demo_accuracy)
    forwards = tidy([grid_of(study)], records, TEST_SETS)
    backwards = tidy([grid_of(study)], records[::-1], TEST_SETS)
    assert forwards.equals(backwards)


def test_measures_become_columns_and_what_is_absent_is_empty():
    study = make_study(replicates=1)
    first, second, third = make_records(study, demo_accuracy)
    far = {"easy/accuracy": 0.9, "easy/log_loss": 0.1}
    records = [
        replace(first, measures={}),
        replace(second, measures={"ece": 0.25, "made_up": 7.0}, epochs=None, best_epoch=None),
        replace(third, measures=far, stopped=None),
    ]
    frame = tidy([grid_of(study)], records, TEST_SETS)
    assert list(frame.columns) == [*COLUMNS, "made_up", *far]
    nan = float("nan")
    np.testing.assert_array_equal(frame["ece"], [nan, 0.25, nan])
    np.testing.assert_array_equal(frame["made_up"], [nan, 7.0, nan])
    np.testing.assert_array_equal(frame["easy/log_loss"], [nan, nan, 0.1])
    assert np.all(frame["accuracy"].isna())
    assert pd.api.types.is_integer_dtype(frame["epochs"].dtype)
    assert list(frame["epochs"].isna()) == [False, True, False]
    assert list(frame["stopped"].isna()) == [False, False, True]
    assert np.all(frame["chance"] == 0.1)


def test_a_record_without_its_test_set_is_refused():
    study = make_study(replicates=1, rates=0.5)
    (record,) = make_records(study, lambda trial: 0.5)
    for table in (tidy, per_class):
        with pytest.raises(StoreError, match="test set of digits"):
            table([grid_of(study)], [record], {})
    short = replace(record, predictions={"test": predictions(0.5)[:7]})
    strange = replace(record, predictions={"test": predictions(0.5) + np.uint8(1)})
    with pytest.raises(StoreError, match="= 7 items: expected the 1000"):
        per_class([grid_of(study)], [short], TEST_SETS)
    with pytest.raises(StoreError, match="in 10 classes"):
        per_class([grid_of(study)], [strange], TEST_SETS)


def test_classes_add_up_to_the_whole():
    study = make_study()
    records = make_records(study, lambda trial: 0.8 - trial.rate / 2)
    classes = per_class([grid_of(study)], records, TEST_SETS)
    assert list(classes.columns) == list(PER_CLASS_COLUMNS)
    frame = tidy([grid_of(study)], records, TEST_SETS)
    right = classes["recall"].to_numpy() * classes["support"].to_numpy()
    assert list(classes["key"][::10]) == list(frame["key"])
    np.testing.assert_allclose(right.reshape(-1, 10).sum(1) / 1000, frame["accuracy"])
    assert np.all(classes["support"] == 100)
    assert list(classes["class_name"][:10]) == list("0123456789")
    nothing = per_class([grid_of(study)], [], TEST_SETS)
    assert list(nothing.columns) == list(PER_CLASS_COLUMNS) and nothing.empty


def test_learning_curves_are_long():
    records = make_records(make_study(replicates=1), lambda trial: 0.5)
    long = curves(records)
    assert len(long) == 3 * 2 * 3  # trials, quantities, epochs
    first = long[(long["key"] == records[0].key) & (long["quantity"] == "train_loss")]
    assert list(first["epoch"]) == [1, 2, 3]
    assert list(first["value"]) == [2.0, 1.0, 0.5]
    assert curves([replace(records[0], curve={})]).empty
