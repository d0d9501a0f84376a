"""The gradient checker must itself be trusted: a right gradient passes, a gradient 0.1 % wrong does not."""

import numpy as np
import pytest

from sweep.nn.layer import OuterProduct
from tests.nn.numerical_gradients import TOLERANCE, assert_gradient, dense, numerical_gradient, relative_error


class Problem:
    """Σ w·sin(x), of which the gradient is known."""

    def __init__(self):
        rng = np.random.default_rng(0)
        self.x, self.w = rng.normal(size=(2, 3, 4))

    def value(self):
        return float(np.sum(self.w * np.sin(self.x)))

    def gradient(self):
        return self.w * np.cos(self.x)


def one_entry_wrong(gradient):
    gradient[1, 2] *= 1.001
    return gradient


FAULTS = {
    "0.1 % too long": lambda gradient: gradient * 1.001,
    "0.1 % too short": lambda gradient: gradient * 0.999,
    "one entry 0.1 % wrong": one_entry_wrong,
    "wrong sign": np.negative,
    "zero": np.zeros_like,
    "not a number": lambda gradient: gradient * np.nan,
    "entries exchanged": lambda gradient: gradient[::-1],
}


def test_a_right_gradient_is_accepted():
    problem = Problem()
    assert_gradient(problem.value, problem.x, problem.gradient())


@pytest.mark.parametrize("fault", FAULTS)
def test_a_wrong_gradient_is_caught(fault):
    problem = Problem()
    with pytest.raises(AssertionError, match="relative error"):
        assert_gradient(problem.value, problem.x, FAULTS[fault](problem.gradient()))


def test_a_gradient_of_another_shape_is_caught():
    problem = Problem()
    with pytest.raises(AssertionError):
        assert_gradient(problem.value, problem.x, problem.gradient()[:, :1])


def test_right_gradients_pass_with_room_to_spare_and_faults_fail_with_as_much():
    problem = Problem()
    numerical = numerical_gradient(problem.value, problem.x)
    assert relative_error(numerical, problem.gradient()) < TOLERANCE / 100
    assert relative_error(numerical, problem.gradient() * 1.001) > TOLERANCE * 100


def test_what_is_differentiated_is_left_as_it_was():
    problem = Problem()
    before = problem.x.copy()
    numerical_gradient(problem.value, problem.x)
    assert problem.x.tobytes() == before.tobytes()


def test_only_float64_is_precise_enough():
    with pytest.raises(AssertionError):
        numerical_gradient(lambda: 0.0, np.zeros(2, np.float32))


@pytest.mark.parametrize(
    ("numerical", "analytic", "error"),
    [([0, 0], [0, 0], 0), ([3, 4], [3, 4], 0), ([3, 4], [-3, -4], 1), ([3, 4], [0, 0], 1), ([3, 0], [1, 0], 0.5)],
)
def test_relative_error(numerical, analytic, error):
    assert relative_error(np.array(numerical), np.array(analytic)) == error


def test_dense_multiplies_an_outer_product_and_leaves_an_array():
    left, right = np.arange(6.0).reshape(2, 3), np.arange(12.0).reshape(4, 3)
    np.testing.assert_array_equal(dense(OuterProduct(left, right)), np.einsum("is,js->ij", left, right))
    assert dense(left) is left
