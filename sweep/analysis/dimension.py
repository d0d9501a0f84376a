"""The box-counting dimension of the boundary between two regions of a grid."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

LARGEST_BOX = 8
"""The largest box has at most this part of the grid's side, 1/8: in larger ones there is nothing left to be counted."""
MOST_OFFSETS = 8
"""Grids of boxes that are tried along each axis."""
FEWEST_SIZES = 3
"""Sizes of boxes through which a line can be fitted and its error be told."""


class Dimension(NamedTuple):
    """A box-counting dimension with its error."""

    value: float
    """The slope of log N against log(1/s)."""
    error: float
    """One standard error; see `box_counting_dimension`."""


def boundary(inside: Array) -> Array:
    """Return the cells of a grid at which two regions meet.

    Args:
        inside: (rows, columns) of bool, whether a point belongs to the first region.

    Returns: (rows − 1, columns − 1) of bool, whether the four points at the corners of a cell are of both regions.
    """
    corners = np.stack([inside[:-1, :-1], inside[:-1, 1:], inside[1:, :-1], inside[1:, 1:]])
    return np.asarray(corners.any(0) & ~corners.all(0))


def box_counting_dimension(cells: Array) -> Dimension | None:
    """Return the box-counting dimension of a set of cells, None where it cannot be told.

    N(s) is the least number of boxes of s × s cells that cover the set, over grids of boxes that begin at up to 8 × 8
    different cells: a box that is cut by the edge of the grid counts as any other. s goes through the powers of 2 from
    1 to an eighth of the shorter side. The dimension is the slope of the regression of log N(s) on log(1/s): N(s) ∝
    s^−D (Falconer, "Fractal Geometry", section 2.1).

    The error has two parts, added as squares: the standard error of the slope in the regression, which grows where
    N(s) is no power of s, and the standard deviation of the slopes that single grids of boxes give, the same share of s
    being the offset for each size, which tells what the place of the boxes does. It contains no error of the
    resolution: cells are no points, and of 256 × 256 points the boundary of Koch's snowflake, of dimension 1.26, has
    1.22 ± 0.03, and a graph of dimension 1.5 has 1.28.

    Args:
        cells: (rows, columns) of bool.

    Returns: None where no cell is in the set, or where the grid is below 32 cells and has no three sizes of boxes.
    """
    sizes = box_sizes(min(cells.shape))
    if len(sizes) < FEWEST_SIZES or not cells.any():
        return None
    counts = np.array([_counts(cells, size) for size in sizes])  # (sizes, offsets)
    x = -np.log(sizes)
    value, error = _slope(x, np.log(counts.min(1)))
    slopes = [_slope(x, np.log(column))[0] for column in counts.T]
    return Dimension(value, math.hypot(error, float(np.std(slopes))))


def box_sizes(side: int) -> list[int]:
    """Return the sides of the boxes for a grid of a given side, in cells."""
    return [2**power for power in range(max(side // LARGEST_BOX, 0).bit_length())]


def _counts(cells: Array, size: int) -> Array:
    """Return the number of boxes with a cell of the set, (MOST_OFFSETS²,), for grids with different first cells."""
    starts = [offset * size // MOST_OFFSETS for offset in range(MOST_OFFSETS)]
    known: dict[tuple[int, int], int] = {}
    for row in starts:
        for column in starts:
            if (row, column) not in known:
                known[row, column] = _count(cells, size, row, column)
    return np.array([known[row, column] for row in starts for column in starts])


def _count(cells: Array, size: int, row: int, column: int) -> int:
    """Return the number of boxes with a cell of the set; the first box ends at the given row and column."""
    rows, columns = cells.shape
    padding = [(-row % size, -(rows + -row % size) % size), (-column % size, -(columns + -column % size) % size)]
    padded = np.pad(cells, padding)
    boxes = padded.reshape(padded.shape[0] // size, size, padded.shape[1] // size, size)
    return int(boxes.any((1, 3)).sum())


def _slope(x: Array, y: Array) -> tuple[float, float]:
    """Return the slope of the line through points by least squares, and its standard error."""
    dx, dy = x - x.mean(), y - y.mean()
    slope = float(dx @ dy / (dx @ dx))
    residual = dy - slope * dx
    return slope, math.sqrt(float(residual @ residual) / (len(x) - 2) / float(dx @ dx))
