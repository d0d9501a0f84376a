"""The section `network`."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Annotated

from pydantic import Field

from sweep.experiment.sections.base import Kind, Section
from sweep.experiment.sections.registry import OneOf, Registered, supplied
from sweep.nn.bounds import Count
from sweep.nn.initializers import INITIALIZERS, Initializer
from sweep.nn.layer import Layer, Shape
from sweep.nn.layers import LAYERS
from sweep.nn.layers.activations import ACTIVATIONS
from sweep.nn.layers.affine import affine
from sweep.nn.layers.reshaping import image
from sweep.nn.losses import OUTPUTS
from sweep.nn.network import perceptron

Activation = Annotated[Kind, Registered(ACTIVATIONS)]
WeightInitializer = Annotated[Kind, Registered(INITIALIZERS)]
LayerSection = Annotated[Kind, Registered(LAYERS)]


class NetworkSection(Section):
    """The section `network`."""

    hidden: list[Count] = Field(default_factory=list)
    layers: list[LayerSection] = Field(default_factory=list)
    activation: Activation = Field("relu", validate_default=True)
    weights: WeightInitializer = Field("he_normal", validate_default=True)
    biases: WeightInitializer = Field("zeros", validate_default=True)
    output: Annotated[str, OneOf(OUTPUTS)] = "softmax"


def initializer(section: Kind) -> Initializer:
    """Build an initializer."""
    return INITIALIZERS[section.kind](**section.values())


def build_layers(section: NetworkSection, outputs: int, example: Shape) -> dict[str, Layer]:
    """Build the layers of a network, the last of which gives `outputs` logits.

    `example` is the shape of the data set's examples, (channels, rows, columns) or (features,).
    """
    weights, biases = initializer(section.weights), initializer(section.biases)
    if not section.layers:
        activation = section.activation
        return perceptron(
            section.hidden,
            lambda: ACTIVATIONS[activation.kind](**activation.values()),
            activation.kind,
            weights,
            biases,
            outputs,
        )
    layers = dict(_listed_layers(section, weights, biases))
    if len(example) == 3 and not all(_takes_vectors(layer) for layer in layers.values()):
        layers = {"image": image(example), **layers}
    return {**layers, "output": affine(outputs, weights, biases)}


def _listed_layers(section: NetworkSection, weights: Initializer, biases: Initializer) -> Iterator[tuple[str, Layer]]:
    """Yield (name, layer) of each item of `layers`.

    A layer without the key `bias` has biases, but not in front of a batch normalization, which subtracts them: their
    gradient would be only rounding, and Adam, which divides by its size, would let them drift.
    """
    for index, (layer, above) in enumerate(pairwise([*section.layers, None])):
        assert layer is not None
        function, values = LAYERS[layer.kind], layer.values()
        initializers: dict[str, Initializer | None] = {"weights": weights, "biases": biases}
        bias = values.pop("bias", None)
        if bias is False or (bias is None and above is not None and above.kind == "batch_norm"):
            initializers["biases"] = None
        given = {name: initializers[name] for name in supplied(function)}
        yield f"layers[{index}]/{layer.kind}", function(**values, **given)


def _takes_vectors(layer: Layer) -> bool:
    """Return whether a layer takes vectors, and not images only."""
    try:
        layer.shape((1,))
    except ValueError:
        return False
    return True
