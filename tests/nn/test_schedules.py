"""Learning-rate schedules and penalties against values worked by hand."""

from itertools import pairwise

import numpy as np
import pytest

from sweep.nn.penalties import Penalty
from sweep.nn.schedules import SCHEDULES, constant, cosine, decay, of_steps, step, warmup


@pytest.mark.parametrize("kind", SCHEDULES)
def test_every_schedule_begins_with_the_whole_learning_rate_and_never_grows(kind):
    factors = [SCHEDULES[kind]()(epoch, 50) for epoch in range(1, 51)]
    assert factors[0] == 1
    assert all(later <= earlier for earlier, later in pairwise(factors))
    assert factors[-1] > 0


def test_constant():
    assert {constant()(epoch, 9) for epoch in range(1, 10)} == {1.0}


def test_decay_compounds():
    factors = [decay(0.5)(epoch, 9) for epoch in (1, 2, 3, 4)]
    assert factors == pytest.approx([1, 1 / 1.5, 1 / 1.5 / 2, 1 / 1.5 / 2 / 2.5])


def test_step():
    assert [step(2, 0.5)(epoch, 9) for epoch in range(1, 7)] == [1, 1, 0.5, 0.5, 0.25, 0.25]


def test_cosine():
    assert [cosine()(epoch, 4) for epoch in (1, 3)] == pytest.approx([1, 0.5])
    assert cosine()(2, 4) == pytest.approx((1 + np.sqrt(0.5)) / 2)


def steps_of(schedule, epochs, steps):
    return [factor for epoch in range(1, epochs + 1) for factor in of_steps(schedule, epoch, epochs, steps)]


@pytest.mark.parametrize("kind", sorted(SCHEDULES.keys() - {"warmup"}))
def test_every_step_of_an_epoch_has_its_factor(kind):
    schedule = SCHEDULES[kind]()
    assert steps_of(schedule, 30, 3) == [schedule(epoch, 30) for epoch in range(1, 31) for _ in range(3)]


def test_a_warm_up_rises_in_equal_steps_and_ends_within_its_epochs():
    assert steps_of(warmup(), 3, 4) == [0.25, 0.5, 0.75, *[1.0] * 9]
    assert steps_of(warmup(1.5), 2, 4) == pytest.approx([1 / 6, 2 / 6, 3 / 6, 4 / 6, 5 / 6, 1, 1, 1])
    assert steps_of(warmup(0.5), 1, 4) == [0.5, 1.0, 1.0, 1.0]
    assert steps_of(warmup(0.1), 1, 4) == [1.0] * 4
    assert steps_of(warmup(100), 2, 1) == [0.01, 0.02]


@pytest.mark.parametrize("kind", sorted(SCHEDULES.keys() - {"warmup"}))
def test_after_a_warm_up_the_other_schedule_follows(kind):
    then = SCHEDULES[kind]()
    found, expected = steps_of(warmup(2, then), 30, 3), steps_of(then, 30, 3)
    assert found[6:] == expected[6:]
    np.testing.assert_allclose(found[:6], np.arange(1, 7) / 6 * expected[:6])


def test_a_warm_up_called_for_an_epoch_gives_the_factor_of_its_last_step():
    schedule = warmup(3, cosine())
    assert [schedule(epoch, 9) for epoch in range(1, 10)] == steps_of(schedule, 9, 5)[4::5]


def cost(penalty, weights):
    return penalty.l1 * np.abs(weights).sum() + penalty.l2 / 2 * (weights**2).sum()


@pytest.mark.parametrize("penalty", [Penalty(0.3), Penalty(l2=0.7), Penalty(0.3, 0.7)])
def test_the_gradient_is_that_of_the_cost(penalty):
    weights = np.array([[1.0, -2.0], [0.5, 4.0]])
    gradient = np.ones_like(weights)
    penalty.add_gradient(weights, gradient)
    for index in np.ndindex(weights.shape):
        ends = []
        for move in (1e-6, -1e-6):
            moved = weights.copy()
            moved[index] += move
            ends.append(cost(penalty, moved))
        assert gradient[index] - 1 == pytest.approx((ends[0] - ends[1]) / 2e-6, rel=1e-7)
