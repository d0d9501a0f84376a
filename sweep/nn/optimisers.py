"""Optimisers: how parameters change, given a gradient."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from scipy.linalg.blas import dgemm, sgemm

from sweep.nn.layer import Array, Gradient, OuterProduct

OptimiserState = Any
"""What an optimiser remembers of one parameter array; None where it has no memory."""


class Optimiser(NamedTuple):
    """Two functions on one array of parameters."""

    init: Callable[[Array], OptimiserState]
    """(params) -> state"""
    update: Callable[[Array, Gradient, OptimiserState], OptimiserState]
    """(params, gradient, state) -> state; the one function that writes into the parameters."""


def sgd(learning_rate: float = 0.01) -> Optimiser:
    """Stochastic gradient descent: params ← params − learning_rate · gradient."""

    def update(params: Array, gradient: Gradient, state: OptimiserState) -> OptimiserState:
        if isinstance(gradient, OuterProduct):
            add_outer_product(params, -learning_rate, gradient)
        else:
            params -= learning_rate * gradient

    return Optimiser(lambda params: None, update)


def add_outer_product(params: Array, factor: float, gradient: OuterProduct) -> None:
    """Add factor · left @ right.T to `params` inside BLAS, without ever forming the product.

    `params` must be C-contiguous, float32 or float64; the factors are of its dtype.
    """
    gemm = sgemm if params.dtype == np.float32 else dgemm
    # BLAS counts columns first: it is handed the transposes, which are Fortran-contiguous views.
    transposed = params.T
    right, transpose = (gradient.right, 0) if gradient.right.flags.f_contiguous else (gradient.right.T, 1)
    result = gemm(factor, right, gradient.left.T, 1, transposed, transpose, 0, 1)
    if result is not transposed:  # SciPy silently updates a copy of arrays that BLAS cannot take.
        raise ValueError("the parameters must be C-contiguous, float32 or float64")


OPTIMISERS: dict[str, Callable[..., Optimiser]] = {"sgd": sgd}
