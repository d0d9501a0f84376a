"""Optimisers against their formulas; parameters are changed where they are, or not at all."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nn_layers import FLOATS

from sweep.nn.layer import OuterProduct
from sweep.nn.optimisers import OPTIMISERS, add_outer_product, sgd

dtypes = pytest.mark.parametrize("dtype", FLOATS)
sizes = st.integers(1, 6)


def problem(rows, columns, samples, dtype, order="C"):
    rng = np.random.default_rng([rows, columns, samples])
    params, left, right = (
        rng.normal(size=shape).astype(dtype) for shape in ((rows, columns), (rows, samples), (columns, samples))
    )
    return params, OuterProduct(left, np.asarray(right, order=order))


@dtypes
@pytest.mark.parametrize("order", ["C", "F"])
@given(rows=sizes, columns=sizes, samples=sizes)
@settings(deadline=None, max_examples=50)
def test_sgd_on_an_outer_product(dtype, order, rows, columns, samples):
    params, gradient = problem(rows, columns, samples, dtype, order)
    before, left, right = params.copy(), gradient.left.copy(), gradient.right.copy()
    sgd(0.3).update(params, gradient, None)
    exact = before.astype(np.float64) - 0.3 * (left.astype(np.float64) @ right.astype(np.float64).T)
    np.testing.assert_allclose(params, exact, rtol=0, atol=64 * np.finfo(dtype).eps)
    np.testing.assert_array_equal(gradient.left, left)
    np.testing.assert_array_equal(gradient.right, right)


@dtypes
def test_sgd_on_an_array(dtype):
    params, outer = problem(3, 4, 5, dtype)
    gradient = outer.left @ outer.right.T
    before, gradient_before = params.copy(), gradient.copy()
    sgd(0.3).update(params, gradient, None)
    np.testing.assert_array_equal(params, before - np.asarray(0.3, dtype) * gradient)
    np.testing.assert_array_equal(gradient, gradient_before)
    assert params.dtype == dtype


@dtypes
@pytest.mark.parametrize("multiplied", [False, True])
def test_sgd_changes_the_vector_that_the_parameters_are_a_view_of(dtype, multiplied):
    params, gradient = problem(3, 4, 5, dtype)
    vector = np.concatenate([[7, 7], params.ravel(), [7, 7]]).astype(dtype)
    view = vector[2:-2].reshape(3, 4)
    sgd(0.3).update(view, gradient.left @ gradient.right.T if multiplied else gradient, None)
    assert (vector[2:-2] != params.ravel()).all()
    np.testing.assert_array_equal(vector[[0, 1, -2, -1]], 7)


def test_sgd_has_no_memory():
    params, gradient = problem(2, 2, 2, "float64")
    assert sgd().init(params) is None
    assert sgd().update(params, gradient, None) is None


def test_the_default_learning_rate_and_the_registered_kinds():
    assert {"sgd": sgd} == OPTIMISERS
    params = np.zeros(1)
    OPTIMISERS["sgd"]().update(params, np.ones(1), None)
    assert params == -0.01


@pytest.mark.parametrize(
    "unfit",
    [
        pytest.param(np.asfortranarray, id="Fortran-ordered"),
        pytest.param(lambda params: np.repeat(params, 2, axis=1)[:, ::2], id="every other column"),
        pytest.param(lambda params: np.repeat(params, 2, axis=0)[::2], id="every other row"),
        pytest.param(lambda params: params[::-1], id="reversed"),
        pytest.param(lambda params: params.astype(np.float16), id="float16"),
        pytest.param(lambda params: params.astype(np.longdouble), id="longdouble"),
        pytest.param(lambda params: params.astype(np.int64), id="int64"),
        pytest.param(lambda params: params.astype(params.dtype.newbyteorder()), id="foreign byte order"),
    ],
)
@dtypes
def test_parameters_that_blas_cannot_change_in_place_are_refused(dtype, unfit):
    params, gradient = problem(3, 4, 5, dtype)
    params = unfit(params)
    before = params.copy()
    with pytest.raises(ValueError, match="C-contiguous"):
        add_outer_product(params, 1.0, gradient)
    np.testing.assert_array_equal(params, before)
