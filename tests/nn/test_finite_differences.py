"""Numerical derivatives: precise where a function is smooth, and right or None beside kinks and jumps."""

import numpy as np
import pytest

from sweep.nn.finite_differences import derivative


@pytest.mark.parametrize(("function", "slope"), [(np.sin, 1), (np.tanh, 1), (np.expm1, 1), (np.square, 0)])
def test_a_smooth_function_has_its_derivative_from_large_steps(function, slope):
    estimate = derivative(lambda t: 2 + float(function(t)), 2.0, 1.0, 2e-16, 0)
    assert abs(estimate.value - slope) <= estimate.rounding < 1e-11
    assert estimate.halvings <= 12


DISTANCES = [0, 1e-9, 3e-8, 1e-6, 1e-4, 0.01, 0.1556, 0.4737, 1, *np.random.default_rng(0).uniform(0, 2, 30)]


@pytest.mark.parametrize(("rest", "slope"), [(np.zeros_like, 0), (np.sin, 1), (np.exp, 1)], ids=["0", "sin", "exp"])
@pytest.mark.parametrize("kind", ["kink", "jump"])
def test_a_derivative_beside_a_kink_or_a_jump_is_right_or_none(rest, slope, kind):
    for distance in DISTANCES:

        def function(t, distance=distance):
            beyond = max(0.0, t - distance) if kind == "kink" else float(t > distance)
            return float(rest(t)) + 0.3 * beyond

        estimate = derivative(function, function(0.0), 1.0, 2e-16, 0)
        assert (estimate is None) == (distance < 1e-7)
        if estimate is not None:
            assert abs(estimate.value - slope) <= estimate.rounding
            assert distance <= 1e-5 or estimate.rounding < 1e-8
