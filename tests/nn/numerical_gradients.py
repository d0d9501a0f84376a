"""Numerical gradients, to hold the derived ones against."""

import numpy as np

from sweep.nn.layer import OuterProduct

STEP = np.cbrt(np.finfo(np.float64).eps)  # balances the truncation of a central difference with its rounding
TOLERANCE = 1e-6


def numerical_gradient(function, x):
    """Return the gradient of the number `function()` with respect to the float64 array `x` that it reads.

    Central differences; `x` is changed in place, and is afterwards as it was.
    """
    assert x.dtype == np.float64
    gradient = np.empty_like(x)
    for index in np.ndindex(x.shape):
        value = x[index]
        above, below = value + STEP * max(1, abs(value)), value - STEP * max(1, abs(value))
        x[index] = above
        rise = function()
        x[index] = below
        rise -= function()
        x[index] = value
        gradient[index] = rise / (above - below)
    return gradient


def relative_error(numerical, analytic):
    """Compute ‖n − a‖/(‖n‖ + ‖a‖), in [0, 1]; 0 where both are 0."""
    scale = np.linalg.norm(numerical) + np.linalg.norm(analytic)
    return float(np.linalg.norm(numerical - analytic) / scale) if scale else 0.0


def assert_gradient(function, x, analytic):
    """Fail unless `analytic` is the gradient of `function()` with respect to `x`."""
    assert analytic.shape == x.shape
    error = relative_error(numerical_gradient(function, x), analytic)
    assert error < TOLERANCE, f"the relative error of the gradient is {error:.2g}"


def dense(gradient):
    """Return the gradient of a layer's parameters as an array."""
    return gradient.left @ gradient.right.T if isinstance(gradient, OuterProduct) else gradient
