"""The affine layer."""

from __future__ import annotations

import numpy as np

from sweep.nn.bounds import Count
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
    OuterProduct,
    Parameters,
    Shape,
    State,
    Workspace,
    vectors,
)
from sweep.nn.layers.matmul import Products, side_by_side, width
from sweep.nn.layers.reshaping import vector_size


def affine(units: Count, weights: Initializer, biases: Initializer | None, products: Products = "wide") -> Layer:
    """Compute z = W [x; 1], the last column of W (units, features + 1) being the biases.

    Without biases (None) z = W x, with W (units, features). `products` says how samples are taken that are rows of a
    data set.
    """

    def shape_after(shape: Shape) -> Shape:
        vector_size(shape)  # raises ValueError for an image
        return (units,)

    def init(rng: np.random.Generator, shape: Shape, dtype: Dtype) -> tuple[Parameters, State]:
        return weight_matrix(rng, (units, vector_size(shape)), units, weights, biases, dtype), None

    def work(shape: Shape, samples: int, dtype: Dtype) -> Workspace:
        z = vectors(units, samples, dtype)
        size = width(units, shape[0], samples, products)
        parts = None if size == samples else side_by_side(z[:-1], size)
        return z, z[:-1], parts, np.empty((*shape, samples), dtype)

    def forward(params: Parameters, state: State, x: Array, work: Workspace, call: Call) -> ForwardResult:
        z, units_of_z, parts, _ = work
        seen = x if biases is not None else x[:-1]
        if parts is None or x.flags.c_contiguous:
            np.matmul(params, seen, out=units_of_z)
        else:  # up to half the time of one product, as BLAS need not pack its operands
            np.matmul(params, side_by_side(seen, parts.shape[2]), out=parts)
        return z, state, seen

    def backward(params: Parameters, cache: Cache, dy: Array, work: Workspace, need_dx: bool) -> BackwardResult:
        dx = np.matmul(without_biases(params).T, dy, out=work[3]) if need_dx else None
        return dx, OuterProduct(dy, cache)

    def without_biases(params: Array) -> Array:
        return params if biases is None else params[:, :-1]

    def size(shape: Shape) -> LayerSize:
        multiplications = units * vector_size(shape)
        return LayerSize(multiplications + (units if biases is not None else 0), multiplications)

    return Layer(
        shape_after, init, work, forward, backward, weights=without_biases, output=lambda work: work[0], size=size
    )
