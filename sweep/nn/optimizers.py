"""Optimizers: how parameters change, given a gradient."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from sweep.nn.layer import Array, Gradient, OuterProduct

OptimizerState = Any
"""What an optimizer remembers of one parameter array; None where it has no memory."""


class Optimizer(NamedTuple):
    """Two functions on one array of parameters: the flat vector of all, or a layer's own array."""

    init: Callable[[Array], OptimizerState]
    """(params) -> state"""
    update: Callable[[Array, Gradient, OptimizerState, float], OptimizerState]
    """(params, gradient, state, factor) -> state; the one function that writes into the parameters. The factor is
    what a schedule makes of the learning rate. States are arrays that it may overwrite."""
    takes_products: bool = False
    """Whether it wants each layer's gradient as it comes, an `OuterProduct` perhaps, rather than all in one vector."""


def sgd(learning_rate: float = 0.01) -> Optimizer:
    """Stochastic gradient descent: params ← params − learning_rate · gradient."""

    def update(params: Array, gradient: Gradient, state: OptimizerState, factor: float = 1.0) -> OptimizerState:
        rate = learning_rate * factor
        if isinstance(gradient, OuterProduct):
            add_outer_product(params, -rate, gradient)
        else:
            params -= rate * gradient

    return Optimizer(lambda params: None, update, takes_products=True)


def _zeros(count: int) -> Callable[[Array], tuple[Array, ...]]:
    """Make an `init` that gives so many arrays of zeros, like the parameters."""
    return lambda params: tuple(np.zeros_like(params) for _ in range(count))


def momentum(learning_rate: float = 0.01, momentum: float = 0.9) -> Optimizer:
    """Classical momentum (Polyak 1964): v ← momentum·v − learning_rate·g; params ← params + v."""

    def update(params: Array, gradient: Gradient, state: OptimizerState, factor: float = 1.0) -> OptimizerState:
        velocity, scratch = state
        velocity *= momentum
        velocity -= np.multiply(gradient, learning_rate * factor, out=scratch)
        params += velocity
        return state

    return Optimizer(_zeros(2), update)


def one_step_momentum(learning_rate: float = 0.01, momentum: float = 0.9) -> Optimizer:
    """Momentum that remembers one step alone: params ← params − (η·g + momentum·η_prev·g_prev).

    So a published document has it; classical momentum would remember every step, each a little less.
    """

    def update(params: Array, gradient: Gradient, state: OptimizerState, factor: float = 1.0) -> OptimizerState:
        previous, scratch = state
        previous *= momentum
        params -= previous
        params -= np.multiply(gradient, learning_rate * factor, out=scratch)
        return scratch, previous

    return Optimizer(_zeros(2), update)


def nesterov(learning_rate: float = 0.01, momentum: float = 0.9) -> Optimizer:
    """Nesterov's momentum as Sutskever et al. 2013 have it: v as in `momentum`; params ← params + momentum·v − η·g."""

    def update(params: Array, gradient: Gradient, state: OptimizerState, factor: float = 1.0) -> OptimizerState:
        velocity, scratch = state
        step = np.multiply(gradient, learning_rate * factor, out=scratch)
        velocity *= momentum
        velocity -= step
        params -= step
        params += np.multiply(velocity, momentum, out=scratch)
        return state

    return Optimizer(_zeros(2), update)


def adagrad(learning_rate: float = 0.01, eps: float = 1e-8) -> Optimizer:
    """AdaGrad (Duchi et al. 2011): h ← h + g²; params ← params − η·g/√h.

    h starts at `eps`, as a published document has it, instead of `eps` being added to the root in each step.
    """

    def init(params: Array) -> OptimizerState:
        return np.full_like(params, eps), np.zeros_like(params)

    def update(params: Array, gradient: Gradient, state: OptimizerState, factor: float = 1.0) -> OptimizerState:
        squares, scratch = state
        squares += np.multiply(gradient, gradient, out=scratch)
        np.sqrt(squares, out=scratch)
        np.divide(gradient, scratch, out=scratch)
        scratch *= learning_rate * factor
        params -= scratch
        return state

    return Optimizer(init, update)


def rmsprop(learning_rate: float = 0.001, decay: float = 0.9, eps: float = 1e-8) -> Optimizer:
    """RMSProp (Tieleman & Hinton 2012): h ← decay·h + (1 − decay)·g²; params ← params − η·g/(√h + eps)."""

    def update(params: Array, gradient: Gradient, state: OptimizerState, factor: float = 1.0) -> OptimizerState:
        squares, scratch = state
        squares *= decay
        np.multiply(gradient, gradient, out=scratch)
        scratch *= 1 - decay
        squares += scratch
        np.sqrt(squares, out=scratch)
        scratch += eps
        np.divide(gradient, scratch, out=scratch)
        scratch *= learning_rate * factor
        params -= scratch
        return state

    return Optimizer(_zeros(2), update)


def adam(learning_rate: float = 0.001, beta_1: float = 0.9, beta_2: float = 0.999, eps: float = 1e-8) -> Optimizer:
    """Adam (Kingma & Ba 2015, algorithm 1), with k the number of the step:

    m ← β₁·m + (1 − β₁)·g; v ← β₂·v + (1 − β₂)·g²; params ← params − η·m̂/(√v̂ + eps), m̂ = m/(1 − β₁ᵏ), v̂ = v/(1 − β₂ᵏ).

    m and v are kept divided by 1 − β₁ and 1 − β₂, which saves a pass over the parameters each.
    """

    def init(params: Array) -> OptimizerState:
        return *_zeros(3)(params), 0

    def update(params: Array, gradient: Gradient, state: OptimizerState, factor: float = 1.0) -> OptimizerState:
        m, v, scratch, k = state
        k += 1
        m *= beta_1
        m += gradient
        v *= beta_2
        v += np.multiply(gradient, gradient, out=scratch)
        root = math.sqrt((1 - beta_2) / (1 - beta_2**k))
        np.sqrt(v, out=scratch)
        scratch += eps / root
        np.divide(m, scratch, out=scratch)
        scratch *= learning_rate * factor * (1 - beta_1) / (1 - beta_1**k) / root
        params -= scratch
        return m, v, scratch, k

    return Optimizer(init, update)


def add_outer_product(params: Array, factor: float, gradient: OuterProduct) -> None:
    """Add factor · left @ right.T to `params` inside BLAS, without ever forming the product.

    `params` must be C-contiguous, float32 or float64; the factors are of its dtype.
    """
    gemm = _gemm(params.dtype)
    # BLAS counts columns first: it is handed the transposes, which are Fortran-contiguous views.
    transposed = params.T
    right, transpose = (gradient.right, 0) if gradient.right.flags.f_contiguous else (gradient.right.T, 1)
    result = gemm(factor, right, gradient.left.T, 1, transposed, transpose, 0, 1)
    if result is not transposed:  # SciPy silently updates a copy of arrays that BLAS cannot take.
        raise ValueError("the parameters must be C-contiguous, float32 or float64")


@cache
def _gemm(dtype: np.dtype[Any]) -> Callable[..., Array]:
    """Return BLAS's matrix product; SciPy takes as long to import as a whole command that trains nothing."""
    from scipy.linalg.blas import dgemm, sgemm

    return sgemm if dtype == np.float32 else dgemm  # type: ignore[no-any-return]


def dense(gradient: Gradient, out: Array) -> None:
    """Write a layer's gradient into `out`, multiplying out an `OuterProduct`."""
    if isinstance(gradient, OuterProduct):
        np.matmul(gradient.left, gradient.right.T, out=out)
    else:
        np.copyto(out, gradient)


OPTIMIZERS: dict[str, Callable[..., Optimizer]] = {
    "adagrad": adagrad,
    "adam": adam,
    "momentum": momentum,
    "nesterov": nesterov,
    "one_step_momentum": one_step_momentum,
    "rmsprop": rmsprop,
    "sgd": sgd,
}
