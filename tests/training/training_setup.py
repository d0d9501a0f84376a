"""Small data sets and settings for the tests of training."""

from __future__ import annotations

import numpy as np

from sweep.data import Dataset, Part, fit
from sweep.nn import initializers
from sweep.nn.layers import activations
from sweep.nn.losses import LOSSES
from sweep.nn.network import Network, perceptron
from sweep.nn.optimizers import sgd
from sweep.records import Seeds
from sweep.training.batches import Batching
from sweep.training.evaluation import Settings


def blobs(train=50, test=21, features=6, classes=3, seed=0):
    """Return Gaussian blobs, one for each class, as bytes."""
    rng = np.random.default_rng(seed)
    centres = rng.integers(40, 200, (classes, features))

    def part(samples):
        t = rng.integers(0, classes, samples)
        x = np.clip(centres[t] + rng.normal(0, 20, (samples, features)), 0, 255)
        return Part(x.astype(np.uint8), t)

    parts = {"train": part(train), "test": part(test)}
    names = tuple(map(str, range(classes)))
    return Dataset("blobs", parts, "classification", names, (features,), "")


def network(
    hidden=(5, 4), activation=activations.tanh, weights=None, classes=3, loss="cross_entropy", output="softmax"
):
    weights = weights or initializers.INITIALIZERS["he_normal"]()
    layers = perceptron(list(hidden), activation, activation.__name__, weights, initializers.zeros(), classes)
    return Network(layers, LOSSES[loss][output])


def settings(dataset, net=None, *, optimizer=None, batch_size=8, epochs=3, dtype="float64", seeds=Seeds(1, 2, 3)):
    return Settings(
        network=net or network(),
        optimizer=optimizer or sgd(0.2),
        normalization=fit("min_max", "all", dataset.train.x, np.dtype(dtype)),
        batching=Batching(batch_size),
        epochs=epochs,
        dtype=np.dtype(dtype),
        seeds=seeds,
    )
