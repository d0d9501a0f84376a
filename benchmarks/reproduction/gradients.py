"""The gradient checks of the documents: backpropagation beside quotients of two losses, on some images of the data set.

Each entry of each parameter is moved by a fixed step to both sides, as the documents do; `sweep gradcheck` chooses the
steps and tells rounding from errors.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sweep.data import data_options, open_dataset, prepare
from sweep.data.normalization import fit
from sweep.experiment.experiment import Experiment
from sweep.experiment.sections import Configuration
from sweep.nn.layer import Call, outputs, without_ones
from sweep.nn.losses import loss_work
from sweep.nn.network import Network, chain, flat_vector
from sweep.nn.optimizers import dense
from sweep.system.environment import one_blas_thread
from sweep.training.networks import build_network

Array = NDArray[np.float64]
DOUBLE = np.dtype(np.float64)
STEP = 1e-4
"""How far each entry is moved to both sides."""


@dataclass
class Point:
    """A perceptron in double precision with a mini-batch, at parameters that may be moved."""

    network: Network
    x: Array
    """Inputs; `(features, samples)`."""
    classes: NDArray[np.int64]
    seed: int
    """Of the first parameters."""

    def __post_init__(self) -> None:
        shape, count = self.x.shape[:-1], self.x.shape[-1]
        self.layers = chain(self.network.layers)
        initial, self.states = self.layers.init(np.random.default_rng(self.seed), shape, DOUBLE)
        self.vector, self.params = flat_vector(initial, DOUBLE)
        self.work = self.layers.work(shape, count, DOUBLE)
        (units,) = self.layers.shape(shape)
        self.loss_work = loss_work(units, count, DOUBLE)
        self.targets = self.network.targets(self.classes, count)
        self.given = outputs(shape, count, DOUBLE)
        without_ones(self.given)[...] = self.x
        self.call = Call(train=True, rng=np.random.default_rng(0))

    def loss(self) -> float:
        """Return the mean loss of the mini-batch."""
        y, _, _ = self.layers.forward(self.params, self.states, self.given, self.work, self.call)
        return float(self.network.loss(y[:-1], self.targets, self.loss_work)[0])

    def gradient(self) -> Array:
        """Return the gradient of backpropagation, flat."""
        y, _, cache = self.layers.forward(self.params, self.states, self.given, self.work, self.call)
        _, dy = self.network.loss(y[:-1], self.targets, self.loss_work)
        _, gradients = self.layers.backward(self.params, cache, dy, self.work, False)
        flat, views = flat_vector(self.params, DOUBLE)
        for gradient, view in zip(gradients, views, strict=True):
            if gradient is not None:
                dense(gradient, view)
        return flat

    def quotients(self, step: float = STEP) -> Array:
        """Return the quotients of differences of the loss for all entries, flat."""
        found = np.empty_like(self.vector)
        for place, value in enumerate(self.vector.copy()):
            self.vector[place] = value + step
            above = self.loss()
            self.vector[place] = value - step
            found[place] = (above - self.loss()) / (2 * step)
            self.vector[place] = value
        return found


def point_of(experiment: Experiment, data: Path | None, images: int) -> Point:
    """Return the network of an experiment at the first training images."""
    trial = experiment.trials()[0]
    configuration = Configuration.model_validate(trial.configuration)
    options = data_options(trial.configuration["data"])
    dataset = open_dataset(prepare(folder=data, base=experiment.folder, **options))
    normalization = configuration.data.normalization
    fitted = fit(normalization.kind, normalization.over, dataset.train.x, DOUBLE)
    raw = dataset.train.x[:images]
    x = np.empty(raw.shape, DOUBLE)
    fitted.apply(raw, x)
    network = build_network(configuration, dataset.outputs, dataset.shape)
    return Point(network, np.ascontiguousarray(x.T), dataset.train.t[:images], trial.seeds.weights)


def mean_differences(experiment: Experiment, data: Path | None, images: int) -> pd.DataFrame:
    """Return the mean absolute difference of both gradients for each layer, at the first parameters."""
    with one_blas_thread():
        point = point_of(experiment, data, images)
        differences = np.abs(point.gradient() - point.quotients())
    rows, begin = [], 0
    for name, params in zip(point.network.layers, point.params, strict=True):
        if params is not None:
            end = begin + params.size
            rows.append({"layer": name, "entries": params.size, "mean difference": differences[begin:end].mean()})
            begin = end
    return pd.DataFrame(rows).assign(images=images)


def relative_differences(
    experiment: Experiment, data: Path | None, images: int, epochs: int, learning_rate: float
) -> pd.DataFrame:
    """Return |a - b| / |a + b| of both gradients, flat, before each epoch of gradient descent on the images."""
    rows = []
    with one_blas_thread():
        point = point_of(experiment, data, images)
        for epoch in range(1, epochs + 1):
            gradient = point.gradient()
            whole, tenth = (relative(gradient, point.quotients(step)) for step in (STEP, STEP / 10))
            rows.append(
                {
                    "epoch": epoch,
                    "relative difference": whole,
                    "with a tenth of the step": tenth,
                    "loss": point.loss(),
                }
            )
            point.vector -= learning_rate * gradient
    return pd.DataFrame(rows).assign(images=images)


def relative(gradient: Array, quotients: Array) -> float:
    """Return |a - b| / |a + b|."""
    return float(np.linalg.norm(gradient - quotients) / np.linalg.norm(gradient + quotients))
