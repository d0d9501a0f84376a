"""The convolution layer against plain loops and SciPy, and its gradients."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import correlate

from sweep.nn.initializers import he_variance, normal, ones, scaled_normal, zeros
from sweep.nn.layers import convolution as module
from sweep.nn.layers.convolution import convolution
from tests.nn.layer_setup import FLOATS, TRAIN
from tests.nn.numerical_gradients import assert_gradient


class Problem:
    """A convolution with random parameters, a batch of images, and a gradient that comes from above."""

    def __init__(self, shape=(5, 2, 6), filters=3, kernel=3, stride=1, padding=1, samples=2, dtype="float64", seed=0):
        rng = np.random.default_rng(seed)
        self.shape, self.kernel, self.stride, self.padding = shape, kernel, stride, padding
        self.layer = convolution(filters, kernel, stride, padding, weights=normal(std=1.0), biases=normal(std=1.0))
        self.params, _ = self.layer.init(rng, shape, np.dtype(dtype))
        self.x = rng.normal(size=(*shape, samples)).astype(dtype)
        self.dy = rng.normal(size=(*self.layer.shape(shape), samples)).astype(dtype)

    def work(self):
        return self.layer.work(self.shape, self.x.shape[-1], self.x.dtype)

    def forward(self, work=None):
        return self.layer.forward(self.params, None, self.x, work or self.work(), TRAIN)[0]

    def value(self):
        return float(np.sum(self.dy * self.forward()))

    def both_ways(self, need_dx=True, work=None):
        work = work or self.work()
        y, _, cache = self.layer.forward(self.params, None, self.x, work, TRAIN)
        return y, *self.layer.backward(self.params, cache, self.dy, work, need_dx)

    def places(self):
        """Yield (output row, output column, corner of its patch in the padded image)."""
        rows, _, columns, _ = self.dy.shape
        for r in range(rows):
            for c in range(columns):
                yield r, c, r * self.stride, c * self.stride

    def padded(self):
        p = self.padding
        return np.pad(self.x.astype(np.float64), ((p, p), (0, 0), (p, p), (0, 0)))

    def filters(self):
        """The weights as (filters, channels, kernel, kernel)."""
        return self.params[:, :-1].reshape(-1, self.shape[1], self.kernel, self.kernel).astype(np.float64)

    def expected(self):
        """Compute (y, dx, gradient) with a plain loop over places, in float64."""
        k, p, W, x = self.kernel, self.padding, self.filters(), self.padded()
        y, dx, dW = np.empty(self.dy.shape), np.zeros_like(x), np.zeros_like(W)
        for r, c, top, left in self.places():
            patch = x[top : top + k, :, left : left + k].transpose(1, 0, 2, 3)
            y[r, :, c] = np.tensordot(W, patch, 3) + self.params[:, -1, None]
            dy = self.dy[r, :, c].astype(np.float64)
            dW += np.tensordot(dy, patch, (1, 3))
            dx[top : top + k, :, left : left + k] += np.tensordot(W, dy, (0, 0)).transpose(1, 0, 2, 3)
        inside = dx[p : p + self.shape[0], :, p : p + self.shape[2]]
        db = self.dy.astype(np.float64).sum((0, 2, 3))
        return y, inside, np.column_stack([dW.reshape(len(W), -1), db])

    def check(self, tolerance=1e-12):
        for result, expected in zip(self.both_ways(), self.expected(), strict=True):
            assert result.dtype == self.x.dtype
            assert result.flags.c_contiguous
            assert result.shape == expected.shape
            np.testing.assert_allclose(result, expected, rtol=tolerance, atol=tolerance * np.abs(expected).max())


geometries = st.fixed_dictionaries(
    {
        "shape": st.tuples(st.integers(3, 9), st.integers(1, 3), st.integers(3, 9)),
        "filters": st.integers(1, 4),
        "kernel": st.sampled_from([1, 2, 3, 5]),
        "stride": st.integers(1, 4),
        "padding": st.integers(0, 3),
        "samples": st.integers(1, 3),
        "seed": st.integers(0, 99),
    }
)


def fits(geometry):
    rows, _, columns = geometry["shape"]
    return min(rows, columns) + 2 * geometry["padding"] >= geometry["kernel"]


@settings(max_examples=150, deadline=None)
@given(geometries.filter(fits))
def test_both_passes_agree_with_plain_loops(geometry):
    Problem(**geometry).check()


@settings(max_examples=60, deadline=None)
@given(geometries.filter(fits), st.integers(1, 2000), st.integers(1, 500))
def test_both_passes_agree_with_plain_loops_whatever_the_blocks(geometry, block_bytes, product_size):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "BLOCK_BYTES", block_bytes)
        patch.setattr(module, "PRODUCT_SIZE", product_size)
        Problem(**geometry).check()


@pytest.mark.parametrize("dtype", FLOATS)
def test_an_image_of_many_blocks(dtype):
    problem = Problem((20, 3, 21), filters=8, samples=300, dtype=dtype)
    blocks = problem.work().x.blocks
    assert len({block.rows.start for block in blocks}) > 1
    assert len({block.across.start for block in blocks}) > 1
    work = problem.work()
    y, dx, gradient = problem.both_ways(work=work)
    expected = problem.expected()
    np.testing.assert_allclose(y, expected[0], rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(dx, expected[1], rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(gradient, expected[2], rtol=1e-4, atol=1e-2 if dtype == "float32" else 1e-9)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("kernel", [1, 2, 3, 5])
@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("padding", [0, 1, 2])
def test_forward_is_scipys_correlation(kernel, stride, padding, dtype):
    problem = Problem((7, 3, 9), 2, kernel, stride, padding, dtype=dtype)
    x, W, y = problem.padded(), problem.filters(), problem.forward()
    tolerance = 100 * np.finfo(dtype).eps
    for s in range(x.shape[-1]):
        for f in range(len(W)):
            full = correlate(x[..., s].transpose(1, 0, 2), W[f], mode="valid", method="direct")[0]
            expected = full[::stride, ::stride] + problem.params[f, -1]
            np.testing.assert_allclose(y[:, f, :, s], expected, rtol=tolerance, atol=10 * tolerance)


@pytest.mark.parametrize("kernel", [1, 2, 3, 5])
@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("padding", [0, 1, 2])
@pytest.mark.parametrize("samples", [1, 2])
def test_gradients_numerically(kernel, stride, padding, samples):
    problem = Problem((5, 2, 6), 2, kernel, stride, padding, samples)
    _, dx, gradient = problem.both_ways()
    assert_gradient(problem.value, problem.x, dx)
    assert_gradient(problem.value, problem.params, gradient)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize(("kernel", "stride", "padding"), [(3, 1, 1), (2, 2, 0), (3, 2, 1), (1, 1, 2), (5, 3, 2)])
def test_without_biases_it_is_the_layer_whose_biases_are_0(kernel, stride, padding, dtype):
    given = {"shape": (7, 2, 6), "kernel": kernel, "stride": stride, "padding": padding, "dtype": dtype}
    problem, plain = Problem(**given), Problem(**given)
    plain.layer = convolution(3, kernel, stride, padding, weights=normal(std=1.0), biases=None)
    plain.params, _ = plain.layer.init(np.random.default_rng(0), (7, 2, 6), np.dtype(dtype))
    assert plain.params.tobytes() == np.ascontiguousarray(problem.params[:, :-1]).tobytes()
    assert plain.layer.weights(plain.params) is plain.params
    problem.params[:, -1] = 0
    y, dx, gradient = problem.both_ways()
    plain_y, plain_dx, plain_gradient = plain.both_ways()
    tolerance = 100 * np.finfo(dtype).eps
    np.testing.assert_allclose(plain_y, y, atol=tolerance)
    np.testing.assert_allclose(plain_dx, dx, atol=tolerance)
    np.testing.assert_allclose(plain_gradient, gradient[:, :-1], atol=10 * tolerance)


def test_float32_is_kept():
    Problem(dtype="float32").check(tolerance=1e-5)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize(("kernel", "stride", "padding"), [(3, 1, 1), (2, 2, 0), (3, 2, 1), (1, 1, 2), (5, 3, 2)])
def test_work_used_again_gives_the_same_bits_as_fresh_work(kernel, stride, padding, dtype):
    problems = [Problem((9, 2, 8), 3, kernel, stride, padding, 4, dtype, seed) for seed in range(4)]
    shared = problems[0].work()
    for problem in problems:
        for again, fresh in zip(problem.both_ways(work=shared), problem.both_ways(), strict=True):
            assert again.tobytes() == fresh.tobytes()


def test_a_forward_pass_between_two_steps_leaves_no_trace():
    problem, other = Problem(seed=0), Problem(seed=1)
    work = problem.work()
    other.x[:] = np.nan
    other.forward(work)
    for again, fresh in zip(problem.both_ways(work=work), problem.both_ways(), strict=True):
        assert again.tobytes() == fresh.tobytes()


@pytest.mark.parametrize("stride", [1, 2])
def test_operands_are_left_alone(stride):
    problem = Problem(stride=stride)
    before = [a.copy() for a in (problem.x, problem.params, problem.dy)]
    for array in (problem.x, problem.params, problem.dy):
        array.flags.writeable = False
    results = problem.both_ways()
    for array, copy in zip((problem.x, problem.params, problem.dy), before, strict=True):
        assert array.tobytes() == copy.tobytes()
        assert not any(np.shares_memory(array, result) for result in results)


def test_dx_is_left_out_where_it_is_not_needed():
    problem = Problem()
    y, dx, gradient = problem.both_ways(need_dx=False)
    assert dx is None
    np.testing.assert_array_equal(gradient, problem.both_ways()[2])
    np.testing.assert_array_equal(y, problem.forward())


def test_results_are_written_into_work():
    problem = Problem()
    work = problem.work()
    first = problem.both_ways(work=work)
    for again, before in zip(problem.both_ways(work=work), first, strict=True):
        assert again is before


def test_fans_and_order_of_the_draws():
    seen = []

    def initializer(rng, fan_in, fan_out, shape):
        seen.append((fan_in, fan_out, shape))
        return np.full(shape, len(seen))

    params, state = convolution(4, 3, 1, 1, weights=initializer, biases=initializer).init(
        np.random.default_rng(0), (8, 2, 8), np.dtype("float32")
    )
    assert seen == [(18, 36, (4, 18)), (18, 36, (4,))]
    assert (params.shape, params.dtype, state) == ((4, 19), np.float32, None)
    assert (params[:, :-1] == 1).all()
    assert (params[:, -1] == 2).all()


def test_hes_weights_double_the_variance():
    layer = convolution(50, 5, 1, 0, weights=scaled_normal(he_variance)(), biases=zeros())
    params, _ = layer.init(np.random.default_rng(0), (5, 8, 5), np.dtype("float64"))
    x = np.random.default_rng(1).normal(size=(5, 8, 5, 400))
    y, _, _ = layer.forward(params, None, x, layer.work((5, 8, 5), 400, x.dtype), TRAIN)
    assert y.var() == pytest.approx(2, rel=0.1)


def test_pytorchs_shape():
    def shape(kernel, stride, padding):
        return convolution(4, kernel, stride, padding, weights=ones(), biases=ones()).shape((28, 1, 31))

    assert shape(3, 1, 1) == (28, 4, 31)
    assert shape(3, 1, 0) == (26, 4, 29)
    assert shape(3, 2, 1) == (14, 4, 16)
    assert shape(5, 3, 2) == (10, 4, 11)
    assert shape(28, 1, 0) == (1, 4, 4)


def test_an_image_smaller_than_the_kernel_is_refused():
    layer = convolution(4, 3, 1, 0, weights=ones(), biases=ones())
    with pytest.raises(ValueError, match=r"^takes an image of at least 3×3 with its padding, but gets 2×7$"):
        layer.shape((2, 1, 7))
    assert convolution(4, 3, 1, 1, weights=ones(), biases=ones()).shape((1, 1, 1)) == (1, 4, 1)


def test_a_vector_is_refused():
    layer = convolution(4, 3, 1, 0, weights=ones(), biases=ones())
    with pytest.raises(ValueError, match=r"^takes an image .*, but gets a vector of 50 features;"):
        layer.shape((50,))
