"""Products in parts: how many samples one takes, and that all of them together are the whole."""

import os
import subprocess
import sys
from typing import get_args

import numpy as np
import pytest

from sweep.nn.initializers import normal
from sweep.nn.layers import matmul
from sweep.nn.layers.affine import affine
from sweep.nn.layers.matmul import faster, side_by_side, width
from tests.nn.layer_setup import FLOATS, both_ways, with_ones

dtypes = pytest.mark.parametrize("dtype", FLOATS)
forms = pytest.mark.parametrize("products", get_args(matmul.Products))


@pytest.mark.parametrize(
    ("units", "features", "samples", "expected"),
    [
        pytest.param(93, 784, 60, 12, id="the widest divisor whose result is small"),
        pytest.param(93, 784, 64, 8, id="a smaller one where that does not divide"),
        pytest.param(20, 784, 1000, 50, id="more for fewer units"),
        pytest.param(100, 2000, 25, 25, id="all where it would be too narrow"),
        pytest.param(93, 784, 59, 59, id="all where none divides"),
        pytest.param(93, 784, 10, 10, id="all where all are few"),
        pytest.param(2000, 784, 60, 60, id="all where no product is small"),
    ],
)
def test_width_of_a_product(units, features, samples, expected):
    assert width(units, features, samples, "narrow") == expected
    assert width(units, features, samples, "wide") == samples


def test_views_side_by_side_are_the_columns_in_order():
    x = np.arange(24.0).reshape(4, 6)
    for array in (x, np.asfortranarray(x)):
        views = side_by_side(array, 2)
        assert np.shares_memory(views, array)
        np.testing.assert_array_equal(np.concatenate(views, axis=1), x)


@forms
@dtypes
@pytest.mark.parametrize("order", "CF")
@pytest.mark.parametrize("biases", [normal(std=1.0), None])
def test_an_affine_layer_of_narrow_products_is_one_product(products, dtype, order, biases):
    rng = np.random.default_rng(0)
    layer = affine(93, normal(std=1.0), biases, products)
    params, _ = layer.init(rng, (784,), np.dtype(dtype))
    x = np.asarray(with_ones(rng.normal(size=(784, 60)).astype(dtype)), order=order)
    dy = rng.normal(size=(93, 60)).astype(dtype)
    y, _, _ = both_ways(layer, params, x, dy)
    exact = params.astype(np.float64) @ x[: params.shape[1]].astype(np.float64)
    np.testing.assert_allclose(y[:-1], exact, rtol=0, atol=2000 * np.finfo(dtype).eps)
    np.testing.assert_array_equal(y[-1], 1)


@pytest.mark.parametrize(("part", "expected"), [(0.5, "narrow"), (0.89, "narrow"), (0.95, "wide"), (1.3, "wide")])
def test_the_faster_products_are_taken_where_the_difference_is_clear(monkeypatch, part, expected):
    def seconds(left, right, out):
        np.matmul(left, right, out=out)
        return part if right.ndim == 3 else 1.0

    monkeypatch.setattr(matmul, "_seconds", seconds)
    assert faster() == expected


def test_a_kernel_that_packs_all_matrices_gets_wide_products():
    program = "from sweep.nn.layers.matmul import faster; from threadpoolctl import threadpool_info as f; "
    program += "print(faster(), *{pool.get('architecture') for pool in f() if pool['user_api'] == 'blas'})"
    environment = os.environ | {"OPENBLAS_CORETYPE": "Haswell"}
    ran = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    found, *kernels = ran.stdout.split()
    assert found == "wide" or kernels != ["Haswell"]  # other processors have other kernels
