"""Layers, one kind or family in a file, and the registry of their names.

The parameters of a layer's function are the keys of its table in the file, with the same defaults and bounds; only
`weights` and `biases` are the network's initializers, the latter or None by the key `bias`.
"""

from __future__ import annotations

from collections.abc import Callable

from sweep.nn.layer import Layer
from sweep.nn.layers import affine, batch_norm, convolution, dropout, pooling, reshaping
from sweep.nn.layers.activations import ACTIVATIONS

LAYERS: dict[str, Callable[..., Layer]] = {
    **ACTIVATIONS,
    "affine": affine.affine,
    "batch_norm": batch_norm.batch_norm,
    "convolution": convolution.convolution,
    "dropout": dropout.dropout,
    "flatten": reshaping.flatten,
    "max_pool": pooling.max_pool,
}
