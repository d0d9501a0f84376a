"""Regression: losses of one real output, and the errors that an evaluation reports.

A loss takes the output of the last affine layer, shape (1, samples), and the targets, shape (samples,), best
standardized and of the network's dtype. It is minimal in the mean of its samples.
"""

from __future__ import annotations

import math

import numpy as np

from sweep.nn.layer import Array
from sweep.nn.losses import Loss, LossWorkspace


def numbers(targets: Array, samples: int | Array) -> Array:
    """Return targets as they are: the `targets` of a network for regression."""
    return targets


def mean_squared_error(outputs: Array, targets: Array, work: LossWorkspace) -> tuple[float, Array]:
    """Compute mean(e²) of the errors e = output − target; gradient 2·e/samples."""
    gradient = np.subtract(outputs, targets, out=work.gradient)
    error = float(np.vdot(gradient, gradient)) / gradient.size
    gradient *= 2 / gradient.size
    return error, gradient


def mean_absolute_error(outputs: Array, targets: Array, work: LossWorkspace) -> tuple[float, Array]:
    """Compute mean(|e|) of e = output − target; gradient sign(e)/samples, 0 at e = 0."""
    errors = np.subtract(outputs, targets, out=work.y)
    sizes = np.abs(errors, out=work.gradient)
    value = float(sizes[0].dot(work.shares))
    gradient = np.sign(errors, out=work.gradient)
    gradient *= work.share
    return value, gradient


def huber(outputs: Array, targets: Array, work: LossWorkspace) -> tuple[float, Array]:
    """Compute the mean of e²/2 where |e| ≤ 1, |e| − ½ elsewhere, of e = output − target.

    Huber 1964, with the threshold 1.

    The gradient is clip(e, −1, 1)/samples.
    """
    errors = np.subtract(outputs, targets, out=work.y)
    gradient = np.clip(errors, -1, 1, out=work.gradient)
    values = np.multiply(gradient[0], -0.5, out=work.top)
    values += errors[0]
    values *= gradient[0]
    value = float(values.dot(work.shares))
    gradient *= work.share
    return value, gradient


REGRESSION_LOSSES: dict[str, Loss] = {
    "huber": huber,
    "mean_absolute_error": mean_absolute_error,
    "mean_squared_error": mean_squared_error,
}
"""Name of the loss -> loss of the output `identity`."""


def squared_error(outputs: Array, targets: Array) -> float:
    """Return Σ(output − target)² in float64, of outputs (1, samples) and targets (samples,)."""
    errors = outputs[0].astype(np.float64) - targets
    return float(errors @ errors)


def rmse(total: float, samples: int, scale: float = 1.0) -> float:
    """Return the root mean squared error; `total` is the `squared_error` of all samples.

    `scale` is what standardized targets were divided by: the result is in the target's own units.
    """
    return scale * math.sqrt(total / samples)


def r2(total: float, targets: Array) -> float:
    """Return the coefficient of determination, at most 1.

    It is 1 − Σ(output − target)²/Σ(target − mean)².

    `total` is the `squared_error` of all samples, and `targets` (samples,) all of theirs. Where all targets are equal,
    it is 1 for predictions without error and otherwise 0, as in scikit-learn.
    """
    deviations = np.asarray(targets, np.float64)
    deviations = deviations - deviations.mean()
    variation = float(deviations @ deviations)
    if variation:
        return 1 - total / variation
    return 0.0 if total else 1.0
