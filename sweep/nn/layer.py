"""The layer protocol: nine pure functions; a network is a layer made of named layers.

Samples are the last axis: measured, this makes matrix products, convolution and pooling fast in NumPy.

* **Vectors** have shape (features + 1, samples), the last row being ones. So a bias is one more column of the weights,
  and an affine layer is one matrix product. `Shape` is then (features,).
* **Images** have shape (rows, channels, columns, samples), without a row of ones. `Shape` is (rows, channels, columns).
* **Gradients** with respect to a layer's output have no row of ones: (features, samples).

A layer's parameters are one array, or None. A layer writes only into its `work`, arrays made for a given number of
samples. With fresh work for each call the functions are pure; the training loop passes the same work again and again,
so that the inner loop allocates nothing. In a chain, a layer's work may be in the memory of the output below it, which
is in the processor's cache already.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Shape = tuple[int, ...]
Dtype = np.dtype[np.floating[Any]]

Parameters = Any
"""An array or None for a layer; a tuple of them for a chain of layers."""
State = Any
"""What a layer keeps between calls besides its parameters, such as running statistics; None for most."""
Workspace = Any
"""The arrays that a layer writes into."""
Cache = Any
"""What the forward pass keeps for the backward pass."""


class Call(NamedTuple):
    """The mode of a forward pass."""

    train: bool
    """Whether this is training, where dropout is active and batch statistics are used."""
    rng: np.random.Generator | None = None
    """The generator of layers that are random in training."""


class OuterProduct(NamedTuple):
    """The gradient `left @ right.T`, not multiplied yet: SGD adds it to the weights by BLAS."""

    left: Array
    """Shape (rows, samples)."""
    right: Array
    """Shape (columns, samples)."""


Gradient = Any
"""An array of the parameters' shape, an `OuterProduct`, or None; a list of them for a chain."""

Forward = Callable[[Parameters, State, Array, Workspace, Call], "ForwardResult"]
"""(params, state, x, work, call) -> (y, state, cache)"""
ForwardResult = tuple[Array, State, Cache]
Backward = Callable[[Parameters, Cache, Array, Workspace, bool], "BackwardResult"]
"""(params, cache, dy, work, need_dx) -> (dx, gradient); may overwrite the cache; dx may be None unless it is needed"""
BackwardResult = tuple[Array | None, Gradient]


class LayerSize(NamedTuple):
    """How large a layer or a network is, for inputs of a given shape."""

    parameters: int
    """Number of values that it learns."""
    multiplications: int
    """Multiplications of these values in the forward pass of one sample; activation functions do not count."""


def no_weights(params: Array) -> Array:
    """Return no weights: the `weights` of a layer without any."""
    return params[:0]


def no_output(work: Workspace) -> None:
    """Return None: the `output` of a layer whose backward reads y, or whose y is its input."""


def own_arrays(work: Workspace, x: Array) -> Workspace:
    """Return the work as it is: the `reuse` of a layer that does not write to its input."""
    return work


def without_size(shape: Shape) -> LayerSize:
    """Return zeros: the `size` of a layer without parameters."""
    return LayerSize(0, 0)


class Layer(NamedTuple):
    """A layer: nine pure functions, of which the last four have defaults."""

    shape: Callable[[Shape], Shape]
    """(input_shape) -> output_shape; raises ValueError for an input that does not fit, with a message that reads on
    from the layer's name."""
    init: Callable[[np.random.Generator, Shape, Dtype], tuple[Parameters, State]]
    """(rng, input_shape, dtype) -> (params, state)"""
    work: Callable[[Shape, int, Dtype], Workspace]
    """(input_shape, samples, dtype) -> work"""
    forward: Forward
    backward: Backward
    weights: Callable[[Array], Array] = no_weights
    """(params) -> the view of them that regularization applies to, without biases"""
    output: Callable[[Workspace], Array | None] = no_output
    """(work) -> the array of y, if backward does not read it: the layer above may overwrite it"""
    reuse: Callable[[Workspace, Array], Workspace] = own_arrays
    """(work, x) -> work that writes to x instead of an array of its own, once forward has read x"""
    size: Callable[[Shape], LayerSize] = without_size
    """(input_shape) -> its size, without making any array"""


def vectors(features: int, samples: int, dtype: Dtype) -> Array:
    """Return uninitialized vectors with their row of ones: shape (features + 1, samples)."""
    array = np.empty((features + 1, samples), dtype)
    array[-1] = 1
    return array


def outputs(shape: Shape, samples: int, dtype: Dtype) -> Array:
    """Return the uninitialized output of a layer: vectors with their row of ones, or images."""
    return vectors(shape[0], samples, dtype) if len(shape) == 1 else np.empty((*shape, samples), dtype)


def without_ones(x: Array) -> Array:
    """Return vectors without their row of ones, and images as they are."""
    return x[:-1] if x.ndim == 2 else x


def same_shape(shape: Shape) -> Shape:
    """Return the shape as it is: the `shape` of a layer that keeps it."""
    return shape


def without_parameters(rng: np.random.Generator, shape: Shape, dtype: Dtype) -> tuple[Parameters, State]:
    """Return None for both: the `init` of a layer that has neither parameters nor state."""
    return None, None
