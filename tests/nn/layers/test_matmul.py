"""Products in parts: how many samples one takes, and that all of them together are the whole."""

import numpy as np
import pytest

from sweep.nn.initializers import normal
from sweep.nn.layers import matmul as products
from sweep.nn.layers.affine import affine
from sweep.nn.layers.matmul import narrow, side_by_side
from tests.nn.layer_setup import FLOATS, both_ways, with_ones

dtypes = pytest.mark.parametrize("dtype", FLOATS)
kernels = pytest.mark.parametrize("small_kernels", [False, True])


@pytest.mark.parametrize(
    ("units", "features", "samples", "width"),
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
def test_width_of_a_product(monkeypatch, units, features, samples, width):
    monkeypatch.setattr(products, "spares_packing", lambda: True)
    assert narrow(units, features, samples) == width
    monkeypatch.setattr(products, "spares_packing", lambda: False)
    assert narrow(units, features, samples) == samples


def test_views_side_by_side_are_the_columns_in_order():
    x = np.arange(24.0).reshape(4, 6)
    for array in (x, np.asfortranarray(x)):
        views = side_by_side(array, 2)
        assert np.shares_memory(views, array)
        np.testing.assert_array_equal(np.concatenate(views, axis=1), x)


@kernels
@dtypes
@pytest.mark.parametrize("order", "CF")
@pytest.mark.parametrize("biases", [normal(std=1.0), None])
def test_an_affine_layer_of_narrow_products_is_one_product(monkeypatch, small_kernels, dtype, order, biases):
    monkeypatch.setattr(products, "spares_packing", lambda: small_kernels)
    rng = np.random.default_rng(0)
    layer = affine(93, normal(std=1.0), biases)
    params, _ = layer.init(rng, (784,), np.dtype(dtype))
    x = np.asarray(with_ones(rng.normal(size=(784, 60)).astype(dtype)), order=order)
    dy = rng.normal(size=(93, 60)).astype(dtype)
    y, _, _ = both_ways(layer, params, x, dy)
    exact = params.astype(np.float64) @ x[: params.shape[1]].astype(np.float64)
    np.testing.assert_allclose(y[:-1], exact, rtol=0, atol=2000 * np.finfo(dtype).eps)
    np.testing.assert_array_equal(y[-1], 1)


def test_this_process_tells_its_kernels(monkeypatch):
    for architecture, expected in (("SkylakeX", True), ("Haswell", False), (None, False)):
        pool = {"architecture": architecture} if architecture else {}
        monkeypatch.setattr(products, "threadpool_info", lambda pool=pool: [pool])
        assert products.spares_packing.__wrapped__() is expected
