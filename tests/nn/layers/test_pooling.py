"""Max pooling against plain loops and SciPy, and its gradient."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import maximum_filter

from sweep.nn.layers.pooling import max_pool
from tests.nn.layer_setup import FLOATS, TRAIN
from tests.nn.numerical_gradients import assert_gradient


def both_ways(size, x, dy=None, need_dx=True, work=None):
    """Return (y, dx); dy is random if not given."""
    layer = max_pool(size)
    if work is None:
        work = layer.work(x.shape[:-1], x.shape[-1], x.dtype)
    y, _, cache = layer.forward(None, None, x, work, TRAIN)
    assert y.shape == (*layer.shape(x.shape[:-1]), x.shape[-1])
    if dy is None:
        dy = gradient_from_above(y)
    dx, gradient = layer.backward(None, cache, dy, work, need_dx)
    assert gradient is None
    return y, dx


def gradient_from_above(y):
    return np.random.default_rng(9).normal(size=y.shape).astype(y.dtype)


def images(*shape, dtype="float64", seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(dtype)


def expected(size, x, dy):
    """Compute (y, dx) window by window."""
    y, dx = np.empty_like(dy), np.zeros_like(x)
    for r, f, c, s in np.ndindex(dy.shape):
        window = np.s_[r * size : (r + 1) * size, f, c * size : (c + 1) * size, s]
        y[r, f, c, s] = x[window].max()
        column, row = np.unravel_index(x[window].T.argmax(), x[window].T.shape)
        dx[window][row, column] = dy[r, f, c, s]
    return y, dx


@settings(max_examples=150, deadline=None)
@given(
    st.integers(1, 4),
    st.tuples(st.integers(1, 9), st.integers(1, 3), st.integers(1, 9), st.integers(1, 3)),
    st.sampled_from(FLOATS),
    st.booleans(),
    st.integers(0, 99),
)
def test_both_passes_agree_with_plain_loops(size, shape, dtype, ties, seed):
    x = images(*shape, dtype=dtype, seed=seed)
    if ties:
        x = np.round(x)
    dy = gradient_from_above(np.empty((-(-shape[0] // size), shape[1], -(-shape[2] // size), shape[3]), dtype))
    y, dx = both_ways(size, x, dy)
    right_y, right_dx = expected(size, x, dy)
    assert y.dtype == dx.dtype == dtype
    assert y.flags.c_contiguous
    assert dx.flags.c_contiguous
    np.testing.assert_array_equal(y, right_y)
    np.testing.assert_array_equal(dx, right_dx)


@pytest.mark.parametrize("size", [1, 2, 3])
def test_forward_is_scipys_filter_at_the_corners_of_windows(size):
    x = images(6, 2, 12, 3)
    y, _ = both_ways(size, x)
    filtered = maximum_filter(x, size=(size, 1, size, 1), origin=(-(size // 2), 0, -(size // 2), 0))
    if size == 2:  # SciPy centres a window of even size half a pixel early
        filtered = maximum_filter(x, size=(2, 1, 2, 1), origin=(-1, 0, -1, 0))
    np.testing.assert_array_equal(y, filtered[::size, :, ::size])


@pytest.mark.parametrize("size", [1, 2, 3, 4])
@pytest.mark.parametrize("shape", [(4, 2, 6, 2), (5, 1, 7, 1), (1, 1, 3, 2)])
def test_gradient_numerically(size, shape):
    x = images(*shape)
    dy = gradient_from_above(both_ways(size, x)[0])
    _, dx = both_ways(size, x, dy)
    assert_gradient(lambda: float(np.sum(dy * both_ways(size, x)[0])), x, dx)


def test_sizes_that_do_not_divide_leave_no_pixel_out():
    x = np.full((5, 1, 7, 1), -1e30)
    x[4, 0, 6, 0] = -1e20
    y, dx = both_ways(2, x, np.ones((3, 1, 4, 1)))
    assert y[2, 0, 3, 0] == -1e20
    assert (y.ravel()[:-1] == -1e30).all()
    np.testing.assert_array_equal(np.add.reduceat(np.add.reduceat(dx, [0, 2, 4]), [0, 2, 4, 6], axis=2), 1)


def test_one_of_equal_maxima_gets_the_gradient():
    x = np.array([[1.0, 3.0], [3.0, 2.0]]).reshape(2, 1, 2, 1)
    y, dx = both_ways(2, x, np.full((1, 1, 1, 1), 5.0))
    assert y.item() == 3
    np.testing.assert_array_equal(dx[:, 0, :, 0], [[0, 0], [5, 0]])


def test_what_made_all_maxima_equal_gets_the_whole_gradient():
    """A bias that shifts a constant image shifts every maximum by as much."""
    bias, step = 0.5, 1e-3
    dy = gradient_from_above(np.empty((2, 1, 3, 2)))
    _, dx = both_ways(2, np.full((4, 1, 5, 2), bias), dy)
    above, below = (np.sum(dy * both_ways(2, np.full((4, 1, 5, 2), bias + move))[0]) for move in (step, -step))
    assert dx.sum() == pytest.approx((above - below) / (2 * step))


@pytest.mark.parametrize("size", [2, 3])
def test_nan_is_passed_on(size):
    for place in np.ndindex(5, 5):
        x = images(5, 1, 5, 1)
        x[place[0], 0, place[1], 0] = np.nan
        y, _ = both_ways(size, x)
        assert np.isnan(y[place[0] // size, 0, place[1] // size, 0])
        assert np.isnan(y).sum() == 1


def test_padding_raises_no_floating_point_flag():
    with np.errstate(all="raise"):
        both_ways(2, images(5, 2, 7, 3, dtype="float32"))


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("size", [1, 2, 3])
def test_work_used_again_gives_the_same_bits_as_fresh_work(size, dtype):
    work = max_pool(size).work((7, 2, 6), 3, np.dtype(dtype))
    for seed in range(3):
        x = images(7, 2, 6, 3, dtype=dtype, seed=seed)
        for again, fresh in zip(both_ways(size, x, work=work), both_ways(size, x), strict=True):
            assert again.tobytes() == fresh.tobytes()


@pytest.mark.parametrize("rows", [6, 7])
def test_operands_are_left_alone(rows):
    x = images(rows, 2, 6, 3)
    dy = gradient_from_above(both_ways(2, x)[0])
    before = x.tobytes(), dy.tobytes()
    x.flags.writeable = dy.flags.writeable = False
    y, dx = both_ways(2, x, dy)
    assert (x.tobytes(), dy.tobytes()) == before
    assert not np.shares_memory(y, x)
    assert not np.shares_memory(dx, dy)


def test_dx_is_left_out_where_it_is_not_needed():
    assert both_ways(2, images(4, 1, 4, 2), need_dx=False)[1] is None


def test_shapes():
    assert max_pool(2).shape((28, 4, 28)) == (14, 4, 14)
    assert max_pool(2).shape((7, 4, 5)) == (4, 4, 3)
    assert max_pool(3).shape((2, 1, 4)) == (1, 1, 2)
    assert max_pool(1).shape((2, 1, 4)) == (2, 1, 4)


def test_a_vector_is_refused():
    with pytest.raises(ValueError, match=r"^takes an image .*, but gets a vector of 50 features;"):
        max_pool(2).shape((50,))


def test_it_has_no_parameters():
    assert max_pool(2).init(np.random.default_rng(0), (4, 1, 4), np.dtype("float32")) == (None, None)
