"""Matrix products in the sizes for which BLAS is fastest."""

from __future__ import annotations

from functools import cache

from threadpoolctl import threadpool_info

from sweep.nn.layer import Array

UNPACKED = {"SkylakeX", "Cooperlake", "SapphireRapids"}
"""OpenBLAS kernels that multiply small matrices without packing (copying) them first."""
PRODUCT_SIZE = 1_000_000
"""Largest number of multiplications of a product that these kernels treat as small."""
RESULT_SIZE = 1_200
"""Largest number of elements of its result, if the right matrix is stored column by column."""
NARROWEST = 6
"""Smallest number of columns for which many narrow products are faster than a wide one."""


def narrow(units: int, features: int, samples: int) -> int:
    """Return the number of samples to multiply weights with at a time.

    It is a divisor of `samples`; the weights have shape (units, features).

    It is the fastest for samples that are contiguous in memory, as the rows of a data set are.
    """
    widest = min(RESULT_SIZE // units, PRODUCT_SIZE // (units * features)) if spares_packing() else 0
    return next((width for width in range(widest, NARROWEST - 1, -1) if samples % width == 0), samples)


def side_by_side(x: Array, width: int) -> Array:
    """Return views of `width` columns of x each, shape (columns / width, rows, width)."""
    return x.reshape(len(x), -1, width).transpose(1, 0, 2)


@cache
def spares_packing() -> bool:
    """Return whether the BLAS of this process multiplies small matrices without packing them."""
    return any(pool.get("architecture") in UNPACKED for pool in threadpool_info())
