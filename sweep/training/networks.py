"""Networks, optimizers and schedules, built as a configuration describes them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise
from typing import Any, NamedTuple

from sweep.experiment.sections import Configuration, Kind
from sweep.experiment.sections.network import NetworkSection
from sweep.experiment.sections.registry import supplied
from sweep.nn.bounds import LARGEST
from sweep.nn.initializers import INITIALIZERS, Initializer
from sweep.nn.layer import Layer, Shape
from sweep.nn.layers import LAYERS
from sweep.nn.layers.activations import ACTIVATIONS
from sweep.nn.layers.affine import affine
from sweep.nn.layers.batch_norm import group_size
from sweep.nn.layers.matmul import Products
from sweep.nn.layers.reshaping import image
from sweep.nn.losses import LOSSES
from sweep.nn.network import Network, perceptron, total_size
from sweep.nn.optimizers import OPTIMIZERS, Optimizer
from sweep.nn.penalties import Penalty
from sweep.nn.regression import REGRESSION_LOSSES, numbers
from sweep.nn.schedules import SCHEDULES, Schedule
from sweep.nn.transformations import clip_by_norm


def build_network(
    configuration: Configuration, outputs: int, example: Shape = (), products: Products = "wide"
) -> Network:
    """Build the network with one output for each class, or one for regression.

    `example` is the shape of an example, (channels, rows, columns) or (features,); a perceptron does not need it.
    `products` says how weights are multiplied with samples that are rows of a data set.
    """
    layers = build_layers(configuration.network, outputs, example, products)
    if configuration.is_regression:
        return Network(layers, REGRESSION_LOSSES[configuration.loss], numbers)
    return Network(layers, LOSSES[configuration.loss][configuration.output])


class NetworkSize(NamedTuple):
    """How large a network is for one sample."""

    parameters: int
    """Number of values that it learns."""
    multiplications: int
    """Multiplications of these values in the forward pass."""
    values: int
    """Numbers of the input and of the outputs of all layers."""


def check_fit(configuration: Configuration, outputs: int, example: Shape) -> NetworkSize:
    """Check that layers fit each other, and that outputs fit into memory; return the network's size.

    Raises:
        ValueError: when one does not; the message names it, its input and what it needs.
    """
    kinds = {_name(index, kind): kind for index, kind in enumerate(configuration.network.layers or [])}
    shape: Shape = (math.prod(example),)
    sizes, values = [], math.prod(example)
    for name, layer in build_layers(configuration.network, outputs, example).items():
        if name in kinds and configuration.training.batch_size == 1:
            _check_norm(name, kinds[name], shape)
        try:
            given, shape = shape, layer.shape(shape)
        except ValueError as error:
            if len(example) == 1 and not _takes_vectors(layer):
                raise ValueError(_needs_images(name, shape, example)) from None
            raise ValueError(f"network.{name} {error}") from None
        if math.prod(shape) > LARGEST:
            raise ValueError(f"network.{name} makes {math.prod(shape)} numbers of each example; no memory holds them")
        sizes.append(layer.size(given))
        values += math.prod(shape)
    return NetworkSize(*total_size(sizes), values)


def _check_norm(name: str, layer: Kind, shape: Shape) -> None:
    """Refuse a batch normalization each of whose groups would have a single value in every mini-batch."""
    if layer.kind == "batch_norm" and group_size(layer.values()["over"], shape) == 1:
        raise ValueError(
            f"network.{name} normalizes each feature over the samples of a mini-batch, and training.batch_size is 1: "
            "all of them would be 0, and nothing could be learned; make training.batch_size at least 2"
        )


def _needs_images(name: str, shape: Shape, example: Shape) -> str:
    return (
        f"network.{name} takes an image, but gets a vector of {shape[0]} features, as the examples of the data set are "
        f"vectors of {example[0]} features; use layers of vectors, such as 'affine', or a data set of images, such as "
        "an .npz file whose x has the axes (samples, channels, rows, columns)"
    )


def build_optimizer(configuration: Configuration) -> Optimizer:
    """Build the optimizer, with the gradient clipped where that is asked for."""
    section, clip_norm = configuration.training.optimizer, configuration.training.clip_norm
    optimizer = OPTIMIZERS[section.kind](**section.values())
    return optimizer if clip_norm is None else clip_by_norm(optimizer, clip_norm)


def build_schedule(configuration: Configuration) -> Schedule:
    """Build the schedule of the learning rate."""
    return _schedule(configuration.training.schedule)


def _schedule(section: Kind) -> Schedule:
    values = section.values()
    if then := values.get("then"):
        values["then"] = _schedule(then)
    return SCHEDULES[section.kind](**values)


def build_penalty(configuration: Configuration) -> Penalty:
    """Build the regularization."""
    return Penalty(configuration.training.l1, configuration.training.l2)


def initializer(section: Kind) -> Initializer:
    """Build an initializer."""
    return INITIALIZERS[section.kind](**section.values())


def build_layers(
    section: NetworkSection, outputs: int, example: Shape, products: Products = "wide"
) -> dict[str, Layer]:
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
            products,
        )
    layers = dict(_listed_layers(section, weights, biases, products))
    if len(example) == 3 and not all(_takes_vectors(layer) for layer in layers.values()):
        layers = {"image": image(example), **layers}
    return {**layers, "output": affine(outputs, weights, biases, products)}


def _listed_layers(
    section: NetworkSection, weights: Initializer, biases: Initializer, products: Products
) -> Iterator[tuple[str, Layer]]:
    """Yield (name, layer) of each item of `layers`.

    A layer without the key `bias` has biases, but not in front of a batch normalization, which subtracts them: their
    gradient would be only rounding, and Adam, which divides by its size, would let them drift.
    """
    for index, (layer, above) in enumerate(pairwise([*section.layers, None])):
        assert layer is not None
        function, values = LAYERS[layer.kind], layer.values()
        own: dict[str, Any] = {"weights": weights, "biases": biases, "products": products}
        bias = values.pop("bias", None)
        if bias is False or (bias is None and above is not None and above.kind == "batch_norm"):
            own["biases"] = None
        given = {name: own[name] for name in supplied(function)}
        yield _name(index, layer), function(**values, **given)


def _name(index: int, layer: Kind) -> str:
    return f"layers[{index}]/{layer.kind}"


def _takes_vectors(layer: Layer) -> bool:
    """Return whether a layer takes vectors, and not images only."""
    try:
        layer.shape((1,))
    except ValueError:
        return False
    return True
