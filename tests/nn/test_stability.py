"""The curvature below which an optimizer's steps do not grow, beside the steps themselves."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sweep.nn.optimizers import OPTIMIZERS

WITH_MOMENTUM = ("momentum", "nesterov", "one_step_momentum")


def growth(optimizer, curvature):
    """Return by how much the distance to the minimum of a parabola grows in 400 steps, as a logarithm."""
    params, state = np.array([1.0]), None
    state = optimizer.init(params)
    sizes = []
    for _ in range(800):
        state = optimizer.update(params, curvature * params, state, 1.0, None)
        sizes.append(np.log(np.abs(params[0]) + 1e-300))
    return max(sizes[-100:]) - max(sizes[300:400])


@given(
    st.sampled_from(["sgd", *WITH_MOMENTUM]),
    st.floats(0, 0.95),
    st.floats(1e-3, 10.0),
)
@settings(max_examples=60, deadline=None)
def test_steps_shrink_below_the_limit_and_grow_above_it(kind, momentum, learning_rate):
    values = {"momentum": momentum} if kind in WITH_MOMENTUM else {}
    optimizer = OPTIMIZERS[kind](learning_rate=learning_rate, **values)
    assert growth(optimizer, 0.97 * optimizer.stable_below) < 0
    assert growth(optimizer, 1.03 * optimizer.stable_below) > 0


def test_the_limit_of_sgd_is_two_over_the_learning_rate():
    assert OPTIMIZERS["sgd"](0.25).stable_below == 8
    assert OPTIMIZERS["momentum"](0.25, 0.5).stable_below == 12
    assert OPTIMIZERS["nesterov"](0.25, 0.5).stable_below == 6


@pytest.mark.parametrize("kind", ["adagrad", "adam", "rmsprop"])
def test_where_it_depends_on_earlier_gradients_there_is_no_limit(kind):
    assert OPTIMIZERS[kind]().stable_below is None
