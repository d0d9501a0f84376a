"""Matrix products in the sizes that BLAS is fastest at."""

from __future__ import annotations

from functools import cache

from threadpoolctl import threadpool_info

from sweep.nn.layer import Array

UNPACKED = {"SkylakeX", "Cooperlake", "SapphireRapids"}
"""Kernels of OpenBLAS that multiply small matrices as they lie in memory; the others always pack them first."""
PRODUCT_SIZE = 1_000_000
"""Multiplications of one matrix product, up to which these kernels take it for small."""
RESULT_SIZE = 1_200
"""Elements of its result, up to which they do so where the right matrix is given column by column."""
NARROWEST = 6
"""Columns, below which many narrow products take longer than a wide one."""


def narrow(units: int, features: int, samples: int) -> int:
    """Return how many samples to multiply weights (units, features) with at a time, a divisor of `samples`.

    It is fastest for samples that lie in memory one after the other, as the rows of a data set do.
    """
    widest = min(RESULT_SIZE // units, PRODUCT_SIZE // (units * features)) if spares_packing() else 0
    return next((width for width in range(widest, NARROWEST - 1, -1) if samples % width == 0), samples)


def side_by_side(x: Array, width: int) -> Array:
    """Return views of `width` columns of x each, shape (columns / width, rows, width)."""
    return x.reshape(len(x), -1, width).transpose(1, 0, 2)


@cache
def spares_packing() -> bool:
    """Tell whether this process's BLAS multiplies small matrices without packing them."""
    return any(pool.get("architecture") in UNPACKED for pool in threadpool_info())
