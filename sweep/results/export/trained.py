"""A trained network for other programs: its layers with their arrays, its normalization, and what its values mean."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from sweep.data.dataset import Dataset
from sweep.data.normalization import Normalization
from sweep.experiment.sections import Configuration
from sweep.nn.layer import Array, Shape
from sweep.nn.layers.batch_norm import RunningStatistics
from sweep.system.distribution import own_version
from sweep.training.loop import NetworkTrainer


@dataclass(frozen=True, eq=False)
class TrainedLayer:
    """One layer of a trained network."""

    name: str
    """Such as `hidden[0]` or `layers[2]/batch_norm`."""
    kind: str
    """`image`, which makes images of the vectors that data sets hold, or a name of `sweep.nn.layers.LAYERS`."""
    values: Mapping[str, Any]
    """Those of its table in the experiment file, defaults included."""
    shape: Shape
    """Of its input: (features,), or (rows, channels, columns) of an image."""
    arrays: Mapping[str, Array]
    """Of an affine layer `weights` (units, features); of a convolution `weights` (filters, channels, rows, columns); of
    both `biases`, unless they have none; of a batch normalization `gamma`, `beta`, `mean` and `variance`."""


@dataclass(frozen=True, eq=False)
class TrainedNetwork:
    """A network with its kept weights, and all that is needed to apply it."""

    layers: tuple[TrainedLayer, ...]
    normalization: Normalization
    dataset: Dataset
    output: str
    """A name of `sweep.nn.losses.OUTPUTS`."""
    dtype: np.dtype[Any]
    about: Mapping[str, Any]
    """What it is and what its values mean, as JSON."""


def trained_network(trainer: NetworkTrainer, configuration: Configuration, name: str, trial: int) -> TrainedNetwork:
    """Return the network of a trainer; `name` is that of the sweep."""
    layers = tuple(_layers(trainer, configuration))
    dataset, settings = trainer.dataset, trainer.settings
    about = {
        "sweep": name,
        "trial": trial,
        "epoch": trainer.state.epoch,
        "dataset": dataset.name,
        "dataset_sha256": dataset.sha256,
        "task": dataset.task,
        "input_shape": list(dataset.shape),
        "input_axes": "channels, rows, columns" if len(dataset.shape) == 3 else "features",
        "classes": list(dataset.class_names),
        "columns": [] if dataset.encoding is None else list(dataset.encoding.features),
        "transform": configuration.data.transform,
        "normalization": configuration.data.normalization.kind,
        "dtype": str(settings.dtype),
        "output": configuration.output,
        "target": None if dataset.target is None else {"mean": dataset.target.mean, "scale": dataset.target.scale},
        "layers": [{"name": layer.name, "kind": layer.kind, **layer.values} for layer in layers],
        "sweep_version": own_version(),
    }
    return TrainedNetwork(layers, settings.normalization, dataset, configuration.output, settings.dtype, about)


def _layers(trainer: NetworkTrainer, configuration: Configuration) -> Iterator[TrainedLayer]:
    shape: Shape = trainer.evaluation.shape
    kinds = _kinds(configuration, "image" in trainer.settings.network.layers)
    of_trainer = zip(trainer.settings.network.layers.items(), trainer.params, trainer.state.layer_states, strict=True)
    for ((name, layer), params, state), (kind, values) in zip(of_trainer, kinds, strict=True):
        yield TrainedLayer(name, kind, values, shape, _arrays(kind, values, shape, params, state))
        shape = layer.shape(shape)


def _kinds(configuration: Configuration, has_image: bool) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the kind and the values of each layer, as `sweep.training.networks.build_layers` makes them."""
    section = configuration.network
    if has_image:
        yield "image", {}
    for layer in section.layers:
        yield layer.kind, layer.values()
    for units in section.hidden:
        yield "affine", {"units": units}
        yield section.activation.kind, section.activation.values()
    yield "affine", {}


def _arrays(kind: str, values: Mapping[str, Any], shape: Shape, params: Any, state: Any) -> dict[str, Array]:
    """Return the arrays of a layer by name; the last column of its parameters are the biases, if it has any."""
    if isinstance(state, RunningStatistics):
        return {"gamma": params[:, 0], "beta": params[:, 1], "mean": state.mean, "variance": state.variance}
    if params is None:
        return {}
    weights = (shape[1], values["kernel"], values["kernel"]) if kind == "convolution" else shape
    size = int(np.prod(weights))
    found = {"weights": params[:, :size].reshape(len(params), *weights)}
    return found if params.shape[1] == size else {**found, "biases": params[:, size]}
