"""Matrix products in the sizes for which BLAS is fastest.

Some kernels of BLAS multiply small matrices without packing (copying) them first: then many narrow products may take
half the time of a wide one, where they take twice the time with others. Which of them a processor has is measured.
"""

from __future__ import annotations

import statistics
import time
from typing import Literal

import numpy as np
from threadpoolctl import threadpool_limits

from sweep.nn.layer import Array

Products = Literal["narrow", "wide"]
"""How weights are multiplied with samples that are rows of a data set: some samples at a time, or all at once."""

PRODUCT_SIZE = 1_000_000
"""Largest number of multiplications of a product that such kernels treat as small."""
RESULT_SIZE = 1_200
"""Largest number of elements of its result, if the right matrix is stored column by column."""
NARROWEST = 6
"""Smallest number of columns for which many narrow products are faster than a wide one."""
TYPICAL = (50, 785, 60)
"""Units, features and samples of the products that are timed."""
ROUNDS, REPEATS = 9, 10
CLEAR = 0.9
"""Part of the time of a wide product that narrow ones take at most where they are taken."""


def width(units: int, features: int, samples: int, products: Products) -> int:
    """Return the number of samples to multiply weights with at a time.

    It is a divisor of `samples`; the weights have shape (units, features).

    It is the fastest for samples that are contiguous in memory, as the rows of a data set are.
    """
    widest = min(RESULT_SIZE // units, PRODUCT_SIZE // (units * features)) if products == "narrow" else 0
    return next((width for width in range(widest, NARROWEST - 1, -1) if samples % width == 0), samples)


def side_by_side(x: Array, width: int) -> Array:
    """Return views of `width` columns of x each, shape (columns / width, rows, width)."""
    return x.reshape(len(x), -1, width).transpose(1, 0, 2)


def faster() -> Products:
    """Return which products take less time on this processor, by a measurement of some 50 ms on one thread."""
    units, features, samples = TYPICAL
    weights, z = np.ones((units, features), np.float32), np.empty((units, samples), np.float32)
    x = np.ones((samples, features), np.float32).T
    size = width(*TYPICAL, "narrow")
    xs, zs = side_by_side(x, size), side_by_side(z, size)
    with threadpool_limits(1):
        ratios = [_seconds(weights, xs, zs) / _seconds(weights, x, z) for _ in range(ROUNDS)]
    return "narrow" if statistics.median(ratios) <= CLEAR else "wide"


def _seconds(left: Array, right: Array, out: Array) -> float:
    """Return the CPU seconds of some products of the same matrices."""
    start = time.thread_time()
    for _ in range(REPEATS):
        np.matmul(left, right, out=out)
    return time.thread_time() - start
