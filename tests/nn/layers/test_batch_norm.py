"""Batch normalization against the formulas of the paper in plain loops, and its gradients."""

import copy
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sweep.nn.layer import Call
from sweep.nn.layers.batch_norm import batch_norm
from tests.nn.layer_setup import FLOATS, TRAIN, with_ones
from tests.nn.numerical_gradients import assert_gradient

EVALUATE = Call(train=False)
SHAPES = [(3,), (1,), (2, 3, 5), (3, 1, 1), (1, 4, 3)]
"""Of vectors and of images (row, channel, column); odd, and different from one another."""

shapes = pytest.mark.parametrize("shape", SHAPES, ids=str)
overs = pytest.mark.parametrize("over", ["feature", "channel"])
kinds = pytest.mark.parametrize("statistics", ["moving", "cumulative"])
dtypes = pytest.mark.parametrize("dtype", FLOATS)
samples_s = pytest.mark.parametrize("samples", [1, 2, 7])


class Problem:
    """A layer with learnt-looking parameters, a batch and a gradient that comes from above; none may be written."""

    def __init__(self, over, shape, samples, dtype="float64", writeable=False, **options):
        rng = np.random.default_rng([len(shape), samples])
        self.shape, self.over, self.samples, self.dtype = shape, over, samples, np.dtype(dtype)
        self.layer = batch_norm(over, **options)
        self.params, self.state = self.layer.init(rng, shape, self.dtype)
        self.params[:] = rng.normal(size=self.params.shape)
        self.x = self.batch(rng)
        self.dy = rng.normal(size=(*shape, samples)).astype(dtype)
        for array in (self.params, self.x, self.dy, self.state.mean, self.state.variance):
            array.flags.writeable = writeable

    def batch(self, rng, samples=None):
        """Draw operands, each feature with a mean and a spread of its own."""
        mean, spread = rng.normal(size=(*self.shape, 1)), rng.uniform(0.5, 3, (*self.shape, 1))
        x = (mean + spread * rng.normal(size=(*self.shape, samples or self.samples))).astype(self.dtype)
        return with_ones(x) if len(self.shape) == 1 else x

    @property
    def units(self):
        return units_of(self.x, self.shape)

    def fresh_work(self):
        return self.layer.work(self.shape, self.samples, self.dtype)

    def forward(self, call=TRAIN, state=None):
        """Return the output without its row of ones."""
        y, _, _ = self.layer.forward(self.params, state or self.state, self.x, self.fresh_work(), call)
        return units_of(y, self.shape)

    def both_ways(self, work=None, need_dx=True):
        """Return copies of (y, dx, gradient)."""
        work = work or self.fresh_work()
        y, _, cache = self.layer.forward(self.params, self.state, self.x, work, TRAIN)
        y = y.copy()
        dx, gradient = self.layer.backward(self.params, cache, self.dy, work, need_dx)
        return y, None if dx is None else dx.copy(), gradient.copy()

    def value(self):
        return float(np.sum(self.dy * self.forward()))


def units_of(x, shape):
    return x[:-1] if len(shape) == 1 else x


def groups(over, shape):
    """Return, for each row of the parameters, the indices of the units that share it."""
    if over == "feature" or len(shape) == 1:
        return [[index] for index in np.ndindex(shape)]
    rows, channels, columns = shape
    return [[(r, c, k) for r in range(rows) for k in range(columns)] for c in range(channels)]


def moments(units, members):
    """Return the (mean, biased variance, unbiased variance) of a group, one value at a time."""
    values = [float(v) for index in members for v in units[index]]
    mean = math.fsum(values) / len(values)
    squares = math.fsum((v - mean) ** 2 for v in values)
    return mean, squares / len(values), squares / max(len(values) - 1, 1)


def reference(units, params, over, statistics=None, eps=1e-5):
    """Normalize one number at a time, with `statistics`, (means, variances), in place of those of the batch."""
    y = np.empty(units.shape)
    for position, members in enumerate(groups(over, units.shape[:-1])):
        mean, variance = moments(units, members)[:2]
        if statistics:
            mean, variance = statistics[0][position], statistics[1][position]
        gamma, beta = params[position].astype(np.float64)
        for index in members:
            for sample in range(units.shape[-1]):
                y[(*index, sample)] = gamma * (units[(*index, sample)] - mean) / math.sqrt(variance + eps) + beta
    return y


@shapes
@overs
@samples_s
@dtypes
def test_training_normalizes_with_the_moments_of_the_batch(shape, over, samples, dtype):
    problem = Problem(over, shape, samples, dtype)
    with np.errstate(all="raise"):
        y = problem.forward()
    assert y.dtype == dtype
    assert y.shape == (*shape, samples)
    scale = np.abs(problem.units).max() / math.sqrt(1e-5) if samples == 1 else 10
    expected = reference(problem.units, problem.params, over)
    np.testing.assert_allclose(y, expected, rtol=0, atol=64 * np.finfo(dtype).eps * scale)


@overs
def test_vectors_keep_their_row_of_ones(over):
    problem = Problem(over, (3,), 4)
    for call in (TRAIN, EVALUATE):
        y, _, _ = problem.layer.forward(problem.params, problem.state, problem.x, problem.fresh_work(), call)
        assert y.shape == (4, 4)
        assert (y[-1] == 1).all()


@overs
def test_the_transpose_of_a_batch_of_rows_is_taken_too(over):
    problem = Problem(over, (3,), 4)
    expected = problem.forward()
    problem.x = np.asfortranarray(problem.x)
    np.testing.assert_allclose(problem.forward(), expected, rtol=1e-12)


@overs
def test_an_image_that_is_a_view_is_taken_too(over):
    problem = Problem(over, (3, 2, 5), 4)
    expected = problem.both_ways()
    problem.x = np.pad(problem.x, [(1, 1), (0, 0), (1, 1), (0, 0)])[1:-1, :, 1:-1]
    problem.dy = np.moveaxis(np.ascontiguousarray(np.moveaxis(problem.dy, 3, 0)), 0, 3)
    for actual, wanted in zip(problem.both_ways(), expected, strict=True):
        np.testing.assert_allclose(actual, wanted, rtol=0, atol=1e-12)


@shapes
@overs
def test_init_keeps_the_standardized_values(shape, over):
    layer = batch_norm(over)
    params, state = layer.init(np.random.default_rng(0), shape, np.dtype("float32"))
    count = len(groups(over, shape))
    np.testing.assert_array_equal(params, [[1, 0]] * count)
    assert params.dtype == np.float32
    assert params.flags.c_contiguous
    np.testing.assert_array_equal(state.mean, np.zeros(count))
    np.testing.assert_array_equal(state.variance, np.ones(count))
    assert state.batches == 0
    assert layer.shape(shape) == shape


@overs
@kinds
@pytest.mark.parametrize("shape", [(3,), (2, 3, 5)], ids=str)
@pytest.mark.parametrize("momentum", [0.1, 0.75, 1.0])
def test_running_statistics_over_batches_of_several_sizes(over, statistics, shape, momentum):
    problem = Problem(over, shape, 4, statistics=statistics, momentum=momentum)
    rng = np.random.default_rng(5)
    members = groups(over, shape)
    mean, variance, means, variances = [0.0] * len(members), [1.0] * len(members), [], []
    state = problem.state
    for samples in [4, 2, 1, 7, 1]:
        x = problem.batch(rng, samples)
        work = problem.layer.work(shape, samples, problem.dtype)
        _, state, _ = problem.layer.forward(problem.params, state, x, work, TRAIN)
        found = [moments(units_of(x, shape), group) for group in members]
        if samples * len(members[0]) > 1:  # a single value has no variance, so it counts for nothing
            means.append([m for m, _, _ in found])
            variances.append([v for _, _, v in found])
        if statistics == "cumulative":
            mean, variance = np.mean(means, axis=0), np.mean(variances, axis=0)
        elif samples * len(members[0]) > 1:
            mean = [(1 - momentum) * r + momentum * b for r, b in zip(mean, means[-1], strict=True)]
            variance = [(1 - momentum) * r + momentum * b for r, b in zip(variance, variances[-1], strict=True)]
        np.testing.assert_allclose(state.mean, mean, rtol=1e-12, atol=1e-14)
        np.testing.assert_allclose(state.variance, variance, rtol=1e-12, atol=1e-14)
        assert state.batches == len(means)


def test_running_statistics_by_hand():
    x = np.array([[1.0, 3.0, 5.0], [1, 1, 1]])  # mean 3, unbiased variance 4
    for statistics, mean, variance in [("moving", 0.75, 1.75), ("cumulative", 3, 4)]:
        layer = batch_norm(statistics=statistics, momentum=0.25)
        params, state = layer.init(np.random.default_rng(0), (1,), np.dtype("float64"))
        _, state, _ = layer.forward(params, state, x, layer.work((1,), 3, x.dtype), TRAIN)
        assert (state.mean.item(), state.variance.item()) == (mean, variance)


def test_a_cumulative_mean_loses_nothing_over_many_batches_of_float32():
    layer = batch_norm(statistics="cumulative")
    params, state = layer.init(np.random.default_rng(0), (1,), np.dtype("float32"))
    x = np.array([[0.1, 0.3], [1, 1]], np.float32)
    work = layer.work((1,), 2, x.dtype)
    _, first, _ = layer.forward(params, state, x, work, TRAIN)
    for _ in range(3000):
        _, state, _ = layer.forward(params, state, x, work, TRAIN)
    np.testing.assert_allclose(state.mean, first.mean, rtol=1e-12)
    np.testing.assert_allclose(state.variance, first.variance, rtol=1e-12)


@shapes
@overs
@kinds
@dtypes
def test_evaluation_normalizes_with_the_running_statistics(shape, over, statistics, dtype):
    problem = Problem(over, shape, 5, dtype, statistics=statistics)
    rng, state = np.random.default_rng(6), problem.state
    for _ in range(3):
        _, state, _ = problem.layer.forward(problem.params, state, problem.batch(rng), problem.fresh_work(), TRAIN)
    y, after, _ = problem.layer.forward(problem.params, state, problem.x, problem.fresh_work(), EVALUATE)
    assert after is state
    assert y.dtype == dtype
    expected = reference(problem.units, problem.params, over, (state.mean, state.variance))
    np.testing.assert_allclose(units_of(y, shape), expected, rtol=0, atol=1000 * np.finfo(dtype).eps)


@overs
def test_evaluation_before_the_first_batch_takes_mean_0_and_variance_1(over):
    problem = Problem(over, (2, 3, 5), 4, eps=0.25)
    count = len(problem.params)
    expected = reference(problem.units, problem.params, over, ([0.0] * count, [1.0] * count), eps=0.25)
    np.testing.assert_allclose(problem.forward(EVALUATE), expected, rtol=1e-12, atol=1e-14)


@overs
def test_evaluation_of_a_sample_does_not_depend_on_the_others(over):
    problem = Problem(over, (2, 3, 5), 4)
    whole = problem.forward(EVALUATE)
    problem.x, problem.samples = problem.x[..., 2:3], 1
    np.testing.assert_array_equal(problem.forward(EVALUATE), whole[..., 2:3])


@shapes
@overs
@samples_s
def test_gradients(shape, over, samples):
    problem = Problem(over, shape, samples, eps=0.01, writeable=True)
    _, dx, gradient = problem.both_ways()
    assert_gradient(problem.value, problem.params, gradient)
    assert dx.shape == (*shape, samples)
    if np.any(dx):
        assert_gradient(problem.value, problem.units, dx)
    else:  # groups of one value, and they alone: y is beta whatever x is
        assert samples * len(groups(over, shape)[0]) == 1


@dtypes
@overs
def test_gradients_keep_the_dtype_and_dx_is_left_out_where_it_is_not_needed(dtype, over):
    problem = Problem(over, (2, 3, 5), 4, dtype)
    _, dx, gradient = problem.both_ways()
    assert dx.dtype == gradient.dtype == dtype
    _, nothing, same = problem.both_ways(need_dx=False)
    assert nothing is None
    np.testing.assert_array_equal(same, gradient)


@shapes
@overs
@dtypes
@pytest.mark.parametrize("constant", [0.1, -0.3, 1e-25, 1e5, 0.0, 1e12])
def test_a_constant_feature_gives_beta_exactly_and_no_infinite_gradients(shape, over, dtype, constant):
    problem = Problem(over, shape, 7, dtype)
    first = groups(over, shape)[0]
    problem.x = problem.x.copy()
    for index in first:
        problem.units[index] = constant
    with np.errstate(all="raise", under="ignore"):
        y, dx, gradient = problem.both_ways()
        _, state, _ = problem.layer.forward(problem.params, problem.state, problem.x, problem.fresh_work(), TRAIN)
    for index in first:
        assert (units_of(y, shape)[index] == problem.params[0, 1]).all()
    assert np.isfinite(dx).all()
    assert np.isfinite(gradient).all()
    assert gradient[0, 0] == 0
    assert state.mean[0] == 0.1 * float(np.dtype(dtype).type(constant))
    assert state.variance[0] == 0.9


@dtypes
def test_small_variations_about_a_large_mean_are_found(dtype):
    spread = 64 * np.finfo(dtype).eps  # so that the values themselves have no rounding
    x = with_ones((1 + spread * np.random.default_rng(0).integers(-9, 9, (4, 50))).astype(dtype))
    layer = batch_norm(eps=1e-40)
    params, state = layer.init(np.random.default_rng(0), (4,), np.dtype("float64"))
    y, _, _ = layer.forward(params.astype(dtype), state, x, layer.work((4,), 50, np.dtype(dtype)), TRAIN)
    expected = reference(x[:-1].astype(np.float64) - 1, params, "feature", eps=1e-40)
    np.testing.assert_allclose(y[:-1], expected, rtol=0, atol=32 * np.finfo(dtype).eps)


@shapes
@overs
@dtypes
def test_used_work_gives_the_same_bits_as_fresh_work(shape, over, dtype):
    problem = Problem(over, shape, 7, dtype)
    expected = problem.both_ways()
    work = problem.fresh_work()
    rng = np.random.default_rng(8)
    for call in (TRAIN, EVALUATE):
        problem.layer.forward(problem.params, problem.state, problem.batch(rng), work, call)
        for actual, wanted in zip(problem.both_ways(work), expected, strict=True):
            np.testing.assert_array_equal(actual, wanted)


@overs
@kinds
def test_states_are_values(over, statistics):
    problem = Problem(over, (2, 3, 5), 4, statistics=statistics)
    rng = np.random.default_rng(9)
    work, states, copies = problem.fresh_work(), [problem.state], []
    for _ in range(4):
        copies.append(copy.deepcopy(states[-1]))
        _, state, _ = problem.layer.forward(problem.params, states[-1], problem.batch(rng), work, TRAIN)
        states.append(state)
    for state, before in zip(states, copies, strict=False):
        np.testing.assert_array_equal(state.mean, before.mean)
        np.testing.assert_array_equal(state.variance, before.variance)
        assert state.batches == before.batches
    again = problem.layer.forward(problem.params, copies[-1], problem.x, work, TRAIN)[1]
    once = problem.layer.forward(problem.params, states[-2], problem.x, work, TRAIN)[1]
    np.testing.assert_array_equal(again.mean, once.mean)
    np.testing.assert_array_equal(again.variance, once.variance)


@given(
    shift=st.floats(-100, 100),
    scale=st.floats(0.1, 100),
    over=st.sampled_from(["feature", "channel"]),
    seed=st.integers(0, 99),
)
@settings(deadline=None, max_examples=40)
def test_neither_the_place_nor_the_scale_of_the_batch_matters(shift, scale, over, seed):
    layer = batch_norm(over, eps=1e-30)
    rng = np.random.default_rng(seed)
    params, state = layer.init(rng, (2, 3, 2), np.dtype("float64"))
    x = rng.normal(size=(2, 3, 2, 6))
    work = layer.work((2, 3, 2), 6, x.dtype)
    y = layer.forward(params, state, x, work, TRAIN)[0].copy()
    moved = layer.forward(params, state, scale * x + shift, work, TRAIN)[0]
    np.testing.assert_allclose(moved, y, rtol=0, atol=1e-9)
    axes = 3 if over == "feature" else (0, 2, 3)
    np.testing.assert_allclose(y.mean(axes), 0, atol=1e-12)
    np.testing.assert_allclose(y.var(axes), 1, rtol=1e-12)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"over": "pixel"}, "over must be one of feature, channel, not 'pixel'"),
        ({"statistics": "exact"}, "statistics must be one of moving, cumulative, not 'exact'"),
        ({"momentum": 0.0}, "momentum must be above 0 and at most 1, not 0.0"),
        ({"momentum": 1.5}, "momentum must be"),
        ({"momentum": math.nan}, "momentum must be"),
        ({"eps": 0.0}, "eps must be above 0 and finite, not 0.0"),
        ({"eps": -1.0}, "eps must be"),
        ({"eps": math.inf}, "eps must be"),
        ({"eps": math.nan}, "eps must be"),
    ],
)
def test_wrong_arguments(options, sentence):
    with pytest.raises(ValueError, match=sentence):
        batch_norm(**options)
