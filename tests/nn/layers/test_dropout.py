"""Dropout: what it drops, what it keeps, and when."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sweep.nn.layer import Call
from sweep.nn.layers.dropout import dropout
from tests.nn.layer_setup import FLOATS, TRAIN, with_ones

shapes = pytest.mark.parametrize("shape", [(30,), (3, 2, 5)], ids=str)
dtypes = pytest.mark.parametrize("dtype", FLOATS)


def training(seed=0):
    return Call(train=True, rng=np.random.default_rng(seed))


class Problem:
    """A layer, operands without a zero, and a gradient that comes from above; none may be written."""

    def __init__(self, rate, shape, samples=7, dtype="float64"):
        rng = np.random.default_rng(1)
        self.layer, self.shape, self.dtype = dropout(rate), shape, np.dtype(dtype)
        self.units = rng.uniform(1, 2, (*shape, samples)).astype(dtype)
        self.x = with_ones(self.units) if len(shape) == 1 else self.units
        self.dy = rng.uniform(1, 2, (*shape, samples)).astype(dtype)
        for array in (self.x, self.dy):
            array.flags.writeable = False

    def fresh_work(self):
        return self.layer.work(self.shape, self.x.shape[-1], self.dtype)

    def both_ways(self, call, work=None):
        """Return copies of (the output without its row of ones, dx)."""
        work = work or self.fresh_work()
        y, state, cache = self.layer.forward(None, None, self.x, work, call)
        assert state is None
        assert y.shape == self.x.shape
        assert y.dtype == self.dtype
        if len(self.shape) == 1:
            assert (y[-1] == 1).all()
            y = y[:-1]
        y = y.copy()
        dx, gradient = self.layer.backward(None, cache, self.dy, work, True)
        assert gradient is None
        return y, dx.copy()


@shapes
@dtypes
@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
def test_units_are_dropped_or_scaled_and_gradients_with_them(shape, dtype, rate):
    problem = Problem(rate, shape, dtype=dtype)
    y, dx = problem.both_ways(training())
    kept = y != 0
    assert 0 < kept.sum() < kept.size
    tolerance = 4 * np.finfo(dtype).eps
    np.testing.assert_allclose(y, np.where(kept, problem.units / (1 - rate), 0), rtol=tolerance)
    np.testing.assert_allclose(dx, np.where(kept, problem.dy / (1 - rate), 0), rtol=tolerance)
    assert dx.dtype == dtype


@dtypes
@pytest.mark.parametrize("rate", [0.02, 0.3, 0.5, 0.8])
def test_the_fraction_dropped_and_the_mean(dtype, rate):
    units, samples = 200, 500
    problem = Problem(rate, (units,), samples, dtype)
    problem.x = with_ones(np.ones((units, samples), dtype))
    y, _ = problem.both_ways(training())
    # Hoeffding: of n independent units, the fraction dropped is further than t from the rate with a probability of at
    # most 2·exp(−2·n·t²); here once in 1e9.
    t = math.sqrt(math.log(2e9) / (2 * units * samples))
    assert abs((y == 0).mean() - rate) < t
    assert abs(y.mean(dtype=np.float64) - 1) < t / (1 - rate)
    # Every row and column for itself: 700 chances more to be wrong.
    for axis, count in ((0, units), (1, samples)):
        assert np.abs((y == 0).mean(axis) - rate).max() < math.sqrt(math.log(2e9 * 700) / (2 * count))


@shapes
def test_each_call_draws_a_mask_of_its_own(shape):
    problem, call, work = Problem(0.5, shape), training(), None
    work = problem.fresh_work()
    first, second = (problem.both_ways(call, work)[0] for _ in range(2))
    assert ((first == 0) != (second == 0)).any()


@shapes
@dtypes
def test_the_same_generator_gives_the_same_bits_in_used_work(shape, dtype):
    problem = Problem(0.4, shape, dtype=dtype)
    call = training(3)
    problem.both_ways(call)
    saved = call.rng.bit_generator.state
    expected = problem.both_ways(call)
    call.rng.bit_generator.state = saved
    work = problem.fresh_work()
    problem.both_ways(training(4), work)
    for actual, wanted in zip(problem.both_ways(call, work), expected, strict=True):
        np.testing.assert_array_equal(actual, wanted)


@shapes
def test_both_dtypes_drop_the_same_units(shape):
    single, double = (Problem(0.4, shape, dtype=dtype).both_ways(training(3))[0] for dtype in FLOATS)
    np.testing.assert_array_equal(single == 0, double == 0)


@shapes
@given(rate=st.floats(0, 0.999), seed=st.integers(0, 2**32), samples=st.integers(1, 9))
@settings(deadline=None, max_examples=30)
def test_backward_is_the_transpose_of_forward(shape, rate, seed, samples):
    problem = Problem(rate, shape, samples)
    y, dx = problem.both_ways(training(seed))
    # y = M x with M diagonal: ⟨dy, M x⟩ = ⟨M dy, x⟩, term by term.
    np.testing.assert_allclose(problem.dy * y, dx * problem.units, rtol=1e-14)


@shapes
@pytest.mark.parametrize("rate", [0.0, 0.5, 0.999])
def test_evaluation_hands_x_on(shape, rate):
    problem, rng = Problem(rate, shape), np.random.default_rng(0)
    before = rng.bit_generator.state
    for call in (Call(train=False), Call(train=False, rng=rng)):
        y, state, _ = problem.layer.forward(None, None, problem.x, problem.fresh_work(), call)
        assert y is problem.x
        assert state is None
    assert rng.bit_generator.state == before


@shapes
def test_rate_0_hands_x_on_in_training_and_draws_nothing(shape):
    problem, call = Problem(0.0, shape), training()
    before = call.rng.bit_generator.state
    y, dx = problem.both_ways(call)
    np.testing.assert_array_equal(y, problem.units)
    np.testing.assert_array_equal(dx, problem.dy)
    assert call.rng.bit_generator.state == before
    problem.both_ways(TRAIN)


def test_training_needs_a_generator():
    with pytest.raises(ValueError, match="dropout needs a random generator in training"):
        Problem(0.5, (3,)).both_ways(TRAIN)


@shapes
@dtypes
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_is_not_finite_is_not_hidden(shape, dtype, value):
    problem = Problem(0.5, shape, dtype=dtype)
    problem.x = np.full_like(problem.x, value)
    with np.errstate(invalid="ignore"):
        y, _, _ = problem.layer.forward(None, None, problem.x, problem.fresh_work(), training())
    assert not np.isfinite(y[: len(problem.units)]).any()


def test_the_shape_is_kept_and_there_is_nothing_to_learn():
    layer = dropout(0.5)
    assert layer.shape((2, 3, 4)) == (2, 3, 4)
    assert layer.init(np.random.default_rng(0), (3,), np.dtype("float32")) == (None, None)


@pytest.mark.parametrize("rate", [-0.1, 1.0, 1.5, math.nan, math.inf])
def test_a_rate_out_of_range(rate):
    with pytest.raises(ValueError, match="rate must be at least 0 and below 1"):
        dropout(rate)
