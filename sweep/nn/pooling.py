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
from sweep.nn.reshaping import image_shape


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
    shares: Array
    """Shape of y: what each maximum of a window gets of its gradient."""
    padded_dx: Array
    dx_inside: Array
    dx: Array | None
    """Shape of the image: `dx_inside` without gaps."""


def max_pool(size: int) -> Layer:
    """Take the maximum of each window of `size` × `size`, windows side by side; `size` >= 1.

    From (rows, channels, columns, samples) to (⌈rows/size⌉, channels, ⌈columns/size⌉, samples): windows that reach
    beyond the image are filled up with −inf, so that no pixel is left out. A NaN makes its window's maximum NaN.

    Backward, the gradient of a window is divided among its equal maxima (PyTorch: it goes to the first alone). Equal
    they often are because one and the same bias made them; only if the shares add up to 1 does it get its gradient.
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
        down, channels, across, samples = work.y.shape
        # Rows first: their maxima run over whole rows of contiguous numbers.
        rows = x.reshape(down, size, channels, across * size, samples)
        maximum([rows[:, i] for i in range(size)], work.row_maxima)
        maximum([work.row_maxima[:, :, i::size] for i in range(size)], work.y)
        return work.y, state, x

    def backward(
        params: Parameters, cache: Cache, dy: Array, work: Work, need_dx: bool
    ) -> tuple[Array | None, Gradient]:
        if not need_dx:
            return None, None
        down, channels, across, samples = work.y.shape
        windows = (down, size, channels, across, size, samples)
        dx = work.padded_dx.reshape(windows)
        np.equal(cache.reshape(windows), work.y[:, None, :, :, None], out=dx)
        np.add.reduce(dx, (1, 4), out=work.shares)
        np.maximum(work.shares, 1, out=work.shares)  # a NaN equals nothing
        np.divide(dy, work.shares, out=work.shares)
        dx *= work.shares[:, None, :, :, None]
        if work.dx is None:
            return work.padded_dx, None
        np.copyto(work.dx, work.dx_inside)
        return work.dx, None

    return Layer(shape_after, without_parameters, work, forward, backward)


def pool_work(shape: Shape, pooled: Shape, size: int, samples: int, dtype: Dtype) -> PoolWork:
    """Make the arrays for images of `shape`, pooled to the shape `pooled`."""
    rows, channels, columns = shape
    padded_shape = (pooled[0] * size, channels, pooled[2] * size, samples)
    exact = padded_shape[:-1] == shape
    padded = np.empty(0, dtype) if exact else np.full(padded_shape, -np.inf, dtype)
    padded_dx = np.empty(padded_shape, dtype)
    return PoolWork(
        padded,
        None if exact else padded[:rows, :, :columns],
        np.empty((pooled[0], *padded_shape[1:]), dtype),
        np.empty((*pooled, samples), dtype),
        np.empty((*pooled, samples), dtype),
        padded_dx,
        padded_dx[:rows, :, :columns],
        None if exact else np.empty((*shape, samples), dtype),
    )


def maximum(arrays: list[Array], out: Array) -> None:
    """Compute the elementwise maximum of one or more arrays."""
    np.maximum(arrays[0], arrays[-1], out=out)
    for array in arrays[1:-1]:
        np.maximum(out, array, out=out)
