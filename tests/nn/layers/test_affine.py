"""The affine layer against plain products, and its gradients."""

import numpy as np
import pytest

from sweep.nn.initializers import normal, ones, zeros
from sweep.nn.layer import OuterProduct
from sweep.nn.layers.affine import affine
from sweep.nn.optimizers import add_outer_product
from tests.nn.layer_setup import FLOATS, both_ways, forward, with_ones
from tests.nn.numerical_gradients import assert_gradient, dense


class Problem:
    """An affine layer from 3 features to 4 units, with 5 samples and a gradient that comes from above."""

    def __init__(self, dtype="float64", order="C"):
        rng = np.random.default_rng(0)
        self.layer = affine(4, normal(std=1.0), normal(std=1.0))
        self.params, _ = self.layer.init(rng, (3,), np.dtype(dtype))
        # The first layer gets the transpose of a batch of rows.
        self.x = np.asarray(with_ones(rng.normal(size=(3, 5)).astype(dtype)), order=order)
        self.dy = rng.normal(size=(4, 5)).astype(dtype)

    def value(self):
        return float(np.sum(self.dy * forward(self.layer, self.params, self.x)))

    def both_ways(self, need_dx=True):
        return both_ways(self.layer, self.params, self.x, self.dy, need_dx)


orders = pytest.mark.parametrize("order", ["C", "F"])
dtypes = pytest.mark.parametrize("dtype", FLOATS)


@orders
@dtypes
def test_forward_is_weights_times_x_plus_biases(dtype, order):
    problem = Problem(dtype, order)
    W, b, x = problem.params[:, :-1], problem.params[:, -1], problem.x[:-1]
    expected = [[sum(W[i, j] * x[j, s] for j in range(3)) + b[i] for s in range(5)] for i in range(4)]
    y, _, _ = problem.both_ways()
    assert y.dtype == dtype
    assert y.shape == (5, 5)
    np.testing.assert_allclose(y[:-1], expected, rtol=0, atol=16 * np.finfo(dtype).eps)
    assert (y[-1] == 1).all()


@orders
def test_gradient_of_the_weights_and_biases(order):
    problem = Problem(order=order)
    _, _, gradient = problem.both_ways()
    assert isinstance(gradient, OuterProduct)
    assert_gradient(problem.value, problem.params, dense(gradient))
    np.testing.assert_allclose(dense(gradient)[:, -1], problem.dy.sum(1), rtol=1e-12)


@orders
def test_gradient_of_the_input_leaves_the_row_of_ones_out(order):
    problem = Problem(order=order)
    _, dx, _ = problem.both_ways()
    assert_gradient(problem.value, problem.x[:-1], dx)


@orders
@dtypes
def test_the_outer_product_is_not_multiplied_and_keeps_the_dtype(dtype, order):
    problem = Problem(dtype, order)
    _, dx, gradient = problem.both_ways()
    assert gradient.left is problem.dy
    assert gradient.right is problem.x
    assert dx.dtype == dtype
    full = np.zeros((4, 4))
    for sample in range(5):
        full += np.outer(problem.dy[:, sample].astype(np.float64), problem.x[:, sample].astype(np.float64))
    np.testing.assert_allclose(dense(gradient), full, rtol=0, atol=32 * np.finfo(dtype).eps)


def test_dx_is_left_out_where_it_is_not_needed():
    problem = Problem()
    _, dx, gradient = problem.both_ways(need_dx=False)
    assert dx is None
    np.testing.assert_array_equal(dense(gradient), dense(problem.both_ways()[2]))


def test_init_puts_the_biases_in_the_last_column():
    W, state = affine(2, ones(), zeros()).init(np.random.default_rng(0), (3,), np.dtype("float32"))
    np.testing.assert_array_equal(W, [[1, 1, 1, 0], [1, 1, 1, 0]])
    assert W.dtype == np.float32
    assert W.flags.c_contiguous
    assert state is None


def test_init_hands_fan_in_and_fan_out_to_both_initializers():
    seen = []

    def recording(rng, fan_in, fan_out, shape):
        seen.append((fan_in, fan_out, shape))
        return np.zeros(shape)

    affine(2, recording, recording).init(np.random.default_rng(0), (3,), np.dtype("float64"))
    assert seen == [(3, 2, (2, 3)), (3, 2, (2,))]


@orders
@dtypes
def test_without_biases_it_is_the_layer_whose_biases_are_0(dtype, order):
    problem = Problem(dtype, order)
    plain = affine(4, normal(std=1.0), None)
    params, _ = plain.init(np.random.default_rng(0), (3,), np.dtype(dtype))
    assert params.tobytes() == np.ascontiguousarray(problem.params[:, :-1]).tobytes()
    assert plain.weights(params) is params
    problem.params[:, -1] = 0
    y, dx, gradient = problem.both_ways()
    plain_y, plain_dx, plain_gradient = both_ways(plain, params, problem.x, problem.dy)
    tolerance = 16 * np.finfo(dtype).eps
    np.testing.assert_allclose(plain_y, y, atol=tolerance)
    np.testing.assert_allclose(plain_dx, dx, atol=tolerance)
    np.testing.assert_allclose(dense(plain_gradient), dense(gradient)[:, :-1], atol=tolerance)

    moved = params.copy()
    add_outer_product(moved, -0.5, plain_gradient)
    np.testing.assert_allclose(moved, params - 0.5 * dense(plain_gradient), atol=tolerance)


def test_shape_is_the_number_of_units():
    assert affine(7, zeros(), zeros()).shape((3,)) == (7,)
