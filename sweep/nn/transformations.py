"""Transformations of gradients: functions from one optimizer to another, which sees a changed gradient."""

from __future__ import annotations

import math

import numpy as np

from sweep.nn.bounds import Positive
from sweep.nn.layer import Array, Gradient
from sweep.nn.optimizers import Optimizer, OptimizerState, Scratch, no_scratch


def clip_by_norm(optimizer: Optimizer, clip_norm: Positive) -> Optimizer:
    """Return the optimizer of gradients whose norm is clipped: g ← g · min(1, clip_norm/‖g‖).

    Pascanu, Mikolov & Bengio 2013, algorithm 1, with the norm of the gradient of all parameters together, that of the
    regularization included. So it takes one flat vector, which it overwrites where it clips. PyTorch's
    `clip_grad_norm_` divides by ‖g‖ + 10⁻⁶ instead.
    """

    def update(
        params: Array, gradient: Gradient, state: OptimizerState, factor: float = 1.0, scratch: Scratch = None
    ) -> OptimizerState:
        shorten(gradient, clip_norm)
        return optimizer.update(params, gradient, state, factor, scratch)

    scratch = np.empty_like if optimizer.scratch is no_scratch else optimizer.scratch
    return optimizer._replace(update=update, takes_products=False, scratch=scratch)


def shorten(gradient: Array, most: float) -> None:
    """Scale a gradient, in place, to the norm `most` if its norm is larger.

    One that is not finite is left as it is: scaled by most/∞ = 0, an infinite gradient would seem to be none. Where the
    sum of squares of finite elements overflows, or is too small to be exact, the largest element is divided by first.
    """
    with np.errstate(over="ignore"):
        square = float(np.vdot(gradient, gradient))
    if np.finfo(gradient.dtype).tiny / np.finfo(gradient.dtype).eps < square < math.inf:
        norm = math.sqrt(square)
        if norm > most:
            gradient *= most / norm
        return
    largest = float(max(gradient.max(initial=0), -gradient.min(initial=0)))
    if not 0 < largest < math.inf:
        return
    scaled = gradient / largest
    norm = math.sqrt(float(np.vdot(scaled, scaled)))
    if largest * norm > most:
        np.multiply(scaled, most / norm, out=gradient)
