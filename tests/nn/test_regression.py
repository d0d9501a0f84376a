"""Losses of regression against scikit-learn, PyTorch's definition and numerical gradients; errors of an evaluation."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import mean_absolute_error, mean_squared_error, r2_score, root_mean_squared_error

from sweep.nn.gradient_check import check
from sweep.nn.layers.activations import relu
from sweep.nn.losses import loss_work
from sweep.nn.network import Network
from sweep.nn.regression import REGRESSION_LOSSES, numbers, r2, rmse, squared_error
from sweep.training.divergence import Flags, all_finite
from tests.nn.gradient_check_setup import SEEDS, assert_right, dense_layer, faulty, plant, times
from tests.nn.layer_setup import FLOATS
from tests.nn.numerical_gradients import assert_gradient


def huber(targets, outputs):
    errors = np.abs(outputs - targets)
    return np.where(errors <= 1, errors**2 / 2, errors - 0.5).mean()


REFERENCES = {"mean_squared_error": mean_squared_error, "mean_absolute_error": mean_absolute_error, "huber": huber}
losses = pytest.mark.parametrize("name", REFERENCES)
dtypes = pytest.mark.parametrize("dtype", FLOATS)


def evaluate(name, outputs, targets):
    """Return (loss, gradient) with fresh work."""
    return REGRESSION_LOSSES[name](outputs, targets, loss_work(1, outputs.shape[1], outputs.dtype))


def problem(samples, dtype="float64"):
    """Outputs and targets whose errors are on both sides of 1."""
    rng = np.random.default_rng(samples)
    return 2 * rng.normal(size=(1, samples)).astype(dtype), rng.normal(size=samples).astype(dtype)


def test_every_loss_has_a_reference():
    assert REFERENCES.keys() == REGRESSION_LOSSES.keys()


@losses
@dtypes
@pytest.mark.parametrize("samples", [1, 7, 100])
def test_value(name, dtype, samples):
    outputs, targets = problem(samples, dtype)
    value, gradient = evaluate(name, outputs, targets)
    expected = REFERENCES[name](targets.astype(float), outputs[0].astype(float))
    assert type(value) is float
    assert (gradient.dtype, gradient.shape) == (dtype, (1, samples))
    assert value == pytest.approx(expected, rel=32 * float(np.finfo(dtype).eps))


@losses
@pytest.mark.parametrize("samples", [1, 7, 30])
def test_gradient(name, samples):
    outputs, targets = problem(samples)
    _, gradient = evaluate(name, outputs, targets)
    assert_gradient(lambda: evaluate(name, outputs, targets)[0], outputs, gradient)


@losses
def test_an_exact_output_has_neither_loss_nor_gradient(name):
    value, gradient = evaluate(name, np.array([[1.0, -2.0]]), np.array([1.0, -2.0]))
    assert value == 0
    assert not gradient.any()


@losses
@dtypes
def test_same_bits_when_work_is_used_again_and_operands_are_left_alone(name, dtype):
    work = loss_work(1, 6, np.dtype(dtype))
    for seed in range(4):
        outputs, targets = np.random.default_rng(seed).normal(size=(2, 6)).astype(dtype)
        outputs = outputs[None]
        before = outputs.tobytes(), targets.tobytes()
        value, gradient = REGRESSION_LOSSES[name](outputs, targets, work)
        fresh_value, fresh_gradient = evaluate(name, outputs, targets)
        assert (value, gradient.tobytes()) == (fresh_value, fresh_gradient.tobytes())
        assert (outputs.tobytes(), targets.tobytes()) == before


@losses
@dtypes
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_not_finite_gives_no_finite_loss(name, dtype, value):
    outputs, targets = problem(5, dtype)
    outputs[0, 3] = value
    with np.errstate(all="ignore"):
        assert not math.isfinite(evaluate(name, outputs, targets)[0])


@losses
@dtypes
def test_no_loss_makes_of_finite_numbers_what_is_not_without_a_flag_or_saying_so(name, dtype):
    rng, flags, largest = np.random.default_rng(0), Flags(), float(np.finfo(dtype).max)
    overflows = 0
    for samples in [1, 3, 8] * 20:
        outputs, targets = (rng.uniform(-1, 1, (2, samples)) * largest ** rng.uniform(0.2, 1)).astype(dtype)
        flags.clear()
        with flags.watching():
            value, gradient = evaluate(name, outputs[None], targets)
        overflows += not math.isfinite(value)
        assert all_finite(gradient) or flags.kind or not math.isfinite(value)
    assert overflows or name != "mean_squared_error"


@losses
@dtypes
def test_targets_in_double_precision_serve_any_network(name, dtype):
    outputs, targets = problem(9, dtype)
    same = evaluate(name, outputs, targets.astype(np.float64))
    assert same[0] == pytest.approx(evaluate(name, outputs, targets)[0], rel=1e-6)
    assert same[1].dtype == dtype


def regression_network(name):
    return Network(
        {"hidden": dense_layer(8), "relu": relu(), "output": dense_layer(1)}, REGRESSION_LOSSES[name], numbers
    )


def checked(network):
    rng = np.random.default_rng(0)
    x, targets = rng.normal(size=(7, 5)), rng.normal(size=5)
    findings = check(network, x, targets, SEEDS, samples=20)
    return {(finding.layer, finding.parameter): finding for finding in findings}


@losses
def test_the_gradient_check_passes_a_right_network(name):
    findings = checked(regression_network(name))
    assert len(findings) == 4
    assert_right(findings)


@losses
def test_the_gradient_check_finds_a_wrong_one(name):
    net = regression_network(name)
    findings = checked(plant(net, "hidden", faulty(net.layers["hidden"], times(1.001, "weights"))))
    assert findings.pop(("hidden", "weights")).verdict == "PROBLEM"
    assert_right(findings)


@given(
    targets=st.lists(st.floats(-100, 100), min_size=2, max_size=30),
    scale=st.floats(0.1, 10),
    seed=st.integers(0, 99),
)
@settings(deadline=None)
def test_errors_are_those_of_scikit_learn_in_the_targets_units(targets, scale, seed):
    targets = np.array(targets)
    outputs = targets + np.random.default_rng(seed).normal(size=len(targets))
    total = squared_error(outputs[None], targets)
    expected = root_mean_squared_error(scale * targets, scale * outputs)
    assert rmse(total, len(targets), scale) == pytest.approx(expected)
    if targets.std() > 1e-3:
        assert r2(total, targets) == pytest.approx(r2_score(targets, outputs))


def test_errors_add_up_over_blocks():
    outputs, targets = problem(100, "float32")
    blocks = [slice(0, 30), slice(30, 77), slice(77, 100)]
    total = sum(squared_error(outputs[:, block], targets[block]) for block in blocks)
    assert total == pytest.approx(squared_error(outputs, targets))


@pytest.mark.parametrize(("total", "expected"), [(0.0, 1.0), (0.5, 0.0)])
def test_r2_of_equal_targets_is_that_of_scikit_learn(total, expected):
    assert r2(total, np.full(4, 3.0)) == expected == r2_score([3.0] * 2, [3.0, 3.0 + total])
