"""Activations against scipy and against numerical gradients, and over all of the floating-point range."""

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from scipy.special import expit, log_expit

from sweep.nn.layers.activations import ACTIVATIONS, leaky_relu, relu, sigmoid_into, step
from tests.nn.layer_setup import FLOATS, both_ways, forward, with_ones
from tests.nn.numerical_gradients import assert_gradient

REFERENCES = {
    "identity": (lambda x: x, np.ones_like),
    "leaky_relu": (lambda x: np.where(x > 0, x, 0.01 * x), lambda x: np.where(x > 0, 1, 0.01)),
    "relu": (lambda x: np.maximum(x, 0), lambda x: np.where(x > 0, 1.0, 0.0)),
    "sigmoid": (expit, lambda x: expit(x) * expit(-x)),
    "softplus": (lambda x: -log_expit(-x), expit),
    "softsign": (lambda x: x / (1 + np.abs(x)), lambda x: (1 / (1 + np.abs(x))) ** 2),
    "step": (lambda x: np.heaviside(x, 0), np.zeros_like),
    "swish": (lambda x: x * expit(x), lambda x: expit(x) * (1 + x * expit(-x))),
    "tanh": (np.tanh, lambda x: 1 - np.tanh(x) ** 2),
}
"""Kind -> (value, derivative), each in float64."""

ABSOLUTE = {
    "swish": (lambda x: 0, lambda x: 1),
    "tanh": (lambda x: 0, lambda x: 1),
}
"""Kind -> what multiplies the machine precision in the absolute error of (value, derivative), where 0 is not enough."""

kinds = pytest.mark.parametrize("kind", ACTIVATIONS)
dtypes = pytest.mark.parametrize("dtype", FLOATS)


def assert_close(actual, expected, x, scale=lambda x: 0):
    """Compare to 8 roundings relative, plus `scale(x)` roundings absolute."""
    info = np.finfo(actual.dtype)
    error = np.abs(actual.astype(np.float64) - expected)
    allowed = 8 * info.eps * np.abs(expected) + 2 * info.eps * scale(x) + info.tiny
    assert (error <= allowed).all(), (x[error > allowed], actual[error > allowed], expected[error > allowed])


def test_every_activation_has_a_reference():
    assert REFERENCES.keys() == ACTIVATIONS.keys()


def numbers(dtype):
    """All finite numbers of a dtype, the small and the large ones as often."""
    return st.floats(allow_nan=False, allow_infinity=False, width=32 if dtype == "float32" else 64)


@kinds
@dtypes
@given(data=st.data())
@example(data=None)
@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow])
def test_value_and_slope_over_all_finite_numbers_without_a_flag(kind, dtype, data):
    x = np.array(data.draw(st.lists(numbers(dtype), min_size=1, max_size=12)) if data else LANDMARKS, dtype)[None]
    with np.errstate(all="raise", under="ignore"):
        y, slope, _ = both_ways(ACTIVATIONS[kind](), None, with_ones(x), np.ones_like(x))
    exact = x.astype(np.float64)
    with np.errstate(all="ignore"):
        value, derivative = (function(exact) for function in REFERENCES[kind])
    value_scale, slope_scale = ABSOLUTE.get(kind, (lambda x: 0, lambda x: 0))
    assert_close(y[:-1], value, exact, value_scale)
    assert_close(slope, derivative, exact, slope_scale)


LANDMARKS = [0.0, -0.0, 1e-45, -1e-45, 1e-30, -1e-30, 0.5, -0.5, 1.0, -1.0, 5.0, -5.0, 20.0, -20.0]
LANDMARKS += [90.0, -90.0, 750.0, -750.0, 1000.0, -1000.0, 1e30, -1e30, 3e38, -3e38]


@kinds
def test_gradient_away_from_kinks(kind):
    rng = np.random.default_rng(1)
    x = with_ones(rng.uniform(0.01, 4, (3, 5)) * rng.choice([-1, 1], (3, 5)))
    dy = rng.normal(size=(3, 5))
    layer = ACTIVATIONS[kind]()
    _, dx, gradient = both_ways(layer, None, x, dy.copy())
    assert gradient is None
    assert_gradient(lambda: float(np.sum(dy * forward(layer, None, x))), x[:-1], dx)


@pytest.mark.parametrize("alpha", [0.0, 0.01, 0.3, 1.0])
def test_leaky_relu_takes_its_slope_from_alpha_and_at_0_too(alpha):
    x = np.array([[-2.0, -0.0, 0.0, 3.0]])
    y, dx, _ = both_ways(leaky_relu(alpha), None, with_ones(x), np.ones_like(x))
    np.testing.assert_allclose(y[0], [-2 * alpha, 0, 0, 3], rtol=1e-15)
    np.testing.assert_allclose(dx[0], [alpha, alpha, alpha, 1], rtol=1e-15)


def test_slopes_of_relu_and_step_at_0_are_0():
    for layer in (relu(), step()):
        _, dx, _ = both_ways(layer, None, with_ones(np.zeros((1, 1))), np.ones((1, 1)))
        assert dx == 0


@kinds
@dtypes
def test_dtype_and_the_row_of_ones_survive(kind, dtype):
    x = with_ones(np.random.default_rng(2).normal(size=(4, 3)).astype(dtype))
    layer = ACTIVATIONS[kind]()
    y, dx, _ = both_ways(layer, None, x, np.ones((4, 3), dtype))
    assert y.dtype == dx.dtype == dtype
    assert y.shape == (5, 3)
    assert dx.shape == (4, 3)
    assert (y[-1] == 1).all()
    assert layer.shape((4,)) == (4,)
    assert layer.init(np.random.default_rng(0), (4,), np.dtype(dtype)) == (None, None)


@kinds
@dtypes
def test_nan_gives_nan_and_only_there(kind, dtype):
    x = with_ones(np.array([[np.nan, 1.0], [1.0, np.nan]], dtype))
    with np.errstate(invalid="ignore"):  # logaddexp flags a NaN
        y = forward(ACTIVATIONS[kind](), None, x)
    np.testing.assert_array_equal(np.isnan(y), [[True, False], [False, True]])


@pytest.mark.parametrize("layer", [relu(), leaky_relu(0.0)], ids=["relu", "leaky_relu(0)"])
@dtypes
def test_minus_infinity_does_not_hide_behind_a_0(layer, dtype):
    x = with_ones(np.array([[-np.inf, np.inf]], dtype))
    with np.errstate(invalid="ignore"):
        y = forward(layer, None, x)
    assert np.isnan(y[0, 0])
    assert y[0, 1] == np.inf


@dtypes
def test_sigmoid_is_symmetric_and_never_leaves_its_range(dtype):
    x = np.concatenate([np.linspace(-50, 50, 2001), [-1e30, 1e30, -np.inf, np.inf]]).astype(dtype)
    y, mirrored = (sigmoid_into(each, np.empty_like(x), np.empty_like(x)) for each in (x, -x))
    assert y.min() == 0
    assert y.max() == 1
    eps = np.finfo(dtype).eps
    np.testing.assert_allclose(mirrored, 1 - y, rtol=0, atol=eps)
    assert (np.diff(y[:2001]) >= -eps).all()


@pytest.mark.parametrize(("dtype", "low", "high"), [("float32", -87, 88), ("float64", -700, 700)])
def test_small_values_of_sigmoid_are_exact_relatively(dtype, low, high):
    """Beside 1/(1 + exp(−x)) in extended precision, to 4 units in the last place, and without a warning."""
    x = np.linspace(low, high, 200_001).astype(dtype)
    exact = 1 / (1 + np.exp(-x.astype(np.longdouble)))
    with np.errstate(all="raise"):
        y = sigmoid_into(x, np.empty_like(x), np.empty_like(x))
    assert (np.abs(y - exact) <= 4 * np.spacing(exact.astype(dtype))).all()


@dtypes
def test_small_slopes_of_softplus_and_small_values_of_swish_are_exact_relatively(dtype):
    x = np.linspace(-87, -1, 20_001).astype(dtype)
    for kind, index in (("softplus", 1), ("swish", 0)):
        found = both_ways(ACTIVATIONS[kind](), None, with_ones(x[None]), np.ones_like(x[None]))[index][0]
        np.testing.assert_allclose(found, REFERENCES[kind][index](x.astype(np.float64)), rtol=8 * np.finfo(dtype).eps)


@dtypes
def test_a_nan_makes_no_other_value_of_sigmoid_nan(dtype):
    x = np.array([np.nan, 1e4, -1e4, 0, np.inf, -np.inf], dtype)
    np.testing.assert_array_equal(sigmoid_into(x, np.empty_like(x), np.empty_like(x)), [np.nan, 1, 0, 0.5, 1, 0])


def test_sigmoid_into_may_write_where_it_reads():
    x = np.linspace(-3, 3, 7)
    expected = expit(x)
    assert sigmoid_into(x, x, np.empty_like(x)) is x
    np.testing.assert_allclose(x, expected, rtol=1e-15)
