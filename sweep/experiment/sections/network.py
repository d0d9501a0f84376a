"""The section `network`."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Annotated, Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from sweep.experiment.sections.base import LARGEST, Kind, Positive, Section, by_kind
from sweep.nn.initializers import INITIALIZERS, Initializer
from sweep.nn.layer import Layer, Shape
from sweep.nn.layers.activations import ACTIVATIONS
from sweep.nn.layers.affine import affine
from sweep.nn.layers.batch_norm import batch_norm
from sweep.nn.layers.convolution import convolution
from sweep.nn.layers.dropout import dropout
from sweep.nn.layers.pooling import max_pool
from sweep.nn.layers.reshaping import flatten, image
from sweep.nn.network import perceptron


class PlainActivation(Kind):
    """An activation without values."""

    kind: Literal["identity", "relu", "sigmoid", "softplus", "softsign", "step", "swish", "tanh"]


class LeakyRelu(Kind):
    """x above 0, alpha·x below."""

    kind: Literal["leaky_relu"]
    alpha: Annotated[float, Field(ge=0, le=1)] = 0.01


Activation = Annotated[PlainActivation | LeakyRelu, *by_kind]


class PlainInitializer(Kind):
    """An initializer without values."""

    kind: Literal[
        "glorot_normal",
        "glorot_uniform",
        "he_normal",
        "he_uniform",
        "lecun_normal",
        "lecun_uniform",
        "ones",
        "zeros",
    ]


class NormalInitializer(Kind):
    """A normal distribution."""

    kind: Literal["normal"]
    mean: float = 0.0
    std: Annotated[float, Field(ge=0)] = 0.01


class UniformInitializer(Kind):
    """A uniform distribution."""

    kind: Literal["uniform"]
    min: float = -1.0
    max: float = 1.0

    @model_validator(mode="after")
    def _run_upwards(self) -> UniformInitializer:
        if self.min > self.max:
            raise PydanticCustomError("backwards", "has a min above its max; exchange them")
        if math.isinf(self.max - self.min):
            raise PydanticCustomError("too_wide", "has a min and a max too far apart for a number; bring them closer")
        return self


WeightInitializer = Annotated[PlainInitializer | NormalInitializer | UniformInitializer, *by_kind]


class Convolution(Kind):
    """Cross-correlation of an image with square filters."""

    kind: Literal["convolution"]
    filters: Positive
    kernel: Positive
    stride: Positive = 1
    padding: Annotated[int, Field(ge=0, le=LARGEST)] | None = None
    """None stands for kernel // 2, which keeps the size of the image where the kernel is odd."""
    bias: bool | None = None
    """As in `Affine`."""


class MaxPool(Kind):
    """The largest pixel of each window."""

    kind: Literal["max_pool"]
    size: Positive


class BatchNorm(Kind):
    """Batch normalization."""

    kind: Literal["batch_norm"]
    over: Literal["channel", "feature"] = "channel"
    statistics: Literal["moving", "cumulative"] = "moving"
    momentum: Annotated[float, Field(gt=0, le=1)] = 0.1
    eps: Annotated[float, Field(gt=0)] = 1e-5


class Dropout(Kind):
    """Units set to zero at random in training."""

    kind: Literal["dropout"]
    rate: Annotated[float, Field(ge=0, lt=1)]


class Flatten(Kind):
    """Images made vectors."""

    kind: Literal["flatten"]


class Affine(Kind):
    """Sums of all units, with weights and a bias."""

    kind: Literal["affine"]
    units: Positive
    bias: bool | None = None
    """None stands for true, but in front of a batch normalization for false: it takes every bias away again, so that
    its gradient is 0 but for rounding, and Adam, which divides by the gradient's size, lets it drift."""


LayerSection = Annotated[
    Convolution | MaxPool | BatchNorm | Dropout | Flatten | Affine | PlainActivation | LeakyRelu, *by_kind
]


class NetworkSection(Section):
    """The section `network`."""

    hidden: list[Positive] = Field(default_factory=list)
    layers: list[LayerSection] = Field(default_factory=list)
    activation: Activation = PlainActivation(kind="relu")
    weights: WeightInitializer = PlainInitializer(kind="he_normal")
    biases: WeightInitializer = PlainInitializer(kind="zeros")
    output: Literal["softmax", "identity", "sigmoid"] = "softmax"


def initializer(section: Kind) -> Initializer:
    """Build an initializer."""
    return INITIALIZERS[section.kind](**section.values())


def build_layers(section: NetworkSection, classes: int, example: Shape) -> dict[str, Layer]:
    """Build the layers of a network, the last of which gives the logits of so many classes.

    `example` is the shape of the data set's examples, (channels, rows, columns) or (features,).
    """
    if not section.layers:
        return perceptron(
            section.hidden,
            lambda: ACTIVATIONS[section.activation.kind](**section.activation.values()),
            section.activation.kind,
            initializer(section.weights),
            initializer(section.biases),
            classes,
        )
    layers: dict[str, Layer] = {}
    if len(example) == 3 and any(isinstance(layer, Convolution | MaxPool) for layer in section.layers):
        layers["image"] = image(example)
    for index, layer in enumerate(section.layers):
        is_normalized = index + 1 < len(section.layers) and isinstance(section.layers[index + 1], BatchNorm)
        layers[f"layers[{index}]/{layer.kind}"] = _layer(layer, section, is_normalized)
    layers["output"] = affine(classes, initializer(section.weights), initializer(section.biases))
    return layers


def _layer(layer: Kind, section: NetworkSection, is_normalized: bool) -> Layer:
    """Build a layer; `is_normalized` tells whether a batch normalization comes next."""
    match layer:
        case Convolution(filters=filters, kernel=kernel, stride=stride, padding=padding, bias=bias):
            padding = kernel // 2 if padding is None else padding
            weights, biases = initializer(section.weights), _biases(bias, is_normalized, section)
            return convolution(filters, kernel, stride, padding, weights, biases)
        case Affine(units=units, bias=bias):
            return affine(units, initializer(section.weights), _biases(bias, is_normalized, section))
        case PlainActivation() | LeakyRelu():
            return ACTIVATIONS[layer.kind](**layer.values())
    return LAYERS[layer.kind](**layer.values())


def _biases(bias: bool | None, is_normalized: bool, section: NetworkSection) -> Initializer | None:
    return initializer(section.biases) if bias or (bias is None and not is_normalized) else None


LAYERS: dict[str, Callable[..., Layer]] = {
    "batch_norm": batch_norm,
    "dropout": dropout,
    "flatten": flatten,
    "max_pool": max_pool,
}
"""Kinds of layers whose values stand beside the kind alone."""
