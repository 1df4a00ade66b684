"""Random crops and mirror images: what is shown, to whom, and that nothing else changes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from engine_setup import BASE, CPU, finish, largest_difference, made_up, trial, trials, weights
from gigo.engine.augmentation import draw_views, seen
from gigo.engine.resident import Inputs
from gigo.engine.training import TrainingStack
from gigo.recipe import Recipe
from gigo.resolve import resolve
from gigo.study import Study

AUGMENTED = BASE.model_copy(update={"flip": True, "crop": 2})
WORLD = made_up(8, torch.float64, channels=3)


def by_definition(image: np.ndarray, view: np.ndarray, crop: int) -> np.ndarray:
    """The padded (C, H, W) image's window, mirrored or not."""
    down, right, mirrored = view
    height, width = image.shape[1:]
    padded = np.pad(image, ((0, 0), (crop, crop), (crop, crop)))
    window = padded[:, crop + down :, crop + right :][:, :height, :width]
    return window[:, :, ::-1] if mirrored else window


@settings(max_examples=50, deadline=None)
@given(
    st.integers(1, 3), st.integers(2, 7), st.integers(2, 7), st.integers(0, 6), st.integers(0, 99)
)
def test_a_view_is_a_window_of_the_padded_image(
    channels: int, height: int, width: int, crop: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    images = rng.integers(1, 256, (5, channels, height, width), dtype=np.uint8)
    indices = rng.integers(0, 5, (2, 9))
    recipe = Recipe(crop=crop, flip=True)
    views = np.array([draw_views((seed, replicate), 0, 9, recipe) for replicate in (0, 1)])
    last = torch.tensor(images.transpose(0, 2, 3, 1))
    found = seen(last, torch.tensor(indices), torch.tensor(views)).numpy()
    for place in np.ndindex(2, 9):
        expected = by_definition(images[indices[place]], views[place], crop)
        assert np.array_equal(found[place].transpose(2, 0, 1), expected)


def test_views_are_uniform_and_independent() -> None:
    n, crop = 60_000, 2
    views = draw_views((0, 0), 3, n, Recipe(crop=crop, flip=True))
    assert views is not None
    assert views.min(0).tolist() == [-2, -2, 0] and views.max(0).tolist() == [2, 2, 1]
    cells = np.ravel_multi_index((views + np.array([2, 2, 0])).T, (5, 5, 2))
    counts = np.bincount(cells, minlength=50)
    chi_square = ((counts - n / 50) ** 2 / (n / 50)).sum()
    assert chi_square < 85.4  # the 0.999 quantile with 49 degrees of freedom


def test_only_what_the_recipe_names_is_varied() -> None:
    assert draw_views((0, 0), 0, 9, Recipe()) is None
    flipped = draw_views((0, 0), 0, 99, Recipe(flip=True))
    cropped = draw_views((0, 0), 0, 99, Recipe(crop=3))
    assert flipped is not None and cropped is not None
    assert not flipped[:, :2].any() and set(flipped[:, 2]) == {0, 1}
    assert not cropped[:, 2].any() and set(cropped[:, 0]) == set(range(-3, 4))


def test_views_change_with_epoch_and_replicate_only() -> None:
    recipe = Recipe(flip=True, crop=4, learning_rate=0.5)

    def drawn(seed: int, replicate: int, epoch: int) -> bytes:
        views = draw_views((seed, replicate), epoch, 50, recipe)
        assert views is not None
        return views.tobytes()

    assert drawn(0, 0, 0) == drawn(0, 0, 0)
    assert len({drawn(0, 0, 0), drawn(1, 0, 0), drawn(0, 1, 0), drawn(0, 0, 1)}) == 4


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
def test_own_images_in_views_are_laid_out_as_ever(dtype: torch.dtype) -> None:
    x = np.random.default_rng(0).integers(0, 256, (6, 3, 4, 5), dtype=np.uint8)
    inputs = Inputs(x, CPU, dtype)
    indices = torch.tensor([[0, 5, 2, 2], [1, 0, 3, 4]])
    views = torch.randint(-1, 2, (2, 4, 3))
    views[..., 2] = views[..., 2].clamp(0, 1)
    together = inputs.batch(indices, views)
    assert together.is_contiguous(memory_format=torch.channels_last)
    for i in (0, 1):
        alone = inputs.batch(indices[i], views[i])
        assert torch.equal(together[:, 3 * i : 3 * i + 3], alone)
    still = torch.zeros_like(views)
    assert torch.equal(inputs.batch(indices, still), inputs.batch(indices))


def test_a_member_is_shown_what_it_is_shown_alone() -> None:
    """Whatever the company: other rates, replicates and sizes; and members that leave."""
    fields = {"recipe": AUGMENTED, "validation": "none"}
    members = trials(WORLD, [0, 0.4], [0, 1], **fields)
    members += [trial(WORLD, size=23, replicate=1, **fields)]
    together = TrainingStack(members, WORLD)
    shared = TrainingStack(members[::2][:2], WORLD)
    assert shared.feed.shared and not together.feed.shared
    for stack in (together, shared):
        while stack.optimizer.steps < 45:  # 9 of 23 items' epochs of 3 steps fit 9 of 5 steps
            stack.run_epoch()
    for one in members:
        alone = TrainingStack([one], WORLD)
        for _ in range(9):
            alone.run_epoch()
        if alone.optimizer.steps == together.optimizer.steps:
            assert largest_difference(weights(together)[one.key], weights(alone)[one.key]) < 1e-8
        if one.key in weights(shared):
            assert largest_difference(weights(shared)[one.key], weights(alone)[one.key]) < 1e-8


def test_it_changes_training_and_not_what_is_judged() -> None:
    recipe = BASE.model_copy(update={"epochs": 2, "learning_rate": 1e-12})
    plain = trial(WORLD, recipe=recipe, validation="oracle")
    varied = replace(plain, recipe=recipe.model_copy(update={"flip": True, "crop": 3}))
    (a,), (b,) = (finish([one], WORLD)[0].values() for one in (plain, varied))
    # With weights that do not move, the test set looks the same, and the training items do not.
    np.testing.assert_allclose(a.curve["monitor_loss"], b.curve["monitor_loss"], rtol=1e-6)
    assert abs(a.curve["train_loss"][0] - b.curve["train_loss"][0]) > 1e-5
    assert abs(b.curve["train_loss"][1] - b.curve["train_loss"][0]) > 1e-5


def test_a_resumed_stack_goes_on_with_the_same_views() -> None:
    members = trials(WORLD, [0, 0.4], [0, 1], recipe=AUGMENTED, validation="none")
    members += [trial(WORLD, size=23, recipe=AUGMENTED, validation="none")]
    stack = TrainingStack(members, WORLD)
    for _ in range(3):
        stack.run_epoch()
    assert stack.feed.position.any()  # in mid-epoch for some
    resumed = TrainingStack(members, WORLD)
    resumed.restore(stack.state())
    for one in (stack, resumed):
        for _ in range(4):
            one.run_epoch()
    for key, mine in weights(stack).items():
        assert largest_difference(mine, weights(resumed)[key]) == 0


def test_every_way_of_showing_images_is_a_trial_of_its_own() -> None:
    one = trial(WORLD)
    keys = {
        replace(one, recipe=BASE.model_copy(update=options)).key
        for options in ({}, {"flip": True}, {"crop": 1}, {"crop": 2}, {"flip": True, "crop": 2})
    }
    assert len(keys) == 5


@pytest.mark.parametrize(
    ("recipe", "message"),
    [
        ({"crop": 8}, "recipe.crop = 8: expected less than the 8 pixels of digits"),
        ({"crop": -1}, "recipe.crop = -1"),
        ({"flip": "sideways"}, "recipe.flip = 'sideways'"),
    ],
)
def test_what_cannot_be_is_refused(recipe: dict[str, object], message: str) -> None:
    with pytest.raises(Exception, match=message.split(":")[0]) as raised:
        resolve(Study.create(dataset="digits", recipe=recipe))
    assert message in str(raised.value)
