"""The layer protocol: a layer is five pure functions, a network is a layer made of named layers.

Samples are the last axis. Measured, this is what makes the products, and later convolution and pooling, fast in
NumPy, and per-feature operations read naturally.

* **Vectors** are held as (features + 1, samples), the last row being ones. So a bias is one more column of the
  weights, and an affine layer is one matrix product. `shape` is then (features,).
* **Images** are held as (row, channel, column, samples), with no row of ones.
* **Gradients** with respect to a layer's output have no row of ones: (features, samples).

A layer's parameters are one array, or None. A layer writes only into its `work`: arrays that it has made for a given
number of samples. Fresh work for each call makes the functions pure; the training loop hands in the same work again
and again, so that nothing is allocated in the inner loop. In a chain, a layer's work may have the memory of the output
below: what was read last is still in the cache, other arrays must make room there for what is needed again.
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
"""What a layer remembers between calls besides its parameters, such as running statistics; None for most."""
Work = Any
"""The arrays that a layer writes into."""
Cache = Any
"""What the forward pass leaves for the backward pass."""


class Call(NamedTuple):
    """What a forward pass may depend on besides its operands."""

    train: bool
    """Whether this is training, where dropout drops and batch statistics are used."""
    rng: np.random.Generator | None = None
    """Source of randomness, for layers that are random in training."""


class OuterProduct(NamedTuple):
    """The gradient `left @ right.T`, not yet multiplied, so that SGD can multiply it straight into the weights."""

    left: Array
    """Shape (rows, samples)."""
    right: Array
    """Shape (columns, samples)."""


Gradient = Any
"""An array of the parameters' shape, an `OuterProduct`, or None; a list of them for a chain."""


def no_weights(params: Array) -> Array:
    """Serve as the `weights` of a layer without any."""
    return params[:0]


def no_output(work: Work) -> None:
    """Serve as the `output` of a layer that needs it again, or hands its input on."""


def own_arrays(work: Work, x: Array) -> Work:
    """Serve as the `reuse` of a layer that has no use for the memory of its input."""
    return work


class Layer(NamedTuple):
    """Five pure functions."""

    shape: Callable[[Shape], Shape]
    """input_shape -> output_shape"""
    init: Callable[[np.random.Generator, Shape, Dtype], tuple[Parameters, State]]
    """(rng, input_shape, dtype) -> (params, state)"""
    work: Callable[[Shape, int, Dtype], Work]
    """(input_shape, samples, dtype) -> work"""
    forward: Callable[[Parameters, State, Array, Work, Call], tuple[Array, State, Cache]]
    """(params, state, x, work, call) -> (y, state, cache)"""
    backward: Callable[[Parameters, Cache, Array, Work, bool], tuple[Array | None, Gradient]]
    """(params, cache, dy, work, need_dx) -> (dx, gradient); uses the cache up, and need not give dx if not asked."""
    weights: Callable[[Array], Array] = no_weights
    """(params) -> the view of them that regularization applies to, biases left out."""
    output: Callable[[Work], Array | None] = no_output
    """(work) -> where forward leaves y, if backward does not read it: the layer above may overwrite it."""
    reuse: Callable[[Work, Array], Work] = own_arrays
    """(work, x) -> work that writes to x in place of an array of its own, once forward has read it."""


def vectors(features: int, samples: int, dtype: Dtype) -> Array:
    """Return uninitialized vectors with their row of ones: shape (features + 1, samples)."""
    array = np.empty((features + 1, samples), dtype)
    array[-1] = 1
    return array


def outputs(shape: Shape, samples: int, dtype: Dtype) -> Array:
    """Return an uninitialized output of a layer: vectors with their row of ones, or images."""
    return vectors(shape[0], samples, dtype) if len(shape) == 1 else np.empty((*shape, samples), dtype)


def units(x: Array) -> Array:
    """Return vectors without their row of ones, and images as they are."""
    return x[:-1] if x.ndim == 2 else x


def same_shape(shape: Shape) -> Shape:
    """Serve as the `shape` of a layer that keeps it."""
    return shape


def without_parameters(rng: np.random.Generator, shape: Shape, dtype: Dtype) -> tuple[Parameters, State]:
    """Serve as the `init` of a layer that has neither parameters nor state."""
    return None, None
