"""Refs and grids: what a study may name, what it is known by, and what a run keeps of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import cloudpickle
import numpy as np
import pytest
from torch import nn

from factories import card_of, cells_of, make_study, trials_of
from gigo import axes
from gigo.axes import AXES, Cell
from gigo.errors import SpecError
from gigo.grid import MOST_TRIALS, Grid
from gigo.ref import Ref
from gigo.resolve import corruption, own_data, resolve
from gigo.resolve.rates import Possible
from gigo.rng import Stream
from gigo.sample import sample
from gigo.schedule import Schedule
from gigo.study import Study
from gigo.testing import small_dataset
from gigo.types import Dataset, Labels, Watch

FILE = """
from torch import nn

def net(input_shape, n_classes, width=4):
    size = 1
    for side in input_shape:
        size *= side
    hidden = nn.Linear(size, width)
    return nn.Sequential(nn.Flatten(), hidden, nn.ReLU(), nn.Linear(width, n_classes))

def next_class(n_classes):
    import numpy as np
    return np.roll(np.eye(n_classes), 1, axis=1)
"""


def flat(input_shape: tuple[int, ...], n_classes: int) -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(int(np.prod(input_shape)), n_classes))


def backwards(dataset: Dataset, items: Labels, stream: Stream, *, to: int = 0) -> Schedule:
    """The last item first; each becomes class ``to``."""
    return Schedule(np.arange(len(items))[::-1], np.full(len(items), to))


def two_blobs(n: int = 30) -> Dataset:
    """2 features, 3 classes."""
    y = np.arange(n) % 3
    x = np.stack([y, -y], axis=1).astype(np.float32)
    return Dataset("blobs", x, y, {"test": (x[:9], y[:9])}, ("a", "b", "c"), "vector", "b" * 64, "")


def keys(**fields: Any) -> set[str]:
    return set(trials_of(make_study(**fields)))


def refused(act: Callable[[], object]) -> str:
    with pytest.raises(SpecError) as caught:
        act()
    return str(caught.value)


# The axes


def test_axes_are_those_of_cells_and_studies() -> None:
    assert [*AXES] == [field.name for field in fields(Cell)]
    assert {*axes.FIELDS} <= set(Study.model_fields)
    assert (*axes.POINT, *axes.SETTINGS) == tuple(AXES)


def test_tables_name_what_cells_hold() -> None:
    (cell, *_) = cells_of(make_study(corruption={"name": "symmetric", "include_true": True}))
    assert cell.labels == {
        "dataset": "digits",
        "size": 200,
        "corruption": "symmetric include_true=True",
        "rate": 0.0,
        "model": "small_cnn",
        "recipe": "auto",
        "validation": "clean",
    }


# Models


def test_a_model_may_be_in_a_file(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text(FILE)
    grid = resolve(make_study(model={"name": f"{path}:net", "width": 7}))
    (model,) = grid.models["digits"]
    assert model.label in (f"{path}:net width=7", "mine.py:net width=7")  # a long path is cut
    network = model.value((1, 8, 8), 10)
    assert [tuple(p.shape) for p in network.parameters()] == [(7, 64), (7,), (10, 7), (10,)]


def test_a_file_counts_by_its_content_and_not_by_its_place(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "mine.py").write_text(FILE)
    model = [{"name": f"{tmp_path / folder}/mine.py:net"} for folder in ("a", "b")]
    identities = [resolve(make_study(model=each)).models["digits"][0].to_json() for each in model]
    for plain, folder in zip(identities, ("a", "b"), strict=True):
        assert plain.pop("file") and plain["name"] == "net", folder
    assert keys(model=model[0]) == keys(model=model[1])
    before = keys(model=model[0])
    (tmp_path / "a" / "mine.py").write_text(FILE + "# other\n")
    assert keys(model=model[0]).isdisjoint(before)


def test_a_model_may_be_in_an_installed_module() -> None:
    (model,) = resolve(make_study(model="gigo.models.networks:linear")).models["digits"]
    assert model.value((3,), 2)[0].weight.shape == (2, 3)
    assert "torch" in Ref(name="torch.nn:Linear").identity["versions"]


def test_a_model_that_does_not_take_the_items_is_refused_with_its_reason() -> None:
    with pytest.raises(SpecError, match=r"^model = 'torch.nn:Linear': .* 8x8 images of digits"):
        resolve(make_study(model="torch.nn:Linear"))


def test_a_model_may_be_an_object() -> None:
    (model,) = resolve(make_study(model=flat)).models["digits"]
    assert model.label == "flat"
    assert model.value is not None and len(list(model.value((1, 8, 8), 10))) == 2
    # It is known by its module's file; a lambda by nothing: each study with it is another one.
    assert keys(model=flat, rates=0) == keys(model=flat, rates=0)
    (own,) = [lambda shape, n: flat(shape, n)]
    assert keys(model=own, rates=0).isdisjoint(keys(model=own, rates=0))


def test_an_object_with_a_key_is_known_again() -> None:
    named = [{"name": flat, "key": key} for key in ("mine 1", "mine 1", "mine 2")]
    first, again, other = (keys(model=each) for each in named)
    assert first == again
    assert first.isdisjoint(other)


def test_whole_numbers_have_bounds() -> None:
    wide = {"name": "mlp", "width": 2**63 - 1}
    assert "less than" in refused(lambda: resolve(make_study(model=wide)))
    for field in ("batch_size", "epochs", "patience"):
        huge = {field: 99999999999999999999}
        assert "less than" in refused(lambda huge=huge: make_study(recipe=huge))
    assert "size = " in refused(lambda: make_study(size=2**40))


# Corruptions


def test_a_matrix_in_a_file_is_a_corruption_with_its_cliffs(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text(FILE)
    study = make_study(corruption=f"{path}:next_class", rates=[0, 0.5])
    grid = resolve(study)
    assert grid.cliffs["digits"][f"{path}:next_class"] == (0.5,) * 10
    trial = next(trial for trial in grid.trials.values() if trial.rate)
    found = sample(trial, trial.dataset.load(lambda *_: None))
    wrong = found.touched
    assert wrong.sum() == 80
    assert (found.labels[wrong] == (found.true_labels[wrong] + 1) % 10).all()


def test_a_schedule_of_ones_own_is_a_corruption() -> None:
    corruption = {"name": backwards, "key": "backwards", "to": 3}
    grid = resolve(make_study(corruption=corruption, rates=[0.25], validation="none"))
    assert grid.cliffs["digits"] == {}
    (trial, *_) = grid.trials.values()
    found = sample(trial, trial.dataset.load(lambda *_: None))
    assert found.touched.tolist() == [False] * 150 + [True] * 50
    assert set(found.labels[150:].tolist()) == {3}


def test_options_may_be_lists_tables_and_arrays() -> None:
    """However they are given, it is the same corruption."""
    items = np.eye(12, dtype=np.float32)[[*range(1, 11)] * 4]
    data = own_data(items, [*range(1, 11)] * 4)
    uniform = np.full((10, 10), 0.1)
    same: list[list[dict[str, Any]]] = [
        [{"map": {10: 2, 9: 1}}, {"map": {"9": 1, "10": 2}}],
        [{"T": uniform, "called": "any"}, {"T": uniform.tolist(), "called": "any"}],
    ]
    for name, options in zip(("asymmetric", "transition"), same, strict=True):
        one, other = (
            make_study(
                dataset=data,
                model="linear",
                size="all",
                corruption={"name": name, **each},
                rates=0.1,
            )
            for each in options
        )
        assert resolve(one).corruptions == resolve(other).corruptions


def test_corruptions_of_one_name_are_refused() -> None:
    kinds = [{"name": name, "called": "a"} for name in ("symmetric", "pair")]
    with pytest.raises(SpecError, match="expected corruptions that tables can tell apart"):
        resolve(make_study(corruption=kinds))


def test_placement_is_part_of_what_a_corruption_is() -> None:
    assert keys(rates=0.5).isdisjoint(keys(rates=0.5, placement="tail"))
    assert keys(rates=0) == keys(rates=0, placement="tail")


# Data sets


def test_a_data_set_may_come_from_a_function() -> None:
    study = Study.create(dataset={"name": two_blobs, "n": 24}, model="linear", size=[12, "all"])
    grid = resolve(study)
    (card,) = grid.datasets
    assert (card.name, card.n_train, card.n_test, card.n_classes) == ("blobs", 24, 9, 3)
    assert card.input_shape == (2,)
    assert {cell.size for cell in grid.cells} == {12, 24}
    assert len(card.load(lambda *_: None).y_train) == 24


def test_what_gives_no_data_set_is_refused() -> None:
    assert "function that gives one" in refused(lambda: resolve(Study.create(dataset=dict)))


# Grids


def test_a_grid_survives_json_without_its_things() -> None:
    grid = resolve(make_study(model=["small_cnn", {"name": "mlp", "width": 9}]))
    again = Grid.from_json(json.loads(json.dumps(grid.to_json())))
    assert again == grid
    assert list(again.trials) == list(grid.trials)
    assert all(model.value is None for model in again.models["digits"])
    (trial, *_) = again.trials.values()
    with pytest.raises(RuntimeError, match="resolve its study"):
        trial.dataset.load(lambda *_: None)


def test_a_grid_without_bounds_is_refused_at_once() -> None:
    message = refused(lambda: resolve(make_study(replicates=10**9)))
    assert message == f"trials = {6 * 10**9}: expected at most {MOST_TRIALS:,} in one study"


def test_everything_in_a_trial_can_be_sent_to_another_process(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text(FILE)
    study = make_study(model=f"{path}:net", corruption=f"{path}:next_class")
    (trial, *_) = resolve(study).trials.values()
    sent = cloudpickle.loads(cloudpickle.dumps(trial))
    assert sent == trial and sent.key == trial.key
    assert sent.model.value((1, 8, 8), 10)(__import__("torch").zeros(1, 1, 8, 8)).shape == (1, 10)


def test_refs_to_other_objects_differ() -> None:
    assert Ref.of(flat, key="a") == Ref.of(flat, key="a")
    assert Ref.of(flat, key="a") != Ref.of(flat, key="b")
    assert Ref(name="flat") != Ref.of(flat, key="a")


@pytest.mark.parametrize(("field", "value"), [("flip", True), ("crop", 1)])
@pytest.mark.parametrize("kind", ["vector", "table"])
def test_only_images_are_augmented(kind: Any, field: str, value: int) -> None:
    study = Study.create(dataset=small_dataset(kind), model="forest", recipe={field: value})
    said = f"recipe.{field} = {value}: expected images, which small-{kind} has not"
    assert refused(lambda: resolve(study)) == said


def test_features_are_not_augmented() -> None:
    fields = {"dataset": "digits", "recipe": {"flip": True}}
    resolve(Study.create(model="patches", **fields))  # an estimator has no recipe
    network = {"name": "mlp", "features": "patches", "called": "mine"}
    message = refused(lambda: resolve(Study.create(model=["patches", network], **fields)))
    assert message == (
        "recipe.flip = True: expected none for mine: its features are made once, of whole images"
    )


def test_data_are_read_once_for_the_rates_of_all_corruptions() -> None:
    data, read = small_dataset("image"), list[str]()

    def load(watch: Watch) -> Dataset:
        read.append(data.name)
        return data

    card = replace(card_of(data), load=load)
    kinds = [corruption(Ref(name=name)) for name in ("blur", "open_set", "trigger")]
    possible = Possible(card, make_study(dataset=data, size="all"))
    found = possible.below(kinds)
    assert [*found] == ["trigger"] and found["trigger"] == pytest.approx(2 / 3)
    with pytest.raises(SpecError, match=r"at most 0\.6667 for trigger"):
        possible.check("rates", 0.7, kinds[2])
    assert len(read) == 1
