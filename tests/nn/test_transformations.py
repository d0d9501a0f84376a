"""Clipped gradients: their norm, direction and extremes, and whole trainings beside PyTorch's."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from sweep.nn.optimizers import OPTIMIZERS, adam, sgd
from sweep.nn.transformations import clip_by_norm, shorten
from tests.nn.layer_setup import FLOATS

dtypes = pytest.mark.parametrize("dtype", FLOATS)


def norm(gradient):
    """The norm, in Python's exact arithmetic for all finite numbers."""
    return math.hypot(*map(float, gradient))


def elements(dtype):
    return st.floats(width=np.dtype(dtype).itemsize * 8, allow_nan=False, allow_infinity=False, allow_subnormal=False)


@dtypes
@given(data=st.data(), most=st.floats(1e-6, 1e6))
@settings(deadline=None, max_examples=150)
def test_no_norm_is_above_the_largest_and_smaller_gradients_keep_every_bit(dtype, data, most):
    gradient = data.draw(arrays(dtype, st.integers(1, 8), elements=elements(dtype)))
    before, length = gradient.copy(), norm(gradient)
    with np.errstate(all="raise", under="ignore"):
        shorten(gradient, most)
    slack = 1 + 16 * float(np.finfo(dtype).eps)
    assert norm(gradient) <= most * slack
    if length < most / slack:
        np.testing.assert_array_equal(gradient, before)
    elif length > most * slack and length < math.inf:
        np.testing.assert_allclose(gradient, before.astype(float) / length * most, rtol=1e-5, atol=1e-9 * most)
        assert norm(gradient) >= most / slack / 1.00001


@dtypes
@pytest.mark.parametrize("share", [1, 0.1, 1e-6])
def test_squares_that_overflow_or_vanish(dtype, share):
    information = np.finfo(dtype)
    for size in (float(information.max) * share, float(information.tiny) / share):
        gradient = np.full(4, size, dtype)
        shorten(gradient, size / 2)
        np.testing.assert_allclose(gradient, size / 4, rtol=1e-6)


@pytest.mark.parametrize("value", [math.inf, -math.inf, math.nan])
@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_a_gradient_that_is_not_finite_is_not_hidden(kind, value):
    params, gradient = np.ones(3), np.array([0.5, value, 0.5])
    optimizer = clip_by_norm(OPTIMIZERS[kind](), 0.1)
    with np.errstate(all="ignore"):
        state = optimizer.update(params, gradient.copy(), optimizer.init(params))
    kept = [params, *(array for array in state or () if isinstance(array, np.ndarray))]
    assert not all(np.isfinite(array).all() for array in kept)


def test_no_gradient_stays_none():
    gradient = np.zeros(3)
    shorten(gradient, 1e-9)
    assert not gradient.any()
    shorten(np.empty(0), 1.0)


@pytest.mark.parametrize("kind", OPTIMIZERS)
@dtypes
def test_the_optimizer_sees_the_clipped_gradient_and_keeps_its_own_state(kind, dtype):
    plain, params = OPTIMIZERS[kind](learning_rate=0.1), np.ones((2, 3), dtype)
    clipped, expected = clip_by_norm(plain, 2.0), params.copy()
    state, other = clipped.init(params), plain.init(params)
    scratch = clipped.scratch(params)
    assert not clipped.takes_products
    for size in (3.0, 0.1, -2.0):
        gradient = np.full((2, 3), size, dtype)
        state = clipped.update(params, gradient.copy(), state, 0.5, scratch)
        other = plain.update(expected, gradient * min(1.0, 2 / (abs(size) * math.sqrt(6))), other, 0.5, None)
        np.testing.assert_allclose(params, expected, rtol=2e-6 if dtype == "float32" else 1e-14)


@pytest.mark.parametrize("ours", [adam, sgd])
def test_a_hundred_steps_are_those_of_pytorch(ours):
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    params = rng.normal(size=50)
    tensors = [torch.tensor(part.copy(), requires_grad=True) for part in np.split(params, [20])]
    theirs = {adam: torch.optim.Adam, sgd: torch.optim.SGD}[ours](tensors, lr=0.01)
    optimizer, clipped = clip_by_norm(ours(learning_rate=0.01), 7.0), 0
    state, scratch = optimizer.init(params), optimizer.scratch(params)
    for _ in range(100):
        gradient = rng.normal(size=50) * rng.uniform(0.2, 2)
        for tensor, part in zip(tensors, np.split(gradient, [20]), strict=True):
            tensor.grad = torch.tensor(part.copy())
        total = float(torch.nn.utils.clip_grad_norm_(tensors, math.inf))
        torch.nn.utils.clip_grad_norm_(tensors, 7.0 * (1 + 1e-6 / total))  # it divides by the norm + 1e-6
        clipped += total > 7.0
        theirs.step()
        state = optimizer.update(params, gradient, state, 1.0, scratch)
    assert 20 < clipped < 80
    found = np.concatenate([tensor.detach().numpy() for tensor in tensors])
    np.testing.assert_allclose(params, found, rtol=1e-11, atol=1e-11)
