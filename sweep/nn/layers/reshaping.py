"""Layers that only change the shape: from vectors to images, and back."""

from __future__ import annotations

import math

import numpy as np

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
    vectors,
    without_parameters,
)


def image_shape(shape: Shape) -> tuple[int, int, int]:
    """Return (rows, channels, columns) of a layer's input.

    Raises:
        ValueError: if the input is a vector; the message reads on from the layer's name.
    """
    if len(shape) == 3:
        return shape
    raise ValueError(
        f"takes an image (rows, channels, columns), but gets a vector of {shape[0]} features; "
        "layers of images come first, before the first that gives a vector"
    )


def vector_size(shape: Shape) -> int:
    """Return the number of features of a layer's input.

    Raises:
        ValueError: if the input is an image; the message reads on from the layer's name.
    """
    if len(shape) == 1:
        return shape[0]
    rows, channels, columns = shape
    raise ValueError(
        f"takes a vector, but gets an image of {rows}×{columns} pixels and {channels} channels; "
        "put a 'flatten' before it"
    )


def image(shape: tuple[int, int, int]) -> Layer:
    """Make images of vectors with features (channels, rows, columns), as in data sets.

    `shape` is (channels, rows, columns).

    From (channels·rows·columns + 1, samples) to (rows, channels, columns, samples). `Layer.shape` raises ValueError
    where the number of features differs.
    """
    channels, rows, columns = shape
    size = math.prod(shape)

    def shape_after(given: Shape) -> Shape:
        if given != (size,):
            wanted = f"{channels}×{rows}×{columns} = {size}"
            raise ValueError(
                f"takes {wanted} features (channels × rows × columns), but gets {'×'.join(map(str, given))}"
            )
        return rows, channels, columns

    def work(given: Shape, samples: int, dtype: Dtype) -> Workspace:
        y = np.empty((rows, channels, columns, samples), dtype)
        dx = np.empty((size, samples), dtype)
        return y, y.transpose(1, 0, 2, 3), dx, dx.reshape(*shape, samples)

    def forward(params: Parameters, state: State, x: Array, work: Workspace, call: Call) -> ForwardResult:
        y, examples, _, _ = work
        np.copyto(examples, x[:-1].reshape(examples.shape))  # a view, whether the batch is transposed or not
        return y, state, None

    def backward(params: Parameters, cache: Cache, dy: Array, work: Workspace, need_dx: bool) -> BackwardResult:
        if not need_dx:
            return None, None
        _, _, dx, examples = work
        np.copyto(examples, dy.transpose(1, 0, 2, 3))
        return dx, None

    return Layer(shape_after, without_parameters, work, forward, backward, output=lambda work: work[0])


def flatten() -> Layer:
    """Make vectors of images, with features in the order (rows, channels, columns).

    From (rows, channels, columns, samples) to (rows·channels·columns + 1, samples); vectors stay as they are.
    """

    def work(shape: Shape, samples: int, dtype: Dtype) -> Workspace:
        if len(shape) == 1:
            return None
        y = vectors(math.prod(shape), samples, dtype)
        return y, y[:-1].reshape(*shape, samples)

    def forward(params: Parameters, state: State, x: Array, work: Workspace, call: Call) -> ForwardResult:
        if work is None:
            return x, state, None
        y, images = work
        np.copyto(images, x)
        return y, state, None

    def backward(params: Parameters, cache: Cache, dy: Array, work: Workspace, need_dx: bool) -> BackwardResult:
        return (dy if work is None else dy.reshape(work[1].shape)), None

    def output(work: Workspace) -> Array | None:
        return None if work is None else work[0]

    return Layer(lambda shape: (math.prod(shape),), without_parameters, work, forward, backward, output=output)
