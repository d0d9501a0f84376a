"""Initializers: the first values of weights and biases.

Values are drawn in float64 whatever the network's precision, so that a float32 and a float64 trial with the same seed
start from the same network.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from sweep.nn.bounds import NonNegative
from sweep.nn.layer import Array, Dtype, Shape

Initializer = Callable[[np.random.Generator, int, int, Shape], Array]
"""(rng, fan_in, fan_out, shape) -> float64 array of that shape."""


def weight_matrix(
    rng: np.random.Generator,
    shape: tuple[int, int],
    fan_out: int,
    weights: Initializer,
    biases: Initializer | None,
    dtype: Dtype,
) -> Array:
    """Return weights of `shape` (units, fan_in) and, unless `biases` is None, a last column of biases."""
    units, fan_in = shape
    W = np.empty((units, fan_in if biases is None else fan_in + 1), dtype)
    W[:, :fan_in] = weights(rng, fan_in, fan_out, shape)
    if biases is not None:
        W[:, -1] = biases(rng, fan_in, fan_out, (units,))
    return W


def normal(mean: float = 0.0, std: NonNegative = 0.01) -> Initializer:
    """Draw from a normal distribution of standard deviation `std`."""
    return lambda rng, fan_in, fan_out, shape: rng.normal(mean, std, shape)


def uniform(min: float = -1.0, max: float = 1.0) -> Initializer:
    """Draw uniformly from [min, max).

    Raises:
        ValueError: when min is above max, or max − min is infinite; the message reads on from a name.
    """
    if min > max:
        raise ValueError("has a min above its max; exchange them")
    if math.isinf(max - min):
        raise ValueError("has a min and a max too far apart for a number; bring them closer")
    return lambda rng, fan_in, fan_out, shape: rng.uniform(min, max, shape)


def zeros() -> Initializer:
    """Set all values to 0."""
    return lambda rng, fan_in, fan_out, shape: np.zeros(shape)


def ones() -> Initializer:
    """Set all values to 1."""
    return lambda rng, fan_in, fan_out, shape: np.ones(shape)


def lecun_variance(fan_in: int, fan_out: int) -> float:
    """1/fan_in (LeCun et al. 1998, "Efficient BackProp", section 4.6)."""
    return 1 / fan_in


def glorot_variance(fan_in: int, fan_out: int) -> float:
    """2/(fan_in + fan_out) (Glorot & Bengio 2010, equation 12)."""
    return 2 / (fan_in + fan_out)


def he_variance(fan_in: int, fan_out: int) -> float:
    """2/fan_in (He et al. 2015, equation 10)."""
    return 2 / fan_in


Variance = Callable[[int, int], float]


def scaled_normal(variance: Variance) -> Callable[[], Initializer]:
    """Draw from a normal distribution of mean 0 and a variance that depends on the fans."""
    return lambda: lambda rng, fan_in, fan_out, shape: rng.normal(0, math.sqrt(variance(fan_in, fan_out)), shape)


def scaled_uniform(variance: Variance) -> Callable[[], Initializer]:
    """Draw uniformly from ±√(3·variance), with a variance that depends on the fans."""

    def initialize(rng: np.random.Generator, fan_in: int, fan_out: int, shape: Shape) -> Array:
        limit = math.sqrt(3 * variance(fan_in, fan_out))
        return rng.uniform(-limit, limit, shape)

    return lambda: initialize


INITIALIZERS: dict[str, Callable[..., Initializer]] = {
    "glorot_normal": scaled_normal(glorot_variance),
    "glorot_uniform": scaled_uniform(glorot_variance),
    "he_normal": scaled_normal(he_variance),
    "he_uniform": scaled_uniform(he_variance),
    "lecun_normal": scaled_normal(lecun_variance),
    "lecun_uniform": scaled_uniform(lecun_variance),
    "normal": normal,
    "ones": ones,
    "uniform": uniform,
    "zeros": zeros,
}
