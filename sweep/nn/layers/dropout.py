"""Dropout: units are set to 0 at random while training."""

from __future__ import annotations

import numpy as np

from sweep.nn.bounds import Fraction, check_arguments
from sweep.nn.layer import (
    Array,
    BackwardResult,
    Cache,
    Call,
    Dtype,
    ForwardResult,
    Layer,
    Parameters,
    Shape,
    State,
    Workspace,
    outputs,
    same_shape,
    without_ones,
    without_parameters,
)


def dropout(rate: Fraction) -> Layer:
    """In training, set each unit to 0 with probability `rate`; divide others by 1 − rate.

    `rate` is in [0, 1).

    Evaluation leaves x as it is. Srivastava et al. 2014 multiply by 1 − rate in evaluation instead; the expectation is
    the same, and evaluation costs nothing here.

    The uniform numbers are float32 for every dtype, one for each unit in the order of memory; so the probability is
    exact to 2⁻²⁴. A value that is not finite is never lost: NaN and infinity times 0 are NaN.

    Raises:
        ValueError: when the rate is out of range; from `forward`, when training has no generator to draw from.
    """
    check_arguments(dropout, rate=rate)

    def work(shape: Shape, samples: int, dtype: Dtype) -> Workspace:
        y = outputs(shape, samples, dtype)
        factors = np.empty((*shape, samples), dtype)
        uniform = factors if dtype == np.float32 else np.empty(factors.shape, np.float32)
        return y, without_ones(y), factors, uniform

    def forward(params: Parameters, state: State, x: Array, work: Workspace, call: Call) -> ForwardResult:
        if not (call.train and rate):
            return x, state, None
        if call.rng is None:
            raise ValueError("dropout needs a random generator in training")
        y, units_of_y, factors, uniform = work
        call.rng.random(out=uniform, dtype=np.float32)
        np.greater_equal(uniform, rate, out=factors)
        factors *= 1 / (1 - rate)
        np.multiply(without_ones(x), factors, out=units_of_y)
        return y, state, factors

    def backward(params: Parameters, cache: Cache, dy: Array, work: Workspace, need_dx: bool) -> BackwardResult:
        return dy if cache is None else np.multiply(cache, dy, out=cache), None

    return Layer(same_shape, without_parameters, work, forward, backward, output=lambda work: work[0])
