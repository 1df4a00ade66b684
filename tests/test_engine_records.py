"""What a finished trial leaves: counts, curves, chosen weights, accuracies and a status."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from engine_setup import BASE, digits, finish, trial, trials
from factories import corruption_of, model_of
from gigo.engine.record import entropy, status
from gigo.engine.resident import Resident
from gigo.engine.training import EpochDone, TrainingStack, train
from gigo.measures import MEASURES
from gigo.metrics import measures
from gigo.models.networks import small_cnn
from gigo.recipe import Recipe
from gigo.records import Record
from gigo.sample import sample
from gigo.trial import Trial
from gigo.types import Dataset

SHORT = Recipe(batch_size=16, epochs=6, patience=2, plateau_patience=1, learning_rate=3e-3)
WHOLE = BASE.model_copy(update={"epochs": 4, "batch_size": 16, "learning_rate": 3e-3})


def only(one: Trial, resident: Resident) -> Record:
    return finish([one], resident)[0][one.key]


def accuracy(record: Record) -> float:
    return float((record.predictions["test"] == digits().dataset.tests["test"][1]).mean())


def trained(record: Record) -> int:
    assert record.epochs is not None
    return record.epochs


def best_epoch(record: Record) -> int:
    assert record.best_epoch is not None
    return record.best_epoch


# Counts and curves


@pytest.mark.parametrize("validation", ["oracle", "clean", "none"])
def test_counts_and_curves_fit_together(validation: str) -> None:
    members = trials(digits(), [0, 0.25, 1], [0, 1], recipe=SHORT, validation=validation)
    records, events = finish(members, digits())
    assert list(records) != [] and records.keys() == {one.key for one in members}
    for one in members:
        record = records[one.key]
        held_out = 8 if validation == "clean" else 0
        n = 40 - held_out
        selected = round(one.rate * n)
        assert (record.n_train, record.n_validation) == (n, held_out)
        assert (record.n_selected, record.n_changed) == (selected, selected)
        assert record.trial == one.to_json()
        monitored = {"monitor_accuracy", "monitor_loss"} if validation != "none" else set()
        assert record.curve.keys() == {"train_loss", "learning_rate"} | monitored
        assert {len(values) for values in record.curve.values()} == {trained(record)}
        assert all(type(value) is float for values in record.curve.values() for value in values)
        assert 1 <= best_epoch(record) <= trained(record) <= SHORT.epochs
        assert record.stopped == "epochs" or trained(record) - best_epoch(record) == SHORT.patience
        assert record.predictions.keys() == {"test"}
        predictions = record.predictions["test"]
        assert (predictions.dtype, predictions.shape) == (np.uint8, (450,))
        assert record.scores == {}  # ten classes
        assert accuracy(record) == record.measures["accuracy"]
        assert record.seconds > 0
        assert record.provenance["device"]
    epochs = [event.epoch for event in events]
    assert epochs == list(range(1, len(epochs) + 1))
    assert max(trained(record) for record in records.values()) == len(epochs)


def test_the_epochs_tell_who_is_still_training() -> None:
    members = trials(digits(), [0, 0.5, 1], [0, 1], recipe=SHORT, validation="clean")
    done, last = 0, len(members)
    lengths: list[int] = []
    for event in train(members, digits()):
        if isinstance(event, EpochDone):
            assert event.epochs == SHORT.epochs
            assert event.running <= event.width == len(members) - done
            assert event.running <= last
            last = event.running
        elif isinstance(event, Record):
            done += 1
            lengths.append(trained(event))
    assert (done, last) == (len(members), 0)
    assert lengths == sorted(lengths)  # who is done earlier leaves earlier or together


def test_counts_tell_selected_from_changed() -> None:
    lenient = corruption_of("symmetric", include_true=True)
    one = trial(digits(), rate=0.5, size=200, recipe=WHOLE)
    one = replace(one, corruption=lenient)
    record = only(one, digits())
    part = sample(one, digits().dataset)
    assert record.n_selected == 100 == part.touched.sum()
    assert record.n_changed == (part.labels != part.true_labels).sum() < 100


# Which weights are chosen


@pytest.mark.parametrize("rate", [0, 0.6])
def test_under_oracle_the_best_epochs_weights_predict_what_was_best(rate: float) -> None:
    resident = digits(torch.float64)
    recipe = SHORT.model_copy(update={"learning_rate": 0.01})
    members = trials(resident, [rate], [0, 1, 2], recipe=recipe, size=100)
    records, _ = finish(members, resident)
    for record in records.values():
        watched = record.curve["monitor_accuracy"]
        assert best_epoch(record) == np.argmax(watched) + 1
        assert accuracy(record) == max(watched)
        losses, found = record.curve["monitor_loss"], record.measures
        assert found["log_loss"] == pytest.approx(losses[best_epoch(record) - 1], abs=1e-10)
        assert found["accuracy_last"] == watched[-1]
        assert found["log_loss_last"] == pytest.approx(losses[-1], abs=1e-10)
    assert any(best_epoch(record) < trained(record) for record in records.values())


def test_without_validation_the_last_weights_are_the_chosen_ones() -> None:
    record = only(trial(digits(), validation="none", recipe=SHORT), digits())
    assert best_epoch(record) == trained(record) == SHORT.epochs
    assert record.stopped == "epochs"
    assert record.measures["accuracy"] == record.measures["accuracy_last"]
    assert record.measures["log_loss"] == record.measures["log_loss_last"]
    assert record.curve["learning_rate"] == [SHORT.learning_rate] * SHORT.epochs


def test_the_rates_of_the_curve_are_cut_where_the_accuracy_stands_still() -> None:
    recipe = SHORT.model_copy(update={"learning_rate": 1e-12, "patience": 4})
    record = only(trial(digits(), recipe=recipe), digits())
    assert record.curve["learning_rate"] == pytest.approx([1e-12, 1e-12, 1e-13, 1e-14, 1e-15])
    assert (best_epoch(record), trained(record), record.stopped) == (1, 5, "patience")


# Accuracies


def plain(stack: TrainingStack, tensors: dict[str, Tensor], member: int) -> nn.Module:
    """A member as an ordinary network."""
    network = small_cnn((1, 8, 8), 10).double()
    network.load_state_dict({name: tensor[member] for name, tensor in tensors.items()})
    return network


@pytest.mark.parametrize("validation", ["oracle", "clean"])
def test_accuracies_are_those_of_the_chosen_weights_by_hand(validation: str) -> None:
    resident = digits(torch.float64)
    members = trials(resident, [0, 0.5, 1], [0, 1], recipe=WHOLE, size=60, validation=validation)
    stack = TrainingStack(members, resident)
    for _ in range(WHOLE.epochs):
        stack.run_epoch()
    networks = {m.trial.key: plain(stack, stack.best, i) for i, m in enumerate(stack.members)}
    records = {record.key: record for record in stack.leave()}

    images = torch.tensor(resident.dataset.x_train).double()
    for one in members:
        record, network, part = records[one.key], networks[one.key], sample(one, resident.dataset)
        with torch.no_grad():
            fitted = network(images[part.rows]).argmax(1).numpy()
            test = network(torch.tensor(resident.dataset.tests["test"][0]).double())
            held_out = network(images[part.held_out]).argmax(1).numpy()
        found, predicted = record.measures, record.predictions["test"]
        np.testing.assert_array_equal(predicted, test.argmax(1).numpy())
        truth = resident.dataset.tests["test"][1]
        expected = measures(truth, predicted, 10, test.log_softmax(1).numpy())
        assert expected.keys() == MEASURES.keys() - {"roc_auc", "average_precision"}
        assert {name: found[name] for name in expected} == pytest.approx(expected, abs=1e-10)
        wrong = part.labels != part.true_labels
        memorised = (fitted == part.labels)[wrong]
        recovered = (fitted == part.true_labels)[wrong]
        clean = (fitted == part.labels)[~wrong]
        assert found.get("train_accuracy_corrupted") == (memorised.mean() if wrong.any() else None)
        assert found.get("train_recovered") == (recovered.mean() if wrong.any() else None)
        assert found.get("train_accuracy_clean") == (None if wrong.all() else clean.mean())
        if validation == "clean":
            watched = record.curve["monitor_accuracy"][best_epoch(record) - 1]
            assert watched == (held_out == part.held_out_labels).mean()


def test_last_weights_are_looked_at_where_they_are_not_the_chosen_ones() -> None:
    resident = digits(torch.float64)
    recipe = SHORT.model_copy(update={"learning_rate": 0.01, "epochs": 12})
    members = trials(resident, [0, 0.3, 0.6, 0.9], [0, 1, 2, 3], recipe=recipe)
    stack, waited, differ = TrainingStack(members, resident), 0, 0
    images = torch.tensor(resident.dataset.tests["test"][0]).double()
    truth = resident.dataset.tests["test"][1]
    ends: dict[str, float] = {}
    for epoch in range(1, recipe.epochs + 1):
        stack.run_epoch()
        stack.control.stopped[0] |= epoch == 1  # one of sixteen: it waits for the next
        for row in np.flatnonzero(stack.control.stopped).tolist():
            key = stack.members[row].trial.key
            with torch.no_grad():
                guess = plain(stack, stack.weights, row)(images).argmax(1).numpy()
            ends.setdefault(key, float((guess == truth).mean()))
        for record in stack.leave():
            assert record.measures["accuracy_last"] == ends[record.key]
            waited += trained(record) < epoch
            differ += record.measures["accuracy"] != record.measures["accuracy_last"]
        if not stack.members:
            break
    assert waited  # so that its own last epoch is not the stack's
    assert differ  # else chosen and last could have been mixed up


def two_classes() -> Dataset:
    """Sixty vectors of two classes, and two test sets, the second all of one class."""
    rng = np.random.default_rng(0)
    labels = np.arange(120) % 2
    x = (rng.normal(size=(120, 6)) + labels[:, None]).astype(np.float32)
    tests = {"test": (x[60:], labels[60:]), "far": (x[61:101:2] + 1, labels[61:101:2])}
    return Dataset("two", x[:60], labels[:60], tests, ("no", "yes"), "table", "2" * 64, "made up")


def test_two_classes_keep_their_scores_and_every_test_set_is_measured() -> None:
    resident = Resident(two_classes(), torch.device("cpu"), torch.float32)
    mlp = model_of("mlp", width=8, depth=1)
    members = trials(resident, [0, 0.5], [0, 1], model=mlp, recipe=WHOLE, validation="none")
    for record in finish(members, resident)[0].values():
        assert list(record.predictions) == list(record.scores) == ["test", "far"]
        assert list(resident.test_labels) == ["test", "far"]
        for name, (_, labels) in resident.dataset.tests.items():
            scores, before = record.scores[name], "" if name == "test" else "far/"
            assert (scores.dtype, scores.shape) == (np.float16, (len(labels), 2))
            np.testing.assert_allclose(np.exp(scores.astype(float)).sum(1), 1, atol=2e-3)
            np.testing.assert_array_equal(record.predictions[name], scores.argmax(1))
            again = measures(labels, record.predictions[name], 2, scores)  # of the rounded ones
            expected = (
                set(MEASURES)
                if not before
                else set(MEASURES)
                - {
                    "roc_auc",
                    "average_precision",
                }
            )
            assert again.keys() == expected
            stored = {measure: record.measures[f"{before}{measure}"] for measure in again}
            assert stored == pytest.approx(again, abs=2e-3)
            for which in ("accuracy", "log_loss"):
                assert record.measures[f"{before}{which}_last"] == stored[which]
        assert "far/roc_auc" not in record.measures  # of one class


def test_a_wide_stack_is_looked_at_in_parts() -> None:
    members = trials(digits(torch.float64), [0, 0.5], [0, 1, 2], recipe=WHOLE, size=60)
    whole, _ = finish(members, digits(torch.float64))
    stack = TrainingStack(members, digits(torch.float64), at_a_time=1)
    while stack.members:
        stack.run_epoch()
        for record in stack.leave():
            again = whole[record.key]
            np.testing.assert_array_equal(record.predictions["test"], again.predictions["test"])
            assert dict(record.measures) == pytest.approx(dict(again.measures), abs=1e-12)


def test_a_model_learns_what_it_is_taught() -> None:
    recipe = BASE.model_copy(update={"epochs": 25, "batch_size": 16, "learning_rate": 3e-3})
    members = trials(digits(), [0, 0.3], [0], recipe=recipe, size=100, validation="none")
    clean, noisy = finish(members, digits())[0].values()
    assert clean.status == noisy.status == "ok"
    assert accuracy(clean) > 0.75 > accuracy(noisy) > 0.3
    assert clean.measures["train_accuracy_clean"] == 1
    assert not {"train_accuracy_corrupted", "train_recovered"} & clean.measures.keys()
    # So small a set is learned by heart.
    assert noisy.measures["train_accuracy_corrupted"] > 0.7


# Statuses


def test_a_rate_of_next_to_nothing_never_starts() -> None:
    recipe = SHORT.model_copy(update={"learning_rate": 1e-12})
    members = trials(digits(), [0, 0.5], [0, 1], recipe=recipe)
    for record in finish(members, digits())[0].values():
        assert record.status == "never_started"
        assert best_epoch(record) == 1
        assert record.measures["accuracy"] == record.measures["accuracy_last"]


@pytest.mark.parametrize("validation", ["oracle", "clean", "none"])
def test_a_rate_far_too_high_diverges(validation: str) -> None:
    recipe = Recipe(optimizer="sgd", learning_rate=1e12, batch_size=16, epochs=9, patience=0)
    members = trials(digits(), [0, 0.5], [0, 1], recipe=recipe, validation=validation)
    for record in finish(members, digits())[0].values():
        assert record.status == "diverged"
        assert trained(record) < 9  # it stops at once
        assert record.stopped == "diverged"
        *before, last = record.curve["train_loss"]
        assert all(map(math.isfinite, before)) and not math.isfinite(last)
        assert "log_loss_last" not in record.measures
        assert all(map(math.isfinite, record.measures.values()))


@pytest.mark.parametrize("spoilt", [math.nan, math.inf])
def test_a_member_that_diverges_leaves_the_others_as_they_were(spoilt: float) -> None:
    resident = digits(torch.float64)
    members = trials(resident, [0, 0.5], [0, 1], recipe=WHOLE)
    healthy, _ = finish(members, resident)
    stack = TrainingStack(members, resident)
    stack.run_epoch()
    for parameter in stack.optimizer.parameters:
        parameter[1] = spoilt
    records: dict[str, Record] = {}
    while stack.members:
        stack.run_epoch()
        records |= {record.key: record for record in stack.leave()}
    lost = records.pop(members[1].key)
    assert (lost.status, lost.epochs, best_epoch(lost)) == ("diverged", 2, 1)
    assert "log_loss" in lost.measures and "log_loss_last" not in lost.measures
    assert len(records) == 3
    for key, record in records.items():
        assert record.status == "ok"
        assert best_epoch(record) == healthy[key].best_epoch
        np.testing.assert_array_equal(record.predictions["test"], healthy[key].predictions["test"])
        np.testing.assert_allclose(
            record.curve["train_loss"], healthy[key].curve["train_loss"], rtol=0, atol=1e-10
        )


def test_the_entropy_is_that_of_the_labels_alone() -> None:
    assert entropy(np.arange(10)) == pytest.approx(math.log(10))
    assert entropy(np.array([0, 0, 0, 1])) == pytest.approx(
        0.75 * math.log(4 / 3) + math.log(4) / 4
    )
    assert entropy(np.array([3, 3])) == 0


@pytest.mark.parametrize(
    ("share", "expected"), [(1.5, "never_started"), (0.981, "never_started"), (0.979, "ok")]
)
def test_a_model_has_started_below_98_percent_of_the_entropy(share: float, expected: str) -> None:
    labels = np.arange(40) % 4
    losses = [2.0, share * math.log(4), 3.0]  # the best epoch counts
    assert status(losses, labels) == expected
    assert status([*losses, math.inf], labels) == "diverged"
    assert status([math.nan, *losses], labels) == "diverged"
