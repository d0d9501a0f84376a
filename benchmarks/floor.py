"""The floor of a network: its matrix products and one copy of each other array, and nothing else."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from sweep.nn.layer import Array, Layer, Shape, no_weights
from sweep.nn.layers.convolution import ConvolutionWorkspace, Patches, at
from sweep.training.divergence import leaves
from sweep.training.loop import NetworkTrainer

Product = tuple[Array, Array, Array]
"""left, right, out"""
Copy = tuple[Array, Array]
"""out, from"""
RESHAPING = ("flatten", "image")
"""Layers that only change the shape, which could be done without moving anything."""


class Floor(NamedTuple):
    """What cannot be done without, on arrays of the right shapes that hold ones."""

    products: list[Product]
    copies: list[Copy]

    def multiply(self) -> None:
        """Do the products once."""
        for left, right, out in self.products:
            np.matmul(left, right, out=out)

    def run(self) -> None:
        """Do all of it once."""
        self.multiply()
        for out, source in self.copies:
            np.copyto(out, source)


class Place(NamedTuple):
    """A layer of a network, and where it is."""

    kind: str
    layer: Layer
    params: Array | None
    shape: Shape
    """Of its input."""
    is_lowest: bool
    """Whether no layer below it has parameters, so that nobody needs the gradient of its input."""

    @property
    def has_weights(self) -> bool:
        """Whether its output is a matrix product."""
        return self.layer.weights is not no_weights


def places(trainer: NetworkTrainer) -> Iterator[Place]:
    """Yield the layers of a network from the lowest to the highest."""
    shape, is_lowest = trainer.evaluation.shape, True
    for (name, layer), params in zip(trainer.settings.network.layers.items(), trainer.params, strict=True):
        yield Place(name.rpartition("/")[2], layer, params, shape, is_lowest)
        shape, is_lowest = layer.shape(shape), is_lowest and params is None


def step_floor(trainer: NetworkTrainer, samples: int) -> Floor:
    """Return the floor of a step of training on a mini-batch of so many samples."""
    products: list[Product] = []
    copies: list[Shape] = [(trainer.evaluation.shape[0] + 1, samples)]
    for place in places(trainer):
        if place.has_weights:
            products += step_products(place, samples)
        elif place.kind not in RESHAPING:
            copies += [(*place.layer.shape(place.shape), samples)]
            copies += [] if place.is_lowest else [(*place.shape, samples)]
    if not trainer.settings.optimizer.takes_products:  # else its products go straight into the weights
        arrays = [trainer.state.vector, *leaves(trainer.state.optimizer_states)]
        copies += [array.shape for array in arrays if isinstance(array, np.ndarray)]
    return Floor(products, [copied(shape) for shape in copies])


def forward_floor(trainer: NetworkTrainer, samples: int) -> Floor:
    """Return the products of what a network gives for so many samples."""
    found = [product for place in places(trainer) if place.has_weights for product in forward_products(place, samples)]
    return Floor(found, [])


def forward_products(place: Place, samples: int) -> list[Product]:
    """Return the products of the forward pass of a layer."""
    assert place.params is not None
    if len(place.shape) == 3:
        work = place.layer.work(place.shape, samples, np.dtype("f4"))
        return convolution_products(place.params, work.x, work.y)
    x, z, _ = affine_arrays(place, samples)
    return [(place.params, x, z)]


def step_products(place: Place, samples: int) -> list[Product]:
    """Return the products of a layer in a step: forward, for its gradient, and for that of its input if needed."""
    params = place.params
    assert params is not None
    if len(place.shape) == 3:
        return convolution_step(place, place.layer.work(place.shape, samples, np.dtype("f4")))
    x, z, dz = affine_arrays(place, samples)
    found = [(params, x, z), (dz, x.T, np.empty_like(params))]
    if not place.is_lowest:
        weights = place.layer.weights(params)
        found.append((weights.T, dz, np.empty((*place.shape, samples), params.dtype)))
    return found


def affine_arrays(place: Place, samples: int) -> tuple[Array, Array, Array]:
    """Return x, z and its gradient; a mini-batch is gathered as rows, what layers give has samples as columns."""
    params = place.params
    assert params is not None
    units, features = params.shape
    x = np.ones((samples, features), params.dtype).T if place.is_lowest else np.ones((features, samples), params.dtype)
    z, dz = np.ones((2, units, samples), params.dtype)
    return x, z, dz


def convolution_step(place: Place, work: ConvolutionWorkspace) -> list[Product]:
    """Return the products of a convolution in a step, in the blocks in which it does them."""
    params, dy = place.params, np.ones_like(work.y)
    assert params is not None
    found = convolution_products(params, work.x, work.y)
    for block in work.x.blocks:
        found.append((block.columns, at(dy, block).transpose(0, 2, 1), work.gradients[block.products]))
    if not place.is_lowest:
        turned = np.ones((place.shape[1], math.prod(work.flipped.shape[1:])), params.dtype)
        found += convolution_products(turned, work.dy, work.dx)
    return found


def convolution_products(params: Array, x: Patches, y: Array) -> list[Product]:
    """Return the products of filters with the patches of an image."""
    return [(params, block.columns, at(y, block)) for block in x.blocks]


def copied(shape: Shape) -> Copy:
    """Return two arrays of a shape, of which one is copied to the other."""
    out, source = np.ones((2, *shape), np.float32)
    return out, source
