"""Columns that stand for one parameter each in additive models: polynomials of a number, contrasts of a choice."""

from __future__ import annotations

import numpy as np

from sweep.analysis.survivors import Survivors
from sweep.space.coordinates import Array

DEGREE = 3


def terms(survivors: Survivors, index: int, degree: int = DEGREE) -> Array:
    """Return the columns of one slot, (rows, columns), of mean 0 over the rows that have it and 0 in the others.

    Legendre polynomials of a number, of a degree below the number of its different values; of a choice without an order
    a column for each option but the commonest.
    """
    column = survivors.coordinates[:, index]
    there = ~np.isnan(column)
    levels, counts = np.unique(column[there], return_counts=True)
    if survivors.places[index].is_numeric:
        most = min(degree, len(levels) - 1)
        made = np.polynomial.legendre.legvander(2 * column[there] - 1, most)[:, 1:]
    else:
        others = np.delete(levels, int(np.argmax(counts)))
        made = (column[there][:, None] == others).astype(np.float64)
    found = np.zeros((len(column), made.shape[1]))
    found[there] = made - made.mean(axis=0)
    return found


def orthonormal(columns: Array, tolerance: float = 1e-8) -> Array:
    """Return an orthonormal basis of the span of columns, (rows, rank)."""
    if columns.shape[1] == 0:
        return columns
    left, sizes, _ = np.linalg.svd(columns, full_matrices=False)
    found: Array = left[:, sizes > tolerance * max(float(sizes[0]), 1e-300)]
    return found
