"""Convolution by matrix products of filters with image patches, a few rows at a time.

A patch is the part of the image that a filter is multiplied with at one place. Patches are copied as columns of a
matrix, for a few rows of the output at a time so that they stay in the cache; this is faster than one large product,
and needs little memory for any batch.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from sweep.nn.bounds import Count, Size
from sweep.nn.initializers import Initializer, weight_matrix
from sweep.nn.layer import (
    Array,
    BackwardResult,
    Cache,
    Call,
    Dtype,
    ForwardResult,
    Layer,
    LayerSize,
    Parameters,
    Shape,
    State,
    Workspace,
)
from sweep.nn.layers.matmul import PRODUCT_SIZE
from sweep.nn.layers.reshaping import image_shape

BLOCK_BYTES = 1 << 19
"""Size of the columns of one block: with what they are copied from, they fit the second-level cache of a core."""

Index = tuple[slice, slice, slice]
"""Rows, channels and columns of an image."""


class Window(NamedTuple):
    """How a filter moves over an image."""

    kernel: int
    """Its height and width."""
    stride: int
    padding: int
    """Number of zeros on each side of the image."""

    def places(self, shape: Shape) -> tuple[int, int]:
        """Return the number of places of the filter, down and across.

        Raises:
            ValueError: for a vector, and for an image smaller than the kernel; the message reads on from the layer's
                name.
        """
        rows, _, columns = image_shape(shape)
        height, width = rows + 2 * self.padding, columns + 2 * self.padding
        if min(height, width) < self.kernel:
            size = f"{self.kernel}×{self.kernel}"
            raise ValueError(f"takes an image of at least {size} with its padding, but gets {height}×{width}")
        return (height - self.kernel) // self.stride + 1, (width - self.kernel) // self.stride + 1


class Block(NamedTuple):
    """Some neighboring places of a window, and their patches as columns."""

    rows: slice
    """The rows of places."""
    across: slice
    """The places in each of these rows."""
    products: slice
    """Numbers of the matrix products of this block, one for each row, among those of all blocks."""
    windows: Array
    """Shape (rows, channels, kernel, kernel, places, samples): the patches, a view of the padded image."""
    patches: Array
    """Shape of `windows`: the copy of them, a view of `columns`."""
    columns: Array
    """Shape (rows, channels·kernel² + constants, places·samples)."""


class Patches(NamedTuple):
    """A padded image and its patches in blocks, which are written to the same memory in turn."""

    padded: Array
    """Shape (rows, channels, columns, samples); zeros but for the image."""
    blocks: list[Block]
    products: int
    """Number of matrix products of all blocks."""


class ConvolutionWorkspace(NamedTuple):
    """The arrays of one convolution layer."""

    x: Patches
    inside: Array
    """Where the image is in `x.padded`."""
    y: Array
    gradients: Array
    """Shape (products, columns of the parameters, filters): a gradient from each product, before they are summed.

    Transposed, as the product with the larger matrix on its left is faster.
    """
    gradient: Array
    dy: Patches
    """dy with its stride and padded: its convolution with the flipped filters is dx.

    Measured at stride 1, half the time of adding columns of dx in their places; at stride 2, slightly more time.
    """
    used: Index
    """The part of dy that does not come from the padding alone."""
    spread: Array
    """Where that part is in `dy.padded`."""
    flipped: Array
    """Shape (channels, filters, kernel, kernel): the filters turned by 180°."""
    dx: Array


def convolution(
    filters: Count,
    kernel: Count,
    stride: Count = 1,
    padding: Size | None = None,
    *,
    weights: Initializer,
    biases: Initializer | None,
) -> Layer:
    """Compute y[r, f, c] = Σ W[f, h, i, j]·x[r·s + i − p, h, c·s + j − p] + b[f].

    The sum is over channels h, rows i and columns j of the filter; s is the stride and p the padding.

    This is the cross-correlation that is called convolution in neural networks, with an image that is 0 outside.
    `kernel` is the height and width of a filter. A padding of None stands for kernel // 2, which keeps the size of the
    image where the kernel is odd and the stride 1.

    From (rows, channels, columns, samples) to (out_rows, filters, out_columns, samples), with out_rows =
    ⌊(rows + 2·padding − kernel)/stride⌋ + 1. The parameters are one array (filters, channels·kernel² + 1), whose last
    column is b; without biases (None) that column is not there. The fans are channels·kernel² and filters·kernel².
    `Layer.shape` raises ValueError for a vector, and for an image smaller than the kernel.
    """
    window = Window(kernel, stride, kernel // 2 if padding is None else padding)

    def shape_after(shape: Shape) -> Shape:
        rows, columns = window.places(shape)
        return rows, filters, columns

    def init(rng: np.random.Generator, shape: Shape, dtype: Dtype) -> tuple[Parameters, State]:
        fan_in, fan_out = shape[1] * kernel**2, filters * kernel**2
        return weight_matrix(rng, (filters, fan_in), fan_out, weights, biases, dtype), None

    def work(shape: Shape, samples: int, dtype: Dtype) -> Workspace:
        return convolution_work(window, shape, filters, int(biases is not None), samples, dtype)

    def without_biases(params: Array) -> Array:
        return params if biases is None else params[:, :-1]

    def size(shape: Shape) -> LayerSize:
        rows, columns = window.places(shape)
        weights_of_filter = shape[1] * kernel**2
        parameters = filters * (weights_of_filter + int(biases is not None))
        return LayerSize(parameters, rows * columns * filters * weights_of_filter)

    return Layer(
        shape_after, init, work, forward, backward, weights=without_biases, output=lambda work: work.y, size=size
    )


def forward(params: Parameters, state: State, x: Array, work: Workspace, call: Call) -> ForwardResult:
    """Compute y, leaving the padded image in `work` for `backward`."""
    np.copyto(work.inside, x)
    convolve(params, work.x, work.y)
    return work.y, state, None


def backward(params: Parameters, cache: Cache, dy: Array, work: Workspace, need_dx: bool) -> BackwardResult:
    """Compute the gradients of x and of the parameters."""
    gradient = parameter_gradient(work, dy)
    if not need_dx:
        return None, gradient
    np.copyto(work.spread, dy[work.used])
    convolve(flipped(params, work.flipped), work.dy, work.dx)
    return work.dx, gradient


def convolution_work(
    window: Window, shape: Shape, filters: int, constants: int, samples: int, dtype: Dtype
) -> ConvolutionWorkspace:
    """Make the arrays for images of `shape`; there are `constants` columns of biases, 0 or 1."""
    kernel, stride, padding = window
    rows, channels, columns = shape
    out_rows, out_columns = window.places(shape)
    height = channels * kernel**2 + constants
    padded = np.zeros((rows + 2 * padding, channels, columns + 2 * padding, samples), dtype)
    padded_dy = np.zeros((rows + kernel - 1, filters, columns + kernel - 1, samples), dtype)
    x = patches_of(padded, kernel, stride, filters, constants)
    y = np.empty((out_rows, filters, out_columns, samples), dtype)
    used, spread = spread_out(y, padded_dy, kernel - 1 - padding, stride)  # dy has the shape of y
    return ConvolutionWorkspace(
        x,
        padded[padding : padding + rows, :, padding : padding + columns],
        y,
        np.empty((x.products, height, filters), dtype),
        np.empty((filters, height), dtype),
        patches_of(padded_dy, kernel, 1, channels, 0),
        used,
        spread,
        np.empty((channels, filters, kernel, kernel), dtype),
        np.empty((*shape, samples), dtype),
    )


def patches_of(padded: Array, kernel: int, stride: int, filters: int, constants: int) -> Patches:
    """Divide all places of a window in `padded` into blocks.

    `constants` rows of ones follow each one's patches.
    """
    windows = sliding_window_view(padded, (kernel, kernel), (0, 2))[::stride, :, ::stride].transpose(0, 1, 4, 5, 2, 3)
    rows, channels, _, _, places, samples = windows.shape
    height = channels * kernel**2 + constants
    wide = min(places, max(1, PRODUCT_SIZE // (filters * height * samples)))
    high = min(rows, max(1, BLOCK_BYTES // (height * wide * samples * padded.itemsize)))
    columns = np.ones((high, height, wide, samples), padded.dtype)
    blocks: list[Block] = []
    products = 0
    for top in range(0, rows, high):
        for left in range(0, places, wide):
            down, across = slice(top, min(top + high, rows)), slice(left, min(left + wide, places))
            part = windows[down, :, :, :, across]
            own = columns[: len(part), :, : part.shape[4]]
            patches = own[:, : height - constants].reshape(part.shape)
            numbers = slice(products, products + len(part))
            blocks.append(Block(down, across, numbers, part, patches, own.reshape(*own.shape[:2], -1)))
            products = numbers.stop
    return Patches(padded, blocks, products)


def at(y: Array, block: Block) -> Array:
    """Return the view of the part of `y` of a block, shape (rows, filters, places·samples)."""
    part = y[block.rows, :, block.across]
    return part.reshape(*part.shape[:2], -1)


def convolve(params: Array, x: Patches, y: Array) -> None:
    """Fill y from x, `params` having one row of weights for each channel of y."""
    for block in x.blocks:
        np.copyto(block.patches, block.windows)
        np.matmul(params, block.columns, out=at(y, block))


def parameter_gradient(work: ConvolutionWorkspace, dy: Array) -> Array:
    """Return the gradient of the parameters; needs the last block's patches of `convolve`."""
    last = work.x.blocks[-1]
    for block in reversed(work.x.blocks):
        if block is not last:
            np.copyto(block.patches, block.windows)
        np.matmul(block.columns, at(dy, block).transpose(0, 2, 1), out=work.gradients[block.products])
    np.add.reduce(work.gradients, 0, out=work.gradient.T)
    return work.gradient


def flipped(params: Array, out: Array) -> Array:
    """Fill `out` with the filters as weights from dy to dx; return it as a matrix."""
    channels, filters, kernel, _ = out.shape
    W = params[:, : channels * kernel**2].reshape(filters, channels, kernel, kernel)
    np.copyto(out, W[:, :, ::-1, ::-1].transpose(1, 0, 2, 3))
    return out.reshape(channels, -1)


def spread_out(dy: Array, padded: Array, margin: int, stride: int) -> tuple[Index, Array]:
    """Return the index of a part of dy, and the view of `padded` where it belongs.

    Row and column i of dy belong at margin + i·stride. The part is what is inside `padded`, all of dy unless the margin
    is below 0, as that of an image padded by more than its kernel reaches.
    """
    first = max(0, -(margin // stride))  # ⌈−margin/stride⌉
    start = margin + first * stride
    places = padded[start::stride, :, start::stride]
    rows, _, columns, _ = places.shape
    used = np.s_[first : first + rows, :, first : first + columns]
    rows, _, columns, _ = dy[used].shape
    return used, places[:rows, :, :columns]
