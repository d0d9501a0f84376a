"""Activations: functions of one number, applied to every unit, with their derivatives.

Each is one function that fills `y` and `slope` = dy/dx from `x`, all of one shape. The forward pass computes the slope
because most derivatives share their costly part with the value; the backward pass is then one product.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import numpy as np

from sweep.nn.bounds import Bounds
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

Function = Callable[..., object]
"""Fill (y, slope) from x and constants: `function(x, y, slope, *constants)`."""


def elementwise(function: Function, *constants: float) -> Layer:
    """Return the layer of an activation function, for vectors and images.

    The function gets its constants as arrays of shape () and of the network's dtype: where there are few units, a
    product with one takes two thirds of the time of one with a Python number. y may be x itself: the function must not
    read x after it has written y.
    """

    def work(shape: Shape, samples: int, dtype: Dtype) -> Workspace:
        y = outputs(shape, samples, dtype)
        return y, without_ones(y), np.empty((*shape, samples), dtype), [np.array(value, dtype) for value in constants]

    def forward(params: Parameters, state: State, x: Array, work: Workspace, call: Call) -> ForwardResult:
        y, units_of_y, slope, arrays = work
        function(without_ones(x), units_of_y, slope, *arrays)
        return y, state, slope

    def backward(params: Parameters, cache: Cache, dy: Array, work: Workspace, need_dx: bool) -> BackwardResult:
        return np.multiply(cache, dy, out=cache), None

    def in_place(work: Workspace, x: Array) -> Workspace:
        return x, without_ones(x), *work[2:]

    return Layer(same_shape, without_parameters, work, forward, backward, output=lambda work: work[0], reuse=in_place)


def leaky_relu(alpha: Annotated[float, Bounds(ge=0, le=1)] = 0.01) -> Layer:
    """x where x > 0, alpha·x elsewhere (Maas et al. 2013); the slope at 0 is alpha."""

    def function(x: Array, y: Array, slope: Array, zero: Array, rest: Array, alpha: Array) -> None:
        # Three cheap passes: np.where takes twice as long, multiply(where=) four times.
        np.greater(x, zero, out=slope)
        slope *= rest
        slope += alpha
        np.multiply(x, slope, out=y)

    return elementwise(function, 0, 1 - alpha, alpha)


def relu() -> Layer:
    """max(x, 0); the slope at 0 is 0; −∞ gives NaN instead of a finite 0."""

    def function(x: Array, y: Array, slope: Array, zero: Array) -> None:
        np.greater(x, zero, out=slope)
        np.multiply(x, slope, out=y)

    return elementwise(function, 0)


LARGEST_EXPONENTS = {np.dtype(kind): np.array(value, kind) for kind, value in (("float32", 88), ("float64", 709))}
"""Dtype -> the largest whole number whose exponential does not overflow."""
ONES = {kind: np.array(1, kind) for kind in LARGEST_EXPONENTS}


def exponential(x: Array, out: Array) -> None:
    """Compute exp(x), of larger numbers that of the largest exponent; `out` may be x."""
    largest = LARGEST_EXPONENTS[x.dtype]
    if not np.maximum.reduce(x, None) <= largest:  # or NaN; an eighth of the time of np.minimum
        x = np.minimum(x, largest, out=out)
    np.exp(x, out=out)


def sigmoid_into(x: Array, out: Array, divisor: Array) -> Array:
    """Compute e/(1 + e), e = exp(x), and fill `divisor` with 1 + e; return `out`.

    Its relative error is at most 4 roundings, however small it is, and nothing overflows. `out` may be x, `divisor`
    not. (The form ½ + ½·tanh(x/2) is somewhat faster, but where it is small it has lost all its digits.)
    """
    exponential(x, out)
    np.add(out, ONES[x.dtype], out=divisor)
    out /= divisor
    return out


def sigmoid() -> Layer:
    """1/(1 + exp(−x)), stable for every x; slope y·(1 − y) as y/(1 + exp(x)), exact where y is nearly 1."""

    def function(x: Array, y: Array, slope: Array) -> None:
        sigmoid_into(x, y, slope)
        np.divide(y, slope, out=slope)

    return elementwise(function)


def tanh() -> Layer:
    """tanh(x); slope 1 − y²."""

    def function(x: Array, y: Array, slope: Array) -> None:
        np.tanh(x, out=y)
        np.multiply(y, y, out=slope)
        np.subtract(1, slope, out=slope)

    return elementwise(function)


def softplus() -> Layer:
    """log(1 + exp(x)) as max(x, 0) + log1p(exp(−|x|)), stable for every x; slope sigmoid(x).

    The slope is computed as 1/(1 + exp(−x)), which needs no other array; below −88 (−709 in float64) it is constant.
    """

    def function(x: Array, y: Array, slope: Array) -> None:
        np.negative(x, out=slope)
        exponential(slope, slope)
        slope += 1
        np.divide(1, slope, out=slope)
        np.logaddexp(x, 0, out=y)

    return elementwise(function)


def softsign() -> Layer:
    """x/(1 + |x|); slope 1/(1 + |x|)², the square of the reciprocal, without overflow."""

    def function(x: Array, y: Array, slope: Array) -> None:
        np.abs(x, out=slope)
        slope += 1
        np.reciprocal(slope, out=slope)
        np.multiply(x, slope, out=y)
        slope *= slope

    return elementwise(function)


def step() -> Layer:
    """1 where x > 0, 0 elsewhere; slope 0 everywhere, so that layers below do not learn."""

    def function(x: Array, y: Array, slope: Array) -> None:
        np.heaviside(x, 0, out=y)  # unlike a comparison, keeps NaN
        slope.fill(0)

    return elementwise(function)


def swish() -> Layer:
    """x·sigmoid(x) (Ramachandran et al. 2017); slope s + y·(1 − s) with s = sigmoid(x)."""

    def function(x: Array, y: Array, slope: Array) -> None:
        rest = np.empty_like(slope)  # a small temporary costs little
        sigmoid_into(x, slope, rest)
        np.multiply(x, slope, out=y)
        np.subtract(1, slope, out=rest)  # exactly 0 for large x, which 1/(1 + exp(x)) is not
        rest *= y
        slope += rest

    return elementwise(function)


def identity() -> Layer:
    """x itself; slope 1."""

    def forward(params: Parameters, state: State, x: Array, work: Workspace, call: Call) -> ForwardResult:
        return x, state, None

    def backward(params: Parameters, cache: Cache, dy: Array, work: Workspace, need_dx: bool) -> BackwardResult:
        return dy, None

    return Layer(same_shape, without_parameters, lambda shape, samples, dtype: None, forward, backward)


ACTIVATIONS: dict[str, Callable[..., Layer]] = {
    "identity": identity,
    "leaky_relu": leaky_relu,
    "relu": relu,
    "sigmoid": sigmoid,
    "softplus": softplus,
    "softsign": softsign,
    "step": step,
    "swish": swish,
    "tanh": tanh,
}
