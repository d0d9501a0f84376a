"""Networks: layers in a chain, and their parameters in one flat vector."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from sweep.nn.initializers import Initializer
from sweep.nn.layer import (
    Array,
    BackwardResult,
    Cache,
    Call,
    Dtype,
    ForwardResult,
    Gradient,
    Layer,
    LayerSize,
    Parameters,
    Shape,
    State,
    Workspace,
)
from sweep.nn.layers.affine import affine
from sweep.nn.layers.matmul import Products
from sweep.nn.losses import Loss, Targets, positions


class Network(NamedTuple):
    """Named layers, and the loss of the output of the last one, which has the form of logits."""

    layers: dict[str, Layer]
    loss: Loss
    targets: Targets = positions
    """How the loss takes the targets of a data set: `positions` of classes, or `numbers` for regression."""


def perceptron(
    hidden: Sequence[int],
    activation: Callable[[], Layer],
    activation_name: str,
    weights: Initializer,
    biases: Initializer,
    outputs: int,
    products: Products = "wide",
) -> dict[str, Layer]:
    """Build a multilayer perceptron: affine layers, each with an activation, and the logits.

    `hidden` has the width of each hidden layer.
    """
    layers: dict[str, Layer] = {}
    for index, units in enumerate(hidden):
        layers[f"hidden[{index}]"] = affine(units, weights, biases, products)
        layers[f"hidden[{index}]/{activation_name}"] = activation()
    layers["output"] = affine(outputs, weights, biases, products)
    return layers


def chain(layers: Mapping[str, Layer]) -> Layer:
    """Return the layer that applies several in turn.

    Its parameters and states are tuples, and its gradients a list, of those of the layers.
    """
    members = tuple(layers.values())

    def shape_after(shape: Shape) -> Shape:
        for layer in members:
            shape = layer.shape(shape)
        return shape

    def init(rng: np.random.Generator, shape: Shape, dtype: Dtype) -> tuple[Parameters, State]:
        pairs = [layer.init(rng, given, dtype) for layer, given in _with_input_shapes(members, shape)]
        return tuple(params for params, _ in pairs), tuple(state for _, state in pairs)

    def work(shape: Shape, samples: int, dtype: Dtype) -> Workspace:
        return _shared_work(members, shape, samples, dtype)

    def forward(params: Parameters, state: State, x: Array, work: Workspace, call: Call) -> ForwardResult:
        states, caches = list(state), [None] * len(members)
        for index, layer in enumerate(members):
            x, states[index], caches[index] = layer.forward(params[index], states[index], x, work[index], call)
        return x, tuple(states), caches

    def backward(params: Parameters, cache: Cache, dy: Array, work: Workspace, need_dx: bool) -> BackwardResult:
        gradients: list[Gradient] = [None] * len(members)
        # Gradients below the lowest layer with parameters are not needed.
        lowest = 0 if need_dx else next((i for i, p in enumerate(params) if p is not None), len(members))
        dx: Any = dy
        for index in range(len(members) - 1, lowest - 1, -1):
            dx, gradients[index] = members[index].backward(
                params[index], cache[index], dx, work[index], need_dx or index > lowest
            )
        return (dx if need_dx else None), gradients

    def size(shape: Shape) -> LayerSize:
        return total_size(layer.size(given) for layer, given in _with_input_shapes(members, shape))

    return Layer(shape_after, init, work, forward, backward, size=size)


def total_size(sizes: Iterable[LayerSize]) -> LayerSize:
    """Return the size of several layers together."""
    parameters = multiplications = 0
    for size in sizes:
        parameters, multiplications = parameters + size.parameters, multiplications + size.multiplications
    return LayerSize(parameters, multiplications)


def _shared_work(members: Sequence[Layer], shape: Shape, samples: int, dtype: Dtype) -> tuple[Workspace, ...]:
    """Return the work of each layer of a chain, in the memory of the output below it where both allow that."""
    works: list[Workspace] = []
    x: Array | None = None  # the chain must not overwrite its own input
    for layer, given in _with_input_shapes(members, shape):
        own = layer.work(given, samples, dtype)
        works.append(own if x is None else layer.reuse(own, x))
        x = layer.output(works[-1])
    return tuple(works)


def _with_input_shapes(members: Sequence[Layer], shape: Shape) -> Iterator[tuple[Layer, Shape]]:
    """Yield each layer of a chain with the shape of its input; that of the first is `shape`."""
    for layer in members:
        yield layer, shape
        shape = layer.shape(shape)


def flat_vector(params: Sequence[Array | None], dtype: Dtype) -> tuple[Array, tuple[Parameters, ...]]:
    """Copy all parameters into one flat vector; return it, and views of it in their shapes.

    One vector can be copied, checked and updated in one operation.
    """
    vector = np.concatenate([np.zeros(0, dtype), *(p.ravel() for p in params if p is not None)])
    views: list[Parameters] = []
    offset = 0
    for array in params:
        size = 0 if array is None else array.size
        views.append(None if array is None else vector[offset : offset + size].reshape(array.shape))
        offset += size
    return vector, tuple(views)
