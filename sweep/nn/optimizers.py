"""Optimizers: how parameters change, given a gradient."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from sweep.nn.bounds import Fraction, Positive
from sweep.nn.layer import Array, Gradient, OuterProduct

OptimizerState = Any
"""What an optimizer keeps from step to step for one array of parameters: a named tuple, or None."""
Scratch = Any
"""An array of the parameters' shape that an update may overwrite, and whose values it never reads; None for none."""


def as_it_is(state: OptimizerState, arithmetic: int) -> OptimizerState:
    """Return a state as it is: the `upgrade` of an optimizer whose state has always had the same meaning."""
    return state


def no_scratch(params: Array) -> Scratch:
    """Return None: the `scratch` of an optimizer that needs no work array."""


class Optimizer(NamedTuple):
    """Pure functions on one array of parameters: the flat vector of all, or a layer's own."""

    init: Callable[[Array], OptimizerState]
    """(params) -> state"""
    update: Callable[[Array, Gradient, OptimizerState, float, Scratch], OptimizerState]
    """(params, gradient, state, factor, scratch) -> state; changes the parameters and the arrays of the state in place.

    The factor, from the schedule, multiplies the learning rate. Without scratch (None) an update allocates."""
    takes_products: bool = False
    """Whether it takes each layer's gradient separately, possibly an `OuterProduct`, instead of one flat vector."""
    scratch: Callable[[Array], Scratch] = no_scratch
    """(params) -> scratch; it is not part of the state, so it is neither copied nor written to files."""
    upgrade: Callable[[OptimizerState, int], OptimizerState] = as_it_is
    """(state, version of the arithmetic that computed it) -> the state as this version keeps it"""
    stable_below: float | None = None
    """The curvature below which the steps on a quadratic loss, with the factor 1, do not grow: 2/learning_rate for SGD;
    None where that depends on the gradients before."""


def sgd(learning_rate: Positive = 0.01) -> Optimizer:
    """Stochastic gradient descent: params ← params − learning_rate · gradient."""

    def update(
        params: Array, gradient: Gradient, state: None, factor: float = 1.0, scratch: Scratch = None
    ) -> OptimizerState:
        rate = learning_rate * factor
        if isinstance(gradient, OuterProduct):
            add_outer_product(params, -rate, gradient)
        else:
            params -= np.multiply(gradient, rate, out=scratch)

    return Optimizer(lambda params: None, update, takes_products=True, stable_below=2 / learning_rate)


class MomentumState(NamedTuple):
    """The state of `momentum` and `nesterov`."""

    velocity: Array


def momentum(learning_rate: Positive = 0.01, momentum: Fraction = 0.9) -> Optimizer:
    """Classical momentum (Polyak 1964): v ← momentum·v − learning_rate·g; params ← params + v.

    Stable below the curvature 2·(1 + momentum)/learning_rate (Cohen et al. 2021, equation 1).
    """

    def update(
        params: Array, gradient: Gradient, state: MomentumState, factor: float = 1.0, scratch: Scratch = None
    ) -> MomentumState:
        (velocity,) = state
        velocity *= momentum
        velocity -= np.multiply(gradient, learning_rate * factor, out=scratch)
        params += velocity
        return state

    limit = 2 * (1 + momentum) / learning_rate
    return Optimizer(
        lambda params: MomentumState(np.zeros_like(params)), update, scratch=np.empty_like, stable_below=limit
    )


class OneStepMomentumState(NamedTuple):
    """The state of `one_step_momentum`."""

    previous: Array
    """learning_rate·g of the last step."""


def one_step_momentum(learning_rate: Positive = 0.01, momentum: Fraction = 0.9) -> Optimizer:
    """Momentum of the last step only: params ← params − (η·g + momentum·η_prev·g_prev).

    A published document defines it in this way; in classical momentum every earlier step counts, each a little less.
    With the curvature λ, params follow z² − (1 − η·λ)·z + momentum·η·λ = 0, whose roots are at most 1 where η·λ is at
    most 2/(1 − momentum) and 1/momentum.
    """

    def update(
        params: Array, gradient: Gradient, state: OneStepMomentumState, factor: float = 1.0, scratch: Scratch = None
    ) -> OneStepMomentumState:
        (previous,) = state
        previous *= momentum
        params -= previous
        params -= np.multiply(gradient, learning_rate * factor, out=previous)
        return state

    limit = min(2 / (1 - momentum), 1 / momentum if momentum else math.inf) / learning_rate
    return Optimizer(lambda params: OneStepMomentumState(np.zeros_like(params)), update, stable_below=limit)


def nesterov(learning_rate: Positive = 0.01, momentum: Fraction = 0.9) -> Optimizer:
    """Nesterov's momentum (Sutskever et al. 2013): params ← params + momentum·v − η·g.

    v is that of `momentum`. Stable below the curvature 2·(1 + momentum)/((1 + 2·momentum)·learning_rate) (Cohen et al.
    2021, equation 1).
    """

    def update(
        params: Array, gradient: Gradient, state: MomentumState, factor: float = 1.0, scratch: Scratch = None
    ) -> MomentumState:
        (velocity,) = state
        step = np.multiply(gradient, learning_rate * factor, out=scratch)
        velocity *= momentum
        velocity -= step
        params -= step
        params += np.multiply(velocity, momentum, out=scratch)
        return state

    limit = 2 * (1 + momentum) / ((1 + 2 * momentum) * learning_rate)
    return Optimizer(
        lambda params: MomentumState(np.zeros_like(params)), update, scratch=np.empty_like, stable_below=limit
    )


class SquaresState(NamedTuple):
    """The state of `adagrad` and `rmsprop`."""

    squares: Array
    """The sum, or the moving average, of squared gradients."""


def adagrad(learning_rate: Positive = 0.01, eps: Positive = 1e-8) -> Optimizer:
    """AdaGrad (Duchi et al. 2011): h ← h + g²; params ← params − η·g/√h.

    h starts at `eps`, as in a published document; the paper adds `eps` to the root in each step instead.
    """

    def update(
        params: Array, gradient: Gradient, state: SquaresState, factor: float = 1.0, scratch: Scratch = None
    ) -> SquaresState:
        (squares,) = state
        step = np.multiply(gradient, gradient, out=scratch)
        squares += step
        np.sqrt(squares, out=step)
        np.divide(gradient, step, out=step)
        step *= learning_rate * factor
        params -= step
        return state

    return Optimizer(lambda params: SquaresState(np.full_like(params, eps)), update, scratch=np.empty_like)


def rmsprop(learning_rate: Positive = 0.001, decay: Fraction = 0.9, eps: Positive = 1e-8) -> Optimizer:
    """RMSProp (Tieleman & Hinton 2012): params ← params − η·g/(√h + eps).

    h ← decay·h + (1 − decay)·g².

    (1 − decay)·g² is computed as the square of √(1 − decay)·g, which does not overflow before h does.
    """

    share = math.sqrt(1 - decay)

    def update(
        params: Array, gradient: Gradient, state: SquaresState, factor: float = 1.0, scratch: Scratch = None
    ) -> SquaresState:
        (squares,) = state
        squares *= decay
        step = np.multiply(gradient, share, out=scratch)
        step *= step
        squares += step
        np.sqrt(squares, out=step)
        step += eps
        np.divide(gradient, step, out=step)
        step *= learning_rate * factor
        params -= step
        return state

    return Optimizer(lambda params: SquaresState(np.zeros_like(params)), update, scratch=np.empty_like)


class AdamState(NamedTuple):
    """The state of `adam`."""

    m: Array
    """The moving average of gradients, divided by 1 − β₁."""
    v: Array
    """The moving average of squared gradients."""
    steps: int


def adam(
    learning_rate: Positive = 0.001, beta_1: Fraction = 0.9, beta_2: Fraction = 0.999, eps: Positive = 1e-8
) -> Optimizer:
    """Adam (Kingma & Ba 2015, algorithm 1), with k the number of the step:

    m ← β₁·m + (1 − β₁)·g; v ← β₂·v + (1 − β₂)·g²; params ← params − η·m̂/(√v̂ + eps), m̂ = m/(1 − β₁ᵏ), v̂ = v/(1 − β₂ᵏ).

    Keeping m divided by 1 − β₁ saves a pass over the parameters. (1 − β₂)·g² is computed as the square of √(1 − β₂)·g,
    which does not overflow before v does: with v divided by 1 − β₂ too, gradients could be only a 32nd as large.
    """
    share = math.sqrt(1 - beta_2)

    def init(params: Array) -> AdamState:
        return AdamState(np.zeros_like(params), np.zeros_like(params), 0)

    def update(
        params: Array, gradient: Gradient, state: AdamState, factor: float = 1.0, scratch: Scratch = None
    ) -> AdamState:
        m, v, k = state
        k += 1
        m *= beta_1
        m += gradient
        v *= beta_2
        step = np.multiply(gradient, share, out=scratch)
        step *= step
        v += step
        root = math.sqrt(1 / (1 - beta_2**k))
        np.sqrt(v, out=step)
        step += eps / root
        np.divide(m, step, out=step)
        step *= learning_rate * factor * (1 - beta_1) / (1 - beta_1**k) / root
        params -= step
        return AdamState(m, v, k)

    def upgrade(state: AdamState, arithmetic: int) -> AdamState:
        return state._replace(v=state.v * (1 - beta_2)) if arithmetic < 2 else state  # it was divided by 1 − β₂

    return Optimizer(init, update, scratch=np.empty_like, upgrade=upgrade)


def add_outer_product(params: Array, factor: float, gradient: OuterProduct) -> None:
    """Add factor · left @ right.T to `params` in one BLAS call, without a temporary array.

    Args:
        params: shape (rows, columns), C-contiguous, float32 or float64.
        factor: multiplies the product.
        gradient: its two factors, of the dtype of `params`.

    Raises:
        ValueError: when `params` is not C-contiguous, or of another dtype.
    """
    gemm = _gemm(params.dtype)
    # BLAS is column-major: it gets the transposes, which are Fortran-contiguous views.
    transposed = params.T
    right, transpose = (gradient.right, 0) if gradient.right.flags.f_contiguous else (gradient.right.T, 1)
    result = gemm(factor, right, gradient.left.T, 1, transposed, transpose, 0, 1)
    if result is not transposed:  # SciPy updates a copy of an array that BLAS cannot take
        raise ValueError("the parameters must be C-contiguous, float32 or float64")


@cache
def _gemm(dtype: np.dtype[Any]) -> Callable[..., Array]:
    """Return BLAS's matrix product of a dtype; SciPy is slow to import, so on first use."""
    from scipy.linalg.blas import dgemm, sgemm

    return sgemm if dtype == np.float32 else dgemm  # type: ignore[no-any-return]


def dense(gradient: Gradient, out: Array) -> None:
    """Write a layer's gradient into `out`; an `OuterProduct` is multiplied out."""
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
