"""Max pooling of images."""

from __future__ import annotations

from typing import NamedTuple

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
    without_parameters,
)
from sweep.nn.layers.reshaping import image_shape


class PoolWork(NamedTuple):
    """The arrays of one pooling layer; `inside` and `dx` are None where windows cover the image exactly."""

    padded: Array
    """Shape (padded rows, channels, padded columns, samples): the image, with −inf below it and to its right."""
    inside: Array | None
    """Where the image is in `padded`."""
    row_maxima: Array
    """Shape (windows down, channels, padded columns, samples)."""
    y: Array
    """Shape (windows down, channels, windows across, samples)."""
    own: Array
    """Shape of y: what one of the maxima gets of the gradient."""
    row_dx: Array
    """Shape of row_maxima: their gradient."""
    padded_dx: Array
    dx_inside: Array
    dx: Array | None
    """Shape of the image: `dx_inside` without gaps."""


def max_pool(size: int) -> Layer:
    """Take the maximum of each window of `size` × `size`, windows side by side; `size` >= 1.

    From (rows, channels, columns, samples) to (⌈rows/size⌉, channels, ⌈columns/size⌉, samples): windows that reach
    beyond the image are filled up with −inf, so that no pixel is left out. A NaN makes its window's maximum NaN.

    Backward, the gradient of a window goes to one of its equal maxima, the uppermost in the first column that has one.
    Equal they often are because one and the same bias made them; if all of them got it, the bias would get a multiple.
    `Layer.shape` raises ValueError for a vector.
    """

    def shape_after(shape: Shape) -> Shape:
        rows, channels, columns = image_shape(shape)
        return -(-rows // size), channels, -(-columns // size)

    def work(shape: Shape, samples: int, dtype: Dtype) -> Work:
        return pool_work(shape, shape_after(shape), size, samples, dtype)

    def forward(params: Parameters, state: State, x: Array, work: Work, call: Call) -> tuple[Array, State, Cache]:
        if work.inside is not None:
            np.copyto(work.inside, x)
            x = work.padded
        # Rows first: their maxima run over whole rows of contiguous numbers.
        maximum(rows_of(x, size), work.row_maxima)
        maximum(columns_of(work.row_maxima, size), work.y)
        return work.y, state, x

    def backward(
        params: Parameters, cache: Cache, dy: Array, work: Work, need_dx: bool
    ) -> tuple[Array | None, Gradient]:
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


def pool_work(shape: Shape, pooled: Shape, size: int, samples: int, dtype: Dtype) -> PoolWork:
    """Make the arrays for images of `shape`, pooled to the shape `pooled`."""
    rows, channels, columns = shape
    padded_shape = (pooled[0] * size, channels, pooled[2] * size, samples)
    row_shape = (pooled[0], *padded_shape[1:])
    exact = padded_shape[:-1] == shape
    padded = np.empty(0, dtype) if exact else np.full(padded_shape, -np.inf, dtype)
    padded_dx = np.empty(padded_shape, dtype)
    return PoolWork(
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


def overwrite(work: PoolWork, x: Array) -> PoolWork:
    """Let dx take the place of x, where windows cover the image exactly."""
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
    """Write into `outs` what each of the `arrays` gets of `dy`: the first that is equal to the `maxima` gets it all.

    The last one gets what is left, so nothing is lost. `owns` are where they are compared: comparisons are fast if long
    runs of it are contiguous, as `outs` themselves may be.
    """
    rest = dy
    for array, own, out in zip(arrays[:-1], owns[:-1], outs[:-1], strict=True):
        np.equal(array, maxima, out=own)
        np.multiply(own, rest, out=own)
        np.copyto(out, own)  # nothing to do where both are the same
        rest = np.subtract(rest, own, out=outs[-1])
    if rest is dy:  # windows of one pixel
        np.copyto(outs[-1], dy)
