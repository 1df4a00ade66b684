"""The optimisers against their formulas, written out."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from gigo.engine.optimizers import Optimizer
from gigo.recipe import Recipe

MEMBERS = 3
ADAM = Recipe()
ADAM_DECAYING = Recipe(epsilon=1e-3, weight_decay=0.1)
SGD = Recipe(optimizer="sgd", momentum=0.0)
SGD_HEAVY = Recipe(optimizer="sgd", momentum=0.9, weight_decay=0.01)
RECIPES = pytest.mark.parametrize(
    "recipe", [ADAM, ADAM_DECAYING, SGD, SGD_HEAVY], ids=["adam", "decaying", "sgd", "heavy"]
)


def parameters(dtype: torch.dtype = torch.float64) -> list[Tensor]:
    rng = torch.Generator().manual_seed(0)
    return [torch.randn(MEMBERS, *shape, generator=rng).to(dtype) for shape in [(4, 3), (5,)]]


def gradients(steps: int) -> list[list[Tensor]]:
    rng = torch.Generator().manual_seed(1)
    return [[torch.randn(p.shape, generator=rng) for p in parameters()] for _ in range(steps)]


def by_hand(
    recipe: Recipe, w: np.ndarray, rates: list[float], grads: list[np.ndarray]
) -> np.ndarray:
    """One member's tensor after steps at given rates.

    Adam: Kingma & Ba 2015, the efficient form at the end of section 2, as Keras has it.
    SGD: Polyak's momentum. Weight decay is added to the gradient.
    """
    first, second = np.zeros_like(w), np.zeros_like(w)
    for t, (rate, gradient) in enumerate(zip(rates, grads, strict=True), start=1):
        g = gradient + recipe.weight_decay * w
        if recipe.optimizer == "sgd":
            first = recipe.momentum * first + g
            w = w - rate * first
        else:
            first = 0.9 * first + 0.1 * g
            second = 0.999 * second + 0.001 * g**2
            scale = rate * (1 - 0.999**t) ** 0.5 / (1 - 0.9**t)
            w = w - scale * first / (second**0.5 + recipe.epsilon)
    return w


@RECIPES
def test_members_move_by_the_formula_each_at_its_own_rate(recipe: Recipe) -> None:
    schedule = [[0.1, 0.02, 0.1]] * 3 + [[0.1, 0.002, 0.05]] * 4
    steps = gradients(len(schedule))
    optimizer = Optimizer(recipe, parameters())
    for rates, each in zip(schedule, steps, strict=True):
        optimizer.set_rates(np.array(rates))
        optimizer.step(each)
    assert optimizer.steps == len(schedule)
    for place, start in enumerate(parameters()):
        for i in range(MEMBERS):
            rates = [row[i] for row in schedule]
            grads = [each[place][i].double().numpy() for each in steps]
            expected = by_hand(recipe, start[i].numpy(), rates, grads)
            np.testing.assert_allclose(
                optimizer.parameters[place][i].numpy(), expected, rtol=1e-9, atol=1e-12
            )


@RECIPES
def test_a_member_at_rate_0_is_left_untouched(recipe: Recipe) -> None:
    optimizer = Optimizer(recipe, parameters(torch.float32))
    first, second = gradients(2)
    optimizer.set_rates(np.array([0.1, 0.1, 0.1]))
    optimizer.step(first)
    before = [p[1].clone() for p in optimizer.parameters]
    moments = [m[1].clone() for moment in optimizer.moments for m in moment]
    optimizer.set_rates(np.array([0.1, 0.0, 0.1]))
    second[0][1] = torch.nan
    optimizer.step(second)
    assert all(torch.equal(p[1], was) for p, was in zip(optimizer.parameters, before, strict=True))
    now = [m[1] for moment in optimizer.moments for m in moment]
    assert all(torch.equal(m, was) for m, was in zip(now, moments, strict=True))
    assert not any(p.isnan().any() for p in optimizer.parameters)


@RECIPES
def test_rates_given_again_change_nothing(recipe: Recipe) -> None:
    once, often = Optimizer(recipe, parameters()), Optimizer(recipe, parameters())
    rates = np.array([0.1, 0.2, 0.3])
    once.set_rates(rates)
    for each in gradients(4):
        often.set_rates(rates)
        once.step(each)
        often.step(each)
    assert all(map(torch.equal, once.parameters, often.parameters))


@settings(max_examples=20, deadline=None)
@given(
    st.sampled_from([ADAM, SGD_HEAVY]),
    st.permutations(range(MEMBERS)),
    st.integers(1, MEMBERS),
    st.integers(0, 5),
)
def test_kept_members_go_on_as_if_the_others_were_there(
    recipe: Recipe, order: list[int], count: int, when: int
) -> None:
    rows = torch.tensor(order[:count])
    rates = np.array([0.1, 0.02, 0.1])
    whole, part = Optimizer(recipe, parameters()), Optimizer(recipe, parameters())
    whole.set_rates(rates)
    part.set_rates(rates)
    for t, each in enumerate(gradients(6)):
        if t == when:
            part.keep(rows)
            part.set_rates(rates[rows.numpy()])
        whole.step(each)
        part.step(each if t < when else [gradient[rows] for gradient in each])
    for a, b in zip(whole.parameters, part.parameters, strict=True):
        torch.testing.assert_close(a[rows], b, rtol=0, atol=1e-14)
