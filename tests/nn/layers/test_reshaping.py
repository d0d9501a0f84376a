"""From vectors to images and back: where each number goes."""

import numpy as np
import pytest

from sweep.nn.layers.reshaping import flatten, image
from tests.nn.layer_setup import FLOATS, TRAIN, both_ways, with_ones

orders = pytest.mark.parametrize("order", ["C", "F"])
dtypes = pytest.mark.parametrize("dtype", FLOATS)
SHAPE = (3, 4, 5)  # channels, rows, columns


def batch(samples, dtype="float64", order="C", seed=0):
    """Return (examples as a data set keeps them, the same as vectors)."""
    examples = np.random.default_rng(seed).normal(size=(samples, *SHAPE)).astype(dtype)
    # The first layer gets the transpose of a batch of rows.
    return examples, np.asarray(with_ones(examples.reshape(samples, -1).T), order=order)


@dtypes
@orders
@pytest.mark.parametrize("samples", [1, 2, 16, 17, 40])
def test_image_is_row_channel_column_sample(samples, order, dtype):
    examples, x = batch(samples, dtype, order)
    dy = np.random.default_rng(1).normal(size=(4, 3, 5, samples)).astype(dtype)
    y, dx, gradient = both_ways(image(SHAPE), None, x, dy)
    assert y.dtype == dx.dtype == dtype
    assert y.flags.c_contiguous
    assert dx.flags.c_contiguous
    assert gradient is None
    np.testing.assert_array_equal(y, examples.transpose(2, 1, 3, 0))
    np.testing.assert_array_equal(dx, dy.transpose(1, 0, 2, 3).reshape(60, samples))
    assert np.vdot(dy, y) == pytest.approx(np.vdot(dx, x[:-1]), rel=1e-4)


@orders
def test_image_with_work_used_again(order):
    layer = image(SHAPE)
    work = layer.work((60,), 20, np.dtype("float64"))
    for seed in range(3):
        examples, x = batch(20, order=order, seed=seed)
        before = x.tobytes()
        x.flags.writeable = False
        y, _, cache = layer.forward(None, None, x, work, TRAIN)
        np.testing.assert_array_equal(y, examples.transpose(2, 1, 3, 0))
        dx, _ = layer.backward(None, cache, y, work, True)
        np.testing.assert_array_equal(dx, x[:-1])
        assert x.tobytes() == before
        assert not np.shares_memory(x, y)


def test_image_leaves_dx_out_where_it_is_not_needed():
    _, x = batch(2)
    assert both_ways(image(SHAPE), None, x, np.ones((4, 3, 5, 2)), need_dx=False)[1] is None


def test_image_shapes():
    assert image(SHAPE).shape((60,)) == (4, 3, 5)
    with pytest.raises(ValueError, match=r"^takes 3×4×5 = 60 features \(.*\), but gets 50$"):
        image(SHAPE).shape((50,))
    with pytest.raises(ValueError, match=r"but gets 4×3×5$"):
        image(SHAPE).shape((4, 3, 5))


@dtypes
@pytest.mark.parametrize("samples", [1, 3])
def test_flatten_keeps_the_order_of_the_axes_and_adds_ones(samples, dtype):
    layer = flatten()
    x = np.random.default_rng(0).normal(size=(4, 3, 5, samples)).astype(dtype)
    dy = np.random.default_rng(1).normal(size=(60, samples)).astype(dtype)
    x.flags.writeable = dy.flags.writeable = False
    work = layer.work((4, 3, 5), samples, x.dtype)
    y, _, cache = layer.forward(None, None, x, work, TRAIN)
    dx, gradient = layer.backward(None, cache, dy, work, True)
    assert y.dtype == dx.dtype == dtype
    assert y.flags.c_contiguous
    assert gradient is None
    assert layer.shape((4, 3, 5)) == (60,)
    np.testing.assert_array_equal(y, with_ones(x.reshape(60, samples)))
    np.testing.assert_array_equal(dx, dy.reshape(4, 3, 5, samples))


def test_flatten_with_work_used_again():
    layer = flatten()
    work = layer.work((4, 3, 5), 2, np.dtype("float64"))
    for seed in range(3):
        x = np.random.default_rng(seed).normal(size=(4, 3, 5, 2))
        y, _, _ = layer.forward(None, None, x, work, TRAIN)
        np.testing.assert_array_equal(y, with_ones(x.reshape(60, 2)))


def test_flatten_leaves_vectors_as_they_are():
    layer = flatten()
    _, x = batch(2)
    dy = np.ones((60, 2))
    y, dx, gradient = both_ways(layer, None, x, dy)
    assert layer.shape((60,)) == (60,)
    assert y is x
    assert dx is dy
    assert gradient is None


def test_neither_has_parameters():
    for layer, shape in ((image(SHAPE), (60,)), (flatten(), (4, 3, 5))):
        assert layer.init(np.random.default_rng(0), shape, np.dtype("float32")) == (None, None)
