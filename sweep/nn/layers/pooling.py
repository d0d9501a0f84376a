"""Max pooling of images."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from sweep.nn.bounds import Count
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
    without_parameters,
)
from sweep.nn.layers.reshaping import image_shape


class PoolWorkspace(NamedTuple):
    """The arrays of one pooling layer.

    `inside` and `dx` are None where windows cover the image exactly.
    """

    padded: Array
    """Shape (padded rows, channels, padded columns, samples): the image, with −inf below it and to its right."""
    inside: Array | None
    """Where the image is in `padded`."""
    row_maxima: Array
    """Shape (windows down, channels, padded columns, samples)."""
    y: Array
    """Shape (windows down, channels, windows across, samples)."""
    own: Array
    """Shape of y: the part of one of the maxima in the gradient."""
    row_dx: Array
    """Shape of row_maxima: their gradient."""
    padded_dx: Array
    dx_inside: Array
    dx: Array | None
    """Shape of the image: `dx_inside` without gaps."""


def max_pool(size: Count) -> Layer:
    """Compute the maximum of each window of `size` × `size`; windows do not overlap.

    From (rows, channels, columns, samples) to (⌈rows/size⌉, channels, ⌈columns/size⌉, samples): windows that reach
    beyond the image are padded with −inf, so that no pixel is left out. A NaN makes its window's maximum NaN.

    Backward, the gradient of a window goes to one of its equal maxima: the uppermost in the first column that has one.
    Maxima are often equal because they are one and the same bias, whose gradient would be multiplied if all got it.
    `Layer.shape` raises ValueError for a vector.
    """

    def shape_after(shape: Shape) -> Shape:
        rows, channels, columns = image_shape(shape)
        return -(-rows // size), channels, -(-columns // size)

    def work(shape: Shape, samples: int, dtype: Dtype) -> Workspace:
        return pool_work(shape, shape_after(shape), size, samples, dtype)

    def forward(params: Parameters, state: State, x: Array, work: Workspace, call: Call) -> ForwardResult:
        if work.inside is not None:
            np.copyto(work.inside, x)
            x = work.padded
        # Rows first: their maxima are over whole rows of contiguous numbers.
        maximum(rows_of(x, size), work.row_maxima)
        maximum(columns_of(work.row_maxima, size), work.y)
        return work.y, state, x

    def backward(params: Parameters, cache: Cache, dy: Array, work: Workspace, need_dx: bool) -> BackwardResult:
        if not need_dx:
            return None, None
        to_first(dy, columns_of(work.row_maxima, size), work.y, [work.own] * size, columns_of(work.row_dx, size))
        row_dxs = rows_of(work.padded_dx, size)
        to_first(work.row_dx, rows_of(cache, size), work.row_maxima, row_dxs, row_dxs)
        if work.dx is None:
            return work.padded_dx, None
        np.copyto(work.dx, work.dx_inside)
        return work.dx, None

    return Layer(shape_after, without_parameters, work, forward, backward, reuse=overwrite)


def pool_work(shape: Shape, pooled: Shape, size: int, samples: int, dtype: Dtype) -> PoolWorkspace:
    """Make the arrays for images of `shape`, pooled to the shape `pooled`."""
    rows, channels, columns = shape
    padded_shape = (pooled[0] * size, channels, pooled[2] * size, samples)
    row_shape = (pooled[0], *padded_shape[1:])
    exact = padded_shape[:-1] == shape
    padded = np.empty(0, dtype) if exact else np.full(padded_shape, -np.inf, dtype)
    padded_dx = np.empty(padded_shape, dtype)
    return PoolWorkspace(
        padded,
        None if exact else padded[:rows, :, :columns],
        np.empty(row_shape, dtype),
        np.empty((*pooled, samples), dtype),
        np.empty((*pooled, samples), dtype),
        np.empty(row_shape, dtype),
        padded_dx,
        padded_dx[:rows, :, :columns],
        None if exact else np.empty((*shape, samples), dtype),
    )


def overwrite(work: PoolWorkspace, x: Array) -> PoolWorkspace:
    """Return work whose dx is in the memory of x, where windows cover the image exactly."""
    return work._replace(padded_dx=x) if work.dx is None else work


def rows_of(x: Array, size: int) -> list[Array]:
    """Return views of the first, the second ... rows of all windows."""
    rows, *rest = x.shape
    windows = x.reshape(rows // size, size, *rest)
    return [windows[:, i] for i in range(size)]


def columns_of(x: Array, size: int) -> list[Array]:
    """Return views of the first, the second ... columns of all windows."""
    return [x[:, :, i::size] for i in range(size)]


def maximum(arrays: list[Array], out: Array) -> None:
    """Compute the elementwise maximum of one or more arrays."""
    np.maximum(arrays[0], arrays[-1], out=out)
    for array in arrays[1:-1]:
        np.maximum(out, array, out=out)


def to_first(dy: Array, arrays: list[Array], maxima: Array, owns: list[Array], outs: list[Array]) -> None:
    """Write `dy` into the one of `outs` whose array first equals `maxima`, 0 into the others.

    The last one gets the rest, so that the sum is exact. `owns` are work arrays of the comparisons, which are fast if
    long runs of them are contiguous; they may be the `outs`.
    """
    rest = dy
    for array, own, out in zip(arrays[:-1], owns[:-1], outs[:-1], strict=True):
        np.equal(array, maxima, out=own)
        np.multiply(own, rest, out=own)
        np.copyto(out, own)  # nothing to do where both are the same
        rest = np.subtract(rest, own, out=outs[-1])
    if rest is dy:  # windows of one pixel
        np.copyto(outs[-1], dy)
