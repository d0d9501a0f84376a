"""Losses joined with their outputs: against scipy, against numerical gradients, and for extreme logits."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit, log_expit, log_softmax, softmax

from sweep.nn.losses import LOSSES, loss_work, positions
from tests.nn.layer_setup import FLOATS
from tests.nn.numerical_gradients import assert_gradient

OUTPUTS = {"identity": lambda z: z, "sigmoid": expit, "softmax": lambda z: softmax(z, axis=0)}


def mean_squared_error(output):
    return lambda z, target: np.mean((OUTPUTS[output](z) - target) ** 2)


REFERENCES = {
    ("binary_cross_entropy", "sigmoid"): lambda z, target: -np.where(target, log_expit(z), log_expit(-z)).sum(0).mean(),
    ("cross_entropy", "softmax"): lambda z, target: -log_softmax(z, axis=0)[target].mean(),
    **{("mean_squared_error", output): mean_squared_error(output) for output in OUTPUTS},
}
"""(loss, output) -> the mean loss of float64 logits (classes, samples), given where the targets are."""

CROSS_ENTROPIES = [pair for pair in REFERENCES if "cross_entropy" in pair[0]]
pairs = pytest.mark.parametrize("pair", REFERENCES, ids="-".join)
cross_entropies = pytest.mark.parametrize("pair", CROSS_ENTROPIES, ids="-".join)
dtypes = pytest.mark.parametrize("dtype", FLOATS)


def evaluate(pair, logits, labels):
    """Return (loss, gradient) with fresh work."""
    name, output = pair
    classes, samples = logits.shape
    work = loss_work(classes, samples, logits.dtype)
    return LOSSES[name][output](logits, positions(np.asarray(labels), samples), work)


def reference(pair, logits, labels):
    target = np.arange(len(logits))[:, None] == np.asarray(labels)
    return REFERENCES[pair](logits.astype(np.float64), target)


def test_every_pair_has_a_reference():
    assert REFERENCES.keys() == {(name, output) for name, outputs in LOSSES.items() for output in outputs}


def problem(classes, samples, dtype="float64"):
    rng = np.random.default_rng([classes, samples])
    return (3 * rng.normal(size=(classes, samples))).astype(dtype), rng.integers(classes, size=samples)


shapes = pytest.mark.parametrize(("classes", "samples"), [(10, 7), (2, 1), (1, 3), (3, 10)])


@pairs
@shapes
@dtypes
def test_value(pair, classes, samples, dtype):
    logits, labels = problem(classes, samples, dtype)
    value, gradient = evaluate(pair, logits, labels)
    assert type(value) is float
    assert gradient.dtype == dtype
    eps = float(np.finfo(dtype).eps)
    assert value == pytest.approx(reference(pair, logits, labels), rel=16 * eps, abs=64 * eps)


@pairs
@shapes
def test_gradient(pair, classes, samples):
    logits, labels = problem(classes, samples)
    _, gradient = evaluate(pair, logits, labels)
    assert_gradient(lambda: evaluate(pair, logits, labels)[0], logits, gradient)


@pairs
@dtypes
def test_logits_of_a_thousand(pair, dtype):
    """Every logit of every sample is ±1000 or 0, in all combinations, each class being the true one."""
    ends = np.array([-1000, 0, 1000], dtype)
    logits = np.repeat(np.array(np.meshgrid(ends, ends, ends)).reshape(3, 27), 3, axis=1)
    labels = np.tile(np.arange(3), 27)
    with np.errstate(all="raise", under="ignore"):
        losses = [evaluate(pair, logits[:, [s]].copy(), labels[[s]]) for s in range(81)]
        value, gradient = evaluate(pair, logits, labels)
    assert np.isfinite(gradient).all()
    eps = float(np.finfo(dtype).eps)
    # The binary cross-entropy is a difference of logits, and so as exact as these are.
    absolute = 1000 * eps if pair[0] == "binary_cross_entropy" else 8 * eps
    for s, (alone, _) in enumerate(losses):
        assert alone == pytest.approx(reference(pair, logits[:, [s]], labels[[s]]), rel=8 * eps, abs=absolute)
    assert value == pytest.approx(reference(pair, logits, labels), rel=8 * eps)


@cross_entropies
@dtypes
def test_logits_at_the_edge_of_float32(pair, dtype):
    logits = np.array([[1e30, -1e30, 1e30], [-1e30, 1e30, 1e30]], dtype)
    with np.errstate(all="raise", under="ignore"):
        value, gradient = evaluate(pair, logits, [1, 1, 0])
    assert value == pytest.approx(reference(pair, logits, [1, 1, 0]), rel=1e-6)
    assert value > 1e29
    assert (np.abs(gradient) <= 1).all()


@cross_entropies
@dtypes
def test_the_loss_of_an_improbable_class_is_not_floored(pair, dtype):
    """A probability of exp(−80) has a loss of 80, not of the logarithm of some smallest probability."""
    value, gradient = evaluate(pair, np.array([[-40], [40]], dtype), [0])
    assert value == pytest.approx(80, rel=1e-6)
    np.testing.assert_allclose(gradient, [[-1], [1]], rtol=1e-6)


@pairs
@dtypes
@pytest.mark.parametrize("row", [0, 1])
def test_nan_does_not_hide(pair, dtype, row):
    logits = np.zeros((2, 3), dtype)
    logits[row, 1] = np.nan
    with np.errstate(invalid="ignore"):
        value, gradient = evaluate(pair, logits, [0, 0, 1])
    assert np.isnan(value)
    assert np.isnan(gradient).any()


@cross_entropies
@dtypes
@pytest.mark.parametrize("row", [0, 1])
def test_an_infinite_logit_of_the_true_class_gives_no_finite_loss(pair, dtype, row):
    for infinity in (np.inf, -np.inf):
        logits = np.zeros((2, 3), dtype)
        logits[row, 1] = infinity
        with np.errstate(all="ignore"):
            value, _ = evaluate(pair, logits, [row, row, row])
        assert not np.isfinite(value)


def test_a_squared_error_that_overflows_is_infinite():
    with np.errstate(all="ignore"):
        value, _ = evaluate(("mean_squared_error", "identity"), np.full((2, 1), 1e30, np.float32), [0])
    assert value == np.inf


@pairs
@dtypes
def test_same_bits_when_work_is_used_again_and_operands_are_left_alone(pair, dtype):
    name, output = pair
    work = loss_work(4, 6, np.dtype(dtype))
    rng = np.random.default_rng(3)
    for _ in range(4):
        logits, labels = rng.normal(size=(4, 6)).astype(dtype), rng.integers(4, size=6)
        places = positions(labels, 6)
        before = logits.copy(), places.copy()
        value, gradient = LOSSES[name][output](logits, places, work)
        fresh_value, fresh_gradient = evaluate(pair, logits, labels)
        assert value == fresh_value
        assert gradient.tobytes() == fresh_gradient.tobytes()
        np.testing.assert_array_equal(logits, before[0])
        np.testing.assert_array_equal(places, before[1])


@given(labels=st.lists(st.integers(0, 9), max_size=40), samples=st.integers(1, 45))
@settings(deadline=None)
def test_positions_are_where_the_true_classes_stand_in_each_batch(labels, samples):
    result = positions(np.array(labels, np.int64), samples)
    assert result.dtype == np.int64
    assert result.shape == (len(labels),)
    for start in range(0, len(labels), samples):
        batch = labels[start : start + samples]  # the last one may be short
        logits = np.zeros((10, len(batch)))
        logits.reshape(-1)[result[start : start + samples]] = 1
        np.testing.assert_array_equal(logits, np.arange(10)[:, None] == batch)


def test_mini_batches_of_different_sizes():
    labels = np.array([2, 0, 1, 1, 2], np.uint8)
    assert positions(labels, np.array([2, 3])).tolist() == [4, 1, 3, 4, 8]
    assert positions(labels, np.array([5])).tolist() == positions(labels, 5).tolist()
