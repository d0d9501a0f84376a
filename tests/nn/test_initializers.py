"""Initializers: their distributions, and the same network in either precision.

The statistical tests have fixed seeds; each comparison would fail for a right initializer with one seed in a million.
"""

import math

import numpy as np
import pytest
from scipy import stats

from sweep.nn.initializers import INITIALIZERS, normal, uniform
from sweep.nn.layers.activations import tanh
from sweep.nn.layers.affine import affine
from sweep.nn.network import chain, perceptron
from tests.nn.layer_setup import FLOATS

FALSE_ALARM = 1e-6
Z = stats.norm.isf(FALSE_ALARM / 2)
FAN_IN, FAN_OUT = 300, 200


def scaled(variance):
    """Return the (normal, uniform) distributions of mean 0 and this variance."""
    limit = math.sqrt(3 * variance)
    return stats.norm(0, math.sqrt(variance)), stats.uniform(-limit, 2 * limit)


DISTRIBUTIONS = {
    "glorot_normal": scaled(2 / (FAN_IN + FAN_OUT))[0],
    "glorot_uniform": scaled(2 / (FAN_IN + FAN_OUT))[1],
    "he_normal": scaled(2 / FAN_IN)[0],
    "he_uniform": scaled(2 / FAN_IN)[1],
    "lecun_normal": scaled(1 / FAN_IN)[0],
    "lecun_uniform": scaled(1 / FAN_IN)[1],
    "normal": stats.norm(0, 0.01),
    "uniform": stats.uniform(-1, 2),
}
CONSTANTS = {"zeros": 0, "ones": 1}
OF_THEIR_OWN = {
    "normal of 0.3 and 0.2": (normal(mean=0.3, std=0.2), stats.norm(0.3, 0.2)),
    "uniform from -0.1 to 0.4": (uniform(min=-0.1, max=0.4), stats.uniform(-0.1, 0.5)),
}
CASES = OF_THEIR_OWN | {kind: (INITIALIZERS[kind](), distribution) for kind, distribution in DISTRIBUTIONS.items()}


def test_every_initializer_is_tested():
    assert INITIALIZERS.keys() == DISTRIBUTIONS.keys() | CONSTANTS.keys()


@pytest.mark.parametrize("case", CASES)
def test_distribution(case):
    initialize, distribution = CASES[case]
    values = initialize(np.random.default_rng(0), FAN_IN, FAN_OUT, (FAN_OUT, FAN_IN))
    mean, variance, kurtosis = (float(moment) for moment in distribution.stats("mvk"))
    n = values.size
    assert abs(values.mean() - mean) < Z * math.sqrt(variance / n)
    assert abs(values.var() - variance) < Z * variance * math.sqrt((kurtosis + 2) / n)
    assert stats.kstest(values.ravel(), distribution.cdf).pvalue > FALSE_ALARM
    low, high = distribution.support()
    assert low <= values.min()
    assert values.max() <= high


@pytest.mark.parametrize("kind", CONSTANTS)
def test_constants(kind):
    values = INITIALIZERS[kind]()(np.random.default_rng(0), 3, 2, (2, 3))
    np.testing.assert_array_equal(values, np.full((2, 3), CONSTANTS[kind]))


@pytest.mark.parametrize("kind", INITIALIZERS)
@pytest.mark.parametrize("shape", [(4,), (2, 3), (5, 2, 3, 4)])
def test_shape_and_dtype_and_repetition(kind, shape):
    first, again = (INITIALIZERS[kind]()(np.random.default_rng(7), 6, 4, shape) for _ in range(2))
    assert first.shape == shape
    assert first.dtype == np.float64
    assert first.tobytes() == again.tobytes()


@pytest.mark.parametrize("kind", DISTRIBUTIONS)
def test_another_seed_gives_other_values(kind):
    first, second = (INITIALIZERS[kind]()(np.random.default_rng(seed), 6, 4, (4, 6)) for seed in (0, 1))
    assert (first != second).all()


@pytest.mark.parametrize("kind", INITIALIZERS)
def test_networks_of_both_precisions_start_from_the_same_numbers(kind):
    layers = perceptron([5, 4], tanh, "tanh", INITIALIZERS[kind](), normal(), 3)
    single, double = (chain(layers).init(np.random.default_rng(5), (6,), np.dtype(dtype))[0] for dtype in FLOATS)
    for narrow, wide in zip(single, double, strict=True):
        if wide is not None:
            assert (narrow.dtype, wide.dtype) == FLOATS
            np.testing.assert_array_equal(narrow, wide.astype(np.float32))


def test_the_weights_are_the_first_draws_of_the_generator():
    W, _ = affine(2, normal(std=1.0), normal(std=2.0)).init(np.random.default_rng(3), (4,), np.dtype("float64"))
    rng = np.random.default_rng(3)
    np.testing.assert_array_equal(W[:, :-1], rng.normal(0, 1, (2, 4)))
    np.testing.assert_array_equal(W[:, -1], rng.normal(0, 2, 2))
