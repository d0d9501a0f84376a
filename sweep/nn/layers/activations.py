"""Activations: functions of one number, applied to every unit, with their derivatives.

Each is written as one function that fills `y` and `slope` = dy/dx from `x`, all of one shape. The slope is found in
the forward pass because most derivatives share their costly part with the value; backward is then one product.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from sweep.nn.layer import (
    Array,
    Cache,
    Call,
    Dtype,
    Gradient,
    Layer,
    Parameters,
    Shape,
    State,
    Work,
    outputs,
    same_shape,
    units,
    without_parameters,
)

Function = Callable[..., object]
"""Fill (y, slope) from x and constants: `function(x, y, slope, *constants)`."""


def elementwise(function: Function, *constants: float) -> Layer:
    """Make a layer of an activation function, for vectors and images.

    The function gets its constants as arrays of shape () and of the network's dtype: a product with such a one takes
    two thirds of the time that it takes with a Python number, where there are few units. y may be x itself: the
    function reads no x once it has written y.
    """

    def work(shape: Shape, samples: int, dtype: Dtype) -> Work:
        y = outputs(shape, samples, dtype)
        return y, units(y), np.empty((*shape, samples), dtype), [np.array(value, dtype) for value in constants]

    def forward(params: Parameters, state: State, x: Array, work: Work, call: Call) -> tuple[Array, State, Cache]:
        y, units_of_y, slope, arrays = work
        function(units(x), units_of_y, slope, *arrays)
        return y, state, slope

    def backward(
        params: Parameters, cache: Cache, dy: Array, work: Work, need_dx: bool
    ) -> tuple[Array | None, Gradient]:
        return np.multiply(cache, dy, out=cache), None

    def in_place(work: Work, x: Array) -> Work:
        return x, units(x), *work[2:]

    return Layer(same_shape, without_parameters, work, forward, backward, output=lambda work: work[0], reuse=in_place)


def leaky_relu(alpha: float = 0.01) -> Layer:
    """x where x > 0, alpha·x elsewhere (Maas et al. 2013); the slope at 0 is alpha."""

    def function(x: Array, y: Array, slope: Array, zero: Array, rest: Array, alpha: Array) -> None:
        # Three cheap passes: np.where takes twice as long, multiply(where=) four times.
        np.greater(x, zero, out=slope)
        slope *= rest
        slope += alpha
        np.multiply(x, slope, out=y)

    return elementwise(function, 0, 1 - alpha, alpha)


def relu() -> Layer:
    """max(x, 0); the slope at 0 is 0. An infinite negative input gives NaN, so that it cannot hide behind a 0."""

    def function(x: Array, y: Array, slope: Array, zero: Array) -> None:
        np.greater(x, zero, out=slope)
        np.multiply(x, slope, out=y)

    return elementwise(function, 0)


def sigmoid_into(x: Array, out: Array) -> Array:
    """Compute 1/(1 + exp(−x)) as ½ + ½·tanh(x/2), which cannot overflow; its absolute error is one rounding."""
    np.multiply(x, 0.5, out=out)
    np.tanh(out, out=out)
    out *= 0.5
    out += 0.5
    return out


def sigmoid() -> Layer:
    """1/(1 + exp(−x)), stable for every x; slope y·(1 − y)."""

    def function(x: Array, y: Array, slope: Array) -> None:
        sigmoid_into(x, y)
        np.subtract(1, y, out=slope)
        slope *= y

    return elementwise(function)


def tanh() -> Layer:
    """tanh(x); slope 1 − y²."""

    def function(x: Array, y: Array, slope: Array) -> None:
        np.tanh(x, out=y)
        np.multiply(y, y, out=slope)
        np.subtract(1, slope, out=slope)

    return elementwise(function)


def softplus() -> Layer:
    """log(1 + exp(x)) as max(x, 0) + log1p(exp(−|x|)), stable for every x; slope sigmoid(x)."""

    def function(x: Array, y: Array, slope: Array) -> None:
        sigmoid_into(x, slope)
        np.logaddexp(x, 0, out=y)

    return elementwise(function)


def softsign() -> Layer:
    """x/(1 + |x|); slope 1/(1 + |x|)². The reciprocal is squared, not the sum, which would overflow for large |x|."""

    def function(x: Array, y: Array, slope: Array) -> None:
        np.abs(x, out=slope)
        slope += 1
        np.reciprocal(slope, out=slope)
        np.multiply(x, slope, out=y)
        slope *= slope

    return elementwise(function)


def step() -> Layer:
    """1 where x > 0, 0 elsewhere; slope 0 everywhere, so that nothing below it learns."""

    def function(x: Array, y: Array, slope: Array) -> None:
        np.heaviside(x, 0, out=y)  # unlike a comparison, lets no NaN pass as a 0
        slope.fill(0)

    return elementwise(function)


def swish() -> Layer:
    """x·sigmoid(x) (Ramachandran et al. 2017); slope s + y·(1 − s) with s = sigmoid(x)."""

    def function(x: Array, y: Array, slope: Array) -> None:
        sigmoid_into(x, slope)
        np.multiply(x, slope, out=y)
        # The only temporaries here: small ones are nearly free, and the formula stays readable.
        slope += y * (1 - slope)

    return elementwise(function)


def identity() -> Layer:
    """x itself; slope 1."""

    def forward(params: Parameters, state: State, x: Array, work: Work, call: Call) -> tuple[Array, State, Cache]:
        return x, state, None

    def backward(
        params: Parameters, cache: Cache, dy: Array, work: Work, need_dx: bool
    ) -> tuple[Array | None, Gradient]:
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
