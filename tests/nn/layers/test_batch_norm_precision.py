"""Batch normalization of values that vary little beside their mean, such as 1e6 ± 1, in float32."""

import numpy as np
import pytest

from tests.nn.layer_setup import TRAIN, with_ones
from tests.nn.layers.test_batch_norm import EVALUATE, Problem, dtypes, overs, units_of


@dtypes
@overs
@pytest.mark.parametrize("shape", [(3,), (2, 3, 5)], ids=str)
@pytest.mark.parametrize("mean", [0.0, 1e3, 1e6, -1e6])
def test_evaluation_is_exact_where_values_vary_little_beside_their_mean(dtype, over, shape, mean):
    """A float32 of 1e6 has steps of 0.06: the running mean must not be rounded to one, in training or evaluation."""
    problem = Problem(over, shape, 50, dtype, writeable=True, statistics="cumulative")
    exact = Problem(over, shape, 50, "float64", writeable=True, statistics="cumulative")
    exact.params[:] = problem.params
    rng, state = np.random.default_rng(0), problem.state
    for _ in range(5):
        units_of(problem.x, shape)[...] = mean + rng.normal(size=problem.units.shape)
        _, state, _ = problem.layer.forward(problem.params, state, problem.x, problem.fresh_work(), TRAIN)
    exact.x[...] = problem.x
    largest = np.abs(problem.params).max()
    tolerance = 64 * np.finfo(dtype).eps * largest
    np.testing.assert_allclose(problem.forward(EVALUATE, state), exact.forward(EVALUATE, state), atol=tolerance)


@dtypes
@overs
def test_the_running_mean_of_large_values_is_that_of_float64(dtype, over):
    states = {}
    for kind in (dtype, "float64"):
        problem = Problem(over, (4,), 50, kind, statistics="cumulative")
        rng, state = np.random.default_rng(0), problem.state
        for _ in range(5):
            problem.x = with_ones((1e6 + rng.normal(size=(4, 50))).astype("float32").astype(kind))
            _, state, _ = problem.layer.forward(problem.params, state, problem.x, problem.fresh_work(), TRAIN)
        states[kind] = state
    np.testing.assert_allclose(states[dtype].mean, states["float64"].mean, rtol=1e-12)
    np.testing.assert_allclose(states[dtype].variance, states["float64"].variance, rtol=1e-5)
