"""Losses of classification, each joined with its output: from logits to a mean loss.

A loss takes the *positions* of the true classes in the raveled (classes, samples) array, `label · samples + sample`:
subtracting a one-hot target is one subtraction at these positions, and no such array is made.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from sweep.nn.layer import Array, Dtype
from sweep.nn.layers.activations import sigmoid_into


class LossWorkspace(NamedTuple):
    """The arrays that a loss writes into, for logits of shape (outputs, samples)."""

    y: Array
    gradient: Array
    top: Array
    """Shape (samples,)."""
    total: Array
    """Shape (samples,)."""
    one: Array
    """1, of shape () and of the dtype of the logits: measured to be cheaper to subtract than a Python number."""
    share: Array
    """1/samples, in the same form."""
    shares: Array
    """1/samples for each sample, shape (samples,): a product with them is a mean, in a third of the time of a sum."""


Loss = Callable[[Array, Array, LossWorkspace], tuple[float, Array]]
"""(logits (outputs, samples), targets (samples,), work) -> (mean loss, its gradient with respect to the logits).

The targets are `positions` in this module, and numbers in `sweep.nn.regression`."""

Targets = Callable[[Array, int | Array], Array]
"""(targets of a data set (n,), number of samples in each mini-batch) -> what the loss takes, shape (n,)"""


def loss_work(outputs: int, samples: int, dtype: Dtype) -> LossWorkspace:
    """Make the arrays that a loss writes into, for logits of shape (outputs, samples)."""
    return LossWorkspace(
        np.empty((outputs, samples), dtype),
        np.empty((outputs, samples), dtype),
        np.empty(samples, dtype),
        np.empty(samples, dtype),
        np.array(1, dtype),
        np.array(1 / samples, dtype),
        np.full(samples, 1 / samples, dtype),
    )


def positions(labels: Array, samples: int | Array) -> Array:
    """Return the positions of the true classes in raveled (classes, samples) arrays.

    There is such an array for each mini-batch.

    Args:
        labels: (n,) classes, in the order of the samples.
        samples: number of samples in each mini-batch, the last one possibly having fewer; or an array of them, which
            sum to n.

    Returns: (n,) int64.
    """
    labels = np.asarray(labels, np.int64)  # a narrower type would wrap around
    starts = np.arange(0, len(labels), samples) if isinstance(samples, int) else np.cumsum(samples) - samples
    sizes = np.diff(starts, append=len(labels))
    result: Array = labels * np.repeat(sizes, sizes) + np.arange(len(labels)) - np.repeat(starts, sizes)
    return result


def softmax_cross_entropy(logits: Array, positions: Array, work: LossWorkspace) -> tuple[float, Array]:
    """Compute −log softmax(logits)[true class]; gradient (softmax − target)/samples.

    The logarithm is of the sum of exponentials, never of a probability, so it is exact for the smallest probability.
    (A published article replaces probabilities below 1e-7 by that; its loss is then constant, but its gradient not.)
    """
    p, flat, total = work.y, work.y.reshape(-1), work.total
    np.subtract(logits, np.maximum.reduce(logits, 0, out=work.top), out=p)
    own = flat[positions]
    _normalized_exponentials(p, total)
    flat[positions] -= work.one
    p *= work.share
    np.log(total, out=total)
    total -= own
    return float(total.dot(work.shares)), p


def sigmoid_binary_cross_entropy(logits: Array, positions: Array, work: LossWorkspace) -> tuple[float, Array]:
    """Compute Σ −log sigmoid(±logit), + for the true class.

    The gradient is (sigmoid − target)/samples.

    Written as Σ log(1 + exp(logit)) − logit of the true class: stable for every logit, exact to one rounding of the
    largest, and NaN where a logit of the true class is infinite, so that it is never a loss of 0.
    """
    samples = len(positions)
    y = _sigmoid(logits, work)
    total = np.logaddexp(logits, 0, out=work.gradient).sum(dtype=np.float64)
    own = logits.reshape(-1)[positions].sum(dtype=np.float64)
    y.reshape(-1)[positions] -= work.one
    y *= work.share
    return float(total - own) / samples, y


def mean_squared_error(output: str) -> Loss:
    """Return the loss mean((y − target)²) over samples and outputs, y = `output`(logits)."""
    evaluate, pull_back = OUTPUTS[output]

    def loss(logits: Array, positions: Array, work: LossWorkspace) -> tuple[float, Array]:
        y, gradient = evaluate(logits, work), work.gradient
        np.copyto(gradient, y)
        gradient.reshape(-1)[positions] -= work.one
        error = float(np.vdot(gradient, gradient)) / gradient.size
        gradient *= 2 / gradient.size
        pull_back(y, gradient)
        return error, gradient

    return loss


def _normalized_exponentials(p: Array, total: Array) -> None:
    """Replace p, whose largest of each sample must be 0, by softmax(p); `total` by the sums."""
    np.exp(p, out=p)
    np.add.reduce(p, 0, out=total)
    p /= total


def _softmax(logits: Array, work: LossWorkspace) -> Array:
    """Compute exp(z)/Σ exp(z) over the classes."""
    np.subtract(logits, np.maximum.reduce(logits, 0, out=work.top), out=work.y)
    _normalized_exponentials(work.y, work.total)
    return work.y


def _sigmoid(logits: Array, work: LossWorkspace) -> Array:
    """Compute 1/(1 + exp(−z)); overwrites the array of the gradient."""
    return sigmoid_into(logits, work.y, work.gradient)


def _identity(logits: Array, work: LossWorkspace) -> Array:
    return logits


def _pull_softmax(y: Array, gradient: Array) -> None:
    """Turn dL/dy into dL/dz in place: y·(g − Σ y·g)."""
    gradient -= np.add.reduce(y * gradient, 0)
    gradient *= y


def _pull_sigmoid(y: Array, gradient: Array) -> None:
    """Turn dL/dy into dL/dz in place: g·y·(1 − y)."""
    gradient *= y
    gradient *= 1 - y


def _pull_identity(y: Array, gradient: Array) -> None:
    """Leave the gradient as it is."""


OUTPUTS: dict[str, tuple[Callable[[Array, LossWorkspace], Array], Callable[[Array, Array], None]]] = {
    "identity": (_identity, _pull_identity),
    "sigmoid": (_sigmoid, _pull_sigmoid),
    "softmax": (_softmax, _pull_softmax),
}
"""Name of the output -> (function of the logits, function that turns dL/dy into dL/dz in place)"""

LOSSES: dict[str, dict[str, Loss]] = {
    "binary_cross_entropy": {"sigmoid": sigmoid_binary_cross_entropy},
    "cross_entropy": {"softmax": softmax_cross_entropy},
    "mean_squared_error": {output: mean_squared_error(output) for output in OUTPUTS},
}
"""Name of the loss -> name of an output that it goes with -> both joined"""
