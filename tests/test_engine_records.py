"""What a finished trial leaves: counts, curves, chosen weights, accuracies and a status."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from engine_setup import BASE, digits, finish, trial, trials
from factories import corruption_of
from gigo.engine.members import entropy, status
from gigo.engine.resident import Resident
from gigo.engine.training import EpochDone, TrainingStack, train
from gigo.models.networks import small_cnn
from gigo.recipe import Recipe
from gigo.sample import sample
from gigo.trial import Trial
from gigo.types import Record

SHORT = Recipe(batch_size=16, epochs=6, patience=2, plateau_patience=1, learning_rate=3e-3)
WHOLE = BASE.model_copy(update={"epochs": 4, "batch_size": 16, "learning_rate": 3e-3})


def only(one: Trial, resident: Resident) -> Record:
    return finish([one], resident)[0][one.key]


def accuracy(record: Record) -> float:
    return float((record.predictions == digits().dataset.tests["test"][1]).mean())


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
        assert {len(values) for values in record.curve.values()} == {record.epochs}
        assert all(type(value) is float for values in record.curve.values() for value in values)
        assert 1 <= record.best_epoch <= record.epochs <= SHORT.epochs
        assert record.stopped == "epochs" or record.epochs - record.best_epoch == SHORT.patience
        for predictions in (record.predictions, record.predictions_last):
            assert (predictions.dtype, predictions.shape) == (np.uint8, (450,))
        assert record.seconds > 0
        assert record.provenance["device"]
    epochs = [event.epoch for event in events]
    assert epochs == list(range(1, len(epochs) + 1))
    assert max(record.epochs for record in records.values()) == len(epochs)


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
            lengths.append(event.epochs)
    assert (done, last) == (len(members), 0)
    assert lengths == sorted(lengths)  # who is done earlier leaves earlier or together


def test_counts_tell_selected_from_changed() -> None:
    one = trial(digits(), rate=0.5, size=200, recipe=WHOLE)
    assert one.corruption is not None
    lenient = replace(one, corruption=corruption_of("symmetric", include_true=True))
    record = only(lenient, digits())
    part = sample(lenient, digits().dataset)
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
        assert record.best_epoch == np.argmax(watched) + 1
        assert accuracy(record) == max(watched)
        loss = record.curve["monitor_loss"][record.best_epoch - 1]
        assert record.log_loss == pytest.approx(loss, abs=1e-10)
        last = (record.predictions_last == digits().dataset.tests["test"][1]).mean()
        assert last == watched[-1]
        assert record.log_loss_last == pytest.approx(record.curve["monitor_loss"][-1], abs=1e-10)
    assert any(record.best_epoch < record.epochs for record in records.values())


def test_without_validation_the_last_weights_are_the_chosen_ones() -> None:
    record = only(trial(digits(), validation="none", recipe=SHORT), digits())
    assert record.best_epoch == record.epochs == SHORT.epochs
    assert record.stopped == "epochs"
    np.testing.assert_array_equal(record.predictions, record.predictions_last)
    assert record.log_loss == record.log_loss_last
    assert record.curve["learning_rate"] == [SHORT.learning_rate] * SHORT.epochs


def test_the_rates_of_the_curve_are_cut_where_the_accuracy_stands_still() -> None:
    recipe = SHORT.model_copy(update={"learning_rate": 1e-12, "patience": 4})
    record = only(trial(digits(), recipe=recipe), digits())
    assert record.curve["learning_rate"] == pytest.approx([1e-12, 1e-12, 1e-13, 1e-14, 1e-15])
    assert (record.best_epoch, record.epochs, record.stopped) == (1, 5, "patience")


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
        np.testing.assert_array_equal(record.predictions, test.argmax(1).numpy())
        truth = torch.tensor(resident.dataset.tests["test"][1])
        loss = float(nn.functional.cross_entropy(test, truth))
        assert record.log_loss == pytest.approx(loss, abs=1e-10)
        wrong = part.labels != part.true_labels
        memorised = (fitted == part.labels)[wrong]
        recovered = (fitted == part.true_labels)[wrong]
        clean = (fitted == part.labels)[~wrong]
        assert record.train_accuracy_corrupted == (memorised.mean() if wrong.any() else None)
        assert record.train_recovered == (recovered.mean() if wrong.any() else None)
        assert record.train_accuracy_clean == (None if wrong.all() else clean.mean())
        if validation == "clean":
            watched = record.curve["monitor_accuracy"][record.best_epoch - 1]
            assert watched == (held_out == part.held_out_labels).mean()


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=["float64", "float32"])
def test_under_oracle_a_record_is_what_looking_at_the_test_set_again_gives(
    dtype: torch.dtype,
) -> None:
    resident = digits(dtype)
    recipe = SHORT.model_copy(update={"learning_rate": 0.01, "epochs": 12})
    members = trials(resident, [0, 0.3, 0.6, 0.9], [0, 1, 2, 3], recipe=recipe)
    stack, waited, differ = TrainingStack(members, resident), 0, 0
    for epoch in range(1, recipe.epochs + 1):
        stack.run_epoch()
        stack.control.stopped[0] |= epoch == 1  # one of sixteen: it waits for the next
        again = look_again(stack)
        for record in stack.leave():
            assert_close(record, again[record.key], 1e-12 if dtype == torch.float64 else 1e-6)
            waited += record.epochs < epoch
            differ += (record.predictions != record.predictions_last).any()
        if not stack.members:
            break
    assert waited  # so that its own last epoch is not the stack's
    assert differ  # else chosen and last could have been mixed up


def look_again(stack: TrainingStack) -> dict[str, Record]:
    """The records of those who stopped, as if the test set had not been looked at."""
    rows = np.flatnonzero(stack.control.stopped)
    watched, stack.watched = stack.watched, None
    records = {record.key: record for record in stack._records(rows)} if len(rows) else {}
    stack.watched = watched
    return records


def assert_close(a: Record, b: Record, within: float) -> None:
    np.testing.assert_array_equal(a.predictions, b.predictions)
    np.testing.assert_array_equal(a.predictions_last, b.predictions_last)
    assert a.predictions.dtype == b.predictions.dtype == np.uint8
    assert [a.log_loss, a.log_loss_last] == pytest.approx([b.log_loss, b.log_loss_last], abs=within)


def test_a_model_learns_what_it_is_taught() -> None:
    recipe = BASE.model_copy(update={"epochs": 25, "batch_size": 16, "learning_rate": 3e-3})
    members = trials(digits(), [0, 0.3], [0], recipe=recipe, size=100, validation="none")
    clean, noisy = finish(members, digits())[0].values()
    assert clean.status == noisy.status == "ok"
    assert accuracy(clean) > 0.75 > accuracy(noisy) > 0.3
    assert clean.train_accuracy_clean == 1
    assert clean.train_accuracy_corrupted is clean.train_recovered is None
    assert noisy.train_accuracy_corrupted is not None
    assert noisy.train_accuracy_corrupted > 0.7  # so small a set is learned by heart


# Statuses


def test_a_rate_of_next_to_nothing_never_starts() -> None:
    recipe = SHORT.model_copy(update={"learning_rate": 1e-12})
    members = trials(digits(), [0, 0.5], [0, 1], recipe=recipe)
    for record in finish(members, digits())[0].values():
        assert record.status == "never_started"
        assert record.best_epoch == 1
        np.testing.assert_array_equal(record.predictions, record.predictions_last)


@pytest.mark.parametrize("validation", ["oracle", "clean", "none"])
def test_a_rate_far_too_high_diverges(validation: str) -> None:
    recipe = Recipe(optimizer="sgd", learning_rate=1e12, batch_size=16, epochs=9, patience=0)
    members = trials(digits(), [0, 0.5], [0, 1], recipe=recipe, validation=validation)
    for record in finish(members, digits())[0].values():
        assert record.status == "diverged"
        assert record.epochs < 9  # it stops at once
        assert record.stopped == "diverged"
        *before, last = record.curve["train_loss"]
        assert all(map(math.isfinite, before)) and not math.isfinite(last)
        assert record.log_loss_last is None


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
    assert (lost.status, lost.epochs, lost.best_epoch) == ("diverged", 2, 1)
    assert lost.log_loss is not None and lost.log_loss_last is None
    assert len(records) == 3
    for key, record in records.items():
        assert record.status == "ok"
        assert record.best_epoch == healthy[key].best_epoch
        np.testing.assert_array_equal(record.predictions, healthy[key].predictions)
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
